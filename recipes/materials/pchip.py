"""A smooth monotone curve through given points: piecewise cubic Hermite with Fritsch and Carlson's slopes."""

from __future__ import annotations

from bisect import bisect_right
from functools import lru_cache
from itertools import pairwise

Knots = tuple[tuple[float, float], ...]


@lru_cache(maxsize=256)
def slopes(knots: Knots) -> tuple[float, ...]:
    """The curve's slope at each point; points in rising order of their first value, at least two.

    :raises ValueError: if there are fewer, or they do not rise.
    """
    if len(knots) < 2:
        raise ValueError(f"a curve needs two points at least, not {len(knots)}")
    widths = [b[0] - a[0] for a, b in pairwise(knots)]
    if min(widths) <= 0.0:
        raise ValueError("the points of a curve must stand in rising order")
    rises = [(b[1] - a[1]) / w for a, b, w in zip(knots, knots[1:], widths, strict=False)]
    if len(knots) == 2:
        return rises[0], rises[0]
    inner = [_harmonic(*pair) for pair in zip(widths, widths[1:], rises, rises[1:], strict=False)]
    return (
        _end(widths[0], widths[1], rises[0], rises[1]),
        *inner,
        _end(widths[-1], widths[-2], rises[-1], rises[-2]),
    )


def _harmonic(left: float, right: float, before: float, after: float) -> float:
    """Slope where two pieces meet: 0 at an extreme, else the weighted harmonic mean."""
    if before * after <= 0.0:
        return 0.0
    one, other = 2.0 * right + left, right + 2.0 * left
    return (one + other) / (one / before + other / after)


def _end(near: float, far: float, rise: float, next_rise: float) -> float:
    """Slope at an end: three points' parabola, bent back where it would not keep the shape."""
    slope = ((2.0 * near + far) * rise - near * next_rise) / (near + far)
    if slope * rise <= 0.0:
        return 0.0
    if rise * next_rise <= 0.0 and abs(slope) > 3.0 * abs(rise):
        return 3.0 * rise
    return slope


def curve(x: float, knots: Knots) -> float:
    """The curve at x, which must lie within the points."""
    index = min(max(bisect_right(knots, x, key=lambda knot: knot[0]), 1), len(knots) - 1)
    (x0, y0), (x1, y1) = knots[index - 1], knots[index]
    tangents = slopes(knots)
    width = x1 - x0
    t = (x - x0) / width
    u = 1.0 - t
    return (
        y0 * (1.0 + 2.0 * t) * u * u
        + y1 * t * t * (3.0 - 2.0 * t)
        + width * t * u * (tangents[index - 1] * u - tangents[index] * t)
    )
