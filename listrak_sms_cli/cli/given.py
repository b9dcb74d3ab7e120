"""From what was typed to the values the rooms below work with. `params` is Typer's `Context.params`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from listrak_sms_cli.errors import UsageError
from listrak_sms_cli.settings import Settings, load_settings, parse_duration

if TYPE_CHECKING:
    from listrak_sms_cli.runs.events import Event, Listener
    from listrak_sms_cli.runs.options import PushOptions, ReadingOptions

_SETTINGS = ("sender_code", "api_url", "token_url", "profile", "config", "state_dir", "give_up_after")


def settings(params: Mapping[str, Any]) -> Settings:
    return load_settings({name: params.get(name) for name in _SETTINGS})


def reading_options(params: Mapping[str, Any]) -> ReadingOptions:
    from listrak_sms_cli.audience.columns import ColumnChoices
    from listrak_sms_cli.audience.files import ReadOptions
    from listrak_sms_cli.audience.phones import PhoneFormat
    from listrak_sms_cli.runs.options import ReadingOptions

    return ReadingOptions(
        read=ReadOptions(
            format=params["format_"],
            delimiter=params["delimiter"],
            encoding=params["encoding"],
            sheet=params["sheet"],
        ),
        columns=ColumnChoices(
            phone_column=params["phone_column"],
            mapping=_mapping(params["map_"] or []),
            skip=tuple(params["skip_column"] or ()),
            skip_unmatched=params["skip_unmatched"],
            consent_column=params["consent_column"],
        ),
        region=params["region"],
        phone_format=PhoneFormat(params["phone_format"].value),
        keep=params["keep"].value,
        on_bad_value=params["on_bad_value"].value,
        null_values=tuple(params["null_value"] or ()),
        date_format=params["date_format"],
        rejects=params["rejects"],
        limit=params["limit"],
        allow_empty=params["allow_empty"],
        silenced=frozenset(params["no_warn"] or ()),
    )


def push_options(params: Mapping[str, Any]) -> PushOptions:
    from listrak_sms_cli.runs.options import PushOptions

    return PushOptions(
        reading=reading_options(params),
        batch_rows=params["batch_rows"],
        concurrency=params["concurrency"],
        max_drop_rate=params["max_drop_rate"],
        wait=params["wait"],
        wait_timeout=parse_duration(params["wait_timeout"], "--wait-timeout"),
        dry_run=params["dry_run"],
        sandbox=params["sandbox"],
    )


@contextmanager
def display(params: Mapping[str, Any]) -> Iterator[Listener]:
    """The display the person asked for, and the log file beside it."""
    from listrak_sms_cli.display import choose
    from listrak_sms_cli.display.log import LogFile

    with choose(json=params["json"], quiet=params["quiet"], stream=sys.stderr) as shown:
        if params["log_file"] is None:
            yield shown
            return
        with LogFile(params["log_file"], params["log_format"].value) as log:

            def both(event: Event) -> None:
                shown(event)
                log(event)

            yield both


def _mapping(pairs: list[str]) -> dict[str, str]:
    mapping: dict[str, str] = {}
    for pair in pairs:
        column, equals, field = pair.partition("=")
        if not equals or not column.strip() or not field.strip():
            raise UsageError(
                f"--map {pair} is not COLUMN=FIELD.", hint="Such as --map tier=Loyalty_Tier or --map tier=7."
            )
        if column in mapping:
            raise UsageError(f"--map names the column {column} twice.")
        mapping[column] = field
    return mapping
