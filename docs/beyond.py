"""Takes along what pages link to outside ``docs/``, such as measured pictures, examples and an engine's report card.

On a code host these links work as they are. In the site each such file lies below ``beyond/``, Markdown as a page.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page

BEYOND = "beyond"
_LINK = re.compile(r"(\]\()([^)#\s:]+)((?:#[^)\s]*)?\))")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add every file that is linked to, and what is linked to in turn."""
    todo = [Path(str(file.abs_src_path)) for file in files.documentation_pages()]
    seen = set(todo)
    while todo:
        for target in set(_targets(todo.pop(), config)) - seen:
            seen.add(target)
            if target.is_relative_to(config.docs_dir):
                continue
            files.append(
                File.generated(
                    config,
                    _place(target, config),
                    abs_src_path=str(target),
                    inclusion=InclusionLevel.NOT_IN_NAV,
                )
            )
            if target.suffix == ".md":
                todo.append(target)
    return files


def on_page_markdown(markdown: str, /, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Point links to where the files lie in the site."""
    own = Path(str(page.file.abs_src_path))
    folder = Path(page.file.src_uri).parent

    def moved(match: re.Match[str]) -> str:
        target = (own.parent / match[2]).resolve()
        if not _is_ours(target, config):
            return match[0]
        return match[1] + Path(os.path.relpath(_place(target, config), folder)).as_posix() + match[3]

    return _LINK.sub(moved, markdown)


def _targets(page: Path, config: MkDocsConfig) -> Iterator[Path]:
    for match in _LINK.finditer(page.read_text(encoding="utf-8")):
        target = (page.parent / match[2]).resolve()
        if _is_ours(target, config):
            yield target


def _is_ours(target: Path, config: MkDocsConfig) -> bool:
    return target.is_file() and target.is_relative_to(_root(config))


def _place(target: Path, config: MkDocsConfig) -> str:
    """Where a file of the project lies in the site's sources."""
    if target.is_relative_to(config.docs_dir):
        return target.relative_to(config.docs_dir).as_posix()
    return f"{BEYOND}/{target.relative_to(_root(config)).as_posix()}"


def _root(config: MkDocsConfig) -> Path:
    return Path(config.docs_dir).parent
