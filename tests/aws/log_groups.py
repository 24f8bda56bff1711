"""What moto's CloudWatch Logs is taught: runs in moto's thread.

Sources: "ListTagsForResource", "TagResource", "PutRetentionPolicy" and "DeleteLogGroup" in the API reference. moto answers
no tags for a group that is not there, takes any number of days, and gives a new group the tags of one of its name that
was deleted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from calls import Call
from http_server import Response
from protocols import AwsError

DAYS = [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653]


def backend_of(call: Call) -> Any:
    from moto.logs.models import logs_backends

    return logs_backends[call.account][call.region]


def check_arn(call: Call) -> None:
    arn = call.params["resourceArn"]
    if arn not in {group.arn for group in backend_of(call).groups.values()}:
        raise AwsError("ResourceNotFoundException", "The specified resource does not exist.")


def put_retention(call: Call) -> None:
    days = call.params.get("retentionInDays")
    if days not in DAYS:
        text = f"1 validation error detected: Value '{days}' at 'retentionInDays' failed to satisfy constraint: "
        raise AwsError("InvalidParameterException", f"{text}Member must satisfy enum value set: {DAYS}")


def delete(call: Call) -> None:
    backend = backend_of(call)
    group = backend.groups.get(call.params["logGroupName"])
    if group is not None:
        backend.tagger.delete_all_tags_for_resource(group.arn)


def stored_groups(account: str) -> dict[str, Any]:
    """By region, every group with its tags, sorted by name; runs in moto's thread."""
    from moto.logs.models import logs_backends

    found = {}
    for region, backend in sorted(logs_backends[account].items()):
        tags = backend.tagger.get_tag_dict_for_resource
        groups = [backend.groups[name] for name in sorted(backend.groups)]
        if groups:
            found[region] = [
                {"Name": one.name, "Retention": one.retention_in_days, "Tags": tags(one.arn)} for one in groups
            ]
    return found


OPERATIONS: dict[str, Callable[[Call], Response | None]] = {
    "DeleteLogGroup": delete,
    "ListTagsForResource": check_arn,
    "PutRetentionPolicy": put_retention,
    "TagResource": check_arn,
}
