"""DescribeImages over moto's images; runs in moto's thread.

Source: the EC2 API reference of DescribeImages: a disabled image is in the answer only with IncludeDisabled. moto's
image has one snapshot, which it makes itself; here an image has the snapshots that it was seeded with.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

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

IMAGE_ID = re.compile(r"ami-(?:[0-9a-f]{8}|[0-9a-f]{17})")


def devices_of(image: Any) -> list[tuple[str, Any]]:
    """Device names and snapshots."""
    seeded: list[tuple[str, Any]] | None = getattr(image, "devices", None)
    return seeded if seeded is not None else [(image.root_device_name, image.ebs_snapshot)]


# The value that each filter looks at; a tuple holds several, any of which may match.
FIELDS: dict[str, Callable[[Any], Any]] = {
    "architecture": lambda image: image.architecture,
    "block-device-mapping.device-name": lambda image: tuple(device for device, _ in devices_of(image)),
    "block-device-mapping.snapshot-id": lambda image: tuple(snapshot.id for _, snapshot in devices_of(image)),
    "creation-date": lambda image: time_of(image.creation_date),
    "description": lambda image: image.description,
    "image-id": lambda image: image.id,
    "image-type": lambda image: image.image_type,
    "is-public": lambda image: str(image.is_public).lower(),
    "name": lambda image: image.name,
    "owner-id": lambda image: image.owner_id,
    "root-device-name": lambda image: image.root_device_name,
    "root-device-type": lambda image: "ebs",
    "state": lambda image: image.state,
    "tag-key": lambda image: tuple(tags_of(image)),
    "virtualization-type": lambda image: image.virtualization_type,
}


def describe(call: Call) -> Response:
    check_dry_run(call.params)
    ids, owners = listed(call.params, "ImageId"), listed(call.params, "Owner")
    size = page_size(call.params, ids, "imageIds")
    filters = filters_of(call.params)
    for name in filters:
        if name not in FIELDS and not name.startswith("tag:"):
            raise unknown_filter(name)
    known = every_image(call)
    check_ids(ids, known)
    accounts = {call.account if owner == "self" else owner for owner in owners}
    with_disabled = call.params.get("IncludeDisabled") == "true"

    def keep(image: Any) -> bool:
        if (ids and image.id not in ids) or (accounts and image.owner_id not in accounts):
            return False
        shown = with_disabled or image.state != "disabled"
        return shown and passes(filters, lambda name: field_of(image, name))

    page, more = paged(known, keep, size, call.params.get("NextToken"))
    return response("DescribeImages", f"<imagesSet>{''.join(map(render, page))}</imagesSet>{more}")


def every_image(call: Call) -> dict[str, Any]:
    from moto.ec2.models import ec2_backends

    return ec2_backends[call.account][call.region].amis


def check_ids(ids: list[str], known: dict[str, Any]) -> None:
    for ident in ids:
        if not IMAGE_ID.fullmatch(ident):
            raise AwsError("InvalidAMIID.Malformed", f'Invalid id: "{ident}"')
        if ident not in known:
            raise AwsError("InvalidAMIID.NotFound", f"The image id '[{ident}]' does not exist")


def field_of(image: Any, name: str) -> Any:
    return tags_of(image).get(name[4:]) if name.startswith("tag:") else FIELDS[name](image)


def tags_of(image: Any) -> dict[str, str]:
    return image.ec2_backend.tags.get(image.id, {})  # type: ignore[no-any-return]


def user_of(backend: Any, snapshot: str) -> str | None:
    """The image that has the snapshot; a disabled one has it too."""
    users = (image.id for image in backend.amis.values() if snapshot in [one.id for _, one in devices_of(image)])
    return next(users, None)


def render(image: Any) -> str:
    devices = "".join(
        f"<item>{element('deviceName', device)}<ebs>{element('snapshotId', snapshot.id)}"
        f"{element('volumeSize', snapshot.volume.size)}<deleteOnTermination>true</deleteOnTermination>"
        "<volumeType>gp3</volumeType></ebs></item>"
        for device, snapshot in devices_of(image)
    )
    return "".join(
        (
            "<item>",
            element("imageId", image.id),
            element("imageState", image.state),
            element("imageOwnerId", image.owner_id),
            element("isPublic", str(image.is_public).lower()),
            element("architecture", image.architecture or "x86_64"),
            element("imageType", image.image_type),
            element("name", image.name),
            element("description", image.description),
            element("creationDate", time_of(image.creation_date)),
            element("rootDeviceType", "ebs"),
            element("rootDeviceName", image.root_device_name),
            f"<blockDeviceMapping>{devices}</blockDeviceMapping>",
            element("virtualizationType", image.virtualization_type or "hvm"),
            tag_set(tags_of(image)),
            "</item>",
        )
    )


OPERATIONS: dict[str, Callable[[Call], Response | None]] = {"DescribeImages": describe}
