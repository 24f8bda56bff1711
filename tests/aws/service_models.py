"""AWS's own descriptions of its services, as botocore has them: which parameters a call has, and their bounds."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import Any

Model = dict[str, Any]


@functools.lru_cache(maxsize=8)
def service_model(service: str) -> Model:
    from botocore.loaders import Loader

    model: Model = Loader().load_service_model(service, "service-2")
    return model


@functools.lru_cache(maxsize=1)
def service_names() -> frozenset[str]:
    from botocore.loaders import Loader

    return frozenset(Loader().list_available_services("service-2"))


def violations(model: Model, operation: str, params: Any) -> list[str]:
    """What of the parameters is missing or out of bounds, in the words that AWS's newer services use for it."""
    return list(_violations(model, model["operations"][operation]["input"]["shape"], params, ""))


def _violations(model: Model, name: str, value: Any, where: str) -> Iterator[str]:
    shape = model["shapes"][name]
    kind = shape["type"]
    if kind == "structure":
        if not isinstance(value, dict):
            yield told(value, where, "Member must be a structure")
            return
        for required in shape.get("required", []):
            if value.get(required) is None:
                yield f"Value null at '{below(where, required)}' failed to satisfy constraint: Member must not be null"
        for member, target in shape["members"].items():
            if value.get(member) is not None:
                yield from _violations(model, target["shape"], value[member], below(where, member))
    elif kind == "list":
        if not isinstance(value, list):
            yield told(value, where, "Member must be a list")
            return
        yield from bounds(shape, len(value), value, where, "have length ")
        for place, one in enumerate(value, 1):
            yield from _violations(model, shape["member"]["shape"], one, f"{where}.{place}.member")
    elif kind == "string":
        if not isinstance(value, str):
            yield told(value, where, "Member must be a string")
            return
        yield from bounds(shape, len(value), value, where, "have length ")
        if "pattern" in shape and not re.fullmatch(in_python(shape["pattern"]), value):
            yield told(value, where, f"Member must satisfy regular expression pattern: {shape['pattern']}")
        if "enum" in shape and value not in shape["enum"]:
            yield told(value, where, f"Member must satisfy enum value set: [{', '.join(shape['enum'])}]")
    elif kind in ("integer", "long"):
        if not isinstance(value, int) or isinstance(value, bool):
            yield told(value, where, "Member must be a number")
            return
        yield from bounds(shape, value, value, where, "have value ")


def in_python(pattern: str) -> str:
    """AWS writes patterns for Java, which has names for classes of characters that Python's `re` has not."""
    for java, ours in (("\\p{L}", r"\w"), ("\\p{Z}", r"\s"), ("\\p{N}", r"\d")):
        pattern = pattern.replace(java, ours)
    return pattern


def bounds(shape: Model, size: int, value: Any, where: str, what: str) -> Iterator[str]:
    if "min" in shape and size < shape["min"]:
        yield told(value, where, f"Member must {what}greater than or equal to {shape['min']}")
    if "max" in shape and size > shape["max"]:
        yield told(value, where, f"Member must {what}less than or equal to {shape['max']}")


def told(value: Any, where: str, constraint: str) -> str:
    return f"Value '{value}' at '{where}' failed to satisfy constraint: {constraint}"


def below(where: str, member: str) -> str:
    name = member[0].lower() + member[1:]
    return f"{where}.{name}" if where else name
