"""How an audience is to be read, where it cannot be told from the file."""

from __future__ import annotations

from msgspec import Struct


class ReadOptions(Struct, frozen=True):
    """`format`: csv, tsv, parquet or xlsx; `delimiter`: one character or `tab`; `encoding`: a codec of Python's;
    `sheet`: of a workbook. None: told from the file."""

    format: str | None = None
    delimiter: str | None = None
    encoding: str | None = None
    sheet: str | None = None
