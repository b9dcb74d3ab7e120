"""The `lsms` command, and the one place where an error becomes a message and an exit code."""

from __future__ import annotations

import gc
import os
import signal
import sys
import traceback
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Annotated, Any, NoReturn

import typer

from listrak_sms_cli.cli.commands import COMMANDS, STYLE, Commands
from listrak_sms_cli.cli.output import output, silence_stdout
from listrak_sms_cli.errors import Interrupted, LsmsError, UsageError
from listrak_sms_cli.stores import shown
from listrak_sms_cli.version import VERSION

app = typer.Typer(
    name="lsms",
    cls=Commands,
    **STYLE,
    no_args_is_help=True,
    help="Update the profile fields of Listrak SMS contacts from an audience file.\n\n"
    "It never creates, deletes, subscribes or unsubscribes anybody.",
)

_SENDING = ("push", "apply", "resume")


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"lsms {VERSION}")
        raise typer.Exit


@app.callback()
def lsms(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", is_eager=True, callback=_show_version)
    ] = False,
) -> None:
    """What stands before a command: `lsms --version`."""


def main() -> NoReturn:
    """Entry point of `lsms`: runs a command and leaves with its exit code."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by the caller (`>&-`)
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123 (open until the end)
    arguments = sys.argv[1:]
    output.running, output.page = False, None
    output.json = "--json" in arguments  # until the command has read its own options
    output.command = next((word for word in arguments if not word.startswith("-")), "")
    code = Interrupted.exit_code
    with suppress(KeyboardInterrupt):  # a late one, while an error is written or just after
        code = _run(arguments)
        _ignore_signals()
    _ignore_signals()
    try:
        with output.writing():
            sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        silence_stdout()
    if output.lost and output.command not in _SENDING:  # these have sent members, whoever reads the result
        code = code or LsmsError.exit_code
    # Python notes a Ctrl-C that passes through code run from a string (importing a dataclass runs some), and would kill
    # itself by SIGINT at the end although it was caught; running another string takes the note back.
    exec("")
    gc.freeze()  # all of it is given back at once: looking for garbage first takes a tenth of a small push
    sys.exit(code)


def _run(arguments: list[str]) -> int:
    try:
        signal.signal(signal.SIGTERM, _interrupt)
        signal.signal(signal.SIGINT, _interrupt)
        result = app(arguments, prog_name="lsms", standalone_mode=False)
        if result == Interrupted.exit_code:  # Typer's way to report Ctrl-C; the commands raise Interrupted instead
            raise KeyboardInterrupt
        return result if isinstance(result, int) else 0
    except LsmsError as error:
        return _fail(error)
    except typer.TyperException as error:
        if not _usage_message(error):  # no command: the help has been shown
            return UsageError.exit_code
        command = f"{output.command} " if output.command in COMMANDS else ""
        problem = UsageError(_usage_message(error), hint=f"{_options_meant(error)}Type: lsms {command}--help")
        _watch_mistyped(problem, arguments)
        return _fail(problem)
    except (KeyboardInterrupt, typer.Abort):
        return _fail(Interrupted("Interrupted."))
    except SystemExit as left:
        if output.running:  # no command leaves so: something below it did
            return _internal(left.__context__ or left)
        if isinstance(left.__context__, BrokenPipeError):  # the reader of a help page has gone
            silence_stdout()
            return 0
        return left.code if isinstance(left.code, int) else 0  # Typer's, of shell completion
    except Exception as error:
        return _internal(error)


def _watch_mistyped(problem: UsageError, arguments: list[str]) -> None:
    """Tells of a push whose words cannot be read, as of any other that fails: by those of its words that can."""
    if output.command != "push":
        return
    from listrak_sms_cli.monitoring import watched

    def fail() -> NoReturn:
        raise problem

    given: dict[str, Any] = {name: f"--{name.replace('_', '-')}" in arguments for name in ("dry_run", "sandbox")}
    given["dry_run"] |= "-n" in arguments
    for word, following in zip(arguments, [*arguments[1:], ""], strict=True):
        for name in ("notify", "audience_name", "sender_code", "state_dir", "config", "profile"):
            option, equals, value = word.partition("=")
            if option == f"--{name.replace('_', '-')}":
                given[name] = value if equals else following
    rest = arguments[arguments.index("push") + 1 :]
    with suppress(LsmsError):
        watched(given, shown(next((word for word in rest if not word.startswith("-")), "")), fail)


def _internal(cause: BaseException) -> int:
    name, hint = type(cause).__name__, "Please report it, with what --verbose adds."
    return _fail(LsmsError(f"Internal error ({name}).", hint=hint, code="internal"), cause)


def _fail(error: LsmsError, cause: BaseException | None = None) -> int:
    with suppress(OSError):  # nobody reads, or the disk is full: the exit code stands
        if output.page is not None:
            output.page.take_error(error)
        if output.json:
            output.document(output.error_document(error))
        else:
            from listrak_sms_cli import display

            if error.report is not None and error.report.rows_read:
                with output.writing():
                    display.summary(error.report, output.console(), paced=output.paced)
            elif error.report is not None:
                from listrak_sms_cli.runs import NOTES

                output.warned(each for each in error.report.warnings if each.code not in NOTES)
            display.error(error, sys.stderr)
        if output.verbose:
            sys.stderr.write(_own_frames(cause or error))
    return error.exit_code


def _own_frames(error: BaseException) -> str:
    """The files and lines of lsms that an error passed through, never a message or a value."""
    home = str(Path(__file__).parent.parent)
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.startswith(home)]
    return "".join(f"  {Path(f.filename).relative_to(home)}:{f.lineno} in {f.name}\n" for f in frames)


def _options_meant(error: Any) -> str:
    """A hint with the options that a misspelt one may mean, the best first; "" for any other error."""
    typed = getattr(error, "option_name", None) or ""
    near = [word for word in getattr(error, "possibilities", None) or () if "--no-" in typed or "--no-" not in word]
    near.sort(key=lambda word: not word.startswith(typed))
    return f"Did you mean {' or '.join(near)}?\n" if near else ""


def _usage_message(error: typer.TyperException) -> str:
    message: Any = getattr(error, "format_message", error.__str__)()
    if getattr(error, "possibilities", None):
        message = error.message
    return str(message).replace("Value error, ", "").removesuffix("unable to parse string as an integer").rstrip(", ")


def _ignore_signals() -> None:
    """A late Ctrl-C must not turn a push that has reported its end into one that was killed."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    """The first Ctrl-C or SIGTERM ends cleanly; the second one at once."""
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    signal.signal(signal.SIGTERM, lambda *_: os._exit(130))
    raise KeyboardInterrupt
