"""How a sandbox behaves. Standard library only: the CLI reads it without the extra `sandbox`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

LOOPBACK_HOSTS = ("127.0.0.1", "::1", "localhost")
MAX_BODY_BYTES = 250 * 1024 * 1024
MAX_FILE_BYTES = 195_000_000

PhoneSpelling = Literal["e164", "digits", "national"]


@dataclass(frozen=True)
class SandboxConfig:
    """Settings of a sandbox; every default is what Listrak is known, or most likely, to do.

    host, port         a loopback host; port 0 takes a free one
    db                 SQLite file that keeps the account between starts; None: in memory
    contacts, fields   CSV files that take the place of the invented ones (columns: see `seed.py`)
    invented_contacts  False: start with sender codes, fields and lists, but without contacts
    faults             JSON file with fault rules; `fault_rules` gives them directly (see `faults.py`)
    client_id, client_secret, token_seconds
    import_seconds     an import ends, and its values appear, this long after it was accepted
    too_large_status   answer to a body over `max_body_bytes`: 404 (as Listrak is known to) or 413
    empty_cells        unpublished: an empty cell of an import clears the stored value, or keeps it
    opted_out_imports  unpublished: an import updates contacts that opted out, or passes them over (skip)
    put_missing        unpublished: PUT Contact clears the values its body leaves out, or keeps them
    phone_spellings    unpublished: the spellings a phone is found by: `e164` (+17185550100), `digits`
                       (17185550100), `national` (7185550100)
    fields_page_size   0: the field listing is one `Collection`; N: pages of N (`CollectionPaged`)
    system_fields      False: the field listing leaves out the system fields, and their ids are invalid
    system_values      True: system fields are among a contact's `segmentationFieldValues` too
    cursor_style       `uri`: nextPageCursor is an address; `marker`: the bare cursor
    inactive_lists     False: reading an inactive list is ERROR_LIST_INACTIVE
    """

    host: str = "127.0.0.1"
    port: int = 0
    db: Path | None = None
    contacts: Path | None = None
    fields: Path | None = None
    invented_contacts: bool = True
    faults: Path | None = None
    fault_rules: tuple[Mapping[str, Any], ...] = ()
    client_id: str = "sandbox"
    client_secret: str = field(default="sandbox-secret", repr=False)
    token_seconds: float = 3600.0
    import_seconds: float = 0.0
    max_body_bytes: int = MAX_BODY_BYTES
    too_large_status: Literal[404, 413] = 404
    empty_cells: Literal["clear", "keep"] = "clear"
    opted_out_imports: Literal["update", "skip"] = "update"
    put_missing: Literal["clear", "keep"] = "clear"
    phone_spellings: tuple[PhoneSpelling, ...] = ("e164", "digits", "national")
    fields_page_size: int = 0
    system_fields: bool = True
    system_values: bool = False
    cursor_style: Literal["uri", "marker"] = "uri"
    inactive_lists: bool = True

    def __post_init__(self) -> None:
        if self.host not in LOOPBACK_HOSTS:
            raise ValueError("The sandbox listens on loopback only: 127.0.0.1, ::1 or localhost.")
