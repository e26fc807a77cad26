"""
How does the desk pay a claim, look at it, and hear from Stripe?
"""

from datetime import timedelta
from typing import Annotated

from fastapi import FastAPI, HTTPException, Path
from pydantic import BaseModel

from issuing_disburse import (
    Address,
    AmountRule,
    Disbursement,
    Disburser,
    InvalidInputError,
    Money,
    Order,
    OrderConflictError,
    OrderNotFoundError,
    Recipient,
    RefusedError,
    Terms,
    UnavailableError,
)
from issuing_disburse.contrib.starlette import webhook_route

WEBHOOKS = "/stripe/webhook"

ClaimId = Annotated[str, Path(pattern="^claim-[0-9]{1,12}$")]


class Garage(BaseModel):
    """
    Who repairs, and is paid.
    """

    reference: str
    name: str
    line1: str
    city: str
    state: str
    postal_code: str


class Claim(BaseModel):
    """
    What is paid: up to so much, in dollars.
    """

    amount: str
    garage: Garage


class Card(BaseModel):
    """
    Where a claim stands.
    """

    status: str
    last4: str | None
    reason: str | None

    @classmethod
    def of(cls, paid: Disbursement) -> "Card":
        """
        Read a disbursement.
        """
        return cls(
            status=paid.status.value,
            last4=paid.card_or_none.last4 if paid.card_or_none else None,
            reason=paid.reason.message if paid.reason else None,
        )


def make_app(disburser: Disburser) -> FastAPI:
    """
    Make the application; its work runs in threads, so that webhooks never wait for it.
    """
    app = FastAPI(title="Claims desk")
    app.router.routes.append(webhook_route(WEBHOOKS, disburser.handle_webhook))

    @app.put("/claims/{claim_id}/card")
    def pay(claim_id: ClaimId, claim: Claim) -> Card:
        """
        Pay a claim: asked twice, it is paid once.
        """
        try:
            return Card.of(disburser.disburse(order_for(claim_id, claim)))
        except InvalidInputError as wrong:
            raise HTTPException(422, str(wrong)) from wrong
        except OrderConflictError as other:
            raise HTTPException(409, "this claim was paid with another amount or garage") from other
        except RefusedError as refusal:
            raise HTTPException(402, str(refusal)) from refusal
        except UnavailableError as later:
            raise HTTPException(503, "ask again with the same claim") from later

    @app.get("/claims/{claim_id}")
    def look(claim_id: ClaimId) -> Card:
        """
        Tell where a claim stands.
        """
        try:
            return Card.of(disburser.get(claim_id))
        except OrderNotFoundError as unknown:
            raise HTTPException(404, "no such claim") from unknown

    return app


def order_for(claim_id: str, claim: Claim) -> Order:
    """
    Make the order of a claim: one purchase, up to its amount, within two weeks.

    Raises:
        InvalidInputError: Naming the field.
    """
    garage = claim.garage
    return Order(
        id=claim_id,
        recipient=Recipient.company(
            reference=garage.reference,
            name=garage.name,
            billing=Address(
                line1=garage.line1,
                city=garage.city,
                state=garage.state,
                postal_code=garage.postal_code,
                country="US",
            ),
        ),
        amount=Money.of(claim.amount, "usd"),
        terms=Terms(valid_for=timedelta(days=14), amount=AmountRule.up_to()),
    )
