"""A camera process that a test can start, stop, freeze and start again at the same address."""

import select
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

import pytest

SCRIPT = Path(__file__).with_name("rtsp_server.py")
SYSTEM_PYTHON = "/usr/bin/python3"
_CANNOT_RUN = 77
_READY_LIMIT_S = 60.0


class RtspCamera:
    """``tests/rtsp_server.py`` as a process of its own.

    Attributes:
        url: Its address, with the credentials when it wants some; empty before the first start.
        bare_url: The address without credentials.
    """

    def __init__(
        self,
        file: Path | None = None,
        *,
        user: str | None = None,
        password: str = "",
        inside: Sequence[str] = (),
        **options: object,
    ) -> None:
        """Nothing runs yet.

        Args:
            file: What it shows.
            user: Who may watch; None: anybody.
            password: And with which word.
            inside: Words before the command, such as ``ip netns exec NAME``.
            options: Of the script: ``fps=12``, ``counts_frames=True``.
        """
        self.url = self.bare_url = ""
        self._user = user
        self._password = password
        self._inside = list(inside)
        self.shows(file, **options)
        self._port = 0
        self._process: subprocess.Popen[str] | None = None

    def shows(self, file: Path | None, **options: object) -> None:
        """What it will show, and how, when it is started next."""
        self._options = [str(file)] if file else []
        if self._user:
            options |= {"user": self._user, "password": self._password}
        for name, value in options.items():
            flag = f"--{name.replace('_', '-')}"
            self._options += [flag] if value is True else [flag, str(value)]

    def start(self) -> None:
        """Come up, at the same port as before; returns when clients may connect."""
        command = [
            *self._inside,
            SYSTEM_PYTHON,
            str(SCRIPT),
            *self._options,
            "--port",
            str(self._port),
            "--until-stdin-closes",
        ]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._process = process
        assert process.stdout is not None
        readable, _, _ = select.select([process.stdout], [], [], _READY_LIMIT_S)
        line = process.stdout.readline() if readable else ""
        if not line.startswith("ready "):
            self.stop()
            if process.returncode == _CANNOT_RUN:
                pytest.skip("no RTSP server on this machine: install what .ci/apt-packages.txt names")
            raise RuntimeError(f"the RTSP server did not come up ({process.returncode}): {line!r}")
        self.bare_url = line.split()[1]
        self._port = int(self.bare_url.rsplit(":", 1)[1].split("/")[0])
        login = f"{quote(self._user, safe='')}:{quote(self._password, safe='')}@" if self._user else ""
        self.url = self.bare_url.replace("://", f"://{login}")

    def stop(self) -> None:
        """Go away as a camera without power does: at once and without a farewell."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate(timeout=10)

    def freeze(self) -> None:
        """Keep the connection, send nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Go on after :meth:`freeze`."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)


def skip_unless_possible() -> None:
    """Skip the test where no such server can run."""
    if sys.platform != "linux" or not Path(SYSTEM_PYTHON).exists():
        pytest.skip(f"the RTSP server needs Linux and {SYSTEM_PYTHON}")
