"""`lsms validate` reads its audience once and finds what the two passes of a push find."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from listrak_sms_cli import validate
from listrak_sms_cli.audience.columns import ColumnPlan, FieldKind, PlannedColumn, ProfileField
from listrak_sms_cli.audience.members import CleaningRules
from listrak_sms_cli.audience.source import Audience
from listrak_sms_cli.audience.source.csv import CsvReader
from listrak_sms_cli.audience.source.dialect import Dialect
from listrak_sms_cli.audience.source.open import AudienceFile
from listrak_sms_cli.audience.source.parquet import ParquetReader
from listrak_sms_cli.audience.source.spool import SourceSpool
from listrak_sms_cli.errors import AudienceError, LsmsError
from listrak_sms_cli.runs import events as e
from listrak_sms_cli.runs.options import ReadingOptions
from listrak_sms_cli.runs.prepare import PlannedAudience, Receivers, one_pass, profile_of, read_phones
from listrak_sms_cli.runs.prepare.column_profile import profiled_columns
from listrak_sms_cli.runs.prepare.one_pass import check_in_one_pass
from listrak_sms_cli.runs.prepare.value_pass import check_members
from listrak_sms_cli.runs.report import Report
from listrak_sms_cli.runs.validate import validate_audience
from listrak_sms_cli.settings import load_settings
from tests.support.examples import examples
from tests.support.in_process import validated
from tests.support.reference_members import make_members, write
from tests.support.world import World

KINDS = tuple(FieldKind)
HEADER = ["phone", "zip", *(kind.name for kind in KINDS), "consent"]
PHONES = [
    *(f"212555{n:04d}" for n in range(100, 110)),
    *("+1 (212) 555-0100", "+49 171 3920012", "", "n/a", "12", "7.18E+10"),
]
WORDS = {
    FieldKind.TEXT: ["", " ", "Gold", "a\tb", "far too long for it", "n/a", "é\n"],
    FieldKind.NUMBER: ["", "12", "12.345", "12345678901", "n/a", "many"],
    FieldKind.DATE: ["", "1988-03-05", "1988-03-05", "2024-02-29"],
    FieldKind.CHECKBOX: ["yes", "no", "yes", "perhaps", "n/a"],
}
PLAN = ColumnPlan(
    0,
    (
        PlannedColumn(1, "zip", ProfileField(1, "zip", FieldKind.TEXT)),
        *(PlannedColumn(n, kind.name, ProfileField(n, kind.name, kind, 10)) for n, kind in enumerate(KINDS, 2)),
    ),
    None,
    (),
    tuple(HEADER),
)
ROWS = st.lists(
    st.tuples(
        st.sampled_from(PHONES),
        st.sampled_from(["02134", "2134", "n/a", ""]),
        *(st.sampled_from(WORDS[kind]) for kind in KINDS),
        st.sampled_from(["yes", "no", ""]),
    ),
    max_size=40,
)
Event = e.Event


def as_csv(rows: Iterable[tuple[str, ...]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows([HEADER, *rows])
    return text.getvalue().encode()


def as_parquet(rows: list[tuple[str, ...]], group: int) -> bytes:
    columns = zip(*rows, strict=True) if rows else ([] for _ in HEADER)
    file = io.BytesIO()
    texts = [pa.array([cell or None for cell in column], pa.string()) for column in columns]
    pq.write_table(pa.table(dict(zip(HEADER, texts, strict=True))), file, row_group_size=group)
    return file.getvalue()


def opened(content: bytes, block_size: int) -> Audience:
    spool = SourceSpool()
    kept = spool.keep("members", [content])
    parquet = content.startswith(b"PAR1")
    reader = ParquetReader(kept) if parquet else CsvReader(kept, Dialect(), "CSV", block_size=block_size)
    return Audience("members", [AudienceFile(reader, range(len(HEADER)))], spool)


def told(planned: PlannedAudience, *, once: bool) -> tuple[dict[str, Any], list[Event]]:
    """What one pass finds or two, and the events on the way."""
    events: list[Event] = []
    profile = profile_of(planned)
    if once:
        checked = check_in_one_pass(planned, events.append, profile)
    else:
        phones = read_phones(planned, events.append, profile)
        checked = check_members(planned, phones, Receivers(profile=profile), events.append)
    found = {
        "numbers": checked.phones.numbers.tolist(),
        "exponents": checked.phones.exponents,
        "verdicts": checked.phones.verdicts.tolist(),
        "counts": checked.counts,
        "columns": checked.columns,
        "column_sets": sorted(set(checked.column_sets.tolist())),
        "profile": profiled_columns(planned, checked, profile),
    }
    return found, events


def phases(events: list[Event]) -> list[e.Phase]:
    return [event.phase for event in events if isinstance(event, e.PhaseStarted)]


@examples(30)
@given(
    ROWS,
    st.sampled_from(["first", "last"]),
    st.none() | st.integers(0, 4),
    st.none() | st.just(HEADER.index("consent")),
    st.booleans(),
    st.sampled_from([(), ("n/a",)]),
    st.booleans(),
    st.sampled_from([60, 150, 1000]),
)
def test_one_pass_finds_what_two_find(
    rows: list[tuple[str, ...]],
    keep: Literal["first", "last"],
    limit: int | None,
    consent: int | None,
    blank: bool,
    null_values: tuple[str, ...],
    parquet: bool,
    size: int,
) -> None:
    """Every verdict, count and line of the profile, however the rows are cut into chunks."""
    content = as_parquet(rows, size // 20) if parquet else as_csv(rows)
    plan = ColumnPlan(0, PLAN.columns, consent, (), PLAN.header)
    rules = CleaningRules("US", null_values=null_values, blank_bad_values=blank)
    with opened(content, size) as audience:
        planned = PlannedAudience(audience, plan, rules, ReadingOptions(keep=keep, limit=limit))
        (once, events), (twice, more) = told(planned, once=True), told(planned, once=False)
    assert once == twice
    assert (phases(events), phases(more)) == ([e.Phase.CHECKING], [e.Phase.READING, e.Phase.CHECKING])
    last, wanted = ([one for one in some if isinstance(one, e.MembersCounted)][-1] for some in (events, more))
    assert (last.read, last.dropped) == (wanted.read, wanted.dropped)


def test_progress_of_the_one_pass() -> None:
    """Bytes and members grow to all there are, and dropped members only ever become more."""
    content = as_csv([("2125550100", "", "", "", "", "", "")] * 50 + [("12", "", "", "", "", "", "")] * 50)
    with opened(content, 64) as audience:
        _, events = told(PlannedAudience(audience, PLAN, CleaningRules("US"), ReadingOptions()), once=True)
        size = audience.size
    done = [event.done for event in events if isinstance(event, e.PhaseAdvanced)]
    read = [event.read for event in events if isinstance(event, e.MembersCounted)]
    dropped = [sum(event.dropped.values()) for event in events if isinstance(event, e.MembersCounted)]
    assert len(set(done)) > 10
    for counts, last in ((done, size), (read, 100), (dropped, 99)):
        assert counts == sorted(counts)
        assert counts[-1] == last
    assert isinstance(events[-1], e.PhaseEnded)


@pytest.mark.parametrize("filled", [True, False])
def test_many_marks_are_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, filled: bool) -> None:
    """What is kept of a member while duplicates are unknown stays small however wide the audience is: then the audience
    is read twice, with the same outcome."""
    path = tmp_path / "a.csv"
    names = [f"c{n}" for n in range(100)]
    cells = names if filled else ["", "x"] * 50
    path.write_text("\n".join(",".join(row) for row in (["phone", *names], ["2125550100", *cells])) + "\n", "utf-8")

    def report_of() -> tuple[Report, list[e.Phase]]:
        events: list[Event] = []
        report = validate_audience(path, load_settings({}, {}), ReadingOptions(), events.append, offline=True)
        return report, phases(events)

    once, passes = report_of()
    assert passes == [e.Phase.CHECKING]
    monkeypatch.setattr(one_pass, "MOST_BYTES", 40)
    twice, passes = report_of()
    assert passes == [e.Phase.CHECKING] if filled else [e.Phase.CHECKING, e.Phase.READING, e.Phase.CHECKING]
    for report in (once, twice):
        assert report.profile is not None
        assert [(column.filled, column.distinct) for column in report.profile] == [(1, 1)] + [
            (int(bool(cell)), int(bool(cell))) for cell in cells
        ]
    assert once.warnings == twice.warnings


@pytest.mark.parametrize(
    ("shape", "options", "code"),
    [
        ("csv", {}, 0),
        ("parquet", {"keep": "first", "consent_column": "SMS Consent"}, 0),
        ("folder", {"keep": "first", "consent_column": "SMS Consent"}, 0),
        ("folder", {"limit": 300, "on_bad_value": "blank"}, 0),
        ("parquet", {"limit": 0}, 2),
        ("csv", {"phone_format": "national", "null_value": ["Gold"], "skip_column": ["VIP"]}, 0),
        ("csv", {"empty_cells": "keep", "skip_column": ["email", "birthdate", "Last Purchase"]}, 0),
        ("folder", {"empty_cells": "keep"}, 2),
        ("parquet", {"map": {"phone": "Favorite Store"}, "skip_column": ["Favorite Store"]}, 0),
        ("folder", {"max_drop_rate": 1.0}, 3),
    ],
)
def test_a_report_does_not_depend_on_the_passes(world: World, shape: str, options: dict[str, Any], code: int) -> None:
    """With --rejects, which takes two passes, the report is the same but for the name of that file."""
    members = make_members(7, 2_000)
    (folder := world.home / "audience").mkdir()
    if shape == "folder":
        for n in range(0, len(members), 700):
            write(members[n : n + 700], folder / f"{n:05}.csv")
    source = folder if shape == "folder" else write(members, folder / f"a.{shape}")
    if "consent_column" not in options:
        options = {**options, "skip_column": [*options.get("skip_column", []), "SMS Consent"]}
    rejects = world.home / "rejects.csv"
    documents = [validated(world, source, code=code, **options, **more) for more in ({}, {"rejects": rejects})]
    for document in documents:
        for key in ("run_id", "seconds", "rejects", "started", "settings"):
            del document[key]
    once, twice = (json.dumps(document).replace(str(rejects), "--rejects FILE") for document in documents)
    assert json.loads(once) == json.loads(twice)
    assert rejects.exists()
    assert documents[0]["rows_read"] == 2_000


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (b"phone,x,y\n2125550100,a,b\n2125550101,a\n", "ragged_row", "row 3: 2 cells where the header has 3"),
        (b"phone,x,y\n2125550100,a,b\n2125550101,\xe9,b\n", "not_utf8", "row 3, column “x”"),
        (b"x,phone\na,2125550100\n\xe9,212555010\xe9\n", "not_utf8", "row 3, column “phone”"),
        (b'phone,x\n2125550100,"a\n', "unclosed_quote", "row 2"),
    ],
)
def test_what_cannot_be_read_is_named_as_before(tmp_path: Path, content: bytes, code: str, words: str) -> None:
    """The error of the one pass says what that of the two says, where in the file, and what to type."""
    (path := tmp_path / "a.csv").write_bytes(content)
    errors = []
    for more in ({}, {"rejects": tmp_path / "rejects.csv"}):
        with pytest.raises(AudienceError) as caught:
            validate(path, offline=True, **more)
        errors.append((caught.value.code, caught.value.message, caught.value.hint))
    assert errors[0] == errors[1]
    assert errors[0][0] == code
    assert words in errors[0][1]


def test_a_file_that_changes_is_refused(tmp_path: Path) -> None:
    """Also when it changes in the only pass."""
    (path := tmp_path / "a.csv").write_text("phone,x\n2125550100,a\n", "utf-8")

    def meddle(event: Event) -> None:
        if isinstance(event, e.PhaseStarted):
            with path.open("a") as file:
                file.write("2125550101,b\n")

    with pytest.raises(LsmsError) as caught:
        validate_audience(path, load_settings({}, {}), ReadingOptions(), meddle, offline=True)
    assert caught.value.code == "audience_changed"
