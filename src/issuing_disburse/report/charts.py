"""
How are the figures drawn? By Vega, as pictures that need no script and no network.

The colours are names that the page gives a meaning to, so that one picture serves day, night and paper.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, TypeAlias

from issuing_disburse.exceptions import InvalidInputError
from issuing_disburse.money import EXPONENTS

from .values import AgeBand, DeclineReason, Report

Spec: TypeAlias = dict[str, Any]

CAME = ("opening_held", "opening_remaining", "funded", "refunded", "disputed", "covered")
WENT = ("spent", "reclaimed", "held", "remaining")

LABELS = {
    "opening_held": "held before",
    "opening_remaining": "on cards before",
    "funded": "funded",
    "refunded": "refunded",
    "disputed": "disputes",
    "covered": "covered",
    "spent": "spent",
    "reclaimed": "reclaimed",
    "held": "held",
    "remaining": "on cards",
}

_FONT = "system-ui, sans-serif"
_GAP = 18
_BAR = 12
_RIBBON = (
    "'M' + datum.x0 + ',' + datum.a0"
    " + 'C' + datum.xm + ',' + datum.a0 + ' ' + datum.xm + ',' + datum.c0"
    " + ' ' + datum.x1 + ',' + datum.c0 + 'L' + datum.x1 + ',' + datum.c1"
    " + 'C' + datum.xm + ',' + datum.c1 + ' ' + datum.xm + ',' + datum.a1"
    " + ' ' + datum.x0 + ',' + datum.a1 + 'Z'"
)


def draw(spec: Spec, *, is_vega: bool = False) -> str:
    """
    Return the picture as SVG; every text in it is escaped by the renderer.

    Raises:
        InvalidInputError: The extra ``report`` is not installed.
    """
    try:
        import vl_convert  # noqa: PLC0415  # an extra: only who draws pays for it
    except ModuleNotFoundError:
        raise InvalidInputError(
            "report", "cannot draw", "run: pip install 'issuing-disburse[report]'"
        ) from None
    text = json.dumps(spec)
    return vl_convert.vega_to_svg(text) if is_vega else vl_convert.vegalite_to_svg(text)


def flow(report: Report, currency: str, *, width: int, height: int) -> str:
    """
    Draw what came to the cards on the left, and what became of it on the right, to scale.
    """
    amounts = dict(report.flows(currency))
    values: list[dict[str, Any]] = []
    for side, names in (("in", CAME), ("out", WENT)):
        shown = [name for name in names if name in amounts]
        # A negative figure (a refund that was taken back) flows the other way.
        for name in shown:
            minor = amounts[name].minor
            values.append(
                {
                    "side": side if minor > 0 else ("out" if side == "in" else "in"),
                    "minor": abs(minor),
                    "name": LABELS[name],
                    "amount": str(amounts[name]),
                    "colour": f"var(--{name.replace('_', '-')})",
                }
            )
    return draw(_flow_spec(values, width=width, height=height), is_vega=True)


def _flow_spec(values: list[dict[str, Any]], *, width: int, height: int) -> Spec:
    rows = max([sum(one["side"] == side for one in values) for side in ("in", "out")], default=1)
    thickness = max(40, height - _GAP * rows)
    middle, last = width / 2, width - _BAR
    formulas = [
        ("isIn", "datum.side === 'in'"),
        ("a0", f"scale('size', datum.y0) + (datum.row - 1) * {_GAP} + 14"),
        ("a1", "datum.a0 + max(2, scale('size', datum.y1) - scale('size', datum.y0))"),
        ("c0", f"scale('size', datum.y0) + {_GAP}"),
        ("c1", f"scale('size', datum.y1) + {_GAP}"),
        ("x0", f"datum.isIn ? {_BAR} : {last}"),
        ("x1", f"datum.isIn ? {middle - _BAR / 2} : {middle + _BAR / 2}"),
        ("xm", "(datum.x0 + datum.x1) / 2"),
        ("label", "datum.name + '  ' + datum.amount"),
    ]
    stacked: list[Spec] = [
        {"type": "stack", "groupby": ["side"], "field": "minor", "as": ["y0", "y1"]},
        {"type": "window", "groupby": ["side"], "ops": ["row_number"], "as": ["row"]},
    ]
    placed: list[Spec] = [
        *({"type": "formula", "as": name, "expr": expr} for name, expr in formulas),
        {"type": "formula", "as": "path", "expr": _RIBBON},
    ]
    return {
        "$schema": "https://vega.github.io/schema/vega/v5.json",
        "width": width,
        "height": height + _GAP,
        "padding": 2,
        "autosize": "none",
        "config": {"text": {"font": _FONT}},
        "data": [
            {"name": "flows", "values": values, "transform": stacked},
            {"name": "ribbons", "source": "flows", "transform": placed},
            {
                "name": "total",
                "source": "flows",
                "transform": [
                    {"type": "aggregate", "fields": ["y1"], "ops": ["max"], "as": ["top"]}
                ],
            },
        ],
        "scales": [
            {
                "name": "size",
                "type": "linear",
                "zero": True,
                "nice": False,
                "domain": {"data": "flows", "field": "y1"},
                "range": [0, thickness],
            }
        ],
        "marks": [
            {
                "type": "path",
                "from": {"data": "ribbons"},
                "encode": {
                    "enter": {
                        "path": {"field": "path"},
                        "fill": {"field": "colour"},
                        "fillOpacity": {"value": 0.45},
                    }
                },
            },
            {
                "type": "rect",
                "from": {"data": "ribbons"},
                "encode": {
                    "enter": {
                        "x": {"signal": f"datum.isIn ? 0 : {last}"},
                        "width": {"value": _BAR},
                        "y": {"field": "a0"},
                        "y2": {"field": "a1"},
                        "fill": {"field": "colour"},
                    }
                },
            },
            {
                "type": "rect",
                "from": {"data": "total"},
                "encode": {
                    "enter": {
                        "x": {"value": middle - _BAR / 2},
                        "width": {"value": _BAR},
                        "y": {"value": _GAP},
                        "y2": {"signal": f"scale('size', datum.top) + {_GAP}"},
                        "fill": {"value": "var(--ink)"},
                    }
                },
            },
            {
                "type": "text",
                "from": {"data": "ribbons"},
                "encode": {
                    "enter": {
                        "text": {"field": "label"},
                        "x": {"signal": f"datum.isIn ? 0 : {width}"},
                        "y": {"signal": "datum.a0 - 4"},
                        "align": {"signal": "datum.isIn ? 'left' : 'right'"},
                        "fontSize": {"value": 13},
                        "fill": {"value": "var(--ink)"},
                    }
                },
            },
        ],
    }


def ageing(bands: Sequence[AgeBand], *, width: int) -> str:
    """
    Draw the open money of one currency by age, held beside remaining.
    """
    digits = 10 ** EXPONENTS[bands[0].held.currency]
    values = [
        {"band": one.band, "what": what, "amount": amount.minor / digits}
        for one in bands
        for what, amount in (("held", one.held), ("on cards", one.remaining))
    ]
    spec = _bars(width)
    spec["data"] = {"values": values}
    spec["mark"] = {"type": "bar", "cornerRadiusEnd": 2}
    spec["encoding"] = {
        "y": {
            "field": "band", "type": "nominal", "title": None,
            "sort": [one.band for one in bands],
        },
        "x": {"field": "amount", "type": "quantitative", "stack": "zero", "title": None},
        "color": {
            "field": "what", "type": "nominal", "title": None,
            "scale": {"domain": ["held", "on cards"], "range": ["var(--held)", "var(--remaining)"]},
            "legend": {"orient": "bottom"},
        },
    }  # fmt: skip
    return draw(spec)


def declines(reasons: Sequence[DeclineReason], *, width: int) -> str:
    """
    Draw how often purchases were declined, by reason, policy beside Stripe.
    """
    counts: dict[tuple[str, str], int] = {}
    for one in reasons:
        key = (one.reason, one.decided_by)
        counts[key] = counts.get(key, 0) + one.count
    shown = sorted(counts.items(), key=lambda item: -item[1])[:12]
    names = list(dict.fromkeys(reason.replace("_", " ") for (reason, _), _ in shown))
    spec = _bars(width)
    spec["data"] = {
        "values": [
            {"reason": reason.replace("_", " "), "by": who, "count": count}
            for (reason, who), count in shown
        ]
    }
    spec["mark"] = {"type": "bar", "cornerRadiusEnd": 2}
    spec["encoding"] = {
        "y": {"field": "reason", "type": "nominal", "title": None, "sort": names},
        "x": {
            "field": "count", "type": "quantitative", "title": None,
            "axis": {"tickMinStep": 1, "format": "d"},
        },
        "color": {
            "field": "by", "type": "nominal", "title": None,
            "scale": {"domain": ["policy", "stripe"], "range": ["var(--spent)", "var(--covered)"]},
            "legend": {"orient": "bottom"},
        },
    }  # fmt: skip
    return draw(spec)


def _bars(width: int) -> Spec:
    text = {"labelColor": "var(--ink)", "labelFont": _FONT, "labelFontSize": 12}
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "width": width,
        "height": {"step": 24},
        "padding": {"left": 16, "right": 8, "top": 4, "bottom": 4},  # fonts differ in width
        "autosize": {"type": "fit-x", "contains": "padding"},
        "background": None,
        "config": {
            "view": {"stroke": None},
            "axis": {
                **text, "gridColor": "var(--line)", "domainColor": "var(--line)",
                "tickColor": "var(--line)", "labelLimit": width // 3,
            },
            "legend": text,
        },
    }  # fmt: skip
