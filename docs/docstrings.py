"""Makes the docstrings' reStructuredText roles and examples what the site understands."""

import re
from typing import Any

from griffe import Extension, Object


class Docstrings(Extension):
    """``:class:`Name``` becomes code, and ``Example:`` a section of examples."""

    def on_object(self, *, obj: Object, **kwargs: Any) -> None:
        """Called for whatever was read."""
        if obj.docstring:
            text = re.sub(r":\w+:`([^`]+)`", r"`\1`", obj.docstring.value)
            obj.docstring.value = re.sub(r"^Example:$", "Examples:", text, flags=re.MULTILINE)
