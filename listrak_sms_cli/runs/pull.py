"""`lsms pull`: the contacts of a sender code with their field values, in a file that is itself an audience."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct, field, to_builtins

from listrak_sms_cli.audience import (
    RESERVED_COLUMN,
    ColumnPlan,
    ProfileField,
    Verdict,
    among,
    find_phone,
    rewrite_names,
)
from listrak_sms_cli.audience.phones import PhoneFormat, write_phones
from listrak_sms_cli.audience.source import open_audience
from listrak_sms_cli.columnar import mask_of, words
from listrak_sms_cli.errors import AccountError, Interrupted, ListrakRefused, LsmsError
from listrak_sms_cli.listrak import Contact
from listrak_sms_cli.runs.account import Account, read_account, region_of
from listrak_sms_cli.runs.context import connected
from listrak_sms_cli.runs.events import (
    Listener,
    Phase,
    PhaseAdvanced,
    PhaseEnded,
    PhaseStarted,
    Warned,
    silent,
)
from listrak_sms_cli.runs.options import ReadingOptions
from listrak_sms_cli.runs.output_file import output_place
from listrak_sms_cli.runs.prepare import ASK_EACH, CONFIRM_ALL, Job, read_members
from listrak_sms_cli.runs.readback import Contacts, Partial, PhoneSet, Place, column_names, fields_of, keys_of, rows_of
from listrak_sms_cli.runs.record import fingerprint
from listrak_sms_cli.runs.report import RunWarning
from listrak_sms_cli.runs.send import interruptible
from listrak_sms_cli.settings import Settings

_ASKED = "asked one by one"


class PullOptions(Struct, frozen=True):
    """`target`: CSV, or Parquet by its suffix. `audience`: only its contacts, read as `reading` says. `list_id`: only
    the contacts of this phone list."""

    target: Path
    audience: str | None = None
    reading: ReadingOptions = field(default_factory=ReadingOptions)
    list_id: int | None = None
    subscribed_only: bool = False


class Pulled(Struct, frozen=True):
    """What is in the file. `resumed`: contacts that an interrupted call had read already; `not_found`: phones of the
    audience that no contact has, None without an audience."""

    file: str
    contacts: int
    opted_out: int
    bytes: int
    resumed: int
    not_found: int | None
    columns: tuple[str, ...]
    warnings: tuple[RunWarning, ...]
    seconds: float

    def as_json(self) -> dict[str, Any]:
        return {**to_builtins(self), "seconds": round(self.seconds, 3), "exit_code": 0, "error": None}


def pull_contacts(settings: Settings, options: PullOptions, tell: Listener = silent) -> Pulled:
    """Reads the contacts and writes the file. After an interruption the same call goes on where it was; whatever it
    raises, the file is whole or as it was before."""
    began = time.monotonic()

    sender_code = settings.require_sender_code()
    with connected(settings, tell) as context:
        client = context.client
        account, wanted = _account_and_wanted(options, lambda: read_account(client, sender_code), tell)
        fields = fields_of(account.fields)
        columns = ("phone", *column_names(fields), RESERVED_COLUMN)
        schema = pa.schema([(name, pa.string()) for name in columns])
        asked = [settings.api_url, fingerprint(settings.client_id or ""), sender_code, options.list_id]
        whom = None if wanted is None else hashlib.sha256(wanted.tobytes()).hexdigest()
        question = json.dumps([*asked, options.subscribed_only, whom, [(one.id, one.name) for one in fields]])
        contacts = Contacts(client, sender_code, account.country or options.reading.region or "")
        with Partial(options.target, schema, hashlib.sha256(question.encode()).hexdigest()) as partial:
            pull = _Pull(contacts, fields, options, wanted, partial, tell)
            try:
                interruptible(pull.run, context)
                size = partial.publish()
            except LsmsError as error:
                if partial.progress.rows and not isinstance(error, AccountError):
                    error.hint = f"{error.hint} The same command goes on from here.".lstrip()
                raise
            except KeyboardInterrupt:
                raise Interrupted("Interrupted.", hint="The same command goes on from here.") from None
    return Pulled(
        file=str(options.target),
        contacts=partial.progress.rows,
        opted_out=pull.opted_out,
        bytes=size,
        resumed=pull.resumed,
        not_found=None if wanted is None else len(wanted) - pull.found,
        columns=columns,
        warnings=tuple(pull.warnings),
        seconds=time.monotonic() - began,
    )


def _account_and_wanted(
    options: PullOptions, read: Callable[[], Account], tell: Listener
) -> tuple[Account, np.ndarray | None]:
    """The account; and the phones of the audience, sorted int64, each once. The audience is opened first."""
    if options.audience is None:
        return read(), None
    with open_audience(options.audience, options.reading.read) as audience:
        output_place(options.target, "--output", audience.files)
        header = rewrite_names(audience.columns)
        phone = find_phone(header, options.reading.columns.phone_column)
        account = read()
        rules = options.reading.rules(region_of(options.reading.region, account.country))
        plan = ColumnPlan(phone, (), None, (), header)
        members = read_members(Job(audience, plan, rules, options.reading), tell)
    return account, np.unique(members.numbers[members.verdicts == Verdict.SENDABLE])


class _Pull:
    """One reading of the contacts into a Partial. `wanted`: sorted int64 phones, None = everybody."""

    def __init__(
        self,
        contacts: Contacts,
        fields: tuple[ProfileField, ...],
        options: PullOptions,
        wanted: np.ndarray | None,
        partial: Partial,
        tell: Listener,
    ) -> None:
        self._contacts = contacts
        self._fields = fields
        self._options = options
        self._wanted = wanted
        self._partial = partial
        self._tell = tell
        self._seen = PhoneSet()
        self.resumed = self.opted_out = self.found = 0
        self.warnings: list[RunWarning] = []

    def run(self) -> None:
        self._tell(PhaseStarted(Phase.LOOKING_UP, 0, "contacts"))
        self._take_up()
        done = self._partial.progress.done
        few = self._wanted is not None and len(self._wanted) <= ASK_EACH and self._options.list_id is None
        if not few:
            for place in self._places():
                if _name(place) not in done:
                    self._read(place)
        if self._wanted is not None:
            if self._options.list_id is None and _ASKED not in done:
                self._ask(self._wanted if few else self._missing())
            self.found = len(self._wanted) - len(self._missing())
        self._tell(PhaseEnded(Phase.LOOKING_UP))

    def _take_up(self) -> None:
        """What an interrupted call left behind is counted, and not read again."""
        try:
            for batch in self._partial.batches():
                spellings = batch.column(0).to_pylist()
                self._seen.add(keys_of(self._contacts.numbers(spellings), spellings))
                self._count(batch)
        except (OSError, pa.ArrowInvalid):
            self._partial.forget()
            self._seen, self.opted_out = PhoneSet(), 0
        self.resumed = self._partial.progress.rows
        if self.resumed:
            self._warn("resumed", f"An interrupted pull goes on: {self.resumed:,} contacts had been read already.")

    def _places(self) -> list[Place]:
        places = self._contacts.places(opted_out=not self._options.subscribed_only)
        wanted = self._options.list_id
        if wanted is None or any(place.list_id == wanted for place in places):
            return [place for place in places if wanted in (None, place.list_id)]
        lists = ", ".join(f"{one.id} ({one.name})" for one in self._contacts.lists()) or "none"
        raise AccountError(
            f"The sender code has no phone list {wanted}.", hint=f"Its lists are: {lists}.", code="unknown_list"
        )

    def _read(self, place: Place) -> None:
        name, progress = _name(place), self._partial.progress
        cursor = progress.cursor if progress.current == name else "Start"
        pages = 0
        try:
            for page in self._contacts.pages_of(place, cursor):
                pages += 1
                self._add(page.items)
                self._partial.note(current=name, cursor=page.next_cursor)
        except ListrakRefused:
            if cursor == "Start" or pages:
                raise
            # Listrak has forgotten the cursor: from the beginning; whom we have is passed over.
            progress.current = ""
            self._read(place)
            return
        if not pages:
            text = f"Listrak does not let the inactive phone list {place.list_id} be read: its contacts may be missing."
            self._warn("list_inactive", text)

    def _ask(self, phones: np.ndarray) -> None:
        if len(phones) > CONFIRM_ALL:
            self._warn(
                "not_asked",
                f"{len(phones):,} phones of the audience are on no list; more than {CONFIRM_ALL:,} are not asked for "
                "one by one. Contacts among them, if any, are not in the file.",
            )
            return
        style = PhoneFormat(self._options.reading.phone_format)
        spellings = write_phones(phones, style, self._contacts.region).to_pylist()
        answers = self._contacts.each(spellings)
        found = [one for one in answers if one is not None]
        self._add([one for one in found if not (one.opted_out and self._options.subscribed_only)])
        self._partial.note(current=_ASKED, cursor=None)

    def _missing(self) -> np.ndarray:
        assert self._wanted is not None
        missing: np.ndarray = self._wanted[~self._seen.holds(self._wanted)]
        return missing

    def _add(self, contacts: list[Contact]) -> None:
        spellings = [contact.phone for contact in contacts]
        numbers = self._contacts.numbers(spellings)
        chosen = np.arange(len(contacts))
        if self._wanted is not None:
            chosen = np.flatnonzero(among(numbers, self._wanted))
        chosen = chosen[self._seen.add(keys_of(numbers, spellings)[chosen])]
        if len(chosen):
            some = [contacts[place] for place in chosen.tolist()]
            batch = rows_of(some, numbers[chosen], self._fields, self._partial.schema)
            self._partial.add(batch)
            self._count(batch)
        self._tell(PhaseAdvanced(Phase.LOOKING_UP, self._partial.progress.rows))

    def _count(self, batch: pa.RecordBatch) -> None:
        self.opted_out += int(np.count_nonzero(mask_of(pc.equal(batch.columns[-1], words("true")[0]))))

    def _warn(self, code: str, message: str) -> None:
        self.warnings.append(RunWarning(code, message))
        self._tell(Warned(code, message))


def _name(place: Place) -> str:
    return f"{place.list_id} {'opted out' if place.opted_out else 'subscribed'}"
