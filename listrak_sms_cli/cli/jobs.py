"""`lsms jobs`: the jobs of the job file."""

from __future__ import annotations

from typing import Any

from listrak_sms_cli.cli.given import Given
from listrak_sms_cli.cli.output import output
from listrak_sms_cli.jobs import Job, all_jobs, job_file


def jobs(given: Given) -> None:
    """List the jobs of lsms.toml, each of them checked: what goes where, by name.

    Example: lsms jobs
    """
    file = job_file(given["job_file"])
    keys = ("job", "audience", "profile", "sender_code", "expects", "options")
    rows = [_row(job) for job in all_jobs(file)]
    output.listing("jobs", f"Jobs of {file}", keys, rows, frozenset({"options"}), job_file=str(file))


def _row(job: Job) -> tuple[Any, ...]:
    values, expect = job.values, job.written.get("expect", {})
    expects = ", ".join(f"{len(what)} columns" if name == "columns" else name for name, what in expect.items()) or None
    return (job.name, values.get("audience"), values.get("profile"), values.get("sender_code"), expects, job.written)
