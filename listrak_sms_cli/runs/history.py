"""What the records of earlier pushes say: `lsms health`, and the trend of an audience."""

from __future__ import annotations

from msgspec import Struct

from listrak_sms_cli.errors import UsageError
from listrak_sms_cli.options import nearest
from listrak_sms_cli.runs.record import RunStore, StoredRun
from listrak_sms_cli.runs.report import Trend, TrendPoint
from listrak_sms_cli.settings import Settings


class Health(Struct, frozen=True):
    """Whether there is a good push that is young enough, and the last good one there is. `age_seconds`: since something
    of it was on its way to Listrak."""

    ok: bool
    run_id: str | None = None
    age_seconds: int | None = None


def health_of(settings: Settings, audience: str | None, max_age: float) -> Health:
    """The health of the pushes of an audience (None: of any) to the sender code of the settings, if they name one, at
    their API base. `max_age` in seconds."""
    store = RunStore(settings.state_dir)
    for run in store.runs() if audience is None else store.runs_of(audience):
        target = run.state.started.target
        wanted = settings.sender_code in (None, target.sender_code) and target.api_url == settings.api_url
        if wanted and run.state.ended_well:
            age = run.seconds_since_sending
            return Health(age <= max_age, run.run_id, round(age))
    return Health(ok=False)


def trend_of(store: RunStore, audience: str) -> list[Trend]:
    """The trends of the audience of that name, by sender code. Raises UsageError when it has no run at all."""
    runs = list(store.runs_of(audience))
    if not runs:
        known = sorted({run.state.started.name for run in store.runs()})
        hint = nearest(audience, known)
        raise UsageError(f"There is no run of an audience named {audience}.", hint=hint, code="no_run")
    trends: dict[int, Trend] = {}
    for run in reversed(runs):
        if run.state.is_baseline:
            code = run.state.started.target.sender_code
            trends.setdefault(code, Trend(code, [])).points.append(_point(run))
    return list(trends.values())


def _point(run: StoredRun) -> TrendPoint:
    state = run.state
    filled = {column.column: round(column.filled / state.read, 6) for column in state.prepared.figures if state.read}
    return TrendPoint(run.run_id, state.started.at, state.read, filled)
