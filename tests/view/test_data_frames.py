import subprocess
import sys

import pytest

from made_recordings import curve, interval, report, talk, turn
from rtme.errors import SettingsError
from rtme.view.data_frames import to_frame
from rtme.view.result import Result
from rtme.view.timeline_plot import draw_timeline

NOTHING = Result(report())
WITHOUT = """
import sys
sys.modules[{missing!r}] = None
import rtme
from rtme.errors import SettingsError
analysis = rtme.analyze("gone.mp4", engine="default")
try:
    {ask}
except SettingsError as error:
    print(error)
"""


def test_intervals_are_rows_with_their_state_and_length() -> None:
    table = to_frame(talk(20))
    assert table[["type", "state"]].values.tolist() == [
        ["me", "speaking"], ["macro", "speaking"], ["me", "listening"], ["macro", "listening"],
    ]  # fmt: skip
    assert table["duration_ms"].tolist() == pytest.approx([200, 900, 200, 900])


def test_an_interval_outside_every_turn_has_no_state() -> None:
    table = to_frame(Result(report(intervals=[interval(1, 200)], speaker=[turn("speaking", 2, 3)])))
    assert table["state"].tolist() == [None]


def test_turns_and_curves_are_tables_too() -> None:
    result = talk(20, faces=2, epochs=2)
    assert len(to_frame(result, "speaker")) == len(result.report.speaker)
    table = to_frame(result, "curve")
    assert len(table) == 4 * 600
    assert table.groupby(["epoch", "face"]).size().tolist() == [600] * 4
    assert table["judged"].dtype == bool


@pytest.mark.parametrize("name", ["intervals", "speaker", "curve"])
def test_nothing_found_is_an_empty_table_with_the_same_columns(name: str) -> None:
    empty, full = to_frame(NOTHING, name), to_frame(talk(20), name)  # type: ignore[arg-type]
    assert len(empty) == 0
    assert list(empty.columns) == list(full.columns)


def test_a_table_that_is_not_there_is_refused() -> None:
    with pytest.raises(SettingsError, match="choose from intervals, speaker, curve"):
        to_frame(NOTHING, "faces")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "result",
    [
        NOTHING,
        talk(1 / 30),
        talk(20, faces=0),
        talk(20, faces=2),
        talk(75, epochs=2),
        Result(report(), [curve(2)]),
    ],
    ids=["nothing", "one frame", "no face", "two faces", "two parts", "no interval"],
)
def test_whatever_was_found_can_be_plotted(result: Result) -> None:
    figure = draw_timeline(result)
    figure.canvas.draw()
    assert figure.axes
    assert "It learned from SYNTHETIC clips." in figure.get_supxlabel()


@pytest.mark.parametrize(("missing", "ask"), [("pandas", "analysis.data"), ("matplotlib", "analysis.plot()")])
def test_what_is_missing_is_named_before_a_recording_is_opened(missing: str, ask: str, tiny: str) -> None:
    code = WITHOUT.format(missing=missing, ask=ask).replace('"default"', repr(tiny))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert f"{missing}: pip install 'rtme[notebook]'" in done.stdout, done.stderr
