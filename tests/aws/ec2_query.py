"""The EC2 query protocol: numbered parameters, filters with wildcards, pages, the frame of an answer."""

from __future__ import annotations

import base64
import binascii
import functools
import re
from collections.abc import Callable
from itertools import islice
from typing import Any, TypeVar
from xml.sax.saxutils import escape

from http_server import Response
from protocols import AwsError, request_id, xml_answer

T = TypeVar("T")
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


def passes(filters: dict[str, list[str]], value_of: Callable[[str], Any]) -> bool:
    """Filters are joined with AND, the values of one with OR; a tuple holds several values, any of which may match."""
    for name, patterns in filters.items():
        value = value_of(name)
        values = value if isinstance(value, tuple) else (value,)
        if not any(one is not None and wildcard(pattern).fullmatch(one) for one in values for pattern in patterns):
            return False
    return True


def check_dry_run(params: dict[str, str]) -> None:
    if params.get("DryRun") == "true":
        raise AwsError("DryRunOperation", "Request would have succeeded, but DryRun flag is set.", 412)


def page_size(params: dict[str, str], ids: list[str], ids_name: str) -> int | None:
    """MaxResults, from 5 to 1,000 and never together with ids; `None` asks for everything."""
    size = params.get("MaxResults")
    if size is None:
        return None
    if ids:
        text = f"The parameter {ids_name} cannot be used with the parameter maxResults"
        raise AwsError("InvalidParameterCombination", text)
    if not 5 <= int(size) <= 1000:
        bound = "greater than 5" if int(size) < 5 else "less than 1000"
        text = f"Value ( {size} ) for parameter maxResults is invalid. Expecting a value {bound}."
        raise AwsError("InvalidParameterValue", text)
    return int(size)


def paged(known: dict[str, T], keep: Callable[[T], bool], size: int | None, token: str | None) -> tuple[list[T], str]:
    """One page of what is kept, in the order of `known`, and its `<nextToken>` when more is to come."""
    start = position_after(token, list(known)) if token else 0
    chosen = [(ident, one) for ident, one in islice(known.items(), start, None) if keep(one)]
    page = chosen if size is None else chosen[:size]
    more = f"<nextToken>{make_token(page[-1][0])}</nextToken>" if len(page) < len(chosen) else ""
    return [one for _, one in page], more


def make_token(ident: str) -> str:
    return base64.urlsafe_b64encode(b"after:" + ident.encode()).decode()


def position_after(token: str, known: list[str]) -> int:
    try:
        kind, _, ident = base64.urlsafe_b64decode(token).decode().partition(":")
        if kind == "after":
            return known.index(ident) + 1
    except (binascii.Error, UnicodeDecodeError, ValueError):
        pass
    raise AwsError("InvalidParameterValue", "Unable to parse pagination token")


def element(name: str, value: Any) -> str:
    return "" if value is None or value == "" else f"<{name}>{escape(str(value))}</{name}>"


def time_of(moment: Any) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.000Z"


def tag_set(tags: dict[str, str]) -> str:
    """EC2 leaves the list out when there is no tag."""
    items = "".join(
        f"<item><key>{escape(key)}</key><value>{escape(value)}</value></item>" for key, value in tags.items()
    )
    return f"<tagSet>{items}</tagSet>" if items else ""


def response(operation: str, body: str) -> Response:
    return xml_answer(
        f'<?xml version="1.0" encoding="UTF-8"?>\n<{operation}Response xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">'
        f"<requestId>{request_id()}</requestId>{body}</{operation}Response>"
    )
