"""The requests this client can make. All others are refused before a connection is opened, so it can subscribe,
unsubscribe, create and delete nobody."""

from __future__ import annotations

import ipaddress
import re
import urllib.parse

from msgspec import Struct
from msgspec.structs import force_setattr

from listrak_sms_cli.errors import SettingsError
from listrak_sms_cli.listrak.http import httpx

_IMPORT_ID = r"[\w-]+"
_ALLOWED = [
    (name, method, re.compile(path, re.ASCII))
    for name, method, path in (
        ("the sender codes", "GET", r"/v1/ShortCode"),
        ("the sender code", "GET", r"/v1/ShortCode/\d+"),
        ("the profile fields", "GET", r"/v1/ShortCode/\d+/SegmentationField"),
        ("the import", "POST", r"/v1/ShortCode/\d+/ContactImport"),
        ("the import's state", "GET", rf"/v1/ShortCode/\d+/ContactImport/{_IMPORT_ID}"),
        ("a contact", "GET", r"/v1/ShortCode/\d+/Contact/(%2B)?[\w-]+"),
        ("a contact's update", "PUT", r"/v1/ShortCode/\d+/Contact"),
        ("the phone lists", "GET", r"/v1/ShortCode/\d+/PhoneList"),
        ("a list's contacts", "GET", r"/v1/ShortCode/\d+/PhoneList/\d+/Contact"),
        ("the opt-outs", "GET", r"/v1/ShortCode/\d+/OptOut"),
    )
]


class ForbiddenRouteError(Exception):
    """A bug in lsms: it tried a request it must never make."""


def is_import_id(import_file_id: str) -> bool:
    """Whether an import can be asked about by this id: it can stand in a path, and leads to nothing else there."""
    return re.fullmatch(_IMPORT_ID, import_file_id, re.ASCII) is not None


def check_route(method: str, path: str) -> str:
    """What is requested, in words. Raises ForbiddenRouteError for a request that is not allowed."""
    for name, allowed, pattern in _ALLOWED:
        if method == allowed and pattern.fullmatch(path):
            return name
    raise ForbiddenRouteError(f"{method} is not allowed on this route")


class Endpoint(Struct, frozen=True):
    """The API base and the token address. Raises SettingsError unless both are https:// (loopback excepted), without
    user, query or fragment."""

    api_url: str
    token_url: str

    def __post_init__(self) -> None:
        _check_address(self.api_url, "The API base", "--api-url")
        _check_address(self.token_url, "The token address", "--token-url")
        force_setattr(self, "api_url", self.api_url.rstrip("/"))


def check_request(endpoint: Endpoint, method: str, url: str) -> None:
    """Raise ForbiddenRouteError for anything but the token request and the allowed routes below the API base."""
    if (method, url) == ("POST", endpoint.token_url):
        return
    address = url.partition("?")[0]
    if not address.startswith(endpoint.api_url + "/"):
        raise ForbiddenRouteError("no request leaves the API base")
    check_route(method, address.removeprefix(endpoint.api_url))


def is_loopback(url: str) -> bool:
    """Whether the address is on this machine."""
    host = urllib.parse.urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_usable(url: str) -> bool:
    """Whether a connection can be opened to the host of an address: no number over 255 in it, no empty label."""
    try:
        return bool(httpx.URL(url).host) and bool(httpx.URL(url).host.encode("idna"))
    except (httpx.InvalidURL, UnicodeError):
        return False


def _check_address(url: str, what: str, option: str) -> None:
    try:
        parts = urllib.parse.urlsplit(url)
        host, user = parts.hostname, parts.username or parts.password
        _ = parts.port
    except ValueError:
        host, user, parts = None, None, urllib.parse.urlsplit("")
    if not host or parts.scheme not in ("https", "http") or not is_usable(url):
        raise SettingsError(f"{what} is not an address.", hint=f"Write {option} https://…", code="bad_address")
    if user or parts.query or parts.fragment:
        raise SettingsError(
            f"{what} holds a user, a query or a fragment.",
            hint="Secrets belong into LISTRAK_CLIENT_SECRET, never into an address.",
            code="bad_address",
        )
    if parts.scheme != "https" and not is_loopback(url):
        raise SettingsError(f"{what} is not https://.", hint=f"Write {option} https://{host}…", code="not_https")
