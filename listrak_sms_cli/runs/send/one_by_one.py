"""`--per-contact`: members are updated one by one, by read, merge and Update Contact, several at once.

A part is a batch of members. What became of each is one letter in the journal, written down after every few answers, so
a run that was killed does no more than those again, with the same values.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed

import pyarrow as pa
import pyarrow.csv

from listrak_sms_cli.audience import Verdict
from listrak_sms_cli.errors import Interrupted, ListrakRefused, LsmsError, NothingSent
from listrak_sms_cli.runs.account import attribute_of
from listrak_sms_cli.runs.events import (
    Listener,
    MembersCounted,
    MembersSent,
    Phase,
    PhaseAdvanced,
    PhaseEnded,
    PhaseStarted,
)
from listrak_sms_cli.runs.pack import ImportFile
from listrak_sms_cli.runs.prepare import nothing_sendable
from listrak_sms_cli.runs.record import Journal, PartStatus, Sending, Updated
from listrak_sms_cli.runs.send.contact_update import Merge
from listrak_sms_cli.runs.send.imports import Delivery, Target

BATCH = 200  # members of a part
NOTED_EACH = 10  # answers: as often the outcomes of a part are written down, and when it is through
ALIKE = 3  # refusals in a row that show that it is not the members

# Refusals that are a single member's own, whoever else is refused (Listrak's registry of errors, "Contact").
_ITS_OWN = frozenset(
    {
        "error_banned_phone_number",
        "error_birthday_field_null",
        "error_invalid_email_address",
        "error_invalid_phone_number",
        "error_phone_number_suspended",
        "error_segmentation_max_length",
    }
)
# Refusals that can pass for a member's own: not once others have been updated.
_MAY_BE_ITS_OWN = frozenset({"error_invalid_parameter"})


class ContactDelivery(Delivery):
    """Updates the members of one run. As in Delivery the journal is written by the thread of `send` alone."""

    def __init__(self, target: Target, journal: Journal, stop: threading.Event, tell: Listener) -> None:
        super().__init__(target, journal, stop, tell)
        self._refusals = _Refusals()
        self._halt = threading.Event()
        self._done = 0

    def send(self, parts: list[ImportFile], concurrency: int) -> list[LsmsError]:
        """Updates every member of `parts` that was not updated before; returns what went wrong. One that is refused
        does not keep the others; an outage, or refusals that would hit everybody, do."""
        self._tell(PhaseStarted(Phase.SENDING, sum(len(self._open(part)) for part in parts), "members"))
        self._refusals.somebody_updated = self.journal.state.rows[PartStatus.ACCEPTED] > 0
        try:
            merge = self._merge()
        except LsmsError as error:
            return [error]
        with ThreadPoolExecutor(concurrency, thread_name_prefix="lsms-contacts") as pool:
            for part in parts:
                if self._ended:
                    break
                self._send_batch(part, merge, pool)
        if self.stop.is_set() and not self._problems and self._unreached():
            self._problems.append(Interrupted("Interrupted."))
        self._tell(PhaseEnded(Phase.SENDING))
        return self._problems + self._refused() + self._nobody()

    def await_imports(self, timeout: float, unknown_for: float = 0.0) -> list[LsmsError]:  # noqa: ARG002
        """Nothing: what Listrak said yes to is stored."""
        return []

    def _merge(self) -> Merge:
        started = self.journal.state.started
        assert started is not None
        fields = self.client.profile_fields(self._target.sender_code)
        ids = frozenset(field.id for field in fields if field.active and attribute_of(field.name) is None)
        keep = started.recipe.rules.get("empty_cells") == "keep"
        return Merge(tuple(started.recipe.columns), ids, keep)

    def _outcomes(self, part: ImportFile) -> str:
        return self.journal.state.parts[part.number].outcomes or "." * part.rows

    def _open(self, part: ImportFile) -> list[int]:
        return [place for place, letter in enumerate(self._outcomes(part)) if letter in ".r"]

    def _send_batch(self, part: ImportFile, merge: Merge, pool: ThreadPoolExecutor) -> None:
        outcomes, still = list(self._outcomes(part)), set(self._open(part))
        updated = self.journal.state.rows[PartStatus.ACCEPTED]
        self.journal.write(Sending(part=part.number))
        updates = {
            pool.submit(self._update, cells, merge): place
            for place, cells in enumerate(_members(part, len(merge.columns) + 1))
            if place in still
        }
        for update in as_completed(updates):
            letter = update.result()
            if letter is None:
                continue
            outcomes[updates[update]] = letter
            self._done += 1
            updated += letter == "u"
            self._tell(PhaseAdvanced(Phase.SENDING, self._done))
            self._tell(MembersSent(updated))
            if not self._done % NOTED_EACH:
                self.journal.write(Updated(part=part.number, outcomes="".join(outcomes)))
        self.journal.write(Updated(part=part.number, outcomes="".join(outcomes)))
        self._tell_dropped()

    def _update(self, cells: tuple[str, ...], merge: Merge) -> str | None:
        """On a thread of the pool: the member's letter, None = not tried."""
        if self._halt.is_set() or self.stop.is_set():
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
        contact = self.client.contact(self._target.sender_code, cells[0])
        if contact is None:
            return "m"
        return "u" if self.client.update_contact(self._target.sender_code, merge.document(cells, contact)) else "m"

    def _give_up(self, error: LsmsError) -> None:
        """The first problem is told; those of the other threads are its echo."""
        if not self._halt.is_set():
            self._halt.set()
            self._problems.append(error)

    def _unreached(self) -> bool:
        return any(part.outcomes.count(".") or not part.outcomes for part in self.journal.state.leaves)

    def _verdicts(self) -> Counter[Verdict]:
        """Members by verdict, those that Listrak does not have among the dropped."""
        prepared, missing = self.journal.state.prepared, self.journal.state.rows[PartStatus.MISSING]
        assert prepared is not None
        verdicts = Counter({verdict: prepared.verdicts.get(verdict.reason, 0) for verdict in Verdict})
        verdicts[Verdict.SENDABLE] -= missing
        verdicts[Verdict.NOT_IN_LISTRAK] += missing
        return verdicts

    def _tell_dropped(self) -> None:
        verdicts = self._verdicts()
        dropped = {verdict.reason: count for verdict, count in verdicts.items() if verdict.drops}
        self._tell(MembersCounted(sum(verdicts.values()), dropped))

    def _refused(self) -> list[LsmsError]:
        """One error for all that were refused, unless another one tells of it."""
        count = self._refusals.total
        if not count or any(isinstance(error, ListrakRefused) for error in self._problems):
            return []
        who = "a member" if count == 1 else f"{count:,} members"
        return [
            ListrakRefused(
                f"Listrak refused the values of {who}: {self._refusals.counted}.",
                hint="`lsms status --members FILE` names their rows." if self.journal.kept else "",
                code="members_refused",
            )
        ]

    def _nobody(self) -> list[LsmsError]:
        started = self.journal.state.started
        assert started is not None
        try:
            nothing_sendable(self._verdicts(), started.audience, allow_empty=False)
        except NothingSent as error:
            return [error]
        return []


class _Refusals:
    """How often Listrak refused a member, and whether it is the member that is refused or everybody. Thread-safe."""

    def __init__(self) -> None:
        self.somebody_updated = False
        self._codes: Counter[str] = Counter()
        self._last, self._alike = "", 0
        self._lock = threading.Lock()

    def updated(self) -> None:
        with self._lock:
            self.somebody_updated = True
            self._last, self._alike = "", 0

    def hopeless(self, error: ListrakRefused) -> bool:
        """Counts a refusal; whether everybody who is left would be refused the same way."""
        with self._lock:
            self._codes[error.code] += 1
            self._alike = self._alike + 1 if error.code == self._last else 1
            self._last = error.code
            if error.code in _ITS_OWN or (error.code in _MAY_BE_ITS_OWN and self.somebody_updated):
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
    """The cells of each member of a part, the phone first. A batch is small: it is taken whole."""
    text = b"".join(part.content.chunks())
    names = [f"f{number}" for number in range(width)]
    table = pyarrow.csv.read_csv(
        pa.BufferReader(text),
        pyarrow.csv.ReadOptions(use_threads=False, block_size=len(text) + 1, skip_rows=1, column_names=names),
        convert_options=pyarrow.csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string())),
    )
    return zip(*(column.to_pylist() for column in table.columns), strict=True)
