"""The rejects file: every dropped member with its row, the reason, what was wrong, and the row as it was read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
from msgspec import Struct

from listrak_sms_cli.audience import Cleaned, CleaningRules, ColumnPlan, Verdict
from listrak_sms_cli.audience.phones import explain_phones
from listrak_sms_cli.audience.source import Audience
from listrak_sms_cli.audience.values import blank_nulls, explain_values
from listrak_sms_cli.columnar import Column, as_read, booleans, indices, string_column
from listrak_sms_cli.runs.output_file import TableFile

_OURS = ("row", "reason", "detail")
_PLAIN_DETAILS = {
    Verdict.MISSING_PHONE: "the phone is empty",
    Verdict.OPTED_OUT: "the phone is on Listrak's opt-out list",
    Verdict.NOT_IN_LISTRAK: "no contact of this sender code has the phone",
}


class Rejects(TableFile):
    """The rejects file of an audience."""

    def __init__(self, path: Path, audience: Audience) -> None:
        """Raises UsageError when the file cannot be written there or would replace the audience."""
        self._audience = audience
        names = [f"reject_{name}" if name in audience.columns else name for name in _OURS]
        files = ["file"] if len(audience.files) > 1 else []
        schema = pa.schema(
            [
                (names[0], pa.int64()),
                *((name, pa.string()) for name in [*names[1:], *files]),
                *((audience.columns[index], pa.string()) for index in readable(audience)),
            ]
        )
        super().__init__(path, "--rejects", schema, audience.files, "rejects_place")

    def add(self, start: int, rejected: Rejected) -> None:
        """`start`: the audience's row (0-based) at which the chunk of these members begins."""
        file_index, numbers = self._audience.locate(rejected.rows + start)
        reasons = string_column([v.reason for v in Verdict]).take(indices(rejected.verdicts))
        ours = [indices(numbers), reasons, string_column(rejected.details.tolist())]
        if len(self._audience.files) > 1:
            ours.append(string_column(self._audience.files).take(indices(file_index)))
        self.write([*ours, *rejected.as_read])


class Rejected(Struct, frozen=True):
    """The dropped members of a chunk. `rows`: int64 within the chunk; `verdicts`: uint8; `details`: objects (str);
    `as_read`: those rows of every readable column of the audience, in its order (pa.string())."""

    rows: np.ndarray
    verdicts: np.ndarray
    details: np.ndarray
    as_read: list[pa.StringArray]


def readable(audience: Audience) -> list[int]:
    """The columns of the audience that can be read as text; a nested one may be skipped, but not shown."""
    return [index for index in range(len(audience.columns)) if index not in audience.unreadable]


def explain(
    cells: Mapping[int, Column], cleaned: Cleaned, plan: ColumnPlan, rules: CleaningRules, keep: str
) -> Rejected:
    """Why each dropped member of a chunk was dropped, in words that never hold a value.

    `cells`: every readable column of the audience by its index, perhaps folded; `keep` is what `--keep` says.
    """
    dropping = (cleaned.verdicts >= Verdict.MISSING_PHONE) & (cleaned.verdicts <= Verdict.NOT_IN_LISTRAK)
    rows = np.flatnonzero(dropping)
    taken = indices(rows)
    rows_read = {index: as_read(column.take(taken)) for index, column in cells.items()}
    verdicts = cleaned.verdicts[rows]
    plain = {
        **_PLAIN_DETAILS,
        Verdict.DUPLICATE_PHONE: f"a {'later' if keep == 'last' else 'earlier'} member has the same phone",
        Verdict.NO_CONSENT: f"{plan.header[plan.consent]} does not say yes" if plan.consent is not None else "",
    }
    details = np.array([plain.get(v, "") for v in Verdict], object)[verdicts]
    if (some := verdicts == Verdict.INVALID_PHONE).any():
        phones = rows_read[plan.phone].filter(booleans(some))
        details[some] = _words(explain_phones(phones, rules.region), "a phone of another country")
    for column in cleaned.columns:
        texts = blank_nulls(rows_read[column.plan.index], rules.null_values)
        for verdict, flags in (
            (Verdict.BAD_VALUE, column.values.bad),
            (Verdict.VALUE_TOO_LONG, column.values.too_long),
        ):
            if flags is not None and (some := (verdicts == verdict) & flags[rows] & (details == "")).any():
                words = explain_values(texts.filter(booleans(some)), rules.for_column(column.plan))
                details[some] = np.array([f"{column.plan.name}: "], object) + _words(words, "")
    return Rejected(rows, verdicts, details, list(rows_read.values()))


def _words(explained: pa.StringArray, otherwise: str) -> np.ndarray:
    return np.array([text or otherwise for text in explained.to_pylist()], object)
