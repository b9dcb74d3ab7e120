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
from msgspec import Struct, field, to_builtins

from listrak_sms_cli import options as declared
from listrak_sms_cli.audience import RESERVED_COLUMN, ProfileField, Verdict, among, plan_phone
from listrak_sms_cli.audience.phones import PhoneFormat
from listrak_sms_cli.audience.source import open_audience
from listrak_sms_cli.columnar import fixed_column, mask_of, pc
from listrak_sms_cli.errors import AccountError, Interrupted, LsmsError
from listrak_sms_cli.listrak import Contact
from listrak_sms_cli.runs.account import Account, read_account, region_of
from listrak_sms_cli.runs.context import connected
from listrak_sms_cli.runs.events import Listener, Phase, PhaseAdvanced, PhaseEnded, PhaseStarted, Warned, silent
from listrak_sms_cli.runs.options import OfAudience
from listrak_sms_cli.runs.output_file import OutputFile, output_at, refuse_audience, refuse_existing
from listrak_sms_cli.runs.prepare import PlannedAudience, find_phone_of, guess_notes, read_phones
from listrak_sms_cli.runs.readback import (
    ASK_EACH,
    CONFIRM_ALL,
    Contacts,
    Listing,
    PhoneSet,
    ResumableFile,
    column_names,
    contact_keys,
    contact_rows,
    readable_fields,
)
from listrak_sms_cli.runs.record import fingerprint, make_folder
from listrak_sms_cli.runs.report import RunWarning
from listrak_sms_cli.runs.send import interruptible
from listrak_sms_cli.settings import Settings
from listrak_sms_cli.stores import StoreUrl

_ONE_BY_ONE = "asked one by one"  # stands for a listing in the notes of a ResumableFile


class PullOptions(OfAudience, declared.Pulling):
    """Which contacts are read, how an audience is read that says which, and where they are put."""


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
        """The document of `--json`."""
        return {**to_builtins(self), "seconds": round(self.seconds, 3), "exit_code": 0, "error": None}

    def to_pandas(self) -> Any:
        """A pandas frame: one row of figures."""
        import pandas as pd

        figures = {name: value for name, value in to_builtins(self).items() if not isinstance(value, tuple | list)}
        return pd.DataFrame([figures])

    def _repr_html_(self) -> str:
        """The short view of a notebook."""
        return str(self.to_pandas().to_html(index=False))


def pull_contacts(settings: Settings, options: PullOptions, tell: Listener = silent, audience: object = None) -> Pulled:
    """Read the contacts, those of an audience only where there is one, and write the file. After an interruption the
    same call goes on where it was; whatever it raises, the file is whole or as it was before."""
    began = time.monotonic()
    place = _place(options, audience)
    sender_code = settings.require_sender_code()
    with connected(settings, tell) as context:
        client = context.client
        account, wanted, notes = _account_and_phones(audience, options, lambda: read_account(client, sender_code), tell)
        fields = readable_fields(account.fields)
        columns = ("phone", *column_names(fields), RESERVED_COLUMN)
        schema = pa.schema([(name, pa.string()) for name in columns])
        contacts = Contacts(client, sender_code, account.country or options.reading.region or "")
        folder = settings.state_dir / "pulls"
        if isinstance(options.output, StoreUrl):
            make_folder(folder)
        with ResumableFile(place, schema, _question(settings, options, fields, wanted), folder) as file:
            pull = _Pull(contacts, fields, options, wanted, file, tell, warnings=notes)
            try:
                interruptible(pull.run, context)
                size = file.publish()
            except LsmsError as error:
                if file.progress.rows and not isinstance(error, AccountError):
                    error.hint = f"{error.hint} The same command goes on from here.".lstrip()
                raise
            except KeyboardInterrupt:
                raise Interrupted("Interrupted.", hint="The same command goes on from here.") from None
    return Pulled(
        file=str(options.output),
        contacts=file.progress.rows,
        opted_out=pull.opted_out,
        bytes=size,
        resumed=pull.resumed,
        not_found=None if wanted is None else len(wanted) - pull.found,
        columns=columns,
        warnings=tuple(pull.warnings),
        seconds=time.monotonic() - began,
    )


def _place(options: PullOptions, audience: object) -> OutputFile:
    place = output_at(options.output, "--output", [str(audience)] if isinstance(audience, str | Path) else [])
    if not options.force:
        refuse_existing(place, hint="Name another file, or replace it with --force.")
    return place


def _account_and_phones(
    source: object, options: PullOptions, read: Callable[[], Account], tell: Listener
) -> tuple[Account, np.ndarray | None, list[RunWarning]]:
    """The account; the phones of the audience, sorted int64, each once; and a note when its phone column was guessed.
    The audience is opened first."""
    if source is None:
        return read(), None, []
    with open_audience(source, options.reading.read) as audience:
        refuse_audience(options.output, "--output", audience.files)
        find_phone_of(audience, options.reading.columns)
        account = read()
        plan = plan_phone(audience.columns, account.fields, options.reading.columns)
        rules = options.reading.rules(region_of(options.reading.region, account.country), account.country)
        members = read_phones(PlannedAudience(audience, plan, rules, options.reading), tell)
    phones = np.unique(members.numbers[Verdict.SENDABLE.of(members.verdicts)])
    return account, phones, guess_notes(plan)


def _question(
    settings: Settings, options: PullOptions, fields: tuple[ProfileField, ...], wanted: np.ndarray | None
) -> str:
    """A digest of all that decides what is in the file."""
    facts = [
        settings.api_url,
        fingerprint(settings.client_id or ""),
        settings.require_sender_code(),
        options.list,
        options.subscribed_only,
        None if wanted is None else hashlib.sha256(wanted.tobytes()).hexdigest(),
        [(field.id, field.name) for field in fields],
    ]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


class _Pull(Struct):
    """Reads the contacts into a file. `wanted`: sorted int64 phones, None = all contacts."""

    contacts: Contacts
    fields: tuple[ProfileField, ...]
    options: PullOptions
    wanted: np.ndarray | None
    file: ResumableFile
    tell: Listener
    read_keys: PhoneSet = field(default_factory=PhoneSet)
    warnings: list[RunWarning] = field(default_factory=list)
    resumed: int = 0
    opted_out: int = 0
    found: int = 0

    def run(self) -> None:
        self.tell(PhaseStarted(Phase.LOOKING_UP, 0, "contacts"))
        self._resume()
        done, wanted, list_id = self.file.progress.done, self.wanted, self.options.list
        one_by_one = wanted is not None and len(wanted) <= ASK_EACH and list_id is None
        if not one_by_one:
            for listing in self._listings():
                if listing.name not in done:
                    self._read(listing)
        if wanted is not None:
            if list_id is None and _ONE_BY_ONE not in done:
                self._ask(wanted if one_by_one else self._missing(wanted))
            self.found = len(wanted) - len(self._missing(wanted))
        self.tell(PhaseEnded(Phase.LOOKING_UP))

    def _resume(self) -> None:
        """Counts what an interrupted call left behind; it is not read again."""
        try:
            for batch in self.file.batches():
                spellings = batch.column(0).to_pylist()
                self.read_keys.add(contact_keys(self.contacts.phones(spellings), spellings))
                self._count(batch)
        except (OSError, pa.ArrowInvalid):
            self.file.forget()
            self.read_keys, self.opted_out = PhoneSet(), 0
        self.resumed = self.file.progress.rows
        if self.resumed:
            self._warn("resumed", f"An interrupted pull goes on: {self.resumed:,} contacts had been read already.")

    def _listings(self) -> list[Listing]:
        listings = self.contacts.listings(opted_out=not self.options.subscribed_only)
        wanted = self.options.list
        if wanted is None or any(listing.list_id == wanted for listing in listings):
            return [listing for listing in listings if wanted in (None, listing.list_id)]
        lists = ", ".join(f"{found.id} ({found.name})" for found in self.contacts.lists()) or "none"
        raise AccountError(
            f"The sender code has no phone list {wanted}.", hint=f"Its lists are: {lists}.", code="unknown_list"
        )

    def _read(self, listing: Listing) -> None:
        name, progress = listing.name, self.file.progress
        cursor = progress.cursor if progress.current == name else "Start"
        pages = 0
        for page in self.contacts.pages_from(listing, cursor):  # contacts already read are passed over
            pages += 1
            self._add(page.items)
            self.file.note(current=name, cursor=page.next_cursor)
        if not pages:
            list_id = listing.list_id
            text = f"Listrak does not let the inactive phone list {list_id} be read: its contacts may be missing."
            self._warn("list_inactive", text)

    def _ask(self, phones: np.ndarray) -> None:
        if len(phones) > CONFIRM_ALL:
            self._warn(
                "not_asked",
                f"{len(phones):,} phones of the audience are on no list; more than {CONFIRM_ALL:,} are not asked for "
                "one by one. Contacts among them, if any, are not in the file.",
            )
            return
        answers = self.contacts.ask(phones, PhoneFormat(self.options.reading.phone_format))
        found = [contact for contact in answers if contact is not None]
        self._add([contact for contact in found if not (contact.opted_out and self.options.subscribed_only)])
        self.file.note(current=_ONE_BY_ONE, cursor=None)

    def _missing(self, wanted: np.ndarray) -> np.ndarray:
        missing: np.ndarray = wanted[~self.read_keys.holds(wanted)]
        return missing

    def _add(self, contacts: list[Contact]) -> None:
        spellings = [contact.phone for contact in contacts]
        phones = self.contacts.phones(spellings)
        chosen = np.arange(len(contacts)) if self.wanted is None else np.flatnonzero(among(phones, self.wanted))
        chosen = chosen[self.read_keys.add(contact_keys(phones, spellings)[chosen])]
        if len(chosen):
            new = [contacts[index] for index in chosen.tolist()]
            batch = contact_rows(new, phones[chosen], self.fields, self.file.schema)
            self.file.add(batch)
            self._count(batch)
        self.tell(PhaseAdvanced(Phase.LOOKING_UP, self.file.progress.rows))

    def _count(self, batch: pa.RecordBatch) -> None:
        self.opted_out += int(np.count_nonzero(mask_of(pc.equal(batch.columns[-1], fixed_column("true")[0]))))

    def _warn(self, code: str, message: str) -> None:
        self.warnings.append(RunWarning(code, message))
        self.tell(Warned(code, message))
