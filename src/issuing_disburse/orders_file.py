"""
Which orders does a payout list in CSV hold, and which of its cells must be corrected first?

.. code-block:: text

    column             needed                   what it holds
    id                 always                   your order id, unique in the file
    type               always                   individual or company
    first_name         individual
    last_name          individual
    company_name       company                  as printed on the card, at most 24 letters
    name_on_card       no                       individual: when first and last name exceed 24 letters
    reference          no                       yours for the recipient; the same is one cardholder
    email              no
    phone_number       EEA and UK               '+' and digits
    date_of_birth      no                       individual: 1985-03-14
    tax_id             no                       company
    terms_accepted_at  individual in the US     2026-11-01T12:00:00Z, with a time zone
    terms_ip           individual in the US     from where the terms were accepted
    line1              always                   of the billing address
    line2              no
    city               always
    state              no
    postal_code        always
    country            always                   two letters: US
    amount             always                   in major units, exactly: 125.00
    currency           always                   usd, eur or gbp
    valid_days         no                       whole days the card may be used; 30
    amount_rule        no                       exact or up_to; exact

The file is UTF-8 (a byte order mark is fine), comma-separated, with one header row in any order.
Empty lines are passed over. No other column is taken: a misspelt name would be lost in silence.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import BinaryIO, TypeVar

from attrs import define, field, frozen

from .exceptions import InvalidInputError, RefusedError
from .money import Money
from .order import Order
from .recipient import Address, Recipient, UserTerms
from .terms import AmountRule, Terms

NEEDED = ("id", "type", "line1", "city", "postal_code", "country", "amount", "currency")
"""The columns that every file has."""

COLUMNS = (
    *NEEDED,
    "first_name", "last_name", "name_on_card", "company_name", "reference", "email",
    "phone_number", "date_of_birth", "tax_id", "terms_accepted_at", "terms_ip", "line2", "state",
    "valid_days", "amount_rule",
)  # fmt: skip
"""All columns that are understood."""

PROBLEMS_MAX = 1_000
"""After that many problems the reader stops: the file is another one than was meant."""

_LINE_BYTES_MAX = 65_536
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_DAYS = re.compile(r"\d{1,5}", re.ASCII)
_FORMULA = ("=", "+", "-", "@")
_PHONE = re.compile(r"\+[\d ().-]+", re.ASCII)
_NUMBER = re.compile(r"-[\d.,]+", re.ASCII)
_ONLY_INDIVIDUAL = (
    "first_name", "last_name", "name_on_card", "date_of_birth", "terms_accepted_at", "terms_ip"
)  # fmt: skip
_ONLY_COMPANY = ("company_name", "tax_id")
_COLUMN_OF = {
    "recipient.user_terms": "terms_accepted_at",
    "recipient.user_terms.accepted_at": "terms_accepted_at",
    "recipient.user_terms.ip": "terms_ip",
    "amount.minor": "amount",
    "terms.valid_for": "valid_days",
    "terms.amount.kind": "amount_rule",
}

_T = TypeVar("_T")


@frozen(kw_only=True)
class Problem:
    """
    What must be corrected before anything of the file is paid. Repeats no personal data.

    Attributes:
        row: The line of the file on which the row begins; the header is 1. 0 is the whole file.
        field: The column at fault; empty if the row as a whole is.
    """

    row: int
    field: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        where = f"row {self.row}" if self.row else "file"
        column = f", {self.field}" if self.field else ""
        return f"{where}{column}: {self.problem}; {self.remedy}"


class OrdersFileError(RefusedError):
    """
    A payout list has problems; nothing was paid.

    Attributes:
        problems: Each of them, in the order of the file.
    """

    def __init__(self, name: str, problems: tuple[Problem, ...]) -> None:
        first = "; ".join(str(one) for one in problems[:3])
        more = f" ... {len(problems)} in all" if len(problems) > 3 else ""  # noqa: PLR2004  # as many as were shown
        super().__init__(f"{name}: {first}{more}", code="orders_file")
        self.name = name
        self.problems = problems

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.name, self.problems)


def read_orders(path: Path, *, today: date | None = None) -> tuple[Order, ...]:
    """
    Read the whole list, or none of it; once, so that a pipe will do.

    Args:
        today: UTC date, for the minimum age; the system's when left out.

    Raises:
        OrdersFileError: With every problem of every row. Nothing was paid.
    """
    rows = tuple(stream_rows(path, today=today))
    problems = tuple(one for one in rows if isinstance(one, Problem))
    if problems:
        raise OrdersFileError(path.name, problems)
    return tuple(one for one in rows if isinstance(one, Order))


def stream_orders(path: Path, *, today: date | None = None) -> Iterator[Order]:
    """
    Check the whole list, then yield its orders one by one: for lists that should not be held whole.

    The file is read twice (a pipe cannot be), and only ids are kept. If somebody changes it meanwhile, a row that is
    then wrong raises; what was yielded before stands.

    Raises:
        OrdersFileError: Before the first order, with every problem of every row.
    """
    day = today or _today()
    problems = tuple(one for one in stream_rows(path, today=day) if isinstance(one, Problem))
    if problems:
        raise OrdersFileError(path.name, problems)
    for one in stream_rows(path, today=day):
        if isinstance(one, Problem):
            raise OrdersFileError(path.name, (one,))
        yield one


def stream_rows(path: Path, *, today: date | None = None) -> Iterator[Order | Problem]:
    """
    Yield each row's order, or its problems, in the order of the file; keeps nothing but ids.

    An unreadable file is a problem, too: nothing is raised for what is wrong with it.
    """
    try:
        with path.open("rb") as file:
            yield from _Reader(file=file, today=today or _today()).rows()
    except OSError as unreadable:
        yield _of_file(f"cannot be read: {unreadable.strerror}", "check its name and rights")


def _today() -> date:
    return datetime.now(UTC).date()


def _of_file(problem: str, remedy: str) -> Problem:
    return Problem(row=0, field="", problem=problem, remedy=remedy)


class _UnreadableError(Exception):
    """
    Nothing sensible can follow behind this line.
    """


@define(kw_only=True)
class _Reader:
    """
    Reads one file once.
    """

    file: BinaryIO
    today: date
    header: tuple[str, ...] = ()
    seen: dict[str, int] = field(factory=dict)
    undecodable: bool = False
    line: int = 0

    def rows(self) -> Iterator[Order | Problem]:
        problems = orders = 0
        for one in self._rows():
            yield one
            problems += isinstance(one, Problem)
            orders += isinstance(one, Order)
            if problems >= PROBLEMS_MAX:
                yield _of_file(f"has {problems} problems or more", "is it the right file?")
                return
        if not problems and not orders:
            yield _of_file("holds no orders", f"begin with a row {','.join(NEEDED)},...")

    def _rows(self) -> Iterator[Order | Problem]:
        begins = 1
        try:
            for cells in csv.reader(self._lines(), strict=True):
                if any(cell.strip() for cell in cells):  # else it is empty, or of commas only
                    yield from self._read(begins, cells)
                    if not self.header:
                        return  # nothing can be told about the rows below
                self.undecodable = False
                begins = self.line + 1
        except csv.Error:
            remedy = 'close each "quoted cell", and end each line in the usual way'
            yield Problem(row=begins, field="", problem="is no sound CSV", remedy=remedy)
        except _UnreadableError as unreadable:
            problem, remedy = unreadable.args
            yield Problem(row=self.line, field="", problem=problem, remedy=remedy)

    def _read(self, begins: int, cells: list[str]) -> Iterator[Order | Problem]:
        if self.undecodable:
            remedy = "save the file as 'CSV UTF-8'"
            yield Problem(row=begins, field="", problem="is not UTF-8 text", remedy=remedy)
        elif self.header:
            yield from self._read_row(begins, cells)
        else:
            problems = tuple(self._read_header(cells))
            yield from problems
            if not problems:
                self.header = tuple(cell.strip().lower() for cell in cells)

    def _lines(self) -> Iterator[str]:
        while raw := self.file.readline(_LINE_BYTES_MAX + 1):
            self.line += 1
            if len(raw) > _LINE_BYTES_MAX:
                raise _UnreadableError("is longer than 64 KiB", "is this a CSV file?")
            if self.line == 1:
                if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
                    raise _UnreadableError("is UTF-16", "save the file as 'CSV UTF-8'")
                raw = raw.removeprefix(b"\xef\xbb\xbf")
            if b"\0" in raw:
                raise _UnreadableError("holds NUL bytes", "save the file as 'CSV UTF-8'")
            try:
                yield raw.decode()
            except UnicodeDecodeError:
                self.undecodable = True
                yield raw.decode(errors="replace")

    def _read_header(self, cells: list[str]) -> Iterator[Problem]:
        names = tuple(cell.strip().lower() for cell in cells)
        if len(names) == 1 and (";" in names[0] or "\t" in names[0]):
            yield Problem(
                row=self.line,
                field="",
                problem="is not separated by commas",
                remedy="save the file with commas between the cells",
            )
            return
        for name in sorted(set(NEEDED) - set(names)):
            yield Problem(
                row=self.line,
                field=name,
                problem="column is missing",
                remedy=f"add a column named {name}",
            )
        for name in dict.fromkeys(names):
            if name not in COLUMNS:
                yield Problem(
                    row=self.line,
                    field=ascii(name)[1:41].rstrip("'"),
                    problem="column is unknown",
                    remedy="correct its name or remove it",
                )
            elif names.count(name) > 1:
                yield Problem(
                    row=self.line,
                    field=name,
                    problem="column is there twice",
                    remedy="keep one",
                )

    def _read_row(self, begins: int, cells: list[str]) -> Iterator[Order | Problem]:
        if len(cells) != len(self.header):
            yield Problem(
                row=begins,
                field="",
                problem=f"has {len(cells)} cells, the header has {len(self.header)}",
                remedy="quote cells that hold a comma, and fill up the row",
            )
            return
        row = _Row(number=begins, cells=dict(zip(self.header, map(str.strip, cells), strict=True)))
        order = row.order(self.today)
        order_id = row.cells["id"]
        earlier = self.seen.setdefault(order_id, begins)
        if order_id and earlier != begins:
            row.blame("id", f"was used in row {earlier}", "give each order an id of its own")
        if row.problems or order is None:
            yield from row.problems
        else:
            yield order


@define(kw_only=True)
class _Row:
    """
    Makes an order of one row, and notes what stands in the way.
    """

    number: int
    cells: dict[str, str]
    problems: list[Problem] = field(factory=list)

    def get(self, name: str) -> str | None:
        return self.cells.get(name) or None

    def blame(self, name: str, problem: str, remedy: str) -> None:
        if not any(one.field == name for one in self.problems):
            self.problems.append(
                Problem(row=self.number, field=name, problem=problem, remedy=remedy)
            )

    def attempt(self, make: Callable[[], _T]) -> _T | None:
        """
        Return what *make* makes, or note why it cannot.
        """
        try:
            return make()
        except InvalidInputError as wrong:
            column = _COLUMN_OF.get(wrong.field, wrong.field.rpartition(".")[2])
            if column == "name_on_card" and self.get("type") == "company":
                column = "company_name"
            self.blame(column, wrong.problem, wrong.remedy)
            return None

    def order(self, today: date) -> Order | None:
        self._check_cells()
        amount = self.attempt(self._amount)
        terms = self.attempt(self._terms)
        billing = self.attempt(self._billing)
        user_terms = self.attempt(self._user_terms)
        born = self.attempt(self._date_of_birth)
        if self.problems or billing is None or amount is None or terms is None:
            return None
        recipient = self.attempt(lambda: self._recipient(billing, user_terms, born))
        if recipient is None:
            return None
        self.attempt(lambda: recipient.check_for(amount.currency, today=today))
        order_id = self.cells["id"]
        return self.attempt(lambda: Order(order_id, recipient, amount, terms))

    def _check_cells(self) -> None:
        for name, cell in self.cells.items():
            if name in NEEDED and not cell:
                self.blame(name, "is empty", "fill it in")
            elif cell.startswith(_FORMULA) and not _is_plain(name, cell):
                self.blame(name, "looks like a spreadsheet formula", "write the value itself")
        kind = self.get("type")
        if kind is not None and kind not in {"individual", "company"}:
            self.blame("type", "is unknown", "write individual or company")
        barred = {"individual": _ONLY_COMPANY, "company": _ONLY_INDIVIDUAL}.get(kind or "", ())
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
