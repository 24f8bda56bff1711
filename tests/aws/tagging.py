"""GetResources of the Resource Groups Tagging API.

Source: the API reference of GetResources (2017-01-26): the limits, which parameters exclude each other, and that it
answers "tagged or previously tagged" resources: one that never had a tag is not there.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

from alarm_store import AlarmStore
from functions import Functions
from protocols import AwsError
from scheduler import Timetable

Tagged = tuple[str, dict[str, str]]  # ARN and tags
ALARM_TYPES = ("cloudwatch", "cloudwatch:alarm")
GROUP_TYPES = ("scheduler", "scheduler:schedule-group")
FUNCTION_TYPES = ("lambda", "lambda:function")
WITH_ARNS = ("ResourcesPerPage", "TagsPerPage", "PaginationToken", "TagFilters", "ResourceTypeFilters")


def invalid(message: str) -> AwsError:
    return AwsError("InvalidParameterException", message)


class Query:
    """The checked parameters of one GetResources call."""

    def __init__(self, params: dict[str, Any]):
        self.arns: list[str] = params.get("ResourceARNList") or []
        self.filters: list[dict[str, Any]] = params.get("TagFilters") or []
        self.types: list[str] = params.get("ResourceTypeFilters") or []
        self.per_page = params.get("ResourcesPerPage", 50)
        self.tags_per_page = params.get("TagsPerPage")
        self.token: str = params.get("PaginationToken") or ""
        together = [name for name in WITH_ARNS if params.get(name)]
        if self.arns and together:
            raise invalid(f"ResourceARNList cannot be specified together with {', '.join(together)}")
        if len(self.arns) > 100:
            raise invalid("ResourceARNList can have at most 100 ARNs")
        if not 1 <= self.per_page <= 100:
            raise invalid("ResourcesPerPage must be between 1 and 100")
        if self.tags_per_page is not None and not 100 <= self.tags_per_page <= 500:
            raise invalid("TagsPerPage must be between 100 and 500")
        if len(self.filters) > 50 or any(len(one.get("Values") or []) > 20 for one in self.filters):
            raise invalid("TagFilters can have at most 50 keys with 20 values each")
        if any(not one.get("Key") for one in self.filters):
            raise invalid("Each of the TagFilters needs a Key")
        if len(self.types) > 100:
            raise invalid("ResourceTypeFilters can have at most 100 types")

    @property
    def only_ours(self) -> bool:
        """Whether nothing that moto keeps can be in the answer: it is about alarms, schedule groups and functions."""
        if self.arns:
            return all(is_alarm(arn) or ":schedule-group/" in arn or ":function:" in arn for arn in self.arns)
        return bool(self.types) and all(kind in ALARM_TYPES + GROUP_TYPES + FUNCTION_TYPES for kind in self.types)

    def wants(self, arn: str, tags: dict[str, str]) -> bool:
        """Filters are joined with AND, the values of one with OR; a filter without values asks for the key only."""
        if self.arns and arn not in self.arns:
            return False
        for one in self.filters:
            if one["Key"] not in tags or (one.get("Values") and tags[one["Key"]] not in one["Values"]):
                return False
        return True

    def page(self, found: list[Tagged]) -> dict[str, Any]:
        found = sorted(found)
        after = read_token(self.token) if self.token else ""
        rest = [resource for resource in found if resource[0] > after]
        shown = rest[: len(rest) if self.arns else self.per_page]
        if self.tags_per_page is not None:
            shown = up_to_tags(shown, self.tags_per_page)
        return {
            "PaginationToken": make_token(shown[-1][0]) if len(shown) < len(rest) else "",
            "ResourceTagMappingList": [
                {"ResourceARN": arn, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}
                for arn, tags in shown
            ],
        }


def is_alarm(arn: str) -> bool:
    return ":cloudwatch:" in arn and ":alarm:" in arn


def up_to_tags(found: list[Tagged], limit: int) -> list[Tagged]:
    """TagsPerPage: a resource is never split, and there is at least one on a page."""
    total = 0
    for number, (_, tags) in enumerate(found):
        total += len(tags)
        if total > limit and number:
            return found[:number]
    return found


def tagged_alarms(store: AlarmStore | None, query: Query) -> list[Tagged]:
    if store is None or (query.types and not any(kind in ALARM_TYPES for kind in query.types)):
        return []
    if store.options.get("index_lags"):
        return []  # the index has not heard of any alarm yet
    found = ((alarm.fields["AlarmArn"], alarm.tags) for alarm in store.alarms.values() if alarm.ever_tagged)
    return [(arn, tags) for arn, tags in found if query.wants(arn, tags)]


def tagged_groups(store: Timetable | None, query: Query) -> list[Tagged]:
    """Schedule groups with tags."""
    if store is None or (query.types and not any(kind in GROUP_TYPES for kind in query.types)):
        return []
    found = ((group["Arn"], group["tags"]) for group in store.groups.values() if group["tags"])
    return [(arn, tags) for arn, tags in found if query.wants(arn, tags)]


def tagged_functions(store: Functions | None, query: Query) -> list[Tagged]:
    """Functions with tags."""
    if store is None or (query.types and not any(kind in FUNCTION_TYPES for kind in query.types)):
        return []
    if store.account.options.get("index_lags"):
        return []
    found = ((one.fields["FunctionArn"], one.tags) for one in store.functions.values() if one.tags)
    return [(arn, tags) for arn, tags in found if query.wants(arn, tags)]


def make_token(arn: str) -> str:
    return base64.urlsafe_b64encode(arn.encode()).decode()


def read_token(token: str) -> str:
    try:
        arn = base64.urlsafe_b64decode(token).decode()
    except (binascii.Error, UnicodeDecodeError):
        arn = ""
    if not arn.startswith("arn:"):
        raise AwsError("PaginationTokenExpiredException", "The pagination token is not one of this service")
    return arn
