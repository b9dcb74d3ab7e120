"""Values: what every kind of field makes of a column of cells, and what is said about the others."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pyarrow as pa
import pytest

from listrak_sms_cli.audience.columns import FieldKind
from listrak_sms_cli.audience.values.clean import ValueRules, blank_blanks, blank_nulls, clean_values, explain_values
from listrak_sms_cli.errors import UsageError
from tests.audience.values.masks import marked


def rules(kind: FieldKind, max_length: int | None = None, **given: Any) -> ValueRules:
    return ValueRules(kind, max_length, given.get("region", "US"), given.get("date_format"))


def cleaned(kind: FieldKind, *cells: str | None, **given: Any) -> list[str]:
    return clean_values(pa.array(cells, pa.string()), rules(kind, **given)).text.to_pylist()


def reasons(kind: FieldKind, *cells: str | None, **given: Any) -> list[str]:
    return explain_values(pa.array(cells, pa.string()), rules(kind, **given)).to_pylist()


@pytest.mark.parametrize("kind", FieldKind)
def test_nulls_and_empty_cells_are_empty_and_never_bad(kind: FieldKind) -> None:
    """A null and an empty cell are an empty cell of the import file, whatever the field."""
    clean = clean_values(pa.array([None, "", None], pa.string()), rules(kind, max_length=3))
    assert (clean.text.to_pylist(), clean.bad, clean.too_long, clean.changed) == (["", "", ""], None, None, None)


@pytest.mark.parametrize("kind", [FieldKind.DATE, FieldKind.NUMBER, FieldKind.CHECKBOX])
def test_a_blank_cell_is_an_empty_one_where_the_field_is_no_text(kind: FieldKind) -> None:
    """Blanks alone are no value of a Date, Number or Checkbox field."""
    clean = clean_values(pa.array(["  ", "\t", "\u00a0"]), rules(kind))
    assert clean.text.to_pylist() == ["", "", ""]
    assert clean.bad is None


@pytest.mark.parametrize("kind", FieldKind)
@pytest.mark.parametrize("cells", [[], ["2024-01-02"], ["1"], ["yes"]])
def test_a_column_of_any_length_is_cleaned(kind: FieldKind, cells: list[str]) -> None:
    """Every column comes out as long as it went in, also the empty one."""
    column = pa.array(cells, pa.string())
    assert len(clean_values(column, rules(kind)).text) == len(explain_values(column, rules(kind))) == len(cells)


@pytest.mark.parametrize(
    ("spelling", "meaning"),
    [
        *((word, "true") for word in ("true", "True", "TRUE", "yes", "y", "Y", "on", "1", "t", "1.0", " yes ")),
        *((word, "false") for word in ("false", "False", "no", "N", "off", "0", "f", "0.0", "\tno")),
    ],
)
def test_checkbox_words(spelling: str, meaning: str) -> None:
    """A checkbox is `true` or `false`, however yes and no are spelled."""
    assert cleaned(FieldKind.CHECKBOX, spelling, "") == [meaning, ""]


@pytest.mark.parametrize("word", ["2", "maybe", "ja", "-", "yesno", "0.5"])
def test_other_words_are_bad_for_a_checkbox(word: str) -> None:
    """A word that is neither yes nor no is bad, is blanked, and the reason lists the words."""
    clean = clean_values(pa.array(["no", word]), rules(FieldKind.CHECKBOX))
    assert clean.bad is not None
    assert (clean.text.to_pylist(), clean.bad.tolist()) == (["false", ""], [False, True])
    assert reasons(FieldKind.CHECKBOX, "no", word) == ["", "not one of true/false, yes/no, y/n, on/off, 1/0, t/f"]


def test_length_is_counted_in_characters_of_the_cleaned_text() -> None:
    """A field of four characters holds four characters, however many bytes they or the original took."""
    column = pa.array(["Zoë!", "e\u0301e\u0301e\u0301e\u0301", "a\r\n\r\nbc", "12345", "👍👍👍👍", "👍👍👍👍👍"])
    clean = clean_values(column, rules(FieldKind.TEXT, max_length=4))
    assert clean.text.to_pylist() == ["Zoë!", "éééé", "a bc", "", "👍👍👍👍", ""]
    assert clean.too_long is not None
    assert clean.too_long.tolist() == [False, False, False, True, False, True]
    assert marked(clean.changed) == 2


@pytest.mark.parametrize(
    ("kind", "cell", "length"),
    [(FieldKind.NUMBER, "$1,234.50", 7), (FieldKind.DATE, "2024-01-02", 10), (FieldKind.CHECKBOX, "no", 5)],
)
def test_length_limits_hold_for_every_kind(kind: FieldKind, cell: str, length: int) -> None:
    """What counts is the import text: it fits a field of its length, and not one that is shorter."""
    column = pa.array([cell, ""])
    assert clean_values(column, rules(kind, max_length=length)).too_long is None
    shorter = clean_values(column, rules(kind, max_length=length - 1))
    assert shorter.too_long is not None
    assert (shorter.text.to_pylist(), shorter.too_long.tolist()) == (["", ""], [True, False])
    told = reasons(kind, cell, max_length=length - 1)
    assert told == [f"{length} characters, the field holds {length - 1}"]


def test_a_row_is_bad_or_too_long_never_both() -> None:
    """A value that the field cannot hold by kind is bad, whatever its length."""
    clean = clean_values(pa.array(["not a number", "123456", "12"]), rules(FieldKind.NUMBER, max_length=4))
    assert clean.bad is not None
    assert clean.too_long is not None
    assert clean.bad.tolist() == [True, False, False]
    assert clean.too_long.tolist() == [False, True, False]


@pytest.mark.parametrize("kind", FieldKind)
def test_reasons_never_quote_the_cell(kind: FieldKind) -> None:
    """What is said about a rejected cell holds nothing of it."""
    column = pa.array(["secretword", "13/14/2099", "99.99.8", "(77123)", "5%", "secret,44", None])
    clean = clean_values(column, rules(kind, max_length=2))
    told = explain_values(column, rules(kind, max_length=2)).to_pylist()
    rejected = [bool(text) for text in told]
    pairs = zip(column.to_pylist(), clean.text.to_pylist(), strict=True)
    assert rejected == [not text and bool(cell) for cell, text in pairs]
    for secret in ("secret", "13", "14", "2099", "99", "77123"):
        assert not any(secret in text for text in told)


@pytest.mark.parametrize("start", [0, 2])
def test_cells_of_blanks_are_blanked_and_no_others(start: int) -> None:
    """Blanks alone, also those beyond ASCII, become an empty cell; blanks around a value stay; a slice is right."""
    cells = ["x", "", " ", " a ", "\u00a0\t", "\u00e9", "", "b  ", "\u3000"]
    expected = ["x", "", "", " a ", "", "\u00e9", "", "b  ", ""]
    assert blank_blanks(pa.array(cells, pa.string()).slice(start)).to_pylist() == expected[start:]


def test_null_words_are_blanked_only_as_written() -> None:
    """`--null-value NULL` empties cells that are NULL, blanks aside, and no other word."""
    column = pa.array(["x", "NULL", " NULL ", "null", None, "NULLS", "\\N", "NaN"])[1:]
    assert blank_nulls(column, ("NULL", "\\N")).to_pylist() == ["", "", "null", "", "NULLS", "", "NaN"]
    assert blank_nulls(column, ()).to_pylist() == ["NULL", " NULL ", "null", "", "NULLS", "\\N", "NaN"]


@pytest.mark.parametrize(
    "date_format", ["dd/mm/yyyy", "", "%d/%m", "%d/%m/%Y %q", "%Y-%m-%d-%d", "%j %Y", "%d/%m/%y %Y", "%d/%m/%Y%"]
)
def test_a_date_format_that_cannot_be_used_is_refused_at_once(date_format: str) -> None:
    """A --date-format without day, month and year, or with a code nobody knows, is a usage error."""
    with pytest.raises(UsageError) as refused:
        rules(FieldKind.DATE, date_format=date_format)
    assert refused.value.code == "date_format"
    assert "%d/%m/%Y" in refused.value.hint


def test_cleaning_does_not_import_pandas() -> None:
    """Values of every kind are cleaned and explained without paying for an import of pandas."""
    program = """
import sys
import numpy as np, pyarrow as pa
from listrak_sms_cli.columnar.strings import string_column
from listrak_sms_cli.audience.columns import FieldKind
from listrak_sms_cli.audience.values.clean import *
cells = ["a\\nb,", "1.555", "$5", "1e3", "2024-01-01", "1/2/2024 3:04", "yes", "", "é", "2/3/24"]
column = string_column(cells)
for kind in FieldKind:
    for date_format in (None, "%d %b %Y"):
        rules = ValueRules(kind, 3, "US", date_format)
        clean_values(column, rules)
        explain_values(column, rules)
blank_nulls(column, ("yes",))
sys.exit("pandas" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
