"""
Which order was it that money was moved for, and which money went back for it?
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from attrs import define, evolve, field

from .disbursement import idempotency_key
from .facts import Amounts
from .money import Money
from .ports import Clock
from .records import DisbursementRecord, FundingRecord, Moved, Share
from .routes import BALANCE_TRANSFER, REVERSAL
from .salvage import Movements, SalvagedCard
from .salvaged_transfers import SalvagedTransfer

_ATTEMPTS_MAX = 32
"""How many fundings of one order are looked for."""

_WAY_BACK = timedelta(hours=1)
"""How long before its reversal the balance transfer of a reclaim may have been made."""


@define(kw_only=True)
class Attributor:
    """
    Gives transfers, reversals and balance transfers to orders, each to one.

    Attributes:
        shared: Fundings of many orders, as they were moved, without their members.
        used: The fundings that have found their order.
    """

    account: str | None
    clock: Clock
    route: str
    movements: Movements
    transfers: dict[str, SalvagedTransfer]
    shared: dict[str, FundingRecord] = field(factory=dict)
    used: set[str] = field(factory=set)

    def fundings(
        self, record: DisbursementRecord, first: SalvagedCard
    ) -> tuple[list[FundingRecord], tuple[Amounts, ...]]:
        found: list[FundingRecord] = []
        reclaimed: list[Amounts] = []
        for number in range(1, _ATTEMPTS_MAX + 1):
            transfer = self.transfers.get(idempotency_key(record.key, "funding", number))
            if transfer is None:
                continue
            self.used.add(transfer.funding_id)
            funding = evolve(self.funding(transfer), members=(record.key,))
            for key in sorted(transfer.reversed_minor):
                if key.startswith(f"reclaim/{record.key}/"):
                    back = self.given_back(key, transfer, (record.key,))
                    reclaimed.append(Amounts(id=key, minor=back.amount.minor))
                    spent = funding.given_back_minor + back.amount.minor
                    funding = evolve(funding, given_back_minor=spent)
                    found.append(back)
            found.append(funding)
        if first.share is not None:
            found += self._share(record, first, first.share, reclaimed)
        if not found:
            found += self._own_movement(record, first)
        return found, tuple(reclaimed)

    def _share(
        self,
        record: DisbursementRecord,
        first: SalvagedCard,
        share: Share,
        reclaimed: list[Amounts],
    ) -> list[FundingRecord]:
        """
        Return an order's part of a shared funding as if it were one of its own, and what went back.
        """
        whole = self.shared.get(share.funding) or self._whole(share, first)
        if whole is None:
            return []
        self.used.add(whole.id)
        found: list[FundingRecord] = []
        gone, undone = 0, 0
        transfer = self.transfers.get(share.funding)
        for key in sorted(transfer.reversed_minor) if transfer is not None else ():
            if transfer is not None and key.startswith(f"reclaim/{record.key}/"):
                back = self.given_back(key, transfer, (record.key,))
                reclaimed.append(Amounts(id=key, minor=back.amount.minor))
                gone += back.amount.minor
                found.append(back)
            elif transfer is not None and key.startswith(f"undo/{record.key}/"):
                undone += transfer.reversed_minor[key]
        has_failed = undone >= share.minor or whole.progress == "given_back"
        part = evolve(
            whole,
            amount=Money(share.minor, whole.amount.currency),
            members=(record.key,),
            progress="given_back" if has_failed else "moved",
            given_back_minor=gone,
        )
        return [*found, part]

    def _whole(self, share: Share, first: SalvagedCard) -> FundingRecord | None:
        """
        Find what moved a shared funding: its transfer, or on the platform's own balance a movement.
        """
        transfer = self.transfers.get(share.funding)
        if transfer is not None:
            return self.whole(transfer)
        amount = Money(share.of_minor, first.amount.currency)
        until = first.created_at
        arrived = self.movements.claim("issuing", amount, until=until, newest=True)
        if arrived is None:
            return None
        left = self.movements.claim("payments", -amount, until=until, newest=True)
        onward = Moved(
            object=BALANCE_TRANSFER,
            id=arrived,
            minor=amount.minor,
            balance_transaction=arrived,
            counterpart=left,
        )
        self.shared[share.funding] = FundingRecord(
            id=share.funding,
            account=self.account,
            amount=amount,
            route=self.route,
            members=(),
            created_at=until,
            progress="moved",
            moved=(onward,),
            brought_minor=amount.minor,
            has_arrived=True,
            is_shared=True,
        )
        return self.shared[share.funding]

    def whole(self, transfer: SalvagedTransfer) -> FundingRecord:
        """
        Return a shared funding as its transfer tells it; all of it is free as long as nobody has a share.
        """
        known = self.shared.get(transfer.funding_id)
        if known is not None:
            return known
        since, amount = transfer.created_at, transfer.amount
        arrived = self.movements.claim("issuing", amount, since=since)
        left = self.movements.claim("payments", -amount, since=since)
        refused = transfer.reversals.get(transfer.funding_id, [])
        is_back = sum(minor for _, minor in refused) >= amount.minor
        self.shared[transfer.funding_id] = FundingRecord(
            id=transfer.funding_id,
            account=self.account,
            amount=amount,
            route=self.route,
            members=(),
            created_at=since,
            progress="given_back" if is_back else "moved",
            moved=transfer.moved(arrived, left),
            brought_minor=amount.minor if arrived is not None else 0,
            has_arrived=arrived is not None,
            given_back_minor=amount.minor if is_back else 0,
            returned=tuple(Moved(object=REVERSAL, id=name, minor=minor) for name, minor in refused),
            is_shared=True,
            free_minor=0 if is_back else amount.minor,
        )
        return self.shared[transfer.funding_id]

    def funding(self, transfer: SalvagedTransfer) -> FundingRecord:
        since, amount = transfer.created_at, transfer.amount
        arrived = self.movements.claim("issuing", amount, since=since)
        left = self.movements.claim("payments", -amount, since=since)
        if transfer.has_failed and arrived is not None:
            return self._there_and_back(transfer, transfer.funding_id, arrived, left)
        return FundingRecord(
            id=transfer.funding_id,
            account=self.account,
            amount=transfer.amount,
            route=self.route,
            members=(),
            created_at=transfer.created_at,
            progress="given_back" if transfer.has_failed else "moved",
            moved=transfer.moved(arrived, left),
            brought_minor=transfer.amount.minor if arrived is not None else 0,
            has_arrived=arrived is not None,
            given_back_minor=transfer.amount.minor if transfer.has_failed else 0,
            returned=transfer.reversed_for_others(),
        )

    def _there_and_back(
        self, transfer: SalvagedTransfer, name: str, arrived: str, left: str | None
    ) -> FundingRecord:
        """
        Return what came to the Issuing balance and left it again for one and the same order.
        """
        amount = transfer.amount
        back = self.movements.claim("issuing", -amount, since=transfer.created_at)
        away = Moved(
            object=BALANCE_TRANSFER, id=back or name, minor=amount.minor, balance_transaction=back
        )
        return FundingRecord(
            id=name,
            account=self.account,
            amount=amount,
            route=self.route,
            members=(),
            created_at=transfer.created_at,
            progress="given_back",
            moved=transfer.moved(arrived, left),
            brought_minor=0 if back is not None else amount.minor,
            has_arrived=True,
            given_back_minor=amount.minor,
            returned=(*([away] if back else []), *transfer.reversed_for_others()),
        )

    def _own_movement(self, record: DisbursementRecord, first: SalvagedCard) -> list[FundingRecord]:
        """
        Find the balance transfer that brought the money of an order without a transfer.
        """
        amount = Money(first.most_minor, record.amount.currency)
        until = first.created_at
        arrived = self.movements.claim("issuing", amount, until=until, newest=True)
        if arrived is None:
            return []
        left = self.movements.claim("payments", -amount, until=until, newest=True)
        return [
            FundingRecord(
                id=idempotency_key(record.key, "funding", 1),
                account=self.account,
                amount=amount,
                route=self.route,
                members=(record.key,),
                created_at=until,
                progress="moved",
                moved=(
                    Moved(
                        object=BALANCE_TRANSFER,
                        id=arrived,
                        minor=amount.minor,
                        balance_transaction=arrived,
                        counterpart=left,
                    ),
                ),
                brought_minor=amount.minor,
                has_arrived=True,
            )
        ]

    def given_back(
        self, key: str, transfer: SalvagedTransfer, members: tuple[str, ...]
    ) -> FundingRecord:
        """
        Return what was taken back, by the reversals that bear its key.
        """
        amount = Money(transfer.reversed_minor[key], transfer.amount.currency)
        until = transfer.reversed_at.get(key)
        since = until - _WAY_BACK if until is not None else None
        left = self.movements.claim("issuing", -amount, since=transfer.created_at, until=until)
        if left is None:  # more than the transfer went off the balance, as after a refund
            left, amount = self.movements.claim_beyond(-amount, since=since, until=until)
        reversals = [
            Moved(object=REVERSAL, id=name, minor=minor) for name, minor in transfer.reversals[key]
        ]
        onward = Moved(
            object=BALANCE_TRANSFER, id=left or key, minor=amount.minor, balance_transaction=left
        )
        return FundingRecord(
            id=key,
            account=self.account,
            amount=amount,
            route=self.route,
            members=members,
            created_at=until or self.clock(),
            direction="out",
            progress="given_back",
            returned=(onward, *reversals) if left is not None else tuple(reversals),
        )

    def round_trip(
        self, transfer: SalvagedTransfer, funding: FundingRecord
    ) -> FundingRecord | None:
        """
        See whether the money of a failed order has left the Issuing balance again, but not gone home.
        """
        since, like = transfer.created_at, funding.moved[-1].balance_transaction
        back = self.movements.claim("issuing", -transfer.amount, since=since, like=like)
        if back is None:
            return None
        away = Moved(
            object=BALANCE_TRANSFER,
            id=back,
            minor=transfer.amount.minor,
            balance_transaction=back,
        )
        return evolve(
            funding,
            id=f"{funding.id}-round-trip",
            progress="given_back",
            moved=funding.moved[1:],
            brought_minor=0,
            given_back_minor=transfer.amount.minor,
            returned=(away,),
        )

    def unused(self) -> Iterator[SalvagedTransfer]:
        """
        Yield the transfers that belong to no order with a card.
        """
        for name in sorted(self.transfers):
            if name not in self.used and not self.transfers[name].is_shared:
                yield self.transfers[name]
