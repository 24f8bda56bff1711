"""Amazon S3 as the state uses it: objects with ETags and conditional requests, one bucket name space an account.

Sources: "PutObject", "GetObject", "DeleteObject" and "GetBucketVersioning" in the S3 API reference, and "Add
preconditions to S3 operations with conditional requests" in its user guide: a condition that does not hold is 412
PreconditionFailed, If-Match on an object that is not there is 404 NoSuchKey, and without permission to list the bucket
an object that is not there is 403. Calls here never meet, so 409 ConditionalRequestConflict is a fault that a test orders.
"""

from __future__ import annotations

import hashlib
import time
from email.utils import formatdate

from calls import Call
from http_server import Response
from protocols import AwsError, request_id


class Object:
    __slots__ = ("body", "etag", "headers")

    def __init__(self, body: bytes, headers: dict[str, str]):
        self.body = body
        self.etag = f'"{hashlib.md5(body + str(time.time_ns()).encode()).hexdigest()}"'
        self.headers = {"last-modified": formatdate(usegmt=True), **headers}


class Bucket:
    def __init__(self, region: str) -> None:
        self.region = region
        self.objects: dict[str, Object] = {}
        self.versioning = ""


def answer(call: Call, buckets: dict[str, Bucket]) -> Response:
    request = call.request
    name = request.path.removeprefix("/").partition("/")[0]
    if call.operation == "CreateBucket":
        buckets.setdefault(name, Bucket(call.region))
        return respond(200)
    if name not in buckets:
        raise AwsError("NoSuchBucket", "The specified bucket does not exist", 404)
    bucket = buckets[name]
    if call.region != bucket.region:
        text = "The bucket you are attempting to access must be addressed using the specified endpoint."
        raise AwsError("PermanentRedirect", text, 301, {"x-amz-bucket-region": bucket.region})
    if call.operation == "PutBucketVersioning":
        bucket.versioning = "Enabled" if b"Enabled" in request.body else "Suspended"
        return respond(200)
    if call.operation == "GetBucketVersioning":
        status = f"<Status>{bucket.versioning}</Status>" if bucket.versioning else ""
        return respond(200, f"<VersioningConfiguration>{status}</VersioningConfiguration>".encode())
    return object_answer(call, bucket)


def object_answer(call: Call, bucket: Bucket) -> Response:
    key, request = call.keys[0], call.request
    there = bucket.objects.get(key)
    check_conditions(request.headers, there)
    if call.operation == "PutObject":
        kept = {name: value for name, value in request.headers.items() if name.startswith("x-amz-server-side-")}
        kept = kept or {"x-amz-server-side-encryption": "AES256"}
        if "x-test-last-modified" in request.headers:
            kept["last-modified"] = request.headers["x-test-last-modified"]
        bucket.objects[key] = Object(request.body, kept)
        return respond(200, etag=bucket.objects[key].etag)
    if call.operation == "DeleteObject":
        bucket.objects.pop(key, None)
        return respond(204)
    if there is None:
        raise AwsError("NoSuchKey", "The specified key does not exist.", 404)
    if call.operation in ("GetObject", "HeadObject"):
        return respond(200, there.body if call.operation == "GetObject" else b"", etag=there.etag, **there.headers)
    raise AwsError("NotImplemented", f"the emulator's S3 does not know {request.method} {request.path}", 501)


def check_conditions(headers: dict[str, str], there: Object | None) -> None:
    wanted = headers.get("if-match")
    if wanted is not None:
        if there is None:
            raise AwsError("NoSuchKey", "The specified key does not exist.", 404)
        if wanted not in (there.etag, there.etag.strip('"'), "*"):
            raise failed()
    if headers.get("if-none-match") == "*" and there is not None:
        raise failed()


def failed() -> AwsError:
    return AwsError("PreconditionFailed", "At least one of the pre-conditions you specified did not hold", 412)


def respond(status: int, body: bytes = b"", **headers: str) -> Response:
    kind = "application/xml" if body.startswith(b"<") else "application/octet-stream"
    common = {"content-type": kind, "x-amz-request-id": request_id(), "date": formatdate(usegmt=True)}
    return Response(status, {**common, **headers}, body)
