"""`lsms push --sandbox`: the whole push against a simulated Listrak that lives as long as the command."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import urllib.request
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from msgspec.structs import replace

from listrak_sms_cli.audience import RESERVED_COLUMN, plan_columns, rewrite_names
from listrak_sms_cli.audience.source import Audience, open_audience
from listrak_sms_cli.cli.sandbox import sandbox_extra
from listrak_sms_cli.errors import LsmsError, SettingsError
from listrak_sms_cli.runs import (
    Listener,
    Phase,
    PhaseAdvanced,
    PhaseEnded,
    PushOptions,
    ReadingOptions,
    Report,
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


def push_to_sandbox(source: str, settings: Settings, options: PushOptions, tell: Listener) -> Report:
    """Starts a sandbox, gives it a profile field for every column and nine tenths of the phones as contacts,
    pushes, and adds what the sandbox did to the Report. Raises what `push_audience` raises. The caller has told that
    the phase FILLING has started, before this module was imported."""
    with start_sandbox() as sandbox, open_audience(source, options.reading.read) as audience:
        settings = dataclasses.replace(
            settings,
            client_id=sandbox.config.client_id,
            client_secret=sandbox.config.client_secret,
            sender_code=settings.sender_code or SENDER_CODE,
            api_url=sandbox.api_url,
            token_url=sandbox.token_url,
        )
        admin = _Admin(sandbox.url)
        _fill(admin, audience, settings, options.reading, tell)
        try:
            report = push_audience(audience, settings, options, tell)
        except LsmsError as error:
            if isinstance(error.report, Report):
                error.report = _with_sandbox(error.report, admin, options)
            raise
        return _with_sandbox(report, admin, options)


def _with_sandbox(report: Report, admin: _Admin, options: PushOptions) -> Report:
    # Contact by contact the replies name who is updated and who is unknown: the Report has both already.
    result = SandboxResult(report.rows_sent, 0) if options.per_contact else admin.result()
    return report.with_(sandbox=result)


def start_sandbox() -> EmbeddedSandbox:
    """A sandbox in this process, without contacts. Raises UsageError when the extra `sandbox` is not installed."""
    with sandbox_extra():
        from listrak_sms_cli.sandbox import EmbeddedSandbox, SandboxConfig
    return EmbeddedSandbox(SandboxConfig(invented_contacts=False, import_seconds=0.5))


def _fill(admin: _Admin, audience: Audience, settings: Settings, reading: ReadingOptions, tell: Listener) -> None:
    code = settings.require_sender_code()
    with connect(settings) as client:
        if code not in [known.id for known in client.sender_codes()]:
            country = (reading.region or "US").upper()
            admin.post("sender-codes", json.dumps([{"id": code, "code": str(code), "country": country}]), _JSON)
        account = read_account(client, code)
        region = region_of(reading.region, account.country)
        loose = replace(reading.columns, mapping={}, skip_unmatched=True)
        plan = plan_columns(audience.columns, account.fields, loose)
        left_out = {rewrite_names([name])[0].casefold() for name in (*reading.columns.skip, RESERVED_COLUMN)}
        if reading.columns.consent_column:
            left_out.add(rewrite_names([reading.columns.consent_column])[0].casefold())
        missing = [name for name in plan.skipped if name.casefold() not in left_out]
        known = {field.name.casefold() for field in account.fields}
        targets = [target for target in reading.columns.mapping.values() if not (target.isascii() and target.isdigit())]
        names = missing + [name for name in targets if name.replace("_", " ").casefold() not in known]
        first_id = max((field.id for field in account.fields), default=0) + 1
        admin.post("fields", _csv(["id", "name", "type"], [(first_id + i, n, "Text") for i, n in enumerate(names)]))
        rules = reading.rules(region, account.country)
        members = read_phones(PlannedAudience(audience, plan, rules, reading), lambda _event: None)
        filled = 0
        for contacts in _contacts(members.numbers):
            admin.post(f"contacts?sender_code={code}", contacts)
            filled += contacts.count("+")
            tell(PhaseAdvanced(Phase.FILLING, filled))
    tell(PhaseEnded(Phase.FILLING))


def _contacts(numbers: np.ndarray) -> Iterator[str]:
    phones = np.unique(numbers[numbers > 0])
    known = phones[np.arange(len(phones)) % UNKNOWN_EACH != UNKNOWN_EACH - 1]
    for start in range(0, len(known), _CONTACTS_AT_ONCE):
        yield "phone\n" + "".join(f"+{phone}\n" for phone in known[start : start + _CONTACTS_AT_ONCE].tolist())


def _csv(head: list[str], rows: list[tuple[Any, ...]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows([head, *rows])
    return text.getvalue()


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
