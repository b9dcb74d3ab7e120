"""The journal: what is on disk, and the fold over its lines."""

from __future__ import annotations

import re
import resource
import signal
import stat
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from listrak_sms_cli.runs.record import (
    Accepted,
    Ended,
    Journal,
    JournalInUse,
    LineOfPart,
    PartStatus,
    Prepared,
    Refused,
    RunState,
    Seen,
    Sending,
    Split,
    Unreached,
    new_run_id,
)
from listrak_sms_cli.runs.record.journal import FILE_NAME, is_in_use, read_journal
from tests.support.examples import examples
from tests.support.records import STARTED, part, prepared

PREPARED = prepared(30, 20, 10, invalid_phone=3)
ENDED_WELL = {"ended": True, "failed": False}
FAILED = {"ended": True, "failed": True}


def folded(*lines: LineOfPart | Ended) -> RunState:
    state = RunState(STARTED, PREPARED)
    for line in lines:
        state.apply(line)
    return state


def sent(number: int) -> list[LineOfPart]:
    return [Sending(part=number), Accepted(part=number, import_file_id=f"id-{number}")]


def seen(number: int, word: str, **how: bool) -> Seen:
    return Seen(part=number, status=word, ended=how.get("ended", False), failed=how.get("failed", False))


EVERYTHING: list[LineOfPart | Ended] = [
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
    journal = Journal.create(tmp_path, STARTED, PREPARED)
    for line in EVERYTHING:
        journal.write(line)
    journal.close()
    assert (journal.lost, journal.kept) == (False, True)
    assert same(read_journal(tmp_path), journal.state)
    assert stat.S_IMODE((tmp_path / FILE_NAME).stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]


def test_each_line_is_on_disk_when_write_returns(tmp_path: Path) -> None:
    """Whoever reads the journal while it is written sees every line whose write has returned."""
    journal = Journal.create(tmp_path, STARTED, PREPARED)
    assert same(journal.state, read_journal(tmp_path))
    for line in EVERYTHING:
        assert same(journal.write(line), read_journal(tmp_path))
    journal.close()


@examples(40)
@given(st.data())
def test_a_journal_cut_off_anywhere_is_that_of_an_earlier_moment(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Cut off at any byte, the journal tells how the run stood after its last whole line, and going on with it loses
    nothing that is written from then on. One cut off before its second line is a damaged one."""
    folder = tmp_path_factory.mktemp("run")
    journal = Journal.create(folder, STARTED, PREPARED)
    for line in EVERYTHING:
        journal.write(line)
    journal.close()
    text = (folder / FILE_NAME).read_bytes()
    kept = text[: data.draw(st.integers(0, len(text)))]
    (folder / FILE_NAME).write_bytes(kept)
    lines = kept.count(b"\n")
    if lines < 2:
        with pytest.raises(ValueError, match="cut off"):
            read_journal(folder)
        return
    assert same(read_journal(folder), folded(*EVERYTHING[: lines - 2]))
    journal = Journal.reopen(folder)
    journal.write(Sending(part=3))
    journal.write(Accepted(part=3, import_file_id="id-3"))
    journal.close()
    assert same(read_journal(folder), journal.state)
    assert journal.state.parts[3].import_file_id == "id-3"


def test_one_process_writes_at_a_time(tmp_path: Path) -> None:
    """Who writes a journal has it alone, and others see that somebody is at work; to look takes nothing away."""
    journal = Journal.create(tmp_path, STARTED, PREPARED)
    assert is_in_use(tmp_path)
    with pytest.raises(JournalInUse):
        Journal.reopen(tmp_path)
    journal.close()
    assert not is_in_use(tmp_path)
    again = Journal.reopen(tmp_path)
    assert is_in_use(tmp_path)
    again.close()


BEGINNING = b"".join(msgspec.json.encode(line) + b"\n" for line in (STARTED, PREPARED))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"hello\n" * 2, "malformed"),
        (b'{"event":"started"}\n' * 2, "missing required field"),
        (b'{"event":"begun"}\n' * 2, "Invalid value 'begun'"),
        (BEGINNING + b'{"event":"sending","part":7,"at":""}\n', "no line before it has named"),
        (BEGINNING + BEGINNING, "second beginning"),
        (b"", "cut off"),
        (b"\n\n", "truncated"),
    ],
)
def test_a_journal_that_is_not_ours(tmp_path: Path, text: bytes, why: str) -> None:
    """A file that is no journal of a run is a ValueError, whatever it holds."""
    (tmp_path / FILE_NAME).write_bytes(text)
    with pytest.raises(ValueError, match=why):
        read_journal(tmp_path)


def test_a_journal_without_a_folder_keeps_the_fold() -> None:
    """Without a folder the fold is all there is."""
    journal = Journal.create(None, STARTED, PREPARED)
    for line in EVERYTHING:
        journal.write(line)
    assert same(journal.state, folded(*EVERYTHING))
    assert (journal.lost, journal.kept) == (False, False)


def test_a_full_disk_does_not_stop_the_run(tmp_path: Path) -> None:
    """A journal that cannot be written any more says that it is lost, and the fold goes on."""
    Journal.create(tmp_path, STARTED, PREPARED).close()
    content = (tmp_path / FILE_NAME).read_bytes()
    journal = Journal.reopen(tmp_path)
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(content) + 5, limit[1]))
    try:
        state = journal.write(Sending(part=1))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, before)
    assert (journal.lost, journal.kept) == (True, True)
    assert state.rows[PartStatus.SENDING] == 30


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    """A journal that cannot be opened or read is an OSError."""
    for attempt in (lambda: Journal.create(tmp_path / "gone", STARTED, PREPARED), lambda: Journal.reopen(tmp_path)):
        with pytest.raises(FileNotFoundError):
            attempt()
    with pytest.raises(FileNotFoundError):
        read_journal(tmp_path)


def test_an_answer_about_an_import_that_was_sent_again_says_nothing() -> None:
    """What Listrak says of an import counts for the import it was asked about, not for the one that took its place."""
    late = Seen(part=1, status="Failed", ended=True, failed=True, import_file_id="id-1")
    again = [Sending(part=1), Accepted(part=1, import_file_id="other")]
    assert folded(*sent(1), late).parts[1].failed
    assert not folded(*sent(1), *again, late).parts[1].ended
    assert folded(*sent(1), Seen(part=1, status="Done", ended=True, failed=False)).parts[1].ended


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
def test_who_may_have_arrived_twice(before: list[LineOfPart], repeated: bool) -> None:
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
def test_how_a_run_stands(lines: list[LineOfPart], summary: str, resumable: bool) -> None:
    """A few words say how a run stands, and only a run with something left to do can be resumed."""
    state = folded(*lines)
    assert (state.summary, state.can_be_resumed) == (summary, resumable)


def test_a_run_without_parts_has_nothing_to_resume() -> None:
    """A run that had nobody to send cannot be resumed."""
    assert not RunState(STARTED, Prepared(verdicts={}, parts=[])).can_be_resumed


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
def test_no_member_is_lost_by_the_fold(lines: list[LineOfPart]) -> None:
    """Whatever lines come, every member is in exactly one status, and the counts are those of the import files."""
    state = folded(*lines)
    assert sum(state.rows.values()) == 60
    for status in PartStatus:
        assert state.rows[status] == sum(p.line.rows for p in state.leaves if p.status is status)


def test_run_ids_sort_by_time_and_are_never_the_same() -> None:
    """A run id is the time to the microsecond, sortable as text, and random digits for runs of one moment."""
    ids = [new_run_id() for _ in range(500)]
    assert all(re.fullmatch(r"\d{8}-\d{6}-[0-9a-f]{8}", run_id) for run_id in ids)
    assert [run_id[:-3] for run_id in ids] == sorted(run_id[:-3] for run_id in ids)
    assert len(set(ids)) == 500
