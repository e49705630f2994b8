"""A result with everything that is needed to judge it, for JSON."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from rtme.trial.speed.machine import machine

FORMAT = 1


def record(bench: str, result: Mapping[str, Any], known: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The bench, the moment, the machine with its versions and commit, and the figures.

    Args:
        bench: Name of the bench.
        result: What it gave.
        known: The machine as it was before the bench began; looked at now when None.
    """
    when = datetime.now(UTC).isoformat(timespec="seconds")
    return {"bench": bench, "format": FORMAT, "when": when, "machine": dict(known or machine()), **result}


def in_a_line(known: Mapping[str, Any]) -> str:
    """The machine and the versions on it."""
    gpus = f", {', '.join(known['gpus'])}" if known["gpus"] else ""
    versions = ", ".join(f"{name} {version}" for name, version in known["packages"].items())
    commit = f", commit {known['commit']}" if known["commit"] else ""
    return (
        f"{known['processor']}, {known['cores']} cores, {known['memory_gib']} GiB{gpus}; {known['system']}, Python "
        f"{known['python']}; {versions}{commit}; load before {known['load_before']}"
    )
