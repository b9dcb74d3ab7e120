"""Columns that look like consent or its opposite, and that nobody has named: only consented phones belong into an
audience."""

from __future__ import annotations

import shlex
from itertools import islice

import numpy as np
import pyarrow as pa

from listrak_sms_cli.audience import (
    RESERVED_COLUMN,
    FieldKind,
    column_key,
    mapped_columns,
    means_consent,
    means_opt_out,
)
from listrak_sms_cli.audience.values import ValueRules, blank_nulls, clean_values
from listrak_sms_cli.columnar import mask_of, nulls_as_empty, pc, raw, replace_matches, select, string_column, trimmed
from listrak_sms_cli.runs.prepare.planned import PlannedAudience
from listrak_sms_cli.runs.report import RunWarning

# Words of consent that --consent-column does not read as yes or no; blanks stand for underscores and hyphens too.
_STATES = string_column(
    [
        *("subscribed", "unsubscribed", "not subscribed", "never subscribed", "opted in", "opt in", "single opt in"),
        *("double opt in", "confirmed opt in", "opted out", "opt out", "granted", "denied", "revoked", "withdrawn"),
        *("consented", "not consented", "accepted", "declined", "pending", "none", "unknown"),
    ]
)
_NO_OPT_OUT = string_column(["subscribed", "opted in", "opt in", "single opt in", "double opt in", "confirmed opt in"])
_MAJORITY = 0.9  # of the filled cells that are looked at
_CHUNKS = 8  # at most, until one has a filled cell


def consent_warnings(planned: PlannedAudience) -> list[RunWarning]:
    """Return a warning for each column that looks like consent, or like an opt-out that somebody has taken, by its name
    and its words, unless --consent-column or --map names one; and one where --consent-column names an opt-out. Only
    columns of such names are read, their first filled chunk."""
    if planned.plan.consent is not None:
        named = planned.plan.header[planned.plan.consent]
        return [_inverted(named)] if means_opt_out(named) else []
    mapped = mapped_columns(planned.plan.header, planned.options.columns.mapping)
    warnings = []
    for index, name in enumerate(planned.plan.header):
        if index == planned.plan.phone or index in planned.audience.unreadable or index in mapped:
            continue
        is_opt_out = means_opt_out(name)
        if not is_opt_out and not means_consent(name):
            continue
        cells = _some_cells(planned, index)
        cleaned = clean_values(cells, ValueRules(FieldKind.CHECKBOX, None, planned.rules.region, None))
        states = select(cells, cleaned.bad) if cleaned.bad is not None else cells[:0]
        words = replace_matches(pc.utf8_lower(states), "[ _-]+", " ")
        known = int(np.count_nonzero(mask_of(pc.is_in(words, value_set=_STATES))))
        if not len(cells) or len(states) - known > (1 - _MAJORITY) * len(cells):
            continue
        if not is_opt_out:
            warnings.append(_warning(name, is_clear=len(states) <= (1 - _MAJORITY) * len(cells)))
        elif mask_of(pc.equal(cleaned.text, "true")).any() or not mask_of(pc.is_in(words, _NO_OPT_OUT)).all():
            warnings.append(_opt_out(name))
    return warnings


def _warning(name: str, *, is_clear: bool) -> RunWarning:
    if is_clear:
        way = f"To send only members who say yes: --consent-column {shlex.quote(name)}"
    else:
        way = "Its words are neither yes nor no, as --consent-column needs them: leave the others out at the source"
    message = (
        f"The column {name} looks like consent and leaves nobody out; only consented phones belong into an audience"
    )
    return RunWarning("consent_unused", f"{message}. {way}. {_if_not(name, 'consent_unused')}")


def _opt_out(name: str) -> RunWarning:
    message = (
        f"The column {name} looks like an opt-out, and members who say yes there are sent. --consent-column cannot "
        "name it, for its yes means no: take these members out where the audience is made, or make a column there that "
        "says yes to consent. --exclude-opted-out leaves out those on Listrak's own list"
    )
    return RunWarning("opt_out_unused", f"{message}. {_if_not(name, 'opt_out_unused')}")


def _inverted(name: str) -> RunWarning:
    message = (
        f"--consent-column names {name}, which looks like an opt-out: then only members who have said no are sent. "
        "Name a column that says yes to consent. If it says that: --no-warn opt_out_unused."
    )
    return RunWarning("opt_out_unused", message)


def _if_not(name: str, code: str) -> str:
    way = "" if column_key(name) == RESERVED_COLUMN else f"--map {shlex.quote(f'{name}=FIELD')}, or "
    return f"If it is something else: {way}--no-warn {code}."


def _some_cells(planned: PlannedAudience, index: int) -> pa.StringArray:
    """The filled cells of the first chunk that has any."""
    cells = string_column([])
    for chunk in islice(planned.audience.chunks(), _CHUNKS):
        column = blank_nulls(chunk.read([index]).column(0), planned.rules.null_values)
        cells = trimmed(nulls_as_empty(column))
        cells = select(cells, raw(cells).lengths > 0)
        if len(cells):
            break
    return cells
