"""What the shell offers for a value. Each answers at once: nothing that is slow to import is asked."""

from collections.abc import Callable
from importlib import resources

Values = Callable[[str], list[str]]


def one_of(*values: str) -> Values:
    """A set that does not change."""

    def complete(incomplete: str) -> list[str]:
        return [value for value in values if value.startswith(incomplete)]

    return complete


def kinds(incomplete: str) -> list[str]:
    """Kinds of events."""
    from rtme.bus.subscriber import KINDS

    return [kind for kind in sorted(KINDS) if kind.startswith(incomplete)]


def engines(incomplete: str) -> list[str]:
    """Engines that have a name; the shell itself knows the folders."""
    from rtme.engine.bundle import list_bundles

    return [name for name in list_bundles() if name.startswith(incomplete)]


def backends(incomplete: str) -> list[str]:
    """What can run an engine, here or elsewhere."""
    from rtme.engine.backends import BACKENDS

    return [name for name in ("auto", *BACKENDS) if name.startswith(incomplete)]


def datasets(incomplete: str) -> list[str]:
    """Short names of datasets."""
    from rtme.data.readers import NAMES

    return [name for name in NAMES if name.startswith(incomplete)]


def recipes(incomplete: str) -> list[str]:
    """Recipes that come with rtme."""
    # rtme.train itself would bring torch.
    folder = resources.files("rtme.train") / "recipes"
    names = [entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml")]
    return sorted(name for name in names if name.startswith(incomplete))
