"""What a report says of the settings: all that was chosen, and nothing that could be a secret."""

from __future__ import annotations

from pathlib import Path

from listrak_sms_cli.options import Option, Options
from listrak_sms_cli.options.kinds import File, Mapped, Text, Texts
from listrak_sms_cli.runs.options import chosen, push_options
from listrak_sms_cli.settings import load_settings
from listrak_sms_cli.version import VERSION


class Unknown(Options):
    """Options that nobody has looked at yet."""

    notify = Option(Text("URL"), None, "", "")
    storage_option = Option(Texts("KEY=VALUE"), (), "", "")
    header = Option(Mapped("NAME=VALUE"), {}, "", "")
    key_file = Option(File("FILE"), None, "", "")


def test_options_are_shown_as_they_are_typed() -> None:
    """Those at their defaults are not."""
    given = {
        "map": {"tier": "Loyalty Tier"},
        "skip_column": ["a", "b"],
        "wait": False,
        "wait_timeout": "30d",
        "keep": "last",
    }
    options = push_options({**given, "max_drop_rate": 5, "only_existing": True, "date_format": "%d/%m/%Y"})
    assert chosen(load_settings({}, {}), options, options.reading) == {
        "lsms": VERSION,
        "API base": "https://api.listrak.com/sms",
        "--max-drop-rate": "5",
        "--only-existing": "on",
        "--wait": "off",
        "--wait-timeout": "2592000s",
        "--date-format": "%d/%m/%Y",
        "--map": "tier=Loyalty Tier",
        "--skip-column": "a, b",
    }


def test_nothing_that_could_be_a_secret_is_shown(tmp_path: Path) -> None:
    """Neither in an address, nor in a free text that is not known to hold none."""
    secret = tmp_path / "secret"
    secret.write_text("hush")
    secret.chmod(0o600)
    settings = load_settings(
        {"api_url": "https://user:hush@api.example/sms?key=hush#hush"},
        {"LISTRAK_CLIENT_ID": "hush", "LISTRAK_CLIENT_SECRET_FILE": str(secret)},
    )
    unknown = Unknown(notify="https://hush", storage_option=["k=hush"], header={"k": "hush"}, key_file="hush")
    shown = chosen(settings, unknown)
    assert shown == {"lsms": VERSION, "API base": "https://api.example/sms"}
