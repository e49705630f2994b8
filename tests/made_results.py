"""Results of the speed benches, made up."""

from typing import Any

from rtme.trial.speed.latency import RANKS, STAGES, STATUSES
from rtme.trial.speed.record import FORMAT


def figure(median: float) -> dict[str, Any]:
    return {"median": median, "min": 0.9 * median, "max": 1.2 * median, "runs": 5, "spread": 0.04}


def machine(**others: Any) -> dict[str, Any]:
    return {
        "processor": "Abacus 9",
        "cores": 2,
        "memory_gib": 8,
        "gpus": [],
        "system": "Linux",
        "python": "3.11.7",
        "packages": {"rtme": "0.1.0"},
        "commit": "abc1234",
        "load_before": 0.1,
        **others,
    }


def results() -> dict[str, dict[str, Any]]:
    ranks = {rank: figure(12.0 + place) for place, rank in enumerate(RANKS)}
    delays = {
        status: {"count": 9, "p50": 400.5, "p95": 500.0, "p99": 510.0, "max": 520.0} for status in STATUSES
    }
    losses = {name: figure(0) for name in ("dropped", "skipped", "lost")}
    row = {
        "enough": "5 runs",
        "frames": figure(600),
        **losses,
        "read_per_second": figure(30),
        "worst_pipeline_ms": {"p50": figure(20), "p95": figure(30)},
        "cpu_percent": figure(90),
        "rss_mib": figure(310),
    }
    ways = {
        way: {"encoder_runs": runs, "seconds": figure(2.5), "frames_per_second": figure(120)}
        for way, runs in {
            "floor": 0,
            "tracking": 0,
            "cached_engine": 300,
            "plain_engine": 3111,
            "rtme": 300,
            "plain": 3111,
        }.items()
    }
    made: dict[str, dict[str, Any]] = {
        "latency": {
            "what": "made up",
            "engine": "tiny 1",
            "enough": "5 runs",
            "stages_ms": {**dict.fromkeys(STAGES, ranks), "sent": None},
            "pipeline_ms": ranks,
            "system_ms": ranks,
            "look_ahead_ms": [333.3],
            "expressions": {
                "planted": 20,
                "found": 9,
                "from_onset_ms": delays,
                "from_offset_ms": {**delays, "confirmed": None},
                "duration_ms": delays["closed"],
            },
            "frames": figure(1800),
            **losses,
            "unreadable": 0,
            "missed_by_subscriber": 0,
            "rss_mib": figure(300),
            "cpu_percent": figure(80),
            "first_face_s": figure(2.4),
        },
        "throughput": {
            "recorded": {
                "what": "made up",
                "engine": "tiny 1",
                "frames": 900,
                "enough": "5 runs",
                "frames_per_second": figure(160),
            },
            "live": [
                {
                    "what": "made up",
                    "fps": fps,
                    "engine": "tiny 1",
                    "streams_without_a_drop": 3,
                    "all_tried": False,
                    "rows": [{"streams": count, "held": count < 4, **row} for count in (1, 2, 3, 4)],
                }
                for fps in (30, 60)
            ],
        },
        "ratio": {
            "what": "made up",
            "engine": "tiny 1",
            "backend": "onnxruntime, fp32, CPU",
            "window": 32,
            "hop": 3,
            "frames": 300,
            "enough": "5 runs",
            "ways": ways,
            "encoder_runs_ratio": 10.37,
            "engine_ratio": figure(8.1),
            "end_to_end_ratio": figure(4.2),
            "share_of_floor": figure(0.4),
            "largest_difference": 1e-6,
        },
        "engines": {
            "what": "made up",
            "engine": "tiny 1",
            "threads": 1,
            "encoder_gflop_per_crop": None,
            "ceiling_gflops": 85.0,
            "enough": "5 to 9 runs",
            "rows": [
                {
                    "backend": "onnxruntime",
                    "precision": "fp32",
                    "batch": batch,
                    "label": "onnxruntime, fp32, CPU",
                    "ms_per_crop": figure(5),
                    "ms_per_window": figure(2),
                    "crops_per_second": figure(200),
                    "drift": 0.0,
                    "share_of_ceiling": 0.3 if batch == 1 else None,
                }
                for batch in (1, 4)
            ],
            "left_out": [{"backend": "tensorrt", "precision": "fp16", "why": "no GPU"}],
        },
        "memory": {
            "what": "made up",
            "engine": "tiny 1",
            "rows": [
                {
                    "streams": count,
                    "enough": "5 runs",
                    "rss_mib": figure(300 + 20 * count),
                    "largest_rss_mib": 400,
                    "device_mib": None,
                    "dropped": figure(0),
                }
                for count in (1, 2)
            ],
            "long": {
                "minutes": 10,
                "first_mib": 300.0,
                "last_mib": 302.0,
                "largest_mib": 303.0,
                "mib_per_hour": 1.5,
                "device_mib": None,
                "points": [[0.0, 300.0], [600.0, 302.0]],
                "runs": 1,
            },
        },
        "soak": {
            "what": "made up",
            "engine": "tiny 1",
            "faults": [[60.0, "source killed", 5.0], [120.0, "subscriber stalled", 4.0]],
            "frames": 18_000,
            "drops": {"dropped": 3},
            "reconnects": 1,
            "largest_rss_mib": 303.0,
            "rss_mib_per_hour": 1.5,
            "compared": {"rss_mib": [300.0, 306.0], "p99_ms": [30.0, None]},
            "accuracy": [{"planted": 15, "found": 9, "false_alarms": 1}] * 10,
            "verdict": [
                {"what": "no thread is leaked", "measured": "+0 (25 to 25)", "met": True},
                {"what": "memory grows by less than 1 %", "measured": "+2.00 % (300 to 306)", "met": False},
            ],
            "points": [[0.0, 300.0, 20, 25, 30.0], [600.0, 306.0, 20, 25, None]],
        },
        "journal": {
            "what": "made up",
            "burst": {
                "enough": "5 runs",
                **{
                    way: {"per_second": figure(speed), "cpu_us_an_event": figure(40)}
                    for way, speed in (("without", 30_000), ("with", 21_000))
                },
            },
            "paced": {
                "enough": "5 runs",
                **dict.fromkeys(("without", "with"), ranks),
                "added_ms": {"p50": figure(0.3), "p99": figure(1.5)},
            },
        },
        "replay": {
            "what": "made up",
            "enough": "5 runs",
            "caught_up": {
                "from memory": {"events": 10_000, "seconds": figure(0.5), "per_second": figure(20_000)}
            },
        },
        "reconnect": {
            "rows": [
                {
                    "away_s": seconds,
                    "gone_s": seconds + 1,
                    "times": 8,
                    "live_ms": {"p50": 700, "max": 1100 + seconds},
                    "face_ms": {"p50": 800, "max": 1300},
                }
                for seconds in (0.0, 20.0)
            ]
        },
        "dashboard": {
            "what": "made up",
            "engine": "tiny 1",
            "browser": "150.0",
            "enough": "5 runs",
            "interactive_ms": {"without a history": figure(400), "with 8 hours": figure(600)},
            "drawn_ms": {"count": 200, "p50": 30.0, "p95": 50.0, "p99": 60.0, "max": 70.0},
            "cost": {
                name: {
                    "seconds": 60.0,
                    "dashboard_percent": 5.0,
                    "browser_percent": 40.0,
                    "dashboard_mib": 90.0,
                }
                for name in ("without pictures", "with pictures")
            },
            "long": {
                "hours": 8.0,
                "events": 12_000,
                "fetched_s": 4.0,
                "points": 864_000,
                "frames_ms": {
                    "at rest": {"count": 300, "p50": 16.7, "p95": 17.0, "p99": 18.0, "max": 33.0},
                    "panning the whole day": {
                        "count": 300,
                        "p50": 17.0,
                        "p95": 25.0,
                        "p99": 33.0,
                        "max": 50.0,
                    },
                },
                "heap_mib": 20.0,
                "dashboard_mib": 120.0,
            },
        },
    }
    return {
        bench: {
            "bench": bench,
            "format": FORMAT,
            "when": "2026-11-25T12:00:00+00:00",
            "machine": machine(),
            **result,
        }
        for bench, result in made.items()
    }
