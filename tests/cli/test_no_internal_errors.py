"""Whatever is typed, whatever the files hold and the environment says: an answer in our words, no internal error."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import os
import random
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from listrak_sms_cli.audience.source.locate import Location
from listrak_sms_cli.audience.source.open import _open_location
from listrak_sms_cli.audience.source.options import ReadOptions
from listrak_sms_cli.audience.source.spool import SourceSpool
from listrak_sms_cli.cli.commands import COMMANDS
from listrak_sms_cli.errors import AudienceError
from listrak_sms_cli.options import options_of
from listrak_sms_cli.sandbox import EmbeddedSandbox, SandboxConfig
from tests.support.lsms import Ended, call_lsms
from tests.support.world import World

EXIT_CODES = {0, 1, 2, 3, 4, 5, 6, 130}
TOGETHER = 25  # commands a test
SEEDS = range(40)
EVERY_TIME = 10  # the first so many belong to `make test`, all to `make test-all`

LONG = "a" * 4000
WORDS = (
    "", " ", "²", "٣", "½", "é", "caf\udce9", "\x01", "\x7f", "\u202e", "\ufeff", "😀", "\n", LONG, "é" * 300, "=",
    "=x",
    "tier=", "tier=²", "tier=7", "tier=99999999999999999999", "phone=7",
    "tier=Loyalty Tier", "\udce9=7", "tier", "phone",
    "0", "1", "-1", "1.5", "1e400", "1e308", "nan", "inf", "9" * 30, "9" * 5000, "0x10", "1_0", "1s", "0s", "1e9d",
    "9" * 400 + "d", "US", "XX", "ß", "csv", "utf-16", "utf-7", "idna", "rot13",
    ",", "\\", "%Y", "%Q", "%", "%-d/%m/%y",
    "true", "no", "../x", "/", "~", "~nobody/x", "-", "--", "--json",
)  # fmt: skip
ADDRESSES = (
    "http://127.999.1.1/t", "http://127.0.0.1:99999/", "http://127.0.0.1:x/", "http://[::1", "http://[::1]:1/sms",
    "https://", "https://\udce9/", "https://é.invalid/", "https://" + "a" * 300 + "/", "https://a..invalid/",
    "https://x.invalid/\x01", "http://localhost:1/\u00b2", "ftp://x/", "https://[fe80::1%25x]/", "https://xn--\u00e9/",
    "http://127.1.1.256/", "https://-.invalid/", "https://127.0.0.1:1/ /",
)  # fmt: skip
URLS = (
    "file://",
    "file:///nowhere/\udce9",
    "file://%ff",
    "s3://",
    "gs://",
    "x://y",
    "http://[",
    "https://x.invalid/a.csv",
)
GOOD = b"phone,tier,First Name\n2125550100,Gold,Ann\n2125550101,,Bob\nnobody,x,\n"


def files(folder: Path) -> list[str]:
    """Files and folders that an audience, or the file of an option, may be."""
    contents: dict[bytes, bytes] = {
        b"good.csv": GOOD,
        b"caf\xe9.csv": GOOD,
        b"empty.csv": b"",
        b"nul.csv": b"phone,\0\n1\0,2\n",
        b"latin.csv": "phone,tier\n2125550100,é\n".encode("latin-1"),
        b"utf16.csv": "phone,tier\n2125550100,x\n".encode("utf-16"),
        b"half.csv": "phone,tier\n2125550100,x\n".encode("utf-16")[:-1],
        b"cut.csv.gz": gzip.compress(GOOD * 100)[:-20],
        b"bad.csv.gz": b"\x1f\x8b" + os.urandom(50),
        b"cut.csv.zst": b"\x28\xb5\x2f\xfd\x04\x00",
        b"cut.parquet": b"PAR1" + b"\0" * 100 + b"PAR1",
        b"cut.xlsx": b"PK\x03\x04" + b"\0" * 100,
        b"text.xlsx": GOOD,
        b"query.sql": b"select 1",
        b"quote.csv": b'phone,tier\n"2125550100,x\n',
        b"wide.csv": b"phone" + b",c" * 5000 + b"\n1\n",
        b"same.csv": b"phone,phone,tier,Tier\n2125550100,1,2,3\n",
        b"names.csv": "phone,²,\udce9".encode("utf-8", "replace") + b",\x01, ,\n2125550100,a,b,c,d,e\n",
        b"config.toml": b"[default]\nsender_code = 1026\n",
        b"bad.toml": b"\xff[",
        b"deep.toml": b"[default]\nx = " + b"[" * 5000,
        b"long.toml": b"[default]\nsender_code = " + b"9" * 5000,
        b"types.toml": b'default = 3\n[default2]\nsender_code = 1.5\napi_url = []\n["\xc2\xb2"]\nprofile = "x"\n',
        b"secret": b"s3cret\n",
        b"bad-secret": b"\xff\xfe\0",
    }
    for name, content in contents.items():
        Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_bytes(content)
    (folder / "secret").chmod(0o600)
    (folder / "bad-secret").chmod(0o600)
    (folder / "folder").mkdir()
    (folder / "folder" / "a.csv").write_bytes(GOOD)
    (folder / "nothing").mkdir()
    with socket.socket(socket.AF_UNIX) as there:
        there.bind(str(folder / "socket"))
    (folder / "loop").symlink_to("loop")
    special = [
        "missing.csv",
        "good.csv/x",
        "loop",
        "socket",
        "folder",
        "nothing",
        "*.csv",
        "fo[",
        "**",
        "nowhere/out.csv",
    ]
    return [*map(os.fsdecode, contents), *special, "/dev/null", "/dev/full", "/proc/self/mem", LONG, f"{LONG}.sql", "-"]


class Typist:
    """Types commands, out of a seed."""

    def __init__(self, seed: int, names: list[str], world: World) -> None:
        self._draw = random.Random(seed)
        self._names, self._world = names, world

    def command(self) -> list[str]:
        name = self._draw.choice([command for command in COMMANDS if command != "sandbox"])
        positional = [option for option in options_of(name) if option.positional]
        others = [option for option in options_of(name) if not option.positional]
        typed = [name, *(self._value(option.name) for option in positional if self._draw.random() < 0.95)]
        for option in self._draw.sample(others, min(len(others), self._draw.choice([0, 1, 1, 2, 2, 5]))):
            word = self._draw.choice(option.words[0].split("/"))
            typed += [word] if option.kind.typed is bool else [word, self._value(option.name)]
        return [*typed, *self._draw.choice([[], [], ["--json"]])]

    def _value(self, name: str) -> str:
        if name == "audience" and self._draw.random() < 0.5:
            return "good.csv"
        pools = [self._names, self._names, WORDS]
        pools += [ADDRESSES] * (4 if name.endswith("url") else 1) + [URLS] * (name == "audience")
        return str(self._draw.choice(self._draw.choice(pools)))

    def environment(self) -> dict[str, str]:
        usual = {
            **self._world.env,
            "LSMS_GIVE_UP_AFTER": "1s",
            "HTTPS_PROXY": "http://127.0.0.1:9",  # nothing leaves the machine
        }
        names = [*usual, "LISTRAK_CLIENT_SECRET_FILE", "LSMS_CONFIG", "LSMS_PROFILE", "HTTP_PROXY", "NO_PROXY", "LANG"]
        names += ["SSL_CERT_FILE", "TMPDIR", "COLUMNS", "TERM", "NO_COLOR", "HOME", "TZ", "XDG_CONFIG_HOME"]
        for name in names:
            if self._draw.random() < 0.05:
                usual[name] = self._value(name.lower())
        if "127.0.0.1:9" not in usual["HTTPS_PROXY"]:
            usual["NO_PROXY"] = ""
        return usual

    def encoding(self) -> str:
        return self._draw.choice(["utf-8", "utf-8", "latin-1", "cp1252", "ascii"])

    def standard_input(self) -> bytes:
        return self._draw.choice([b"", GOOD, b"\xff\xfe", b"\x1f\x8b", b"phone\n"])


def check(typed: list[str], ended: Ended) -> None:
    """No internal error, no traceback; with --json a document."""
    seen = f"{typed}\n{ended.out[-1500:]}\n{ended.err[-1500:]}"
    assert "nternal error" not in ended.out + ended.err, seen
    assert '"internal"' not in ended.out, seen
    assert "Traceback" not in ended.out + ended.err, seen
    assert ended.code in EXIT_CODES, (ended.code, seen)
    if ended.out.startswith("{"):
        json.loads(ended.out)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[EmbeddedSandbox]:
    with EmbeddedSandbox(SandboxConfig()) as opened:
        yield opened


@pytest.mark.parametrize(
    "seed", [pytest.param(seed, marks=[pytest.mark.long] * (seed >= EVERY_TIME)) for seed in SEEDS]
)
def test_whatever_is_typed(sandbox: EmbeddedSandbox, tmp_path: Path, seed: int) -> None:
    """Commands of random options, files, environments and encodings."""
    world = World(sandbox, tmp_path)
    typist = Typist(seed, files(tmp_path), world)
    for _ in range(TOGETHER):
        typed = typist.command()
        more: dict[str, Any] = {"env": typist.environment(), "encoding": typist.encoding()}
        check(typed, call_lsms(*typed, stdin=typist.standard_input(), cwd=tmp_path, **more))


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "cp1252", "ascii"])
@pytest.mark.parametrize("command", ["validate", "push", "verify"])
@pytest.mark.parametrize("typed", [["caf\udce9.csv"], ["named"], ["named/*"], ["good.csv", "--log-file", "\udce9.txt"]])
def test_a_name_that_is_not_utf8_is_refused(world: World, command: str, typed: list[str], encoding: str) -> None:
    """Of an audience, of a file in its folder, of any other file: on the screen and as JSON."""
    files(world.home)
    (world.home / "named").mkdir()
    (world.home / "named" / "caf\udce9.csv").write_bytes(GOOD)
    for json_too in ([], ["--json"]):
        ended = call_lsms(command, *typed, *json_too, env=world.env, cwd=world.home, encoding=encoding)
        check(typed, ended)
        assert ended.code == 2
        assert "UTF-8" in ended.out + ended.err


@pytest.mark.parametrize(
    "name", [LONG, f"{LONG}/x.csv", f"file:///{LONG}", "~nobody-here/x.csv", "loop", "gs://", "http://["]
)
def test_a_name_that_can_be_no_file_is_not_found(world: World, name: str) -> None:
    """Exit 2, a code that says so."""
    files(world.home)
    ended = call_lsms("validate", name, "--json", env=world.env, cwd=world.home)
    assert (ended.code, ended.json["error"]["code"]) in [(2, code) for code in ("not_found", "cannot_read", "usage")], (
        ended.out
    )


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "cp1252", "ascii"])
def test_a_tick_and_a_cross_can_be_told_apart(world: World, encoding: str) -> None:
    """Where the stream has neither, words stand for them."""
    good = call_lsms("check", env=world.env, encoding=encoding)
    bad = call_lsms("check", "--sender-code", "9", env=world.env, encoding=encoding)
    ok, wrong = ("✓", "✗") if encoding == "utf-8" else ("ok", "NO")
    assert (good.code, bad.code) == (0, 2)
    assert good.out.count(f"{ok} ") == 8
    assert f"{wrong} sender code" in bad.out


@pytest.mark.parametrize("target", ["²", "\u0667", "9" * 30, "9" * 5000])
@pytest.mark.parametrize("command", [["push", "--sandbox"], ["push"], ["validate"]])
def test_a_field_that_is_no_number_is_a_name(world: World, command: list[str], target: str) -> None:
    """Digits of other scripts are no id: a field of that name is missing."""
    typed = [*command, "good.csv", "--map", f"tier={target}", "--json"]
    files(world.home)
    ended = call_lsms(*typed, env=world.env, cwd=world.home)
    check(typed, ended)
    assert ended.code == 2, ended.out


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("option", ["--api-url", "--token-url"])
def test_an_address_that_is_none_is_refused(world: World, option: str, address: str) -> None:
    """Settings to correct, or a server that is not there; never an error of the HTTP library."""
    env = {**world.env, "HTTPS_PROXY": "http://127.0.0.1:9"}
    typed = ["fields", option, address, "--give-up-after", "0s", "--json"]
    ended = call_lsms(*typed, env=env)
    check(typed, ended)
    assert ended.code in (2, 5)


@pytest.mark.parametrize("proxy", ["http://127.999.1.1:1", "http://a..b:1", "http://[", "http://" + "a" * 300, "²"])
def test_a_proxy_that_is_none_is_refused(world: World, proxy: str) -> None:
    """A setting to correct, or one that is not there."""
    env = {**world.env, "LISTRAK_API_URL": "https://listrak.invalid/sms", "HTTPS_PROXY": proxy}
    typed = ["fields", "--give-up-after", "0s", "--json"]
    ended = call_lsms(*typed, env=env)
    check(typed, ended)
    assert ended.code in (2, 5)


def test_a_stream_that_dies_is_said_to_have_broken_off(world: World) -> None:
    """Whatever its reader raises, with and without compression."""
    ended = call_lsms("validate", "/proc/self/mem", "--json", env=world.env)
    assert (ended.code, ended.json["error"]["code"]) == (2, "cannot_read")

    class Dying(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell() >= 1_000_000:
                raise RuntimeError("the connection of a cloud store")
            return super().read(size)

    rows = b"phone,tier\n" + b"".join(b"2125550100,%d\n" % number for number in range(200_000))
    for content in (rows, gzip.compress(rows, 0)):
        with pytest.raises(AudienceError) as caught, contextlib.closing(SourceSpool()) as spool:
            _open_location(Location("a.csv", lambda content=content: Dying(content)), ReadOptions(), spool)
        assert caught.value.code == "cannot_read"


@pytest.mark.parametrize("name", ["bad.toml", "deep.toml", "long.toml", "types.toml", "nothing", "loop", LONG])
def test_a_config_file_that_is_none_is_refused(world: World, name: str) -> None:
    """Exit 2, whatever is wrong with it."""
    files(world.home)
    ended = call_lsms("fields", "--config", name, "--json", env=world.env, cwd=world.home)
    check(["fields", "--config", name], ended)
    assert ended.code == 2


@pytest.mark.parametrize("option", ["--rejects", "--log-file"])
@pytest.mark.parametrize(
    "name", ["loop", "socket", "nothing", "nowhere/out.csv", "good.csv/x", LONG, "~nobody-here/x", "/"]
)
def test_a_place_that_cannot_be_written_is_refused(world: World, option: str, name: str) -> None:
    """Exit 2, before anything is read."""
    files(world.home)
    typed = ["validate", "good.csv", option, name, "--json"]
    ended = call_lsms(*typed, env=world.env, cwd=world.home)
    check(typed, ended)
    assert ended.code == 2
