"""Azure's and Google's stores, by their emulators, which `make test-objects` installs."""

from __future__ import annotations

import gc
import json
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
import xxhash

from listrak_sms_cli.audience.source import ReadOptions, open_audience
from listrak_sms_cli.stores import Store, StoreUrl, Upload
from tests.support.object_store import server
from tests.support.world import World

pytestmark = pytest.mark.objects
STORES = Path(sys.prefix) / "stores"
# The one account that the emulator has, and that all the world knows.
AZURE_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
AZURE = (STORES / "node_modules/.bin/azurite-blob", "--silent", "--skipApiVersionCheck", "--inMemoryPersistence")
GOOGLE = (STORES / "google/bin/gcp-storage-emulator", "start", "--host", "127.0.0.1", "--in-memory")


@pytest.fixture(params=["abfs://bucket@devstoreaccount1", "gs://bucket"])
def store(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """The bucket `bucket` of a store."""
    monkeypatch.setenv("AZURE_STORAGE_KEY", AZURE_KEY)
    azure = request.param.startswith("abfs")
    with ExitStack() as running:
        command = (*AZURE, "--blobPort", "{port}") if azure else (*GOOGLE, "--port", "{port}")
        port = running.enter_context(server(*command))
        options = {"endpoint": f"http://127.0.0.1:{port}"} | ({} if azure else {"anonymous": "true", "project_id": "p"})
        store = Store(StoreUrl(request.param, options))
        store.files.create_dir("bucket")
        yield store


def keys(store: Store) -> list[str]:
    return [file.path for file in store.below("bucket")]


def test_push_and_put(store: Store, world: World) -> None:
    """A hive folder with blanks in its keys is pushed, its rejects are put beside it; what is given up leaves nothing,
    and an object that was there as it was; a missing bucket is named."""
    root, options = str(store.url).rstrip("/"), store.url.options
    for name, text in (("in/dt=1/a b.csv", "2125550101,Ann\n"), ("in/dt=2/b.csv", "2125550102,Bob\n12,Bad\n")):
        with store.files.open_output_stream(f"bucket/{name}") as stream:
            stream.write(f"phone,First Name\n{text}".encode())
    words = [word for pair in options.items() for word in ("--storage-option", "=".join(pair))]
    env = {"AZURE_STORAGE_KEY": AZURE_KEY}
    push = ["push", f"{root}/in/*/*.csv", "--skip-column", "dt", "--rejects", f"{root}/out/r.csv", "--json"]
    report = json.loads(world.lsms(*push, *words, env=env).out)
    assert (report["error"], report["rows_sent"], report["rows_dropped"]) == (None, 2, 1)
    assert [world.contacts()[f"+1212555010{n}"]["First Name"] for n in (1, 2)] == ["Ann", "Bob"]
    before = store.files.open_input_stream("bucket/out/r.csv").read()
    assert b"invalid_phone" in before
    expected = ["bucket/in/dt=1/a b.csv", "bucket/in/dt=2/b.csv", "bucket/out/r.csv"]
    for name in ("r.csv", "never.csv"):
        upload = Upload(StoreUrl(f"{root}/out/{name}", options))
        assert upload.replaces == (name == "r.csv")
        del upload
        gc.collect()
    assert keys(store) == expected
    assert store.files.open_input_stream("bucket/out/r.csv").read() == before
    missing = root.replace("bucket", "no-such-bucket")
    for words_ in (["push", f"{missing}/a.csv"], ["push", f"{root}/in", "--rejects", f"{missing}/r.csv"]):
        assert "no-such-bucket" in world.lsms(*words_, *words, env=env).err
    assert AZURE_KEY not in "".join(path.read_text("utf-8", "replace") for path in world.home.rglob("journal*"))


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_large_objects(store: Store, suffix: str) -> None:
    """They are read while they are fetched, whole and in order."""
    if store.url.kind == "gs":
        pytest.skip("the emulator answers one request at a time, and waits until a large answer has been read")
    codes = os.urandom(24 * 200_000).hex()
    phones = [str(2125550000 + row) for row in range(200_000)]
    table = pa.table({"phone": phones, "Code": [codes[row * 48 : row * 48 + 48] for row in range(200_000)]})
    sink = pa.BufferOutputStream()
    pa_csv.write_csv(table, sink) if suffix == "csv" else pq.write_table(table, sink, row_group_size=50_000)
    content = sink.getvalue()
    for name in "ab":
        with store.files.open_output_stream(f"bucket/in/{name}.{suffix}", compression=None) as stream:
            stream.write(content)
    url = f"{str(store.url).rstrip('/')}/in"
    with open_audience(url, ReadOptions(storage=store.url.options)) as audience:
        for _ in range(2):
            read = pa.Table.from_batches([chunk.read() for chunk in audience.chunks()])
            assert read.equals(pa.concat_tables([table, table]))
        assert [file.digest for file in audience.identity] == 2 * [xxhash.xxh3_128_hexdigest(content)]
