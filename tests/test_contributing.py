"""The pages for those who work on lsms are true, and tests share what they share in tests/support."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

from tests.support.world import PROJECT

PACKAGE, TESTS = PROJECT / "listrak_sms_cli", PROJECT / "tests"
PAGES = [
    PROJECT / ".github" / "CONTRIBUTING.md",
    PROJECT / ".github" / "SECURITY.md",
    PACKAGE / "README.md",
    TESTS / "support" / "README.md",
]
TEST_MODULES = sorted(TESTS.rglob("*.py"))


def code_in(page: Path) -> list[str]:
    """What a page sets in backticks, blocks of code aside."""
    return re.findall(r"`([^`]+)`", re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL))


def name_of(path: Path) -> str:
    return str(path.relative_to(PROJECT))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_path_named_exists(page: Path) -> None:
    """A path in backticks is there: in the project, in the package, or beside the page."""
    paths = [word for word in code_in(page) if re.fullmatch(r"[\w./-]*(/[\w.-]*|\w\.(py|md|toml))", word)]
    assert paths
    assert [path for path in paths if not any((root / path).exists() for root in (PROJECT, PACKAGE, page.parent))] == []


def test_the_map_names_every_room() -> None:
    """Each folder of the package is on the map."""
    rooms = {f"{path.parent.relative_to(PACKAGE)}/" for path in PACKAGE.rglob("__init__.py") if path.parent != PACKAGE}
    assert rooms - set(code_in(PACKAGE / "README.md")) == set()


def test_every_helper_is_described() -> None:
    """Each module of tests/support is in its README."""
    helpers = {path.name for path in (TESTS / "support").glob("*.py")} - {"__init__.py"}
    assert helpers - set(code_in(TESTS / "support" / "README.md")) == set()


def test_every_target_named_exists() -> None:
    """Each `make …` of the pages is a target."""
    text = "".join(page.read_text("utf-8") for page in PAGES)
    targets = sorted(set(re.findall(r"[`$] ?make ([a-z-]+)", text)))
    assert targets
    assert subprocess.run(["make", "-n", *targets], cwd=PROJECT, capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("path", TEST_MODULES, ids=name_of)
def test_no_test_module_imports_another(path: Path) -> None:
    """What two test modules need is in tests/support, or in the bench."""
    imports = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.ImportFrom)]
    assert not [str(node.module) for node in imports if ".test_" in f".{node.module}"]
