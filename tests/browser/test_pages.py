"""Our HTML pages in a real browser, on a phone and a desk, light and dark: what is seen, and that nothing is loaded.

The screenshots go to the folder that LSMS_SCREENSHOTS names, if it does.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from listrak_sms_cli.display import PageFile
from listrak_sms_cli.runs import Report
from tests.support.pages import BADLY, PLANNED, WELL
from tests.support.push_command import THREE
from tests.support.world import World

pytestmark = pytest.mark.browser
LOOKS = [(width, scheme) for width in (390, 1280) for scheme in ("light", "dark")]
LEAST_TO_TAP = 24  # CSS pixels: WCAG 2.2, target size


@dataclass
class Opened:
    """A page in the browser; `noise`: what it wrote to the console, and requests for anything but itself."""

    page: Any
    noise: list[str] = field(default_factory=list)

    def go(self, url: str) -> None:
        self.page.on("console", lambda message: self.noise.append(message.text))
        self.page.on("pageerror", lambda error: self.noise.append(str(error)))
        self.page.on("request", self._requested)
        self.page.goto(url)

    def _requested(self, request: Any) -> None:
        if request.url != self.page.url and not request.url.startswith("data:") and not request.is_navigation_request():
            self.noise.append(request.url)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # Chromium refuses its own sandbox to root, who runs CI; the pages are ours.
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def opened(chromium: Any) -> Iterator[Callable[..., Opened]]:
    """Opens an address in a window of this width and colour scheme; scripts of pages are off."""
    contexts = []

    def open_page(url: str, width: int = 1280, scheme: str = "light", **more: Any) -> Opened:
        viewport = {"width": width, "height": 900}
        contexts.append(chromium.new_context(viewport=viewport, color_scheme=scheme, **more))
        shown = Opened(contexts[-1].new_page())
        shown.go(url)
        return shown

    yield open_page
    for context in contexts:
        context.close()


def check(shown: Opened, name: str) -> None:
    """What holds for every page: silent, nothing loaded, nothing cut off, accessible as far as axe-core can tell."""
    from axe_playwright_python.sync_playwright import Axe

    page = shown.page
    if folder := os.environ.get("LSMS_SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, "it is wider than the window"
    to_tap = page.locator("nav a, button, input:not([type=hidden])").all()
    assert all(element.bounding_box()["height"] >= LEAST_TO_TAP for element in to_tap)
    found = Axe().run(page).response["violations"]
    assert [(fault["id"], [node["html"] for node in fault["nodes"]]) for fault in found] == []
    assert shown.noise == []


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
@pytest.mark.parametrize("report", [WELL, BADLY, PLANNED], ids=["well", "badly", "planned"])
def test_the_page_of_a_report(
    opened: Callable[..., Opened], tmp_path: Path, report: Report, width: int, scheme: str, request: Any
) -> None:
    """Everything that a report can hold is shown, and the verdict is what is seen first."""
    PageFile(tmp_path / "page.html").write(report)
    shown = opened(f"file://{tmp_path}/page.html", width, scheme)
    check(shown, f"report-{request.node.callspec.id}")
    assert shown.page.locator("section").first.get_attribute("aria-label") == "Verdict"
    assert shown.page.locator(".verdict").bounding_box()["y"] < 300
    background = shown.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(17, 21, 28)") == (scheme == "dark")


def test_the_page_on_paper(opened: Callable[..., Opened], tmp_path: Path) -> None:
    """Dark ink on white, also where the screen is dark."""
    PageFile(tmp_path / "page.html").write(WELL)
    shown = opened(f"file://{tmp_path}/page.html", scheme="dark")
    shown.page.emulate_media(media="print")
    colours = "(style => [style.color, style.backgroundColor])(getComputedStyle(document.body))"
    assert shown.page.evaluate(colours) == ["rgb(0, 0, 0)", "rgb(255, 255, 255)"]


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_the_page_of_the_sandbox(
    opened: Callable[..., Opened], world: World, width: int, scheme: str, request: Any
) -> None:
    """A push can be verified there: its import, and the values of a contact that is searched for."""
    assert world.lsms("push", world.audience(THREE)).code == 0
    shown = opened(world.sandbox.url + "/", width, scheme)
    check(shown, f"sandbox-{request.node.callspec.id}")
    assert shown.page.get_by_role("cell", name="Completed").count() == 1
    shown.page.get_by_label("Phone").fill("(212) 555-0101")
    shown.page.get_by_role("button", name="Search").click()
    row = shown.page.locator("tr", has_text="+12125550101")
    assert row.count() == 1
    assert "Loyalty Tier Silver" in " ".join(row.inner_text().split())
    check(shown, f"sandbox-search-{request.node.callspec.id}")
