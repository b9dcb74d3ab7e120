"""Invented reports with everything that their page can show."""

from __future__ import annotations

from listrak_sms_cli.runs.report import (
    DROP_REASONS,
    ColumnChanges,
    ImportLine,
    MappedColumn,
    Report,
    ReportError,
    RunWarning,
    Verification,
)

RUN = "20261124-032719-e9c41f7a"
WELL = Report(
    run_id=RUN,
    audience="spring_launch.csv",
    sender_code=1026,
    rows_read=400,
    rows_sendable=368,
    rows_sent=368,
    rows_dropped=32,
    dropped=dict.fromkeys(DROP_REASONS, 0)
    | {"bad_value": 27, "invalid_phone": 3, "duplicate_phone": 1, "value_too_long": 1},
    columns=(
        MappedColumn("DOB", "Birthday", 4, type="Date", unfit=27),
        MappedColumn("Loyalty_Tier", "Loyalty Tier", 7, type="Text"),
        MappedColumn("A_column_with_a_name_that_is_longer_than_a_telephone_is_wide", "VIP", 10, type="Checkbox"),
    ),
    skipped_columns=("notes",),
    imports=(
        ImportLine(
            part=1,
            file_name=f"lsms-{RUN}-0001.csv",
            rows=368,
            bytes=37_100,
            import_file_id="5001",
            status="Completed",
            ended=True,
            sent_at="2026-11-24T03:27:20.000+00:00",
            ended_at="2026-11-24T03:27:25.000+00:00",
        ),
    ),
    warnings=(RunWarning("empty_cells", "Empty cells are sent."),),
    rejects="rejects.csv",
    started="2026-11-24T03:27:19.000+00:00",
    settings={"lsms": "0.1.0", "API base": "https://api.listrak.com/sms", "--region": "US"},
    seconds=4.2,
)


class Filled(MappedColumn, frozen=True, kw_only=True):
    """A column with its fill, and that of the baseline."""

    filled: float
    filled_before: float | None = None


PLANNED = WELL.with_(
    dry_run=True,
    rows_sent=0,
    rows_pending=368,
    imports=(),
    columns=(
        Filled("DOB", "Birthday", 4, type="Date", filled=0.625, filled_before=0.91),
        Filled("Loyalty_Tier", "Loyalty Tier", 7, type="Text", filled=1.0),
    ),
    rows_different=31,
    rows_same=330,
    not_in_listrak=7,
    changes=(
        ColumnChanges("Loyalty_Tier", "Loyalty Tier", 20, 11, 0, 337),
        ColumnChanges("DOB", "Birthday", 0, 2, 4, 362),
    ),
)
BADLY = WELL.with_(
    rows_sent=200,
    rows_refused=68,
    rows_pending=100,
    rows_import_failed=150,
    verify=Verification(200, 150, 40, 10, {"DOB": 40, "Loyalty_Tier": 2}, opted_out=3),
    exit_code=1,
    error=ReportError("import_failed", "1 of 2 imports ended badly (import file 1): 150 members.", "Look at it."),
)
