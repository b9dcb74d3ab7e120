"""What the value of an option may be: how it is typed, what Python may give for it, what it becomes."""

from __future__ import annotations

import os
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from math import isfinite
from numbers import Integral, Real
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar, cast

from listrak_sms_cli.errors import AudienceError, UsageError
from listrak_sms_cli.stores import SECRET_KEYS, StoreError, StoreUrl, is_url

_T = TypeVar("_T", covariant=True)
_W = TypeVar("_W", bound=str)

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd])")
_LONGEST_NAME = 255  # bytes, of the usual file systems
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class EmptyText(ValueError):
    """A text without a character, where one is needed: what a variable that is not set leaves."""


def seconds_of(text: str) -> float:
    """`90s`, `10m`, `1h`, `7d` -> seconds. Raises ValueError for any other text."""
    parts = _DURATION.fullmatch(text.strip())
    if not parts:
        raise ValueError("not a duration")
    return float(parts[1]) * _SECONDS[parts[2]]


class Kind(ABC, Generic[_T]):
    """`metavar` stands for the value in the help. `typed`: the type that the help shows, and completion knows.
    `wanted` and `hint` say what a refused value should have been, `code` is the word of that error in `--json`.
    `blank_is_default`: an empty text counts as not given."""

    typed: Any = str
    low: float | None = None
    high: float | None = None
    wanted = "a text"
    hint = ""
    blank_is_default = False
    code: str | None = None

    def __init__(self, metavar: str | None = None) -> None:
        self.metavar = metavar

    def value(self, given: object, *, typed: bool = False) -> _T:
        """The value that the program works with. `given`: what Python gives, or the text `typed` on the command line
        (a list of texts where the option may be repeated). Raises TypeError or ValueError for what is not of this kind.
        """
        return self._check(self._parse(given) if typed else given)

    def json_schema(self) -> dict[str, Any]:
        """JSON Schema of what a file may give."""
        return self._schema()

    def _schema(self) -> dict[str, Any]:
        return {"type": "string"}

    def _parse(self, typed: Any) -> object:
        return typed

    @abstractmethod
    def _check(self, value: object) -> _T: ...


class Text(Kind[str]):
    """A text of at least one character that UTF-8 can hold, without NUL."""

    def _check(self, value: object) -> str:
        if value == "":
            raise EmptyText
        return _text(value)


class Name(Text):
    """The name of a table, which can be shown wherever it stands: nobody takes an address with a password for one."""

    wanted = "a name of letters, digits, - and _"
    _form = r"[A-Za-z0-9_-]{1,64}"

    def _schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": f"^{self._form}$"}

    def _check(self, value: object) -> str:
        name = super()._check(value)
        if not re.fullmatch(self._form, name):
            raise ValueError
        return name


class Setting(Kind["str | int"]):
    """A setting that is a text or a number in a profile too; what it means is checked where settings are collected."""

    wanted = "a text or a number"

    def _schema(self) -> dict[str, Any]:
        return {"type": ["string", "integer"]}

    def _check(self, value: object) -> str | int:
        return Text().value(value) if isinstance(value, str) else Whole("").value(value)


class SenderCodeId(Setting):
    """The id of a sender code: a positive whole number, also as a text. An empty text is no setting."""

    wanted = "a positive whole number"
    hint = "`lsms sender-codes` lists the ids."
    code = "bad_sender_code"

    def _check(self, value: object) -> str | int:
        given = super()._check(value)
        text = str(given).strip("\ufeff \t\r\n\v\f\u00a0")
        if text and int(text) <= 0:
            raise ValueError
        return given


class FileName(Kind[str]):
    """The name of a file or folder, as a text that UTF-8 can hold: records of runs, reports and JSON name files."""

    wanted = f"a name that a file or folder can have (UTF-8, each part at most {_LONGEST_NAME} bytes)"
    hint = "Rename a file whose name is not UTF-8 (a link to it is enough)."

    def _check(self, value: object) -> str:
        name = Text().value(os.fspath(cast(Any, value)))
        if "://" not in name and max(map(len, name.encode().split(b"/"))) > _LONGEST_NAME:
            raise ValueError
        return name


class AudienceName(FileName):
    """The name of an audience: of a file or a folder, or a URL. One with a key in it gets no further, for what is done
    with an audience is told and written down under its name."""

    def _check(self, value: object) -> str:
        name = super()._check(value)
        if is_url(name):
            try:
                StoreUrl(name).refuse_secrets()
            except StoreError as error:
                message = f"{StoreUrl(name)} cannot be opened: {error.why}."
                raise AudienceError(message, hint=error.hint, code=error.code) from None
        return name


class File(Kind[Path]):
    """The path of a file."""

    typed = Path
    wanted = FileName.wanted
    hint = FileName.hint

    def _check(self, value: object) -> Path:
        return Path(FileName().value(value))


class Output(Kind["Path | StoreUrl"]):
    """Where a file is put: a path, or a URL of an object store."""

    typed = Path
    wanted = FileName.wanted
    hint = FileName.hint

    def _check(self, value: object) -> Path | StoreUrl:
        if isinstance(value, StoreUrl):
            return value
        name = FileName().value(value)
        return StoreUrl(name) if is_url(name) else Path(name)


class LocalOutput(File):
    """The path of a file of this machine that is written."""


class Flag(Kind[bool]):
    """On or off. `negated`: `--no-…` switches it off."""

    typed = bool
    wanted = "True or False"

    def __init__(self, *, negated: bool = False) -> None:
        super().__init__()
        self.negated = negated

    def _schema(self) -> dict[str, Any]:
        return {"type": "boolean"}

    def _check(self, value: object) -> bool:
        if not isinstance(value, bool):
            raise TypeError
        return value


class Whole(Kind[int]):
    """A whole number from `low` to `high`."""

    typed = int

    def __init__(self, metavar: str, low: int | None = None, high: int | None = None) -> None:
        super().__init__(metavar)
        self.low, self.high = low, high
        self.wanted = f"a whole number{_between(low, high)}"

    def _schema(self) -> dict[str, Any]:
        return {"type": "integer", **_limits(self)}

    def _parse(self, typed: str) -> int:
        try:
            return int(typed)
        except ValueError:
            if (number := float(typed)).is_integer():
                return int(number)
            raise

    def _check(self, value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, Integral):
            raise TypeError
        return int(_allowed(self, int(value)))


class Number(Kind[float]):
    """A number from `low` to `high`."""

    typed = float

    def __init__(self, metavar: str, low: float = 0, high: float | None = None) -> None:
        super().__init__(metavar)
        self.low, self.high = low, high
        self.wanted = f"a number{_between(low, high)}"

    def _schema(self) -> dict[str, Any]:
        return {"type": "number", **_limits(self)}

    def _parse(self, typed: str) -> float:
        return float(typed)

    def _check(self, value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, Real):
            raise TypeError
        return _allowed(self, float(value))


class Choice(Kind[_W]):
    """One of a few words."""

    def __init__(self, *words: _W) -> None:
        super().__init__()
        self.words = words
        self.typed = cast(Any, Literal)[words]
        self.wanted = f"one of {', '.join(words)}"

    def _schema(self) -> dict[str, Any]:
        return {"enum": list(self.words)}

    def _check(self, value: object) -> _W:
        if not isinstance(value, str):
            raise TypeError
        return self.words[self.words.index(cast(_W, value))]


class Texts(Kind[tuple[str, ...]]):
    """Any number of texts; on the command line the option is repeated, from Python a single text is enough."""

    typed = list[str]
    wanted = "a text or a list of texts"

    def _schema(self) -> dict[str, Any]:
        return {"type": ["string", "array"], "items": {"type": "string"}}

    def _check(self, value: object) -> tuple[str, ...]:
        if isinstance(value, bytes | Mapping):
            raise TypeError
        texts = [value] if isinstance(value, str) else cast(Iterable[object], value)
        return tuple(map(_text, texts))


class Words(Kind[tuple[str, ...]]):
    """Words that cells hold: texts, numbers, true and false."""

    wanted = "a list of texts, numbers, true and false"

    def _schema(self) -> dict[str, Any]:
        return {"type": "array", "items": {"type": ["string", "number", "boolean"]}}

    def _check(self, value: object) -> tuple[str, ...]:
        if not isinstance(value, list | tuple) or not all(isinstance(word, str | Real) for word in value):
            raise TypeError
        return tuple(str(word).lower() if isinstance(word, bool) else str(word) for word in value)


class Mapped(Kind[Mapping[str, str]]):
    """Columns with their profile fields, by name or id: `COLUMN=FIELD`, repeated; from Python a mapping. Of several `=`
    the last one counts here; `audience`, which knows the columns, reads the pair again."""

    typed = list[str]
    wanted = "a mapping of columns to profile fields"
    hint = 'Such as map={"tier": "Loyalty Tier"}.'

    def _schema(self) -> dict[str, Any]:
        return {"type": "object", "additionalProperties": {"type": ["string", "integer"]}}

    def _parse(self, typed: list[str]) -> dict[str, str]:
        mapping: dict[str, str] = {}
        for pair in typed:
            column, equals, field = pair.rpartition("=")
            if not equals or not column.strip() or not field.strip():
                raise UsageError(
                    f"--map {pair} is not COLUMN=FIELD.", hint="Such as --map tier=Loyalty_Tier or --map tier=7."
                )
            if column in mapping:
                raise UsageError(f"--map names the column {column} twice.")
            mapping[column] = field
        return mapping

    def _check(self, value: object) -> dict[str, str]:
        if not isinstance(value, Mapping):
            raise TypeError
        return {_mapped(column): _mapped(field) for column, field in value.items()}


class StorageOptions(Kind[Mapping[str, str]]):
    """Options of an object store, never secrets: `KEY=VALUE`, repeated; from Python a mapping."""

    typed = list[str]
    wanted = "a mapping of options to texts, numbers, True and False"
    hint = 'Such as storage_option={"region": "us-east-1"}.'

    def _schema(self) -> dict[str, Any]:
        return {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}}

    def _parse(self, typed: list[str]) -> dict[str, str]:
        pairs = [pair.partition("=") for pair in typed]
        if not all(name.strip() and equals for name, equals, _ in pairs):
            raise UsageError(  # the text may be a secret
                "--storage-option is not KEY=VALUE.", hint="Such as --storage-option region=us-east-1"
            )
        return {name.strip(): value for name, _, value in pairs}

    def _check(self, value: object) -> dict[str, str]:
        if not isinstance(value, Mapping) or not all(isinstance(given, str | Real) for given in value.values()):
            raise TypeError
        options = {
            _text(name): str(given).lower() if isinstance(given, bool) else str(given) for name, given in value.items()
        }
        for name, given in options.items():
            if re.search(SECRET_KEYS, name) or re.search(r"://[^/]*@", given):
                raise UsageError(
                    f"The storage option {name} holds a secret, and options are written into records.",
                    hint="Leave it out and set it in the environment, for example AWS_PROFILE, AWS_SECRET_ACCESS_KEY, "
                    "GOOGLE_APPLICATION_CREDENTIALS, AZURE_STORAGE_KEY.",
                    code="secret_option",
                )
        return options


class Duration(Kind[float]):
    """Seconds; written `90s`, `10m`, `1h`, `7d`."""

    wanted = "a duration"
    hint = "Write it as 90s, 10m, 1h or 7d."
    code = "bad_duration"
    blank_is_default = True

    def _schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": f"^{_DURATION.pattern}$"}

    def _check(self, value: object) -> float:
        return seconds_of(value) if isinstance(value, str) else Number("").value(value)


def _text(value: object) -> str:
    if not isinstance(value, str) or b"\0" in value.encode():
        raise TypeError
    return value


def _mapped(value: object) -> str:
    return _text(value) if isinstance(value, str) else str(Whole("").value(value))


def _allowed(kind: Kind[Any], number: float) -> float:
    low, high = kind.low, kind.high
    if not isfinite(number) or (low is not None and number < low) or (high is not None and number > high):
        raise ValueError
    return number


def _limits(kind: Kind[Any]) -> dict[str, float]:
    return {name: limit for name, limit in (("minimum", kind.low), ("maximum", kind.high)) if limit is not None}


def _between(low: float | None, high: float | None) -> str:
    if high is not None:
        return f" from {low:g} to {high:g}"
    return "" if low is None else f" of at least {low:g}"
