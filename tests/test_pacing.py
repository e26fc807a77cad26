"""
Are requests kept under Stripe's limits, in turn, and is nobody held up for longer than that takes?
"""

import threading
from itertools import pairwise
from typing import Any

import pytest

from issuing_disburse import InvalidInputError, RateLimits
from issuing_disburse.pacing import WINDOW_SECONDS, Pacer
from issuing_disburse.rate_limits import endpoint_of
from napping import CARDS, HOLDERS, Nap, asked, most_in_a_second
from scripted_client import make_api, ok, refused


def paced(nap: Nap, **limits: Any) -> Pacer:
    """
    Make a pacer on the time of *nap*.
    """
    whole: dict[str, Any] = {"per_account": 100, "per_endpoint": 25, **limits}
    return Pacer(RateLimits(**whole), clock=nap.now, sleep=nap.sleep)


def sent_at(pacer: Pacer, nap: Nap, count: int, **request: Any) -> list[float]:
    """
    Send *count* requests one after the other, and return when each one left.
    """
    times = []
    for _ in range(count):
        pacer.wait(asked(**request))
        times.append(nap.seconds)
    return times


def test_requests_leave_at_once_while_there_is_room_and_evenly_when_there_is_none() -> None:
    """A short run never waits; a long one is spread, just under the limit."""
    nap = Nap()
    pacer = paced(nap)
    times = sent_at(pacer, nap, 200)
    gaps = [later - earlier for earlier, later in pairwise(times[25:])]

    assert [0.0] * 25 == times[:25]
    assert 25 == most_in_a_second(times)
    assert all(0.04 <= gap <= 0.043 for gap in gaps)
    assert 200 / 25 * 0.9 < times[-1] < 200 / 25 / 0.9


def test_account_is_limited_over_all_its_endpoints_and_others_are_not() -> None:
    """What is counted is counted for each account; one account's crowd is nobody else's."""
    nap = Nap()
    pacer = paced(nap, per_account=30)
    sent_at(pacer, nap, 25)
    sent_at(pacer, nap, 5, path=HOLDERS)
    assert [] == nap.naps

    sent_at(pacer, nap, 1, account="acct_2")
    sent_at(pacer, nap, 1, account=None)
    assert [] == nap.naps
    sent_at(pacer, nap, 1, path="/v1/balance", method="get")

    assert [pytest.approx(WINDOW_SECONDS)] == nap.naps


def test_connected_accounts_share_the_platforms_limit_when_it_is_counted_so() -> None:
    """Where Stripe counts against the platform, all accounts stand in one line."""
    nap = Nap()
    pacer = paced(nap, counted_by="platform", per_account=25)
    for number in range(25):
        sent_at(pacer, nap, 1, account=f"acct_{number}")
    assert [] == nap.naps
    sent_at(pacer, nap, 1, account=None)

    assert [pytest.approx(WINDOW_SECONDS)] == nap.naps


def test_endpoint_with_a_figure_of_its_own_is_held_to_it() -> None:
    """Payouts take 15 a second, whatever the others take."""
    nap = Nap()

    assert 15 == most_in_a_second(sent_at(paced(nap), nap, 60, path="/v1/payouts"))


@pytest.mark.parametrize("is_frozen", [True, False])
def test_clock_that_stands_still_stops_nobody(is_frozen: bool) -> None:
    """The time that was slept has passed, whatever the clock shows: no wait is asked for twice."""
    nap = Nap(is_frozen=is_frozen)
    sent_at(paced(nap), nap, 1_000)

    assert 975 == len(nap.naps)
    assert 975 / 25 * WINDOW_SECONDS == pytest.approx(sum(nap.naps), rel=0.03)


def test_clock_that_is_set_back_delays_nobody_by_more_than_his_turn() -> None:
    """An hour that is lived twice is not waited for."""
    nap = Nap()
    pacer = paced(nap)
    sent_at(pacer, nap, 30)
    nap.seconds -= 3_600
    sent_at(pacer, nap, 30)

    assert max(nap.naps) <= WINDOW_SECONDS + 1e-6


def test_late_sleepers_do_not_leave_all_at_once() -> None:
    """Threads that were held up together are still no more than the limit of any second."""
    nap = Nap()
    pacer = paced(nap, per_endpoint=5)
    times: list[float] = []
    waiting: list[float] = []

    def overslept(seconds: float) -> None:
        # While one waits, others come and wait behind him; then all wake up a second late.
        waiting.append(seconds)
        if len(waiting) < 12:
            pacer.wait(asked())
            times.append(nap.seconds)
        nap.seconds += 1.0 if len(waiting) == 12 else 0.0
        nap.seconds += waiting.pop()

    slow = Pacer(RateLimits(per_account=100, per_endpoint=5), clock=nap.now, sleep=overslept)
    pacer = slow
    for _ in range(30):
        pacer.wait(asked())
        times.append(nap.seconds)

    assert 5 == most_in_a_second(sorted(times))


def test_crowd_before_one_endpoint_holds_up_nobody_for_another() -> None:
    """Sixty requests for cards are in line; one for a cardholder goes at once."""
    nap = Nap()
    held = threading.Event()

    def sleep(seconds: float) -> None:
        held.wait(20)
        nap.sleep(seconds)

    pacer = Pacer(RateLimits(per_account=100), clock=nap.now, sleep=sleep)
    crowd = [threading.Thread(target=pacer.wait, args=(asked(),)) for _ in range(60)]
    for thread in crowd:
        thread.start()
    try:
        pacer.wait(asked(HOLDERS))
        passed = nap.seconds
    finally:
        held.set()
        for thread in crowd:
            thread.join(20)

    assert 0.0 == passed
    assert 35 == len(nap.naps)


def test_those_who_wait_leave_in_the_order_in_which_they_came() -> None:
    """Nobody overtakes: each one's turn is kept for him when he comes."""
    nap = Nap(is_frozen=True)
    pacer = paced(nap, per_endpoint=5)
    sent_at(pacer, nap, 5)
    turns: list[float] = []
    order = threading.Condition()
    known: dict[int, float] = {}

    def sleep(seconds: float) -> None:
        with order:
            known.setdefault(threading.get_ident(), seconds)
            turns.append(seconds)
            order.notify_all()
            order.wait_for(lambda: len(turns) >= 10, timeout=20)

    pacer._sleep = sleep  # noqa: SLF001 - from now on they wait for each other
    threads = []
    for number in range(10):
        threads.append(threading.Thread(target=pacer.wait, args=(asked(),)))
        threads[-1].start()
        with order:
            order.wait_for(lambda: len(turns) > number, timeout=20)  # noqa: B023 - waits here
    for thread in threads:
        thread.join(20)

    assert sorted(turns[:10]) == turns[:10]
    assert 10 == len(set(turns[:10]))


@pytest.mark.parametrize(
    ("reason", "slower", "as_before"),
    [
        ("endpoint-rate", [CARDS], [HOLDERS]),
        ("endpoint-concurrency", [CARDS], [HOLDERS]),
        ("resource-specific", [CARDS], [HOLDERS]),
    ],
)
def test_endpoint_that_answers_429_is_asked_less(
    reason: str, slower: list[str], as_before: list[str]
) -> None:
    """Only what Stripe named is slowed down, once for all the 429 of a second."""
    nap = Nap()
    pacer = paced(nap)
    for _ in range(8):
        pacer.slow_down(asked(), reason)

    assert 17 == most_in_a_second(sent_at(pacer, nap, 20, path=slower[0]))
    assert 25 == most_in_a_second(sent_at(pacer, nap, 60, path=as_before[0]))


@pytest.mark.parametrize("reason", ["global-rate", "global-concurrency", "whatever-comes-next"])
def test_account_that_answers_429_is_asked_less_and_comes_back(reason: str) -> None:
    """All its endpoints are slowed down together, and half a minute later nothing is left of it."""
    nap = Nap()
    pacer = paced(nap, per_account=20)
    pacer.slow_down(asked(), reason)

    assert 14 == most_in_a_second(sent_at(pacer, nap, 20))
    nap.seconds += 30
    assert 20 == most_in_a_second(sent_at(pacer, nap, 60, path=HOLDERS))


def test_limit_that_is_really_lower_is_found() -> None:
    """One 429 a second, again and again, brings the rate down, but never to nothing."""
    nap = Nap()
    pacer = paced(nap)
    for _ in range(60):
        pacer.slow_down(asked(), "global-rate")
        nap.seconds += 1.0

    assert 10 <= most_in_a_second(sent_at(pacer, nap, 30)) <= 15


def test_request_that_cannot_wait_is_counted_and_goes_at_once() -> None:
    """Telling an answer to a merchant stands in no line; the next ones make room for it."""
    nap = Nap()
    pacer = paced(nap)
    for _ in range(40):
        pacer.note(asked())
    assert [] == nap.naps
    pacer.wait(asked())

    assert [pytest.approx(WINDOW_SECONDS, rel=0.05)] == nap.naps


def test_many_accounts_do_not_fill_the_memory() -> None:
    """What was quiet for ten seconds is forgotten; what is busy or slowed down is not."""
    nap = Nap()
    pacer = paced(nap)
    for number in range(6_000):
        pacer.wait(asked(account=f"acct_{number}"))
        nap.seconds += 0.1

    assert 4_100 > len(pacer._buckets)  # noqa: SLF001 - what is asked here is its memory


@pytest.mark.parametrize(
    ("method", "path", "endpoint"),
    [
        ("get", "/v1/balance", "GET /v1/balance"),
        ("post", "/v1/issuing/cards/ic_1Nv9", "POST /v1/issuing/cards/:id"),
        ("get", "/v1/issuing/cards?cardholder=ich_1&limit=100", "GET /v1/issuing/cards"),
        ("post", "/v1/transfers/tr_1/reversals", "POST /v1/transfers/:id/reversals"),
        ("get", "/v1/accounts/acct_1/capabilities", "GET /v1/accounts/:id/capabilities"),
        ("post", "/v1/balance_transfers", "POST /v1/balance_transfers"),
    ],
)
def test_endpoint_is_named_by_its_operation(method: str, path: str, endpoint: str) -> None:
    """Ids and queries do not make another endpoint."""
    assert endpoint == endpoint_of(method, path)


@pytest.mark.parametrize(
    ("limits", "name"),
    [
        ({"per_account": 0}, "rate_limits.per_account"),
        ({"per_account": 2.5}, "rate_limits.per_account"),
        ({"per_account": True}, "rate_limits.per_account"),
        ({"per_account": 1, "per_endpoint": "25"}, "rate_limits.per_endpoint"),
        ({"per_account": 1, "endpoints": [1]}, "rate_limits.endpoints"),
        ({"per_account": 1, "endpoints": {"payouts": 1}}, "rate_limits.endpoints"),
        ({"per_account": 1, "counted_by": "key"}, "rate_limits.counted_by"),
        ({"per_account": 1, "shared": "redis"}, "rate_limits.shared"),
        (
            {"per_account": 1, "endpoints": {"POST /v1/payouts": 0}},
            "rate_limits.endpoints['POST /v1/payouts']",
        ),
    ],
)
def test_limit_that_is_none_is_refused(limits: dict[str, Any], name: str) -> None:
    """The field is named, and what to write."""
    with pytest.raises(InvalidInputError) as caught:
        RateLimits(**limits)

    assert name == caught.value.field


@pytest.mark.parametrize(
    ("answer", "is_slower"),
    [
        (refused(429, {"Stripe-Rate-Limited-Reason": "endpoint-rate"}, code="rate_limit"), True),
        (refused(429, code="rate_limit"), True),
        (refused(400, code="rate_limit"), True),
        (refused(429, code="lock_timeout"), False),
        (refused(500), False),
    ],
)
def test_api_learns_from_a_429_but_not_from_a_lock(answer: Any, is_slower: bool) -> None:
    """One refusal for being too many makes the following requests fewer; a held object does not."""
    nap = Nap()
    limits = RateLimits(per_account=25, per_endpoint=25)
    api, _, _ = make_api(answer, ok(id="x"), sleep=nap.sleep, clock=nap.now, rate_limits=limits)
    api.get("/v1/balance", account=None)
    nap.naps.clear()
    for _ in range(22):
        api.get("/v1/balance", account=None)

    assert is_slower is (len(nap.naps) > 0)
