"""`lsms verify`: the contacts read back and compared with the audience, member by member."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from msgspec import Struct, field, to_builtins

from listrak_sms_cli.runs.account import connect, read_account
from listrak_sms_cli.runs.events import Event, Listener, RunStarted, silent
from listrak_sms_cli.runs.options import PushOptions, ReadingOptions
from listrak_sms_cli.runs.outcome import Outcome
from listrak_sms_cli.runs.prepare import Preparation
from listrak_sms_cli.runs.readback import Contacts, Difference, DifferenceList, SentValues, Verifier, members_differ
from listrak_sms_cli.runs.report import ReportError, Verification
from listrak_sms_cli.runs.send import steered
from listrak_sms_cli.runs.sources import name_of
from listrak_sms_cli.settings import Settings


class VerifyOptions(Struct, frozen=True):
    """`sample`: so many members, picked at random, None = all; `min_match`: percent of the checked members that must
    match; `out`: the file of all differences."""

    reading: ReadingOptions = field(default_factory=ReadingOptions)
    sample: int | None = None
    min_match: float = 100.0
    out: Path | None = None


class Verified(Struct, frozen=True):
    """What `verify` found. `shown`: the first differences, with whole phones."""

    audience: str
    sender_code: int
    rows_read: int
    rows_dropped: int
    result: Verification
    shown: tuple[Difference, ...]
    seconds: float
    error: ReportError | None
    exit_code: int

    def as_json(self, phones: Any) -> dict[str, Any]:
        """The document of `--json`; `phones` writes the phones of the listing."""
        document = to_builtins(self)
        counts, shown = document.pop("result"), document.pop("shown")
        differences = [{**difference, "phone": phones(difference["phone"])} for difference in shown]
        return {**document, **counts, "differences": differences, "seconds": round(self.seconds, 3)}


def verify_audience(source: object, settings: Settings, options: VerifyOptions, tell: Listener = silent) -> Verified:
    """Read and clean the audience as `push` would, and compare the members that would be sent with what Listrak has.
    Members that differ are no exception: they are in `error` and `exit_code`. Raises LsmsError for all else."""
    began, stop = time.monotonic(), threading.Event()
    sender_code = settings.require_sender_code()

    def prepared(event: Event) -> None:
        if not isinstance(event, RunStarted):  # nothing is sent: this is no run
            tell(event)

    outcome = Outcome("", name_of(source), silent)  # its warnings are about what is sent
    # One by one: all system fields can be compared, and how members would be put into import files does not matter.
    pushed = PushOptions(reading=options.reading, per_contact=True, yes=True)
    preparation = Preparation(source, pushed, outcome, prepared)
    with ExitStack() as closing:
        client = closing.enter_context(connect(settings, tell, stop=stop))
        audience = closing.enter_context(preparation.open())
        account = read_account(client, sender_code)
        job = preparation.plan(audience, account)
        sent = SentValues(job.plan.columns)
        closing.callback(sent.close)
        differences = DifferenceList(options.out, audience, job.plan.header[job.plan.phone])
        closing.callback(differences.close)
        members = preparation.read(job)
        preparation.check(job, members, keep=sent.keeper(members.numbers))
        preparation.guard(job)
        contacts = Contacts(client, sender_code, account.country or job.rules.region)
        verifier = Verifier(contacts, job.rules, tell)
        result = steered(lambda: verifier.verify(sent, None, options.sample, differences), stop, client)
        differences.publish()
    problem = members_differ(result, job.rules, options.min_match)
    return Verified(
        audience=audience.name,
        sender_code=sender_code,
        rows_read=outcome.verdicts.total(),
        rows_dropped=sum(count for verdict, count in outcome.verdicts.items() if verdict.drops),
        result=result,
        shown=tuple(differences.shown),
        seconds=time.monotonic() - began,
        error=ReportError(problem.code, problem.message, problem.hint) if problem else None,
        exit_code=problem.exit_code if problem else 0,
    )
