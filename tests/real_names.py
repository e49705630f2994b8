"""Whether names that our code uses of TensorRT and cuda.bindings are real: run as a script where they can be imported.

    python real_names.py tensorrt_bindings FILE...
    python real_names.py cuda.bindings.driver FILE...

Nothing is listed by hand. What our files use is read out of their syntax: ``trt.X.Y``, and methods and arguments of whatever
is known to be TensorRT's by an annotation, a constructor or what a method is documented to return. It prints as JSON what
was ``used`` and what is ``wrong`` with it.
"""

import ast
import json
import re
import sys
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

_SIGNATURE = re.compile(r"^(?:\d+\. )?(\w+)\((self: [\w.]+(?:, )?)?(.*)\) -> (.+)$", re.MULTILINE)
_ALIASES = {"trt", "driver", "self._driver"}


@dataclass
class Instance:
    """Something of one of the library's types."""

    kind: type


@dataclass
class Names:
    """What one file uses.

    Attributes:
        library: What ``trt`` or ``driver`` is.
        used: Such as ``Builder.create_network``.
        wrong: In words.
    """

    library: ModuleType
    used: set[str] = field(default_factory=set)
    wrong: set[str] = field(default_factory=set)
    known: dict[str, Any] = field(default_factory=dict)

    def read(self, tree: ast.AST) -> None:
        for node in ast.walk(tree):
            if isinstance(node, ast.arg) and node.annotation is not None:
                self._note(node.arg, self._annotated(node.annotation))
            elif isinstance(node, ast.AnnAssign):
                self._note(ast.unparse(node.target), self._annotated(node.annotation))
        # What a method gives may be known only by a later line: twice is enough for our files.
        for _ in range(2):
            for node in ast.walk(tree):
                if isinstance(node, ast.Assign) and len(node.targets) == 1:
                    self._note(ast.unparse(node.targets[0]), self._of(node.value))
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                self._called(node)
            elif isinstance(node, ast.Attribute):
                self._of(node)

    def _note(self, name: str, found: Any) -> None:
        if found is not None:
            self.known[name] = found

    def _annotated(self, annotation: ast.expr) -> Instance | None:
        text = annotation.value if isinstance(annotation, ast.Constant) else ast.unparse(annotation)
        named = re.match(r"trt\.([\w.]+)", str(text))
        if named is None:
            return None
        found: Any = self.library
        for part in named[1].split("."):
            found = self._member(found, part)
        return Instance(found) if isinstance(found, type) else None

    def _of(self, node: ast.expr) -> Any:
        """The library's object behind an expression, an :class:`Instance`, or None for what is not its own."""
        text = ast.unparse(node)
        if text in _ALIASES:
            return self.library
        if text in self.known:
            return self.known[text]
        if isinstance(node, ast.Attribute):
            return self._member(self._of(node.value), node.attr)
        if isinstance(node, ast.Call):
            function = self._of(node.func)
            if isinstance(function, type):
                return Instance(function)
            return self._returned(function)
        return None

    def _member(self, owner: Any, name: str) -> Any:
        if owner is None:
            return None
        place = owner.kind if isinstance(owner, Instance) else owner
        told = f"{getattr(place, '__name__', place)}.{name}".removeprefix(f"{self.library.__name__}.")
        self.used.add(told)
        if not hasattr(place, name):
            self.wrong.add(f"{told} does not exist")
            return None
        return getattr(place, name)

    def _returned(self, function: Any) -> Instance | None:
        for *_, returned in _SIGNATURE.findall(getattr(function, "__doc__", None) or ""):
            kind = getattr(self.library, returned.rpartition(".")[2], None)
            if isinstance(kind, type):
                return Instance(kind)
        return None

    def _called(self, node: ast.Call) -> None:
        function = self._of(node.func)
        if function is None:
            return
        if isinstance(function, type) and (found := _SIGNATURE.search(function.__init__.__doc__ or "")):
            signatures = [found.groups()]
        else:
            signatures = _SIGNATURE.findall(getattr(function, "__doc__", None) or "")
        if not signatures:
            return
        bound = isinstance(function, type) or isinstance(
            self._of(node.func.value) if isinstance(node.func, ast.Attribute) else None, Instance
        )
        given = len(node.args) - (0 if bound else bool(signatures[0][1]))
        names = {keyword.arg for keyword in node.keywords}
        call = f"{ast.unparse(node.func)}({', '.join(ast.unparse(a) for a in (*node.args, *node.keywords))})"
        if not any(_fits(arguments, given, names) for _, _, arguments, _ in signatures):
            self.wrong.add(f"{call} fits none of {[arguments for _, _, arguments, _ in signatures]}")


def _fits(arguments: str, given: int, names: set[str | None]) -> bool:
    """Whether so many arguments by place and these by name make a call."""
    parts = re.findall(r"(\w+): (?:[^,\[\]=]|\[[^]]*\])+?( = [^,]+)?(?:,|$)", arguments)
    by_place, rest = parts[:given], parts[given:]
    required = {name for name, default in rest if not default}
    return len(by_place) == given and required <= names <= {name for name, _ in rest}


def main() -> None:
    library = import_module(sys.argv[1])
    used: set[str] = set()
    wrong: set[str] = set()
    for file in sys.argv[2:]:
        names = Names(library)
        names.read(ast.parse(Path(file).read_text()))
        used |= names.used
        wrong |= {f"{Path(file).name}: {fault}" for fault in names.wrong}
    print(
        json.dumps(
            {"version": getattr(library, "__version__", ""), "used": sorted(used), "wrong": sorted(wrong)}
        )
    )


if __name__ == "__main__":
    main()
