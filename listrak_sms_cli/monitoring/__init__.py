"""Who learns how a push ended without being there: notifications, and a metrics file for Prometheus.

Both are extras, imported when they are used. Neither is told anything of a member, and neither changes how a push ends:
what goes wrong here is a warning. A new way to tell belongs here; whether a warning is new is known by the report.
"""

from typing import TYPE_CHECKING

from listrak_sms_cli.faces import on_demand

if TYPE_CHECKING:
    from listrak_sms_cli.monitoring.watch import *

__all__, __getattr__ = on_demand(__name__, watch="PROBLEMS watched")
