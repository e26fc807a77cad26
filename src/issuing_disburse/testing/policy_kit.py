"""
How do you put a question to a policy in a test, and how do you know that it is sound?
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from issuing_disburse.decision import Allotment, AuthorizationRequest, Use
from issuing_disburse.extras import NeedsExtra
from issuing_disburse.money import Money
from issuing_disburse.policy import Decides
from issuing_disburse.terms import PROBE_MAX_MINOR, Terms

from . import policy_promises
from .policy_promises import PROMISES, Promise

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
"""When the builders' questions are asked: a Monday morning, UTC."""

_MERCHANT: dict[str, Any] = {
    "merchant_name": "Rocket Rides",
    "merchant_network_id": "4445001",
    "merchant_city": "San Francisco",
    "merchant_country": "US",
    "merchant_postal_code": "94107",
    "category": "taxicabs_limousines",
    "mcc": "4121",
}


def make_request(
    amount: int | Money = 12_500,
    *,
    currency: str = "usd",
    already_approved: int | Money = 0,
    **changes: Any,
) -> AuthorizationRequest:
    """
    Make the question of an ordinary online purchase; *changes* replace single fields.

    Args:
        amount: What is asked now; an integer counts minor units of *currency*.
        already_approved: What an increment adds to.

    >>> make_request(4_200, merchant_country="FR").amount
    Money(4200, 'usd')
    """
    asked = _money(amount, currency)
    fields: dict[str, Any] = {
        "event_id": "evt_example",
        "authorization_id": "iauth_example",
        "card_id": "ic_example",
        "amount": asked,
        "already_approved": _money(already_approved, asked.currency),
        "created": NOW,
        "account": "acct_example",
        "merchant_amount": asked.minor,
        "merchant_currency": asked.currency,
        "authorization_method": "online",
        "card_presence": "not_present",
        "cvc_check": "match",
        "expiry_check": "match",
        "address_line1_check": "match",
        "postal_code_check": "match",
        **_MERCHANT,
    }
    return AuthorizationRequest(**{**fields, **changes})


def make_allotment(
    amount: int | Money = 12_500,
    *,
    currency: str = "usd",
    terms: Terms | None = None,
    history: Iterable[Use] = (),
    **changes: Any,
) -> Allotment:
    """
    Make what a fresh card may do under *terms*, less what *history* has used; *changes* replace fields.

    Args:
        amount: The order's amount; an integer counts minor units of *currency*.
        history: Approved uses, oldest first.

    >>> make_allotment(12_500, remaining=2_000).remaining
    Money(2000, 'usd')
    """
    ordered = _money(amount, currency)
    terms = terms or Terms()
    uses = tuple(history)
    probes = sum(use.is_probe for use in uses)
    fields: dict[str, Any] = {
        "order_id": "claim-8841",
        "card_id": "ic_example",
        "account": "acct_example",
        "amount": ordered,
        "remaining": Money(
            terms.most(ordered).minor - sum(use.amount.minor for use in uses), ordered.currency
        ),
        "uses_left": max(0, terms.uses - (len(uses) - probes)),
        "is_open": True,
        "expires_at": NOW + terms.valid_for,
        "terms": terms,
        "probe_max_minor": PROBE_MAX_MINOR,
        "probes_left": max(0, terms.uses - probes),
        "history": uses,
    }
    if "remaining" in changes:
        changes["remaining"] = _money(changes["remaining"], ordered.currency)
    return Allotment(**{**fields, **changes})


def make_use(
    amount: int | Money = 4_000,
    *,
    currency: str = "usd",
    ago: timedelta = timedelta(hours=1),
    **changes: Any,
) -> Use:
    """
    Make one approved use, so long *ago*; *changes* replace single fields.

    >>> make_use(50, is_probe=True).amount
    Money(50, 'usd')
    """
    fields: dict[str, Any] = {
        "authorization_id": "iauth_earlier",
        "at": NOW - ago,
        "amount": _money(amount, currency),
        "merchant_name": _MERCHANT["merchant_name"],
        "merchant_network_id": _MERCHANT["merchant_network_id"],
    }
    return Use(**{**fields, **changes})


def _money(value: int | Money, currency: str) -> Money:
    return value if isinstance(value, Money) else Money(value, currency)


def assert_policy_is_sound(policy: Decides, *, examples: int = 500) -> None:
    """
    Put many odd questions to *policy* and fail on the first answer that no policy may give.

    It must never raise; say the same thing twice; approve no more than is asked and no more than is
    left; approve a part only where the merchant takes one; decline closed, expired and used-up
    cards, other cards and other currencies; and answer within its deadline. Needs Hypothesis, which
    shrinks what it finds to the smallest question; its profile decides about repeatability.

    Args:
        examples: How many questions.

    >>> from issuing_disburse.policy import AuthorizationPolicy
    >>> assert_policy_is_sound(AuthorizationPolicy.default(), examples=50)

    Raises:
        AssertionError: With the broken promise, the question and the answer.
    """
    _check(policy, PROMISES, examples=examples)


def _check(policy: Decides, promises: Iterable[Promise], *, examples: int) -> None:
    with NeedsExtra("testing", "hypothesis"):
        from hypothesis import Phase, given, settings  # noqa: PLC0415 - not installed everywhere

    from .policy_strategies import questions  # noqa: PLC0415 - needs Hypothesis

    chosen = tuple(promises)

    # Not Hypothesis's own explaining: it runs ten times longer, and a question can be read.
    phases = [phase for phase in settings().phases if phase is not Phase.explain]

    @settings(max_examples=examples, deadline=None, phases=phases)
    @given(questions())
    def check(question: tuple[AuthorizationRequest, Allotment]) -> None:
        for promise in chosen:
            problem = promise(policy, *question)
            assert problem is None, f"{problem}\n{question[0]}\n{question[1]}"  # noqa: S101 - a test tool

    check()


class PolicyContract:
    """
    The same promises as tests: subclass it under a name that begins with ``Test``.

    .. code-block:: python

        from issuing_disburse.policy import AuthorizationPolicy
        from issuing_disburse.testing.policy_kit import PolicyContract

        class TestOurPolicy(PolicyContract):
            def make_policy(self) -> AuthorizationPolicy:
                return AuthorizationPolicy.default()
    """

    examples: int = 300
    """How many questions each promise is checked with."""

    def make_policy(self) -> Decides:
        """
        Return the policy under test.
        """
        raise NotImplementedError

    def _holds(self, *promises: Promise) -> None:
        _check(self.make_policy(), promises, examples=self.examples)

    def test_never_raises(self) -> None:
        """A policy answers every question with a decision."""
        self._holds(policy_promises.keeps_calm)

    def test_says_the_same_thing_twice(self) -> None:
        """The same question gets the same answer."""
        self._holds(policy_promises.keeps_its_word)

    def test_approves_no_more_than_asked(self) -> None:
        """A policy approves what was asked, or a part that the merchant takes."""
        self._holds(policy_promises.stays_within_what_was_asked)

    def test_approves_no_more_than_is_left(self) -> None:
        """A policy approves no more than is neither spent, held nor claimed."""
        self._holds(policy_promises.stays_within_what_is_left)

    def test_declines_what_is_over(self) -> None:
        """A policy declines closed, expired and used-up cards."""
        self._holds(policy_promises.declines_what_is_over)

    def test_declines_what_is_foreign(self) -> None:
        """A policy declines other cards and other currencies."""
        self._holds(policy_promises.declines_what_is_foreign)

    def test_answers_in_time(self) -> None:
        """A policy answers within its deadline."""
        self._holds(policy_promises.answers_in_time)
