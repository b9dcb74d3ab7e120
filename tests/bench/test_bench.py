"""The race itself is fair: its audiences are what they say, and its check sees exactly who arrived."""

from __future__ import annotations

import csv
import hashlib
import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import phonenumbers
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq
import pytest

ROOT = Path(__file__).parents[2]
ROWS = 5_000
PEER = ROOT / "tests" / "bench" / "peers" / "arrow_numpy.py"


def run_module(name: str, *arguments: object) -> str:
    command = [sys.executable, "-m", f"tests.bench.{name}", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout


@pytest.fixture(scope="module")
def audience(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The CSV; the Parquet file lies beside it."""
    folder = tmp_path_factory.mktemp("audience")
    run_module("audiences", folder, ROWS, 0.02, 0.03)
    return next(folder.glob("*.csv"))


@pytest.fixture
def sink() -> Iterator[str]:
    command = [sys.executable, "-m", "tests.bench.sink"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        process.kill()


def members_row_by_row(audience: Path) -> dict[str, object]:
    phones = set()
    with audience.open(newline="") as rows:
        for row in csv.DictReader(rows):
            try:
                number = phonenumbers.parse(row["phone"], "US")
            except phonenumbers.NumberParseException:
                continue
            if phonenumbers.is_valid_number(number):
                phones.add(int(f"{number.country_code}{number.national_number}"))
    digest = hashlib.sha256(np.array(sorted(phones), np.int64).tobytes()).hexdigest()[:16]
    return {"rows": len(phones), "digest": digest}


def test_both_formats_hold_the_same_rows(audience: Path) -> None:
    """The CSV and the Parquet file of an audience hold the same cells in the same order."""
    table = pq.read_table(audience.with_suffix(".parquet"))
    types = pc.ConvertOptions(column_types=table.schema, strings_can_be_null=False)
    assert pc.read_csv(audience, convert_options=types).equals(table)
    assert table.num_rows == ROWS
    assert table.schema.types == [pa.string()] * 8


@pytest.mark.parametrize("suffix", [".csv", pytest.param(".parquet", marks=pytest.mark.long)])
def test_the_check_finds_the_members_that_a_row_by_row_reading_finds(
    audience: Path, sink: str, suffix: str, tmp_path: Path
) -> None:
    """What the hand-tuned peer uploads, as the check reads it, is what csv and phonenumbers say of the audience."""
    order = json.dumps({"keep": str(tmp_path), "megabytes_per_second": None, "typed": False})
    urllib.request.urlopen(f"{sink}/race/start", order.encode()).close()
    address = f"{sink}/sms/v1/ShortCode/1026/ContactImport"
    subprocess.run([sys.executable, str(PEER), str(audience.with_suffix(suffix)), address], check=True)
    assert json.loads(run_module("received", tmp_path)) == members_row_by_row(audience)


@pytest.mark.long
def test_how_far_one_machine_goes_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each way of a size is a row with its figures; files, a bucket and a query sent the same members and bytes."""
    monkeypatch.setenv("BENCH_DIR", str(tmp_path))
    result = tmp_path / "result.json"
    table = run_module("scale", "--millions", 0.005, "--ways", "csv,parquet,s3,duckdb", "--result", result)
    rows = json.loads(result.read_text())["rows"]
    assert [row["way"] for row in rows] == ["csv", "parquet", "s3", "duckdb"]
    assert len({(row["sent"], row["bytes_sent"], row["imports"]) for row in rows}) == 1
    for row in rows:
        assert 4_000 < row["sent"] < row["read"] == 5_000
        assert 0 < row["first_import"] < row["seconds"] and row["peak"] > 50_000_000
        assert f"| 5,000 | {row['way']} |" in table
