"""The canary: the first members are sent, waited for, and read back value by value, before others are sent."""

from __future__ import annotations

import secrets
import time
from contextlib import closing, suppress
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
from msgspec import Struct
from msgspec.structs import replace

from listrak_sms_cli.audience.phones import PhoneFormat, write_phones
from listrak_sms_cli.columnar import Mask, indices, raw
from listrak_sms_cli.errors import GuardStopped, Interrupted, LsmsError
from listrak_sms_cli.runs.context import Context
from listrak_sms_cli.runs.events import Phase
from listrak_sms_cli.runs.output_file import TableFile
from listrak_sms_cli.runs.pack import ImportFile
from listrak_sms_cli.runs.readback import (
    ComparedMembers,
    Comparison,
    Contacts,
    FileValues,
    Reading,
    canonical,
    column_names,
    digest_each,
    empties_stay,
    file_text,
)
from listrak_sms_cli.runs.record import CanaryRead, Learned, PartStatus, learned_of, plan_of, remember_learned, rules_of
from listrak_sms_cli.runs.report import CanaryResult, RunWarning
from listrak_sms_cli.runs.run import Run, canary_problem
from listrak_sms_cli.runs.send.import_states import await_imports
from listrak_sms_cli.runs.send.imports import send_import_files
from listrak_sms_cli.stores import StoreUrl, is_url

_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0  # seconds between two looks at the contacts
_SETTLES = 2.0  # seconds: so long other values of the same import may take once some have been seen to arrive
_UNPROVED = 30.0  # seconds: so long where none can be seen to arrive, because every change is an empty cell


class Before(Struct):
    """What the members were before they were sent: who was there, and a digest of each value, column by column, under a
    `seed` of its own (of the run's folder: no member data)."""

    seed: int
    found: bytes
    values: list[bytes]


class Look:
    """The members as they are stored at one time, in the order of their phones: `found`, `opted_out` and, column by
    column, what is `stored` and where it is not `different` from what is sent."""

    def __init__(self, comparison: Comparison, columns: int) -> None:
        members = len(comparison.members)
        self.found = np.zeros(members, np.bool_)
        self.opted_out = np.zeros(members, np.bool_)
        self.different = np.zeros((columns, members), np.bool_)
        self._stored: list[list[pa.StringArray]] = [[] for _ in range(columns)]
        self._ranks: list[np.ndarray] = []

    def add(self, compared: ComparedMembers) -> None:
        """Take in some of the members that were found."""
        self._ranks.append(compared.ranks)
        self.found[compared.ranks] = True
        self.opted_out[compared.ranks] = compared.opted_out
        for place, column in enumerate(compared.columns):
            self.different[place, compared.ranks] = column.different
            self._stored[place].append(column.stored)

    def stored(self, place: int) -> pa.StringArray:
        """One cell a member that was found."""
        order = np.argsort(np.concatenate([np.empty(0, np.int64), *self._ranks]))
        return pa.concat_arrays([pa.array([], pa.string()), *self._stored[place]]).take(indices(order))


class Seen(Struct, frozen=True):
    """What a look shows, against what the members were before: bool a column and member.

    `wrong`: neither what was sent nor what it was; `kept`: an empty cell that changed nothing; `passed_over`: a contact
    that opted out, of which nothing changed; `partly`: not changed, although other values of the member are;
    `unseen`: not changed, as all of the member's. `gone`: bool a member, it is not found any more; `arrived`: something
    of what was sent is seen.
    """

    wrong: Mask
    kept: Mask
    passed_over: Mask
    partly: Mask
    unseen: Mask
    gone: Mask
    arrived: bool
    learned: Learned

    @property
    def is_settled(self) -> bool:
        """Nothing has to be looked at again: all as it was sent, or something certainly is not."""
        open_cells = self.kept | self.passed_over | self.partly | self.unseen
        return bool(self.wrong.any() or self.gone.any() or not open_cells.any())

    @property
    def patience(self) -> float:
        """Seconds for which what is not as it was sent may still become so."""
        if self.unseen.any() or (self.passed_over.any() and not self.arrived):
            return float("inf")
        return _SETTLES if self.arrived else _UNPROVED


class Canary:
    """`parts`: its import files, also those that Listrak has accepted; `timeout`: seconds for its imports to end, and
    for its values to be seen."""

    def __init__(self, run: Run, parts: list[ImportFile], context: Context, timeout: float) -> None:
        recipe = run.state.started.recipe
        self._run = run
        self._parts = parts
        self._context = context
        self._timeout = timeout
        self._rules = rules_of(recipe)
        self._columns = plan_of(recipe).columns
        self._sent = FileValues(parts, self._columns, self._rules)
        self._members = np.arange(len(self._sent.phones))
        self._known = learned_of(run.store.state_dir, run.target)
        self._before: Before | None = None

    def prove(self, concurrency: int, *, alone: bool) -> list[LsmsError]:
        """Send what is not accepted, wait, and read back. Returns what keeps the rest from being sent; nothing, with
        the canary still open, where its imports have not ended well. `alone`: what is learned is not written down."""
        until = time.monotonic() + self._timeout
        try:
            if all(part.status is PartStatus.WAITING for part in self._run.state.parts.values() if part.line.canary):
                self._look_before()
            elif (kept := self._run.kept_canary) is not None:
                with suppress(ValueError, msgspec.MsgspecError):
                    self._before = msgspec.json.decode(kept, type=Before)
            unsent = {part.line.part for part in self._run.state.unsent}
            waiting = [part for part in self._parts if part.number in unsent]
            problems = send_import_files(self._run, waiting, self._context, concurrency) if waiting else []
            problems = problems or await_imports(self._run, self._context, self._timeout)
            parts = self._run.state.canary_parts
            if problems or any(part.failed or part.is_open for part in parts):
                return problems
            seen, look = self._settled(until)
        except LsmsError as error:
            return [error]
        if seen is None or look is None:
            return [Interrupted("Interrupted.")]
        return self._judged(seen, look, alone=alone)

    # Reading

    def _look(self) -> tuple[Look, Comparison]:
        stays = empties_stay(self._rules, self._known)
        comparison = Comparison(self._sent, self._members, empties_stay=stays)
        look = Look(comparison, len(self._columns))
        client, code = self._context.client, self._run.target.sender_code
        contacts = Contacts(client, code, self._rules.country or self._rules.region)
        form, tell = self._rules.phone_format, self._context.tell
        Reading(contacts, form, tell, Phase.VERIFYING, "", ask_each=len(self._members)).read(comparison, look.add)
        return look, comparison

    def _look_before(self) -> None:
        """Notes what the members are, and writes the file for `--undo`, before anything is sent."""
        look, comparison = self._look()
        if not look.found.any():
            raise GuardStopped(
                f"None of the {len(look.found):,} members of the canary is found in the form in which they would be "
                "sent; nothing was sent.",
                hint="See in which form phones are found: lsms check --phone N, with a contact that exists.",
                code="no_canary",
            )
        self._write_undo(look, comparison)
        self._before = self._noted(look, secrets.randbits(64))
        self._run.keep_canary(msgspec.json.encode(self._before))

    def _noted(self, look: Look, seed: int) -> Before:
        digests = [self._digests(place, look.stored(place), look.found, seed) for place in range(len(self._columns))]
        return Before(seed, np.packbits(look.found).tobytes(), [values.tobytes() for values in digests])

    def _digests(self, place: int, cells: pa.StringArray, chosen: Mask, seed: int) -> np.ndarray:
        """uint64 a member, 0 where it is not chosen: of what a cell means, as its field means it."""
        digests, ranks = np.zeros(len(chosen), np.uint64), np.flatnonzero(chosen)
        text = canonical(cells, self._columns[place].field.kind)
        digests[chosen] = digest_each(text, ranks, seed ^ place)
        return digests

    def _write_undo(self, look: Look, comparison: Comparison) -> None:
        drawn = self._run.state.started.canary
        if drawn is None or drawn.undo is None:
            return
        fields = [column.field for column in self._columns]
        schema = pa.schema([(name, pa.string()) for name in ("phone", *column_names(fields))])
        recipe = self._run.state.started.recipe
        place = StoreUrl(drawn.undo, recipe.read.get("storage")) if is_url(drawn.undo) else Path(drawn.undo)
        with closing(TableFile(place, "--undo", schema, recipe.files)) as table:
            phones = write_phones(comparison.phones[look.found], PhoneFormat.E164)
            values = [file_text(look.stored(place), field.kind) for place, field in enumerate(fields)]
            table.write([phones, *values])
            table.publish()

    # Judging

    def _settled(self, until: float) -> tuple[Seen | None, Look | None]:
        """Looks again and again until nothing more is to be expected, or time is up; None after Ctrl-C."""
        began, pause = time.monotonic(), _FIRST_PAUSE
        while True:
            look, comparison = self._look()
            seen = self._compare(look, comparison)
            now = time.monotonic()
            left = min(until, began + seen.patience) - now
            if seen.is_settled or left <= 0:
                return seen, look
            if self._context.stop.wait(min(pause, left)):
                return None, None
            pause = min(pause * 1.5, _LONGEST_PAUSE)

    def _compare(self, look: Look, comparison: Comparison) -> Seen:
        shape = look.different.shape
        empty, was, now, ours = (np.zeros(shape, kind) for kind in (np.bool_, np.uint64, np.uint64, np.uint64))
        nothing = np.zeros(shape, np.uint64)
        before, members = self._before, len(look.found)
        seed = before.seed if before is not None else 0
        there = np.unpackbits(np.frombuffer(before.found, np.uint8), count=members) > 0 if before else look.found
        everybody = np.ones(members, np.bool_)
        for place in range(shape[0]):
            cells = self._sent.values(place, comparison.members)
            empty[place] = raw(cells).lengths == 0
            ours[place] = self._digests(place, cells, everybody, seed)
            blank = pa.array([""] * members, pa.string())
            nothing[place] = self._digests(place, blank, everybody, seed)
            now[place] = self._digests(place, look.stored(place), look.found, seed)
            was[place] = np.frombuffer(before.values[place], np.uint64) if before else now[place]
        found = look.found & there
        wanted = (ours != was) & found  # these would change
        came = wanted & (now == ours)
        arrived = came.any(axis=0)
        cleared = came & empty & (was != nothing)
        late = look.different & found & (now == was)
        passed_over = late & look.opted_out & ~arrived & (not (look.opted_out & arrived).any())
        kept = late & ~passed_over & empty & (not cleared.any())
        late &= ~(passed_over | kept)
        return Seen(
            wrong=look.different & found & (now != was),
            kept=kept,
            passed_over=passed_over,
            partly=late & arrived,
            unseen=late & ~arrived,
            gone=there & ~look.found,
            arrived=bool(arrived.any()),
            learned=self._learned(cleared, kept, look.opted_out & found & wanted.any(axis=0), arrived),
        )

    def _learned(self, cleared: Mask, kept: Mask, opted_out: Mask, arrived: Mask) -> Learned:
        """What this look shows of the account, if nothing more is to be expected."""
        stays = False if cleared.any() else True if kept.any() else None
        updated = bool((opted_out & arrived).any()) if opted_out.any() and arrived.any() else None
        return Learned(stays, updated, {self._rules.phone_format.value: True} if arrived.any() else {})

    def _judged(self, seen: Seen, look: Look, *, alone: bool) -> list[LsmsError]:
        """Writes down what was found."""
        unseen = seen.unseen.any(axis=0)
        if not seen.arrived:
            unseen |= seen.passed_over.any(axis=0)
        cells = seen.wrong | seen.partly
        different = cells.any(axis=0) | seen.gone
        unseen &= ~different
        rows = int(np.count_nonzero(look.found | seen.gone))
        drawn = self._run.state.canary or CanaryResult()
        fields = {column.name: int(np.count_nonzero(of)) for column, of in zip(self._columns, cells, strict=True)}
        counts = (int(np.count_nonzero(different)), int(np.count_nonzero(unseen)))
        result = replace(drawn, rows=rows, matching=rows - sum(counts), different=counts[0], fields=fields)
        verdict = "different" if counts[0] else "unseen" if counts[1] else "proved"
        self._run.record(CanaryRead(result=result, verdict=verdict))
        learned = seen.learned
        if verdict == "unseen" and not seen.arrived:
            form = self._rules.phone_format.value
            learned = Learned(spellings={} if form in self._known.spellings else {form: False})
        elif verdict != "proved":  # what had not arrived by now may still do so
            cleared, updated = learned.empties_stay is False, bool(learned.opted_out_updated)
            learned = Learned(False if cleared else None, updated or None, learned.spellings)
        self._learn(learned, alone=alone)
        return [] if verdict == "proved" else [canary_problem(self._run.state)]

    def _learn(self, news: Learned, *, alone: bool) -> None:
        """Says what is news of the account, and writes it down."""
        learned = self._known.with_(news)
        facts = [text for name, text in learned.facts.items() if self._known.facts.get(name) != text]
        if not facts:
            return
        self._run.findings.warn(RunWarning("learned", f"Learned of this account: {'; '.join(facts)}."))
        if not alone:
            with suppress(OSError):
                remember_learned(self._run.store.state_dir, self._run.target, learned)
