"""What spreadsheets leave around a value, and what belongs to it."""

from __future__ import annotations

import pyarrow as pa
import pytest

from listrak_sms_cli.audience.columns import FieldKind
from listrak_sms_cli.audience.values.clean import CleanValues, ValueRules, clean_values
from listrak_sms_cli.audience.values.number import has_decimal_comma
from listrak_sms_cli.audience.values.spreadsheet import NULL_WORDS, all_padded


def cleaned(*cells: str, kind: FieldKind = FieldKind.TEXT, mixed: bool = False) -> CleanValues:
    return clean_values(pa.array(cells), ValueRules(kind, None, "US", None, mixed=mixed))


@pytest.mark.parametrize(
    "cell", ["'07030", '="07030"', "\t07030", "07030\t", "''07030", '\'="07030"', "\t'07030", '= "07030"']
)
def test_marks_are_taken_off(cell: str) -> None:
    """Whatever kept a spreadsheet from taking a ZIP for a number is gone, and nothing else."""
    assert cleaned("Ann", cell, "").text.to_pylist() == ["Ann", "07030", ""]


@pytest.mark.parametrize("cell", ["'t Hooft", "'Amr", "'90s kid", "O'Brien", "=)", "a='b'", '="open', "rock 'n' roll"])
def test_what_belongs_to_a_text_stays(cell: str) -> None:
    """An apostrophe or an equals sign that a person wrote is part of the text."""
    assert cleaned(cell).text.to_pylist() == [cell]


@pytest.mark.parametrize(
    ("kind", "cell", "value"),
    [
        (FieldKind.NUMBER, "'12.5", "12.5"),
        (FieldKind.NUMBER, '="7"', "7"),
        (FieldKind.DATE, "'2024-01-02", "01/02/2024"),
        (FieldKind.CHECKBOX, "'TRUE", "true"),
    ],
)
def test_marks_are_taken_off_whatever_the_field(kind: FieldKind, cell: str, value: str) -> None:
    """A number, a date and a yes are read behind an apostrophe."""
    clean = cleaned(cell, kind=kind)
    assert (clean.text.to_pylist(), clean.bad) == ([value], None)


def test_whole_numbers_lose_the_end_of_a_float_unless_their_column_has_decimals() -> None:
    """`5.0` is 5, but where `4.5` stands beside it, it stays as written."""
    clean = cleaned("5.0", "-7.0", "v1.0", "1.0.0", "12.00")
    assert clean.text.to_pylist() == ["5", "-7", "v1.0", "1.0.0", "12.00"]
    assert clean.doubtful is not None
    assert clean.doubtful.tolist() == [True, True, False, False, False]
    assert cleaned("4.5").contradicting is not None
    assert cleaned("5.0", "7.0").contradicting is None
    assert cleaned("5.0", "4.5", mixed=True).text.to_pylist() == ["5.0", "4.5"]


@pytest.mark.parametrize(
    "cell", ["12,50", "1,5", "0,5", "1.234,56", "1.234,567", "€ 12,50", "12,50 EUR", "-1,2345", ",5", "5,5 %"]
)
def test_decimal_commas_are_told(cell: str) -> None:
    """A comma that cannot part thousands is a decimal one."""
    assert has_decimal_comma(pa.array([cell, "7"])) is not None


@pytest.mark.parametrize("cell", ["1,500", "1,234,567.89", "0,125", "12", "1,23,456", "a,b", "1,234.5"])
def test_thousands_are_no_decimal_commas(cell: str) -> None:
    """What may be thousands, or is no number at all, says nothing about its column."""
    assert has_decimal_comma(pa.array([cell])) is None


@pytest.mark.parametrize("cell", ["0,125", "00,123", "-0,500", "000,000", "$0,999"])
def test_no_thousands_behind_a_zero(cell: str) -> None:
    """A number whose first group is 0 is unreadable."""
    assert cleaned(cell, kind=FieldKind.NUMBER).bad is not None


def test_words_for_an_empty_cell_are_found_as_programs_spell_them() -> None:
    """`nan` is one, the first name Nan is not."""
    clean = cleaned(*NULL_WORDS, "Nan", "Null", "N", "")
    assert clean.null_words is not None
    assert clean.null_words.tolist() == [True] * len(NULL_WORDS) + [False] * 4
    assert cleaned("Nan", "Undefined", "").null_words is None


@pytest.mark.parametrize(
    ("cells", "padded"), [(["a ", "", " b"], True), (["a ", "b"], False), (["", ""], None), (["a b"], False)]
)
def test_a_column_is_padded_when_every_value_is(cells: list[str], padded: bool | None) -> None:
    """Empty cells say nothing about it, nor do words of a dictionary that no cell holds."""
    column = pa.array(cells, pa.string())
    assert all_padded(column) is padded
    encoded = column.dictionary_encode()
    assert all_padded(encoded) is padded
    for unused in ("a", " a", ""):
        words = pa.concat_arrays([encoded.dictionary, pa.array([unused])])
        assert all_padded(pa.DictionaryArray.from_arrays(encoded.indices, words)) is padded
