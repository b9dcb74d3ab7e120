"""What a job expects of its audience: all that fails is named at once, before anything is sent, and never a value."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from listrak_sms_cli import validate
from listrak_sms_cli.errors import GuardStopped
from listrak_sms_cli.jobs import find_job
from listrak_sms_cli.runs import reading_options, validate_audience
from listrak_sms_cli.settings import load_settings
from tests.support.push_command import pushed
from tests.support.world import World

TIERS = ["Gold", "gold", "Zebra7", "Zebra8", "", " Silver ", "Gold", "Gold", "", "Silver"]


def unexpected(folder: Path, expect: str, source: object) -> str:
    """What the guard says of the audience; "" when all is as expected."""
    path = folder / "lsms.toml"
    path.write_text(f"[jobs.x.expect]\n{expect}\n", "utf-8")
    reading = reading_options({"expect": find_job("x", path).expect})
    try:
        validate_audience(source, load_settings({}, {}), reading, offline=True)
    except GuardStopped as stopped:
        assert (stopped.code, stopped.exit_code) == ("unexpected", 3)
        return stopped.message
    return ""


def audience(folder: Path, cells: list[str] = TIERS) -> Path:
    path = folder / "a.csv"
    path.write_text("phone,Loyalty Tier\n" + "".join(f"21255501{n:02d},{c}\n" for n, c in enumerate(cells)), "utf-8")
    return path


CASES = [
    ("min_rows = 10\nmax_rows = 10", ""),
    ("min_rows = 11", "it has 10 members, fewer than min_rows 11"),
    ("max_rows = 9", "it has 10 members, more than max_rows 9"),
    ("columns = { loyalty_tier = { min_filled = 80 } }", ""),
    ("columns = { 'Loyalty Tier' = { min_filled = 80.1 } }", "Loyalty Tier is filled in 80 % of the cells"),
    ("columns = { Loyalty_Tier = { values = ['Gold', 'gold', 'Silver', 'Zebra7', 'Zebra8'] } }", ""),
    (
        "columns = { Loyalty_Tier = { values = ['Gold', 'Silver'] } }",
        "3 of 8 values of Loyalty_Tier are none of Gold, Silver (1 differ in case only; their shapes: Xxxxx9 2, ",
    ),
    ("columns = { Nope = {} }", "there is no column Nope"),
    ("columns = { Loyalty_Tier = { field_id = 7, type = 'Text' } }", ""),  # offline the fields are not known
    ("columns = { phone = { field_id = 7 } }", "phone is not sent"),
]


@pytest.mark.parametrize(("expect", "words"), CASES, ids=[expect for expect, _ in CASES])
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_each_expectation(tmp_path: Path, kind: str, expect: str, words: str) -> None:
    """At the limit it holds, past it the figure and the limit are named; blanks around a value do not matter."""
    path = audience(tmp_path)
    if kind == "parquet":
        cells = pa.array(TIERS).dictionary_encode()
        path = tmp_path / "a.parquet"
        pq.write_table(pa.table({"phone": [f"21255501{n:02d}" for n in range(10)], "Loyalty Tier": cells}), path)
    message = unexpected(tmp_path, expect, path)
    assert words in message
    assert bool(words) == bool(message)
    assert "Zebra" not in message


def test_everything_that_fails_is_named_at_once(tmp_path: Path) -> None:
    """One message has the rows, the age and every column."""
    path = audience(tmp_path)
    os.utime(path, (time.time() - 100_000, time.time() - 100_000))
    columns = "columns = { Nope = {}, Loyalty_Tier = { min_filled = 90, values = ['x'] } }"
    expect = f"min_rows = 11\nmax_age = '26h'\n{columns}"
    message = unexpected(tmp_path, expect, path)
    for words in ("min_rows 11", "27.78h old, more than max_age 26h", "no column Nope", "80 %", "8 of 8 values"):
        assert words in message


@pytest.mark.parametrize(
    ("limit", "age", "words"),
    [
        ("'1s'", 12, "1[0-9.]+s old, more than max_age 1s\\."),
        ("'90m'", 6000, "10.*m old, more than max_age 90m\\."),
        ("'48h'", 345_600, "4.*d old, more than max_age 48h\\."),
        ("'1 d'", 90_000, "25.*h old, more than max_age 1 d\\."),
    ],
)
def test_durations_as_they_are_written(tmp_path: Path, limit: str, age: float, words: str) -> None:
    """The limit as the job has it, the age in a unit that shows it."""
    path = audience(tmp_path)
    os.utime(path, (time.time() - age, time.time() - age))
    assert re.search(words, unexpected(tmp_path, f"max_age = {limit}", path))


def test_an_age_that_cannot_be_known_does_not_pass(tmp_path: Path) -> None:
    """A frame has no age; the newest of several files counts, at a URL as well."""
    expect = "max_age = '1h'"
    assert "is not known" in unexpected(tmp_path, expect, pa.table({"phone": ["2125550100"], "a": ["x"]}))
    folder = tmp_path / "parts"
    folder.mkdir()
    for name, age in (("1.csv", 9_000), ("2.csv", 60)):
        file = folder / name
        file.write_text("phone,a\n2125550100,x\n", "utf-8")
        os.utime(file, (time.time() - age, time.time() - age))
    assert unexpected(tmp_path, expect, folder) == ""
    (folder / "2.csv").unlink()
    assert "2.5h old" in unexpected(tmp_path, expect, folder)


def test_fields_are_held_against_the_account(world: World) -> None:
    """Id and type of the profile field that a column goes to; nothing is sent, and the rejects are written."""
    file, rejects = world.home / "lsms.toml", world.home / "r.csv"
    path = audience(world.home, ["Gold", "Silver"])
    text = f"[jobs.x]\naudience = 'a.csv'\nrejects = 'r.csv'\n[jobs.x.expect.columns]\nLoyalty_Tier = {{ {'{}'} }}\n"
    fields = {field["name"]: field for field in world.lsms("fields", "--json").json["fields"]}
    right = fields["Loyalty Tier"]["id"]
    file.write_text(text.replace("{}", f"field_id = {right}, type = 'Text'"), "utf-8")
    arguments: tuple[Any, ...] = ("--job", "x", "--job-file", file)
    assert pushed(world, *arguments)["rows_sent"] == 2
    file.write_text(text.replace("{}", f"field_id = {right + 1}, type = 'Date'"), "utf-8")
    rejects.unlink()
    report = pushed(world, *arguments, code=3)
    assert (report["rows_sent"], report["rows_sendable"], len(world.admin("imports"))) == (0, 2, 1)
    message = report["error"]["message"]
    assert f"Loyalty_Tier goes to profile field Loyalty Tier (id {right}), not to id {right + 1}" in message
    assert "of type Text, not Date" in message
    assert rejects.exists()
    assert world.lsms("verify", *arguments).code == 0  # nothing is sent: nothing has to be guarded
    assert validate(path, offline=True).exit_code == 0
