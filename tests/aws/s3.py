"""Amazon S3 as the state uses it: objects with ETags and conditional requests, one bucket name space an account.

Sources: "PutObject", "GetObject", "DeleteObject" and "GetBucketVersioning" in the S3 API reference, and "Add
preconditions to S3 operations with conditional requests" in its user guide: a condition that does not hold is 412
PreconditionFailed, If-Match on an object that is not there is 404 NoSuchKey, and without permission to list the bucket
an object that is not there is 403. Calls here never meet, so 409 ConditionalRequestConflict is a fault that a test orders.
"HeadBucket" answers without a body and with the bucket's region, also where it refuses; "ListObjectsV2" gives up to 1,000
keys a page, in the order of their bytes, and a token for the rest.
"""

from __future__ import annotations

import base64
import hashlib
import time
import zlib
from email.utils import formatdate
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from calls import Call
from http_server import Response
from protocols import AwsError, request_id


PAGE = 1000


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
    if call.operation == "HeadBucket":
        return respond(200, **{"x-amz-bucket-region": bucket.region})
    if call.operation == "ListObjectsV2":
        return list_answer(call, bucket)
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
        check_body(request.headers, request.body)
        kept["content-type"] = request.headers.get("content-type", "application/octet-stream")
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


def list_answer(call: Call, bucket: Bucket) -> Response:
    query = {name: values[-1] for name, values in parse_qs(call.request.query, keep_blank_values=True).items()}
    keys = sorted((key for key in bucket.objects if key.startswith(query.get("prefix", ""))), key=str.encode)
    # The token is opaque: the last key of the page before it.
    after = bytes.fromhex(query.get("continuation-token", ""))
    keys = [key for key in keys if key.encode() > after]
    page = keys[: min(int(query.get("max-keys", PAGE)), PAGE)]
    more = f"<NextContinuationToken>{page[-1].encode().hex()}</NextContinuationToken>" if len(page) < len(keys) else ""
    contents = "".join(f"<Contents><Key>{escape(key)}</Key></Contents>" for key in page)
    truncated = "true" if more else "false"
    text = f"<IsTruncated>{truncated}</IsTruncated><KeyCount>{len(page)}</KeyCount>{more}{contents}"
    return respond(200, f"<ListBucketResult>{text}</ListBucketResult>".encode())


def check_body(headers: dict[str, str], body: bytes) -> None:
    """The checksum that the SDKs send by default ("Checking object integrity" in the S3 user guide)."""
    sent = headers.get("x-amz-checksum-crc32")
    if sent is not None and sent != base64.b64encode(zlib.crc32(body).to_bytes(4, "big")).decode():
        raise AwsError("BadDigest", "The CRC32 you specified did not match the calculated checksum.", 400)


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
