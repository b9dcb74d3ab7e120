"""The declarations: what follows from them agrees with them, and each kind of value is read as it is meant."""

from __future__ import annotations

from inspect import signature
from pathlib import Path
from typing import Any, Literal, get_type_hints

import pytest
import typer

import listrak_sms_cli
from listrak_sms_cli import keywords
from listrak_sms_cli.cli.commands import COMMANDS, leave_as_typed
from listrak_sms_cli.cli.parameters import signature_of
from listrak_sms_cli.errors import LsmsError, UsageError
from listrak_sms_cli.options import Option, in_keywords, job_options, keywords_of, options_of, values_by_name
from listrak_sms_cli.options.kinds import (
    Choice,
    Duration,
    File,
    FileName,
    Flag,
    Kind,
    LocalOutput,
    Mapped,
    Name,
    Number,
    Output,
    SenderCodeId,
    Setting,
    StorageOptions,
    Text,
    Texts,
    Whole,
)
from listrak_sms_cli.runs import PushOptions, ReadingOptions, push_options

SHARED = get_type_hints(keywords.SharedKeywords)
TYPES: dict[type[Kind[Any]], object] = {
    Text: str,
    Name: str,
    Setting: int | str,
    SenderCodeId: int | str,
    FileName: SHARED["config"],
    File: SHARED["rejects"],
    LocalOutput: SHARED["rejects"],
    Output: SHARED["rejects"],
    Flag: bool,
    Whole: int,
    Number: float,
    Texts: SHARED["null_value"],
    Mapped: SHARED["map"],
    StorageOptions: SHARED["storage_option"],
    Duration: float | str,
}


def python_type(option: Option[Any]) -> object:
    kind = option.kind
    return (Literal[kind.words] if isinstance(kind, Choice) else TYPES[type(kind)]) | None  # type: ignore[operator]


@pytest.mark.parametrize(
    ("command", "typed"),
    [
        ("push", keywords.PushKeywords),
        ("validate", keywords.ValidateKeywords),
        ("plan", keywords.PlanKeywords),
        ("apply", keywords.ApplyKeywords),
        ("verify", keywords.VerifyKeywords),
        ("pull", keywords.PullKeywords),
        ("resume", keywords.ResumeKeywords),
    ],
)
def test_the_typed_keywords_are_those_declared(command: str, typed: type) -> None:
    """An editor completes just the keywords that there are, each with the type of its kind."""
    parameters = signature(getattr(listrak_sms_cli, command)).parameters
    declared = [option for option in keywords_of(command) if option.name not in parameters]
    assert get_type_hints(typed) == {option.name: python_type(option) for option in declared}


@pytest.mark.parametrize("command", COMMANDS)
def test_the_options_of_a_command_have_names_of_their_own(command: str) -> None:
    """No two options of a command share a name or a word, and each has a help text."""
    options = options_of(command)
    words = [word for option in options for word in option.words]
    assert len({option.name for option in options}) == len(options)
    assert len(set(words)) == len(words)
    assert all(option.help for option in options)


def test_every_option_belongs_to_a_command_that_there_is() -> None:
    """A misspelt command in a declaration would hide the option."""
    named = {command for name in COMMANDS for option in options_of(name) for command in option.commands}
    assert named == set(COMMANDS)


def test_a_push_holds_every_option_that_is_declared_for_it() -> None:
    """What Python may give to `push` reaches the options that the run works with, at its default too."""
    options = push_options({})
    names = {option.name for option in (*PushOptions.options, *ReadingOptions.options)}
    settings = {
        "client_id",
        "client_secret",
        "sender_code",
        "api_url",
        "token_url",
        "profile",
        "config",
        "state_dir",
        "give_up_after",
    }
    watched = {"report", "notify", "metrics_file"}
    assert {option.name for option in keywords_of("push")} <= names | settings | watched
    assert (options.batch_rows, options.refresh_after, options.waiting.timeout) == (250_000, 604_800.0, 3600.0)
    assert (options.reading.keep, options.reading.null_value, options.reading.map) == ("last", (), {})


LINES: dict[str, dict[str, object]] = {
    "a.csv": {"audience": "a.csv", "sender_code": None, "batch_rows": 250_000, "null_value": (), "map": {}},
    "7 --sender-code 1026 --batch-rows 2 --limit 0 --no-wait": {"audience": "7", "sender_code": "1026",
        "batch_rows": 2, "limit": 0, "wait": False},
    "a.csv --null-value NA --null-value 7 --keep first --max-drop-rate 2.5 --rejects x.csv": {
        "null_value": ("NA", "7"), "keep": "first", "max_drop_rate": 2.5, "rejects": Path("x.csv")},
    "a.csv --batch-rows 1_000 --limit 5.0 -q": {"batch_rows": 1000, "limit": 5, "quiet": True},
    "a.csv --wait-timeout 10m --refresh-after 1.5h": {"wait_timeout": 600.0, "refresh_after": 5400.0},
    "a.csv --map tier=7 --map x=y=z --give-up-after=": {"map": {"tier": "7", "x=y": "z"}, "give_up_after": None},
}  # fmt: skip
REFUSED = (
    "--batch-rows 1",
    "--limit x",
    "--limit 1.5",
    "--limit nan",
    "--limit -1",
    "--keep neither",
    "--keep First",
    "--max-drop-rate 101",
    "--max-drop-rate nan",
    "--concurrency 33",
    "--wait-timeout soon",
    "--map tier",
    "--map =x",
)


def values(line: str, *, as_typed: bool) -> dict[str, Any]:
    """What the options of `push` come to, with Typer's own checks of the words or without."""

    def run(context: typer.Context, **typed: Any) -> dict[str, Any]:  # noqa: ARG001
        return {option.name: option.typed(typed[option.name]) for option in options_of("push")}

    run.__signature__ = signature_of("push")  # type: ignore[attr-defined]
    app = typer.Typer(add_completion=False)
    app.command()(run)
    command = typer.main.get_command(app)
    if as_typed:
        leave_as_typed(command.params)
    found: dict[str, Any] = command(line.split(), standalone_mode=False)
    return found


@pytest.mark.parametrize("as_typed", [True, False])
@pytest.mark.parametrize("line", LINES)
def test_what_is_typed_becomes_a_value(line: str, as_typed: bool) -> None:
    """Each option has the value and the type that is meant, whether Typer has looked at it or not."""
    found = values(line, as_typed=as_typed)
    for name, value in LINES[line].items():
        assert (found[name], type(found[name])) == (value, type(value))


@pytest.mark.parametrize("as_typed", [True, False])
@pytest.mark.parametrize("words", REFUSED)
def test_what_is_typed_wrong_is_refused(words: str, as_typed: bool) -> None:
    """A value of the wrong kind or out of range is a usage error that names the option."""
    with pytest.raises((UsageError, typer.TyperException)) as caught:
        values(f"a.csv {words}", as_typed=as_typed)
    assert words.split()[0] in getattr(caught.value, "format_message", caught.value.__str__)()
    assert isinstance(caught.value, LsmsError) or not as_typed


def test_values_as_python_gives_them() -> None:
    """Numpy's numbers, any iterable of texts, paths, seconds and None are understood."""
    import numpy as np

    given = {"batch_rows": np.int64(7), "max_drop_rate": np.float32(2.5), "null_value": (word for word in ("a", "b"))}
    given |= {"rejects": Path("x"), "wait_timeout": 90, "limit": None, "map": {"tier": 7}}
    found = values_by_name(keywords_of("push"), given)
    assert (found["batch_rows"], found["max_drop_rate"], found["null_value"]) == (7, 2.5, ("a", "b"))
    assert (found["rejects"], found["wait_timeout"], found["limit"]) == (Path("x"), 90.0, None)
    assert found["map"] == {"tier": "7"}


@pytest.mark.parametrize(
    ("name", "hint"), [("max_drop_rat", "Did you mean max_drop_rate?"), ("zzz", "Known: sender_code, ")]
)
def test_an_unknown_name_is_refused_with_the_nearest(name: str, hint: str) -> None:
    """A misspelt name is answered with the one that was meant, any other with all that there are."""
    with pytest.raises(UsageError, match=f"no option {name}") as caught:
        values_by_name(keywords_of("push"), {name: 1})
    assert caught.value.hint.startswith(hint)


@pytest.mark.parametrize(
    ("message", "in_python"),
    [
        ("more than --max-drop-rate 5 allows", "more than max_drop_rate 5 allows"),
        ("leave --no-wait out", "leave wait=False out"),
        ("add --no-warn CODE, -- or --json", "add no_warn CODE, -- or --json"),
        (
            "Raise --give-up-after. Go on with: lsms resume --wait",
            "Raise give_up_after. Go on with: lsms resume --wait",
        ),
    ],
)
def test_messages_speak_of_keywords_in_python(message: str, in_python: str) -> None:
    """Options that are keywords lose their dashes; commands to type keep them."""
    assert in_keywords(message, keywords_of("push")) == in_python


@pytest.mark.parametrize("option", [*job_options().values(), *options_of("push")], ids=lambda option: option.name)
def test_an_empty_text_is_not_taken_for_none(option: Option[Any]) -> None:
    """A variable that is not set leaves no text: an audience would be the folder we are in, no consent would be asked
    for. A duration has its default then."""
    if isinstance(option.kind, Text | FileName | File | Output | Setting) and not isinstance(option.kind, Name):
        with pytest.raises(UsageError, match=" is empty"):
            option.typed("")
        with pytest.raises(UsageError, match=f"^{option.name} is empty"):
            option.given("")
