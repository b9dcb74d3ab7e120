"""The options of `push` that leave out what need not travel."""

from __future__ import annotations

from typing import Annotated

import typer

_MEMBERS = "Members"

ChangedOnly = Annotated[
    bool,
    typer.Option(
        "--changed-only",
        help="Leave out members that have not changed since they last arrived.",
        rich_help_panel=_MEMBERS,
    ),
]
Full = Annotated[
    bool, typer.Option("--full", help="With --changed-only: send everybody this once.", rich_help_panel=_MEMBERS)
]
RefreshAfter = Annotated[
    str,
    typer.Option(
        "--refresh-after",
        metavar="TIME",
        help="With --changed-only: send who arrived longer ago again. Contacts found by --only-existing never need it.",
        rich_help_panel=_MEMBERS,
    ),
]
