"""Find out what is wrong with the header of a CSV in which there is no phone column."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from itertools import islice

from msgspec import Struct
from msgspec.structs import replace

from listrak_sms_cli.audience.columns import phone_among
from listrak_sms_cli.audience.source.dialect import Dialect, is_one_character, shown
from listrak_sms_cli.audience.source.sniff import DELIMITER_NAMES, DELIMITERS
from listrak_sms_cli.errors import AudienceError

_LOOKED_AT = 30  # records


class Header(Struct, frozen=True):
    """The first record of a file that is not blank. `record`: its number; `sample`: the beginning of the file;
    `phone_column`: the name that was given for it."""

    name: str
    record: int
    columns: Sequence[str]
    sample: str
    dialect: Dialect
    phone_column: str | None

    @property
    def phone(self) -> int | None:
        """The index of the phone column, if there is one."""
        return phone_among(self.columns, self.phone_column)

    def check(self) -> None:
        """Raise AudienceError where the reason can be named why there is no phone column: `quoted_lines`,
        `wrong_delimiter`, `title_above_header`, `unknown_delimiter`."""
        if self.phone is not None:
            return
        for reason in (self._quoted_lines, self._cut_otherwise, self._delimiter):
            if error := reason():
                raise error

    def _quoted_lines(self) -> AudienceError | None:
        quote = self.dialect.quote
        if len(self.columns) != 1 or not quote or not self.sample.lstrip().startswith(quote):
            return None
        splits = [self.columns[0].split(delimiter) for delimiter in (self.dialect.delimiter, *DELIMITERS)]
        if all(len(cells) < 2 or phone_among(cells, self.phone_column) is None for cells in splits):
            return None
        return AudienceError(
            f"{self.name}: each line is in quotes as a whole, so that it is one cell.",
            hint="Take the quotes off the beginning and the end of each line, or export the file again.",
            code="quoted_lines",
        )

    def _cut_otherwise(self) -> AudienceError | None:
        """Whether this record or one below it has a phone column, by this delimiter or another usual one."""
        filled = sum(map(bool, self.columns))
        for delimiter in dict.fromkeys((self.dialect.delimiter, *DELIMITERS)):
            for row, cells in _records(self.sample, self.dialect, delimiter):
                cuts_words = row == self.record and self.dialect.delimiter.isalnum()
                if len(cells) <= filled and not cuts_words:
                    continue
                if any(cell[:1].isdigit() or "@" in cell for cell in cells):
                    continue
                if phone_among(cells, self.phone_column) is not None:
                    return self._wrong_delimiter(delimiter) if row == self.record else self._title(row)
        return None

    def _wrong_delimiter(self, likely: str) -> AudienceError:
        typed = "tab" if likely == "\t" else f"'{likely}'"
        return AudienceError(
            f"{self.name}: the delimiter {shown(self.dialect.delimiter)} does not fit the header, whose cells look "
            f"separated by {DELIMITER_NAMES[likely]}s.",
            hint=f"Type --delimiter {typed}, or leave --delimiter and --format out.",
            code="wrong_delimiter",
        )

    def _title(self, row: int) -> AudienceError:
        return AudienceError(
            f"{self.name}: the names of the columns stand in row {row:,}, below a title.",
            hint=f"Delete what stands above row {row:,}.",
            code="title_above_header",
        )

    def _delimiter(self) -> AudienceError | None:
        """The delimiter nobody named, by which a phone column is found and as many cells in the rows below."""
        if len(self.columns) != 1:
            return None
        for delimiter in dict.fromkeys(self.columns[0]):
            if delimiter.isalnum() or not is_one_character(delimiter) or delimiter == self.dialect.quote:
                continue
            records = [cells for _, cells in islice(_records(self.sample, self.dialect, delimiter), 4)]
            if len(records) > 3:
                records.pop()  # the sample may end within it
            header = records[0] if records else []
            even = all(len(cells) == len(header) for cells in records)
            if even and len(header) > 1 and phone_among(header, self.phone_column) is not None:
                return AudienceError(
                    f"{self.name}: the delimiter between the cells is {shown(delimiter)}, which has to be named.",
                    hint=f"Add --delimiter '{delimiter if delimiter.isprintable() else shown(delimiter)}'.",
                    code="unknown_delimiter",
                )
        return None


def blanks_behind_delimiters(header: Header) -> str:
    """A message about columns whose first values all begin with a blank, or with a quote behind one; "" where there is
    none."""
    delimiter, quote = header.dialect.delimiter, header.dialect.quote or ""
    if delimiter == " " or f"{delimiter} " not in header.sample:
        return ""
    rows = [cells for _, cells in _records(header.sample, header.dialect, delimiter)][1:]
    names = []
    for index, name in enumerate(header.columns):
        cells = [cells[index] for cells in rows if len(cells) > index and cells[index]]
        quoted = quote and any(cell[0] == " " and cell.lstrip(" ").startswith(quote) for cell in cells)
        if index != header.phone and cells and (quoted or all(cell[0] == " " for cell in cells)):
            names.append(name.strip())
    if not names:
        return ""
    return (
        f"{header.name}: values begin with a blank, and a quote behind a blank is text; both are sent: "
        f"{', '.join(names)}. Take the blanks behind the delimiters out."
    )


def _records(sample: str, dialect: Dialect, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """The first records of the sample that are not blank, with their numbers."""
    if delimiter in (dialect.quote, dialect.escape):
        return
    reader = csv.reader(io.StringIO(sample, newline=""), **replace(dialect, delimiter=delimiter).for_csv_module)
    try:
        for number, cells in enumerate(islice(reader, _LOOKED_AT), 1):
            if cells:
                yield number, cells
    except csv.Error:
        return
