"""Numbers: what is read, and that rounding is exact."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_EVEN, Context, Decimal

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from listrak_sms_cli.audience.columns import FieldKind
from listrak_sms_cli.audience.values.clean import ValueRules, clean_values, explain_values
from tests.audience.values.masks import marked

RULES = ValueRules(FieldKind.NUMBER, None, "US", None)
WIDE = Context(prec=500, rounding=ROUND_HALF_EVEN, Emax=99_999, Emin=-99_999)


def numbers(cells: list[str | None]) -> list[str | None]:
    """The import texts; None where the cell is bad."""
    clean = clean_values(pa.array(cells, pa.string()), RULES)
    bad = clean.bad if clean.bad is not None else [False] * len(cells)
    return [None if is_bad else text for is_bad, text in zip(bad, clean.text.to_pylist(), strict=True)]


@pytest.mark.parametrize("cell", ["0", "7", "-7", "12.5", "12.50", "3.0", "-0.01", "0.00", "9" * 28, "9" * 28 + ".99"])
def test_a_plain_number_is_sent_as_written(cell: str) -> None:
    """A number that is plain and has at most two decimals is not touched."""
    assert numbers([cell, None]) == [cell, ""]


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        *((" 7 ", "7"), ("+7", "7"), ("\u22127", "-7"), ("007", "7"), ("00.50", "0.50"), ("-0", "0"), ("-0.00", "0")),
        *((".5", "0.5"), ("-.5", "-0.5"), ("5.", "5"), ("1,234", "1234"), ("1,234,567.89", "1234567.89")),
        *(("$5", "5"), ("-$5.00", "-5.00"), ("$-5", "-5"), ("$ 1,000", "1000"), ("5 €", "5"), ("€5", "5")),
        *(("- £ 5", "-5"), ("5\u00a0€", "5"), ("¥500", "500"), ("1.5e3", "1500"), ("1E+05", "100000")),
        *(("5.e2", "500"), ("1e-05", "0"), ("1.5e-1", "0.15"), ("1e-400", "0"), ("1e27", "1" + "0" * 27)),
        *(("1.005", "1"), ("1.015", "1.02"), ("2.345", "2.34"), ("2.3450001", "2.35"), ("0.995", "1")),
        *(("-0.004", "0"), ("-0.005", "0"), ("-0.015", "-0.02"), ("1.500", "1.5"), ("$1,234.567", "1234.57")),
        *(("999.995", "1000"), ("999.985", "999.98"), ("199.996", "200"), ("9" * 28 + ".995", "1" + "0" * 28)),
    ],
)
def test_other_spellings_become_plain(cell: str, text: str) -> None:
    """Signs, currency, thousands separators and exponents go; what is left is exact to two decimals."""
    assert numbers([cell, "1"]) == [text, "1"]


@pytest.mark.parametrize(
    "cell",
    [
        "abc",
        "NaN",
        "inf",
        "-",
        "$",
        ".",
        "1,23",
        "12,34",
        "1,2345",
        "1.234,56",
        "1.234.567",
        "(5)",
        "5-",
        "5%",
        "$5€",
        "-$-5",
        "--5",
        "1 000",
        "0x10",
        "1e",
        "e5",
        "1_000",
        "\u0663",
        "1e28",
        "9" * 29,
        "1." + "1" * 39,
        "1,234e99",
    ],
)
def test_other_cells_are_bad(cell: str) -> None:
    """What is ambiguous, no number, or of absurd length is bad and never crashes the column."""
    assert numbers([cell, "1"]) == [None, "1"]


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("abc", "not a number"),
        ("1.234,56", "a decimal comma? write it as 1234.56"),
        ("12,5", "a decimal comma? write it as 1234.56"),
        ("(12.50)", "a negative number in parentheses? write it with a minus sign"),
        ("12 %", "a percentage: the field holds a plain number"),
        ("9" * 40, "a number of more than 28 digits before the point or 38 after it"),
    ],
)
def test_reasons_say_what_is_wrong(cell: str, said: str) -> None:
    """The reason for a number that cannot be read says what to write."""
    assert explain_values(pa.array(["1", cell]), RULES).to_pylist() == ["", said]


def test_rounded_numbers_are_counted() -> None:
    """Only a number that is another one after rounding counts as cleaned."""
    cells = ["1.005", "1.500", "$1,000.00", "1e-400", "0.001", "2.50", "1e2", "-0.00", "x.999"]
    assert marked(clean_values(pa.array(cells), RULES).changed) == 3


def expected(cell: str) -> str | None:
    """The same by decimal: plain cells stand, others are rounded half-even; None for what has too many digits."""
    if re.fullmatch(r"(-?[1-9]\d{0,27}|-?0)(\.\d\d?)?", cell) and not re.fullmatch(r"-0(\.0*)?", cell):
        return cell
    value = WIDE.create_decimal(cell)
    digits = value.as_tuple().digits
    if value and value.adjusted() > 27:
        return None
    if -int(value.as_tuple().exponent) > 38 and value.adjusted() >= -3:
        return None
    rounded = WIDE.quantize(value, Decimal("0.01"))
    text = f"{rounded:f}".rstrip("0").rstrip(".")
    return ("0" if text in ("", "-0") else text) if digits else None


plain_digits = st.from_regex(r"\A-?(0|[1-9][0-9]{0,27})\.[0-9]{1,38}\Z")
near_ties = st.from_regex(r"\A-?(0|[1-9]|[0-9]?9{1,26})\.([09]9?|[0-9]{2})[459](0{0,20}1?|9{0,20})\Z").map(
    lambda cell: re.sub(r"^(-?)0+(\d)", r"\1\2", cell)
)
floats = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e20, max_value=1e20).map(repr)
scientific = st.from_regex(r"\A-?[1-9](\.[0-9]{1,10})?e-?[0-9]{1,2}\Z")


@given(st.lists(st.one_of(plain_digits, near_ties, floats, scientific), min_size=1), st.integers(0, 3))
@example(["0.995", "-0.995", "9.995", "0.005", "0.015", "0.0050000000000000000000000000000000000001"], 0)
def test_rounding_is_that_of_exact_decimals(cells: list[str], cut: int) -> None:
    """Every number is rounded as decimal arithmetic rounds it half-even, in every slice of a column."""
    column = pa.array([*["zz"] * cut, *cells])[cut:]
    clean = clean_values(column, RULES)
    bad = [False] * len(cells) if clean.bad is None else clean.bad.tolist()
    assert [None if b else text for b, text in zip(bad, clean.text.to_pylist(), strict=True)] == [
        expected(cell) for cell in cells
    ]


@given(st.lists(st.text(alphabet="0123456789.,-+eE$€ %()", max_size=12)))
def test_what_comes_out_is_plain_and_stays(cells: list[str]) -> None:
    """The import text of any cell is plain, and cleaning it again changes nothing."""
    clean = clean_values(pa.array(cells, pa.string()), RULES)
    for text in clean.text.to_pylist():
        assert re.fullmatch(r"|-?(0|[1-9]\d*)(\.\d\d?)?", text)
        assert not re.fullmatch(r"-0(\.0*)?", text)
    again = clean_values(clean.text, RULES)
    assert (again.text.equals(clean.text), again.bad, again.changed) == (True, None, None)
