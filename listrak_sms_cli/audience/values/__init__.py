"""Values of profile fields: text, numbers, dates and checkboxes, as Listrak takes them.

A new form of date or number, or another rule of a field type, belongs here.
"""

from typing import TYPE_CHECKING

from listrak_sms_cli.faces import on_demand

if TYPE_CHECKING:
    from listrak_sms_cli.audience.values.checkbox import *
    from listrak_sms_cli.audience.values.clean import *
    from listrak_sms_cli.audience.values.date import *
    from listrak_sms_cli.audience.values.date_format import *
    from listrak_sms_cli.audience.values.number import *
    from listrak_sms_cli.audience.values.spreadsheet import *

__all__, __getattr__ = on_demand(
    __name__,
    checkbox="clean_checkboxes",
    clean="CleanValues ValueRules blank_blanks blank_nulls clean_values explain_values",
    date="clean_dates",
    date_format="has_short_years",
    number="clean_numbers",
    spreadsheet="all_padded",
)
