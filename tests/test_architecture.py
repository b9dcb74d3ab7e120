"""The rooms of the package: imports point one way and enter by the face, start-up is cheap."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from importlib.resources import files
from pathlib import Path

import pytest

import listrak_sms_cli
from listrak_sms_cli.errors import LsmsError

PACKAGE = "listrak_sms_cli"
ROOT = Path(listrak_sms_cli.__file__).parent
MODULES = sorted(ROOT.rglob("*.py"))
FACES = sorted(ROOT.rglob("__init__.py"))

# The rooms from below: each may import those on lines before its own. Names on one line do not know each other.
ORDER = """
version faces
errors
stores
options keywords arguments explain
keyrings columnar
settings
profiles databases
jobs
listrak
audience.header_words audience.cell_errors audience.shapes audience.drop_reasons
audience.phones
audience.header_data
audience.columns
audience.source
audience.values
audience.members audience.dedupe
audience.profile
audience
runs.events
runs.options runs.output_file
runs.report
runs.account
runs.context
runs.pack
runs.record
runs.remember
runs.readback
runs.findings
runs.prepare
runs.run
runs.send
runs.rebuild
runs.resume
runs
display monitoring rehearsal
cli spark
__main__
"""
LEVEL = {room: level for level, line in enumerate(ORDER.split("\n")) for room in line.split()}
# What listens to a run knows what it hears of, and puts files where all are put; the public functions stand on
# everything below the command line.
DISPLAY_MAY = {"version", "faces", "errors", "stores", "runs.events", "runs.output_file", "runs.report"}
APART = {"sandbox": {"faces"}}
HEAVY = ("pyarrow", "pandas", "numpy", "httpx", "phonenumbers", "starlette", "uvicorn", "msgspec", "pybase64", "jinja2")


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def dotted(path: Path) -> str:
    """The module of a file, without the package's name: `runs.record.journal`; "" for the package itself."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def is_room(module: str) -> bool:
    return (ROOT / module.replace(".", "/")).is_dir()


def room_of(module: str) -> str:
    """The longest beginning of a module's name that ORDER knows."""
    parts = module.split(".")
    names = (".".join(parts[:count]) for count in range(len(parts), 0, -1))
    return next((name for name in names if name in LEVEL or name in APART), "")


@cache
def nodes_of(path: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse(path.read_text("utf-8"))))


def imports_of(path: Path) -> Iterator[tuple[ast.stmt, str, str]]:
    """(statement, module, name) of every import of a module, wherever it stands, relative ones made absolute."""
    package = (PACKAGE, *path.relative_to(ROOT).parent.parts)
    for node in nodes_of(path):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join((*base, *([node.module] if node.module else [])))
            yield from ((node, module, alias.name) for alias in node.names)


def ours_imported(path: Path) -> Iterator[tuple[ast.stmt, str]]:
    """(statement, module of ours) of every import of a module; a name that is a module counts as that module, one of a
    face that is imported on demand as the module that holds it."""
    for node, module, name in imports_of(path):
        if module.split(".")[0] != PACKAGE:
            continue
        inner = module.removeprefix(PACKAGE).lstrip(".")
        named = f"{inner}.{name}".lstrip(".")
        yield node, named if is_room(named) or (ROOT / f"{named.replace('.', '/')}.py").is_file() else inner


def homes() -> dict[tuple[str, str], str]:
    """(room, name) -> the module that holds the name, for every name that a face gives on demand."""
    found = {}
    for face in FACES:
        calls = [node for node in nodes_of(face) if isinstance(node, ast.Call)]
        for call in calls:
            if isinstance(call.func, ast.Name) and call.func.id == "on_demand":
                for module in call.keywords:
                    names = ast.literal_eval(module.value).split()
                    found |= {(dotted(face), name): f"{dotted(face)}.{module.arg}" for name in names}
    return found


HOMES = homes()


def test_every_module_has_its_room() -> None:
    """Each module belongs to a room that this test knows."""
    assert [dotted(path) for path in MODULES if dotted(path) and not room_of(dotted(path))] == []


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_point_one_way(path: Path) -> None:
    """A room imports itself and the rooms below it, those for type checking included."""
    here = dotted(path)
    if not here or (is_room(here) and here in ("audience", "runs")):
        return  # the package itself and the faces of rooms with rooms inside gather what stands below them
    room = room_of(here)
    for _, module, name in imports_of(path):
        if module.split(".")[0] != PACKAGE:
            continue
        inner = module.removeprefix(PACKAGE).lstrip(".")
        named = f"{inner}.{name}".lstrip(".")
        if room == "spark" and not inner:
            continue  # it stands on the public functions
        found = room_of(HOMES.get((inner, name), named if is_room(named) else inner))
        assert found, f"{here} takes {name} from the package itself"
        if found == room or room_of(inner) == room != "runs":
            continue
        if room in APART:
            assert found in APART[room], f"{here} must not import {found}"
        elif room == "display":
            assert found in DISPLAY_MAY, f"{here} must not import {found}"
        elif found in APART:
            assert room in ("cli", "rehearsal"), f"{here} must not import {found}"
        else:
            assert LEVEL[found] < LEVEL[room], f"{here} must not import {found}"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_rooms_are_entered_by_their_faces(path: Path) -> None:
    """A module imports the modules beside it and those of the rooms it is in; of all others the face only."""
    here = dotted(path)
    own = here if is_room(here) or not here else here.rpartition(".")[0]
    for node, module in ours_imported(path):
        home = module if is_room(module) or not module else module.rpartition(".")[0]
        inside = home == own or own.startswith(f"{home}.") or not home
        assert inside or is_room(module), f"{here}, line {node.lineno}: import {module} by its face"
    for node, module, name in imports_of(path):
        room = module.removeprefix(PACKAGE).lstrip(".")
        if module.startswith(f"{PACKAGE}.") and is_room(room) and room != own and not is_room(f"{room}.{name}"):
            assert name in import_module(module).__all__, f"{here}, line {node.lineno}: {name} is not in the face"


@pytest.mark.parametrize("path", [face for face in FACES if dotted(face)], ids=name_of)
def test_a_face_says_what_the_room_is_for(path: Path) -> None:
    """A face has a docstring and a sorted `__all__` of names that are there; none hides a module of the room."""
    room = dotted(path)
    module = import_module(f"{PACKAGE}.{room}")
    assert module.__doc__
    assert sorted(module.__all__) == sorted(set(module.__all__))
    assert all(hasattr(module, name) for name in module.__all__)
    assert not {name for name in module.__all__ if (path.parent / f"{name}.py").exists()}


@pytest.mark.parametrize("path", [p for p in MODULES if room_of(dotted(p)) in ("cli", "rehearsal")], ids=name_of)
def test_the_sandbox_is_imported_where_it_is_used(path: Path) -> None:
    """Rooms that use the sandbox, an extra, import it inside a function only."""
    found = [module for node, module in ours_imported(path) if node.col_offset == 0]
    assert not [module for module in found if room_of(module) == "sandbox"]


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_only_cli_and_display_print(path: Path) -> None:
    """Nothing but the command line, the displays and the sandbox's server writes to the screen."""
    room = room_of(dotted(path))
    calls = [node for node in nodes_of(path) if isinstance(node, ast.Call)]
    prints = [call.lineno for call in calls if isinstance(call.func, ast.Name) and call.func.id == "print"]
    assert not prints or room in ("cli", "display", "sandbox")


def test_httpx_has_one_room() -> None:
    """Only the client of Listrak knows httpx."""
    users = {
        room_of(dotted(path))
        for path in MODULES
        for _, module, _ in imports_of(path)
        if module.split(".")[0] == "httpx"
    }
    assert users == {"listrak"}


def test_pyarrow_compute_has_one_module() -> None:
    """All rooms but the sandbox have Arrow's functions from `columnar`, which makes those that are used."""
    users = {path for path in MODULES for _, module, _ in imports_of(path) if module == "pyarrow.compute"}
    assert {name_of(path) for path in users if "sandbox" not in path.parts} == {"columnar/compute.py"}


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
