"""`rtme keys`, and what `rtme live` and `rtme watch` say about keys: as processes of their own."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rtme.bus.curve import KeyFolder
from rtme.bus.subscriber import Subscriber
from rtme.events import WarningEvent

Run = Callable[..., subprocess.CompletedProcess[str]]
PATIENCE_S = 90.0
# A key that a shell and an option parser would both misread.
ODD = "-!$&(" * 8


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the default folder of keys is made."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path / "config" / "rtme" / "keys"


def done(outcome: subprocess.CompletedProcess[str]) -> str:
    assert outcome.returncode == 0, outcome.stderr
    return outcome.stdout


def refused(outcome: subprocess.CompletedProcess[str], *words: str) -> None:
    assert outcome.returncode == 6
    assert outcome.stdout == ""
    # `rtme watch` may have said before that it hears nothing yet.
    *before, last = outcome.stderr.splitlines()
    assert not [line for line in before if "waiting" not in line]
    for word in words:
        assert word in last


def test_two_machines_get_to_know_each_other(rtme: Run, tmp_path: Path) -> None:
    server, client = tmp_path / "server", tmp_path / "client"
    done(rtme("keys", "new", "--keys", server))
    done(rtme("keys", "new", "desk", "--keys", client))
    service, listener = KeyFolder(server).server(), KeyFolder(client).client()
    # Each machine prints what is to be typed on the other one, and a shell reads it as it was meant.
    to_type = [
        line.split("types")[1].strip()
        for line in done(rtme("keys", "show", "--keys", server)).splitlines()
        if "trust" in line
    ]
    shell(f"{to_type[0].replace('HOST', '192.0.2.7')} --keys {client}")
    to_type = [
        line.split("types")[1].strip()
        for line in done(rtme("keys", "show", "--keys", client)).splitlines()
        if "allow" in line
    ]
    shell(f"{to_type[0]} --keys {server}")
    assert KeyFolder(client).trusted() == {"192.0.2.7": service.public}
    assert KeyFolder(server).allowed() == {"desk": listener.public}
    shown = done(rtme("keys", "show", "--keys", server)) + done(rtme("keys", "show", "--keys", client))
    assert all(key in shown for key in (service.public, listener.public, "192.0.2.7", "desk"))
    for folder in (KeyFolder(server), KeyFolder(client)):
        assert folder.server().secret not in shown
        assert folder.client().secret not in shown
    done(rtme("keys", "revoke", "desk", "--keys", server))
    assert KeyFolder(server).allowed() == {}


def shell(line: str) -> None:
    assert line.startswith("rtme keys ")
    command = line.replace("rtme", f"{sys.executable} -m rtme", 1)
    subprocess.run(["bash", "-c", command], check=True, timeout=PATIENCE_S, stdout=subprocess.DEVNULL)


def test_a_key_that_looks_like_an_option_is_a_key(rtme: Run, home: Path) -> None:
    assert "odd" in done(rtme("keys", "allow", ODD, "--name", "odd"))
    assert "192.0.2.7" in done(rtme("keys", "trust", ODD, "192.0.2.7"))
    assert KeyFolder(home).allowed() == {"odd": ODD}
    assert KeyFolder(home).trusted() == {"192.0.2.7": ODD}
    assert "odd" in done(rtme("keys", "revoke", ODD))


def test_what_is_there_is_not_replaced_unless_force_is_said(rtme: Run, home: Path) -> None:
    done(rtme("keys", "new", "desk"))
    before = KeyFolder(home).server()
    refused(rtme("keys", "new"), "--force", str(home))
    assert KeyFolder(home).server() == before
    done(rtme("keys", "new", "--force"))
    assert KeyFolder(home).server() != before


def test_what_is_wrong_is_one_sentence(rtme: Run, home: Path) -> None:
    refused(rtme("keys", "show"), "rtme keys new", str(home))
    refused(rtme("keys", "allow", "short"), "no public key", "40 characters")
    refused(rtme("keys", "revoke", "nobody"), "nobody")
    refused(rtme("keys", "new", "no name"), "no name")
    done(rtme("keys", "new", "desk"))
    (home / "server.secret").chmod(0o644)
    refused(rtme("keys", "show"), f"chmod 600 {home / 'server.secret'}")


@contextmanager
def service(engine: str, *words: object) -> Iterator[tuple[str, list[str]]]:
    """`rtme live demo`: its address, and what it said on standard error until then."""
    process = subprocess.Popen(
        [sys.executable, "-m", "rtme", "live", "demo", *map(str, words)],
        env={**os.environ, "RTME_ENGINE": engine, "COLUMNS": "200"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        said = [""]
        while "publishing on" not in said[-1]:
            said.append(process.stderr.readline())
            assert said[-1], f"rtme live ended before it published: {said}"
        address = said[-1].split()[2]
        if "--insecure" in words:
            said.append(process.stderr.readline())
        yield address, said
    finally:
        process.kill()
        process.communicate(timeout=30)


def test_a_service_with_keys_is_watched_with_keys_and_not_without(
    engine: str, rtme: Run, home: Path, tmp_path: Path
) -> None:
    done(rtme("keys", "new", "desk"))
    with service(engine, "--bind", "tcp://0.0.0.0:*") as (address, said):
        assert not any("insecure" in line for line in said), "with keys it is not"
        near = address.replace("0.0.0.0", "127.0.0.1")
        assert done(rtme("watch", near, "--keys", home, "--json", "--count", 1))
        refused(rtme("watch", near, "--seconds", PATIENCE_S), "wants keys", "rtme keys new")
        other = KeyFolder(tmp_path / "other")
        other.make("other")
        other.trust(KeyFolder(home).server().public, "127.0.0.1")
        refused(
            rtme("watch", near, "--keys", other.path, "--seconds", PATIENCE_S),
            "refused this key",
            f"rtme keys allow '{other.client().public}' --name other",
        )
        done(rtme("keys", "allow", other.client().public))
        assert done(rtme("watch", near, "--keys", other.path, "--json", "--count", 1))


def test_insecure_says_aloud_what_it_means(engine: str, home: Path) -> None:
    with service(engine, "--bind", "tcp://0.0.0.0:*", "--insecure") as (address, said):
        assert "read every event" in said[-1]
        assert "rtme keys new" in said[-1]
        assert address in said[-1]
        assert not home.exists()


def test_insecure_is_told_on_the_wire(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import rtme
    import rtme.live.service

    # Whoever comes after the first word hears the next one.
    monkeypatch.setattr(rtme.live.service, "OPENNESS_S", 1.0)
    with rtme.Live(["demo"], engine=engine, bind="tcp://0.0.0.0:*", insecure=True) as live:
        address = str(live.address).replace("0.0.0.0", "127.0.0.1")
        with Subscriber(address, kinds=["warning"], timeout_s=PATIENCE_S) as events:
            told = next(event for event in events if isinstance(event, WarningEvent))
        assert told.text == live.insecure
        live.stop()


def test_doctor_knows_a_service_with_keys_from_a_stranger(home: Path) -> None:
    from rtme.bus.publisher import Publisher
    from rtme.cli.doctor import check_port

    KeyFolder(home).make("desk")
    with Publisher("tcp://127.0.0.1:*", keys=home) as publisher:
        finding = check_port(str(publisher.address))
    assert finding.status == "note"
    assert "running rtme service" in finding.detail
