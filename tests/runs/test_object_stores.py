"""Audiences in an object store, and files put there: a real S3 server behind a socket."""

from __future__ import annotations

import gc
import gzip
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from listrak_sms_cli import push
from listrak_sms_cli.audience.source import ReadOptions, open_audience
from listrak_sms_cli.audience.source.locate import locate
from listrak_sms_cli.errors import AudienceError, SettingsError, UsageError
from listrak_sms_cli.runs.output_file import output_at
from listrak_sms_cli.stores import Store, StoreError, StoreUrl, Upload
from tests.support.object_store import KEYS, ObjectStore
from tests.support.world import Ended, World

MEMBER = "phone,First Name\n{},{}\n"
TWO = MEMBER.format("2125550101", "Ann") + "2125550102,Bob\n"


def read(url: str, **storage: str) -> tuple[list[str], list[list[str]]]:
    """The files of an audience, by their names behind the bucket, and its rows."""
    with open_audience(url, ReadOptions(storage=storage)) as audience:
        rows = [list(row.values()) for chunk in audience.chunks() for row in chunk.read().to_pylist()]
        return ["/".join(name.split("/")[3:]) for name in audience.files], rows


def lsms(world: World, store: ObjectStore, *arguments: object, **env: str) -> Ended:
    """`lsms` where both the sandbox and the store are known."""
    return world.lsms(*arguments, env={**store.env, **env})


def parquet(phone: str) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"phone": [phone], "First Name": ["Ann"]}), sink)
    return sink.getvalue().to_pybytes()


def refused(url: str, **storage: str) -> AudienceError:
    with pytest.raises(AudienceError) as raised:
        open_audience(url, ReadOptions(storage=storage))
    assert KEYS["AWS_SECRET_ACCESS_KEY"] not in str(raised.value)
    return raised.value


def test_folders_globs_and_hive_partitions(store: ObjectStore) -> None:
    """Files are read by path, then row; what programs keep beside them is not; key=value folders become columns; a
    pattern matches as it does on this machine."""
    keys = [f"out/dt=2026-11-{day}/part {part}.parquet" for day in (27, 28) for part in (0, 1)]
    for number, key in reversed([*enumerate(keys)]):
        store.put(key, parquet(f"212555010{number}"))
    store.put("out/_SUCCESS", "")
    store.put("out/.hidden/x.parquet", "")
    store.put("other/a.csv.gz", gzip.compress(TWO.encode()))
    expected = [[f"212555010{n}", "Ann", f"2026-11-{27 + n // 2}"] for n in range(4)]
    root = f"s3://{store.bucket}"
    for url in ("/out", "/out/", "/out/**/*.parquet", "/out/dt=2026-11-2[78]/part ?.parquet", "/o*t/*/*.parquet"):
        assert read(root + url) == (keys, expected)
    assert read(f"{root}/out/dt=*/part 1.parquet")[0] == [keys[1], keys[3]]
    assert read(f"{root}/**/a.csv*") == (["other/a.csv.gz"], [["2125550101", "Ann"], ["2125550102", "Bob"]])
    store.put("out/dt=2026-11-27/a.json", "{}")
    with open_audience(f"{root}/out") as audience:
        (note,) = audience.notes
    assert (note.code, f"{root}/out that are not read: 1 (dt=2026-11-27/a.json)" in note.message) == (
        "files_passed_over",
        True,
    )
    store.put("out/dt=2026-11-27/a.csv", TWO)
    assert f'"{root}/out/*.parquet"' in refused(f"{root}/out").hint
    store.put("table/_delta_log/0.json", "{}")
    store.put("table/x=1/a.csv", TWO)
    for url in ("table", "table/x=1", "table/x=1/a.csv", "*/x=1/*.csv"):
        assert f"{root}/table is a table of Delta Lake" in refused(f"{root}/{url}").message
    assert refused(f"{root}/out/*.csv").code == refused(f"{root}/nowhere").code == "not_found"


@pytest.mark.parametrize(
    "key", ["with blank.csv", "a+b#1.csv", "what?.csv", "x=1&y=2?.csv", "[1].csv", "100%25.csv", "ü é.csv"]
)
def test_keys_are_those_the_store_shows(store: ObjectStore, key: str) -> None:
    """A key is taken to the letter, also where it looks like a pattern, a query, or percent-encoded."""
    store.put(key, TWO)
    store.put("1.csv", "phone\n1\n")
    assert read(f"s3://{store.bucket}/{key}") == ([key], [["2125550101", "Ann"], ["2125550102", "Bob"]])


def test_a_percent_encoded_url_finds_its_key(store: ObjectStore) -> None:
    store.put("my folder/a b.csv", TWO)
    assert read(f"s3://{store.bucket}/my%20folder/a%20b.csv")[0] == ["my folder/a b.csv"]


def test_storage_options_instead_of_the_environment(store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """An endpoint, and that nobody signs in, may be options; in the URL they may be too."""
    url = store.put("a.csv", TWO)
    for name in store.env:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    assert read(url, endpoint=store.endpoint, anonymous="true")[0] == ["a.csv"]
    assert read(f"{url}?endpoint_override={store.endpoint.partition('//')[2]}&scheme=http", anonymous="true")[1]
    assert refused(url, endpoint=store.endpoint, regoin="x").hint == "Did you mean region?"
    assert refused(url, anonymous="perhaps").code == "bad_storage_option"


def test_each_failure_says_what_to_do(store: ObjectStore) -> None:
    """A missing bucket, a missing key, no access, and no network are told apart."""
    url = store.put("a.csv", TWO)
    bucket = refused("s3://no-such-bucket/a.csv")
    assert (bucket.code, "no bucket no-such-bucket" in bucket.message) == ("not_found", True)
    assert refused(f"s3://{store.bucket}/b.csv").message == f"There is nothing at s3://{store.bucket}/b.csv."
    with store.locked():
        assert "AWS_PROFILE" in refused(url).hint
        assert refused(f"s3://{store.bucket}/*.csv").code == "no_access"
        with pytest.raises(UsageError, match=r"--rejects s3://.*/r\.csv cannot be written: access is denied") as raised:
            output_at(StoreUrl(f"s3://{store.bucket}/r.csv"), "--rejects", code="rejects_place")
        assert raised.value.code == "rejects_place"
    assert refused(url, endpoint="http://127.0.0.1:1").code == "unreachable"


def test_an_object_that_is_replaced_while_it_is_read(store: ObjectStore) -> None:
    """Another object under the same key is noticed, also one of the same size."""
    url = store.put("a.csv", TWO)
    found = Store(StoreUrl(url)).files
    (location,) = locate(url)[1]
    assert location.version is not None
    before = location.version()
    assert before == location.version()
    store.put("a.csv", TWO.replace("Ann", "Eve"))
    assert found.get_file_info(f"{store.bucket}/a.csv").size == len(TWO)
    assert location.version() != before


def test_many_objects_are_read_in_order_and_the_first_error_ends_it(store: ObjectStore) -> None:
    """Objects that are fetched at once come in the order of their keys, whole; of several that are bad the first is
    named."""
    for number in range(12):
        rows = "".join(f"21255{number:05d},{'N' * 50}{row}\n" for row in range(2000 * (number % 3)))
        store.put(f"many/{number:02}.csv", "phone,First Name\n" + rows)
    files, rows_read = read(f"s3://{store.bucket}/many")
    assert files == [f"many/{number:02}.csv" for number in range(12)]
    expected = [number for number in range(12) for _ in range(2000 * (number % 3))]
    assert [int(phone[5:]) for phone, _ in rows_read] == expected
    for number in (3, 7):
        store.put(f"many/{number:02}.csv", gzip.compress(TWO.encode())[:-9])
    error = refused(f"s3://{store.bucket}/many")
    assert (error.code, "03.csv" in error.message) == ("bad_compression", True)


def test_push_from_a_bucket_with_all_its_files_there(store: ObjectStore, world: World) -> None:
    """A push reads a folder of the bucket, and puts its rejects and its page there; verify and pull put theirs."""
    store.put("in/1.csv", TWO + "12,Bad\n")
    store.put("in/2.csv", MEMBER.format("2125550101", "Eve"))
    root = f"s3://{store.bucket}"
    done = lsms(
        world,
        store,
        "push",
        f"{root}/in",
        "--rejects",
        f"{root}/new/rejects.csv",
        "--report",
        f"{root}/new/run.html",
        "--json",
    )
    report = json.loads(done.out)
    assert (done.code, report["audience"], report["rows_sent"], report["rows_dropped"]) == (0, f"{root}/in", 2, 2)
    assert world.contacts()["+12125550101"]["First Name"] == "Eve"
    rejects = store.get("new/rejects.csv").decode().splitlines()
    assert [line.split(",")[1].strip('"') for line in rejects[1:]] == ["duplicate_phone", "invalid_phone"]
    assert f"{root}/in/1.csv" in rejects[1]
    assert b"<html" in store.get("new/run.html")

    store.put("in/2.csv", MEMBER.format("2125550101", "Zoe"))
    checked = lsms(world, store, "verify", f"{root}/in", "--out", f"{root}/differences.csv", "--json")
    assert (checked.code, json.loads(checked.out)["different"]) == (1, 1)
    assert b"Zoe" in store.get("differences.csv")

    pulled = lsms(world, store, "pull", "-o", f"{root}/all.parquet", "--json")
    assert (pulled.code, json.loads(pulled.out)["file"]) == (0, f"{root}/all.parquet")
    rows = pq.read_table(pa.BufferReader(store.get("all.parquet"))).num_rows
    assert rows == json.loads(pulled.out)["contacts"]
    again = lsms(world, store, "pull", "-o", f"{root}/all.parquet")
    assert (again.code, f"There is a file {root}/all.parquet already" in again.err) == (2, True)
    assert store.listed() == [
        "all.parquet", "differences.csv", "in/1.csv", "in/2.csv", "new/rejects.csv", "new/run.html"
    ]  # fmt: skip
    assert [path.name for path in (world.home / "state" / "pulls").iterdir()] == []


def test_plans_and_the_undo_of_a_canary_are_put_there(store: ObjectStore, world: World) -> None:
    """`plan` puts its changes and its plan there, `apply` carries out a plan from there, and its canary's undo file
    follows; the store is found by the environment or by options."""
    audience, root = store.put("a b.csv", TWO), f"s3://{store.bucket}"
    options = ["--storage-option", f"endpoint={store.endpoint}", "--storage-option", "region=us-east-1"]
    nowhere = {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}
    files = ["--out", f"{root}/changes.csv", "--save", f"{root}/my plan"]
    planned = lsms(world, store, "plan", audience, *files, *options, **nowhere)
    assert planned.code == 0, planned.err
    assert f"lsms apply '{root}/my plan'" in planned.out
    assert b"Ann" in store.get("changes.csv")
    applying = ["apply", f"{root}/my plan", "--canary", "1", "--undo", f"{root}/undo.csv", "--json"]
    applied = lsms(world, store, *applying, *options, **nowhere)
    assert json.loads(applied.out)["rows_sent"] == 2, applied.out
    assert len(store.get("undo.csv").splitlines()) == 3  # a canary leaves no member behind alone
    missing = lsms(world, store, "apply", f"{root}/no plan", "--json")
    assert json.loads(missing.out)["error"]["message"] == f"There is no file {root}/no plan."


def test_where_nothing_can_be_put_nothing_is_read(store: ObjectStore, world: World) -> None:
    """A URL that cannot be written to stops a command before it reads; so does one that is the audience."""
    url = store.put("a.csv", "not an audience")
    for option, value in (("--rejects", "s3://no-such-bucket/r.csv"), ("--report", "s3://no-such-bucket/r.html")):
        done = lsms(world, store, "push", store.put("b.csv", TWO), option, value, "--json")
        error = json.loads(done.out)["error"]
        assert f"{option} {value} cannot be written: there is no bucket no-such-bucket" in error["message"]
    done = lsms(world, store, "verify", store.put("b.csv", TWO), "--out", f"s3://{store.bucket}/b.csv")
    assert (done.code, "is the audience itself" in done.err) == (2, True)
    done = lsms(world, store, "push", url, "--rejects", f"s3://{store.bucket}/r.csv")
    assert (done.code, store.listed()) == (2, ["a.csv", "b.csv"])
    assert world.contacts()["+12125550102"]["First Name"] != "Bob"


def test_a_file_is_there_whole_or_not_at_all(store: ObjectStore) -> None:
    """What is given up leaves the object that was there as it was, and a process that ends leaves none; an upload that
    fails says so."""
    old = store.put("page.html", "old")
    upload = Upload(StoreUrl(old))
    assert upload.replaces
    del upload
    gc.collect()
    program = f"from listrak_sms_cli.stores import *\nUpload(StoreUrl('s3://{store.bucket}/new.csv'))"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert ended.stderr == b""
    assert (store.listed(), store.get("page.html")) == (["page.html"], b"old")
    with tempfile.TemporaryFile() as file:
        file.write(b"x" * (12 << 20))  # more than one part
        file.flush()
        Upload(StoreUrl(old)).put(file)
        assert len(store.get("page.html")) == 12 << 20
    target = output_at(StoreUrl(f"s3://{store.bucket}/late.csv"), "--rejects")
    store.delete_bucket()
    with pytest.raises(SettingsError) as raised, target.replacing() as file:
        file.write(b"phone\n")
    assert raised.value.code == "store_failed"


def test_resume_from_a_bucket(store: ObjectStore, world: World) -> None:
    """A run whose audience is in a bucket is resumed from there, with the options it was begun with; not when the
    object is another one."""
    store.put("in/1.csv", TWO)
    options = ["--storage-option", f"endpoint={store.endpoint}", "--storage-option", "region=us-east-1"]
    world.admin("faults", [{"route": "start_import", "fault": "status", "status": 400, "count": None}])
    env = {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}
    failed = lsms(world, store, "push", f"s3://{store.bucket}/in", *options, **env)
    assert failed.code == 1
    journal = next((world.home / "state").rglob("journal*")).read_text()
    assert store.endpoint in journal
    assert KEYS["AWS_SECRET_ACCESS_KEY"] not in journal
    world.admin("faults", [])
    store.put("in/1.csv", TWO.replace("Ann", "Eve"))
    changed = lsms(world, store, "resume", "--json", **env)
    assert (changed.code, json.loads(changed.out)["error"]["code"]) == (2, "audience_changed")
    store.put("in/1.csv", TWO)
    assert lsms(world, store, "resume", **env).code == 0
    assert [world.contacts()[f"+1212555010{n}"]["First Name"] for n in (1, 2)] == ["Ann", "Bob"]


def test_secrets_are_no_storage_options(world: World) -> None:
    """A key as an option is refused, on the command line and from Python, and is not repeated."""
    for pair in ("secret_key=Qzk7x", "account_key=Qzk7x", "endpoint=http://me:Qzk7x@host"):
        done = world.lsms("validate", "s3://bucket/a.csv", "--storage-option", pair, "--json")
        assert (done.code, json.loads(done.out)["error"]["code"]) == (2, "secret_option")
        assert "Qzk7x" not in done.out + done.err
    assert "KEY=VALUE" in world.lsms("validate", "s3://bucket/a.csv", "--storage-option", "Qzk7x").err
    with pytest.raises(UsageError) as raised:
        push("s3://bucket/a.csv", storage_option={"session_token": "Qzk7x"})
    assert "Qzk7x" not in str(raised.value)


def test_python_takes_a_mapping(store: ObjectStore, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """push() reads and writes URLs; a path object has lost a slash of one, and is understood."""
    url = store.put("a.csv", TWO + "12,Bad\n")
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    for name, value in world.env.items():
        monkeypatch.setenv(name, value)
    options: dict[str, Any] = {"endpoint": store.endpoint, "anonymous": True}
    report = push(url, storage_option=options, rejects=Path(f"s3://{store.bucket}/r.csv"))
    assert (report.rows_sent, "--storage-option" in report.settings) == (2, False)  # it is nobody's to see
    assert store.listed() == ["a.csv", "r.csv"]


@pytest.mark.parametrize("url", ["s3://", "s3://bucket/folder/", "s3://key:secretword@bucket/a.csv", "ftp://h/a"])
def test_what_no_file_can_be_put_to(url: str, store: ObjectStore) -> None:
    with pytest.raises(StoreError) as raised:
        Upload(StoreUrl(url.replace("bucket", store.bucket)))
    assert "secretword" not in f"{raised.value.why} {raised.value.hint}"
