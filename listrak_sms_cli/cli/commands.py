"""The commands of `lsms` by name and line.

The module and the options of a command are loaded once it is the one to run: those of all take a tenth of a second.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from listrak_sms_cli.errors import LsmsError

_ARENA_MAX = -8  # of mallopt(3)
# Name -> its module in cli/, and the first paragraph of its docstring. The function has the name of the command; it
# takes a Given, and returns None or an exit code.
COMMANDS = {
    "push": (
        "push",
        "Update profile fields from an audience: read, clean, check, send, wait, account for every member.",
    ),
    "validate": ("validate", "Read and clean an audience as push would, and send nothing."),
    "plan": ("plan", "What a push would change, column by column, found by reading what is stored. Nothing is sent."),
    "apply": ("plan", "Carry a plan out: read again, and send just the members that differ."),
    "resume": (
        "runs",
        "Go on with an interrupted run: the same audience, the same options. What Listrak accepted is not sent again.",
    ),
    "status": ("runs", "How a run stands: asks Listrak about its imports."),
    "runs": ("runs", "List the runs of this state folder, the newest first."),
    "report": ("report", "Write a run as one HTML page, as its record has it. Listrak is not asked."),
    "health": ("runs", "Is there a push that ended well and is not too old? Exit 0 or 1, for monitoring."),
    "pull": (
        "pull",
        "Write the contacts of a sender code, with their field values and whether they opted out, to a file.",
    ),
    "verify": (
        "verify",
        "Read the contacts back and compare them with an audience, column by column, as the type of each field means "
        "it.",
    ),
    "fields": (
        "account",
        "List the profile fields of the account, and the column name an audience would use for each.",
    ),
    "sender-codes": ("account", "List the sender codes the credential may use."),
    "check": (
        "check",
        "Is the connection ready? Settings and where each came from, token, sender code, profile fields.",
    ),
    "init": (
        "init",
        "Set an account up: asks for profile, client id, secret and sender code, tries them, and writes the config.",
    ),
    "explain": ("explain", "What the code of an error, a warning or a drop reason means, and what to do."),
    "jobs": ("jobs", "List the jobs of lsms.toml, each of them checked: what goes where, by name."),
    "schema": (
        "schema",
        "Write a JSON Schema: of job files, the config file, the report that --json prints, or a plan file.",
    ),
    "sandbox": ("sandbox", "Serve a simulated Listrak on loopback until Ctrl-C. Nothing leaves the machine."),
}
# What the whole of `lsms` and each command are built with.
STYLE: dict[str, Any] = {
    "pretty_exceptions_enable": False,
    "rich_markup_mode": None,
    "context_settings": {"help_option_names": ["-h", "--help"]},
}


def leave_as_typed(parameters: Iterable[Any]) -> None:
    """Lets the values of a Typer command pass as they were typed: each option checks them as it is declared.

    Typer's own checks import pydantic, which takes a tenth of the time of a push of ten members, or more. Typer 0.29
    fetches what checks a value from each parameter; a Typer that does not would check them, and pass the same values.
    """
    for parameter in parameters:
        parameter.get_runtime_param = _AsTyped


class _AsTyped:
    """Stands for what Typer checks a value with."""

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:  # noqa: ARG002 (as Typer calls it)
        return () if value is None and param.multiple else value


class Commands(TyperGroup):
    """Lists and completes the commands by their lines; the one that was typed is loaded."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        for name, (_, line) in COMMANDS.items():
            self.add_command(TyperCommand(name, help=line))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Sort the words without Typer's checks of their values. `help COMMAND` is `COMMAND --help`."""
        leave_as_typed(self.get_params(ctx))
        if args[:1] == ["help"]:
            args = [*args[1:2], "--help"]
        return super().parse_args(ctx, args)

    def format_help(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 (drawn at once, not formatted)
        """Write the page of `lsms --help`."""
        from listrak_sms_cli.cli.help import show_commands

        show_commands(ctx, self)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that was typed, loaded, and the words behind it."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, command and load_command(str(name)), rest


class Command(TyperCommand):
    """The command that is run."""

    def format_help(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 (drawn at once, not formatted)
        """Write the page of `lsms COMMAND --help`."""
        from listrak_sms_cli.cli.help import show_options

        show_options(self)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Sort the words without Typer's checks of their values."""
        leave_as_typed(self.get_params(ctx))
        return super().parse_args(ctx, args)

    def make_parser(self, ctx: Any) -> Any:
        """Understand `--no-FLAG` as well, which the help does not list: it takes back what a job switches on."""
        parser = super().make_parser(ctx)
        flags: list[Any] = [param for param in self.get_params(ctx) if getattr(param, "is_bool_flag", False)]
        for flag in flags if any(param.name == "job" for param in self.get_params(ctx)) else ():
            if not flag.secondary_opts and flag.name != "help":
                word = f"--no-{str(flag.name).replace('_', '-')}"
                parser.add_option(obj=flag, opts=[word], dest=flag.name, action="store_const", const=False)
        return parser


def load_command(name: str) -> Any:
    """The whole command: its function, with the options that are declared for it."""
    from listrak_sms_cli.cli.parameters import signature_of

    function = getattr(import_module(f"listrak_sms_cli.cli.{COMMANDS[name][0]}"), name.replace("-", "_"))

    def run(context: typer.Context, **typed: Any) -> Any:
        from listrak_sms_cli.cli.given import Given

        _share_memory()
        try:
            return function(Given(context, typed))
        except LsmsError as error:
            if error.settled_by:
                from listrak_sms_cli.cli.push_command import settle

                settle(error, context)
            raise

    run.__doc__ = function.__doc__
    run.__signature__ = signature_of(name)  # type: ignore[attr-defined]
    alone = typer.Typer(**STYLE, add_completion=False)
    alone.command(name, cls=Command)(run)
    return typer.main.get_command(alone)


def _share_memory() -> None:
    """Have threads share the memory that they free, else each keeps its own: a tenth of the memory of a push. Before
    there are any; the pages of help do without."""
    import ctypes

    with suppress(AttributeError):  # another C library than glibc
        ctypes.CDLL(None).mallopt(_ARENA_MAX, 1)
