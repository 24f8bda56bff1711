"""Checks of RDS: pages, tags by ARN, and what can be stopped."""

from __future__ import annotations

import datetime
from typing import Any

from check_case import Case

CREATED = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc)


def tags(**wanted: str) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in wanted.items()]


class Databases(Case):
    def setUp(self) -> None:
        super().setUp()
        self.rds = self.client("rds")

    def arn(self, name: str, kind: str = "db", region: str = "us-east-1") -> str:
        return f"arn:aws:rds:{region}:{self.account}:{kind}:{name}"

    def tags_of(self, arn: str) -> list[dict[str, str]]:
        return list(self.rds.list_tags_for_resource(ResourceName=arn)["TagList"])

    def states(self) -> dict[str, str]:
        instances = self.rds.describe_db_instances()["DBInstances"]
        clusters = self.rds.describe_db_clusters()["DBClusters"]
        found = {one["DBInstanceIdentifier"]: one["DBInstanceStatus"] for one in instances}
        return {**found, **{one["DBClusterIdentifier"]: one["Status"] for one in clusters}}

    def test_they_are_paged_and_tagged(self) -> None:
        self.seed(
            databases=[{"id": f"db-{n:03d}", "engine": "postgres", "tags": {"n": str(n)}} for n in range(150)],
            clusters=[
                {"id": f"cl-{n:03d}", "tags": {"n": "x"}, "members": [f"m-{n}"] if n < 2 else []} for n in range(130)
            ],
        )
        sizes = [len(page["DBInstances"]) for page in self.rds.get_paginator("describe_db_instances").paginate()]
        self.assertEqual(sizes, [100, 52])
        pages = list(self.rds.get_paginator("describe_db_clusters").paginate())
        self.assertEqual([len(page["DBClusters"]) for page in pages], [100, 30])
        self.assertEqual(pages[0]["DBClusters"][0]["TagList"], tags(n="x"))
        self.assertEqual(len(self.rds.describe_db_clusters(MaxRecords=20)["DBClusters"]), 20)
        one = self.rds.describe_db_instances(DBInstanceIdentifier="db-007")["DBInstances"][0]
        self.assertEqual(one["TagList"], tags(n="7"))
        member = self.rds.describe_db_instances(DBInstanceIdentifier="m-1")["DBInstances"][0]
        self.assertEqual(member["DBClusterIdentifier"], "cl-001")
        self.refused("InvalidParameterValue", self.rds.describe_db_instances, MaxRecords=19)
        self.control("POST", "options", {"no_tag_list": True})
        one = self.rds.describe_db_instances(DBInstanceIdentifier="db-007")["DBInstances"][0]
        self.assertEqual((one["DBInstanceIdentifier"], one.get("TagList") or []), ("db-007", []))
        self.assertNotIn("TagList", self.rds.describe_db_clusters(MaxRecords=20)["DBClusters"][0])
        self.assertEqual(self.tags_of(one["DBInstanceArn"]), tags(n="7"))

    def test_times(self) -> None:
        times: dict[str, Any] = {"created": "2026-01-02T03:04:05Z"}
        self.seed(databases=[{"id": "a", **times}], clusters=[{"id": "c", "members": ["m"], **times}])
        instances = self.rds.describe_db_instances()["DBInstances"]
        self.assertEqual({one["InstanceCreateTime"] for one in instances}, {CREATED})
        self.assertEqual(self.rds.describe_db_clusters()["DBClusters"][0]["ClusterCreateTime"], CREATED)

    def test_tags_by_arn(self) -> None:
        self.seed(databases=[{"id": "a", "tags": {"owner": "x"}}], clusters=[{"id": "c", "members": ["m"]}])
        for arn in (self.arn("a"), self.arn("c", "cluster"), self.arn("m")):
            given = {"Owner": "é", "Expiry-Date": "2026-12-01", "Expiry-Date ": "", "owner": "y"}
            self.rds.add_tags_to_resource(ResourceName=arn, Tags=tags(**given))
            self.assertEqual({tag["Key"]: tag["Value"] for tag in self.tags_of(arn)}, given)
            self.rds.remove_tags_from_resource(ResourceName=arn, TagKeys=["Owner", "Expiry-Date ", "none"])
            left = {tag["Key"]: tag["Value"] for tag in self.tags_of(arn)}
            self.assertEqual(left, {"owner": "y", "Expiry-Date": "2026-12-01"})
        listed = self.rds.describe_db_clusters()["DBClusters"][0]["TagList"]
        self.assertEqual(sorted(tag["Key"] for tag in listed), ["Expiry-Date", "owner"])
        log = [entry for entry in self.control("GET", "calls")["log"] if entry["operation"] == "AddTagsToResource"]
        self.assertEqual(
            [(e["key"], e["resources"]) for e in log[:2]], [(self.arn("a"), 1), (self.arn("c", "cluster"), 1)]
        )

    def test_tags_that_are_refused(self) -> None:
        self.seed(databases=[{"id": "a"}])
        add = self.rds.add_tags_to_resource
        wrong = [{"aws:x": "1"}, {"rds:x": "1"}, {"k" * 129: ""}, {"k": "v" * 257}, {"k": "a,b"}, {"k!": ""}, {"": ""}]
        for given in [*wrong, {f"k{n}": "" for n in range(51)}]:
            with self.subTest(str(given)[:20]):
                self.refused("InvalidParameterValue", add, ResourceName=self.arn("a"), Tags=tags(**given))
        for name in ("a", self.arn("a", region="eu-west-1")):
            self.refused("InvalidParameterValue", add, ResourceName=name, Tags=tags(a="b"))
        gone = [("DBInstanceNotFound", self.arn("x")), ("DBClusterNotFoundFault", self.arn("x", "cluster"))]
        for code, arn in gone:
            error = self.refused(code, add, ResourceName=arn, Tags=tags(a="b"))
            self.assertEqual(error.response["ResponseMetadata"]["HTTPStatusCode"], 404)
            self.refused(code, self.rds.list_tags_for_resource, ResourceName=arn)
        self.assertEqual(self.tags_of(self.arn("a")), [])

    def test_what_can_be_stopped(self) -> None:
        self.seed(
            databases=[
                {"id": "a"}, {"id": "busy", "state": "backing-up"}, {"id": "source"},
                {"id": "replica", "replica_of": "source"},
            ],
            clusters=[{"id": "c", "members": ["m"]}, {"id": "off", "state": "stopped"}],
        )  # fmt: skip
        stop = self.rds.stop_db_instance
        self.assertEqual(stop(DBInstanceIdentifier="a")["DBInstance"]["DBInstanceStatus"], "stopping")
        refused = [
            ("InvalidDBInstanceState", "a"), ("InvalidDBInstanceState", "busy"), ("DBInstanceNotFound", "none"),
            ("InvalidParameterCombination", "m"), ("InvalidParameterCombination", "replica"),
            ("InvalidParameterCombination", "source"),
        ]  # fmt: skip
        for code, name in refused:
            with self.subTest(name):
                self.refused(code, stop, DBInstanceIdentifier=name)
        self.refused("InvalidDBClusterStateFault", self.rds.stop_db_cluster, DBClusterIdentifier="off")
        self.refused("DBClusterNotFoundFault", self.rds.stop_db_cluster, DBClusterIdentifier="none")
        self.rds.stop_db_cluster(DBClusterIdentifier="c")
        states = {"a": "stopped", "busy": "backing-up", "source": "available", "replica": "available"}
        self.assertEqual(self.states(), {**states, "m": "stopped", "c": "stopped", "off": "stopped"})
        self.rds.start_db_cluster(DBClusterIdentifier="c")
        self.rds.start_db_instance(DBInstanceIdentifier="a")
        self.assertEqual([self.states()[name] for name in ("a", "c", "m")], ["available"] * 3)
