"""From what a person names (a file, a folder, a URL, a frame) to chunks of text columns and row numbers.

A new file format or a new place to read from belongs here. What a cell means does not.
"""

from __future__ import annotations

from listrak_sms_cli.audience.source.audience import (
    Audience,
    Chunk,
    ReadOptions,
    open_audience,
)

__all__ = [
    "Audience",
    "Chunk",
    "ReadOptions",
    "open_audience",
]
