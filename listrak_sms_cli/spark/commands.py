"""`push` and `resume` of a frame of Spark: those of the package, with rows that come from there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal

from listrak_sms_cli.arguments import arguments_checked
from listrak_sms_cli.errors import UsageError
from listrak_sms_cli.spark.executors import SparkExecutors, refuse_options
from listrak_sms_cli.spark.frame import SparkFrame, frame_of

if TYPE_CHECKING:
    from typing import Unpack

    from listrak_sms_cli.keywords import PushKeywords, ResumeKeywords
    from listrak_sms_cli.runs import Listener, Report


@arguments_checked
def push(
    frame: Any,
    *,
    order_by: str | Iterable[str] = (),
    prepare: Literal["driver", "executors"] = "driver",
    on_event: Listener | None = None,
    **options: Unpack[PushKeywords],
) -> Report:
    """Push a frame of Spark as `listrak_sms_cli.push` does, with the same options; return the same Report.

    `order_by`: the columns that say which of several members with one phone is the first or the last (ascending, nulls
    first); ties are settled by the whole row. `prepare`: "driver" streams the rows to this process, in their order and
    without the columns of `skip_column`; "executors" has Spark clean and pack them, for frames that one machine cannot
    clean in time, and takes fewer options.
    """
    import listrak_sms_cli

    names = (order_by,) if isinstance(order_by, str) else tuple(order_by)
    if not all(isinstance(name, str) for name in names):
        raise UsageError("order_by is not a name of a column, or several.")
    if prepare not in ("driver", "executors"):
        raise UsageError('prepare is not "driver" or "executors".')
    if prepare == "executors":
        refuse_options(options)
    audience = frame_of(frame, names, prepare)
    if isinstance(audience, SparkExecutors):
        audience.shows_consent = options.get("consent_column") is None
    return listrak_sms_cli.push(audience, on_event=on_event, **options)


@arguments_checked
def resume(
    frame: Any, run: str | None = None, *, on_event: Listener | None = None, **options: Unpack[ResumeKeywords]
) -> Report:
    """Go on with an interrupted run of a frame as `listrak_sms_cli.resume` does: in the order, and prepared where, it
    was then.

    `run`: its id, None = the newest that can be resumed. Raises AudienceError (`audience_changed`) when the frame does
    not give the same import files again.
    """
    import listrak_sms_cli

    return listrak_sms_cli.resume(run, audience=SparkFrame(frame, ()), on_event=on_event, **options)
