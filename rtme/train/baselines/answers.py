"""What a classical method says of a fold's test clips, in the same form as a trained engine."""

from collections.abc import Callable

import numpy as np

from rtme.data.store import NO_FRAME, Clip, Store
from rtme.score import Interval, Rules
from rtme.train.baselines.peaks import Curve, Threshold, choose, spot
from rtme.train.outcome import ClipRow, Outcome
from rtme.train.runs import FoldClips
from rtme.train.truth import truth_of

Method = Callable[[Store, Clip], Curve]


def answer(
    method: Method, store: Store, fold: FoldClips, seed: int, rules: Rules | None = None
) -> tuple[Outcome, Threshold]:
    """Choose a threshold on the validation clips and spot in the test clips.

    A clip holds a micro-expression when one was found in it; of the speaker's state nothing is said.

    Args:
        method: ``lbp_top.curve`` or ``mdmd.curve``.
        store: Of the clips.
        fold: Its training clips are not looked at.
        seed: Goes into the rows; nothing here is random.
        rules: How intervals are matched when the threshold is chosen.
    """
    curves = [method(store, clip) for clip in fold.validation]
    threshold = choose(store, fold.validation, curves, rules or Rules())
    rows: list[ClipRow] = []
    truth: list[Interval] = []
    found: list[Interval] = []
    scores, labels = [np.zeros(0, np.float32)], [np.zeros(0, np.uint8)]
    for clip in fold.test:
        curve = method(store, clip)
        spotted = spot(store, clip, curve, threshold)
        seen = store.rows(clip)["frame"] != NO_FRAME
        rows.append(_row(clip, curve, bool(spotted), fold.name, seed))
        truth += truth_of(clip)
        found += spotted
        scores.append(np.nan_to_num(curve[seen], nan=0.0))
        labels.append(np.asarray(store.rows(clip)["label"][seen]))
    return Outcome(rows, truth, found, np.concatenate(scores), np.concatenate(labels)), threshold


def _row(clip: Clip, curve: Curve, said_me: bool, fold: str, seed: int) -> ClipRow:
    known = curve[np.isfinite(curve)]
    return ClipRow(
        dataset=clip.dataset,
        subject=clip.subject,
        video=clip.video,
        state=clip.state,
        has_me=bool(clip.of_type("me")) if clip.labelled else None,
        p_me=float(known.max()) if known.size else 0.0,
        p_speaking=None,
        said_me=said_me,
        said_speaking=None,
        fold=fold,
        seed=seed,
        fps=clip.fps,
        n_frames=clip.n_frames,
        base=clip.base,
    )
