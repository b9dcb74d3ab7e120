"""`lsms fields`, `lsms sender-codes`, `lsms check`: what the account has, and whether the connection is ready."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import typer
from msgspec import Struct

from listrak_sms_cli.cli.given import Given
from listrak_sms_cli.cli.output import output
from listrak_sms_cli.errors import AccountError, LsmsError, UsageError
from listrak_sms_cli.settings import Settings, without_secrets

if TYPE_CHECKING:
    from listrak_sms_cli.listrak import ListrakClient


def fields(given: Given) -> None:
    """List the profile fields of the account, and the column name an audience would use for each.

    Example: lsms fields --sender-code 1026
    """
    settings = given.settings()
    code = settings.require_sender_code()
    with given.display() as tell:
        from listrak_sms_cli.runs import connect

        with connect(settings, tell) as client:
            client.sender_code(code)
            profile_fields = sorted(client.profile_fields(code), key=lambda field: field.id)
    keys = ("id", "name", "type", "max_length", "state", "column")
    rows = [(f.id, f.name, f.data_type, f.max_length, f.status_flag, f.name.replace(" ", "_")) for f in profile_fields]
    output.listing("fields", f"Profile fields of sender code {code}", keys, rows)


def sender_codes(given: Given) -> None:
    """List the sender codes the credential may use.

    Example: lsms sender-codes --json
    """
    settings = given.settings()
    with given.display() as tell:
        from listrak_sms_cli.runs import connect

        with connect(settings, tell) as client:
            codes = client.sender_codes()
    keys = ("id", "code", "country", "merchant")
    rows = [(code.id, code.code, code.country, code.merchant_name) for code in codes]
    output.listing("sender_codes", "Sender codes", keys, rows)


def check(given: Given) -> None:
    """Is the connection ready? Settings and where each came from, token, sender code, profile fields.

    With the phone of a contact that exists: which of its spellings the account finds, and so which --phone-format
    to push with.

    Example: lsms check --sender-code 1026
    """
    settings = given.settings()
    steps = [*_settings_steps(settings), *_connection(settings, given["phone"])]
    failed = next((step.error for step in steps if step.error), None)
    if given["json"]:
        document: dict[str, Any] = {
            "ready": failed is None,
            "checks": [{"check": s.name, "ok": s.ok, "detail": s.detail} for s in steps],
            "exit_code": failed.exit_code if failed else 0,
            "error": output.error_document(failed)["error"] if failed else None,
        }
        output.document(document)
    else:
        from rich.text import Text

        from listrak_sms_cli.display import printable, show

        marks = {True: ("✓", "green"), False: ("✗", "red")}
        lines = [Text.assemble(marks[step.ok], f" {step.name}: {printable(step.detail)}") for step in steps]
        with output.writing():
            show(output.console(), *lines)
            sys.stdout.flush()
    if failed:
        raise typer.Exit(failed.exit_code)


class _Step(Struct, frozen=True):
    """One line of `lsms check`."""

    name: str
    detail: str
    error: LsmsError | None = None
    is_set: bool = True

    @property
    def ok(self) -> bool:
        return self.error is None and self.is_set


def _settings_steps(settings: Settings) -> list[_Step]:
    shown = {
        "client id": ("client_id", settings.client_id),
        "client secret": ("client_secret", "set" if settings.client_secret else None),
        "sender code": ("sender_code", settings.sender_code),
        "API base": ("api_url", without_secrets(settings.api_url)),
        "token address": ("token_url", without_secrets(settings.token_url)),
    }
    steps = [
        _Step(name, f"{value} (from {settings.sources[key]})") if value else _Step(name, "not set", is_set=False)
        for name, (key, value) in shown.items()
    ]
    try:
        settings.credentials()
        settings.require_sender_code()
    except LsmsError as error:
        steps.append(_Step("settings", f"{error.message} {error.hint}", error))
    return steps


def _connection(settings: Settings, phone: str | None) -> Iterator[_Step]:
    """The steps token, sender code, profile fields, phone, up to the first that fails."""
    from listrak_sms_cli.runs import connect

    try:
        code = settings.require_sender_code()
        settings.credentials()
    except LsmsError:
        return
    name = "connection"
    try:
        with connect(settings) as client:
            name = "token"
            client.check_token()
            yield _Step(name, "issued")
            name = "sender code"
            known = client.sender_code(code)
            yield _Step(name, f"{code} is there: {known.code or 'no code'}, {known.country or 'no country'}")
            name = "profile fields"
            count = len(client.profile_fields(code))
            yield _Step(name, f"{count} readable")
            if phone:
                name = "phone"
                yield _spellings(client, code, known.country, phone)
    except LsmsError as error:
        yield _Step(name, f"{error.message} {error.hint}".strip(), error)


def _spellings(client: ListrakClient, sender_code: int, country: str, phone: str) -> _Step:
    """The spellings of a contact's phone that the account finds; the phone itself is never shown."""
    from listrak_sms_cli.audience.phones import PhoneFormat, read_phones, write_phones
    from listrak_sms_cli.columnar import string_column

    number = read_phones(string_column([phone]), country)
    if number[0] <= 0:
        return _Step("phone", "not a phone", UsageError("--phone is not a valid phone.", hint="Write it with its +."))
    spellings = [
        form.value
        for form in PhoneFormat
        if client.contact(sender_code, write_phones(number, form, country)[0].as_py()) is not None
    ]
    if not spellings:
        missing = AccountError("No spelling of this phone is found.", hint="Take the phone of a contact that exists.")
        return _Step("phone", f"{missing.message} {missing.hint}", missing)
    best = "digits" if "digits" in spellings else spellings[0]
    return _Step("phone", f"found as {', '.join(spellings)}; push with --phone-format {best}")
