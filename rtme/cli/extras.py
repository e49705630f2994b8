"""What is installed only on request (``pip install 'rtme[train]'``)."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from rtme.errors import SettingsError


@contextmanager
def extra(name: str, what: str) -> Iterator[None]:
    """Around imports that need an extra.

    Args:
        name: The extra.
        what: What needs it, such as "training".

    Raises:
        SettingsError: Something that the extra brings is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "rtme":
            raise
        raise SettingsError(f"{what} needs {error.name}: pip install 'rtme[{name}]'") from error


def need(name: str, what: str, *packages: str) -> None:
    """Find out before the work, not after, that an extra is missing.

    Args:
        name: The extra.
        what: What needs it.
        *packages: Modules that it brings.

    Raises:
        SettingsError: One of them is not installed.
    """
    absent = [package for package in packages if find_spec(package) is None]
    if absent:
        raise SettingsError(f"{what} needs {' and '.join(absent)}: pip install 'rtme[{name}]'")
