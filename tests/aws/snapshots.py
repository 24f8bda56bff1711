"""Snapshots of volumes over moto's own; runs in moto's thread.

Sources: the EC2 API reference of the operations and of their filters; "Delete an Amazon EBS snapshot" (what is refused)
and "Amazon EBS snapshot lock" in the EBS user guide; AWS's knowledge centre for ConcurrentSnapshotLimitExceeded (five
pending ones a volume, one of st1 and sc1; those in error count); public issue threads for the words about AMIs and AWS
Backup. The code for a locked snapshot and for one of another account is inferred. moto knows no pages, no state but
"completed", no lock, and looks for the tags of each snapshot in those of all.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from xml.sax.saxutils import escape

import ec2_tags
import images
import instances
import storage
import volumes
from calls import Call
from ec2_query import (
    check_dry_run,
    element,
    filters_of,
    listed,
    page_size,
    paged,
    passes,
    response,
    tag_set,
    time_of,
    unknown_filter,
)
from http_server import Response
from protocols import AwsError
from volumes import flag

SNAPSHOT_ID = re.compile(r"snap-(?:[0-9a-f]{8}|[0-9a-f]{17})")
SPECIFICATION = re.compile(r"TagSpecification\.\d+\.(.+)")
SPECIFIED_TAG = re.compile(r"TagSpecification\.(\d+)\.Tag\.(\d+)\.(Key|Value)")
PENDING_LIMIT, PENDING_LIMIT_OF_DISKS = 5, 1
BACKUP = "This snapshot is managed by the AWS Backup service and cannot be deleted via EC2 APIs."

FIELDS: dict[str, Callable[[Any], Any]] = {
    "description": lambda one: one.description or "",
    "encrypted": lambda one: flag(one.encrypted),
    "owner-alias": lambda one: None,
    "owner-id": lambda one: one.owner_id,
    "progress": lambda one: progress_of(one),
    "snapshot-id": lambda one: one.id,
    "start-time": lambda one: time_of(one.start_time),
    "status": lambda one: one.status,
    "storage-tier": lambda one: one.storage_tier,
    "tag-key": lambda one: tuple(tags_of(one)),
    "transfer-type": lambda one: transfer_of(one),
    "volume-id": lambda one: one.volume.id,
    "volume-size": lambda one: str(one.volume.size),
}


def describe(call: Call) -> Response:
    """Snapshots that were made since the last look are complete now, unless they are held back."""
    check_dry_run(call.params)
    ids, owners = listed(call.params, "SnapshotId"), listed(call.params, "Owner")
    size = page_size(call.params, ids, "snapshotIds")
    filters = filters_of(call.params)
    for name in filters:
        if name not in FIELDS and not name.startswith("tag:"):
            raise unknown_filter(name)
    known = every_snapshot(call)
    check_ids(ids, known)
    for one in known.values():
        settle(one)
    wanted, accounts = set(ids), {call.account if owner == "self" else owner for owner in owners}
    restorable = set(listed(call.params, "RestorableBy")) - {"self", "all", call.account}

    def keep(one: Any) -> bool:
        if (wanted and one.id not in wanted) or (accounts and one.owner_id not in accounts) or restorable:
            return False
        return passes(filters, lambda name: field_of(one, name))

    page, more = paged(known, keep, size, call.params.get("NextToken"))
    items = "".join(f"<item>{render(one, 'status')}</item>" for one in page)
    return response("DescribeSnapshots", f"<snapshotSet>{items}</snapshotSet>{more}")


def every_snapshot(call: Call) -> dict[str, Any]:
    return backend_of(call).snapshots  # type: ignore[no-any-return]


def backend_of(call: Call) -> Any:
    from moto.ec2.models import ec2_backends

    return ec2_backends[call.account][call.region]


def check_ids(ids: list[str], known: dict[str, Any]) -> None:
    for ident in ids:
        if not SNAPSHOT_ID.fullmatch(ident):
            text = f"Value ({ident}) for parameter snapshotId is invalid. Expected: 'snap-...'."
            raise AwsError("InvalidParameterValue", text)
        if ident not in known:
            raise AwsError("InvalidSnapshot.NotFound", f"The snapshot '{ident}' does not exist.")


def field_of(one: Any, name: str) -> Any:
    return tags_of(one).get(name[4:]) if name.startswith("tag:") else FIELDS[name](one)


def tags_of(one: Any) -> dict[str, str]:
    return one.ec2_backend.tags.get(one.id, {})  # type: ignore[no-any-return]


def transfer_of(one: Any) -> str | None:
    return getattr(one, "transfer", None)  # of copies only, as the seed makes them


def settle(one: Any) -> None:
    if one.status == "pending" and not one.held:
        one.status = "completed"


def progress_of(one: Any) -> str:
    return "100%" if one.status == "completed" else "0%"


def render(one: Any, state: str) -> str:
    """CreateSnapshots calls the state differently from the other operations."""
    return "".join(
        (
            element("snapshotId", one.id),
            element("volumeId", one.volume.id),
            element(state, one.status),
            element("startTime", time_of(one.start_time)),
            element("progress", progress_of(one)),
            element("ownerId", one.owner_id),
            element("volumeSize", one.volume.size),
            f"<description>{escape(one.description or '')}</description>",
            element("encrypted", flag(one.encrypted)),
            element("kmsKeyId", one.kms_key_id),
            element("transferType", transfer_of(one)),
            element("storageTier", one.storage_tier if state == "status" else None),
            tag_set(tags_of(one)),
        )
    )


def create(call: Call) -> Response:
    ident, tags = call.params.get("VolumeId", ""), specified_tags(call)
    if not ident:
        raise AwsError("MissingParameter", "The request must contain the parameter VolumeId")
    volumes.check_ids([ident], volumes.every_volume(call))
    volume = volumes.every_volume(call)[ident]
    check_pending(call, volume)
    check_dry_run(call.params)
    return response("CreateSnapshot", render(start(call, volume, tags), "status"))


def create_set(call: Call) -> Response:
    """All volumes of an instance, or those that are not excluded, at one moment."""
    tags, prefix = specified_tags(call), "InstanceSpecification."
    ident = call.params.get(prefix + "InstanceId", "")
    known = {one.id: one for _, one in instances.every_instance(call)}
    instances.check_ids([ident], known)
    instance, excluded = known[ident], set(listed(call.params, prefix + "ExcludeDataVolumeId"))
    devices = dict(instance.block_device_mapping)
    attached = {device.volume_id for device in devices.values()}
    root = devices.get(instance.root_device_name)
    for volume in sorted(excluded):
        if volume not in attached or (root is not None and volume == root.volume_id):
            raise invalid(f"The volume '{volume}' is not a data volume of the instance '{ident}'")
    if call.params.get(prefix + "ExcludeBootVolume") == "true" and root is not None:
        excluded.add(root.volume_id)
    chosen = [volumes.every_volume(call)[one.volume_id] for one in devices.values() if one.volume_id not in excluded]
    if not chosen:
        raise invalid(f"The instance '{ident}' has no volume to take a snapshot of")
    for volume in chosen:
        check_pending(call, volume)
    check_dry_run(call.params)
    copied = call.params.get("CopyTagsFromSource") == "volume"
    made = []
    for volume in chosen:
        own = {key: value for key, value in volumes.tags_of(volume).items() if not ec2_tags.reserved(key)}
        made.append(start(call, volume, {**(own if copied else {}), **tags}))
    items = "".join(f"<item>{render(one, 'state')}</item>" for one in made)
    return response("CreateSnapshots", f"<snapshotSet>{items}</snapshotSet>")


def start(call: Call, volume: Any, tags: dict[str, str]) -> Any:
    held = bool(call.options.get("slow_snapshots"))
    made = make(backend_of(call), volume, call.params.get("Description", ""), held)
    if tags:
        made.ec2_backend.tags[made.id].update(tags)
    return made


def make(backend: Any, volume: Any, description: str, held: bool = False) -> Any:
    """A pending snapshot, which keeps what the volume is now: that may change, or be gone, later."""
    from moto.ec2.models.elastic_block_store import Snapshot
    from moto.ec2.utils import random_snapshot_id

    kept = SimpleNamespace(id=volume.id, size=volume.size, encrypted=volume.encrypted)
    made: Any = Snapshot(backend, random_snapshot_id(), kept, description, volume.encrypted, volume.kms_key_id)
    made.status, made.held, made.lock = "pending", held, None
    backend.snapshots[made.id] = made
    return made


def specified_tags(call: Call) -> dict[str, str]:
    found: dict[tuple[int, int], dict[str, str]] = {}
    for name, value in call.params.items():
        if matched := SPECIFIED_TAG.fullmatch(name):
            found.setdefault((int(matched.group(1)), int(matched.group(2))), {})[matched.group(3)] = value
        elif (other := SPECIFICATION.fullmatch(name)) and other.group(1) == "ResourceType" and value != "snapshot":
            raise invalid(f"'{value}' is not a valid taggable resource type for this operation.")
    tags = [(found[place].get("Key", ""), found[place].get("Value")) for place in sorted(found)]
    ec2_tags.check_tags(tags)
    if len(tags) > ec2_tags.MAX_TAGS:
        raise AwsError("TagLimitExceeded", "The maximum number of Tags for a resource has been reached.")
    return {key: value or "" for key, value in tags}


def check_pending(call: Call, volume: Any) -> None:
    """One that will be complete at the next look does not count."""
    limit = PENDING_LIMIT_OF_DISKS if volume.volume_type in ("st1", "sc1") else PENDING_LIMIT
    mine = [one for one in every_snapshot(call).values() if one.volume.id == volume.id]
    if sum(one.status == "error" or (one.status == "pending" and one.held) for one in mine) >= limit:
        text = f"Maximum allowed in-progress snapshots for a single volume exceeded ({volume.id})."
        raise AwsError("ConcurrentSnapshotLimitExceeded", text)


def delete(call: Call) -> Response:
    ident = call.params.get("SnapshotId", "")
    if not ident:
        raise AwsError("MissingParameter", "The request must contain the parameter SnapshotId")
    known = every_snapshot(call)
    check_ids([ident], known)
    one = known[ident]
    if one.owner_id != call.account:
        raise AwsError("UnauthorizedOperation", "You are not authorized to perform this operation.", 403)
    if any(key.startswith("aws:backup:") for key in tags_of(one)):
        text = f"{BACKUP} If you wish to delete this snapshot, please do so via the Backup console."
        raise AwsError("InvalidParameterValue", text)
    if (user := images.user_of(backend_of(call), ident)) is not None:
        raise AwsError("InvalidSnapshot.InUse", f"The snapshot {ident} is currently in use by {user}")
    if locked(one):
        raise AwsError("SnapshotLocked", f"The snapshot {ident} is locked and cannot be deleted.")
    check_dry_run(call.params)
    del known[ident]
    one.marked = "opsform:parking" in one.ec2_backend.tags.pop(ident, {})
    storage.snapshot_is_gone(call, one)
    return response("DeleteSnapshot", "<return>true</return>")


def lock_of(one: Any) -> str | None:
    return getattr(one, "lock", None)  # moto's own snapshots, those of its images, have none


def locked(one: Any) -> bool:
    return lock_of(one) not in (None, "expired")


def describe_locks(call: Call) -> Response:
    check_dry_run(call.params)
    ids, filters = listed(call.params, "SnapshotId"), filters_of(call.params)
    size = page_size(call.params, ids, "snapshotIds")
    for name in filters:
        if name != "lock-state":
            raise unknown_filter(name)
    known = every_snapshot(call)
    check_ids(ids, known)

    def keep(one: Any) -> bool:
        mine = one.owner_id == call.account and lock_of(one) is not None and (not ids or one.id in ids)
        return mine and passes(filters, lambda _name: lock_of(one))

    page, more = paged(known, keep, size, call.params.get("NextToken"))
    items = "".join(
        f"<item>{element('ownerId', one.owner_id)}{element('snapshotId', one.id)}{element('lockState', lock_of(one))}"
        f"<lockDuration>1</lockDuration>{element('lockCreatedOn', time_of(one.start_time))}</item>"
        for one in page
    )
    return response("DescribeLockedSnapshots", f"<snapshotSet>{items}</snapshotSet>{more}")


def finish(account: str, region: str, state: str, ids: list[str] | None) -> list[str]:
    """Ends pending snapshots as `state`: those of `ids`, or all; gives their ids."""
    from moto.ec2.models import ec2_backends

    if state not in ("completed", "error"):
        raise ValueError(f"the state {state!r} is neither completed nor error")
    known = ec2_backends[account][region].snapshots
    chosen = [known[ident] for ident in ids] if ids is not None else list(known.values())
    ended = [one for one in chosen if one.status == "pending"]
    for one in ended:
        one.status = state
    return [one.id for one in ended]


def invalid(text: str) -> AwsError:
    return AwsError("InvalidParameterValue", text)


OPERATIONS: dict[str, Callable[[Call], Response | None]] = {
    "CreateSnapshot": create,
    "CreateSnapshots": create_set,
    "DeleteSnapshot": delete,
    "DescribeLockedSnapshots": describe_locks,
    "DescribeSnapshots": describe,
}
