"""The page of a report, and its verdict: what they say, and that they need nothing else."""

from __future__ import annotations

import os
import re
import stat
from html.parser import HTMLParser
from pathlib import Path

import pytest
from msgspec.structs import replace

from listrak_sms_cli.display import PageFile, page_of, tone_of, verdict_of
from listrak_sms_cli.display.verdict import REMEDIES, in_words
from listrak_sms_cli.errors import GuardStopped, SettingsError, UsageError
from listrak_sms_cli.runs import DROP_REASONS, MappedColumn, Report, ReportError, RunWarning, Verification
from listrak_sms_cli.runs.report import ImportLine
from tests.support.pages import PLANNED, WELL

ODD = "<script>alert(1)</script>\u202e\x1b[31m"


def texts(html: str) -> str:
    """The words of a page as they are read, one blank between any two."""

    class Words(HTMLParser):
        found: list[str]

        def handle_data(self, data: str) -> None:
            self.found.append(data)

    parser = Words()
    parser.found = []
    parser.feed(re.sub(r"<style>.*?</style>", "", html, flags=re.DOTALL))
    return " ".join(" ".join(parser.found).split())


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {},
            "368 of 400 sent. 32 dropped: 27 DOB not a date (see rejects.csv), 3 invalid phones, 1 duplicate phone, "
            "1 with a value too long.",
        ),
        ({"rows_sent": 400, "rows_sendable": 400, "rows_dropped": 0, "dropped": {}}, "All 400 sent."),
        ({"rows_sent": 300, "rows_pending": 60, "rows_refused": 8, "resumable": True}, "60 pending."),
        ({"rows_sent": 300, "rows_pending": 60, "rows_refused": 8}, "8 refused by Listrak. 60 not sent."),
        ({"rows_sent": 0, "rows_pending": 368, "exit_code": 3}, "Nothing was sent; 368 of 400 members would be sent."),
        ({"rows_sent": 0, "rows_pending": 368, "dry_run": True}, "368 of 400 members would be sent; nothing was."),
        ({"rows_import_failed": 200}, "200 in imports that ended badly."),
        ({"running": True}, "At work: 368 of 400 sent so far."),
        ({"rows_read": 0, "error": ReportError("no_file", "There is no file x.csv.", "")}, "There is no file x.csv."),
        (
            {"verify": Verification(368, 360, 7, 1, {"DOB": 7, "Tier": 0})},
            "Read back: 360 of 368 members match, 7 differ (DOB 7), 1 is not in Listrak.",
        ),
        ({"verify": Verification(368, 368, 0, 0, {}), "run_id": ""}, "All 368 members checked match. 32 dropped"),
    ],
)
def test_the_verdict_says_how_it_ended(changes: dict[str, object], said: str) -> None:
    """Who was sent comes first, then who was not and why; of bad values the column, in words."""
    assert said in verdict_of(replace(WELL, **changes))


def test_every_drop_reason_has_its_words_and_its_remedy() -> None:
    """Nobody is left with a bare code."""
    assert tuple(REMEDIES) == DROP_REASONS
    assert all("_" not in in_words(reason, 2, replace(WELL, columns=())) for reason in DROP_REASONS)


def test_bad_values_of_several_columns_are_counted_by_column() -> None:
    """As the rejects file has them."""
    columns = (
        MappedColumn("DOB", "Birthday", 4, type="Date", unfit=20),
        MappedColumn("LTV", "Lifetime Value", 9, type="Number", unfit=8),
    )
    report = replace(WELL, columns=(*columns, MappedColumn("City", "City", 5, type="Text", unfit=3, too_long=3)))
    assert in_words("bad_value", 27, report) == "27 bad values (DOB 20, LTV 8)"
    assert in_words("value_too_long", 3, report) == "3 with a value too long (City)"


def test_the_tone_follows_the_exit_code() -> None:
    """Green is exit 0, unless many were dropped."""
    assert tone_of(WELL) == "good"
    assert tone_of(replace(WELL, warnings=(RunWarning("many_dropped", "…"),))) == "doubtful"
    assert [tone_of(replace(WELL, exit_code=code)) for code in (1, 2, 3, 4, 5, 6, 130)] == [
        *["bad"] * 2, "doubtful", "bad", *["doubtful"] * 3
    ]  # fmt: skip


def test_the_page_holds_all_of_the_report() -> None:
    """Verdict, counts, reasons with what to do, warnings, columns, imports with times, settings."""
    shown = texts(page_of(WELL))
    for words in (
        verdict_of(WELL), "sent 368 92.0 % dropped 32 8.0 % read 400", "bad_value 27 27 DOB not a date. Correct the",
        "Empty cells are sent. [empty_cells]", "DOB Birthday 4 Date", "Left out: notes", "1 5001 368 37.1 kB Completed",
        "2026-11-24 03:27:20 UTC 5.0 s", "--region US", "took 4.2 s", "rejects.csv",
    ):  # fmt: skip
        assert words in shown, words


def test_parts_add_up_to_the_members_read() -> None:
    """Whatever became of them."""
    report = replace(
        WELL, rows_read=1000, rows_sendable=700, rows_sent=400, rows_import_failed=100, rows_refused=200,
        rows_pending=100, rows_dropped=32, rows_unchanged=168, rows_beyond_limit=100, resumable=True,
    )  # fmt: skip
    table = re.search(r"What became of them(.*?)</table>", page_of(report), re.DOTALL)
    assert table is not None
    *parts, read = [int(n.replace(",", "")) for n in re.findall(r'<td class="n">([\d,]+)</td>', table[1])]
    assert sum(parts) == read == 1000
    assert len(parts) == 7


def test_what_a_plan_and_a_baseline_add_is_shown() -> None:
    """The keys of `plan` and of drift, where the report has them."""
    shown = texts(page_of(PLANNED))
    assert "31 of 368 members would change. Nothing was sent." in shown
    assert "Loyalty_Tier Loyalty Tier 20 11 0 337" in shown
    assert "62.5 %, before 91.0 %" in shown
    assert "Plan" in shown


def test_a_page_needs_nothing_else() -> None:
    """No script, no address to load from; the browser is told to load nothing."""
    html = page_of(WELL)
    assert "<script" not in html
    assert not re.search(r"""(?:src|href)=["'](?!data:,)|url\(|@import""", html)
    assert "default-src 'none'" in html


def test_names_from_outside_are_text() -> None:
    """A column, a file or a message cannot become markup, nor turn the direction of writing."""
    odd = replace(
        WELL,
        audience=ODD,
        columns=(MappedColumn(ODD, ODD, 1, type="Text"),),
        skipped_columns=(ODD,),
        warnings=(RunWarning("w", ODD),),
        imports=(ImportLine(1, ODD, 1, 1, ODD, ODD),),
        settings={"--map": ODD},
        error=ReportError("e", ODD, ODD),
    )
    html = page_of(odd)
    assert "<script" not in html
    assert not set("\u202e\x1b") & set(html)
    assert texts(html).count("<script>alert(1)</script>") >= 9


def test_every_report_has_a_page() -> None:
    """Also one of which nothing is known but the error."""
    bare = Report(run_id="", audience="", sender_code=None, error=ReportError("settings", "No sender code.", "Add it."))
    assert "No sender code. What to do: Add it." in texts(page_of(bare))
    assert "All 3 members checked match." in texts(
        page_of(replace(bare, rows_read=3, error=None, verify=Verification(3, 3, 0, 0, {})))
    )


def test_the_file_is_put_in_place_whole(tmp_path: Path) -> None:
    """Readable by others as the umask allows, over one that is there, and nothing is left beside it."""
    target = tmp_path / "page.html"
    target.write_text("yesterday's")
    PageFile(target).write(WELL)
    assert target.read_text("utf-8").startswith("<!doctype html>")
    umask = os.umask(0o022)
    os.umask(umask)
    assert stat.S_IMODE(target.stat().st_mode) == 0o644 & ~umask
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


def test_a_place_that_cannot_be_written_is_refused_at_once(tmp_path: Path) -> None:
    """Before anything is read; so is the audience itself."""
    with pytest.raises(UsageError, match=r"--report .* cannot be written"):
        PageFile(tmp_path / "nowhere" / "page.html")
    audience = tmp_path / "audience.csv"
    audience.write_text("phone\n")
    with pytest.raises(UsageError, match="is the audience itself"):
        PageFile(audience, audience=audience)


def test_a_full_disk_is_said(tmp_path: Path) -> None:
    """In words, with what to type; what was there stays."""
    target = tmp_path / "folder" / "page.html"
    target.parent.mkdir()
    file = PageFile(target)
    target.parent.rmdir()
    with pytest.raises(SettingsError, match="cannot be written"):
        file.write(WELL)


def test_what_was_sent_is_sent_whatever_becomes_of_the_page(tmp_path: Path) -> None:
    """A disk that fills up meanwhile is a warning of the report, also of one that an error carries."""
    target = tmp_path / "folder" / "page.html"
    target.parent.mkdir()
    file = PageFile(target)
    target.parent.rmdir()
    assert file.take(WELL).warnings[-1].code == "report_lost"
    stopped = GuardStopped("Too many.")
    stopped.report = WELL
    file.take_error(stopped)
    assert stopped.report.warnings[-1].code == "report_lost"
    assert (stopped.report.exit_code, stopped.report.error.code) == (3, "guard")
