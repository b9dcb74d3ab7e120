"""What the bench keeps between runs: audience files, in BENCH_DIR or a folder of the system's temporary folder."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

GENERATOR = Path(__file__).with_name("audiences.py")
MILLION = 1_000_000


@dataclass(frozen=True)
class AudienceSpec:
    """`invalid`, `repeated` and `changed` are shares of the rows; a repeated phone is that of some earlier row, and a
    changed member is another one than in the audience of which none is."""

    rows: int
    invalid: float = 0.02
    repeated: float = 0.03
    changed: float = 0.0

    @property
    def name(self) -> str:
        return f"members-{self.rows}-{self.invalid}-{self.repeated}" + (f"-{self.changed}" if self.changed else "")


def bench_folder() -> Path:
    folder = Path(os.environ.get("BENCH_DIR") or Path(tempfile.gettempdir()) / "lsms-bench")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def audience_is_there(spec: AudienceSpec) -> bool:
    return all((_audiences() / f"{spec.name}.{suffix}").exists() for suffix in ("csv", "parquet"))


def _audiences() -> Path:
    return bench_folder() / f"audiences-{hashlib.sha256(GENERATOR.read_bytes()).hexdigest()[:12]}"


def wide_file(columns: int, rows: int) -> Path:
    """A CSV of so many columns of a thousand words each, c0 and on, beside the phone; nine bytes for two cells."""
    wanted = _audiences() / f"wide-{columns}-{rows}.csv"
    if not wanted.exists():
        _audiences().mkdir(exist_ok=True)
        words = np.array([str(number) if number % 3 == 0 else f"v{number}" for number in range(1_000)])
        draws = np.random.default_rng(1)
        draft = wanted.with_suffix(".draft")
        with draft.open("w") as lines:
            lines.write(",".join(["phone", *(f"c{number}" for number in range(columns))]) + "\n")
            for row in range(rows):
                cells = words[draws.integers(0, len(words), columns)].tolist()
                lines.write(",".join([str(2122000000 + row), *cells]) + "\n")
        draft.rename(wanted)
    return wanted


def audience_file(spec: AudienceSpec, suffix: str) -> Path:
    """`suffix`: csv or parquet. Both are made when they are not there, by a process of its own; the folder is named
    after the generator, so that a changed generator writes anew."""
    folder = _audiences()
    wanted = folder / f"{spec.name}.{suffix}"
    if not wanted.exists():
        folder.mkdir(exist_ok=True)
        order = [str(folder), str(spec.rows), str(spec.invalid), str(spec.repeated), str(spec.changed)]
        subprocess.run([sys.executable, "-m", "tests.bench.audiences", *order], check=True)
    return wanted
