"""Who arrived: `python -m tests.bench.received FOLDER` reads the kept bodies of one run, prints JSON.

Run after the clock has stopped, in a process of its own: `rows`, and the `digest` of the sorted phones, which is the
same whatever the order, the cut into import files and the quoting.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc
import pybase64

MOST_FILE_BYTES = 195_000_000


def phones_of(body: Path) -> np.ndarray:
    """int64: the phones of one import request. Raises ValueError for what Listrak would not accept."""
    text = memoryview(body.read_bytes())
    start = bytes(text[:4096]).index(b'"fileStream"') + len(b'"fileStream"')
    start = bytes(text[: start + 64]).index(b'"', start) + 1
    stop = start + bytes(text[start:]).index(b'"')
    request = json.loads(bytes(text[:start]) + bytes(text[stop:]))
    file = pybase64.b64decode(bytes(text[start:stop]), validate=True)
    if len(file) > MOST_FILE_BYTES or not request["hasColumnNames"] or request["importType"] != "UpdateSubscribers":
        raise ValueError(f"{body.name} is not an import that Listrak would accept")
    mapped = {mapping["fileColumn"]: mapping["fileColumnType"] for mapping in request["fileMappings"]}
    header = pc.open_csv(pa.BufferReader(file)).schema.names
    if set(mapped) != set(range(len(header))) or mapped[0] != "Phone":
        raise ValueError(f"{body.name}: the mapping does not fit the columns")
    options = pc.ConvertOptions(include_columns=[header[0]], column_types={header[0]: pa.int64()})
    phones: np.ndarray = pc.read_csv(pa.BufferReader(file), convert_options=options).column(0).to_numpy()
    return phones


def main() -> None:
    every = [phones_of(body) for body in sorted(Path(sys.argv[1]).glob("*.json"))]
    phones = np.sort(np.concatenate(every)) if every else np.empty(0, np.int64)
    print(json.dumps({"rows": len(phones), "digest": hashlib.sha256(phones.tobytes()).hexdigest()[:16]}))


if __name__ == "__main__":
    main()
