"""Files that are written whole or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A draft to be written, which takes a file's place once all of it is there.

    Whoever fails meanwhile leaves what was there before, and nothing else. Where a pipe or a device has the name, that
    itself is written.

    Args:
        path: The file; its folder exists.

    Yields:
        The draft: ``path`` with ``.part`` behind its name.

    Raises:
        OSError: The draft cannot take the file's place.

    Example:
        >>> with whole(Path("found.json")) as draft:
        ...     draft.write_text("{}")
    """
    # A link stays one, and what it leads to is written.
    target = path.resolve()
    if target.exists() and not target.is_file():
        yield path
        return
    draft = target.with_name(target.name + ".part")
    try:
        yield draft
        draft.replace(target)
    finally:
        with suppress(OSError):
            draft.unlink()
