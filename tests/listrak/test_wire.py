"""Certificates, proxies and the environment."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from pathlib import Path

import pytest

from listrak_sms_cli.errors import ListrakUnavailable, SettingsError
from listrak_sms_cli.listrak import Credentials, Endpoint, ListrakClient
from listrak_sms_cli.listrak.wire import proxy_for
from tests.support.listrak_client import IMPATIENT, client
from tests.support.scripted_listrak import Exchange, Script, answer, data

REMOTE = Endpoint("https://api.listrak.example/sms", "https://api.listrak.example/OAuth2/Token")


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUEST_METHOD"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for localhost that nobody knows, its key in the same file."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl makes the certificate")
    folder = tmp_path_factory.mktemp("tls")
    made = [
        openssl,
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
    ]
    named = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    subprocess.run([*made, *named, *files], check=True, capture_output=True)
    return folder / "cert.pem"


def server_side(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_name("key.pem"))
    return context


def test_a_certificate_that_cannot_be_verified_is_not_tried_again(certificate: Path) -> None:
    """Waiting does not mend it: the error comes at once, says so, and nothing was asked."""
    with Script((data([]),), tls=server_side(certificate)) as script, client(script) as listrak:
        with pytest.raises(ListrakUnavailable, match="certificate") as caught:
            listrak.sender_codes()
        assert not script.seen
    assert caught.value.code == "certificate"
    assert "SSL_CERT_FILE" in caught.value.hint


def test_ssl_cert_file_is_honoured(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the authority named, requests travel encrypted."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with Script((data([]),), tls=server_side(certificate)) as script, client(script) as listrak:
        assert listrak.sender_codes() == []


@pytest.mark.parametrize("content", [None, "no certificate\n"])
def test_an_unusable_ssl_cert_file_is_a_setting_to_mend(
    content: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Missing or not a certificate: exit code 2, before anything is asked."""
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    with pytest.raises(SettingsError, match="SSL_CERT_FILE"):
        ListrakClient(REMOTE, Credentials("an-id", "a-secret"))


def test_a_server_that_does_not_speak_tls_is_an_outage() -> None:
    """A handshake that fails otherwise may pass, and is given up in the end."""
    with Script((data([]),)) as script:
        endpoint = Endpoint(script.api_url.replace("http:", "https:"), script.token_url.replace("http:", "https:"))
        listrak = ListrakClient(endpoint, Credentials("a", "b"), policy=IMPATIENT)
        with listrak, pytest.raises(ListrakUnavailable) as caught:
            listrak.check_token()
    assert caught.value.code == "unavailable"


def test_a_proxy_is_asked_to_connect(monkeypatch: pytest.MonkeyPatch) -> None:
    """HTTPS_PROXY carries requests to Listrak; when it refuses, waiting does not help and no password is shown."""
    asked: list[str] = []

    def connect(exchange: Exchange) -> None:
        asked.append(f"{exchange.method} {exchange.path}")
        exchange.reply(407, b"")

    with Script((answer(200),), (connect,)) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.root.replace("http://", "http://someone:pass-word@"))
        listrak = ListrakClient(REMOTE, Credentials("an-id", "a-secret"))
        with listrak, pytest.raises(ListrakUnavailable) as caught:
            listrak.check_token()
        assert proxy.seen[0].headers["proxy-authorization"].startswith("Basic ")
    assert asked == ["CONNECT api.listrak.example:443"]
    assert caught.value.code == "proxy"
    assert "pass-word" not in str(caught.value)


def test_a_proxy_that_cannot_be_used_is_a_setting_to_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    """An unknown scheme is refused at once, without quoting what may hold a password."""
    monkeypatch.setenv("HTTPS_PROXY", "gopher://someone:pass-word@proxy")
    with pytest.raises(SettingsError) as caught:
        ListrakClient(REMOTE, Credentials("an-id", "a-secret"))
    assert "pass-word" not in str(caught.value)


def test_a_proxy_never_stands_before_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the environment says, the sandbox is reached directly."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with Script((data([]),)) as script, client(script) as listrak:
        assert listrak.sender_codes() == []


@pytest.mark.parametrize(
    ("environment", "proxy"),
    [
        ({}, None),
        ({"https": "http://proxy:3128"}, "http://proxy:3128"),
        ({"https": "proxy:3128"}, "http://proxy:3128"),
        ({"all": "http://any:1"}, "http://any:1"),
        ({"https": "http://proxy:1", "all": "http://any:1"}, "http://proxy:1"),
        ({"http": "http://proxy:1"}, None),
        ({"https": "http://proxy:1", "no": "listrak.example"}, None),
        ({"https": "http://proxy:1", "no": "other.example, .listrak.example"}, None),
        ({"https": "http://proxy:1", "no": "*"}, None),
        ({"https": "http://proxy:1", "no": "trak.example"}, "http://proxy:1"),
    ],
)
def test_the_environment_names_the_proxy(environment: dict[str, str], proxy: str | None) -> None:
    """HTTPS_PROXY, else ALL_PROXY, unless NO_PROXY names the host or its domain."""
    assert proxy_for("https://api.listrak.example/sms", lambda: environment) == proxy


def test_a_netrc_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Logins of other programs go to nobody."""
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine localhost login someone password pass-word\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HOME", str(tmp_path))
    with Script((data([]),)) as script, client(script) as listrak:
        listrak.sender_codes()
        assert "authorization" not in script.token_requests[0].headers
        assert script.api_requests[0].headers["authorization"] == "Bearer token-1"


def test_cookies_are_not_kept() -> None:
    """What a gateway sets is not sent back."""
    with Script((answer(200, {"data": []}, Set_Cookie="a=b; Path=/"),)) as script, client(script) as listrak:
        listrak.sender_codes()
        listrak.sender_codes()
        assert not any("cookie" in one.headers for one in script.seen)
