"""What a run did, counted: the one result behind the summary, `--json`, the exit code and the Python API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from msgspec import Struct, field, to_builtins
from msgspec.structs import replace

from listrak_sms_cli.audience import DROP_REASONS
from listrak_sms_cli.errors import UsageError
from listrak_sms_cli.options import nearest

_MAY_BE_MISSING = ("profile", "command", "canary")
_OF_A_PLAN = ("rows_different", "rows_same", "not_in_listrak", "resumed", "changes")


# Codes of warnings that are so at every push of an audience: nobody has to be told of them again.
NOTES = frozenset({"empty_cells", "guessed_columns", "invented_fields", "offline"})
# Codes of those about a change since the baseline: new each time.
CHANGES = frozenset({"became_constant", "fill_dropped", "length_halved", "values_moved"})


class MappedColumn(Struct, frozen=True):
    """A column of the audience and the profile field it goes to (`field_id` 0: not looked up). `guessed`: its name is
    an ordinary one for what the field holds, not the field's own. `type` of the field, None = not looked up; `unfit`:
    values of it that the field cannot hold, for which members were dropped, `too_long` those of them with too many
    characters. `filled`: the share of the rows with a
    value, 0 to 1; `filled_before`: that of the baseline."""

    column: str
    field: str
    field_id: int
    guessed: bool = False
    type: str | None = None
    unfit: int = 0
    too_long: int = 0
    filled: float | None = None
    filled_before: float | None = None


class ImportLine(Struct, frozen=True):
    """One import file. `bytes` is its size before base64; `status`: Listrak's word, ours before it says one;
    `columns`: those it has after the phone, None = all that are sent; `sent_at`, `ended_at`: when it was sent, and when
    its import was seen to have ended (ISO 8601, UTC)."""

    part: int
    file_name: str
    rows: int
    bytes: int
    import_file_id: str | None = None
    status: str = "not sent"
    maybe_repeated: bool = False
    ended: bool = False
    columns: tuple[str, ...] | None = None
    sent_at: str | None = None
    ended_at: str | None = None


class ProfiledColumn(Struct, frozen=True):
    """What a column of the audience holds: counts of cells, whatever becomes of their members; never a value.

    `role`: phone, attribute, consent or skipped. `problems` by kind: `bad`, `too_long` and `cleaned`, and where the
    type of the field is not known `unlike` (first cells that are not what most of them look like); for the phone
    `missing`, `invalid`, `exponent_form` (a part of the invalid ones) and `duplicate`. `type` of the profile field,
    None = not looked up; `looks_like`: the strictest type nine in ten of the first cells could be of, None = no cell is
    filled. `distinct` counts cells that are not empty (phones: valid phones, however they are written), and is a number
    there are at least when not `distinct_is_exact`. `longest` in characters. `sample`: the commonest shapes of cells, X
    and x for letters, 9 for digits. `guessed`: an ordinary name means the field, or the phone; `needs_field`: whether
    the account has a field of that name is not known.
    """

    column: str
    role: str
    problems: dict[str, int]
    field: str | None = None
    field_id: int | None = None
    type: str | None = None
    max_length: int | None = None
    rows: int = 0
    filled: int = 0
    distinct: int = 0
    distinct_is_exact: bool = True
    longest: int = 0
    looks_like: str | None = None
    sample: tuple[str, ...] = ()
    readable: bool = True
    guessed: bool = False
    needs_field: bool = False


class RunWarning(Struct, frozen=True):
    """What a person should know of a run that went on all the same. `code`: for `--no-warn`. `columns`: those it is
    about. `new`: it is no note (see NOTES), and about a change, or
    the baseline did not have it, or not about all of the columns."""

    code: str
    message: str
    columns: tuple[str, ...] = ()
    new: bool = True


class ReportError(Struct, frozen=True):
    """Why a command did not end with exit 0: what is wrong, and what to type next."""

    code: str
    message: str
    hint: str


class SandboxResult(Struct, frozen=True):
    """What the embedded sandbox did with the import files of a `--sandbox` push."""

    contacts_updated: int
    dropped_silently: int


class Verification(Struct, frozen=True):
    """Members compared with the contacts Listrak has: `checked = matching + different + not_in_listrak`; `fields`:
    values that differ, by column. `opted_out`: those of the checked members whose contacts opted out, and
    `opted_out_different` those of them that differ: whether an import updates opted-out contacts is unknown."""

    checked: int
    matching: int
    different: int
    not_in_listrak: int
    fields: dict[str, int]
    opted_out: int = 0
    opted_out_different: int = 0


class CanaryResult(Struct, frozen=True):
    """The members that are sent first (`rows`, as far as they exist) and what was read back of them; neither `matching`
    nor `different`: nothing of what was sent is seen yet. `seed`: that they were drawn with; `fields`: values that
    differ, by column; `undo`: the file of what was stored of them before."""

    rows: int = 0
    matching: int = 0
    different: int = 0
    fields: dict[str, int] = {}
    seed: int = 0
    undo: str | None = None


class CommonChange(Struct, frozen=True):
    """A change that many members of a column have: shapes (`Xxxx`) or values, "" = nothing."""

    stored: str
    new: str
    members: int


class ColumnChanges(Struct, frozen=True):
    """What a push would do to a column of the members that exist: how many it sets (nothing is stored so far), changes,
    would empty (something is stored, the cell is empty), and leaves as they are."""

    column: str
    field: str
    set: int
    changed: int
    emptied: int
    same: int
    commonest: tuple[CommonChange, ...] = ()


class Report(Struct, frozen=True):
    """Counts of members. `rows_read = rows_sendable + rows_dropped + rows_unchanged + rows_beyond_limit` and
    `rows_sendable = rows_sent + rows_refused + rows_pending` hold on every path. `rejects`: the file that the dropped
    members were written to; `members`: that of `status --members`. `running`: another process is at work on the run;
    `resumable`: `lsms resume` can go on with it. `started`: ISO 8601, UTC; `settings`: what was chosen, by option,
    without secrets. Of a plan `rows_sendable = rows_different + rows_same + not_in_listrak`, and `resumed` counts the
    members that an interrupted call had read already."""

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
    profile: tuple[ProfiledColumn, ...] | None = None
    command: str | None = None
    sandbox: SandboxResult | None = None
    verify: Verification | None = None
    canary: CanaryResult | None = None
    rejects: str | None = None
    members: str | None = None
    rows_different: int | None = None
    rows_same: int | None = None
    not_in_listrak: int | None = None
    resumed: int | None = None
    changes: tuple[ColumnChanges, ...] | None = None
    running: bool = False
    resumable: bool = False
    started: str = ""
    settings: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    exit_code: int = 0
    error: ReportError | None = None

    html_view: ClassVar[Callable[[Report], str] | None] = None

    def as_json(self) -> dict[str, Any]:
        """The document of `--json`: the keys of the published interface, and `skipped_columns`, `sandbox`; from
        `validate` also `profile`, a line for each column, and `command`, the push that does it; from `plan` also what
        would change."""
        document: dict[str, Any] = to_builtins(self)
        for name in (*_MAY_BE_MISSING, *_OF_A_PLAN):
            if document[name] is None:
                del document[name]
        for column in document["columns"]:
            for name in ("filled", "filled_before"):
                if column[name] is None:
                    del column[name]
        document["seconds"] = round(self.seconds, 3)
        return document

    def to_pandas(self, part: str | None = None) -> Any:
        """A pandas frame. `part` None: one row of figures, for frames of many runs; `columns`, `dropped`, `imports`,
        `warnings`, `changes`, `profile`: a row for each of them."""
        import pandas as pd

        document = to_builtins(self)
        if part == "dropped":
            return pd.DataFrame(self.dropped.items(), columns=["reason", "members"])
        if part is not None:
            if part not in _PARTS:
                raise UsageError(f"A report has no part {part}.", hint=nearest(part, ("dropped", *_PARTS)))
            return pd.DataFrame(document[part] or [], columns=_PARTS[part].__struct_fields__)
        figures = {name: value for name, value in document.items() if isinstance(value, str | int | float)}
        figures |= {f"dropped_{reason}": count for reason, count in self.dropped.items()}
        return pd.DataFrame([figures])

    def _repr_html_(self) -> str | None:
        """The short view of a notebook, where the package has set who draws it."""
        view = type(self).html_view
        return None if view is None else view(self)

    def with_(self, **changes: Any) -> Report:
        """The same report with these fields changed."""
        return replace(self, **changes)


# The parts of a report that are tables.
_PARTS: dict[str, type[Struct]] = {
    "columns": MappedColumn,
    "imports": ImportLine,
    "warnings": RunWarning,
    "changes": ColumnChanges,
    "profile": ProfiledColumn,
}


class TrendPoint(Struct, frozen=True):
    """One good push. `filled`: the share of the rows, 0 to 1, by column."""

    run_id: str
    started: str
    rows: int
    filled: dict[str, float]


class Trend(Struct, frozen=True):
    """The good pushes of an audience to one sender code, the oldest first."""

    sender_code: int
    points: list[TrendPoint]
