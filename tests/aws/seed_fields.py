"""What the fields of a seed mean, whatever they belong to."""

from __future__ import annotations

import datetime
from typing import Any


def check(what: str, wanted: dict[str, Any], fields: set[str]) -> None:
    unknown = set(wanted) - fields
    if unknown:
        raise ValueError(f"{what}: unknown field {', '.join(sorted(unknown))}")


def moment(text: str | None) -> datetime.datetime | None:
    """An ISO time as moto keeps times: UTC, and without saying so."""
    if text is None:
        return None
    told = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    return told.astimezone(datetime.timezone.utc).replace(tzinfo=None) if told.tzinfo else told


def tags_of(wanted: dict[str, Any]) -> dict[str, str]:
    """A null name is no Name tag; with no other tag either, the resource was never tagged."""
    name = {"Name": wanted["name"]} if wanted.get("name") is not None else {}
    return {**name, **(wanted.get("tags") or {})}
