"""The rooms of the package: imports point one way, modules stay small, start-up is cheap."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest

import listrak_sms_cli
from listrak_sms_cli.errors import LsmsError

PACKAGE = "listrak_sms_cli"
ROOT = Path(listrak_sms_cli.__file__).parent
MODULES = sorted(ROOT.rglob("*.py"))
# Room -> the rooms it may import besides itself. The package itself is its public API.
MAY_IMPORT = {
    "errors": set(),
    "settings": {"errors"},
    "audience": {"errors"},
    "listrak": {"errors"},
    "runs": {"errors", "settings", "audience", "listrak", PACKAGE},
    "display": {"errors", "runs"},
    "cli": {"errors", "settings", "audience", "listrak", "runs", "display", "sandbox", PACKAGE},
    "sandbox": set(),
    "spark": {"errors", "settings", "audience", "listrak", "runs", PACKAGE},
    "__main__": {"cli"},
    PACKAGE: {"errors", "settings", "runs"},
}
FROM_PACKAGE = {"__version__"}  # all that a room may take from the package itself
HEAVY = ("pyarrow", "pandas", "numpy", "httpx", "phonenumbers", "starlette", "uvicorn", "msgspec", "pybase64")


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def room_of(parts: tuple[str, ...]) -> str:
    return parts[0].removesuffix(".py") if parts and parts[0] != "__init__.py" else PACKAGE


def imports_of(path: Path) -> Iterator[tuple[ast.stmt, str, str]]:
    """(statement, module, name) of every import of a module, wherever it stands, relative ones made absolute."""
    package = (PACKAGE, *path.relative_to(ROOT).parent.parts)
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join((*base, *([node.module] if node.module else [])))
            yield from ((node, module, alias.name) for alias in node.names)


def rooms_imported(path: Path) -> Iterator[tuple[ast.stmt, str]]:
    """(statement, room of ours) of every import of a module."""
    for node, module, name in imports_of(path):
        if module.split(".")[0] != PACKAGE:
            continue
        parts = tuple(module.split(".")[1:])
        if not parts and name in MAY_IMPORT:
            parts = (name,)
        assert parts or name in FROM_PACKAGE, f"{name_of(path)} takes {name or 'everything'} from the package itself"
        yield node, room_of(parts)


def test_every_module_has_its_room() -> None:
    """Each module belongs to a room that this test knows."""
    assert {room_of(path.relative_to(ROOT).parts) for path in MODULES} <= set(MAY_IMPORT)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_point_one_way(path: Path) -> None:
    """A room imports itself and the rooms below it, those for type checking included."""
    room = room_of(path.relative_to(ROOT).parts)
    wrong = {found for _, found in rooms_imported(path)} - MAY_IMPORT[room] - {room}
    assert not wrong, f"{name_of(path)} must not import {', '.join(sorted(wrong))}"


@pytest.mark.parametrize("path", [p for p in MODULES if room_of(p.relative_to(ROOT).parts) == "cli"], ids=name_of)
def test_the_sandbox_is_imported_where_it_is_used(path: Path) -> None:
    """The command line imports the sandbox, an extra, inside a function only."""
    assert not [room for node, room in rooms_imported(path) if room == "sandbox" and node.col_offset == 0]


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_modules_are_small(path: Path) -> None:
    """A module has fewer than 300 lines."""
    assert len(path.read_text("utf-8").splitlines()) < 300


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_only_cli_and_display_print(path: Path) -> None:
    """Nothing but the command line, the displays and the sandbox's server writes to the screen."""
    room = room_of(path.relative_to(ROOT).parts)
    calls = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call)]
    prints = [call.lineno for call in calls if isinstance(call.func, ast.Name) and call.func.id == "print"]
    assert not prints or room in ("cli", "display", "sandbox")


def test_httpx_has_one_room() -> None:
    """Only the client of Listrak knows httpx."""
    users = {
        room_of(path.relative_to(ROOT).parts)
        for path in MODULES
        for _, module, _ in imports_of(path)
        if module.split(".")[0] == "httpx"
    }
    assert users == {"listrak"}


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["push", "--help"], ["no-such-command"]])
def test_start_up_is_cheap(arguments: list[str]) -> None:
    """Help and usage errors come without any of the heavy packages."""
    program = (
        "import atexit, sys\n"
        f"sys.argv = ['lsms', *{arguments!r}]\n"
        f"heavy = {HEAVY!r}\n"
        "atexit.register(lambda: print('LOADED', *(name for name in heavy if name in sys.modules)))\n"
        "from listrak_sms_cli.__main__ import main\n"
        "main()\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert ended.stdout.splitlines()[-1] == "LOADED"
    assert ended.returncode == (2 if arguments == ["no-such-command"] else 0)


def test_importing_the_package_is_cheap() -> None:
    """`import listrak_sms_cli` loads no heavy package; its names are there all the same."""
    program = f"import sys, listrak_sms_cli; print(*(name for name in {HEAVY!r} if name in sys.modules))"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert ended.stdout.strip() == ""


def test_what_the_package_exports() -> None:
    """`__all__` is sorted and true, and holds the whole family of exceptions."""
    names = listrak_sms_cli.__all__
    assert names == sorted(names)
    assert all(hasattr(listrak_sms_cli, name) for name in names)
    assert {kind.__name__ for kind in LsmsError.__subclasses__()} <= set(names)


def test_the_package_is_typed() -> None:
    """The marker that tells type checkers so travels with the package."""
    assert files(PACKAGE).joinpath("py.typed").is_file()
