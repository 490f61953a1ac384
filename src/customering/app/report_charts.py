"""Draws charts as inline SVG: no library, readable on a phone, in light and in dark.

Colours are CSS variables of the page. Words stand in HTML beside the drawing, or in a drawing that
is as wide as a phone, so that no text is ever scaled down.
"""

import math
from collections.abc import Callable
from html import escape

from customering.app.report_model import Bar, Chart, Grid, IntervalChart, Line, LineChart

_WIDTH, _HEIGHT = 340.0, 220.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 46.0, 20.0, 24.0, 38.0
_COLOURS = ("var(--ours)", "var(--other)", "var(--third)")
_DASHES = ("", "5 4", "2 3")
_TICKS = 4

_Place = Callable[[float, float], tuple[float, float]]


def drawn(chart: Chart) -> str:
    """Draw a chart as a figure of HTML."""
    if isinstance(chart, IntervalChart):
        inside = _intervals(chart)
    elif isinstance(chart, LineChart):
        inside = _lines(chart)
    else:
        inside = _grid(chart)
    return (
        f"<figure><figcaption>{escape(chart.title)}</figcaption>{inside}"
        f'<p class="alt">{escape(chart.alt)}</p></figure>'
    )


def _intervals(chart: IntervalChart) -> str:
    known = [v for bar in chart.bars for v in (bar.value, bar.low, bar.high) if v is not None]
    if chart.reference is not None:
        known.append(chart.reference)
    low, high = min(known, default=0.0), max(known, default=1.0)
    if 0.0 < low < high / 3:  # a scale that nearly begins at nothing had better do so
        low = 0.0
    room = (high - low) * 0.04 or 1.0
    low, high = low - room, high + room
    # Nothing stands out where there is nothing to stand out from.
    is_one_kind = len({bar.is_ours for bar in chart.bars}) == 1
    rows = "".join(_bar(bar, chart.reference, low, high, is_one_kind) for bar in chart.bars)
    return f'<div class="bars" role="img" aria-label="{escape(chart.alt)}">{rows}</div>'


def _bar(bar: Bar, reference: float | None, low: float, high: float, is_plain: bool) -> str:
    """Draw one line: its label, the drawing that stretches, and the value in words."""

    def at(value: float) -> str:
        return f"{100.0 * (value - low) / (high - low):.2f}%"

    colour = "var(--ours)" if bar.is_ours or is_plain else "var(--other)"
    parts = []
    if reference is not None:
        x = at(reference)
        parts.append(f'<line x1="{x}" x2="{x}" y1="0" y2="100%" class="reference"/>')
    if bar.low is not None and bar.high is not None:
        parts.append(
            f'<line x1="{at(bar.low)}" x2="{at(bar.high)}" y1="50%" y2="50%"'
            f' stroke="{colour}" stroke-width="3"/>'
        )
    if bar.value is not None:
        parts.append(f'<circle cx="{at(bar.value)}" cy="50%" r="5" fill="{colour}"/>')
    ours = " ours" if bar.is_ours and not is_plain else ""
    return (
        f'<div class="bar{ours}"><span class="label">{escape(bar.label)}</span>'
        f'<svg height="22" width="100%" aria-hidden="true">{"".join(parts)}</svg>'
        f'<span class="value">{escape(bar.text)}</span></div>'
    )


def _lines(chart: LineChart) -> str:
    points = [point for line in chart.lines for point in line.points]
    points += [(x, value) for line in chart.lines for x, *both in line.band for value in both]
    xs, ys = [x for x, _ in points], [y for _, y in points]
    left, right = min(xs, default=0.0), max(xs, default=1.0)
    bottom, top = min(0.0, *ys) if ys else 0.0, max(ys, default=1.0)
    if right == left:
        right = left + 1.0
    if top == bottom:
        top = bottom + 1.0

    def at(x: float, y: float) -> tuple[float, float]:
        across = _LEFT + (x - left) / (right - left) * (_WIDTH - _LEFT - _RIGHT)
        down = _HEIGHT - _BOTTOM - (y - bottom) / (top - bottom) * (_HEIGHT - _TOP - _BOTTOM)
        return round(across, 1), round(down, 1)

    parts = [_axes(chart, at, (left, right), (bottom, top))]
    for number, line in enumerate(chart.lines):
        parts.append(_line(line, number, at))
    legend = "".join(
        f'<span><svg width="26" height="10" aria-hidden="true"><line x1="0" x2="26" y1="5" y2="5"'
        f' stroke="{_COLOURS[number]}" stroke-width="3" stroke-dasharray="{_DASHES[number]}"/>'
        f"</svg> {escape(line.label)}</span>"
        for number, line in enumerate(chart.lines)
    )
    return (
        f'<svg class="plot" viewBox="0 0 {_WIDTH:g} {_HEIGHT:g}" role="img"'
        f' aria-label="{escape(chart.alt)}">{"".join(parts)}</svg><p class="legend">{legend}</p>'
    )


def _axes(
    chart: LineChart, at: _Place, across: tuple[float, float], upward: tuple[float, float]
) -> str:
    parts, is_share = [], chart.is_percent or chart.is_percent_upward
    for value in ticks(*upward):
        x, y = at(across[0], value)
        end, _ = at(across[1], value)
        parts.append(f'<line x1="{x}" x2="{end}" y1="{y}" y2="{y}" class="rule"/>')
        parts.append(
            f'<text x="{x - 5}" y="{y + 4}" text-anchor="end">{_tick(value, is_share)}</text>'
        )
    for value in ticks(*across):
        x, y = at(value, upward[0])
        parts.append(
            f'<text x="{x}" y="{y + 16}" text-anchor="middle">'
            f"{_tick(value, chart.is_percent or chart.is_percent_across)}</text>"
        )
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    parts.append(
        f'<text x="{middle}" y="{_HEIGHT - 5}" text-anchor="middle">{escape(chart.across)}</text>'
    )
    parts.append(f'<text x="2" y="11">{escape(chart.upward)}</text>')
    return "".join(parts)


def _line(line: Line, number: int, at: _Place) -> str:
    colour, dashes = _COLOURS[number], _DASHES[number]
    parts = []
    if line.band:
        there = [at(x, low) for x, low, _ in line.band]
        back = [at(x, high) for x, _, high in reversed(line.band)]
        corners = " ".join(f"{x},{y}" for x, y in [*there, *back])
        parts.append(f'<polygon points="{corners}" fill="{colour}" opacity="0.18"/>')
    path = " ".join(f"{x},{y}" for x, y in (at(*point) for point in line.points))
    parts.append(
        f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2.5"'
        f' stroke-dasharray="{dashes}"/>'
    )
    return "".join(parts)


def _grid(chart: Grid) -> str:
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in chart.names)
    rows = []
    for name, shares in zip(chart.names, chart.shares, strict=True):
        found = "".join(_share(share) for share in shares)
        rows.append(f'<tr><th scope="row">{escape(name)}</th>{found}</tr>')
    return (
        f'<div class="wide"><table class="grid"><thead><tr><td></td>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _share(share: float | None) -> str:
    if share is None:
        return "<td>–</td>"
    # A few per cent must be seen, and dark cells still be read.
    strength = round(60 * share**0.6)
    return (
        f'<td style="background:color-mix(in srgb, var(--ours) {strength}%, transparent)">'
        f"{share:.0%}</td>"
    )


def ticks(low: float, high: float) -> list[float]:
    """Give round numbers from low to high, some four steps apart."""
    rough = (high - low) / _TICKS
    if rough <= 0:
        return [low]
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * nice for nice in (1, 2, 5, 10) if power * nice >= 0.75 * rough)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [number * step for number in range(first, last + 1)]


def _tick(value: float, is_share: bool) -> str:
    if is_share:
        return f"{value:.3g}%" if (value := 100.0 * value) else "0%"
    return f"{value:,.6g}"
