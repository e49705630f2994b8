"""What a service says, on the page in a real browser."""

from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

pytest.importorskip("playwright", reason="Playwright is not installed: pip install playwright")

from playwright.sync_api import expect

from view.dashboard.scene import Scene
from view.dashboard.told_service import ToldService
from view.dashboard.visit import PATIENCE_MS, Visit

if TYPE_CHECKING:
    from browsing import Dashboard

Open = Callable[..., "Dashboard"]
Go = Callable[..., Visit]


@pytest.fixture
def scene(service: ToldService) -> Scene:
    """A camera with a face, which the service has told of."""
    made = Scene()
    service.report({"cam": made.health()})
    service.say(made.state(), *made.appears())
    return made


@pytest.fixture
def page(service: ToldService, scene: Scene, open_dashboard: Open, visit: Go) -> Visit:
    """The page of that service."""
    return visit(open_dashboard(service.address).url).connected()


def test_a_source_and_its_face_are_there(page: Visit) -> None:
    page.see("source", stream="cam")
    page.see("face", face=1)


def test_an_interval_is_one_entry_from_its_onset_to_its_end(
    service: ToldService, scene: Scene, page: Visit
) -> None:
    told = scene.interval("e1", "provisional", ago_s=0.2)
    names = set()
    for status in ("provisional", "confirmed", "closed"):
        service.say(told.model_copy(update={"status": status}))
        entry = page.see("interval", status=status)
        names.add(entry.get_attribute("data-id"))
        expect(page.find("interval")).to_have_count(1)
        assert entry.get_attribute("data-type") == "me"
    assert len(names) == 1


def test_what_was_taken_back_is_seen_no_more(service: ToldService, scene: Scene, page: Visit) -> None:
    service.say(scene.interval("e1", "provisional"), scene.interval("e2", "closed", lasts_s=0.8, ago_s=3.0))
    page.see("interval", status="provisional")
    page.see("interval", status="closed", type="macro")
    service.say(scene.interval("e1", "retracted"))
    expect(page.find("interval")).to_have_count(1, timeout=PATIENCE_MS)
    page.see("interval", status="closed")


def test_a_page_opened_late_knows_what_was_said_before(
    service: ToldService, scene: Scene, open_dashboard: Open, visit: Go
) -> None:
    service.say(scene.interval("e1", "closed"), scene.turn("t1", ago_s=5.0, lasts_s=None))
    service.sent(at_least=5)
    dashboard = open_dashboard(service.address)
    first = visit(dashboard.url).connected()
    first.see("interval", status="closed")
    first.see("speaker", state="speaking")
    second = visit(dashboard.url).connected()
    second.see("interval", status="closed")


def test_every_kind_of_event_is_told(service: ToldService, scene: Scene, page: Visit) -> None:
    service.say(
        scene.interval("e1", "closed"),
        scene.turn("t1", ago_s=5.0, lasts_s=2.0),
        scene.not_judged("turned away"),
        scene.gap(7),
        scene.warning("<b>mind</b> the gap & the rest"),
        scene.state("stalled", "no frame for 2 s"),
    )
    told = page.see("events")
    for words in ("turned away", "<b>mind</b> the gap & the rest", "no frame for 2 s", "7"):
        expect(told).to_contain_text(words, timeout=PATIENCE_MS)


def test_fifty_sources(service: ToldService, open_dashboard: Open, visit: Go) -> None:
    scenes = [Scene(f"cam{n:02}") for n in range(50)]
    service.report({one.stream: one.health() for one in scenes})
    for one in scenes:
        service.say(one.state(), *one.appears(), one.interval("e1", "closed"))
        service.show(one.trace(2.0))
    page = visit(open_dashboard(service.address).url).connected()
    expect(page.find("choice")).to_have_count(50, timeout=PATIENCE_MS)
    expect(page.find("source").first).to_be_visible()
    assert page.find("source", stream="cam49").count() == 0
    page.page.get_by_text("Sources (50)").click()
    page.see("choice", stream="cam49").check()
    page.see("source", stream="cam49").scroll_into_view_if_needed()
    service.say(scenes[49].interval("e2", "provisional"))
    page.see("interval", status="provisional")


def test_the_service_is_killed_and_comes_back(service: ToldService, scene: Scene, page: Visit) -> None:
    service.say(scene.interval("e1", "closed", ago_s=2.0))
    page.see("interval")
    service.kill()
    page.see("connection", state="silent")
    service.start()
    service.report({"cam": scene.health()})
    service.say(scene.state(), *scene.appears(), scene.interval("e2", "closed"))
    page.connected()
    expect(page.find("interval")).to_have_count(2, timeout=PATIENCE_MS)
    service.say(scene.interval("e3", "provisional"))
    page.see("interval", status="provisional")
    expect(page.find("interval")).to_have_count(3)
    page.see("source", stream="cam")


def test_the_dashboard_is_killed_and_comes_back(
    service: ToldService, scene: Scene, open_dashboard: Open, visit: Go
) -> None:
    service.say(scene.interval("e1", "closed"))
    dashboard = open_dashboard(service.address)
    page = visit(dashboard.url, faults=True).connected()
    page.see("interval")
    dashboard.process.kill()
    dashboard.process.wait()
    page.see("connection", state="lost")
    service.say(scene.interval("e2", "closed", ago_s=0.5))
    open_dashboard(service.address, "--port", urlsplit(dashboard.url).port)
    page.see("connection", state="live")
    expect(page.find("interval")).to_have_count(2, timeout=PATIENCE_MS)
