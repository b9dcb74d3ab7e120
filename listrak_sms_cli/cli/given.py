"""What was typed, as the values that the rooms below work with."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

import typer

from listrak_sms_cli.cli.output import output
from listrak_sms_cli.errors import UsageError
from listrak_sms_cli.options import options_of
from listrak_sms_cli.settings import Settings, load_settings

if TYPE_CHECKING:
    from listrak_sms_cli.runs import Event, Listener


class Given:
    """`typed`: what was typed, by the name of its option; `context`: Typer's, with the words as they were typed."""

    def __init__(self, context: typer.Context, typed: Mapping[str, Any]) -> None:
        output.use(json=typed["json"], quiet=typed.get("quiet", False), verbose=typed.get("verbose", False))
        self.context = context
        self.typed = typed

    @cached_property
    def values(self) -> dict[str, Any]:
        """The values of all options of the command, by name. Raises UsageError for one that its option cannot have."""
        command = str(self.context.command.name)
        try:
            return {option.name: option.typed(self.typed[option.name]) for option in options_of(command)}
        except UsageError as error:
            error.hint = error.hint or f"Type: lsms {command} --help"
            raise

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    def settings(self) -> Settings:
        """Raises SettingsError."""
        return load_settings(self.values)

    @contextmanager
    def display(self) -> Iterator[Listener]:
        """The display that fits the terminal and the options, and the log file beside it."""
        from listrak_sms_cli.display import choose

        log_file = self.values.get("log_file")
        with choose(json=self["json"], quiet=self["quiet"], stream=sys.stderr) as display:
            if log_file is None:
                yield display
                return

            from listrak_sms_cli.display import LogFile

            with LogFile(log_file, self["log_format"], self.values.get("audience")) as log:

                def both(event: Event) -> None:
                    display(event)
                    log(event)

                yield both
