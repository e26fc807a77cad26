"""
Is somebody's data taken out of the errors that quote it, and nothing else?
"""

import pytest

from issuing_disburse.quoting import Quoted
from issuing_disburse.redaction import without_people

SENT = (
    b"name=Jenny+Rosen&email=jenny%40example.com&phone_number=%2B18008675309"
    b"&individual[first_name]=Jenny&individual[last_name]=An&individual[dob][year]=1985"
    b"&individual[dob][month]=3&individual[dob][day]=14&billing[address][line1]=1+Main+St"
    b"&billing[address][state]=Ohio&billing[address][country]=US&metadata[year]=2026"
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("JENNY ROSEN is blocked", "[personal] is blocked"),
        ("jenny is blocked", "[personal] is blocked"),
        ("no mail to jenny%40example.com", "no mail to [personal]"),
        ("call (800) 867-5309 or 8675309", "call [personal] or [personal]"),
        ("born 1985-03-14, or 14.3.1985", "born [personal], or [personal]"),
        ("1 main st, ohio", "[personal], [personal]"),
        ("An: an account can answer", "[personal]: [personal] account can answer"),
        ("Only US in 2026, at most 12345678", "Only US in 2026, at most 12345678"),
    ],
)
def test_an_error_loses_what_it_quotes_of_a_person(text: str, expected: str) -> None:
    """In any case, percent-encoded, and phones and dates in other forms; short names as words only."""
    assert expected == Quoted.of(SENT).taken_out_of(text)


def test_a_text_whose_small_letters_are_longer_is_searched_as_it_is_written() -> None:
    """Some letters have no small form of one mark: places are then not counted in another text."""
    assert "\u0130 [personal]" == Quoted(texts=("rosen",)).taken_out_of("\u0130 rosen")


def test_an_error_about_nobody_stays_as_it_is() -> None:
    """What was sent about no person takes nothing out."""
    assert "Nope: 1985." == Quoted.of(b"amount=1985").taken_out_of("Nope: 1985.")


def test_an_answer_loses_what_its_cardholders_say_of_persons() -> None:
    """Wherever a cardholder stands, only what the library reads of it is left."""
    holder = {"object": "issuing.cardholder", "id": "ich_1", "name": "Jenny", "billing": {"a": "b"}}
    page = {"data": [{"object": "issuing.card", "name": "kept", "cardholder": dict(holder)}, 7]}
    left = {"object": "issuing.cardholder", "id": "ich_1"}

    expected = {"data": [{"object": "issuing.card", "name": "kept", "cardholder": left}, 7]}
    assert expected == without_people(page)
    assert left == without_people(dict(holder))
