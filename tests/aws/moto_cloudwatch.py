"""CloudWatch calls that the alarm store does not answer, translated to moto's JSON protocol and back.

moto 5.2.5 does not speak rpc-v2-cbor, the only protocol of today's SDKs for CloudWatch.
"""

from __future__ import annotations

import datetime
import functools
import json
from collections.abc import Callable
from typing import Any

from calls import Call
from http_server import Response
from protocols import AwsError, cloudwatch_answer, timestamp

Send = Callable[[Call, bytes, dict[str, str]], Response]


def answer(call: Call, send: Send) -> Response:
    model = service_model()
    if call.operation not in model.operation_names:
        raise AwsError("UnknownOperationException", f"CloudWatch has no operation {call.operation}", 404)
    headers = {
        "content-type": "application/x-amz-json-1.0",
        "x-amz-target": f"GraniteServiceVersion20100801.{call.operation}",
    }
    for name in ("content-encoding", "x-amzn-query-mode"):
        call.request.headers.pop(name, None)
    call.request.path = "/"
    answered = send(call, json.dumps(call.params, default=seconds).encode(), headers)
    body = json.loads(answered.body) if answered.body else {}
    if answered.status >= 400:
        code = answered.code or "InternalFailure"
        raise AwsError(code, str(body.get("message") or body.get("Message") or code), answered.status)
    shape = model.operation_model(call.operation).output_shape
    return cloudwatch_answer("cbor", shaped(body, shape) if shape is not None else {})


@functools.cache
def service_model() -> Any:
    from botocore.session import Session

    return Session().get_service_model("cloudwatch")


def seconds(value: Any) -> float:
    if isinstance(value, datetime.datetime):
        return value.timestamp()
    raise TypeError(f"{type(value)} in a CloudWatch call")


def shaped(value: Any, shape: Any) -> Any:
    """The JSON value with the types of the model: CBOR tells integers from doubles and numbers from times."""
    if value is None:
        return None
    if shape.type_name == "structure":
        members = {name: shaped(value.get(name), member) for name, member in shape.members.items()}
        return {name: member for name, member in members.items() if member is not None}
    if shape.type_name == "list":
        return [shaped(one, shape.member) for one in value]
    if shape.type_name in ("double", "float"):
        return float(value)
    if shape.type_name == "timestamp":
        return timestamp(epoch(value))
    return value


def epoch(value: Any) -> float:
    if isinstance(value, (int, float)):
        return float(value)
    return datetime.datetime.fromisoformat(str(value).replace("Z", "+00:00")).timestamp()
