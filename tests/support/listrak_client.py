"""Our client of Listrak, led to a scripted server; an import file in memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from listrak_sms_cli.listrak.body import ColumnMapping, ImportBody
from listrak_sms_cli.listrak.client import Credentials, Endpoint, ListrakClient
from listrak_sms_cli.listrak.retry import Policy
from tests.support.scripted_listrak import Script

QUICK = Policy(give_up_after=20.0, first_wait=0.001, longest_wait=0.01)
IMPATIENT = Policy(give_up_after=0.05, first_wait=0.001, longest_wait=0.01)


@dataclass(frozen=True)
class Bytes:
    """An import file in memory."""

    value: bytes

    @property
    def size(self) -> int:
        return len(self.value)

    def chunks(self) -> Iterator[bytes]:
        for start in range(0, len(self.value), 1 << 20):
            yield self.value[start : start + (1 << 20)]


def client(script: Script, policy: Policy = QUICK, **more: object) -> ListrakClient:
    endpoint = Endpoint(script.api_url, script.token_url)
    return ListrakClient(endpoint, Credentials("an-id", "a-secret"), policy=policy, **more)  # type: ignore[arg-type]


def body(content: bytes = b"phone,tier\n17185550100,gold\n") -> ImportBody:
    return ImportBody("audience.csv", (ColumnMapping(7),), Bytes(content))
