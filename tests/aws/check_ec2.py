"""Checks of volumes, of the tags of instances and volumes, and of stops."""

from __future__ import annotations

import datetime
import time
from typing import Any

from check_case import Case

LONG_AGO = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc)


def tags(**wanted: str) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in wanted.items()]


class Volumes(Case):
    def setUp(self) -> None:
        super().setUp()
        self.ec2 = self.client("ec2")

    def found(self, **params: Any) -> list[str]:
        pages = self.ec2.get_paginator("describe_volumes").paginate(**params)
        return [volume["VolumeId"] for page in pages for volume in page["Volumes"]]

    def filtered(self, name: str, *values: str) -> int:
        return len(self.found(Filters=[{"Name": name, "Values": list(values)}]))

    def test_two_thousand_volumes_are_paged(self) -> None:
        kinds = [{"name": "data", "tags": {"env": "prod"}, "count": 1200}, {"count": 800}]
        ids = self.seed(volumes=kinds)["volumes"]
        began = time.monotonic()
        self.assertEqual(self.found(), ids)
        self.assertEqual(self.found(PaginationConfig={"PageSize": 500}), ids)
        self.assertLess(time.monotonic() - began, 5)
        self.assertEqual(len(self.ec2.describe_volumes(MaxResults=5)["Volumes"]), 5)
        largest = self.ec2.describe_volumes(MaxResults=1000)
        self.assertEqual((len(largest["Volumes"]), "NextToken" in largest), (500, True))
        for size in (4, 1001):
            self.refused("InvalidParameterValue", self.ec2.describe_volumes, MaxResults=size)
        self.refused("InvalidParameterCombination", self.ec2.describe_volumes, MaxResults=5, VolumeIds=ids[:1])
        self.refused("InvalidParameterValue", self.ec2.describe_volumes, NextToken="no")

    def test_filters(self) -> None:
        made = self.seed(
            instances=[{"name": "web", "root": {"tags": {"env": "prod-1"}}}, {"name": "db", "count": 2}],
            volumes=[
                {"name": "Data*", "tags": {"env": "prod-2"}, "type": "io2", "size": 100, "instance": 2},
                {"count": 3, "tags": {"Env": "prod-3"}},
            ],
        )
        counts = [
            (1, "tag:Name", "Data\\*"), (2, "tag:env", "prod-?"), (3, "tag:Env", "prod*"), (2, "tag-key", "env"),
            (2, "status", "in-use"), (3, "status", "available"), (1, "attachment.instance-id", made["instances"][2]),
            (2, "volume-id", *made["volumes"][:2]), (1, "volume-type", "io2"), (1, "size", "100"),
            (1, "attachment.device", "/dev/sda1"), (1, "attachment.delete-on-termination", "true"),
        ]  # fmt: skip
        for count, name, *values in counts:
            with self.subTest(name=name, values=values):
                self.assertEqual(self.filtered(name, *values), count)
        self.refused("InvalidParameterValue", self.found, Filters=[{"Name": "state", "Values": ["in-use"]}])
        self.refused("InvalidVolume.NotFound", self.found, VolumeIds=["vol-00000000"])

    def test_instances_and_volumes_agree(self) -> None:
        made = self.seed(
            instances=[
                {"name": "web", "launched": "2026-01-02T04:04:05+01:00", "root": {"size": 30}, "volumes": [{"size": 9}]}
            ],
            volumes=[{"instance": 0, "device": "/dev/sdz", "created": "2026-01-02T03:04:05Z"}, {"size": 1}],
        )
        instance = self.ec2.describe_instances()["Reservations"][0]["Instances"][0]
        self.assertEqual(instance["LaunchTime"], LONG_AGO)
        devices = {one["DeviceName"]: one["Ebs"]["VolumeId"] for one in instance["BlockDeviceMappings"]}
        self.assertEqual(list(devices), ["/dev/sda1", "/dev/sdf", "/dev/sdz"])
        volumes = {one["VolumeId"]: one for one in self.ec2.describe_volumes()["Volumes"]}
        self.assertEqual([volumes[ident]["Size"] for ident in devices.values()], [30, 9, 8])
        self.assertEqual({one["CreateTime"] for one in volumes.values() if one["Size"] > 1}, {LONG_AGO})
        for device, ident in devices.items():
            attachment = volumes[ident]["Attachments"][0]
            self.assertEqual((attachment["InstanceId"], attachment["Device"]), (instance["InstanceId"], device))
            self.assertEqual(attachment["DeleteOnTermination"], device == "/dev/sda1")
        loose = volumes[made["volumes"][1]]
        self.assertEqual((loose["State"], loose["Attachments"], "Tags" in loose), ("available", [], False))
        self.ec2.terminate_instances(InstanceIds=made["instances"])
        self.assertEqual(self.filtered("status", "available"), 3)


class Tags(Case):
    def setUp(self) -> None:
        super().setUp()
        self.ec2 = self.client("ec2")
        made = self.seed(instances=[{"name": "web", "count": 2, "root": True}], volumes=[{"count": 2}])
        self.instances, self.volumes = made["instances"], made["volumes"]

    def tags_of(self, ident: str) -> dict[str, str]:
        if ident.startswith("vol-"):
            found = self.ec2.describe_volumes(VolumeIds=[ident])["Volumes"][0]
        else:
            found = self.ec2.describe_instances(InstanceIds=[ident])["Reservations"][0]["Instances"][0]
        return {tag["Key"]: tag["Value"] for tag in found.get("Tags", [])}

    def test_many_resources_and_keys_of_their_own(self) -> None:
        wanted = {
            "owner": "a",
            "Owner": "b",
            "Expiry-Date": "2026-12-01",
            "Expiry-Date ": " x ",
            "<&>": "",
            "ä": "日本",
        }
        both = self.instances + self.volumes
        self.ec2.create_tags(Resources=both, Tags=tags(**wanted))
        for ident in both:
            name = {"Name": "web"} if ident.startswith("i-") else {}
            self.assertEqual(self.tags_of(ident), {**name, **wanted})
        self.ec2.delete_tags(Resources=both, Tags=[{"Key": "Expiry-Date "}, *tags(owner="z", Owner="b", none="1")])
        left = {key: wanted[key] for key in ("owner", "Expiry-Date", "<&>", "ä")}
        self.assertEqual(self.tags_of(self.volumes[0]), left)
        self.ec2.delete_tags(Resources=self.volumes)
        self.assertEqual(self.tags_of(self.volumes[1]), {})
        log = self.control("GET", "calls")["log"]
        self.assertEqual([e["resources"] for e in log if e["operation"].endswith("Tags")], [4, 4, 2])
        self.assertEqual([e["key"] for e in log if e["operation"] == "DescribeInstances"], self.instances)

    def test_limits(self) -> None:
        one = self.instances[:1]
        wrong: list[tuple[str, dict[str, str]]] = [
            ("InvalidParameterValue", {"aws:x": "1"}), ("InvalidParameterValue", {"AWS:x": "1"}),
            ("InvalidParameterValue", {"k" * 129: "1"}), ("InvalidParameterValue", {"k": "v" * 257}),
            ("TagLimitExceeded", {f"k{n}": "" for n in range(50)}),
        ]  # fmt: skip
        for code, given in wrong:
            with self.subTest(code):
                self.refused(code, self.ec2.create_tags, Resources=one, Tags=tags(**given))
        self.ec2.create_tags(Resources=one, Tags=tags(**{"k" * 128: "v" * 256}, **{f"k{n}": "" for n in range(48)}))
        self.ec2.create_tags(Resources=one, Tags=tags(k0="new"))
        self.refused("TagLimitExceeded", self.ec2.create_tags, Resources=self.instances, Tags=tags(k51=""))
        self.assertEqual(self.tags_of(self.instances[1]), {"Name": "web"})
        self.refused("ResourceCountExceeded", self.ec2.create_tags, Resources=one * 1001, Tags=tags(a="b"))

    def test_one_unknown_resource_fails_the_whole_call(self) -> None:
        unknown = [
            ("InvalidInstanceID.NotFound", "i-0123456789abcdef0"),
            ("InvalidVolume.NotFound", "vol-0123456789abcdef0"),
            ("InvalidID", "nonsense"),
        ]
        for code, ident in unknown:
            resources = [self.instances[0], ident, self.volumes[0]]
            self.refused(code, self.ec2.create_tags, Resources=resources, Tags=tags(a="b"))
            self.refused(code, self.ec2.delete_tags, Resources=resources, Tags=tags(Name="web"))
        self.assertEqual((self.tags_of(self.instances[0]), self.tags_of(self.volumes[0])), ({"Name": "web"}, {}))

    def test_other_resources_are_motos(self) -> None:
        vpc = self.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        self.ec2.create_tags(Resources=[vpc, self.volumes[0]], Tags=tags(a="b"))
        self.assertEqual(self.ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"][0]["Tags"], tags(a="b"))
        self.assertEqual(self.tags_of(self.volumes[0]), {"a": "b"})

    def test_a_thousand_resources_in_one_call(self) -> None:
        ids = self.seed(instances=[{"count": 1000}])["instances"]
        began = time.monotonic()
        self.ec2.create_tags(Resources=ids, Tags=tags(a="b", c="d"))
        self.assertLess(time.monotonic() - began, 3)
        self.assertEqual(self.tags_of(ids[-1]), {"a": "b", "c": "d"})

    def test_a_fault_on_one_resource(self) -> None:
        self.control("POST", "faults", [{"operation": "CreateTags", "kind": "denied", "key": self.volumes[0]}])
        error = self.refused("UnauthorizedOperation", self.ec2.create_tags, Resources=self.volumes, Tags=tags(a="b"))
        self.assertIn("is not authorized to perform: ec2:CreateTags", str(error))
        self.ec2.create_tags(Resources=self.volumes[1:], Tags=tags(a="b"))
        self.assertEqual((self.tags_of(self.volumes[0]), self.tags_of(self.volumes[1])), ({}, {"a": "b"}))


class Stops(Case):
    def test_what_cannot_be_stopped_says_why(self) -> None:
        ec2 = self.client("ec2")
        kinds: list[dict[str, Any]] = [
            {}, {"stop_protected": True}, {"state": "pending"}, {"lifecycle": "spot"},
            {"lifecycle": "spot", "persistent": True}, {"hibernation": True},
        ]  # fmt: skip
        plain, protected, pending, spot, persistent, hibernating = self.seed(instances=kinds)["instances"]
        for code, words, ident in [
            ("OperationNotPermitted", "disableApiStop", protected),
            ("IncorrectInstanceState", "never reached the 'running' state", pending),
            ("UnsupportedOperation", "one-time Spot request", spot),
        ]:
            error = self.refused(code, ec2.stop_instances, InstanceIds=[plain, ident])
            self.assertIn(words, str(error))
        code = "UnsupportedHibernationConfiguration"
        self.refused(code, ec2.stop_instances, InstanceIds=[plain, hibernating], Hibernate=True)
        one = ec2.describe_instances(InstanceIds=[hibernating])["Reservations"][0]["Instances"][0]
        self.assertTrue(one["HibernationOptions"]["Configured"])
        ec2.stop_instances(InstanceIds=[hibernating], Hibernate=True)
        ec2.stop_instances(InstanceIds=[plain, persistent])

    def test_a_start_that_comes_to_nothing_and_an_instance_that_is_not_named(self) -> None:
        ec2 = self.client("ec2")
        falls, unnamed, runs = self.seed(instances=[{"state": "stopped", "count": 3}])["instances"]
        reason = "Client.InternalError: Client error on launch"
        self.control("POST", "options", {"failed_starts": {falls: reason}, "unnamed_instances": [unnamed]})
        changes = ec2.start_instances(InstanceIds=[falls, unnamed, runs])["StartingInstances"]
        self.assertEqual([(one["InstanceId"], one["CurrentState"]["Name"]) for one in changes],
                         [(falls, "pending"), (runs, "pending")])  # fmt: skip
        found = ec2.describe_instances(InstanceIds=[falls, unnamed, runs])["Reservations"][0]["Instances"]
        self.assertEqual([one["State"]["Name"] for one in found], ["stopped", "stopped", "running"])
        self.assertEqual(found[0]["StateReason"]["Message"], reason)

    def test_each_instance_has_its_change(self) -> None:
        ec2 = self.client("ec2")
        kinds = [{"count": 200, "launched": "2026-01-02T03:04:05Z"}, {"state": "stopped"}, {"state": "terminated"}]
        ids = self.seed(instances=kinds)["instances"]
        self.refused("IncorrectInstanceState", ec2.stop_instances, InstanceIds=ids)
        self.refused("InvalidInstanceID.NotFound", ec2.stop_instances, InstanceIds=[ids[0], "i-0123456789abcdef0"])
        running = [{"Name": "instance-state-name", "Values": ["running"]}]
        self.assertEqual(len(ec2.describe_instances(Filters=running)["Reservations"][0]["Instances"]), 200)
        changes = ec2.stop_instances(InstanceIds=ids[:-1])["StoppingInstances"]
        self.assertEqual([one["InstanceId"] for one in changes], ids[:-1])
        states = {(one["PreviousState"]["Name"], one["CurrentState"]["Name"]) for one in changes}
        self.assertEqual(states, {("running", "stopping"), ("stopped", "stopped")})
        self.assertEqual(ec2.describe_instances(Filters=running)["Reservations"], [])
        change = ec2.start_instances(InstanceIds=ids[:1])["StartingInstances"][0]
        self.assertEqual((change["PreviousState"]["Name"], change["CurrentState"]["Name"]), ("stopped", "pending"))
        started = ec2.describe_instances(InstanceIds=ids[:1])["Reservations"][0]["Instances"][0]
        self.assertGreater(started["LaunchTime"], LONG_AGO)
        log = self.control("GET", "calls")["log"]
        self.assertEqual([e["resources"] for e in log if e["operation"] == "StopInstances"], [202, 2, 201])
