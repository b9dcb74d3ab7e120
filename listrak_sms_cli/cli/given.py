"""What was typed, as the values that the rooms below work with."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import typer

from listrak_sms_cli.cli.output import output
from listrak_sms_cli.cli.questions import can_ask, confirm_first_push
from listrak_sms_cli.errors import UsageError
from listrak_sms_cli.options import Option, options_of
from listrak_sms_cli.settings import OF_A_LOOK, Settings, SettingsOfJob, is_setting, load_settings

if TYPE_CHECKING:
    from listrak_sms_cli.display import Display
    from listrak_sms_cli.jobs import Job
    from listrak_sms_cli.runs import Event, FirstPush, Listener


_ONLY_LOOK = frozenset({"check", "fields", "sender-codes", "init"})  # someone waits for the answer


class Given:
    """`values`: those of all options of the command, by name, as typed, else as the job has them, else the default; of
    settings those that were typed. `context`: Typer's, with the words as they were typed; `job`: None without --job."""

    def __init__(self, context: typer.Context, typed: Mapping[str, Any]) -> None:
        """Raises UsageError for a value that its option cannot have."""
        command = str(context.command.name)
        output.use(json=typed["json"], quiet=typed.get("quiet", False), verbose=typed.get("verbose", False))
        self.context = context
        self._answered: set[str] = set()
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
        self._display: Display | None = None
        if "yes" in self.values and can_ask():
            self.values["confirm"] = self._confirm
        if (page := self.values.get("report")) is not None:
            from listrak_sms_cli.display import PageFile

            output.page = PageFile(page, audience=self.values["audience"])

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    def was_typed(self, name: str) -> bool:
        """Whether the option was typed, or what it says was answered."""
        if name in self._answered:
            return True
        source = self.context.get_parameter_source(name)
        return source is not None and source.name == "COMMANDLINE"

    def answer(self, name: str, value: Any) -> None:
        """A question was answered: as if its option had been typed."""
        self.values[name] = value
        self._answered.add(name)

    def settings(self) -> Settings:
        """Raises SettingsError."""
        of_job = self.job.settings if self.job else SettingsOfJob()
        only_looks = self.context.command.name in _ONLY_LOOK
        return load_settings(self.values, job=of_job, defaults=OF_A_LOOK if only_looks else None)

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

    def _confirm(self, push: FirstPush) -> None:
        with nullcontext() if self._display is None else self._display.paused():
            confirm_first_push(push)

    @contextmanager
    def spinner(self, text: str) -> Iterator[Listener]:
        """A spinner while something is read from Listrak, where there is a terminal."""
        from listrak_sms_cli.display import Spinner

        spinner = Spinner(sys.stderr, wanted=not self["json"])
        with spinner.during(text):
            yield spinner

    @contextmanager
    def display(self) -> Iterator[Listener]:
        """The display that fits the terminal and the options, and the log file beside it."""
        from listrak_sms_cli.display import choose

        log_file = self.values.get("log_file")
        with choose(json=self["json"], quiet=self["quiet"], stream=sys.stderr) as display:
            self._display = display
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
