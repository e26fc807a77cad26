"""
Which promise of the contract does each broken route break?

Not collected by itself: `test_broken_routes.py` runs it in another process, and expects it to fail.
"""

from collections.abc import Callable, Iterator

import pytest
from treasury_route import Treasury

from issuing_disburse import FundingRoute, TopUpRoute, TransferRoute
from issuing_disburse.simulator import IssuingSimulator
from issuing_disburse.simulator.behaviour import Behaviour
from issuing_disburse.testing import FundingRouteContract
from issuing_disburse.testing.funding_ground import FundingGround
from routes.broken_routes import (
    Blind,
    Dateless,
    Direct,
    Foreign,
    Forgetful,
    Grabbing,
    Greedy,
    Hasty,
    Keyless,
    Namer,
    Optimist,
    Partial,
    Repeating,
    Shortsighted,
    Silent,
    Stranding,
    Swallowing,
    Undoing,
    Waiting,
)

ONCE = "test_money_comes_once_whatever_is_lost"
BACK_ONCE = "test_money_goes_once_whatever_is_lost"
AT_ONCE, LATE = "at once", "when its keys are forgotten"
ENDS, LOST = "the process ends", "the answer is lost"

BREAKS: list[tuple[type, str]] = [
    (Optimist, "test_it_brings_what_its_receipt_says"),
    (Namer, "test_it_brings_what_its_receipt_says"),
    (Silent, "test_it_says_so_when_it_brings_nothing"),
    (Dateless, "test_money_in_flight_has_a_date"),
    (Waiting, "test_what_is_under_way_can_be_asked_about"),
    (Direct, "test_each_call_goes_through_the_journal"),
    (Keyless, f"{ONCE}[{ENDS}-{AT_ONCE}]"),
    (Keyless, f"{ONCE}[{LOST}-{AT_ONCE}]"),
    (Blind, f"{ONCE}[{ENDS}-{LATE}]"),
    (Blind, f"{ONCE}[{LOST}-{LATE}]"),
    (Hasty, "test_a_lost_answer_is_no_receipt_and_no_refusal"),
    (Undoing, "test_a_lost_answer_is_no_receipt_and_no_refusal"),
    (Forgetful, "test_asking_again_changes_nothing"),
    (Grabbing, "test_another_key_is_another_movement"),
    (Stranding, "test_a_refusal_leaves_everything_as_it_was"),
    (Partial, "test_more_than_there_is_is_refused_whole_or_brought_whole"),
    (Foreign, "test_more_than_there_is_is_refused_whole_or_brought_whole"),
    (Foreign, "test_the_platforms_own_balance_is_filled_or_refused"),
    (Optimist, "test_it_takes_what_its_receipt_says"),
    (Direct, "test_each_call_back_goes_through_the_journal"),
    (Greedy, "test_it_never_takes_more_than_it_brought"),
    (Greedy, "test_parts_add_up_to_what_it_brought"),
    (Shortsighted, "test_it_takes_from_several_fundings"),
    (Greedy, "test_a_shared_funding_goes_back_order_by_order"),
    (Keyless, f"{BACK_ONCE}[{ENDS}-{AT_ONCE}]"),
    (Keyless, f"{BACK_ONCE}[{LOST}-{AT_ONCE}]"),
    (Blind, f"{BACK_ONCE}[{ENDS}-{LATE}]"),
    (Blind, f"{BACK_ONCE}[{LOST}-{LATE}]"),
    (Repeating, "test_asking_again_takes_nothing_more"),
    (Swallowing, "test_a_refused_return_can_be_finished"),
]


class _Suite(FundingRouteContract):
    kind: type

    @pytest.fixture
    def simulator(self) -> Iterator[IssuingSimulator]:
        behaviour = Behaviour(top_up_seconds=3 * 24 * 3600)
        with IssuingSimulator(seed=7, platform_funds=20_000_000, behaviour=behaviour) as simulator:
            yield simulator

    @pytest.fixture
    def make_route(self, ground: FundingGround) -> Callable[[], FundingRoute]:
        treasury = Treasury(ground.simulator, budget_minor=5_000_000)
        if issubclass(self.kind, TopUpRoute):
            return lambda: self.kind(source="btok_us_verified", api=ground.api)
        if issubclass(self.kind, TransferRoute):
            return lambda: self.kind(
                api=ground.api, clock=ground.clock, attribution=ground.attribution
            )
        return lambda: self.kind(treasury)


for _kind in {kind for kind, _ in BREAKS}:
    globals()[f"Test{_kind.__name__}"] = type(
        f"Test{_kind.__name__}", (_Suite,), {"kind": _kind, "__module__": __name__}
    )
