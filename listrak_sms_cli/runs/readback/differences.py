"""Values that Listrak stores differently from the audience: the first of them for the screen, all of them in a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
from msgspec import Struct

from listrak_sms_cli.audience.phones import PhoneFormat, write_phones
from listrak_sms_cli.audience.source import Audience
from listrak_sms_cli.columnar import fixed_column, indices
from listrak_sms_cli.runs.output_file import TableFile
from listrak_sms_cli.stores import StoreUrl

SHOWN = 20
_ROWS_AT_ONCE = 100_000


class Difference(Struct, frozen=True):
    """One value that is not as the audience has it. `file` is "" when the audience has but one; `kind`: "other value",
    "nothing stored", "something stored" (where the audience has nothing), or "not in Listrak"."""

    row: int
    file: str
    phone: str
    column: str
    kind: str


class DifferenceList:
    """Collects differences: the first SHOWN in `shown`, all of them in a file (see TableFile) when there is a `path`.

    `phone_column`: the name under which members that are not in Listrak are listed.
    """

    def __init__(self, path: Path | StoreUrl | None, audience: Audience, phone_column: str) -> None:
        """Raises UsageError when the file cannot be written there or would replace the audience."""
        self.shown: list[Difference] = []
        self._audience = audience
        self._phone_column = phone_column
        self._several_files = len(audience.files) > 1
        files = [("file", pa.string())] if self._several_files else []
        texts = [(name, pa.string()) for name in ("column", "audience_value", "stored_value")]
        schema = pa.schema([*files, ("row", pa.int64()), *texts])
        self._table = TableFile(path, "--out", schema, audience.files) if path is not None else None

    def add(
        self, rows: np.ndarray, phones: np.ndarray, column: str, ours: pa.StringArray, stored: pa.StringArray | None
    ) -> None:
        """Add differences of one column. `rows`: int64, in the audience, from 0, ascending; `phones`: int64 E.164
        digits; `ours`, `stored`: the two values, `stored` None: not in Listrak."""
        files, numbers = self._audience.locate(rows)
        for index in range(min(len(rows), SHOWN - len(self.shown))):
            file = self._audience.files[files[index]] if self._several_files else ""
            phone = write_phones(phones[index : index + 1], PhoneFormat.E164)[0].as_py()
            kind = _kind(ours[index].as_py(), stored[index].as_py()) if stored is not None else "not in Listrak"
            self.shown.append(Difference(int(numbers[index]), file, phone, column, kind))
        if self._table is None:
            return
        names = fixed_column(column).take(indices(np.zeros(len(rows), np.int64)))
        from_file = [pa.array(self._audience.files, pa.string()).take(pa.array(files))] if self._several_files else []
        theirs = stored if stored is not None else pa.nulls(len(rows), pa.string())
        self._table.write([*from_file, indices(numbers), names, ours, theirs])

    def add_missing(self, rows: np.ndarray, phones: np.ndarray) -> None:
        """Add members that are not in Listrak; `rows` and `phones` as in `add`."""
        for start in range(0, len(rows), _ROWS_AT_ONCE):
            part = slice(start, start + _ROWS_AT_ONCE)
            spelled = write_phones(phones[part], PhoneFormat.E164)
            self.add(rows[part], phones[part], self._phone_column, spelled, None)

    def publish(self) -> None:
        """Put the file, if there is one, in its place. Raises SettingsError when the disk is full."""
        if self._table is not None:
            self._table.publish()

    def close(self) -> None:
        """Discard what has not been published."""
        if self._table is not None:
            self._table.close()


def _kind(ours: str, stored: str) -> str:
    if not stored:
        return "nothing stored"
    return "other value" if ours else "something stored"
