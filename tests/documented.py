"""The code in README.md and docs/, block by block and command by command."""

import re
import shlex
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]

_BLOCK = re.compile(
    r"^(?P<indent> *)```(?P<language>\w+)\n(?P<code>.*?)^(?P=indent)```$", re.DOTALL | re.MULTILINE
)
_NOT_RUN = re.compile(r"<!-- not run: (.+) -->\s*$")


@dataclass(frozen=True, slots=True)
class Block:
    """Fenced code of a page.

    Attributes:
        page: Below the project's folder.
        line: Its first one, from 1.
        language: As the fence says.
        code: Without the fence and its indent.
        why_not: Why it is not run, as the comment before it says: ``<!-- not run: REASON -->``.
    """

    page: str
    line: int
    language: str
    code: str
    why_not: str | None

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def blocks(language: str) -> list[Block]:
    """All blocks of a language, in every page."""
    return [block for page in PAGES for block in _blocks(page) if block.language == language]


def commands() -> list[tuple[Block, list[str]]]:
    """Every command in the blocks of shell, as words, without the program that a pipe sends its output to."""
    return [(block, words) for block in blocks("sh") for words in _commands(block.code)]


def _blocks(page: Path) -> Iterator[Block]:
    text = page.read_text(encoding="utf-8")
    for match in _BLOCK.finditer(text):
        before = text[: match.start()]
        reason = _NOT_RUN.search(before)
        yield Block(
            page.relative_to(ROOT).as_posix(),
            before.count("\n") + 2,
            match["language"],
            textwrap.dedent(match["code"]),
            reason and reason[1],
        )


def _commands(code: str) -> Iterator[list[str]]:
    for line in code.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        words: list[str] = []
        for word in [*lexer, ";"]:
            if word in (";", "|", "&&", "||", ">"):
                if words and words[0] != ">":
                    yield words
                words = [">"] if word == ">" else []
            else:
                words.append(word)
