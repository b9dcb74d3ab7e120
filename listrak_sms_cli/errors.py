"""Everything that can go wrong, sorted by what the person does next.

LsmsError
├── UsageError            2   mend the command line
├── SettingsError         2   mend the settings (environment, config file, secret file)
├── AudienceError         2   mend the audience, or say how to read it
├── AccountError          2   mend what the account has: sender code, profile fields
├── NothingSent           2   the audience was read and nothing of it could be sent
├── GuardStopped          3   a guard stopped the push before anything was sent
├── CredentialsRefused    4   mend the credentials or the integration
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

    `code` is the stable word of `--json`, `message` one short sentence, `hint` what to do next (may be
    empty). `report` is the `Report` of the run when there is one, else None. `maybe_arrived`: Listrak may have
    acted on the request that failed.
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

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class UsageError(LsmsError):
    exit_code = 2
    default_code = "usage"


class SettingsError(LsmsError):
    exit_code = 2
    default_code = "settings"


class AudienceError(LsmsError):
    exit_code = 2
    default_code = "audience"


class AccountError(LsmsError):
    exit_code = 2
    default_code = "account"


class NothingSent(LsmsError):
    exit_code = 2
    default_code = "nothing_to_send"


class GuardStopped(LsmsError):
    exit_code = 3
    default_code = "guard"


class CredentialsRefused(LsmsError):
    exit_code = 4
    default_code = "credentials_refused"


class ListrakUnavailable(LsmsError):
    exit_code = 5
    default_code = "unavailable"


class ListrakRefused(LsmsError):
    exit_code = 1
    default_code = "refused"


class ImportEndedBadly(LsmsError):
    exit_code = 1
    default_code = "import_failed"


class MembersDiffer(LsmsError):
    exit_code = 1
    default_code = "members_differ"


class ImportsNotEnded(LsmsError):
    exit_code = 6
    default_code = "not_ended"


class Interrupted(LsmsError):
    exit_code = 130
    default_code = "interrupted"
