from pathlib import Path

import pytest

import rtme
from rtme.errors import RtmeError, SourceError


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
