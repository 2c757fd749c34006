"""Numbers as people read them, and decimals taken at their word."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odyssey_asv.units import (
    exact,
    format_bytes,
    format_change,
    format_duration,
    format_value,
    one_line,
    parse_fraction,
    printable,
    shift,
    significant,
)
from tests import strategies

numbers = st.floats(allow_nan=False, allow_infinity=False)


def percent(value: str) -> Fraction:
    return Fraction(value) / 100


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.3, Fraction(3, 10)),
        (0.33, Fraction(33, 100)),
        (1e-9, Fraction(1, 10**9)),
        (-2.5, Fraction(-5, 2)),
        (7, Fraction(7)),
        (10**400, Fraction(10**400)),
    ],
)
def test_exact_is_the_decimal_that_was_written(value: float, expected: Fraction) -> None:
    """A float stands for the shortest decimal that reads back as it; an integer for itself."""
    assert expected == exact(value)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_exact_refuses_what_is_no_number(value: float) -> None:
    """NaN and infinities have no decimal."""
    with pytest.raises(ValueError, match="not a finite number"):
        exact(value)


def test_exact_takes_the_floats_of_numpy() -> None:
    """A subclass of float counts by its value, whatever its `repr` says."""

    class Odd(float):
        def __repr__(self) -> str:
            return f"Odd({float(self)})"

    assert Fraction(3, 10) == exact(Odd(0.3))


@given(numbers)
def test_exact_reads_back(value: float) -> None:
    """Turning the fraction into a float gives the value again."""
    assert value == float(exact(value))


@pytest.mark.parametrize(
    ("value", "places", "expected"),
    [(0.00033, 3, 0.33), (12.5, -3, 0.0125), (0.3, 3, 300.0), (-1.1, 1, -11.0), (2, 0, 2.0)],
)
def test_shift_moves_only_the_decimal_point(value: float, places: int, expected: float) -> None:
    """No binary rounding creeps in, as it does in 0.0003 * 1000."""
    assert expected == shift(value, places)


def test_shift_leaves_what_is_not_finite() -> None:
    """NaN and infinities stay what they are."""
    assert [True, math.inf, -math.inf] == [
        math.isnan(shift(math.nan, 3)),
        shift(math.inf, 3),
        shift(-math.inf, -3),
    ]


def test_shift_refuses_an_integer_beyond_floats() -> None:
    """An integer that no float can hold is a ValueError, as every other bad number is."""
    with pytest.raises(ValueError, match="too large"):
        shift(10**400, 3)


@given(st.decimals("1e-9", "1e5", places=9).map(float), st.integers(-9, 9))
def test_shift_and_back_loses_nothing(value: float, places: int) -> None:
    """Milliseconds in the file and seconds inside are the same decimal, up to 15 digits."""
    assert value == shift(shift(value, places), -places)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, "0"),
        (1, "1.00"),
        (12.345, "12.3"),
        (123.45, "123"),
        (1234.5, "1234"),
        (9.996, "10.0"),
        (0.9996, "1.00"),
        (99.96, "100"),
        (0.00123456, "0.00123"),
        (-0.5, "-0.500"),
        (1e-6, "0.00000100"),
        (9.9e-7, "9.90e-7"),
        (9.99e14, "999000000000000"),
        (1e15, "1.00e+15"),
        (10**400, "1.00e+400"),
        (math.inf, "inf"),
        (math.nan, "nan"),
    ],
)
def test_significant_keeps_three_digits(value: float, expected: str) -> None:
    """Three digits that mean something, without exponent where a person would write none."""
    assert expected == significant(value)


def test_significant_keeps_as_many_digits_as_asked() -> None:
    """The number of digits is the caller's."""
    assert [significant(1.23456, digits) for digits in (1, 2, 4)] == ["1", "1.2", "1.235"]


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "0 s"),
        (1, "1.00 s"),
        (61, "61.0 s"),
        (0.9996, "1.00 s"),
        (0.9994, "999 ms"),
        (0.0125, "12.5 ms"),
        (0.001, "1.00 ms"),
        (2.5e-6, "2.50 µs"),
        (3.14e-9, "3.14 ns"),
        (5e-11, "0.0500 ns"),
        (-0.0125, "-12.5 ms"),
        (math.inf, "inf"),
        (math.nan, "nan"),
        (10**400, "1.00e+400 s"),
    ],
)
def test_a_duration_is_shown_in_the_unit_that_fits(seconds: float, expected: str) -> None:
    """Three digits, and a value that rounds up to the next unit is shown in it."""
    assert expected == format_duration(seconds)


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (0, "0 B"),
        (1, "1.00 B"),
        (999, "999 B"),
        (1000, "1.00 kB"),
        (2_500_000, "2.50 MB"),
        (3e9, "3.00 GB"),
        (7e12, "7000 GB"),
    ],
)
def test_bytes_are_shown_in_decimal_units(size: float, expected: str) -> None:
    """MB is 10^6 bytes."""
    assert expected == format_bytes(size)


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (0.0125, "seconds", "12.5 ms"),
        (2_500_000, "bytes", "2.50 MB"),
        (42, "widgets", "42.0 widgets"),
        (42, "", "42.0"),
        (None, "seconds", "-"),
        (True, "seconds", "True"),
        ("abc", "seconds", "abc"),
        ([1], "unit", "[1]"),
    ],
)
def test_a_value_is_shown_with_its_unit(value: object, unit: str, expected: str) -> None:
    """Numbers are scaled by their unit; anything else is shown as text."""
    assert expected == format_value(value, unit)


@given(strategies.values, st.sampled_from(("seconds", "bytes", "unit")))
def test_any_value_can_be_shown(value: object, unit: str) -> None:
    """Whatever a file holds becomes some text."""
    assert format_value(value, unit)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("15", "+15.0 %"),
        ("-10", "-10.0 %"),
        ("0", "+0.0 %"),
        ("10", "+10.0 %"),
        ("5", "+5.0 %"),
        ("-5", "-5.0 %"),
        ("12.345", "+12.3 %"),
        ("999.94", "+999.9 %"),
        ("1000", "+1000 %"),
        ("123456", "+123456 %"),
        ("999999", "+999999 %"),
        ("1000000", "+1.00e+06 %"),
    ],
)
def test_a_change_has_its_sign_and_one_decimal(change: str, expected: str) -> None:
    """Very large changes lose the decimal, then become powers of ten."""
    assert expected == format_change(percent(change))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("10.04", "+10.04 %"),
        ("9.96", "+9.96 %"),
        ("10.004", "+10.004 %"),
        ("10.0004", "+10.0004 %"),
        ("10.00004", "> +10.0 %"),
        ("9.99996", "< +10.0 %"),
        ("-5.04", "-5.04 %"),
        ("-4.999999", "> -5.0 %"),
        ("-5.000001", "< -5.0 %"),
        ("20.01", "+20.01 %"),
        ("49.99", "+49.99 %"),
        ("4.97", "+4.97 %"),
    ],
)
def test_a_change_beyond_a_limit_is_not_mistaken_for_it(change: str, expected: str) -> None:
    """10.04 % alerts and 10 % does not, so the two never look the same."""
    assert expected == format_change(percent(change))


def test_a_change_is_held_against_the_limits_that_are_given() -> None:
    """A project with a threshold of 3 % sees 3.04 %; one without does not."""
    shown = [format_change(percent("3.04"), limits) for limits in ((), (percent("3"),))]
    assert shown == ["+3.0 %", "+3.04 %"]


@given(st.fractions(-1, 2), st.sampled_from(("5", "10", "20", "50", "-5")))
def test_only_a_limit_itself_is_shown_as_it(change: Fraction, limit: str) -> None:
    """Two different changes share the text of a limit only when they are equal to it."""
    same_text = format_change(change) == format_change(percent(limit))
    assert same_text == (change == percent(limit))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10%", Fraction(1, 10)),
        ("10 %", Fraction(1, 10)),
        (" 0.1 ", Fraction(1, 10)),
        ("0%", Fraction(0)),
        (0, Fraction(0)),
        (0.05, Fraction(1, 20)),
        (0.1, Fraction(1, 10)),
        ("150%", Fraction(3, 2)),
        ("1000%", Fraction(10)),
        ("5e-2", Fraction(1, 20)),
        (0.999, Fraction(999, 1000)),
    ],
)
def test_a_share_is_read_as_people_write_it(text: object, expected: Fraction) -> None:
    """As a decimal or with a per cent sign, exactly."""
    assert expected == parse_fraction(text)


@pytest.mark.parametrize(
    "text",
    [
        "", "%", "ten", "nan", "inf", "1/10", "5%%", "-1%", -0.01, math.nan, math.inf, True, None,
        [], {}, 1, 5, "5", "1001%", "1e999999999%", "1e-999999999",
    ],
)  # fmt: skip
def test_what_is_no_share_is_refused(text: object) -> None:
    """Also a bare 5, which would be 500 %, and numbers made to take all the memory there is."""
    with pytest.raises(
        ValueError, match=r"^expected a share such as 0\.05 or '5%', found"
    ) as caught:
        parse_fraction(text)
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain µs → 日本", "plain µs → 日本"),
        ("two\nlines", "two\nlines"),
        ("\x1b[31mred", "\ufffd[31mred"),
        ("bell\x07 tab\t back\x08 return\r", "bell\ufffd tab\ufffd back\ufffd return\ufffd"),
        ("\u202eleft\u200f \u2028", "\ufffdleft\ufffd \ufffd"),
        ("\x9b31m \x7f", "\ufffd31m \ufffd"),
        ("\ud800", "\ufffd"),
    ],
)
def test_printable_text_cannot_drive_a_terminal(text: str, expected: str) -> None:
    """Each control character, also of direction, becomes the replacement character."""
    assert expected == printable(text)


def test_one_line_is_one_line() -> None:
    """Any run of white space is one space, and the rest is printable."""
    assert one_line("  a\r\nb\t\tc\u2028d \x1be\n") == "a b c d \ufffde"


@given(strategies.texts)
def test_one_line_holds_nothing_but_what_prints(text: str) -> None:
    """Whatever a name is, it is shown on one line without control characters."""
    assert one_line(text).isprintable()
