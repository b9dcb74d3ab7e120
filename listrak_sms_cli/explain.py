"""What the codes of errors, warnings and drop reasons mean, and what to do: the table `explanations.toml`."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files

from listrak_sms_cli.errors import UsageError

# Codes of others, which are passed on: Listrak's own, and statuses of HTTP.
_PASSED_ON = {
    r"error_[a-z_]+": (
        "Listrak's own error code, in small letters.",
        "The message says what Listrak refused; its registry of codes is in Listrak's API description.",
    ),
    r"http_\d{3}": (
        "Listrak answered with this HTTP status and no code of its own.",
        "See `lsms check`; try again later.",
    ),
}


@dataclass(frozen=True)
class Explanation:
    """What a code means, and what to do; `section`: what it is about."""

    code: str
    section: str
    means: str
    do: str


def explanations() -> Iterator[Explanation]:
    """All there are, in the order of the table."""
    table = tomllib.loads(files("listrak_sms_cli").joinpath("explanations.toml").read_text("utf-8"))
    for section, codes in table.items():
        for code, (means, do) in codes.items():
            yield Explanation(code, section, means, do)


def explanation_of(code: str) -> Explanation:
    """That of a code, in any case. Raises UsageError (`unknown_code`), with the nearest that there is."""
    wanted = code.strip().strip("[]").lower().replace("-", "_")
    known = {each.code: each for each in explanations()}
    if wanted in known:
        return known[wanted]
    for pattern, (means, do) in _PASSED_ON.items():
        if re.fullmatch(pattern, wanted):
            return Explanation(wanted, "push", means, do)
    near = difflib.get_close_matches(wanted, known, 3)
    raise UsageError(
        f"There is no code {wanted}.",
        hint=f"Did you mean {', '.join(near)}?" if near else "TROUBLESHOOTING.md lists them all.",
        code="unknown_code",
    )
