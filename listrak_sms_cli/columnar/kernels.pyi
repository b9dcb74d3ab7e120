from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Starts: TypeAlias = npt.NDArray[np.int32]
Bytes: TypeAlias = npt.NDArray[np.uint8]

def read_digits(
    starts: Starts,
    data: Bytes,
    counts: npt.NDArray[np.int32],
    numbers: npt.NDArray[np.int64],
    shapes: npt.NDArray[np.uint8],
    most: int,
    longest: int,
) -> None: ...
def look_up(
    values: npt.NDArray[np.int64],
    shapes: npt.NDArray[np.uint8],
    known: list[tuple[npt.NDArray[np.int16], npt.NDArray[np.int64], int] | None],
    numbers: npt.NDArray[np.int64],
) -> int: ...
def write_numbers(
    numbers: npt.NDArray[np.int64], left_out: npt.NDArray[np.uint8], plus: bool, starts: Starts, text: Bytes
) -> int: ...
def write_lines(
    columns: list[tuple[Starts, Bytes, Starts | None]], special: list[bool], starts: Starts, text: Bytes
) -> int: ...
def digest_cells(starts: Starts, data: Bytes, seed: int, digests: npt.NDArray[np.uint64]) -> None: ...
def count_groups(numbers: npt.NDArray[np.int64], counts: npt.NDArray[np.int64]) -> None: ...
def sort_into_groups(
    numbers: npt.NDArray[np.int64],
    first: int,
    places: npt.NDArray[np.int64],
    grouped: npt.NDArray[np.int64],
    rows: npt.NDArray[np.uint32],
) -> None: ...
def flag_repeated(
    group: npt.NDArray[np.int64],
    rows: npt.NDArray[np.uint32],
    last: bool,
    table: npt.NDArray[np.uint32],
    flags: npt.NDArray[np.uint8],
) -> None: ...
def count_byte(octets: Bytes, value: int) -> int: ...
def find_byte(octets: Bytes, value: int, positions: npt.NDArray[np.int64]) -> None: ...
def count_each(octets: Bytes, counts: npt.NDArray[np.int64]) -> None: ...
def mix(numbers: npt.NDArray[np.uint64], keys: npt.NDArray[np.uint64]) -> None: ...
