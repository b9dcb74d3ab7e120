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

from listrak_sms_cli.columnar.strings import (
    Mask,
    column_of_numbers,
    fixed_column,
    indices,
    integers,
    mask_of,
    nulls_as_empty,
    raw,
)

Column: TypeAlias = pa.StringArray | pa.DictionaryArray
Places: TypeAlias = npt.NDArray[np.int32]


def dictionary_encoded(places: Places, texts: pa.StringArray) -> pa.DictionaryArray:
    """The column whose rows have the texts at these places, which are those of one that was opened: nobody looks again
    whether they are there."""
    return pa.DictionaryArray.from_arrays(column_of_numbers(places), texts, safe=False)


def words_and_places(column: Column) -> tuple[pa.StringArray, Places | None]:
    """A folded column as its words and, for each row, the place of its word; a plain one as its cells and None. "" for
    null."""
    if not pa.types.is_dictionary(column.type):
        return nulls_as_empty(column), None
    texts = nulls_as_empty(column.dictionary)
    places = integers(column.indices)
    if column.indices.null_count:
        empty = np.int32(len(texts))
        texts = pa.concat_arrays([texts, fixed_column("")])
        places = np.where(mask_of(pc.is_valid(column.indices)), places, empty)
    return texts, places


def decoded(column: Column) -> pa.StringArray:
    """The column, plain."""
    texts, places = words_and_places(column)
    return texts if places is None else texts.take(indices(places))


def decoded_with_nulls(column: Column) -> pa.StringArray:
    """The column, plain, nulls and all."""
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def empty_cells(column: Column) -> Mask | None:
    """True where a cell is empty, None = nowhere."""
    texts, places = words_and_places(column)
    empty: Mask = raw(texts).lengths == 0
    if not empty.any():
        return None
    return empty if places is None else empty.take(places)
