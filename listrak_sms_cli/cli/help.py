"""The pages of `lsms --help` and `lsms COMMAND --help`, which look alike."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from listrak_sms_cli.cli.commands import COMMANDS
from listrak_sms_cli.cli.output import output
from listrak_sms_cli.display import draw_overview

if TYPE_CHECKING:
    from listrak_sms_cli.options import Option

_EXAMPLES = [
    ("lsms push audience.csv --sandbox", "try it: nothing leaves this machine"),
    ("lsms validate audience.csv", "read and check only"),
    ("lsms push audience.csv --sender-code 1026", "the main job"),
]
_MORE = [
    ("lsms COMMAND --help", "the options of a command; also -h, and lsms help COMMAND"),
    ("Questions, bugs", "the issues of the project; --verbose shows where in lsms an error arose"),
]
# The options that most people use; a command with many begins with those it has.
_FIRST = """sender_code sandbox dry_run job map skip_column rejects limit max_drop_rate quiet""".split()
_MANY = 16


def show_commands(context: Any, group: Any) -> None:
    """Write the page of `lsms` itself."""
    options = [record for option in group.get_params(context) if (record := option.get_help_record(context))]
    lines = [(name, line) for name, (_, line) in COMMANDS.items()]
    sections = [("Commands", lines), ("Options", options), ("Examples", _EXAMPLES), ("Help", _MORE)]
    _draw("lsms [OPTIONS] COMMAND [ARGS]…", str(group.help), sections)


def show_options(command: Any) -> None:
    """Write the page of a command: its arguments, the options that most people use, all others by group."""
    from listrak_sms_cli.options import options_of  # `lsms --help` does without them

    options = options_of(command.name)
    named = [option for option in options if not option.positional]
    first = [option for name in _FIRST for option in named if option.name == name] if len(named) > _MANY else []
    sections = [
        ("Arguments", [_record(option) for option in options if option.positional]),
        ("Used most", [_record(option) for option in first]),
    ]
    for group in dict.fromkeys(option.group for option in named if option not in first):
        records = [_record(option) for option in named if option.group == group and option not in first]
        sections.append((group or "Options", records))
    sections.append(("Help", [("-h, --help", "Show this page."), _MORE[1]]))
    arguments = "".join(f" {_words(option)}" for option in options if option.positional)
    _draw(f"lsms {command.name}{arguments} [OPTIONS]", str(command.help), [s for s in sections if s[1]])


def _draw(usage: str, text: str, sections: Iterable[tuple[str, list[tuple[str, str]]]]) -> None:
    paragraphs = [" ".join(paragraph.split()) for paragraph in inspect.cleandoc(text).split("\n\n")]
    with output.writing():
        draw_overview(usage, paragraphs, list(sections), output.console())


def _record(option: Option[Any]) -> tuple[str, str]:
    return _words(option), f"{option.help}{_default(option)}"


def _words(option: Option[Any]) -> str:
    from listrak_sms_cli.options import Choice, Flag

    words = option.words[0] if option.positional else ", ".join(reversed(option.words))
    kind = option.kind
    value = "|".join(kind.words) if isinstance(kind, Choice) else kind.metavar or ""
    return f"{words} {value}".rstrip() if not option.positional and not isinstance(kind, Flag) else words


def _default(option: Option[Any]) -> str:
    """The default, where there is one to be known."""
    default = option.default
    if default is ...:
        return "" if option.positional else " Required."
    if default is None or default == () or default == {} or default is False:
        return ""
    if default is True:
        return f" Default: {option.words[0].partition('/')[0]}."
    if isinstance(default, float):
        return f" Default: {default:g}."
    separated = isinstance(default, int) and default >= 10_000  # 8026 is a port
    return f" Default: {default:,}." if separated else f" Default: {default}."
