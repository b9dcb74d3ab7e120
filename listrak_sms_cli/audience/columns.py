"""From the header of an audience to a ColumnPlan: which column is the phone, and which profile field each other column
goes to."""

from __future__ import annotations

import difflib
import re
import shlex
from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import Enum
from functools import lru_cache

from msgspec import Struct, field
from msgspec.structs import replace

from listrak_sms_cli.audience.header_data import holds_data, may_hold_data
from listrak_sms_cli.audience.header_words import (
    means_consent,
    means_mobile_phone,
    name_parts,
    system_field_meant,
    words_of_name,
)
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
_LIKE_A_PHONE = re.compile(
    r"(?:cell|mobile|home|work|contact|tele?|sms|day|evening)?phone|cell|mobile|msisdn|gsm|tel|sms"
    r"|(?:phone|cell|mobile|tel|sms)(?:no|nr|num|number)s?"
)
_ALIKE = 0.8  # of difflib's ratio, from which a name is taken for a misspelt other one
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
    """The options about columns. `mapping`: column -> name or id of a profile field; `exact_names`: ordinary names
    (`Zip`, `Cell`) mean no system field and no phone."""

    phone_column: str | None = None
    mapping: Mapping[str, str] = field(default_factory=dict)
    skip: tuple[str, ...] = ()
    skip_unmatched: bool = False
    consent_column: str | None = None
    exact_names: bool = False


@lru_cache(maxsize=4096)  # it is asked for each batch of each column
def _like_a_zip(name: str) -> bool:
    return _LIKE_A_ZIP.search(name) is not None


class PlannedColumn(Struct, frozen=True):
    """A column that is sent: its index in the audience, its rewritten name, and the profile field it goes to.
    `guessed`: an ordinary name means the field, which is not its name."""

    index: int
    name: str
    field: ProfileField
    guessed: bool = False

    @property
    def holds_zips(self) -> bool:
        """Whether the column or its field is named like a ZIP code."""
        return _like_a_zip(self.name) or _like_a_zip(self.field.name)

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
    `skipped`: names of those that are not; `header`: rewritten names of all columns; `phone_guessed`: an ordinary name
    means the phone."""

    phone: int
    columns: tuple[PlannedColumn, ...]
    consent: int | None
    skipped: tuple[str, ...]
    header: tuple[str, ...]
    phone_guessed: bool = False


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
            refuse_member(columns)
            raise AudienceError(
                f"Two columns get one name: {_quoted(other)} and {_quoted(column)} (column {number}) are both {name}.",
                hint="Rename one of them in the audience.",
                code="duplicate_column",
            )
        names.append(name)
    return tuple(names)


def refuse_member(columns: Sequence[str], where: str = "The audience") -> None:
    """Raise AudienceError (`no_header`) when these are no names of columns but the cells of a member: no message may
    quote them. `where`: in what they stand."""
    has_phone = any(column_key(column) in PHONE_NAMES for column in columns)
    if not has_phone and (holds_data(columns) or may_hold_data(columns)):
        raise _no_header(where)


def _no_header(where: str = "The audience") -> AudienceError:
    """What is wrong with a header that looks like a member, whose values the message must not quote."""
    return AudienceError(
        f"{where} has no header: its first row holds a member, not the names of columns.",
        hint="Write the names of the columns into a first row, one of them phone.",
        code="no_header",
    )


def _refuse_invisible(header: Sequence[str], wanted: Iterable[str], what: str) -> None:
    """Raise AudienceError when a column would have one of the names, but for characters that nobody can see."""
    visible = [_as_seen(name) for name in header]
    for name in wanted:
        index = _index_of(visible, name)
        if index is not None and visible[index] != header[index]:
            raise AudienceError(
                f"{what}: the name of column {index + 1}, {visible[index]}, holds an invisible character "
                f"({_code_points(_INVISIBLE.findall(header[index]))}).",
                hint=f"Type the name {visible[index]} anew in the header of the audience.",
                code="invisible_character",
            )


def find_phone(header: Sequence[str], wanted: str | None, *, exact: bool = False, besides: Collection[int] = ()) -> int:
    """Return the index of the phone column: the one named `wanted`, else `phone`, else `phone_number`, ignoring case;
    else, unless `exact`, the only one with an ordinary name of a mobile phone.

    `header`: rewritten names; `besides`: indices of columns that are something else, unless there is no other. Raises
    AudienceError that lists the columns and names one that looks like a phone, or all that have such a name.
    """
    for name in [wanted] if wanted else PHONE_NAMES:
        index = _index_of(header, name)
        if index is not None:
            return index
    if holds_data(header):
        raise _no_header()
    mobile = [] if wanted or exact else _mobile_columns(header)
    mobile = [index for index in mobile if index not in besides] or mobile
    if len(mobile) > 1:
        raise _several_phones([header[index] for index in mobile])
    if mobile:
        return mobile[0]
    likely = [name for name in header if _is_like_a_phone(name)]
    what = f"There is no column {wanted}" if wanted else "There is no column phone"
    _refuse_invisible(header, [wanted] if wanted else PHONE_NAMES, what)
    if len(header) == 1 and re.search(r"[^\w\s-]", header[0]):
        raise AudienceError(
            f"{what}: only one column was found, so the delimiter may be another one.",
            hint="Name the character between the cells: --delimiter CHAR (or tab).",
            code="no_phone_column",
        )
    if all(re.search(r"\d", name) for name in likely) and may_hold_data(header):
        raise _no_header()
    raise AudienceError(
        f"{what}. The columns are: {_listed(header)}.",
        hint=f"{likely[0]} looks like one: add --phone-column {shlex.quote(likely[0])}"
        if likely
        else "Name the phone column with --phone-column NAME.",
        code="no_phone_column",
    )


def phone_of(columns: Sequence[str], choices: ColumnChoices) -> int:
    """As `find_phone`, of columns as they are named in the audience; one that is mapped, left out or the consent is not
    the phone where another may be. Raises AudienceError."""
    header = rewrite_names(columns)
    named = [*choices.skip, *([choices.consent_column] if choices.consent_column else [])]
    besides = {index for name in named if (index := _index_of(header, name)) is not None}
    besides |= mapped_columns(header, choices.mapping)
    return find_phone(header, choices.phone_column, exact=choices.exact_names, besides=besides)


def phone_among(columns: Sequence[str], wanted: str | None) -> int | None:
    """As `find_phone`, of columns as they are named in a file; None where no column is the phone."""
    try:
        return find_phone(rewrite_names(columns), wanted)
    except AudienceError:
        return None


def mapped_columns(header: Sequence[str], mapping: Mapping[str, str]) -> set[int]:
    """The indices of the columns that a mapping names, as far as they are there."""
    return {readings[0][0] for pair in mapping.items() if (readings := _readings(header, *pair))}


def _readings(header: Sequence[str], column: str, target: str) -> list[tuple[int, str]]:
    """Index of a column and its field for each way to read COLUMN=FIELD: both may hold a `=`. First as it is given,
    then the longest name of a column first."""
    parts = f"{column}={target}".split("=")
    others = (("=".join(parts[:end]), "=".join(parts[end:])) for end in range(len(parts) - 1, 0, -1))
    readings = ((column, target), *others)
    found = ((_index_as_seen(header, name), field) for name, field in readings if name.strip())
    return [(index, field) for index, field in found if index is not None and field.strip()]


def _mobile_columns(header: Sequence[str]) -> list[int]:
    return [index for index, name in enumerate(header) if means_mobile_phone(name) and not _INVISIBLE.search(name)]


def _several_phones(names: Sequence[str]) -> AudienceError:
    ways = ", or ".join(f"--phone-column {shlex.quote(name)}" for name in names)
    return AudienceError(
        f"{len(names)} columns may be the phone: {', '.join(names)}.",
        hint=f"Say which: {ways}. Another one is left out with --skip-column NAME, or goes to a profile field with "
        "--map COLUMN=FIELD.",
        code="several_phone_columns",
    )


def _refuse_second_phone(
    header: Sequence[str], phone: int, fields: Sequence[ProfileField] | None, choices: ColumnChoices
) -> None:
    """Raise AudienceError when another column may be the phone as well: it has such a name, there is no profile field
    of that name, and no option says what it is."""
    if choices.phone_column or choices.exact_names:
        return
    chosen = _Chosen.of(header, choices, _Fields.of(fields) if fields is not None else None)
    named = {index for name in PHONE_NAMES if (index := _index_of(header, name)) is not None}
    rivals = {*_mobile_columns(header), *named} - {phone, chosen.consent, *chosen.skip, *chosen.mapping}
    if rivals:
        known = {column_key(each.name) for each in fields or ()}
        names = [header[index] for index in sorted(rivals) if column_key(header[index]) not in known]
        if names:
            raise _several_phones([header[phone], *names])


def _is_like_a_phone(name: str) -> bool:
    return any(map(_LIKE_A_PHONE.fullmatch, words_of_name(name).split()))


def plan_phone(columns: Sequence[str], fields: Sequence[ProfileField] | None, choices: ColumnChoices) -> ColumnPlan:
    """Find the phone column; no other is sent. `fields` None = unknown. Raises AudienceError, also when another column
    may be the phone as well."""
    header, phone = rewrite_names(columns), phone_of(columns, choices)
    _refuse_second_phone(header, phone, fields, choices)
    guessed = choices.phone_column is None and column_key(header[phone]) not in PHONE_NAMES
    return ColumnPlan(phone, (), None, (), header, guessed)


def plan_columns(columns: Sequence[str], fields: Sequence[ProfileField] | None, choices: ColumnChoices) -> ColumnPlan:
    """Find the profile field of every column but the phone.

    `fields` None = unknown (offline): every column is planned as text of any length. Raises AudienceError for columns
    without a profile field (all of them in one message, with the options that settle all) or with a disabled one, for
    columns that go to one field, and for a choice that names an unknown column or field.
    """
    only_phone = plan_phone(columns, fields, choices)
    phone, header = only_phone.phone, only_phone.header
    known = _Fields.of(fields) if fields is not None else None
    chosen = _Chosen.of(header, choices, known)
    if phone in chosen.skip:
        raise AudienceError(f"--skip-column names the phone column {header[phone]}.", code="phone_skipped")
    planned: list[PlannedColumn] = []
    skipped: list[str] = []
    unmatched: list[_Unmatched] = []
    for index, name in enumerate(header):
        if chosen.leaves_out(index, name, phone):
            skipped += [name] if index != phone else []
            continue
        match = _match(index, name, chosen, known)
        if isinstance(match, PlannedColumn):
            planned.append(match)
        elif choices.skip_unmatched and index not in chosen.mapping:
            skipped.append(name)
        else:
            unmatched.append(match)
    _refuse_open(planned, unmatched, header[phone], has_consent=chosen.consent is not None)
    return replace(only_phone, columns=tuple(planned), consent=chosen.consent, skipped=tuple(skipped))


def unmatched_columns(columns: Sequence[str], fields: Sequence[ProfileField], choices: ColumnChoices) -> list[str]:
    """The rewritten names of columns that would be sent, that no option maps, and that have no profile field."""
    header, known = rewrite_names(columns), _Fields.of(fields)
    phone, chosen = phone_of(columns, choices), _Chosen.of(header, choices, known)
    return [
        name
        for index, name in enumerate(header)
        if not chosen.leaves_out(index, name, phone)
        and index not in chosen.mapping
        and isinstance(_match(index, name, chosen, known), _Unmatched)
    ]


class _Chosen(Struct, frozen=True):
    """ColumnChoices with indices for column names."""

    mapping: Mapping[int, str]
    skip: frozenset[int]
    consent: int | None
    exact_names: bool

    @classmethod
    def of(cls, header: Sequence[str], choices: ColumnChoices, fields: _Fields | None) -> _Chosen:
        mapping: dict[int, str] = {}
        for pair in choices.mapping.items():
            index, target = _mapped(header, *pair, fields)
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
        for index in skip & mapping.keys():
            name = header[index]
            raise AudienceError(
                f"--map sends the column {name}, and --skip-column leaves it out.",
                hint="Take one of the two away.",
                code="mapped_and_skipped",
            )
        consent = choices.consent_column
        consent_index = _chosen_column(header, consent, "--consent-column") if consent else None
        return cls(mapping, skip, consent_index, choices.exact_names)

    def leaves_out(self, index: int, name: str, phone: int) -> bool:
        """Whether a column is not sent; phone and consent column are only where `--map` names them."""
        only_read = index in (phone, self.consent) and index not in self.mapping
        return only_read or index in self.skip or column_key(name) == RESERVED_COLUMN


def _mapped(header: Sequence[str], column: str, target: str, fields: _Fields | None) -> tuple[int, str]:
    """The index of the column that COLUMN=FIELD names, and the field: the first way to read it that leads to a field
    that is there. Raises AudienceError for a column that is not."""
    readings = _readings(header, column, target)
    if not readings:
        return _chosen_column(header, column, "--map"), target
    there = [each for each in readings if fields is not None and fields.named(each[1], column_key(each[1]))]
    return (there or readings)[0]


def _chosen_column(header: Sequence[str], name: str, option: str) -> int:
    """The index of the column that an option names. Raises AudienceError."""
    index = _index_as_seen(header, name)
    if index is None:
        keys = {column_key(name): name for name in header}
        near = difflib.get_close_matches(column_key(name), keys, 1)
        raise AudienceError(
            f"{option} names a column {name} that is not in the audience.",
            hint=f"Did you mean {keys[near[0]]}?" if near else f"It has: {_listed(header)}.",
            code="unknown_column",
        )
    return index


class _Fields(Struct, frozen=True):
    """The account's profile fields, by the key of their name."""

    listed: Sequence[ProfileField]
    by_key: Mapping[str, list[ProfileField]]

    @classmethod
    def of(cls, fields: Sequence[ProfileField]) -> _Fields:
        by_key: dict[str, list[ProfileField]] = {}
        for each in fields:
            by_key.setdefault(column_key(each.name), []).append(each)
        return cls(fields, by_key)

    def named(self, target: str | None, key: str) -> list[ProfileField]:
        """Those with the id `target`, else those whose name has this key."""
        number = target.strip().lstrip("0") if target else ""
        by_id = [f for f in self.listed if str(f.id) == number] if number else []
        return by_id or self.by_key.get(key, [])


class _Unmatched(Struct, frozen=True):
    """A column without a profile field. `problem`: why, in words; `best`: names or ids of fields it may mean, the
    likeliest first."""

    name: str
    problem: str
    best: tuple[str, ...] = ()


def _match(index: int, name: str, chosen: _Chosen, fields: _Fields | None) -> PlannedColumn | _Unmatched:
    """The column with its field, or why it has none. A field of that very name goes before one that the name means."""
    target = chosen.mapping.get(index)
    wanted = target or name
    key = column_key(wanted)
    matches = fields.named(target, key) if fields else []
    meant, guessed = SYSTEM_FIELDS.get(key), False
    if not (matches or meant or target or chosen.exact_names or _INVISIBLE.search(name)):
        meant = system_field_meant(name)
        guessed = meant is not None
    if fields is None:
        return PlannedColumn(index, name, ProfileField(0, meant or wanted, FieldKind.TEXT), guessed)
    if meant and not matches:
        matches = fields.named(None, column_key(meant))
    active = [f for f in matches if f.active]
    if len(active) == 1:
        return PlannedColumn(index, name, active[0], guessed)
    if active:
        ids = [str(f.id) for f in active]
        problem = f"several profile fields have that name: add --map {name}=ID with one of {', '.join(ids)}"
        return _Unmatched(name, f"{name} ({problem})", tuple(ids))
    if matches:
        problem = f"profile field {matches[0].name}, id {matches[0].id}, is disabled in Listrak"
        return _Unmatched(name, f"{name} ({problem})", _nearest(wanted, fields.listed))
    if meant:
        problem = (
            f"the account lists no id for the system field {meant}, so it cannot be sent by import: "
            f"give the id with --map {name}=ID, leave it out with --skip-column {name}, or update contact by contact "
            "with --per-contact"
        )
        return _Unmatched(name, f"{name} ({problem})")
    return _unknown(name, f"{name}={target}" if target else name, _nearest(wanted, fields.listed))


def _unknown(name: str, wish: str, best: tuple[str, ...]) -> _Unmatched:
    if hidden := _INVISIBLE.findall(wish):
        problem = f"its name holds an invisible character, {_code_points(hidden)}: take it out"
        return _Unmatched(name, f"{_as_seen(wish)} ({problem})")
    return _Unmatched(name, f"{wish} (nearest: {', '.join(best)})" if best else wish, best)


def _nearest(wanted: str, fields: Iterable[ProfileField], most: int = 3) -> tuple[str, ...]:
    """Names of active fields that a name may mean: the system field it is a word for, those it is a misspelling of,
    those of the account's own that share its words. A short name is a misspelling of few: `Zip` is not `VIP`."""
    names = {column_key(f.name): f.name for f in fields if f.active}
    key, parts = column_key(wanted), _name_words(wanted)
    meant = [column_key(meaning)] if (meaning := system_field_meant(wanted)) else []
    alike = [other for other in names if sorted(other) == sorted(key)]
    if len(key) > 3:
        alike += difflib.get_close_matches(key, names, most, _ALIKE)
    system = {column_key(name) for name in SYSTEM_FIELDS.values()}
    sharing = [
        other
        for other, name in names.items()
        if other not in system and parts and (parts <= _name_words(name) or _name_words(name) <= parts)
    ]
    ranked = dict.fromkeys([*meant, *alike, *sharing])
    return tuple(names[other] for other in ranked if other in names)[:most]


def _name_words(name: str) -> frozenset[str]:
    return frozenset(part.casefold() for part in name_parts(name))


def _refuse_open(
    planned: Sequence[PlannedColumn], unmatched: Sequence[_Unmatched], phone: str, *, has_consent: bool
) -> None:
    """Raise AudienceError for columns without a field and for columns that go to one, with the options that settle all
    of them: the likeliest field that is still free for each column, and left out what has none, but consent that no
    option names yet is asked for. `phone`: the name of the phone column, which cannot be left out."""
    owners: dict[tuple[int, str], PlannedColumn] = {}
    for column in sorted(planned, key=lambda column: column.guessed):
        owners.setdefault(_target(column), column)
    surplus = [column for column in planned if owners[_target(column)] is not column]
    if not surplus and not unmatched:
        return
    taken = {word for column in owners.values() for word in (str(column.field.id), column_key(column.field.name))}
    maps: list[tuple[str, str]] = []
    consent: list[tuple[str, str]] = []
    skips = [("skip_column", column.name) for column in surplus]
    names = {phone, *(column.name for column in planned), *(miss.name for miss in unmatched)}
    for miss in unmatched:
        best = next((field for field in miss.best if column_key(field) not in taken), None)
        seen = _as_seen(miss.name)
        name = miss.name if seen in names else seen  # which another column may be called
        if not has_consent and means_consent(name):
            has_consent = True
            consent.append(("consent_column", name))
        elif best is None or "=" in best:
            skips.append(("skip_column", name))
        else:
            taken.add(column_key(best))
            maps.append(("map", f"{name}={best}"))
    error = _no_fields(unmatched) if unmatched else _shared_fields(surplus, owners)
    if (owners or maps) and ("skip_column", phone) not in skips:
        error.settled_by = (*maps, *consent, *skips)
        words = " ".join(f"--{name.replace('_', '-')} {shlex.quote(value)}" for name, value in error.settled_by)
        error.hint = f"Add: {words}\n{error.hint}"
    raise error


def _no_fields(unmatched: Sequence[_Unmatched]) -> AudienceError:
    what = "this column" if len(unmatched) == 1 else f"{len(unmatched)} columns"
    return AudienceError(
        f"No profile field for {what}: {'; '.join(column.problem for column in unmatched)}.",
        hint="Other ways on: --map COLUMN=FIELD (name or id), --skip-column COLUMN, --skip-unmatched, or create the "
        "profile field in Listrak. `lsms fields` lists what the account has.",
        code="unmatched_columns",
    )


def _shared_fields(surplus: Sequence[PlannedColumn], owners: Mapping[tuple[int, str], PlannedColumn]) -> AudienceError:
    pairs = [f"{owners[_target(column)].name} and {column.name} both go to {column.field.name}" for column in surplus]
    return AudienceError(
        f"Two columns go to one profile field: {'; '.join(pairs)}.",
        hint="Or leave the other one out, or send it to a field of its own: --map COLUMN=FIELD.",
        code="shared_field",
    )


def _target(column: PlannedColumn) -> tuple[int, str]:
    return column.field.id, column_key(column.field.name)


def _index_of(header: Sequence[str], name: str) -> int | None:
    """The column of that name; else the first whose name differs in spaces and underscores only."""
    for simplified in (lambda text: _rewritten(text).casefold(), column_key):
        names = [simplified(column) for column in header]
        if simplified(name) in names:
            return names.index(simplified(name))
    return None


def _index_as_seen(header: Sequence[str], name: str) -> int | None:
    """As `_index_of`; else the first whose name looks the same: characters that nobody can see cannot be typed."""
    index = _index_of(header, name)
    if index is None and (seen := _as_seen(name)).strip():
        index = _index_of([_as_seen(column) for column in header], seen)
    return index


def _as_seen(name: str) -> str:
    return _INVISIBLE.sub("", name)


def _code_points(characters: Iterable[str]) -> str:
    """Characters as Unicode writes them: U+200B."""
    return ", ".join(dict.fromkeys(f"U+{ord(character):04X}" for character in characters))


def _rewritten(name: str) -> str:
    return re.sub(r"\s", "_", name.strip())


@lru_cache(maxsize=1 << 14)
def column_key(name: str) -> str:
    """The name for comparisons: spaces and underscores are the same, case does not matter (Amperity's page on this
    integration)."""
    return re.sub(r"[\s_]+", "_", name.strip()).strip("_").casefold()


def _quoted(name: str) -> str:
    return f"“{name}”"


def _listed(names: Sequence[str], most: int = 40) -> str:
    more = f" … and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
