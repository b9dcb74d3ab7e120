"""What was typed, as the values that the rooms below work with."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any

import typer

from listrak_sms_cli.cli.output import output
from listrak_sms_cli.cli.questions import can_ask, confirm_first_push
from listrak_sms_cli.errors import LsmsError, UsageError
from listrak_sms_cli.options import Option, options_of, refuse_one_place, with_storage
from listrak_sms_cli.settings import OF_A_LOOK, Settings, SettingsOfJob, is_setting, load_settings

if TYPE_CHECKING:
    from listrak_sms_cli.display import Display
    from listrak_sms_cli.jobs import Job
    from listrak_sms_cli.runs import Event, FirstPush, Listener


_ONLY_LOOK = frozenset({"check", "fields", "sender-codes", "init"})  # someone waits for the answer


class Given:
    """`typed`: what was typed, by the name of its option; `context`: Typer's, with the words as they were typed."""

    def __init__(self, context: typer.Context, typed: Mapping[str, Any]) -> None:
        output.use(json=typed["json"], quiet=typed.get("quiet", False), verbose=typed.get("verbose", False))
        self.context = context
        self._answered: set[str] = set()
        self._display: Display | None = None
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
        values = with_storage(values)
        refuse_one_place(options_of(command), values)
        if "yes" in values and can_ask():
            values["confirm"] = self._confirm
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

    def _complete(self, values: dict[str, Any], job: Job) -> None:
        """An audience of a job has the job's name, whatever date is in its path. What is expected of it is a guard, for
        the commands that have some."""
        if "max_drop_rate" in values:
            values["expect"] = job.expect
        if values.get("map") and values.get("skip_column"):
            self._let_typed_columns_win(values)
        if "audience_name" in values and not values["audience_name"] and not self.was_typed("audience"):
            values["audience_name"] = job.name
        output.quiet = values.get("quiet", False)

    def _let_typed_columns_win(self, values: dict[str, Any]) -> None:
        """A column that is typed as one to leave out is not mapped by the job, and the other way round."""
        from listrak_sms_cli.audience import column_key

        for typed, of_job in (("skip_column", "map"), ("map", "skip_column")):
            if self.was_typed(typed) and not self.was_typed(of_job):
                named = {column_key(column) for column in values[typed]}
                left = [column for column in values[of_job] if column_key(column) not in named]
                values[of_job] = {column: values["map"][column] for column in left} if of_job == "map" else tuple(left)

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
        quiet = self.values.get("quiet", False)
        with choose(json=self["json"], quiet=quiet, stream=sys.stderr, summary=output.summarises) as display:
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
