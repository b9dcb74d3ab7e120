"""Cells of text columns: their bytes, and others put in their place."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from listrak_sms_cli.columnar import strings
from listrak_sms_cli.columnar.strings import raw, replace_cells, string_column

TEXTS = st.lists(st.tuples(st.text(max_size=5), st.booleans()), min_size=1, max_size=40)


@given(TEXTS, st.integers(0, 3))
def test_few_and_many_cells_are_replaced_alike(rows: list[tuple[str, bool]], start: int) -> None:
    """Whatever share of a column is replaced, each named row has its new cell and the others keep theirs."""
    rows = rows[start:] or rows
    column = string_column(["before", *(text for text, _ in rows)]).slice(1)
    mask = np.array([named for _, named in rows])
    expected = [f"<{text}>" if named else text for text, named in rows]
    instead = string_column([text for text, (_, named) in zip(expected, rows, strict=True) if named])
    for few in (0, 10**9):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(strings, "_FEW", few)
            assert replace_cells(column, mask, instead).to_pylist() == expected
    assert replace_cells(column, mask, instead).type == pa.string()


@pytest.mark.parametrize(("start", "rows"), [(0, 4), (1, 2), (4, 0)])
def test_cells_of_slices(start: int, rows: int) -> None:
    """The bytes between two starts are those of a cell, also in a slice; a null is an empty cell."""
    cells = ["a", "bb", None, "ccc"]
    read = raw(pa.array(cells, pa.string()).slice(start, rows))
    assert len(read.starts) == rows + 1
    found = [bytes(read.data[first:last]).decode() for first, last in pairwise(read.starts)]
    assert found == [cell or "" for cell in cells[start : start + rows]]
