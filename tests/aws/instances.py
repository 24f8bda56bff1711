"""DescribeInstances, StopInstances and StartInstances over moto's instances; runs in moto's thread.

Source: the EC2 API reference of the three operations. DescribeInstances is written out here because moto takes
1.7 seconds for 1,000 instances, pages by reservation (a page can be any size), answers only 100 reservations
when no page size is asked, and fails on filters that it does not know.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator
from itertools import groupby
from typing import Any
from xml.sax.saxutils import escape

from calls import Call
from ec2_query import filters_of, listed, response, unknown_filter, wildcard
from http_server import Response
from protocols import AwsError

Placed = tuple[Any, Any]  # reservation and instance, both moto's
INSTANCE_ID = re.compile(r"i-(?:[0-9a-f]{8}|[0-9a-f]{17})")

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
    if call.params.get("DryRun") == "true":
        raise AwsError("DryRunOperation", "Request would have succeeded, but DryRun flag is set.", 412)
    ids, size, token = listed(call.params, "InstanceId"), call.params.get("MaxResults"), call.params.get("NextToken")
    if ids and size is not None:
        text = "The parameter instancesSet cannot be used with the parameter maxResults"
        raise AwsError("InvalidParameterCombination", text)
    if size is not None and not 5 <= int(size) <= 1000:
        bound = "greater than 5" if int(size) < 5 else "less than 1000"
        text = f"Value ( {size} ) for parameter maxResults is invalid. Expecting a value {bound}."
        raise AwsError("InvalidParameterValue", text)
    filters = filters_of(call.params)
    for name in filters:
        if name not in FIELDS and not name.startswith("tag:"):
            raise unknown_filter(name)
    known = {instance.id: (reservation, instance) for reservation, instance in every_instance(call)}
    check_ids(ids, known)
    chosen = [known[ident] for ident in known if not ids or ident in ids]
    start = position_after(token, list(known)) if token else 0
    if start:
        rest = set(list(known)[start:])
        chosen = [placed for placed in chosen if placed[1].id in rest]
    chosen = [placed for placed in chosen if passes(placed, filters)]
    page = chosen[: int(size)] if size is not None else chosen
    body = f"<reservationSet>{render(page)}</reservationSet>"
    if len(page) < len(chosen):
        body += f"<nextToken>{make_token(page[-1][1].id)}</nextToken>"
    return response("DescribeInstances", body)


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


def passes(placed: Placed, filters: dict[str, list[str]]) -> bool:
    for name, patterns in filters.items():
        value = tags_of(placed[1]).get(name[4:]) if name.startswith("tag:") else FIELDS[name](*placed)
        values = value if isinstance(value, tuple) else (value,)
        if not any(one is not None and wildcard(pattern).fullmatch(one) for one in values for pattern in patterns):
            return False
    return True


def tags_of(instance: Any) -> dict[str, str]:
    found: dict[str, str] = instance.ec2_backend.tags.get(instance.id, {})
    return found


def groups_of(instance: Any) -> list[Any]:
    groups: list[Any] = instance.nics[0].group_set if instance.nics else instance.security_groups
    return groups


def make_token(ident: str) -> str:
    return base64.urlsafe_b64encode(b"after:" + ident.encode()).decode()


def position_after(token: str, known: list[str]) -> int:
    try:
        kind, _, ident = base64.urlsafe_b64decode(token).decode().partition(":")
        if kind == "after":
            return known.index(ident) + 1
    except (binascii.Error, UnicodeDecodeError, ValueError):
        pass
    raise AwsError("InvalidParameterValue", "Unable to parse pagination token")


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


def element(name: str, value: Any) -> str:
    return "" if value is None or value == "" else f"<{name}>{escape(str(value))}</{name}>"


def time_of(moment: Any) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.000Z"


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
            "<tenancy>default</tenancy></placement>",
            element("platform", one.platform),
            f"<monitoring><state>{one.monitoring_state}</state></monitoring>",
            render_network(one) if alive else "",
            f"<stateReason>{element('code', reason.code)}{element('message', reason.message)}</stateReason>"
            if reason.code
            else "",
            element("architecture", one.architecture),
            element("rootDeviceType", one.root_device_type),
            element("rootDeviceName", one.root_device_name),
            f"<blockDeviceMapping>{render_devices(one) if alive else ''}</blockDeviceMapping>",
            element("virtualizationType", one.virtualization_type),
            element("instanceLifecycle", one.lifecycle),
            render_tags(one),
            element("hypervisor", one.hypervisor),
            f"<ebsOptimized>{str(bool(one.ebs_optimized)).lower()}</ebsOptimized>",
            "</item>",
        )
    )


def render_network(one: Any) -> str:
    groups = "".join(
        f"<item>{element('groupId', group.id)}{element('groupName', group.name)}</item>" for group in groups_of(one)
    )
    return "".join(
        (
            element("subnetId", one.subnet_id),
            element("vpcId", one.vpc_id),
            element("privateIpAddress", one.private_ip),
            element("ipAddress", one.public_ip if one.is_running() else None),
            "<sourceDestCheck>true</sourceDestCheck>",
            f"<groupSet>{groups}</groupSet>",
        )
    )


def render_tags(one: Any) -> str:
    """EC2 leaves the list out when there is no tag."""
    items = "".join(
        f"<item><key>{escape(key)}</key><value>{escape(value)}</value></item>" for key, value in tags_of(one).items()
    )
    return f"<tagSet>{items}</tagSet>" if items else ""


def render_devices(one: Any) -> str:
    return "".join(
        f"<item>{element('deviceName', name)}<ebs>{element('volumeId', device.volume_id)}<status>attached</status>"
        f"{element('attachTime', time_of(device.attach_time)) if device.attach_time else ''}"
        f"<deleteOnTermination>{str(bool(device.delete_on_termination)).lower()}</deleteOnTermination></ebs></item>"
        for name, device in one.block_device_mapping.items()
    )


def check_state(verb: str, allowed: tuple[str, ...]) -> Callable[[Call], None]:
    """moto stops and starts a terminated instance; EC2 refuses the whole call (IncorrectInstanceState)."""

    def operation(call: Call) -> None:
        known = {instance.id: instance for _, instance in every_instance(call)}
        ids = listed(call.params, "InstanceId")
        check_ids(ids, known)
        for ident in ids:
            if known[ident].state not in allowed:
                text = f"This instance '{ident}' is not in a state from which it can be {verb}."
                raise AwsError("IncorrectInstanceState", text)

    return operation


OPERATIONS: dict[str, Callable[[Call], Response | None]] = {
    "DescribeInstances": describe,
    "StopInstances": check_state("stopped", ("pending", "running", "stopping", "stopped")),
    "StartInstances": check_state("started", ("pending", "running", "stopped")),
}
