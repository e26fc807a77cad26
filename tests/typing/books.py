"""
Do callers get the promised types of everything that looks at money, and of every error? Never run.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, assert_type

from issuing_disburse import (
    AccountStatement,
    Address,
    Alert,
    AmountRule,
    AuthorizationAlert,
    ClaimSettlement,
    DisburseError,
    Disburser,
    Discrepancy,
    FundingInstructions,
    FundingNeed,
    FundingRouteUnavailableError,
    InsufficientIssuingBalanceError,
    InvalidInputError,
    LedgerProof,
    Misses,
    Money,
    Order,
    OrderConflictError,
    OrderNotFoundError,
    PeriodFigures,
    Reason,
    Rebuild,
    Recipient,
    RecipientNotReadyError,
    ReclaimPolicy,
    RefusedError,
    Repair,
    Source,
    StoreError,
    Terms,
    UnavailableError,
    UnknownOutcomeError,
    UserTerms,
    domain_events,
    exceptions,
)


def order() -> Order:
    """
    Make an order with every word that its terms have.
    """
    recipient = Recipient.individual(
        reference="supplier-17",
        first_name="Jenny",
        last_name="Rosen",
        date_of_birth=date(1985, 3, 14),
        user_terms=UserTerms(accepted_at=datetime(2026, 11, 1, tzinfo=UTC), ip="203.0.113.7"),
        billing=Address(line1="123 Main St", city="Columbus", postal_code="43004", country="US"),
    )
    terms = Terms(
        valid_for=timedelta(days=30),
        amount=AmountRule.between(1_000, 20_000).with_tolerance(over_minor=50),
        uses=3,
        allowed_categories=("taxicabs_limousines",),
        on_void="reissue",
    )
    return Order(id="a", recipient=recipient, amount=Money.of("125.00", "usd"), terms=terms)


def explain(disburser: Disburser, now: datetime) -> None:
    """
    Ask where the money is, in every way there is.
    """
    statement = disburser.statement("a")
    assert_type(statement.alerts, tuple[Alert, ...])
    assert_type(statement.sources("spent"), tuple[Source, ...])
    whole = assert_type(disburser.account_statement(since=now), AccountStatement)
    assert_type(whole.figures("usd"), PeriodFigures)
    assert_type(whole.sources("spent", "usd"), Iterator[Source])
    assert_type(whole.figures("usd").remaining, Money)
    found = disburser.reconcile(since=now, until=None)
    assert_type(found.discrepancies, tuple[Discrepancy, ...])
    assert_type(disburser.repair(found), tuple[Repair, ...])
    assert_type(disburser.rebuild(), Rebuild)
    assert_type(disburser.verify_ledger(), LedgerProof)
    need = assert_type(disburser.funding_needed("eur"), FundingNeed)
    assert_type(need.instructions, FundingInstructions | None)
    assert_type(disburser.settle_claims(), tuple[ClaimSettlement, ...])
    assert_type(disburser.alerts(), tuple[AuthorizationAlert, ...])
    assert_type(disburser.misses(since=now), Misses)
    assert_type(disburser.authorizations(), Iterator[Mapping[str, Any]])
    assert_type(disburser.get("a").reason, Reason | None)


def listen(disburser: Disburser) -> None:
    """
    Be told; a handler gets the event that it asked for, and no other.
    """

    def spent(event: domain_events.Spent) -> None:
        assert_type(event.amount, Money)

    unsubscribe = disburser.on(domain_events.Spent, spent)
    unsubscribe()
    disburser.on(domain_events.DomainEvent, lambda event: print(event.at))  # noqa: T201 - never run
    disburser.on(domain_events.Declined, spent)  # type: ignore[arg-type]  # that it is refused is what is checked


def catch(disburser: Disburser) -> str:  # noqa: PLR0911 - one for each move
    """
    Catch by what is done next.
    """
    try:
        disburser.disburse(order())
    except InsufficientIssuingBalanceError as short:
        return str(assert_type(short.missing, Money | None))
    except (RecipientNotReadyError, FundingRouteUnavailableError) as refusal:
        return assert_type(refusal.code, str | None) or ""
    except InvalidInputError as wrong:
        return wrong.field + wrong.remedy
    except (OrderConflictError, OrderNotFoundError):
        return "ours"
    except RefusedError as refusal:
        return str(refusal.disbursement)
    except UnknownOutcomeError as unknown:
        return str(unknown.stripe_request_id)
    except exceptions.WaitingError as waiting:
        return str(assert_type(waiting.retry_at, datetime | None))
    except (UnavailableError, StoreError):
        return "later"
    except DisburseError as anything:
        return str(anything)
    return ""


reclaiming = ReclaimPolicy(close_after=timedelta(days=2), way_back="keep")
