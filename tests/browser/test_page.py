"""The page of a report in a real browser: what it loads, shows and lets be reached, on a screen, a phone and paper."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Error, Locator, Page, sync_playwright

from local.operate.page import page
from relight.plain import plain
from tests.unit import reports
from tests.unit.reports import HOSTILE

# Debian's first; others are the same browser by another name.
NAMES = ("chromium", "chromium-browser", "google-chrome")
REQUIRED = os.environ.get("RELIGHT_REQUIRE_BROWSER") == "1"
# One browser for all, where tests run in parallel.
pytestmark = pytest.mark.xdist_group("browser")

NARROW = {"width": 360, "height": 740}
REPORTS = {"usual": reports.report, "compliant": reports.compliant, "hostile": reports.hostile}
OPEN_ALL = "document.querySelectorAll('details').forEach(each => each.open = true)"
# The contrast of each text with what it stands on (WCAG 2.2, 1.4.3): a list of what is below 4.5.
FAINT = """() => {
    const numbers = colour => colour.match(/[\\d.]+/g).map(Number);
    const light = colour => numbers(colour).slice(0, 3).map(each => each / 255)
        .map(each => each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4)
        .reduce((sum, each, index) => sum + each * [0.2126, 0.7152, 0.0722][index], 0);
    const ground = element => {
        const colour = getComputedStyle(element).backgroundColor;
        return numbers(colour)[3] === 0 && element.parentElement ? ground(element.parentElement) : colour;
    };
    const contrast = element => {
        const [one, other] = [light(getComputedStyle(element).color), light(ground(element))];
        return (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    };
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const found = new Set();
    while (texts.nextNode()) {
        const element = texts.currentNode.parentElement;
        if (texts.currentNode.data.trim() && contrast(element) < 4.5) found.add(element.outerHTML.slice(0, 200));
    }
    return [...found];
}"""
FOCUSED = """() => {
    const element = document.activeElement, style = getComputedStyle(element);
    return {
        text: element.textContent.trim(),
        tag: element.tagName,
        index: [...document.querySelectorAll('summary')].indexOf(element),
        ring: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2,
        open: element.parentElement.open,
    };
}"""

Show = Callable[..., Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium; skipped, or failed if it is demanded, where none answers."""
    path = next(filter(None, map(shutil.which, NAMES)), NAMES[0])
    with sync_playwright() as driver:
        try:
            chromium = driver.chromium.launch(executable_path=path)
        except Error as error:
            if REQUIRED:
                pytest.fail(f"RELIGHT_REQUIRE_BROWSER=1, but {path} does not start: {error}")
            pytest.skip(f"{path} does not start: {error}")
        yield chromium
        chromium.close()


@pytest.fixture
def show(browser: Browser, tmp_path: Path) -> Iterator[Show]:
    """Opens a report's page as its reader does, from a file; afterwards it must have loaded that and said nothing."""
    path = tmp_path / "report.html"
    noise: list[str] = []
    contexts = []

    def shown(report: reports.Data, **context: Any) -> Page:
        path.write_text(page(report), encoding="utf-8")
        contexts.append(browser.new_context(offline=True, **context))
        tab = contexts[-1].new_page()
        tab.on("console", lambda message: noise.append(f"console: {message.text}"))
        tab.on("pageerror", lambda error: noise.append(f"error: {error}"))
        tab.on("dialog", lambda dialog: noise.append(f"dialog: {dialog.message}"))
        tab.on("request", lambda request: noise.append(f"request: {request.url}"))
        tab.goto(path.as_uri())
        assert noise.pop(0) == f"request: {path.as_uri()}"
        return tab

    yield shown
    for each in contexts:
        each.close()
    assert noise == []


def overflow(tab: Page) -> int:
    """How many pixels one would have to scroll sideways."""
    width: int = tab.evaluate("document.scrollingElement.scrollWidth - innerWidth")
    return width


@pytest.mark.parametrize("name", REPORTS)
def test_it_shows_the_verdict_and_loads_nothing(show: Show, name: str) -> None:
    tab = show(REPORTS[name]())
    tab.evaluate(OPEN_ALL)
    verdict = tab.get_by_role("heading", level=1)
    assert verdict.count() == 1
    assert verdict.is_visible()
    assert verdict.inner_text().startswith("Compliant: " if name == "compliant" else "Not compliant: ")
    assert verdict.inner_text().split(":")[0] in tab.title()


def test_nothing_could_be_loaded_or_run(browser: Browser, tmp_path: Path) -> None:
    """What the policy is for: it holds even where escaping had failed."""
    path = tmp_path / "broken.html"
    let_in = (
        '<script>document.title = "run"</script><img src="http://127.0.0.1:9/x.png" onerror="document.title = \'run\'">'
        '<style>h1 { display: none }</style><iframe src="http://127.0.0.1:9/"></iframe>'
    )
    path.write_text(page(reports.report()).replace("<main>", f"<main>{let_in}"), encoding="utf-8")
    with browser.new_context() as context:
        tab = context.new_page()
        refused: list[str] = []
        tab.on("console", lambda message: refused.append(message.text))
        tab.goto(path.as_uri())
        assert tab.title() != "run"
        assert tab.get_by_role("heading", level=1).is_visible()
        for directive in ("script-src", "img-src", "style-src", "frame-src"):
            assert any(directive in each for each in refused), f"{directive} let it in: {refused}"


def test_hostile_text_is_text(show: Show) -> None:
    tab = show(reports.hostile())
    tab.evaluate(OPEN_ALL)
    assert tab.locator("script, img, iframe, body [onfocus], body [onerror], body [style]").count() == 0
    text = tab.locator("body").inner_text()
    assert plain(HOSTILE) in text
    assert "\u202e" not in text
    assert "49" not in text


def test_the_chart_draws_what_it_says(show: Show) -> None:
    report = reports.report()
    tab = show(report)
    chart = tab.get_by_role("img", name="Posture against the study's averages")
    assert chart.count() == 1
    rows = chart.locator(".row:not(.axis)")
    compared = report["posture"][:9]
    assert rows.count() == len(compared)
    for number, practice in enumerate(compared):
        whole, own, study = (_box(rows.nth(number).locator(each)) for each in (".track", ".own", ".study"))
        assert own["width"] == pytest.approx(whole["width"] * practice["percent"] / 100, abs=1)
        middle = study["x"] + study["width"] / 2
        assert middle - whole["x"] == pytest.approx(whole["width"] * practice["study"] / 100, abs=1)


def _box(drawn: Locator) -> dict[str, float]:
    box: dict[str, float] = drawn.evaluate(
        "each => { const {x, width} = each.getBoundingClientRect(); return {x, width} }"
    )
    return box


@pytest.mark.parametrize("viewport", [{"width": 1200, "height": 800}, NARROW])
def test_tables_stay_tables(show: Show, viewport: object) -> None:
    """Also on a phone, where their cells stand below each other."""
    report = reports.report()
    tab = show(report, viewport=viewport)
    tab.evaluate(OPEN_ALL)
    table = tab.get_by_role("table", name="Posture by control")
    assert table.get_by_role("row").count() == len(report["posture"]) + 1
    assert table.get_by_role("rowheader").first.is_visible()
    assert table.get_by_role("columnheader", name="Violated").count() == 1


def test_all_of_it_is_reached_and_opened_by_keyboard(show: Show) -> None:
    """Tab goes to each link and to all that opens, also within what it has opened; Enter and Space open and close."""
    tab = show(reports.report())
    reached: list[int] = []
    links = 0
    while True:
        tab.keyboard.press("Tab")
        focused = tab.evaluate(FOCUSED)
        if focused["tag"] == "BODY":
            break
        assert focused["ring"], f"nobody sees that {focused['text']} has the focus"
        links += focused["tag"] == "A"
        if focused["tag"] != "SUMMARY":
            continue
        key = ("Enter", "Space")[len(reached) % 2]
        reached.append(focused["index"])
        tab.keyboard.press(key)
        assert tab.evaluate(FOCUSED)["open"] is not focused["open"], f"{key} does nothing for {focused['text']}"
        if focused["open"]:
            tab.keyboard.press(key)
    assert reached == list(range(tab.locator("summary").count())), "not all, or not in their order"
    assert links == tab.locator("a").count()
    assert tab.locator("details:not([open])").count() == 0
    assert tab.get_by_text("cloudtrail:StartLogging").first.is_visible()


@pytest.mark.parametrize("opened", [False, True])
@pytest.mark.parametrize("name", REPORTS)
def test_a_phone_need_not_scroll_sideways(show: Show, name: str, *, opened: bool) -> None:
    tab = show(REPORTS[name](), viewport=NARROW)
    if opened:
        tab.evaluate(OPEN_ALL)
    assert overflow(tab) <= 0
    assert tab.evaluate(
        "[...document.querySelectorAll('main *')].every(each => each.getBoundingClientRect().right <= innerWidth + 6)"
    ), "something is cut off at the right"


@pytest.mark.parametrize("name", REPORTS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_can_be_read(show: Show, name: str, scheme: str) -> None:
    tab = show(REPORTS[name](), color_scheme=scheme)
    tab.evaluate(OPEN_ALL)
    red = int(tab.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0]"))
    assert (red < 64) is (scheme == "dark")
    assert tab.evaluate(FAINT) == []


def test_paper_shows_what_is_closed(show: Show) -> None:
    tab = show(reports.report(), color_scheme="dark")
    call = tab.get_by_text("cloudtrail:StartLogging").first
    assert not call.is_visible()
    tab.emulate_media(media="print")
    assert call.is_visible()
    assert tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert tab.evaluate(FAINT) == []
    assert not tab.get_by_role("navigation").is_visible()
    assert tab.pdf().startswith(b"%PDF-")


def test_thousands_of_findings_are_one_line_until_opened(show: Show) -> None:
    tab = show(reports.large(5000))
    assert tab.get_by_role("heading", level=1).inner_text() == "Not compliant: 5,000 violations"
    group = tab.locator(".group")
    assert group.count() == 1
    assert group.bounding_box()["height"] < 60  # type: ignore[index]
    group.locator("> summary").click()
    first = group.locator(".places li").first
    first.locator("summary").click()
    assert first.get_by_text("ec2:CreateFlowLogs").is_visible()


def test_thousands_of_findings_are_a_line_each_on_paper(show: Show) -> None:
    tab = show(reports.large(120))
    tab.emulate_media(media="print")
    finding = tab.locator(".places li").first
    assert finding.is_visible()
    assert not finding.get_by_text("ec2:CreateFlowLogs").is_visible()
    assert tab.get_by_text("On paper each finding has one line").is_visible()
