"""What `deploy/` and docs/deploy.md say is true of the code, as far as that shows without systemd and Docker."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from prometheus_client import CollectorRegistry

from rtme.bus.address import DEFAULT_ADDRESS
from rtme.bus.journal_path import default_journal
from rtme.bus.publisher import PublisherStatus
from rtme.events import HeartbeatEvent, JournalHealth, Percentiles, StreamHealth
from rtme.live.metrics import ServiceCollector
from rtme.live.status import ServiceStatus

ROOT = Path(__file__).resolve().parent.parent
DEPLOY = ROOT / "deploy"
DOCKERFILES = [DEPLOY / "Dockerfile", DEPLOY / "Dockerfile.gpu"]


def served() -> set[str]:
    """Every metric there is, by the name that Prometheus knows."""
    ms = Percentiles(p50=1, p95=1, p99=1, max=1)
    health = StreamHealth(
        state="live", drops={"dropped": 1}, pipeline_ms=ms, system_ms=ms, stages_ms={"sent": ms}
    )
    beat = HeartbeatEvent(stream="_service", uptime_s=1, engine="e 1", last_seq=0, streams={"s": health})
    publisher = PublisherStatus(
        None, 0, 1, 0.0, {("s", "state"): 1}, 0, 0, JournalHealth(state="ok", last_seq=0)
    )
    status = ServiceStatus("run", beat, 0.0, None, 0.0, 0, 1, publisher, {"s": 0.0}, {})
    registry = CollectorRegistry()
    registry.register(ServiceCollector(lambda: status))
    return {sample.name for metric in registry.collect() for sample in metric.samples}


def test_every_metric_is_documented_and_no_other() -> None:
    page = (ROOT / "docs" / "deploy.md").read_text()
    named = {
        name for row in re.findall(r"^\| (`rtme_.*?) \|", page, re.M) for name in re.findall(r"`(\w+)`", row)
    }
    assert named == served()


def test_alerts_ask_for_metrics_that_exist() -> None:
    (group,) = yaml.safe_load((DEPLOY / "alerts.yml").read_text())["groups"]
    asked = {name for rule in group["rules"] for name in re.findall(r"\brtme_\w+", rule["expr"])}
    assert asked
    assert asked <= served()
    assert {"rtme_journal_missing_total", "rtme_events_unsent_total"} <= asked, "what is lost for good"


def test_metrics_follow_prometheus_rules() -> None:
    for name in served():
        assert re.fullmatch(r"rtme(_[a-z]+)+", name)
        assert not re.search(r"_(ms|milliseconds|minutes|mb)$", name)


def test_the_unit_is_one(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not here")
    unit = tmp_path / "rtme.service"
    unit.write_text((DEPLOY / "rtme.service").read_text().replace("/opt/rtme/bin/rtme", sys.executable))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_unit_keeps_its_journal_where_it_may_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (DEPLOY / "rtme.service").read_text()
    folders = {"%S": str(tmp_path / "lib"), "%C": str(tmp_path / "cache")}
    for line in re.findall(r"^Environment=(.*)$", text, re.M):
        for setting in line.split():
            name, _, value = setting.partition("=")
            monkeypatch.setenv(name, re.sub("%.", lambda found: folders[found[0]], value))
    (state,) = re.findall(r"^StateDirectory=(.*)$", text, re.M)
    journal = default_journal(DEFAULT_ADDRESS)
    assert journal is not None
    assert journal.parent == tmp_path / "lib" / state
    assert str(journal).replace(folders["%S"], "/var/lib") in (ROOT / "docs" / "deploy.md").read_text()


@pytest.mark.parametrize("file", DOCKERFILES, ids=lambda file: file.name)
def test_an_image_is_made_of_what_is_there_and_let_through(file: Path) -> None:
    text = file.read_text()
    let_through = {
        line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")
    }
    copied = {
        name for words in re.findall(r"^COPY (?!--from)(.*)$", text, re.M) for name in words.split()[:-1]
    }
    assert copied == let_through
    assert all((ROOT / name).exists() for name in copied)
    # The wheel is made from nothing else.
    assert {"rtme", "engines/default", "README.md", "LICENSE", "pyproject.toml"} <= copied
    assert re.search(r"^USER 10001$", text, re.M)
    assert "/healthz" in text[text.index("HEALTHCHECK") :]
    # Names of images, never addresses of registries.
    assert not [
        name for name in re.findall(r"^FROM (\S+)", text, re.M) if "." in name.split("/")[0].split(":")[0]
    ]


def test_images_are_of_a_python_that_the_wheels_are_for() -> None:
    assert "python:3.12-" in DOCKERFILES[0].read_text()
    assert "ubuntu24.04" in DOCKERFILES[1].read_text()
