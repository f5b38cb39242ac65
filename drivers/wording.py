"""Numbers in sentences for people: a value beside the limit that it is over or under."""

from __future__ import annotations

MOST_DIGITS = 6
"""After the point; a float32 of the machines' ranges differs from its neighbour by more (7.6e-6 at 100)."""
_LIMIT_DIGITS = 9  # significant ones: what is left out is the noise of arithmetic such as 0.9 * 98


def limit_text(limit: float) -> str:
    """A limit as it was written, without the noise of arithmetic."""
    return f"{limit:.{_LIMIT_DIGITS}g}"


def beside(value: float, limit: float, digits: int = 1) -> str:
    """A value that is not within `limit`, with as many digits after the point as tell it from `limit_text(limit)`.

    At least `digits`, at most MOST_DIGITS; what is nearer than that is "just above" or "just below" the limit. What is
    no number is told with `digits`.
    """
    shown_limit = float(limit_text(limit))
    for places in range(digits, MOST_DIGITS + 1):
        text = f"{value:.{places}f}"
        if value == limit or float(text) != shown_limit:
            return text
    return f"just {'above' if value > limit else 'below'} {limit_text(limit)}"


def apart(value: float, *limits: float) -> str:
    """A value in six significant digits, or in as many as tell it from limits that are printed with six."""
    shown_limits = {float(f"{limit:g}") for limit in limits}
    texts = [f"{value:.{digits}g}" for digits in (6, 9, 17)]
    return next((text for text in texts if float(text) not in shown_limits), texts[0])
