"""What an audience is called, and where it is found again."""

from __future__ import annotations

from pathlib import Path

from listrak_sms_cli.audience.source import Audience


def name_of(source: object) -> str:
    if isinstance(source, Audience):
        return source.name
    if not isinstance(source, str | Path):
        return "a frame"
    return "standard input" if source == "-" else str(source)


def path_of(source: object) -> str:
    """Where `resume` finds the audience again: an absolute path or a URL; "-" for what can be read only once."""
    if isinstance(source, str | Path) and source != "-":
        return str(source) if "://" in str(source) else str(Path(source).absolute())
    return "-"
