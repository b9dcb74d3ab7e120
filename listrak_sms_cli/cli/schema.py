"""`lsms schema`: JSON Schemas, made of the declarations of the options and of the Report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from listrak_sms_cli.cli.given import Given
from listrak_sms_cli.cli.output import output
from listrak_sms_cli.options import Expecting, ExpectingOfColumn, InFiles, InSources, Options, job_options, options_of
from listrak_sms_cli.settings import IN_PROFILES, SOURCES

_DRAFT = "http://json-schema.org/draft-07/schema#"  # the one that editors of TOML know


def schema(given: Given) -> None:
    """Write a JSON Schema: of job files, the config file, the report that --json prints, or a plan file.

    Editors complete and check lsms.toml with it: save it beside the file, and write `#:schema ./lsms.schema.json` into
    its first line.

    Example: lsms schema job > lsms.schema.json
    """
    output.document(SCHEMAS[given["document"]]())


def _job() -> dict[str, Any]:
    column = _closed(_properties(ExpectingOfColumn))
    columns = {"description": "By column.", "type": "object", "additionalProperties": column}
    expect = _closed({**_properties(Expecting), "columns": columns})
    job = _closed({**{name: option.schema for name, option in job_options().items()}, "expect": expect})
    jobs = {"description": "Jobs by name.", "type": "object", "additionalProperties": job}
    return {"$schema": _DRAFT, "title": "Jobs of lsms (lsms.toml)", **_closed({"jobs": jobs})}


def _config() -> dict[str, Any]:
    known = {option.name: option.schema for option in (*options_of("push"), *InFiles.options)}
    profile = _closed({name: known[name] for name in IN_PROFILES})
    databases: dict[str, Any] = {"description": "Databases by name.", "type": "object"}
    databases["additionalProperties"] = _closed(_properties(InSources))
    profiles = {"type": "object", "properties": {SOURCES: databases}, "additionalProperties": profile}
    return {"$schema": _DRAFT, "title": "Profiles of lsms (config.toml)", **profiles}


def _plan() -> dict[str, Any]:
    import msgspec

    from listrak_sms_cli.runs import Plan

    return {"title": "A plan (plan --save), compressed with zstd", **msgspec.json.schema(Plan)}


def _report() -> dict[str, Any]:
    import msgspec

    from listrak_sms_cli.runs import Report

    return {
        "title": "What push, validate, plan, apply, resume and status print with --json",
        **msgspec.json.schema(Report),
    }


def _properties(group: type[Options]) -> dict[str, Any]:
    return {option.name: option.schema for option in group.options}


def _closed(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "additionalProperties": False}


SCHEMAS: dict[str, Callable[[], dict[str, Any]]] = {"config": _config, "job": _job, "plan": _plan, "report": _report}
