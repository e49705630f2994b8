"""No property depends on how fast the machine is."""

from hypothesis import settings

settings.register_profile("rtme", deadline=None)
settings.load_profile("rtme")
