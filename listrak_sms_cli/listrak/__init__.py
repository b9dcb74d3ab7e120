"""Listrak's SMS API: a client that calls only the routes it may, and gives typed answers.

The only room that knows httpx, JSON and retries. A new route, error code or retried status belongs here.
"""

from typing import TYPE_CHECKING

from listrak_sms_cli.faces import on_demand

if TYPE_CHECKING:
    from listrak_sms_cli.listrak.auth import *
    from listrak_sms_cli.listrak.body import *
    from listrak_sms_cli.listrak.client import *
    from listrak_sms_cli.listrak.errors import *
    from listrak_sms_cli.listrak.models import *
    from listrak_sms_cli.listrak.paging import *
    from listrak_sms_cli.listrak.retry import *
    from listrak_sms_cli.listrak.routes import *

__all__, __getattr__ = on_demand(
    __name__,
    auth="Credentials",
    body="PIECE ColumnMapping ImportBody",
    client="ListrakClient",
    errors="ContactRefused ImportTooLarge NotFound",
    models="Contact ImportStatus ListedField Page PhoneList SenderCode",
    paging="pages",
    retry="Policy",
    routes="Endpoint is_import_id",
)
