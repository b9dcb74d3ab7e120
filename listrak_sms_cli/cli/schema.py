"""`lsms schema`: JSON Schemas, made of the types behind what lsms writes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from listrak_sms_cli.cli.given import Given
from listrak_sms_cli.cli.output import output


def schema(given: Given) -> None:
    """Write a JSON Schema: of the report that --json prints, or of a plan file.

    A file of plan --save is such a document, compressed with zstd.

    Example: lsms schema report
    """
    output.document(SCHEMAS[given["document"]]())


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


SCHEMAS: dict[str, Callable[[], dict[str, Any]]] = {"plan": _plan, "report": _report}
