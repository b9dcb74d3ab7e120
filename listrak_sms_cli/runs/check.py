"""`lsms check`: is the connection ready. Each check is a line, known before the next one begins."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial

from msgspec import Struct

from listrak_sms_cli.audience.phones import PhoneFormat, read_phones, write_phones
from listrak_sms_cli.columnar import string_column
from listrak_sms_cli.errors import AccountError, LsmsError, UsageError
from listrak_sms_cli.listrak import ListrakClient, SenderCode
from listrak_sms_cli.runs.account import connect, label_of
from listrak_sms_cli.runs.events import Listener
from listrak_sms_cli.runs.record import Destination, fingerprint, learned_of
from listrak_sms_cli.settings import Settings, without_secrets


class CheckLine(Struct, frozen=True):
    """`ok` None: neither good nor bad, such as a setting that is not needed. `source`: where a setting came from;
    `sender_codes`: those that were listed."""

    check: str
    ok: bool | None
    detail: str
    source: str = ""
    error: LsmsError | None = None
    sender_codes: tuple[SenderCode, ...] = ()


def check_settings(settings: Settings) -> list[CheckLine]:
    """The settings that lead to Listrak; the last line says what is missing of them, if anything is."""
    shown = {
        "client id": ("client_id", settings.client_id),
        "client secret": ("client_secret", "set" if settings.client_secret or settings.in_keyring else None),
        "sender code": ("sender_code", settings.sender_code),
        "API base": ("api_url", without_secrets(settings.api_url)),
        "token address": ("token_url", without_secrets(settings.token_url)),
    }
    lines = []
    for name, (key, value) in shown.items():
        needed = None if key == "sender_code" else False
        source = settings.sources[key] if value else ""
        lines.append(CheckLine(name, True if value else needed, str(value) if value else "not set", source))
    if not settings.has_credentials:
        try:
            settings.credentials()
        except LsmsError as error:
            lines.append(_failed("settings", error))
    return lines


def check_connection(
    settings: Settings, phone: str | None, tell: Listener, during: Callable[[str], AbstractContextManager[object]]
) -> Iterator[CheckLine]:
    """The token, the sender code (all of them, where the settings name none), its profile fields, and which spellings
    of a contact's phone are found; up to the first that fails. `during` is entered, with its name, for each check."""
    name = "connection"
    try:
        with connect(settings, tell) as client:
            for name, work in _checks(client, settings.sender_code, phone):
                with during(name):
                    line = work()
                yield line
    except LsmsError as error:
        yield _failed(name, error)


def check_learned(settings: Settings) -> list[CheckLine]:
    """What canaries have found out about the account."""
    account = Destination(settings.api_url, fingerprint(settings.client_id or ""), settings.sender_code or 0)
    learned = learned_of(settings.state_dir, account)
    source = f"a canary, {learned.at[:10]}"
    return [CheckLine(name, True, fact, source) for name, fact in learned.facts.items()]


def _failed(name: str, error: LsmsError) -> CheckLine:
    return CheckLine(name, False, error.message, error=error)


def _checks(
    client: ListrakClient, sender_code: int | None, phone: str | None
) -> Iterator[tuple[str, Callable[[], CheckLine]]]:
    yield "token", partial(_token, client)
    if sender_code is None:
        yield "sender codes", partial(_sender_codes, client)
        if phone:
            error = UsageError("--phone needs a sender code.", hint="Add --sender-code ID.", code="no_sender_code")
            yield "phone", partial(_failed, "phone", error)
        return
    found: list[SenderCode] = []
    yield "sender code", partial(_sender_code, client, sender_code, found)
    yield "profile fields", partial(_profile_fields, client, sender_code)
    if phone:
        yield "phone", partial(_spellings, client, sender_code, found[0].country, phone)


def _token(client: ListrakClient) -> CheckLine:
    client.check_token()
    return CheckLine("token", True, "issued")


def list_sender_codes(client: ListrakClient) -> list[SenderCode]:
    """Those the credential may use. Raises AccountError when there are none."""
    codes = client.sender_codes()
    if not codes:
        raise AccountError(
            "The credential may use no sender code.",
            hint="In Listrak, give the integration access to one.",
            code="no_sender_codes",
        )
    return codes


def _sender_codes(client: ListrakClient) -> CheckLine:
    codes = list_sender_codes(client)
    return CheckLine("sender codes", True, ", ".join(map(label_of, codes)), sender_codes=tuple(codes))


def _sender_code(client: ListrakClient, sender_code: int, found: list[SenderCode]) -> CheckLine:
    found.append(client.sender_code(sender_code))
    return CheckLine("sender code", True, f"{label_of(found[0])} is there")


def _profile_fields(client: ListrakClient, sender_code: int) -> CheckLine:
    fields = client.profile_fields(sender_code)
    disabled = sum(not field.active for field in fields)
    return CheckLine(
        "profile fields", True, f"{len(fields)} readable{f', {disabled} of them disabled' * bool(disabled)}"
    )


def _spellings(client: ListrakClient, sender_code: int, country: str, phone: str) -> CheckLine:
    """The spellings of a contact's phone that the account finds; the phone itself is never shown."""
    number = read_phones(string_column([phone]), country)
    if number[0] <= 0:
        raise UsageError("--phone is not a valid phone.", hint="Write it with its +.", code="bad_phone")
    spellings = [
        form.value
        for form in PhoneFormat
        if client.contact(sender_code, write_phones(number, form, country)[0].as_py()) is not None
    ]
    if not spellings:
        raise AccountError(
            "No spelling of this phone is found.",
            hint="Take the phone of a contact that exists.",
            code="phone_not_found",
        )
    best = "digits" if "digits" in spellings else spellings[0]
    return CheckLine("phone", True, f"found as {', '.join(spellings)}; push with --phone-format {best}")
