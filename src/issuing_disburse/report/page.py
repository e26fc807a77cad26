"""
How does a report look to people? As one page, without a script, that loads nothing.

Order ids, merchants' names and reasons come from strangers. Every text is escaped by the template and
by the renderer of the pictures, and the page forbids itself to run or load anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from importlib.resources import files
from typing import NamedTuple

from issuing_disburse.exceptions import InvalidInputError

from .charts import LABELS, ageing, declines, flow
from .values import AgeBand, OrderLine, Report

_DAY, _HOUR, _MINUTE = 86_400, 3_600, 60
_NARROW = 340


class _Pictures(NamedTuple):
    wide: object
    narrow: object


def _pictures(draw: Callable[[int], str], *, wide: int) -> _Pictures:
    from markupsafe import Markup  # noqa: PLC0415  # see `page`

    # Vega escapes every text; what it draws is markup that may stand as it is.
    return _Pictures(wide=Markup(draw(wide)), narrow=Markup(draw(_NARROW)))  # noqa: S704


def page(report: Report) -> str:
    """
    Return *report* as one HTML page.

    Raises:
        InvalidInputError: The extra ``report`` is not installed.
    """
    try:
        from jinja2 import Environment, StrictUndefined  # noqa: PLC0415  # an extra
        from markupsafe import Markup  # noqa: PLC0415  # comes with it
    except ModuleNotFoundError:
        raise InvalidInputError(
            "report", "cannot be laid out", "run: pip install 'issuing-disburse[report]'"
        ) from None
    shipped = files("issuing_disburse.report") / "templates"
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(when=when, age=age, words=words)
    template = environment.from_string((shipped / "report.html.jinja").read_text(encoding="utf-8"))
    bands = _by_currency(report.ageing)
    return template.render(
        report=report,
        account=report.account or "the platform",
        period=_period(report.since, report.until),
        style=Markup((shipped / "report.css").read_text(encoding="utf-8")),  # noqa: S704  # ours
        flows={
            one.currency: _pictures(
                lambda width, name=one.currency: flow(  # type: ignore[misc]  # bound early
                    report, name, width=width, height=300 if width > _NARROW else 340
                ),
                wide=1_000,
            )
            for one in report.figures
        },
        figure_labels=tuple(LABELS.items()),
        labels=LABELS,
        ageing=bands,
        age_charts={
            name: _pictures(lambda width, ones=ones: ageing(ones, width=width), wide=480)  # type: ignore[misc]  # likewise
            for name, ones in bands.items()
        },
        decline_chart=_pictures(lambda width: declines(report.declines, width=width), wide=480)
        if report.declines
        else None,
        by_status=_by_status(report.orders),
    )


def when(moment: datetime) -> str:
    """
    Write a time for people, UTC.
    """
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def age(seconds: int) -> str:
    """
    Write an age in the unit that fits.
    """
    for unit, name in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min")):
        if seconds >= unit:
            return f"{seconds // unit} {name}"
    return "now"


def words(code: str) -> str:
    """
    Write a code as words.
    """
    return code.replace("_", " ")


def _period(since: datetime | None, until: datetime | None) -> str:
    if since is None and until is None:
        return "from the first entry on"
    start = f"from {when(since)}" if since else "from the first entry"
    return f"{start} to {when(until)}" if until else f"{start} on"


def _by_currency(bands: Iterable[AgeBand]) -> dict[str, list[AgeBand]]:
    result: dict[str, list[AgeBand]] = {}
    for one in bands:
        result.setdefault(one.held.currency, []).append(one)
    return result


def _by_status(orders: Iterable[OrderLine]) -> dict[str, list[OrderLine]]:
    result: dict[str, list[OrderLine]] = {}
    for one in orders:
        result.setdefault(one.status, []).append(one)
    return result
