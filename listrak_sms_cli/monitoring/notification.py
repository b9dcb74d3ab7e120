"""A message to the services that `--notify` names, by apprise."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import Enum
from typing import Any

from msgspec import Struct

from listrak_sms_cli.explain import explanation_of
from listrak_sms_cli.runs import Report

_LOGGERS = ("apprise", "urllib3", "requests")  # what they say may name the address, and so a secret

# Codes of errors whose messages name columns of the file. Where it has no header, these are values of a member.
_NAMES_COLUMNS = frozenset(
    """different_columns duplicate_column invisible_character mapped_and_skipped mapped_twice
    no_phone_column phone_skipped reserved_column several_phone_columns shared_field unknown_column unmatched_columns
    unreadable_column""".split()
)


class Mood(Enum):
    """What kind of news it is, in apprise's words."""

    FAILURE = "failure"
    WARNING = "warning"
    RECOVERY = "success"


class Message(Struct, frozen=True):
    """What is told: counts, names of files, columns that warnings are about, and what to do; no member data, no
    secret."""

    mood: Mood
    title: str
    body: str


def message_of(report: Report, name: str, *, recovered: bool) -> Message | None:
    """What there is to tell of the push of the audience of that name, if anything. `recovered`: it had failed
    before."""
    new = [f"- {warning.message} [{warning.code}]" for warning in report.warnings if warning.new]
    counts = f"{report.rows_sent:,} of {report.rows_read:,} members sent, {report.rows_dropped:,} dropped."
    lines = [f"Run {report.run_id}: {counts}"] if report.run_id else []
    if error := report.error:
        title = f"lsms: the push of {name} failed ({error.code}, exit {report.exit_code})"
        words = [error.message, error.hint]
        if error.code in _NAMES_COLUMNS:
            known = explanation_of(error.code)
            words = [known.means, known.do, "The columns are named where the push ran, in its output and its log."]
        return Message(Mood.FAILURE, title, "\n".join([*words, *lines]))
    if not new and not recovered:
        return None
    mood = Mood.WARNING if new else Mood.RECOVERY
    words = [*(["works again"] if recovered else []), *(["has new warnings"] if new else [])]
    return Message(mood, f"lsms: the push of {name} {' and '.join(words)}", "\n".join([*lines, *new]))


def send(urls: str, message: Message) -> tuple[int, int]:
    """Send the message to the addresses (apprise's, or plain webhooks), which blanks or commas separate. Return how
    many of them took it, and how many there are. Redirects are not followed, and no .netrc is read."""
    with _alone():
        import apprise
        from apprise.utils import parse

        asset = apprise.AppriseAsset(async_mode=False, http_redirects=False, storage_mode="memory", app_id="lsms")
        addresses: list[str] = parse.parse_urls(urls)  # type: ignore[no-untyped-call]
        services = [_service(apprise, asset, url) for url in addresses]
        return sum(_took(service, message) for service in services), len(services)


def _service(apprise: Any, asset: Any, url: str) -> Any:
    """The service at an address; None for one that apprise does not know. A web address that is no known service's is a
    webhook that takes JSON."""
    plain = url.casefold().startswith(("http://", "https://"))
    service = apprise.Apprise.instantiate(url, asset=asset)
    if service is None and plain:
        service = apprise.Apprise.instantiate(f"json{url[4:]}", asset=asset)
    if service is not None:
        service.redirects = False  # whatever the address says
    return service


def _took(service: Any, message: Message) -> bool:
    with suppress(Exception):  # of any plugin; its text may name the address
        return bool(service and service.notify(message.body, title=message.title, notify_type=message.mood.value))
    return False


@contextmanager
def _alone() -> Iterator[None]:
    """Inside, what sends reads no .netrc, uses no proxy for loopback, logs nothing and warns of nothing."""
    loopback = "localhost,127.0.0.1,::1"
    changed = {"NETRC": os.devnull}
    for name in ("NO_PROXY", "no_proxy"):
        changed[name] = ",".join(filter(None, (os.environ.get("NO_PROXY") or os.environ.get("no_proxy"), loopback)))
    before = {name: os.environ.get(name) for name in changed}
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    levels = [logger.level for logger in loggers]
    os.environ.update(changed)
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # apprise's plugins import modules that Python deprecates
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
