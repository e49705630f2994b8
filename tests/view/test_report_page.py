"""The page that `rtme analyze --report` writes: read as strictly as a browser may, whatever was found."""

import re
from pathlib import Path
from xml.etree.ElementTree import Element

import html5lib
import numpy as np
import pytest

from made_recordings import curve, interval, report, talk
from rtme.view.curves import FaceCurve
from rtme.view.notebook import card
from rtme.view.report import Gap
from rtme.view.report_page import render_page, write_page
from rtme.view.result import Result

JPEG = b"\xff\xd8\xff\xe0 a face"
STRANGE = "<script>alert(1)</script>&\"'.mp4"


def nan_curve() -> FaceCurve:
    known = curve(5)
    nothing = np.full(len(known.frame), np.nan)
    return FaceCurve(
        0, 1, known.frame, known.time_s, nothing, nothing, nothing, nothing, nothing, nothing, known.judged
    )


RECORDINGS = {
    "usual": talk(20),
    "no frame": Result(report(fps=None)),
    "one frame": talk(1 / 30),
    "no face": talk(20, faces=0),
    "no interval": Result(report(frames=150), [curve(5)]),
    "no curve": Result(report(frames=150, intervals=[interval(1, 200)])),
    "nothing is known of the face": Result(report(frames=150), [nan_curve()]),
    "two faces, five minutes": talk(300, faces=2),
    "two parts": talk(75, epochs=2),
    "how it was done is not told": Result(report(method=None, frames=150), [curve(5)]),
    "a gap without a place": Result(
        report(gaps=[Gap(cause="corrupt", count=2, start=None, end=None, start_s=None, end_s=None)])
    ),
    "a strange name": Result(report(source=f"/tmp/{STRANGE}", warnings=["<b>no"])),
    "an offset after the end": Result(report(frames=30, intervals=[interval(0.9, 400), interval(0.9, 900)])),
}


def parse(page: str) -> Element:
    """The page as a browser reads it; an error of syntax is one."""
    return html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(page)


def links(tree: Element) -> list[str]:
    return [
        value
        for element in tree.iter()
        for name, value in element.attrib.items()
        if str(name).rpartition("}")[2] in ("href", "src", "srcset", "data", "action", "poster")
    ]


def ids(tree: Element) -> list[str]:
    return [element.attrib["id"] for element in tree.iter() if "id" in element.attrib]


@pytest.mark.parametrize("name", RECORDINGS)
def test_whatever_was_found_is_a_page_that_fetches_nothing(name: str) -> None:
    page = render_page([RECORDINGS[name]])
    tree = parse(page)
    assert len(ids(tree)) == len(set(ids(tree)))
    for link in links(tree):
        assert link.startswith("#")
        assert link[1:] in ids(tree)
    assert not re.search(r"@import|url\((?!#)|<script|nan\b", page, re.IGNORECASE)
    assert "It learned from SYNTHETIC clips." in page
    assert "nothing about emotion, deceit" in page
    assert "holds no picture of a face" in page


@pytest.mark.parametrize("name", RECORDINGS)
def test_whatever_was_found_shows_itself_in_a_notebook(name: str) -> None:
    text = card(RECORDINGS[name])
    tree = parse(f"<!doctype html><title>card</title>{text}")
    assert not [link for link in links(tree) if not link.startswith("#")]
    assert "It learned from SYNTHETIC clips." in text
    assert "<script" not in text


def test_all_recordings_are_on_one_page() -> None:
    page = render_page(list(RECORDINGS.values()))
    tree = parse(page)
    assert len(ids(tree)) == len(set(ids(tree)))
    assert all(link[1:] in ids(tree) for link in links(tree))
    (overview, *_) = tree.iter("tbody")
    assert len(list(overview.iter("tr"))) == len(RECORDINGS)


def test_each_interval_leads_to_its_place_in_the_timeline_and_back() -> None:
    result = talk(300, faces=2)
    tree = parse(render_page([result]))
    assert {f"#t{n}" for n in range(len(result.report.intervals))} <= set(links(tree))
    assert {f"#i{n}" for n in range(len(result.report.intervals))} <= set(links(tree))


def test_tables_have_heads_and_pictures_have_words() -> None:
    pictures = [{0: {"onset": JPEG, "apex": JPEG, "offset": JPEG}, 1: {"apex": JPEG}}]
    page = render_page([talk(20)], pictures)
    tree = parse(page)
    for table in tree.iter("table"):
        assert table.find("caption") is not None
        assert all(head.get("scope") for head in table.iter("th"))
    images = list(tree.iter("img"))
    assert len(images) == 4
    assert images[0].get("alt") == "face 1 at the onset of interval 1"
    assert all(str(image.get("src")).startswith("data:image/jpeg;base64,") for image in images)
    assert all(drawing.get("aria-label") for drawing in tree.iter() if drawing.tag.endswith("svg"))
    assert "holds <strong>pictures of faces</strong>" in page
    levels = [int(e.tag[1]) for e in tree.iter() if re.fullmatch("h[1-6]", str(e.tag))]
    assert levels[0] == 1
    assert levels.count(1) == 1


def test_an_hour_is_a_few_megabytes(tmp_path: Path) -> None:
    write_page(tmp_path / "hour.html", [talk(3600)])
    assert (tmp_path / "hour.html").stat().st_size < 3_000_000


def test_colours_of_text_can_be_read_on_the_page() -> None:
    style = re.search(r"<style>(.*?)</style>", render_page([talk(5)]), re.DOTALL)
    assert style is not None
    # Of the page, then of the report: light and dark.
    blocks = [
        dict(re.findall(r"--([\w-]+): (#\w+)", block)) for block in re.findall(r":root \{(.*?)\}", style[1])
    ]
    light, dark = blocks[0] | blocks[2], blocks[1] | blocks[3]
    for colours in (light, dark):
        for text, ground in (
            ("ink", "paper"),
            ("soft", "paper"),
            ("soft", "wash"),
            ("mark", "paper"),
            ("warn", "warn-wash"),
            ("on-listening", "listening"),
        ):
            assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
        for mark in ("me", "macro", "yaw", "pitch", "roll", "speaking"):
            assert contrast(colours[mark], colours["wash"]) >= 3, mark
        assert contrast("#ffffff", colours["speaking"]) >= 4.5


def contrast(one: str, other: str) -> float:
    """As WCAG 2 has it."""
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
