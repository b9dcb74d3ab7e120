"""What was typed, as the values that the rooms below work with."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any

import typer

from listrak_sms_cli.cli.output import output
from listrak_sms_cli.errors import LsmsError, UsageError
from listrak_sms_cli.options import Option, options_of
from listrak_sms_cli.settings import Settings, is_setting, load_settings

if TYPE_CHECKING:
    from listrak_sms_cli.jobs import Job
    from listrak_sms_cli.runs import Event, Listener


class Given:
    """`typed`: what was typed, by the name of its option; `context`: Typer's, with the words as they were typed."""

    def __init__(self, context: typer.Context, typed: Mapping[str, Any]) -> None:
        output.use(json=typed["json"], quiet=typed.get("quiet", False), verbose=typed.get("verbose", False))
        self.context = context
        self.typed = typed

    @cached_property
    def job(self) -> Job | None:
        """The job that was named, None without --job. Raises UsageError, also for what the job file holds."""
        if self.typed.get("job") is None:
            return None
        from listrak_sms_cli.jobs import find_job, job_file

        return find_job(self.typed["job"], job_file(self.typed["job_file"]))

    @cached_property
    def values(self) -> dict[str, Any]:
        """The values of all options of the command, by name, as typed, else as the job has them, else the default; of
        settings those that were typed. Raises UsageError for one that its option cannot have."""
        command = str(self.context.command.name)
        try:
            values = {option.name: self._value(option, self.typed[option.name]) for option in options_of(command)}
        except UsageError as error:
            or_job = "Or take it from a job: --job NAME. " if error.code == "missing" and "job" in self.typed else ""
            error.hint = error.hint or f"{or_job}Type: lsms {command} --help"
            raise
        if self.job is not None:
            self._complete(values, self.job)
        if (page := values.get("report")) is not None:
            from listrak_sms_cli.display import PageFile

            output.page = PageFile(page, audience=values["audience"])
        return values

    @property
    def unchecked(self) -> dict[str, Any]:
        """What was typed, else what the job has; also where values, or the job, are wrong."""
        typed = dict(self.typed)
        with suppress(LsmsError):
            if self.job is not None:
                typed |= {name: value for name, value in self.job.values.items() if not self.was_typed(name)}
                typed["audience_name"] = typed["audience_name"] or self.job.name
        return typed

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

    def _complete(self, values: dict[str, Any], job: Job) -> None:
        """An audience of a job has the job's name, whatever date is in its path. What is expected of it is a guard, for
        the commands that have some."""
        if "max_drop_rate" in values:
            values["expect"] = job.expect
        if "audience_name" in values and not values["audience_name"] and not self.was_typed("audience"):
            values["audience_name"] = job.name
        output.quiet = values.get("quiet", False)

    @contextmanager
    def display(self) -> Iterator[Listener]:
        """The display that fits the terminal and the options, and the log file beside it."""
        from listrak_sms_cli.display import choose

        log_file = self.values.get("log_file")
        quiet = self.values.get("quiet", False)
        with choose(json=self["json"], quiet=quiet, stream=sys.stderr, summary=output.summarises) as display:
            if log_file is None:
                yield display
                return

            from listrak_sms_cli.display import LogFile

            with LogFile(log_file, self["log_format"], self.values.get("audience")) as log:

                def both(event: Event) -> None:
                    display(event)
                    log(event)

                yield both
