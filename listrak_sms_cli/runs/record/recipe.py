"""A run's recipe: what its journal keeps of the plan and the rules, so that its import files can be made again."""

from __future__ import annotations

import msgspec

from listrak_sms_cli.audience import CleaningRules, ColumnPlan, FieldKind, PlannedColumn, ProfileField
from listrak_sms_cli.audience.phones import PhoneFormat
from listrak_sms_cli.audience.source import Audience, ReadOptions
from listrak_sms_cli.runs.record.lines import Recipe, RecipeColumn, RecipeRules


def recipe_of(audience: Audience, plan: ColumnPlan, rules: CleaningRules, read: ReadOptions, path: str) -> Recipe:
    """The recipe of a push; valid once the audience has been read to its end. `path`: where it is found again."""
    return Recipe(
        path=path,
        read={name: value for name, value in msgspec.structs.asdict(read).items() if name != "config"},
        identity=identity_of(audience),
        phone=plan.phone,
        header=list(plan.header),
        columns=[
            RecipeColumn(c.index, c.name, c.field.id, c.field.name, c.field.kind.value, c.field.max_length)
            for c in plan.columns
        ],
        rules=RecipeRules(
            region=rules.region,
            date_format=rules.date_format,
            null_values=list(rules.null_values),
            blank_bad_values=rules.blank_bad_values,
            phone_format=rules.phone_format.value,
            empty_cells="keep" if rules.keep_empty else "send",
            country=rules.country,
            today=rules.today,
            mixed_columns=sorted(rules.mixed_columns),
        ),
        files=list(audience.files),
    )


def identity_of(audience: Audience) -> list[tuple[int, str]]:
    """(size, digest) of each file of an audience that has been read to its end."""
    return [(file.size, file.digest) for file in audience.identity]


def plan_of(recipe: Recipe) -> ColumnPlan:
    """Where the columns of the audience went."""
    columns = tuple(
        PlannedColumn(c.index, c.name, ProfileField(c.field_id, c.field_name, FieldKind(c.kind), c.max_length))
        for c in recipe.columns
    )
    sent = {column.index for column in columns} | {recipe.phone}
    skipped = tuple(name for index, name in enumerate(recipe.header) if index not in sent)
    return ColumnPlan(recipe.phone, columns, None, skipped, tuple(recipe.header))


def rules_of(recipe: Recipe) -> CleaningRules:
    """How the members were cleaned."""
    rules = recipe.rules
    return CleaningRules(
        region=rules.region,
        phone_format=PhoneFormat(rules.phone_format),
        date_format=rules.date_format,
        null_values=tuple(rules.null_values),
        blank_bad_values=rules.blank_bad_values,
        keep_empty=rules.empty_cells == "keep",
        country=rules.country,
        today=rules.today,
        mixed_columns=frozenset(rules.mixed_columns),
    )
