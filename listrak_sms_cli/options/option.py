"""An option, and values of options by attribute."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, ClassVar, Generic, Self, TypeVar, cast, overload

from listrak_sms_cli.errors import UsageError
from listrak_sms_cli.options.kinds import EmptyText, Flag, Kind, LocalOutput, Output
from listrak_sms_cli.stores import StoreUrl

_V = TypeVar("_V")
_T = TypeVar("_T")


class Option(Generic[_V]):
    """One option. The attribute it is declared as is its name; `group` the heading of the help it stands under.

    `text` is its help. `default`: a value, or as it is typed (`7d`); None: no value, `...`: it must be given.
    `commands`: the names of the commands that have it. As an attribute of an `Options` it is its value.
    """

    name = ""
    group = ""
    positional = False

    @overload
    def __init__(
        self: Option[_T | None], kind: Kind[_T], default: None, text: str, commands: str, short: str = ...
    ) -> None: ...
    @overload
    def __init__(
        self: Option[_T], kind: Kind[_T], default: object, text: str, commands: str, short: str = ...
    ) -> None: ...
    def __init__(self, kind: Kind[Any], default: Any, text: str, commands: str, short: str = "") -> None:
        self.kind = kind
        self.default = default
        self.help = text
        self.commands = tuple(commands.split())
        self.short = short

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, values: None, owner: type) -> Self: ...
    @overload
    def __get__(self, values: Options, owner: type) -> _V: ...
    def __get__(self, values: Options | None, owner: type) -> Self | _V:
        if values is None:
            return self
        value: _V = values.by_name[self.name]
        return value

    @property
    def words(self) -> list[str]:
        """The words that name it on the command line: `--keep`; `--wait/--no-wait`; `--quiet`, `-q`."""
        word = f"--{self.name.replace('_', '-')}"
        if isinstance(self.kind, Flag) and self.kind.negated:
            word += f"/--no-{word[2:]}"
        return [word, self.short] if self.short else [word]

    @property
    def schema(self) -> dict[str, Any]:
        """JSON Schema of its value in a file."""
        return {"description": self.help, **self.kind.json_schema()}

    def typed(self, value: object) -> _V:
        """The value of what was typed on the command line. UsageError speaks of the option: `--max-drop-rate`."""
        return self._checked(value, self.words[0].partition("/")[0], typed=isinstance(value, str | list))

    def given(self, value: object) -> _V:
        """The value of what Python or a job file gives, None: the default. UsageError speaks of the name."""
        return self._checked(value, self.name)

    def _checked(self, value: object, shown: str, *, typed: bool = False) -> _V:
        kind = self.kind
        if value is None or (kind.blank_is_default and isinstance(value, str) and not value):
            if self.default is ...:
                raise UsageError(f"{shown} is missing.", code="missing")
            value = self.default
        try:
            return cast(_V, None if value is None else kind.value(value, typed=typed))
        except EmptyText:
            hint = f"{'Name it' if self.positional else 'Leave it out'}, or set the variable that it comes from."
            raise UsageError(f"{shown} is empty.", hint=hint, code="empty_option") from None
        except (TypeError, ValueError, OverflowError):
            raise UsageError(f"{shown} is not {kind.wanted}.", hint=kind.hint, code=kind.code) from None


class Argument(Option[str | None]):
    """What is typed without the name of an option."""

    positional = True

    @property
    def words(self) -> list[str]:
        """What the help calls it."""
        return [self.kind.metavar or self.name.upper()]


class Options:
    """Base of groups of options. `by_name`: their values, those that were not given at their defaults.

    A subclass declares options as class attributes. `group` is their heading in the help; `keywords`: whether Python
    has them too.
    """

    options: ClassVar[tuple[Option[Any], ...]] = ()
    keywords: ClassVar[bool] = True

    def __init_subclass__(cls, *, group: str = "", keywords: bool = True) -> None:
        own = [option for option in vars(cls).values() if isinstance(option, Option)]
        for option in own:
            option.group = group
        cls.options = (*(option for base in cls.__bases__ for option in getattr(base, "options", ())), *own)
        cls.keywords = keywords

    def __init__(self, **given: object) -> None:
        """`given` as from Python; raises UsageError for a value that is not of its option's kind."""
        self.by_name = {option.name: option.given(given.pop(option.name, None)) for option in self.options}
        if given:
            raise TypeError(f"{type(self).__name__} has no option {', '.join(given)}")

    @classmethod
    def of(cls, given: Mapping[str, object]) -> Self:
        """Those of the values given that are options of this class."""
        return cls(**{option.name: given.get(option.name) for option in cls.options})


def nearest(name: str, known: Collection[str]) -> str:
    """A hint for a name that is not known: the nearest that is, else all of them."""
    return did_you_mean(name, known) or f"Known: {', '.join(known) or 'none'}."


def did_you_mean(name: str, known: Iterable[str], most: int = 1) -> str:
    """A hint with the names nearest to one that is not known, the best first; "" where none is near. Case does not
    count."""
    by_key: dict[str, str] = {}
    for word in known:
        by_key.setdefault(word.casefold(), word)
    near = [by_key[key] for key in difflib.get_close_matches(name.casefold(), by_key, most)]
    return f"Did you mean {' or '.join(near)}?" if near else ""


def values_by_name(options: Sequence[Option[Any]], given: Mapping[str, object]) -> dict[str, Any]:
    """The values of all `options` by name, from what Python or a job file gives. Raises UsageError for a name that is
    none of theirs, with the nearest that is, and for a value that is not of its option's kind."""
    known = [option.name for option in options]
    for name in given:
        if name not in known:
            raise UsageError(f"There is no option {name}.", hint=nearest(name, known))
    values = with_storage({option.name: option.given(given.get(option.name)) for option in options})
    refuse_one_place(options, values)
    return values


def refuse_one_place(options: Iterable[Option[Any]], values: Mapping[str, Any]) -> None:
    """Raise UsageError where two of the options name one file: the first that is written would be lost."""
    named: dict[str, str] = {}
    for option in options:
        value = values.get(option.name)
        if value is None or not isinstance(option.kind, Output | LocalOutput):
            continue
        place = str(value) if isinstance(value, StoreUrl) else os.path.realpath(value)
        if place.startswith("/dev/"):
            continue
        if place in named:
            message = f"{named[place]} and {option.words[0]} name one file: {value}."
            raise UsageError(message, hint="Name a file for each.", code="output_place")
        named[place] = option.words[0]


def with_storage(values: dict[str, Any]) -> dict[str, Any]:
    """The same values; URLs to write to know the options of their store."""
    storage = values.get("storage_option")
    if not storage:
        return values
    return {
        name: value.with_options(storage) if isinstance(value, StoreUrl) else value for name, value in values.items()
    }


def as_keywords(options: Sequence[tuple[str, str]]) -> str:
    """Options that settle an error, by name and as they are typed, in words of Python: `map={'a': 'b'}`."""
    mapping = {value.rpartition("=")[0]: value.rpartition("=")[2] for name, value in options if name == "map"}
    skipped = [value for name, value in options if name == "skip_column"]
    words = [f"map={mapping}"] if mapping else []
    words += [f"consent_column={value!r}" for name, value in options if name == "consent_column"]
    return ", ".join([*words, f"skip_column={skipped}"] if skipped else words)


def in_keywords(text: str, options: Collection[Option[Any]]) -> str:
    """A message that speaks of options of the command line (`--max-drop-rate`), in words of Python (`max_drop_rate`).
    A command to type (`lsms …`, to the end of its line or of its quotation) stays as it is."""
    kinds = {option.name: option.kind for option in options}

    def keyword(match: re.Match[str]) -> str:
        if match[1] is None:
            return match[0]
        name, value = match[1].replace("-", "_"), match[2] or ""
        if name in kinds:
            words = getattr(kinds[name], "words", ())
            return f'{name}="{value.strip()}"' if value.strip() in words else f"{name}{value}"
        return f"{name[3:]}=False{value}" if name.startswith("no_") and name[3:] in kinds else match[0]

    return re.sub(r"`lsms [^`]*`|lsms [^\n]*|--([a-z]+(?:-[a-z]+)*)( [a-z0-9]+\b)?", keyword, text)
