"""`learned.json`: what a canary has found out about an account that nobody has published. No member data."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from listrak_sms_cli.runs.output_file import replacing
from listrak_sms_cli.runs.record.lines import Destination

FILE_NAME = "learned.json"


class Learned(Struct, frozen=True, omit_defaults=True):
    """Of one account; None, or nothing = not known. `empties_stay`: an empty cell of an import leaves the stored value
    as it is; `opted_out_updated`: imports update contacts that opted out; `spellings`: whether imports find phones
    written so, by `--phone-format`; `at`: when something was last learned (ISO 8601, UTC)."""

    empties_stay: bool | None = None
    opted_out_updated: bool | None = None
    spellings: dict[str, bool] = {}
    at: str = ""

    @property
    def facts(self) -> dict[str, str]:
        """What is known, in words."""
        facts = {}
        if self.empties_stay is not None:
            done = "leaves the stored value as it is" if self.empties_stay else "clears the stored value"
            facts["empty cells"] = f"an empty cell of an import {done}"
        if self.opted_out_updated is not None:
            done = "are updated" if self.opted_out_updated else "are not updated"
            facts["opted-out contacts"] = f"contacts that opted out {done} by an import"
        for spelling, found in self.spellings.items():
            done = "are found" if found else "were not seen to be found"
            facts[f"phones as {spelling}"] = f"phones in the form {spelling} {done} by an import"
        return facts

    def with_(self, news: Learned) -> Learned:
        """This, and what is news; `at` only moves when there is any."""
        merged = replace(
            self,
            empties_stay=self.empties_stay if news.empties_stay is None else news.empties_stay,
            opted_out_updated=self.opted_out_updated if news.opted_out_updated is None else news.opted_out_updated,
            spellings={**self.spellings, **news.spellings},
        )
        return self if merged == self else replace(merged, at=datetime.now(UTC).isoformat(timespec="seconds"))


class _File(Struct):
    accounts: dict[str, Learned] = {}


def learned_of(state_dir: Path, target: Destination) -> Learned:
    """What is known of an account; nothing where the file cannot be read."""
    return _read(state_dir).accounts.get(_account(target), Learned())


def remember_learned(state_dir: Path, target: Destination, learned: Learned) -> None:
    """Write it down. Raises OSError."""
    file = _read(state_dir)
    file.accounts = {**file.accounts, _account(target): learned}
    state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    with replacing(state_dir / FILE_NAME, state_dir / f".{FILE_NAME}-{secrets.token_hex(8)}") as written:
        written.write(msgspec.json.format(msgspec.json.encode(file)) + b"\n")


def _account(target: Destination) -> str:
    """Sender codes of an account share its contacts."""
    return f"{target.api_url} {target.client}"


def _read(state_dir: Path) -> _File:
    try:
        return msgspec.json.decode((state_dir / FILE_NAME).read_bytes(), type=_File)
    except (OSError, ValueError, msgspec.MsgspecError):
        return _File()
