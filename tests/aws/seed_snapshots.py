"""Fills an account with snapshots and with images that have them; runs in moto's thread."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import snapshots
from seed_fields import check, moment, tags_of

SNAPSHOT_FIELDS = set("name tags volume started state description size owner lock count transfer".split())
IMAGE_FIELDS = set("name tags snapshots disabled created owner description".split())
LOCKS = (None, "governance", "compliance", "compliance-cooloff", "expired")


def seed_snapshots(account: str, region: str, wanted: dict[str, Any], made: list[str]) -> list[str]:
    """`volume` is a place in this request's list of volumes or any id; without it, a volume that is gone."""
    from moto.ec2.models import ec2_backends
    from moto.ec2.utils import random_volume_id

    check("a snapshot", wanted, SNAPSHOT_FIELDS)
    backend: Any = ec2_backends[account][region]
    where, state, lock = wanted.get("volume"), wanted.get("state") or "completed", wanted.get("lock")
    if state not in ("completed", "pending", "error") or lock not in LOCKS:
        raise ValueError(f"a snapshot of state {state!r} with the lock {lock!r}")
    ident = made[where] if isinstance(where, int) else where or random_volume_id()
    gone = SimpleNamespace(id=ident, size=8, encrypted=False, kms_key_id=None)
    volume = backend.volumes.get(ident, gone)
    owner = wanted.get("owner") or "self"
    ids = []
    for _ in range(wanted.get("count", 1)):
        one = snapshots.make(backend, volume, wanted.get("description") or "")
        one.status, one.held, one.lock = state, state == "pending", lock
        one.start_time = moment(wanted.get("started")) or one.start_time
        one.volume.size = wanted.get("size") or one.volume.size
        one.transfer = wanted.get("transfer")
        one.owner_id = account if owner == "self" else owner
        if tags := tags_of(wanted):
            backend.tags[one.id].update(tags)  # also those of AWS itself, which CreateTags refuses
        ids.append(one.id)
    return ids


def seed_image(account: str, region: str, wanted: dict[str, Any], made: list[str]) -> str:
    """`snapshots` are places in this request's list of snapshots, or ids; the first is the root device's."""
    from moto.ec2.models import ec2_backends

    check("an image", wanted, IMAGE_FIELDS)
    backend: Any = ec2_backends[account][region]
    image: Any = backend.register_image(wanted.get("name") or "image", wanted.get("description"))
    backend.snapshots.pop(image.ebs_snapshot.id)
    chosen = [made[one] if isinstance(one, int) else one for one in wanted.get("snapshots") or []]
    names = [image.root_device_name, *(f"/dev/sd{letter}" for letter in "fghijklmnop")]
    image.devices = [(device, backend.snapshots[ident]) for device, ident in zip(names, chosen)]
    image.state = "disabled" if wanted.get("disabled") else "available"
    image.creation_date = moment(wanted.get("created")) or image.creation_date
    owner = wanted.get("owner") or "self"
    image.owner_id = account if owner == "self" else owner
    if tags := tags_of({"tags": wanted.get("tags")}):
        backend.tags[image.id].update(tags)
    return str(image.id)
