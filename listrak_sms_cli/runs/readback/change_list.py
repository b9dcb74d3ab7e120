"""Each value that a push would change, in a file: `plan --out`."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pyarrow as pa

from listrak_sms_cli.audience.phones import PhoneFormat, write_phones
from listrak_sms_cli.audience.source import Audience
from listrak_sms_cli.columnar import fixed_column, indices, replace_matches, select
from listrak_sms_cli.runs.output_file import OutputFile
from listrak_sms_cli.runs.readback.compare import ComparedColumn
from listrak_sms_cli.runs.readback.resumable_file import ResumableFile
from listrak_sms_cli.runs.readback.sent_values import SentValues

_MASKED = (r"^(\+\d)\d*(\d\d)$", r"\1…\2")


class ChangeList:
    """A row a change: `row` (with several files, `file` before it), `phone`, `column`, `stored`, `new`; the values as
    Listrak has them, and as they would be sent. Made in a ResumableFile, which others close."""

    def __init__(
        self,
        target: OutputFile,
        audience: Audience,
        sent: SentValues,
        question: str,
        folder: Path,
        *,
        show_phones: bool,
    ) -> None:
        """`folder`: as of a ResumableFile. Raises UsageError as that does."""
        self._audience = audience
        self._show_phones = show_phones
        self._rows, self._phones = sent.rows, sent.phones
        files = [("file", pa.string())] if len(audience.files) > 1 else []
        texts = [(name, pa.string()) for name in ("phone", "column", "stored", "new")]
        schema = pa.schema([*files, ("row", pa.int64()), *texts])
        question = hashlib.sha256(f"{question} {show_phones}".encode()).hexdigest()
        self.file = ResumableFile(target, schema, question, folder, "plan")

    def add(self, members: np.ndarray, column: ComparedColumn) -> None:
        """Add the values of one column that differ. `members`: int64, ascending, their places in SentValues. Raises
        SettingsError when the disk is full."""
        files, numbers = self._audience.locate(self._rows[members])
        phones = write_phones(self._phones[members], PhoneFormat.E164)
        if not self._show_phones:
            phones = replace_matches(phones, *_MASKED)
        name = fixed_column(column.column.name).take(indices(np.zeros(len(members), np.int64)))
        values = (select(cells, column.different) for cells in (column.stored, column.ours))
        several = len(self._audience.files) > 1
        named = [pa.array(self._audience.files, pa.string()).take(pa.array(files))] if several else []
        columns = [*named, indices(numbers), phones, name, *values]
        self.file.add(pa.RecordBatch.from_arrays(columns, schema=self.file.schema))
