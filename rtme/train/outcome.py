"""What a fold leaves behind of its test clips.

Its folder gets tables that anybody can score again: ``predictions.csv`` and ``truth.csv`` (intervals), ``clips.csv``
(one row a test clip), ``frames.npz`` (every slot's score beside the truth) and ``decoder.json``.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from rtme.data.manifest import State
from rtme.data.store import NO_FRAME
from rtme.errors import DataError
from rtme.score import Interval, VideoFacts, read_table, write_table
from rtme.train.decoder import Decoder, spot
from rtme.train.fused import FusedClip
from rtme.train.recipe import Recipe
from rtme.train.replay import ScoredClip
from rtme.train.runs import write_text
from rtme.train.truth import truth_of


class ClipRow(BaseModel):
    """One test clip: what is true of it and what was said, empty where that is not known.

    Attributes:
        has_me: Whether it holds a micro-expression.
        p_me: Highest of its windows.
        p_speaking: Mean of its windows; None where no face could be judged.
        said_me: ``p_me`` against the decoder's threshold.
        said_speaking: ``p_speaking`` likewise.
        base: As in :class:`rtme.data.store.Clip`: anything but "video" is synthetic.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    dataset: str
    subject: str
    video: str
    state: State | None
    has_me: bool | None
    p_me: float
    p_speaking: float | None
    said_me: bool
    said_speaking: bool | None
    fold: str
    seed: int
    fps: float
    n_frames: int
    base: Literal["video", "portrait", "clip"]

    @field_validator("*", mode="before")
    @classmethod
    def _empty(cls, value: Any) -> Any:
        return None if value == "" else value

    @property
    def key(self) -> str:
        """Its name among all clips."""
        return f"{self.dataset}/{self.subject}/{self.video}"

    @property
    def person(self) -> str:
        """Who is seen."""
        return f"{self.dataset}/{self.subject}"

    @property
    def facts(self) -> VideoFacts:
        """What scoring needs to know of it."""
        return VideoFacts(self.key, self.fps, self.n_frames, self.state)


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What one fold said of its test clips, or several folds of theirs.

    Attributes:
        clips: The clips.
        truth: Labelled micro- and macro-expressions.
        found: Closed intervals.
        scores: Of every slot with a frame, 0 where no face could be judged.
        labels: Of the same slots, bits of :data:`rtme.data.store.LABELS`.
    """

    clips: list[ClipRow]
    truth: list[Interval]
    found: list[Interval]
    scores: NDArray[np.float32]
    labels: NDArray[np.uint8]

    @classmethod
    def of(cls, scored: Sequence[ScoredClip], decoder: Decoder, recipe: Recipe, fold_name: str) -> "Outcome":
        """What is said of some clips with these thresholds."""
        scores, labels = [np.zeros(0, np.float32)], [np.zeros(0, np.uint8)]
        for one in scored:
            seen = one.rows["frame"] != NO_FRAME
            by_slot = FusedClip(one, recipe).by_slot(decoder.intervals.me_weight)
            scores.append(by_slot[seen].astype(np.float32))
            labels.append(np.asarray(one.rows["label"][seen]))
        return cls(
            clips=[_row(one, decoder, fold_name, recipe.seed) for one in scored],
            truth=[interval for one in scored for interval in truth_of(one.clip)],
            found=[interval for one in scored for interval in spot(one, decoder, recipe)],
            scores=np.concatenate(scores),
            labels=np.concatenate(labels),
        )

    @classmethod
    def read(cls, folder: Path) -> "Outcome":
        """A fold's, as :func:`write_fold` wrote it.

        Raises:
            DataError: A file is missing or damaged.
        """
        path = folder / "clips.csv"
        try:
            with path.open(newline="", encoding="utf-8") as stream:
                reader = csv.DictReader(stream)
                if list(reader.fieldnames or ()) != list(ClipRow.model_fields):
                    raise ValueError("its columns are others")
                clips = [ClipRow.model_validate(row) for row in reader]
            path = folder / "frames.npz"
            with np.load(path) as kept:
                scores, labels = kept["score"], kept["label"]
        except (OSError, ValidationError, ValueError, KeyError) as error:
            said = str(error).splitlines()[0]
            raise DataError(
                f"{path} cannot be read ({said}): remove the fold's folder and train it again"
            ) from error
        return cls(
            clips,
            read_table(folder / "truth.csv"),
            read_table(folder / "predictions.csv"),
            scores,
            labels,
        )

    @classmethod
    def pooled(cls, parts: Sequence["Outcome"]) -> "Outcome":
        """Several folds as one."""
        return cls(
            [row for part in parts for row in part.clips],
            [one for part in parts for one in part.truth],
            [one for part in parts for one in part.found],
            np.concatenate([part.scores for part in parts]),
            np.concatenate([part.labels for part in parts]),
        )


def write_fold(
    folder: Path, scored: Sequence[ScoredClip], decoder: Decoder, recipe: Recipe, fold_name: str
) -> None:
    """Write what a fold's engine says of its test clips.

    Args:
        folder: Of the fold.
        scored: Its test clips.
        decoder: Its thresholds.
        recipe: Of the run.
        fold_name: Goes into every row, with the recipe's seed.

    Raises:
        DataError: The folder cannot be written.
    """
    outcome = Outcome.of(scored, decoder, recipe, fold_name)
    write_text(folder / "decoder.json", decoder.model_dump_json(indent=2) + "\n")
    extra = {"fold": fold_name, "seed": str(recipe.seed)}
    write_table(folder / "truth.csv", outcome.truth, extra)
    write_table(folder / "predictions.csv", outcome.found, extra)
    table = io.StringIO(newline="")
    writer = csv.DictWriter(table, list(ClipRow.model_fields))
    writer.writeheader()
    writer.writerows(row.model_dump() for row in outcome.clips)
    write_text(folder / "clips.csv", table.getvalue())
    try:
        np.savez_compressed(folder / "frames.npz", score=outcome.scores, label=outcome.labels)
    except OSError as error:
        raise DataError(f"{folder / 'frames.npz'} cannot be written: {error.strerror}") from error


def _row(one: ScoredClip, decoder: Decoder, fold_name: str, seed: int) -> ClipRow:
    clip, p_speaking = one.clip, one.p_speaking
    return ClipRow(
        dataset=clip.dataset,
        subject=clip.subject,
        video=clip.video,
        state=clip.state,
        has_me=bool(clip.of_type("me")) if clip.labelled else None,
        p_me=round(one.p_me, 6),
        p_speaking=None if p_speaking is None else round(p_speaking, 6),
        said_me=one.p_me >= decoder.p_me,
        said_speaking=None if p_speaking is None else p_speaking >= decoder.p_speaking,
        fold=fold_name,
        seed=seed,
        fps=clip.fps,
        n_frames=clip.n_frames,
        base=clip.base,
    )
