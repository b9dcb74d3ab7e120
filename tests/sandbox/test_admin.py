"""The admin routes, the seed files, and how a sandbox starts, stops and keeps its account."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from listrak_sms_cli.sandbox import EmbeddedSandbox, SandboxConfig
from tests.support.sandbox_caller import Caller

FIELDS = "id,name,type,max_length,status\n20,Shoe Size,Number,,\n21,Colour,Text,8,Active\n22,Gone,Date,,Disabled\n"


def test_contacts_are_added_with_their_values() -> None:
    """Contacts come in as CSV with opt status, list and values; the answer says how many."""
    with Caller(SandboxConfig(invented_contacts=False)) as caller:
        content = (
            "Phone,opted_out,list,loyalty_tier,Last Purchase,VIP\n"
            "+447700900001,true,Old Campaigns,Gold,2024-02-29,on\n"
            '07700900002,,,"a ""b"", c",02/29/2024,\n'
            "7700900003,no,10281,,31/12/2024,perhaps\n"
        )
        answer = caller.http.post("/sandbox/contacts?sender_code=1028", content=content)
        assert answer.json() == {"contacts": 3}
        stored = caller.stored(1028)
        names = ("opted_out", "Loyalty Tier", "Last Purchase", "VIP")
        assert [[row[name] for name in names] for row in stored.values()] == [
            [True, "Gold", "2024-02-29", "on"],
            [False, 'a "b", c', "2024-02-29", None],
            [False, None, None, None],
        ]
        assert list(stored) == ["+447700900001", "+447700900002", "+447700900003"]
        on_list = caller.pages("ShortCode/1028/PhoneList/10281/Contact")
        assert [one["phoneNumber"] for one in on_list] == ["447700900003"]
        assert caller.stored(1026) == {}


@pytest.mark.parametrize(
    "content",
    ["tier\nGold\n", "phone\nnobody\n", "phone,Unknown\n+12125550100,x\n", "phone,list\n+12125550100,none\n", ""],
)
def test_wrong_contacts_are_refused_in_words(content: str) -> None:
    """Contacts that cannot be read are a 400 with a sentence that quotes none of them."""
    with Caller() as caller:
        answer = caller.http.post("/sandbox/contacts", content=content)
        assert answer.status_code == 400
        assert answer.json()["error"].endswith(".")
        assert "Gold" not in answer.text and "5550100" not in answer.text


def test_fields_are_added_or_replaced() -> None:
    """Fields come in as CSV: beside those there are, or in their place."""
    with Caller() as caller:
        assert caller.http.post("/sandbox/fields", content=FIELDS).json() == {"fields": 3}
        assert len(caller.get("ShortCode/1026/SegmentationField")["data"]) == 14
        caller.run("phone,size\n12125550100,8.50\n", [20])
        assert caller.stored()["+12125550100"]["Shoe Size"] == "8.5"
        caller.http.post("/sandbox/fields?replace=true", content=FIELDS)
        listed = caller.get("ShortCode/1026/SegmentationField")["data"]
        assert [one["segmentationFieldId"] for one in listed] == [20, 21, 22]
        assert caller.http.post("/sandbox/fields", content="id,name\n1,x\n").status_code == 400
        assert caller.http.post("/sandbox/fields", content=FIELDS.replace("Date", "Time")).status_code == 400
        assert caller.http.post("/sandbox/fields", content=FIELDS.replace("Disabled", "Enabled")).status_code == 400


def test_sender_codes_are_added() -> None:
    """A sender code comes in as JSON, with an active and an inactive phone list."""
    with Caller() as caller:
        added = caller.http.post("/sandbox/sender-codes", json=[{"id": 2000, "country": "FR"}])
        assert added.json() == {"sender_codes": 1}
        assert caller.get("ShortCode/2000")["data"]["country"] == "FR"
        caller.http.post("/sandbox/contacts?sender_code=2000", content="phone\n0639980001\n")
        assert list(caller.stored(2000)) == ["+33639980001"]
        assert len(caller.pages("ShortCode/2000/PhoneList/20001/Contact")) == 1
        assert caller.http.post("/sandbox/sender-codes", json=[{"id": "x"}]).status_code == 400
        assert caller.http.get("/sandbox/contacts?sender_code=3000").status_code == 400


def test_requests_are_logged_without_phones() -> None:
    """The log has method, path and status of every request, and no phone."""
    with Caller() as caller:
        caller.get("ShortCode/1026/Contact/17185550100")
        caller.refusal("GET", "Nowhere")
        log = caller.http.get("/sandbox/requests").json()
        assert [(one["method"], one["path"], one["status"]) for one in log] == [
            ("POST", "/OAuth2/Token", 200),
            ("GET", "/sms/v1/ShortCode/1026/Contact/{phoneNumber}", 200),
            ("GET", "/sms/v1/Nowhere", 404),
        ]


def test_reset_goes_back_to_the_start() -> None:
    """After a reset the contacts are the seeded ones; imports, tokens, log and faults are gone."""
    with Caller() as caller:
        before = caller.stored()
        caller.run("phone,tier\n12125550100,Gold\n", [7])
        caller.faults({"route": "any", "fault": "status", "count": None})
        assert caller.http.post("/sandbox/reset").json() == {"reset": True}
        assert caller.stored() == before
        assert caller.imports() == caller.http.get("/sandbox/requests").json() == []
        assert caller.refusal("GET", "ShortCode") == (401, "ERROR_UNAUTHORIZED")
        caller.authorise()
        assert caller.run("phone,tier\n12125550100,Gold\n", [7])["updated"] == 1


def test_seed_files_take_the_place_of_the_invented_account(tmp_path: Path) -> None:
    """With a fields and a contacts file the account has those fields and those contacts only."""
    (tmp_path / "fields.csv").write_text(FIELDS)
    (tmp_path / "contacts.csv").write_text("phone,Colour\n+12125550100,red\n")
    config = SandboxConfig(fields=tmp_path / "fields.csv", contacts=tmp_path / "contacts.csv")
    with Caller(config) as caller:
        stored = caller.stored()
        assert list(stored) == ["+12125550100"]
        assert stored["+12125550100"]["Colour"] == "red"
        body = {"phoneNumber": "12125550100", "firstName": "Ada"}
        assert caller.call("PUT", "ShortCode/1026/Contact", json=body).status_code == 200
        assert caller.stored()["+12125550100"]["firstName"] == "Ada"


def test_a_database_file_keeps_the_account(tmp_path: Path) -> None:
    """With a database file values and imports are there at the next start; an import cut off has failed."""
    config = SandboxConfig(db=tmp_path / "sandbox.db")
    with Caller(config) as caller:
        caller.run("phone,tier\n12125550100,Gold\n", [7])
        caller.faults({"route": "start_import", "fault": "import_never_ends"})
        caller.start("phone,tier\n12125550100,Silver\n", [7])
    with Caller(config) as caller:
        assert caller.stored()["+12125550100"]["Loyalty Tier"] == "Gold"
        assert [one["status"] for one in caller.imports()] == ["Completed", "Failed"]


def test_only_loopback_is_served() -> None:
    """A host that others could reach is refused."""
    with pytest.raises(ValueError, match="loopback"):
        SandboxConfig(host="0.0.0.0")


def test_the_address_and_the_secret() -> None:
    """An embedded sandbox says its addresses, closes its port, and its config does not show the secret."""
    with EmbeddedSandbox() as sandbox:
        assert sandbox.api_url == f"{sandbox.url}/sms"
        assert sandbox.token_url == f"{sandbox.url}/OAuth2/Token"
        assert httpx.get(f"{sandbox.url}/sandbox/imports", trust_env=False).json() == []
        port = int(sandbox.url.rpartition(":")[2])
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0
    assert "sandbox-secret" not in repr(sandbox.config)


def test_the_package_is_imported_without_the_server_libraries() -> None:
    """`import listrak_sms_cli.sandbox` needs neither Starlette nor uvicorn, nor pyarrow."""
    code = "import sys, listrak_sms_cli.sandbox as s; s.SandboxConfig(); print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert not {"starlette", "uvicorn", "pyarrow", "sqlite3"} & set(modules.split())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serve_says_when_it_is_ready_and_stops_at_a_signal(number: signal.Signals) -> None:
    """`serve` calls on_ready with the address once it answers, prints nothing itself, and ends at a signal."""
    code = (
        "from listrak_sms_cli.sandbox import SandboxConfig, serve\n"
        "serve(SandboxConfig(), lambda url: print(url, flush=True))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        url = process.stdout.readline().strip()
        assert httpx.get(f"{url}/sandbox/imports", trust_env=False).json() == []
        os.kill(process.pid, number)
        process.wait(timeout=20)
        assert process.returncode in (0, -number)
        assert (process.stdout.read(), process.stderr.read()) == ("", "")


def test_ndjson_and_csv_dumps_agree() -> None:
    """Both forms of the dump hold the same contacts, in order of their phones."""
    with Caller() as caller:
        lines = caller.http.get("/sandbox/contacts?format=ndjson").text.splitlines()
        text = caller.http.get("/sandbox/contacts?format=csv").text.splitlines()
        phones = [json.loads(line)["phone"] for line in lines]
        assert phones == [line.partition(",")[0] for line in text[1:]] == sorted(phones)
