"""Pictures and curves on the page: pixels, and who is sent them."""

import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np
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
MIDDLE = """canvas => [...canvas.getContext('2d').getImageData(
  canvas.width >> 1, canvas.height >> 1, 1, 1).data]"""
DRAWN = """canvas => new Set(new Uint32Array(
  canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.buffer)).size"""


@pytest.fixture
def with_pictures(tmp_path: Path) -> Iterator[ToldService]:
    """A service that was started with ``--preview``."""
    told = ToldService(tmp_path, preview=True)
    yield told
    told.kill()


def red() -> bytes:
    """A JPEG of 64 by 48 pixels."""
    image = np.zeros((48, 64, 3), np.uint8)
    image[:, :, 0] = 200
    memory = io.BytesIO()
    with av.open(memory, "w", format="image2pipe") as out:
        stream = out.add_stream("mjpeg", rate=1)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuvj420p"
        frame = av.VideoFrame.from_ndarray(image, format="rgb24").reformat(format="yuvj420p")
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return memory.getvalue()


def test_pictures_are_shown_where_the_service_gives_them(
    with_pictures: ToldService, open_dashboard: Open, visit: Go
) -> None:
    scene = Scene()
    with_pictures.report({"cam": scene.health()})
    with_pictures.say(scene.state(), *scene.appears())
    page = visit(open_dashboard(with_pictures.address).url).connected()
    press = page.page.get_by_role("button", name="Show picture")
    expect(press).to_be_visible(timeout=PATIENCE_MS)
    expect(page.find("preview")).to_be_hidden()
    press.click()
    preview = page.see("preview")
    for _ in range(100):
        with_pictures.show(scene.sight(red()))
        page.page.wait_for_timeout(100)
        if preview.get_attribute("data-time"):
            break
    colour = preview.evaluate(MIDDLE)
    assert colour[0] > 150
    assert max(colour[1], colour[2]) < 80
    page.page.get_by_role("button", name="Hide picture").click()
    expect(page.find("preview")).to_be_hidden()


def test_without_preview_the_page_offers_none(service: ToldService, open_dashboard: Open, visit: Go) -> None:
    scene = Scene()
    service.report({"cam": scene.health()})
    service.say(scene.state(), *scene.appears())
    page = visit(open_dashboard(service.address).url).connected()
    page.see("source", stream="cam")
    expect(page.page.get_by_text("--preview")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.find("preview")).to_be_hidden()
    expect(page.page.get_by_role("button", name="Show picture")).to_be_hidden()


def test_the_curve_is_drawn(service: ToldService, open_dashboard: Open, visit: Go) -> None:
    scene = Scene()
    service.report({"cam": scene.health()})
    service.say(scene.state(), *scene.appears())
    page = visit(open_dashboard(service.address).url).connected()
    timeline = page.see("timeline")
    page.see("face", face=1)
    # A subscriber that has just come misses what is sent before it has connected.
    for _ in range(100):
        service.show(scene.trace(0.2))
        page.page.wait_for_timeout(100)
        if "yaw 5" in page.see("face", face=1).inner_text():
            break
    assert "pitch -2" in page.see("face", face=1).inner_text()
    assert timeline.evaluate(DRAWN) > 10


@pytest.mark.timeout(400)
def test_the_demo(engine: str, open_dashboard: Open, visit: Go) -> None:
    from live_process import service as live_service

    with live_service(engine, "demo", "--preview", "--replay", "tcp://127.0.0.1:*") as (_, heard):
        page = visit(open_dashboard(heard.address).url).connected()
        page.see("source", stream="demo")
        expect(page.find("interval").first).to_be_visible(timeout=4 * PATIENCE_MS)
        expect(page.find("face").first).to_be_visible(timeout=PATIENCE_MS)
        page.page.get_by_role("button", name="Show picture").click()
        expect(page.find("preview")).to_have_attribute("data-time", re.compile("."), timeout=4 * PATIENCE_MS)
        expect(page.page.get_by_text("planted by the demo")).to_be_visible(timeout=4 * PATIENCE_MS)
