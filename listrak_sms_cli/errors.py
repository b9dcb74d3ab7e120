"""Everything that can go wrong, sorted by what the person does next.

LsmsError
├── UsageError            2   correct the command line, or the call
│   └── NotAnAudience     2   give an audience: it is an AudienceError, too
├── SettingsError         2   correct the settings (environment, config file, secret file)
├── AudienceError         2   correct the audience, or say how to read it
├── AccountError          2   correct what the account has: sender code, profile fields
├── NothingSent           2   the audience was read and nothing of it could be sent
├── GuardStopped          3   a guard stopped the push before anything was sent
├── CredentialsRefused    4   correct the credentials or the integration
├── ListrakUnavailable    5   wait, then resume
├── ListrakRefused        1   Listrak understood the request and refused it for good
├── ImportEndedBadly      1   Listrak accepted the import file, and the import ended badly
├── MembersDiffer         1   `verify` found members that differ or are missing
├── ImportsNotEnded       6   sent, but the imports had not ended in time
└── Interrupted           130 resume

A message says what is wrong and where; the hint says what to type next. Neither ever holds a value
of the audience or a secret: foreign exceptions are translated where they are caught.
"""

from __future__ import annotations

from typing import Any, ClassVar


class LsmsError(Exception):
    """Base of the family.

    `code` is the stable word of `--json`, `message` one short sentence, `hint` what to do next (may be empty).
    `report` is the `Report` of the run when there is one, else None. `maybe_arrived`: Listrak may have acted on the
    request that failed. `settled_by`: options (`map`, `skip_column`, with values as they are typed) with which the same
    command would go on; the first line of the hint says them.
    """

    exit_code: ClassVar[int] = 1
    default_code: ClassVar[str] = "error"

    def __init__(self, message: str, *, hint: str = "", code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code or self.default_code
        self.report: Any = None
        self.maybe_arrived = False
        self.settled_by: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class UsageError(LsmsError):
    """The command line, or a call from Python, is wrong."""

    exit_code = 2
    default_code = "usage"


class SettingsError(LsmsError):
    """The environment, the config file or the secret file is wrong."""

    exit_code = 2
    default_code = "settings"


class AudienceError(LsmsError):
    """The audience cannot be read as it is, or as it was said to be read."""

    exit_code = 2
    default_code = "audience"


class NotAnAudience(UsageError, AudienceError):
    """A program gave something that is neither the place of an audience nor its rows."""

    default_code = "not_an_audience"


class AccountError(LsmsError):
    """The account lacks the sender code or profile fields that the audience needs."""

    exit_code = 2
    default_code = "account"


class NothingSent(LsmsError):
    """The audience was read, and none of it could be sent."""

    exit_code = 2
    default_code = "nothing_to_send"


class GuardStopped(LsmsError):
    """A guard stopped the push before anything was sent."""

    exit_code = 3
    default_code = "guard"


class CredentialsRefused(LsmsError):
    """Listrak refused the credentials."""

    exit_code = 4
    default_code = "credentials_refused"


class ListrakUnavailable(LsmsError):
    """Listrak could not be reached, or kept failing, after all retries."""

    exit_code = 5
    default_code = "unavailable"


class ListrakRefused(LsmsError):
    """Listrak understood a request and refused it for good."""

    exit_code = 1
    default_code = "refused"


class ImportEndedBadly(LsmsError):
    """Listrak accepted an import file, and the import ended badly."""

    exit_code = 1
    default_code = "import_failed"


class MembersDiffer(LsmsError):
    """`verify` found members that differ or are missing."""

    exit_code = 1
    default_code = "members_differ"


class ImportsNotEnded(LsmsError):
    """All was sent; the imports had not ended in time."""

    exit_code = 6
    default_code = "not_ended"


class Interrupted(LsmsError):
    """Ctrl-C or SIGTERM."""

    exit_code = 130
    default_code = "interrupted"
