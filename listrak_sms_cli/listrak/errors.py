"""Listrak's error codes, and our messages for them. Listrak's own message is never shown: it may quote a value."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from listrak_sms_cli.errors import AccountError, CredentialsRefused, ListrakRefused, LsmsError

# The registry is in `info.description` of Listrak's API description.
_CREDENTIALS = {
    "ERROR_INVALID_CREDENTIALS": (
        "Listrak refused the client id or secret.",
        "Check both; the integration may also be paused, or bound to other IP addresses (Integrations > "
        "Integration Management in Listrak).",
    ),
    "ERROR_UNAUTHORIZED": (
        "Listrak refused the request although the token is new.",
        "The integration may be paused, lack access to this, or be bound to other IP addresses.",
    ),
}
_ACCOUNT = {
    "ERROR_SENDER_CODE_DISABLED": (
        "The sender code is disabled in Listrak.",
        "Have it enabled, or use another one (`lsms sender-codes`).",
    ),
    "ERROR_INVALID_SEGMENTATION_FIELD_ID": (
        "Listrak does not know a profile field of this import.",
        "Compare the columns with `lsms fields`, and correct --map.",
    ),
    "ERROR_SEGMENTATION_FIELD_DISABLED": (
        "A profile field of this import is disabled in Listrak.",
        "See `lsms fields`; leave its column out with --skip-column.",
    ),
}
_REFUSED = {
    "ERROR_MALFORMED_REQUEST_BODY": ("Listrak cannot read the request.", "Please report this as a bug in lsms."),
    "ERROR_UNSUPPORTED_CONTENT_TYPE": ("Listrak cannot read the request.", "Please report this as a bug in lsms."),
    "ERROR_SEGMENTATION_MAX_LENGTH": (
        "A value is longer than its profile field.",
        "Run `lsms validate` with the sender code, it names the members.",
    ),
}
# Codes about one contact are these, and all that speak of a phone number; some of them (…_BLOCKED) are in no registry.
_ABOUT_ONE_CONTACT = frozenset(
    {"ERROR_BIRTHDAY_FIELD_NULL", "ERROR_INVALID_EMAIL_ADDRESS", "ERROR_SEGMENTATION_MAX_LENGTH"}
)
_PARAMETERS = re.compile(
    r"\b(fileName|fileStream|importType|hasColumnNames|textQualifier|fileMappings|fileColumnType|fileColumn|"
    r"segmentationFieldId|defaultValue|phoneNumber|cursor|count|senderCodeId|importFileId|phoneListId)\b"
)


class ImportTooLarge(ListrakRefused):
    """The import file is over a size limit of Listrak; a smaller one may be accepted."""

    default_code = "import_too_large"


class NotFound(ListrakRefused):
    """Listrak has no such resource: sender code, import, list."""

    default_code = "not_found"


class ContactRefused(ListrakRefused):
    """Listrak refused a request for a reason that lies in the one contact it is about; others may be accepted."""

    default_code = "contact_refused"


class PhoneNotFound(ContactRefused):
    """The sender code has no contact with this phone, or not in this spelling."""

    default_code = "phone_not_found"


def is_about_one_contact(code: str) -> bool:
    """Whether an error code of Listrak is about one contact, and says nothing about the others."""
    return code in _ABOUT_ONE_CONTACT or "PHONE_NUMBER" in code


def refusal(status: int, code: str, message: str) -> LsmsError:
    """The error for an answer that is the same at every try. `message` is only searched for names of parameters."""
    code = code if re.fullmatch(r"ERROR_[A-Z_]{1,60}", code) else ""
    named = code or f"HTTP {status}"
    stable = code.lower() or f"http_{status}"
    if 300 <= status < 400:
        return ListrakRefused(
            f"The answer was a redirect, which lsms never follows. ({named})",
            hint="Check --api-url and --token-url.",
            code="redirect",
        )
    if is_about_one_contact(code):
        return _contact_refusal(code, f"({named})", stable)
    if code in _CREDENTIALS or status in (401, 403):
        text, hint = _CREDENTIALS.get(code, _CREDENTIALS["ERROR_UNAUTHORIZED"])
        return CredentialsRefused(f"{text} ({named})", hint=hint)
    if status == 413:
        return too_large()
    if code in _ACCOUNT:
        text, hint = _ACCOUNT[code]
        return ListrakRefused(f"{text} ({named})", hint=hint, code=stable)
    if status == 404:
        return NotFound(
            f"Listrak does not find what was requested. ({named})",
            hint="Check the API base, and the sender code: `lsms check`.",
        )
    if code == "ERROR_INVALID_PARAMETER":
        parameter = _PARAMETERS.search(message)
        about = f" {parameter[1]}" if parameter else ""
        return ListrakRefused(
            f"Listrak refused the parameter{about} of the request. ({named})",
            hint="If the import file is small, Listrak may require more members in it; else please report this.",
            code=stable,
        )
    text, hint = _REFUSED.get(code, ("Listrak refused the request.", "See `lsms check`."))
    return ListrakRefused(f"{text} ({named})", hint=hint, code=stable)


def _contact_refusal(code: str, named: str, stable: str) -> ContactRefused:
    if code in ("ERROR_PHONE_NUMBER_NOT_FOUND", "ERROR_INVALID_PHONE_NUMBER"):
        return PhoneNotFound(f"Listrak has no contact with this phone. {named}", code=stable)
    text, hint = _REFUSED.get(code, ("Listrak refused this contact.", ""))
    return ContactRefused(f"{text} {named}", hint=hint, code=stable)


def too_large() -> ImportTooLarge:
    """The error for an import file over a size limit."""
    return ImportTooLarge(
        "Listrak does not take an import file of this size.", hint="Send fewer members per file with --batch-rows."
    )


@contextmanager
def reading_account() -> Iterator[None]:
    """What Listrak refuses while the account is read, before anything is sent, is an AccountError."""
    try:
        yield
    except ListrakRefused as error:
        raise AccountError(error.message, hint=error.hint, code=error.code) from None
