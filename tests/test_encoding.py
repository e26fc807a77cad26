"""
Is the form that we encode the one that Stripe's SDK would have sent?
"""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qsl

import pytest
import stripe
from hypothesis import given
from hypothesis import strategies as st

from issuing_disburse.encoding import form
from scripted_client import ScriptedClient, ok


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, b""),
        ({"a": None}, b""),
        ({"a": []}, b""),
        ({"a": {}}, b""),
        ({"a": ""}, b"a="),
        ({"a": "x y&z=ä/+[]"}, b"a=x+y%26z%3D%C3%A4%2F%2B%5B%5D"),
        ({"a": True, "b": False}, b"a=true&b=false"),
        ({"a": 0, "b": -5, "c": 10**12}, b"a=0&b=-5&c=1000000000000"),
        ({"a": ["x", "y"]}, b"a[0]=x&a[1]=y"),
        ({"a": ("x", {"b": 1})}, b"a[0]=x&a[1][b]=1"),
        ({"a": {"b": {"c": [1]}}}, b"a[b][c][0]=1"),
        ({"a": {"b": None, "c": "d"}}, b"a[c]=d"),
        ({"metadata": {"a key": "v"}}, b"metadata[a+key]=v"),
        ({"at": datetime(2026, 11, 2, 9, tzinfo=UTC)}, b"at=1793610000"),
        (
            {"at": datetime(2026, 11, 2, 10, tzinfo=timezone(timedelta(hours=1)))},
            b"at=1793610000",
        ),
        ({"b": 1, "a": 2}, b"b=1&a=2"),
    ],
)
def test_form_encodes_as_stripe_reads(params: dict[str, Any], expected: bytes) -> None:
    """Nested names, indexed lists, booleans in words, Unix seconds, in the order given."""
    assert expected == form(params)


names = st.from_regex(r"[a-z_]{1,8}", fullmatch=True)
texts = st.one_of(st.text(max_size=8), st.integers(-(10**9), 10**9))
# In a list the SDK writes Python's own False, which Stripe would not read: none of those here.
values: st.SearchStrategy[Any] = st.recursive(
    st.one_of(texts, st.booleans(), st.lists(texts, max_size=3)),
    lambda inner: st.one_of(
        st.dictionaries(names, inner, max_size=3),
        st.lists(st.dictionaries(names, inner, min_size=1, max_size=3), max_size=3),
    ),
    max_leaves=8,
)


@given(st.dictionaries(names, values, max_size=4))
def test_form_is_what_the_sdk_sends(params: dict[str, Any]) -> None:
    """Through the SDK's own door the same parameters give the same names and values."""
    wire = ScriptedClient(ok())
    client = stripe.StripeClient("sk_test_x", http_client=wire)
    client.raw_request("post", "/v1/anything", **{"expand": ["x"], **params})

    ours = form({"expand": ["x"], **params}).decode()
    assert parse_qsl(wire.sent[0].body, keep_blank_values=True) == parse_qsl(
        ours, keep_blank_values=True
    )
