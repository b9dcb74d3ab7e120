"""Values that pass without a look by Typer are the ones it would give; it looks at the others, and its words stand."""

from __future__ import annotations

from typing import Any

import pytest
import typer

from listrak_sms_cli.cli import options as o
from listrak_sms_cli.cli.plain_values import pass_plain_values


def seen(audience: o.AudienceArgument, sender_code: o.SenderCode = None, batch_rows: o.BatchRows = 250_000,
         null_value: o.NullValue = None, keep: o.KeepOption = o.Keep.last, limit: o.Limit = None,
         max_drop_rate: o.MaxDropRate = None, wait: o.Wait = True, rejects: o.RejectsOption = None) -> Any:  # fmt: skip
    return audience, sender_code, batch_rows, null_value, keep, limit, max_drop_rate, wait, rejects


LINES = (
    "a.csv",
    "7 --sender-code 1026 --batch-rows 2 --limit 0 --no-wait",
    "a.csv --null-value NA --null-value 7 --keep first --max-drop-rate 2.5 --rejects x.csv",
    "a.csv --sender-code -1 --batch-rows 1_000 --limit 5.0",
    "a.csv --sender-code 99999999999999999999",
    "a.csv --batch-rows 1",
    "a.csv --limit x",
    "a.csv --keep neither",
    "a.csv --max-drop-rate 101",
)


def outcome(line: str, *, plain: bool) -> object:
    app = typer.Typer(add_completion=False)
    app.command()(seen)
    command = typer.main.get_command(app)
    if plain:
        pass_plain_values(command.params)
    try:
        return command(line.split(), standalone_mode=False)
    except typer.TyperException as error:
        return str(error)


@pytest.mark.parametrize("line", LINES)
def test_as_typer_says(line: str) -> None:
    """Given or not, right or wrong: the same values of the same types, the same errors."""
    passed, looked_at = outcome(line, plain=True), outcome(line, plain=False)
    assert passed == looked_at
    if isinstance(passed, tuple):
        assert isinstance(looked_at, tuple)
        assert [type(value) for value in passed] == [type(value) for value in looked_at]
