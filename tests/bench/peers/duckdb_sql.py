"""The fastest way found with DuckDB: no window function; the last row of a phone by the row ids of a table.

Arguments: AUDIENCE ADDRESS
"""

import sys
import tempfile
from pathlib import Path

import duckdb
import numpy as np
from wire import COLUMNS, HEADER, ROWS_PER_FILE, Uploader

path, address = sys.argv[1:3]
types = ", ".join(f"'{name}': 'VARCHAR'" for name in COLUMNS)
source = (
    f"read_csv('{path}', auto_detect=false, header=true, delim=',', quote='\"', escape='\"', columns={{{types}}})"
    if path.endswith(".csv")
    else f"read_parquet('{path}')"
)
others = ", ".join(f'"{name}" AS "{renamed}"' for name, renamed in zip(COLUMNS[1:], HEADER[1:], strict=True))
uploader = Uploader(address)
with tempfile.TemporaryDirectory() as folder:
    database = duckdb.connect(config={"temp_directory": folder})
    database.execute("SET enable_progress_bar = false")
    database.execute(f"""
        CREATE TEMP TABLE members AS
        SELECT CASE WHEN regexp_full_match(number, '1[2-9][0-9]{{2}}[2-9][0-9]{{6}}') THEN number::BIGINT END AS phone,
               * EXCLUDE (number)
        FROM (SELECT CASE WHEN length(digits) = 10 THEN '1' || digits ELSE digits END AS number, {others}
              FROM (SELECT regexp_replace(phone, '[^0-9]', '', 'g') AS digits, * FROM {source}))""")
    database.execute("""
        CREATE TEMP TABLE kept AS
        SELECT max(rowid) AS row FROM members WHERE phone IS NOT NULL GROUP BY phone""")
    rows = np.sort(database.execute("SELECT row FROM kept").fetchnumpy()["row"])
    for start in range(0, len(rows), ROWS_PER_FILE):
        first, last = rows[start], rows[min(start + ROWS_PER_FILE, len(rows)) - 1]
        file = Path(folder) / "import.csv"
        database.execute(f"""
            COPY (SELECT {", ".join(HEADER)} FROM members WHERE rowid BETWEEN {first} AND {last}
                  AND rowid IN (SELECT row FROM kept WHERE row BETWEEN {first} AND {last}))
            TO '{file}' (FORMAT csv, HEADER true)""")
        text = file.read_bytes()
        uploader.send([text], len(text))
