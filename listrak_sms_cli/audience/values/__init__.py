"""Values of profile fields: text, numbers, dates and checkboxes, as Listrak takes them.

A new form of date or number, or another rule of a field type, belongs here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from listrak_sms_cli.faces import on_demand

if TYPE_CHECKING:
    from listrak_sms_cli.audience.values.checkbox import clean_checkboxes
    from listrak_sms_cli.audience.values.clean import (
        CleanValues,
        ValueRules,
        blank_blanks,
        blank_nulls,
        clean_values,
        explain_values,
    )
    from listrak_sms_cli.audience.values.date import clean_dates
    from listrak_sms_cli.audience.values.date_format import has_short_years
    from listrak_sms_cli.audience.values.number import clean_numbers
    from listrak_sms_cli.audience.values.spreadsheet import all_padded

__all__, __getattr__ = on_demand(
    __name__,
    checkbox="clean_checkboxes",
    clean="CleanValues ValueRules blank_blanks blank_nulls clean_values explain_values",
    date="clean_dates",
    date_format="has_short_years",
    number="clean_numbers",
    spreadsheet="all_padded",
)
