"""An audience: what its columns are for, and which of its members can be sent.

`source` reads it, `phones` reads phones, `values` cleans the values of profile fields. The modules here use all three:
the plan of the columns, the verdict on each member, duplicates, the profile of a column. A new drop reason begins here.
"""

from typing import TYPE_CHECKING

from listrak_sms_cli.faces import on_demand

if TYPE_CHECKING:
    from listrak_sms_cli.audience.cell_errors import *
    from listrak_sms_cli.audience.columns import *
    from listrak_sms_cli.audience.dedupe import *
    from listrak_sms_cli.audience.drop_reasons import *
    from listrak_sms_cli.audience.header_words import *
    from listrak_sms_cli.audience.members import *
    from listrak_sms_cli.audience.profile import *
    from listrak_sms_cli.audience.shapes import *

__all__, __getattr__ = on_demand(
    __name__,
    cell_errors="without_marks",
    columns="RESERVED_COLUMN SYSTEM_FIELDS ColumnChoices ColumnPlan FieldKind PlannedColumn ProfileField "
    "column_key find_phone mapped_columns phone_of plan_columns plan_phone rewrite_names unmatched_columns",
    dedupe="Keep among duplicates",
    drop_reasons="DROP_REASONS",
    header_words="means_consent means_opt_out",
    members="Cleaned CleanedColumn CleaningRules Verdict clean_members clean_phones counted dropped_by_reason "
    "phone_verdicts",
    profile="AudienceProfile ColumnFacts in_exponent_form short_zips",
    shapes="shape_of_each shapes_of",
)
