"""Writes TROUBLESHOOTING.md from the table that `lsms explain` has: `python -m tests.troubleshooting`."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

from listrak_sms_cli.explain import explanations

PAGE = Path(__file__).parent.parent / ".github" / "TROUBLESHOOTING.md"
TITLES = {
    "setup": "Settings, credentials, the way to Listrak",
    "command": "The command and its files",
    "jobs": "Jobs",
    "audience": "Reading the audience",
    "members": "Members and their values",
    "push": "Sending",
    "runs": "Runs, plans, and what became of them",
}


def page() -> str:
    """The page; each code has an anchor of its name."""
    parts = [
        "# Troubleshooting, by code\n\nMade of `listrak_sms_cli/explanations.toml` by `make troubleshooting`; "
        "`lsms explain CODE` shows the same.\n"
    ]
    for section, codes in groupby(explanations(), lambda each: each.section):
        parts.append(f"\n## {TITLES[section]}\n\n| code | what it means | what to do |\n| --- | --- | --- |\n")
        for each in codes:
            anchor = f'<a id="{each.code}"></a>`{each.code}`'
            parts.append(f"| {anchor} | {each.means} | {each.do} |\n")
    return "".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
