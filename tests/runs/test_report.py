"""The Report of a run: its counts add up at every moment, and the worst problem sets the exit code."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listrak_sms_cli.audience import ColumnPlan, FieldKind, PlannedColumn, ProfileField, Verdict
from listrak_sms_cli.errors import (
    CredentialsRefused,
    GuardStopped,
    ImportEndedBadly,
    ImportsNotEnded,
    Interrupted,
    ListrakRefused,
    ListrakUnavailable,
    LsmsError,
    NothingSent,
)
from listrak_sms_cli.runs.events import Event, Warned, silent
from listrak_sms_cli.runs.findings import Findings
from listrak_sms_cli.runs.record import Accepted, LineOfPart, Refused, RunState, Seen, Sending, Unreached
from listrak_sms_cli.runs.report import DROP_REASONS, RunWarning
from listrak_sms_cli.runs.run import import_problems, worst
from tests.support.records import STARTED, prepared

BY_PRECEDENCE = [Interrupted, CredentialsRefused, ListrakUnavailable, ListrakRefused, ImportsNotEnded]


def findings_of(verdicts: dict[Verdict, int], parts: list[int], lines: list[LineOfPart]) -> Findings:
    findings = Findings(STARTED.run_id, "audience.csv", silent)
    findings.verdicts = Counter(verdicts)
    findings.state = state_of(parts, lines)
    return findings


def state_of(parts: list[int], lines: list[LineOfPart]) -> RunState:
    state = RunState(STARTED, prepared(*parts))
    for line in lines:
        state.apply(line)
    return state


def accepted(part: int) -> list[LineOfPart]:
    return [Sending(part=part), Accepted(part=part, import_file_id=f"id-{part}")]


def seen(part: int, word: str, *, ended: bool, failed: bool) -> Seen:
    return Seen(part=part, status=word, ended=ended, failed=failed)


def step(part: int) -> st.SearchStrategy[list[LineOfPart]]:
    return st.sampled_from(
        [
            [Sending(part=part)],
            accepted(part),
            [Sending(part=part), Refused(part=part, code="X")],
            [Sending(part=part), Unreached(part=part, maybe_arrived=True)],
            [*accepted(part), seen(part, "Failed", ended=True, failed=True)],
            [*accepted(part), seen(part, "Done", ended=True, failed=False)],
        ]
    )


@given(
    st.dictionaries(st.sampled_from([v for v in Verdict if v is not Verdict.SENDABLE]), st.integers(0, 50)),
    st.lists(st.integers(2, 30), min_size=1, max_size=4),
    st.data(),
)
def test_the_counts_always_add_up(verdicts: dict[Verdict, int], parts: list[int], data: st.DataObject) -> None:
    """At every moment of a run, also of one that is resumed, every member is counted exactly once."""
    steps = data.draw(st.lists(st.integers(1, len(parts)).flatmap(step), max_size=8))
    lines = [line for lines in steps for line in lines]
    verdicts = {**verdicts, Verdict.SENDABLE: sum(parts)}
    for upto in range(len(lines) + 1):
        report = findings_of(verdicts, parts, lines[:upto]).report()
        assert report.rows_read == sum(verdicts.values())
        assert report.rows_read == (
            report.rows_sendable + report.rows_dropped + report.rows_unchanged + report.rows_beyond_limit
        )
        assert report.rows_sendable == report.rows_sent + report.rows_refused + report.rows_pending
        assert min(report.rows_sent, report.rows_refused, report.rows_pending) >= 0
        assert 0 <= report.rows_import_failed <= report.rows_sent
        assert sum(report.dropped.values()) == report.rows_dropped
        assert sum(line.rows for line in report.imports) == report.rows_sendable


def test_every_drop_reason_is_listed() -> None:
    """The drop reasons of a report are those of the interface, in its order, also those nobody was dropped for."""
    dropped = findings_of({Verdict.BAD_VALUE: 2}, [], []).report().dropped
    assert tuple(dropped) == DROP_REASONS
    assert dropped["bad_value"] == 2
    assert dropped["missing_phone"] == 0


def test_before_anything_is_known() -> None:
    """A run that ends before it has read anything has a report of nothing."""
    findings = Findings("id", "audience.csv", silent)
    report = findings.report(NothingSent("No."))
    assert (report.rows_read, report.imports, report.columns, report.sender_code) == (0, (), (), None)
    assert report.error is not None
    assert (report.exit_code, report.error.code, report.error.message) == (2, "nothing_to_send", "No.")


@given(st.permutations(BY_PRECEDENCE), st.integers(1, 5))
def test_the_worst_problem_decides(order: list[type[LsmsError]], many: int) -> None:
    """Of several problems the one that decides is 130, else 4, else 5, else 1, else 6, whatever came first."""
    problems = [kind("…") for kind in order[:many]]
    decides = worst(problems)
    assert decides is not None
    assert type(decides) is min(order[:many], key=BY_PRECEDENCE.index)


def test_of_equal_problems_the_first_decides() -> None:
    """Of two problems with one exit code the first is reported; of none, none."""
    first = ListrakRefused("first")
    assert worst([first, ImportEndedBadly("second")]) is first
    assert worst([]) is None


def test_imports_that_ended_badly_are_a_problem() -> None:
    """Imports that ended badly are named with their members; those still open only if somebody waited for them."""
    lines = [*accepted(1), *accepted(2), *accepted(3), seen(2, "Failed", ended=True, failed=True)]
    state = state_of([1000, 2000, 500], lines)
    (failed,) = import_problems(state, waited=False)
    assert failed.exit_code == 1
    assert "1 of 3 imports" in failed.message
    assert "import file 2" in failed.message
    assert "2,000 members" in failed.message
    assert [problem.exit_code for problem in import_problems(state, waited=True)] == [1, 6]
    findings = findings_of({Verdict.SENDABLE: 3500}, [1000, 2000, 500], lines)
    assert findings.report(failed).rows_import_failed == 2000
    assert [line.status for line in findings.report().imports] == ["accepted", "Failed", "accepted"]


def test_imports_that_ended_well_are_no_problem() -> None:
    """A run whose imports all ended well has no problems."""
    lines = [*accepted(1), seen(1, "Done", ended=True, failed=False)]
    assert import_problems(state_of([9], lines), waited=True) == []


def test_an_error_carries_the_report() -> None:
    """Whatever error a run ends with carries the report of what is known by then."""
    findings = findings_of({Verdict.SENDABLE: 5, Verdict.INVALID_PHONE: 1}, [5], accepted(1))

    def stopped() -> None:
        raise GuardStopped("Too many.", hint="Look.", code="max_drop_rate")

    with pytest.raises(GuardStopped) as caught:
        findings.reported(stopped)
    report = caught.value.report
    assert (report.exit_code, report.error.code, report.error.hint) == (3, "max_drop_rate", "Look.")
    assert (report.rows_read, report.rows_sent) == (6, 5)


def test_ctrl_c_is_an_interruption() -> None:
    """Ctrl-C while an audience is prepared is exit 130, with the report."""

    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(Interrupted) as caught:
        findings_of({}, [], []).reported(interrupted)
    assert caught.value.report.exit_code == 130


def test_work_that_ends_well() -> None:
    """Work that raises nothing is a report with exit code 0 and no error."""
    report = findings_of({Verdict.SENDABLE: 5}, [5], accepted(1)).reported(lambda: None)
    assert (report.exit_code, report.error, report.rows_sent) == (0, None, 5)


def test_warnings_are_told_and_kept() -> None:
    """A warning goes to the listener at once and into the report, unless its code is silenced."""
    told: list[Event] = []
    findings = Findings("id", "audience.csv", told.append, frozenset({"empty_cells"}))
    findings.warn(RunWarning("offline", "No account."))
    findings.warn(RunWarning("empty_cells", "Some."))
    assert told == [Warned("offline", "No account.")]
    assert findings.report().warnings == (RunWarning("offline", "No account.", new=False),)


def test_columns_of_the_report() -> None:
    """The report lists each column that is sent with its field and its id, and the columns left out."""
    findings = findings_of({}, [], [])
    tier = ProfileField(7, "Loyalty Tier", FieldKind.TEXT, 50)
    findings.plan = ColumnPlan(0, (PlannedColumn(1, "tier", tier),), None, ("notes",), ("phone", "tier", "notes"))
    document = findings.report().as_json()
    sent = {"column": "tier", "field": "Loyalty Tier", "field_id": 7}
    sent |= {"guessed": False, "type": "Text", "unfit": 0, "too_long": 0}
    assert json.loads(json.dumps(document))["columns"] == [sent]
    assert document["skipped_columns"] == ("notes",)
