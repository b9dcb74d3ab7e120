"""A plan in a file: what it was made from, and what it stands on. Counts, names, ids and digests; no member data."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
from msgspec import Struct, field

from listrak_sms_cli.errors import SettingsError, UsageError
from listrak_sms_cli.runs.options import ReadingOptions
from listrak_sms_cli.runs.output_file import OutputFile
from listrak_sms_cli.runs.readback import Survey
from listrak_sms_cli.runs.record import Destination, Recipe
from listrak_sms_cli.stores import StoreError, StoreUrl, opened_in_store
from listrak_sms_cli.version import VERSION

# The options that decide what a push would send, and so belong to a plan.
OF_A_PLAN = {option.name for option in ReadingOptions.options} - {"limit", "rejects", "no_warn"} | {
    "exclude_opted_out",
    "max_drop_rate",
    "per_contact",
}
_LARGEST = 64 << 20  # bytes of a plan that is read
_SLOW = {"n": 1 << 12, "r": 8, "p": 1, "dklen": 16}  # scrypt's cost: about ten milliseconds a digest


class PlannedChanges(Struct, frozen=True):
    """A column of a plan, as ColumnChanges. `stored`: a digest of the stored values of the members that exist."""

    column: str
    field: str
    set: int
    changed: int
    emptied: int
    same: int
    stored: str

    @property
    def counts(self) -> dict[str, int]:
        """Its members by what a push would do."""
        return {"set": self.set, "changed": self.changed, "emptied": self.emptied, "as they are": self.same}


class Plan(Struct, frozen=True, kw_only=True):
    """What a push would change, as it was `made` (ISO 8601, UTC). `options`: of the push, by name; `audience_digest`:
    of all that would be sent; `salt`: of all digests."""

    format: int = 1
    made: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    version: str = VERSION
    target: Destination
    audience: str
    recipe: Recipe
    options: dict[str, Any]
    rows_read: int
    rows_sendable: int
    rows_different: int
    rows_same: int
    not_in_listrak: int
    salt: str
    audience_digest: str
    changes: tuple[PlannedChanges, ...]

    def save(self, target: OutputFile) -> None:
        """Write the file, mode 0600. Raises SettingsError when the disk is full, or a store does not take it."""
        try:
            with target.replacing() as file:
                file.write(pa.compress(msgspec.json.encode(self), codec="zstd", asbytes=True))
        except OSError:
            raise SettingsError(
                f"{target.shown} cannot be written: the disk is full or gone.", code="disk_full"
            ) from None

    @classmethod
    def load(cls, path: Path | StoreUrl) -> Plan:
        """Read a file that `save` has written. Raises UsageError for any other."""
        try:
            opened = opened_in_store(path) if isinstance(path, StoreUrl) else pa.OSFile(str(path))
            with pa.CompressedInputStream(opened, "zstd") as file:
                content = file.read(_LARGEST)
            return msgspec.json.decode(content, type=cls)
        except StoreError as error:
            raise UsageError(f"{path} cannot be read: {error.why}.", hint=error.hint, code=error.code) from None
        except FileNotFoundError:
            raise UsageError(f"There is no file {path}.", hint="Check the path.", code="not_found") from None
        except (OSError, ValueError, msgspec.MsgspecError):
            raise UsageError(
                f"{path} is not a plan, or a damaged one.", hint=f"Make one: {MAKE_A_PLAN}", code="plan_file"
            ) from None


MAKE_A_PLAN = "lsms plan AUDIENCE --sender-code ID --save PLAN"


def slow_digest(text: str, salt: str) -> str:
    """A digest that takes so long that the phone behind it, of a plan with a single member, is not guessed."""
    return hashlib.scrypt(text.encode(), salt=bytes.fromhex(salt), **_SLOW).hex()


def planned_changes(survey: Survey, salt: str) -> tuple[PlannedChanges, ...]:
    """The columns of a survey as a plan keeps them."""
    return tuple(
        PlannedChanges(c.column, c.field, c.set, c.changed, c.emptied, c.same, slow_digest(stored, salt))
        for c, stored in zip(survey.changes(), survey.stored_digests, strict=True)
    )
