"""An audience: what its columns mean, and what becomes of its members.

`source` reads it, `phones` reads phones, `values` cleans the values of profile fields. Here stands what takes all
three: the plan of the columns, the verdict on a member, duplicates, the profile of a column.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from listrak_sms_cli.faces import on_demand

if TYPE_CHECKING:
    from listrak_sms_cli.audience.columns import (
        RESERVED_COLUMN,
        SYSTEM_FIELDS,
        ColumnChoices,
        ColumnPlan,
        FieldKind,
        PlannedColumn,
        ProfileField,
        find_phone,
        plan_columns,
        rewrite_names,
    )
    from listrak_sms_cli.audience.dedupe import (
        Keep,
        among,
        duplicates,
    )
    from listrak_sms_cli.audience.members import (
        Cleaned,
        CleanedColumn,
        CleaningRules,
        Verdict,
        clean_members,
        clean_phones,
        counted,
        dropped_by_reason,
    )
    from listrak_sms_cli.audience.profile import (
        AudienceProfile,
        ColumnFacts,
        in_exponent_form,
        short_zips,
    )

__all__ = [
    "RESERVED_COLUMN",
    "SYSTEM_FIELDS",
    "AudienceProfile",
    "Cleaned",
    "CleanedColumn",
    "CleaningRules",
    "ColumnChoices",
    "ColumnFacts",
    "ColumnPlan",
    "FieldKind",
    "Keep",
    "PlannedColumn",
    "ProfileField",
    "Verdict",
    "among",
    "clean_members",
    "clean_phones",
    "counted",
    "dropped_by_reason",
    "duplicates",
    "find_phone",
    "in_exponent_form",
    "plan_columns",
    "rewrite_names",
    "short_zips",
]

__getattr__ = on_demand(
    __name__,
    {
        "ColumnChoices": "columns",
        "ColumnPlan": "columns",
        "FieldKind": "columns",
        "PlannedColumn": "columns",
        "ProfileField": "columns",
        "RESERVED_COLUMN": "columns",
        "SYSTEM_FIELDS": "columns",
        "find_phone": "columns",
        "plan_columns": "columns",
        "rewrite_names": "columns",
        "Keep": "dedupe",
        "among": "dedupe",
        "duplicates": "dedupe",
        "Cleaned": "members",
        "CleanedColumn": "members",
        "CleaningRules": "members",
        "Verdict": "members",
        "clean_members": "members",
        "clean_phones": "members",
        "counted": "members",
        "dropped_by_reason": "members",
        "AudienceProfile": "profile",
        "ColumnFacts": "profile",
        "in_exponent_form": "profile",
        "short_zips": "profile",
    },
)
