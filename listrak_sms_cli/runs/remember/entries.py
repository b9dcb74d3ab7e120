"""The members of one group of a snapshot, as arrays."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from listrak_sms_cli.columnar import column_of_numbers, numbers_of

SCHEMA = pa.schema(
    [
        ("phone", pa.uint64()),
        ("row", pa.uint64()),
        ("sender_code", pa.int64()),
        ("sent", pa.int64()),
        ("owner", pa.uint64()),
        ("arrived", pa.uint8()),
        ("known", pa.uint8()),
    ]
)
# With checksums: a file that rots is as none. Phones are random bits: compressing them is time lost.
WRITING: dict[str, Any] = {
    "compression": {"row": "zstd"},
    "use_dictionary": ["sender_code", "sent", "owner", "arrived", "known"],
    "write_statistics": False,
    "write_page_checksum": True,
}


@dataclass
class Entries:
    """Members of a group, sorted by `phone`; an array a column of `SCHEMA`.

    `sent`: seconds since 1970, when the member was last about to be sent; `owner`: the run that did; `arrived`: 1 once
    its import has ended well, until a push is about to send it again; `known`: 1 when Listrak was asked before, and had
    it.
    """

    phone: np.ndarray
    row: np.ndarray
    sender_code: np.ndarray
    sent: np.ndarray
    owner: np.ndarray
    arrived: np.ndarray
    known: np.ndarray

    @classmethod
    def of(cls, table: pa.Table) -> Entries:
        """The entries of a table of `SCHEMA`, sorted by phone."""
        return cls(*(numbers_of(column) for column in table.columns))

    def without(self, places: np.ndarray) -> Entries:
        """All but the entries at these places (int64)."""
        return Entries(*(np.delete(column, places) for column in vars(self).values())) if len(places) else self

    def joined(self, others: Entries) -> Entries:
        """These and others, none of whose phones are among these; sorted by phone."""
        if not len(self.phone):
            return others
        phones = np.concatenate([self.phone, others.phone])
        order = np.argsort(phones)
        pairs = zip(vars(self).values(), vars(others).values(), strict=True)
        return Entries(*(np.concatenate(pair)[order] for pair in pairs))

    def with_arrived(self, places: np.ndarray, rows: np.ndarray) -> Entries:
        """The entries at `places` have arrived, with these digests of their rows."""
        row, arrived = self.row.copy(), self.arrived.copy()
        row[places], arrived[places] = rows, 1
        return replace(self, row=row, arrived=arrived)

    def table(self) -> pa.Table:
        """A table of `SCHEMA`."""
        return pa.Table.from_arrays([column_of_numbers(numbers) for numbers in vars(self).values()], schema=SCHEMA)


def find(entries: Entries, phones: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Places of the phones that have an entry, and of their entries, as int64. Both sides sorted."""
    if not len(entries.phone):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    places = np.minimum(np.searchsorted(entries.phone, phones), len(entries.phone) - 1)
    there = np.flatnonzero(entries.phone[places] == phones)
    return there, places[there]
