"""How well intervals were found: matching rules, spotting and recognition metrics, interval tables. numpy only."""

from rtme.score.clips import accuracy
from rtme.score.frames import frame_average_precision
from rtme.score.interval import Interval, VideoFacts
from rtme.score.matching import Rules, iou, match
from rtme.score.spotting import BoundaryError, Counts, Pair, Spotting, spotting
from rtme.score.states import StateScore, f1_by_state
from rtme.score.table import read_table, read_videos, write_table

__all__ = [
    "BoundaryError",
    "Counts",
    "Interval",
    "Pair",
    "Rules",
    "Spotting",
    "StateScore",
    "VideoFacts",
    "accuracy",
    "f1_by_state",
    "frame_average_precision",
    "iou",
    "match",
    "read_table",
    "read_videos",
    "spotting",
    "write_table",
]
