"""What the tests of values share."""

from __future__ import annotations

from listrak_sms_cli.columnar import Mask


def marked(rows: Mask | None) -> int:
    """The number of rows that a mask marks; None marks none."""
    return 0 if rows is None else int(rows.sum())
