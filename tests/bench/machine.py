"""The machine the race was run on, and the environment of the peers."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

REQUIREMENTS = Path(__file__).with_name("peers") / "requirements.txt"
OURS = ("listrak-sms-cli", "pyarrow", "numpy", "phonenumbers", "httpx", "pybase64")


def machine_facts(peer_python: Path | None = None) -> dict[str, object]:
    return {
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "processor": processor(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in OURS},
        "peer_versions": {} if peer_python is None else peer_versions(peer_python),
    }


def processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.processor())


def peer_versions(python: Path) -> dict[str, str]:
    command = [str(python), "-m", "pip", "--disable-pip-version-check", "list", "--format", "json"]
    listed = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout)
    wanted = {line.partition(">")[0].strip() for line in REQUIREMENTS.read_text().splitlines() if ">=" in line}
    return {package["name"]: package["version"] for package in listed if package["name"] in wanted}


def peer_environment(folder: Path) -> Path:
    """The Python of a virtual environment with the peers' libraries, made when it is not there yet."""
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:12]
    environment = folder / f"peers-{wanted}"
    python, ready = environment / "bin" / "python", environment / "ready"
    if not ready.exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(environment)], check=True)
        install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", str(REQUIREMENTS)]
        subprocess.run([str(python), *install], check=True, stderr=subprocess.DEVNULL)
        ready.touch()
    return python
