"""The metrics of the last push, as a file for the textfile collector of Prometheus' node_exporter.

The names are those of the README; they stay.
"""

from __future__ import annotations

import time
from pathlib import Path

from listrak_sms_cli.runs import Report

SUCCESS = "lsms_push_success_timestamp_seconds"
_STATES = ("read", "sendable", "sent", "refused", "pending", "dropped", "unchanged", "beyond_limit", "import_failed")


def write_metrics(path: Path, audience: str, report: Report) -> None:
    """Write the metrics of a push that has ended; the file is replaced as a whole. When the last push succeeded is kept
    from the file that is there. Raises OSError."""
    from prometheus_client import CollectorRegistry, Gauge, write_to_textfile

    registry, now = CollectorRegistry(), time.time()
    succeeded = now if report.exit_code == 0 else _last_success(path)
    common = {"audience": audience, "sender_code": str(report.sender_code or "")}

    def gauge(name: str, text: str, amounts: dict[str, float], label: str = "") -> None:
        labels = [*common, *([label] if label else [])]
        metric = Gauge(name, text, labels, registry=registry)
        for key, amount in amounts.items():
            metric.labels(*common.values(), *([key] if label else [])).set(amount)

    gauge("lsms_push_end_timestamp_seconds", "When the last push ended.", {"": now})
    gauge(SUCCESS, "When the last push ended that ended well.", {"": succeeded} if succeeded else {})
    gauge("lsms_push_exit_code", "The exit code of the last push.", {"": report.exit_code})
    gauge("lsms_push_duration_seconds", "How long the last push took.", {"": report.seconds})
    members: dict[str, float] = {state: getattr(report, f"rows_{state}") for state in _STATES}
    gauge("lsms_push_members", "Members of the audience by what became of them.", members, "state")
    gauge("lsms_push_dropped_members", "Dropped members by reason.", dict(report.dropped), "reason")
    filled = {column.column: column.filled for column in report.columns if column.filled is not None}
    gauge("lsms_push_column_filled_ratio", "The share of the rows that are filled, by column.", filled, "column")
    new = sum(warning.new for warning in report.warnings)
    gauge("lsms_push_warnings", "Warnings of the last push.", {"": len(report.warnings)})
    gauge("lsms_push_new_warnings", "Warnings that the last good push before did not have.", {"": new})
    write_to_textfile(str(path), registry)


def _last_success(path: Path) -> float | None:
    from prometheus_client.parser import text_string_to_metric_families

    try:
        families = list(text_string_to_metric_families(path.read_text("utf-8")))
    except (OSError, ValueError):  # none so far, or not ours
        return None
    return next((sample.value for family in families if family.name == SUCCESS for sample in family.samples), None)
