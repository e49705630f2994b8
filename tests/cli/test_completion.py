"""What the shell offers, asked as the shells ask."""

import os
import pty
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rtme.cli.verbs import VERBS


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """With ``rtme`` on the path, as an installation has it, but of this tree."""
    command = tmp_path / "bin" / "rtme"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m rtme "$@"\n')
    command.chmod(0o755)
    return {
        **os.environ,
        "PATH": f"{command.parent}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "TERM": "dumb",
    }


def run(words: list[str], environment: dict[str, str], **more: str) -> str:
    done = subprocess.run(
        words, env={**environment, **more}, capture_output=True, text=True, timeout=120, check=False
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout


@pytest.fixture
def bash(environment: dict[str, str], tmp_path: Path) -> Path:
    """Bash's script, as a user gets it."""
    if shutil.which("bash") is None:
        pytest.skip("bash is not installed")
    script = tmp_path / "completion.bash"
    script.write_text(run(["bash", "-c", "rtme --show-completion; true"], environment))
    assert "complete " in script.read_text()
    return script


CASES = {
    "rtme wa": ["watch"],
    "rtme engine in": ["info"],
    "rtme watch --kind int": ["interval"],
    "rtme live 0 --sensitivity ": ["low", "normal", "high"],
    "rtme live 0 --backend onnxruntime-": ["onnxruntime-cuda"],
    "rtme live 0 --engine def": ["default"],
    "rtme engine info def": ["default"],
    "rtme data check casme2": ["casme2sq", "casme2"],
    "rtme train casme": ["casme2sq"],
    "rtme bench lat": ["latency"],
    "rtme schema rep": ["replay"],
    "rtme analyze clip.mp4 --sens": ["--sensitivity"],
}


@pytest.mark.parametrize("line", CASES)
def test_bash_offers(line: str, bash: Path, environment: dict[str, str]) -> None:
    words = line.split(" ")
    ask = (
        f'source {bash}; COMP_WORDS=({" ".join(words[:-1])} "{words[-1]}"); COMP_CWORD={len(words) - 1}; '
        r'_rtme_completion rtme; printf "%s\n" "${COMPREPLY[@]}"'
    )
    assert run(["bash", "--norc", "-c", ask], environment).split() == CASES[line]


def test_bash_offers_every_verb(bash: Path, environment: dict[str, str]) -> None:
    ask = rf'source {bash}; COMP_WORDS=(rtme ""); COMP_CWORD=1; _rtme_completion rtme; printf "%s\n" "${{COMPREPLY[@]}}"'
    assert run(["bash", "--norc", "-c", ask], environment).split() == list(VERBS)


def test_a_tab_in_a_real_bash(bash: Path, environment: dict[str, str]) -> None:
    child, terminal = pty.fork()
    if child == 0:
        os.execvpe("bash", ["bash", "--norc", "--noprofile", "-i"], environment)
    try:
        os.write(terminal, f"source {bash}; echo re''ady\n".encode())
        until(terminal, b"ready")
        os.write(terminal, b"echo rtme; rtme doc\t")
        until(terminal, b"rtme doctor ")
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)
        os.close(terminal)


def until(terminal: int, text: bytes) -> None:
    shown, deadline = b"", time.monotonic() + 120
    while text not in shown:
        assert time.monotonic() < deadline, shown
        shown += os.read(terminal, 4096)


def test_zsh_and_fish_get_a_script_and_answers(environment: dict[str, str]) -> None:
    python = [sys.executable, "-m", "rtme"]
    assert "#compdef rtme" in run(python, environment, _RTME_COMPLETE="source_zsh")
    assert "--command rtme" in run(python, environment, _RTME_COMPLETE="source_fish")
    asked = {"_TYPER_COMPLETE_ARGS": "rtme watch --kind int"}
    assert '"interval"' in run(python, environment, _RTME_COMPLETE="complete_zsh", **asked)
    answers = run(
        python, environment, _RTME_COMPLETE="complete_fish", _TYPER_COMPLETE_FISH_ACTION="get-args", **asked
    )
    assert answers.split() == ["interval"]


def test_fish_offers(environment: dict[str, str], tmp_path: Path) -> None:
    if shutil.which("fish") is None:
        pytest.skip("fish is not installed")
    script = tmp_path / "rtme.fish"
    script.write_text(run([sys.executable, "-m", "rtme"], environment, _RTME_COMPLETE="source_fish"))
    ask = f"source {script}; complete -C 'rtme watch --kind int'"
    assert "interval" in run(["fish", "--no-config", "-c", ask], environment)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_it_can_be_installed(shell: str, environment: dict[str, str], tmp_path: Path) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    said = run([shell, "-c", "rtme --install-completion; true"], environment)
    assert shell in said
    assert any(
        "rtme" in path.name for path in tmp_path.rglob("*") if path.is_file() and path.parent.name != "bin"
    )
