"""A column that looks like consent and leaves nobody out is a warning, with the option typed out."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from listrak_sms_cli import validate
from tests.support.push_command import pushed
from tests.support.world import World


def warned(folder: Path, name: str, words: list[str], **options: Any) -> list[str]:
    path = folder / "a.csv"
    rows = "".join(f"21255501{n:02d},x,{word}\n" for n, word in enumerate(words))
    path.write_text(f"phone,x,{name}\n{rows}", "utf-8")
    warnings = validate(path, offline=True, **options).warnings
    return [warning.message for warning in warnings if warning.code == "consent_unused"]


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
