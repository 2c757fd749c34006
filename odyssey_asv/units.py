"""Numbers as people read them, and exact decimal arithmetic. The only place that scales.

A JSON number is a decimal text; `exact` takes that text at its word, so that 0.3 → 0.33 is +10 %
to the last digit, which binary floating point does not give.
"""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction

_DURATIONS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))
_BYTES = ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1.0, "B"))


def exact(value: float) -> Fraction:
    """The shortest decimal that reads back as `value`, as a fraction.

    Raises ValueError for NaN and infinities.
    """
    if not math.isfinite(value):
        raise ValueError(f"not a finite number: {value!r}")
    return Fraction(repr(value) if isinstance(value, float) else value)


def shift(value: float, places: int) -> float:
    """`value` times 10**places, moving the decimal point only: 0.00033 s shifted by 3 is 0.33 ms."""
    if not math.isfinite(value):
        return value
    return float(Decimal(repr(float(value))).scaleb(places))


def significant(value: float, digits: int = 3) -> str:
    """`value` with this many significant digits, without exponent where a person would write none."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    magnitude = math.floor(math.log10(abs(value)))
    if magnitude >= 15 or magnitude < -6:
        return f"{value:.{digits - 1}e}"
    return f"{value:.{max(0, digits - 1 - magnitude)}f}"


def format_duration(seconds: float) -> str:
    """Three significant digits and the unit: `12.5 ms`."""
    return _scaled(seconds, _DURATIONS)


def format_bytes(size: float) -> str:
    """Three significant digits in decimal units (MB = 10^6 bytes): `2.50 MB`."""
    return _scaled(size, _BYTES)


def format_value(value: object, unit: str) -> str:
    """A measured value with its unit; anything that is not a number as text."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return "-" if value is None else str(value)
    match unit:
        case "seconds":
            return format_duration(value)
        case "bytes":
            return format_bytes(value)
        case _:
            return f"{significant(value)} {unit}".rstrip()


def format_change(change: Fraction | float) -> str:
    """A relative change in per cent, always with its sign, one decimal: `+15.0 %`.

    A change that would round onto a limit it is beyond (10.04 %) gets the digits that show it.
    """
    percent = float(change * 100)
    if abs(percent) >= 999.95:
        return f"{percent:+.0f} %"
    for decimals in (1, 2, 3, 4):
        text = f"{percent:+.{decimals}f}"
        if not _hides_a_limit(percent, float(text)):
            break
    return f"{text} %"


def _hides_a_limit(percent: float, shown: float) -> bool:
    return shown != percent and abs(shown) in (5.0, 10.0, 20.0, 50.0)


def _scaled(value: float, units: tuple[tuple[float, str], ...]) -> str:
    if not math.isfinite(value):
        return f"{value:g}"
    if value == 0:
        return f"0 {units[0][1] if units is _DURATIONS else units[-1][1]}"
    for scale, name in units:
        # 0.9995 rounds to 1.00 in three digits, so it belongs to the larger unit.
        if abs(value) >= 0.9995 * scale:
            return f"{significant(value / scale)} {name}"
    scale, name = units[-1]
    return f"{significant(value / scale)} {name}"


def parse_fraction(value: object) -> Fraction:
    """A share as people write it: `0.1`, `"0.1"`, `"10%"`, `"10 %"`. Zero and more.

    Raises ValueError saying what was found.

    >>> parse_fraction("10%"), parse_fraction(0.05)
    (Fraction(1, 10), Fraction(1, 20))
    """
    found = ValueError(f"expected a share such as 0.05 or '5%', found {value!r}")
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise found
    text = (repr(value) if isinstance(value, float) else str(value)).strip()
    percent = text.endswith("%")
    try:
        share = Fraction(text.removesuffix("%").strip()) / (100 if percent else 1)
    except (ValueError, ZeroDivisionError):
        raise found from None
    if share < 0:
        raise found
    return share
