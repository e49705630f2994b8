"""How the engine of a run is opened."""

from rtme.engine.backend import Wish
from rtme.settings import Settings


def wish_of(settings: Settings) -> Wish:
    """As the service opens it."""
    return Wish(settings.backend, threads=settings.threads)
