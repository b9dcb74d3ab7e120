"""Keyed 64-bit digests of phones and of import lines, column-wise: what `--changed-only` remembers members by.

Not for signing anything: they tell members apart and hold no phone that could be read without the key.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from listrak_sms_cli.runs.packing import string_offsets

KEY_BYTES = 32
_BLOCK = 1 << 15  # words hashed together: all intermediate columns stay in the processor's cache
_WORD = 8
# A word of a line that has n bytes of it: the bytes after them are of the next line.
_MASKS = np.array([0, *((1 << 8 * n) - 1 for n in range(1, 8)), (1 << 64) - 1], np.uint64)
_STEP = np.uint64(0x9E3779B97F4A7C15)


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
        offsets = string_offsets(lines).astype(np.int64)
        found = np.zeros(len(lines), np.uint64)
        rows = np.flatnonzero(offsets[1:] > offsets[:-1])
        if not len(rows):
            return found
        starts, sizes = offsets[rows] - offsets[0], (offsets[1:] - offsets[:-1])[rows]
        # Eight bytes more, so that the last word of the last line can be read whole.
        text = np.empty(int(offsets[-1] - offsets[0]) + _WORD, np.uint8)
        text[:-_WORD] = np.frombuffer(lines.buffers()[2], np.uint8)[offsets[0] : offsets[-1]]
        text[-_WORD:] = 0
        seed = self.number("line", *meaning)
        words = (sizes + (_WORD - 1)) // _WORD
        ends = np.cumsum(words)
        first = 0
        while first < len(rows):
            done = int(ends[first - 1]) if first else 0
            last = max(first + 1, int(np.searchsorted(ends, done + _BLOCK, side="right")))
            some = slice(first, last)
            found[rows[some]] = _hash(text, starts[some], sizes[some], words[some], seed)
            first = last
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


def _hash(text: np.ndarray, starts: np.ndarray, sizes: np.ndarray, words: np.ndarray, seed: np.uint64) -> np.ndarray:
    """Each word is mixed with the seed and its place in the line; a line is the sum of its words, mixed again."""
    firsts = np.cumsum(words) - words
    places = np.arange(int(words.sum())) - np.repeat(firsts, words)
    at = np.repeat(starts, words) + places * _WORD
    windows = np.lib.stride_tricks.as_strided(text, (len(text) - _WORD + 1, _WORD), (1, 1))
    mixed = windows[at].view("<u8").ravel()
    mixed[firsts + words - 1] &= _MASKS[sizes - (words - 1) * _WORD]
    mixed ^= (places.astype(np.uint64) + np.uint64(1)) * _STEP ^ seed
    _mix(mixed)
    sums = np.add.reduceat(mixed, firsts)
    sums += sizes.astype(np.uint64) * _STEP ^ seed
    _mix(sums)
    return sums


def _mix(numbers: np.ndarray) -> None:
    """In place, one to one: every bit of the result depends on every bit (SplitMix64's last steps)."""
    numbers ^= numbers >> np.uint64(30)
    numbers *= np.uint64(0xBF58476D1CE4E5B9)
    numbers ^= numbers >> np.uint64(27)
    numbers *= np.uint64(0x94D049BB133111EB)
    numbers ^= numbers >> np.uint64(31)
