"""The page in real Chromium, against the real server: what a clinician sees, hears and can reach by key."""

from __future__ import annotations

import base64
import io
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image

from suwen.core.task import DISCLAIMER

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
PATIENT_FILE = "ZHANGSAN-19990101.png"

pytestmark = pytest.mark.slow


def _png(pixels: Any) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The server as a user starts it, in a folder without data: the pictures to try are phantoms."""
    place = tmp_path_factory.mktemp("server")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {name: value for name, value in os.environ.items() if name != "SUWEN_DATA"}
    process = subprocess.Popen(
        [sys.executable, "-m", "suwen", "serve", "--port", str(port)],
        cwd=place,
        env=environment | {"SUWEN_HOME": str(place / "home")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    assert "http://" in line, process.communicate(timeout=10)
    yield line[line.index("http://") :].split()[0]
    process.send_signal(signal.SIGINT)
    _, log = process.communicate(timeout=20)
    assert "ZHANGSAN" not in log
    assert '"level": "error"' not in log


@pytest.fixture(scope="module")
def browser(absent: Callable[[str], None]) -> Iterator[Any]:
    if not Path(CHROMIUM).exists():
        absent(f"Chromium is not at {CHROMIUM}; install the Debian package chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        chromium.close()


class Sheet:
    """A page, what it asked for, and what it complained of."""

    def __init__(self, browser: Any, address: str, **options: Any) -> None:
        options = {"locale": "en-US", "viewport": {"width": 1360, "height": 950}} | options
        self.context = browser.new_context(**options)
        self.page = self.context.new_page()
        self.requests: list[Any] = []
        self.complaints: list[str] = []
        self.page.on("request", self._asked)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._heard)
        self.page.goto(address)
        self.page.wait_for_selector("#samples button")

    def _asked(self, request: Any) -> None:
        self.requests.append(request)

    def _heard(self, message: Any) -> None:
        # A refused upload is reported by the browser itself; everything else is the page's fault.
        if message.type in {"error", "warning"} and "Failed to load resource" not in message.text:
            self.complaints.append(message.text)

    def drop(self, content: bytes, name: str, kind: str = "image/png") -> None:
        """Drop a file on the page, as from a file manager."""
        transfer = self.page.evaluate_handle(
            """([data, name, type]) => {
                const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
                const transfer = new DataTransfer();
                transfer.items.add(new File([bytes], name, { type }));
                return transfer;
            }""",
            [base64.b64encode(content).decode(), name, kind],
        )
        self.page.dispatch_event("#drop", "drop", {"dataTransfer": transfer})

    def answers(self, count: int) -> Any:
        """Wait for this many answers."""
        from playwright.sync_api import expect

        found = self.page.locator(".answer:not(.waiting)")
        expect(found).to_have_count(count, timeout=60_000)
        return found

    def serious(self) -> list[str]:
        """Serious and critical findings of axe-core."""
        from axe_playwright_python.sync_playwright import Axe

        found = Axe().run(self.page).response["violations"]
        return [
            f"{one['id']}: {node['html'][:160]}"
            for one in found
            if one["impact"] in {"serious", "critical"}
            for node in one["nodes"]
        ]


@pytest.fixture
def open_page(browser: Any, server: str) -> Iterator[Any]:
    """Open the page with options of the browser; complaints and requests elsewhere fail the test."""
    sheets: list[Sheet] = []

    def make(**options: Any) -> Sheet:
        sheets.append(Sheet(browser, server, **options))
        return sheets[-1]

    yield make
    for sheet in sheets:
        assert not sheet.complaints
        hosts = {urlsplit(request.url).netloc for request in sheet.requests if request.url.startswith("http")}
        assert hosts == {urlsplit(server).netloc}
        sheet.context.close()


@pytest.fixture(scope="module")
def film(data_dir: Path) -> bytes:
    """A real chest X-ray."""
    folder = data_dir / "imaging" / "pneumoniamnist.npz"
    with np.load(folder, allow_pickle=False) as archive:
        return _png(archive["val_images"][0])


NOISE = _png(np.random.default_rng(0).integers(0, 256, (160, 160), np.uint8))


def test_a_dropped_film_is_answered_and_explained(open_page: Any, film: bytes) -> None:
    sheet = open_page()
    sheet.drop(film, PATIENT_FILE)
    answer = sheet.answers(1).first
    assert answer.locator(".name").inner_text() == PATIENT_FILE
    assert re.fullmatch(r"\d+(\.\d)?%", answer.get_by_test_id("probability").inner_text())
    label = answer.locator("svg.bar").get_attribute("aria-label")
    assert re.fullmatch(r"Probability of pneumonia .*%, 95% interval .*% to .*%, operating point .*%", label)
    assert answer.get_by_test_id("decision").inner_text().startswith("Reads as ")
    assert "aithfulness" in answer.get_by_test_id("why").inner_text()
    if answer.locator("summary", has_text="unreliable").count():
        answer.locator("summary", has_text="unreliable").click()
    heat = answer.get_by_test_id("heat")
    assert heat.is_visible()
    assert heat.evaluate("(image) => image.naturalWidth") >= 28
    slider = answer.get_by_role("slider")
    slider.focus()
    before = float(heat.evaluate("(image) => getComputedStyle(image).opacity"))
    slider.press("ArrowLeft")
    assert float(heat.evaluate("(image) => getComputedStyle(image).opacity")) < before
    with sheet.page.expect_download() as download:
        answer.get_by_role("link", name="Download as FHIR").click()
    assert '"resourceType": "Bundle"' in Path(download.value.path()).read_text()
    (sent,) = [request for request in sheet.requests if request.method == "POST"]
    assert b"ZHANGSAN" not in (sent.post_data_buffer or b"")


def test_noise_is_abstained_from_in_words(open_page: Any) -> None:
    sheet = open_page()
    sheet.drop(NOISE, "noise.png")
    answer = sheet.answers(1).first
    assert "noise" in answer.get_by_test_id("abstained").inner_text()
    assert answer.get_by_test_id("probability").count() == 0
    assert answer.get_by_test_id("heat").count() == 0


def test_an_error_is_told_kindly_and_the_others_are_answered(open_page: Any, film: bytes) -> None:
    sheet = open_page()
    sheet.page.set_input_files(
        "#files",
        [
            {"name": "page.dcm", "mimeType": "application/dicom", "buffer": b"<html>not a film</html>"},
            {"name": "film.png", "mimeType": "image/png", "buffer": film},
        ],
    )
    sheet.answers(2)
    error = sheet.page.get_by_test_id("error").inner_text()
    assert "could not be read" in error
    assert "unknown-format" in error
    assert sheet.page.get_by_test_id("probability").count() == 1
    sheet.page.get_by_role("button", name="Remove page.dcm").click()
    sheet.answers(1)


def test_a_phantom_is_marked_simulated(open_page: Any) -> None:
    sheet = open_page()
    sample = sheet.page.locator("#samples button").first
    assert "SIMULATED" in sample.inner_text()
    sample.click()
    assert sheet.answers(1).first.locator(".badge").inner_text() == "SIMULATED"


def test_everything_is_reached_by_key(open_page: Any) -> None:
    sheet = open_page()
    reached = []
    for _ in range(8):
        sheet.page.keyboard.press("Tab")
        reached.append(sheet.page.evaluate("document.activeElement.id"))
    assert {"language", "task", "files", "method"} <= set(reached)
    # Listening from here on: the browser must have been told to hand choosers over before a key opens one.
    choosers: list[Any] = []

    def opened(chooser: Any) -> None:  # Playwright takes no method of a list
        choosers.append(chooser)

    sheet.page.on("filechooser", opened)
    sheet.page.wait_for_timeout(500)
    for number, key in enumerate(("Enter", " "), start=1):
        sheet.page.locator("#files").focus()
        sheet.page.keyboard.press(key)
        for _ in range(200):
            if len(choosers) == number:
                break
            sheet.page.wait_for_timeout(50)
        assert len(choosers) == number
        assert choosers[-1].is_multiple()
        choosers[-1].set_files([])  # a chooser left open keeps the next one from opening
    sheet.page.locator("#samples button").first.focus()
    sheet.page.keyboard.press("Enter")
    sheet.answers(1)
    assert sheet.page.locator("#status").inner_text()


def test_chinese_and_english(open_page: Any) -> None:
    sheet = open_page(locale="zh-CN")
    assert sheet.page.evaluate("document.documentElement.lang") == "zh-CN"
    sheet.drop(NOISE, "noise.png")
    answer = sheet.answers(1).first
    assert "不作答" in answer.inner_text()
    assert sheet.page.locator(".statement").inner_text().startswith("仅供研究")
    sheet.page.locator("#language").click()
    assert "No answer" in sheet.answers(1).first.inner_text()
    assert sheet.page.locator(".statement").inner_text() == DISCLAIMER


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1360, 390])
def test_nothing_serious_for_axe_and_the_statement_is_always_seen(
    open_page: Any, film: bytes, scheme: str, width: int
) -> None:
    sheet = open_page(color_scheme=scheme, viewport={"width": width, "height": 844})
    assert not sheet.serious()
    sheet.drop(film, "film.png")
    sheet.drop(NOISE, "noise.png")
    sheet.drop(b"", "empty.dcm", "")
    sheet.answers(3)
    for summary in sheet.page.locator("summary").all():
        summary.click()
    assert not sheet.serious()
    assert sheet.page.evaluate("document.documentElement.scrollWidth") <= width
    for place in ("0", "document.body.scrollHeight / 2", "document.body.scrollHeight"):
        sheet.page.evaluate(f"window.scrollTo(0, {place})")
        box = sheet.page.locator(".statement").bounding_box()
        assert 0 <= box["y"] <= 844 - box["height"] + 1


def test_the_page_says_what_the_model_is_and_is_not_for(open_page: Any) -> None:
    sheet = open_page()
    page = sheet.page
    assert "clinician" in page.locator("#use").inner_text()
    assert page.locator("#not-for").inner_text().startswith("Not for:")
    model = page.locator("#model").inner_text()
    assert "imaging.pneumonia@" in model
    assert "95% intervals" in model
    assert re.search(r"AUROC\s+0\.9\d\d\s+0\.\d{3} to [01]\.\d{3}", model)
    link = page.get_by_role("link", name="Read the model card").get_attribute("href")
    assert page.request.get(f"{page.url.rstrip('/')}{link}").text().startswith("# ")
