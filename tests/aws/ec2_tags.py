"""CreateTags and DeleteTags over moto's tags; runs in moto's thread.

Sources: the EC2 API reference of both operations (up to 1,000 resources, up to 1,000 tags to delete, 50 tags a
resource), "Tag your Amazon EC2 resources" in its user guide (lengths, the reserved prefix, case-sensitive keys), and
public issue threads for the wording and for ResourceCountExceeded. moto looks for each instance in all of them and
checks neither lengths nor DeleteTags' resources. The codes for an empty key and a key given twice are inferred.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import instances
import volumes
from calls import Call
from ec2_query import check_dry_run, listed, response
from http_server import Response
from protocols import AwsError

RESOURCE_ID = re.compile(r"[a-z][a-z-]*-(?:[0-9a-f]{8}|[0-9a-f]{17})")
TAG = re.compile(r"Tag\.(\d+)\.(Key|Value)")
MAX_RESOURCES, MAX_TAGS, MAX_DELETED, MAX_KEY, MAX_VALUE = 1000, 50, 1000, 128, 256


def create(call: Call) -> Response | None:
    ids, tags = listed(call.params, "ResourceId"), tags_in(call.params)
    if not tags:
        raise AwsError("MissingParameter", "The request must contain the parameter tagSet")
    check_tags(tags)
    store = checked_resources(call, ids)
    if store is None:
        return None
    wanted = {key: value or "" for key, value in tags}
    for ident in ids:
        keys = {*store.get(ident, {}), *wanted}
        if sum(not reserved(key) for key in keys) > MAX_TAGS:
            raise AwsError("TagLimitExceeded", "The maximum number of Tags for a resource has been reached.")
    check_dry_run(call.params)
    for ident in ids:
        store[ident].update(wanted)
    return response("CreateTags", "<return>true</return>")


def delete(call: Call) -> Response | None:
    """Without tags all of them go; with a value only a tag that has it, and an empty value is a value."""
    ids, tags = listed(call.params, "ResourceId"), tags_in(call.params)
    if len(tags) > MAX_DELETED:
        raise invalid(f"The maximum number of tags is {MAX_DELETED}")
    check_tags(tags)
    store = checked_resources(call, ids)
    if store is None:
        return None
    check_dry_run(call.params)
    for ident in ids:
        mine = store.get(ident, {})
        for key, value in tags or [(key, None) for key in mine if not reserved(key)]:
            if value is None or mine.get(key) == value:
                mine.pop(key, None)
    return response("DeleteTags", "<return>true</return>")


def tags_in(params: dict[str, str]) -> list[tuple[str, str | None]]:
    """The tags in their order; a value that was not given is `None`."""
    found: dict[int, dict[str, str]] = {}
    for name, value in params.items():
        if matched := TAG.fullmatch(name):
            found.setdefault(int(matched.group(1)), {})[matched.group(2)] = value
    return [(found[number].get("Key", ""), found[number].get("Value")) for number in sorted(found)]


def check_tags(tags: list[tuple[str, str | None]]) -> None:
    seen = set()
    for key, value in tags:
        if not key:
            raise invalid("Tag key cannot be empty")
        if reserved(key):
            text = "Tag keys starting with 'aws:' are reserved for internal use"
            raise invalid(f"Value ( {key} ) for parameter key is invalid. {text}")
        if len(key) > MAX_KEY:
            text = f"Tag key exceeds the maximum length of {MAX_KEY} characters"
            raise invalid(f"Value ( {key} ) for parameter key is invalid. {text}")
        if value is not None and len(value) > MAX_VALUE:
            text = f"Tag value exceeds the maximum length of {MAX_VALUE} characters"
            raise invalid(f"Value ( {value} ) for parameter value is invalid. {text}")
        if key in seen:
            raise invalid(f"Duplicate tag key '{key}' specified.")
        seen.add(key)


def reserved(key: str) -> bool:
    return key.lower().startswith("aws:")


def invalid(text: str) -> AwsError:
    return AwsError("InvalidParameterValue", text)


def checked_resources(call: Call, ids: list[str]) -> dict[str, dict[str, str]] | None:
    """The tags of every resource, when all of `ids` are there; `None` when moto has to look for some of them."""
    from moto.ec2.models import ec2_backends

    if not ids:
        raise AwsError("MissingParameter", "The request must contain the parameter resourceIdSet")
    if len(ids) > MAX_RESOURCES:
        raise AwsError("ResourceCountExceeded", f"A request can have at most {MAX_RESOURCES} resources")
    for ident in ids:
        if not RESOURCE_ID.fullmatch(ident):
            raise AwsError("InvalidID", f"The ID '{ident}' is not valid")
    known = {instance.id: instance for _, instance in instances.every_instance(call)}
    instances.check_ids([ident for ident in ids if ident.startswith("i-")], known)
    volumes.check_ids([ident for ident in ids if ident.startswith("vol-")], volumes.every_volume(call))
    check_snapshots(call, [ident for ident in ids if ident.startswith("snap-")])
    if not all(ident.startswith(("i-", "vol-", "snap-")) for ident in ids):
        return None
    store: Any = ec2_backends[call.account][call.region].tags
    return store  # type: ignore[no-any-return]


def check_snapshots(call: Call, ids: list[str]) -> None:
    from moto.ec2.models import ec2_backends

    known = ec2_backends[call.account][call.region].snapshots
    for ident in ids:
        if ident not in known:
            raise AwsError("InvalidSnapshot.NotFound", f"The snapshot '{ident}' does not exist.")


OPERATIONS: dict[str, Callable[[Call], Response | None]] = {"CreateTags": create, "DeleteTags": delete}
