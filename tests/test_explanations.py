"""Every code of an error, a warning or a drop reason is explained, by `lsms explain` and in TROUBLESHOOTING.md."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import listrak_sms_cli
from listrak_sms_cli.errors import UsageError
from listrak_sms_cli.explain import explanation_of, explanations
from listrak_sms_cli.runs import DROP_REASONS
from tests import troubleshooting
from tests.support.lsms import call_lsms

ROOT = Path(listrak_sms_cli.__file__).parent
WARNINGS = ("RunWarning", "SourceNote", "_warn")


def codes() -> set[str]:
    """Each code that is written somewhere in the package; "…_unreadable" for one that begins with what it is about."""
    modules = [path for path in ROOT.rglob("*.py") if "sandbox" not in path.parts]
    found = {code for path in modules for code in _codes_in(ast.parse(path.read_text("utf-8")))}
    return {code for code in found if re.fullmatch(r"…?[a-z][a-z_]*|…_[a-z_]+", code)} | set(DROP_REASONS)


def _codes_in(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.keyword(arg="code" | "default_code"):
                yield from _texts(node.value)
            case ast.Assign(targets=[ast.Name(id="code" | "default_code")]):
                yield from _texts(node.value)
            case ast.arguments():
                named = [*node.posonlyargs, *node.args]
                pairs = [*zip(named[::-1], node.defaults[::-1], strict=False)]
                pairs += [(a, d) for a, d in zip(node.kwonlyargs, node.kw_defaults, strict=True) if d is not None]
                for argument, default in pairs:
                    yield from _texts(default) if argument.arg == "code" else ()
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=[first, *_]) if name in WARNINGS:
                yield from _texts(first)


def _texts(value: ast.expr) -> Iterator[str]:
    match value:
        case ast.Constant(value=str(text)):
            yield text
        case ast.IfExp():
            yield from _texts(value.body)
            yield from _texts(value.orelse)
        case ast.JoinedStr(values=[*_, ast.Constant(value=str(text))]):
            yield f"…{text}"


def test_every_code_of_the_package_is_explained() -> None:
    """A code without an entry would leave its reader alone."""
    found, known = codes(), {each.code for each in explanations()}
    assert len(found) > 150
    missing = {code for code in found if not any(each.endswith(code.removeprefix("…")) for each in known)}
    assert missing == set()
    assert {code for code in found if not code.startswith("…")} <= known


def test_nothing_is_explained_that_there_is_not() -> None:
    """An entry whose code is gone is taken out. Codes of a table of their own are found by their text."""
    source = "\n".join(path.read_text("utf-8") for path in ROOT.rglob("*.py"))
    known = {each.code for each in explanations()}
    endings = tuple(code.removeprefix("…") for code in codes() if code.startswith("…"))
    assert {code for code in known if f'"{code}"' not in source and not code.endswith(endings)} <= set(DROP_REASONS)


def test_entries_are_sentences() -> None:
    """What it means and what to do are both said, within a line of a table; no code stands twice."""
    every = list(explanations())
    assert len({each.code for each in every}) == len(every)
    for each in every:
        assert each.means.endswith(".")
        assert "|" not in each.means + each.do
        assert 0 < len(each.do) < 160


def test_the_page_is_made_of_the_table() -> None:
    """`make troubleshooting` has been typed since the table changed; each code has an anchor."""
    page = troubleshooting.PAGE.read_text("utf-8")
    assert page == troubleshooting.page()
    assert all(f'<a id="{each.code}"></a>' in page for each in explanations())


@pytest.mark.parametrize("code", ["max_drop_rate", "[max_drop_rate]", "MAX-DROP-RATE"])
def test_a_code_is_explained_as_it_is_typed(tmp_path: Path, code: str) -> None:
    """In brackets, in any case; as JSON too."""
    env = {"HOME": str(tmp_path)}
    shown = call_lsms("explain", code, env=env)
    assert (shown.code, shown.out.startswith("max_drop_rate: ")) == (0, True)
    document = call_lsms("explain", code, "--json", env=env).json
    assert (document["code"], document["exit_code"]) == ("max_drop_rate", 0)


def test_codes_of_listrak_and_unknown_ones() -> None:
    """Those of Listrak are passed on; of one that there is not the nearest is named."""
    assert "Listrak" in explanation_of("ERROR_SENDER_CODE_DISABLED").means
    assert "HTTP" in explanation_of("http_418").means
    with pytest.raises(UsageError) as caught:
        explanation_of("max_dorp_rate")
    assert (caught.value.code, "max_drop_rate" in caught.value.hint) == ("unknown_code", True)
