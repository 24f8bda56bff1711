"""DescribeVolumes over moto's volumes; runs in moto's thread.

Source: the EC2 API reference of DescribeVolumes and of the type Volume. Today's reference gives no bounds for
MaxResults; the AWS CLI asks for 1,000, and the reference of 2022 said that a page never has more than 500. So 5 to
1,000 are taken here and a page ends at 500, as a client has to expect.
"""

from __future__ import annotations

import re
from collections.abc import Callable
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

VOLUME_ID = re.compile(r"vol-(?:[0-9a-f]{8}|[0-9a-f]{17})")
LARGEST_PAGE = 500


def attached(field: Callable[[Any], str]) -> Callable[[Any], tuple[str, ...]]:
    return lambda volume: tuple(field(attachment) for attachment in volume.attachments)


# The value that each filter looks at; a tuple holds several, any of which may match.
FIELDS: dict[str, Callable[[Any], Any]] = {
    "attachment.attach-time": attached(lambda attachment: time_of(attachment.attach_time)),
    "attachment.delete-on-termination": attached(lambda attachment: flag(deleted_with_instance(attachment))),
    "attachment.device": attached(lambda attachment: str(attachment.device)),
    "attachment.instance-id": attached(lambda attachment: str(attachment.instance.id)),
    "attachment.status": attached(lambda attachment: str(attachment.status)),
    "availability-zone": lambda volume: volume.availability_zone,
    "availability-zone-id": lambda volume: volume.zone.zone_id if volume.zone else None,
    "create-time": lambda volume: time_of(volume.create_time),
    "encrypted": lambda volume: flag(volume.encrypted),
    "fast-restored": lambda volume: "false",
    "multi-attach-enabled": lambda volume: flag(volume.multi_attach_enabled),
    "operator.managed": lambda volume: "false",
    "operator.principal": lambda volume: None,
    "size": lambda volume: str(volume.size),
    "snapshot-id": lambda volume: volume.snapshot_id,
    "status": lambda volume: storage.status_of(volume),
    "tag-key": lambda volume: tuple(tags_of(volume)),
    "volume-id": lambda volume: volume.id,
    "volume-type": lambda volume: volume.volume_type,
}


def describe(call: Call) -> Response:
    check_dry_run(call.params)
    ids = listed(call.params, "VolumeId")
    size = page_size(call.params, ids, "volumeIds")
    filters = filters_of(call.params)
    for name in filters:
        if name not in FIELDS and not name.startswith("tag:"):
            raise unknown_filter(name)
    known = every_volume(call)
    check_ids(ids, known)
    storage.settle_all(call)
    wanted = set(ids)

    def keep(volume: Any) -> bool:
        return (not wanted or volume.id in wanted) and passes(filters, lambda name: field_of(volume, name))

    page, more = paged(known, keep, size and min(size, LARGEST_PAGE), call.params.get("NextToken"))
    shown = "".join(map(render, page))
    for volume in page:
        storage.settle(volume)
    return response("DescribeVolumes", f"<volumeSet>{shown}</volumeSet>{more}")


def every_volume(call: Call) -> dict[str, Any]:
    from moto.ec2.models import ec2_backends

    volumes: dict[str, Any] = ec2_backends[call.account][call.region].volumes
    return volumes


def check_ids(ids: list[str], known: dict[str, Any]) -> None:
    for ident in ids:
        if not VOLUME_ID.fullmatch(ident):
            text = f"Value ({ident}) for parameter volumes is invalid. Expected: 'vol-...'."
            raise AwsError("InvalidParameterValue", text)
        if ident not in known:
            raise AwsError("InvalidVolume.NotFound", f"The volume '{ident}' does not exist.")


def field_of(volume: Any, name: str) -> Any:
    return tags_of(volume).get(name[4:]) if name.startswith("tag:") else FIELDS[name](volume)


def tags_of(volume: Any) -> dict[str, str]:
    found: dict[str, str] = volume.ec2_backend.tags.get(volume.id, {})
    return found


def deleted_with_instance(attachment: Any) -> bool:
    device = attachment.instance.block_device_mapping.get(attachment.device)
    return device is not None and bool(device.delete_on_termination)


def flag(value: Any) -> str:
    return str(bool(value)).lower()


def render(one: Any) -> str:
    return f"<item>{fields(one)}</item>"


def fields(one: Any) -> str:
    return "".join(
        (
            element("volumeId", one.id),
            element("size", one.size),
            f"<snapshotId>{one.snapshot_id or ''}</snapshotId>",
            element("availabilityZone", one.availability_zone),
            element("status", storage.status_of(one)),
            element("createTime", time_of(one.create_time)),
            f"<attachmentSet>{''.join(map(render_attachment, one.attachments))}</attachmentSet>",
            tag_set(tags_of(one)),
            element("volumeType", one.volume_type),
            element("iops", one.iops),
            element("throughput", one.throughput),
            element("encrypted", flag(one.encrypted)),
            element("kmsKeyId", one.kms_key_id),
            element("multiAttachEnabled", flag(one.multi_attach_enabled)),
            element("volumeInitializationRate", getattr(one, "rate", None)),
        )
    )


def render_attachment(one: Any) -> str:
    return (
        f"<item>{element('volumeId', one.volume.id)}{element('instanceId', one.instance.id)}"
        f"{element('device', one.device)}{element('status', one.status)}"
        f"{element('attachTime', time_of(one.attach_time))}"
        f"{element('deleteOnTermination', flag(deleted_with_instance(one)))}</item>"
    )


OPERATIONS: dict[str, Callable[[Call], Response | None]] = {"DescribeVolumes": describe}
