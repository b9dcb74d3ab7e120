"""How many columns a CSV file has, before it is read: Arrow takes kilobytes for each of them."""

from __future__ import annotations

import re
from typing import IO

MAX_COLUMNS = 2000  # what SQLite has room for; an account has at most fifty fields of its own
_HEAD_BYTES = 8 * 1024 * 1024


def has_too_many_columns(file: IO[bytes], qualifier: str = '"') -> bool:
    """Whether the first record of a file has more than MAX_COLUMNS; the file is back at its start."""
    file.seek(0)
    head = file.read(_HEAD_BYTES)
    file.seek(0)
    if head.count(b",") < MAX_COLUMNS:
        return False
    if qualifier:
        quote = re.escape(qualifier.encode())
        head = re.sub(rb"%b[^%b]*+(?:%b|\Z)" % (quote, quote, quote), b"", head)
    return re.split(rb"[\r\n]", head.lstrip(b"\r\n"), maxsplit=1)[0].count(b",") >= MAX_COLUMNS
