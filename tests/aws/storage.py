"""Volumes that are made, attached, detached and deleted, over moto's own; runs in moto's thread.

Sources: the EC2 API reference of the operations; "Error codes for the Amazon EC2 API"; "Detach an Amazon EBS volume" in the
EBS user guide (a root volume comes off a stopped instance only); "Ensuring idempotency in Amazon EC2 API requests" (client
tokens). moto knows no states in between, no client tokens, and detaches and starts whatever it is asked for. The code for
starting an instance without its root volume, and that for a device that is in use, are from public issue threads.

What is in between (creating, attaching, detaching) has come to its end at the next look, or with the option `slow_volumes`
after it was shown once.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import ec2_tags
import instances
import volumes
from calls import Call
from ec2_query import check_dry_run, element, listed, response, time_of
from http_server import Response
from protocols import AwsError

SPECIFIED_TAG = re.compile(r"TagSpecification\.(\d+)\.Tag\.(\d+)\.(Key|Value)")
RATES = range(100, 301)  # MiB/s

# Volumes whose data are gone: deleted while there was no completed snapshot of them, or the last copy was deleted. By account.
LOST: dict[str, list[str]] = {}

# Accounts and regions with EBS encryption by default, and the key for it where one was chosen.
ENCRYPTED: set[tuple[str, str]] = set()
DEFAULT_KEYS: dict[tuple[str, str], str] = {}
OWN_KEY = "alias/aws/ebs"


def backend_of(call: Call) -> Any:
    from moto.ec2.models import ec2_backends

    return ec2_backends[call.account][call.region]


def settle(volume: Any) -> None:
    """What was shown in between has come to its end."""
    if getattr(volume, "making", False) and getattr(volume, "dies", False):
        volume.ec2_backend.volumes.pop(volume.id, None)
    volume.making = False
    attachment = volume.attachment
    if attachment is None:
        return
    if attachment.status == "attaching":
        attachment.status = "attached"
    elif attachment.status == "detaching":
        attachment.instance.block_device_mapping.pop(attachment.device, None)
        volume.attachment = None


def settle_all(call: Call) -> None:
    """At a look, what is in between has come to its end, unless it is to be shown."""
    for volume in [] if call.options.get("slow_volumes") else list(backend_of(call).volumes.values()):
        settle(volume)


def status_of(volume: Any) -> str:
    if getattr(volume, "making", False):
        return "creating"
    return "error" if getattr(volume, "failed", False) else str(volume.status)


def default_iops(kind: str, size: int) -> int | None:
    """What a volume has that nobody chose iops for, as DescribeVolumes shows it (CreateVolume: 3 a GiB, 100 to 16,000)."""
    if kind == "gp2":
        return min(max(100, 3 * size), 16_000)
    return 3000 if kind == "gp3" else None


def encrypted(call: Call, asked: bool, key: str | None) -> tuple[bool, str | None]:
    """EBS encryption by default: what is not encrypted is, with the account's key for it, or else with AWS's own."""
    place = call.account, call.region
    if asked or place not in ENCRYPTED:
        return asked, key
    return True, DEFAULT_KEYS.get(place)


def number(call: Call, name: str) -> int | None:
    value = call.params.get(name)
    return int(value) if value else None


def create(call: Call) -> Response:
    check_dry_run(call.params)
    backend, token = backend_of(call), call.params.get("ClientToken")
    asked = {key: value for key, value in call.params.items() if key not in ("Action", "Version")}
    tokens = backend.__dict__.setdefault("volume_tokens", {})
    if token and token in tokens:
        before, known = tokens[token]
        if before != asked:
            text = "The parameters do not match those of the first request with this client token"
            raise AwsError("IdempotentParameterMismatch", text)
        return answer(known)
    volume = made(call, backend)
    if token:
        tokens[token] = (asked, volume)
    return answer(volume)


def answer(volume: Any) -> Response:
    return response("CreateVolume", volumes.fields(volume))


def made(call: Call, backend: Any) -> Any:
    params, ident = call.params, call.params.get("SnapshotId")
    snapshot = backend.snapshots.get(ident) if ident else None
    size, key = number(call, "Size"), params.get("KmsKeyId")
    if ident and snapshot is None:
        raise AwsError("InvalidSnapshot.NotFound", f"The snapshot '{ident}' does not exist.")
    if snapshot is not None:
        if snapshot.status != "completed":
            raise AwsError("IncorrectState", f"Snapshot is in invalid state - {snapshot.status}")
        size = size or snapshot.volume.size
        if size < snapshot.volume.size:
            raise AwsError("InvalidParameterValue", f"The size {size} is smaller than that of the snapshot")
        key = key or snapshot.kms_key_id
    rate = number(call, "VolumeInitializationRate")
    if rate is not None and (snapshot is None or rate not in RATES):
        raise AwsError("InvalidParameterValue", f"{rate} is no rate for the initialization of a volume")
    tags = specified_tags(params)
    kind = params.get("VolumeType") or "gp2"
    if params.get("MultiAttachEnabled") == "true" and kind not in ("io1", "io2"):
        raise AwsError("InvalidParameterCombination", f"Multi-Attach is not supported for volumes of the type {kind}")
    if params.get("Iops") and kind not in ("gp3", "io1", "io2"):
        raise AwsError("InvalidParameterCombination", f"The parameter iops is not supported for {kind} volumes.")
    if params.get("Throughput") and kind != "gp3":
        raise AwsError("InvalidParameterCombination", f"The parameter throughput is not supported for {kind} volumes.")
    asked = params.get("Encrypted") == "true" or bool(snapshot is not None and snapshot.encrypted)
    secret, key = encrypted(call, asked, key)
    volume = backend.create_volume(
        size=size,
        zone_name=params.get("AvailabilityZone"),
        snapshot_id=ident,
        encrypted=secret,
        kms_key_id=key,
        volume_type=kind,
        iops=number(call, "Iops"),
        throughput=number(call, "Throughput") or (125 if params.get("VolumeType") == "gp3" else None),
        multi_attach_enabled=params.get("MultiAttachEnabled") == "true",
    )
    volume.making, volume.rate = True, rate
    volume.iops = volume.iops or default_iops(kind, volume.size)
    failing = call.options.get("failing_volumes")  # KMS says no later: the call succeeds, and the volume comes to nothing
    volume.failed, volume.dies = failing == "error", failing == "gone"
    if tags:
        backend.tags[volume.id].update(tags)
    return volume


def specified_tags(params: dict[str, str]) -> dict[str, str]:
    found: dict[tuple[int, int], dict[str, str]] = {}
    for name, value in params.items():
        if matched := SPECIFIED_TAG.fullmatch(name):
            found.setdefault((int(matched.group(1)), int(matched.group(2))), {})[matched.group(3)] = value
    tags = [(found[place].get("Key", ""), found[place].get("Value")) for place in sorted(found)]
    ec2_tags.check_tags(tags)
    if len(tags) > ec2_tags.MAX_TAGS:
        raise AwsError("TagLimitExceeded", "The maximum number of Tags for a resource has been reached.")
    return {key: value or "" for key, value in tags}


def volume_of(call: Call) -> Any:
    ident = call.params.get("VolumeId", "")
    if not ident:
        raise AwsError("MissingParameter", "The request must contain the parameter VolumeId")
    known = volumes.every_volume(call)
    volumes.check_ids([ident], known)
    return known[ident]


def instance_of(call: Call) -> Any:
    ident = call.params.get("InstanceId", "")
    known = {one.id: one for _, one in instances.every_instance(call)}
    instances.check_ids([ident], known)
    return known[ident]


def attach(call: Call) -> Response:
    from moto.core.utils import utcnow
    from moto.ec2.models.block_device import BlockDeviceType
    from moto.ec2.models.elastic_block_store import VolumeAttachment

    volume, instance, device = volume_of(call), instance_of(call), call.params.get("Device", "")
    if volume.attachment is not None:
        raise AwsError("VolumeInUse", f"{volume.id} is already attached to an instance")
    if status_of(volume) != "available":
        raise AwsError("IncorrectState", f"Volume '{volume.id}' is not 'available'.")
    if instance.state not in ("running", "stopped"):
        raise AwsError("IncorrectState", f"Instance '{instance.id}' is not 'running' or 'stopped'.")
    if volume.availability_zone != instance.availability_zone:
        text = f"The volume '{volume.id}' is not in the same availability zone as instance '{instance.id}'"
        raise AwsError("InvalidVolume.ZoneMismatch", text)
    if device in instance.block_device_mapping:
        text = f"Invalid value '{device}' for unixDevice. Attachment point {device} is already in use"
        raise AwsError("InvalidParameterValue", text)
    check_dry_run(call.params)
    volume.attachment = VolumeAttachment(volume, instance, device, "attaching")  # type: ignore[abstract]
    volume.attachment.attach_time = utcnow()
    instance.block_device_mapping[device] = BlockDeviceType(
        volume_id=volume.id, status="attaching", size=volume.size, attach_time=utcnow(), delete_on_termination=False
    )
    return response("AttachVolume", attachment(volume))


def attachment(volume: Any) -> str:
    one = volume.attachment
    return (
        f"{element('volumeId', volume.id)}{element('instanceId', one.instance.id)}{element('device', one.device)}"
        f"{element('status', one.status)}{element('attachTime', time_of(one.attach_time))}"
    )


def detach(call: Call) -> Response:
    volume = volume_of(call)
    if volume.attachment is None:
        raise AwsError("IncorrectState", f"Volume '{volume.id}' is in the 'available' state.")
    instance, device = volume.attachment.instance, volume.attachment.device
    if call.params.get("InstanceId") not in (None, "", instance.id):
        text = f"The volume '{volume.id}' is not attached to the instance '{call.params['InstanceId']}'"
        raise AwsError("InvalidAttachment.NotFound", text)
    if volume.attachment.status != "attached":
        raise AwsError("IncorrectState", f"Volume '{volume.id}' is in the '{volume.attachment.status}' state.")
    if device == instance.root_device_name and instance.state != "stopped":
        text = f"Unable to detach root volume '{volume.id}' from instance '{instance.id}'"
        raise AwsError("OperationNotPermitted", text)
    check_dry_run(call.params)
    note_write(volume)
    volume.attachment.status, volume.last_instance = "detaching", instance
    if device == instance.root_device_name:
        instance.had_root = True
    return response("DetachVolume", attachment(volume))


def note_write(volume: Any) -> None:
    """When the volume may have been written to last: as long as its instance ran while it was attached. It is asked when it comes off."""
    from moto.core.utils import utcnow

    instance, since = volume.attachment.instance, seconds(volume.attachment.attach_time)
    ran_until = utcnow() if instance.state != "stopped" else getattr(instance, "stopped_at", instance.launch_time)
    if (last := max(seconds(ran_until), seconds(instance.launch_time))) >= since:
        volume.last_write = max(last, getattr(volume, "last_write", last))


def seconds(time: Any) -> float:
    when = datetime.fromisoformat(time.replace("Z", "+00:00")) if isinstance(time, str) else time
    return float((when if when.tzinfo else when.replace(tzinfo=timezone.utc)).timestamp())


def check_root(instance: Any) -> None:
    """An instance whose root volume was detached cannot be started. One that was seeded without any is not asked."""
    device = instance.block_device_mapping.get(instance.root_device_name)
    if getattr(instance, "had_root", False) and device is None:
        text = f"Invalid value '{instance.id}' for instanceId. Instance does not have a volume attached at root"
        raise AwsError("IncorrectInstanceState", f"{text} ({instance.root_device_name})")


def delete(call: Call) -> Response:
    volume = volume_of(call)
    if volume.attachment is not None:
        text = f"Volume {volume.id} is currently attached to {volume.attachment.instance.id}"
        raise AwsError("VolumeInUse", text)
    check_dry_run(call.params)
    known = volumes.every_volume(call)
    del known[volume.id]
    written = getattr(volume, "last_write", None)
    copies = [one for one in backend_of(call).snapshots.values() if one.status == "completed"]
    if written is None:  # it was never written to, and holds what it was made of
        copies = [one for one in copies if one.volume.id == volume.id or one.id == volume.snapshot_id]
    else:
        copies = [one for one in copies if one.volume.id == volume.id and seconds(one.start_time) >= written]
    if not copies and not getattr(volume, "failed", False):
        LOST.setdefault(call.account, []).append(volume.id)
    return response("DeleteVolume", "<return>true</return>")


def snapshot_is_gone(call: Call, snapshot: Any) -> None:
    """A parking snapshot was deleted: what it was of has to be somewhere else."""
    backend, volume = backend_of(call), snapshot.volume.id
    if snapshot.status != "completed" or not snapshot.marked or volume in backend.volumes:
        return
    restored = any(one.snapshot_id == snapshot.id and one.attachment for one in backend.volumes.values())
    others = any(one.volume.id == volume and one.status == "completed" for one in backend.snapshots.values())
    if not restored and not others:
        LOST.setdefault(call.account, []).append(volume)


def modify_attribute(call: Call) -> Response | None:
    """DeleteOnTermination of one device; other attributes are moto's."""
    prefix = "BlockDeviceMapping.1."
    if prefix + "DeviceName" not in call.params:
        return None
    instance, device = instance_of(call), call.params[prefix + "DeviceName"]
    if device not in instance.block_device_mapping:
        raise AwsError("InvalidInstanceAttributeValue", f"No device is currently mapped at {device}")
    check_dry_run(call.params)
    flag = call.params.get(prefix + "Ebs.DeleteOnTermination") == "true"
    instance.block_device_mapping[device].delete_on_termination = flag
    return response("ModifyInstanceAttribute", "<return>true</return>")


def describe_types(call: Call) -> Response | None:
    """moto reads any number; AWS takes up to 100 by name."""
    if len(listed(call.params, "InstanceType")) > 100:
        raise AwsError("InvalidParameterValue", "The maximum number of instance types is 100")
    return None


def encryption(call: Call) -> Response:
    on = (call.account, call.region) in ENCRYPTED
    return response("GetEbsEncryptionByDefault", element("ebsEncryptionByDefault", str(on).lower()))


def default_key(call: Call) -> Response:
    key = DEFAULT_KEYS.get((call.account, call.region), OWN_KEY)
    return response("GetEbsDefaultKmsKeyId", element("kmsKeyId", key))


def encrypt_by_default(call: Call) -> Response:
    ENCRYPTED.add((call.account, call.region))
    return response("EnableEbsEncryptionByDefault", element("ebsEncryptionByDefault", "true"))


def choose_default_key(call: Call) -> Response:
    if not call.params.get("KmsKeyId"):
        raise AwsError("MissingParameter", "The request must contain the parameter KmsKeyId")
    DEFAULT_KEYS[call.account, call.region] = call.params["KmsKeyId"]
    return response("ModifyEbsDefaultKmsKeyId", element("kmsKeyId", call.params["KmsKeyId"]))


OPERATIONS: dict[str, Callable[[Call], Response | None]] = {
    "EnableEbsEncryptionByDefault": encrypt_by_default,
    "GetEbsDefaultKmsKeyId": default_key,
    "GetEbsEncryptionByDefault": encryption,
    "ModifyEbsDefaultKmsKeyId": choose_default_key,
    "CreateVolume": create,
    "AttachVolume": attach,
    "DetachVolume": detach,
    "DeleteVolume": delete,
    "ModifyInstanceAttribute": modify_attribute,
    "DescribeInstanceTypes": describe_types,
}
