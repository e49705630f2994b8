"""npm packages for a test, in a folder of its own."""

import shutil
import subprocess
from pathlib import Path

import pytest

needs_npm = pytest.mark.skipif(
    not (shutil.which("node") and shutil.which("npm")),
    reason="node and npm are not installed: apt-get install nodejs npm",
)


def installed(folder: Path, *packages: str) -> Path:
    """``node_modules`` with the packages (those of ``package.json`` in the folder when none is named).

    Skips the test where the registry cannot be reached.
    """
    done = subprocess.run(
        ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", *packages],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
    )
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no words"])[0]
        if any(
            word in done.stderr
            for word in ("ENOTFOUND", "ECONNREFUSED", "ETIMEDOUT", "EAI_AGAIN", "ENETUNREACH")
        ):
            pytest.skip(f"npm's registry cannot be reached: {reason}")
        pytest.fail(f"npm install failed: {done.stderr}")
    return folder / "node_modules"
