"""From a folder of faces to an engine bundle, stage by stage; each stage goes on where it was stopped."""

import shutil
from collections import Counter
from pathlib import Path

import torch

from rtme.data.corpus import Corpus
from rtme.data.make import make
from rtme.data.material import Item, read, write_table
from rtme.engine.manifest import DecoderSettings, Manifest
from rtme.errors import DataError
from rtme.model.meldae import Meldae, Probabilities
from rtme.spot.rules import SpotterRules
from rtme.train import evaluate
from rtme.train.export import export, install, write_manifest
from rtme.train.features import encode
from rtme.train.loop import Log
from rtme.train.pretrain import pretrain
from rtme.train.recipe import Recipe
from rtme.train.temporal import fit_temporal, tune

LICENCE = "Apache-2.0"


def train(faces: Path, out: Path, work: Path, recipe: Recipe, people: Path | None, log: Log) -> Manifest:
    """Train an engine and write its bundle.

    Args:
        faces: Folder of portraits and clips.
        out: Where the bundle is to be; changed only at the end.
        work: For the corpus, features and checkpoints; what is there is not made again.
        recipe: Sizes, steps and seed.
        people: Who is who, see :func:`rtme.data.material.read`.
        log: Gets lines for people.

    Returns:
        The manifest of the bundle.

    Raises:
        DataError: The material cannot be used.
    """
    torch.set_num_threads(recipe.threads)
    items = read(faces, people, recipe.seed)
    if not any(item.split == "train" for item in items):
        raise DataError(
            f"nobody in {faces} is in the training split: add people, or a people.csv that says so"
        )
    log(f"material: {_counts(items)}")
    corpus = make(items, work / "corpus", recipe.corpus, recipe.threads, log)

    encoder, seen, pretrain_s = pretrain(corpus, recipe, work / "pretrain.pt", log)
    features = encode(corpus, encoder, work / "features", recipe, log)
    temporal, temporal_s = fit_temporal(corpus, features, recipe, work / "temporal.pt", log)

    model = Meldae(recipe.model)
    model.encoder.load_state_dict(encoder.state_dict())
    model.temporal.load_state_dict(temporal.state_dict())
    tune_s = 0.0
    if recipe.tune_steps:
        tune_s = tune(corpus, model, recipe, work / "tune.pt", log)
        features = encode(corpus, model.encoder, work / "features-tuned", recipe, log)

    held = evaluate.score(corpus, features, corpus.of("validation"), Probabilities(model.temporal), recipe)
    rules = evaluate.choose(held, recipe)
    scores = _scores(corpus, held, rules, recipe)
    log(f"validation people: {scores}")

    built = work / "bundle"
    shutil.rmtree(built, ignore_errors=True)
    encoder_entry, temporal_entry = export(model, built)
    config, plan = recipe.model, recipe.corpus
    manifest = Manifest(
        name=recipe.name,
        version=recipe.version,
        licence=LICENCE,
        summary="MELDAE trained on SYNTHETIC micro-expressions only: animated portraits and planted movements in "
        "real clips. What it finds in real faces has not been validated.",
        input=config.input,
        size=config.size,
        fps=plan.fps,
        flow_lag=plan.flow_lag if config.input == "motion" else 0,
        window=config.window,
        hop=recipe.hop,
        look_ahead=recipe.look_ahead,
        frame_size=config.frame_size,
        regions=config.regions,
        region_size=config.region_size,
        decoder=_decoder(rules),
        encoder=encoder_entry,
        temporal=temporal_entry,
        training={
            "material": "SYNTHETIC",
            "people": _people(items),
            "clips": dict(Counter(f"{clip.split} {clip.base}" for clip in corpus.clips)),
            "crops": int(corpus.valid.sum()),
            "recipe": recipe.model_dump(mode="json", exclude={"name", "version", "start"}),
            "began": "with an earlier run's encoder" if recipe.start else "from nothing",
            "pretraining": {name: round(value, 3) for name, value in seen.items()},
            "hours": {
                "pretraining": round(pretrain_s / 3600, 2),
                "temporal part": round(temporal_s / 3600, 2),
                "tuning": round(tune_s / 3600, 2),
            },
        },
        scores={"validation": scores, "command": "rtme train"},
    )
    write_manifest(manifest, built)
    write_table(items, built / "people.csv")
    install(built, out)
    return manifest


def _scores(
    corpus: Corpus, held: list[evaluate.ScoredClip], rules: SpotterRules, recipe: Recipe
) -> dict[str, object]:
    groups = {
        "animated portraits": [scored for scored in held if scored.clip.base == "portrait"],
        "real clips, planted": [s for s in held if s.clip.base == "clip" and s.clip.planted],
        "real clips as they are": [s for s in held if s.clip.base == "clip" and not s.clip.planted],
    }
    scores: dict[str, object] = {
        name: evaluate.measure(group, rules).summary() for name, group in groups.items() if group
    }
    scores["speaking accuracy"] = round(evaluate.speaking_accuracy(corpus, held, recipe), 3)
    return scores


def _decoder(rules: SpotterRules) -> DecoderSettings:
    interval = rules.interval
    return DecoderSettings(
        on=interval.on,
        off=interval.off,
        me_weight=rules.me_weight,
        min_ms=interval.min_ms,
        me_max_ms=interval.me_max_ms,
        merge_ms=interval.merge_ms,
    )


def _people(items: list[Item]) -> dict[str, int]:
    return dict(Counter(split for split, _ in {(item.split, item.person) for item in items}))


def _counts(items: list[Item]) -> str:
    people = _people(items)
    return f"{len(items)} files; people: " + ", ".join(
        f"{count} {split}" for split, count in sorted(people.items())
    )
