"""What is true of a clip, as scoring takes it."""

from rtme.data.store import Clip
from rtme.score import Interval, VideoFacts


def truth_of(clip: Clip) -> list[Interval]:
    """The labelled micro- and macro-expressions of a clip."""
    return [
        Interval(
            video=clip.key,
            onset=one.onset,
            offset=one.offset,
            type=one.type,
            apex=one.apex,
            emotion=one.emotion,
            state=clip.state,
        )
        for one in clip.intervals
        if one.type != "large"
    ]


def facts_of(clip: Clip) -> VideoFacts:
    """What scoring needs to know of a clip."""
    return VideoFacts(clip.key, clip.fps, clip.n_frames, clip.state)
