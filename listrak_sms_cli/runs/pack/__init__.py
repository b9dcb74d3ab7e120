"""From cleaned members to import files: CSV lines in an anonymous temporary file, cut into parts.

Change here what a line or an import file looks like and how many members it holds.
"""

from __future__ import annotations

from listrak_sms_cli.runs.pack.by_filled_columns import (
    Lines,
    Packing,
    check_columns,
    check_groups,
    distinct,
    lines_of,
)
from listrak_sms_cli.runs.pack.import_files import (
    ImportFile,
    ImportSpool,
    ImportText,
    header_line,
    string_offsets,
    write_lines,
)

__all__ = [
    "ImportFile",
    "ImportSpool",
    "ImportText",
    "Lines",
    "Packing",
    "check_columns",
    "check_groups",
    "distinct",
    "header_line",
    "lines_of",
    "string_offsets",
    "write_lines",
]
