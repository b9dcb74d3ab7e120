"""Lines of a journal, for tests of what is made of them."""

from __future__ import annotations

from listrak_sms_cli.runs.record import Destination, PartLine, Prepared, RecipeColumn, Started
from listrak_sms_cli.runs.record.lines import Recipe, RecipeRules

RECIPE = Recipe(
    path="/data/audience.csv",
    read={"format": None, "delimiter": ";", "encoding": None, "sheet": None},
    identity=[(1234, "9f")],
    phone=0,
    header=["phone", "Tier"],
    columns=[RecipeColumn(1, "Tier", 7, "Loyalty Tier", "Text", 50)],
    rules=RecipeRules(region="US", date_format=None, null_values=["NULL"], blank_bad_values=False),
)
STARTED = Started(
    run_id="20261124-031502-1e24f7a3",
    version="0.1.0",
    audience="audience.csv",
    name="audience.csv",
    target=Destination("https://api.listrak.com/sms", "ab12", 1026),
    baseline=True,
    recipe=RECIPE,
)


def part(number: int, rows: int, origin: int | None = None, skip: int = 0) -> PartLine:
    """An import file of so many members; a piece of `origin` where that is given."""
    return PartLine(number, f"lsms-{number:04d}.csv", rows, rows * 20, origin or number, skip)


def prepared(*rows: int, **verdicts: int) -> Prepared:
    """Import files of so many members each, numbered from 1."""
    return Prepared(
        verdicts={"sendable": sum(rows), **verdicts}, parts=[part(n, size) for n, size in enumerate(rows, 1)]
    )
