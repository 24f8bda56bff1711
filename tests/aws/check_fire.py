"""Checks of schedules that fire: what they call, and what is wrong with their input."""

from __future__ import annotations

import itertools
import json
from typing import Any

from check_case import Case
from check_schedules import schedule

ARN = "arn:aws:scheduler:::aws-sdk:"


class Fired(Case):
    def setUp(self) -> None:
        super().setUp()
        self.scheduler, self.ec2, self.rds = self.client("scheduler"), self.client("ec2"), self.client("rds")
        self.numbers = itertools.count()

    def fire(self, action: str, given: dict[str, Any], at: str | None = None, **more: Any) -> dict[str, Any]:
        wanted = schedule(target={"Arn": ARN + action, "Input": json.dumps(given)}, **more)
        name = f"s-{next(self.numbers)}"
        self.scheduler.create_schedule(Name=name, **wanted)
        order = {"region": "us-east-1", "group": "default", "name": name, **({"at": at} if at else {})}
        told: dict[str, Any] = self.control("POST", "fire", order)
        return told

    def test_snapshots(self) -> None:
        made = self.seed(instances=[{"name": "web", "root": True}], volumes=[{}])
        tags = [{"ResourceType": "snapshot", "Tags": [{"Key": "at", "Value": "<aws.scheduler.scheduled-time>"}]}]
        at = "2026-03-29T01:00:00Z"
        given = {"VolumeId": made["volumes"][0], "Description": "ä", "TagSpecifications": tags}
        told = self.fire("ec2:createSnapshot", given, at=at)
        self.assertEqual((told["called"], told["status"], told["code"]), ("ec2:CreateSnapshot", 200, None))
        self.assertEqual(told["input"]["TagSpecifications"][0]["Tags"][0]["Value"], at)
        one = self.ec2.describe_snapshots()["Snapshots"][0]
        shown = (one["VolumeId"], one["Description"], one["Tags"])
        self.assertEqual(shown, (made["volumes"][0], "ä", [{"Key": "at", "Value": at}]))
        specification = {"InstanceId": made["instances"][0], "ExcludeBootVolume": False}
        given = {"InstanceSpecification": specification, "CopyTagsFromSource": "volume"}
        told = self.fire("ec2:createSnapshots", given)
        self.assertEqual((told["status"], len(self.ec2.describe_snapshots()["Snapshots"])), (200, 2))
        data = self.seed(volumes=[{"instance": made["instances"][0]}])["volumes"]
        specification = {"InstanceId": made["instances"][0], "ExcludeBootVolume": True}
        self.assertEqual(self.fire("ec2:createSnapshots", {"InstanceSpecification": specification})["status"], 200)
        shown = self.ec2.describe_snapshots(Filters=[{"Name": "volume-id", "Values": data}])["Snapshots"]
        self.assertEqual((len(shown), len(self.ec2.describe_snapshots()["Snapshots"])), (1, 3))
        specification["ExcludeDataVolumeIds"] = data
        told = self.fire("ec2:createSnapshots", {"InstanceSpecification": specification})
        self.assertEqual((told["status"], told["code"]), (400, "InvalidParameterValue"))
        told = self.fire("ec2:createSnapshot", {"VolumeId": "vol-0123456789abcdef0"})
        self.assertEqual((told["status"], told["code"]), (400, "InvalidVolume.NotFound"))
        self.assertIn("does not exist", told["message"])
        self.assertNotIn("ec2:CreateSnapshot", self.control("GET", "calls")["counts"])

    def test_power(self) -> None:
        ids = self.seed(instances=[{"count": 2}], databases=[{"id": "a"}], clusters=[{"id": "c"}])["instances"]

        def states() -> list[str]:
            found = self.ec2.describe_instances()["Reservations"]
            return [one["State"]["Name"] for group in found for one in group["Instances"]]

        self.assertEqual(self.fire("ec2:stopInstances", {"InstanceIds": ids})["status"], 200)
        self.assertEqual(states(), ["stopped", "stopped"])
        self.assertEqual(self.fire("ec2:startInstances", {"InstanceIds": ids[:1]})["status"], 200)
        self.assertEqual(states(), ["running", "stopped"])
        self.assertEqual(self.fire("rds:stopDBInstance", {"DbInstanceIdentifier": "a"})["status"], 200)
        self.assertEqual(self.rds.describe_db_instances()["DBInstances"][0]["DBInstanceStatus"], "stopped")
        self.assertEqual(self.fire("rds:startDBInstance", {"DbInstanceIdentifier": "a"})["status"], 200)
        self.assertEqual(self.fire("rds:stopDBCluster", {"DbClusterIdentifier": "c"})["status"], 200)
        self.assertEqual(self.rds.describe_db_clusters()["DBClusters"][0]["Status"], "stopped")
        told = self.fire("rds:stopDBCluster", {"DbClusterIdentifier": "c"})
        self.assertEqual((told["status"], told["code"]), (400, "InvalidDBClusterStateFault"))
        self.assertEqual(self.fire("rds:startDBCluster", {"DbClusterIdentifier": "c"})["status"], 200)

    def test_input_that_is_wrong(self) -> None:
        ident = self.seed(instances=[{}])["instances"][0]
        wrong: list[tuple[str, dict[str, Any]]] = [
            ("ec2:createSnapshot", {"volumeId": "vol-1"}),
            ("ec2:createSnapshot", {"VolumeId": "vol-1", "TagSpecification": []}),
            ("ec2:createSnapshot", {"VolumeId": "vol-1", "TagSpecifications": [{"Tags": [{"key": "a"}]}]}),
            ("ec2:createSnapshots", {"InstanceSpecification": {"InstanceID": ident}}),
            ("ec2:createSnapshots", {"InstanceSpecification": {"InstanceId": ident, "ExcludeDataVolumeId": []}}),
            ("ec2:stopInstances", {"InstanceIds": ident}),
            ("ec2:stopInstances", {}),
            ("rds:stopDBInstance", {"DBInstanceIdentifier": "a"}),
        ]
        for action, given in wrong:
            with self.subTest(f"{action} {given}"):
                told = self.fire(action, given)
                self.assertEqual((told["status"], told["code"]), (400, "ValidationException"), told)
        told = self.fire("ec2:createSnapshot", {"VolumeId": "vol-1", "TagSpecifications": [{"Tags": [{"key": "a"}]}]})
        self.assertIn("CreateSnapshot has no parameter TagSpecifications.Tags.key", told["message"])

    def test_schedules_that_do_not_fire(self) -> None:
        ident = self.seed(instances=[{}])["instances"][0]
        body = schedule(target={"Arn": ARN + "ec2:stopInstances", "Input": json.dumps({"InstanceIds": [ident]})})
        self.scheduler.create_schedule(Name="off", State="DISABLED", **body)
        for name in ("off", "none"):
            with self.assertRaisesRegex(AssertionError, "disabled|no schedule"):
                self.control("POST", "fire", {"name": name})
        body.update(ScheduleExpression="at(2026-12-31T20:00:00)", ActionAfterCompletion="DELETE")
        self.scheduler.create_schedule(Name="once", **body)
        stored = self.control("GET", "schedules")["us-east-1"]
        self.assertEqual([one["Name"] for one in stored], ["off", "once"])
        self.assertEqual(self.control("POST", "fire", {"name": "once"})["status"], 200)
        self.refused("ResourceNotFoundException", self.scheduler.get_schedule, Name="once")
