"""
What can go wrong, cut by what the caller does next?

.. code-block:: text

    DisburseError
    ├─ RefusedError                        Stripe or we said no: change something before trying again
    │  ├─ InvalidInputError                a field is wrong; nothing was sent (also a ValueError)
    │  ├─ OrderConflictError               the order id is known with other content
    │  ├─ OrderNotFoundError               no such order in this store (also a LookupError)
    │  ├─ NeedsOrderError                  the store no longer holds the order's content: hand it in again
    │  ├─ CardNotIssuedError               the disbursement has no card (yet)
    │  ├─ RecipientNotReadyError           Stripe wants more about the cardholder, or blocks it
    │  ├─ FundingRouteUnavailableError     this account cannot be funded this way
    │  ├─ InsufficientIssuingBalanceError  not enough money; carries available, promised and missing
    │  └─ NotPermittedError                the API key is wrong or may not do this
    ├─ UnavailableError                    nothing known to be wrong: repeat the same order later
    │  ├─ WaitingError                     nothing is wrong: screening, or money on its way
    │  └─ UnknownOutcomeError              the effect may exist: resume the same order, never abandon it
    ├─ WebhookError                        answer 400
    │  ├─ SignatureInvalidError            one class for every cause, so that a forger learns nothing
    │  └─ PayloadInvalidError              signed, but not something we can read
    ├─ LedgerError                         a bug or tampering: stop and look
    │  ├─ OverdrawnError                   an account that must not go below zero would
    │  ├─ CurrencyMismatchError            two currencies in one sum (also a ValueError)
    │  └─ ChainBrokenError                 a ledger entry was changed or is missing
    ├─ StoreError                          the database, with the driver's error as __cause__
    │  ├─ StoreTimeoutError                it did not answer in the time that was left
    │  ├─ StaleRecordError                 somebody else wrote first (retried inside the library)
    │  ├─ StoreMismatchError               the store belongs to another platform, mode or version
    │  └─ LeaseLostError                   another worker took this order over
    └─ SinkError                           the card's secrets are not safe; the card stays inactive

No message and no attribute ever holds a card number, an API key or a raw payload.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from .disbursement import Disbursement
    from .money import Money


class DisburseError(Exception):
    """
    Anything this library raises on purpose.

    Attributes:
        order_id: The order at hand, if there is one.
        stripe_request_id: Stripe's ``req_…`` of the refused request; quote it to support.
        code: Stripe's or our machine-readable reason.
        param: The parameter or field at fault.
        disbursement: The stored disbursement as it stood when this was raised.
    """

    def __init__(
        self,
        message: str,
        *,
        order_id: str | None = None,
        stripe_request_id: str | None = None,
        code: str | None = None,
        param: str | None = None,
        disbursement: Disbursement | None = None,
    ) -> None:
        super().__init__(message)
        self.order_id = order_id
        self.stripe_request_id = stripe_request_id
        self.code = code
        self.param = param
        self.disbursement = disbursement


class RefusedError(DisburseError):
    """
    Stripe or this library said no; repeating it unchanged cannot help.

    Attributes:
        is_replayed: Whether Stripe did not judge anew, because the idempotency key was used before.
    """

    is_replayed: bool = False


class InvalidInputError(RefusedError, ValueError):
    """
    A field is wrong. Nothing was sent and nothing was stored.

    Attributes:
        field: The field at fault, as a path (``recipient.phone_number``).
        remedy: What to do about it.
    """

    def __init__(self, field: str, problem: str, remedy: str) -> None:
        super().__init__(f"{field}: {problem}; {remedy}", code="invalid_input", param=field)
        self.field = field
        self.problem = problem
        self.remedy = remedy

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.field, self.problem, self.remedy)


class OrderConflictError(RefusedError):
    """
    The order id is known with other content. Nothing was done for the new content.
    """


class OrderNotFoundError(RefusedError, LookupError):
    """
    This store knows no order of that id for this account.
    """


class NeedsOrderError(RefusedError):
    """
    The store keeps only a fingerprint of this order; pass the order to `disburse` again.
    """


class CardNotIssuedError(RefusedError):
    """
    The disbursement has no card (yet).
    """


class RecipientNotReadyError(RefusedError):
    """
    Stripe wants more about this cardholder, or does not allow it. No card was issued.
    """


class FundingRouteUnavailableError(RefusedError):
    """
    The account cannot be funded by this route. No money stays moved.
    """


class InsufficientIssuingBalanceError(RefusedError):
    """
    Not enough money for the promise; no card was issued.

    Attributes:
        available: What the balance asked for holds now.
        promised: What other cards may still spend of it.
        missing: What would have to come in for this order.
        whose: Which balance was asked.
    """

    available: Money | None = None
    promised: Money | None = None
    missing: Money | None = None
    whose: str = "the balance"


class NotPermittedError(RefusedError):
    """
    The API key is wrong, or may not do this; the order waits until that is mended.

    Attributes:
        is_recorded: Whether Stripe keeps this very answer under the idempotency key.
        is_definite: Whether nothing can have happened: no earlier try was left without an answer.
    """

    is_recorded: bool = False
    is_definite: bool = False


class UnavailableError(DisburseError):
    """
    Nothing is known to be wrong; the same order may be tried again, and must be tried unchanged.

    Attributes:
        is_recorded: Whether Stripe keeps this very answer under the idempotency key.
        retry_at: UTC; when trying again makes sense, if that is known.
    """

    is_recorded: bool = False
    retry_at: datetime | None = None


class WaitingError(UnavailableError):
    """
    Nothing is wrong: Stripe screens the cardholder, or money is on its way. Look again later.
    """


class UnknownOutcomeError(UnavailableError):
    """
    The effect may or may not exist. Resume the same order; never start another one for it.
    """


class WebhookError(DisburseError):
    """
    A delivery that must be answered with 400.
    """


class SignatureInvalidError(WebhookError):
    """
    The signature does not prove that Stripe sent these bytes, whatever the cause.
    """


class PayloadInvalidError(WebhookError):
    """
    The bytes are signed but are no event that can be read.
    """


class LedgerError(DisburseError):
    """
    The books would be wrong: a bug or tampering.
    """


class OverdrawnError(LedgerError):
    """
    A ledger account that must not go below zero would.
    """


class CurrencyMismatchError(LedgerError, ValueError):
    """
    Two currencies met in one sum.
    """


class ChainBrokenError(LedgerError):
    """
    A ledger entry was changed, removed or put in between.
    """


class StoreError(DisburseError):
    """
    The store failed; the driver's error is the cause. Nothing of the transaction was kept.
    """


class StoreTimeoutError(StoreError):
    """
    The store did not answer in the time that was left; nothing of the transaction will be kept.
    """


class StaleRecordError(StoreError):
    """
    Another writer changed the record first.
    """


class StoreMismatchError(StoreError):
    """
    The store belongs to another platform account, mode or schema version.
    """


class LeaseLostError(StoreError):
    """
    Another worker has taken this order over; what it does counts.
    """


class SinkError(DisburseError):
    """
    The sink did not keep the secrets safe; a new card stays inactive.

    Attributes:
        remedy: What to do about it.
    """

    remedy: str = ""
