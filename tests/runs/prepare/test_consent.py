"""A column that looks like consent and leaves nobody out is a warning, with the option typed out."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from listrak_sms_cli import validate
from tests.support.push_command import pushed
from tests.support.world import World


def warned(folder: Path, name: str, words: list[str], code: str = "consent_unused", **options: Any) -> list[str]:
    path = folder / "a.csv"
    rows = "".join(f"21255501{n:02d},x,{word}\n" for n, word in enumerate(words))
    path.write_text(f"phone,x,{name}\n{rows}", "utf-8")
    warnings = validate(path, offline=True, **options).warnings
    return [warning.message for warning in warnings if warning.code == code]


@pytest.mark.parametrize(
    "name",
    "consent SMS_Consent smsConsent opt_in OptIn sms_optin opted-in is_subscribed Accepts_SMS_Marketing "
    "accepts_marketing tcpa_consent_given allow_texts sms_ok ok_to_text marketing_permission".split(),
)
def test_names_of_consent(tmp_path: Path, name: str) -> None:
    """As programs and people name it; with yes and no the option is typed out."""
    messages = warned(tmp_path, name, ["yes", "no", "", "yes"])
    assert len(messages) == 1
    assert re.search("(--consent-column|consent_column) ", messages[0])
    assert re.search("(--map|map) ", messages[0])


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("tier", ["yes", "no"]),
        ("options", ["yes", "no"]),
        ("email_opt_in", ["yes", "no"]),
        ("EmailConsent", ["yes", "no"]),
        ("accepts_email_marketing", ["yes", "no"]),
        ("opted_out", ["true", "false"]),
        ("consent_date", ["2026-01-01", "2026-01-02"]),
        ("consent_source", ["web", "store"]),
        ("consent", ["", ""]),
        ("subscription_plan", ["yes", "no"]),
    ],
)
def test_what_is_no_consent_to_messages(tmp_path: Path, name: str, words: list[str]) -> None:
    """Other names, other words, another channel, no words at all."""
    assert warned(tmp_path, name, words) == []


@pytest.mark.parametrize(
    "name",
    "SMS Opt Out|Opted Out|optout|Unsubscribed|is_unsubscribed|Do Not Text|DoNotContact|DNC|Don't text|No SMS"
    "|sms_opt_outs|consent_opt_out|not_subscribed|Opt-Out".split("|"),
)
def test_opt_outs_are_the_opposite(tmp_path: Path, name: str) -> None:
    """Who says yes there is named as sent, and the option that would send just them is not advised, but warned of."""
    for words in (["yes", "no", "", "no"], ["opted out", "opted in", "", ""], ["1", "1", "0", "0"]):
        (message,) = warned(tmp_path, name, words, "opt_out_unused")
        assert "its yes means no" in message
        assert warned(tmp_path, name, words) == []
    if name != "Opted Out":  # which is never sent
        assert warned(tmp_path, name, ["yes", "no"], "opt_out_unused", map={name: "VIP"}) == []
    (message,) = warned(tmp_path, name, ["yes", "no"], "opt_out_unused", consent_column=name)
    assert "only members who have said no are sent" in message


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("SMS_Opt_Out", ["no", "0", "", "false"]),
        ("opted_out", ["false", "false"]),
        ("status_opt_out", ["opted in", "subscribed"]),
        ("email_opt_out", ["yes", "no"]),
        ("unsubscribed_at", ["2026-01-01", ""]),
        ("unsubscribe_link", ["https://a.example/1", "https://a.example/2"]),
        ("opt_in_opt_out", ["yes", "no"]),
        ("donor", ["yes", "no"]),
    ],
)
def test_what_is_no_opt_out(tmp_path: Path, name: str, words: list[str]) -> None:
    """Nobody has opted out there, or of another channel."""
    assert warned(tmp_path, name, words, "opt_out_unused") == []


def test_words_that_the_option_does_not_read(tmp_path: Path) -> None:
    """`SUBSCRIBED` would count as no: the option is not advised then."""
    (message,) = warned(tmp_path, "sms_consent", ["SUBSCRIBED", "never-subscribed", "UNSUBSCRIBED", "opted_in"])
    assert "To send only members who say yes" not in message
    assert "neither yes nor no" in message


def test_whoever_has_decided_is_not_warned(tmp_path: Path) -> None:
    """Named by --consent-column, mapped, or silenced; left out is no decision about who is sent."""
    words = ["yes", "no"]
    assert warned(tmp_path, "ok,x_consent", [f"{word},yes" for word in words], consent_column="ok") == []
    assert warned(tmp_path, "sms_consent", words, map={"SMS Consent": "VIP"}) == []
    assert warned(tmp_path, "sms_consent", words, no_warn=["consent_unused"]) == []
    assert len(warned(tmp_path, "a,sms_consent", [f"x,{word}" for word in words], skip_column=["sms_consent"])) == 1


def test_a_push_warns_too(world: World) -> None:
    """Whatever is sent; the words may begin late in the file."""
    rows = "".join(f"21255501{n:02d},N,{'yes' if n > 90 else ''}\n" for n in range(100))
    audience = world.audience(f"phone,first_name,sms_opt_in\n{rows}")
    codes = [one["code"] for one in pushed(world, audience, "--skip-unmatched")["warnings"]]
    assert codes.count("consent_unused") == 1
    named = pushed(world, audience, "--consent-column", "sms_opt_in", code=0)
    assert (named["rows_sent"], "consent_unused" in [one["code"] for one in named["warnings"]]) == (9, False)
