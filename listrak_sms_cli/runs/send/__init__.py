"""Import files or single updates on their way to Listrak, and the wait until imports have ended.

Change here what happens after a refusal, an outage or Ctrl-C.
"""

from __future__ import annotations

from listrak_sms_cli.runs.send.ctrl_c import (
    steered,
)
from listrak_sms_cli.runs.send.earlier_runs import (
    clear_the_way,
    delivery_of,
    look_at_earlier,
    settle,
)
from listrak_sms_cli.runs.send.imports import (
    Delivery,
    Target,
    conclude,
    deliver,
    part_line,
)
from listrak_sms_cli.runs.send.one_by_one import (
    BATCH,
    ContactDelivery,
)

__all__ = [
    "BATCH",
    "ContactDelivery",
    "Delivery",
    "Target",
    "clear_the_way",
    "conclude",
    "deliver",
    "delivery_of",
    "look_at_earlier",
    "part_line",
    "settle",
    "steered",
]
