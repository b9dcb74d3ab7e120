"""Dates: what is read where, and what is never guessed."""

from __future__ import annotations

import datetime

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from listrak_sms_cli.audience.columns import FieldKind
from listrak_sms_cli.audience.values.clean import ValueRules, clean_values, explain_values
from tests.audience.values.masks import marked


def dates(cells: list[str | None], region: str = "US", date_format: str | None = None) -> list[str | None]:
    """The import texts; None where the cell is bad."""
    clean = clean_values(pa.array(cells, pa.string()), ValueRules(FieldKind.DATE, None, region, date_format))
    bad = clean.bad if clean.bad is not None else [False] * len(cells)
    return [None if is_bad else text for is_bad, text in zip(bad, clean.text.to_pylist(), strict=True)]


def reason(cell: str, region: str = "US", date_format: str | None = None) -> str:
    rules = ValueRules(FieldKind.DATE, None, region, date_format)
    return explain_values(pa.array([cell]), rules)[0].as_py()


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("2024-02-29", "02/29/2024"),
        ("2024/02/29", "02/29/2024"),
        ("20240229", "02/29/2024"),
        (" 2024-02-29\t", "02/29/2024"),
        ("2024-02-29T23:59:59Z", "02/29/2024"),
        ("2024-02-29 23:59", "02/29/2024"),
        ("2024-02-29 23:59:59.123456-05:00", "02/29/2024"),
        ("2024-02-29 00:00:00 UTC", "02/29/2024"),
        ("2024-02-29 00:00:00.000 +0000", "02/29/2024"),
        ("0001-01-01", "01/01/0001"),
        ("1899-12-31", "12/31/1899"),
        ("2000-02-29", "02/29/2000"),
        ("9999-12-31", "12/31/9999"),
    ],
)
@pytest.mark.parametrize("region", ["US", "DE"])
def test_dates_read_everywhere(cell: str, text: str, region: str) -> None:
    """Dates with the year first are read in every region; a timestamp gives its date as written."""
    assert dates([cell, ""], region) == [text, ""]


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("02/29/2024", "02/29/2024"),
        ("2/9/2024", "02/09/2024"),
        ("12/9/1899", "12/09/1899"),
        ("2/19/2024", "02/19/2024"),
        ("1/2/2024 12:00:00 AM", "01/02/2024"),
        ("01/02/2024 15:04", "01/02/2024"),
        ("1/2/2024, 3:04 PM", "01/02/2024"),
    ],
)
def test_american_dates_are_read_in_the_united_states_only(cell: str, text: str) -> None:
    """MM/DD/YYYY is read where the region is US, and is bad with a hint anywhere else."""
    assert dates([cell], "US") == [text]
    assert dates([cell], "CA") == [None]
    assert "--date-format" in reason(cell, "CA")


@pytest.mark.parametrize(
    "cell",
    [
        "2023-02-29",
        "1900-02-29",
        "2024-00-01",
        "2024-13-01",
        "2024-01-00",
        "2024-04-31",
        "0000-01-01",
        "20240230",
        "02/30/2024",
        "2/29/2023",
        "2024-02-30T00:00:00",
    ],
)
def test_impossible_days_are_bad(cell: str) -> None:
    """A day that no calendar has is bad, and the reason says so."""
    assert dates([cell, "2024-01-01"]) == [None, "01/01/2024"]
    assert reason(cell) == "no such day"


@pytest.mark.parametrize(
    "cell",
    [
        "x",
        "2024",
        "2024-1-2",
        "2024-01/02",
        "2024-01-02T",
        "2024-01-02 25:00",
        "2024-01-02x",
        "\uff12024-01-02",
        "202-01-023",
        "12024-01-01",
        "-2024-01-1",
        "2024-01-02 03:04:05 Paris",
        "1/2/24",
        "1.2.2024",
        "45321",
        "Jan 2, 2024",
        "1 /2/2024",
    ],
)
def test_other_spellings_are_bad(cell: str) -> None:
    """What is not one of the spellings is bad: no guess is made."""
    assert dates([cell]) == [None]


@pytest.mark.parametrize(
    ("cell", "region", "said"),
    [
        ("13/02/2024", "US", "day first? use --date-format %d/%m/%Y"),
        ("13.02.2024", "DE", "day first? use --date-format %d.%m.%Y"),
        ("31-12-2024", "US", "day first? use --date-format %d-%m-%Y"),
        ("01/02/2024", "GB", "day or month first? use --date-format %d/%m/%Y or %m/%d/%Y"),
        ("1.2.2024", "US", "day or month first? use --date-format %d.%m.%Y or %m.%d.%Y"),
        ("1/2/24", "US", "a year of two digits: write four, or use --date-format %d/%m/%y or %m/%d/%y"),
        ("soon", "US", "not a date"),
        ("99/99/2024", "US", "no such day"),
    ],
)
def test_reasons_say_what_to_type(cell: str, region: str, said: str) -> None:
    """The reason for a date that cannot be read names the --date-format that might read it."""
    assert reason(cell, region) == said


@pytest.mark.parametrize(
    ("date_format", "cell", "text"),
    [
        ("%d/%m/%Y", "13/2/2024", "02/13/2024"),
        ("%d/%m/%Y", "01/02/2024", "02/01/2024"),
        ("%d/%m/%Y", "31/02/2024", None),
        ("%d/%m/%Y", "2024-02-13", "02/13/2024"),
        ("%d/%m/%Y", "2024-02-13 00:00:00", "02/13/2024"),
        ("%d/%m/%Y", "20240213", None),
        ("%d.%m.%Y", "13x02x2024", None),
        ("%Y-%d-%m", "2024-13-02", "02/13/2024"),
        ("%Y-%d-%m", "2024-02-13", None),
        ("%d%m%Y", "13022024", "02/13/2024"),
        ("%d%m%Y", "1322024", None),
        ("%d %B %Y", "3 FEBRUARY 2024", "02/03/2024"),
        ("%b %d, %Y", "Dec  3, 2024", "12/03/2024"),
        ("%b %d, %Y", "Dez 3, 2024", None),
        ("%a %d-%b-%Y", "Sat 03-feb-2024", "02/03/2024"),
        ("%d/%m/%y", "03/02/68", "02/03/2068"),
        ("%d/%m/%y", "03/02/69", "02/03/1969"),
        ("%d/%m/%Y %H:%M:%S", "03/02/2024 23:59:59", "02/03/2024"),
        ("%m/%d/%Y %I:%M %p", "2/3/2024 3:04 pm", "02/03/2024"),
        ("%F", "2024-02-13", "02/13/2024"),
        ("(%d) 100%% %m+%Y", "(3) 100% 2+2024", "02/03/2024"),
    ],
)
def test_a_date_format_decides(date_format: str, cell: str, text: str | None) -> None:
    """With --date-format that format is read, and ISO dates beside it unless they could be mistaken."""
    assert dates([cell, "", None, " "], "US", date_format) == [text, "", "", ""]


def test_a_time_of_day_that_is_lost_is_counted() -> None:
    """Cutting off a time is counted as cleaned, midnight is not."""
    cells = ["2024-01-02T00:00:00Z", "1/2/2024 12:00 AM", "2024-01-02 00:00:01", "1/2/2024 12:00 PM", "2024-01-02"]
    assert marked(clean_values(pa.array(cells), ValueRules(FieldKind.DATE, None, "US", None)).changed) == 2


SPELLINGS = (
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%Y%m%d",
    "%m/%d/%Y",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%d %H:%M:%S.%f",
    "%m/%d/%Y %H:%M",
)


@given(st.lists(st.tuples(st.datetimes(), st.sampled_from(SPELLINGS), st.booleans())), st.integers(0, 3))
def test_every_day_of_the_calendar_is_read(moments: list[tuple[datetime.datetime, str, bool]], cut: int) -> None:
    """Every day from year 1 to 9999, in every spelling and in every slice of a column, comes out as it is."""
    # strftime does not pad years on every platform.
    spelled = [m.strftime(s.replace("%Y", f"{m.year:04}")) if not empty else None for m, s, empty in moments]
    expected = ["" if empty else f"{m.month:02}/{m.day:02}/{m.year:04}" for m, _, empty in moments]
    column = pa.array([*["zz"] * cut, *spelled], pa.string())[cut:]
    clean = clean_values(column, ValueRules(FieldKind.DATE, None, "US", None))
    assert (clean.text.to_pylist(), clean.bad) == (expected, None)
    again = clean_values(clean.text, ValueRules(FieldKind.DATE, None, "US", None))
    assert (again.text.equals(clean.text), again.changed) == (True, None)


@given(st.lists(st.tuples(st.integers(0, 9999), st.integers(0, 99), st.integers(0, 99)), min_size=1))
def test_only_days_of_the_calendar_are_read(parts: list[tuple[int, int, int]]) -> None:
    """Ten bytes that look like a date are read exactly when the calendar has that day."""

    def import_text(year: int, month: int, day: int) -> str | None:
        try:
            datetime.date(year, month, day)
        except ValueError:
            return None
        return f"{month:02}/{day:02}/{year:04}"

    expected = [import_text(*part) for part in parts]
    assert dates([f"{year:04}-{month:02}-{day:02}" for year, month, day in parts]) == expected
    assert dates([f"{month:02}/{day:02}/{year:04}" for year, month, day in parts]) == expected
    day_first = [f"{day:02}.{month:02}.{year:04}" for year, month, day in parts]
    assert dates(day_first, "DE", "%d.%m.%Y") == expected


@given(st.lists(st.text(alphabet="0123456789-/T: .", max_size=12)))
def test_nothing_crashes_and_nothing_is_invented(cells: list[str]) -> None:
    """A cell of date characters is empty, bad, or a date whose digits were all in the cell."""
    for cell, text in zip(cells, dates(list(cells)), strict=True):
        if text == "":
            assert not cell.strip()
        elif text is not None:
            padded = sorted(cell + "00")
            assert all(padded.count(digit) >= text.count(digit) for digit in set(text) - {"/"})
