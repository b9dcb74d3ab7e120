"""Audiences to race on, the same on every machine: `python -m tests.bench.audiences FOLDER ROWS [SHARES]`.

Eight text columns, about 92 bytes a member, as a CRM exports them: phones in six spellings, a share of them invalid,
a share repeated from an earlier row, a hundredth of the cells in two columns quoted. Every area code is in service,
so a plain North American rule and libphonenumber decide every phone alike, and all contestants must keep the same
members. Written a million rows at a time, as CSV and as Parquet with the same rows.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tests.bench.cache import AudienceSpec

COLUMNS = ("phone", "email", "first_name", "last_name", "birthdate", "postal_code", "Loyalty Tier", "Last Purchase")
BLOCK_ROWS = 1_000_000
ROW_GROUP_ROWS = 250_000
SEED = 1026

AREA_CODES = """
201 202 203 206 207 208 209 210 212 213 214 215 216 217 301 302 303 304 307 308 309 310 312 313 314 315 316 317 318 319
401 402 404 405 406 407 408 409 410 412 413 414 415 417 501 502 503 504 507 508 509 510 512 513 515 516 517 518 601 602
603 605 606 607 608 609 610 612 614 615 616 617 618 619 701 702 703 704 706 707 708 712 713 714 715 716 717 718 719 801
802 803 804 805 806 808 810 812 813 814 815 816 817 818 901 903 904 906 907 908 909 910 912 913 914 915 916 917 918 919
"""
# A letter stands for a digit of the phone: a-j are its ten digits, everything else is written as it is.
SPELLINGS = ("+1 (abc) def-ghij", "abcdefghij", "1-abc-def-ghij", "abc.def.ghij", "(abc) def-ghij", "1abcdefghij")
SPELLING_SHARES = (0.22, 0.26, 0.16, 0.16, 0.12, 0.08)
INVALID_SPELLINGS = ("1bc-def-ghij", "(abc) 0ef-ghij", "abc-def-ghi", "9abcdefghij99", "2abcdefghij", "", "N/A")

FIRST_NAMES_TEXT = """
Ada Aaron Amara André Beatriz Carlos Chloé Diego Elena Emeka Fatima Grace Hannah Hugo Ines Ivan Jasmine José Kofi
Laila Liam Maria Maya Mohammed Naomi Null Noah Olivia Omar Priya Quinn Renée Rosa Samuel Sofia True Tyler Uma Victor
Wei Ximena Yusuf Zoë NA
"""
LAST_NAMES_TEXT = """
Abbott Brown Chen Davis Diaz Evans Fischer Garcia Hansen Haddad Ibrahim Jackson Johnson Kim Kowalski Lee Lopez Martin
Miller Muñoz Nguyen None Novak Null O'Brien Okafor Patel Quist Ramirez Rossi Sato Schmidt Smith Taylor Thomas Ueda
Vargas Walker Williams Wright Xu Young Zimmermann
"""
FIRST_NAMES, LAST_NAMES = FIRST_NAMES_TEXT.split(), LAST_NAMES_TEXT.split()
QUOTED_LAST_NAMES = ("Smith, Jr.", 'O"Neil', "King, III", '"Buddy" Hall', "Lee, M.D.")
TIERS = ("Gold", "Silver", "Bronze", "Platinum", "None", "")
TIER_SHARES = (0.15, 0.25, 0.35, 0.05, 0.15, 0.05)
QUOTED_TIERS = ("Gold, Plus", 'Silver "S"')
MAIL_DOMAINS = ("example.com", "example.net", "example.org", "mail.example.com", "post.example.net")
FIRST_DAY, LAST_DAY = np.datetime64("1940-01-01"), np.datetime64("2026-01-01")
YOUNGEST, FIRST_PURCHASE = np.datetime64("2007-01-01"), np.datetime64("2019-01-01")


def write_audience(spec: AudienceSpec, folder: Path) -> None:
    """Writes the audience as .csv and .parquet; the files take their names when they are whole."""
    random = np.random.default_rng(SEED)
    phones = ten_digits(spec, random)
    schema = pa.schema([(name, pa.string()) for name in COLUMNS])
    csv_draft, parquet_draft = folder / f"{spec.name}.csv.draft", folder / f"{spec.name}.parquet.draft"
    with csv_draft.open("wb") as csv, pq.ParquetWriter(parquet_draft, schema, compression="snappy") as parquet:
        csv.write(",".join(COLUMNS).encode() + b"\n")
        for start in range(0, spec.rows, BLOCK_ROWS):
            table = changed(members(phones[start : start + BLOCK_ROWS], spec.invalid, random), spec.changed, start)
            parquet.write_table(table.cast(schema), row_group_size=ROW_GROUP_ROWS)
            csv.write(csv_lines(table))
    csv_draft.replace(csv_draft.with_suffix(""))
    parquet_draft.replace(parquet_draft.with_suffix(""))


def ten_digits(spec: AudienceSpec, random: np.random.Generator) -> np.ndarray:
    """int64 a row: area code, exchange, subscriber."""
    areas = np.array(AREA_CODES.split(), np.int64)
    exchanges, subscribers = random.integers(200, 1000, spec.rows), random.integers(0, 10_000, spec.rows)
    phones = random.choice(areas, spec.rows) * 10_000_000 + exchanges * 10_000 + subscribers
    repeats = np.flatnonzero(random.random(spec.rows) < spec.repeated)
    earlier = (random.random(len(repeats)) * repeats).astype(np.int64)
    phones[repeats] = phones[earlier]
    return phones


def members(phones: np.ndarray, invalid: float, random: np.random.Generator) -> pa.Table:
    """A block of members: eight string columns."""
    rows = len(phones)
    first, last = random.integers(0, len(FIRST_NAMES), rows), random.integers(0, len(LAST_NAMES), rows)
    columns = [
        spelled(phones, invalid, random),
        emails(first, last, random),
        picked(FIRST_NAMES, first),
        sprinkled(picked(LAST_NAMES, last), QUOTED_LAST_NAMES, 0.008, random),
        days(FIRST_DAY, YOUNGEST, rows, random),
        text_of_bytes(digits(random.integers(501, 99_951, rows), 5)),
        sprinkled(picked(TIERS, random.choice(len(TIERS), rows, p=TIER_SHARES)), QUOTED_TIERS, 0.002, random),
        days(FIRST_PURCHASE, LAST_DAY, rows, random),
    ]
    return pa.table(columns, names=list(COLUMNS))


def changed(table: pa.Table, share: float, seed: int) -> pa.Table:
    """The members, of whom a share has bought again on a day that no audience has otherwise."""
    here = pa.array(np.random.default_rng(seed).random(len(table)) < share)
    return table.set_column(7, COLUMNS[7], pc.if_else(here, str(LAST_DAY), table.column(7)))


def spelled(phones: np.ndarray, invalid: float, random: np.random.Generator) -> pa.StringArray:
    """Ten-digit numbers as people write them; a share of them as no phone can be."""
    rows = len(phones)
    choice = random.choice(len(SPELLINGS), rows, p=SPELLING_SHARES)
    bad = random.random(rows) < invalid
    choice[bad] = len(SPELLINGS) + random.integers(0, len(INVALID_SPELLINGS), int(bad.sum()))
    ten = digits(phones, 10)
    return pc.choose(pa.array(choice), *(spelling(ten, pattern) for pattern in (*SPELLINGS, *INVALID_SPELLINGS)))


def spelling(ten: np.ndarray, pattern: str) -> pa.StringArray:
    cells = np.empty((len(ten), len(pattern)), np.uint8)
    for position, letter in enumerate(pattern):
        cells[:, position] = ten[:, ord(letter) - ord("a")] if "a" <= letter <= "j" else ord(letter)
    return text_of_bytes(cells)


def digits(numbers: np.ndarray, width: int) -> np.ndarray:
    """uint8 matrix: the last `width` decimal digits of each number, in ASCII."""
    cells = np.empty((len(numbers), width), np.uint8)
    for position in reversed(range(width)):
        numbers, digit = np.divmod(numbers, 10)
        cells[:, position] = digit + ord("0")
    return cells


def text_of_bytes(cells: np.ndarray) -> pa.StringArray:
    """A matrix of bytes, one row a cell of fixed width."""
    rows, width = cells.shape
    offsets = np.arange(rows + 1, dtype=np.int32) * np.int32(width)
    return pa.StringArray.from_buffers(rows, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(cells)))


def emails(first: np.ndarray, last: np.ndarray, random: np.random.Generator) -> pa.StringArray:
    rows = len(first)
    name = pc.binary_join_element_wise(
        picked(mail_words(FIRST_NAMES), first), picked(mail_words(LAST_NAMES), last), "."
    )
    number = pa.array(random.integers(1, 99_999, rows)).cast(pa.string())
    domain = picked(MAIL_DOMAINS, random.integers(0, len(MAIL_DOMAINS), rows))
    return pc.binary_join_element_wise(pc.binary_join_element_wise(name, number, ""), domain, "@")


def mail_words(names: list[str]) -> list[str]:
    return [name.encode("ascii", "ignore").decode().lower().replace("'", "") for name in names]


def days(first: np.datetime64, end: np.datetime64, rows: int, random: np.random.Generator) -> pa.StringArray:
    """ISO dates from `first` to before `end`."""
    calendar = pa.array(np.datetime_as_string(np.arange(first, end)))
    return calendar.take(pa.array(random.integers(0, len(calendar), rows)))


def picked(words: list[str] | tuple[str, ...], choice: np.ndarray) -> pa.StringArray:
    return pa.array(words, pa.string()).take(pa.array(choice))


def sprinkled(
    column: pa.StringArray, words: tuple[str, ...], share: float, random: np.random.Generator
) -> pa.StringArray:
    """The column with a share of its cells replaced by one of `words`."""
    here = random.random(len(column)) < share
    return pc.if_else(pa.array(here), picked(words, random.integers(0, len(words), len(column))), column)


def csv_lines(table: pa.Table) -> pa.Buffer:
    """The members as CSV, each line ended: cells are quoted only where they must be (RFC 4180)."""
    cells = [quoted(column.combine_chunks()) for column in table.columns]
    lines = pc.binary_join_element_wise(pc.binary_join_element_wise(*cells, ","), "", "\n")
    _validity, offsets, text = lines.buffers()
    return text.slice(0, int(np.frombuffer(offsets, np.int32)[len(lines)]))


def quoted(column: pa.StringArray) -> pa.StringArray:
    inside = pc.replace_substring(column, '"', '""')
    return pc.if_else(
        pc.match_substring_regex(column, '[",\r\n]'), pc.binary_join_element_wise('"', inside, '"', ""), column
    )


def main() -> None:
    folder, rows, *shares = sys.argv[1:]
    write_audience(AudienceSpec(int(rows), *map(float, shares)), Path(folder))


if __name__ == "__main__":
    main()
