"""How well intervals were found: matching rules, spotting and recognition metrics, interval tables. numpy only."""

from rtme.score.clips import accuracy
from rtme.score.frames import frame_average_precision
from rtme.score.interval import Interval, VideoFacts
from rtme.score.matching import Rules, iou, match
from rtme.score.names import with_full_names
from rtme.score.recognition import Recognition, SpotThenRecognise, recognition, strs
from rtme.score.scorecard import Scorecard, scorecard, videos_beside
from rtme.score.spotting import BoundaryError, Counts, Pair, Spotting, spotting
from rtme.score.states import StateScore, f1_by_state
from rtme.score.submission import read_submission, write_submission
from rtme.score.table import read_looked_through, read_table, read_videos, write_table

__all__ = [
    "BoundaryError",
    "Counts",
    "Interval",
    "Pair",
    "Recognition",
    "Rules",
    "Scorecard",
    "SpotThenRecognise",
    "Spotting",
    "StateScore",
    "VideoFacts",
    "accuracy",
    "f1_by_state",
    "frame_average_precision",
    "iou",
    "match",
    "read_looked_through",
    "read_submission",
    "read_table",
    "read_videos",
    "recognition",
    "scorecard",
    "spotting",
    "strs",
    "videos_beside",
    "with_full_names",
    "write_submission",
    "write_table",
]
