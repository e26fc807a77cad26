"""
What must hold for every funding route when it gives money back?
"""
# ruff: noqa: S101, PLR2004, SIM300 - tests assert, with plain numbers, expected == actual

from __future__ import annotations

from itertools import count

import pytest

from issuing_disburse.exceptions import DisburseError, UnavailableError
from issuing_disburse.money import Money
from issuing_disburse.routes import BalanceCheckedRoute, SharedRoute

from .funding_ground import FOREIGN_ISSUING_MINOR, RouteBench
from .route_troubles import LATER, TROUBLES, Later, Trouble, change, check_receipt, fund, troubles
from .watched_journal import ProcessEndedError, Watch


class ReturningPromises:
    """
    What `give_back` promises.
    """

    @pytest.fixture
    def funded(self, bench: RouteBench) -> Money:
        """
        Have one funding brought under the key ``funding-1``, and return its amount.
        """
        return fund(bench, "funding-1")

    def test_it_takes_what_its_receipt_says(self, bench: RouteBench, funded: Money) -> None:
        """What leaves the Issuing balance is the receipt's amount, and no more than was asked for."""
        part = Money(funded.minor - 2_500, funded.currency)
        before = bench.standing()
        receipt = bench.give_back(part, key="back-1", of=("funding-1",))

        assert receipt.amount.minor == -change(before, bench.settled())["issuing"]
        assert receipt.amount <= part
        check_receipt(bench, receipt, -1)

    def test_each_call_back_goes_through_the_journal(
        self, bench: RouteBench, funded: Money
    ) -> None:
        """Money moves inside of a journal's call and nowhere else."""
        watch = Watch()
        bench.give_back(funded, key="back-1", of=("funding-1",), watch=watch)

        assert [] == watch.problems

    def test_it_never_takes_more_than_it_brought(self, bench: RouteBench, funded: Money) -> None:
        """Asked for more, it takes what it brought or refuses; what others put there stays."""
        more = Money(funded.minor + FOREIGN_ISSUING_MINOR // 2, funded.currency)
        before = bench.standing()
        try:
            bench.give_back(more, key="back-1", of=("funding-1",))
        except DisburseError:
            assert before == bench.settled()

        assert -funded.minor <= change(before, bench.settled())["issuing"]

    def test_parts_add_up_to_what_it_brought(self, bench: RouteBench, funded: Money) -> None:
        """Given back in parts, under a key each, all of it goes and nothing more."""
        before = bench.standing()
        bench.give_back(funded, key="back-0", of=("funding-1",))
        usual = change(before, bench.settled())
        fund(bench, "funding-2")
        before = bench.standing()
        for number, minor in enumerate((5_000, 7_000, 4_000)):
            part = Money(minor, funded.currency)
            try:
                bench.give_back(part, key=f"back-2-{number}", of=("funding-2",))
            except DisburseError:
                assert number == 2, "the first parts were there to be taken"

        assert usual == change(before, bench.settled())

    def test_it_takes_from_several_fundings(self, bench: RouteBench, funded: Money) -> None:
        """What two fundings brought goes back in one movement, the same way as in two."""
        before = bench.standing()
        bench.give_back(funded, key="back-0", of=("funding-1",))
        usual = change(before, bench.settled())
        both = fund(bench, "funding-2") + fund(bench, "funding-3")
        before = bench.standing()
        bench.give_back(both, key="back-1", of=("funding-2", "funding-3"))

        assert {place: 2 * minor for place, minor in usual.items()} == change(
            before, bench.settled()
        )

    def test_a_shared_funding_goes_back_order_by_order(
        self, bench: RouteBench, funded: Money
    ) -> None:
        """Of a movement that pays for many, each order's share goes back alone, and no more."""
        if not isinstance(bench.route, SharedRoute):
            pytest.skip("this route's movements pay for one order each")
        before = bench.standing()
        bench.give_back(funded, key="back-0", of=("funding-1",))
        usual = change(before, bench.settled())
        _, of = fund(bench, "funding-2"), ("funding-2",)
        shares = [Money(minor, funded.currency) for minor in (5_000, 4_000, funded.minor - 9_000)]
        before = bench.standing()
        for number, share in enumerate(shares):
            bench.give_back(share, key=f"back-2-{number}", of=of, share=share)
        assert usual == change(before, bench.settled())

        brought = fund(bench, "funding-3")
        before = bench.standing()
        taken = bench.give_back(brought, key="back-3", of=("funding-3",), share=shares[0])
        if taken.moved and not isinstance(bench.route, BalanceCheckedRoute):
            assert -shares[0].minor == change(before, bench.settled())["issuing"]

    @pytest.mark.parametrize("later", LATER)
    @pytest.mark.parametrize("trouble", TROUBLES)
    def test_money_goes_once_whatever_is_lost(
        self, bench: RouteBench, funded: Money, trouble: Trouble, later: Later
    ) -> None:
        """Interrupted at any point and resumed, the same cents go as without."""
        before = bench.standing()
        bench.give_back(funded, key="undisturbed", of=("funding-1",))
        usual = change(before, bench.settled())

        for name, watch in troubles(trouble):
            fund(bench, f"funding-{name}-again")
            before, of = bench.standing(), (f"funding-{name}-again",)
            try:
                bench.give_back(funded, key=f"back-{name}", of=of, watch=watch)
            except ProcessEndedError:
                bench.restart()
            except UnavailableError:
                assert watch.has_struck
            if not watch.has_struck:
                break
            if later != "at once":
                bench.forget_keys()
            receipt = bench.give_back(funded, key=f"back-{name}", of=of)

            assert usual == change(before, bench.settled()), (name, watch)
            assert -usual["issuing"] == receipt.amount.minor

    def test_asking_again_takes_nothing_more(self, bench: RouteBench, funded: Money) -> None:
        """The same key gets the same receipt, and another one is another movement."""
        part = Money(5_000, funded.currency)
        before = bench.standing()
        first = bench.give_back(part, key="back-1", of=("funding-1",))
        usual = change(before, bench.settled())
        bench.restart()
        again = bench.give_back(part, key="back-1", of=("funding-1",))

        assert usual == change(before, bench.settled())
        assert first.amount == again.amount
        bench.give_back(part, key="back-2", of=("funding-1",))
        assert 2 * usual["issuing"] == change(before, bench.settled())["issuing"]

    def test_a_refused_return_can_be_finished(self, bench: RouteBench, funded: Money) -> None:
        """Refused at any call, it raises; asked again under its key, it takes the usual cents."""
        before = bench.standing()
        bench.give_back(funded, key="undisturbed", of=("funding-1",))
        usual = change(before, bench.settled())

        for number in count(1):
            fund(bench, f"funding-{number}-again")
            before, of = bench.standing(), (f"funding-{number}-again",)
            watch = Watch(refuses=number)
            try:
                bench.give_back(funded, key=f"back-{number}", of=of, watch=watch)
            except DisburseError:
                bench.restart()
                bench.give_back(funded, key=f"back-{number}", of=of)
            if not watch.has_struck:
                break
            assert usual == change(before, bench.settled())
