"""Checks of snapshots and of the images that use them."""

from __future__ import annotations

import time
from typing import Any

from check_case import Case


def wants(name: str, *values: str) -> dict[str, Any]:
    return {"Name": name, "Values": list(values)}


def specified(kind: str = "snapshot", **tags: str) -> list[dict[str, Any]]:
    return [{"ResourceType": kind, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}]


class Snapshots(Case):
    def setUp(self) -> None:
        super().setUp()
        self.ec2 = self.client("ec2")

    def found(self, *filters: dict[str, Any], **more: Any) -> list[str]:
        return [one["SnapshotId"] for one in self.ec2.describe_snapshots(Filters=list(filters), **more)["Snapshots"]]

    def only(self, ident: str) -> dict[str, Any]:
        return dict(self.ec2.describe_snapshots(SnapshotIds=[ident])["Snapshots"][0])

    def test_only_copies_have_a_transfer_type(self) -> None:
        made = self.seed(snapshots=[{"transfer": "time-based"}, {}])["snapshots"]
        self.assertEqual(self.only(made[0])["TransferType"], "time-based")
        self.assertNotIn("TransferType", self.only(made[1]))
        self.assertEqual(self.found(wants("transfer-type", "time-based")), made[:1])

    def test_two_thousand_in_pages(self) -> None:
        made = self.seed(
            volumes=[{"name": "a", "size": 20}],
            snapshots=[
                {"volume": 0, "count": 1500, "tags": {"rule": "nightly"}, "started": "2026-01-02T03:04:05Z"},
                {"volume": "vol-0123456789abcdef0", "count": 500, "size": 30, "name": "b"},
                {"count": 3, "owner": "222222222222"},
            ],
        )
        started = time.monotonic()
        pages = list(
            self.ec2.get_paginator("describe_snapshots").paginate(
                OwnerIds=["self"], PaginationConfig={"PageSize": 1000}
            )
        )
        self.assertLess(time.monotonic() - started, 3)
        self.assertEqual([len(page["Snapshots"]) for page in pages], [1000, 1000])
        self.assertEqual([one["SnapshotId"] for page in pages for one in page["Snapshots"]], made["snapshots"][:2000])
        one = pages[0]["Snapshots"][0]
        shown = (one["VolumeId"], one["VolumeSize"], one["State"], one["Progress"], one["OwnerId"], one["Encrypted"])
        self.assertEqual(shown, (made["volumes"][0], 20, "completed", "100%", self.account, False))
        self.assertEqual(one["Tags"], [{"Key": "rule", "Value": "nightly"}])
        self.assertEqual(one["StartTime"].isoformat(), "2026-01-02T03:04:05+00:00")
        self.assertEqual(len(self.found()), 2003)
        self.assertEqual(len(self.found(OwnerIds=["222222222222"])), 3)
        self.assertEqual(len(self.found(wants("volume-id", "vol-0123456789abcdef0"))), 500)
        self.assertEqual(len(self.found(wants("tag:rule", "night*"), wants("status", "completed"))), 1500)
        self.assertEqual(len(self.found(wants("tag-key", "Name"))), 500)
        self.assertEqual(self.found(wants("snapshot-id", made["snapshots"][7])), made["snapshots"][7:8])
        self.assertEqual(len(self.found(MaxResults=5)), 5)
        self.refused("InvalidParameterValue", self.ec2.describe_snapshots, MaxResults=4)
        self.refused("InvalidParameterValue", self.ec2.describe_snapshots, Filters=[wants("colour", "x")])
        gone = "snap-0123456789abcdef0"
        self.refused("InvalidSnapshot.NotFound", self.ec2.describe_snapshots, SnapshotIds=[gone])
        self.refused("InvalidParameterValue", self.ec2.describe_snapshots, SnapshotIds=["x"])

    def test_one_is_taken(self) -> None:
        volume = self.seed(volumes=[{"size": 33}])["volumes"][0]
        tags = specified(Name="x", rule="nightly")
        made = self.ec2.create_snapshot(VolumeId=volume, Description="a < b", TagSpecifications=tags)
        self.assertEqual((made["State"], made["VolumeSize"], made["Tags"]), ("pending", 33, tags[0]["Tags"]))
        found = self.only(made["SnapshotId"])
        self.assertEqual((found["State"], found["Description"], found["Tags"]), ("completed", "a < b", tags[0]["Tags"]))
        self.ec2.create_tags(Resources=[made["SnapshotId"]], Tags=[{"Key": "Name", "Value": "y"}])
        self.ec2.delete_tags(Resources=[made["SnapshotId"]], Tags=[{"Key": "rule"}])
        self.assertEqual(self.only(made["SnapshotId"])["Tags"], [{"Key": "Name", "Value": "y"}])
        self.ec2.delete_volume(VolumeId=volume)
        self.assertEqual(self.only(made["SnapshotId"])["VolumeId"], volume)
        create = self.ec2.create_snapshot
        self.refused("InvalidVolume.NotFound", create, VolumeId=volume)
        volume = self.seed(volumes=[{}])["volumes"][0]
        for wrong in (specified("volume", a="b"), specified(**{"aws:x": "1"}), specified(**{"k" * 129: "1"})):
            self.refused("InvalidParameterValue", create, VolumeId=volume, TagSpecifications=wrong)
        self.refused("DryRunOperation", create, VolumeId=volume, DryRun=True)
        log = [one for one in self.control("GET", "calls")["log"] if one["operation"] == "CreateSnapshot"]
        self.assertEqual((log[-1]["key"], log[-1]["resources"]), (volume, 1))

    def test_a_set_of_an_instance(self) -> None:
        disks = [{"size": 9, "name": "data"}, {"size": 10}]
        instance = self.seed(instances=[{"name": "web", "root": True, "volumes": disks}])["instances"][0]
        create = self.ec2.create_snapshots
        whole = create(InstanceSpecification={"InstanceId": instance}, TagSpecifications=specified(set="1"))
        self.assertEqual([one["VolumeSize"] for one in whole["Snapshots"]], [8, 9, 10])
        self.assertEqual({one["State"] for one in whole["Snapshots"]}, {"pending"})
        self.assertEqual(len(self.found(wants("tag:set", "1"), wants("status", "completed"))), 3)
        data = {"InstanceId": instance, "ExcludeBootVolume": True}
        part = create(InstanceSpecification=data, CopyTagsFromSource="volume")["Snapshots"]
        self.assertEqual([one.get("Tags") for one in part], [[{"Key": "Name", "Value": "data"}], None])
        data["ExcludeDataVolumeIds"] = [part[0]["VolumeId"]]
        self.assertEqual([one["VolumeSize"] for one in create(InstanceSpecification=data)["Snapshots"]], [10])
        wrong = {"InstanceId": instance, "ExcludeDataVolumeIds": [whole["Snapshots"][0]["VolumeId"]]}
        self.refused("InvalidParameterValue", create, InstanceSpecification=wrong)
        gone = {"InstanceId": "i-0123456789abcdef0"}
        self.refused("InvalidInstanceID.NotFound", create, InstanceSpecification=gone)

    def test_pending_ones_and_their_limit(self) -> None:
        volumes = self.seed(
            volumes=[{}, {"type": "st1", "size": 500}], snapshots=[{"volume": 0, "state": "error"}, {"volume": 0}]
        )["volumes"]
        for _ in range(7):  # each is complete before the next
            self.ec2.create_snapshot(VolumeId=volumes[0])
        self.control("POST", "options", {"slow_snapshots": True})
        held = [self.ec2.create_snapshot(VolumeId=volumes[0])["SnapshotId"] for _ in range(4)]
        limit = "ConcurrentSnapshotLimitExceeded"
        self.refused(limit, self.ec2.create_snapshot, VolumeId=volumes[0])
        held.append(self.ec2.create_snapshot(VolumeId=volumes[1])["SnapshotId"])
        self.refused(limit, self.ec2.create_snapshot, VolumeId=volumes[1])
        self.assertEqual(self.found(wants("status", "pending")), held)
        told = self.control("POST", "snapshots/us-east-1/finish", {"state": "error", "ids": held[:1]})
        self.assertEqual(told, {"finished": held[:1]})
        self.assertEqual(self.only(held[0])["State"], "error")
        self.assertEqual(self.control("POST", "snapshots/us-east-1/finish", {})["finished"], held[1:])
        self.assertEqual(self.found(wants("status", "pending")), [])
        self.ec2.create_snapshot(VolumeId=volumes[0])

    def test_those_that_cannot_be_deleted(self) -> None:
        made = self.seed(
            snapshots=[
                {"name": "free"}, {"lock": "governance"}, {"lock": "expired"}, {"owner": "222222222222"},
                {"tags": {"aws:backup:source-resource": "x"}}, {"name": "image"}, {"name": "disabled"},
            ],
            images=[{"name": "one", "snapshots": [5]}, {"name": "two", "snapshots": [2, 6], "disabled": True}],
        )  # fmt: skip
        free, locked, expired, foreign, backup, image, disabled = made["snapshots"]
        delete = self.ec2.delete_snapshot
        self.refused("SnapshotLocked", delete, SnapshotId=locked)
        self.refused("UnauthorizedOperation", delete, SnapshotId=foreign)
        self.assertIn("AWS Backup", str(self.refused("InvalidParameterValue", delete, SnapshotId=backup)))
        told = self.refused("InvalidSnapshot.InUse", delete, SnapshotId=image)
        self.assertIn(f"The snapshot {image} is currently in use by {made['images'][0]}", str(told))
        self.refused("InvalidSnapshot.InUse", delete, SnapshotId=disabled)
        self.refused("InvalidSnapshot.InUse", delete, SnapshotId=expired)
        delete(SnapshotId=free)
        self.refused("InvalidSnapshot.NotFound", delete, SnapshotId=free)
        self.ec2.deregister_image(ImageId=made["images"][1])
        delete(SnapshotId=expired)
        locks = self.ec2.describe_locked_snapshots()["Snapshots"]
        self.assertEqual([(one["SnapshotId"], one["LockState"]) for one in locks], [(locked, "governance")])
        self.assertEqual(self.ec2.describe_locked_snapshots(SnapshotIds=[image])["Snapshots"], [])

    def test_images(self) -> None:
        made = self.seed(
            snapshots=[{"size": 20}, {}, {}],
            images=[
                {"name": "one", "snapshots": [0, 1], "tags": {"owner": "x"}, "created": "2026-01-02T03:04:05Z"},
                {"name": "two", "snapshots": [2], "disabled": True},
                {"name": "three", "owner": "222222222222"},
            ],
        )
        self.assertEqual(len(self.found()), 3)

        def named(*filters: dict[str, Any], **more: Any) -> list[str]:
            found = self.ec2.describe_images(Owners=["self"], Filters=list(filters), **more)["Images"]
            return [one["Name"] for one in found]

        self.assertEqual(named(), ["one"])
        self.assertEqual(named(IncludeDisabled=True), ["one", "two"])
        of_it = wants("block-device-mapping.snapshot-id", *made["snapshots"][1:])
        self.assertEqual(named(of_it, IncludeDisabled=True), ["one", "two"])
        self.assertEqual(named(wants("tag:owner", "x")), ["one"])
        one = self.ec2.describe_images(ImageIds=made["images"][:1])["Images"][0]
        devices = [(each["DeviceName"], each["Ebs"]["SnapshotId"]) for each in one["BlockDeviceMappings"]]
        self.assertEqual(devices, list(zip(("/dev/sda1", "/dev/sdf"), made["snapshots"])))
        self.refused("InvalidAMIID.NotFound", self.ec2.describe_images, ImageIds=["ami-0123456789abcdef0"])
        self.refused("InvalidParameterValue", self.ec2.describe_images, Filters=[wants("colour", "x")])
        taken = self.seed(instances=[{"name": "web"}])["instances"][0]
        made_by_moto = self.ec2.create_image(InstanceId=taken, Name="four")["ImageId"]
        own = self.ec2.describe_images(ImageIds=[made_by_moto])["Images"][0]["BlockDeviceMappings"][0]
        self.refused("InvalidSnapshot.InUse", self.ec2.delete_snapshot, SnapshotId=own["Ebs"]["SnapshotId"])
