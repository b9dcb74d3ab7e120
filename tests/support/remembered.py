"""An account that is remembered already, as it is after its first push with `--changed-only`."""

from __future__ import annotations

from listrak_sms_cli.runs.record import Destination, fingerprint
from listrak_sms_cli.runs.remember import Memory
from tests.support.world import World


def begin_remembering(world: World) -> None:
    """From now on members that arrive are remembered."""
    account = Destination(world.sandbox.api_url, fingerprint(world.sandbox.config.client_id), 1026)
    assert Memory.open(world.home / "state", account, begin=True)
