"""`lsms push` as people run it: the real process, a real sandbox, a real socket."""

from __future__ import annotations

import csv
import gzip
import json
import signal
import stat
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.support.push_command import THREE, check_counts, pushed
from tests.support.world import World


def test_members_arrive_and_nobody_else_changes(world: World) -> None:
    """Three members are sent, their fields hold the new values, every other contact is as it was."""
    before = world.contacts()
    report = pushed(world, world.audience(THREE))
    after = world.contacts()
    assert (report["rows_read"], report["rows_sent"], report["rows_dropped"]) == (3, 3, 0)
    assert [after[f"+1212555010{n}"]["First Name"] for n in range(3)] == ["Ann", "Bob", "Cleo"]
    assert after["+12125550101"]["Loyalty Tier"] == "Silver"
    assert {phone for phone in before if before[phone] != after[phone]} <= {f"+1212555010{n}" for n in range(3)}
    assert all(before[phone]["opted_out"] == after[phone]["opted_out"] for phone in before)
    assert report["imports"][0]["status"] == "Completed"
    own = {"guessed": False, "type": "Text", "unfit": 0, "too_long": 0}
    assert report["columns"] == [
        {"column": "first_name", "field": "First Name", "field_id": 2, **own, "filled": 1.0},
        {"column": "Loyalty_Tier", "field": "Loyalty Tier", "field_id": 7, **own, "filled": 0.666667},
    ]


def test_unknown_phones_are_sent_and_create_nobody(world: World) -> None:
    """A phone Listrak does not know counts as sent (it says nothing) and creates no contact."""
    report = pushed(world, world.audience("phone,first_name\n212-555-0100,Ann\n303-555-0199,Nobody\n"))
    assert report["rows_sent"] == 2
    assert "+13035550199" not in world.contacts()


def test_each_member_dropped_has_one_reason_in_the_order_of_the_interface(world: World) -> None:
    """Phone first, then duplicates (before values are judged), consent, kind of value, length of value."""
    long = "x" * 51
    text = (
        "phone,Loyalty Tier,Last Purchase,OK\n"
        f",{long},never,no\n"
        f"12,{long},never,no\n"
        "2125550100,Gold,2024-01-02,yes\n"
        f"2125550100,{long},never,no\n"
        f"2125550101,{long},never,yes\n"
        f"2125550102,{long},2024-01-02,yes\n"
        "2125550103,Gold,2024-01-02,yes\n"
    )
    rejects = world.home / "rejects.csv"
    report = pushed(world, world.audience(text), "--consent-column", "OK", "--rejects", rejects)
    assert report["dropped"] == {
        "missing_phone": 1,
        "invalid_phone": 1,
        "duplicate_phone": 1,
        "no_consent": 1,
        "opted_out": 0,
        "bad_value": 1,
        "value_too_long": 1,
        "not_in_listrak": 0,
    }
    rows = list(csv.DictReader(rejects.read_text("utf-8").splitlines()))
    assert [(row["row"], row["reason"]) for row in rows] == [
        ("2", "missing_phone"),
        ("3", "invalid_phone"),
        ("4", "duplicate_phone"),
        ("5", "no_consent"),
        ("6", "bad_value"),
        ("7", "value_too_long"),
    ]
    assert rows[4]["Loyalty Tier"] == long
    assert rows[4]["detail"].startswith("Last_Purchase: ")
    assert all(row["detail"] for row in rows)
    assert stat.S_IMODE(rejects.stat().st_mode) == 0o600
    assert [column["column"] for column in report["columns"]] == ["Loyalty_Tier", "Last_Purchase"]


def test_a_nested_column_can_be_left_out_and_never_hides_the_rejects(world: World) -> None:
    """A nested Parquet column is refused by name, may be skipped, and is not in the rejects file."""
    import pyarrow as pa

    rows = {"phone": ["2125550100", "12"], "first_name": ["A", "B"], "tags": [["x"], ["y"]]}
    path, rejects = world.home / "nested.parquet", world.home / "rejects.csv"
    pq.write_table(pa.table(rows), path)
    assert "tags" in pushed(world, path, "--map", "tags=7", code=2)["error"]["message"]
    assert pushed(world, path, "--skip-column", "tags", "--rejects", rejects)["rows_sent"] == 1
    assert [row["first_name"] for row in csv.DictReader(rejects.read_text("utf-8").splitlines())] == ["B"]


def test_the_first_of_several_members_is_kept_when_asked(world: World) -> None:
    """`--keep first` sends the first member of a phone, the default the last."""
    audience = world.audience("phone,first_name\n2125550100,First\n2125550101,Other\n+1 212 555 0100,Last\n")
    pushed(world, audience)
    assert world.contacts()["+12125550100"]["First Name"] == "Last"
    pushed(world, audience, "--keep", "first")
    assert world.contacts()["+12125550100"]["First Name"] == "First"


def test_a_bad_value_can_be_sent_empty(world: World) -> None:
    """`--on-bad-value blank` keeps the member and says how many values were blanked."""
    audience = world.audience("phone,Last Purchase,first_name\n2125550100,never,Ann\n2125550101,2024-05-06,Bob\n")
    report = pushed(world, audience, "--on-bad-value", "blank")
    assert (report["rows_sent"], report["rows_dropped"]) == (2, 0)
    assert world.contacts()["+12125550101"]["Last Purchase"] == "2024-05-06"
    assert world.contacts()["+12125550100"]["First Name"] == "Ann"
    assert "values_blanked" in [warning["code"] for warning in report["warnings"]]


def test_an_email_list_is_warned_of_by_its_name(world: World) -> None:
    """Email Address warns only where the sender code is tied to an e-mail list; `--no-warn` silences it, and without
    e-mail addresses there is nothing to warn of."""
    audience = world.audience("phone,email,first_name\n2125550100,ann@example.com,Ann\n")
    assert pushed(world, audience)["warnings"] == []
    world.admin("sender-codes", [{"id": 1026, "code": "71856", "country": "US", "email_list": "VIP News"}])
    (warning,) = pushed(world, audience)["warnings"]
    assert warning["code"] == "email_address" and warning["columns"] == ["email"]
    assert "sender code 1026 is tied to the e-mail list VIP News" in warning["message"]
    assert "--skip-column email" in warning["message"]
    assert pushed(world, audience, "--no-warn", "email_address")["warnings"] == []
    assert pushed(world, audience, "--skip-column", "email")["warnings"] == []


def test_what_is_bad_and_what_is_too_long_is_told_apart_by_column(world: World) -> None:
    """Also by `lsms status`, from the run's record."""
    rows = f"2125550100,soon,x\n2125550101,2026-01-02,{'x' * 60}\n2125550102,2026-01-02,Gold\n"
    report = pushed(world, world.audience(f"phone,Last Purchase,Loyalty Tier\n{rows}"))
    for document in (report, world.lsms("status", "--json").json):
        assert [(c["unfit"], c["too_long"]) for c in document["columns"]] == [(1, 0), (1, 1)]
    shown = " ".join(world.lsms("status").out.split())
    assert "1 Last_Purchase not a date, 1 with a value too long (Loyalty_Tier)." in shown


def test_a_limit_sends_the_first_members_and_checks_all(world: World) -> None:
    """`--limit 2` sends two; the rest is beyond the limit, dropped members are counted all the same."""
    audience = world.audience(THREE + "nonsense,Dan,Gold\n")
    report = pushed(world, audience, "--limit", 2)
    assert (report["rows_sent"], report["rows_beyond_limit"], report["rows_dropped"]) == (2, 1, 1)


def test_a_dry_run_sends_nothing(world: World) -> None:
    """`--dry-run` does everything but the import requests, and writes the rejects."""
    rejects = world.home / "rejects.parquet"
    report = pushed(world, world.audience(THREE + "12,X,\n"), "--dry-run", "--rejects", rejects)
    assert (report["dry_run"], report["rows_sendable"], report["rows_sent"], report["rows_pending"]) == (True, 3, 0, 3)
    assert world.admin("imports") == []
    assert pq.read_table(rejects).column("reason").to_pylist() == ["invalid_phone"]
    assert not (world.home / "state" / "runs").exists()


def test_import_files_hold_at_most_batch_rows_and_never_one_member_alone(world: World) -> None:
    """Seven members in files of three: 3, 2 and 2, never one alone."""
    audience = world.audience("phone,first_name\n" + "".join(f"21255501{n:02d},N{n}\n" for n in range(7)))
    report = pushed(world, audience, "--batch-rows", 3)
    assert [one["rows"] for one in report["imports"]] == [3, 2, 2]
    assert sum(one["rows"] for one in world.admin("imports")) == 7


def test_phones_travel_as_asked(world: World) -> None:
    """`--phone-format` digits, e164 and national; with national a phone of another country is invalid."""
    text = "phone,first_name\n2125550100,A\n+442079460000,B\n"
    for form, sent in (("digits", 2), ("e164", 2), ("national", 1)):
        report = pushed(world, world.audience(text), "--phone-format", form)
        assert (report["rows_sent"], report["dropped"]["invalid_phone"]) == (sent, 2 - sent)


def test_the_region_is_the_sender_codes_country(world: World) -> None:
    """A British phone without a country code is read by a British sender code, or with `--region GB`."""
    audience = world.audience("phone,first_name\n020 7946 0000,A\n")
    assert pushed(world, audience, "--sender-code", 1028)["rows_sent"] == 1
    assert pushed(world, audience, "--region", "gb")["rows_sent"] == 1
    assert pushed(world, audience, code=2)["dropped"]["invalid_phone"] == 1


@pytest.mark.parametrize("kind", ["gz", "stdin", "utf-16", "tsv", "parquet"])
def test_an_audience_is_read_however_it_comes(world: World, kind: str) -> None:
    """Compressed, piped, UTF-16, tab-separated, Parquet: the same members."""
    path, stdin = world.home / f"audience.{kind}", None
    text = "phone,first_name\n2125550100,Zoë\n2125550101,Bob\n"
    match kind:
        case "gz":
            path.write_bytes(gzip.compress(text.encode()))
        case "stdin":
            path, stdin = Path("-"), text
        case "utf-16":
            path.write_text(text, "utf-16")
        case "tsv":
            path.write_text(text.replace(",", "\t"), "utf-8")
        case "parquet":
            import pyarrow as pa

            pq.write_table(pa.table({"phone": [2125550100, 2125550101], "first_name": ["Zoë", "Bob"]}), path)
    report = pushed(world, path, stdin=stdin)
    assert report["rows_sent"] == 2
    assert world.contacts()["+12125550100"]["First Name"] == "Zoë"


def test_a_column_without_a_profile_field_stops_the_push_and_names_ways_on(world: World) -> None:
    """The message names the column, its nearest field and the options that go on; nothing is sent."""
    audience = world.audience("phone,Loyalty_Teir,Shoe Size\n2125550100,Gold,42\n")
    ended = world.lsms("push", audience)
    assert ended.code == 2
    for word in ("Loyalty_Teir", "Loyalty Tier", "Shoe_Size", "--map", "--skip-column", "--skip-unmatched"):
        assert word in ended.err
    assert world.admin("imports") == []
    assert pushed(world, audience, "--map", "Loyalty_Teir=Loyalty Tier", "--skip-column", "Shoe Size")["rows_sent"] == 1
    assert pushed(world, audience, "--map", "Loyalty_Teir=7", "--skip-unmatched")["rows_sent"] == 1


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("home_phone,first_name\n2125550100,A\n", "no_phone_column"),
        ("phone,First Name,first_name\n2125550100,A,B\n", "duplicate_column"),
        ("phone,First Name,nick\n2125550100,A,B\n", "unmatched_columns"),
        ("phone,Old Segment\n2125550100,A\n", "unmatched_columns"),
        ("phone\n2125550100\n", "no_columns"),
        ("phone,first_name\n", "empty_audience"),
        ("phone,first_name\n12,A\n,B\n", "nothing_to_send"),
        ("phone,first_name\n2125550100,A,B\n", "ragged_row"),
    ],
)
def test_an_audience_that_cannot_be_used_is_exit_2(world: World, text: str, code: str) -> None:
    """Each says what is wrong; nothing is sent."""
    report = pushed(world, world.audience(text), code=2)
    assert report["error"]["code"] == code
    assert report["error"]["message"]
    assert world.admin("imports") == []


def test_an_empty_audience_can_be_allowed(world: World) -> None:
    """`--allow-empty` makes an audience without members a success."""
    report = pushed(world, world.audience("phone,first_name\n"), "--allow-empty")
    assert (report["rows_read"], report["rows_sent"]) == (0, 0)


def test_a_guard_stops_before_anything_is_sent(world: World) -> None:
    """Over `--max-drop-rate` the push is exit 3; at it, it goes on. The rejects are written all the same."""
    audience, rejects = world.audience(THREE + "12,X,\n"), world.home / "rejects.csv"
    report = pushed(world, audience, "--max-drop-rate", 24.9, "--rejects", rejects, code=3)
    assert (report["error"]["code"], report["rows_sent"], report["rows_pending"]) == ("max_drop_rate", 0, 3)
    assert world.admin("imports") == []
    assert len(rejects.read_text("utf-8").splitlines()) == 2
    assert pushed(world, audience, "--max-drop-rate", 25)["rows_sent"] == 3


def test_wrong_credentials_are_exit_4(world: World) -> None:
    """The message says what may be wrong, and holds no secret."""
    secret = "hush-hush-hush"
    ended = world.lsms("push", world.audience(THREE), env={"LISTRAK_CLIENT_SECRET": secret})
    assert ended.code == 4
    assert "client id or secret" in ended.err
    assert secret not in ended.err + ended.out


def test_checks_come_in_the_order_of_the_interface(world: World) -> None:
    """Settings before the file, the file before the token, the token before the sender code, that before the rows."""
    missing, bad = world.home / "missing.csv", world.audience("home_phone,first_name\n12,A\n", "bad.csv")
    wrong = {"LISTRAK_CLIENT_SECRET": "wrong"}
    assert pushed(world, missing, code=2, env={"LISTRAK_CLIENT_ID": ""})["error"]["code"] == "no_credentials"
    assert pushed(world, bad, code=2, env=wrong)["error"]["code"] == "no_phone_column"
    assert pushed(world, world.audience(THREE), "--sender-code", 7, code=4, env=wrong)["error"] is not None
    unknown = pushed(world, world.audience("phone,nope\n12,A\n"), "--sender-code", 7, code=2)
    assert unknown["error"]["code"] == "unknown_sender_code"
    assert "1026" in unknown["error"]["hint"]


def test_no_server_is_exit_5(world: World) -> None:
    """When Listrak cannot be reached for `--give-up-after`, the push is exit 5."""
    env = {"LISTRAK_API_URL": "http://127.0.0.1:9/sms", "LISTRAK_TOKEN_URL": "http://127.0.0.1:9/token"}
    report = pushed(world, world.audience(THREE), "--give-up-after", "1s", code=5, env=env)
    assert report["error"]["code"] == "unavailable"


def test_a_refused_import_is_exit_1(make_world: Callable[..., World]) -> None:
    """Members of a refused import file are refused, the rest is pending, nothing further is tried."""
    refuse = {"route": "start_import", "fault": "status", "status": 400, "error": "ERROR_INVALID_PARAMETER"}
    world = make_world(fault_rules=(refuse,))
    audience = world.audience("phone,first_name\n" + "".join(f"21255501{n:02d},N{n}\n" for n in range(9)))
    report = pushed(world, audience, "--batch-rows", 3, "--concurrency", 1, code=1)
    assert (report["rows_refused"], report["rows_pending"], report["rows_sent"]) == (3, 6, 0)


def test_an_import_that_ends_badly_is_exit_1(make_world: Callable[..., World]) -> None:
    """Its members are sent, and counted among them as failed."""
    world = make_world(fault_rules=({"route": "start_import", "fault": "import_fails"},))
    report = pushed(world, world.audience(THREE), code=1)
    assert (report["rows_sent"], report["rows_import_failed"]) == (3, 3)
    assert report["error"]["code"] == "import_failed"


def test_imports_that_do_not_end_in_time_are_exit_6(make_world: Callable[..., World]) -> None:
    """After `--wait-timeout` the push is exit 6; with `--no-wait` it does not wait and is exit 0."""
    world = make_world(import_seconds=60)
    audience = world.audience(THREE)
    assert pushed(world, audience, "--no-wait")["rows_sent"] == 3
    other = world.audience(THREE, "other.csv")
    report = pushed(world, other, "--wait-timeout", "1s", "--state-dir", world.home / "other", code=6)
    assert (report["rows_sent"], report["error"]["code"]) == (3, "not_ended")


def test_an_import_word_that_is_new_is_success_and_shown(make_world: Callable[..., World]) -> None:
    """An ended import with an unknown word ended well, with a warning that shows the word."""
    world = make_world(fault_rules=({"route": "start_import", "fault": "import_word", "end_word": "Ausgeliefert"},))
    report = pushed(world, world.audience(THREE))
    assert report["imports"][0]["status"] == "Ausgeliefert"
    assert "Ausgeliefert" in next(w["message"] for w in report["warnings"] if w["code"] == "new_import_word")


def test_ctrl_c_ends_cleanly_with_130(make_world: Callable[..., World]) -> None:
    """An interrupted push says so, keeps its counts, and `lsms resume` goes on."""
    world = make_world(import_seconds=3)
    audience = world.audience(THREE)
    process = world.start("push", audience, "--json")
    while not world.admin("imports"):
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    report = json.loads(out)
    check_counts(report)
    assert report["error"]["code"] == "interrupted"
    resumed = world.lsms("resume", "--json")
    assert resumed.code == 0, resumed.err
    assert resumed.json["rows_sent"] == 3
    assert len(world.admin("imports")) == 1


def test_usage_errors_are_exit_2_in_json_too(world: World) -> None:
    """An unknown option, a missing file, a bad number: one short message, or one document."""
    for arguments in (("--nope",), ("--batch-rows", "1"), ("--wait-timeout", "soon"), ("--map", "tier")):
        ended = world.lsms("push", world.home / "a.csv", *arguments, "--json")
        assert ended.code == 2
        assert ended.json["error"]["message"]
        assert ended.json["exit_code"] == 2
        plain = world.lsms("push", world.home / "a.csv", *arguments)
        assert plain.code == 2
        assert plain.err.startswith("Error: ")
        assert "Traceback" not in plain.err


def test_an_address_that_is_not_https_is_refused(world: World) -> None:
    """Anything but https:// is refused, loopback excepted; so is a key in an address."""
    for url in ("http://example.com/sms", "ftp://127.0.0.1/sms", "https://user:key@example.com/sms"):
        assert pushed(world, world.audience(THREE), "--api-url", url, code=2)["error"]["code"] in (
            "not_https",
            "bad_address",
        )
    keyed = pushed(world, "s3://key:secret@bucket/a.csv", code=2)
    assert "secret" not in json.dumps(keyed["error"])


def test_the_summary_goes_to_standard_output_and_progress_to_standard_error(world: World) -> None:
    """Without a terminal both are plain text."""
    ended = world.lsms("push", world.audience(THREE))
    assert ended.code == 0
    assert ended.out.startswith("All 3 sent.")
    assert "sent 3" in ended.err
    assert "\x1b" not in ended.out + ended.err
    assert "\r" not in ended.out + ended.err
    quiet = world.lsms("push", world.audience(THREE), "--quiet")
    assert quiet.err == ""


def test_a_sandbox_push_needs_no_account(tmp_path: Path) -> None:
    """`--sandbox` has a field for every column and knows nine tenths of the phones; it says what it dropped."""
    from tests.support.world import run_lsms

    audience = tmp_path / "mine.csv"
    audience.write_text("phone,Shoe Size\n" + "".join(f"21255501{n:02d},{n}\n" for n in range(20)), "utf-8")
    ended = run_lsms("push", audience, "--sandbox", "--json", env={"HOME": str(tmp_path)})
    assert ended.code == 0, ended.err
    assert ended.json["rows_sent"] == 20
    assert ended.json["sandbox"] == {"contacts_updated": 18, "dropped_silently": 2}
    plain = run_lsms("push", audience, "--sandbox", env={"HOME": str(tmp_path)})
    assert "updated 18 contacts and silently dropped 2 members" in " ".join(plain.out.split())
    assert "Nothing left this machine" in " ".join(plain.out.split())


def test_the_log_file_holds_what_happened_and_no_member(world: World) -> None:
    """`--log-file` gets a line an event, mode 0600, without member data."""
    log = world.home / "lsms.log"
    pushed(world, world.audience(THREE), "--log-file", log, "--log-format", "json")
    events = [json.loads(line)["event"] for line in log.read_text("utf-8").splitlines()]
    assert {"RunStarted", "PhaseStarted", "ImportChanged"} <= set(events)
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    assert "5550100" not in log.read_text("utf-8")
    assert "Cleo" not in log.read_text("utf-8")
