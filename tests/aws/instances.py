"""DescribeInstances, StopInstances and StartInstances over moto's instances; runs in moto's thread.

Source: the EC2 API reference of the three operations. DescribeInstances is written out here because moto takes
1.7 seconds for 1,000 instances, pages by reservation (a page can be any size), answers only 100 reservations
when no page size is asked, and fails on filters that it does not know.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import groupby
from typing import Any

import storage
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

Placed = tuple[Any, Any]  # reservation and instance, both moto's
INSTANCE_ID = re.compile(r"i-(?:[0-9a-f]{8}|[0-9a-f]{17})")

# Facts about instances that moto does not keep, by id. An id is never given twice.
PERSISTENT: set[str] = set()  # spot instances of a persistent request
HIBERNATING: set[str] = set()  # launched with hibernation
CHANGED: list[tuple[str, str]] = []  # id and state of those that the call at hand brings to another one

# The value that each filter looks at; a tuple holds several, any of which may match.
FIELDS: dict[str, Callable[[Any, Any], Any]] = {
    "instance-id": lambda reservation, instance: instance.id,
    "instance-state-name": lambda reservation, instance: instance.state,
    "instance-state-code": lambda reservation, instance: str(instance.state_code),
    "instance-type": lambda reservation, instance: instance.instance_type,
    "instance-lifecycle": lambda reservation, instance: instance.lifecycle,
    "image-id": lambda reservation, instance: instance.image_id,
    "availability-zone": lambda reservation, instance: instance.availability_zone,
    "architecture": lambda reservation, instance: instance.architecture,
    "key-name": lambda reservation, instance: instance.key_name,
    "monitoring-state": lambda reservation, instance: instance.monitoring_state,
    "private-ip-address": lambda reservation, instance: instance.private_ip,
    "private-dns-name": lambda reservation, instance: instance.private_dns_name,
    "ip-address": lambda reservation, instance: instance.public_ip,
    "subnet-id": lambda reservation, instance: instance.subnet_id,
    "vpc-id": lambda reservation, instance: instance.vpc_id,
    "instance.group-id": lambda reservation, instance: tuple(group.id for group in groups_of(instance)),
    "instance.group-name": lambda reservation, instance: tuple(group.name for group in groups_of(instance)),
    "owner-id": lambda reservation, instance: reservation.owner_id,
    "reservation-id": lambda reservation, instance: reservation.id,
    "tag-key": lambda reservation, instance: tuple(tags_of(instance)),
    "tag-value": lambda reservation, instance: tuple(tags_of(instance).values()),
}


def describe(call: Call) -> Response:
    check_dry_run(call.params)
    ids = listed(call.params, "InstanceId")
    size = page_size(call.params, ids, "instancesSet")
    filters = filters_of(call.params)
    for name in filters:
        if name not in FIELDS and not name.startswith("tag:"):
            raise unknown_filter(name)
    known = {instance.id: (reservation, instance) for reservation, instance in every_instance(call)}
    check_ids(ids, known)
    storage.settle_all(call)
    wanted = set(ids)

    def keep(placed: Placed) -> bool:
        return (not wanted or placed[1].id in wanted) and passes(filters, lambda name: field_of(placed, name))

    page, more = paged(known, keep, size, call.params.get("NextToken"))
    return response("DescribeInstances", f"<reservationSet>{render(page)}</reservationSet>{more}")


def field_of(placed: Placed, name: str) -> Any:
    return tags_of(placed[1]).get(name[4:]) if name.startswith("tag:") else FIELDS[name](*placed)


def every_instance(call: Call) -> Iterator[Placed]:
    from moto.ec2.models import ec2_backends

    for reservation in ec2_backends[call.account][call.region].reservations.values():
        for instance in reservation.instances:
            yield reservation, instance


def check_ids(ids: list[str], known: dict[str, Any]) -> None:
    for ident in ids:
        if not INSTANCE_ID.fullmatch(ident):
            raise AwsError("InvalidInstanceID.Malformed", f'Invalid id: "{ident}"')
    missing = [ident for ident in ids if ident not in known]
    if missing:
        plural = ("ID", "does") if len(missing) == 1 else ("IDs", "do")
        text = f"The instance {plural[0]} '{', '.join(missing)}' {plural[1]} not exist"
        raise AwsError("InvalidInstanceID.NotFound", text)


def tags_of(instance: Any) -> dict[str, str]:
    found: dict[str, str] = instance.ec2_backend.tags.get(instance.id, {})
    return found


def groups_of(instance: Any) -> list[Any]:
    groups: list[Any] = instance.nics[0].group_set if instance.nics else instance.security_groups
    return groups


def render(page: list[Placed]) -> str:
    """A reservation whose instances are on two pages is in both, with the instances of that page."""
    parts = []
    for ident, placed in groupby(page, key=lambda one: one[0].id):
        items = list(placed)
        parts.append(
            f"<item><reservationId>{ident}</reservationId><ownerId>{items[0][0].owner_id}</ownerId><groupSet/>"
            f"<instancesSet>{''.join(render_instance(instance) for _, instance in items)}</instancesSet></item>"
        )
    return "".join(parts)


def render_instance(one: Any) -> str:
    alive = one.state != "terminated"
    reason = one.state_reason
    return "".join(
        (
            "<item>",
            element("instanceId", one.id),
            element("imageId", one.image_id),
            f"<instanceState><code>{one.state_code}</code><name>{one.state}</name></instanceState>",
            element("privateDnsName", one.private_dns_name if alive else None),
            element("dnsName", one.public_dns_name if alive and one.is_running() else None),
            element("reason", one.state_transition_reason),
            element("keyName", one.key_name),
            f"<amiLaunchIndex>{one.ami_launch_index}</amiLaunchIndex><productCodes/>",
            element("instanceType", one.instance_type),
            element("launchTime", time_of(one.launch_time)),
            f"<placement>{element('availabilityZone', one.availability_zone)}<groupName/>"
            f"{element('tenancy', billed(one)['tenancy'])}</placement>",
            element("platform", one.platform),
            f"<monitoring><state>{one.monitoring_state}</state></monitoring>",
            render_network(one) if alive else "",
            f"<stateReason>{element('code', reason.code)}{element('message', reason.message)}</stateReason>"
            if reason.code
            else "",
            element("architecture", one.architecture),
            element("rootDeviceType", one.root_device_type) if has_root(one) else "",
            element("rootDeviceName", one.root_device_name),
            f"<blockDeviceMapping>{render_devices(one) if alive else ''}</blockDeviceMapping>",
            element("virtualizationType", one.virtualization_type),
            element("instanceLifecycle", one.lifecycle),
            element("platformDetails", billed(one)["platform"]),
            element("usageOperation", billed(one)["operation"]),
            f"<cpuOptions>{element('coreCount', cpu['cores'])}{element('threadsPerCore', cpu['threads'])}</cpuOptions>"
            if (cpu := billed(one))["cores"]
            else "",
            "<hibernationOptions><configured>true</configured></hibernationOptions>" if hibernates(one) else "",
            tag_set(tags_of(one)),
            element("hypervisor", one.hypervisor),
            f"<ebsOptimized>{str(bool(one.ebs_optimized)).lower()}</ebsOptimized>",
            "</item>",
        )
    )


def has_root(one: Any) -> bool:
    """Whether it has, or had, a root volume. Of one that was seeded without any nothing is said of its root device."""
    return one.root_device_name in one.block_device_mapping or getattr(one, "had_root", False)


# What an instance is billed by, where a seed does not say it; a type's CPUs are not told.
BILLED: dict[str, Any] = {
    "platform": "Linux/UNIX", "operation": "RunInstances", "tenancy": "default", "cores": None, "threads": None,
}  # fmt: skip


def billed(one: Any) -> dict[str, Any]:
    return {**BILLED, **getattr(one, "billed", {})}


def render_network(one: Any) -> str:
    groups = "".join(
        f"<item>{element('groupId', group.id)}{element('groupName', group.name)}</item>" for group in groups_of(one)
    )
    return "".join(
        (
            element("subnetId", one.subnet_id),
            element("vpcId", one.vpc_id),
            element("privateIpAddress", one.private_ip),
            element("ipAddress", public_ip(one)),
            "<sourceDestCheck>true</sourceDestCheck>",
            f"<groupSet>{groups}</groupSet>",
            f"<networkInterfaceSet><item><association>{element('publicIp', assigned)}<ipOwnerId>amazon</ipOwnerId>"
            "</association></item></networkInterfaceSet>"
            if (assigned := public_ip(one))
            else "",
        )
    )


def public_ip(one: Any) -> str | None:
    """An address that AWS assigned is the instance's until it is stopped; the next start brings another one."""
    if not one.is_running():
        return None
    assigned: str | None = getattr(one, "assigned_ip", None) or one.public_ip
    return assigned


def hold_of(one: Any, device: Any) -> str:
    volume = one.ec2_backend.volumes.get(device.volume_id)
    return volume.attachment.status if volume is not None and volume.attachment is not None else "attached"


def render_devices(one: Any) -> str:
    return "".join(
        f"<item>{element('deviceName', name)}<ebs>{element('volumeId', device.volume_id)}<status>{hold_of(one, device)}</status>"
        f"{element('attachTime', time_of(device.attach_time)) if device.attach_time else ''}"
        f"<deleteOnTermination>{str(bool(device.delete_on_termination)).lower()}</deleteOnTermination></ebs></item>"
        for name, device in one.block_device_mapping.items()
    )


def change_state(
    operation: str, verb: str, allowed: tuple[str, ...], code: int, state: str
) -> Callable[[Call], Response]:
    """One unknown id, or one instance in a state that does not allow it, fails the whole call and changes nothing.

    The answer says of each instance what it was and what it is becoming; the next describe finds it there.
    """

    def carry_out(call: Call) -> Response:
        known = {instance.id: instance for _, instance in every_instance(call)}
        ids = list(dict.fromkeys(listed(call.params, "InstanceId")))
        if not ids:
            raise AwsError("MissingParameter", "The request must contain the parameter InstanceId")
        check_ids(ids, known)
        for ident in ids:
            # Public issue threads: one that ran before can be stopped while it is pending. Here none is: a start is over at once.
            if operation == "StopInstances" and known[ident].state == "pending":
                text = f"Instance '{ident}' cannot be stopped as it has never reached the 'running' state."
                raise AwsError("IncorrectInstanceState", text)
            if known[ident].state not in allowed:
                text = f"This instance '{ident}' is not in a state from which it can be {verb}."
                raise AwsError("IncorrectInstanceState", text)
            if operation == "StopInstances" and known[ident].disable_api_stop is True:
                text = (
                    f"The instance '{ident}' may not be stopped. Modify its 'disableApiStop' instance attribute and try"
                    " again."
                )
                raise AwsError("OperationNotPermitted", text)
            if operation == "StopInstances" and known[ident].lifecycle == "spot" and ident not in PERSISTENT:
                text = f"You can't stop the Spot Instance '{ident}' because it is associated with a one-time Spot request."
                raise AwsError("UnsupportedOperation", text)
            if call.params.get("Hibernate") == "true" and not hibernates(known[ident]):
                raise AwsError("UnsupportedHibernationConfiguration", f"{ident} was launched without hibernation.")
            if operation == "StartInstances":
                storage.check_root(known[ident])
        check_dry_run(call.params)
        unnamed = call.options.get("unnamed_instances") or []
        falling = call.options.get("failed_starts") or {}
        changes = ""
        for ident in ids:
            if ident not in unnamed:  # AWS has not done it, and does not say so
                changes += render_change(known[ident], operation, code, state)
                if operation == "StartInstances" and ident in falling:
                    fall_back(known[ident], falling[ident])
        return response(operation, f"<instancesSet>{changes}</instancesSet>")

    return carry_out


def hibernates(one: Any) -> bool:
    return one.id in HIBERNATING


def fall_back(one: Any, reason: str) -> None:
    """A start that AWS takes and that comes to nothing: the instance is stopped again, and says why."""
    one.stop()
    CHANGED[-1] = (one.id, "stopped")
    one.state_reason.code, _, _ = reason.partition(":")
    one.state_reason.message = reason


def render_change(one: Any, operation: str, code: int, state: str) -> str:
    """An instance that is there already stays as it is."""
    from moto.core.utils import utcnow

    before, was = one.state, one.state_code
    if (operation, before) in (("StopInstances", "stopped"), ("StartInstances", "running")):
        code, state = was, before
    elif operation == "StopInstances":
        one.stop()
        CHANGED.extend((one.id, state) for state in ("stopping", "stopped"))
        one.stopped_at = utcnow()
        one.lost_ip = getattr(one, "assigned_ip", None)
        one.assigned_ip = None
    else:
        one.start()
        CHANGED.extend((one.id, state) for state in ("pending", "running"))
        one.assigned_ip = "198.51.100.7" if getattr(one, "lost_ip", None) else None
        one.launch_time = utcnow()  # EC2's LaunchTime is the time of the last start
    return (
        f"<item>{element('instanceId', one.id)}"
        f"<currentState><code>{code}</code><name>{state}</name></currentState>"
        f"<previousState><code>{was}</code><name>{before}</name></previousState></item>"
    )


def states_after(call: Call) -> list[tuple[str, str]]:
    """The states that instances came to by a call that was carried out, in order, each with its id."""
    if call.operation == "TerminateInstances":
        return [(ident, state) for ident in listed(call.params, "InstanceId") for state in ("shutting-down", "terminated")]
    changed, CHANGED[:] = list(CHANGED), []
    return changed


OPERATIONS: dict[str, Callable[[Call], Response | None]] = {
    "DescribeInstances": describe,
    "StopInstances": change_state(
        "StopInstances", "stopped", ("pending", "running", "stopping", "stopped"), 64, "stopping"
    ),
    "StartInstances": change_state("StartInstances", "started", ("pending", "running", "stopped"), 0, "pending"),
}
