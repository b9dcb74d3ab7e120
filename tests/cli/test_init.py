"""`lsms init`: from a client id and a secret to a profile that works, and to a job."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.cells import cell_len

from tests.support.lsms import call_lsms
from tests.support.memory_keyring import memory_keyring, no_keyring
from tests.support.scripted_listrak import Script, data
from tests.support.terminal import on_a_terminal
from tests.support.world import Ended, World

AUDIENCE = "Mobile,first_name,Loyalty Teir,Notes\n2125550100,Ann,Gold,x\n2125550101,Bob,Silver,y\n"


def addresses(world: World) -> dict[str, str]:
    """An environment without an account: where Listrak is, and nothing else."""
    return {
        "HOME": str(world.home),
        "LSMS_STATE_DIR": str(world.home / "state"),
        "LISTRAK_API_URL": world.sandbox.api_url,
        "LISTRAK_TOKEN_URL": world.sandbox.token_url,
    }


def init(world: World, *arguments: object, **more: str) -> Ended:
    """`lsms init` without a terminal, of the world's account; the secret on standard input unless the environment has
    it."""
    env = dict.fromkeys(world.env, "") | addresses(world) | more
    words = () if any(name.startswith("LISTRAK_CLIENT_SECRET") for name in more) else ("--client-secret-file", "-")
    secret = world.sandbox.config.client_secret
    typed = ("--client-id", world.sandbox.config.client_id, *words, *arguments)
    return world.lsms("init", *typed, env=env, stdin=f"{secret}\n", cwd=world.home)


def config(world: World) -> Path:
    return world.home / ".config/lsms/config.toml"


def alone(world: World, *arguments: object) -> Ended:
    """`lsms` with nothing but what `init` has written."""
    return world.lsms(*arguments, env=dict.fromkeys(world.env, "") | {"HOME": str(world.home)}, cwd=world.home)


@pytest.mark.parametrize("width", [60, 80, 120])
def test_each_question_on_a_terminal(world: World, width: int) -> None:
    """Profile, client id, a hidden secret (again, where it is refused), sender code, unclear columns, job: with it the
    next push works. The secret is never on the screen; no line is wider than the terminal."""
    world.audience(AUDIENCE)
    secret = world.sandbox.config.client_secret
    answers = [
        ("Profile", "production"),
        ("Client id", world.sandbox.config.client_id),
        ("Client secret", "not-this-one"),
        ("Client id", ""),
        ("Client secret", secret),
        ("Sender code", "nothing"),
        ("Sender code", "1028"),
        ("Field of Loyalty_Teir", ""),
        ("Field of Notes", "Nothing"),
        ("Field of Notes", "-"),
        ("Name of the job", "nightly"),
    ]
    words = ("init", "audience.csv", "--region", "US")
    screen = on_a_terminal(*words, env=addresses(world), answers=answers, width=width, cwd=world.home)
    assert screen.code == 0, screen.text
    assert secret not in screen.raw
    assert "not-this-one" not in screen.raw
    assert "ERROR_INVALID_CREDENTIALS" in screen.text
    assert "Next: lsms push --job nightly --dry-run" in screen.text
    assert max(map(cell_len, screen.text.split("\n"))) <= width
    kept = config(world).with_name("production.secret")
    assert kept.read_text("utf-8") == f"{secret}\n"
    assert [path.stat().st_mode & 0o777 for path in (config(world), kept)] == [0o600, 0o600]
    assert (world.home / "lsms.toml").read_text("utf-8") == (
        '[jobs.nightly]\naudience = "audience.csv"\nmap = { Loyalty_Teir = "Loyalty Tier" }\nskip_column = ["Notes"]\n'
        'region = "US"\nprofile = "production"\n'
    )
    pushed = alone(world, "push", "--job", "nightly", "--json").json
    assert (pushed["sender_code"], pushed["rows_sent"]) == (1028, 2)


def test_consent_is_asked_about(world: World) -> None:
    """A column that looks like consent decides who is sent, unless the answer is no."""
    world.audience("phone,first_name,SMS_OK\n2125550100,Ann,yes\n2125550101,Bob,no\n")
    given = ("--profile", "production", "--client-id", world.sandbox.config.client_id, "--sender-code", "1026")
    env = {**addresses(world), "LISTRAK_CLIENT_SECRET": world.sandbox.config.client_secret}
    answers = [("Send only members who say yes in SMS_OK?", ""), ("Name of the job", "nightly")]
    screen = on_a_terminal("init", "audience.csv", *given, env=env, answers=answers, cwd=world.home)
    assert screen.code == 0, screen.text
    assert 'consent_column = "SMS_OK"' in (world.home / "lsms.toml").read_text("utf-8")
    assert "1 of 2 could be sent" in screen.text


def test_what_is_stored_is_an_enter_away(world: World) -> None:
    """A second time each answer is proposed, also the secret that is stored, which stays where it is."""
    assert init(world, "--sender-code", 1026).code == 0
    before = config(world).read_text("utf-8")
    answers = [("Profile", ""), ("Client id", ""), ("Enter keeps the one that is stored", ""), ("Sender code", "")]
    screen = on_a_terminal("init", env=addresses(world), answers=answers)
    assert screen.code == 0, screen.text
    assert config(world).read_text("utf-8") == before
    config(world).with_name("default.secret").unlink()  # lost: it is asked for
    again = [("Profile", ""), ("Client id", ""), ("Client secret", world.sandbox.config.client_secret)]
    screen = on_a_terminal("init", "--sender-code", "1027", env=addresses(world), answers=again)
    assert screen.code == 0, screen.text
    assert alone(world, "check").code == 0


@pytest.mark.parametrize("given", ["standard input", "environment", "file", "file of the environment"])
def test_a_script_gives_each_answer(world: World, given: str) -> None:
    """Without a terminal; the secret comes from standard input, the environment or a file, which stays where it is."""
    secret, named = world.sandbox.config.client_secret, world.home / "s"
    named.write_text(secret, "utf-8")
    named.chmod(0o600)
    by_environment = {"environment": {"LISTRAK_CLIENT_SECRET": secret}}
    by_environment["file of the environment"] = {"LISTRAK_CLIENT_SECRET_FILE": str(named)}
    words = ("--client-secret-file", named) if given == "file" else ()
    ended = init(world, "--sender-code", 1026, "--profile", "p", "--json", *words, **by_environment.get(given, {}))
    assert ended.code == 0, ended.out
    ours = config(world).with_name("p.secret")
    assert ended.json["client_secret_file"] == str(named if "file" in given else ours)
    assert ours.exists() == ("file" not in given)
    assert secret not in ended.out + config(world).read_text("utf-8")
    assert alone(world, "check", "--profile", "p").code == 0


def test_what_the_config_holds_is_kept(world: World) -> None:
    """Comments, order, blanks and other profiles stay to the letter, and so does what else the profile says."""
    before = (
        "# ours\n\n[other]   # theirs\nsender_code = 7\n\n[default]\n"
        'give_up_after = "30s"   # slow\nsender_code = 9  # old\n\n[last]\n'
    )
    config(world).parent.mkdir(parents=True)
    config(world).write_text(before, "utf-8")
    config(world).chmod(0o640)
    assert init(world, "--sender-code", 1026).code == 0
    after = config(world).read_text("utf-8")
    added = [line for line in after.splitlines() if line not in before.splitlines()]
    assert [line.partition(" =")[0] for line in added if "sender_code" not in line] == [
        "client_id", "client_secret_file", "api_url", "token_url",
    ]  # fmt: skip
    assert "sender_code = 1026  # old\n" in after
    assert [line for line in after.splitlines() if line not in added] == [
        line for line in before.splitlines() if "old" not in line
    ]
    assert config(world).stat().st_mode & 0o777 == 0o640


def test_without_a_terminal_what_is_missing_is_named(world: World) -> None:
    """All of it at once, exit 2; a sender code is missing where there are several, and then they are named."""
    nothing = world.lsms("init", env=dict.fromkeys(world.env, "") | addresses(world))
    assert nothing.code == 2
    for option in ("--client-id ID", "LISTRAK_CLIENT_SECRET", "--client-secret-file FILE", "--sender-code ID"):
        assert option in nothing.err
    several = init(world, "--json")
    assert (several.code, several.json["error"]["code"]) == (2, "init_missing")
    assert "1026 (71856" in several.json["error"]["hint"]
    assert init(world, "--sender-code", 9, "--json").json["error"]["code"] == "unknown_sender_code"
    assert init(world, "--sender-code", 1026, "--save-job", "x").code == 2
    for name in ("../x", "sources"):  # a table of databases
        assert init(world, "--sender-code", 1026, "--profile", name, "--json").json["error"]["code"] == "bad_profile"
    assert not config(world).exists()


def test_what_does_not_work_is_not_written(world: World) -> None:
    """A secret that is refused is exit 4, an account that cannot be reached exit 5."""
    assert init(world, "--sender-code", 1026, LISTRAK_CLIENT_SECRET="wrong").code == 4
    there = ("--token-url", "http://127.0.0.1:9/t", "--give-up-after", "0.2s")
    assert init(world, "--sender-code", 1026, *there).code == 5
    assert not config(world).parent.exists()


def test_the_only_sender_code_is_taken(tmp_path: Path) -> None:
    """Where the credential may use just one, nobody has to name it; where it may use none, that is said."""
    env = {"HOME": str(tmp_path), "LISTRAK_CLIENT_ID": "an-id", "LISTRAK_CLIENT_SECRET": "a-secret"}
    for codes, code in (([{"shortCodeId": 7, "country": "US"}], 0), ([], 2)):
        with Script((data(codes),)) as listrak:
            there = {"LISTRAK_API_URL": listrak.api_url, "LISTRAK_TOKEN_URL": listrak.token_url}
            ended = call_lsms("init", "--json", env=env | there)
        assert ended.code == code, ended.out
        assert (ended.json.get("sender_code") == 7) == (code == 0)
    assert ended.json["error"]["code"] == "no_sender_codes"


def test_columns_without_a_field_come_with_a_finished_command(world: World) -> None:
    """The profile is written, the job is not; the command that is offered writes it."""
    world.audience(AUDIENCE)
    open_columns = init(world, "audience.csv", "--sender-code", 1026, "--save-job", "nightly")
    assert open_columns.code == 2
    assert "--map 'Loyalty_Teir=Loyalty Tier' --skip-column Notes" in open_columns.err
    assert not (world.home / "lsms.toml").exists()
    settled = ("--map", "Loyalty_Teir=Loyalty Tier", "--skip-column", "Notes")
    ended = init(world, "audience.csv", "--sender-code", 1026, "--save-job", "nightly", *settled, "--json")
    assert ended.code == 0, ended.out
    assert (ended.json["job"], ended.json["command"]) == ("nightly", "lsms push --job nightly --dry-run")
    assert [column["field"] for column in ended.json["columns"]] == ["First Name", "Loyalty Tier"]
    assert alone(world, "push", "--job", "nightly").code == 0


def test_the_keyring_holds_the_secret(world: World) -> None:
    """With --keyring no file has it; a profile that says so needs nothing else, and without a keyring it is exit 2."""
    with memory_keyring() as ring:
        ended = init(world, "--sender-code", 1026, "--keyring", "--json")
        assert (ended.code, ended.json["keyring"]) == (0, True), ended.out
        assert list(ring.secrets.values()) == [world.sandbox.config.client_secret]
        assert "keyring = true" in config(world).read_text("utf-8")
        assert not list(config(world).parent.glob("*.secret"))
        checked = alone(world, "check")
        assert checked.code == 0, checked.out
        assert "the keyring, profile default" in checked.out
        assert alone(world, "runs").code == 0
        ring.secrets.clear()
        assert alone(world, "check", "--json").json["error"]["code"] == "secret_not_in_keyring"
        assert init(world, "--sender-code", 1026).code == 0
        assert "keyring = " not in config(world).read_text("utf-8")
    config(world).unlink()
    with no_keyring():
        none = init(world, "--sender-code", 1026, "--keyring", "--json")
    assert (none.code, none.json["error"]["code"]) == (2, "keyring_unavailable")
    assert not config(world).exists()
