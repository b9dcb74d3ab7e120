"""Text and quoting: what is taken out of a cell, and that CSV readers see what was put in."""

from __future__ import annotations

import re
import unicodedata

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from listrak_sms_cli.audience.columns import FieldKind
from listrak_sms_cli.audience.values.clean import ValueRules, clean_values
from listrak_sms_cli.audience.values.text import SETTLED
from tests.audience.values.masks import marked

RULES = ValueRules(FieldKind.TEXT, None, "US", None)


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("plain", "plain"),
        ("  blanks stay ", "  blanks stay "),
        ("a\r\nb", "a b"),
        ("a\n\n\tb", "a b"),
        ("a\rb\x0bc\x0cd\x85e\u2028f\u2029g", "a b c d e f g"),
        ("nu\x00l", "nul"),
        ("\x1b[1mbold\x7f", "[1mbold"),
        ("\x80a\x9f", "a"),
        ("a\n\x00\nb", "a b"),
        ("e\u0301", "é"),
        ("\u212b", "Å"),
        ("\u1112\u1161\u11ab", "한"),
        ("a\u00a0b\u200bc", "a\u00a0b\u200bc"),
        ("👩‍👩‍👧", "👩‍👩‍👧"),
    ],
)
def test_text_cells(cell: str, text: str) -> None:
    """Line breaks and tabs become one space, control characters go, accents are composed, the rest stays."""
    clean = clean_values(pa.array(["é", cell, None]), RULES)
    assert clean.text.to_pylist() == ["é", text, ""]
    assert marked(clean.changed) == (cell != text)
    assert clean.bad is None


def test_characters_passed_over_are_composed_for_good() -> None:
    """What is not looked at again is printable, composed, and combines with nothing before it."""
    for first, last in SETTLED:
        for character in map(chr, range(first, last + 1)):
            assert unicodedata.is_normalized("NFC", character)
            assert unicodedata.combining(character) == 0
            assert unicodedata.category(character) not in ("Cc", "Zl", "Zp", "Mn", "Mc", "Me")
            for before in "aか가":
                assert unicodedata.is_normalized("NFC", before + character)


assigned = st.characters(exclude_categories=("Cs", "Cn", "Co"))
awkward = st.sampled_from("\r\n\t\x00\x7f\x85\x9f\u2028\u0301\u0323\u1161\u11a8\u3099\u212baé가か,\"'")


# What spreadsheets put around a value comes off before: `test_spreadsheet`.
unmarked = st.text(st.one_of(awkward, assigned), max_size=8).map(lambda cell: cell.strip("\t'="))


@given(st.lists(st.one_of(st.none(), unmarked)), st.integers(0, 3))
def test_text_is_cleaned_as_plain_python_would(cells: list[str | None], cut: int) -> None:
    """Any column, and any slice of one, is cleaned as character by character; cleaning twice changes nothing."""

    def expected(cell: str) -> str:
        kept = re.sub("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]", "", cell)
        return unicodedata.normalize("NFC", re.sub("[\t\n\x0b\x0c\r\x85\u2028\u2029]+", " ", kept))

    column = pa.array([*["é\n"] * cut, *cells, "z"], pa.string())[cut : cut + len(cells)]
    clean = clean_values(column, RULES)
    assert clean.text.to_pylist() == [expected(cell or "") for cell in cells]
    assert marked(clean.changed) == sum(expected(cell or "") != (cell or "") for cell in cells)
    again = clean_values(clean.text, RULES)
    assert (again.text.equals(clean.text), again.changed) == (True, None)
