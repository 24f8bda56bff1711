"""Fills an account with instances, volumes and databases, through moto's own objects; runs in moto's thread."""

from __future__ import annotations

import itertools
from typing import Any

import instances
from seed_fields import check, moment, tags_of
from seed_snapshots import seed_image, seed_snapshots

IMAGE = "ami-0abcdef1234567890"
SPEED = {"gp3": {"iops": 3000, "throughput": 125}, "io1": {"iops": 100}, "io2": {"iops": 100}}
RESOURCES = {"instances", "volumes", "snapshots", "images", "databases", "clusters"}
INSTANCE_FIELDS = set(
    "name tags type state count launched root volumes lifecycle persistent stop_protected hibernation root_device "
    "public_ip platform operation tenancy cores threads".split()
)
VOLUME_FIELDS = set(
    "name tags type size count created instance device delete_on_termination iops throughput key".split()
)
DATABASE_FIELDS = {"id", "engine", "class", "tags", "created", "state", "replica_of"}
CLUSTER_FIELDS = {"id", "engine", "tags", "created", "state", "members"}


def seed(account: str, regions: dict[str, Any]) -> dict[str, Any]:
    """Gives the ids of what was made in the order of the request, by region."""
    answer = {}
    for region, wanted in regions.items():
        check(region, wanted, RESOURCES)
        ids = [ident for one in wanted.get("instances") or [] for ident in seed_instances(account, region, one)]
        volumes = [ident for one in wanted.get("volumes") or [] for ident in seed_volumes(account, region, one, ids)]
        taken = [
            ident for one in wanted.get("snapshots") or [] for ident in seed_snapshots(account, region, one, volumes)
        ]
        images = [seed_image(account, region, one, taken) for one in wanted.get("images") or []]
        seed_databases(account, region, wanted.get("databases") or [], wanted.get("clusters") or [])
        answer[region] = {"instances": ids, "volumes": volumes, "snapshots": taken, "images": images}
    return answer


def seed_instances(account: str, region: str, wanted: dict[str, Any]) -> list[str]:
    from moto.ec2.models import ec2_backends

    check("an instance", wanted, INSTANCE_FIELDS)
    backend = ec2_backends[account][region]
    tags = tags_of(wanted)
    made = backend.run_instances(
        IMAGE,
        wanted.get("count", 1),
        None,
        [],
        instance_type=wanted.get("type") or "t3.small",
        is_instance_type_default=True,  # spares the check of the type against moto's lists
        region_name=region,
        tags={"instance": tags} if tags else {},
        block_device_mappings=[],  # moto would give each a root volume that nobody asked for
    )
    launched, state = moment(wanted.get("launched")), wanted.get("state") or "running"
    root = {} if wanted.get("root") is True else wanted.get("root")
    for instance in made.instances:
        if launched is not None:
            instance.launch_time = launched
        instance.root_device_name = wanted.get("root_device") or instance.root_device_name
        instance.assigned_ip = wanted.get("public_ip")
        instance.billed = {name: wanted[name] for name in instances.BILLED if name in wanted}
        same_time = {"created": wanted["launched"]} if launched is not None else {}
        if root is not None and root is not False:
            device = instance.root_device_name
            make_volume(backend, {"device": device, "delete_on_termination": True, **same_time, **root}, instance)
        for volume in wanted.get("volumes") or []:
            for _ in range(volume.get("count", 1)):
                make_volume(backend, {**same_time, **volume}, instance)
        instance.lifecycle = wanted.get("lifecycle") or instance.lifecycle
        instance.disable_api_stop = bool(wanted.get("stop_protected"))
        if wanted.get("persistent"):
            instances.PERSISTENT.add(instance.id)
        if wanted.get("hibernation"):
            instances.HIBERNATING.add(instance.id)
        if state == "stopped":
            instance.stop()
        elif state == "terminated":
            instance.terminate()
        elif state == "pending":  # for the first time, until it is started
            instance._state.name, instance._state.code = "pending", 0
        elif state != "running":
            raise ValueError(f"state {state!r} is none of pending, running, stopped, terminated")
    return [instance.id for instance in made.instances]


def seed_volumes(account: str, region: str, wanted: dict[str, Any], made: list[str]) -> list[str]:
    """`instance` is a place in this request's list of instances, or the id of an instance that was there before."""
    from moto.ec2.models import ec2_backends

    backend = ec2_backends[account][region]
    where = wanted.get("instance")
    instance = None
    if where is not None:
        instance = backend.get_instance(made[where] if isinstance(where, int) else where)
        if instance.state == "terminated":
            raise ValueError(f"the instance {instance.id} is terminated")
    return [make_volume(backend, wanted, instance) for _ in range(wanted.get("count", 1))]


def make_volume(backend: Any, wanted: dict[str, Any], instance: Any) -> str:
    from moto.ec2.models.block_device import BlockDeviceType
    from moto.ec2.models.elastic_block_store import VolumeAttachment

    check("a volume", wanted, VOLUME_FIELDS)
    zone = instance.availability_zone if instance is not None else f"{backend.region_name}a"
    kind = wanted.get("type") or "gp3"
    chosen = {name: wanted[name] for name in ("iops", "throughput") if name in wanted}
    speed = {**SPEED.get(kind, {}), **chosen}
    secret = {"encrypted": True, "kms_key_id": wanted["key"]} if wanted.get("key") else {}
    size = wanted.get("size") or 8
    volume = backend.create_volume(size=size, zone_name=zone, volume_type=kind, **speed, **secret)
    volume.create_time = moment(wanted.get("created")) or volume.create_time
    if tags := tags_of(wanted):
        backend.create_tags([volume.id], tags)
    if instance is not None:  # moto's attach_volume looks for the instance in all of them
        device = wanted.get("device") or free_device(instance)
        if device in instance.block_device_mapping:
            raise ValueError(f"{instance.id} has a volume at {device} already")
        volume.attachment = VolumeAttachment(volume, instance, device, "attached")  # type: ignore[abstract]
        volume.attachment.attach_time = volume.create_time
        instance.block_device_mapping[device] = BlockDeviceType(
            volume_id=volume.id,
            status=volume.status,
            size=volume.size,
            attach_time=volume.create_time,
            delete_on_termination=bool(wanted.get("delete_on_termination")),
        )
    return str(volume.id)


def free_device(instance: Any) -> str:
    names = (f"/dev/sd{letter}{digit}" for digit in itertools.chain([""], range(1, 7)) for letter in "fghijklmnop")
    return next(name for name in names if name not in instance.block_device_mapping)


def seed_databases(account: str, region: str, databases: list[dict[str, Any]], clusters: list[dict[str, Any]]) -> None:
    """A member of a cluster that is not among the databases is made with the cluster's engine, time and state."""
    from moto.rds.models import rds_backends

    backend = rds_backends[account][region]
    owner = {member: cluster for cluster in clusters for member in cluster.get("members") or []}
    for cluster in clusters:
        check("a cluster", cluster, CLUSTER_FIELDS)
        made = backend.create_db_cluster(
            {
                "db_cluster_identifier": cluster["id"],
                "engine": cluster.get("engine") or "aurora-mysql",
                "master_username": "tester",
                "master_user_password": "not-a-secret",
                "tags": tag_list(cluster),
            }
        )
        # moto says "creating" until the first time that somebody asks.
        made.status = cluster.get("state") or "available"
        made.created = made.cluster_create_time = moment(cluster.get("created")) or made.created
    described = {database["id"] for database in databases}
    shared = ("engine", "created", "state")
    members = [
        {"id": member, "class": "db.r6g.large", **{field: cluster[field] for field in shared if field in cluster}}
        for member, cluster in owner.items()
        if member not in described
    ]
    for database in databases + members:
        seed_database(backend, database, owner.get(database["id"]))
    for database in databases:
        if source := database.get("replica_of"):
            replica, primary = backend.databases[database["id"]], backend.databases[source]
            replica.source_db_instance_identifier = source
            replica.set_as_replica()
            primary.add_replica(replica)


def seed_database(backend: Any, database: dict[str, Any], owner: dict[str, Any] | None) -> None:
    check("a database", database, DATABASE_FIELDS)
    fields = {
        "db_instance_identifier": database["id"],
        "engine": database.get("engine") or "mysql",
        "db_instance_class": database.get("class") or "db.t3.micro",
        "allocated_storage": 20,
        "master_username": "tester",
        "master_user_password": "not-a-secret",
        "tags": tag_list(database),
    }
    if owner is not None:
        fields["db_cluster_identifier"] = owner["id"]
        fields["engine"] = owner.get("engine") or "aurora-mysql"
    made = backend.create_db_instance(fields)
    made.status = database.get("state") or made.status
    made.created = made.instance_create_time = moment(database.get("created")) or made.created


def tag_list(resource: dict[str, Any]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in (resource.get("tags") or {}).items()]
