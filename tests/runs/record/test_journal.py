"""The journal: what is on disk, and the fold over its lines."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from listrak_sms_cli.runs.record.journal import (
    FILE_NAME,
    Accepted,
    AnyLine,
    Ended,
    FieldOf,
    Journal,
    PartLine,
    PartStatus,
    Prepared,
    Recipe,
    Refused,
    RunState,
    Seen,
    Sending,
    Split,
    Started,
    Unreached,
    new_run_id,
    read_journal,
)
from listrak_sms_cli.runs.record.lines import Destination

RECIPE = Recipe(
    path="/data/audience.csv",
    read={"format": None, "delimiter": ";", "encoding": None, "sheet": None},
    identity=[(1234, "9f")],
    phone=0,
    header=["phone", "Tier"],
    columns=[FieldOf(1, "Tier", 7, "Loyalty Tier", "Text", 50)],
    rules={"region": "US", "date_format": None, "null_values": ["NULL"], "blank_bad_values": False},
)
STARTED = Started(
    run_id="20261124-031502-7f3a",
    version="0.1.0",
    audience="audience.csv",
    name="audience.csv",
    target=Destination("https://api.listrak.com/sms", "ab12", 1026),
    baseline=True,
    recipe=RECIPE,
)


def part(number: int, rows: int, origin: int | None = None, skip: int = 0) -> PartLine:
    return PartLine(number, f"lsms-{number:04d}.csv", rows, rows * 20, origin or number, skip)


PREPARED = Prepared(verdicts={"sendable": 60, "invalid_phone": 3}, parts=[part(1, 30), part(2, 20), part(3, 10)])
ENDED_WELL = {"ended": True, "failed": False}
FAILED = {"ended": True, "failed": True}


def folded(*lines: AnyLine) -> RunState:
    state = RunState()
    for line in (STARTED, PREPARED, *lines):
        state.apply(line)
    return state


def sent(number: int) -> list[AnyLine]:
    return [Sending(part=number), Accepted(part=number, import_file_id=f"id-{number}")]


def seen(number: int, word: str, **how: bool) -> Seen:
    return Seen(part=number, status=word, ended=how.get("ended", False), failed=how.get("failed", False))


EVERYTHING: list[AnyLine] = [
    STARTED,
    PREPARED,
    *sent(1),
    Sending(part=2),
    Split(part=2, into=[part(4, 12, 2), part(5, 8, 2, 12)]),
    Sending(part=4),
    Unreached(part=4, maybe_arrived=True),
    Sending(part=5),
    Refused(part=5, code="ERROR_FILE"),
    seen(1, "Processing"),
    Seen(part=1, status="Concluded", ended=True, failed=False, new_word=True),
    Ended(exit_code=5),
]


def same(one: RunState, other: RunState) -> bool:
    return (one.started, one.prepared, one.ended, one.parts, +one.rows) == (
        other.started,
        other.prepared,
        other.ended,
        other.parts,
        +other.rows,
    )


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    """The fold over the file is the fold the journal kept while it wrote; the file is for its owner's eyes only."""
    journal = Journal(tmp_path)
    for line in EVERYTHING:
        journal.write(line)
    journal.close()
    assert not journal.lost
    assert same(read_journal(tmp_path), journal.state)
    assert stat.S_IMODE((tmp_path / FILE_NAME).stat().st_mode) == 0o600


def test_each_line_is_on_disk_when_write_returns(tmp_path: Path) -> None:
    """Whoever reads the journal while it is written sees every line whose write has returned."""
    journal = Journal(tmp_path)
    for line in EVERYTHING:
        assert same(journal.write(line), read_journal(tmp_path))
    journal.close()


@settings(max_examples=40)
@given(st.data())
def test_a_journal_cut_off_anywhere_is_that_of_an_earlier_moment(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Cut off at any byte, the journal tells how the run stood after its last whole line, and going on with it loses
    nothing that is written from then on."""
    folder = tmp_path_factory.mktemp("run")
    journal = Journal(folder)
    for line in EVERYTHING:
        journal.write(line)
    journal.close()
    text = (folder / FILE_NAME).read_bytes()
    kept = text[: data.draw(st.integers(0, len(text)))]
    (folder / FILE_NAME).write_bytes(kept)
    whole = EVERYTHING[: kept.count(b"\n")]
    expected = RunState()
    for line in whole:
        expected.apply(line)
    assert same(read_journal(folder), expected)
    if len(whole) < 2:
        return
    journal = Journal(folder, read_journal(folder))
    journal.write(Sending(part=3))
    journal.write(Accepted(part=3, import_file_id="id-3"))
    journal.close()
    assert same(read_journal(folder), journal.state)
    assert journal.state.parts[3].import_file_id == "id-3"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"hello\n", "malformed"),
        (b'{"event":"started"}\n', "missing required field"),
        (b'{"event":"begun"}\n', "Invalid value 'begun'"),
        (b'{"event":"sending","part":7,"at":""}\n', "no line before it has named"),
    ],
)
def test_a_journal_that_is_not_ours(tmp_path: Path, text: bytes, why: str) -> None:
    """A file that is no journal of a run is a ValueError, whatever it holds."""
    (tmp_path / FILE_NAME).write_bytes(text)
    with pytest.raises(ValueError, match=why):
        read_journal(tmp_path)


def test_a_journal_without_a_folder_keeps_the_fold() -> None:
    """Without a folder the fold is all there is."""
    journal = Journal(None)
    for line in EVERYTHING:
        journal.write(line)
    assert same(journal.state, folded(*EVERYTHING[2:]))
    assert not journal.lost


def test_a_full_disk_does_not_stop_the_run(tmp_path: Path) -> None:
    """A journal that cannot be written any more says that it is lost, and the fold goes on."""
    (tmp_path / FILE_NAME).symlink_to("/dev/full")
    journal = Journal(tmp_path)
    journal.write(STARTED)
    state = journal.write(PREPARED)
    assert journal.lost
    assert state.rows[PartStatus.WAITING] == 60


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    """A journal that cannot be opened or read is an OSError."""
    with pytest.raises(FileNotFoundError):
        Journal(tmp_path / "gone")
    with pytest.raises(FileNotFoundError):
        read_journal(tmp_path)


def test_rows_are_counted_by_status() -> None:
    """The members of every import file are counted once, under the status it has now."""
    state = folded(*sent(1), Sending(part=2), Refused(part=2, code="X"), Sending(part=3))
    assert +state.rows == {PartStatus.ACCEPTED: 30, PartStatus.REFUSED: 20, PartStatus.SENDING: 10}
    assert [p.line.part for p in state.unsent] == [2, 3]
    assert state.parts[2].refusal == "X"


def test_pieces_stand_for_what_was_split() -> None:
    """A split import file is replaced by its pieces; a first file that may have arrived clouds both of them."""
    state = folded(
        Sending(part=1),
        Unreached(part=1, maybe_arrived=True),
        Sending(part=1),
        Split(part=1, into=[part(4, 15, 1), part(5, 15, 1, 15)]),
        *sent(4),
    )
    assert [p.line.part for p in state.leaves] == [2, 3, 4, 5]
    assert sum(p.line.rows for p in state.leaves) == 60
    assert state.parts[4].maybe_repeated
    assert state.parts[5].maybe_arrived
    assert +state.rows == {PartStatus.SPLIT: 30, PartStatus.WAITING: 45, PartStatus.ACCEPTED: 15}


@pytest.mark.parametrize(
    ("before", "repeated"),
    [
        ([], False),
        ([Sending(part=1)], True),
        ([Sending(part=1), Unreached(part=1, maybe_arrived=True)], True),
        ([Sending(part=1), Unreached(part=1, maybe_arrived=False)], False),
        ([Sending(part=1), Refused(part=1, code="X")], False),
        ([Sending(part=1), Sending(part=1), Unreached(part=1, maybe_arrived=False)], True),
        ([*sent(1), seen(1, "Failed", **FAILED)], False),
    ],
)
def test_who_may_have_arrived_twice(before: list[AnyLine], repeated: bool) -> None:
    """An import file may have arrived twice when an earlier request for it ended without an answer, also by a kill."""
    state = folded(*before, *sent(1))
    assert state.parts[1].maybe_repeated is repeated
    assert folded(Sending(part=1), Accepted(part=1, import_file_id="i", maybe_repeated=True)).parts[1].maybe_repeated


def test_a_failed_import_that_is_sent_again_begins_afresh() -> None:
    """Once an import file whose import ended badly is sent again, nothing is left of the first attempt, whatever
    becomes of the second one."""
    failed = [*sent(1), seen(1, "Failed", **FAILED)]
    assert folded(*failed).parts[1].failed
    for after in (Sending(part=1),), (Sending(part=1), Refused(part=1, code="X")), tuple(sent(1)):
        again = folded(*failed, *after).parts[1]
        assert (again.failed, again.ended, again.word) == (False, False, "")
    assert folded(*failed, Sending(part=1)).parts[1].shown == "sending"


@pytest.mark.parametrize(
    ("lines", "summary", "resumable"),
    [
        ([], "interrupted", True),
        ([*sent(1), *sent(2)], "interrupted", True),
        ([*sent(1), *sent(2), *sent(3)], "importing", True),
        (
            [*sent(1), *sent(2), Sending(part=3), Unreached(part=3, maybe_arrived=True), Ended(exit_code=5)],
            "pending",
            True,
        ),
        ([*sent(1), *sent(2), Sending(part=3), Refused(part=3, code="X"), Ended(exit_code=1)], "refused", True),
        ([line for n in (1, 2, 3) for line in (*sent(n), seen(n, "Done", **ENDED_WELL))], "ended well", False),
        (
            [line for n in (1, 2, 3) for line in (*sent(n), seen(n, "Failed", **FAILED))] + [Ended(exit_code=1)],
            "import failed",
            True,
        ),
    ],
)
def test_how_a_run_stands(lines: list[AnyLine], summary: str, resumable: bool) -> None:
    """A few words say how a run stands, and only a run with something left to do can be resumed."""
    state = folded(*lines)
    assert (state.summary, state.can_be_resumed) == (summary, resumable)


def test_a_run_without_parts_has_nothing_to_resume() -> None:
    """A run that was never prepared, or had nobody to send, cannot be resumed."""
    assert not RunState().apply(STARTED).can_be_resumed
    assert not RunState().apply(STARTED).apply(Prepared(verdicts={}, parts=[])).can_be_resumed


def test_open_imports_are_those_that_have_not_ended() -> None:
    """An accepted import is open until Listrak says that it has ended; its word is shown from its first one on."""
    state = folded(*sent(1), *sent(2), Sending(part=3), seen(1, "Processing"), seen(2, "Done", **ENDED_WELL))
    assert [p.line.part for p in state.open_imports] == [1]
    assert [p.shown for p in state.leaves] == ["Processing", "Done", "sending"]


STEPS = st.lists(
    st.sampled_from([1, 2, 3]).flatmap(
        lambda n: st.sampled_from(
            [
                Sending(part=n),
                Accepted(part=n, import_file_id="i"),
                Refused(part=n, code="X"),
                Unreached(part=n, maybe_arrived=True),
                seen(n, "Failed", **FAILED),
                seen(n, "Done", **ENDED_WELL),
            ]
        )
    ),
    max_size=30,
)


@given(STEPS)
def test_no_member_is_lost_by_the_fold(lines: list[AnyLine]) -> None:
    """Whatever lines come, every member is in exactly one status, and the counts are those of the import files."""
    state = folded(*lines)
    assert sum(state.rows.values()) == 60
    for status in PartStatus:
        assert state.rows[status] == sum(p.line.rows for p in state.leaves if p.status is status)


def test_run_ids_sort_by_time() -> None:
    """A run id is the time, sortable as text, and four digits that tell runs of one second apart."""
    assert re.fullmatch(r"\d{8}-\d{6}-[0-9a-f]{4}", new_run_id())
    assert len({new_run_id() for _ in range(8)}) > 1
