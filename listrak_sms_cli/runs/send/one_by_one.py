"""`--per-contact`: members are updated one by one, by read, merge and Update Contact, several at once.

A part is a batch of members. What became of each is one letter in the journal, written down after every few answers, so
a run that was killed repeats no more than those, with the same values.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed

from listrak_sms_cli.audience import Verdict, dropped_by_reason
from listrak_sms_cli.errors import Interrupted, ListrakRefused, LsmsError, NothingSent
from listrak_sms_cli.listrak import ContactRefused
from listrak_sms_cli.runs.account import attribute_of
from listrak_sms_cli.runs.context import Context
from listrak_sms_cli.runs.events import MembersCounted, MembersSent, Phase, PhaseAdvanced, PhaseEnded, PhaseStarted
from listrak_sms_cli.runs.options import ReadingOptions
from listrak_sms_cli.runs.pack import ImportFile
from listrak_sms_cli.runs.prepare import nothing_sendable
from listrak_sms_cli.runs.record import PartStatus, Sending, Updated
from listrak_sms_cli.runs.run import Run
from listrak_sms_cli.runs.send.contact_update import Merge

BATCH = 200  # members of a part
NOTED_EACH = 10  # answers: as often the outcomes of a part are written down, and when it is through
ALIKE = 3  # refusals in a row that show that it is not the members

# Refusals that can pass for a member's own: not once others have been updated.
_MAY_BE_ITS_OWN = frozenset({"error_invalid_parameter"})


def send_one_by_one(run: Run, batches: list[ImportFile], context: Context, concurrency: int) -> list[LsmsError]:
    """Updates every member of the batches that was not updated before, so many at once; returns what went wrong. One
    that is refused does not keep the others; an outage, or refusals that would hit everybody, do."""
    return _Updates(run, context).all_of(batches, concurrency)


class _Updates:
    """The journal is written by the thread that calls; updates run on threads of their own and only return values."""

    def __init__(self, run: Run, context: Context) -> None:
        self._run = run
        self._context = context
        self._problems: list[LsmsError] = []
        self._refusals = _Refusals(somebody_updated=run.state.rows[PartStatus.ACCEPTED] > 0)
        self._halt = threading.Event()
        self._done = 0

    def all_of(self, batches: list[ImportFile], concurrency: int) -> list[LsmsError]:
        tell, stop = self._context.tell, self._context.stop
        tell(PhaseStarted(Phase.SENDING, sum(len(self._open(batch)) for batch in batches), "members"))
        try:
            merge = self._merge()
        except LsmsError as error:
            return [error]
        with ThreadPoolExecutor(concurrency, thread_name_prefix="lsms-contacts") as pool:
            for batch in batches:
                if self._problems or stop.is_set():
                    break
                self._send_batch(batch, merge, pool)
        if stop.is_set() and not self._problems and self._run.state.pending:
            self._problems.append(Interrupted("Interrupted."))
        tell(PhaseEnded(Phase.SENDING, complete=not self._problems))
        return self._problems + self._refused() + self._nobody()

    def _merge(self) -> Merge:
        recipe = self._run.state.started.recipe
        fields = self._context.client.profile_fields(self._run.target.sender_code)
        ids = frozenset(field.id for field in fields if field.active and attribute_of(field.name) is None)
        return Merge(tuple(recipe.columns), ids, recipe.rules.empty_cells == "keep")

    def _outcomes(self, batch: ImportFile) -> str:
        return self._run.state.parts[batch.number].outcomes or "." * batch.rows

    def _open(self, batch: ImportFile) -> list[int]:
        return [place for place, letter in enumerate(self._outcomes(batch)) if letter in ".r"]

    def _send_batch(self, batch: ImportFile, merge: Merge, pool: ThreadPoolExecutor) -> None:
        outcomes, still = list(self._outcomes(batch)), set(self._open(batch))
        updated = self._run.state.rows[PartStatus.ACCEPTED]
        self._run.record(Sending(part=batch.number))
        updates = {
            pool.submit(self._update, cells, merge): place
            for place, cells in enumerate(_members(batch, len(merge.columns) + 1))
            if place in still
        }
        for update in as_completed(updates):
            letter = update.result()
            if letter is None:
                continue
            outcomes[updates[update]] = letter
            self._done += 1
            updated += letter == "u"
            self._context.tell(PhaseAdvanced(Phase.SENDING, self._done))
            self._context.tell(MembersSent(updated))
            if not self._done % NOTED_EACH:
                self._run.record(Updated(part=batch.number, outcomes="".join(outcomes)))
        self._run.record(Updated(part=batch.number, outcomes="".join(outcomes)))
        self._tell_dropped()

    def _update(self, cells: tuple[str, ...], merge: Merge) -> str | None:
        """On a thread of the pool: the member's letter, None = not tried."""
        if self._halt.is_set() or self._context.stop.is_set():
            return None
        try:
            letter = self._merged(cells, merge)
        except ListrakRefused as error:
            if self._refusals.hopeless(error):
                self._give_up(_for_everybody(error))
            return "r"
        except LsmsError as error:
            self._give_up(error)
            return "."
        if letter == "u":
            self._refusals.updated()
        return letter

    def _merged(self, cells: tuple[str, ...], merge: Merge) -> str:
        client, sender_code = self._context.client, self._run.target.sender_code
        contact = client.contact(sender_code, cells[0])
        if contact is None:
            return "m"
        return "u" if client.update_contact(sender_code, merge.document(cells, contact)) else "m"

    def _give_up(self, error: LsmsError) -> None:
        """The first problem is told; those of the other threads are its echo."""
        if not self._halt.is_set():
            self._halt.set()
            self._problems.append(error)

    def _verdicts(self) -> Counter[Verdict]:
        """Members by verdict, those that Listrak does not have among the dropped."""
        state = self._run.state
        missing = state.rows[PartStatus.MISSING]
        verdicts = Counter({verdict: state.prepared.verdicts.get(verdict.reason, 0) for verdict in Verdict})
        verdicts[Verdict.SENDABLE] -= missing
        verdicts[Verdict.NOT_IN_LISTRAK] += missing
        return verdicts

    def _tell_dropped(self) -> None:
        verdicts = self._verdicts()
        self._context.tell(MembersCounted(sum(verdicts.values()), dropped_by_reason(verdicts)))

    def _refused(self) -> list[LsmsError]:
        """One error for all that were refused, unless another one tells of it."""
        count = self._refusals.total
        if not count or any(isinstance(error, ListrakRefused) for error in self._problems):
            return []
        who = "a member" if count == 1 else f"{count:,} members"
        return [
            ListrakRefused(
                f"Listrak refused the values of {who}: {self._refusals.counted}.",
                hint=self._who,
                code="members_refused",
            )
        ]

    @property
    def _who(self) -> str:
        """Where the members that were not updated are named: the rejects file was written before any was tried."""
        return f"lsms status {self._run.id} --members FILE names their rows." if self._run.findings.kept else ""

    def _nobody(self) -> list[LsmsError]:
        try:
            nothing_sendable(self._verdicts(), self._run.findings.audience, ReadingOptions(), self._who)
        except NothingSent as error:
            return [error]
        return []


class _Refusals:
    """How often Listrak refused a member, and whether it is the member that is refused or everybody. Thread-safe."""

    def __init__(self, *, somebody_updated: bool) -> None:
        self._somebody_updated = somebody_updated
        self._codes: Counter[str] = Counter()
        self._last, self._alike = "", 0
        self._lock = threading.Lock()

    def updated(self) -> None:
        with self._lock:
            self._somebody_updated = True
            self._last, self._alike = "", 0

    def hopeless(self, error: ListrakRefused) -> bool:
        """Counts a refusal; whether everybody who is left would be refused the same way."""
        with self._lock:
            self._codes[error.code] += 1
            self._alike = self._alike + 1 if error.code == self._last else 1
            self._last = error.code
            if isinstance(error, ContactRefused) or (error.code in _MAY_BE_ITS_OWN and self._somebody_updated):
                return False
            return self._alike >= ALIKE

    @property
    def counted(self) -> str:
        """`ERROR_… 3, ERROR_… 1`, the commonest first."""
        return ", ".join(f"{code.upper()} {times:,}" for code, times in self._codes.most_common())

    @property
    def total(self) -> int:
        return self._codes.total()


def _for_everybody(error: ListrakRefused) -> ListrakRefused:
    return ListrakRefused(
        f"{error.message} It said so of {ALIKE} members in a row, so the others were not tried.",
        hint=error.hint,
        code=error.code,
    )


def _members(part: ImportFile, width: int) -> Iterator[tuple[str, ...]]:
    """The cells of each member of a part, the phone first."""
    return zip(*(column.to_pylist() for column in part.cells(width - 1)), strict=True)
