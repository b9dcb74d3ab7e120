"""Object stores: what a URL such as `s3://bucket/key` names, opened by Arrow's file systems.

Keys are taken as the store shows them, blanks and all; a key that is not there is looked for percent-decoded.
Credentials come from the environment only (each provider's own names), options from `--storage-option`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from copy import copy
from difflib import get_close_matches
from typing import IO, Any, NoReturn
from urllib.parse import parse_qsl, quote, unquote

# These are compiled where they are first used: most runs have no use for them.
SECRET_KEYS = r"(?i)secret|password|token|signature|credential|access_?key|account_?key|api_?key|^sas|^sig$"
AZURE, GOOGLE = ("abfs", "abfss"), ("gs", "gcs")
_STORES = ("s3", *GOOGLE, *AZURE)
# A URL that went through a path object has lost a slash.
_URL = rf"(?is)(?:([a-z][a-z0-9+.-]+)://|({'|'.join(_STORES)}):/)([^/]*)/?(.*)"
_QUERY = r"\?([^?&=/]+=[^?&]*(?:&[^?&=/]+=[^?&]*)*)$"  # `a?.csv` is a pattern
_GOOGLE_SECONDS = "30"  # otherwise a network that is not there is tried for a quarter of an hour, deaf to Ctrl-C
_OPTIONS = {
    "s3": "endpoint region anonymous scheme endpoint_override connect_timeout request_timeout role_arn session_name "
    "external_id force_virtual_addressing tls_ca_file_path",
    "gs": "endpoint anonymous scheme endpoint_override retry_time_limit target_service_account project_id",
    "abfs": "endpoint anonymous account_name blob_storage_authority blob_storage_scheme dfs_storage_authority "
    "dfs_storage_scheme tenant_id client_id",
}
_SWITCHES = ("anonymous", "force_virtual_addressing")
_SECONDS = ("connect_timeout", "request_timeout", "retry_time_limit")
_CREDENTIALS = {
    "s3": "AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS",
    "abfs": "AZURE_STORAGE_KEY or AZURE_STORAGE_SAS_TOKEN, or az login",
}
_ALL_CREDENTIALS = "AWS_PROFILE, GOOGLE_APPLICATION_CREDENTIALS or AZURE_STORAGE_KEY"
_FAILURES = (  # words of what Arrow raises, and what they mean
    (r"no_?such_?bucket|bucket '[^']*' not found|container ?not ?found|bucket does not exist", "no_bucket"),
    (r"network_connection|could not (resolve|connect)|couldn't|connection (refused|reset)|timed? ?out|unavailable"
     r"|retry policy exhausted|fail to get a new connection|transport", "unreachable"),
    (r"access_denied|forbidden|\b40[13]\b|permission ?denied|invalid_access_key|signature|expired|unauth|credential"
     r"|authenticat|authoriz|anonymous", "no_access"),
)  # fmt: skip


class StoreError(Exception):
    """Something about a URL or its store is wrong. `why`: a clause that follows "cannot be opened: "; `hint`: what to
    type next; `code`: url_with_key, not_found, no_access, unreachable, cannot_read, bad_storage_option."""

    def __init__(self, why: str, hint: str, code: str) -> None:
        super().__init__(why)
        self.why, self.hint, self.code = why, hint, code


class StoreUrl:
    """A place in a store. `options`: of the store, by name. As a text: the URL without its query and any secret."""

    def __init__(self, text: str, options: Mapping[str, str] | None = None) -> None:
        """Raises ValueError for a text that is no URL."""
        parts = re.fullmatch(_URL, text)
        if parts is None:
            raise ValueError("not a URL")
        query = re.search(_QUERY, parts[4])
        self.scheme = str(parts[1] or parts[2]).lower()
        self.place, self.key = parts[3], parts[4][: query.start()] if query else parts[4]
        self._query = dict(parse_qsl(query[1], keep_blank_values=True)) if query else {}
        self.options: Mapping[str, str] = {**(options or {}), **self._query}

    @property
    def kind(self) -> str:
        """The scheme that its options are known by."""
        return "abfs" if self.scheme in AZURE else "gs" if self.scheme in GOOGLE else self.scheme

    @property
    def root(self) -> str:
        """The URL up to the slash before the key; a user that may be a secret is left out."""
        user, at, host = self.place.rpartition("@")
        shown = self.place if not at or (self.kind == "abfs" and ":" not in user) else host
        return f"{self.scheme}://{shown}/"

    @property
    def suffix(self) -> str:
        """As of a path: `.csv`, in lower case."""
        return os.path.splitext(self.key)[1].lower()  # noqa: PTH122 (not a path of this machine)

    @property
    def name(self) -> str:
        """As of a path: the last part of the key."""
        return self.key.rpartition("/")[2]

    def with_options(self, options: Mapping[str, str]) -> StoreUrl:
        """The same place; what its query says wins."""
        same = copy(self)
        same.options = {**options, **self._query}
        return same

    def refuse_secrets(self) -> None:
        """Raises StoreError: `url_with_key`."""
        user, at, _ = self.place.rpartition("@")
        # abfs://container@account and hdfs://user@host name a place; s3://key:secret@bucket holds a secret.
        if ":" in user or (at and self.scheme == "s3") or any(re.search(SECRET_KEYS, name) for name in self._query):
            credentials = _CREDENTIALS.get(self.kind, _ALL_CREDENTIALS)
            hint = f"Take it out: credentials come from the environment ({credentials})."
            raise StoreError("the URL holds a key or a password", hint, "url_with_key")

    def check(self) -> None:
        """Raises StoreError: `url_with_key`, `not_found` for what names no place in a store."""
        self.refuse_secrets()
        if not self.place:
            raise StoreError("the URL names no bucket", "Check the URL.", "not_found")
        if self.scheme in ("http", "https"):
            raise StoreError(
                "it is a web address, which is not read",
                "Download it first, or pipe it in: curl -fsS URL | lsms … -",
                "not_found",
            )

    def __str__(self) -> str:
        return self.root + self.key

    def __repr__(self) -> str:
        return f"StoreUrl({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, StoreUrl) and (str(self), self.options) == (str(other), other.options)

    def __hash__(self) -> int:
        return hash(str(self))


def is_url(text: str) -> bool:
    """Whether a text names a place in a store, not a file of this machine."""
    return ":" in text and re.fullmatch(_URL, text) is not None and not text.lower().startswith("file:")


def shown(text: str) -> str:
    """A text that may be a URL, without the key that one may hold."""
    try:
        if is_url(text):
            StoreUrl(text).refuse_secrets()
    except StoreError:
        return str(StoreUrl(text))
    return text


class Store:
    """The store of a URL. `files`: one of Arrow's file systems; `path`: the place in it that the URL names; `bucket`:
    the first part of that path."""

    def __init__(self, url: StoreUrl, *, writing: bool = False) -> None:
        """`writing`: parts are sent one after another, so that they are not collected in memory. Raises StoreError."""
        url.check()
        self.url = url
        with self.translated():
            self.files, self.bucket = _open(url, writing=writing)
        self._inside = f"{self.bucket}/" if self.bucket else ""
        self.path = (self._inside + url.key).rstrip("/")

    def shown(self, path: str) -> str:
        """The URL of a path in this store."""
        return self.url.root + path.removeprefix(self._inside)

    def translated(self) -> _Translated:
        """A context in which what a file system raises becomes StoreError."""
        return _Translated(self.url)

    def info(self) -> Any:
        """Arrow's FileInfo of the place (its type may be NotFound); its key may be percent-encoded in the URL."""
        with self.translated():
            found = self.files.get_file_info(self.path)
            if found.type.name == "NotFound" and (decoded := unquote(self.path)) != self.path:
                found = self.files.get_file_info(decoded)
            if found.type.name == "NotFound" and self.bucket:
                self._refuse_missing_bucket()
        return found

    def below(self, folder: str) -> list[Any]:
        """Arrow's FileInfo of all files below a folder, by path; none when it is not there."""
        from pyarrow import fs

        with self.translated():
            listed = self.files.get_file_info(fs.FileSelector(folder, recursive=True, allow_not_found=True))
        return sorted((file for file in listed if file.is_file), key=lambda file: file.path)

    def _refuse_missing_bucket(self) -> None:
        try:
            found = self.files.get_file_info(self.bucket)
        except Exception:  # who may read a key need not be allowed to look at the bucket
            return
        if found.type.name == "NotFound":
            _fail(self.url, "no_bucket")


def opened_in_store(url: StoreUrl) -> Any:
    """A stream of the object. Raises StoreError, FileNotFoundError where there is none."""
    store = Store(url)
    found = store.info()
    if not found.is_file:
        raise FileNotFoundError
    with store.translated():
        return store.files.open_input_stream(found.path, compression=None)


class Upload:
    """A file on its way to a store: there whole, or not at all. Made before the content is known, which proves that it
    can be put there.

    S3 and Google show an object once its stream is closed, and Arrow closes a stream that is given up: so it is kept
    for ever until all is written. Other stores show it at once: there it gets another name first.
    """

    def __init__(self, url: StoreUrl) -> None:
        """`replaces`: there is a file of this name. Raises StoreError."""
        import ctypes
        import weakref
        from mimetypes import guess_type
        from uuid import uuid4

        self._store = store = Store(url, writing=True)
        if not url.name:
            raise StoreError("the URL names no file", "Write the name of a file behind the last slash.", "not_found")
        self._staged = store.path
        if url.kind not in ("s3", "gs"):
            self._staged = f"{store.path.rpartition('/')[0]}/.lsms-{uuid4().hex}"
        self.replaces = self._refuse_or_find()
        kind = guess_type(url.name)[0] or "application/octet-stream"
        with store.translated():
            self._stream = store.files.open_output_stream(
                self._staged, compression=None, metadata={"Content-Type": kind}
            )
        if self._staged == store.path:
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._stream))
        else:
            self._discard = weakref.finalize(self, _discard, self._stream, store.files, self._staged)

    def _refuse_or_find(self) -> bool:
        try:
            found = self._store.info()
            return bool(found.path == self._store.path and found.is_file)
        except StoreError as error:
            if error.code != "no_access":  # who may write need not be allowed to look
                raise
            return False

    def put(self, file: IO[bytes]) -> None:
        """Send the file and put it in its place. Raises StoreError."""
        import mmap

        with self._store.translated():
            if os.fstat(file.fileno()).st_size:
                with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
                    self._stream.write(content)  # in one piece: nothing can interrupt it halfway
            self._stream.close()
            if self._staged != self._store.path:
                self._store.files.copy_file(self._staged, self._store.path)
                self._discard()


def _discard(stream: Any, files: Any, path: str) -> None:
    with suppress(Exception):
        stream.close()  # later it would put there again what is deleted here
        files.delete_file(path)


class _Translated:
    """Written as a class: as a generator it would keep the traceback of the foreign exception."""

    def __init__(self, url: StoreUrl) -> None:
        self._url = url

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, _traceback: object) -> None:
        if isinstance(error, Exception) and not isinstance(error, StoreError):
            text = str(error)  # never shown: libraries quote what they were given
            _fail(self._url, next((code for words, code in _FAILURES if re.search(words, text, re.I)), "cannot_read"))


def _fail(url: StoreUrl, code: str) -> NoReturn:
    credentials = _CREDENTIALS.get(url.kind, "your credentials")
    bucket = "container" if url.kind == "abfs" else "bucket"
    name = url.place.partition("@")[0] if url.kind == "abfs" else url.place
    match code:
        case "no_bucket":
            raise StoreError(f"there is no {bucket} {name}", f"Check the name of the {bucket}.", "not_found") from None
        case "no_access":
            why = "access is denied" + ("; or, for those who may not list it, it is not there" if url.key else "")
            hint = f"Set {credentials} in the environment; what is public is read with --storage-option anonymous=true"
        case "unreachable":
            why = "its store cannot be reached"
            hint = "Check the network, and --storage-option endpoint=URL for a store of your own."
        case _:
            known = url.kind in _OPTIONS
            why = "its store answered with an error" if known else "there is no such kind of store"
            hint = f"Check the URL, --storage-option, and the credentials in the environment ({credentials})."
            if not known:
                hint = "URLs that are read begin with s3://, gs://, abfs:// or file://."
    raise StoreError(why, hint, code) from None


def _open(url: StoreUrl, *, writing: bool) -> tuple[Any, str]:
    """The file system, and the first part of the paths in it."""
    from pyarrow import fs

    make: Callable[[StoreUrl, dict[str, Any]], tuple[Any, str]] | None
    make = {"s3": _s3, "gs": _google, "abfs": _azure}.get(url.kind)
    if make is None:
        files, path = fs.FileSystem.from_uri(f"{url.scheme}://{url.place}/{quote(url.key)}")
        return files, path.removesuffix(url.key).strip("/")
    options = _options(url)
    if url.kind == "s3" and writing:
        options["background_writes"] = False
    return make(url, options)


def _options(url: StoreUrl) -> dict[str, Any]:
    """The options as Arrow takes them. Raises StoreError (`bad_storage_option`)."""
    known = _OPTIONS[url.kind].split()
    options: dict[str, Any] = {}
    for name, value in url.options.items():
        name = {"retry_limit_seconds": "retry_time_limit"}.get(name, name)
        if name not in known:
            near = get_close_matches(name, known, 1)
            hint = f"Did you mean {near[0]}?" if near else f"Known for {url.scheme}://: {', '.join(known)}."
            raise StoreError(f"there is no storage option {name}", hint, "bad_storage_option")
        try:
            options[name] = _typed(name, value)
        except (KeyError, ValueError):
            wanted = "true or false" if name in _SWITCHES else "a number of seconds"
            raise StoreError(
                f"the storage option {name} is not {wanted}", "Correct it.", "bad_storage_option"
            ) from None
    return options


def _typed(name: str, value: str) -> Any:
    if name in _SWITCHES:
        return {"true": True, "false": False}[value.lower()]
    return float(value) if name in _SECONDS else value


def _split_endpoint(options: dict[str, Any], default: str = "") -> tuple[str, str]:
    """`http://localhost:9000` -> (http, localhost:9000); the scheme may be left out."""
    named = [options.pop(name, "") for name in ("endpoint", "endpoint_override")]
    scheme, separator, host = next(filter(None, named), default).rstrip("/").rpartition(":/")
    return (scheme.rstrip("/") if separator else options.pop("scheme", "https")), host.lstrip("/")


def _s3(url: StoreUrl, options: dict[str, Any]) -> tuple[Any, str]:
    from pyarrow import fs

    configured = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or ""
    scheme, endpoint = _split_endpoint(options, configured)
    options.pop("scheme", None)
    if endpoint:
        options |= {"scheme": scheme, "endpoint_override": endpoint}
    elif "region" not in options:
        options["region"] = fs.resolve_s3_region(url.place)
    return fs.S3FileSystem(**options), url.place


def _google(url: StoreUrl, options: dict[str, Any]) -> tuple[Any, str]:
    from datetime import timedelta

    from pyarrow import fs

    user, _, bucket = url.place.rpartition("@")
    scheme, endpoint = _split_endpoint(options, os.environ.get("STORAGE_EMULATOR_HOST", ""))
    options.pop("scheme", None)
    if endpoint:
        options |= {"scheme": scheme, "endpoint_override": endpoint}
    if user == "anonymous":
        options["anonymous"] = True
    options["retry_time_limit"] = timedelta(seconds=float(options.get("retry_time_limit", _GOOGLE_SECONDS)))
    return fs.GcsFileSystem(**options), bucket


def _azure(url: StoreUrl, options: dict[str, Any]) -> tuple[Any, str]:
    """`abfs://container@account.dfs.core.windows.net/key`; the account may also be the option or AZURE_STORAGE_ACCOUNT,
    as in `abfs://container/key`."""
    from pyarrow import fs

    container, _, host = url.place.rpartition("@")
    account = options.pop("account_name", None) or os.environ.get("AZURE_STORAGE_ACCOUNT", "")
    if container:
        account = host.partition(".")[0]
    elif host.endswith((".core.windows.net", ".fabric.microsoft.com")):
        account, container = host.partition(".")[0], ""
    else:
        container = host
    if not account:
        raise StoreError(
            "the URL names no storage account",
            "Write abfs://CONTAINER@ACCOUNT.dfs.core.windows.net/KEY, or set AZURE_STORAGE_ACCOUNT.",
            "not_found",
        )
    if "endpoint" in options:
        scheme, authority = _split_endpoint(options)
        options |= {f"{service}_storage_scheme": scheme for service in ("blob", "dfs")}
        options |= {f"{service}_storage_authority": authority for service in ("blob", "dfs")}
    if options.pop("anonymous", False):
        known = {name: value for name, value in options.items() if name.endswith("_authority")}
        query = "&".join(f"{name}={quote(value)}" for name, value in {**known, "credential_kind": "anonymous"}.items())
        tls = "" if options.get("blob_storage_scheme", "https") == "https" else "&enable_tls=false"
        return fs.FileSystem.from_uri(f"abfs://{account}@{container}/?{query}{tls}")[0], container
    key, sas = os.environ.get("AZURE_STORAGE_KEY"), os.environ.get("AZURE_STORAGE_SAS_TOKEN")
    if key:
        options["account_key"] = key
    elif sas:
        options["sas_token"] = sas
    return fs.AzureFileSystem(account, **options), container
