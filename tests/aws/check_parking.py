"""Checks of volumes that are made, attached, detached and deleted, and of what parking an instance needs."""

from __future__ import annotations

from typing import Any

from check_case import Case

ZONE = "us-east-1a"


class Storage(Case):
    def setUp(self) -> None:
        super().setUp()
        self.ec2 = self.client("ec2")
        self.control("POST", "options", {"slow_volumes": True})

    def volume(self, ident: str) -> dict[str, Any]:
        return dict(self.ec2.describe_volumes(VolumeIds=[ident])["Volumes"][0])

    def settled(self, ident: str) -> dict[str, Any]:
        """What is in between is shown once."""
        self.volume(ident)
        return self.volume(ident)

    def lost(self) -> list[str]:
        return list(self.control("GET", "lost")["lost"])

    def on(self, instance: str) -> list[str]:
        wanted = [{"Name": "attachment.instance-id", "Values": [instance]}]
        return [one["VolumeId"] for one in self.ec2.describe_volumes(Filters=wanted)["Volumes"]]

    def test_a_volume_of_a_snapshot(self) -> None:
        snapshot, pending = self.seed(snapshots=[{"size": 20}, {"state": "pending"}])["snapshots"]
        wanted: dict[str, Any] = {
            "SnapshotId": snapshot, "AvailabilityZone": ZONE, "VolumeType": "gp3", "Iops": 4000, "Throughput": 250,
            "VolumeInitializationRate": 200, "ClientToken": "one",
            "TagSpecifications": [{"ResourceType": "volume", "Tags": [{"Key": "Name", "Value": "데이터"}]}],
        }  # fmt: skip
        made = self.ec2.create_volume(**wanted)
        self.assertEqual((made["State"], made["Size"], made["SnapshotId"]), ("creating", 20, snapshot))
        again = self.ec2.create_volume(**wanted)
        self.assertEqual(again["VolumeId"], made["VolumeId"])
        self.refused("IdempotentParameterMismatch", self.ec2.create_volume, **{**wanted, "Iops": 5000})
        self.assertEqual(self.volume(made["VolumeId"])["State"], "creating")
        found = self.volume(made["VolumeId"])
        self.assertEqual((found["State"], found["Iops"], found["Throughput"]), ("available", 4000, 250))
        self.assertEqual((found["Tags"], found["VolumeInitializationRate"]), ([{"Key": "Name", "Value": "데이터"}], 200))
        refused = {**wanted, "ClientToken": "two"}
        self.refused("IncorrectState", self.ec2.create_volume, **{**refused, "SnapshotId": pending})
        self.refused("InvalidParameterValue", self.ec2.create_volume, **{**refused, "Size": 10})
        self.refused("InvalidParameterValue", self.ec2.create_volume, **{**refused, "VolumeInitializationRate": 99})
        gone = "snap-0123456789abcdef0"
        self.refused("InvalidSnapshot.NotFound", self.ec2.create_volume, **{**refused, "SnapshotId": gone})

    def test_attached_and_detached(self) -> None:
        made = self.seed(instances=[{"root": True, "volumes": [{"device": "/dev/sdf"}]}], volumes=[{}])
        instance, free = made["instances"][0], made["volumes"][0]
        root, data = self.on(instance)
        attach, detach = self.ec2.attach_volume, self.ec2.detach_volume
        self.refused("VolumeInUse", attach, VolumeId=data, InstanceId=instance, Device="/dev/sdg")
        self.refused("InvalidParameterValue", attach, VolumeId=free, InstanceId=instance, Device="/dev/sdf")
        self.refused("IncorrectState", detach, VolumeId=free, InstanceId=instance)
        self.refused("OperationNotPermitted", detach, VolumeId=root, InstanceId=instance)
        self.refused("VolumeInUse", self.ec2.delete_volume, VolumeId=data)
        self.assertEqual(detach(VolumeId=data, InstanceId=instance)["State"], "detaching")
        self.refused("IncorrectState", detach, VolumeId=data, InstanceId=instance)
        self.assertEqual(self.settled(data)["State"], "available")
        self.assertEqual(attach(VolumeId=data, InstanceId=instance, Device="/dev/sdh")["State"], "attaching")
        place = self.settled(data)["Attachments"][0]
        self.assertEqual((place["State"], place["Device"], place["DeleteOnTermination"]), ("attached", "/dev/sdh", False))
        mapping = [{"DeviceName": "/dev/sdh", "Ebs": {"DeleteOnTermination": True}}]
        self.ec2.modify_instance_attribute(InstanceId=instance, BlockDeviceMappings=mapping)
        self.assertTrue(self.volume(data)["Attachments"][0]["DeleteOnTermination"])
        mapping[0]["DeviceName"] = "/dev/sdz"
        modify = self.ec2.modify_instance_attribute
        self.refused("InvalidInstanceAttributeValue", modify, InstanceId=instance, BlockDeviceMappings=mapping)

    def test_without_its_root_volume_it_does_not_start(self) -> None:
        wanted = {"root": True, "root_device": "/dev/xvda", "public_ip": "203.0.113.5"}
        instance = self.seed(instances=[wanted])["instances"][0]
        (root,) = self.on(instance)

        def shown() -> dict[str, Any]:
            return dict(self.ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0])

        self.assertEqual((shown()["PublicIpAddress"], shown()["RootDeviceName"]), ("203.0.113.5", "/dev/xvda"))
        self.ec2.stop_instances(InstanceIds=[instance])
        self.assertNotIn("PublicIpAddress", shown())
        self.ec2.detach_volume(VolumeId=root)
        self.settled(root)
        told = self.refused("IncorrectInstanceState", self.ec2.start_instances, InstanceIds=[instance])
        self.assertIn("does not have a volume attached at root (/dev/xvda)", str(told))
        self.ec2.attach_volume(VolumeId=root, InstanceId=instance, Device="/dev/xvda")
        self.settled(root)
        self.ec2.start_instances(InstanceIds=[instance])
        self.assertNotEqual(shown()["PublicIpAddress"], "203.0.113.5")

    def test_what_is_lost_is_noted(self) -> None:
        launched = {"root": True, "launched": "2026-01-02T03:04:05Z"}
        instance = self.seed(instances=[{**launched, "volumes": [{"device": "/dev/sdf"}, {"device": "/dev/sdg"}]}])
        ident = instance["instances"][0]
        self.ec2.stop_instances(InstanceIds=[ident])
        safe, pending, bare = self.on(ident)
        mark = [{"ResourceType": "snapshot", "Tags": [{"Key": "opsform:parking", "Value": "x"}]}]
        kept = self.ec2.create_snapshot(VolumeId=safe, TagSpecifications=mark)["SnapshotId"]
        self.ec2.describe_snapshots(SnapshotIds=[kept])
        self.control("POST", "options", {"slow_snapshots": True})
        self.ec2.create_snapshot(VolumeId=pending)
        for volume in (safe, pending, bare):
            self.ec2.detach_volume(VolumeId=volume)
            self.settled(volume)
            self.ec2.delete_volume(VolumeId=volume)
        self.assertEqual(self.lost(), [pending, bare])
        restored = self.ec2.create_volume(SnapshotId=kept, AvailabilityZone=ZONE)["VolumeId"]
        self.ec2.delete_snapshot(SnapshotId=kept)
        self.assertEqual(self.lost(), [pending, bare, safe])
        self.ec2.delete_volume(VolumeId=restored)

    def test_what_is_in_between_is_over_at_the_next_look(self) -> None:
        self.control("POST", "options", {"slow_volumes": False})
        made = self.seed(instances=[{"root": True, "state": "stopped"}])["instances"][0]
        (root,) = self.on(made)
        self.ec2.detach_volume(VolumeId=root)
        self.assertEqual(self.volume(root)["State"], "available")
        self.ec2.attach_volume(VolumeId=root, InstanceId=made, Device="/dev/sda1")
        self.assertEqual(self.volume(root)["Attachments"][0]["State"], "attached")
        created = self.ec2.create_volume(Size=8, AvailabilityZone=ZONE)
        self.assertEqual((created["State"], self.volume(created["VolumeId"])["State"]), ("creating", "available"))

    def test_protections_and_types(self) -> None:
        instance = self.seed(instances=[{"stop_protected": True}])["instances"][0]
        told = self.ec2.describe_instance_attribute(InstanceId=instance, Attribute="disableApiStop")
        self.assertTrue(told["DisableApiStop"]["Value"])
        told = self.ec2.describe_instance_attribute(InstanceId=instance, Attribute="disableApiTermination")
        self.assertFalse(told["DisableApiTermination"]["Value"])
        types = self.ec2.describe_instance_types(InstanceTypes=["m5d.large", "t3.small"])["InstanceTypes"]
        stores = {one["InstanceType"]: one["InstanceStorageSupported"] for one in types}
        self.assertEqual(stores, {"m5d.large": True, "t3.small": False})

    def test_what_volumes_have_by_default(self) -> None:
        for kind, size, iops in (("gp2", 8, 100), ("gp2", 200, 600), ("gp2", 9000, 16000), ("gp3", 8, 3000), ("st1", 500, None)):
            made = self.ec2.create_volume(AvailabilityZone=ZONE, Size=size, VolumeType=kind)
            self.assertEqual(made.get("Iops"), iops, (kind, size))
        wrong: Any = {"AvailabilityZone": ZONE, "Size": 8}
        self.refused("InvalidParameterCombination", self.ec2.create_volume, **wrong, VolumeType="gp2", Iops=100)
        self.refused("InvalidParameterCombination", self.ec2.create_volume, **wrong, VolumeType="io2", Iops=100, Throughput=200)
        self.refused("InvalidParameterCombination", self.ec2.create_volume, **wrong, VolumeType="gp3", MultiAttachEnabled=True)
        (shared,) = self.seed(volumes=[{"type": "io2", "multi_attach": True}])["volumes"]
        self.assertTrue(self.volume(shared)["MultiAttachEnabled"])

    def test_encryption_by_default(self) -> None:
        self.assertFalse(self.ec2.get_ebs_encryption_by_default()["EbsEncryptionByDefault"])
        self.assertEqual(self.ec2.get_ebs_default_kms_key_id()["KmsKeyId"], "alias/aws/ebs")
        self.ec2.enable_ebs_encryption_by_default()
        made = self.ec2.create_volume(AvailabilityZone=ZONE, Size=8)
        self.assertTrue(made["Encrypted"])
        key = self.client("kms").create_key()["KeyMetadata"]["Arn"]
        self.ec2.modify_ebs_default_kms_key_id(KmsKeyId=key)
        made = self.ec2.create_volume(AvailabilityZone=ZONE, Size=8)
        self.assertEqual((made["Encrypted"], made["KmsKeyId"]), (True, key))
        self.assertTrue(self.ec2.get_ebs_encryption_by_default()["EbsEncryptionByDefault"])

    def test_volumes_that_come_to_nothing(self) -> None:
        for how in ("error", "gone"):
            self.control("POST", "options", {"failing_volumes": how})
            wanted: dict[str, Any] = {"AvailabilityZone": ZONE, "Size": 8, "ClientToken": how}
            ident = self.ec2.create_volume(**wanted)["VolumeId"]
            self.assertEqual(self.volume(ident)["State"], "creating")
            shown = [one["State"] for one in self.ec2.describe_volumes()["Volumes"] if one["VolumeId"] == ident]
            self.assertEqual(shown, ["error"] if how == "error" else [])
            self.control("POST", "options", {"failing_volumes": None})
            self.assertEqual(self.ec2.create_volume(**wanted)["VolumeId"], ident)

    def test_what_was_written_after_the_snapshot_is_lost(self) -> None:
        launched = {"root": True, "launched": "2026-01-02T03:04:05Z", "volumes": [{"device": "/dev/sdf"}]}
        instance = self.seed(instances=[launched])["instances"][0]
        root, data = self.on(instance)
        self.ec2.create_snapshot(VolumeId=data)
        self.ec2.stop_instances(InstanceIds=[instance])
        self.ec2.describe_snapshots()
        self.ec2.detach_volume(VolumeId=data)
        self.settled(data)
        self.ec2.delete_volume(VolumeId=data)
        self.assertEqual(self.lost(), [data])
