"""From cleaned members to import files: CSV lines in an anonymous temporary file, cut into numbered files.

Change here what a line or an import file looks like and how many members it holds.
"""

from __future__ import annotations

from listrak_sms_cli.runs.pack.by_filled_columns import (
    GroupPacker,
    Lines,
    check_columns,
    check_groups,
    distinct,
    lines_of,
)
from listrak_sms_cli.runs.pack.import_files import ImportFile, header_line, string_offsets, write_lines
from listrak_sms_cli.runs.pack.spool import ImportSpool, ImportText

__all__ = [
    "GroupPacker",
    "ImportFile",
    "ImportSpool",
    "ImportText",
    "Lines",
    "check_columns",
    "check_groups",
    "distinct",
    "header_line",
    "lines_of",
    "string_offsets",
    "write_lines",
]
