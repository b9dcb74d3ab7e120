"""The `.0` that a float column leaves behind a phone."""

from __future__ import annotations

import pyarrow as pa
import pytest

from listrak_sms_cli.audience.phones.read import read_by_tables
from tests.support.phone_reference import meaning

TAILS = ("", " ", "  ", "-", " )", ".", "'", " " * 60, " " * 300, "\u00a0", "\t")


@pytest.mark.parametrize("tail", TAILS)
@pytest.mark.parametrize(
    "cell", ["7175559636.0", "+17175559636.00", " 7175559636.0", "717555963.0", "(648778.0", ".0", "0"]
)
def test_signs_behind_the_zero_do_not_make_it_a_digit(cell: str, tail: str) -> None:
    """What stands behind `.0` changes nothing: the zero is no digit of the phone."""
    for region in ("US", "GY"):
        assert read_by_tables(pa.array([cell + tail]), region).tolist() == [meaning(cell + tail, region)]


def test_padded_floats_are_read() -> None:
    """A float padded with blanks is the phone that it was."""
    assert read_by_tables(pa.array([" 7175559636.0 ", "7175559636.0\n"]), "US").tolist() == [17175559636] * 2
