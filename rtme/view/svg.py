"""SVG for a page: elements with attributes, and paths that stay short."""

from collections.abc import Iterable
from xml.etree.ElementTree import Element, SubElement, tostring

from rtme.view.curves import Floats


class Drawing:
    """A picture of a fixed width that scales with the page; colours come from the page's classes.

    Args:
        width: In the picture's own units.
        label: What it shows, for people who cannot see it.
    """

    def __init__(self, width: float, label: str) -> None:
        self.width = width
        self.root = Element("svg", {"role": "img", "aria-label": label, "class": "tl"})

    def add(
        self, tag: str, parent: Element | None = None, text: str | None = None, **known: object
    ) -> Element:
        """An element. ``_`` in a name stands for ``-``, one at its end for nothing: ``class_``, ``text_anchor``."""
        attributes = {name.rstrip("_").replace("_", "-"): _text(value) for name, value in known.items()}
        element = SubElement(self.root if parent is None else parent, tag, attributes)
        element.text = text
        return element

    def title(self, parent: Element, text: str) -> None:
        """What is told of an element when the mouse is over it."""
        self.add("title", parent, text)

    def finish(self, height: float) -> str:
        """The picture as text, so high."""
        self.root.set("viewBox", f"0 0 {_text(self.width)} {_text(height)}")
        return tostring(self.root, encoding="unicode")


def path(lines: Iterable[tuple[Floats, Floats]]) -> str:
    """Lines as the ``d`` of a path. Points in the midst of a level stretch are left out."""
    words: list[str] = []
    for xs, ys in lines:
        points = [(round(float(x), 1), round(float(y), 1)) for x, y in zip(xs, ys, strict=True)]
        kept = [
            point
            for number, point in enumerate(points)
            if not (0 < number < len(points) - 1)
            or not points[number - 1][1] == point[1] == points[number + 1][1]
        ]
        if len(kept) == 1:  # a lone point is seen as a dot, through its round cap
            kept *= 2
        words += [f"{'M' if number == 0 else ''}{_text(x)} {_text(y)}" for number, (x, y) in enumerate(kept)]
    return " ".join(words)


def _text(value: object) -> str:
    return f"{round(value, 2):g}" if isinstance(value, float) else str(value)
