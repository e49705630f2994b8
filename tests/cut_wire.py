"""A network that can be cut without a word: a camera in a namespace of its own behind a router that stops forwarding."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

# 198.18.0.0/15 is kept for tests of networks (RFC 2544); runs side by side do not meet.
_NET = f"198.18.{os.getpid() % 256}"
_HERE, _NEAR = f"{_NET}.1", f"{_NET}.2"
_FAR, CAMERA_HOST = f"{_NET}.5", f"{_NET}.6"


class Wire:
    """Between this machine and :data:`CAMERA_HOST`; neither end sees a link go down, a FIN or an ICMP message.

    Attributes:
        inside: Words before a command that is to run at the far end.
    """

    def __init__(self, name: str) -> None:
        self._router, camera = f"{name}r", f"{name}c"
        self.inside = ["ip", "netns", "exec", camera]

    def cut(self) -> None:
        """Lose every packet from now on."""
        self._forward("0")

    def mend(self) -> None:
        """Carry them again."""
        self._forward("1")

    def _forward(self, on: str) -> None:
        command = f"echo {on} > /proc/sys/net/ipv4/ip_forward"
        run("ip", "netns", "exec", self._router, "sh", "-c", command)


@contextmanager
def wire() -> Iterator[Wire]:
    """Lay one; skips with the reason where this user may not."""
    if shutil.which("ip") is None:
        pytest.skip("network namespaces need `ip`: install what .ci/apt-packages.txt names")
    if os.geteuid() != 0:
        pytest.skip("network namespaces need root")
    name = f"rtme{os.getpid()}"
    router, camera = f"{name}r", f"{name}c"
    _clear_away()
    try:
        try:
            for namespace in (router, camera):
                run("ip", "netns", "add", namespace)
            _lay(name, router, camera)
        except subprocess.CalledProcessError as error:
            pytest.skip(f"no network namespaces on this machine: {error.stderr.strip()}")
        yield Wire(name)
    finally:
        # Their ends of the wires go with them, and so do the other ends.
        for namespace in (router, camera):
            if Path(f"/run/netns/{namespace}").exists():
                run("ip", "netns", "del", namespace)


def _clear_away() -> None:
    """Remove what a run left that was killed: its addresses would be in the way."""
    for left in Path("/run/netns").glob("rtme*[rc]"):
        if not Path(f"/proc/{left.name[4:-1]}").exists():
            run("ip", "netns", "del", left.name)


def _lay(name: str, router: str, camera: str) -> None:
    run("ip", "link", "add", f"{name}h", "type", "veth", "peer", "name", "near", "netns", router)
    run("ip", "-n", router, "link", "add", "far", "type", "veth", "peer", "name", "wire", "netns", camera)
    run("ip", "addr", "add", f"{_HERE}/30", "dev", f"{name}h")
    run("ip", "link", "set", f"{name}h", "up")
    for where, device, address in (
        (router, "near", _NEAR),
        (router, "far", _FAR),
        (camera, "wire", CAMERA_HOST),
    ):
        run("ip", "-n", where, "addr", "add", f"{address}/30", "dev", device)
        run("ip", "-n", where, "link", "set", device, "up")
    run("ip", "-n", camera, "route", "add", "default", "via", _FAR)
    run("ip", "route", "add", f"{CAMERA_HOST}/32", "via", _NEAR)
    Wire(name).mend()


def run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True, timeout=20)
