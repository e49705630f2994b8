"""What the page shows of the list of events, and what it gives to keep, read back as other programs do."""

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("playwright", reason="Playwright is not installed: pip install playwright")

from playwright.sync_api import expect

from view.dashboard.scene import Scene
from view.dashboard.told_service import ToldService
from view.dashboard.visit import PATIENCE_MS, Visit

if TYPE_CHECKING:
    from browsing import Dashboard

Go = Callable[..., Visit]
WORDS = 'a "warning"; with, signs\nand <i>lines</i> é'


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[tuple[ToldService, Dashboard]]":
    """Two sources that have said this and that, and a dashboard of them."""
    import browsing

    service = ToldService(tmp_path_factory.mktemp("talk"))
    door, desk = Scene("door"), Scene("desk")
    service.say(door.state(), *door.appears(), desk.state(), *desk.appears())
    service.say(
        door.interval("e1", "provisional"),
        door.interval("e1", "closed"),
        desk.interval("e1", "closed", lasts_s=0.9),
        desk.turn("t1", ago_s=4.0, lasts_s=2.0),
        desk.warning(WORDS),
    )
    service.sent(at_least=11)
    with browsing.dashboard(service.address) as dashboard:
        yield service, dashboard
    service.kill()


@pytest.fixture
def service(talk: "tuple[ToldService, Dashboard]") -> ToldService:
    return talk[0]


@pytest.fixture
def page(talk: "tuple[ToldService, Dashboard]", visit: Go) -> Visit:
    """A page with all that was said."""
    service, dashboard = talk
    shown = visit(dashboard.url).connected()
    expect(shown.find("event")).to_have_count(len(service.sent()), timeout=PATIENCE_MS)
    return shown


def kept(page: Visit, form: str, folder: Path) -> Path:
    """The file that the browser saves."""
    with page.page.expect_download() as download:
        page.see(f"export-{form}").click()
    path = folder / download.value.suggested_filename
    assert path.suffix == f".{form}"
    download.value.save_as(path)
    return path


def ids(events: list[dict[str, Any]]) -> set[tuple[str, int]]:
    return {(event["run_id"], int(event["seq"])) for event in events}


def test_json_holds_each_event_as_it_was_sent(page: Visit, service: ToldService, tmp_path: Path) -> None:
    assert json.loads(kept(page, "json", tmp_path).read_text(encoding="utf-8")) == service.sent()


def test_csv_holds_them_too(page: Visit, service: ToldService, tmp_path: Path) -> None:
    with kept(page, "csv", tmp_path).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    sent = service.sent()
    assert [(row["run_id"], int(row["seq"]), row["kind"], row["stream"]) for row in rows] == [
        (event["run_id"], event["seq"], event["kind"], event["stream"]) for event in sent
    ]
    for row, event in zip(rows, sent, strict=True):
        if event["kind"] == "interval":
            assert int(row["onset_frame"]) == event["onset"]["frame"]
            assert float(row["offset_time_s"]) == event["offset"]["time_s"]
            assert float(row["confidence"]) == event["confidence"]
    assert WORDS in [row["text"] for row in rows]


def test_filters_choose_what_is_shown_and_kept(page: Visit, service: ToldService, tmp_path: Path) -> None:
    def shown(count: int) -> None:
        expect(page.find("event")).to_have_count(count, timeout=PATIENCE_MS)

    all_of_them = len(service.sent())

    page.see("filter-kind").select_option("interval")
    shown(3)
    page.see("filter-stream").select_option("door")
    shown(2)
    assert page.find("event", stream="desk").count() == 0
    wanted = [event for event in service.sent() if (event["kind"], event["stream"]) == ("interval", "door")]
    assert ids(json.loads(kept(page, "json", tmp_path).read_text())) == ids(wanted)
    # One that comes later is judged alike.
    service.say(Scene("desk").interval("e2", "closed"), Scene("door").interval("e2", "closed"))
    shown(3)
    page.see("filter-kind").select_option("")
    page.see("filter-stream").select_option("")
    shown(all_of_them + 2)
    page.see("filter-text").fill("WARNING")
    shown(1)
    assert len(json.loads(kept(page, "json", tmp_path).read_text())) == 1
    page.see("filter-text").fill("no such words")
    shown(0)
    expect(page.page.get_by_text("No event fits the filter")).to_be_visible()
    assert json.loads(kept(page, "json", tmp_path).read_text()) == []


def test_an_event_is_a_way_to_its_moment(page: Visit) -> None:
    page.find("event", kind="interval", stream="door").first.locator("button").click()
    page.see("go-live").click()
    expect(page.find("go-live")).to_be_hidden()


def test_more_than_fit_are_had_by_asking(page: Visit, service: ToldService) -> None:
    scene = Scene("door")
    service.say(*(scene.warning(f"number {n}") for n in range(450)))
    expect(page.page.get_by_text("number 449")).to_be_visible(timeout=PATIENCE_MS)
    page.evaluate("() => location.reload()")
    page.connected()
    older = page.page.get_by_role("button", name="Show older events")
    count, wanted = -1, len(service.sent(at_least=461))
    while count < wanted:
        expect(page.find("event").nth(count + 1)).to_be_attached(timeout=PATIENCE_MS)
        count = page.find("event").count()
        if older.is_visible():
            older.click()
    seqs = page.evaluate(
        "[...document.querySelectorAll('[data-testid=event]')].map(one => Number(one.dataset.seq))"
    )
    assert seqs == sorted(set(seqs), reverse=True)
    assert len(seqs) == wanted
