"""Dictionary-encoded columns: each different text (a word) once, and for each row the place of its word, as Parquet
files have them. What is done to the words is done to all rows, so a column of few words costs next to nothing.

Such a column is a pa.DictionaryArray of int32 places and pa.string() words; some words may be in no row.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from listrak_sms_cli.columnar.compute import pc
from listrak_sms_cli.columnar.strings import (
    Mask,
    column_of_numbers,
    fixed_column,
    indices,
    integers,
    mask_of,
    nulls_as_empty,
    raw,
    select,
)

Column: TypeAlias = pa.StringArray | pa.DictionaryArray
Places: TypeAlias = npt.NDArray[np.int32]


def dictionary_encoded(places: Places, words: pa.StringArray) -> pa.DictionaryArray:
    """The column whose rows have the words at these places. That there are such places is not checked."""
    return pa.DictionaryArray.from_arrays(column_of_numbers(places), words, safe=False)


def words_and_places(column: Column) -> tuple[pa.StringArray, Places | None]:
    """The words of a dictionary-encoded column and for each row the place of its word; the cells of a plain column and
    None. A null is the word or the cell ""."""
    if not pa.types.is_dictionary(column.type):
        return nulls_as_empty(column), None
    words = nulls_as_empty(column.dictionary)
    places = integers(column.indices)
    if column.indices.null_count:
        empty = np.int32(len(words))
        words = pa.concat_arrays([words, fixed_column("")])
        places = np.where(mask_of(pc.is_valid(column.indices)), places, empty)
    return words, places


def used_words(column: Column) -> pa.StringArray:
    """The words that rows of a dictionary-encoded column hold, each once; the cells of a plain column."""
    words, places = words_and_places(column)
    if places is None:
        return words
    used = np.zeros(len(words), np.bool_)
    used[places] = True
    return select(words, used)


def decoded(column: Column) -> pa.StringArray:
    """The column as a plain one, "" for null."""
    words, places = words_and_places(column)
    return words if places is None else pc.take(words, indices(places))


def decoded_with_nulls(column: Column) -> pa.StringArray:
    """The column as a plain one that keeps its nulls."""
    return pc.take(column.dictionary, column.indices) if pa.types.is_dictionary(column.type) else column


def empty_cells(column: Column) -> Mask | None:
    """True for each row with an empty cell or a null; None = no row."""
    words, places = words_and_places(column)
    empty: Mask = raw(words).lengths == 0
    if not empty.any():
        return None
    return empty if places is None else empty.take(places)
