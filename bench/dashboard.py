"""The dashboard in a real Chromium: how soon it can be used, how late it is, what it costs, and how smooth a long day is.

``interactive``: from the click to a page that shows the service and answers: it is connected, has drawn, and its last long
task (50 ms or more) is over; without a history and with one of hours. ``drawn``: from an event being handed to the
publisher to the first picture of the page with its interval in it. ``cost``: the dashboard's process beside `rtme live demo`
at 30 frames/s, with one page open, and the browser. ``long``: times between the page's frames while the timeline of
a long day is panned and zoomed by mouse, and the memory of its JavaScript.

    python bench/dashboard.py [--hours 8] [--seconds 60] [--intervals 200] [--runs 3 5]        about 12 minutes
"""

import argparse
import itertools
import json
import math
import os
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from playwright.sync_api import Browser, BrowserContext, Page

import browsing
from long_day import Day, show, write
from record import begin, often_of, save
from rtme.bus.journal import Journal
from rtme.bus.publisher import Publisher
from rtme.events import FaceEvent, HeartbeatEvent, IntervalEvent, Mark, StateEvent, StreamHealth
from rtme.traces import Shown, Trace
from rtme.trial.speed.spread import figure, percentiles, repeat

SIZE = {"width": 1280, "height": 800}
QUIET_S = 2.0
PATIENCE_S = 240
SETTLED_S = 15
STEPS = 300
REACH = 250

# Notes when the page became usable, when each interval was first drawn, and how far its frames are apart.
PROBE = """
(() => {
  const probe = window.probe = {live: null, busy: 0, drawn: {}, frames: null};
  const drawn = act => requestAnimationFrame(() => {
    const after = new MessageChannel();
    after.port1.onmessage = act;
    after.port2.postMessage(0);
  });
  new PerformanceObserver(list => {
    for (const task of list.getEntries()) probe.busy = task.startTime + task.duration;
  }).observe({type: 'longtask', buffered: true});
  const seen = new Set();
  new MutationObserver(() => {
    if (probe.live === null && document.querySelector('[data-testid=connection][data-state=live]')) {
      probe.live = -1;
      drawn(() => { probe.live = performance.now(); });
    }
    for (const entry of document.querySelectorAll('[data-testid=interval][data-status=provisional]')) {
      const id = entry.dataset.id;
      if (!seen.has(id)) {
        seen.add(id);
        drawn(() => { probe.drawn[id] = performance.timeOrigin + performance.now(); });
      }
    }
  }).observe(document, {subtree: true, childList: true, attributes: true, attributeFilter: ['data-state', 'data-status']});
  let last = null;
  const frame = now => {
    if (probe.frames !== null && last !== null) probe.frames.push(now - last);
    last = now;
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
})()
"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--hours", type=float, default=8, help="of the long day")
    parser.add_argument("--seconds", type=float, default=60, help="for which the cost is measured")
    parser.add_argument("--intervals", type=int, default=200, help="whose drawing is waited for")
    parser.add_argument("--runs", type=int, nargs=2, metavar=("LEAST", "MOST"))
    arguments = parser.parse_args()
    if browsing.chromium() is None:
        raise SystemExit("there is no Chromium here: apt-get install chromium")
    known, often = begin(), often_of(arguments, 3, 5)
    with browsing.browser() as browser:
        result: dict[str, Any] = {
            "what": f"one source, one page of {SIZE['width']}×{SIZE['height']} without a window, all on one machine",
            "browser": browser.version,
        }
        with service() as publisher, browsing.dashboard(str(publisher.address)) as dashboard:
            runs, result["enough"] = repeat(
                lambda: interactive_ms(browser, dashboard.url), lambda run: run, often
            )
            result["interactive_ms"] = {"without a history": figure(runs)}
            result["drawn_ms"] = drawn_ms(browser, dashboard.url, publisher, arguments.intervals)
        result["cost"] = {}
        for name, words in (("without pictures", ()), ("with pictures", ("--preview",))):
            result["engine"], result["cost"][name] = cost(browser, arguments.seconds, *words)
        result["long"], runs = long(browser, arguments.hours, often.least)
        result["interactive_ms"][f"with {arguments.hours:g} hours"] = figure(runs)
    save("dashboard", result, known, picture=True)


def interactive_ms(browser: Browser, url: str) -> float:
    """From the click to a page that can be used, in a browser that was never there before."""
    with opened(browser, url) as page:
        return usable_ms(page)


def drawn_ms(browser: Browser, url: str, publisher: Publisher, count: int) -> dict[str, Any] | None:
    """How late an interval is on the screen, over events at times of no pattern."""
    chance = random.Random(3)
    handed: dict[str, float] = {}
    with opened(browser, url) as page:
        usable_ms(page)
        for number in range(count):
            page.wait_for_timeout(chance.uniform(100, 400))
            name = f"e{number}"
            event = interval(name)
            handed[name] = time.time() * 1000
            publisher.publish(event)
            page.wait_for_timeout(300)
            publisher.publish(event.model_copy(update={"status": "closed"}))
        page.wait_for_timeout(3_000)
        drawn: dict[str, float] = page.evaluate("probe.drawn")
    found = [drawn[key] - handed[key.rpartition("/")[2].removeprefix("i")] for key in drawn]
    if len(found) < count:
        raise SystemExit(f"only {len(found)} of {count} intervals were drawn: the bench means nothing")
    return percentiles(found)


def cost(browser: Browser, seconds: float, *words: str) -> tuple[str, dict[str, Any]]:
    """The demo's engine, and what the dashboard's process and the browser take beside it, of one core each."""
    with (
        demo(*words) as (address, engine),
        browsing.dashboard(address) as dashboard,
        opened(browser, dashboard.url) as page,
    ):
        usable_ms(page)
        if "--preview" in words:
            page.get_by_role("button", name="Show picture").click()
        page.wait_for_timeout(10_000)
        process = psutil.Process(dashboard.process.pid)
        browsers = [one for one in psutil.Process().children(recursive=True) if "chrom" in one.name()]
        before, began = spent([process]), time.monotonic()
        browser_before = spent(browsers)
        rss = []
        while time.monotonic() - began < seconds:
            page.wait_for_timeout(1_000)
            rss.append(process.memory_info().rss / 2**20)
        lasted = time.monotonic() - began
        return engine, {
            "seconds": round(lasted, 1),
            "dashboard_percent": round(100 * (spent([process]) - before) / lasted, 1),
            "browser_percent": round(100 * (spent(browsers) - browser_before) / lasted, 1),
            "dashboard_mib": round(max(rss), 1),
        }


def long(browser: Browser, hours: float, runs: int) -> tuple[dict[str, Any], list[float]]:
    """A day in the dashboard: its size, how smooth it is to look through, and how soon a page of it can be used."""
    day = Day(hours)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "journal.sqlite"
        events = write(day, path)
        print(f"  {events} events of {hours:g} hours are written", flush=True)
        with service(path) as publisher, browsing.dashboard(str(publisher.address)) as dashboard:
            known, fetched_s = fetched(dashboard.url)
            points = show(day, publisher)
            print(f"  {known} events are known, {points} points of its curve are sent", flush=True)
            time.sleep(3)
            usable = [interactive_ms(browser, dashboard.url) for _ in range(runs)]
            with opened(browser, dashboard.url) as page:
                usable_ms(page)
                found = {name: frames_ms(page, act) for name, act in GESTURES.items()}
                heap = heap_mib(page)
            rss = psutil.Process(dashboard.process.pid).memory_info().rss / 2**20
    result = {
        "hours": hours,
        "events": known,
        "fetched_s": round(fetched_s, 1),
        "points": points,
        "frames_ms": found,
        "heap_mib": round(heap, 1),
        "dashboard_mib": round(rss, 1),
    }
    return result, usable


def fetched(url: str) -> tuple[int, float]:
    """How many events the dashboard knows of once no more come for a while, and after how many seconds that was.

    Fewer than the day had: what is older than the dashboard goes back is left out.
    """
    began = since = time.monotonic()
    known = 0
    while known < 10 or time.monotonic() - since < SETTLED_S:
        if time.monotonic() - began > PATIENCE_S:
            raise SystemExit("the dashboard fetches no end of events: the bench means nothing")
        with urllib.request.urlopen(f"{url}export.json", timeout=PATIENCE_S) as answer:
            now = len(json.load(answer))
        if now != known:
            known, since = now, time.monotonic()
        time.sleep(0.5)
    return known, since - began


def heap_mib(page: Page) -> float:
    """What JavaScript still uses after it has tidied up."""
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    session.send("Performance.enable")
    metrics = {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}
    return float(metrics["JSHeapUsedSize"]) / 2**20


def rest(page: Page) -> None:
    """Nobody touches anything: what the browser itself can do here."""
    page.wait_for_timeout(5_000)


def zoom_out(page: Page) -> None:
    """By wheel, from seconds to the whole day."""
    zoom(page, 100)


def zoom(page: Page, by: int) -> None:
    on_timeline(page)
    page.keyboard.down("Control")
    for _ in range(STEPS // 10):
        page.mouse.wheel(0, by)
        page.wait_for_timeout(100)
    page.keyboard.up("Control")


def pan(page: Page) -> None:
    """By mouse, to and fro."""
    x, y = on_timeline(page)
    page.mouse.down()
    for step in range(STEPS):
        page.mouse.move(x + REACH * math.sin(step / 15), y)
    page.mouse.up()


def zoom_in(page: Page) -> None:
    """By wheel, back to seconds."""
    zoom(page, -100)


def scroll_events(page: Page) -> None:
    """Through the list of events, by wheel."""
    box = page.locator("[data-testid=events]").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, min(box["y"] + box["height"] / 2, SIZE["height"] - 10))
    for _ in range(STEPS):
        page.mouse.wheel(0, 120)


GESTURES: dict[str, Callable[[Page], None]] = {
    "at rest": rest,
    "zooming out": zoom_out,
    "panning the whole day": pan,
    "zooming in": zoom_in,
    "panning seconds": pan,
    "scrolling the events": scroll_events,
}


def on_timeline(page: Page) -> tuple[float, float]:
    """Put the mouse in the middle of the first timeline; where that is."""
    box = page.locator("[data-testid=timeline]").first.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + min(box["height"], SIZE["height"] - box["y"]) / 2
    page.mouse.move(x, y)
    return x, y


def frames_ms(page: Page, act: Callable[[Page], None]) -> dict[str, Any] | None:
    """How far frames are apart while somebody does something."""
    page.evaluate("probe.frames = []")
    act(page)
    found = percentiles(
        page.evaluate("(() => { const found = probe.frames; probe.frames = null; return found; })()")
    )
    print(f"  {act.__name__}: {found}", flush=True)
    return found


def usable_ms(page: Page) -> float:
    """When the page was connected, drawn, and its last long task over; once it has rested for a while."""
    until = time.monotonic() + PATIENCE_S
    # The page's own rules let no text be run as a program later, which Playwright's waiting would.
    while not page.evaluate(
        f"probe.live > 0 && performance.now() - Math.max(probe.live, probe.busy) > {1000 * QUIET_S}"
    ):
        if time.monotonic() > until:
            raise SystemExit("the page never came to rest: the bench means nothing")
        page.wait_for_timeout(100)
    found: float = page.evaluate("Math.max(probe.live, probe.busy)")
    return found


@contextmanager
def opened(browser: Browser, url: str) -> Iterator[Page]:
    """A page in a browser without cookies and cache."""
    context: BrowserContext = browser.new_context(viewport=SIZE)  # type: ignore[arg-type]
    context.add_init_script(PROBE)
    try:
        page = context.new_page()
        page.goto(url)
        yield page
    finally:
        context.close()


@contextmanager
def service(path: Path | None = None) -> Iterator[Publisher]:
    """A publisher of one live source with a face: heartbeats go on and, without a journal of earlier hours, the curve."""
    over = threading.Event()
    journal = None if path is None else Journal(path)
    replay = "tcp://127.0.0.1:*"
    try:
        with Publisher("tcp://127.0.0.1:*", journal=journal, replay=replay) as publisher:

            def beat() -> None:
                health = {"cam": StreamHealth(state="live", frames=900, fps=30.0, faces=1)}
                for number in itertools.count():
                    if path is None:
                        publisher.show(piece())
                    if over.wait(0.2):
                        return
                    if number % 5:
                        continue
                    publisher.publish(
                        HeartbeatEvent(
                            stream="_service", uptime_s=1, engine="bench", last_seq=0, streams=health
                        )
                    )

            publisher.publish(StateEvent(stream="cam", state="live", at=mark()))
            publisher.publish(FaceEvent(stream="cam", face=1, status="appeared", at=mark()))
            beating = threading.Thread(target=beat)
            beating.start()
            try:
                yield publisher
            finally:
                over.set()
                beating.join()
    finally:
        if journal is not None:
            journal.close()


@contextmanager
def demo(*words: str) -> Iterator[tuple[str, str]]:
    """`rtme live demo` in a process of its own; its address and its engine."""
    command = [sys.executable, "-m", "rtme", "live", "demo", "--no-journal", "--bind", "tcp://127.0.0.1:*"]
    process = subprocess.Popen(
        [*command, "--replay", "tcp://127.0.0.1:*", *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "COLUMNS": "300"},
    )
    try:
        assert process.stderr is not None
        engine = ""
        for line in process.stderr:
            if found := re.match(r"engine (\S+ \S+),", line):
                engine = found[1]
            if found := re.search(r"publishing on (\S+)", line):
                yield found[1], engine
                return
        raise SystemExit("rtme live demo ended before it published")
    finally:
        process.terminate()
        process.communicate(timeout=30)


def spent(processes: list[psutil.Process]) -> float:
    """Seconds of a processor that they have taken so far."""
    return sum(times.user + times.system for one in processes for times in [one.cpu_times()])


def mark() -> Mark:
    now_ns = time.time_ns()
    return Mark(
        frame=now_ns // 33_333_333 % 10**9,
        time_s=now_ns / 1e9 % 1e6,
        capture_ns=time.monotonic_ns(),
        wall_ns=now_ns,
    )


def piece() -> Shown:
    """A fifth of a second of the curve of a face."""
    marks, count = [mark() for _ in range(6)], 6
    return Shown(
        Trace(
            stream="cam",
            epoch=0,
            face=1,
            frame=[one.frame + n for n, one in enumerate(marks)],
            time_s=[one.time_s + n / 30 for n, one in enumerate(marks)],
            wall_ns=[marks[0].wall_ns - round((11 - n) / 30 * 1e9) for n in range(count)],
            score=[0.1] * count,
            speaking=[0.5] * count,
            yaw=[1.0] * count,
            pitch=[2.0] * count,
            roll=[3.0] * count,
            eye_distance_px=[64.0] * count,
            judged=[True] * count,
        )
    )


def interval(name: str) -> IntervalEvent:
    now = mark()
    return IntervalEvent(
        stream="cam",
        at=now,
        algorithmic_ms=333.0,
        id=name,
        face=1,
        type="me",
        status="provisional",
        onset=now,
        apex=now,
        offset=now,
        confidence=0.9,
    )


if __name__ == "__main__":
    main()
