"""
Does a stuck rule leave the answer in time, and how many may be stuck?
"""

import os
import threading
from collections.abc import Iterator

import pytest
from attrs import evolve

from issuing_disburse.decision import Allotment, AuthorizationRequest
from issuing_disburse.policy import AuthorizationPolicy
from issuing_disburse.policy.isolation import OverdueError, Workers
from issuing_disburse.testing.policy_kit import make_allotment, make_request
from odd_rules import ALLOTMENT, ASKED, grumpy, raises, silent


@pytest.fixture
def release() -> Iterator[threading.Event]:
    """
    Let what is stuck go on at the end of a test.
    """
    event = threading.Event()
    yield event
    event.set()


def test_isolated_policy_decides_as_any_other() -> None:
    """Isolation changes where rules run, not what they decide."""
    for rules in ((silent,), (silent, grumpy), (raises(SystemExit()),), ()):
        plain = AuthorizationPolicy(rules=rules)

        assert plain.decide(ASKED, ALLOTMENT) == evolve(plain, isolated=True).decide(
            ASKED, ALLOTMENT
        )


def test_isolated_policy_runs_rules_in_another_thread() -> None:
    """The thread that answers is not the one that could get stuck."""
    seen: list[threading.Thread] = []

    def note(request: AuthorizationRequest, allotment: Allotment) -> None:
        seen.append(threading.current_thread())

    AuthorizationPolicy(rules=(note,), isolated=True).decide(ASKED, ALLOTMENT)

    assert threading.current_thread() not in seen
    assert [True] == [thread.daemon for thread in seen]


def test_isolated_policy_declines_when_a_rule_is_stuck(release: threading.Event) -> None:
    """The answer comes though the rule does not, and names it."""

    def stuck(request: AuthorizationRequest, allotment: Allotment) -> None:
        release.wait()

    policy = AuthorizationPolicy(rules=(silent, stuck), isolated=True, deadline_seconds=0.05)
    decision = policy.decide(make_request(), make_allotment())

    assert (False, "deadline", "stuck") == (decision.approved, decision.code, decision.rule)


def test_workers_are_used_again_when_they_are_done() -> None:
    """One piece of work after the other needs one thread, or two at the turn."""
    workers = Workers()
    names = {
        workers.run(lambda: threading.current_thread().ident, timeout_seconds=5) for _ in range(50)
    }

    assert len(names) <= 2


def test_workers_refuse_at_once_when_all_are_stuck(release: threading.Event) -> None:
    """Stuck threads are bounded; once they come back, they work again."""
    workers = Workers(limit=2)
    for _ in range(2):
        with pytest.raises(OverdueError):
            workers.run(release.wait, timeout_seconds=0.01)

    assert 2 == workers.busy
    with pytest.raises(OverdueError):
        workers.run(lambda: 1, timeout_seconds=3_600)

    release.set()
    while workers.busy:
        threading.Event().wait(0.001)

    assert 1 == workers.run(lambda: 1, timeout_seconds=5)


def test_workers_raise_what_the_work_raised() -> None:
    """An error of the work is the asking thread's, not the worker's."""
    with pytest.raises(ZeroDivisionError):
        Workers().run(lambda: 1 // 0, timeout_seconds=5)


def test_workers_refuse_when_the_system_gives_no_thread() -> None:
    """Without a thread there is no work, and no count of it."""
    workers = Workers(limit=1)
    limit = threading.stack_size()
    threading.stack_size(1 << 46)  # more than any address space holds
    try:
        with pytest.raises(OverdueError):
            workers.run(lambda: 1, timeout_seconds=5)
    finally:
        threading.stack_size(limit)

    assert 1 == workers.run(lambda: 1, timeout_seconds=5)


def test_workers_start_over_when_threads_are_gone(release: threading.Event) -> None:
    """What a forked child does: the parent's threads are forgotten, busy ones and all."""
    workers = Workers(limit=1)
    with pytest.raises(OverdueError):
        workers.run(release.wait, timeout_seconds=0.01)
    workers.forget_threads()

    assert 0 == workers.busy
    assert 1 == workers.run(lambda: 1, timeout_seconds=5)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_isolated_policy_decides_in_a_forked_child() -> None:
    """A child starts threads of its own: the parent's do not exist there."""
    policy = AuthorizationPolicy(rules=(silent,), isolated=True)
    policy.decide(ASKED, ALLOTMENT)
    child = os.fork()
    if child == 0:  # pragma: no cover - measured in the parent only
        os._exit(0 if policy.decide(ASKED, ALLOTMENT).approved else 1)

    assert 0 == os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
