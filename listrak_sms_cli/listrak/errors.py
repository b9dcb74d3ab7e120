"""Listrak's error codes, and what a person should be told. Its own message is never shown: it may quote a value."""

from __future__ import annotations

import re

from listrak_sms_cli.errors import AccountError, CredentialsRefused, ListrakRefused, LsmsError

# The registry is in `info.description` of Listrak's API description.
_CREDENTIALS = {
    "ERROR_INVALID_CREDENTIALS": (
        "Listrak refused the client id or secret.",
        "Check both; the integration may also be paused, or bound to other IP addresses (Integrations > "
        "Integration Management in Listrak).",
    ),
    "ERROR_UNAUTHORIZED": (
        "Listrak refused the request although the token is fresh.",
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
        "Compare the columns with `lsms fields`, and mend --map.",
    ),
    "ERROR_SEGMENTATION_FIELD_DISABLED": (
        "A profile field of this import is disabled in Listrak.",
        "See `lsms fields`; leave its column out with --skip-column.",
    ),
}
_REFUSED = {
    "ERROR_MALFORMED_REQUEST_BODY": ("Listrak cannot read the request.", "Please report this as a fault of lsms."),
    "ERROR_UNSUPPORTED_CONTENT_TYPE": ("Listrak cannot read the request.", "Please report this as a fault of lsms."),
    "ERROR_SEGMENTATION_MAX_LENGTH": (
        "A value is longer than its profile field.",
        "Run `lsms validate` with the sender code, it names the members.",
    ),
}
_PARAMETERS = re.compile(
    r"\b(fileName|fileStream|importType|hasColumnNames|textQualifier|fileMappings|fileColumnType|fileColumn|"
    r"segmentationFieldId|defaultValue|phoneNumber|cursor|count|senderCodeId|importFileId|phoneListId)\b"
)


class ImportTooLarge(ListrakRefused):
    """The import file passes a size limit of Listrak; a smaller one may not."""

    default_code = "import_too_large"


class NotFound(ListrakRefused):
    """Listrak has no such resource: sender code, import, contact, list."""

    default_code = "not_found"


def refusal(status: int, code: str, message: str) -> LsmsError:
    """The error for an answer that trying again does not mend. `message` is only searched for parameter names."""
    if code in _CREDENTIALS or status in (401, 403):
        said, hint = _CREDENTIALS.get(code, _CREDENTIALS["ERROR_UNAUTHORIZED"])
        return CredentialsRefused(f"{said} ({_named(code, status)})", hint=hint)
    if code in _ACCOUNT:
        said, hint = _ACCOUNT[code]
        return ListrakRefused(f"{said} ({code})", hint=hint, code=code.lower())
    if status == 404 or code == "ERROR_PHONE_NUMBER_NOT_FOUND":
        return NotFound(
            f"Listrak does not find what was asked for. ({_named(code, status)})",
            hint="Check the API base, and the sender code: `lsms check`.",
        )
    if code == "ERROR_INVALID_PARAMETER":
        parameter = _PARAMETERS.search(message)
        about = f" {parameter[1]}" if parameter else ""
        return ListrakRefused(
            f"Listrak refused the parameter{about} of the request. ({code})",
            hint="If the import file is small, Listrak may want more members in it; else please report this.",
            code="error_invalid_parameter",
        )
    said, hint = _REFUSED.get(code, ("Listrak refused the request.", "See `lsms check`."))
    return ListrakRefused(f"{said} ({_named(code, status)})", hint=hint, code=code.lower() or f"http_{status}")


def redirected(what: str) -> LsmsError:
    return AccountError(
        f"{what} was answered with a redirect, which lsms never follows.",
        hint="Check --api-url and --token-url.",
        code="redirect",
    )


def _named(code: str, status: int) -> str:
    return code if re.fullmatch(r"ERROR_[A-Z_]{1,60}", code) else f"HTTP {status}"
