"""The README and the pages that it is continued on, for the tests that hold them to what they say."""

from __future__ import annotations

import re

from tests.support.world import PROJECT

README = (PROJECT / "README.md").read_text("utf-8")
PAGES = README + (PROJECT / ".github" / "AUDIENCES.md").read_text("utf-8")
GUIDE = README.partition("\n## From a clone to the first push")[2].partition("\n## ")[0]


def code(language: str, first_line: str) -> str:
    """The block of code of this language that begins with this line."""
    (found,) = re.findall(rf"```{language}\n({re.escape(first_line)}\n.*?)```", PAGES, re.DOTALL)
    return str(found)


def without_times(text: str) -> str:
    """The words of an output, run ids, paces and drawn seeds aside."""
    text = re.sub(r"\d{8}-\d{6}-[0-9a-f]{8}", "RUN", text)
    text = re.sub(r"--canary-seed \d+", "--canary-seed N", text)
    return " ".join(re.sub(r"in [\d.:]+ s \([\d.,]+( [kM])?/s\)", "in T", text).split())
