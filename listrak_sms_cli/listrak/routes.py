"""The requests this client can make. Everything else is refused before a socket opens: it can subscribe, unsubscribe,
create and delete nobody."""

from __future__ import annotations

import re
import urllib.parse
from dataclasses import dataclass

from listrak_sms_cli.errors import SettingsError

_ALLOWED = [
    (method, re.compile(path))
    for method, path in (
        ("GET", r"/v1/ShortCode"),
        ("GET", r"/v1/ShortCode/\d+"),
        ("GET", r"/v1/ShortCode/\d+/SegmentationField"),
        ("POST", r"/v1/ShortCode/\d+/ContactImport"),
        ("GET", r"/v1/ShortCode/\d+/ContactImport/[\w-]+"),
        ("GET", r"/v1/ShortCode/\d+/Contact/[%+\w]+"),
        ("PUT", r"/v1/ShortCode/\d+/Contact"),
        ("GET", r"/v1/ShortCode/\d+/PhoneList"),
        ("GET", r"/v1/ShortCode/\d+/PhoneList/\d+/Contact"),
        ("GET", r"/v1/ShortCode/\d+/OptOut"),
    )
]


class ForbiddenRouteError(Exception):
    """A fault of lsms: it tried a request it must never make."""


def check_route(method: str, path: str) -> None:
    """Raises ForbiddenRouteError for a request that is not on the list."""
    if not any(method == allowed and pattern.fullmatch(path) for allowed, pattern in _ALLOWED):
        raise ForbiddenRouteError(f"{method} is not allowed on this route")


@dataclass(frozen=True)
class Endpoint:
    """The API base and the token address. Raises SettingsError unless both are https:// (loopback excepted), without
    user, query or fragment."""

    api_url: str
    token_url: str

    def __post_init__(self) -> None:
        _check_address(self.api_url, "The API base", "--api-url")
        _check_address(self.token_url, "The token address", "--token-url")


def is_loopback(url: str) -> bool:
    host = urllib.parse.urlsplit(url).hostname or ""
    return host in ("localhost", "::1") or bool(re.fullmatch(r"127(\.\d{1,3}){3}", host))


def _check_address(url: str, what: str, option: str) -> None:
    try:
        parts = urllib.parse.urlsplit(url)
        host, user = parts.hostname, parts.username or parts.password
        _ = parts.port
    except ValueError:
        host, user, parts = None, None, urllib.parse.urlsplit("")
    if not host or parts.scheme not in ("https", "http"):
        raise SettingsError(f"{what} is not an address.", hint=f"Write {option} https://…", code="bad_address")
    if user or parts.query or parts.fragment:
        raise SettingsError(
            f"{what} holds a user, a query or a fragment.",
            hint="Secrets belong into LISTRAK_CLIENT_SECRET, never into an address.",
            code="bad_address",
        )
    if parts.scheme != "https" and not is_loopback(url):
        raise SettingsError(f"{what} is not https://.", hint=f"Write {option} https://{host}…", code="not_https")
