"""Charts as inline SVG, each with a title and a description; the tables beside them carry the same numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

WIDTH, HEIGHT = 720, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 12, 16, 46


@dataclass(frozen=True, slots=True)
class Series:
    """Named values, one per place, drawn in one colour."""

    name: str
    colour: str
    values: Sequence[int]


@dataclass(frozen=True, slots=True)
class Frame:
    """What a chart shows: an id of its own, title and description, labels of the places, how its values are written."""

    id: str
    title: str
    description: str
    labels: Sequence[str]
    written: Callable[[int], str]


def line_chart(frame: Frame, series: Sequence[Series]) -> Markup:
    """Draw each series as a line."""
    scale = _Scale.of([value for one in series for value in one.values])
    step = _inner_width() / max(len(frame.labels) - 1, 1)
    lines = Markup("").join(
        Markup('<polyline fill="none" stroke="{}" stroke-width="2.5" points="{}"/>').format(
            one.colour,
            " ".join(
                f"{_text(_LEFT + place * step)},{_text(scale.y(value))}" for place, value in enumerate(one.values)
            ),
        )
        for one in series
    )
    centres = [_LEFT + place * step for place in range(len(frame.labels))]
    return _drawn(frame, series, scale, lines, centres)


def bar_chart(frame: Frame, series: Sequence[Series]) -> Markup:
    """Draw the series beside one another at each place; what is below zero hangs down."""
    scale = _Scale.of([value for one in series for value in one.values])
    room = _inner_width() / max(len(frame.labels), 1)
    width = room * 0.8 / max(len(series), 1)
    bars = [
        _bar(scale, _LEFT + place * room + room * 0.1 + number * width, width * 0.92, one.values[place], one.colour)
        for place in range(len(frame.labels))
        for number, one in enumerate(series)
    ]
    centres = [_LEFT + (place + 0.5) * room for place in range(len(frame.labels))]
    return _drawn(frame, series, scale, Markup("").join(bars), centres)


@dataclass(frozen=True, slots=True)
class _Scale:
    """From values to heights: round lines from `low` to `high`, `step` apart."""

    low: int
    high: int
    step: int

    @classmethod
    def of(cls, values: Sequence[int]) -> _Scale:
        low, high = min([0, *values]), max([1, *values])
        size = 10 ** (len(str(max((high - low) // 5, 1))) - 1)
        step = next(size * factor for factor in (1, 2, 5, 10) if size * factor * 5 >= high - low)
        return cls(low // step * step, -(-high // step) * step, step)

    def y(self, value: int) -> float:
        """Return where a value is drawn."""
        return _TOP + (self.high - value) * (HEIGHT - _TOP - _BOTTOM) / (self.high - self.low)

    def ticks(self) -> range:
        """Return the values of the horizontal lines."""
        return range(self.low, self.high + 1, self.step)


def _inner_width() -> int:
    return WIDTH - _LEFT - _RIGHT


def _bar(scale: _Scale, x: float, width: float, value: int, colour: str) -> Markup:
    top, foot = sorted((scale.y(value), scale.y(0)))
    return Markup('<rect x="{}" y="{}" width="{}" height="{}" fill="{}"/>').format(
        _text(x), _text(top), _text(width), _text(foot - top), colour
    )


def _drawn(frame: Frame, series: Sequence[Series], scale: _Scale, drawing: Markup, centres: Sequence[float]) -> Markup:
    """Put a drawing into its frame: title, description, lines, labels, legend."""
    grid = Markup("").join(
        Markup(
            '<line x1="{}" x2="{}" y1="{}" y2="{}" stroke="currentColor" stroke-opacity="{}"/>'
            '<text x="{}" y="{}" text-anchor="end">{}</text>'
        ).format(
            _LEFT, WIDTH - _RIGHT, y, y, "0.55" if tick == 0 else "0.15", _LEFT - 6, _text(scale.y(tick) + 4),
            frame.written(tick),
        )
        for tick in scale.ticks()
        for y in (_text(scale.y(tick)),)
    )  # fmt: skip
    shown = [(x, label) for x, label in zip(centres, frame.labels, strict=True) if label]
    every = -(-len(shown) // 12) or 1
    labels = Markup("").join(
        Markup('<text x="{}" y="{}" text-anchor="middle">{}</text>').format(_text(x), HEIGHT - _BOTTOM + 16, label)
        for x, label in shown[::every]
    )
    legend = Markup("").join(
        Markup('<rect x="{}" y="{}" width="10" height="10" fill="{}"/><text x="{}" y="{}">{}</text>').format(
            _LEFT + place * 170, HEIGHT - 16, one.colour, _LEFT + place * 170 + 15, HEIGHT - 7, one.name
        )
        for place, one in enumerate(series)
    )
    return Markup(
        '<svg viewBox="0 0 {} {}" role="img" aria-labelledby="{}-t {}-d" xmlns="http://www.w3.org/2000/svg">'
        '<title id="{}-t">{}</title><desc id="{}-d">{}</desc>{}{}{}{}</svg>'
    ).format(
        WIDTH, HEIGHT, frame.id, frame.id, frame.id, frame.title, frame.id, frame.description,
        grid, drawing, labels, legend,
    )  # fmt: skip


def _text(number: float) -> str:
    """Write a coordinate with one decimal, always the same way."""
    return f"{number:.1f}"
