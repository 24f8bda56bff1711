"""Tags and stops of RDS over moto's databases and clusters; runs in moto's thread.

Sources: the RDS API reference of the operations and of the type Tag, "Stopping an Amazon RDS DB instance temporarily"
in its user guide (read replicas and their sources cannot be stopped), and public issue threads for what an Aurora
member and a database that is not available answer. The codes for a replica and for the 51st tag are inferred.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Any
from xml.sax.saxutils import escape

from calls import Call
from http_server import Response
from protocols import XML_NAMESPACES, AwsError, request_id, xml_answer

ARN = re.compile(r"arn:aws[a-z-]*:rds:([a-z0-9-]+):(\d{12}):([a-z-]+):(.+)")
TAG = re.compile(r"Tags\.(?:Tag|member)\.(\d+)\.(Key|Value)")
TAG_KEY = re.compile(r"TagKeys\.(?:member|TagKey)\.\d+")
TAG_LISTS = re.compile(rb"<TagList>.*?</TagList>|<TagList ?/>", re.DOTALL)
CLUSTER_ENGINES = ("aurora", "docdb", "neptune")
MAX_TAGS, MAX_KEY, MAX_VALUE = 50, 128, 256


def backend_of(call: Call) -> Any:
    from moto.rds.models import rds_backends

    return rds_backends[call.account][call.region]


def tagged(call: Call) -> Any:
    """The database or cluster that the ARN names; `None` when moto has to look for another kind of resource."""
    arn = call.params.get("ResourceName", "")
    matched = ARN.fullmatch(arn)
    if matched is None:
        raise invalid(f"Invalid resource name: {arn}")
    region, account, kind, name = matched.groups()
    if (region, account) != (call.region, call.account):
        raise invalid("The specified resource name does not match an RDS resource in this region.")
    if kind == "db":
        return database(call, name)
    if kind == "cluster":
        return cluster(call, name)
    return None


def database(call: Call, name: str) -> Any:
    found = backend_of(call).databases.get(name)
    if found is None:
        raise AwsError("DBInstanceNotFound", f"DBInstance {name} not found.", 404)
    return found


def cluster(call: Call, name: str) -> Any:
    found = backend_of(call).clusters.get(name)
    if found is None:
        raise AwsError("DBClusterNotFoundFault", f"DBCluster {name} not found.", 404)
    return found


def add_tags(call: Call) -> Response | None:
    resource = tagged(call)
    if resource is None:
        return None
    found: dict[str, dict[str, str]] = {}
    for name, value in call.params.items():
        if matched := TAG.fullmatch(name):
            found.setdefault(matched.group(1), {})[matched.group(2)] = value
    if not found:
        raise AwsError("MissingParameter", "The request must contain the parameter Tags")
    tags = {tag.get("Key", ""): tag.get("Value", "") for tag in found.values()}
    for key, value in tags.items():
        check_text("key", key, 1, MAX_KEY)
        check_text("value", value, 0, MAX_VALUE)
    if len({tag["Key"] for tag in resource.tags} | set(tags)) > MAX_TAGS:
        raise invalid(f"A resource can have at most {MAX_TAGS} tags")
    resource.add_tags([{"Key": key, "Value": value} for key, value in tags.items()])
    return answer("AddTagsToResource")


def check_text(what: str, text: str, least: int, most: int) -> None:
    if not least <= len(text) <= most:
        raise invalid(f"The tag {what} must have {least} to {most} characters")
    if text.lower().startswith(("aws:", "rds:")):
        raise invalid(f"The tag {what} {text} has a reserved prefix")
    if not all(char in "_.:/=+-@" or unicodedata.category(char)[0] in "LZN" for char in text):
        allowed = "unicode letters, digits, whitespace, or one of these symbols: _ . : / = + - @"
        raise invalid(f"Tag {what}s may only contain {allowed}")


def remove_tags(call: Call) -> Response | None:
    resource = tagged(call)
    if resource is None:
        return None
    resource.remove_tags([value for name, value in call.params.items() if TAG_KEY.fullmatch(name)])
    return answer("RemoveTagsFromResource")


def list_tags(call: Call) -> Response | None:
    resource = tagged(call)
    if resource is None:
        return None
    items = "".join(
        f"<Tag><Key>{escape(tag['Key'])}</Key><Value>{escape(tag['Value'])}</Value></Tag>" for tag in resource.tags
    )
    return answer("ListTagsForResource", f"<TagList>{items}</TagList>")


def check_instance(call: Call) -> None:
    """What moto does not refuse when an instance is stopped or started; moto looks at its state."""
    one = database(call, call.params.get("DBInstanceIdentifier", ""))
    if one.engine.startswith(CLUSTER_ENGINES):
        raise combination(f"{one.engine} DB instances are not eligible for stopping and starting.")
    if one.is_replica:
        raise combination("Cannot stop or start a Read-Replica instance")
    if one.replicas:
        raise combination("Cannot stop or start an instance that has Read-Replicas")


def check_cluster(call: Call) -> None:
    cluster(call, call.params.get("DBClusterIdentifier", ""))


def without_tag_lists(response: Response) -> Response:
    """The answer of a Describe call as an old RDS gave it, so that the tags have to be asked for one by one."""
    response.body = TAG_LISTS.sub(b"", response.body)
    return response


def invalid(text: str) -> AwsError:
    return AwsError("InvalidParameterValue", text)


def combination(text: str) -> AwsError:
    return AwsError("InvalidParameterCombination", text)


def answer(operation: str, body: str = "") -> Response:
    result = f"<{operation}Result>{body}</{operation}Result>" if body else ""
    return xml_answer(
        f'<{operation}Response xmlns="{XML_NAMESPACES["rds"]}">{result}'
        f"<ResponseMetadata><RequestId>{request_id()}</RequestId></ResponseMetadata></{operation}Response>"
    )


OPERATIONS: dict[str, Callable[[Call], Response | None]] = {
    "AddTagsToResource": add_tags,
    "RemoveTagsFromResource": remove_tags,
    "ListTagsForResource": list_tags,
    "StopDBInstance": check_instance,
    "StartDBInstance": check_instance,
    "StopDBCluster": check_cluster,
    "StartDBCluster": check_cluster,
}
