"""Fills an account with instances and databases, through moto's own objects; runs in moto's thread."""

from __future__ import annotations

from typing import Any

IMAGE = "ami-0abcdef1234567890"


def seed(account: str, regions: dict[str, Any]) -> dict[str, Any]:
    """Gives the ids of the instances in the order of the request, by region."""
    answer = {}
    for region, wanted in regions.items():
        unknown = set(wanted) - {"instances", "databases", "clusters"}
        if unknown:
            raise ValueError(f"{region}: unknown field {', '.join(sorted(unknown))}")
        ids = [ident for one in wanted.get("instances") or [] for ident in seed_instances(account, region, one)]
        seed_databases(account, region, wanted.get("databases") or [], wanted.get("clusters") or [])
        answer[region] = {"instances": ids}
    return answer


def seed_instances(account: str, region: str, wanted: dict[str, Any]) -> list[str]:
    """A null name is no Name tag; with no other tag either, the instance was never tagged."""
    from moto.ec2.models import ec2_backends

    unknown = set(wanted) - {"name", "tags", "type", "state", "count"}
    if unknown:
        raise ValueError(f"an instance has no field {', '.join(sorted(unknown))}")
    backend = ec2_backends[account][region]
    tags = dict(wanted.get("tags") or {})
    if wanted.get("name") is not None:
        tags = {"Name": wanted["name"], **tags}
    made = backend.run_instances(
        IMAGE,
        wanted.get("count", 1),
        None,
        [],
        instance_type=wanted.get("type") or "t3.small",
        is_instance_type_default=True,  # spares the check of the type against moto's lists
        region_name=region,
        tags={"instance": tags} if tags else {},
    )
    state = wanted.get("state") or "running"
    for instance in made.instances:
        if state == "stopped":
            instance.stop()
        elif state == "terminated":
            instance.terminate()
        elif state != "running":
            raise ValueError(f"state {state!r} is none of running, stopped, terminated")
    return [instance.id for instance in made.instances]


def seed_databases(account: str, region: str, databases: list[dict[str, Any]], clusters: list[dict[str, Any]]) -> None:
    """A member of a cluster that is not among the databases is made with the cluster's engine."""
    from moto.rds.models import rds_backends

    backend = rds_backends[account][region]
    owner = {member: cluster for cluster in clusters for member in cluster.get("members") or []}
    for cluster in clusters:
        made = backend.create_db_cluster(
            {
                "db_cluster_identifier": cluster["id"],
                "engine": cluster.get("engine") or "aurora-mysql",
                "master_username": "tester",
                "master_user_password": "not-a-secret",
                "tags": tag_list(cluster),
            }
        )
        made.status = "available"  # moto says "creating" until the first time that somebody asks
    described = {database["id"] for database in databases}
    members = [
        {"id": member, "engine": cluster.get("engine") or "aurora-mysql", "class": "db.r6g.large"}
        for member, cluster in owner.items()
        if member not in described
    ]
    for database in databases + members:
        fields = {
            "db_instance_identifier": database["id"],
            "engine": database.get("engine") or "mysql",
            "db_instance_class": database.get("class") or "db.t3.micro",
            "allocated_storage": 20,
            "master_username": "tester",
            "master_user_password": "not-a-secret",
            "tags": tag_list(database),
        }
        if database["id"] in owner:
            fields["db_cluster_identifier"] = owner[database["id"]]["id"]
            fields["engine"] = owner[database["id"]].get("engine") or "aurora-mysql"
        backend.create_db_instance(fields)


def tag_list(resource: dict[str, Any]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in (resource.get("tags") or {}).items()]
