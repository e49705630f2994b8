from pathlib import Path

import numpy as np
import pytest

import rtme
from rtme.errors import RtmeError, SourceError
from rtme.live.showing import Showing
from rtme.traces import Sight
from rtme.view.curves import collect_curves


def test_what_the_environment_says_of_live_does_not_matter(
    clip: Path, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RTME_BIND", "tcp://no-such-host.invalid:1")
    monkeypatch.setenv("RTME_SOURCE", '[{"url": "rtsp://192.0.2.1/x"}]')
    assert rtme.analyze(clip, engine=engine).report().frames == 90


@pytest.mark.parametrize("source", ["demo", "7", "rtsp://h/x", "video=Cam", "/dev/video0"])
def test_what_never_ends_is_not_analysed(source: str, engine: str) -> None:
    with pytest.raises(SourceError, match="live source"):
        rtme.analyze(source, engine=engine)


def test_a_file_may_be_named_by_its_address(clip: Path, engine: str) -> None:
    assert rtme.analyze(clip.as_uri(), engine=engine).report().frames == 90


def test_a_failure_stays_one(engine: str, tmp_path: Path) -> None:
    analysis = rtme.analyze(tmp_path / "gone.mp4", engine=engine)
    for _ in range(2):
        with pytest.raises(SourceError, match="gone"):
            analysis.report()


def test_half_an_analysis_gives_no_report(clip: Path, engine: str) -> None:
    analysis = rtme.analyze(clip, engine=engine)
    for _ in analysis:
        break
    with pytest.raises(RtmeError, match="started before"):
        analysis.report()


def test_a_file_name_may_be_any_bytes(clip: Path, engine: str, tmp_path: Path) -> None:
    odd = tmp_path / "caf\udce9.mp4"
    odd.write_bytes(clip.read_bytes())
    report = rtme.analyze(odd, engine=engine).report()
    assert report.frames == 90
    assert report.model_dump_json()
    with pytest.raises(SourceError, match="caf"):
        rtme.analyze(tmp_path / "caf\udce8.mp4", engine=engine).report()


def test_every_judged_frame_is_a_point_of_the_curve_and_says_what_the_decoder_got(
    engine: str, clip: Path
) -> None:
    analysis = rtme.analyze(clip, engine=engine)
    report = analysis.report()
    (curve,) = collect_curves(analysis.shown)
    assert len(curve.frame) == len(set(curve.frame.tolist())) > 0.9 * report.frames
    assert (np.diff(curve.frame) > 0).all()
    known = curve.score[~np.isnan(curve.score)]
    assert len(known) > 0.7 * report.frames
    assert ((known >= 0) & (known <= 1)).all()
    for found in report.intervals:
        inside = (curve.frame >= found.onset) & (curve.frame <= found.offset)
        (apex,) = curve.score[curve.frame == found.apex]
        assert apex >= np.nanmax(curve.score[inside]) - 1e-3


def test_outlines_are_kept_where_they_are_asked_for(engine: str, clip: Path) -> None:
    analysis = rtme.analyze(clip, engine=engine, showing=Showing(pictures=False))
    report = analysis.report()
    sights = [one for one in analysis.shown if isinstance(one.message, Sight)]
    assert [one.message.frame for one in sights] == list(range(report.frames))
    assert all(one.picture is None for one in sights)
    face = sights[-1].message.faces[0]
    x, y, width, height = face.box
    assert all(
        x - 1 <= px <= x + width + 1 and y - 1 <= py <= y + height + 1
        for line in face.outline
        for px, py in line
    )


def test_no_outline_is_made_unless_asked_for(engine: str, clip: Path) -> None:
    analysis = rtme.analyze(clip, engine=engine)
    analysis.report()
    assert not [one for one in analysis.shown if isinstance(one.message, Sight)]
