"""The hand-tuned way: pyarrow and numpy, two passes, three threads. Arguments: AUDIENCE ADDRESS

It checks less than a push must (North American phones only, no field types, no journal), so its time is a floor.
First the phone column alone becomes integers, and one sort of (phone, row) finds who is overruled; then every other
column is read, joined to CSV lines, and uploaded while the next file is made.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pv
import pyarrow.parquet as pq
from arrow_kernels import TEN_BILLION, binary_scalar, line_starts, phone_numbers, quoted
from wire import COLUMNS, HEADER, ROWS_PER_FILE, Uploader

THREADS = 3
BLOCK_BYTES = 4 << 20
BLOCK_ROWS = 62_500
COMMA = binary_scalar(b",")


def csv_blocks(path: Path) -> Iterator[memoryview]:
    """The file without its header, cut where a line ends outside of quotes."""
    with path.open("rb", buffering=0) as file:
        file.readline()
        rest = b""
        while data := file.read(BLOCK_BYTES):
            block = rest + data
            end = block.rfind(b"\n") + 1
            while end and block.count(b'"', 0, end) % 2:
                end = block.rfind(b"\n", 0, end - 1) + 1
            rest = block[end:]
            if end:
                yield memoryview(block)[:end]
        if rest:
            yield memoryview(rest + b"\n")


def parsed(block: memoryview, columns: list[str]) -> pa.Table:
    return pv.read_csv(
        pa.BufferReader(pa.py_buffer(block)),
        read_options=pv.ReadOptions(column_names=COLUMNS, use_threads=False, block_size=len(block) + 1),
        convert_options=pv.ConvertOptions(
            include_columns=columns, column_types=dict.fromkeys(columns, pa.binary()), strings_can_be_null=False
        ),
    )


def blocks(path: Path, columns: list[str]) -> Iterator[Callable[[], list[pa.Array]]]:
    """For each block of rows what reads these columns of it, on whatever thread calls it."""
    if path.suffix == ".csv":
        for block in csv_blocks(path):
            yield lambda block=block: [column.combine_chunks() for column in parsed(block, columns).columns]
    else:
        for batch in pq.ParquetFile(path).iter_batches(BLOCK_ROWS, columns=columns, use_threads=False):
            yield lambda batch=batch: [column.cast(pa.binary()) for column in batch.columns]


def in_order(work: Callable[..., Any], calls: Iterable[tuple[Any, ...]]) -> Iterator[Any]:
    """Results in the order of the calls, a few at work at once."""
    with ThreadPoolExecutor(THREADS) as pool:
        waiting: deque[Future[Any]] = deque()
        for call in calls:
            waiting.append(pool.submit(work, *call))
            if len(waiting) > THREADS + 1:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def overruled(numbers: np.ndarray) -> np.ndarray:
    """Rows whose phone comes again further down: neighbours in one sort of phone and row packed in an integer."""
    bits = np.int64(len(numbers).bit_length())
    packed = (numbers - TEN_BILLION) << bits | np.arange(len(numbers))
    packed = packed[numbers != 0]
    packed.sort()
    same = packed[:-1] >> bits == packed[1:] >> bits
    return packed[:-1][same] & ((1 << bits) - 1)


def lines(read: Callable[[], list[pa.Array]], numbers: np.ndarray) -> pa.Array:
    return pc.binary_join_element_wise(line_starts(numbers), *(quoted(column) for column in read()), COMMA)


class Packer:
    """Lines -> import files of ROWS_PER_FILE members, one on its way while the next is filled."""

    def __init__(self, uploader: Uploader) -> None:
        self._uploader = uploader
        self._pool = ThreadPoolExecutor(1)
        self._upload: Future[None] | None = None
        self._start_file()

    def _start_file(self) -> None:
        self._pieces: list[Any] = [",".join(HEADER).encode()]
        self._rows = 0

    def add(self, text: pa.Array) -> None:
        _validity, offsets, data = text.buffers()
        ends = np.frombuffer(offsets, np.int32)[1 : len(text) + 1]
        kept = ends[np.diff(ends, prepend=np.int32(0)) > 0]
        start = 0
        while len(kept):
            taken, kept = kept[: ROWS_PER_FILE - self._rows], kept[ROWS_PER_FILE - self._rows :]
            self._pieces.append(data.slice(start, int(taken[-1]) - start))
            self._rows += len(taken)
            start = int(taken[-1])
            if self._rows == ROWS_PER_FILE:
                self.flush()

    def flush(self) -> None:
        if self._rows:
            if self._upload:
                self._upload.result()
            pieces = [*self._pieces, b"\n"]
            self._upload = self._pool.submit(self._uploader.send, pieces, sum(len(piece) for piece in pieces))
            self._start_file()

    def finish(self) -> None:
        self.flush()
        if self._upload:
            self._upload.result()
        self._pool.shutdown()


def main() -> None:
    path, address = Path(sys.argv[1]), sys.argv[2]
    phones = list(in_order(lambda read: phone_numbers(read()[0]), ((read,) for read in blocks(path, COLUMNS[:1]))))
    cuts = np.cumsum([len(some) for some in phones])
    numbers = np.concatenate(phones)
    numbers[overruled(numbers)] = 0
    packer = Packer(Uploader(address))
    for text in in_order(lines, zip(blocks(path, COLUMNS[1:]), np.split(numbers, cuts[:-1]), strict=True)):
        packer.add(text)
    packer.finish()


if __name__ == "__main__":
    main()
