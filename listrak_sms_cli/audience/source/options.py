"""What a person says about how to read an audience."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct


class ReadOptions(Struct, frozen=True):
    """`format`: csv, tsv, parquet or xlsx; `delimiter`: one ASCII character or `tab`; `encoding`: a codec that Python
    knows; `sheet`: the name of a sheet of a workbook; `quote`: the character that quotes the cells of a CSV, or
    `none`; `escape`: the character that escapes others in a CSV; `phone_column`: the name of the phone column. None:
    found out from the file.

    `source`: the name of the database that the file, a query, runs in; `config`: the config file that knows it, None =
    the usual one. `skip`: names of columns that nobody will read, which a stream need not convert. `storage`:
    options of the store that a URL names; never a secret."""

    format: str | None = None
    delimiter: str | None = None
    encoding: str | None = None
    sheet: str | None = None
    quote: str | None = None
    escape: str | None = None
    phone_column: str | None = None
    storage: Mapping[str, str] | None = None
    source: str | None = None
    config: str | None = None
    skip: tuple[str, ...] = ()


def is_query(path: str) -> bool:
    """Whether the name of an audience is that of a query."""
    return path.lower().endswith(".sql")


def query_name(database: str, file: str) -> str:
    """What a query is called: earlier pushes of it are found by this."""
    return f"{database}:{file}"
