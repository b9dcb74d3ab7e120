"""The lines of a run's journal as they stand on disk: counts, names, ids and digests; no member data, no secret.

A field that was added later has a default, so that journals written before it are read.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import Struct

from listrak_sms_cli.runs.report import CanaryResult, RunWarning, Verification


class PartLine(Struct, frozen=True):
    """An import file: its number in the run, name, members, and bytes before base64.

    `origin` is the number it was packed under and `skip` the members of that one before it; they differ from
    `part` and 0 only for a piece of an import file that was split. `columns`: those after the phone, by their place
    in the recipe; None = all. `digest`: xxh3-128 of the whole file; "" for pieces, and in journals of lsms 0.1.0.
    `canary`: its members are sent first, and have to be proved before others are.
    """

    part: int
    file_name: str
    rows: int
    bytes: int
    origin: int
    skip: int = 0
    columns: list[int] | None = None
    digest: str = ""
    canary: bool = False


class RecipeColumn(Struct, frozen=True):
    """A column of the audience (by index), and the profile field it goes to, as both were when the run began."""

    index: int
    name: str
    field_id: int
    field_name: str
    kind: str
    max_length: int | None


class RecipeRules(Struct, frozen=True):
    """How the members of the run were cleaned; the words are those of the options. `country`, `today`, `mixed_columns`:
    as CleaningRules has them."""

    region: str
    date_format: str | None
    null_values: list[str]
    blank_bad_values: bool
    phone_format: str = "digits"
    empty_cells: str = "send"
    country: str = ""
    today: int = 0
    mixed_columns: list[str] = []


class Recipe(Struct, frozen=True):
    """All it takes to make the same import files again from the same audience, whatever has changed in Listrak or
    on the command line since. `identity`: one (size, digest) a file of the audience; `files`: their names, none in
    journals of lsms 0.1.0. `remote`: the recipe of a RemoteRows, which of several members was kept, how many are
    in an import file, and the index of the consent column."""

    path: str
    read: dict[str, Any]
    identity: list[tuple[int, str]]
    phone: int
    header: list[str]
    columns: list[RecipeColumn]
    rules: RecipeRules
    files: list[str] = []
    remote: dict[str, Any] = {}


class Line(Struct, frozen=True, tag_field="event", kw_only=True):
    """`at`: when it was written, ISO 8601, UTC."""

    at: str = msgspec.field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="milliseconds"))


class Destination(Struct, frozen=True):
    """Where a run writes to; `client` is a fingerprint of the client id."""

    api_url: str
    client: str
    sender_code: int


class Started(Line, frozen=True, tag="started", kw_only=True):
    """`name` tells audiences apart from run to run (`--audience-name`, else the path as given). `baseline`: a whole,
    real push that later runs may build on. `per_contact`: its parts are not import files, their members are updated
    one by one. `known`: Listrak was asked before, and has all of its members. `began`: when its command did (ISO 8601,
    UTC), "" in journals of lsms 0.1.0; `settings`: as the Report has them. `canary`: as it was drawn, None without one.
    """

    run_id: str
    version: str
    audience: str
    name: str
    target: Destination
    baseline: bool
    recipe: Recipe
    per_contact: bool = False
    known: bool = False
    began: str = ""
    settings: dict[str, str] = {}
    canary: CanaryResult | None = None


class ColumnFigures(Struct, frozen=True):
    """What a column of the audience held, to be compared with at the next push. `filled`: cells that are not empty, of
    all rows. The rest is of the `sampled` ones that its field can hold (in evenly spaced rows): the number of
    `distinct` values, the median of their lengths in characters, and how often each of the `common` values occurs, by
    its hash under the `key` that this names."""

    column: str
    filled: int
    sampled: int = 0
    distinct: int = 0
    median_length: float = 0.0
    common: dict[str, int] = {}
    key: str = ""


class Prepared(Line, frozen=True, tag="prepared", kw_only=True):
    """`verdicts`: members by verdict (`sendable`, `missing_phone`, …). `row_map`: xxh3-128 of the file that says which
    row is in which import file; "" where there is none, and in journals of lsms 0.1.0. `unfit`: values for which
    members were dropped, by column, `too_long` those of them with too many characters; `shown_warnings`: those of the
    preparation; `figures`: of the columns that are sent."""

    verdicts: dict[str, int]
    parts: list[PartLine]
    row_map: str = ""
    unfit: dict[str, int] = {}
    too_long: dict[str, int] = {}
    shown_warnings: list[RunWarning] = []
    figures: list[ColumnFigures] = []


class Sending(Line, frozen=True, tag="sending", kw_only=True):
    """The request is about to be made."""

    part: int


class Accepted(Line, frozen=True, tag="accepted", kw_only=True):
    """Listrak answered 201. `maybe_repeated`: an earlier try of the same request may have been accepted as well."""

    part: int
    import_file_id: str
    maybe_repeated: bool = False


class Refused(Line, frozen=True, tag="refused", kw_only=True):
    """`maybe_arrived`, here and in Split: an earlier try of the same request may have been accepted all the same."""

    part: int
    code: str
    maybe_arrived: bool = False


class Unreached(Line, frozen=True, tag="unreached", kw_only=True):
    """Listrak could not be reached, or the run was stopped; the file may have arrived all the same."""

    part: int
    maybe_arrived: bool


class Split(Line, frozen=True, tag="split", kw_only=True):
    """Listrak found the file too large: these pieces take its place."""

    part: int
    into: list[PartLine]
    maybe_arrived: bool = False


class Seen(Line, frozen=True, tag="seen", kw_only=True):
    """What Listrak says of an import: its own word, whether it has ended, and whether badly. `import_file_id`: the
    import it was asked about; "" in journals of lsms 0.1.0."""

    part: int
    status: str
    ended: bool
    failed: bool
    new_word: bool = False
    import_file_id: str = ""


class Updated(Line, frozen=True, tag="updated", kw_only=True):
    """What became of the members of a part that are updated one by one: a letter each, in the order of the audience.
    `u` Listrak said yes, `m` it has no such contact, `r` refused, `.` not tried or no answer."""

    part: int
    outcomes: str


class ReadBack(Line, frozen=True, tag="read_back", kw_only=True):
    """What was sent, compared with what Listrak has."""

    result: Verification


class CanaryRead(Line, frozen=True, tag="canary_read", kw_only=True):
    """The canary, compared with what Listrak has. `verdict`: "proved", "different", or "unseen" (when time was up,
    nothing of what was sent to some of its members was seen yet)."""

    result: CanaryResult
    verdict: str


class CanarySkipped(Line, frozen=True, tag="canary_skipped", kw_only=True):
    """The rest is sent whatever has become of the canary: somebody wanted it so."""


class Ended(Line, frozen=True, tag="ended", kw_only=True):
    """A process has ended its work on the run, with this exit code. `warnings`: the columns that each warning
    of the whole run is about, by code."""

    exit_code: int
    warnings: dict[str, list[str]] = {}


LineOfPart = Sending | Accepted | Refused | Unreached | Split | Seen | Updated
LineOfRun = ReadBack | CanaryRead | CanarySkipped | Ended
AnyLine = Started | Prepared | LineOfPart | LineOfRun
