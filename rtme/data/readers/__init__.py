"""One small file a dataset: label files into the one manifest."""

from importlib import import_module

from rtme.data.readers.reading import Dataset
from rtme.errors import SettingsError

NAMES = (
    "casme2sq",
    "samm_lv",
    "samm",
    "casme3",
    "casme",
    "casme2",
    "smic",
    "mmew",
    "fourdme",
    "mmme",
    "own",
)


def find(name: str) -> Dataset:
    """The dataset of this short name.

    Raises:
        SettingsError: There is none, with those there are.
    """
    if name not in NAMES:
        raise SettingsError(f"no dataset '{name}': choose of {', '.join(NAMES)} (casme2sq is CAS(ME)^2)")
    dataset: Dataset = import_module(f"rtme.data.readers.{name}").DATASET
    return dataset
