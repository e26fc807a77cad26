"""
Is a scrubbed copy without secrets and people, the same when it is scrubbed again, and still the same request?
"""

import base64
import copy
import gzip
import json
import zlib
from typing import Any
from urllib.parse import parse_qs, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from issuing_disburse.encoding import form
from issuing_disburse.testing.cassettes.bodies import UnreadableError, unpacked
from issuing_disburse.testing.cassettes.matching import Binding, differences, form_of
from issuing_disburse.testing.cassettes.numbers import PUBLISHED, is_card_number, stand_in
from issuing_disburse.testing.cassettes.persons import Pseudonyms
from issuing_disburse.testing.cassettes.scrubbing import Answered, Scrubber, Sent
from leaky_recordings import EPHEMERAL, LIVE, NUMBER, SIGNING

KIND = {"Content-Type": ["application/json"]}
FORM = "application/x-www-form-urlencoded"
NAMES = (
    "name", "email", "phone_number", "first_name", "last_name", "line1", "line2", "city", "state",
    "postal_code", "country", "ip", "user_agent", "tax_id", "number", "cvc", "secret", "client_secret",
    "note", "description", "message", "id", "object", "status", "amount", "created", "dob", "day", "month",
    "year", "billing", "address", "individual", "company", "metadata", "merchant_data", "shipping", "data",
    "card", "cardholder", "expand", "verification", "card_issuing", "user_terms_acceptance",
)  # fmt: skip
WORDS = st.sampled_from(
    ["Jenny Rosen", "Jenny", "jenny@example.org", "+18008675309", "123 Main St", "Columbus", "OH", "43004", "active",
     "issuing.cardholder", "customer", "203.0.113.7", "198.51.100.9", "for Jenny Rosen in Columbus", "person-3@example.com",
     "Person-2", "<name>", NUMBER, "837", "[scrubbed]", "sk_test_51H8abc", LIVE, SIGNING, "", "a=b&c", "ä ö", "14", '{"email": "jenny@example.org"}']
)  # fmt: skip
LEAVES = st.one_of(WORDS, st.text(max_size=12), st.integers(), st.booleans(), st.none())
TREES: Any = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(NAMES), inner, max_size=5)
    ),
    max_leaves=14,
)
TABLES = st.dictionaries(st.sampled_from(NAMES), TREES, min_size=1, max_size=6)
FIELDS = st.lists(
    st.tuples(
        st.lists(st.sampled_from(NAMES), min_size=1, max_size=3).map(
            lambda names: names[0] + "".join(f"[{one}]" for one in names[1:])
        ),
        st.one_of(WORDS, st.text(max_size=12)),
    ),
    min_size=1,
    max_size=8,
)
PATHS = st.sampled_from(
    ["/v1/issuing/cardholders", "/v1/issuing/cards/ic_1", "/v1/customers/a@b.org"]
)


def asked(body: bytes, kind: str = FORM, path: str = "/v1/issuing/cardholders") -> Sent:
    """
    Make a request.
    """
    headers = {"Content-Type": kind, "Stripe-Account": "acct_1", "Authorization": f"Bearer {LIVE}"}
    return Sent(method="POST", uri=f"https://api.stripe.com{path}", headers=headers, body=body)


def told(value: Any) -> Any:
    """
    Scrub an answer of JSON, and read it.
    """
    sent = Answered(status=200, headers=KIND, body=json.dumps(value).encode())
    return json.loads(Scrubber().answer(sent).body)


@given(TABLES, PATHS)
def test_an_answer_is_the_same_when_it_is_scrubbed_again(tree: Any, path: str) -> None:
    """Scrubbing what is scrubbed changes nothing, by the same scrubber or by a new one."""
    scrubber = Scrubber()
    answer = Answered(status=200, headers=KIND, body=json.dumps(tree).encode())
    once = scrubber.answer(answer, about=path)

    assert once == scrubber.answer(once, about=path)
    assert once == Scrubber().answer(once, about=path)


@given(FIELDS, PATHS)
def test_a_request_is_the_same_when_it_is_scrubbed_again(fields: Any, path: str) -> None:
    """The same holds for a form, in whatever order its fields were sent."""
    scrubber = Scrubber()
    sent = asked(urlencode(fields).encode(), path=path)
    once = scrubber.request(sent)

    assert once == scrubber.request(once)
    assert once == Scrubber().request(once)
    assert once == scrubber.request(sent)


@given(
    st.dictionaries(
        st.sampled_from(NAMES), st.one_of(WORDS, st.integers()), min_size=1, max_size=8
    ),
    PATHS,
)
def test_a_request_matches_its_scrubbed_self_when_it_is_compared(table: Any, path: str) -> None:
    """The test's real data match what was kept of them, in another order as well."""
    scrubber = Scrubber()
    sent = asked(form(table), path=path)
    reverse = asked(form(dict(reversed(table.items()))), path=path)
    kept = scrubber.request(scrubber.request(sent))

    for one in (sent, reverse):
        ours, theirs = form_of(one, {}), form_of(kept, {})

        assert Binding().joins(ours, theirs), list(differences(ours, theirs))


@given(TABLES)
def test_what_was_given_stays_when_a_copy_is_scrubbed(tree: Any) -> None:
    """The objects of the test are untouched."""
    answer = Answered(status=200, headers=KIND, body=json.dumps(tree).encode())
    before = copy.deepcopy(answer)
    Scrubber().answer(answer)

    assert before == answer


@given(st.from_regex(r"\A[0-9]{13,19}\Z"))
def test_a_stand_in_is_a_test_number_when_a_number_is_replaced(digits: str) -> None:
    """What stands for a number is a published test number with the same end, and stands for itself."""
    found = stand_in(digits)

    assert digits[-4:] == found[-4:]
    assert PUBLISHED.fullmatch(found)
    assert found == stand_in(found)
    assert not is_card_number(found)


def test_secrets_are_replaced_when_they_stand_in_their_fields() -> None:
    """Numbers, CVCs and secrets go by the names of their fields, at any depth and as numbers, too."""
    value = {
        "number": NUMBER, "cvc": "837", "card": {"number": int(NUMBER), "cvc": 837}, "secret": SIGNING,
        "list": [{"client_secret": "pi_1_secret_2"}], "ephemeral": {"object": "ephemeral_key", "secret": EPHEMERAL},
        "exp_month": 12, "last4": "1486", "number_of_uses": 3, "secrets_kept": True, "api_key": "abc", "token": "intok_1",
    }  # fmt: skip

    assert {
        "number": stand_in(NUMBER), "cvc": "000", "card": {"number": stand_in(NUMBER), "cvc": "000"},
        "secret": "[scrubbed]", "list": [{"client_secret": "[scrubbed]"}],
        "ephemeral": {"object": "ephemeral_key", "secret": "[scrubbed]"},
        "exp_month": 12, "last4": "1486", "number_of_uses": 3, "secrets_kept": True, "api_key": "[scrubbed]",
        "token": "intok_1",
    } == told(value)  # fmt: skip


def test_people_are_replaced_when_they_are_people() -> None:
    """Persons get pseudonyms; merchants and everything else keep their names."""
    value = {
        "object": "issuing.cardholder", "name": "Jenny Rosen", "email": "jenny@example.org",
        "billing": {"address": {"line1": "123 Main St", "city": "Columbus", "country": "US"}},
        "individual": {"first_name": "Jenny", "dob": {"day": 14, "month": 3, "year": 1985}},
        "status": "active",
        "merchant_data": {"name": "Rocket Rides", "city": "San Francisco", "state": "CA"},
        "metadata": {"for": "Jenny Rosen", "order": "claim-1"},
        "message": "Invalid address 123 Main St of JENNY@example.org",
    }  # fmt: skip

    assert {
        "object": "issuing.cardholder", "name": "Person-1", "email": "person-1@example.com",
        "billing": {"address": {"line1": "Street-1", "city": "City-1", "country": "US"}},
        "individual": {"first_name": "Given-1", "dob": {"day": 1, "month": 1, "year": 1970}},
        "status": "active",
        "merchant_data": {"name": "Rocket Rides", "city": "San Francisco", "state": "CA"},
        "metadata": {"for": "Person-1", "order": "claim-1"},
        "message": "Invalid address Street-1 of person-1@example.com",
    } == told(value)  # fmt: skip


def test_a_person_keeps_a_pseudonym_when_asked_and_answered() -> None:
    """The same person has the same pseudonym in requests, addresses and answers; another has another."""
    scrubber = Scrubber(Pseudonyms())
    sent = scrubber.request(asked(b"email=jenny%40example.org&name=Jenny"))
    listed = scrubber.request(asked(b"", path="/v1/issuing/cardholders?email=jenny%40example.org"))
    people = [
        {"object": "issuing.cardholder", "email": one} for one in ("max@b.org", "jenny@example.org")
    ]
    answer = scrubber.answer(
        Answered(status=200, headers=KIND, body=json.dumps({"data": people}).encode())
    )

    assert ["person-1@example.com"] == parse_qs(sent.body.decode())["email"]
    assert listed.uri.endswith("?email=person-1%40example.com")
    assert ["person-2@example.com", "person-1@example.com"] == [
        one["email"] for one in json.loads(answer.body)["data"]
    ]


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        ("gzip", gzip.compress),
        ("x-gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", lambda body: zlib.compress(body)[2:-4]),
        ("gzip, deflate", lambda body: zlib.compress(gzip.compress(body))),
        ("identity", lambda body: body),
        ("gzip", lambda body: body),  # undone by the client, which left the header
    ],
)
def test_a_packed_answer_is_unpacked_when_it_is_scrubbed(name: str, pack: Any) -> None:
    """What was packed is kept as plain text, with a length that is right and no encoding."""
    body = json.dumps({"number": NUMBER}).encode()
    packed = pack(body)
    headers = {**KIND, "Content-Encoding": [name], "Content-Length": [str(len(packed))]}
    clean = Scrubber().answer(Answered(status=200, headers=headers, body=packed))

    assert {"number": stand_in(NUMBER)} == json.loads(clean.body)
    assert str(len(clean.body)) == clean.headers["Content-Length"][0]
    assert packed == body or "Content-Encoding" not in clean.headers


@pytest.mark.parametrize("name", ["gzip", "deflate", "br", "zstd", "compress", "aes128gcm"])
def test_a_packing_is_refused_when_it_cannot_be_undone(name: str) -> None:
    """Broken or unknown packings raise, and the message names the packing alone."""
    with pytest.raises(UnreadableError, match=name):
        unpacked(b"\xff\x00\x81" * 50, [name])


def test_a_multipart_form_is_scrubbed_when_it_is_sent() -> None:
    """Each part is scrubbed by its name, files are left, and the border is the same each time."""

    def sent(border: str) -> bytes:
        parts = [
            ("email", "jenny@example.org"),
            ("number", NUMBER),
            ("purpose", "dispute_evidence"),
        ]
        lines = [
            f'--{border}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in parts
        ]
        return "".join([*lines, f"--{border}--\r\n"]).encode()

    one, other = (
        Scrubber().request(asked(sent(border), f"multipart/form-data; boundary={border}"))
        for border in ("abc", "xyz")
    )

    assert one == other
    assert one == Scrubber().request(one)
    assert b"person-1@example.com" in one.body
    assert stand_in(NUMBER).encode() in one.body
    assert b"dispute_evidence" in one.body


def test_headers_go_when_they_say_who_asks() -> None:
    """Of a request only headers with a meaning stay; of an answer all that hold no secret by their name."""
    headers = {
        "Authorization": "Basic " + base64.b64encode(LIVE.encode()).decode(), "Cookie": "a=b", "X-Api-Key": "k",
        "User-Agent": "x", "X-Stripe-Client-User-Agent": "{}", "stripe-account": "acct_1",
        "Stripe-Version": "2026-10-28.endive", "Idempotency-Key": "k-1", "content-type": f"{FORM}; charset=utf-8",
    }  # fmt: skip
    sent = Scrubber().request(
        Sent(method="post", uri="https://user:pass@h/p", headers=headers, body=b"a=1")
    )
    answered = {
        "Set-Cookie": ["a=b"],
        "X-Auth-Token": ["t"],
        "Request-Id": ["req_1"],
        "ETag": ['"x"'],
    }
    answer = Scrubber().answer(Answered(status=200, headers=answered, body=b""))

    assert {
        "Stripe-Account": "acct_1", "Stripe-Version": "2026-10-28.endive", "Idempotency-Key": "k-1", "Content-Type": FORM,
    } == sent.headers  # fmt: skip
    assert ("POST", "https://h/p") == (sent.method, sent.uri)
    assert {"Request-Id": ["req_1"], "ETag": ['"x"']} == answer.headers


@pytest.mark.parametrize("name", ["Location", "content-location"])
def test_an_address_is_scrubbed_when_an_answer_points_to_it(name: str) -> None:
    """Where a redirect leads to holds no user, no secret and nobody's e-mail."""
    address = "https://user:pass@h/p?access_token=t&email=jenny@example.org&page=2#access_token=t"
    answered = Answered(status=302, headers={name: [address]}, body=b"")

    assert {
        name: ["https://h/p?access_token=%5Bscrubbed%5D&email=person-1%40example.com&page=2"]
    } == Scrubber().answer(answered).headers


def test_json_is_scrubbed_when_it_begins_with_a_byte_order_mark() -> None:
    """A mark that some writers put before a document does not hide its fields."""
    body = '\ufeff{"cvc":"837","email":"jenny@example.org"}'.encode()

    assert b'{"cvc":"000","email":"person-1@example.com"}' == Scrubber().body(
        body, "application/json"
    )


def test_a_pseudonym_stays_when_somebody_is_called_like_one() -> None:
    """Real data that look like a pseudonym, or like a part of one, spoil no other."""
    value = {
        "email": "Person-2",
        "individual": {"first_name": "Person"},
        "note": "for Person-1 and person-2@example.com, Person",
    }
    once = told(value)

    assert once == told(once)
    assert "for Person-1 and person-2@example.com, Given-1" == once["note"]


def test_two_people_are_not_mixed_up_when_a_request_is_matched() -> None:
    """Who was bound to one pseudonym is not taken for another, and two are not taken for one."""
    scrubber = Scrubber()
    jenny, max_ = asked(b"email=jenny%40example.org"), asked(b"email=max%40example.org")
    first, second = (form_of(scrubber.request(one), {}) for one in (jenny, max_))
    binding = Binding()

    assert binding.joins(form_of(max_, {}), second)
    assert not binding.joins(form_of(max_, {}), first)
    assert not binding.joins(form_of(jenny, {}), second)
    assert binding.joins(form_of(jenny, {}), first)
