"""Folded columns: each different text once, and for every row the place of its text among them, as Parquet files have
them. What is done to words is done to all of their rows, so a column of a few words costs next to nothing.

A folded column is a pa.DictionaryArray of int32 places and pa.string() words, of which some may be in no row.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from listrak_sms_cli.columnar.strings import Mask, column_of_numbers, filled, indices, integers, mask_of, raw, words

Column: TypeAlias = pa.StringArray | pa.DictionaryArray
Places: TypeAlias = npt.NDArray[np.int32]


def folded(places: Places, texts: pa.StringArray) -> pa.DictionaryArray:
    """The column whose rows have the texts at these places, which are those of one that was opened: nobody looks again
    whether they are there."""
    return pa.DictionaryArray.from_arrays(column_of_numbers(places), texts, safe=False)


def opened(column: Column) -> tuple[pa.StringArray, Places | None]:
    """A folded column as its words and, for each row, the place of its word; a plain one as its cells and None. "" for
    null."""
    if not pa.types.is_dictionary(column.type):
        return filled(column), None
    texts = filled(column.dictionary)
    places = integers(column.indices)
    if column.indices.null_count:
        empty = np.int32(len(texts))
        texts = pa.concat_arrays([texts, words("")])
        places = np.where(mask_of(pc.is_valid(column.indices)), places, empty)
    return texts, places


def unfolded(column: Column) -> pa.StringArray:
    """The column, plain."""
    texts, places = opened(column)
    return texts if places is None else texts.take(indices(places))


def as_read(column: Column) -> pa.StringArray:
    """The column, plain, nulls and all."""
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def empty_cells(column: Column) -> Mask | None:
    """True where a cell is empty, None = nowhere."""
    texts, places = opened(column)
    empty: Mask = raw(texts).lengths == 0
    if not empty.any():
        return None
    return empty if places is None else empty.take(places)
