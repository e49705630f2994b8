"""Where ``rtme analyze --video`` writes."""

from collections.abc import Sequence
from pathlib import Path

from rtme.errors import SettingsError
from rtme.view.video_file import CODECS, check

_ENDING = ".mp4"


def targets(video: Path | None, files: Sequence[str], *, folder: bool) -> dict[str, Path]:
    """The copy that is written of each recording; none when none is asked for.

    Args:
        video: What was asked for: a file, or a folder, which is made where there is none.
        files: The recordings.
        folder: Whether it must be a folder, as there are several recordings or may be.

    Raises:
        SettingsError: It cannot be written, or is one of the recordings.
    """
    if video is None:
        return {}
    if not folder and not video.is_dir():
        check(Path(files[0]), video)
        return {files[0]: video}
    if video.suffix.lower() in CODECS:
        raise SettingsError(
            f"of several recordings --video writes a folder, and {video} is the name of a file"
        )
    try:
        video.mkdir(exist_ok=True)
    except OSError as error:
        raise SettingsError(f"cannot make the folder {video}: {error.strerror}") from error
    originals = {Path(file).resolve() for file in files}
    found: dict[str, Path] = {}
    for file in files:
        target = _free_name(video, Path(file), set(found.values()))
        if target.resolve() in originals:
            raise SettingsError(f"{target} is one of the recordings: name another folder, it would be lost")
        check(Path(file), target)
        found[file] = target
    return found


def _free_name(folder: Path, file: Path, taken: set[Path]) -> Path:
    ending = file.suffix if file.suffix.lower() in CODECS else _ENDING
    target, copy = folder / (file.stem + ending), 1
    while target in taken:
        copy += 1
        target = folder / f"{file.stem}-{copy}{ending}"
    return target
