"""The shapes of cells (`Xxxxx`, `99999`): what may be shown of values that are never shown themselves."""

from __future__ import annotations

from collections import Counter

import pyarrow as pa
import pyarrow.compute as pc

from listrak_sms_cli.columnar import replace_matches, trimmed

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
    distinct, occurrences = pc.value_counts(trimmed(cells)).flatten()
    shapes = pc.utf8_slice_codeunits(distinct, 0, _SHAPE_LENGTH + 1)
    for pattern, mask in _MASKS:
        shapes = replace_matches(shapes, pattern, mask)
    counted: Counter[str] = Counter()
    for text, count in zip(shapes.to_pylist(), occurrences.to_pylist(), strict=True):
        counted[text if len(text) <= _SHAPE_LENGTH else f"{text[: _SHAPE_LENGTH - 1]}…"] += count
    return dict(counted)
