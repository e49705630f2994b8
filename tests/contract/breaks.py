"""What a newer JSON Schema of the wire takes back of an older one."""

from typing import Any

Schema = dict[str, Any]


def breaks(old: Schema, new: Schema) -> list[str]:
    """One line for each thing that a reader of the old schema would miss."""
    flaws = [
        f"the kind {kind} is gone"
        for kind in old["discriminator"]["mapping"]
        if kind not in new["discriminator"]["mapping"]
    ]
    for name, before in old["$defs"].items():
        after = new["$defs"].get(name)
        flaws += [f"{name} is gone"] if after is None else _object(name, before, after)
    return flaws


def _object(name: str, old: Schema, new: Schema) -> list[str]:
    flaws = [
        f"{name}.{field} may be left out"
        for field in old.get("required", [])
        if field not in new.get("required", [])
    ]
    for field, before in old["properties"].items():
        after = new["properties"].get(field)
        where = f"{name}.{field}"
        flaws += [f"{where} is gone"] if after is None else _value(where, before, after)
    return flaws


def _value(where: str, old: Schema, new: Schema) -> list[str]:
    if "anyOf" in old:
        pairs = zip(old["anyOf"], new.get("anyOf", []), strict=False)
        same_length = len(old["anyOf"]) == len(new.get("anyOf", []))
        return [f for a, b in pairs for f in _value(where, a, b)] if same_length else [f"{where} has changed"]
    flaws = [
        f"{where}: {key} was {old.get(key)} and is {new.get(key)}"
        for key in ("type", "$ref", "const", "anyOf", "minimum", "maximum")
        if old.get(key) != new.get(key)
    ]
    flaws += [
        f"{where}: {value} is gone" for value in old.get("enum", []) if value not in new.get("enum", [])
    ]
    if "additionalProperties" in old:
        flaws += _value(f"{where}.*", old["additionalProperties"], new.get("additionalProperties", {}))
    return flaws
