"""
Is a wrong argument refused at once, by its name and with a remedy?
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from issuing_disburse import Disburser, InvalidInputError, PrefundedRoute
from issuing_disburse.simulator import IssuingSimulator
from world import make_order

GIVEN: dict[str, Any] = {
    "api_key": "sk_test_made_up",
    "account": "acct_1",
    "webhook_secret": "whsec_made_up",
    "store": "memory://",
}


def connect(**changes: Any) -> Disburser:
    """
    Connect as a newcomer would, but for *changes*.
    """
    return Disburser.connect(**{**GIVEN, **changes})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("webhook_secret", "sk_test_made_up"),
        ("webhook_secret", ["whsec_made_up", "rk_live_made_up"]),
        ("policy", "strict"),
        ("policy", lambda request, allotment: None),
        ("route", object()),
        ("route", PrefundedRoute),
        ("reclaim_policy", "keep"),
        ("others", "ours"),
        ("http_client", "https"),
        ("clock", datetime(2026, 11, 2, tzinfo=UTC)),
        ("clock", lambda: datetime(2026, 11, 2)),  # noqa: DTZ001  # this is the mistake
        ("sleep", 3),
        ("sleep", asyncio.sleep),
        ("timer", 1.5),
        ("lease_seconds", 0),
        ("lease_seconds", float("nan")),
        ("lease_seconds", "120"),
        ("preview_version", "latest"),
        ("api_base", "localhost"),
        ("api_base", "ftp://127.0.0.1"),
        ("api_base", "http://127.0.0.1:12111/v1"),
        ("low_balance", 5),
        ("low_balance", [5]),
    ],
)
def test_connect_names_the_argument_when_it_is_wrong(name: str, value: object) -> None:
    """Whatever is wrong is refused before anything is opened or sent, with field and remedy."""
    with pytest.raises(InvalidInputError) as refused:
        connect(**{name: value})

    assert name == refused.value.field
    assert refused.value.remedy


@pytest.mark.parametrize(
    "host", ["http://127.0.0.1:12111", "http://localhost", "https://proxy.example"]
)
def test_connect_takes_a_live_key_when_nobody_can_listen(host: str) -> None:
    """A live key may go through TLS, or to this machine."""
    with connect(api_key="rk_live_made_up", api_base=host) as disburser:
        assert "<Disburser live acct_1>" == repr(disburser)


def test_connect_refuses_a_live_key_when_the_network_could_read_it() -> None:
    """A live key goes to no other machine without TLS, and no error repeats it."""
    with pytest.raises(InvalidInputError) as refused:
        connect(api_key="rk_live_made_up", api_base="http://stripe.internal")

    assert "api_base" == refused.value.field
    assert "made_up" not in str(refused.value)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda disburser: disburser.disburse("claim-8841"), "order"),
        (lambda disburser: disburser.forget("supplier-17"), "recipient"),
        (lambda disburser: disburser.reclaim_expired(limit=-1), "limit"),
        (lambda disburser: disburser.reclaim_expired(limit="x"), "limit"),
        (lambda disburser: disburser.alerts("nope"), "kind"),
        (lambda disburser: disburser.alerts(since=datetime(2026, 11, 2)), "since"),  # noqa: DTZ001  # likewise
    ],
)
def test_a_method_names_the_argument_when_it_is_wrong(
    call: Callable[[Disburser], object], name: str
) -> None:
    """Methods refuse by name as well, and send nothing."""
    with connect() as disburser, pytest.raises(InvalidInputError) as refused:
        call(disburser)

    assert name == refused.value.field


def test_arguments_at_their_edges_are_taken() -> None:
    """What is unusual and right passes: a short lease, one amount as threshold, a dated version."""
    with IssuingSimulator(seed=7) as simulator:
        account = simulator.create_account()
        with connect(
            api_key=simulator.api_key,
            account=account,
            http_client=simulator.http_client(),
            lease_seconds=0.5,
            preview_version="2026-10-28.endive",
            low_balance=make_order().amount,
        ) as disburser:
            assert () == disburser.reclaim_expired(limit=1)
