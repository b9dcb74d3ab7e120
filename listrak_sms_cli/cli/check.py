"""`lsms check`: whether the connection is ready."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain
from typing import TYPE_CHECKING, Any

import msgspec
import typer

from listrak_sms_cli.cli.given import Given
from listrak_sms_cli.cli.output import output
from listrak_sms_cli.errors import LsmsError
from listrak_sms_cli.settings import Settings

if TYPE_CHECKING:
    from listrak_sms_cli.runs import CheckLine


def check(given: Given) -> None:
    """Is the connection ready? Settings and where each came from, token, sender code, profile fields.

    Without a sender code the token is tried, and the sender codes are listed. With the phone of a contact that exists:
    which of its spellings the account finds, and so which --phone-format to push with.

    Example: lsms check --sender-code 1026
    """
    settings = given.settings()
    if not given["json"]:
        _draw_heading(settings)

    from listrak_sms_cli.display import Spinner
    from listrak_sms_cli.runs import check_connection, check_learned, check_settings

    lines = check_settings(settings)
    if not given["json"]:
        _draw(lines, settings)
    spinner = Spinner(sys.stderr, wanted=not given["json"])
    if lines[-1].error is None:
        found = check_connection(settings, given["phone"], spinner, spinner.during)
        for line in chain(found, _learned(settings)):
            lines.append(line)
            if not given["json"]:
                _draw([line], settings)
    learned = check_learned(settings)
    lines += learned
    if learned and not given["json"]:
        _draw(learned, settings)
    failed = next((line.error for line in lines if line.error), None)
    if given["json"]:
        _write_document(settings, lines, failed)
    elif not failed:
        output.line(_next_step(given, settings))
    if failed:
        raise typer.Exit(failed.exit_code)


def _learned(settings: Settings) -> Iterator[CheckLine]:
    """What canaries have found out about the account."""
    from listrak_sms_cli.runs import CheckLine, learned_about

    with suppress(LsmsError):
        learned = learned_about(settings)
        for name, text in learned.facts.items():
            yield CheckLine(name, None, f"{text} (learned from a canary, {learned.at[:10]})")


def _draw(lines: list[CheckLine], settings: Settings) -> None:
    """Write lines that are known. The path of the config file stands in the first line alone."""
    rows: list[tuple[bool | None, str, str, str]] = []
    for line in lines:
        rows.append((line.ok, line.check, line.detail, line.source.replace(f" in {settings.config}", "")))
        rows += [(None, "", hint, "") for hint in (line.error.hint.splitlines() if line.error else ())]
    output.checks(rows)


def _draw_heading(settings: Settings) -> None:
    there = settings.config.is_file()
    found = f"profile {settings.profile} in {settings.config}" if there else f"none ({settings.config} is not there)"
    output.line(f"Config: {found}")


def _next_step(given: Given, settings: Settings) -> str:
    typed = [(name, given[name]) for name in ("profile", "sender_code") if given[name]]
    named = "".join(f" --{name.replace('_', '-')} {shlex.quote(str(value))}" for name, value in typed)
    if settings.sender_code is None:
        return f"Ready. Next, with one of them: lsms check{named} --sender-code ID"
    return f"Ready. Next: lsms validate AUDIENCE{named}"


def _write_document(settings: Settings, lines: list[CheckLine], failed: LsmsError | None) -> None:
    codes = [code for line in lines for code in line.sender_codes]
    document: dict[str, Any] = {
        "ready": failed is None,
        "profile": settings.profile,
        "config": str(settings.config),
        "give_up_after": settings.give_up_after,
        "checks": [
            {"check": line.check, "ok": line.ok, "detail": line.detail, "source": line.source or None} for line in lines
        ],
        "sender_codes": msgspec.to_builtins(codes) if codes else None,
        "exit_code": failed.exit_code if failed else 0,
        "error": output.error_document(failed)["error"] if failed else None,
    }
    output.document(document)
