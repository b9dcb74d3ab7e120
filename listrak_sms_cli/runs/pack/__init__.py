"""From cleaned members to import files: CSV lines in an anonymous temporary file, cut into numbered files.

Change here what a line or an import file looks like and how many members it holds.
"""

from typing import TYPE_CHECKING

from listrak_sms_cli.faces import on_demand

if TYPE_CHECKING:
    from listrak_sms_cli.runs.pack.by_filled_columns import *
    from listrak_sms_cli.runs.pack.import_files import *
    from listrak_sms_cli.runs.pack.spool import *

__all__, __getattr__ = on_demand(
    __name__,
    by_filled_columns="GroupPacker Known Lines SpooledText check_columns check_groups lines_of",
    import_files="ImportFile KnownLines header_line write_lines",
    spool="ImportSpool ImportText",
)
