"""Which operation of a REST service a request is, and its parameters, by AWS's own model of the service."""

from __future__ import annotations

import functools
import json
import re
from typing import Any
from urllib.parse import parse_qs

from http_server import Request
from service_models import service_model


@functools.lru_cache(maxsize=4)
def routes(service: str) -> list[tuple[str, re.Pattern[str], str]]:
    """Method, path and operation; the longest paths first, so that a name does not take the rest of a path for its own."""
    found = []
    for name, operation in service_model(service)["operations"].items():
        path = operation["http"]["requestUri"].rstrip("/")
        pattern = "".join(
            f"(?P<{part[1:-1].rstrip('+')}>[^/]+)" if part.startswith("{") else re.escape(part)
            for part in re.split(r"(\{[^}]+\})", path)
        )
        found.append((operation["http"]["method"], re.compile(pattern), name))
    return sorted(found, key=lambda route: -len(route[1].pattern))


def read(service: str, request: Request) -> tuple[str, dict[str, Any]]:
    """The operation of a request, and its parameters from the path, the query and the body."""
    path = request.path.rstrip("/")
    for method, pattern, operation in routes(service):
        matched = pattern.fullmatch(path) if method == request.method else None
        if matched is None:
            continue
        members = members_of(service, operation)
        params: dict[str, Any] = json.loads(request.body) if request.body else {}
        query = parse_qs(request.query)
        for member, shape in members.items():
            name = shape.get("locationName", member)
            if shape.get("location") == "uri":
                params[member] = matched.group(name)
            elif shape.get("location") == "querystring" and name in query:
                params[member] = query[name] if member.endswith("Keys") else query[name][-1]
        return operation, params
    return "Unknown", {}


def members_of(service: str, operation: str) -> dict[str, Any]:
    model = service_model(service)
    given = model["operations"][operation].get("input")
    return model["shapes"][given["shape"]]["members"] if given else {}
