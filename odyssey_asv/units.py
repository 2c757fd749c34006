"""Numbers as people read them, and exact decimal arithmetic. The only place that scales.

A JSON number is a decimal text; `exact` takes that text at its word, so that 0.3 → 0.33 is +10 %
to the last digit, which binary floating point does not give.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from fractions import Fraction

_DURATIONS = ((0, "s"), (-3, "ms"), (-6, "µs"), (-9, "ns"))
# What a change is held against: tolerance, threshold, and the limits of severity.
LIMITS = (Fraction(5, 100), Fraction(10, 100), Fraction(20, 100), Fraction(50, 100))
_BYTES = ((9, "GB"), (6, "MB"), (3, "kB"), (0, "B"))


def exact(value: float) -> Fraction:
    """The shortest decimal that reads back as `value`, as a fraction.

    Raises ValueError for NaN and infinities.
    """
    if isinstance(value, int):
        return Fraction(value)
    # By way of Decimal, which reads the text ten times faster than Fraction.
    return Fraction(*decimal(value).as_integer_ratio())


def decimal(value: float) -> Decimal:
    """The shortest decimal that reads back as `value`. Raises ValueError for NaN and infinities."""
    if isinstance(value, int):
        return Decimal(value)
    if not math.isfinite(value):
        raise ValueError(f"not a finite number: {value!r}")
    return Decimal(repr(float(value)))


def shift(value: float, places: int) -> float:
    """`value` times 10**places, moving the decimal point only: 0.00033 s shifted by 3 is 0.33 ms.

    Raises ValueError for an integer that no float can hold.
    """
    try:
        number = float(value)
    except OverflowError:
        raise ValueError("a number too large for a float") from None
    if not math.isfinite(number):
        return number
    return float(Decimal(repr(number)).scaleb(places))


def significant(value: float | Decimal, digits: int = 3) -> str:
    """`value` with this many significant digits, without exponent where a person would write none."""
    number = Decimal(value)
    if number == 0 or not number.is_finite():
        return f"{float(value):g}"
    rounded = f"{number:.{digits - 1}e}"
    magnitude = int(rounded.partition("e")[2])
    if magnitude >= 15 or magnitude < -6:
        return rounded
    return f"{number:.{max(0, digits - 1 - magnitude)}f}"


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


def format_change(change: Fraction | float, limits: Iterable[Fraction] = LIMITS) -> str:
    """A relative change in per cent, always with its sign, one decimal: `+15.0 %`.

    A change that would round onto a limit it does not equal gets the digits that show on which side
    it lies, four at most: `+10.04 %`, and `> +10.0 %` for what lies closer still.
    """
    percent = Fraction(change) * 100
    if abs(percent) >= 1_000_000:
        return f"{float(percent):+.2e} %"
    hidden = {sign * abs(limit) * 100 for limit in limits for sign in (1, -1)} - {percent}
    for decimals in (1, 2, 3, 4):
        shown = round(percent, decimals)
        if shown not in hidden:
            return f"{_signed(percent, decimals)} %"
    return f"{'>' if percent > shown else '<'} {_signed(shown, 1)} %"


def short_change(ratio: float) -> str:
    """A ratio as a change in per cent, short whatever its size, without the sign of per cent.

    >>> short_change(1.1012), short_change(0.5), short_change(25.0), short_change(2e4)
    ('+10.1', '-50.0', '+2400', '+2e+06')
    >>> short_change(float("nan"))
    '+nan'
    """
    percent = (ratio - 1.0) * 100.0
    if not abs(percent) < 1e5:
        return f"{percent:+.0e}"
    return f"{round(percent, 1) + 0.0:+.{1 if abs(percent) < 1000.0 else 0}f}"


def format_interval(low: float, high: float) -> str:
    """An interval of ratios as changes in per cent.

    >>> format_interval(1.1012, 1.146)
    '[+10.1, +14.6]'
    """
    return f"[{short_change(low)}, {short_change(high)}]"


def _signed(percent: Fraction, decimals: int) -> str:
    sign = "-" if percent < 0 else "+"
    digits = 0 if abs(percent) >= 1000 else decimals
    return f"{sign}{abs(float(round(percent, digits))):.{digits}f}"


def printable(text: str) -> str:
    """Text that cannot drive a terminal or turn its direction: control characters become `\ufffd`.

    Newlines stay.
    """
    return "".join(c if c == "\n" or c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def one_line(text: str) -> str:
    """`printable` text on one line: any run of white space is one space."""
    return printable(" ".join(text.split()))


def _scaled(value: float, units: tuple[tuple[int, str], ...]) -> str:
    number = Decimal(value)
    if not number.is_finite():
        return significant(value)
    if number == 0:
        return f"0 {units[0][1] if units is _DURATIONS else units[-1][1]}"
    # 0.9995 rounds to 1.00 in three digits, so it belongs to the larger unit.
    fitting = (unit for unit in units if abs(number) >= Decimal("0.9995").scaleb(unit[0]))
    exponent, name = next(fitting, units[-1])
    return f"{significant(number.scaleb(-exponent))} {name}"


def parse_fraction(value: object) -> Fraction:
    """A share as people write it: `0.1`, `"0.1"`, `"10%"`, `"10 %"`. Zero and more, at most 1000 %.

    A bare number of 1 or more is refused: whoever writes 5 means 5 %, not five times. Raises
    ValueError saying what was found.

    >>> parse_fraction("10%"), parse_fraction(0.05)
    (Fraction(1, 10), Fraction(1, 20))
    """
    found = ValueError(f"expected a share such as 0.05 or '5%', found {value!r}")
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise found
    text = (repr(value) if isinstance(value, float) else str(value)).strip()
    percent = text.endswith("%")
    try:
        number = Decimal(text.removesuffix("%").strip())
    except InvalidOperation:
        raise found from None
    if not number.is_finite() or not -30 <= number.adjusted() <= 3:
        raise found
    if not (0 <= number <= 1000 if percent else 0 <= number < 1):
        raise found
    return Fraction(number) / (100 if percent else 1)


def count_of(count: int, noun: str) -> str:
    """A number of things, in words.

    >>> count_of(1, "case"), count_of(2, "case"), count_of(0, "case")
    ('1 case', '2 cases', 'no cases')
    """
    return f"{count or 'no'} {noun}" + ("" if count == 1 else "s")
