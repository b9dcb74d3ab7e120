"""Listrak's SMS API: a client that calls only the routes it may, and gives typed answers.

The only room that knows httpx, JSON and retries. A new route, error code or retried status belongs here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from listrak_sms_cli.faces import on_demand

if TYPE_CHECKING:
    from listrak_sms_cli.listrak.auth import (
        Credentials,
    )
    from listrak_sms_cli.listrak.body import (
        PIECE,
        ColumnMapping,
        ImportBody,
    )
    from listrak_sms_cli.listrak.client import (
        ListrakClient,
    )
    from listrak_sms_cli.listrak.errors import (
        ImportTooLarge,
        NotFound,
    )
    from listrak_sms_cli.listrak.models import (
        Contact,
        ImportStatus,
        Page,
        PhoneList,
        ProfileField,
    )
    from listrak_sms_cli.listrak.retry import (
        Policy,
        Retry,
    )
    from listrak_sms_cli.listrak.routes import (
        Endpoint,
    )

__all__ = [
    "PIECE",
    "ColumnMapping",
    "Contact",
    "Credentials",
    "Endpoint",
    "ImportBody",
    "ImportStatus",
    "ImportTooLarge",
    "ListrakClient",
    "NotFound",
    "Page",
    "PhoneList",
    "Policy",
    "ProfileField",
    "Retry",
]

__getattr__ = on_demand(
    __name__,
    {
        "Credentials": "auth",
        "ColumnMapping": "body",
        "ImportBody": "body",
        "PIECE": "body",
        "ListrakClient": "client",
        "ImportTooLarge": "errors",
        "NotFound": "errors",
        "Contact": "models",
        "ImportStatus": "models",
        "Page": "models",
        "PhoneList": "models",
        "ProfileField": "models",
        "Policy": "retry",
        "Retry": "retry",
        "Endpoint": "routes",
    },
)
