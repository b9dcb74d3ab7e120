"""Thrift's compact protocol, in which Parquet writes its footer and the headers of its pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_TRUE, _FALSE = 1, 2  # types of a field that is nothing but its type
_LONG_LIST = 15  # elements: so many or more are counted in a number of their own
Fields = dict[int, Any]


def read_struct(data: bytes, at: int) -> tuple[Fields, int]:
    """Return the fields of the struct that begins at this byte, by number, and where it ends.

    A field is a bool, int, bytes, a list of these or, for a struct, its Fields. Raises LookupError, ValueError or
    RecursionError where no whole struct is, or one with anything else in it.
    """
    fields: Fields = {}
    number = 0
    while (head := data[at]) != 0:
        at, kind, step = at + 1, head & 0x0F, head >> 4
        if not step:
            raise ValueError("a field without a step")
        number += step
        if kind in (_TRUE, _FALSE):
            fields[number] = kind == _TRUE
        else:
            fields[number], at = _READERS[kind](data, at)
    return fields, at + 1


def _unsigned(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while data[at] >= 0x80:
        value |= (data[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
    return value | data[at] << shift, at + 1


def _integer(data: bytes, at: int) -> tuple[int, int]:
    value, at = _unsigned(data, at)
    return (value >> 1) ^ -(value & 1), at


def _byte(data: bytes, at: int) -> tuple[int, int]:
    return data[at], at + 1


def _binary(data: bytes, at: int) -> tuple[bytes, int]:
    length, at = _unsigned(data, at)
    return data[at : at + length], at + length


def _list(data: bytes, at: int) -> tuple[list[Any], int]:
    size, read, at = data[at] >> 4, _READERS[data[at] & 0x0F], at + 1
    if size == _LONG_LIST:
        size, at = _unsigned(data, at)
    values = []
    for _ in range(size):
        value, at = read(data, at)
        values.append(value)
    return values, at


_READERS: dict[int, Callable[[bytes, int], tuple[Any, int]]] = {
    3: _byte,
    4: _integer,
    5: _integer,
    6: _integer,
    8: _binary,
    9: _list,
    12: read_struct,
}
