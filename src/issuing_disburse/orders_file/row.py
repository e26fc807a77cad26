"""
Which order does one row of named cells describe?
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import TypeVar

from attrs import define, field

from issuing_disburse.exceptions import InvalidInputError
from issuing_disburse.money import Money
from issuing_disburse.order import Order
from issuing_disburse.recipient import Address, Recipient, UserTerms
from issuing_disburse.terms import AmountRule, Terms

from .columns import COLUMN_OF_FIELD, NEEDED, ONLY_COMPANY, ONLY_INDIVIDUAL
from .problems import Problem

CELL_LENGTH_MAX = 1_000

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_DAYS = re.compile(r"\d{1,5}", re.ASCII)
_AMOUNT = re.compile(r"[\d.,' +-]{1,40}", re.ASCII)
_CODE = re.compile(r"[A-Za-z]{1,10}", re.ASCII)
_FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")  # wide ones, too
_PHONE = re.compile(r"\+[\d ().-]+", re.ASCII)
_NUMBER = re.compile(r"-[\d.,]+", re.ASCII)
_UNSEEN = re.compile(
    "[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffd]"
)

_T = TypeVar("_T")


@define(kw_only=True)
class Row:
    """
    Makes an order of one row, and notes what stands in the way.

    Attributes:
        number: The line on which it begins.
        cells: What stands in which column, without space at the ends.
    """

    number: int
    cells: Mapping[str, str]
    problems: list[Problem] = field(factory=list)

    def get(self, name: str) -> str | None:
        """
        Return a cell, unless it is empty.
        """
        return self.cells.get(name) or None

    def blame(self, name: str, problem: str, remedy: str) -> None:
        """
        Note a problem, unless the column has one already.
        """
        if not any(one.field == name for one in self.problems):
            self.problems.append(
                Problem(row=self.number, field=name, problem=problem, remedy=remedy)
            )

    def order(self, today: date) -> Order | tuple[Problem, ...]:
        """
        Return the order, or all that stands in its way.
        """
        order = self._order(today)
        return tuple(self.problems) if order is None or self.problems else order

    def _attempt(self, make: Callable[[], _T]) -> _T | None:
        """
        Return what *make* makes, or note why it cannot.
        """
        try:
            return make()
        except InvalidInputError as wrong:
            column = COLUMN_OF_FIELD.get(wrong.field, wrong.field.rpartition(".")[2])
            if column == "name_on_card" and self.get("type") == "company":
                column = "company_name"
            self.blame(column, wrong.problem, wrong.remedy)
            return None

    def _order(self, today: date) -> Order | None:
        self._check_cells()
        self._check_kind()
        amount = self._attempt(self._amount)
        terms = self._attempt(self._terms)
        billing = self._attempt(self._billing)
        user_terms = self._attempt(self._user_terms)
        born = self._attempt(self._date_of_birth)
        if self.problems or billing is None or amount is None or terms is None:
            return None
        recipient = self._attempt(lambda: self._recipient(billing, user_terms, born))
        if recipient is None:
            return None
        self._attempt(lambda: recipient.check_for(amount.currency, today=today))
        order_id = self.cells["id"]
        return self._attempt(lambda: Order(order_id, recipient, amount, terms))

    def _check_cells(self) -> None:
        for name in NEEDED:
            if not self.get(name):
                self.blame(name, "is empty", "fill it in")
        for name, cell in self.cells.items():
            if cell.startswith(_FORMULA) and not _is_plain(name, cell):
                self.blame(name, "looks like a spreadsheet formula", "write the value itself")
            elif len(cell) > CELL_LENGTH_MAX:
                self.blame(name, f"is longer than {CELL_LENGTH_MAX} characters", "shorten it")
            elif not cell.isascii() and _UNSEEN.search(cell):
                remedy = "type it anew: it was damaged, or copied from a formatted page"
                self.blame(name, "holds a character that cannot be seen or was lost", remedy)

    def _check_kind(self) -> None:
        kind = self.get("type")
        if kind is not None and kind not in {"individual", "company"}:
            self.blame("type", "is unknown", "write individual or company")
        barred = {"individual": ONLY_COMPANY, "company": ONLY_INDIVIDUAL}.get(kind or "", ())
        for name in barred:
            if self.get(name):
                self.blame(name, f"says nothing about a recipient of type {kind}", "leave it empty")
        wanted = {"individual": ("first_name", "last_name"), "company": ("company_name",)}
        for name in wanted.get(kind or "", ()):
            if not self.get(name):
                self.blame(name, f"is needed for type {kind}", "fill it in")

    def _amount(self) -> Money | None:
        if not self.get("amount") or not self.get("currency"):
            return None  # noted before
        # What is repeated in a message must not be what slipped in from another column.
        if not _AMOUNT.fullmatch(self.cells["amount"]):
            raise InvalidInputError(
                "amount",
                "is no plain decimal number",
                "write digits and a point, like 1250.00",
            )
        if not _CODE.fullmatch(self.cells["currency"]):
            raise InvalidInputError("currency", "is no currency", "write usd, eur or gbp")
        return Money.of(self.cells["amount"], self.cells["currency"])

    def _terms(self) -> Terms:
        days = self.get("valid_days") or "30"
        if not _DAYS.fullmatch(days):
            raise InvalidInputError("valid_days", "is no whole number", "write days, such as 30")
        rule = self.get("amount_rule") or "exact"
        if rule not in {"exact", "up_to"}:
            raise InvalidInputError("amount_rule", "is unknown", "write exact or up_to")
        amount = AmountRule.exact() if rule == "exact" else AmountRule.up_to()
        return Terms(valid_for=timedelta(days=int(days)), amount=amount)

    def _billing(self) -> Address | None:
        if not all(self.get(name) for name in ("line1", "city", "postal_code", "country")):
            return None  # noted before
        if not _CODE.fullmatch(self.cells["country"]):
            raise InvalidInputError("country", "is no country", "write two letters, such as US")
        return Address(
            line1=self.cells["line1"],
            line2=self.get("line2"),
            city=self.cells["city"],
            state=self.get("state"),
            postal_code=self.cells["postal_code"],
            country=self.cells["country"],
        )

    def _user_terms(self) -> UserTerms | None:
        accepted_at, ip = self.get("terms_accepted_at"), self.get("terms_ip")
        if accepted_at is None and ip is None:
            return None
        if accepted_at is None or ip is None:
            empty = "terms_ip" if ip is None else "terms_accepted_at"
            raise InvalidInputError(empty, "is empty", "fill in both or none")
        try:
            moment = datetime.fromisoformat(accepted_at)
        except ValueError:
            raise InvalidInputError(
                "terms_accepted_at", "is no time", "write it as 2026-11-01T12:00:00Z"
            ) from None
        if moment.tzinfo is None:
            raise InvalidInputError(
                "terms_accepted_at", "has no time zone", "end it in Z (UTC) or +01:00"
            )
        return UserTerms(accepted_at=moment, ip=ip)

    def _date_of_birth(self) -> date | None:
        born = self.get("date_of_birth")
        if born is None:
            return None
        try:
            if _DATE.fullmatch(born):
                return date.fromisoformat(born)
        except ValueError:
            pass
        raise InvalidInputError("date_of_birth", "is no date", "write it as 1985-03-14")

    def _recipient(
        self, billing: Address, user_terms: UserTerms | None, born: date | None
    ) -> Recipient:
        if self.cells["type"] == "company":
            return Recipient.company(
                name=self.cells["company_name"],
                billing=billing,
                reference=self.get("reference"),
                email=self.get("email"),
                phone_number=self.get("phone_number"),
                tax_id=self.get("tax_id"),
            )
        return Recipient.individual(
            first_name=self.cells["first_name"],
            last_name=self.cells["last_name"],
            name_on_card=self.get("name_on_card"),
            billing=billing,
            reference=self.get("reference"),
            email=self.get("email"),
            phone_number=self.get("phone_number"),
            date_of_birth=born,
            user_terms=user_terms,
        )


def _is_plain(name: str, cell: str) -> bool:
    """
    Tell whether a cell that begins like a formula is what its column is for.
    """
    if name == "phone_number":
        return bool(_PHONE.fullmatch(cell))
    return name == "amount" and bool(_NUMBER.fullmatch(cell))  # Money says what is wrong with it
