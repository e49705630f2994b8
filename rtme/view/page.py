"""What every page of rtme that is one file has in common: its style, and how a template becomes text."""

from importlib import resources

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup


def style(*names: str) -> Markup:
    """Style sheets of this room, to stand in a page."""
    return Markup("\n".join(_file(name) for name in names))


def template(name: str) -> str:
    """A template of this room."""
    return _file(name)


def render(text: str, **known: object) -> str:
    """A template filled in. What is put into it is escaped unless it is markup; a name that is not there is an error."""
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(text).render(**known)


def _file(name: str) -> str:
    return (resources.files("rtme.view") / name).read_text(encoding="utf-8")
