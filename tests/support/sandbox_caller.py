"""A caller of a sandbox over its socket, for tests: every answer under `/sms/v1` is held against the contract."""

from __future__ import annotations

import base64
import json
import time
from typing import Any, Self

import httpx

from listrak_sms_cli.sandbox import EmbeddedSandbox, SandboxConfig
from tests.support.listrak_contract import check_response


class Caller:
    """An embedded sandbox and an authorised client of it."""

    def __init__(self, config: SandboxConfig | None = None) -> None:
        self.sandbox = EmbeddedSandbox(config)

    def __enter__(self) -> Self:
        self.sandbox.__enter__()
        self.http = httpx.Client(base_url=self.sandbox.url, timeout=30, trust_env=False)
        self.token = ""
        return self

    def __exit__(self, *_error: object) -> None:
        self.http.close()
        self.sandbox.__exit__(None, None, None)

    def authorise(self, secret: str = "sandbox-secret") -> httpx.Response:
        form = {"grant_type": "client_credentials", "client_id": "sandbox", "client_secret": secret}
        answer = self.http.post("/OAuth2/Token", data=form)
        if answer.status_code == 200:
            self.token = answer.json()["access_token"]
        return answer

    def call(self, method: str, path: str, **more: Any) -> httpx.Response:
        """One request, its answer checked against the contract. `path` is what follows `/sms/v1/`."""
        answer = self.raw(method, path, **more)
        check_response(method, f"/sms/v1/{path}", answer.status_code, answer.content)
        return answer

    def raw(self, method: str, path: str, **more: Any) -> httpx.Response:
        if not self.token:
            self.authorise()
        headers = {"Authorization": f"Bearer {self.token}", **more.pop("headers", {})}
        return self.http.request(method, f"/sms/v1/{path}", headers=headers, **more)

    def get(self, path: str) -> Any:
        answer = self.call("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def refusal(self, method: str, path: str, **more: Any) -> tuple[int, str]:
        """Status and error code of a request that is refused."""
        answer = self.call(method, path, **more)
        return answer.status_code, answer.json()["error"]

    def start(self, content: str, field_ids: list[int], sender_code: int = 1026, **changes: Any) -> str:
        """Start an import of CSV text whose columns are the phone and these fields; its id."""
        body = {**import_body(content, field_ids), **changes}
        answer = self.call("POST", f"ShortCode/{sender_code}/ContactImport", json=body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["resourceId"])

    def run(self, content: str, field_ids: list[int], sender_code: int = 1026, **changes: Any) -> dict[str, Any]:
        """Start an import, wait for its end, and return what the admin route says about it."""
        import_id = self.start(content, field_ids, sender_code, **changes)
        self.wait(import_id, sender_code)
        return next(one for one in self.imports() if str(one["id"]) == import_id)

    def wait(self, import_id: str, sender_code: int = 1026) -> dict[str, Any]:
        for _attempt in range(3000):
            state: dict[str, Any] = self.status(import_id, sender_code)
            if state["endDate"] is not None:
                return state
            time.sleep(0.01)
        raise AssertionError("the import did not end")

    def status(self, import_id: str, sender_code: int = 1026) -> Any:
        return self.get(f"ShortCode/{sender_code}/ContactImport/{import_id}")["data"]

    def imports(self) -> Any:
        return self.http.get("/sandbox/imports").json()

    def stored(self, sender_code: int = 1026) -> dict[str, dict[str, Any]]:
        """Every contact of a sender code, by phone (+…), as it is stored."""
        answer = self.http.get("/sandbox/contacts", params={"sender_code": sender_code})
        return {row["phone"]: row for row in map(json.loads, answer.text.splitlines())}

    def faults(self, *rules: dict[str, Any]) -> None:
        assert self.http.post("/sandbox/faults", json=list(rules)).status_code == 200

    def pages(self, path: str) -> list[Any]:
        """The data of every page, by following `nextPageCursor` addresses."""
        found, cursor = [], f"{self.sandbox.api_url}/v1/{path}"
        while cursor:
            page = self.get(cursor.partition("/sms/v1/")[2])
            found += page["data"]
            cursor = page["nextPageCursor"]
        return found


def import_body(content: str, field_ids: list[int]) -> dict[str, Any]:
    mappings = [{"fileColumnType": "Phone", "segmentationFieldId": 0, "fileColumn": 0}]
    mappings += [
        {"fileColumnType": "SegmentationField", "segmentationFieldId": one, "fileColumn": position}
        for position, one in enumerate(field_ids, start=1)
    ]
    return {
        "fileName": "audience.csv",
        "fileStream": base64.b64encode(content.encode()).decode(),
        "importType": "UpdateSubscribers",
        "hasColumnNames": True,
        "textQualifier": '"',
        "fileMappings": mappings,
    }
