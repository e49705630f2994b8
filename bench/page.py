"""Writes docs/performance.md from the newest results of each bench and machine, and from performance.intro.md.

python bench/page.py
"""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from record import RESULTS, ROOT
from rtme.trial.markdown import NONE, table
from rtme.trial.speed.pictures import PICTURED
from rtme.trial.speed.record import FORMAT, in_a_line
from rtme.trial.speed.tables import said, tables

PAGE = ROOT / "docs" / "performance.md"
INTRO = Path(__file__).with_name("performance.intro.md")

BENCHES = {
    "latency": "How late events are",
    "throughput": "How much it carries",
    "ratio": "What caching features saves",
    "engines": "Backends",
    "memory": "Memory",
    "journal": "The journal",
    "replay": "What was missed",
    "reconnect": "A camera that comes back",
    "soak": "A long run while things break",
    "dashboard": "The dashboard in a browser",
}

Results = Mapping[str, Mapping[str, Any]]


def _at_30(results: Results) -> Mapping[str, Any]:
    return next(live for live in results["throughput"]["live"] if live["fps"] == 30)


# What is aimed at on two cores: in words, whether more is better, the bound, and the figure's text and value.
TARGETS: list[tuple[str, str, bool, float, Callable[[Results], tuple[str, float]]]] = [
    (
        "`rtme.analyze`, frames/s",
        "throughput",
        True,
        150,
        lambda r: _median(r["throughput"]["recorded"]["frames_per_second"]),
    ),
    (
        "one live stream, `system_ms` p50",
        "latency",
        False,
        20,
        lambda r: _median(r["latency"]["system_ms"]["p50"]),
    ),
    (
        "one live stream, `system_ms` p95",
        "latency",
        False,
        40,
        lambda r: _median(r["latency"]["system_ms"]["p95"]),
    ),
    (
        "live streams at 30 frames/s without a drop",
        "throughput",
        True,
        4,
        lambda r: _number(_at_30(r)["streams_without_a_drop"]),
    ),
    (
        "memory of one stream at most, MiB",
        "memory",
        False,
        600,
        lambda r: _number(r["memory"]["long"]["largest_mib"]),
    ),
    (
        "times fewer encoder runs than a plain sliding window",
        "ratio",
        True,
        10,
        lambda r: _number(r["ratio"]["encoder_runs_ratio"]),
    ),
    ("times its speed end to end", "ratio", True, 5, lambda r: _median(r["ratio"]["end_to_end_ratio"])),
    (
        "events journalled and published, a second",
        "journal",
        True,
        20_000,
        lambda r: _median(r["journal"]["burst"]["with"]["per_second"]),
    ),
    (
        "what the journal adds to a live event, ms p99",
        "journal",
        False,
        1,
        lambda r: _median(r["journal"]["paced"]["added_ms"]["p99"]),
    ),
    (
        "first event after an RTSP server is back, ms at most",
        "reconnect",
        False,
        2000,
        lambda r: _number(max(row["live_ms"]["max"] for row in r["reconnect"]["rows"])),
    ),
    (
        "memory after a long run with faults, % more",
        "soak",
        False,
        1,
        lambda r: _rise(r["soak"]["compared"]["rss_mib"]),
    ),
    (
        "p99 of a frame after it, % more",
        "soak",
        False,
        10,
        lambda r: _rise(r["soak"]["compared"]["p99_ms"]),
    ),
    (
        "dashboard: page usable, ms",
        "dashboard",
        False,
        2000,
        lambda r: _median(r["dashboard"]["interactive_ms"]["without a history"]),
    ),
    (
        "dashboard: interval drawn after its event, ms p95",
        "dashboard",
        False,
        250,
        lambda r: _number(r["dashboard"]["drawn_ms"]["p95"]),
    ),
    (
        "dashboard: its share of a core for one stream, %",
        "dashboard",
        False,
        15,
        lambda r: _number(r["dashboard"]["cost"]["without pictures"]["dashboard_percent"]),
    ),
]

ALWAYS_MISSING = (
    "a camera's own delay (exposure, encoding) and a real network: the sender is on the same machine",
    "several faces in one picture, and other sizes than 640×480",
    "other systems than Linux",
)


def main() -> None:
    PAGE.write_text(build(RESULTS, INTRO), encoding="utf-8")
    print(f"written to {PAGE.relative_to(ROOT)}")


def build(folder: Path, intro: Path) -> str:
    """The page over all results of a folder."""
    machines, old = _read(folder)
    parts = [
        "# Performance",
        f"*Made by `python bench/page.py` from `bench/results/` and `bench/{intro.name}`: change those.*",
    ]
    parts.append(intro.read_text(encoding="utf-8").strip())
    for label, results in machines.items():
        parts += _machine(label, results)
    parts += ["## Not measured", "\n".join(f"- {line}" for line in _missing(machines, old))]
    return "\n\n".join(parts) + "\n"


def _read(folder: Path) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Results by machine and bench, and the names of those that an earlier form of a bench wrote."""
    machines: dict[str, dict[str, Any]] = {}
    old = []
    for file in sorted(folder.glob("*.json")):
        result = json.loads(file.read_text(encoding="utf-8"))
        bench = result.get("bench")
        if bench not in BENCHES:
            continue
        if result.get("format") != FORMAT:
            old.append(file.name)
            continue
        label = file.stem.removeprefix(f"{bench}-")
        machines.setdefault(label, {})[bench] = result
    return machines, old


def _machine(label: str, results: Results) -> list[str]:
    newest = max(results.values(), key=lambda result: result["when"])
    parts = [f"## {label}", in_a_line({**newest["machine"], "commit": None}).rpartition("; load")[0] + "."]
    rows = [_target(*target, results) for target in TARGETS]
    parts += ["### Aimed at and measured", table(["what", "aimed at", "measured", "", "command"], rows)]
    for bench, title in BENCHES.items():
        if bench not in results:
            continue
        result = results[bench]
        known = result["machine"]
        commit = f", commit {known['commit']}" if known["commit"] else ""
        parts += [
            f"### {title}",
            f"`python bench/{bench}.py`, {result['when'][:10]}{commit}{_with(result)}, "
            f"load of the machine before {known['load_before']}.",
        ]
        for found in tables(bench, result):
            parts += [f"**{found.title}**", table(found.names, found.rows)]
            parts += [found.note] if found.note else []
        if bench in PICTURED:
            parts.append(f"![{title}](../bench/results/{bench}-{label}.png)")
    return parts


def _target(
    what: str,
    bench: str,
    more: bool,
    bound: float,
    of: Callable[[Results], tuple[str, float]],
    results: Results,
) -> list[str]:
    aim = f"{'at least' if more else 'at most'} {bound:g}"
    command = f"`bench/{bench}.py`"
    try:
        text, value = of(results)
    except (KeyError, StopIteration, TypeError):
        return [what, aim, NONE, "not measured", command]
    met = value >= bound if more else value <= bound
    return [what, aim, text, "met" if met else "**missed**", command]


def _with(result: Mapping[str, Any]) -> str:
    """The engine and what ran it. Some benches need none, and that of all backends says the second in each row."""
    # The result of throughput has several parts.
    parts = (result, *result.get("live", []))
    engine, backend = (
        next((part[name] for part in parts if part.get(name)), None) for name in ("engine", "backend")
    )
    return (f", engine {engine}" if engine else "") + (f" on {backend}" if backend else "")


def _median(figure: Mapping[str, Any]) -> tuple[str, float]:
    return said(figure), figure["median"]


def _rise(ends: Sequence[float]) -> tuple[str, float]:
    before, after = ends
    percent = 100 * (after - before) / before
    return f"{percent:+.2f}", percent


def _number(value: float) -> tuple[str, float]:
    return f"{value:g}", value


def _missing(machines: Mapping[str, Results], old: list[str]) -> list[str]:
    lines = [
        f"`python bench/{bench}.py`: no result in this form yet"
        for bench in BENCHES
        if not any(bench in results for results in machines.values())
    ]
    if not any(result["machine"]["gpus"] for results in machines.values() for result in results.values()):
        lines.append("a GPU: none was at hand")
    if old:
        lines.append(
            f"written by an earlier form of the benches and not shown: {', '.join(f'`{name}`' for name in old)}"
        )
    return [*lines, *ALWAYS_MISSING]


if __name__ == "__main__":
    main()
