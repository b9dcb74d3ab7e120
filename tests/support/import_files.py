"""Import files of two columns, and what is in them."""

from __future__ import annotations

from hypothesis import strategies as st

from listrak_sms_cli.runs.pack import ImportText

HEADER = b"phone,Tier\n"
MEMBER = st.integers(0, 12).map(lambda size: "é" * (size // 2) + "x" * (size % 2) + "\n")


def bytes_of(content: ImportText) -> bytes:
    return b"".join(content.chunks())


def lines_of(content: ImportText) -> list[bytes]:
    """The members of an import file, its header checked and left out."""
    text = bytes_of(content)
    assert text.startswith(content.header)
    assert len(text) == content.size
    return text[len(content.header) :].splitlines(keepends=True)
