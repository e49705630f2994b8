"""The page while nobody sees it, and while it gets no answers: it stays small, and goes on when it can."""

from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

pytest.importorskip("playwright", reason="Playwright is not installed: pip install playwright")

from playwright.sync_api import Route, expect

from view.dashboard.scene import Scene
from view.dashboard.told_service import ToldService
from view.dashboard.visit import PATIENCE_MS, Visit

if TYPE_CHECKING:
    from browsing import Dashboard

Open = Callable[..., "Dashboard"]
Go = Callable[..., Visit]
# What a browser does with a page in the background: it is not painted.
BACKGROUND = """
(() => {
  const paint = requestAnimationFrame.bind(window);
  let waiting = null;
  window.requestAnimationFrame = (draw) => (waiting ? waiting.push(draw) : paint(draw));
  window.inBackground = (away) => {
    const due = waiting ?? [];
    waiting = away ? [] : null;
    if (!away) due.forEach((draw) => paint(draw));
  };
})()
"""
FILL_LIST = """async () => {
  const { EventList } = await import("/page/events.js");
  const list = new EventList(() => {});
  for (let seq = 0; seq < 5000; seq++) list.add({ run: "r", seq, kind: "warning", stream: "cam", time: seq, words: "" });
  return list.waiting.length;
}"""
FILL_CARD = """async () => {
  const { SourceCard } = await import("/page/source.js");
  const { View } = await import("/page/view.js");
  const card = new SourceCard("hidden", { view: new View(), styles: () => ({}), pose: () => false, picturesChanged() {} });
  card.visible = false;
  const began = Date.now();
  for (let second = 0; second < 3600; second++) {
    const t = Array.from({ length: 30 }, (_, n) => began + 1000 * second + 33 * n);
    const known = { stream: "hidden", run: "r", seq: second, face: second, start: t[0], end: t[0] + 200 };
    card.mark({ ...known, key: `i${second}`, kind: "interval", status: "closed" });
    card.mark({ ...known, key: `f${second}`, kind: "face", status: "lost" });
    for (const face of [0, second]) {
      const keys = ["low", "high", "speaking", "yaw", "pitch", "roll", "eyes", "judged"];
      card.trace(face, { t, ...Object.fromEntries(keys.map((key) => [key, t.map(() => 0.5)])) });
    }
    card.beat({ state: "live", fps: 30, drops: {}, skipped: 0, pipeline_ms: null }, t[0]);
  }
  const { curves, marks } = card.data;
  return { points: curves.get(0).t.length, faces: curves.size, marks: marks.size, latest: card.latest.size };
}"""


@pytest.fixture
def scene(service: ToldService) -> Scene:
    """A camera with a face, which the service has told of."""
    made = Scene()
    service.report({"cam": made.health()})
    service.say(made.state(), *made.appears())
    return made


def test_a_page_that_nobody_sees_keeps_no_more_than_one_that_is_seen(
    service: ToldService, scene: Scene, open_dashboard: Open, visit: Go
) -> None:
    page = visit(open_dashboard(service.address).url).connected()
    card = page.evaluate(FILL_CARD)
    assert card["points"] < 5000
    assert max(card["faces"], card["marks"], card["latest"]) < 300
    assert page.evaluate(FILL_LIST) < 1000


def test_back_from_the_background_the_list_has_no_hole(
    service: ToldService, scene: Scene, open_dashboard: Open, visit: Go
) -> None:
    service.say(*(scene.warning(f"before {n}") for n in range(400)))
    service.sent(at_least=403)
    page = visit(open_dashboard(service.address).url, scripts=[BACKGROUND]).connected()
    older = page.page.get_by_role("button", name="Show older events")
    for count in (100, 200, 300, 400):
        expect(page.find("event").nth(count - 1)).to_be_attached(timeout=PATIENCE_MS)
        older.click()
    expect(page.find("event")).to_have_count(403, timeout=PATIENCE_MS)
    page.evaluate("inBackground(true)")
    for part in range(4):
        service.say(*(scene.warning(f"part {part}, {n}") for n in range(200)))
        # A source is in the list of sources at once.
        service.say(Scene(f"part{part}").state())
        expect(page.find("choice", stream=f"part{part}")).to_have_count(1, timeout=PATIENCE_MS)
    page.evaluate("inBackground(false)")
    expect(page.page.get_by_text("part 3, 199")).to_be_visible(timeout=PATIENCE_MS)
    sent = [event["seq"] for event in service.sent(at_least=403 + 804)]
    older.click()
    expect(page.find("event").nth(399)).to_be_attached(timeout=PATIENCE_MS)
    shown = page.evaluate(
        "[...document.querySelectorAll('[data-testid=event]')].map(one => Number(one.dataset.seq))"
    )
    assert shown == sent[::-1][: len(shown)]


def test_with_another_token_the_page_says_which_link_to_open(
    service: ToldService, scene: Scene, open_dashboard: Open, visit: Go
) -> None:
    first = open_dashboard(service.address, "--token", "the-first-of-two-tokens")
    page = visit(first.url, faults=True).connected()
    first.close()
    service.say(scene.interval("e1"))
    second = open_dashboard(
        service.address, "--token", "the-second-of-two-tokens", "--port", urlsplit(first.url).port
    )
    expect(page.see("connection", state="lost")).to_contain_text("printed last", timeout=PATIENCE_MS)
    page.page.context.new_page().goto(second.url)
    page.connected()
    page.see("interval")


def test_without_its_cookie_the_page_says_which_link_to_open(
    service: ToldService, scene: Scene, open_dashboard: Open, visit: Go
) -> None:
    dashboard = open_dashboard(service.address, "--token", "a-token-for-this-test")
    page = visit(dashboard.url, faults=True).connected()
    page.page.context.clear_cookies()
    page.see("filter-kind").select_option("interval")
    expect(page.see("connection", state="lost")).to_contain_text("printed last", timeout=PATIENCE_MS)
    service.say(scene.interval("e1"))
    page.page.context.new_page().goto(dashboard.url)
    page.connected()
    expect(page.find("event", kind="interval")).to_have_count(1, timeout=PATIENCE_MS)


def test_where_questions_get_no_answer_the_page_goes_on_with_what_it_is_told(
    service: ToldService, scene: Scene, open_dashboard: Open, visit: Go
) -> None:
    service.say(scene.warning("of another kind"))
    page = visit(open_dashboard(service.address).url, faults=True).connected()
    expect(page.find("event", kind="warning")).to_have_count(1, timeout=PATIENCE_MS)

    def fail(route: Route) -> None:
        route.fulfill(status=502)

    page.page.route("**/api/**", fail)
    page.see("filter-kind").select_option("interval")
    expect(page.find("event", kind="warning")).to_have_count(0, timeout=PATIENCE_MS)
    service.say(scene.interval("e1"))
    expect(page.find("event", kind="interval")).to_have_count(1, timeout=PATIENCE_MS)
    page.see("interval", id="e1")
    page.page.unroute("**/api/**")
    page.see("filter-kind").select_option("")
    expect(page.find("event", kind="warning")).to_have_count(1, timeout=PATIENCE_MS)
