"""The shapes of cells (`Xxxxx`, `99999`): what may be shown of values that are never shown themselves."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pyarrow as pa

from listrak_sms_cli.columnar import fixed_column, integers, pc, replace_cells, replace_matches, select, trimmed

_SHAPE_LENGTH = 24  # characters

# What is neither letter, digit nor ASCII punctuation could reveal something: it is shown as a dot.
_MASKS = (
    (r"\s+", " "),
    (r"\p{Lu}|\p{Lt}", "X"),
    (r"\p{Ll}|\p{Lo}|\p{Lm}|\p{M}", "x"),
    (r"\p{N}", "9"),
    (r"[^ -~]", "·"),
)


def shapes_of(cells: pa.StringArray) -> dict[str, int]:
    """Return how often each shape occurs: x and X for letters, 9 for digits, punctuation as it is, long shapes cut."""
    return shapes_of_each(cells, [len(cells)])[0]


def shapes_of_each(cells: pa.StringArray, ends: Sequence[int]) -> list[dict[str, int]]:
    """As `shapes_of`, for the stretches of a column (no nulls) that end before these rows. A mask costs a millisecond
    a column to begin with, so many columns are better masked as one."""
    words = pc.dictionary_encode(trimmed(cells))
    shapes = pc.dictionary_encode(shape_of_each(words.dictionary))
    texts = shapes.dictionary.to_pylist()
    places = integers(shapes.indices)[integers(words.indices)]
    each: list[dict[str, int]] = []
    for start, end in pairwise([0, *ends]):
        counts = np.bincount(places[start:end], minlength=len(texts))
        each.append({texts[place]: int(counts[place]) for place in np.flatnonzero(counts).tolist()})
    return each


def shape_of_each(cells: pa.StringArray) -> pa.StringArray:
    """Return the shape of each cell."""
    shapes = pc.utf8_slice_codeunits(cells, 0, _SHAPE_LENGTH + 1)
    for pattern, mask in _MASKS:
        shapes = replace_matches(shapes, pattern, mask)
    long = integers(pc.utf8_length(shapes)) > _SHAPE_LENGTH
    if not long.any():
        return shapes
    begins = pc.utf8_slice_codeunits(select(shapes, long), 0, _SHAPE_LENGTH - 1)
    return replace_cells(shapes, long, pc.binary_join_element_wise(begins, *fixed_column("…", "")))
