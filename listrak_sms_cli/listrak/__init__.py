"""Listrak's SMS API: a client that calls only the routes it may, and gives typed answers.

The only room that knows httpx, JSON and retries. A new route, error code or retried status belongs here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from listrak_sms_cli.faces import on_demand

if TYPE_CHECKING:
    from listrak_sms_cli.listrak.auth import Credentials
    from listrak_sms_cli.listrak.body import PIECE, ColumnMapping, ImportBody
    from listrak_sms_cli.listrak.client import ListrakClient
    from listrak_sms_cli.listrak.errors import ImportTooLarge, NotFound
    from listrak_sms_cli.listrak.models import Contact, ImportStatus, ListedField, Page, PhoneList
    from listrak_sms_cli.listrak.paging import pages
    from listrak_sms_cli.listrak.retry import Policy
    from listrak_sms_cli.listrak.routes import Endpoint, is_import_id

__all__, __getattr__ = on_demand(
    __name__,
    auth="Credentials",
    body="PIECE ColumnMapping ImportBody",
    client="ListrakClient",
    errors="ImportTooLarge NotFound",
    models="Contact ImportStatus ListedField Page PhoneList",
    paging="pages",
    retry="Policy",
    routes="Endpoint is_import_id",
)
