"""Keyed 64-bit digests of phones and of import lines, column-wise: what `--changed-only` remembers members by.

Not for signing anything: they tell members apart and hold no phone that could be read without the key.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path

import numpy as np
from msgspec import Struct

from listrak_sms_cli.columnar import mix_numbers
from listrak_sms_cli.runs.record import make_folder, sync_folder

KEY_BYTES = 32


class Key(Struct, frozen=True):
    """A random key; digests under two keys have nothing in common."""

    secret: bytes

    def __repr__(self) -> str:
        """Without the secret."""
        return f"Key({self.name})"

    def number(self, *purpose: object) -> np.uint64:
        """A 64-bit number for this purpose: the same for the same purpose, random otherwise."""
        text = "\0".join(map(str, purpose)).encode()
        return np.uint64(int.from_bytes(hashlib.blake2b(text, digest_size=8, key=self.secret).digest(), "little"))

    @property
    def name(self) -> str:
        """What tells it from other keys, and nothing about it."""
        return f"{int(self.number('name')):016x}"

    def phones(self, numbers: np.ndarray) -> np.ndarray:
        """int64 E.164 digits -> uint64, one to one: two phones never have one digest."""
        return mix_numbers(numbers, np.array([self.number("phone", turn) for turn in (0, 1, 2, "end")]))

    def seed_of_lines(self, *meaning: object) -> int:
        """The seed of the digests of lines that `mean` this (fields, spelling of phones)."""
        return int(self.number("line", *meaning))


def read_key(path: Path) -> Key:
    """The key in this file, made (0600) if there is none. Raises OSError when it can be neither read nor made."""
    make_folder(path.parent)
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
        sync_folder(path.parent)
    secret = path.read_bytes()
    if len(secret) != KEY_BYTES:
        raise OSError("the key file is cut off")
    return Key(secret)
