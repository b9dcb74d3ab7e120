"""The recipes of the README for schedules and for CI do what they are for, as they stand there."""

from __future__ import annotations

import configparser
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from tests.support.readme import code
from tests.support.world import SAMPLES, World

LSMS = Path(sys.executable).with_name("lsms")
AUDIENCE = "phone,first_name\n" + "".join(f"21255501{n:02d},N{n}\n" for n in range(20))


def in_shell(command: str, cwd: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """A command in a shell whose environment holds nothing else."""
    return subprocess.run(["bash", "-e", "-c", command], cwd=cwd, env=env, capture_output=True, text=True, check=False)


def test_the_systemd_units_push_every_night(world: World) -> None:
    """systemd finds no fault in the units; the command of the service runs with its folders and its environment, and
    is quiet."""
    world.audience("[jobs.nightly]\naudience = 'audience.csv'\n", "lsms.toml")
    world.audience(AUDIENCE)
    (world.home / "etc").mkdir()
    config = world.home / "etc/config.toml"
    config.write_text(
        f'[default]\nclient_id = "sandbox"\nclient_secret_file = "{config.with_name("secret")}"\nsender_code = 1026\n'
        f'api_url = "{world.sandbox.api_url}"\ntoken_url = "{world.sandbox.token_url}"\n'
    )
    config.with_name("secret").write_text(world.sandbox.config.client_secret)
    for path in config.parent.iterdir():
        path.chmod(0o600)
    places = {
        "/etc/lsms": str(config.parent),
        "/var/lib/lsms": f"{world.home}/state",
        "/srv/audiences": str(world.home),
        "/usr/local/bin/lsms": str(LSMS),
        "User=lsms": "User=root",
    }
    units = {}
    for name in ("lsms.service", "lsms.timer"):
        text = code("ini", f"# /etc/systemd/system/{name}")
        for there, here in places.items():
            text = text.replace(there, here)
        (world.home / name).write_text(text)
        units[name] = configparser.ConfigParser(interpolation=None)
        units[name].optionxform = str  # type: ignore[assignment, method-assign]
        units[name].read_string(text)
    service = units["lsms.service"]["Service"]
    env = dict(pair.split("=", 1) for pair in service["Environment"].split())
    ended = in_shell(service["ExecStart"], Path(service["WorkingDirectory"]), {"HOME": "/nonexistent", **env})
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    assert "All 20 sent." in (world.home / "last-night.html").read_text("utf-8")
    assert re.fullmatch(r"\*-\*-\* \d\d:\d\d", units["lsms.timer"]["Timer"]["OnCalendar"])
    if (systemd := shutil.which("systemd-analyze")) is not None:
        checked = in_shell(f"{systemd} verify lsms.service lsms.timer", world.home, dict(os.environ))
        assert (checked.returncode, checked.stderr) == (0, "")


@pytest.mark.parametrize(("spoilt", "exit_code"), [(0, 0), (2, 3)])
def test_the_workflow_stops_a_bad_audience(tmp_path: Path, spoilt: int, exit_code: int) -> None:
    """The workflow rehearses the audience in a sandbox without an account, keeps its page, and fails for a spoilt one.
    (What it installs is checked with the other installations.)"""
    workflow = yaml.safe_load(code("yaml", "# .github/workflows/audience.yml"))
    steps = workflow["jobs"]["rehearse"]["steps"]
    (tmp_path / "audiences").mkdir()
    (tmp_path / "audiences/spring.csv").write_text(AUDIENCE + "12,Bad\n" * spoilt)
    env = {"PATH": f"{LSMS.parent}:{os.defpath}", "HOME": str(tmp_path)}
    install, *runs = [step["run"] for step in steps if "run" in step]
    assert install.startswith("pip install ")
    codes = [in_shell(run, tmp_path, env).returncode for run in runs]
    assert codes == [exit_code]
    kept = next(step for step in steps if "upload-artifact" in step.get("uses", ""))
    assert kept["if"] == "always()" and (tmp_path / kept["with"]["path"]).is_file()


def test_the_cron_job_of_kubernetes_keeps_its_state(world: World, tmp_path: Path) -> None:
    """Its command runs with its environment, its secrets and its volumes; what a push leaves is on the volume."""
    job = yaml.safe_load(code("yaml", "# cronjob.yaml"))
    pod = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert {mount["name"] for mount in container["volumeMounts"]} == {volume["name"] for volume in pod["volumes"]}
    secrets = {"client_id": world.sandbox.config.client_id, "client_secret": world.sandbox.config.client_secret}
    env = {"HOME": "/nonexistent", "LISTRAK_API_URL": world.sandbox.api_url}
    env |= {"LISTRAK_TOKEN_URL": world.sandbox.token_url, "PATH": f"{LSMS.parent}:{os.defpath}"}
    for each in container["env"]:
        env[each["name"]] = each["value"] if "value" in each else secrets[each["valueFrom"]["secretKeyRef"]["key"]]
    mounts = {mount["mountPath"]: str(tmp_path / mount["name"]) for mount in container["volumeMounts"]}
    for folder in mounts.values():
        Path(folder).mkdir()

    def mounted(text: str) -> str:
        return next((text.replace(path, there, 1) for path, there in mounts.items() if text.startswith(path)), text)

    (tmp_path / "audience/members.csv").write_text(AUDIENCE)
    env = {name: mounted(value) for name, value in env.items()}
    words = [mounted(word) for word in container["command"]]
    ended = subprocess.run(words, env=env, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    assert (tmp_path / "state/rejects.csv").is_file()
    assert len(list((tmp_path / "state/runs").iterdir())) == 1


def airflow(monkeypatch: pytest.MonkeyPatch) -> tuple[Any, type[Exception]]:
    """Airflow's way to call the function of a task, and its exception for what is not tried again; with stand-ins of
    the two names that the recipe imports where Airflow is not installed."""
    if importlib.util.find_spec("airflow") is None:
        package, sdk, exceptions = (ModuleType(name) for name in ("airflow", "airflow.sdk", "airflow.exceptions"))
        sdk.__dict__["task"] = lambda **_options: (
            lambda function: type("Task", (), {"function": staticmethod(function)})
        )
        exceptions.__dict__["AirflowFailException"] = type("AirflowFailException", (Exception,), {})
        for module in (package, sdk, exceptions):
            monkeypatch.setitem(sys.modules, module.__name__, module)
    from airflow.exceptions import AirflowFailException

    return (lambda task, *given: task.function(*given)), AirflowFailException


def test_the_task_of_airflow_pushes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The function of the task sends and returns counts; a guard ends it for good, an outage is tried again."""
    from listrak_sms_cli import ListrakUnavailable

    call, failed = airflow(monkeypatch)
    for name, value in world.env.items():
        monkeypatch.setenv(name, value)
    recipe = code("python", "from airflow.sdk import task")
    scope: dict[str, Any] = {}
    exec(recipe.replace("/var/lib/lsms", f"{world.home}/state"), scope)
    task = scope["push_audience"]
    assert call(task, str(world.audience(AUDIENCE))) == {"sent": 20, "dropped": 0}
    with pytest.raises(failed, match="max_drop_rate"):
        call(task, str(world.audience(AUDIENCE + "12,Bad\n" * 3)))
    monkeypatch.setenv("LISTRAK_TOKEN_URL", "http://127.0.0.1:9/token")
    monkeypatch.setenv("LSMS_GIVE_UP_AFTER", "0.1s")
    with pytest.raises(ListrakUnavailable):
        call(task, str(SAMPLES / "smoke.csv"))
