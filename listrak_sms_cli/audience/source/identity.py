"""What a file was when it was read, so that a later change is noticed."""

from __future__ import annotations

import os

from msgspec import Struct

from listrak_sms_cli.errors import AudienceError


class FileIdentity(Struct, frozen=True):
    """`size` (bytes) and `digest` (xxh3_128, hex) are those of the content as read: decompressed, and as UTF-8.

    `digest` is empty until the first full pass. `mtime_ns` is 0 for standard input and Arrow streams.
    """

    name: str
    size: int
    mtime_ns: int
    digest: str


def changed(name: str) -> AudienceError:
    """The error for a file that is no longer what it was when it was opened."""
    return AudienceError(
        f"{name} changed while it was read.",
        hint="Run the command again once nothing writes to it.",
        code="audience_changed",
    )


def broken_off(name: str) -> AudienceError:
    """The error for a file, pipe or cloud object whose bytes end with an error."""
    return AudienceError(
        f"{name} broke off while it was read.", hint="Check the disk or network it comes from.", code="cannot_read"
    )


def cannot_read(name: str, error: OSError) -> AudienceError:
    """The error for a file or folder that the system does not open or list."""
    why = os.strerror(error.errno) if error.errno else "reading it failed"
    hint = "Check its permissions."
    return AudienceError(f"{printable_name(name)} cannot be read: {why}.", hint=hint, code="cannot_read")


def printable_name(name: str) -> str:
    """The name of a file as a message may have it: a name need not be UTF-8, and a message is."""
    return os.fsencode(name).decode(errors="replace")
