"""Read an audience: from what a person names (a file, a folder, a URL, a frame) to chunks of text columns.

What other rooms see: `open_audience` gives an `Audience`, whose chunks can be read several times and in any thread,
and which knows the file and the row number of each row. Change this room to read a new file format or from a new
place, or to refuse a file that would be read wrongly. What a cell means (a phone, a date, a consent) belongs to the
rooms that use it.

From the outside in: `locate` lists the files, `open` finds out what each one is (`sniff`, `decompress`) and gives it
to its reader (`csv`, `parquet`, `excel`, `arrow`, all of them a `FileReader`), `audience` puts the readers together.
Rows that come once (`query`, `frames`) are an `arrow` stream, and are spooled; large objects of a store are spooled
while they are read (`ahead`).
"""

from typing import TYPE_CHECKING

from listrak_sms_cli.faces import on_demand

if TYPE_CHECKING:
    from listrak_sms_cli.audience.source.arrow import *
    from listrak_sms_cli.audience.source.audience import *
    from listrak_sms_cli.audience.source.frames import *
    from listrak_sms_cli.audience.source.options import *
    from listrak_sms_cli.audience.source.reader import *
    from listrak_sms_cli.audience.source.rejects import *
    from listrak_sms_cli.audience.source.to_text import *

__all__, __getattr__ = on_demand(
    __name__,
    arrow="ArrowStream cause_of",
    audience="Audience Chunk open_audience",
    frames="RemoteRows",
    options="ReadOptions query_name",
    reader="SourceNote",
    to_text="text_column",
    rejects="FILE_COLUMN REJECT_COLUMNS behind_reject_columns",
)
