"""From what a person gives to the open files of an audience, their columns in one order."""

from __future__ import annotations

import os
from collections.abc import Sequence

from msgspec import Struct

from listrak_sms_cli.audience.source.arrow import open_stream
from listrak_sms_cli.audience.source.content import Spool
from listrak_sms_cli.audience.source.locate import Location, find
from listrak_sms_cli.audience.source.one_file import check_options, open_location
from listrak_sms_cli.audience.source.options import ReadOptions
from listrak_sms_cli.audience.source.reader import Part
from listrak_sms_cli.errors import AudienceError


class Found(Struct, frozen=True):
    """An open file of the audience. `places`: for each column of the audience the column of the file, or the value
    that the file's folder (`key=value`) gives it. `folders`: the names of the latter, the last columns of all."""

    part: Part
    places: Sequence[int | str]
    folders: tuple[str, ...] = ()


def open_parts(source: object, options: ReadOptions, spool: Spool) -> tuple[str, list[Found]]:
    """The audience's name and its files. Raises AudienceError."""
    check_options(options)
    if hasattr(source, "__arrow_c_stream__"):
        name = f"the {type(source).__name__}"
        stream = open_stream(source, name, spool)
        return name, [Found(stream, range(len(stream.columns)))]
    if not isinstance(source, str | os.PathLike):
        raise AudienceError(
            f"A {type(source).__name__} cannot be read as an audience.",
            hint="Give a path, a URL, or a frame that speaks the Arrow stream interface (pandas, polars, pyarrow).",
            code="not_an_audience",
        )
    name, locations = find(os.fsdecode(source))
    parts = [(location, part) for location in locations if (part := _open(location, len(locations), options, spool))]
    if not parts:
        raise AudienceError(f"All files of {name} are empty.", hint="Check the export.", code="empty_file")
    return name, _aligned(parts)


def _open(location: Location, files: int, options: ReadOptions, spool: Spool) -> Part | None:
    """None for an empty file among others: Spark writes them for partitions without rows."""
    try:
        return open_location(location, options, spool)
    except AudienceError as error:
        if error.code == "empty_file" and files > 1:
            return None
        raise


def _aligned(parts: Sequence[tuple[Location, Part]]) -> list[Found]:
    """The files with their columns in the order of the first, matched by name."""
    location, first = parts[0]
    folders = tuple(key for key, _ in location.partitions if key not in first.columns)
    found = []
    for location, part in parts:
        values = {key: value for key, value in location.partitions if key not in part.columns}
        if sorted(part.columns) != sorted(first.columns) or set(values) != set(folders):
            raise _different(part, values, first, folders)
        if part.columns == first.columns:
            places: list[int | str] = list(range(len(part.columns)))
        elif len(set(part.columns)) == len(part.columns):
            places = [part.columns.index(name) for name in first.columns]
        else:
            raise _different(part, values, first, folders)
        found.append(Found(part, [*places, *(values[key] for key in folders)], folders))
    return found


def _different(part: Part, values: dict[str, str], first: Part, folders: Sequence[str]) -> AudienceError:
    expected, own = [*first.columns, *folders], [*part.columns, *values]
    missing = [name for name in expected if name not in own]
    surplus = [name for name in own if name not in expected]
    if missing:
        what = f"has no column “{missing[0]}”"
    elif surplus:
        what = f"has a column “{surplus[0]}” that the others do not have"
    else:
        what = "repeats a column, in another order"
    return AudienceError(
        f"{part.name} {what}, unlike {first.name}.",
        hint="The files of one audience need the same columns; push files that differ one by one.",
        code="different_columns",
    )
