"""The EC2 query protocol: numbered parameters, filters with wildcards, the frame of an answer."""

from __future__ import annotations

import functools
import re

from http_server import Response
from protocols import AwsError, request_id, xml_answer

FILTER = re.compile(r"Filter\.(\d+)\.(Name|Value\.\d+)")


def listed(params: dict[str, str], name: str) -> list[str]:
    """`name.1`, `name.2`, … in their order."""
    prefix = name + "."
    numbered = [
        (int(key[len(prefix) :]), value)
        for key, value in params.items()
        if key.startswith(prefix) and key[len(prefix) :].isdigit()
    ]
    return [value for _, value in sorted(numbered)]


def filters_of(params: dict[str, str]) -> dict[str, list[str]]:
    names: dict[str, str] = {}
    values: dict[str, list[str]] = {}
    for key, value in params.items():
        if matched := FILTER.fullmatch(key):
            number, field = matched.groups()
            if field == "Name":
                names[number] = value
            else:
                values.setdefault(number, []).append(value)
    for number, name in names.items():
        if not values.get(number):
            raise AwsError("InvalidParameterValue", f"The filter '{name}' needs at least one value")
        if len(values[number]) > 200:
            raise AwsError(
                "FilterLimitExceeded", "The maximum number of filter values specified on a single call is 200"
            )
    return {name: values[number] for number, name in names.items()}


def unknown_filter(name: str) -> AwsError:
    return AwsError("InvalidParameterValue", f"The filter '{name}' is invalid")


@functools.lru_cache(maxsize=4096)
def wildcard(pattern: str) -> re.Pattern[str]:
    """EC2 filter values are case-sensitive; `*` and `?` are wildcards, a backslash takes their meaning away."""
    parts = re.findall(r"\\.|.", pattern, re.DOTALL)
    wild = {"*": ".*", "?": "."}
    return re.compile("".join(wild.get(part) or re.escape(part[-1]) for part in parts), re.DOTALL)


def response(operation: str, body: str) -> Response:
    return xml_answer(
        f'<?xml version="1.0" encoding="UTF-8"?>\n<{operation}Response xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">'
        f"<requestId>{request_id()}</requestId>{body}</{operation}Response>"
    )
