"""The results of the speed benches as tables, for a terminal and for a page alike."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from rtme.trial.markdown import NONE

Result = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Table:
    """One table: what it is about, the names over its columns, its rows, and a line under it."""

    title: str
    names: list[str]
    rows: list[list[str]]
    note: str = ""


def tables(bench: str, result: Result) -> list[Table]:
    """All tables of a result.

    Args:
        bench: Name of the bench.
        result: What the bench of this name gave.
    """
    return _MAKERS[bench](result)


def said(figure: Mapping[str, Any] | None, unit: str = "") -> str:
    """The median of a figure, and its smallest and largest where there were several runs."""
    if figure is None:
        return NONE
    text = f"{figure['median']:,g}{unit}"
    return text if figure["min"] == figure["max"] else f"{text} ({figure['min']:,g} to {figure['max']:,g})"


def _latency(result: Result) -> list[Table]:
    ranks = ["p50", "p95", "p99", "max"]
    rows = [[stage, *_ranks(found)] for stage, found in result["stages_ms"].items()]
    rows.append(["from the decoder to scored, every frame", *_ranks(result["pipeline_ms"])])
    rows.append(["from the decoder to sent, every event (`system_ms`)", *_ranks(result["system_ms"])])
    found = result["expressions"]
    ahead = ", ".join(f"{ms:g}" for ms in result["look_ahead_ms"]) or NONE
    delays = [
        [f"{status}, after its {end}", str(ms["count"]), *(f"{ms[rank]:g}" for rank in ("p50", "p95", "max"))]
        for status in ("provisional", "confirmed", "closed")
        for end in ("onset", "offset")
        if (ms := found[f"from_{end}_ms"].get(status))
    ]
    rest = [
        ["frames of a run", said(result["frames"])],
        ["dropped / left out of scoring / lost before the decoder", _losses(result)],
        ["events that the subscriber missed", f"{result['missed_by_subscriber']}"],
        ["memory", said(result["rss_mib"], " MiB")],
        ["processor, of one core", said(result["cpu_percent"], " %")],
        ["from the start of the process to the first event about a face", said(result["first_face_s"], " s")],
    ]
    return [
        Table(
            "Milliseconds of each stage, from the one before",
            ["stage", *ranks],
            rows,
            f"{result['what']}; {result['enough']}. Median of the runs, smallest and largest.",
        ),
        Table(
            "Milliseconds from a micro-expression to its events",
            ["event", "count", "p50", "p95", "max"],
            delays,
            f"Of {found['planted']} that were shown {found['found']} were found. The look-ahead, waiting by design, is "
            f"{ahead} ms of each. An event may come before the offset: then the figure is negative.",
        ),
        Table("Cost", ["what", "measured"], rest),
    ]


def _throughput(result: Result) -> list[Table]:
    made = []
    recorded = result.get("recorded")
    if recorded:
        rows = [["recording", said(recorded["frames_per_second"])]]
        made.append(
            Table("Frames a second", ["what", "frames/s"], rows, f"{recorded['what']}; {recorded['enough']}.")
        )
    for live in result["live"]:
        rows = [
            [
                str(row["streams"]),
                _losses(row),
                said(row["cpu_percent"], " %"),
                said(row["rss_mib"], " MiB"),
                said(row["worst_pipeline_ms"] and row["worst_pipeline_ms"]["p50"]),
                said(row["worst_pipeline_ms"] and row["worst_pipeline_ms"]["p95"]),
                str(row["cpu_percent"]["runs"]),
            ]
            for row in live["rows"]
        ]
        most = f"{live['streams_without_a_drop']} streams without a drop" + (
            ", and no more were tried" * live["all_tried"]
        )
        made.append(
            Table(
                f"Live streams at {live['fps']} frames/s",
                [
                    "streams",
                    "dropped / left out / lost",
                    "of one core",
                    "memory",
                    "slowest p50 ms",
                    "slowest p95 ms",
                    "runs",
                ],
                rows,
                f"{most}. {live['what']}.",
            )
        )
    return made


def _ratio(result: Result) -> list[Table]:
    names = {
        "floor": "MediaPipe's landmarks alone, the floor",
        "tracking": "the face room: landmarks, alignment, motion",
        "cached_engine": "engine, each frame encoded once",
        "plain_engine": "engine, every window encoded anew",
        "rtme": "rtme: face room and engine",
        "plain": "plain sliding window: face room and engine",
    }
    rows = [
        [names[way], f"{one['encoder_runs']:,}", said(one["seconds"]), said(one["frames_per_second"])]
        for way, one in result["ways"].items()
    ]
    ratios = [
        ["encoder runs, plain over rtme", f"{result['encoder_runs_ratio']:g}"],
        ["time of the engine, plain over rtme", said(result["engine_ratio"])],
        ["time end to end, plain over rtme", said(result["end_to_end_ratio"])],
        ["the floor's share of rtme's time", said(result["share_of_floor"])],
    ]
    return [
        Table(
            "Three ways through the same pictures",
            ["way", "encoder runs", "seconds", "frames/s"],
            rows,
            f"{result['what']}; window {result['window']}, hop {result['hop']}; {result['backend']}; {result['enough']}.",
        ),
        Table(
            "What it saves",
            ["ratio", "measured"],
            ratios,
            f"The frame scores of both ways differ by {result['largest_difference']:.1g} at most.",
        ),
    ]


def _engines(result: Result) -> list[Table]:
    rows = [
        [
            row["label"],
            str(row["batch"]),
            said(row["ms_per_crop"]),
            said(row["ms_per_window"]),
            said(row["crops_per_second"]),
            f"{row['drift']:.1g}",
            NONE if row["share_of_ceiling"] is None else f"{100 * row['share_of_ceiling']:.0f} %",
        ]
        for row in result["rows"]
    ]
    gflop = result["encoder_gflop_per_crop"]
    made = [
        Table(
            "Backends",
            ["backend", "batch", "ms a crop", "ms a window", "crops/s", "drift", "of the ceiling"],
            rows,
            f"{result['what']}, {result['threads']} thread{'s' * (result['threads'] > 1)}; {result['enough']}. "
            f"The encoder is {NONE if gflop is None else gflop} GFLOP a crop; the ceiling, numpy's sgemm, "
            f"{result['ceiling_gflops']} GFLOP/s.",
        )
    ]
    if result["left_out"]:
        lines = [[one["backend"], one["precision"], one["why"]] for one in result["left_out"]]
        made.append(Table("Left out", ["backend", "precision", "why"], lines))
    return made


def _memory(result: Result) -> list[Table]:
    rows = [
        [
            str(row["streams"]),
            said(row["rss_mib"], " MiB"),
            f"{row['largest_rss_mib']:,} MiB",
            said(row["device_mib"], " MiB"),
            said(row["dropped"]),
        ]
        for row in result["rows"]
    ]
    long = result["long"]
    over = [
        ["at its beginning", f"{long['first_mib']:,g} MiB"],
        ["at its end", f"{long['last_mib']:,g} MiB"],
        ["at most", f"{long['largest_mib']:,g} MiB"],
        ["slope of its second half", f"{long['mib_per_hour']:g} MiB an hour"],
        ["on the GPU", NONE if long["device_mib"] is None else f"{long['device_mib']:,g} MiB"],
    ]
    return [
        Table(
            "Against the number of streams",
            ["streams", "memory", "at most", "on the GPU", "dropped"],
            rows,
            f"{result['what']}. The sum over the service's processes; what they share counts for each.",
        ),
        Table("Against time", ["one stream", "measured"], over, f"One run of {long['minutes']:g} minutes."),
    ]


def _soak(result: Result) -> list[Table]:
    verdict = [[one["what"], one["measured"], "met" if one["met"] else "MISSED"] for one in result["verdict"]]
    counts = Counter(kind for _, kind, _ in result["faults"])
    rest = [
        ["frames read", f"{result['frames']:,}"],
        ["left out", ", ".join(f"{cause} {n:,}" for cause, n in result["drops"].items()) or NONE],
        ["memory at most", f"{result['largest_rss_mib']:,g} MiB"],
        ["slope of memory", f"{result['rss_mib_per_hour']:g} MiB an hour"],
        ["reconnects", str(result["reconnects"])],
        *([kind, str(count)] for kind, count in sorted(counts.items())),
    ]
    parts = result["accuracy"]
    accuracy = [
        [name, *(str(part[key]) for key in ("planted", "found", "false_alarms"))]
        for name, part in (("first", parts[0]), ("last", parts[-1]))
    ]
    return [
        Table(
            "Demands",
            ["demand", "measured", ""],
            verdict,
            f"{result['what']}. Medians of the first and the last tenth.",
        ),
        Table(
            "Planted micro-expressions",
            ["tenth", "planted", "found", "false alarms"],
            accuracy,
            "The same clip is shown round and round, and what is wrongly found in it is found each time.",
        ),
        Table("The run", ["what", "measured"], rest, "Times and memory hold what planting takes."),
    ]


def _dashboard(result: Result) -> list[Table]:
    long, drawn = result["long"], result["drawn_ms"]
    ranks = ("p50", "p95", "p99", "max")
    return [
        Table(
            "How soon and how late",
            ["what", "ms"],
            [
                *([f"page usable, {name}", said(found)] for name, found in result["interactive_ms"].items()),
                *([f"interval drawn after its event, {rank}", f"{drawn[rank]:g}"] for rank in ranks),
            ],
            f"{result['what']}; Chromium {result['browser']}; usable: {result['enough']}; drawn: {drawn['count']} events.",
        ),
        Table(
            "Cost beside `rtme live demo` at 30 frames/s",
            ["demo", "dashboard, of one core", "browser, of one core", "dashboard's memory"],
            [
                [
                    name,
                    f"{found['dashboard_percent']:g} %",
                    f"{found['browser_percent']:g} %",
                    f"{found['dashboard_mib']:g} MiB",
                ]
                for name, found in result["cost"].items()
            ],
            "The browser draws without a GPU.",
        ),
        Table(
            f"Milliseconds between frames, {long['hours']:g} hours of history",
            ["while", *ranks],
            [[name, *(f"{found[rank]:g}" for rank in ranks)] for name, found in long["frames_ms"].items()],
            f"{long['events']:,} events, fetched in {long['fetched_s']:g} s, and {long['points']:,} points of a curve; "
            f"{long['heap_mib']:g} MiB of JavaScript at the end, {long['dashboard_mib']:g} MiB in the dashboard's process.",
        ),
    ]


def _journal(result: Result) -> list[Table]:
    burst, paced = result["burst"], result["paced"]
    ways = ("without", "with")
    return [
        Table(
            "As many events as it takes",
            ["journal", "events/s", "processor time of an event, µs"],
            [[way, said(burst[way]["per_second"]), said(burst[way]["cpu_us_an_event"])] for way in ways],
            f"{result['what']}; {burst['enough']}.",
        ),
        Table(
            "Milliseconds from an event being handed over to its bytes at a subscriber",
            ["journal", "p50", "p99", "max"],
            [
                *([way, *(said(paced[way][rank]) for rank in ("p50", "p99", "max"))] for way in ways),
                ["added by it", said(paced["added_ms"]["p50"]), said(paced["added_ms"]["p99"]), NONE],
            ],
            f"The journal is full, so that it removes old events meanwhile; {paced['enough']}.",
        ),
    ]


def _reconnect(result: Result) -> list[Table]:
    rows = [
        [
            f"{row['gone_s']:g} s",
            str(row["times"]),
            *(f"{row[event][rank]:,}" for event in ("live_ms", "face_ms") for rank in ("p50", "max")),
        ]
        for row in result["rows"]
    ]
    return [
        Table(
            "Milliseconds from an RTSP server being back to an event",
            ["gone for", "times", "state p50", "state max", "face p50", "face max"],
            rows,
            "The server is killed and started again, on the same machine.",
        )
    ]


def _replay(result: Result) -> list[Table]:
    return [
        Table(
            "A subscriber has what it missed",
            ["events", "seconds", "events/s"],
            [
                [f"{one['events']:,}, {name}", said(one["seconds"]), said(one["per_second"])]
                for name, one in result["caught_up"].items()
            ],
            f"{result['what']}; {result['enough']}.",
        )
    ]


_MAKERS: dict[str, Callable[[Result], list[Table]]] = {
    "latency": _latency,
    "throughput": _throughput,
    "ratio": _ratio,
    "engines": _engines,
    "memory": _memory,
    "journal": _journal,
    "replay": _replay,
    "reconnect": _reconnect,
    "soak": _soak,
    "dashboard": _dashboard,
}


def _ranks(found: Mapping[str, Any] | None) -> list[str]:
    return [NONE] * 4 if found is None else [said(found[rank]) for rank in ("p50", "p95", "p99", "max")]


def _losses(found: Result) -> str:
    return " / ".join(f"{found[key]['max']:g}" for key in ("dropped", "skipped", "lost"))
