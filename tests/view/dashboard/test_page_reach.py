"""The page on a phone, by keyboard alone, in light and dark, and through axe's eyes."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("playwright", reason="Playwright is not installed: pip install playwright")

from playwright.sync_api import expect

from contract.npm import installed, needs_npm
from view.dashboard.scene import Scene
from view.dashboard.told_service import ToldService
from view.dashboard.visit import LARGE, PATIENCE_MS, SMALL, Visit

if TYPE_CHECKING:
    from browsing import Dashboard

Go = Callable[..., Visit]
TOKEN = "a-token-for-the-tests-of-this-page"


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ToldService]:
    """A service that has said a bit of everything, with a name that is long."""
    service = ToldService(tmp_path_factory.mktemp("busy"))
    scenes = [Scene("camera-at-the-entrance-of-the-laboratory_2"), Scene("desk", face=12)]
    service.report(
        {one.stream: one.health(drops={"dropped": 3, "above_engine_rate": 4711}) for one in scenes}
    )
    for one in scenes:
        service.say(one.state(), *one.appears(), one.turn("t1", ago_s=9.0, lasts_s=None))
        service.say(*(one.interval(f"e{n}", ago_s=20.0 - 2 * n, lasts_s=0.2 + n / 8) for n in range(8)))
        service.say(one.interval("e9", "provisional", ago_s=0.3), one.gap(), one.warning("w" * 120))
        service.say(one.not_judged("turned away too far"))
    service.sent(at_least=30)
    yield service
    service.kill()


@pytest.fixture(scope="module")
def dashboards(busy: ToldService) -> "Iterator[dict[str, Dashboard]]":
    """One as it is by default, one with a token."""
    pytest.importorskip("uvicorn", reason="the web server is not installed: pip install '.[dashboard]'")
    import browsing

    with (
        browsing.dashboard(busy.address) as plain,
        browsing.dashboard(busy.address, "--token", TOKEN) as locked,
    ):
        yield {"plain": plain, "locked": locked}


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The source of axe-core."""
    modules = installed(tmp_path_factory.mktemp("axe"), "axe-core@4")
    return (modules / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


def filled(page: Visit) -> Visit:
    """Wait until everything is there."""
    page.connected()
    expect(page.find("source")).to_have_count(2, timeout=PATIENCE_MS)
    expect(page.find("event").nth(25)).to_be_attached(timeout=PATIENCE_MS)
    expect(page.find("speaker", state="speaking").first).to_be_visible(timeout=PATIENCE_MS)
    return page


def violations(page: Visit) -> list[str]:
    """What axe calls serious or critical, and where."""
    found = page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
    assert found["passes"]
    return [
        f"{one['impact']}: {one['id']}: {node['target']} {node['failureSummary']}"
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]


@needs_npm
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [LARGE, SMALL], ids=["desk", "phone"])
def test_axe_finds_nothing_serious(
    dashboards: "dict[str, Dashboard]", visit: Go, axe: str, dark: bool, size: dict[str, int]
) -> None:
    page = filled(visit(dashboards["plain"].url, dark=dark, size=size, scripts=[axe]))
    assert violations(page) == []
    page.find("event", kind="interval").first.locator("button").click()
    page.page.get_by_text("Sources (2)").click()
    page.see("go-live")
    assert violations(page) == []


@needs_npm
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing_serious_where_one_is_not_let_in(
    dashboards: "dict[str, Dashboard]", visit: Go, axe: str, dark: bool
) -> None:
    page = visit(dashboards["locked"].url.partition("?")[0], dark=dark, scripts=[axe], faults=True)
    assert violations(page) == []


def test_without_the_token_the_page_says_what_to_do(dashboards: "dict[str, Dashboard]", visit: Go) -> None:
    locked = dashboards["locked"]
    bare = locked.url.partition("?")[0]
    expect(visit(bare, faults=True).page.get_by_text("rtme dashboard")).to_be_visible()
    wrong = visit(f"{bare}?token=something-else", faults=True)
    expect(wrong.page.get_by_role("heading")).to_contain_text("wrong")
    right = filled(visit(locked.url))
    assert "token" not in right.page.url
    assert TOKEN not in right.page.content()


@pytest.mark.parametrize("size", [SMALL, {"width": 320, "height": 640}], ids=["360", "320"])
def test_a_phone_shows_all_without_scrolling_sideways(
    dashboards: "dict[str, Dashboard]", visit: Go, size: dict[str, int]
) -> None:
    page = filled(visit(dashboards["plain"].url, size=size))
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    for testid in ("connection", "timeline", "filter-kind", "filter-text", "export-csv", "events"):
        box = page.find(testid).first.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= size["width"]


def test_light_and_dark_follow_the_system_and_the_button(
    dashboards: "dict[str, Dashboard]", visit: Go
) -> None:
    shade = (
        "getComputedStyle(document.documentElement).backgroundColor.match(/\\d+/g).slice(0, 3).map(Number)"
    )

    def is_dark(page: Visit) -> bool:
        return sum(page.evaluate(shade)) < 3 * 128

    url = dashboards["plain"].url
    light, dark = visit(url), visit(url, dark=True)
    assert (is_dark(light), is_dark(dark)) == (False, True)
    light.see("theme").click()
    assert is_dark(light)
    light.page.reload()
    light.connected()
    assert is_dark(light), "what was chosen is kept"


def test_everything_is_reached_by_keyboard(dashboards: "dict[str, Dashboard]", visit: Go) -> None:
    page = filled(visit(dashboards["plain"].url))
    keys = page.page.keyboard

    def go_to(what: str) -> None:
        """By tabulator alone, with the focus to be seen at each step."""
        for _ in range(80):
            keys.press("Tab")
            assert page.evaluate(
                "(() => { const on = document.activeElement, style = getComputedStyle(on);"
                " return on === document.body || style.outlineStyle !== 'none' || style.boxShadow !== 'none'; })()"
            ), page.evaluate("document.activeElement.outerHTML")
            if page.evaluate("what => document.activeElement.matches(what)", what):
                return
        raise AssertionError(f"{what} is not reached")

    go_to("[data-testid=theme]")
    go_to("[data-testid=timeline]")
    keys.press("ArrowLeft")
    page.see("go-live")
    keys.press("-")
    keys.press("+")
    keys.press("End")
    expect(page.find("go-live")).to_be_hidden()
    go_to("[data-testid=export-csv]")
    go_to("[data-testid=filter-kind]")
    keys.type("Int")
    expect(page.find("event", kind="warning")).to_have_count(0, timeout=PATIENCE_MS)
    expect(page.find("event", kind="interval").first).to_be_visible()
    go_to("[data-testid=filter-text]")
    keys.type("desk")
    expect(page.find("event", stream="camera-at-the-entrance-of-the-laboratory_2")).to_have_count(
        0, timeout=PATIENCE_MS
    )
    go_to("[data-testid=event] button")
    keys.press("Enter")
    page.see("go-live")


def test_whoever_asked_for_calm_is_not_shaken(dashboards: "dict[str, Dashboard]", visit: Go) -> None:
    page = filled(visit(dashboards["plain"].url))
    page.page.emulate_media(reduced_motion="reduce")
    assert page.evaluate("document.getAnimations().filter(one => one.playState === 'running').length") == 0


def test_the_engine_and_what_it_learned_from_stand_on_the_page(
    dashboards: "dict[str, Dashboard]", visit: Go
) -> None:
    page = filled(visit(dashboards["plain"].url))
    expect(page.page.get_by_text("told 1")).to_be_visible()
    expect(page.page.get_by_text("They say nothing about emotion")).to_be_visible()
