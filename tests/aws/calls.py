"""Which call of which account a request is, and the log of the calls that tests read."""

from __future__ import annotations

import gzip
import json
import re
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import cbor2
from ec2_query import listed
from http_server import Request, Response
from scheduler import read as read_schedule_call

DEFAULT_ACCOUNT = "123456789012"
CBOR_PATH = "/service/GraniteServiceVersion20100801/operation/"
SERVICE_NAMES = {"monitoring": "cloudwatch"}  # signing name → the name of the service here, where they differ
CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/[^/]+/([^/]+)/([^/]+)/")
S3_OPERATIONS = {"GET": "GetObject", "HEAD": "HeadObject", "PUT": "PutObject", "DELETE": "DeleteObject"}
SES_PATH = "/v2/email/"
SES_OPERATIONS = {("POST", "outbound-emails"): "SendEmail", ("GET", "account"): "GetAccount"}
KEY_ACCOUNT = re.compile(r"(?:AKIA|ASIA)(\d{12})")


class Call:
    """One request, recognised: whose it is, what it asks, and with which parameters.

    `params` of a query call maps each name to its (last) value; of a CBOR or JSON call it is the decoded body.
    `keys` name what the call is about: alarms, an object, instances, volumes and snapshots, a database or its
    ARN, recipients, a schedule, a rule.
    """

    __slots__ = (
        "request",
        "account",
        "access_key",
        "region",
        "service",
        "operation",
        "protocol",
        "params",
        "keys",
        "problem",
        "options",
    )

    def __init__(self, request: Request):
        self.request = request
        self.problem: str | None = None
        self.options: dict[str, Any] = {}  # those of the account, once it is known
        self.access_key, self.region, signing_name = _credential(request)
        matched = KEY_ACCOUNT.match(self.access_key)
        self.account = matched.group(1) if matched else DEFAULT_ACCOUNT
        self.service = SERVICE_NAMES.get(signing_name, signing_name)
        self.operation = ""
        self.protocol = "query"
        self.params: dict[str, Any] = {}
        try:
            self._read_body()
        except Exception as problem:  # whatever a decoder says of a body that it cannot read
            self.problem = f"the body cannot be read: {problem}"
        named = NAMED.get(self.service)
        self.keys = named(self.operation, self.params) if named is not None and self.problem is None else []

    @property
    def key(self) -> str | None:
        return self.keys[0] if len(self.keys) == 1 else None

    def _read_body(self) -> None:
        if self.service == "s3":
            self.protocol = "rest"
            self.operation, key = s3_operation(self.request.method, self.request.path, self.request.query)
            self.params = {"Key": key}
            return
        body = self.request.body
        if self.service == "ses" and self.request.path.startswith(SES_PATH):
            self.protocol = "rest-json"
            self.operation = SES_OPERATIONS.get(
                (self.request.method, self.request.path.removeprefix(SES_PATH)), "Unknown"
            )
            self.params = json.loads(body) if body else {}
            return
        if self.service == "scheduler":
            self.protocol = "rest-json"
            self.operation, self.params = read_schedule_call(self.request)
            return
        if self.request.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        target = self.request.headers.get("x-amz-target")
        if self.request.path.startswith(CBOR_PATH):
            self.protocol, self.operation = "cbor", self.request.path[len(CBOR_PATH) :]
            self.params = cbor2.loads(body) if body else {}
        elif target:
            self.protocol, self.operation = "json", target.rpartition(".")[2]
            self.params = json.loads(body) if body else {}
        else:
            self.protocol = "ec2" if self.service == "ec2" else "query"
            text = body.decode() if body else self.request.query
            self.params = {name: values[-1] for name, values in parse_qs(text, keep_blank_values=True).items()}
            self.operation = self.params.get("Action", "")


def s3_operation(method: str, path: str, query: str) -> tuple[str, str]:
    """The operation of a path-style S3 request and the key that it is about."""
    _, _, key = path.removeprefix("/").partition("/")
    if not key:
        if "versioning" in query:
            return ("PutBucketVersioning" if method == "PUT" else "GetBucketVersioning"), ""
        if method == "HEAD":
            return "HeadBucket", ""
        if method == "GET" and "list-type=2" in query:
            return "ListObjectsV2", ""
        return ("CreateBucket" if method == "PUT" else "Unknown"), ""
    return S3_OPERATIONS.get(method, "Unknown"), key


def _credential(request: Request) -> tuple[str, str, str]:
    """Access key id, region and signing name, from the credential scope of the signature."""
    found = CREDENTIAL.search(request.headers.get("authorization", ""))
    if found:
        return found.group(1), found.group(2), found.group(3)
    return "", "us-east-1", "monitoring" if request.path.startswith(CBOR_PATH) else ""


def alarm_names(operation: str, params: dict[str, Any]) -> list[str]:
    """The alarms, or the mute rule, that a CloudWatch call changes or asks the tags of."""
    if "AlarmMuteRule" in operation and operation != "ListAlarmMuteRules":
        return [str(params[name]) for name in ("Name", "AlarmMuteRuleName") if name in params]
    if "AlarmName" in params:
        return [str(params["AlarmName"])]
    if operation != "DescribeAlarms" and isinstance(params.get("AlarmNames"), list):
        return [str(name) for name in params["AlarmNames"]]
    if "ResourceARN" in params:
        return [str(params["ResourceARN"]).split(":", 6)[-1]]
    return []


def resource_ids(_operation: str, params: dict[str, Any]) -> list[str]:
    many = [ident for name in ("ResourceId", "InstanceId", "VolumeId", "SnapshotId") for ident in listed(params, name)]
    single = ("VolumeId", "SnapshotId", "InstanceSpecification.InstanceId")
    return many + [params[name] for name in single if name in params]


def database_names(_operation: str, params: dict[str, Any]) -> list[str]:
    return [params[name] for name in ("ResourceName", "DBInstanceIdentifier", "DBClusterIdentifier") if name in params]


def schedule_names(_operation: str, params: dict[str, Any]) -> list[str]:
    """A schedule, a group, or the ARN of a group."""
    return [str(params[name]) for name in ("Name", "ResourceArn") if name in params]


def rule_names(_operation: str, params: dict[str, Any]) -> list[str]:
    return [str(params[name]) for name in ("Name", "Rule", "ResourceARN") if name in params]


def recipients(_operation: str, params: dict[str, Any]) -> list[str]:
    """As the call gives them; a raw mail may name them in its headers instead."""
    given = params.get("Destination") or {}
    return [str(one) for field in ("ToAddresses", "CcAddresses", "BccAddresses") for one in given.get(field) or []]


def priced(_operation: str, params: dict[str, Any]) -> list[str]:
    """The instance type, else the service that is asked for."""
    filters = {str(one.get("Field")): str(one.get("Value")) for one in params.get("Filters") or []}
    return [filters.get("instanceType") or str(params.get("ServiceCode"))]


NAMED: dict[str, Callable[[str, dict[str, Any]], list[str]]] = {
    "cloudwatch": alarm_names,
    "s3": lambda _operation, params: [params["Key"]] if params.get("Key") else [],
    "ec2": resource_ids,
    "rds": database_names,
    "ses": recipients,
    "scheduler": schedule_names,
    "events": rule_names,
    "pricing": priced,
}


class CallLog:
    """Every attempt of one account, in order of arrival, also those that a fault refused or lost."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.log: list[dict[str, Any]] = []

    def begin(self, call: Call) -> dict[str, Any]:
        """Notes the attempt; its status stays null until it is answered."""
        name = f"{call.service}:{call.operation}"
        self.counts[name] = self.counts.get(name, 0) + 1
        entry = {
            "n": len(self.log) + 1,
            "at": time.monotonic(),
            "service": call.service,
            "operation": call.operation,
            "region": call.region,
            "status": None,
            "code": None,
            "key": call.key,
            "resources": len(call.keys),
        }
        self.log.append(entry)
        return entry


def finish(entry: dict[str, Any], answer: Response | None) -> Response | None:
    """Notes how the attempt ended; status 0 means that the client got no answer."""
    entry["status"] = answer.status if answer is not None else 0
    entry["code"] = answer.code if answer is not None else None
    return answer
