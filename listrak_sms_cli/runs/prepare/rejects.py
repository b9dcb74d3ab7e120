"""The rejects file: every dropped member with its row number, the reason, a detail, the run, and the row as read.

It is an audience itself, once its members have been repaired: `audience.source` knows its first columns.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
from msgspec import Struct

from listrak_sms_cli.audience import Cleaned, Verdict, without_marks
from listrak_sms_cli.audience.phones import explain_phones
from listrak_sms_cli.audience.source import FILE_COLUMN, REJECT_COLUMNS, behind_reject_columns
from listrak_sms_cli.audience.values import blank_nulls, explain_values
from listrak_sms_cli.columnar import Column, booleans, decoded_with_nulls, indices, string_column
from listrak_sms_cli.runs.output_file import TableFile
from listrak_sms_cli.runs.prepare.planned import PlannedAudience
from listrak_sms_cli.stores import StoreUrl

_DROPS = np.array([verdict.drops for verdict in Verdict])
_DUPLICATE_BEFORE = "rejected as a duplicate before: another member with its phone was kept"


class Rejects(TableFile):
    """The rejects file of an audience."""

    def __init__(self, path: Path | StoreUrl, planned: PlannedAudience) -> None:
        """Raises UsageError when the file cannot be written there or would replace the audience."""
        audience = self._audience = planned.audience
        self._run = string_column([planned.run_id])
        files = [FILE_COLUMN] if len(audience.files) > 1 else []
        as_read = behind_reject_columns([audience.columns[index] for index in planned.readable])
        texts = [*REJECT_COLUMNS[1:], *files, *as_read]
        schema = pa.schema([(REJECT_COLUMNS[0], pa.int64()), *((name, pa.string()) for name in texts)])
        super().__init__(path, "--rejects", schema, audience.files, "rejects_place")

    def add(self, start: int, rejected: Rejected) -> None:
        """Add the members of a chunk that begins at row `start` (from 0) of the audience. Raises SettingsError when the
        disk is full."""
        file_index, numbers = self._audience.locate(rejected.rows + start)
        reasons = string_column([v.reason for v in Verdict]).take(indices(rejected.verdicts))
        details = rejected.details
        if self._audience.rejects is not None:
            details = np.where(self._audience.rejects.duplicates[rejected.rows + start], _DUPLICATE_BEFORE, details)
        run = self._run.take(indices(np.zeros(len(numbers), np.int64)))
        columns = [indices(numbers), reasons, string_column(details.tolist()), run]
        if len(self._audience.files) > 1:
            columns.append(string_column(self._audience.files).take(indices(file_index)))
        self.write([*columns, *rejected.as_read])


class Rejected(Struct, frozen=True):
    """The dropped members of a chunk. `rows`: int64, from 0 within the chunk; `verdicts`: uint8; `details`: objects
    (str); `as_read`: these rows of every readable column, in the order of the audience (pa.string())."""

    rows: np.ndarray
    verdicts: np.ndarray
    details: np.ndarray
    as_read: list[pa.StringArray]


def explain(cells: Mapping[int, Column], cleaned: Cleaned, planned: PlannedAudience) -> Rejected:
    """Return why each dropped member of a chunk was dropped, in words that never hold a value.

    `cells`: every readable column by its index in the audience, perhaps dictionary-encoded.
    """
    plan, rules = planned.plan, planned.rules
    rows = np.flatnonzero(_DROPS.take(cleaned.verdicts))
    taken = indices(rows)
    rows_read = {index: decoded_with_nulls(column.take(taken)) for index, column in cells.items()}
    verdicts = cleaned.verdicts[rows]
    details = _fixed_details(planned)[verdicts]
    if (invalid := Verdict.INVALID_PHONE.of(verdicts)).any():
        phones = rows_read[plan.phone].filter(booleans(invalid))
        details[invalid] = _texts(explain_phones(phones, rules.region), "a phone of another country")
    for column in cleaned.columns:
        texts = blank_nulls(rows_read[column.plan.index], rules.null_values)
        for verdict, unfit in (
            (Verdict.BAD_VALUE, column.values.bad),
            (Verdict.VALUE_TOO_LONG, column.values.too_long),
        ):
            if unfit is None:
                continue
            unexplained = (verdicts == verdict) & unfit[rows] & (details == "")
            if unexplained.any():
                reasons = explain_values(texts.filter(booleans(unexplained)), rules.for_column(column.plan))
                details[unexplained] = np.array([f"{column.plan.name}: "], object) + _texts(reasons, "")
    return Rejected(rows, verdicts, details, [without_marks(column) for column in rows_read.values()])


def _fixed_details(planned: PlannedAudience) -> np.ndarray:
    """The detail of each verdict that has the same for all members, "" for the others."""
    plan, kept = planned.plan, "a later" if planned.options.keep == "last" else "an earlier"
    details = {
        Verdict.MISSING_PHONE: "the phone is empty",
        Verdict.DUPLICATE_PHONE: f"{kept} member has the same phone",
        Verdict.NO_CONSENT: f"{plan.header[plan.consent]} does not say yes" if plan.consent is not None else "",
        Verdict.OPTED_OUT: "the phone is on Listrak's opt-out list",
        Verdict.NOT_IN_LISTRAK: "no contact of this sender code has the phone",
    }
    return np.array([details.get(verdict, "") for verdict in Verdict], object)


def _texts(explained: pa.StringArray, otherwise: str) -> np.ndarray:
    return np.array([text or otherwise for text in explained.to_pylist()], object)
