"""
Is the wire Stripe's: forms, errors, headers, keys, versions, pages, expansion, metadata?
"""

import pytest
from orjson import loads

from issuing_disburse.simulator.errors import ApiError
from issuing_disburse.simulator.form import decode, encode

HOLDERS = "/v1/issuing/cardholders"
HOLDER = (
    b"name=Ada&type=company&billing[address][line1]=1&billing[address][city]=C"
    b"&billing[address][postal_code]=1&billing[address][country]=US"
)


def _error(answer):
    return loads(answer.body)["error"]


@pytest.mark.parametrize(
    ("raw", "tree"),
    [
        (b"", {}),
        (b"a=1&b=2", {"a": "1", "b": "2"}),
        (b"a=1+2%2B3", {"a": "1 2+3"}),
        (b"a[b][c]=1", {"a": {"b": {"c": "1"}}}),
        (b"a%5Bb%5D=1", {"a": {"b": "1"}}),
        (b"a[]=1&a[]=2", {"a": ["1", "2"]}),
        (b"a[0]=x&a[1]=y", {"a": {"0": "x", "1": "y"}}),
        (b"a[][b]=1&a[][c]=2&a[][b]=3", {"a": [{"b": "1", "c": "2"}, {"b": "3"}]}),
        (b"a", {"a": ""}),
        (b"&&=x&", {}),
        (b"a=%C3%A9", {"a": "é"}),
    ],
)
def test_form_is_decoded(raw, tree):
    """Nested, indexed, appended and escaped parameters are understood."""
    assert tree == decode(raw)


@pytest.mark.parametrize(
    "raw",
    [
        b"a=1&a[b]=2",
        b"a[b]=1&a=2",
        b"a[b]=1&a[]=2",
        b"a[]=1&a[b]=2",
        b"a[]=1&a[][b]=2",
        b"a[][b]=1&a[]=2&a[x][y]=3",
        b"a[b=1",
        b"[a]=1",
        b"a[][][b]=1",
        b"a[b][c]=1&a[b]=2",
        b"a[][b]=1&a[][]=2",
        b"a=%ff",
        b"\xff=1",
        b"a" + b"[b]" * 9 + b"=1",
        b"&".join(b"a%d=1" % place for place in range(2_001)),
    ],
)
def test_form_is_refused_when_it_has_two_shapes_or_none(raw):
    """What cannot be one tree is a 400."""
    with pytest.raises(ApiError) as caught:
        decode(raw)

    assert 400 == caught.value.status


def test_form_is_encoded_as_the_sdk_does():
    """Indexed lists, lower-case booleans, no nothing."""
    assert b"a%5B0%5D=1&a%5B1%5D=x+y&b%5Bc%5D=true" == encode(
        {"a": [1, "x y"], "b": {"c": True, "d": None}}
    )


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        (HOLDER + b"&nonsense=1", "parameter_unknown", "nonsense"),
        (HOLDER + b"&billing[zip]=1", "parameter_unknown", "billing[zip]"),
        (b"name=Ada", "parameter_missing", "billing"),
        (HOLDER + b"&status=", "parameter_invalid_empty", "status"),
        (HOLDER + b"&status[a]=b", None, "status"),
        (HOLDER + b"&status=odd", None, "status"),
        (HOLDER + b"&individual=", "parameter_invalid_empty", "individual"),
        (HOLDER + b"&company=x", None, "company"),
        (HOLDER + b"&preferred_locales=de", None, "preferred_locales"),
        (HOLDER + b"&preferred_locales[a]=de", None, "preferred_locales"),
        (HOLDER + b"&phone_number[a]=de", None, "phone_number"),
        (HOLDER + b"&metadata=x", None, "metadata"),
        (HOLDER + b"&metadata[a][b]=x", None, "metadata[a]"),
        (HOLDER + b"&metadata[" + b"k" * 41 + b"]=x", None, "metadata[" + "k" * 41 + "]"),
        (HOLDER + b"&metadata[k]=" + b"v" * 501, None, "metadata[k]"),
        (HOLDER + b"".join(b"&metadata[k%d]=v" % n for n in range(51)), None, "metadata"),
        (HOLDER.replace(b"name=Ada", b"name="), "parameter_invalid_empty", "name"),
    ],
)
def test_parameters_are_refused_with_the_right_error(bench, body, code, param):
    """Unknown, missing, empty and mistyped parameters each have their error; nothing is made."""
    answer = bench.raw("POST", HOLDERS, body)

    assert (400, code, param) == (
        answer.status,
        _error(answer).get("code"),
        _error(answer).get("param"),
    )
    assert [] == bench.sim.objects("cardholder")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("limit=0", "parameter_invalid_integer"),
        ("limit=101", "parameter_invalid_integer"),
        ("limit=many", "parameter_invalid_integer"),
        ("limit=", "parameter_invalid_empty"),
        ("limit=" + "9" * 40, "parameter_invalid_integer"),
        ("limit[a]=1", "parameter_invalid_integer"),
        ("starting_after=ich_no", "resource_missing"),
        ("starting_after=a&ending_before=b", "parameters_exclusive"),
        ("created[near]=1", "parameter_unknown"),
        ("created=soon", "parameter_invalid_integer"),
        ("email=" + "x" * 6_000, "parameter_invalid_string_length"),
    ],
)
def test_list_parameters_are_refused_with_the_right_error(bench, query, code):
    """Lists judge their parameters like everything else."""
    answer = bench.raw("GET", f"{HOLDERS}?{query}")

    assert (400, code) == (answer.status, _error(answer).get("code"))


def test_pages_go_both_ways(bench):
    """Cursors are exclusive, newest is first, and has_more is right at both ends."""
    ids = [bench.holder(name=f"Holder {letter}").id for letter in "ABCDE"][::-1]
    holders, opt = bench.client.v1.issuing.cardholders, bench.opt

    def page(**params):
        found = holders.list(params, opt)
        return [each.id for each in found.data], found.has_more

    assert (ids[:2], True) == page(limit=2)
    assert (ids[2:4], True) == page(limit=2, starting_after=ids[1])
    assert (ids[4:], False) == page(limit=2, starting_after=ids[3])
    assert (ids[1:3], True) == page(limit=2, ending_before=ids[3])
    assert (ids[:1], False) == page(limit=2, ending_before=ids[1])
    assert ids == [each.id for each in holders.list({"limit": 2}, opt).auto_paging_iter()]


def test_created_narrows_a_list(bench):
    """All four bounds, and an exact moment."""
    moments = []
    for _ in range(3):
        moments.append(bench.holder().created)
        bench.sim.clock.sleep(10)
    holders = bench.client.v1.issuing.cardholders

    def count(created):
        return len(holders.list({"created": created}, bench.opt).data)

    middle = moments[1]
    assert [2, 1, 2, 1, 1] == [
        count({"gte": middle}),
        count({"gt": middle}),
        count({"lte": middle}),
        count({"lt": middle}),
        count(middle),
    ]


def test_expansion_replaces_ids_by_objects(bench):
    """Dotted paths are followed through lists, up to four levels, on any endpoint."""
    card = bench.card()
    bought = bench.sim.capture(bench.sim.authorize(card.id, 500)["id"])
    name = bought["transactions"][0]["id"]
    path = f"/v1/issuing/transactions/{name}"
    shown = bench.get(path, expand=["card.cardholder", "authorization", "dispute"])
    curl = loads(bench.raw("GET", f"{path}?expand[]=card").body)
    listed = bench.get("/v1/issuing/transactions", expand=["data.balance_transaction"])
    changed = bench.post(path, {"metadata": {"a": "b"}, "expand": ["cardholder"]})

    assert card.cardholder.id == shown["card"]["cardholder"]["id"]
    assert bought["id"] == shown["authorization"]["id"]
    assert shown["dispute"] is None
    assert card.id == curl["card"]["id"]
    assert -500 == listed["data"][0]["balance_transaction"]["net"]
    assert "Jenny Rosen" == changed["cardholder"]["name"]


@pytest.mark.parametrize(
    "path", ["nonsense", "amount", "type", "card.x", "a.b.c.d.e", "card.number"]
)
def test_expansion_is_refused_when_it_leads_nowhere(bench, path):
    """What is no reference cannot be expanded."""
    card = bench.card()
    name = bench.sim.force_capture(card.id, 500)["id"]
    answer = bench.raw("GET", f"/v1/issuing/transactions/{name}?expand[]={path}")

    assert (400, "expand") == (answer.status, _error(answer)["param"])


def test_metadata_merges_and_is_limited(bench):
    """Keys merge, empty values remove, and an object carries fifty at most."""
    holder = bench.holder(metadata={"a": "1", "b": "2"})
    path = f"{HOLDERS}/{holder.id}"

    def change(body):
        return loads(bench.raw("POST", path, body).body)

    assert {"a": "1", "c": "3"} == change(b"metadata[b]=&metadata[c]=3")["metadata"]
    many = b"&".join(b"metadata[k%d]=v" % place for place in range(49))
    assert "metadata" == change(many)["error"]["param"]
    assert {} == change(b"metadata=")["metadata"]
