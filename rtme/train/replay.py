"""Prepared clips through the live path: each window scored once, then decoded with any thresholds.

Nothing of the live path is written again here: a clip's slots go through :class:`rtme.live.stream_run.StreamRun`, whose
windows are answered from what the model said of them before. So what is found in a clip is what ``rtme analyze``
reports for it with the exported engine, faces that are lost and found again included.
"""

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from rtme.data.store import NO_FACE, NO_FRAME, Clip, Store, StorePlan
from rtme.engine.backend import Features, WindowScores
from rtme.engine.manifest import DecoderSettings, FileEntry, Manifest, SpeakerSettings
from rtme.events import AnyEvent, FaceEvent, Mark
from rtme.face.crop import FaceCrop, HeadPose
from rtme.live.messages import Tracked
from rtme.live.stream_run import StreamRun
from rtme.model.meldae import Meldae, Probabilities
from rtme.spot.calibration import Knots
from rtme.train.features import FeatureCache
from rtme.train.recipe import Recipe
from rtme.view.report import Report, collect

Floats = NDArray[np.float32]

_WINDOWS, _CROPS = 128, 64
"""Scored and encoded at once; neighbouring windows share their crops, so that few are encoded twice."""

_NO_GRAPH = FileEntry(file="none", sha256="0" * 64)


@dataclass(frozen=True, slots=True, eq=False)
class ScoredWindow:
    """What the model said of one window of one face.

    Attributes:
        face: The tracker's number of the face.
        first: First slot with a crop since the face appeared.
        end: Last slot of the window.
        valid: ``(T,)`` 1 where a slot has a crop.
        p_me: The window holds a micro-expression, 0..1.
        p_speaking: ``(T,)`` the person speaks at the slot, 0..1.
        frames: ``(T,)`` the slot belongs to an expression, 0..1.
    """

    face: int
    first: int
    end: int
    valid: Floats
    p_me: float
    p_speaking: Floats
    frames: Floats


@dataclass(frozen=True, slots=True, eq=False)
class ScoredClip:
    """A clip and what the model said of each window that the live path cuts.

    Attributes:
        clip: Which.
        plan: How its store was prepared.
        rows: Its slots, see :data:`rtme.data.store.ROW`.
        windows: In the order in which the live path asks for them.
    """

    clip: Clip
    plan: StorePlan
    rows: NDArray[Any]
    windows: list[ScoredWindow]

    @property
    def p_me(self) -> float:
        """That the clip holds a micro-expression: the highest of its windows, since one is enough; 0 without any."""
        return max((window.p_me for window in self.windows), default=0.0)

    @property
    def p_speaking(self) -> float | None:
        """That the person speaks: the mean over windows and slots, since a clip's state is that of most of it."""
        said = [window.p_speaking[window.valid > 0] for window in self.windows]
        return float(np.mean(np.concatenate(said))) if said else None


def score_clips(
    store: Store, clips: Iterable[Clip], model: Meldae, recipe: Recipe, features: FeatureCache | None = None
) -> list[ScoredClip]:
    """Score every window that the live path would cut of some clips.

    Args:
        store: Where they are.
        clips: Which.
        model: It stays on its device, and is left in evaluation mode.
        recipe: Says how windows are cut.
        features: What its encoder said of every crop; None encodes the crops.
    """
    model.eval()
    probabilities = Probabilities(model.temporal)
    device = next(model.parameters()).device
    scored = []
    for clip in clips:
        rows = store.rows(clip)
        cut = _cut(clip, store.plan, rows, recipe)
        windows: list[ScoredWindow] = []
        for start in range(0, len(cut), _WINDOWS):
            some = cut[start : start + _WINDOWS]
            valid = np.stack([window.valid for window in some])
            slots = np.array([window.end for window in some])[:, None] + np.arange(1 - valid.shape[1], 1)
            used, place = np.unique(np.where(valid > 0, slots, slots[valid > 0][0]), return_inverse=True)
            if features is None:
                frame, regions = _encode(model, store.crops(clip), used)
            else:
                at = store.first(clip) + used
                frame, regions = (
                    torch.from_numpy(kept[at]).to(device) for kept in (features.frame, features.regions)
                )
            if recipe.model.measures:
                measures = torch.from_numpy(rows["measures"][used].astype(np.float32)).to(device)
                frame = torch.cat([frame, measures], -1)
            at_slot = torch.from_numpy(place.reshape(slots.shape)).to(device)
            present = torch.from_numpy(valid).to(device)
            with torch.inference_mode():
                # As in the live path, nothing but zeros stands where there is no crop.
                told = probabilities(
                    frame[at_slot] * present[..., None], regions[at_slot] * present[..., None, None], present
                )
            p_me, p_speaking, frames = (answer.cpu().numpy() for answer in told)
            windows += [
                ScoredWindow(w.face, w.first, w.end, w.valid, float(p_me[i]), p_speaking[i], frames[i])
                for i, w in enumerate(some)
            ]
        scored.append(ScoredClip(clip, store.plan, rows, windows))
    return scored


def replay(
    scored: ScoredClip,
    recipe: Recipe,
    decoder: DecoderSettings,
    speaker: SpeakerSettings | None = None,
    calibration: Knots = (),
) -> Report:
    """What ``rtme analyze`` reports for a clip, with these settings in the engine's manifest."""
    numbers = engine_numbers(recipe, scored.plan, decoder, speaker or SpeakerSettings())
    numbers["calibration"] = calibration
    recorded = _Recorded(numbers, scored.rows)
    recorded.answers = {(window.face, window.end): window for window in scored.windows}
    events = _play(scored.clip, scored.rows, recorded)
    report = Report(
        source=scored.clip.key,
        fps=scored.clip.fps,
        frames=scored.clip.n_frames,
        engine=f"{recipe.name} {recipe.version}",
        engine_note=recipe.summary,
    )
    return collect(report, events)


def engine_numbers(
    recipe: Recipe, plan: StorePlan, decoder: DecoderSettings, speaker: SpeakerSettings
) -> dict[str, Any]:
    """The manifest of a recipe's engine, but for its graphs and its record."""
    config = recipe.model
    return {
        "name": recipe.name,
        "version": recipe.version,
        "licence": recipe.licence,
        "summary": recipe.summary,
        "input": config.input,
        "size": config.size,
        "fps": plan.fps,
        "flow_lag": plan.flow_lag if config.input == "motion" else 0,
        "window": config.window,
        "hop": recipe.spot.hop,
        "look_ahead": recipe.spot.look_ahead,
        "frame_size": config.frame_size,
        "measures": config.measured,
        "regions": config.regions,
        "region_size": config.region_size,
        "decoder": decoder,
        "speaker": speaker,
    }


class _Recorded:
    """An engine whose answers are known: the feature of a crop is the number of its slot.

    Windows that it has no answer for are kept in ``asked``.
    """

    def __init__(self, numbers: dict[str, Any], rows: NDArray[Any]) -> None:
        whole = Manifest(**numbers, encoder=_NO_GRAPH, temporal=_NO_GRAPH)
        self.manifest = whole.model_copy(
            update={"frame_size": 1, "measures": 0, "regions": 1, "region_size": 1}
        )
        self.answers: dict[tuple[int, int], ScoredWindow] = {}
        self.asked: list[tuple[int, int, Floats]] = []
        self._faces = rows["face"]

    def score(self, frame: Floats, regions: Floats, valid: Floats) -> WindowScores:
        """The answers to windows, NaN where there is none."""
        told = [self._answer(*window) for window in zip(frame, valid, strict=True)]
        p_me, p_speaking, frames = zip(*told, strict=True)
        return WindowScores(np.array(p_me, np.float32), np.stack(p_speaking), np.stack(frames))

    def _answer(self, frame: Floats, valid: Floats) -> tuple[float, Floats, Floats]:
        known = int(valid.argmax())
        slot = int(frame[known, 0])
        face, end = int(self._faces[slot]), slot + len(valid) - 1 - known
        answer = self.answers.get((face, end))
        if answer is None:
            self.asked.append((face, end, valid))
            unknown = np.full_like(valid, np.nan)
            return math.nan, unknown, unknown
        return answer.p_me, answer.p_speaking, answer.frames


def _cut(clip: Clip, plan: StorePlan, rows: NDArray[Any], recipe: Recipe) -> list[ScoredWindow]:
    """The windows that the live path asks for, in its order, still to be scored."""
    recorded = _Recorded(engine_numbers(recipe, plan, DecoderSettings(), SpeakerSettings()), rows)
    appeared: dict[int, list[int]] = {}
    for event in _play(clip, rows, recorded):
        if isinstance(event, FaceEvent) and event.status == "appeared" and event.at is not None:
            appeared.setdefault(event.face, []).append(event.at.capture_ns)
    windows = []
    for face, end, valid in recorded.asked:
        first_known = end - len(valid) + 1 + int(valid.argmax())
        since = appeared[face][bisect_right(appeared[face], first_known) - 1]
        first = since + int((rows["valid"][since:] * (rows["face"][since:] == face)).argmax())
        windows.append(ScoredWindow(face, first, end, valid, np.nan, valid, valid))
    return windows


def _play(clip: Clip, rows: NDArray[Any], recorded: _Recorded) -> Iterator[AnyEvent]:
    """A clip's slots through the live path."""
    run = StreamRun(clip.video, 0, recorded)
    for slot in np.flatnonzero(rows["frame"] != NO_FRAME).tolist():
        frame, face, valid = (rows[name][slot].item() for name in ("frame", "face", "valid"))
        # The clocks of a recording tell nothing; the slot stands in their place.
        mark = Mark(frame=frame, time_s=frame / clip.fps, capture_ns=slot, wall_ns=slot)
        crops = [] if face == NO_FACE else [_crop(face, bool(valid))]
        features = Features(np.full((1, 1), slot, np.float32), _NO_REGIONS) if valid else None
        yield from run.push(Tracked(clip.video, 0, slot, mark, False, crops), features, behind=False)
    yield from run.finish()


_NO_REGIONS = np.zeros((1, 1, 1), np.float32)
_NO_PIXELS = np.zeros((0, 0, 3), np.uint8)
_NO_LANDMARKS, _AS_IT_IS = np.zeros((0, 3), np.float32), np.eye(2, 3)


def _crop(face: int, judged: bool) -> FaceCrop:
    """A face of which nothing is kept but that it is there."""
    reason, pixels = (None, _NO_PIXELS) if judged else ("not judged when it was prepared", None)
    return FaceCrop(face, (0, 0, 0, 0), 0, HeadPose(0, 0, 0), reason, pixels, _NO_LANDMARKS, _AS_IT_IS)


def _encode(
    model: Meldae, crops: NDArray[np.uint8], slots: NDArray[np.int64]
) -> tuple[torch.Tensor, torch.Tensor]:
    device = next(model.parameters()).device
    frame, regions = [], []
    for start in range(0, len(slots), _CROPS):
        some = torch.from_numpy(crops[slots[start : start + _CROPS]]).to(device)
        with torch.inference_mode():
            tokens, areas = model.encoder(some)
        frame.append(tokens)
        regions.append(areas)
    return torch.cat(frame), torch.cat(regions)
