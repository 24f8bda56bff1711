"""Checks of S3: conditional requests, as the state relies on them, and what reports need."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError
from check_case import Case


class Objects(Case):
    def setUp(self) -> None:
        super().setUp()
        self.s3 = self.client("s3")
        self.s3.create_bucket(Bucket="acme")

    def put(self, **more: Any) -> str:
        return self.s3.put_object(Bucket="acme", Key="a/b", Body=b"text", **more)["ETag"]

    def code(self, operation: str, **params: Any) -> str:
        with self.assertRaises(ClientError) as caught:
            getattr(self.s3, operation)(Bucket="acme", **params)
        return caught.exception.response["Error"]["Code"]

    def test_what_is_put_is_read(self) -> None:
        self.assertEqual(self.code("get_object", Key="a/b"), "NoSuchKey")
        etag = self.put(ServerSideEncryption="aws:kms", SSEKMSKeyId="k")
        read = self.s3.get_object(Bucket="acme", Key="a/b")
        self.assertEqual((read["Body"].read(), read["ETag"], read["SSEKMSKeyId"]), (b"text", etag, "k"))
        self.s3.delete_object(Bucket="acme", Key="a/b")
        self.assertEqual(self.code("get_object", Key="a/b"), "NoSuchKey")

    def test_conditions_hold_or_refuse(self) -> None:
        put = {"Key": "a/b", "Body": b"x"}
        self.assertEqual(self.code("put_object", IfMatch='"1"', **put), "NoSuchKey")
        first = self.put(IfNoneMatch="*")
        self.assertEqual(self.code("put_object", IfNoneMatch="*", **put), "PreconditionFailed")
        second = self.put(IfMatch=first)
        self.assertNotEqual(first, second)
        self.assertEqual(self.code("put_object", IfMatch=first, **put), "PreconditionFailed")
        self.assertEqual(self.code("delete_object", Key="a/b", IfMatch=first), "PreconditionFailed")
        self.s3.delete_object(Bucket="acme", Key="a/b", IfMatch=second)

    def test_a_conflict_is_ordered_for_one_key(self) -> None:
        fault = {"kind": "error", "code": "ConditionalRequestConflict", "status": 409, "times": 1}
        self.control("POST", "faults", [{"operation": "PutObject", "key": "a/b", **fault}])
        self.s3.put_object(Bucket="acme", Key="a/c", Body=b"x")
        self.assertEqual(self.code("put_object", Key="a/b", Body=b"x", IfNoneMatch="*"), "ConditionalRequestConflict")
        self.put(IfNoneMatch="*")

    def test_a_bucket_of_another_region_is_found_there(self) -> None:
        self.client("s3", "eu-west-1").create_bucket(Bucket="far")
        # botocore sends the call again, to the region that the redirection names.
        self.s3.put_object(Bucket="far", Key="a/b", Body=b"text")
        puts = [call for call in self.control("GET", "calls")["log"] if call["operation"] == "PutObject"]
        regions = [(call["region"], call["code"]) for call in puts]
        self.assertEqual(regions, [("us-east-1", "PermanentRedirect"), ("eu-west-1", None)])

    def test_the_region_of_a_bucket_is_told_also_from_elsewhere(self) -> None:
        self.client("s3", "eu-west-1").create_bucket(Bucket="far")
        # A HEAD has no body that could say so: botocore finds the region in a header of the redirection.
        self.assertEqual(self.s3.head_bucket(Bucket="far")["BucketRegion"], "eu-west-1")
        log = [call for call in self.control("GET", "calls")["log"] if call["operation"] == "HeadBucket"]
        told = [("us-east-1", "PermanentRedirect"), ("eu-west-1", None)]
        self.assertEqual([(call["region"], call["code"]) for call in log], told)
        with self.assertRaises(ClientError) as refused:
            self.s3.head_bucket(Bucket="other")
        self.assertEqual(refused.exception.response["Error"]["Code"], "404")

    def test_objects_are_listed_by_prefix_page_for_page(self) -> None:
        for number in range(5):
            self.s3.put_object(Bucket="acme", Key=f"r/{number} & 한.json", Body=b"x")
        self.put()
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket="acme", Prefix="r/", PaginationConfig={"PageSize": 2})
        found = [[item["Key"] for item in page["Contents"]] for page in pages]
        self.assertEqual([len(page) for page in found], [2, 2, 1])
        self.assertEqual(sum(found, []), [f"r/{number} & 한.json" for number in range(5)])
        self.assertEqual(self.s3.list_objects_v2(Bucket="acme", Prefix="none")["KeyCount"], 0)

    def test_an_object_has_its_media_type_and_the_checksum_of_its_body(self) -> None:
        self.put(ContentType="text/html; charset=utf-8")
        self.assertEqual(self.s3.get_object(Bucket="acme", Key="a/b")["ContentType"], "text/html; charset=utf-8")
        self.assertEqual(self.code("put_object", Key="a/b", Body=b"x", ChecksumCRC32="AAAAAA=="), "BadDigest")

    def test_buckets_keep_versions_when_they_are_told_to(self) -> None:
        self.assertNotIn("Status", self.s3.get_bucket_versioning(Bucket="acme"))
        self.s3.put_bucket_versioning(Bucket="acme", VersioningConfiguration={"Status": "Enabled"})
        self.assertEqual(self.s3.get_bucket_versioning(Bucket="acme")["Status"], "Enabled")
        with self.assertRaises(ClientError):
            self.s3.get_bucket_versioning(Bucket="other")
