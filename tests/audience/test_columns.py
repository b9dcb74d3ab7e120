"""Columns: their names, the phone, and the profile field of each."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from listrak_sms_cli.audience.columns import (
    ColumnChoices,
    ColumnPlan,
    FieldKind,
    ProfileField,
    find_phone,
    plan_columns,
    rewrite_names,
)
from listrak_sms_cli.errors import AudienceError
from listrak_sms_cli.options.kinds import Mapped

FIELDS = (
    ProfileField(1, "Email Address", FieldKind.TEXT, 100),
    ProfileField(2, "First Name", FieldKind.TEXT, 50),
    ProfileField(3, "Last Name", FieldKind.TEXT, 50),
    ProfileField(4, "Birthday", FieldKind.DATE),
    ProfileField(5, "Postal Code", FieldKind.TEXT, 10),
    ProfileField(7, "Loyalty Tier", FieldKind.TEXT, 50),
    ProfileField(9, "Lifetime Value", FieldKind.NUMBER),
    ProfileField(12, "Old Segment", FieldKind.TEXT, 50, active=False),
    ProfileField(13, "Twice", FieldKind.TEXT),
    ProfileField(14, "twice", FieldKind.TEXT),
)
NO_CHOICES = ColumnChoices()


def planned(plan: ColumnPlan) -> list[tuple[int, str, int]]:
    return [(column.index, column.name, column.field.id) for column in plan.columns]


def refusal(columns: list[str], choices: ColumnChoices = NO_CHOICES, *, offline: bool = False) -> AudienceError:
    return refusal_of(columns, None if offline else FIELDS, choices)


def refusal_of(
    columns: list[str], fields: Sequence[ProfileField] | None, choices: ColumnChoices = NO_CHOICES
) -> AudienceError:
    with pytest.raises(AudienceError) as caught:
        plan_columns(columns, fields, choices)
    return caught.value


def test_names_are_rewritten() -> None:
    """Surrounding blanks go, every space becomes an underscore, and a column without a name gets its number."""
    assert rewrite_names([" Phone ", "Loyalty  Tier", "", "  ", "a\u00a0b"]) == (
        "Phone",
        "Loyalty__Tier",
        "column_3",
        "column_4",
        "a_b",
    )


@pytest.mark.parametrize(("one", "other"), [("Tier", "tier "), ("Loyalty Tier", "loyalty_tier"), ("", "Column_2")])
def test_two_columns_of_one_name_are_named(one: str, other: str) -> None:
    """Two columns that become one name are refused, and the message names both as they stand in the file."""
    columns = ["phone", one, other]
    with pytest.raises(AudienceError) as caught:
        rewrite_names(columns)
    assert caught.value.code == "duplicate_column"
    assert f"“{one}”" in caught.value.message
    assert f"“{other}” (column 3)" in caught.value.message


@given(st.lists(st.text(alphabet="aB _\t\u00e9ß", max_size=4), max_size=8))
def test_rewritten_names_are_distinct(columns: list[str]) -> None:
    """Rewritten names are as many as the columns, never empty, and differ even when case is ignored."""
    try:
        names = rewrite_names(columns)
    except AudienceError:
        return
    assert len(names) == len(columns)
    assert len({name.casefold() for name in names}) == len(columns)
    assert all(name and not any(c.isspace() for c in name) for name in names)
    assert rewrite_names(names) == names


@pytest.mark.parametrize(
    ("header", "wanted", "index"),
    [
        (["a", "phone"], None, 1),
        (["PHONE", "a"], None, 0),
        (["Phone_Number"], None, 0),
        (["phone_number", "phone"], None, 1),
        (["_phone", "phone"], None, 1),
        (["phone", "Cell"], "cell", 1),
        (["phone", "Mobile_Phone"], "mobile phone", 1),
        (["a__b", "a_b"], "a b", 1),
    ],
)
def test_the_phone_column_is_found(header: list[str], wanted: str | None, index: int) -> None:
    """The phone column is the one named, else `phone`, else `phone_number`; a name that is exact goes before one that
    is alike."""
    assert find_phone(header, wanted) == index


@pytest.mark.parametrize("likely", ["Other_Mobile", "Work_Phone", "Home_Tel", "telephone"])
def test_a_missing_phone_column_says_which_looks_like_one(likely: str) -> None:
    """Without a phone column the error lists the columns and names the one that looks like a phone."""
    with pytest.raises(AudienceError) as caught:
        find_phone(["email", likely], None)
    assert caught.value.code == "no_phone_column"
    assert f"email, {likely}" in caught.value.message
    assert f"--phone-column {likely}" in caught.value.hint


def test_nothing_looks_like_a_phone() -> None:
    """Where no column looks like a phone, the error says which option names one, and a long header is cut short."""
    with pytest.raises(AudienceError) as caught:
        find_phone([f"hotel_{n}" for n in range(60)], "fax")
    assert "There is no column fax." in caught.value.message
    assert "and 20 more" in caught.value.message
    assert caught.value.hint == "Name the phone column with --phone-column NAME."


MEMBERS = """'2125550001|="2125550001"|tel:2125550001|p:+12125550001|212-555-0001 x5|#2125550001|1-800-FLOWERS
2.125550001E9|2125550001 / 2125550002|2,125,550,124|(212) 555-0001 ext. 5|7.18E+10|07030|5|$12.50|1990-01-05|01/05/1990
05-Jan-1990|January 5, 1990|1990-01-05T10:00:00Z|\uff12\uff11\uff12\uff15\uff15\uff15\uff10\uff10\uff10\uff11
\u200b2125550001|ann@x.com
2125550001 home|cell 212 555 0001|+49 30 1234567|030 1234567|\u202a+12125550001|12""".replace("\n", "|")
NAMES_WITH_DIGITS = """Spend 2024|Q1_2025|2025 Q1|last_90_days|90_days|Field 12345678|cf_12|FY2024-25
H1 2025 vs H1 2024|1st Order|Address 2|Zip5|24h|iOS17|item#3|A/B test 12|ltv_365|2xl|Jan 2024
2024_revenue|Top 100|tier (2025)|3+ orders|%_off|e164
Days since 2024-01-01|r_12_m|Store #112|v1.2.3|CA-90210 zone|COVID-19|may_2024|20_percent""".replace("\n", "|")


@pytest.mark.parametrize("cell", MEMBERS.split("|"))
def test_a_first_row_with_a_member_is_not_quoted(cell: str) -> None:
    """Whatever spelling its phone, number, date or address has, with two cells of one name too."""
    for header in (["John", cell, "Smith"], ["John", cell, "john"]):
        with pytest.raises(AudienceError) as caught:
            find_phone(rewrite_names(header), None)
        assert caught.value.code == "no_header"
        assert cell not in str(caught.value)


@pytest.mark.parametrize("name", NAMES_WITH_DIGITS.split("|"))
def test_names_with_digits_are_names(name: str) -> None:
    """The header is listed; years and dates are names beside an ordinary one."""
    for header in (["segment", name], ["Full Name", name, "2024", "2025-01"]):
        with pytest.raises(AudienceError) as caught:
            find_phone(rewrite_names(header), None)
        assert caught.value.code == "no_phone_column"
    assert find_phone(["2024", rewrite_names([name])[0], "Mobile"], None) == 2


@pytest.mark.parametrize("day", ["2024-01-01", "2024-01-01 00:00:00", "01/01/2024", "2024-01-01T00:00:00Z"])
def test_a_day_may_head_a_column(day: str) -> None:
    """As in a table that a spreadsheet or pandas has turned; a year beside a name that looks like a phone too."""
    assert find_phone(rewrite_names(["Mobile", "First Name", day]), None) == 0
    for header in (["Tel", "Vorname", "2024"], ["Telefonnummer", "Vorname", "2024", "2025"]):
        with pytest.raises(AudienceError, match="There is no column phone"):
            find_phone(rewrite_names(header), None)


def test_columns_find_their_fields() -> None:
    """Case, spaces and underscores make no difference between a column and its profile field."""
    plan = plan_columns(["LOYALTY_tier", "phone", " Lifetime  Value "], FIELDS, NO_CHOICES)
    assert planned(plan) == [(0, "LOYALTY_tier", 7), (2, "Lifetime__Value", 9)]
    assert (plan.phone, plan.consent, plan.skipped) == (1, None, ())


def test_system_fields_have_the_names_of_warehouses() -> None:
    """`email`, `first_name`, `last_name`, `birthdate` and `postal_code` find the system fields."""
    columns = ["phone", "email", "first_name", "last_name", "birthdate", "postal_code"]
    assert [c.field.name for c in plan_columns(columns, FIELDS, NO_CHOICES).columns] == [
        "Email Address",
        "First Name",
        "Last Name",
        "Birthday",
        "Postal Code",
    ]
    assert planned(plan_columns(["phone", "Birthday"], FIELDS, NO_CHOICES)) == [(1, "Birthday", 4)]


def test_an_account_field_goes_before_a_system_alias() -> None:
    """A profile field that really is called `email` is meant before the system field Email Address."""
    fields = (*FIELDS, ProfileField(20, "Email", FieldKind.TEXT))
    assert planned(plan_columns(["phone", "email"], fields, NO_CHOICES)) == [(1, "email", 20)]


def test_a_system_field_without_an_id_is_explained() -> None:
    """A system field that the account does not list is refused with the ways on."""
    with pytest.raises(AudienceError) as caught:
        plan_columns(["phone", "email"], FIELDS[1:], NO_CHOICES)
    assert "lists no id for the system field Email Address" in caught.value.message


def test_all_unmatched_columns_stand_in_one_message() -> None:
    """Every column without a field is named at once, with its nearest names and the ways on."""
    error = refusal(["phone", "loyalty_teir", "shoe_size", "old_segment", "twice"])
    assert error.code == "unmatched_columns"
    assert "4 columns" in error.message
    assert "loyalty_teir (nearest: Loyalty Tier)" in error.message
    assert "; shoe_size" in error.message
    assert error.settled_by == (
        ("map", "loyalty_teir=Loyalty Tier"),
        ("map", "twice=13"),
        ("skip_column", "shoe_size"),
        ("skip_column", "old_segment"),
    )
    assert "Old Segment, id 12, is disabled in Listrak" in error.message
    assert "add --map twice=ID with one of 13, 14" in error.message
    for way in ("--map", "--skip-column", "--skip-unmatched"):
        assert way in error.hint


def test_a_mapping_of_a_name_with_an_equals_sign() -> None:
    """The longest name of a column that is there is meant, whatever is typed; what a job or Python gives is meant as
    it stands."""
    columns = ["phone", "a=b", "tier"]
    fields = (*FIELDS, ProfileField(31, "x=y", FieldKind.TEXT))
    for typed, found in (
        ("a=b=Loyalty Tier", [(1, "a=b", 7)]),
        ("a=b=7", [(1, "a=b", 7)]),
        ("tier=x=y", [(2, "tier", 31)]),
        ("a=b=x=y", [(1, "a=b", 31)]),
    ):
        mapping = Mapped().value([typed], typed=True)
        for known, ids in ((fields, found), (None, [(index, name, 0) for index, name, _ in found])):
            plan = plan_columns(columns, known, ColumnChoices(mapping=mapping, skip_unmatched=True))
            assert [each for each in planned(plan) if each[1] == found[0][1]] == ids
    assert Mapped().value(["a=b=U", "a=c=V"], typed=True) == {"a=b": "U", "a=c": "V"}
    both = (*FIELDS, ProfileField(32, "b=Loyalty Tier", FieldKind.TEXT))
    with_a = ["phone", "a", "a=b"]
    for pair, target in (
        ({"a=b": "Loyalty Tier"}, (2, "a=b", 7)),
        ({"a": "b=Loyalty Tier"}, (1, "a", 32)),
        ({"a=b": "7"}, (2, "a=b", 7)),
        ({"a": "32"}, (1, "a", 32)),
    ):
        assert planned(plan_columns(with_a, both, ColumnChoices(mapping=pair, skip_unmatched=True))) == [target]
    error = refusal(["phone", "tier"], ColumnChoices(mapping={"teir=x": "y"}))
    assert (error.code, error.hint) == ("unknown_column", "Did you mean tier?")


@pytest.mark.parametrize("name", ["\u200bU", "U\u00ad", "U\ufeff"])
def test_a_name_is_typed_as_it_is_seen(name: str) -> None:
    """Options find a column in whose name something cannot be seen, and the option that is offered can be typed."""
    error = refusal(["phone", name, "email"])
    columns = ["phone", name]
    assert error.settled_by == (("skip_column", "U"),)
    assert "--skip-column U\n" in error.hint
    assert plan_columns(columns, FIELDS, ColumnChoices(skip=("U",))).skipped == (name,)
    assert planned(plan_columns(columns, FIELDS, ColumnChoices(mapping={"u": "7"}))) == [(1, name, 7)]
    assert plan_columns(columns, FIELDS, ColumnChoices(consent_column="U")).consent == 1
    beside = refusal(["phone", "U", name, "email"])
    assert beside.settled_by == (("skip_column", "U"), ("skip_column", name))


def test_map_by_name_and_by_id() -> None:
    """`--map` takes a field's name or its id, and finds the column whatever its case and spaces."""
    choices = ColumnChoices(mapping={"Shoe Size": "loyalty_tier", "TWICE": "14"})
    assert planned(plan_columns(["phone", "shoe_size", "twice"], FIELDS, choices)) == [
        (1, "shoe_size", 7),
        (2, "twice", 14),
    ]


def test_a_field_named_by_digits() -> None:
    """Digits are an id where the account has it, else the name of a field."""
    fields = (ProfileField(1, "2024", FieldKind.TEXT), ProfileField(2, "Other", FieldKind.TEXT))
    choices = ColumnChoices(mapping={"a": "2024", "b": "2"})
    assert planned(plan_columns(["phone", "a", "b"], fields, choices)) == [(1, "a", 1), (2, "b", 2)]


def test_map_to_nowhere_is_refused_even_when_unmatched_are_skipped() -> None:
    """A mapping that a person typed is never left out in silence."""
    error = refusal(["phone", "size"], ColumnChoices(mapping={"size": "Loyalty Teir"}, skip_unmatched=True))
    assert "size=Loyalty Teir (nearest: Loyalty Tier)" in error.message


@pytest.mark.parametrize(
    ("choices", "option"),
    [
        (ColumnChoices(mapping={"teir": "7"}), "--map"),
        (ColumnChoices(skip=("teir",)), "--skip-column"),
        (ColumnChoices(consent_column="teir"), "--consent-column"),
    ],
)
def test_choices_name_columns_that_are_there(choices: ColumnChoices, option: str) -> None:
    """An option that names no column of the audience is refused with the nearest one."""
    error = refusal(["phone", "Tier"], choices)
    assert error.code == "unknown_column"
    assert error.message.startswith(option)
    assert "Did you mean Tier?" in error.hint


def test_columns_can_be_left_out() -> None:
    """Skipped columns, and with --skip-unmatched those without a field, are listed and not sent."""
    choices = ColumnChoices(skip=("first name",), skip_unmatched=True)
    plan = plan_columns(["phone", "first_name", "shoe", "Old Segment", "last_name"], FIELDS, choices)
    assert planned(plan) == [(4, "last_name", 3)]
    assert plan.skipped == ("first_name", "shoe", "Old_Segment")


def test_the_column_of_that_very_name_is_skipped() -> None:
    """Of two columns alike but for underscores an option means the one it spells."""
    for spelled, kept in (("a_b", 2), ("a__b", 1)):
        choices = ColumnChoices(skip=(spelled,))
        plan = plan_columns(["phone", "a_b", "a__b"], (ProfileField(1, "A B", FieldKind.TEXT),), choices)
        assert [column.index for column in plan.columns] == [kept]


def test_the_phone_column_cannot_be_skipped() -> None:
    """--skip-column never takes the phone."""
    assert refusal(["phone", "first_name"], ColumnChoices(skip=("Phone",))).code == "phone_skipped"


@pytest.mark.parametrize(
    ("columns", "mapping"),
    [(["birthday", "birthdate"], {}), (["tier", "Loyalty Tier"], {"tier": "7"}), (["a", "b"], {"a": "7", "b": "7"})],
)
def test_two_columns_for_one_field(columns: list[str], mapping: dict[str, str]) -> None:
    """Two columns that go to one profile field are refused, and both are named."""
    error = refusal(["phone", *columns], ColumnChoices(mapping=mapping))
    assert error.code == "shared_field"
    assert columns[0] in error.message


def test_one_column_is_mapped_once() -> None:
    """Two mappings of one column, however spelled, are refused."""
    assert refusal(["phone", "a b"], ColumnChoices(mapping={"a b": "7", "A_B": "9"})).code == "mapped_twice"


def test_a_column_is_sent_or_left_out() -> None:
    """Not both, however its name is written."""
    error = refusal(["phone", "a b"], ColumnChoices(mapping={"a b": "7"}, skip=("A_B",)))
    assert (error.code, "a_b" in error.message) == ("mapped_and_skipped", True)


def test_opted_out_is_never_sent() -> None:
    """A column named `opted_out`, which pull writes, stays at home; mapping it is refused."""
    plan = plan_columns(["phone", "first_name", "Opted Out"], FIELDS, NO_CHOICES)
    assert planned(plan) == [(1, "first_name", 2)]
    assert plan.skipped == ("Opted_Out",)
    assert refusal(["phone", "opted_out"], ColumnChoices(mapping={"opted_out": "7"})).code == "reserved_column"


def test_consent_is_sent_only_when_mapped() -> None:
    """The consent column is read for consent, and sent only if --map names it."""
    columns = ["phone", "sms_ok", "first_name"]
    plan = plan_columns(columns, FIELDS, ColumnChoices(consent_column="SMS OK"))
    assert (plan.consent, planned(plan)) == (1, [(2, "first_name", 2)])
    plan = plan_columns(columns, FIELDS, ColumnChoices(consent_column="sms_ok", mapping={"sms_ok": "7"}))
    assert (plan.consent, planned(plan)) == (1, [(1, "sms_ok", 7), (2, "first_name", 2)])


def test_offline_every_column_is_text() -> None:
    """Without an account every column is text of any length, under the name it was mapped to or its own."""
    plan = plan_columns(["phone", "shoe size", "x"], None, ColumnChoices(mapping={"x": "Tier"}))
    assert [c.field for c in plan.columns] == [
        ProfileField(0, "shoe_size", FieldKind.TEXT),
        ProfileField(0, "Tier", FieldKind.TEXT),
    ]
    assert refusal(["phone", "x", "tier"], ColumnChoices(mapping={"x": "Tier"}), offline=True).code == "shared_field"


def test_a_word_is_taken_for_its_field_unless_names_are_exact() -> None:
    """`Zip` goes to Postal Code and is marked as a guess; with exact names it has no field, and the command has one."""
    columns = ["Cell", "Zip", "email"]
    plan = plan_columns(columns, FIELDS, NO_CHOICES)
    assert (plan.phone, plan.phone_guessed, planned(plan)) == (0, True, [(1, "Zip", 5), (2, "email", 1)])
    assert [column.guessed for column in plan.columns] == [True, False]
    named = ColumnChoices(exact_names=True, phone_column="Cell")
    error = refusal(columns, named)
    assert error.settled_by == (("map", "Zip=Postal Code"),)
    assert not plan_columns(columns, FIELDS, replace(named, mapping={"Zip": "5"})).phone_guessed
    assert refusal(columns, ColumnChoices(exact_names=True)).code == "no_phone_column"


def test_an_account_field_goes_before_a_word() -> None:
    """A field of the account's own that is called Zip, or Cell, is meant by a column of that name."""
    fields = (*FIELDS, ProfileField(21, "ZIP", FieldKind.TEXT), ProfileField(22, "Cell", FieldKind.TEXT))
    plan = plan_columns(["phone", "zip", "cell"], fields, NO_CHOICES)
    assert planned(plan) == [(1, "zip", 21), (2, "cell", 22)]
    assert not any(column.guessed for column in plan.columns)


@pytest.mark.parametrize("columns", [["Zip", "Postal_Code"], ["postcode", "zip"], ["DOB", "Birthdate"]])
def test_a_word_and_a_name_for_one_field(columns: list[str]) -> None:
    """Both columns are named, and the command leaves out the guess rather than the name."""
    error = refusal(["phone", *columns])
    assert (error.code, all(name in error.message for name in columns)) == ("shared_field", True)
    left_out = columns[1] if columns[0] == "postcode" else columns[0]
    assert error.settled_by == (("skip_column", left_out),)


def test_nothing_far_fetched_is_offered() -> None:
    """A short name is no misspelling of another, a first name no name; what is taken is not offered again."""
    fields = (ProfileField(10, "VIP", FieldKind.TEXT), *FIELDS)
    error = refusal_of(["phone", "zap", "name", "email_2", "Tier", "Loyalty_Tier", "email"], fields)
    assert "nearest: VIP" not in error.message
    assert error.settled_by == tuple(("skip_column", name) for name in ("zap", "name", "email_2", "Tier"))
    assert refusal_of(["phone", "email", "teir"], (*fields, ProfileField(30, "Tier", FieldKind.TEXT))).settled_by == (
        ("map", "teir=Tier"),
    )


NAMES = [
    "Zip",
    "Postal Code",
    "postcode",
    "DOB",
    "email",
    "E-mail",
    "First",
    "tier",
    "Loyalty_Teir",
    "Shoe Size",
    "twice",
]


@given(
    st.lists(st.sampled_from([*NAMES, "Old Segment", "Lifetime", "lifetime value", "a=b"]), unique=True), st.booleans()
)
@settings(max_examples=60, deadline=None)
def test_the_options_that_are_offered_settle_all(names: list[str], exact: bool) -> None:
    """Whatever the header, one refusal is enough: with the options it offers every column is sent or left out."""
    choices = ColumnChoices(exact_names=exact)
    try:
        plan = plan_columns(["phone", *names], FIELDS, choices)
    except AudienceError as error:
        settled = error.settled_by
        assert settled or not any(name in NAMES and name != "Shoe Size" for name in names)
        mapping = dict(value.rsplit("=", 1) for name, value in settled if name == "map")
        skip = tuple(value for name, value in settled if name == "skip_column")
        if not settled:
            return
        plan = plan_columns(["phone", *names], FIELDS, replace(choices, mapping=mapping, skip=skip))
    assert len({column.field.id for column in plan.columns}) == len(plan.columns)
    assert len(plan.columns) + len(plan.skipped) == len(names)


@pytest.mark.parametrize(
    "columns", [["Cell", "Mobile Phone", "x"], ["phone", "Mobile", "x"], ["phone", "phone_number"]]
)
@pytest.mark.parametrize("offline", [True, False])
def test_two_columns_that_may_be_the_phone(columns: list[str], offline: bool) -> None:
    """Nobody guesses between two phones: both are named, and each way out works."""
    error = refusal(columns, ColumnChoices(skip_unmatched=True), offline=offline)
    assert error.code == "several_phone_columns"
    first, second = (name.replace(" ", "_") for name in columns[:2])
    for word in (f"{first}, {second}", f"--phone-column {second}"):
        assert word in f"{error.message} {error.hint}"
    fields = (*FIELDS, ProfileField(30, "x", FieldKind.TEXT))
    for phone, other in ((first, second), (second, first)):
        for choices in (
            ColumnChoices(phone_column=phone, skip=(other,)),
            ColumnChoices(phone_column=phone, mapping={other: "7"}),
        ):
            assert plan_columns(columns, fields, choices).header[plan_columns(columns, fields, choices).phone] == phone
    chosen = plan_columns(columns, fields, ColumnChoices(mapping={second: "7"}))
    assert chosen.header[chosen.phone] == first


def test_one_that_is_something_else_is_no_phone() -> None:
    """A column that is left out, or the consent, leaves the phone to the other; a data row is no header."""
    for choices in (ColumnChoices(skip=("Cell",)), ColumnChoices(consent_column="Cell")):
        assert plan_columns(["Cell", "Mobile", "email"], FIELDS, choices).phone == 1
    assert refusal(["Mobile", "2125550100"]).code == "no_header"
    assert refusal(["Mob\u200bile", "email"]).code == "no_phone_column"


def test_offline_words_mean_system_fields_too() -> None:
    """Without an account system fields have their names, and all other columns need a field of theirs."""
    plan = plan_columns(["phone", "Zip", "birthdate", "tier"], None, NO_CHOICES)
    assert [(c.field.name, c.guessed) for c in plan.columns] == [
        ("Postal Code", True),
        ("Birthday", False),
        ("tier", False),
    ]
    exact = plan_columns(["phone", "Zip"], None, ColumnChoices(exact_names=True))
    assert [c.field.name for c in exact.columns] == ["Zip"]
