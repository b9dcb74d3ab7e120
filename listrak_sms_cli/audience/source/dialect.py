"""How the cells of a CSV are delimited, quoted and escaped."""

from __future__ import annotations

import csv
import re
from typing import Any

from msgspec import Struct

from listrak_sms_cli.audience.source.options import ReadOptions
from listrak_sms_cli.errors import AudienceError

_SPELLED = re.compile(r"\\x([0-9a-f]{2})|\\u00([0-9a-f]{2})", re.IGNORECASE)


class Dialect(Struct, frozen=True):
    """`quote` None: cells are not quoted. `escape`: the next character is text, None: no character does that.
    `quote_named`: the quote was named by a person, who thereby says that cells may hold whole lines."""

    delimiter: str = ","
    quote: str | None = '"'
    escape: str | None = None
    quote_named: bool = False

    @property
    def for_csv_module(self) -> dict[str, Any]:
        """The keywords of `csv.reader`."""
        quoting = csv.QUOTE_MINIMAL if self.quote else csv.QUOTE_NONE
        return {
            "delimiter": self.delimiter, "quotechar": self.quote, "escapechar": self.escape, "quoting": quoting,
        }  # fmt: skip


def quoting_of(options: ReadOptions) -> Dialect:
    """The dialect that the options ask for, with any delimiter. Raises AudienceError: `bad_quote`, `bad_escape`."""
    quote: str | None = '"' if options.quote is None else one_character(options.quote)
    if quote is not None and quote.lower() == "none":
        quote = None
    if quote is not None and not is_one_character(quote):
        raise AudienceError(
            "The quote must be one ASCII character, or none.", hint="For instance --quote none.", code="bad_quote"
        )
    escape = None if options.escape is None else one_character(options.escape)
    if escape is not None and not is_one_character(escape):
        raise AudienceError(
            "The escape must be one ASCII character.", hint="For instance --escape '\\'.", code="bad_escape"
        )
    # To escape a quote by a quote is to double it, which is read anyway.
    return Dialect(quote=quote, escape=None if escape == quote else escape, quote_named=options.quote is not None)


def with_delimiter(quoting: Dialect, delimiter: str) -> Dialect:
    """The same quoting with this delimiter. Raises AudienceError (`bad_quote`) when one character would be both."""
    if delimiter in (quoting.quote, quoting.escape):
        raise AudienceError(
            f"The delimiter is {shown(delimiter)}, and so is the quote or the escape.",
            hint="Check --delimiter, --quote and --escape.",
            code="bad_quote",
        )
    return Dialect(delimiter, quoting.quote, quoting.escape, quoting.quote_named)


def one_character(typed: str) -> str:
    """The character that was typed by its name or its number (`tab`, `\\t`, `\\x01`), else what was typed."""
    if spelled := _SPELLED.fullmatch(typed):
        return chr(int(spelled[1] or spelled[2], 16))
    return {"tab": "\t", "\\t": "\t"}.get(typed.lower(), typed)


def is_one_character(text: str) -> bool:
    """Whether a text is one ASCII character that may have a meaning in a CSV."""
    return len(text) == 1 and text not in "\r\n" and ord(text) < 128


def shown(character: str) -> str:
    """A character as people can read and type it."""
    if character == "\t":
        return "tab"
    return f"“{character}”" if character.isprintable() else f"\\x{ord(character):02x}"
