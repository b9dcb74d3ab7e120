"""The jobs of `lsms` as function calls, with the settings of a World: where many of them are needed, and it is not
the command line that is looked at."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from listrak_sms_cli.errors import LsmsError
from listrak_sms_cli.runs import (
    ApplyOptions,
    PlanOptions,
    PullOptions,
    ResumeOptions,
    VerifyOptions,
    apply_plan,
    plan_changes,
    pull_contacts,
    push_audience,
    push_options,
    reading_options,
    resume_run,
    status_of,
    validate_audience,
    verify_audience,
    waiting,
)
from listrak_sms_cli.settings import Settings, load_settings
from tests.support.world import World

_SETTINGS = ("sender_code", "api_url", "give_up_after")


def settings_of(world: World, options: dict[str, Any], env: Mapping[str, str] | None = None) -> Settings:
    """Takes the settings out of the options."""
    return load_settings({name: options.pop(name, None) for name in _SETTINGS}, {**world.env, **(env or {})})


def pushed(
    world: World, audience: str | Path, *, code: int = 0, env: Mapping[str, str] | None = None, **options: Any
) -> dict[str, Any]:
    """The document of `lsms push --json` of this audience (its text, or its path); counts and exit code are checked."""
    settings, source = settings_of(world, options, env), _path(world, audience)
    return _checked(lambda: push_audience(source, settings, push_options(options)), code)


def resumed(world: World, *, code: int = 0, audience: object = None, **options: Any) -> dict[str, Any]:
    settings = settings_of(world, options)
    return _checked(lambda: resume_run(settings, None, ResumeOptions.of(options), audience=audience), code)


def status(world: World, *, code: int = 0, **options: Any) -> dict[str, Any]:
    settings = settings_of(world, options)
    return _checked(lambda: status_of(settings, None, waiting=waiting({"wait": False, **options})), code)


def verified(world: World, audience: str | Path, *, code: int = 0, **options: Any) -> dict[str, Any]:
    """The document of `lsms verify --json`, with whole phones."""
    settings = settings_of(world, options)
    document = verify_audience(_path(world, audience), settings, VerifyOptions.of(options)).as_json(str)
    assert document["exit_code"] == code, document
    assert document["checked"] == document["matching"] + document["different"] + document["not_in_listrak"]
    return document


def validated(world: World, audience: str | Path, *, code: int = 0, **options: Any) -> dict[str, Any]:
    """The document of `lsms validate --json`, but for the command."""
    settings, source = settings_of(world, options), _path(world, audience)
    chosen, guard = reading_options(options), options.get("max_drop_rate")
    return _checked(lambda: validate_audience(source, settings, chosen, max_drop_rate=guard), code)


def planned(world: World, audience: str | Path, *, code: int = 0, **options: Any) -> dict[str, Any]:
    """The document of `lsms plan --json`; what it says of the members adds up."""
    settings, source = settings_of(world, options), _path(world, audience)
    document = _checked(lambda: plan_changes(source, settings, PlanOptions.of(options)), code)
    if code == 0:
        different, same, missing = (document[key] for key in ("rows_different", "rows_same", "not_in_listrak"))
        assert document["rows_sendable"] == different + same + missing
        for column in document["changes"]:
            assert sum(column[key] for key in ("set", "changed", "emptied", "same")) == different + same
    return document


def applied(world: World, plan: Path, *, code: int = 0, audience: object = None, **options: Any) -> dict[str, Any]:
    """The document of `lsms apply --json`."""
    settings = settings_of(world, options)
    return _checked(lambda: apply_plan(plan, settings, ApplyOptions.of(options), audience=audience), code)


def pulled(world: World, target: Path, *, audience: object = None, **options: Any) -> dict[str, Any]:
    """The document of `lsms pull --json`."""
    settings = settings_of(world, options)
    return pull_contacts(settings, PullOptions.of({**options, "output": target}), audience=audience).as_json()


def _path(world: World, audience: str | Path) -> str:
    return str(audience if isinstance(audience, Path) else world.audience(audience))


def _checked(job: Any, code: int) -> dict[str, Any]:
    try:
        report = job()
    except LsmsError as error:
        report = error.report
    document: dict[str, Any] = report.as_json()
    assert document["exit_code"] == code, document
    counted = ("rows_sendable", "rows_dropped", "rows_unchanged", "rows_beyond_limit")
    assert document["rows_read"] == sum(document[key] for key in counted)
    assert document["rows_sendable"] == document["rows_sent"] + document["rows_refused"] + document["rows_pending"]
    return document
