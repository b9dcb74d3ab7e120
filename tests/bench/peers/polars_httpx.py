"""The fastest way found with polars: a lazy plan on the streaming engine, one `unique`, slices as CSV.

Arguments: AUDIENCE ADDRESS
"""

import io
import sys

import polars as pl
from wire import COLUMNS, HEADER, NORTH_AMERICAN, ROWS_PER_FILE, Uploader

path, address = sys.argv[1:3]
audience = pl.scan_csv(path, infer_schema=False) if path.endswith(".csv") else pl.scan_parquet(path)
digits = pl.col("phone").str.replace_all(r"\D", "")
members = (
    audience.rename(dict(zip(COLUMNS, HEADER, strict=True)))
    .with_columns(phone=digits)
    .with_columns(phone=pl.when(pl.col("phone").str.len_bytes() == 10).then("1" + pl.col("phone")).otherwise("phone"))
    .filter(pl.col("phone").str.contains(NORTH_AMERICAN))
    .collect(engine="streaming")
    .unique("phone", keep="last", maintain_order=True)
)
uploader = Uploader(address)
for start in range(0, members.height, ROWS_PER_FILE):
    file = io.BytesIO()
    members.slice(start, ROWS_PER_FILE).write_csv(file)
    uploader.send([file.getbuffer()], file.tell())
