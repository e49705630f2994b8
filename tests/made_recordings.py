"""Results of recordings that nobody made: any length, any number of faces and parts."""

import numpy as np

from rtme.view.curves import FaceCurve
from rtme.view.report import Gap, Interval, Method, Report, Turn, Unjudged
from rtme.view.result import Result

METHOD = Method(
    rtme="1.2.3",
    backend="onnxruntime fp32 on the CPU",
    faces=2,
    on=0.8,
    off=0.4,
    min_ms=66,
    me_max_ms=500,
    look_ahead_ms=333.3,
    speaker_look_ahead_ms=266.7,
    calibrated=True,
)


def report(**known: object) -> Report:
    return Report.model_validate(
        {
            "source": "talk.mp4",
            "fps": 30.0,
            "frames": 0,
            "engine": "tiny 1",
            "engine_note": "It learned from SYNTHETIC clips.",
            "method": METHOD,
        }
        | known
    )


def interval(onset_s: float, ms: float, face: int = 1, epoch: int = 0, confidence: float = 0.8) -> Interval:
    offset_s = onset_s + ms / 1000
    apex_s = (onset_s + offset_s) / 2
    onset, apex, offset = (round(30 * at) for at in (onset_s, apex_s, offset_s))
    return Interval(
        type="me" if ms <= 500 else "macro",
        onset=onset,
        apex=apex,
        offset=offset,
        onset_s=onset_s,
        apex_s=apex_s,
        offset_s=offset_s,
        confidence=confidence,
        face=face,
        epoch=epoch,
    )


def turn(state: str, start_s: float, end_s: float, face: int = 1, epoch: int = 0) -> Turn:
    return Turn.model_validate(
        {"state": state, "start_s": start_s, "end_s": end_s, "face": face, "epoch": epoch}
        | {"start": round(30 * start_s), "end": round(30 * end_s), "confidence": 0.9}
    )


def curve(seconds: float, face: int = 1, epoch: int = 0, start_s: float = 0.0) -> FaceCurve:
    """A face at 30 frames a second that is not judged from 3 s to 4 s of its own time, and has no score at first."""
    n = max(round(30 * seconds), 1)
    rng = np.random.default_rng(face + 10 * epoch)
    time_s = start_s + np.arange(n) / 30
    own_s = time_s - start_s
    score = np.clip(0.15 + 0.1 * np.sin(own_s) + 0.05 * rng.standard_normal(n), 0, 1)
    score[np.arange(n) % 600 > 594] = 0.95
    judged = ~((own_s >= 3) & (own_s < 4))
    score[~judged] = np.nan
    score[:4] = np.nan
    turned = np.where(judged, 12 * np.sin(own_s / 3), 50.0)
    return FaceCurve(
        epoch=epoch,
        face=face,
        frame=np.arange(n) + round(30 * start_s),
        time_s=time_s,
        score=score,
        speaking=np.full(n, 0.5),
        yaw=turned,
        pitch=turned / 2,
        roll=np.zeros(n),
        eye_distance_px=np.full(n, 70.0),
        judged=judged,
    )


def talk(seconds: float, faces: int = 1, epochs: int = 1) -> Result:
    """A recording in which each face speaks and listens in turn for 10 s, with two expressions every 10 s."""
    everybody = [(epoch, face) for epoch in range(epochs) for face in range(1, faces + 1)]
    starts = np.arange(0.0, seconds, 10.0)
    content = report(
        frames=round(30 * seconds * epochs),
        intervals=[
            interval(start + at, ms, face, epoch)
            for epoch, face in everybody
            for start in starts
            for at, ms in ((1.5, 200), (6.0, 900))
            if start + at + ms / 1000 < seconds
        ],
        speaker=[
            turn(("speaking", "listening")[number % 2], start, min(start + 9.97, seconds), face, epoch)
            for epoch, face in everybody
            for number, start in enumerate(starts)
        ],
        unjudged=[
            Unjudged(
                reason="turned away: yaw 50°, at most 40°", start_s=3.3, end_s=4.3, face=face, epoch=epoch
            )
            for epoch, face in everybody
            if seconds > 5
        ],
        gaps=[Gap(cause="no_face", count=60, start=0, end=60, start_s=0.0, end_s=2.0)] if faces == 0 else [],
    )
    return Result(content, [curve(seconds, face, epoch) for epoch, face in everybody])
