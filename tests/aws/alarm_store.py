"""The alarms of one account in one region, as CloudWatch keeps them.

moto's own store loses fields (the newer ones of PutMetricAlarm), so this one keeps whatever was put.
"""

from __future__ import annotations

import base64
import binascii
import bisect
import re
import time
from typing import Any

import mute_rules
from alarm_rules import ACTION_LISTS, check_common, check_length, check_metric_alarm, check_required, refuse
from protocols import AwsError, timestamp

METRIC, COMPOSITE = "MetricAlarm", "CompositeAlarm"
CHILD = re.compile(r"""(?:ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*["']?([^"')]+?)["']?\s*\)""")
INITIAL_REASON = "Unchecked: Initial alarm creation"


def partition(region: str) -> str:
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"


class Alarm:
    """`fields` is what DescribeAlarms answers; `ever_tagged` decides whether the tagging API knows the alarm."""

    __slots__ = ("kind", "fields", "tags", "ever_tagged")

    def __init__(self, kind: str, fields: dict[str, Any], tags: dict[str, str]):
        self.kind = kind
        self.fields = fields
        self.tags = tags
        self.ever_tagged = bool(tags)

    def add_tags(self, tags: dict[str, str]) -> None:
        self.tags.update(tags)
        self.ever_tagged = self.ever_tagged or bool(tags)


class AlarmStore:
    def __init__(self, account: str, region: str, options: dict[str, Any] | None = None):
        self.account, self.region = account, region
        self.options = options if options is not None else {}
        self.alarms: dict[str, Alarm] = {}
        self.mutes: dict[str, mute_rules.MuteRule] = {}
        self.names: list[str] = []  # sorted: DescribeAlarms answers by name, and pages and prefixes are ranges

    def arn(self, name: str) -> str:
        return f"arn:{partition(self.region)}:cloudwatch:{self.region}:{self.account}:alarm:{name}"

    def mute_arn(self, name: str) -> str:
        return f"arn:{partition(self.region)}:cloudwatch:{self.region}:{self.account}:alarm-mute-rule:{name}"

    def put_metric_alarm(self, params: dict[str, Any]) -> Alarm:
        check_metric_alarm(params)
        return self._put(METRIC, params)

    def put_composite_alarm(self, params: dict[str, Any]) -> Alarm:
        check_common(params)
        check_required(params, "AlarmRule")
        check_length(params["AlarmRule"], "AlarmRule", 1, 10240)
        return self._put(COMPOSITE, params)

    def _put(self, kind: str, params: dict[str, Any]) -> Alarm:
        """Overwrites the whole configuration; keeps the state, and the tags, of an alarm that exists."""
        name = params["AlarmName"]
        old = self.alarms.get(name)
        if old is not None and old.kind != kind:
            raise refuse(f"An alarm of another type with the name {name} exists already")
        now = timestamp(time.time())
        fields = {field: value for field, value in params.items() if field != "Tags" and value is not None}
        fields.setdefault("ActionsEnabled", True)
        for actions in ACTION_LISTS:
            fields.setdefault(actions, [])
        if kind == METRIC:
            if "EvaluationCriteria" not in fields:
                fields.setdefault("Dimensions", [])
            if "Threshold" in fields:
                fields["Threshold"] = float(fields["Threshold"])
        fields["AlarmArn"] = self.arn(name)
        fields["AlarmConfigurationUpdatedTimestamp"] = now
        if old is not None:
            for field in (
                "StateValue",
                "StateReason",
                "StateReasonData",
                "StateUpdatedTimestamp",
                "StateTransitionedTimestamp",
            ):
                if field in old.fields:
                    fields[field] = old.fields[field]
            old.fields = fields
            return old
        # "For PromQL alarms, the alarm state is instead immediately set to OK" (reference of PutMetricAlarm).
        fields["StateValue"] = "OK" if "EvaluationCriteria" in fields else "INSUFFICIENT_DATA"
        fields["StateReason"] = INITIAL_REASON
        fields["StateUpdatedTimestamp"] = fields["StateTransitionedTimestamp"] = now
        alarm = Alarm(kind, fields, {tag["Key"]: tag["Value"] for tag in params.get("Tags") or []})
        self.alarms[name] = alarm
        bisect.insort(self.names, name)
        return alarm

    def delete(self, names: list[str]) -> None:
        """All or nothing: one name that is missing fails the whole call.

        AWS's reference said so until 2024; today's says that "the alarms you specify with correct names are still
        deleted". The option `delete_skips_missing` behaves like that, without an error.
        """
        missing = [name for name in names if name not in self.alarms]
        if missing and self.options.get("delete_skips_missing"):
            names = [name for name in names if name in self.alarms]
        elif missing:
            raise AwsError("ResourceNotFound", f"Alarms not found: {', '.join(missing)}", 404)
        if sum(self.alarms[name].kind == COMPOSITE for name in set(names)) > 1:
            raise refuse("At most one composite alarm can be deleted in one call")
        if needed := self._needed_by_others(set(names)):
            raise refuse(f"Cannot delete {','.join(needed)} as there are composite alarm(s) depending on them.")
        for name in set(names):
            del self.alarms[name]
            del self.names[bisect.bisect_left(self.names, name)]

    def _needed_by_others(self, names: set[str]) -> list[str]:
        """Which of the alarms are in the rule of a composite alarm that stays."""
        staying = [one for name, one in self.alarms.items() if one.kind == COMPOSITE and name not in names]
        used = {child for one in staying for child in CHILD.findall(one.fields["AlarmRule"])}
        return sorted(name for name in names if name in used or self.arn(name) in used)

    def by_arn(self, arn: Any) -> Alarm | mute_rules.MuteRule:
        if isinstance(arn, str) and ":alarm-mute-rule:" in arn:
            rule = self.mutes.get(arn.partition(":alarm-mute-rule:")[2])
            if rule is None or rule.arn != arn:
                raise AwsError("ResourceNotFoundException", f"The rule {arn} does not exist", 404)
            return rule
        if not isinstance(arn, str) or ":alarm:" not in arn:
            raise AwsError("InvalidParameterValue", f"Invalid ARN: {arn}")
        alarm = self.alarms.get(arn.partition(":alarm:")[2])
        if alarm is None or alarm.fields["AlarmArn"] != arn:
            raise AwsError("ResourceNotFoundException", f"The alarm {arn} does not exist", 404)
        return alarm

    def page(
        self, names: list[str] | None, prefix: str, token: str | None, limit: int, wanted: Any
    ) -> tuple[list[Alarm], str | None]:
        """At most `limit` alarms that `wanted` accepts, by name, after the one in the token; and the next token."""
        candidates = self.names if names is None else sorted({name for name in names if name in self.alarms})
        start = bisect.bisect_left(candidates, prefix)
        if token is not None:
            start = max(start, bisect.bisect_right(candidates, _read_token(token)))
        found: list[Alarm] = []
        for name in candidates[start:]:
            if prefix and not name.startswith(prefix):
                break
            alarm = self.alarms[name]
            if not wanted(alarm):
                continue
            if len(found) == limit:
                return found, _make_token(found[-1].fields["AlarmName"])
            found.append(alarm)
        return found, None


def _make_token(last: str) -> str:
    return base64.urlsafe_b64encode(b"after:" + last.encode()).decode()


def _read_token(token: str) -> str:
    try:
        kind, _, last = base64.urlsafe_b64decode(token).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        kind = last = ""
    if kind != "after" or not last:
        raise AwsError("InvalidNextToken", "The next token specified is invalid.")
    return last
