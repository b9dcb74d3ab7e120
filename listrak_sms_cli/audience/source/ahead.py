"""Large objects of a store: read while they are fetched to the spool, a few at once, in the order they are read in."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pyarrow as pa

from listrak_sms_cli.audience.source.content import Content
from listrak_sms_cli.audience.source.decompress import Readable
from listrak_sms_cli.audience.source.identity import broken_off, changed
from listrak_sms_cli.audience.source.locate import READ_AT_ONCE, Location
from listrak_sms_cli.audience.source.sniff import SAMPLE
from listrak_sms_cli.audience.source.spool import SourceSpool

_AT_ONCE = 4  # objects; each takes a few buffers of memory


class Ahead:
    """Fetches the objects of an audience, on the threads of `pool`, which opens them before. Ends with the spool."""

    def __init__(self, spool: SourceSpool) -> None:
        self.spool = spool
        self.pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="lsms-fetch")
        self.stopped = False
        self._error: BaseException | None = None
        self._contents: list[FetchedContent] = []
        self._news = threading.Condition()
        spool.end_first(self.close)

    def opened(self, location: Location, file: Any, version: object) -> FetchedContent:
        """An object that can be read where it is. `file`: an Arrow file. `version`: of `location`, just before."""
        return FetchedContent(self, location, file, version)

    def add(self, content: FetchedContent) -> FetchedContent:
        """Fetch this object, too, once `start` is called."""
        self._contents.append(content)
        return content

    def start(self) -> None:
        """Begin to fetch, by path."""
        contents = sorted(self._contents, key=lambda content: content.name)
        for content in contents:
            content.begin()
        for content in contents:
            self.pool.submit(self._fetch, content)
        self.pool.shutdown(wait=False)

    def _fetch(self, content: FetchedContent) -> None:
        try:
            content.fetch()
        except BaseException as error:  # of whatever kind: somebody waits for these bytes
            self._stop(error)

    def tell(self) -> None:
        """Wake those who wait: there is something new."""
        with self._news:
            self._news.notify_all()

    def wait(self, is_there: Callable[[], bool], name: str) -> None:
        """Return when `is_there`. Raises the first error of all objects; AudienceError (`cannot_read`) once closed."""
        with self._news:
            self._news.wait_for(lambda: self.stopped or is_there())
        if not is_there():
            raise self._error or broken_off(name)

    def close(self) -> None:
        """End the threads, each at its next piece."""
        self._stop(None)
        self.pool.shutdown(cancel_futures=True)

    def _stop(self, error: BaseException | None) -> None:
        with self._news:
            if not self.stopped:
                self.stopped, self._error = True, error
            self._news.notify_all()


class FetchedContent(Content):
    """An object of a store. It is read where it is until it is being fetched, then from the spool: whoever reads it
    waits until the bytes are there."""

    def __init__(self, ahead: Ahead, location: Location, file: Any, version: object) -> None:
        self.name, self.size, self.mtime_ns = location.name, int(file.size()), location.mtime_ns
        self._ahead, self._location, self._file, self._version = ahead, location, file, version
        self._head = b""
        self._tail = self.size  # where the bytes at the end begin that were read while it was opened
        self._place = -1  # in the spool
        self._fetched = 0  # bytes in the spool, from the start; all of them of the version that was opened

    @contextmanager
    def opening(self) -> Iterator[Readable]:
        """The object from its start, while it is found out what it is. Its first bytes, looked at several times, are
        kept for as long."""
        self._head = self._in_store(0, min(SAMPLE, self.size))
        self._file.seek(len(self._head))
        yield _HeadFirst(self._head, self._file)
        self._head = b""

    def read(self, offset: int, size: int) -> bytes:
        """As in Content. Raises AudienceError: `audience_changed`, `cannot_read`, and what the spool raises."""
        end = min(offset + size, self.size)
        if end <= max(offset, len(self._head)):
            return self._head[offset:end]
        if self._place < 0:
            if end >= self._tail:
                self._tail = min(self._tail, offset)
            return self._in_store(offset, end)
        if end > self._fetched:
            if offset >= self._tail:  # a footer: what is in front of it must not have to be there
                return self._in_this_version(offset, end)
            self.wait_for(end)
        return self._ahead.spool.read(self._place + offset, end - offset)

    @property
    def available(self) -> int:
        """As in Content."""
        return self._fetched

    def wait_for(self, end: int) -> None:
        """As in Content. Raises what `read` raises."""
        self._ahead.wait(lambda: self._fetched >= end, self.name)

    def check_unchanged(self) -> None:
        """Whether it is the same is found out with each piece that is fetched."""
        self.wait_for(self.size)

    def begin(self) -> None:
        """From now on reads wait for `fetch`."""
        self._place = self._ahead.spool.reserve(self.size)

    def fetch(self) -> None:
        """Copy the object to the spool, piece by piece. Raises what `read` raises."""
        while self._fetched < self.size and not self._ahead.stopped:
            end = min(self._fetched + READ_AT_ONCE, self.size)
            self._ahead.spool.write(self._in_this_version(self._fetched, end), self._place + self._fetched)
            self._fetched = end
            self._ahead.tell()

    def _in_this_version(self, offset: int, end: int) -> bytes:
        data = self._in_store(offset, end)
        self._check_version()  # so that nobody reads a row made of two objects
        return data

    def _in_store(self, offset: int, end: int) -> bytes:
        try:
            data: bytes = self._file.read_at(end - offset, offset)
        except Exception:  # file systems raise what their libraries raise
            data = b""
        if len(data) < end - offset:
            if not self._ahead.stopped:
                self._check_version()
            raise broken_off(self.name)
        return data

    def _check_version(self) -> None:
        try:
            same = self._location.version is None or self._location.version() == self._version
        except FileNotFoundError:
            same = False
        except Exception:  # as above
            raise broken_off(self.name) from None
        if not same:
            raise changed(self.name)


class _HeadFirst:
    """The bytes of `head`, and behind them those of a file, which is read, and closed, only when they are needed."""

    def __init__(self, head: bytes, file: Any) -> None:
        self._head, self._file = head, file
        self._rest: Any = None

    def read(self, size: int) -> bytes:
        piece, self._head = self._head[:size], self._head[size:]
        if piece:
            return piece
        self._rest = self._rest or pa.BufferedInputStream(self._file, READ_AT_ONCE)
        return bytes(self._rest.read(size))
