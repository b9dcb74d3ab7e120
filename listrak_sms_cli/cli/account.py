"""`lsms fields`, `lsms sender-codes`: what the account has."""

from __future__ import annotations

from listrak_sms_cli.cli.given import Given
from listrak_sms_cli.cli.output import output


def fields(given: Given) -> None:
    """List the profile fields of the account, and the column name an audience would use for each.

    Example: lsms fields --sender-code 1026
    """
    from listrak_sms_cli.runs import connect

    settings = given.settings()
    code = settings.require_sender_code()
    with given.spinner("profile fields") as tell, connect(settings, tell) as client:
        client.sender_code(code)
        profile_fields = sorted(client.profile_fields(code), key=lambda field: field.id)
    keys = ("id", "name", "type", "max_length", "state", "column")
    rows = [(f.id, f.name, f.data_type, f.max_length, f.status_flag, f.name.replace(" ", "_")) for f in profile_fields]
    output.listing("fields", f"Profile fields of sender code {code}", keys, rows)


def sender_codes(given: Given) -> None:
    """List the sender codes the credential may use.

    Example: lsms sender-codes --json
    """
    from listrak_sms_cli.runs import connect

    settings = given.settings()
    with given.spinner("sender codes") as tell, connect(settings, tell) as client:
        codes = client.sender_codes()
    keys = ("id", "code", "country", "merchant")
    rows = [(code.id, code.code, code.country, code.merchant_name) for code in codes]
    output.listing("sender_codes", "Sender codes", keys, rows)
