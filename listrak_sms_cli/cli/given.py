"""What was typed, as the values that the rooms below work with."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

from listrak_sms_cli.cli.output import output
from listrak_sms_cli.errors import UsageError
from listrak_sms_cli.options import Option, options_of
from listrak_sms_cli.settings import Settings, is_setting, load_settings

if TYPE_CHECKING:
    from listrak_sms_cli.jobs import Job
    from listrak_sms_cli.runs import Event, Listener


class Given:
    """`values`: those of all options of the command, by name, as typed, else as the job has them, else the default; of
    settings those that were typed. `context`: Typer's, with the words as they were typed; `job`: None without --job."""

    def __init__(self, context: typer.Context, typed: Mapping[str, Any]) -> None:
        """Raises UsageError for a value that its option cannot have."""
        command = str(context.command.name)
        output.use(json=typed["json"], quiet=typed.get("quiet", False), verbose=typed.get("verbose", False))
        self.context = context
        self.job = _job_of(typed)
        try:
            self.values = {option.name: self._value(option, typed[option.name]) for option in options_of(command)}
        except UsageError as error:
            help_page = f"lsms {command} --help"
            job = "Or take it from a job: --job NAME. " if error.code == "missing" and "job" in typed else ""
            error.hint = error.hint or f"{job}Type: {help_page}"
            raise
        if self.job is not None:
            self._complete(self.job)
        if (page := self.values.get("report")) is not None:
            from listrak_sms_cli.display import PageFile

            output.page = PageFile(page, audience=self.values["audience"])

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    def was_typed(self, name: str) -> bool:
        """Whether the option was typed."""
        source = self.context.get_parameter_source(name)
        return source is not None and source.name == "COMMANDLINE"

    def settings(self) -> Settings:
        """Raises SettingsError."""
        return load_settings(self.values, job=self.job.settings) if self.job else load_settings(self.values)

    def _value(self, option: Option[Any], typed: Any) -> Any:
        if self.job is None or self.was_typed(option.name) or is_setting(option.name):
            return option.typed(typed)
        return self.job.values[option.name] if option.name in self.job.values else option.typed(typed)

    def _complete(self, job: Job) -> None:
        """An audience of a job has the job's name, whatever date is in its path. What is expected of it is a guard, for
        the commands that have some."""
        if "max_drop_rate" in self.values:
            self.values["expect"] = job.expect
        if "audience_name" in self.values and not self["audience_name"] and not self.was_typed("audience"):
            self.values["audience_name"] = job.name
        output.quiet = self.values.get("quiet", False)

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


def _job_of(typed: Mapping[str, Any]) -> Job | None:
    if typed.get("job") is None:
        return None
    from listrak_sms_cli.jobs import find_job, job_file

    return find_job(typed["job"], job_file(typed["job_file"]))
