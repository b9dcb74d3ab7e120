"""The functions of Python: what is wrong with an argument is an error of ours, before anything happens."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import nbformat
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from nbclient import NotebookClient

from listrak_sms_cli import (
    AudienceError,
    CredentialsRefused,
    ListrakRefused,
    LsmsError,
    MembersDiffer,
    Report,
    UsageError,
    apply,
    plan,
    pull,
    push,
    resume,
    validate,
    verify,
)
from listrak_sms_cli.options import Option, keywords_of
from listrak_sms_cli.options.kinds import Choice, Duration, Flag, Mapped, Number, Setting, Whole
from listrak_sms_cli.runs import RunWarning, SandboxResult
from tests.support.examples import examples
from tests.support.world import SAMPLES, World

SMOKE = SAMPLES / "smoke.csv"
FRAME = pa.table({"phone": [f"21255501{n:02d}" for n in range(20)], "first_name": [f"N{n}" for n in range(20)]})
FUNCTIONS: dict[str, Callable[..., object]] = {
    "push": push,
    "validate": validate,
    "plan": plan,
    "apply": apply,
    "verify": verify,
    "resume": lambda audience, **options: resume(audience=audience, **options),
    "pull": lambda audience, **options: pull(**{"output": "never.csv", **options}, audience=audience),
}
KEYWORDS = [(command, option) for command in FUNCTIONS for option in keywords_of(command)]
# Of no kind of option.
ODD = st.one_of(
    st.binary(max_size=3),
    st.complex_numbers(),
    st.lists(st.integers(), min_size=1, max_size=2),
    st.dictionaries(st.text(max_size=2), st.lists(st.text(max_size=1)), min_size=1, max_size=2),
    st.sampled_from([object(), len, Path, ..., "\0", "\ud800", float("nan")]),
)


class Untouched:
    """An audience that must not be read."""

    def __arrow_c_stream__(self, schema: object = None) -> object:
        raise AssertionError("the audience was read")


def wrong_for(option: Option[Any]) -> st.SearchStrategy[object]:
    """Values that are not of the option's kind."""
    numbers = st.integers() | st.floats()
    match option.kind:
        case Flag():
            return ODD | numbers | st.text()
        case Whole(low=low, high=high) | Number(low=low, high=high):
            outside = [st.integers(max_value=int(low) - 1)] if low is not None else []
            outside += [st.integers(min_value=int(high) + 1)] if high is not None else []
            return st.one_of(ODD, st.booleans(), st.text(), *outside)
        case Choice(words=words):
            return ODD | numbers | st.booleans() | st.text().filter(lambda text: text not in words)
        case Duration():
            return ODD | st.booleans() | st.floats(max_value=-0.1) | st.text(min_size=1).map(lambda text: f"{text}!")
        case Mapped():
            return ODD | numbers | st.booleans() | st.text() | st.just({"a": None})
        case Setting():
            return ODD | st.booleans() | st.floats()
        case _:
            return ODD | numbers | st.booleans()


@pytest.mark.parametrize(("command", "option"), KEYWORDS, ids=lambda part: getattr(part, "name", part))
@given(data=st.data())
@examples(12, suppress=HealthCheck)
def test_a_wrong_value_is_refused_by_its_keyword(
    command: str, option: Option[Any], data: st.DataObject, tmp_path: Path
) -> None:
    """A value of the wrong kind is a UsageError that names the keyword; nothing is read, asked or written down."""
    value = data.draw(wrong_for(option))
    arguments = {"state_dir": tmp_path / "state", option.name: value}
    with pytest.raises(UsageError) as caught:
        FUNCTIONS[command](Untouched(), **arguments)
    assert caught.value.message.startswith(f"{option.name} is not ")
    assert list(tmp_path.iterdir()) == []


VALUES = st.one_of(
    ODD,
    st.none(),
    st.booleans(),
    st.integers(-2, 200),
    st.floats(),
    st.text(max_size=4),
    st.sampled_from(["latin-1", "csv", "tsv", "xlsx", ";", "tab", "US", "GB", "%d/%m/%Y", "phone", "1h", "first"]),
    st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=2),
    st.lists(st.text(max_size=3), max_size=2),
)
OWN_PLACES = ("config", "state_dir", "rejects", "report", "undo", "metrics_file")  # files that a test must not write


@given(chosen=st.dictionaries(st.sampled_from([o.name for o in keywords_of("validate")]), VALUES, max_size=4))
@examples(300, suppress=HealthCheck)
def test_whatever_is_given_to_validate(chosen: Mapping[str, Any], tmp_path: Path) -> None:
    """Any values of any keywords end with a report or with an error of the family."""
    chosen = {name: value for name, value in chosen.items() if name not in OWN_PLACES}
    try:
        report = validate(SMOKE, **{**chosen, "offline": True, "state_dir": tmp_path})
    except LsmsError:
        return
    assert isinstance(report, Report)


@given(chosen=st.dictionaries(st.sampled_from([o.name for o in keywords_of("push")]), VALUES, max_size=4))
@examples(100, suppress=HealthCheck)
def test_whatever_is_given_to_push(chosen: Mapping[str, Any], world: World) -> None:
    """The same of a dry run against a Listrak that answers; no import is started."""
    chosen = {name: value for name, value in chosen.items() if name not in (*OWN_PLACES, "api_url", "token_url")}
    own = {"api_url": world.sandbox.api_url, "token_url": world.sandbox.token_url, "dry_run": True}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in world.env.items():
            patch.setenv(name, value)
        try:
            report = push(SMOKE, **{**chosen, **own})
        except LsmsError:
            return
    assert isinstance(report, Report)
    assert world.admin("imports") == []


@pytest.mark.parametrize("audience", [5, None, b"x", [], {}, object(), "no\0file", "\ud800", SMOKE / "x", ["a", "b"]])
@pytest.mark.parametrize("command", ["push", "validate", "plan", "apply", "verify"])
def test_what_is_no_audience(command: str, audience: object, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Anything that is no path, URL or frame is an error of ours."""
    for name, value in world.env.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(LsmsError):
        FUNCTIONS[command](audience)


@pytest.mark.parametrize("audience", [5, b"a.csv", [{"phone": "2125550100"}], {"phone": ["2125550100"]}])
def test_what_is_no_audience_is_a_wrong_argument(audience: object) -> None:
    """It is a UsageError of a type of its own, which is an AudienceError as well, and names the argument."""
    with pytest.raises(UsageError, match="audience is of the type") as caught:
        validate(audience, offline=True)
    assert isinstance(caught.value, AudienceError)
    assert (caught.value.code, caught.value.exit_code) == ("not_an_audience", 2)


WRONG_CALLS: list[tuple[str, Callable[[], object]]] = [
    ("audience is missing. Give it: push(audience, …).", lambda: push()),  # type: ignore[call-arg]
    ("audience is missing", lambda: push(sender_code=1026)),  # type: ignore[call-arg]
    ("audience is missing", lambda: verify(None)),
    ("plan is missing", lambda: apply(audience=FRAME)),  # type: ignore[call-arg]
    ("output is missing", lambda: pull(audience=FRAME)),  # type: ignore[call-arg]
    ("push takes audience without a name, and was given 2", lambda: push(FRAME, 1026)),  # type: ignore[misc]
    ("resume takes run without a name, and was given 2", lambda: resume("20", FRAME)),  # type: ignore[misc]
    ("audience is given twice", lambda: push(FRAME, audience=FRAME)),  # type: ignore[misc]
    ("There is no option job", lambda: push(FRAME, job="nightly")),  # type: ignore[call-arg]
    ("sender_code is not a positive whole number", lambda: push(FRAME, sender_code="abc")),
    ("sender_code is not a positive whole number", lambda: push(FRAME, sender_code=0)),
    ("client_id is not a text or a number", lambda: push(FRAME, client_id=5.5, client_secret="x")),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(("words", "call"), WRONG_CALLS)
def test_a_wrong_call_is_a_wrong_argument(words: str, call: Callable[[], object]) -> None:
    """An argument that is missing, too many, given twice or of the wrong kind is named; none is a TypeError."""
    with pytest.raises(UsageError, match=re.escape(words)):
        call()


def test_a_listener_is_a_function() -> None:
    """`on_event` is called with events: what cannot be called is refused."""
    with pytest.raises(UsageError, match="on_event"):
        validate(SMOKE, offline=True, on_event=5)


def test_an_error_speaks_of_keywords(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message, the hint and the report of an error name what Python gave, not what would be typed."""
    for name, value in world.env.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(LsmsError) as caught:
        push(world.audience("phone,first_name\n12,A\n"), max_drop_rate=5)
    error = caught.value
    assert "max_drop_rate 5 allows" in error.message
    assert "rejects FILE" in error.hint
    assert "--" not in str(error)
    assert (error.report.error.message, error.report.error.hint) == (error.message, error.hint)


def test_options_that_contradict_each_other() -> None:
    """`verify` without waiting is refused in words of Python."""
    with pytest.raises(UsageError, match="verify needs the imports to have ended: leave wait=False out"):
        push(Untouched(), verify=True, wait=False)


@pytest.fixture
def account(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A world that this process leads to."""
    for name, value in world.env.items():
        monkeypatch.setenv(name, value)
    return world


def test_in_a_running_event_loop(account: World) -> None:
    """A notebook's cell and a coroutine run in an event loop: `push` works there, and in a thread of it."""

    async def cell() -> list[int]:
        here = push(FRAME)
        beside = await asyncio.to_thread(push, FRAME, sender_code=1027)
        return [here.rows_sent, beside.rows_sent]

    codes = [{"id": 1027, "code": "1027", "country": "US"}]
    account.admin("sender-codes", codes)
    assert asyncio.run(cell()) == [20, 20]


@pytest.mark.usefixtures("account")
def test_two_threads_to_one_sender_code() -> None:
    """While one thread pushes, another push to its sender code is refused; the first is not harmed."""
    begun, refused = threading.Event(), threading.Event()
    outcome: list[object] = []

    def batches() -> Iterator[pa.RecordBatch]:
        yield from FRAME.to_batches()

    def waits(event: object) -> None:
        if type(event).__name__ == "SendablePrepared":  # the lock is held from before
            begun.set()
            assert refused.wait(20)

    first = threading.Thread(target=lambda: outcome.append(push(batches(), on_event=waits).rows_sent))
    first.start()
    assert begun.wait(20)
    with pytest.raises(UsageError) as caught:
        push(FRAME)
    refused.set()
    first.join()
    assert caught.value.code == "locked"
    assert "sender code 1026" in caught.value.message
    assert outcome == [20]


def test_threads_to_several_sender_codes(account: World) -> None:
    """Threads that push to sender codes of their own do not meet."""
    codes = range(2001, 2004)
    account.admin("sender-codes", [{"id": code, "code": str(code), "country": "US"} for code in codes])
    sent: dict[int, int] = {}

    def work(code: int) -> None:
        sent[code] = push(FRAME, sender_code=code).rows_sent

    threads = [threading.Thread(target=work, args=(code,)) for code in codes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sent == dict.fromkeys(codes, 20)


@pytest.mark.usefixtures("account")
def test_verify_compares_a_frame_with_what_is_stored(tmp_path: Path) -> None:
    """A frame that was pushed matches; one that differs is MembersDiffer, with the report, unless enough match."""
    push(FRAME)
    counts = verify(FRAME).verify
    assert counts is not None and (counts.checked, counts.matching) == (20, 20)
    other = FRAME.set_column(1, "first_name", pa.array(["Else", *FRAME["first_name"].to_pylist()[1:]]))
    with pytest.raises(MembersDiffer) as caught:
        verify(other, report=tmp_path / "page.html", out=tmp_path / "differences.csv")
    assert "19 of 20 members match" in (tmp_path / "page.html").read_text()
    assert "Else" in (tmp_path / "differences.csv").read_text()
    report = caught.value.report
    assert (report.verify.different, report.exit_code, report.error.code) == (1, 1, "members_differ")
    assert "19 of 20 members match" in report._repr_html_() and "pending" not in report._repr_html_()
    enough = verify(other, min_match=95)
    assert enough.verify is not None and (enough.verify.different, enough.exit_code) == (1, 0)


@pytest.mark.usefixtures("account")
def test_pull_writes_a_file_and_returns_its_counts(tmp_path: Path) -> None:
    """The contacts, or those of a frame, are in a file that only its owner may read; one that is there stays."""
    file = tmp_path / "before.csv"
    some = pull(file, audience=FRAME)
    assert (some.contacts, some.not_found, file.stat().st_mode & 0o777) == (20, 0, 0o600)
    assert len(file.read_text().splitlines()) == 21
    with pytest.raises(UsageError, match="replace it with force"):
        pull(file)
    assert pull(file, force=True).contacts > 200
    assert list(some.to_pandas()["contacts"]) == [20] and "<table" in some._repr_html_()
    with pytest.raises(UsageError, match="output is missing"):
        pull(None)  # type: ignore[arg-type]


def test_resume_goes_on_with_a_frame(account: World) -> None:
    """A run of a frame goes on when the frame is given again, and not with another one."""
    account.admin("faults", [{"route": "start_import", "fault": "status", "status": 400, "skip": 1, "count": 1}])
    with pytest.raises(ListrakRefused) as caught:
        push(FRAME, batch_rows=5, concurrency=1)
    run = caught.value.report.run_id
    for audience, code in ((None, "audience_gone"), (FRAME.slice(1), "audience_changed")):
        with pytest.raises(LsmsError) as refused:
            resume(run, audience=audience)
        assert refused.value.code == code
    report = resume(audience=FRAME, wait_timeout="1m")
    assert (report.run_id, report.rows_sent, report.rows_pending) == (run, 20, 0)


def test_credentials_as_keywords(world: World, tmp_path: Path) -> None:
    """Client id and secret may be keywords; the secret is in no record, report or error."""
    sandbox = world.sandbox
    secret = sandbox.config.client_secret
    options: dict[str, Any] = {"client_id": sandbox.config.client_id, "sender_code": 1026, "state_dir": tmp_path}
    options |= {"api_url": sandbox.api_url, "token_url": sandbox.token_url}
    report = push(FRAME, client_secret=f" {secret}\n", **options)
    assert report.rows_sent == 20
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert secret not in repr(report) and secret.encode() not in written
    with pytest.raises(CredentialsRefused) as caught:
        verify(FRAME, client_secret="Qzk7xWrong", **options)
    assert "Qzk7x" not in f"{caught.value!r} {caught.value.hint}"


def test_warnings_and_notes_speak_of_keywords() -> None:
    """Of a report, and of the events of its run."""
    report = validate(SAMPLES / "messy.csv", offline=True)
    texts = " ".join(warning.message for warning in report.warnings)
    assert "--" not in texts
    assert 'empty_cells="keep" sends none' in texts and "consent_column SMS_Consent" in texts


def test_a_rehearsal_from_python(tmp_path: Path) -> None:
    """`sandbox=True` needs no account and takes frames; the report has what the sandbox did."""
    import pandas as pd

    phones = [f"21255501{place:02d}" for place in range(20)]
    frame = pd.DataFrame({"phone": phones, "first_name": "Ann", "Tier": "Gold"})
    report = push(frame, sandbox=True, state_dir=tmp_path)
    assert (report.rows_sent, report.sandbox) == (20, SandboxResult(18, 2))
    with pytest.raises(UsageError, match="fields are about the sandbox: add sandbox"):
        push(frame, fields="x.csv", state_dir=tmp_path)


def test_a_report_as_frames() -> None:
    """One row of figures, or a table of each part; a part that there is not is refused with the nearest."""
    report = validate(SAMPLES / "messy.csv", offline=True)
    (figures,) = report.to_pandas().to_dict("records")
    assert (figures["rows_read"], figures["rows_sendable"], figures["dropped_invalid_phone"]) == (58, 46, 7)
    dropped = report.to_pandas("dropped").set_index("reason")["members"]
    assert dropped.sum() == report.rows_dropped == 12
    assert list(report.to_pandas("warnings")["code"]) == [warning.code for warning in report.warnings]
    assert (len(report.to_pandas("profile")), len(report.to_pandas("imports"))) == (12, 0)
    with pytest.raises(UsageError, match="Did you mean warnings"):
        report.to_pandas("warning")


def test_a_report_in_a_notebook_is_a_short_page() -> None:
    """The verdict, counts that are not 0, and warnings, all escaped."""
    report = validate(SAMPLES / "messy.csv", offline=True)
    hostile = RunWarning("w", "<script>alert(1)</script>")
    html = report.with_(warnings=(*report.warnings, hostile))._repr_html_() or ""
    assert html.startswith("<p><b>46 of 58 members would be sent; nothing was.</b> 12 dropped: 7 invalid phones")
    assert "&lt;script&gt;" in html and "<script" not in html
    assert "empty_cells" not in html and "many_dropped" in html


CELLS = """
import pandas as pd
from listrak_sms_cli import push
frame = pd.DataFrame({"phone": [f"21255501{n:02d}" for n in range(20)], "email": "ann.secret@example.com"})
---
push(frame, sandbox=True)
"""


class WatchedNotebook(NotebookClient):
    """Keeps what each message of the kernel shows."""

    def process_message(self, msg: dict[str, Any], *arguments: Any) -> Any:
        self.pages = [*getattr(self, "pages", []), msg["content"].get("data", {}).get("text/html", "")]
        return super().process_message(msg, *arguments)


def test_a_notebook_shows_a_bar_and_the_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run by nbclient in a real kernel, the bar moves in the output of the cell and is gone when the report is shown;
    the notebook that is kept holds no error and no member data."""
    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "1")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("LSMS_STATE_DIR", str(tmp_path / "state"))
    cells = [nbformat.v4.new_code_cell(source) for source in CELLS.split("---")]
    notebook = nbformat.v4.new_notebook(cells=cells)
    client = WatchedNotebook(notebook, timeout=60, kernel_name="python3")
    client.execute()
    bars = [page for page in client.pages if "<progress" in page]
    assert "Getting ready" in client.pages and bars
    bar, report = (output["data"]["text/html"] for output in cells[1]["outputs"])
    assert bar == "" and report.startswith("<p><b>All 20 sent.")
    shown = str([cell["outputs"] for cell in cells])
    assert "ann.secret" not in shown and "21255501" not in shown
