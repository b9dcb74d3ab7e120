"""Large objects of a store are read while they are fetched: a real S3 server, and a gate in front of it."""

from __future__ import annotations

import gzip
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from listrak_sms_cli.audience.source import Audience, ReadOptions, open_audience
from listrak_sms_cli.errors import AudienceError
from tests.support.gate import Gate, Request, gate_before
from tests.support.object_store import ObjectStore

LARGE, SMALL = 200_000, 1_000  # members: more, and less, than are fetched while a file is opened
FORMATS = ["csv", "parquet"]
EITHER = pytest.mark.parametrize("folder", ["csv", pytest.param("parquet", marks=pytest.mark.long)], indirect=True)


def members(first: int, rows: int) -> pa.Table:
    """Phones, values that do not repeat, and some that do."""
    bits = np.random.default_rng(first).bytes(rows * 24).hex()
    return pa.table({
        "phone": [f"{2125550000 + first + row}" for row in range(rows)],
        "Code": [bits[row * 48 : row * 48 + 48] for row in range(rows)],
        "State": [("NY", "NJ", "CT")[row % 3] for row in range(rows)],
    })  # fmt: skip


@pytest.fixture(scope="module", params=FORMATS)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four files, of which the first and the last are larger than what is fetched at once."""
    folder: Path = tmp_path_factory.mktemp(request.param)
    for number, rows in enumerate((LARGE, SMALL, 0, LARGE)):
        table, path = members(number * LARGE, rows), folder / f"{number}.{request.param}"
        if request.param == "csv":
            pa_csv.write_csv(table, path)
        else:
            pq.write_table(table, path, row_group_size=LARGE // 4)
        assert (path.stat().st_size > 9 << 20) == (rows == LARGE)
    return folder


@pytest.fixture
def gate(store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    """What leads to the store leads through the gate, but for `store` itself."""
    with gate_before(store.endpoint) as gate:
        monkeypatch.setenv("AWS_ENDPOINT_URL", gate.endpoint)
        yield gate


def put_all(store: ObjectStore, folder: Path) -> str:
    for path in folder.iterdir():
        store.put(f"in/{path.name}", path.read_bytes())
    return f"s3://{store.bucket}/in"


def opened(source: object) -> Audience:
    """What is held back is not asked for again."""
    return open_audience(source, ReadOptions(storage={"request_timeout": "100"}))


def all_read(audience: Audience) -> pa.Table:
    return pa.Table.from_batches([chunk.read() for chunk in audience.chunks()])


def read(source: object) -> tuple[pa.Table, list[tuple[int, str]]]:
    """All rows of two passes, which are the same, and the size and digest of each file."""
    with opened(source) as audience:
        table = all_read(audience)
        assert all_read(audience).equals(table)
        return table, [(file.size, file.digest) for file in audience.identity]


def fetching() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("lsms-fetch")]


def is_of_last(request: Request) -> bool:
    return request.fetches and request.key.startswith("3.")


def is_second_piece(request: Request) -> bool:
    return request.fetches and request.start > 0


@pytest.mark.parametrize("held", [is_of_last, is_second_piece])
def test_rows_are_read_while_later_bytes_are_held_back(store: ObjectStore, gate: Gate, folder: Path, held) -> None:
    """The first rows are there before the last object is fetched, and before all of their own; in the end all rows and
    digests are those of the same files on this machine, and no byte was fetched twice."""
    expected, files = read(folder)
    gate.hold(held)
    with opened(put_all(store, folder)) as audience:
        chunks = audience.chunks()
        first = next(chunks).read()
        assert first.num_rows
        assert not any(map(held, gate.passed))
        gate.open()
        table = pa.Table.from_batches([first, *(chunk.read() for chunk in chunks)])
        assert table.equals(expected)
        passed = len(gate.passed)
        assert all_read(audience).equals(expected)
        assert len(gate.passed) == passed
        assert [(file.size, file.digest) for file in audience.identity] == files
    fetched = gate.fetched()
    assert len(fetched) == len(set(fetched))
    assert sum(request.stop - request.start for request in fetched if request.key[0] in "03") == sum(
        size for size, _ in files if size > 9 << 20
    )
    assert fetching() == []


@EITHER
def test_one_large_object(store: ObjectStore, gate: Gate, folder: Path) -> None:
    """A single one, too, is read while it is fetched."""
    (path,) = folder.glob("0.*")
    gate.hold(is_second_piece)
    with opened(store.put(path.name, path.read_bytes())) as audience:
        assert next(audience.chunks()).read()["phone"][0].as_py() == "2125550000"
        gate.open()
    assert read(f"s3://{store.bucket}/{path.name}") == read(path)


def test_what_cannot_be_read_in_place(store: ObjectStore, tmp_path: Path) -> None:
    """Large objects that are compressed or not UTF-8 are read, too."""
    text = (tmp_path / "a.csv", pa_csv.write_csv(members(0, LARGE), tmp_path / "a.csv"))[0].read_text()
    expected = read(tmp_path / "a.csv")
    for name, content in (("a.csv.gz", gzip.compress(text.encode(), 0)), ("a.csv", text.encode("utf-16"))):
        assert read(store.put(name, content)) == expected


def test_columns_that_differ_are_refused_before_anything_is_fetched(store: ObjectStore, gate: Gate) -> None:
    """The headers are enough."""
    row = f"2125550101,{'x' * 1000}\n"
    for number, header in enumerate(("phone,Name\n", "phone,Town\n")):
        store.put(f"in/{number}.csv", header + row * 9000)
    with pytest.raises(AudienceError) as raised:
        opened(f"s3://{store.bucket}/in")
    assert raised.value.code == "different_columns"
    assert gate.fetched() == []


@pytest.mark.parametrize("rows", [LARGE, pytest.param(SMALL, marks=pytest.mark.long)])
def test_an_object_that_is_replaced_while_it_is_fetched(store: ObjectStore, gate: Gate, folder: Path, rows) -> None:
    """It is noticed in the first pass, whether the other object is as large or ends early."""
    url, (path,) = put_all(store, folder), folder.glob("3.*" if rows == LARGE else "1.*")
    content = path.read_bytes()
    gate.hold(is_second_piece)
    with opened(url) as audience:
        chunks = audience.chunks()
        next(chunks).read()
        (replaced,) = folder.glob("0.*")
        store.put(f"in/{replaced.name}", content)
        gate.open()
        with pytest.raises(AudienceError) as raised:
            for chunk in chunks:
                chunk.read()
        assert (raised.value.code, f"/in/{replaced.name} changed" in str(raised.value)) == ("audience_changed", True)


@EITHER
def test_a_connection_that_breaks_off(store: ObjectStore, gate: Gate, folder: Path) -> None:
    """The object is named, and those that are not begun are left alone."""
    url, large = put_all(store, folder), next(folder.glob("0.*"))
    store.copy(f"in/{large.name}", *(f"in/{number}{large.suffix}" for number in (4, 5, 6, 7)))
    gate.cut(lambda request: is_second_piece(request) and request.key == large.name)
    gate.hold(lambda request: request.fetches and request.key[0] in "345")
    with opened(url) as audience:
        with pytest.raises(AudienceError) as raised:
            all_read(audience)
        gate.open()
    assert (raised.value.code, f"/in/{large.name} broke off" in str(raised.value)) == ("cannot_read", True)
    assert gate.fetched(f"6{large.suffix}") == gate.fetched(f"7{large.suffix}") == []
    assert fetching() == []


@EITHER
def test_closing_ends_what_is_fetched(store: ObjectStore, gate: Gate, folder: Path) -> None:
    """Who waits for bytes is woken with an error, each thread ends at its next piece, and no other object is begun."""
    url, large = put_all(store, folder), next(folder.glob("0.*"))
    store.copy(f"in/{large.name}", *(f"in/{number}{large.suffix}" for number in (4, 5, 6, 7)))
    gate.hold(lambda request: request.fetches and request.key[0] != "1")
    audience, errors = opened(url), list[str]()
    gate.wait_for_held(4)

    def wait() -> None:
        try:
            all_read(audience)
        except AudienceError as error:
            errors.append(error.code)

    waiting, closing = threading.Thread(target=wait), threading.Thread(target=audience.close)
    waiting.start()
    closing.start()
    waiting.join(60)
    assert errors == ["cannot_read"]
    gate.open()
    closing.join(60)
    assert fetching() == []
    assert {request.key[0] for request in gate.fetched()} <= set("01345")


READS_ALL = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it
from listrak_sms_cli.audience.source import ReadOptions, open_audience
with open_audience(sys.argv[1], ReadOptions(storage={"request_timeout": "100"})) as audience:
    try:
        for chunk in audience.chunks():
            chunk.read()
            print("read", flush=True)
    except KeyboardInterrupt:
        print("interrupted", flush=True)
print("closed", flush=True)
"""


@EITHER
def test_ctrl_c_reaches_who_waits_for_bytes(store: ObjectStore, gate: Gate, folder: Path) -> None:
    """No matter how long they take. In a process of its own: Ctrl-C may come while Python holds a lock for itself."""
    gate.hold(is_second_piece)
    command = [sys.executable, "-c", READS_ALL, put_all(store, folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as reading:
        assert reading.stdout is not None
        assert reading.stdout.readline() == "read\n"
        gate.wait_for_held(2)
        reading.send_signal(signal.SIGINT)
        said = iter(reading.stdout.readline, "")
        assert next(line for line in said if line != "read\n") == "interrupted\n"
        gate.open()
        assert list(said) == ["closed\n"]
    assert reading.returncode == 0
