"""A push that reaches nobody: a simulated Listrak that lives as long as the push, filled for its audience.

What fields and contacts the sandbox is given belongs here; how it behaves belongs to `sandbox`, an extra.
"""

from typing import TYPE_CHECKING

from listrak_sms_cli.faces import on_demand

if TYPE_CHECKING:
    from listrak_sms_cli.rehearsal.extra import *
    from listrak_sms_cli.rehearsal.push import *

__all__, __getattr__ = on_demand(__name__, extra="sandbox_extra", push="push_to_sandbox")
