"""`lsms push --sandbox`: the whole push against a simulated Listrak that lives as long as the command."""

from __future__ import annotations

import dataclasses
import json
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from listrak_sms_cli.audience import ProfileField, plan_phone
from listrak_sms_cli.audience.source import Audience, open_audience
from listrak_sms_cli.errors import LsmsError, SettingsError, UsageError
from listrak_sms_cli.rehearsal.extra import sandbox_extra
from listrak_sms_cli.rehearsal.fields import as_csv, own_names, rehearsed_fields
from listrak_sms_cli.runs import (
    Account,
    Listener,
    Phase,
    PhaseAdvanced,
    PhaseEnded,
    PushOptions,
    Report,
    RunWarning,
    SandboxResult,
    connect,
    push_audience,
    read_account,
    region_of,
)
from listrak_sms_cli.runs.prepare import PlannedAudience, read_phones
from listrak_sms_cli.settings import Settings

if TYPE_CHECKING:
    from listrak_sms_cli.sandbox import EmbeddedSandbox

SENDER_CODE = 1026  # the sandbox's own, when nobody names one
UNKNOWN_EACH = 10  # every tenth phone is left out of the sandbox's contacts
_CONTACTS_AT_ONCE = 100_000
_JSON = "application/json"
_MORE_FIELDS = (
    "\nThe sandbox has the system fields, and invents one for each column that nothing maps. "
    "--sandbox-fields account takes those of your account, --fields FILE adds some."
)


def push_to_sandbox(source: object, settings: Settings, options: PushOptions, tell: Listener) -> Report:
    """Starts a sandbox, gives it profile fields (those of the real account, where the options say so) and nine tenths
    of the phones as contacts, pushes, and adds what the sandbox did to the Report. Raises what `push_audience` raises.
    The caller has told that the phase FILLING has started, before this module was imported. `source`: as for
    `push_audience`."""
    with start_sandbox(options.fields) as sandbox, open_audience(source, options.reading.read) as audience:
        real = _read_real(settings) if options.sandbox_fields == "account" else None
        settings = dataclasses.replace(
            settings,
            client_id=sandbox.config.client_id,
            client_secret=sandbox.config.client_secret,
            sender_code=settings.sender_code or SENDER_CODE,
            api_url=sandbox.api_url,
            token_url=sandbox.token_url,
        )
        admin = _Admin(sandbox.url)
        invented = _fill(admin, audience, settings, options, real, tell)
        try:
            report = push_audience(audience, settings, options, tell)
        except LsmsError as error:
            if error.code == "unmatched_columns" and real is None:
                error.hint += _MORE_FIELDS
            if isinstance(error.report, Report):
                error.report = _with_sandbox(error.report, admin, options)
            raise
        used = [column.field for column in report.columns if column.field in invented]
        if used and "invented_fields" not in options.reading.silenced:
            message = f"The sandbox invented profile fields that your account may lack: {', '.join(used)}."
            report = report.with_(warnings=(*report.warnings, RunWarning("invented_fields", message)))
        return _with_sandbox(report, admin, options)


def _with_sandbox(report: Report, admin: _Admin, options: PushOptions) -> Report:
    # Contact by contact the replies name who is updated and who is unknown: the Report has both already.
    result = SandboxResult(report.rows_sent, 0) if options.per_contact else admin.result()
    return report.with_(sandbox=result)


@contextmanager
def start_sandbox(fields: Path | None = None) -> Iterator[EmbeddedSandbox]:
    """A sandbox in this process, without contacts. `fields`: a file of its profile fields. Raises UsageError when the
    extra `sandbox` is not installed, or the file is not one."""
    with sandbox_extra():
        from listrak_sms_cli.sandbox import EmbeddedSandbox, SandboxConfig
    if fields is not None and not fields.is_file():
        raise UsageError(f"There is no file {fields} (--fields).", hint="Check the path.", code="sandbox_seed")
    with ExitStack() as closing:
        try:
            config = SandboxConfig(invented_contacts=False, import_seconds=0.5, fields=fields)
            sandbox = closing.enter_context(EmbeddedSandbox(config))
        except ValueError as error:
            raise UsageError(f"{fields}: {error}", code="sandbox_seed") from None
        yield sandbox


def _read_real(settings: Settings) -> Account:
    """The account that the push is rehearsed for. It is read, and nothing else."""
    with connect(settings) as client:
        return read_account(client, settings.require_sender_code())


def _fill(
    admin: _Admin, audience: Audience, settings: Settings, options: PushOptions, real: Account | None, tell: Listener
) -> list[str]:
    """Give the sandbox its sender code, fields and contacts. Return the names of fields that an account may lack."""
    reading, code = options.reading, settings.require_sender_code()
    with connect(settings) as client:
        if real is not None or code not in [known.id for known in client.sender_codes()]:
            country = real.country if real is not None else (reading.region or "US").upper()
            admin.post("sender-codes", json.dumps([{"id": code, "code": str(code), "country": country}]), _JSON)
        account = read_account(client, code)
        region = region_of(reading.region, account.country)
        fields = real.fields if real is not None else _invented(audience, account, options)
        admin.post("fields?replace=true", as_csv(fields))
        plan = plan_phone(audience.columns, fields, reading.columns)
        rules = reading.rules(region, account.country)
        members = read_phones(PlannedAudience(audience, plan, rules, reading), lambda _event: None)
        filled = 0
        for contacts in _contacts(members.numbers):
            admin.post(f"contacts?sender_code={code}", contacts)
            filled += contacts.count("+")
            tell(PhaseAdvanced(Phase.FILLING, filled))
    tell(PhaseEnded(Phase.FILLING))
    return [] if real is not None or options.fields is not None else own_names(fields)


def _invented(audience: Audience, account: Account, options: PushOptions) -> tuple[ProfileField, ...]:
    whole = options.fields is not None
    return rehearsed_fields(audience.columns, account.fields, options.reading.columns, whole=whole)


def _contacts(numbers: np.ndarray) -> Iterator[str]:
    phones = np.unique(numbers[numbers > 0])
    known = phones[np.arange(len(phones)) % UNKNOWN_EACH != UNKNOWN_EACH - 1]
    for start in range(0, len(known), _CONTACTS_AT_ONCE):
        yield "phone\n" + "".join(f"+{phone}\n" for phone in known[start : start + _CONTACTS_AT_ONCE].tolist())


class _Admin:
    """The sandbox's own admin routes (`/sandbox/…`), which fill it and report what it received."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open

    def post(self, route: str, body: str, kind: str = "text/csv") -> None:
        headers = {"Content-Type": kind}
        request = urllib.request.Request(f"{self._url}/sandbox/{route}", body.encode(), headers, method="POST")
        try:
            with self._open(request) as answer:
                answer.read()
        except OSError:
            raise SettingsError(
                "The sandbox could not take the contacts of this audience; its disk or memory may be full.",
                hint="Free some space, or point TMPDIR at a folder on a larger disk.",
                code="sandbox_full",
            ) from None

    def result(self) -> SandboxResult:
        with self._open(f"{self._url}/sandbox/imports") as answer:
            imports = json.load(answer)
        return SandboxResult(
            contacts_updated=sum(report["updated"] for report in imports),
            dropped_silently=sum(report["unknown"] for report in imports),
        )
