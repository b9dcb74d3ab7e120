"""`--notify`: a failure, a new warning and a recovery are told, to a real receiver, and nothing else is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from listrak_sms_cli import LsmsError, push
from tests.support.webhook import Webhook, webhook
from tests.support.world import World

GOOD = "phone,first_name\n" + "".join(f"21255501{n:02d},Zebediah{n}\n" for n in range(30))
HALF_EMPTY = "phone,first_name\n" + "".join(f"21255501{n:02d},\n" for n in range(30))


@pytest.fixture
def hook() -> Iterator[Webhook]:
    with webhook() as receiver:
        yield receiver


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    return make_world(import_seconds=0.0)


def state_of(world: World) -> bytes:
    return b"".join(path.read_bytes() for path in world.home.rglob("*") if path.is_file())


def test_a_failure_and_its_recovery_are_told_and_a_good_push_is_not(world: World, hook: Webhook) -> None:
    """Also a failure before the run began; the receiver learns what is wrong and what to do, and of no member."""
    missing = world.home / "audience.csv"
    failed = world.lsms("push", missing, "--notify", hook.url)
    assert failed.code == 2
    assert hook.titles == [f"lsms: the push of {missing} failed (not_found, exit 2)"]
    assert hook.received[0]["type"] == "failure"
    audience = world.audience(GOOD)
    assert world.lsms("push", audience, "--notify", hook.url).code == 0
    assert hook.titles[1:] == [f"lsms: the push of {audience} works again"]
    assert hook.received[1]["type"] == "success"
    assert "30 of 30 members sent" in hook.received[1]["message"]
    assert world.lsms("push", audience, "--notify", hook.url).code == 0
    assert len(hook.received) == 2
    assert "Zebediah" not in str(hook.received) + str(hook.headers)
    assert b"s3cret" not in state_of(world)


def test_columns_of_the_file_are_not_told(world: World, hook: Webhook) -> None:
    """In a file without a header they are values of a member: what is wrong is told in general words."""
    for header, code in (("Zebediah,Quill", "no_phone_column"), ("phone,Zebediah,Quill", "unmatched_columns")):
        failed = world.lsms("push", world.audience(f"{header}\n2125550100,A,B\n"), "--notify", hook.url)
        assert failed.code == 2
        assert "Zebediah" in failed.err
        assert f"({code}, exit 2)" in hook.titles[-1]
        assert "column" in hook.received[-1]["message"].lower()
    assert "Zebediah" not in str(hook.received)


def test_settings_that_cannot_be_read_are_told_too(world: World, hook: Webhook) -> None:
    """The address is taken from the environment or the words typed then; the next success is the recovery."""
    audience = world.audience(GOOD)
    environ = {"LSMS_NOTIFY": hook.url}
    assert world.lsms("push", audience, env={**environ, "LISTRAK_SENDER_CODE": "none"}).code == 2
    assert world.lsms("push", audience, "--batch-rows", "many", env=environ).code == 2
    assert world.lsms("push", audience, "--no-such-option", env=environ).code == 2
    assert [title.rpartition("(")[2] for title in hook.titles] == [
        "bad_sender_code, exit 2)",
        "usage, exit 2)",
        "usage, exit 2)",
    ]
    assert world.lsms("push", audience, env=environ).code == 0
    assert hook.titles[3:] == [f"lsms: the push of {audience} works again"]


def test_a_warning_is_told_once(world: World, hook: Webhook) -> None:
    """When the baseline did not have it, and not again; notes are never told."""
    assert world.lsms("push", world.audience(GOOD), "--notify", hook.url).code == 0
    for _ in range(2):
        assert world.lsms("push", world.audience(HALF_EMPTY), "--notify", hook.url).code == 0
    (message,) = hook.received
    assert message["title"].endswith("has new warnings")
    assert message["type"] == "warning"
    assert "[fill_dropped]" in message["message"]
    assert "[empty_cells]" not in message["message"]


def test_dry_and_sandbox_runs_tell_nobody(world: World, hook: Webhook) -> None:
    """Neither of a failure nor of anything else, and they write no metrics."""
    metrics = world.home / "lsms.prom"
    for rehearsal in ("--dry-run", "--sandbox"):
        options = (rehearsal, "--notify", hook.url, "--metrics-file", metrics)
        assert world.lsms("push", world.home / "missing.csv", *options).code == 2
        assert world.lsms("push", world.audience(HALF_EMPTY), *options).code == 0
    assert hook.received == []
    assert not metrics.exists()


def test_a_notification_that_fails_is_a_warning(world: World, hook: Webhook) -> None:
    """Never another exit code, and the address is never shown; a redirect is a failure, for it is not followed."""
    hook.answer = 500
    failed = world.lsms("push", world.home / "missing.csv", "--notify", f"{hook.url} nonsense://x-s3cret", "--json")
    assert failed.code == 2
    assert [warning["code"] for warning in failed.json["warnings"]] == ["notify_failed"]
    assert "2 of 2 addresses" in failed.json["warnings"][0]["message"]
    with webhook() as elsewhere:
        hook.redirect = elsewhere.url.replace("json", "http", 1)
        shown = world.lsms("push", world.home / "missing.csv", "--notify", f"{hook.url}?redirect=yes", "--verbose")
        assert elsewhere.received == []
    assert "[notify_failed]" in shown.err
    assert "s3cret" not in failed.out + failed.err + shown.out + shown.err


def test_a_plain_webhook_is_told_and_netrc_is_not_read(world: World, hook: Webhook) -> None:
    """A web address that apprise does not know takes JSON; no password of a .netrc goes there."""
    (world.home / ".netrc").write_text("machine 127.0.0.1 login ann password hunter2\n", "utf-8")
    (world.home / ".netrc").chmod(0o600)
    plain = hook.url.replace("json", "http", 1)
    env = {"HTTP_PROXY": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9"}
    assert world.lsms("push", world.home / "missing.csv", "--notify", plain, env=env).code == 2
    assert len(hook.received) == 1
    assert "Authorization" not in hook.headers[0]


def test_a_profile_names_a_file_of_addresses(world: World, hook: Webhook) -> None:
    """Which only its owner may read; the option beats it."""
    file, config = world.home / "notify", world.home / "config.toml"
    file.write_text(f"{hook.url}\n{hook.url}\n", "utf-8")
    config.write_text(f'[default]\nnotify_file = "{file}"\n', "utf-8")
    config.chmod(0o600)
    file.chmod(0o644)
    push_it = ("push", world.home / "missing.csv", "--config", config)
    assert "world-readable" in world.lsms(*push_it).err
    assert hook.received == []
    file.chmod(0o600)
    world.lsms(*push_it)
    assert len(hook.received) == 2
    with webhook() as other:
        world.lsms(*push_it, "--notify", other.url)
        assert (len(other.received), len(hook.received)) == (1, 2)


def test_python_tells_too(world: World, hook: Webhook, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the keyword of the same name."""
    for name, value in world.env.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(LsmsError):
        push(Path("missing.csv"), notify=hook.url)
    assert "missing.csv" in hook.titles[0]
