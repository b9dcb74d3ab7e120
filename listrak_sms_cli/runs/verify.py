"""`lsms verify` and `push --verify`: the contacts read back and compared with the audience, member by member."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from msgspec import Struct, field
from msgspec.structs import asdict

from listrak_sms_cli.audience import Cleaned, CleaningRules, find_phone, plan_columns, rewrite_names
from listrak_sms_cli.audience.phones import write_phones
from listrak_sms_cli.audience.source import open_audience
from listrak_sms_cli.errors import AccountError, ListrakUnavailable, LsmsError, MembersDiffer, NothingSent
from listrak_sms_cli.listrak import Contact
from listrak_sms_cli.runs.account import read_account, region_of, with_system_fields
from listrak_sms_cli.runs.context import connected
from listrak_sms_cli.runs.events import (
    Listener,
    Phase,
    PhaseAdvanced,
    PhaseEnded,
    PhaseStarted,
    silent,
)
from listrak_sms_cli.runs.findings import Findings
from listrak_sms_cli.runs.options import ReadingOptions
from listrak_sms_cli.runs.pack import check_columns
from listrak_sms_cli.runs.prepare import (
    ASK_EACH,
    CONFIRM_ALL,
    SAMPLE,
    Job,
    Members,
    check_members,
    nothing_sendable,
    read_members,
)
from listrak_sms_cli.runs.readback import Comparison, Contacts, Difference, Differences, KeptMembers
from listrak_sms_cli.runs.report import ReportError, Verification
from listrak_sms_cli.runs.send import interruptible
from listrak_sms_cli.settings import Settings

_ALL_SENT = "Everything was sent, and the imports have ended. Read it back later: lsms verify AUDIENCE"
_AT_ONCE = 200  # contacts asked for one by one, and then compared together


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
        listed = [{**asdict(one), "phone": phones(one.phone)} for one in self.shown]
        head = {"audience": self.audience, "sender_code": self.sender_code}
        counts = {"rows_read": self.rows_read, "rows_dropped": self.rows_dropped, **asdict(self.result)}
        tail = {"seconds": round(self.seconds, 3), "exit_code": self.exit_code}
        return {**head, **counts, "differences": listed, **tail, "error": asdict(self.error) if self.error else None}


def verify_audience(source: object, settings: Settings, options: VerifyOptions, tell: Listener = silent) -> Verified:
    """Reads and cleans the audience as `push` would, and compares the members that would travel. Members that differ
    are no exception: they are in `error` and `exit_code`. Raises LsmsError for all else."""
    began = time.monotonic()

    sender_code = settings.require_sender_code()
    with ExitStack() as closing:
        context = closing.enter_context(connected(settings, tell))
        client = context.client
        audience = closing.enter_context(open_audience(source, options.reading.read))
        phone = find_phone(rewrite_names(audience.columns), options.reading.columns.phone_column)
        account = read_account(client, sender_code)
        plan = plan_columns(audience.columns, with_system_fields(account.fields), options.reading.columns)
        if not plan.columns:
            raise NothingSent(f"The audience {audience.name} has no column but the phone.", code="no_columns")
        rules = options.reading.rules(region_of(options.reading.region, account.country))
        if rules.keep_empty:
            check_columns(plan)
        kept = KeptMembers(plan.columns)
        closing.callback(kept.close)
        listing = Differences(options.out, audience)
        closing.callback(listing.close)
        job = Job(audience, plan, rules, options.reading)
        members = read_members(job, tell)
        prepared = check_members(job, members, None, tell, keep=kept.add)
        nothing_sendable(prepared.counts, audience.name, options.reading.allow_empty)
        contacts = Contacts(client, sender_code, account.country or rules.region)
        check = _Check(contacts, kept, members.numbers[kept.rows], rules, listing, tell)
        interruptible(lambda: check.run(options.sample, plan.header[phone]), context)
        listing.publish()
        result = check.result()
    problem = problem_of(result, rules, options.min_match)
    return Verified(
        audience.name,
        sender_code,
        prepared.read,
        sum(prepared.dropped.values()),
        result,
        tuple(listing.shown),
        time.monotonic() - began,
        ReportError(problem.code, problem.message, problem.hint) if problem else None,
        problem.exit_code if problem else 0,
    )


class AfterPush:
    """`push --verify`: keeps the members that are sent, and compares them, all or `sample` of them, once the imports
    have ended; contact by contact, those Listrak said yes to. A context manager: leaving it drops what was kept."""

    def __init__(self, job: Job, sample: int | None, tell: Listener) -> None:
        self._job = job
        self._sample = sample
        self._tell = tell
        self._kept = KeptMembers(job.plan.columns)
        self._numbers = np.empty(0, np.int64)

    def keeper(self, members: Members) -> Callable[[int, Cleaned], None]:
        """What `check_members` is to tell of the members that travel."""
        self._numbers = members.numbers
        return self._kept.add

    def check(self, contacts: Contacts, findings: Findings) -> None:
        """Raises MembersDiffer, when what was found is in the findings. Whatever keeps it from being found: everything
        was sent, and that is said."""
        listing = Differences(None, self._job.audience)
        check = _Check(contacts, self._kept, self._numbers[self._kept.rows], self._job.rules, listing, self._tell)
        letters = "".join(part.outcomes for part in (findings.state.leaves if findings.state else ())).encode("ascii")
        updated = np.flatnonzero(np.frombuffer(letters, np.uint8) == ord("u")) if letters else None
        try:
            check.run(self._sample, "phone", updated)
        except LsmsError as error:
            again = error.code == ListrakUnavailable.default_code  # its hint is about typing this command again
            error.hint = f"{'' if again else error.hint} {_ALL_SENT}".lstrip()
            if error.exit_code == MembersDiffer.exit_code or error.exit_code > 2:
                raise
            raise MembersDiffer(error.message, hint=error.hint, code=error.code) from None  # 2 would be: nothing sent
        findings.verify = check.result()
        if problem := problem_of(findings.verify, self._job.rules):
            raise problem

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._kept.close()


def problem_of(result: Verification, rules: CleaningRules, min_match: float = 100.0) -> MembersDiffer | None:
    """The problem, if fewer than `min_match` percent of the checked members match; `rules` they were cleaned by."""
    if 100 * result.matching >= min_match * result.checked:
        return None
    fields = ", ".join(f"{name} {count:,}" for name, count in result.fields.items() if count)
    values = f" ({fields})" if fields else ""
    keep = "--empty-cells keep " if rules.keep_empty else ""
    return MembersDiffer(
        f"Of {result.checked:,} members {result.matching:,} match, {result.different:,} differ{values}, "
        f"{result.not_in_listrak:,} are not in Listrak.",
        hint=f"See each one: lsms verify AUDIENCE --sender-code ID {keep}--out FILE, with the options of the push.",
    )


class _Check:
    """One comparison of the kept members, all or a sample of them, with what Listrak has."""

    def __init__(
        self,
        contacts: Contacts,
        kept: KeptMembers,
        phones: np.ndarray,
        rules: CleaningRules,
        listing: Differences,
        tell: Listener,
    ) -> None:
        self._contacts = contacts
        self._kept = kept
        self._phones = phones
        self._rules = rules
        self._listing = listing
        self._tell = tell
        self._comparison = self._comparing(np.empty(0, np.int64))
        self._checked = 0

    def run(self, sample: int | None, phone_column: str, members: np.ndarray | None = None) -> None:
        """`members`: int64, those of the kept ones to look at, None = all. Raises AccountError (`lists_incomplete`)
        when the lists do not hold everybody the sender code knows."""
        chosen = np.arange(len(self._phones)) if members is None else members
        if sample is not None and sample < len(chosen):
            chosen = np.array(sorted(random.sample(chosen.tolist(), sample)), np.int64)
        self._checked = len(chosen)
        self._comparison = self._comparing(chosen)
        self._tell(PhaseStarted(Phase.VERIFYING, len(chosen), "members"))
        if len(chosen) <= ASK_EACH:
            self._ask(self._comparison.missing_phones)
        else:
            self._read_lists()
            self._confirm_missing()
        self._comparison.list_missing(phone_column)
        self._tell(PhaseAdvanced(Phase.VERIFYING, len(chosen)))
        self._tell(PhaseEnded(Phase.VERIFYING))

    def _comparing(self, chosen: np.ndarray) -> Comparison:
        return Comparison(self._kept, self._phones, chosen, self._listing, only_filled=self._rules.keep_empty)

    def result(self) -> Verification:
        found, different = self._comparison.found, self._comparison.different
        fields = dict(self._comparison.fields)
        return Verification(self._checked, found - different, different, self._comparison.missing, fields)

    def _read_lists(self) -> None:
        for page in self._contacts.pages():
            self._add(page, self._contacts.phones(page))
            if not self._comparison.missing:
                return

    def _confirm_missing(self) -> None:
        missing = self._comparison.missing_phones
        if len(missing) <= CONFIRM_ALL:
            self._ask(missing)  # a contact may be on no list
            return
        before = self._comparison.found
        self._ask(np.array(random.sample(missing.tolist(), SAMPLE), np.int64))
        if self._comparison.found > before:
            raise AccountError(
                "The phone lists of the sender code do not hold all of its contacts: of "
                f"{SAMPLE} members that are on no list {self._comparison.found - before} exist.",
                hint=f"Check a sample, contact by contact: lsms verify AUDIENCE --sample {ASK_EACH}",
                code="lists_incomplete",
            )

    def _ask(self, phones: np.ndarray) -> None:
        """Members contact by contact, each by the spelling it travels in."""
        for start in range(0, len(phones), _AT_ONCE):
            some = phones[start : start + _AT_ONCE]
            spellings = write_phones(some, self._rules.phone_format, self._rules.region).to_pylist()
            answers = list(self._contacts.each(spellings))
            there = [place for place, contact in enumerate(answers) if contact is not None]
            self._add([contact for contact in answers if contact is not None], some[there])

    def _add(self, contacts: Sequence[Contact], numbers: np.ndarray) -> None:
        self._comparison.add(contacts, numbers)
        self._tell(PhaseAdvanced(Phase.VERIFYING, self._comparison.found))
