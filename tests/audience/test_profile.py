"""The profile of an audience: counted batch by batch, the same however the rows are cut, and never a value."""

from __future__ import annotations

import re
import unicodedata

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from listrak_sms_cli.audience import profile as p
from listrak_sms_cli.audience.columns import FieldKind

CELLS = st.lists(st.one_of(st.none(), st.sampled_from(["", "a", "Bo", "12", " "]), st.text(max_size=30)), max_size=60)


def profiled(*batches: list[str | None], null_words: tuple[str, ...] = ()) -> p.ColumnProfile:
    profile = p.AudienceProfile([0], null_words, "US")
    for batch in batches:
        column = pa.array(batch, pa.string())
        profile.add(profile.facts_of({0: column}))
    return profile.columns[0]


@given(CELLS, st.integers(0, 60), st.integers(0, 60))
def test_counts_are_those_of_the_cells(cells: list[str | None], first: int, second: int) -> None:
    """Filled, distinct and longest are what they are, however the rows are cut into batches."""
    cuts = sorted((first, second))
    column = profiled(cells[: cuts[0]], cells[cuts[0] : cuts[1]], cells[cuts[1] :])
    filled = [cell for cell in cells if cell]
    assert column.filled == column.sampled == len(filled)
    assert (column.distinct, column.capped) == (len(set(filled)), False)
    assert column.longest == max(map(len, filled), default=0)
    assert column.looks_like is (None if not filled else profiled(cells).looks_like)


@given(CELLS)
def test_samples_hold_no_value(cells: list[str | None]) -> None:
    """A sample has no letter but x and X, no digit but 9, nothing else beyond ASCII but a dot, and is short."""
    for shape in profiled(cells).sample:
        assert len(shape) <= 24
        for character in shape.replace("·", "").replace("…", ""):
            assert character in "xX9 " or (character.isascii() and unicodedata.category(character)[0] in "PS")


@given(st.text(st.characters(codec="ascii", categories=["L", "N", "P"]), min_size=1, max_size=24))
def test_the_shape_of_a_cell_is_kept(cell: str) -> None:
    """Small letters become x, capitals X, digits 9; punctuation stays."""
    expected = re.sub("[0-9]", "9", re.sub("[a-z]", "x", re.sub("[A-Z]", "X", cell)))
    assert profiled([cell]).sample == (expected,)


def test_the_commonest_shapes_are_shown() -> None:
    """Three shapes, the commonest first."""
    cells = ["1-2"] * 2 + ["ab"] * 3 + ["c"] + ["(1)"] * 4
    assert profiled(cells).sample == ("(9)", "xx", "9-9")


def test_distinct_values_are_kept_up_to_a_cap() -> None:
    """Once there are more than the cap nothing is kept of a column, whether they came in one batch or in many."""
    many = [f"v{n}" for n in range(p.DISTINCT_CAP + 1)]
    for batches in ([many], [many[:6_000], many[6_000:]], [many, many]):
        column = profiled(*batches)
        assert (column.distinct, column.capped, column.kept_bytes) == (p.DISTINCT_CAP, True, 0)
    column = profiled(many[1:], many[1:])
    assert (column.distinct, column.capped) == (p.DISTINCT_CAP, False)


def test_long_values_are_counted_as_others_are() -> None:
    """Huge cells are not kept, only their digests: they are counted exactly, and take no memory to speak of."""
    cells: list[str | None] = [f"{n}" * 400_000 for n in range(10)]
    for batches in ([cells], [[cell] for cell in cells], [cells, cells]):
        column = profiled(*batches)
        assert (column.distinct, column.capped) == (10, False)
        assert column.kept_bytes < 1_000


def test_many_columns_share_the_memory() -> None:
    """Of a thousand columns not all cells are kept: the largest are counted no further."""
    profile = p.AudienceProfile(range(1_000), (), "US")
    column = pa.array([f"{n}" for n in range(9_000)])
    profile.add(profile.facts_of(dict.fromkeys(range(1_000), column)))
    assert sum(one.kept_bytes for one in profile.columns.values()) <= 64 << 20
    over = [one for one in profile.columns.values() if one.capped]
    assert over
    assert all(one.distinct == 9_000 for one in profile.columns.values())


def test_thousands_of_columns_share_the_sample() -> None:
    """Of many columns fewer cells are sampled, each column by its own: none looks like its neighbour."""
    columns = 3_000
    profile = p.AudienceProfile(range(columns), (), "US")
    words = [[f"{row}" for row in range(200)], ["2026-01-02"] * 200, [f"Ada {row}" for row in range(200)]]
    kinds = [pa.array(cells, pa.string()) for cells in words]
    profile.add(profile.facts_of({index: kinds[index % 3] for index in range(columns)}))
    found = [profile.columns[index] for index in range(columns)]
    assert {column.looks_like for column in found[::3]} == {FieldKind.NUMBER}
    assert {column.looks_like for column in found[1::3]} == {FieldKind.DATE}
    assert {column.looks_like for column in found[2::3]} == {FieldKind.TEXT}
    assert {column.sample[0] for column in found[1::3]} == {"9999-99-99"}
    assert all(64 <= column.sampled <= 200 for column in found)


def test_a_sample_does_not_depend_on_how_the_rows_are_cut() -> None:
    """The first filled cells are sampled, so many and no more, in however many batches they come."""
    cells: list[str | None] = [f"v{n}" for n in range(900)] + ["no"] * 100 + ["", "many words"] * 500
    whole = profiled(cells)
    cut = profiled(*(cells[start : start + 700] for start in range(0, len(cells), 700)))
    assert whole.sampled == cut.sampled < 1_500
    assert (cut.sample, cut.looks_like, cut.unlike) == (whole.sample, whole.looks_like, whole.unlike)


def test_what_a_column_looks_like() -> None:
    """The strictest type that nine in ten cells could be of; the others are counted."""
    for cells, kind, unlike in (
        (["yes", "no", "1"], FieldKind.CHECKBOX, 0),
        (["1", "2.50", "$3"], FieldKind.NUMBER, 0),
        (["2024-01-31", "12/31/2024"], FieldKind.DATE, 0),
        (["1.5"] * 9 + ["lots"], FieldKind.NUMBER, 1),
        (["1.5"] * 8 + ["lots"] * 2, FieldKind.TEXT, 0),
        (["", None], None, 0),
    ):
        column = profiled(cells)
        assert (column.looks_like, column.unlike) == (kind, unlike)


def test_null_words_are_empty() -> None:
    """A cell that --null-value names is not filled."""
    column = profiled(["NULL", "a", " NULL "], null_words=("NULL",))
    assert (column.filled, column.distinct, column.longest) == (1, 1, 1)


def test_short_zips_are_digits() -> None:
    """Three and four digits are a ZIP without its zeros; letters, five digits and none are not."""
    zips = pa.array(["2134", "501", "02134", "", "AB12", "12", "2134-1", "501"])
    assert p.short_zips(zips) == 3
    assert p.short_zips(zips.dictionary_encode()) == 3
    assert p.short_zips(zips.dictionary_encode().slice(2, 5)) == 0
