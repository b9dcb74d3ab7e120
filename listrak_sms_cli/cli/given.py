"""What was typed, as the values that the rooms below work with."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

from listrak_sms_cli.cli.output import output
from listrak_sms_cli.errors import UsageError
from listrak_sms_cli.options import options_of
from listrak_sms_cli.settings import Settings, load_settings

if TYPE_CHECKING:
    from listrak_sms_cli.runs import Event, Listener


class Given:
    """`values`: those of all options of the command, by name; `context`: Typer's, with the words as they were typed."""

    def __init__(self, context: typer.Context, typed: Mapping[str, Any]) -> None:
        """Raises UsageError for a value that its option cannot have."""
        command = str(context.command.name)
        output.use(json=typed["json"], quiet=typed.get("quiet", False), verbose=typed.get("verbose", False))
        self.context = context
        try:
            self.values = {option.name: option.typed(typed[option.name]) for option in options_of(command)}
        except UsageError as error:
            error.hint = error.hint or f"Type: lsms {command} --help"
            raise
        if (page := self.values.get("report")) is not None:
            from listrak_sms_cli.display import PageFile

            output.page = PageFile(page, audience=self.values["audience"])

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
