"""`lsms init`: from a client id and a secret to a profile that works, and to a job."""

from __future__ import annotations

import dataclasses
import os
import shlex
import sys
from collections.abc import Mapping
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from listrak_sms_cli.cli.given import Given
from listrak_sms_cli.cli.output import output
from listrak_sms_cli.cli.questions import ask, ask_secret, can_ask, pick
from listrak_sms_cli.errors import AccountError, CredentialsRefused, SettingsError, UsageError
from listrak_sms_cli.keyrings import put_in_keyring, secret_in_keyring
from listrak_sms_cli.profiles import save_profile, save_secret, secret_file_of
from listrak_sms_cli.settings import (
    DEFAULTS,
    ENVIRONMENT,
    OF_A_LOOK,
    Settings,
    config_path,
    parse_duration,
    secret_text,
    sender_code_of,
    stored_profiles,
)

if TYPE_CHECKING:
    from listrak_sms_cli.listrak import SenderCode

_SECRET = "LISTRAK_CLIENT_SECRET"


def init(given: Given) -> None:
    """Set an account up: asks for profile, client id, secret and sender code, tries them, and writes the config.

    The secret goes to a file of its own that you alone can read, or with --keyring to the keyring of the system. What
    the config holds is kept. With an audience the mapping of its columns is proposed, and written as a job. Each answer
    can be an option; the secret comes from LISTRAK_CLIENT_SECRET, a file, or standard input (--client-secret-file -).
    Without a terminal nothing is asked.

    Example: lsms init audience.csv --profile production --save-job nightly
    """
    if given["save_job"] is not None and given["audience"] is None:
        raise UsageError("--save-job needs an audience.", hint="Type: lsms init AUDIENCE --save-job NAME")
    setup = _Setup(given)
    settings = setup.connect()
    shown = setup.write(settings)
    if given["audience"] is not None:
        from listrak_sms_cli.cli.propose import propose

        shown.update(propose(given, settings, setup.asks, without=("sender_code", "give_up_after")))
    command = shown.setdefault("command", _next_step(settings))
    if given["json"]:
        output.document({**shown, "exit_code": 0, "error": None})
    else:
        output.line(f"Next: {command}")


def _next_step(settings: Settings) -> str:
    named = "" if settings.profile == "default" else f" --profile {shlex.quote(settings.profile)}"
    return f"lsms validate AUDIENCE{named}"


def _seconds(value: str | float) -> float:
    return value if isinstance(value, float) else parse_duration(str(value), "give_up_after")


class _Setup:
    """The answers, from options, the environment, the profile that is there, and the terminal."""

    def __init__(self, given: Given) -> None:
        self.asks = can_ask() and not given["json"]
        self._given = given
        self._config = config_path(given["config"], os.environ)
        self._profiles = stored_profiles(self._config)
        self._profile = given["profile"] or os.environ.get("LSMS_PROFILE") or self._ask_profile()
        self._secret_file = secret_file_of(self._config, self._profile)
        self._stored: Mapping[str, Any] = self._profiles.get(self._profile, {})
        self._to_store: str | None = None  # a secret that is in no file and no keyring yet
        self._named_file: Path | None = None
        self._answered_id = ""
        self._refused = False  # what was given or stored: it is asked for
        if self._profile != "default":
            given.answer("profile", self._profile)

    def _ask_profile(self) -> str:
        if not self.asks:
            return "default"
        there = f" ({self._config} has: {', '.join(self._profiles)})" if self._profiles else ""
        return ask(f"Profile{there}", "default")

    def connect(self) -> Settings:
        """Settings that have been tried. Raises LsmsError; a secret that is refused is asked for again."""
        while True:
            settings = self._settings()
            try:
                codes = self._listed(settings)
            except CredentialsRefused as error:
                self._draw([(False, "token", error.message, ""), (None, "", error.hint, "")])
                if not self.asks or self._is_fixed:
                    raise
                self._refused = True
                continue
            self._draw([(True, "token", "issued", "")])
            return dataclasses.replace(settings, sender_code=self._sender_code(codes))

    @property
    def _is_fixed(self) -> bool:
        """Whether neither client id nor secret is asked for, so that no answer can be another one."""
        given = self._given
        return given["client_id"] is not None and (given["client_secret_file"] is not None or _SECRET in os.environ)

    def _settings(self) -> Settings:
        client_id = self._client_id()
        secret = self._secret(client_id)
        if not client_id or not secret:
            raise self._missing(client_id, secret)
        give_up_after = self._standing("give_up_after") or OF_A_LOOK["give_up_after"]
        return Settings(
            client_id=client_id,
            client_secret=secret,
            sender_code=None,
            api_url=str(self._standing("api_url") or DEFAULTS["api_url"]).rstrip("/"),
            token_url=str(self._standing("token_url") or DEFAULTS["token_url"]),
            state_dir=self._config.parent,  # nothing is written there: no run begins
            give_up_after=_seconds(give_up_after),
            keep_runs=0.0,
            notify=None,
            profile=self._profile,
            config=self._config,
            sources={},
        )

    def _standing(self, name: str) -> Any:
        """The value of an option, else of the environment, else of the profile that is there."""
        found = self._given[name], os.environ.get(ENVIRONMENT[name]), self._stored.get(name)
        return next((value for value in found if value not in (None, "")), None)

    def _client_id(self) -> str:
        standing = self._answered_id or str(self._standing("client_id") or "").strip()
        if not self.asks or (self._given["client_id"] is not None and not self._refused):
            return standing
        if not standing:
            output.hint("In Listrak: Integrations > Integration Management, an integration of type SMS shows both.")
        self._answered_id = ask("Client id", standing or None)
        return self._answered_id

    def _secret(self, client_id: str) -> str:
        """The secret, and where it is to be kept: `_to_store` or `_named_file`, else where it is."""
        self._to_store = self._named_file = None
        if not self._refused and (found := self._given_secret()):
            return found
        stored = "" if self._refused or client_id != self._stored.get("client_id") else self._stored_secret()
        if not self.asks:
            return stored
        kept = "; Enter keeps the one that is stored" if stored else ""
        answer = ask_secret(f"Client secret (not shown{kept})", may_be_empty=bool(stored))
        self._to_store = answer or (stored if self._moves else None)
        return answer or stored

    def _given_secret(self) -> str:
        named = self._given["client_secret_file"]
        if named == "-":
            self._to_store = sys.stdin.readline().strip()
            return self._to_store
        if named is None and (secret := os.environ.get(_SECRET, "").strip()):
            self._to_store = secret
            return secret
        if named := named or os.environ.get(ENVIRONMENT["client_secret_file"]):
            file = Path(named).expanduser().absolute()
            secret = secret_text(file, "secret file", "--client-secret-file")
            self._to_store, self._named_file = (secret, None) if self._given["keyring"] else (None, file)
            return secret
        return ""

    def _stored_secret(self) -> str:
        secret = ""
        with suppress(SettingsError) if self.asks else nullcontext():  # one that is lost is asked for
            if named := self._stored.get("client_secret_file"):
                secret = secret_text(named, "secret file", f"profile {self._profile}")
            elif self._stored.get("keyring"):
                secret = secret_in_keyring(str(self._stored["client_id"]))
        self._to_store = secret if secret and self._moves else None
        return secret

    @property
    def _moves(self) -> bool:
        """Whether a secret that is in a file goes to the keyring."""
        return bool(self._given["keyring"]) and "client_secret_file" in self._stored

    def _missing(self, client_id: str, secret: str) -> UsageError:
        missing = [] if client_id else ["--client-id ID"]
        if not secret:
            missing.append(f"the client secret ({_SECRET}, or --client-secret-file FILE; - is standard input)")
        if self._standing("sender_code") is None:
            missing.append("--sender-code ID (where there are several)")
        return UsageError(
            f"Without a terminal lsms init asks nothing. Missing: {'; '.join(missing)}.",
            hint="Listrak shows client id and secret under Integrations > Integration Management (type SMS).",
            code="init_missing",
        )

    def _listed(self, settings: Settings) -> list[SenderCode]:
        """The sender codes, once there is a token. Raises LsmsError."""
        from listrak_sms_cli.runs import connect, list_sender_codes

        with self._given.spinner("token") as tell, connect(settings, tell) as client:
            client.check_token()
            return list_sender_codes(client)

    def _sender_code(self, codes: list[SenderCode]) -> int:
        """The one that was given, picked, or is the only one."""
        from listrak_sms_cli.runs import label_of

        known = {code.id: label_of(code) for code in codes}
        standing = self._standing("sender_code")
        if standing is None and len(known) == 1:
            standing = next(iter(known))
        chosen = None if standing is None else sender_code_of(standing, "--sender-code")
        listed = "; ".join(known.values())
        if chosen is not None and chosen not in known and self._given["sender_code"] is not None:
            raise AccountError(
                f"There is no sender code {chosen}.",
                hint=f"The credential may use: {listed}.",
                code="unknown_sender_code",
            )
        if self.asks and self._given["sender_code"] is None and len(known) > 1:
            self._draw([(None, "sender codes" if not n else "", label, "") for n, label in enumerate(known.values())])
            picked = pick("Sender code", list(map(str, known)), str(chosen if chosen in known else next(iter(known))))
            chosen = int(picked)
        if chosen is None or chosen not in known:
            raise UsageError(
                "Which sender code is the profile for?",
                hint=f"Add --sender-code ID, one of: {listed}.",
                code="init_missing",
            )
        self._draw([(True, "sender code", known[chosen], "")])
        return chosen

    def write(self, settings: Settings) -> dict[str, Any]:
        """Write secret and profile. Return what --json shows. Raises SettingsError."""
        values: dict[str, Any] = {"client_id": settings.client_id}
        without: tuple[str, ...] = ()
        if self._to_store is not None and self._given["keyring"]:
            put_in_keyring(str(settings.client_id), self._to_store)
            values["keyring"], without = True, ("client_secret_file",)
        elif self._to_store is not None or self._named_file is not None:
            file = self._named_file or self._secret_file
            if self._named_file is None:
                save_secret(file, str(self._to_store))
            values["client_secret_file"], without = str(file), ("keyring",)
        values["sender_code"] = settings.sender_code
        for name in ("api_url", "token_url"):
            if (value := getattr(settings, name)) != self._stored.get(name, DEFAULTS[name]):
                values[name] = value
        save_profile(self._config, self._profile, values, without)
        stored = {**self._stored, **values}
        place = None if "client_secret_file" in without else stored.get("client_secret_file")
        ours = " (you alone can read it)" if place == str(self._secret_file) else ""
        shown = f"{place}{ours}" if place else "in the keyring"
        named = f"profile {self._profile} in {self._config}"
        self._draw([(True, "client secret", shown, ""), (True, "config", named, "")])
        return {
            "profile": self._profile,
            "config": str(self._config),
            "client_id": settings.client_id,
            "client_secret_file": place,
            "keyring": place is None,
            "sender_code": settings.sender_code,
        }

    def _draw(self, lines: list[tuple[bool | None, str, str, str]]) -> None:
        if not self._given["json"]:
            output.checks(lines)
