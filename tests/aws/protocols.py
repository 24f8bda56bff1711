"""How answers and errors look on the wire in the protocols that AWS speaks here.

Sources: the Smithy documents "Smithy RPC v2 CBOR", "AWS JSON 1.1", "AWS restJson1", "AWS Query", "EC2 Query", and the
trait `awsQueryCompatible` of the CloudWatch model: its clients take the error code from the header
`x-amzn-query-error` (the code that the old query protocol had) and only then from `__type`.
"""

from __future__ import annotations

import json
import uuid
from typing import Any
from xml.sax.saxutils import escape

import cbor2
from http_server import Response

CBOR_HEADERS = {"content-type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}

# Where the name of the error's shape in the CloudWatch model differs from its code in the query protocol.
CLOUDWATCH_SHAPES = {
    "ValidationError": "ValidationException",
    "LimitExceeded": "LimitExceededFault",
    "InvalidParameterValue": "InvalidParameterValueException",
    "InvalidParameterCombination": "InvalidParameterCombinationException",
    "MissingParameter": "MissingRequiredParameterException",
    "InvalidFormat": "InvalidFormatFault",
    "InternalServiceError": "InternalServiceFault",
}

XML_NAMESPACES = {
    "rds": "http://rds.amazonaws.com/doc/2014-10-31/",
    "iam": "https://iam.amazonaws.com/doc/2010-05-08/",
    "sts": "https://sts.amazonaws.com/doc/2011-06-15/",
}


class AwsError(Exception):
    """An error that AWS itself would answer."""

    def __init__(self, code: str, message: str, status: int = 400, headers: dict[str, str] | None = None):
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.headers = headers or {}  # of S3 only


def request_id() -> str:
    return str(uuid.uuid4())


def timestamp(seconds: float) -> cbor2.CBORTag:
    """A time as the CBOR protocol wants it (tag 1), in AWS's milliseconds."""
    return cbor2.CBORTag(1, round(seconds, 3))


def json_answer(body: Any, status: int = 200) -> Response:
    headers = {"content-type": "application/x-amz-json-1.1", "x-amzn-requestid": request_id()}
    return Response(status, headers, json.dumps(body).encode())


def plain(value: Any) -> float:
    """Alarms keep times as CBOR tags; JSON has their seconds."""
    if isinstance(value, cbor2.CBORTag):
        return float(value.value)
    raise TypeError(f"{type(value)} cannot be written as JSON")


def cloudwatch_answer(protocol: str, body: dict[str, Any]) -> Response:
    """CloudWatch speaks CBOR and JSON 1.0 alike: the Rust SDK takes the first, botocore the second."""
    if protocol == "cbor":
        headers = {**CBOR_HEADERS, "x-amzn-requestid": request_id()}
        return Response(200, headers, cbor2.dumps(body))
    headers = {"content-type": "application/x-amz-json-1.0", "x-amzn-requestid": request_id()}
    return Response(200, headers, json.dumps(body, default=plain).encode())


def xml_answer(xml: str) -> Response:
    return Response(200, xml_headers(), xml.encode())


def xml_headers() -> dict[str, str]:
    return {"content-type": "text/xml;charset=UTF-8", "x-amzn-requestid": request_id()}


def error_answer(protocol: str, service: str, error: AwsError) -> Response:
    """The error in the protocol of the call: `cbor`, `json`, `rest-json`, `ec2` or `query`."""
    if service == "cloudwatch" and protocol in ("cbor", "json"):
        return _cloudwatch_error(protocol, error)
    if service == "s3":
        return _s3_error(error)
    if protocol in ("json", "rest-json"):
        return _json_error(error, protocol)
    code, message, ident = escape(error.code), escape(error.message), request_id()
    if protocol == "ec2":
        body = (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f"<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>"
            f"<RequestID>{ident}</RequestID></Response>"
        )
    else:
        body = (
            f'<ErrorResponse xmlns="{XML_NAMESPACES.get(service, "")}"><Error><Type>{_fault(error)}</Type>'
            f"<Code>{code}</Code><Message>{message}</Message></Error><RequestId>{ident}</RequestId></ErrorResponse>"
        )
    return Response(error.status, xml_headers(), body.encode(), error.code)


def _s3_error(error: AwsError) -> Response:
    body = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{escape(error.code)}</Code>'
        f"<Message>{escape(error.message)}</Message><RequestId>{request_id()}</RequestId></Error>"
    )
    headers = {"content-type": "application/xml", "x-amz-request-id": request_id(), **error.headers}
    return Response(error.status, headers, body.encode(), error.code)


def _fault(error: AwsError) -> str:
    return "Receiver" if error.status >= 500 else "Sender"


def _cloudwatch_error(protocol: str, error: AwsError) -> Response:
    shape = CLOUDWATCH_SHAPES.get(error.code, error.code)
    body = {"__type": f"com.amazonaws.cloudwatch#{shape}", "message": error.message}
    headers = {**CBOR_HEADERS} if protocol == "cbor" else {"content-type": "application/x-amz-json-1.0"}
    headers["x-amzn-requestid"] = request_id()
    headers["x-amzn-query-error"] = f"{error.code};{_fault(error)}"
    encoded = cbor2.dumps(body) if protocol == "cbor" else json.dumps(body).encode()
    return Response(error.status, headers, encoded, error.code)


def _json_error(error: AwsError, protocol: str) -> Response:
    """In REST JSON the code is in the header only."""
    rest = protocol == "rest-json"
    body = {"message": error.message} if rest else {"__type": error.code, "message": error.message}
    headers = {
        "content-type": "application/json" if rest else "application/x-amz-json-1.1",
        "x-amzn-requestid": request_id(),
        "x-amzn-errortype": error.code,
    }
    return Response(error.status, headers, json.dumps(body).encode(), error.code)
