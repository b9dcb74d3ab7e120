"""What a run did, counted: the one result behind the summary, `--json`, the exit code and the Python API."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any

DROP_REASONS = (
    "missing_phone",
    "invalid_phone",
    "duplicate_phone",
    "no_consent",
    "opted_out",
    "bad_value",
    "value_too_long",
    "not_in_listrak",
)


@dataclass(frozen=True)
class MappedColumn:
    """A column of the audience and the profile field it travels to (`field_id` 0: not looked up)."""

    column: str
    field: str
    field_id: int


@dataclass(frozen=True)
class ImportLine:
    """One import file. `bytes` is its size before base64; `status`: Listrak's word, ours before it says one."""

    part: int
    file_name: str
    rows: int
    bytes: int
    import_file_id: str | None = None
    status: str = "not sent"
    maybe_repeated: bool = False
    ended: bool = False


@dataclass(frozen=True)
class RunWarning:
    code: str
    message: str


@dataclass(frozen=True)
class ReportError:
    code: str
    message: str
    hint: str


@dataclass(frozen=True)
class SandboxResult:
    """What the embedded sandbox did with the import files of a `--sandbox` push."""

    contacts_updated: int
    dropped_silently: int


@dataclass(frozen=True)
class Report:
    """Counts of members. `rows_read = rows_sendable + rows_dropped + rows_unchanged + rows_beyond_limit` and
    `rows_sendable = rows_sent + rows_refused + rows_pending` hold on every path."""

    run_id: str
    audience: str
    sender_code: int | None
    dry_run: bool = False
    rows_read: int = 0
    rows_sendable: int = 0
    rows_sent: int = 0
    rows_refused: int = 0
    rows_pending: int = 0
    rows_dropped: int = 0
    rows_unchanged: int = 0
    rows_beyond_limit: int = 0
    rows_import_failed: int = 0
    dropped: dict[str, int] = field(default_factory=lambda: dict.fromkeys(DROP_REASONS, 0))
    columns: tuple[MappedColumn, ...] = ()
    skipped_columns: tuple[str, ...] = ()
    imports: tuple[ImportLine, ...] = ()
    warnings: tuple[RunWarning, ...] = ()
    sandbox: SandboxResult | None = None
    seconds: float = 0.0
    exit_code: int = 0
    error: ReportError | None = None

    def as_json(self) -> dict[str, Any]:
        """The document of `--json`: the keys of the published interface, and `skipped_columns`, `sandbox`."""
        document = asdict(self)
        document["seconds"] = round(self.seconds, 3)
        return document

    def with_(self, **changes: Any) -> Report:
        return replace(self, **changes)
