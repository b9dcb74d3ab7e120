"""Cells that hold an error of a spreadsheet (`#N/A`, `#REF!`): a reader marks them, so that no such cell is taken for a
value, or for an empty cell, whatever its column is for."""

from __future__ import annotations

import pyarrow as pa

from listrak_sms_cli.columnar import Mask, fixed_column, mask_of, pc, replace_cells, select

MARK = "\x1a"  # the control character "substitute" in front of the error's name; no number, date or phone begins so


def error_cells(cells: pa.StringArray) -> Mask:
    """Rows that hold a marked error. `cells` has no nulls."""
    return mask_of(pc.starts_with(cells, f"{MARK}#"))


def without_marks(cells: pa.StringArray) -> pa.StringArray:
    """The cells as a person sees them: `#N/A`."""
    if not error_cells(cells).any():
        return cells
    return pc.replace_substring_regex(cells, f"^{MARK}#", "#")


def explain_errors(cells: pa.StringArray, reasons: pa.StringArray) -> pa.StringArray:
    """Return the reasons, with one that names the error for each cell that holds one."""
    errors = error_cells(cells)
    if not errors.any():
        return reasons
    names = without_marks(select(cells, errors))
    joined = pc.binary_join_element_wise(fixed_column("the cell holds the Excel error ")[0], names, fixed_column("")[0])
    return replace_cells(reasons, errors, joined)
