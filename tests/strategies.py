"""
What may values of ours look like, whole ones and odd ones?
"""

from datetime import UTC, date, datetime, timedelta

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from issuing_disburse.money import EXPONENTS, Money
from issuing_disburse.order import Order
from issuing_disburse.recipient import Address, Recipient, UserTerms
from issuing_disburse.terms import AmountRule, Terms
from issuing_disburse.testing import policy_kit
from issuing_disburse.testing.policy_strategies import (
    allotments,
    amount_rules,
    questions,
    requests,
    terms,
    uses,
)
from issuing_disburse.vocabulary import CARD_CURRENCIES

__all__ = [
    "allotments",
    "amount_rules",
    "card_currencies",
    "currencies",
    "money",
    "order_ids",
    "orders",
    "questions",
    "requests",
    "terms",
    "times",
    "uses",
]

currencies: SearchStrategy[str] = st.sampled_from(sorted(EXPONENTS))
card_currencies: SearchStrategy[str] = st.sampled_from(sorted(CARD_CURRENCIES))


def money(
    minor: SearchStrategy[int] | None = None, currency: SearchStrategy[str] | None = None
) -> SearchStrategy[Money]:
    """
    Generate amounts: of any sign and currency unless told otherwise.
    """
    counts = st.integers(-(10**12), 10**12) if minor is None else minor
    return st.builds(Money, counts, currencies if currency is None else currency)


def times(near: datetime = policy_kit.NOW) -> SearchStrategy[datetime]:
    """
    Generate aware UTC times within five years of *near*.
    """
    years = timedelta(days=5 * 365)
    start, end = (near - years).replace(tzinfo=None), (near + years).replace(tzinfo=None)
    return st.datetimes(start, end, timezones=st.just(UTC))


order_ids: SearchStrategy[str] = st.from_regex(r"[a-z]{1,6}-[0-9]{1,8}", fullmatch=True)


@st.composite
def orders(draw: st.DrawFn) -> Order:
    """
    Generate orders for one recipient in the United States.
    """
    recipient = Recipient.individual(
        reference=draw(st.from_regex(r"supplier-[0-9]{1,4}", fullmatch=True)),
        first_name="Jenny",
        last_name="Rosen",
        email="jenny@example.com",
        phone_number="+18008675309",
        date_of_birth=date(1985, 3, 14),
        user_terms=UserTerms(accepted_at=datetime(2026, 11, 1, tzinfo=UTC), ip="203.0.113.7"),
        billing=Address(
            line1="123 Main St", city="Columbus", state="OH", postal_code="43004", country="US"
        ),
    )
    amount = Money(draw(st.integers(1, 500_000)), draw(card_currencies))
    rule = draw(st.sampled_from([AmountRule.exact(), AmountRule.up_to()]))
    uses = draw(st.integers(1, 5)) if rule.kind == "up_to" else 1
    return Order(
        id=draw(order_ids), recipient=recipient, amount=amount, terms=Terms(amount=rule, uses=uses)
    )
