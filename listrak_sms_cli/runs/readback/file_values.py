"""The members of import files, read back from their text: so a resumed run has them too."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from listrak_sms_cli.audience import CleaningRules, PlannedColumn
from listrak_sms_cli.audience.phones import PhoneFormat, read_listed, read_phones
from listrak_sms_cli.columnar import fixed_column, indices
from listrak_sms_cli.runs.pack import ImportFile


class FileValues:
    """Members of small import files, one file after the other; columns that a file does not have are empty."""

    def __init__(self, files: Sequence[ImportFile], columns: tuple[PlannedColumn, ...], rules: CleaningRules) -> None:
        self.columns = columns
        spelled: list[pa.StringArray] = []
        values: list[list[pa.StringArray]] = [[] for _ in columns]
        for file in files:
            places = range(len(columns)) if file.columns is None else file.columns
            phones, *cells = file.cells(len(places))
            spelled.append(phones)
            there = dict(zip(places, cells, strict=True))
            empty = fixed_column("").take(indices(np.zeros(len(phones), np.int64)))
            for place, column in enumerate(values):
                column.append(there.get(place, empty))
        read = read_phones if rules.phone_format is PhoneFormat.NATIONAL else read_listed
        self._phones = read(pa.concat_arrays(spelled), rules.country or rules.region)
        self._values = [pa.concat_arrays(column) for column in values]

    @property
    def phones(self) -> np.ndarray:
        """int64 E.164 digits, one a member."""
        return self._phones

    def values(self, column: int, members: np.ndarray) -> pa.StringArray:
        """What is sent in a column for these members (int64), as it stands in the import file."""
        return self._values[column].take(indices(members))
