"""Import files or single updates on their way to Listrak, and the wait until imports have ended.

Change here what happens after a refusal, an outage or Ctrl-C.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from listrak_sms_cli.faces import on_demand

if TYPE_CHECKING:
    from listrak_sms_cli.runs.send.ctrl_c import interruptible
    from listrak_sms_cli.runs.send.delivery import How, deliver
    from listrak_sms_cli.runs.send.earlier_runs import look_at_earlier
    from listrak_sms_cli.runs.send.import_states import await_imports
    from listrak_sms_cli.runs.send.one_by_one import BATCH

__all__, __getattr__ = on_demand(
    __name__,
    ctrl_c="interruptible",
    delivery="How deliver",
    earlier_runs="look_at_earlier",
    import_states="await_imports",
    one_by_one="BATCH",
)
