"""
Does every record come back from JSON exactly as it was?
"""

import subprocess
import sys
import typing
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from enum import Enum
from functools import partial
from types import NoneType, UnionType
from typing import Any

import attrs
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DataObject, SearchStrategy

from issuing_disburse.convert import decode, decode_lines, encode, encode_lines
from issuing_disburse.decision import Use
from issuing_disburse.exceptions import StoreError
from issuing_disburse.ledger import Entry, Line
from issuing_disburse.money import Money
from issuing_disburse.order import Order
from issuing_disburse.recipient import Address, Recipient, UserTerms
from issuing_disburse.records import RECORDS, AccountRecord, ParkedEvent, Row, StepRecord
from issuing_disburse.terms import Terms
from issuing_disburse.testing.store_builders import NOW, make_entry, make_step
from strategies import money, orders, terms, times

texts = st.text(max_size=20)
counts = st.integers(-(2**63), 2**63 - 1)

KNOWN: dict[object, SearchStrategy[Any]] = {
    Money: money(),
    Order: orders(),
    Terms: terms(),
    bool: st.booleans(),
    bytes: st.binary(max_size=40),
    datetime: times(),
    int: counts,
    str: texts,
    NoneType: st.none(),
}
COLLECTIONS: dict[object, Callable[..., SearchStrategy[Any]]] = {
    dict: partial(st.dictionaries, max_size=3),
    frozenset: partial(st.frozensets, max_size=3),
    tuple: lambda one: st.lists(one, max_size=3).map(tuple),
}


def values(kind: Any) -> SearchStrategy[Any]:
    """
    Generate values of any type that a record may hold.
    """
    if kind in KNOWN:
        return KNOWN[kind]
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in COLLECTIONS:
        return COLLECTIONS[origin](*[values(one) for one in arguments if one is not ...])
    if origin is typing.Literal:
        return st.sampled_from(arguments)
    if origin in {typing.Union, UnionType}:
        return st.one_of([values(one) for one in arguments])
    if isinstance(kind, type) and issubclass(kind, Enum):
        return st.sampled_from(list(kind))
    return records(kind)


def records(kind: type[Any]) -> SearchStrategy[Any]:
    """
    Generate whole records, every field of its type.
    """
    hints = typing.get_type_hints(kind)
    fields = {one.name: values(hints[one.name]) for one in attrs.fields(kind) if one.init}
    return st.builds(kind, **fields)


@pytest.mark.parametrize("kind", [*RECORDS, Entry, Line, Use, Order])
@settings(max_examples=settings.default.max_examples // 3)  # each is a whole record
@given(data=st.data())
def test_record_is_the_same_when_it_went_through_json(kind: type[Any], data: DataObject) -> None:
    """Times with microseconds, money, sets, bytes, nothing: every field survives."""
    record = data.draw(values(kind))

    assert record == decode(kind, encode(record))


def test_order_is_the_same_when_its_recipient_is_unusual() -> None:
    """Names are stored as they go to Stripe, dates and acceptance times with them."""
    address = Address(line1="Schöne Straße 1", city="Köln", postal_code="50667", country="DE")
    company = Recipient.company(name="Groß & Co".replace("&", "und"), billing=address)
    person = Recipient.individual(
        first_name="Zoë", last_name="O'Hara-Łuk", billing=address, phone_number="+49 221 123456",
        date_of_birth=date(2000, 2, 29), user_terms=UserTerms(accepted_at=NOW, ip="2001:db8::1"),
    )  # fmt: skip

    for recipient in (company, person):
        order = Order("claim-1", recipient, Money(12_500, "eur"))
        assert order == decode(Order, encode(order))


@given(chain=st.lists(records(Line), max_size=4).map(tuple))
def test_lines_are_the_same_when_they_went_through_json(chain: tuple[Line, ...]) -> None:
    """The compact form of ledger lines loses nothing."""
    assert chain == decode_lines(encode_lines(chain))


def test_chain_still_verifies_when_an_entry_was_decoded() -> None:
    """What was hashed before is hashed to the same value afterwards."""
    entry = make_entry(1)

    assert entry.digest == decode(Entry, encode(entry)).sealed().digest


def test_unknown_keys_are_ignored_when_a_newer_version_wrote_them() -> None:
    """A field that this version does not know is no obstacle."""
    step = make_step("card")
    body = orjson.loads(encode(step)) | {"invented_later": {"a": [1]}}

    assert step == decode(StepRecord, orjson.dumps(body))


def test_defaults_are_taken_when_an_older_version_did_not_write_them() -> None:
    """A field with a default may be missing in what is stored."""
    body = orjson.dumps({"account": "acct_1"})

    assert AccountRecord(account="acct_1") == decode(AccountRecord, body)


def test_every_field_is_written_when_it_has_its_default() -> None:
    """What is stored does not depend on defaults, which may change later."""
    stored = orjson.loads(encode(AccountRecord(account=None)))

    assert {one.name for one in attrs.fields(AccountRecord)} == set(stored)


def test_times_are_kept_in_utc_when_they_had_another_offset() -> None:
    """An aware time is the same moment afterwards, in UTC."""
    there = timezone(timedelta(hours=5, minutes=30))
    step = make_step("card", started_at=NOW.astimezone(there))

    read = decode(StepRecord, encode(step))

    assert NOW == read.started_at
    assert UTC is read.started_at.tzinfo


def test_naive_times_are_refused_when_writing() -> None:
    """A time without a zone could be any moment: it is never written."""
    with pytest.raises(ValueError, match="zone"):
        encode(make_step("card", started_at=datetime(2026, 11, 2)))  # noqa: DTZ001 - the point


@pytest.mark.parametrize("kind", [StepRecord, ParkedEvent, Entry, Order])
@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'{"scope": "secret-7"}', b'{"fact": {}, "event_id": "e"}']
)
def test_damage_is_reported_without_content_when_reading(kind: type[Row], body: bytes) -> None:
    """What cannot be read is a `StoreError` that names the kind and quotes nothing."""
    with pytest.raises(StoreError, match=kind.__name__) as caught:
        decode(kind, body)

    assert "secret-7" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_import_is_cheap_when_nothing_is_converted() -> None:
    """A process that keeps everything in memory never loads the converter's library."""
    code = "import sys, issuing_disburse.convert; print('cattrs' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)  # noqa: S603 - our own

    assert b"False" == done.stdout.strip()
