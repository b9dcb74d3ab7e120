"""Keyed 64-bit digests of phones and of import lines, column-wise: what `--changed-only` remembers members by.

Not for signing anything: they tell members apart and hold no phone that could be read without the key.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from xxhash import xxh3_64_intdigest

from listrak_sms_cli.audience.cells import indices
from listrak_sms_cli.runs.packing import string_offsets

KEY_BYTES = 32
_ROOM = 1 << 21  # bytes of lines hashed together: columns that fit into the cache, and few calls that threads wait for
_WIDTHS = np.array([128, 512, 2048])  # lines of up to so many bytes are hashed together, longer ones one by one
_WORD = 8
_STEP = np.uint64(0x9E3779B97F4A7C15)
_HALF = np.uint64(32)


@dataclass(frozen=True, repr=False)
class Key:
    """A random key; digests under two keys have nothing in common."""

    secret: bytes

    def number(self, *purpose: object) -> np.uint64:
        """A 64-bit number for this purpose: the same for the same purpose, random otherwise."""
        text = "\0".join(map(str, purpose)).encode()
        return np.uint64(int.from_bytes(hashlib.blake2b(text, digest_size=8, key=self.secret).digest(), "little"))

    def phones(self, numbers: np.ndarray) -> np.ndarray:
        """int64 E.164 digits -> uint64, one to one: two phones never have one digest."""
        mixed = numbers.astype(np.uint64)
        for turn in range(3):
            mixed ^= self.number("phone", turn)
            _mix(mixed)
        mixed ^= self.number("phone", "end")
        return mixed

    def lines(self, lines: pa.StringArray, *meaning: object) -> np.ndarray:
        """uint64 a row, 0 for null rows: of the line's text and what it `means` (fields, spelling of phones)."""
        found = np.zeros(len(lines), np.uint64)
        sizes = np.diff(string_offsets(lines))
        if not sizes.any():
            return found
        seed = self.number("line", *meaning)
        # A null has no bytes: seen as an empty line it need not be taken out first.
        lines = pa.StringArray.from_buffers(len(lines), *lines.buffers()[1:], offset=lines.offset)
        kinds = np.searchsorted(_WIDTHS, sizes)
        for kind in np.flatnonzero(np.bincount(kinds)).tolist():
            rows = np.flatnonzero(kinds == kind)
            some = lines if len(rows) == len(lines) else lines.take(indices(rows))
            found[rows] = _of_short(some, seed) if kind < len(_WIDTHS) else _of_long(some, seed)
        found[sizes == 0] = 0
        return found


def read_key(path: Path) -> Key:
    """The key in this file, made (0600) if there is none. Raises OSError when it can be neither read nor made."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        # Written under another name first: a key is there whole or not at all, whoever makes it at the same time.
        draft = path.with_name(f"{path.name}-{secrets.token_hex(8)}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    secret = path.read_bytes()
    if len(secret) != KEY_BYTES:
        raise OSError("the key file is cut off")
    return Key(secret)


def _of_short(lines: pa.StringArray, seed: np.uint64) -> np.ndarray:
    """uint64 a line."""
    sizes = np.diff(string_offsets(lines))
    words = max(1, -(-int(sizes.max()) // _WORD))
    step = _ROOM // (words * _WORD)
    blocks = [
        _hash(lines.slice(start, step), sizes[start : start + step], words, seed)
        for start in range(0, len(lines), step)
    ]
    return np.concatenate(blocks)


def _hash(lines: pa.StringArray, sizes: np.ndarray, most: int, seed: np.uint64) -> np.ndarray:
    """Word by word into a sum that begins with seed and size, and ends with the line; `most` words have all of it."""
    padded = pc.ascii_rpad(lines, most * _WORD, "\0")
    text = np.frombuffer(padded.buffers()[2], "<u8", len(lines) * most).reshape(len(lines), most)
    words = (sizes + (_WORD - 1)) // _WORD
    least = int(words[words > 0].min(initial=most))
    sums = sizes.astype(np.uint64) * _STEP ^ seed
    for place in range(most):
        mixed = sums ^ text[:, place]
        mixed *= _STEP
        mixed ^= mixed >> _HALF
        if place < least:
            sums = mixed
        else:
            np.copyto(sums, mixed, where=words > place)
    _mix(sums)
    return sums


def _of_long(lines: pa.StringArray, seed: np.uint64) -> np.ndarray:
    """As `_of_short`, for lines so long that a call for each is cheap."""
    text, offsets = memoryview(lines.buffers()[2]), string_offsets(lines).tolist()
    digests = (xxh3_64_intdigest(text[start:end], int(seed)) for start, end in itertools.pairwise(offsets))
    return np.fromiter(digests, np.uint64, len(lines))


def _mix(numbers: np.ndarray) -> None:
    """In place, one to one: every bit of the result depends on every bit (SplitMix64's last steps)."""
    numbers ^= numbers >> np.uint64(30)
    numbers *= np.uint64(0xBF58476D1CE4E5B9)
    numbers ^= numbers >> np.uint64(27)
    numbers *= np.uint64(0x94D049BB133111EB)
    numbers ^= numbers >> np.uint64(31)
