"""The CloudWatch operations on alarms, over the store of one account and region.

Source: the CloudWatch API reference (2010-08-01). Operations that are not here go to moto.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import mute_rules
from alarm_rules import STATES, check_enum, check_length, check_name, check_tags, constraint, refuse
from alarm_store import COMPOSITE, METRIC, Alarm, AlarmStore
from protocols import AwsError, timestamp

Params = dict[str, Any]


def names_of(params: Params, required: bool) -> list[str] | None:
    """The names in a call that takes at most 100; an empty list counts as none given."""
    names: list[str] | None = params.get("AlarmNames")
    if not names:
        if required:
            raise constraint("null", "AlarmNames", "not be null")
        return None
    if len(names) > 100:
        raise constraint(names, "AlarmNames", "have length less than or equal to 100")
    for name in names:
        check_length(name, "AlarmNames", 1, 255)
    return names


def put_metric_alarm(store: AlarmStore, params: Params) -> Params:
    store.put_metric_alarm(params)
    return {}


def put_composite_alarm(store: AlarmStore, params: Params) -> Params:
    store.put_composite_alarm(params)
    return {}


def describe_alarms(store: AlarmStore, params: Params) -> Params:
    """50 alarms a page unless MaxRecords says otherwise; only metric alarms unless AlarmTypes says otherwise."""
    for field in ("ChildrenOfAlarmName", "ParentsOfAlarmName"):
        if field in params:
            raise AwsError("NotImplemented", f"the emulator does not know {field}", 501)
    names, prefix = names_of(params, required=False), params.get("AlarmNamePrefix") or ""
    if names is not None and prefix:
        raise refuse("AlarmNames and AlarmNamePrefix cannot be specified together")
    limit = params.get("MaxRecords", 50)
    if not 1 <= limit <= 100:
        rule = "have value less than or equal to 100" if limit > 100 else "have value greater than or equal to 1"
        raise constraint(limit, "MaxRecords", rule)
    types = params.get("AlarmTypes") or [METRIC]
    for kind in types:
        check_enum({"AlarmTypes": kind}, "AlarmTypes", (COMPOSITE, METRIC, "LogAlarm"))
    check_enum(params, "StateValue", STATES)

    def wanted(alarm: Alarm) -> bool:
        fields = alarm.fields
        return (
            alarm.kind in types
            and params.get("StateValue", fields["StateValue"]) == fields["StateValue"]
            and _has_action(fields, params.get("ActionPrefix"))
        )

    found, token = store.page(names, prefix, params.get("NextToken"), limit, wanted)
    answer: Params = {
        "MetricAlarms": [alarm.fields for alarm in found if alarm.kind == METRIC],
        "CompositeAlarms": [alarm.fields for alarm in found if alarm.kind == COMPOSITE],
    }
    if token is not None:
        answer["NextToken"] = token
    return answer


def _has_action(fields: Params, prefix: str | None) -> bool:
    if not prefix:
        return True
    actions = fields["OKActions"] + fields["AlarmActions"] + fields["InsufficientDataActions"]
    return any(action.startswith(prefix) for action in actions)


def delete_alarms(store: AlarmStore, params: Params) -> Params:
    store.delete(names_of(params, required=True) or [])
    return {}


def set_actions_enabled(enabled: bool) -> Callable[[AlarmStore, Params], Params]:
    """AWS declares no error for names that do not exist: they are passed over."""

    def operation(store: AlarmStore, params: Params) -> Params:
        for name in names_of(params, required=True) or []:
            if alarm := store.alarms.get(name):
                alarm.fields["ActionsEnabled"] = enabled
                alarm.fields["AlarmConfigurationUpdatedTimestamp"] = timestamp(time.time())
        return {}

    return operation


def set_alarm_state(store: AlarmStore, params: Params) -> Params:
    check_name(params)
    for field in ("StateValue", "StateReason"):
        if field not in params:
            raise constraint("null", field, "not be null")
    check_enum(params, "StateValue", STATES)
    check_length(params["StateReason"], "StateReason", 0, 1023)
    alarm = store.alarms.get(params["AlarmName"])
    if alarm is None:
        raise AwsError("ResourceNotFound", f"The alarm {params['AlarmName']} does not exist", 404)
    now = timestamp(time.time())
    if alarm.fields["StateValue"] != params["StateValue"]:
        alarm.fields["StateTransitionedTimestamp"] = now
    alarm.fields["StateUpdatedTimestamp"] = now
    for field in ("StateValue", "StateReason", "StateReasonData"):
        if field in params:
            alarm.fields[field] = params[field]
    return {}


def tag_resource(store: AlarmStore, params: Params) -> Params:
    alarm, tags = store.by_arn(params.get("ResourceARN")), params.get("Tags") or []
    check_tags(tags)
    added = {tag["Key"]: tag["Value"] for tag in tags}
    if len(alarm.tags | added) > 50:
        raise refuse("An alarm can have at most 50 tags")
    alarm.add_tags(added)
    return {}


def untag_resource(store: AlarmStore, params: Params) -> Params:
    alarm = store.by_arn(params.get("ResourceARN"))
    for key in params.get("TagKeys") or []:
        alarm.tags.pop(key, None)
    return {}


def list_tags(store: AlarmStore, params: Params) -> Params:
    alarm = store.by_arn(params.get("ResourceARN"))
    return {"Tags": [{"Key": key, "Value": value} for key, value in alarm.tags.items()]}


OPERATIONS: dict[str, Callable[[AlarmStore, Params], Params]] = {
    "PutMetricAlarm": put_metric_alarm,
    "PutCompositeAlarm": put_composite_alarm,
    "DescribeAlarms": describe_alarms,
    "DeleteAlarms": delete_alarms,
    "EnableAlarmActions": set_actions_enabled(True),
    "DisableAlarmActions": set_actions_enabled(False),
    "SetAlarmState": set_alarm_state,
    "PutAlarmMuteRule": mute_rules.put,
    "GetAlarmMuteRule": mute_rules.get,
    "ListAlarmMuteRules": mute_rules.list_rules,
    "DeleteAlarmMuteRule": mute_rules.delete,
    "TagResource": tag_resource,
    "UntagResource": untag_resource,
    "ListTagsForResource": list_tags,
}
