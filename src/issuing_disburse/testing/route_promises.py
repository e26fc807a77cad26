"""
What must hold for every funding route when it brings money, whichever way?
"""
# ruff: noqa: S101, PT017, SIM300 - tests assert, also on what may be raised, expected == actual

from __future__ import annotations

from datetime import timedelta
from itertools import count

import pytest
from attrs import evolve

from issuing_disburse.exceptions import RefusedError, UnavailableError
from issuing_disburse.money import Money
from issuing_disburse.routes import BalanceCheckedRoute, CheckedRoute, FollowedRoute

from .funding_ground import RouteBench
from .route_troubles import (
    AMOUNT_MINOR,
    LATER,
    TOO_MUCH_MINOR,
    TROUBLES,
    Later,
    Trouble,
    change,
    check_receipt,
    troubles,
)
from .watched_journal import ProcessEndedError, Watch


class BringingPromises:
    """
    What `fund` promises.
    """

    def test_it_brings_what_its_receipt_says(self, bench: RouteBench) -> None:
        """What arrives on the Issuing balance is the receipt's amount: all of it, or none."""
        amount = bench.ground.money(AMOUNT_MINOR)
        before = bench.standing()
        receipt = bench.fund(amount, key="funding-1")

        assert receipt.amount.minor == change(before, bench.settled())["issuing"]
        assert receipt.amount in {amount, Money.zero(amount.currency)}
        check_receipt(bench, receipt, 1)

    def test_it_says_so_when_it_brings_nothing(self, bench: RouteBench) -> None:
        """Who leaves the bringing to others has `checks_balance`; who brings money has not."""
        receipt = bench.fund(bench.ground.money(AMOUNT_MINOR), key="funding-1")

        assert receipt.amount.is_zero == isinstance(bench.route, BalanceCheckedRoute)

    def test_money_in_flight_has_a_date(self, bench: RouteBench) -> None:
        """Without a date the money is there; with one, it is there by then."""
        before = bench.standing()["issuing"]
        receipt = bench.fund(bench.ground.money(AMOUNT_MINOR), key="funding-1")
        clock = bench.ground.simulator.clock
        if receipt.available_at is not None:
            assert timedelta(0) == receipt.available_at.utcoffset()
            clock.advance(max(timedelta(0), receipt.available_at - clock.now()))

        assert receipt.amount.minor == bench.standing()["issuing"] - before

    def test_what_is_under_way_can_be_asked_about(self, bench: RouteBench) -> None:
        """A route that can follow its movements says what the balance says."""
        receipt = bench.fund(bench.ground.money(AMOUNT_MINOR), key="funding-1")
        bench.settled()
        if not isinstance(bench.route, FollowedRoute):
            pytest.skip("this route follows nothing")
        fates = [bench.route.follow(bench.ground.account, one) for one in receipt.moved]
        told = {fate.outcome for fate in fates if fate is not None}

        assert told <= {"done"}
        assert told or receipt.available_at is None

    def test_each_call_goes_through_the_journal(self, bench: RouteBench) -> None:
        """Money moves inside of a journal's call and nowhere else."""
        before = bench.trace()
        if isinstance(bench.route, CheckedRoute):
            bench.route.check(bench.ground.account)
        assert before == bench.trace()
        watch = Watch()
        bench.fund(bench.ground.money(AMOUNT_MINOR), key="funding-1", watch=watch)

        assert [] == watch.problems

    @pytest.mark.parametrize("later", LATER)
    @pytest.mark.parametrize("trouble", TROUBLES)
    def test_money_comes_once_whatever_is_lost(
        self, bench: RouteBench, trouble: Trouble, later: Later
    ) -> None:
        """Interrupted at any point and resumed, it moves the same cents as without."""
        amount = bench.ground.money(AMOUNT_MINOR)
        before = bench.standing()
        bench.fund(amount, key="undisturbed")
        usual = change(before, bench.settled())

        for name, watch in troubles(trouble):
            before, key = bench.standing(), f"funding-{name}"
            try:
                bench.fund(amount, key=key, watch=watch)
            except ProcessEndedError:
                bench.restart()
            except UnavailableError:
                assert watch.has_struck
            if not watch.has_struck:
                break
            if later != "at once":
                bench.forget_keys()
            receipt = bench.fund(amount, key=key)

            assert usual == change(before, bench.settled()), (name, watch)
            assert usual["issuing"] == receipt.amount.minor
            check_receipt(bench, receipt, 1)

    def test_a_lost_answer_is_no_receipt_and_no_refusal(self, bench: RouteBench) -> None:
        """What may have happened is passed on as unknown, and nothing is done about it."""
        for number in count(1):
            watch = Watch(loses=number)
            try:
                bench.fund(bench.ground.money(AMOUNT_MINOR), key=f"f-{number}", watch=watch)
            except UnavailableError:
                assert number == watch.calls, "no call may follow one whose outcome is unknown"
                continue
            assert not watch.has_struck, "an unknown outcome was taken for a known one"
            break

    def test_asking_again_changes_nothing(self, bench: RouteBench) -> None:
        """The same key gets the same receipt, at once and after days, in another process, too."""
        amount = bench.ground.money(AMOUNT_MINOR)
        first = bench.fund(amount, key="funding-1")
        again = bench.fund(amount, key="funding-1")
        before = bench.settled()
        bench.restart()
        late = bench.fund(amount, key="funding-1")

        assert before == bench.settled()
        assert [(first.amount, first.moved)] * 2 == [
            (one.amount, one.moved) for one in (again, late)
        ]

    def test_another_key_is_another_movement(self, bench: RouteBench) -> None:
        """Two fundings of one amount are two, also when one of them is found again late."""
        amount = bench.ground.money(AMOUNT_MINOR)
        before = bench.standing()
        bench.fund(amount, key="undisturbed")
        usual = change(before, bench.settled())

        for number in count(1):
            before, watch = bench.standing(), Watch(ends_at=number)
            first, second = f"first-{number}", f"second-{number}"
            try:
                bench.fund(amount, key=first, watch=watch)
            except ProcessEndedError:
                bench.restart()
            two = bench.fund(amount, key=second)
            bench.forget_keys()
            one = bench.fund(amount, key=first)

            both = {place: 2 * minor for place, minor in usual.items()}
            assert both == change(before, bench.settled()), watch
            assert not {(m.object, m.id) for m in one.moved} & {(m.object, m.id) for m in two.moved}
            if not watch.has_struck:
                break

    def test_a_refusal_leaves_everything_as_it_was(self, bench: RouteBench) -> None:
        """Refused at any call, it undoes what it did; asked again, it brings all or nothing."""
        amount = bench.ground.money(AMOUNT_MINOR)
        before = bench.standing()
        bench.fund(amount, key="undisturbed")
        usual = change(before, bench.settled())

        for number in count(1):
            before, watch = bench.standing(), Watch(refuses=number)
            try:
                bench.fund(amount, key=f"funding-{number}", watch=watch)
            except RefusedError:
                assert before == bench.settled()
            if not watch.has_struck:
                break
            bench.restart()
            try:
                bench.fund(amount, key=f"funding-{number}")
            except RefusedError:
                assert before == bench.settled()
            else:
                assert usual == change(before, bench.settled())

    def test_more_than_there_is_is_refused_whole_or_brought_whole(self, bench: RouteBench) -> None:
        """Without enough money at its source, it raises an error of ours and moves nothing."""
        amount = bench.ground.money(TOO_MUCH_MINOR)
        before = bench.standing()
        try:
            receipt = bench.fund(amount, key="funding-1")
        except RefusedError as refusal:
            assert str(refusal).strip()
            assert before == bench.settled()
        else:
            assert receipt.amount in {amount, Money.zero(amount.currency)}
            assert receipt.amount.minor == change(before, bench.settled())["issuing"]

    def test_the_platforms_own_balance_is_filled_or_refused(self, bench: RouteBench) -> None:
        """With ``account=None`` it brings what it says to the platform, or says no before it moves."""
        amount = bench.ground.money(AMOUNT_MINOR)
        others = bench.standing()
        bench.ground = evolve(bench.ground, account=None)
        before = bench.standing()
        try:
            receipt = bench.fund(amount, key="funding-1")
        except RefusedError as refusal:
            assert str(refusal).strip()
            assert before == bench.settled()
            return

        assert receipt.amount.minor == change(before, bench.settled())["issuing"]
        check_receipt(bench, receipt, 1)
        assert others["payments"] >= 0
