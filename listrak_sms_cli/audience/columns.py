"""From the header of an audience to a ColumnPlan: which column is the phone, and which profile field each other column
goes to."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum

from msgspec import Struct, field

from listrak_sms_cli.errors import AudienceError

RESERVED_COLUMN = "opted_out"  # `pull` writes it beside the field values; it is never sent

# Names of Listrak's system fields in the audiences of Amperity and most warehouses.
SYSTEM_FIELDS = {
    "email": "Email Address",
    "email_address": "Email Address",
    "first_name": "First Name",
    "last_name": "Last Name",
    "birthdate": "Birthday",
    "birthday": "Birthday",
    "postal_code": "Postal Code",
}
PHONE_NAMES = ("phone", "phone_number")
_LIKE_DATA = re.compile(r"\S@\S|^[+(]*\d[\d\s().+_-]{5,}$")
_LIKE_A_PHONE = re.compile(
    r"(?:cell|mobile|home|work|contact|tele?|sms|day|evening)?phone|cell|mobile|msisdn|gsm|tel|sms"
    r"|(?:phone|cell|mobile|tel|sms)(?:no|nr|num|number)s?"
)
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[^\W\d_]+")  # of a name, also of one like MobilePhone
# Control characters, soft hyphen, zero-width and direction marks, byte order mark, fillers.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0]"
)
_LIKE_A_ZIP = re.compile(r"(^|[\s_])(zip|postal)([\s_]?code)?($|[\s_])|^(zip|postal)code", re.IGNORECASE)
_LIKE_AN_EMAIL = re.compile(r"(^|[\s_])e[\s_-]?mail([\s_-]?address)?($|[\s_])", re.IGNORECASE)
_BIRTHDAY = re.compile(r"birth[\s_]*(day|date)|date[\s_]+of[\s_]+birth|d\.?o\.?b\.?", re.IGNORECASE)


class FieldKind(Enum):
    """The four data types a Listrak profile field can have (`dataType` in Listrak's API description)."""

    TEXT = "Text"
    NUMBER = "Number"
    DATE = "Date"
    CHECKBOX = "Checkbox"


class ProfileField(Struct, frozen=True):
    """A profile field, as far as an audience needs it. `max_length` in characters, None = no limit. `id` 0: the field
    was not looked up (`validate --offline`)."""

    id: int
    name: str
    kind: FieldKind
    max_length: int | None = None
    active: bool = True


class ColumnChoices(Struct, frozen=True):
    """The options about columns. `mapping`: column -> name or id of a profile field."""

    phone_column: str | None = None
    mapping: Mapping[str, str] = field(default_factory=dict)
    skip: tuple[str, ...] = ()
    skip_unmatched: bool = False
    consent_column: str | None = None


class PlannedColumn(Struct, frozen=True):
    """A column that is sent: its index in the audience, its rewritten name, and the profile field it goes to."""

    index: int
    name: str
    field: ProfileField

    @property
    def holds_zips(self) -> bool:
        """Whether the column or its field is named like a ZIP code."""
        return _LIKE_A_ZIP.search(self.name) is not None or _LIKE_A_ZIP.search(self.field.name) is not None

    @property
    def holds_emails(self) -> bool:
        """Whether the column or its field is named like an e-mail address."""
        return _LIKE_AN_EMAIL.search(self.name) is not None or _LIKE_AN_EMAIL.search(self.field.name) is not None

    @property
    def holds_birthdays(self) -> bool:
        """Whether the field is a birthday's, which is never in the future."""
        return _BIRTHDAY.fullmatch(self.field.name.strip()) is not None


class ColumnPlan(Struct, frozen=True):
    """What each column of an audience is for. `phone`, `consent`: their indices; `columns`: those that are sent;
    `skipped`: names of those that are not; `header`: rewritten names of all columns."""

    phone: int
    columns: tuple[PlannedColumn, ...]
    consent: int | None
    skipped: tuple[str, ...]
    header: tuple[str, ...]


def rewrite_names(columns: Sequence[str]) -> tuple[str, ...]:
    """Return the column names without blanks around them and with underscores for spaces; a column without a name
    becomes `column_N`.

    Raises AudienceError when two columns get one name (ignoring case), naming both.
    """
    names: list[str] = []
    original: dict[str, str] = {}
    for number, column in enumerate(columns, 1):
        name = _rewritten(column) or f"column_{number}"
        other = original.setdefault(name.casefold(), column)
        if len(original) == len(names):
            if not any(column_key(column) in PHONE_NAMES for column in columns):
                _refuse_data(columns)
            raise AudienceError(
                f"Two columns get one name: {_quoted(other)} and {_quoted(column)} (column {number}) are both {name}.",
                hint="Rename one of them in the audience.",
                code="duplicate_column",
            )
        names.append(name)
    return tuple(names)


def _refuse_data(header: Sequence[str]) -> None:
    """Raise AudienceError when the header looks like a member, whose values the message must not quote."""
    if any(_LIKE_DATA.search(name) for name in header):
        raise AudienceError(
            "The audience has no header: its first row holds a member, not the names of columns.",
            hint="Write the names of the columns into a first row, one of them phone.",
            code="no_header",
        )


def _refuse_invisible(header: Sequence[str], wanted: Iterable[str], what: str) -> None:
    """Raise AudienceError when a column would have one of the names, but for characters that nobody can see."""
    visible = [_INVISIBLE.sub("", name) for name in header]
    for name in wanted:
        index = _index_of(visible, name)
        if index is not None and visible[index] != header[index]:
            raise AudienceError(
                f"{what}: the name of column {index + 1}, {visible[index]}, holds an invisible character "
                f"({_code_points(_INVISIBLE.findall(header[index]))}).",
                hint=f"Type the name {visible[index]} anew in the header of the audience.",
                code="invisible_character",
            )


def find_phone(header: Sequence[str], wanted: str | None) -> int:
    """Return the index of the phone column: the one named `wanted`, else `phone`, else `phone_number`, ignoring case.

    `header`: rewritten names. Raises AudienceError that lists the columns and names one that looks like a phone.
    """
    for name in [wanted] if wanted else PHONE_NAMES:
        index = _index_of(header, name)
        if index is not None:
            return index
    _refuse_data(header)
    likely = [name for name in header if _is_like_a_phone(name)]
    what = f"There is no column {wanted}" if wanted else "There is no column phone"
    _refuse_invisible(header, [wanted] if wanted else PHONE_NAMES, what)
    if len(header) == 1 and re.search(r"[^\w\s-]", header[0]):
        raise AudienceError(
            f"{what}: only one column was found, so the delimiter may be another one.",
            hint="Name the character between the cells: --delimiter CHAR (or tab).",
            code="no_phone_column",
        )
    raise AudienceError(
        f"{what}. The columns are: {_listed(header)}.",
        hint=f"{likely[0]} looks like one: add --phone-column {likely[0]}"
        if likely
        else "Name the phone column with --phone-column NAME.",
        code="no_phone_column",
    )


def _is_like_a_phone(name: str) -> bool:
    return any(map(_LIKE_A_PHONE.fullmatch, words_of_name(name).split()))


def words_of_name(name: str) -> str:
    """Return the words of a column's name, in lower case: `SMS_OptIn` -> `sms opt in`."""
    return " ".join(_WORDS.findall(name)).casefold()


def plan_columns(columns: Sequence[str], fields: Sequence[ProfileField] | None, choices: ColumnChoices) -> ColumnPlan:
    """Find the profile field of every column but the phone.

    `fields` None = unknown (offline): every column is planned as text of any length. Raises AudienceError for columns
    without a profile field (all of them in one message) or with a disabled one, for two columns that go to one field,
    and for a choice that names an unknown column or field.
    """
    header = rewrite_names(columns)
    phone = find_phone(header, choices.phone_column)
    chosen = _Chosen.of(header, choices)
    if phone in chosen.skip:
        raise AudienceError(f"--skip-column names the phone column {header[phone]}.", code="phone_skipped")
    planned: list[PlannedColumn] = []
    skipped: list[str] = []
    problems: list[str] = []
    for index, name in enumerate(header):
        if chosen.leaves_out(index, name, phone):
            skipped += [name] if index != phone else []
            continue
        match = _find_field(name, chosen.mapping.get(index), fields)
        if isinstance(match, ProfileField):
            planned.append(PlannedColumn(index, name, match))
        elif choices.skip_unmatched and index not in chosen.mapping:
            skipped.append(name)
        else:
            problems.append(match)
    if problems:
        what = "this column" if len(problems) == 1 else f"{len(problems)} columns"
        raise AudienceError(
            f"No profile field for {what}: {'; '.join(problems)}.",
            hint="Ways on: --map COLUMN=FIELD (name or id), --skip-column COLUMN, --skip-unmatched, or create the "
            "profile field in Listrak. `lsms fields` lists what the account has.",
            code="unmatched_columns",
        )
    _refuse_shared_fields(planned)
    return ColumnPlan(phone, tuple(planned), chosen.consent, tuple(skipped), header)


class _Chosen(Struct, frozen=True):
    """ColumnChoices with indices for column names."""

    mapping: Mapping[int, str]
    skip: frozenset[int]
    consent: int | None

    @classmethod
    def of(cls, header: Sequence[str], choices: ColumnChoices) -> _Chosen:
        mapping: dict[int, str] = {}
        for column, target in choices.mapping.items():
            index = _chosen_column(header, column, "--map")
            if column_key(header[index]) == RESERVED_COLUMN:
                raise AudienceError(
                    f"--map names the column {header[index]}, which is never sent.",
                    hint="Rename it in the audience if it is a profile field of yours.",
                    code="reserved_column",
                )
            if index in mapping:
                raise AudienceError(f"--map names the column {header[index]} twice.", code="mapped_twice")
            mapping[index] = target
        skip = frozenset(_chosen_column(header, column, "--skip-column") for column in choices.skip)
        consent = choices.consent_column
        return cls(mapping, skip, _chosen_column(header, consent, "--consent-column") if consent else None)

    def leaves_out(self, index: int, name: str, phone: int) -> bool:
        """Whether a column is not sent; phone and consent column are only where `--map` names them."""
        only_read = index in (phone, self.consent) and index not in self.mapping
        return only_read or index in self.skip or column_key(name) == RESERVED_COLUMN


def _chosen_column(header: Sequence[str], name: str, option: str) -> int:
    """The index of the column that an option names."""
    index = _index_of(header, name)
    if index is None:
        keys = {column_key(name): name for name in header}
        near = difflib.get_close_matches(column_key(name), keys, 1)
        raise AudienceError(
            f"{option} names a column {name} that is not in the audience.",
            hint=f"Did you mean {keys[near[0]]}?" if near else f"It has: {_listed(header)}.",
            code="unknown_column",
        )
    return index


def _find_field(name: str, target: str | None, fields: Sequence[ProfileField] | None) -> ProfileField | str:
    """The field, or the reason in words why there is none."""
    if fields is None:
        return ProfileField(0, target or name, FieldKind.TEXT)
    wanted = target or name
    matches = [f for f in fields if target and target.strip().lstrip("0") == str(f.id)]
    matches = matches or [f for f in fields if column_key(f.name) == column_key(wanted)]
    system = SYSTEM_FIELDS.get(column_key(wanted))
    if not matches and system:
        matches = [f for f in fields if column_key(f.name) == column_key(system)]
    active = [f for f in matches if f.active]
    if len(active) == 1:
        return active[0]
    if len(active) > 1:
        ids = ", ".join(str(f.id) for f in active)
        return f"{name} (several profile fields have that name: add --map {name}=ID with one of {ids})"
    if matches:
        return f"{name} (profile field {matches[0].name}, id {matches[0].id}, is disabled in Listrak)"
    if system:
        return (
            f"{name} (the account lists no id for the system field {system}, so it cannot be sent by import: "
            f"give the id with --map {name}=ID, leave it out with --skip-column {name}, or update contact by contact "
            "with --per-contact)"
        )
    names = {column_key(f.name): f.name for f in fields if f.active}
    near = [names[key] for key in difflib.get_close_matches(column_key(wanted), names, 2)]
    wish = f"{name}={target}" if target else name
    if hidden := _INVISIBLE.findall(wish):
        return (
            f"{_INVISIBLE.sub('', wish)} (its name holds an invisible character, {_code_points(hidden)}: take it out)"
        )
    return f"{wish} (nearest: {', '.join(near)})" if near else wish


def _refuse_shared_fields(planned: Iterable[PlannedColumn]) -> None:
    taken: dict[tuple[int, str], str] = {}
    for column in planned:
        target = (column.field.id, column_key(column.field.name))
        other = taken.setdefault(target, column.name)
        if other != column.name:
            raise AudienceError(
                f"Two columns go to one profile field: {other} and {column.name} both go to {column.field.name}.",
                hint=f"Leave one out: --skip-column {column.name}",
                code="shared_field",
            )


def _index_of(header: Sequence[str], name: str) -> int | None:
    """The column of that name; else the first whose name differs in spaces and underscores only."""
    for simplified in (lambda text: _rewritten(text).casefold(), column_key):
        names = [simplified(column) for column in header]
        if simplified(name) in names:
            return names.index(simplified(name))
    return None


def _code_points(characters: Iterable[str]) -> str:
    """Characters as Unicode writes them: U+200B."""
    return ", ".join(dict.fromkeys(f"U+{ord(character):04X}" for character in characters))


def _rewritten(name: str) -> str:
    return re.sub(r"\s", "_", name.strip())


def column_key(name: str) -> str:
    """The name for comparisons: spaces and underscores are the same, case does not matter (Amperity's page on this
    integration)."""
    return re.sub(r"[\s_]+", "_", name.strip()).strip("_").casefold()


def _quoted(name: str) -> str:
    return f"“{name}”"


def _listed(names: Sequence[str], most: int = 40) -> str:
    more = f" … and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
