"""A plan's page in real Chromium, from a file: it draws, turns, follows the tip, plays a film, asks for nothing."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from suwen.formats.volume.phantom import head_phantom
from suwen.lifecycle.plan_page import render

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
NO_WEBGL = """
const asked = HTMLCanvasElement.prototype.getContext;
HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
  return kind.startsWith("webgl") ? null : asked.call(this, kind, ...rest);
};
"""
LIT = """(canvas) => {
  const copy = document.createElement("canvas");
  [copy.width, copy.height] = [canvas.width, canvas.height];
  const pen = copy.getContext("2d");
  pen.drawImage(canvas, 0, 0);
  const { data } = pen.getImageData(0, 0, copy.width, copy.height);
  let lit = 0, sum = 0;
  for (let at = 0; at < data.length; at += 4) {
    const light = data[at] + data[at + 1] + data[at + 2];
    if (light > 90) lit++;
    sum = (sum * 31 + light) % 1000003;
  }
  return { share: lit / (data.length / 4), sum };
}"""
SET = "(input, value) => { input.value = value; input.dispatchEvent(new Event('input', { bubbles: true })); }"

pytestmark = pytest.mark.slow


def _sibling(path: Path) -> ModuleType:
    """The unit tests' module, whose made-up plan is used here too."""
    spec = importlib.util.spec_from_file_location("plan_page_specimen", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    specimen = _sibling(Path(__file__).parents[1] / "lifecycle" / "test_plan_page.py")
    file = tmp_path_factory.mktemp("plan") / "plan.html"
    volume = head_phantom(shape=(48, 56, 52), spacing_mm=(4.0, 4.0, 4.0))
    file.write_text(render(specimen.plan(), volume), "utf-8")
    return file


@pytest.fixture(scope="module")
def browser(absent: Callable[[str], None]) -> Iterator[Any]:
    if not Path(CHROMIUM).exists():
        absent(f"Chromium is not at {CHROMIUM}; install the Debian package chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def opened(browser: Any, page_file: Path) -> Iterator[Callable[..., Any]]:
    """Open the page; what it complains of, and any request but for itself, fails the test."""
    contexts: list[Any] = []
    complaints: list[str] = []
    requests: list[str] = []

    def make(*, script: str = "", **options: Any) -> Any:
        context = browser.new_context(
            **({"viewport": {"width": 1360, "height": 950}, "reduced_motion": "reduce"} | options)
        )
        contexts.append(context)
        page = context.new_page()
        if script:
            page.add_init_script(script)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: _heard(complaints, message))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(page_file.as_uri())
        page.wait_for_selector("html[data-ready]", timeout=60_000)
        page.wait_for_timeout(300)
        return page

    yield make
    for context in contexts:
        context.close()
    assert not complaints
    assert set(requests) == {page_file.as_uri()}


def _heard(complaints: list[str], message: Any) -> None:
    # The software renderer of the test machine warns that it is slow to read back; everything else is ours.
    if message.type in {"error", "warning"} and "GPU stall due to ReadPixels" not in message.text:
        complaints.append(message.text)


def _lit(page: Any, canvas: str) -> dict[str, float]:
    found: dict[str, float] = page.locator(canvas).evaluate(LIT)
    return found


def _soon(page: Any, holds: Callable[[], bool]) -> None:
    """Wait until something holds; machines are slow in different ways."""
    for _ in range(200):
        if holds():
            return
        page.wait_for_timeout(50)
    assert holds()


def _drawn(page: Any) -> None:
    """Wait until everything asked for before is on the screen."""
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def test_slices_and_the_3d_view_are_drawn(opened: Any) -> None:
    page = opened()
    assert not page.locator("#no-webgl").is_visible()
    for pane in ("#axial canvas", "#coronal canvas", "#sagittal canvas", "#solid"):
        _soon(page, lambda pane=pane: _lit(page, pane)["share"] > 0.05)  # type: ignore[misc]
    assert page.locator("#axial output").inner_text() == "I 8.0 mm"
    assert page.locator("#sagittal output").inner_text() == "L 12.0 mm"
    assert "left subthalamic nucleus" in page.locator("#here").inner_text()


def test_the_slider_moves_slices_numbers_and_curve_together(opened: Any) -> None:
    page = opened()
    panes = ("#axial canvas", "#coronal canvas", "#solid")
    before = {pane: _lit(page, pane)["sum"] for pane in panes}
    x = float(page.locator("#curve .now").get_attribute("x1"))
    page.locator("#tip").evaluate(SET, 250)
    _soon(page, lambda: page.locator("#arc").inner_text() == "21.0 of 83.9 mm")
    for pane in panes:
        _soon(page, lambda pane=pane: _lit(page, pane)["sum"] != before[pane])  # type: ignore[misc]
    assert page.locator("#clear").inner_text() == "15.59 mm"
    assert page.locator("#nearest").inner_text() == "superior sagittal sinus"
    assert float(page.locator("#curve .now").get_attribute("x1")) < x
    assert "15.59 mm" in page.locator("#curve .now-text").text_content()
    assert page.locator("#axial output").inner_text() == "S 47.5 mm"
    page.locator("#tip").focus()
    page.keyboard.press("ArrowRight")
    _soon(page, lambda: page.locator("#arc").inner_text() == "21.1 of 83.9 mm")
    assert "21.1 of" in page.locator("#tip").get_attribute("aria-valuetext")
    # Hovering over the curve moves the slider, and so do its arrow keys.
    page.locator("#curve svg").scroll_into_view_if_needed()
    box = page.locator("#curve svg").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + 80)
    _soon(page, lambda: 600 < float(page.locator("#tip").input_value()) < 750)
    place = float(page.locator("#tip").input_value())
    page.locator("#curve").focus()
    page.keyboard.press("ArrowLeft")
    _soon(page, lambda: float(page.locator("#tip").input_value()) < place)


def test_a_slice_is_pointed_at_and_moved_by_key(opened: Any) -> None:
    page = opened()
    page.locator("#axial canvas").scroll_into_view_if_needed()
    box = page.locator("#axial canvas").bounding_box()
    page.mouse.click(box["x"] + box["width"] * 0.6, box["y"] + box["height"] * 0.5)
    _soon(page, lambda: page.locator("#sagittal output").inner_text() != "L 12.0 mm")
    # Right of the middle is the patient's left.
    assert float(page.locator("#sagittal output").inner_text().removeprefix("L ").removesuffix(" mm")) > 12
    page.locator("#axial canvas").focus()
    assert page.locator("#axial output").inner_text() == "I 8.0 mm"
    page.keyboard.press("PageUp")
    _soon(page, lambda: page.locator("#axial output").inner_text() == "I 4.0 mm")
    button = page.get_by_role("button", name="Slices 4 times as large")
    was = _lit(page, "#axial canvas")["sum"]
    button.click()
    _soon(page, lambda: _lit(page, "#axial canvas")["sum"] != was)
    assert button.get_attribute("aria-pressed") == "true"


def test_the_film_plays_pauses_and_is_scrubbed(opened: Any) -> None:
    page = opened()
    still = _lit(page, "#solid")["sum"]
    scrub = page.locator("#scrub")
    page.locator("#play").click()
    _soon(page, lambda: int(scrub.input_value()) >= 3)
    page.locator("#play").click()
    assert "tip error 0.0" in page.locator("#moment").inner_text()
    assert _lit(page, "#solid")["sum"] != still
    _drawn(page)
    frame = int(scrub.input_value())
    page.wait_for_timeout(400)
    assert int(scrub.input_value()) == frame  # paused is paused
    scrub.evaluate(SET, 20)
    said = "2.00 of 2.00 s · tip error 0.030 mm · in the patient"
    _soon(page, lambda: page.locator("#moment").inner_text() == said)
    assert page.locator("#axial output").inner_text() == "I 8.0 mm"
    assert page.locator("#error-chart .now-text").text_content() == "0.030 mm"
    scrub.evaluate(SET, 0)
    page.locator("#play").click()
    _soon(page, lambda: int(scrub.input_value()) == 20)  # to its end, and there it stops
    _soon(page, lambda: page.locator("#play").get_attribute("aria-pressed") == "false")
    leave = page.get_by_role("button", name="Hide the arm")
    leave.click()
    _soon(page, lambda: not leave.is_visible())


def test_the_view_turns_by_itself_by_key_and_by_hand(opened: Any) -> None:
    page = opened(reduced_motion="no-preference")
    view = page.locator("#over")
    view.scroll_into_view_if_needed()
    assert page.locator("#turn").get_attribute("aria-pressed") == "true"
    first = _lit(page, "#solid")["sum"]
    _soon(page, lambda: _lit(page, "#solid")["sum"] != first)
    page.locator("#turn").click()
    _drawn(page)
    held = _lit(page, "#solid")["sum"]
    page.wait_for_timeout(400)
    assert _lit(page, "#solid")["sum"] == held
    view.focus()
    page.keyboard.press("ArrowLeft")
    _soon(page, lambda: _lit(page, "#solid")["sum"] != held)
    turned = _lit(page, "#solid")["sum"]
    box = view.bounding_box()
    page.mouse.move(box["x"] + 200, box["y"] + 150)
    page.mouse.down()
    page.mouse.move(box["x"] + 260, box["y"] + 130, steps=4)
    page.mouse.up()
    _soon(page, lambda: _lit(page, "#solid")["sum"] != turned)
    before = _lit(page, "#solid")["sum"]
    page.locator("#look").select_option("entry")
    _soon(page, lambda: _lit(page, "#solid")["sum"] != before)


def test_reduced_motion_stands_still_and_structures_can_be_hidden(opened: Any) -> None:
    page = opened()
    assert page.locator("#turn").get_attribute("aria-pressed") == "false"
    first = _lit(page, "#solid")
    page.wait_for_timeout(400)
    assert _lit(page, "#solid") == first
    for box in page.locator("[data-toggle]").all():
        box.uncheck()
    _soon(page, lambda: _lit(page, "#solid")["share"] < 0.2 * first["share"])


def test_without_webgl_it_is_drawn_plainly_and_says_so(opened: Any) -> None:
    page = opened(script=NO_WEBGL)
    assert page.locator("#no-webgl").is_visible()
    first = _lit(page, "#solid")
    assert first["share"] > 0.05
    page.locator("#over").focus()
    page.keyboard.press("ArrowRight")
    _soon(page, lambda: _lit(page, "#solid")["sum"] != first["sum"])


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1360, 390])
def test_nothing_for_axe_to_find(opened: Any, scheme: str, width: int) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = opened(color_scheme=scheme, viewport={"width": width, "height": 900})
    page.locator("summary").click()
    page.locator("#scrub").evaluate(SET, 5)
    page.wait_for_timeout(300)
    found = Axe().run(page).response["violations"]
    assert not [f"{one['id']}: {node['html'][:160]}" for one in found for node in one["nodes"]]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
