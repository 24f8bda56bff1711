"""CloudWatch's alarm mute rules: the four operations, over the store of one account and region. Nothing is muted.

Sources: PutAlarmMuteRule, GetAlarmMuteRule, ListAlarmMuteRules, DeleteAlarmMuteRule, Schedule and MuteTargets in the
CloudWatch API reference, and the bounds of the service model (as botocore has it). That a time is cut to its minute is
what Terraform's provider tells of AWS. That alarms have to exist says MuteTargets ("must match existing alarms"). That the
tags of a rule that exists are ignored, as with alarms, the codes and the wordings are inferred.
"""

from __future__ import annotations

import datetime
import re
import time
from typing import TYPE_CHECKING, Any

from protocols import AwsError, timestamp
from schedule_expressions import DAYS, MONTHS, time_zones
from service_models import service_model, violations

if TYPE_CHECKING:
    from alarm_store import AlarmStore

Params = dict[str, Any]
PAGE, MOST_ALARMS = 50, 100
LONGEST = 15 * 24 * 60  # minutes
CRON = re.compile(r"cron\((\S+) (\S+) (\S+) (\S+) (\S+)\)")
AT = re.compile(r"at\((\d{4}-\d\d-\d\dT\d\d:\d\d)\)")
DURATION = re.compile(r"P(?=.)(?:(\d+)D)?(?:T(?=.)(?:(\d+)H)?(?:(\d+)M)?)?")
FIELDS: tuple[tuple[int, int, list[str]], ...] = ((0, 59, []), (0, 23, []), (1, 31, []), (1, 12, MONTHS), (0, 6, DAYS))


class MuteRule:
    """`fields` is what was put, with times in seconds."""

    def __init__(self, name: str, arn: str, fields: Params, tags: dict[str, str]):
        self.name, self.arn, self.fields, self.tags = name, arn, fields, tags
        self.updated = time.time()

    def add_tags(self, tags: dict[str, str]) -> None:
        self.tags.update(tags)

    def summary(self) -> Params:
        once = self.fields["Rule"]["Schedule"]["Expression"].startswith("at(")
        expired = self.fields.get("ExpireDate", time.time()) < time.time()
        told: Params = {
            "AlarmMuteRuleArn": self.arn,
            "Status": "EXPIRED" if expired else "SCHEDULED",
            "MuteType": "ONE_TIME" if once else "RECURRING",
            "LastUpdatedTimestamp": timestamp(self.updated),
        }
        return {**told, **self.dates("ExpireDate")}

    def dates(self, *names: str) -> Params:
        return {name: timestamp(self.fields[name]) for name in names if name in self.fields}

    def whole(self) -> Params:
        told = {name: self.fields[name] for name in ("Description", "Rule", "MuteTargets") if name in self.fields}
        return {**self.summary(), **told, **self.dates("StartDate", "ExpireDate"), "Name": self.name}


def put(store: AlarmStore, params: Params) -> Params:
    """Replaces a rule of this name; its tags stay."""
    check(store, params)
    fields = {name: params[name] for name in ("Description", "Rule", "MuteTargets") if params.get(name) is not None}
    schedule = dict(fields["Rule"]["Schedule"])
    schedule.setdefault("Timezone", "UTC")
    fields["Rule"] = {"Schedule": schedule}
    for name in ("StartDate", "ExpireDate"):
        if params.get(name) is not None:
            fields[name] = whole_minute(params[name])
    if fields.get("StartDate", 0) >= fields.get("ExpireDate", float("inf")):
        raise refuse("The ExpireDate must be after the StartDate.")
    old = store.mutes.get(params["Name"])
    tags = old.tags if old is not None else {tag["Key"]: tag["Value"] for tag in params.get("Tags") or []}
    store.mutes[params["Name"]] = MuteRule(params["Name"], store.mute_arn(params["Name"]), fields, tags)
    return {}


def get(store: AlarmStore, params: Params) -> Params:
    modelled("GetAlarmMuteRule", params)
    found = store.mutes.get(params["AlarmMuteRuleName"])
    if found is None:
        raise AwsError("ResourceNotFoundException", f"The rule {params['AlarmMuteRuleName']} does not exist", 404)
    return found.whole()


def list_rules(store: AlarmStore, params: Params) -> Params:
    modelled("ListAlarmMuteRules", params)
    token, size, alarm = params.get("NextToken") or "", params.get("MaxRecords", PAGE), params.get("AlarmName")
    if token and not token.startswith("after:"):
        raise AwsError("InvalidNextToken", "The next token specified is invalid.")
    statuses = params.get("Statuses") or ["SCHEDULED", "ACTIVE", "EXPIRED"]

    def wanted(rule: MuteRule) -> bool:
        names = rule.fields.get("MuteTargets", {}).get("AlarmNames", [])
        return rule.summary()["Status"] in statuses and (alarm is None or alarm in names)

    left = sorted(name for name, rule in store.mutes.items() if name > token[len("after:") :] and wanted(rule))
    more = {"NextToken": f"after:{left[size - 1]}"} if len(left) > size else {}
    return {"AlarmMuteRuleSummaries": [store.mutes[name].summary() for name in left[:size]], **more}


def delete(store: AlarmStore, params: Params) -> Params:
    """A rule that does not exist is deleted without an error."""
    modelled("DeleteAlarmMuteRule", params)
    store.mutes.pop(params["AlarmMuteRuleName"], None)
    return {}


def refuse(text: str) -> AwsError:
    return AwsError("ValidationError", text)


def modelled(operation: str, params: Params) -> None:
    """The bounds of AWS's model; times are left out, which come in a form of each protocol's own."""
    known = {name: value for name, value in params.items() if name not in ("StartDate", "ExpireDate")}
    wrong = violations(service_model("cloudwatch"), operation, known)
    if wrong:
        raise refuse(f"{len(wrong)} validation error{'s' if len(wrong) > 1 else ''} detected: " + "; ".join(wrong))


def check(store: AlarmStore, params: Params) -> None:
    modelled("PutAlarmMuteRule", params)
    schedule = params["Rule"]["Schedule"]
    if not (is_cron(schedule["Expression"]) or is_at(schedule["Expression"])):
        raise refuse(f"Invalid schedule expression {schedule['Expression']}.")
    found = DURATION.fullmatch(schedule["Duration"])
    days, hours, minutes = (int(part or 0) for part in (found.groups() if found is not None else (0, 0, 0)))
    if not 1 <= (days * 24 + hours) * 60 + minutes <= LONGEST:
        raise refuse(f"The duration {schedule['Duration']} must be between PT1M and P15D.")
    if schedule.get("Timezone", "UTC") not in time_zones():
        raise refuse(f"Invalid time zone {schedule['Timezone']}.")
    names = params.get("MuteTargets", {}).get("AlarmNames", [])
    if len(names) > MOST_ALARMS:
        raise refuse(f"A mute rule can have at most {MOST_ALARMS} alarms.")
    missing = [name for name in names if name not in store.alarms]
    if missing:
        raise refuse(f"The alarms {', '.join(missing)} do not exist.")


def is_cron(text: str) -> bool:
    """Five fields with `*`, `-` and `,`: no `?`, no steps, no year."""
    matched = CRON.fullmatch(text)
    return matched is not None and all(map(takes, matched.groups(), FIELDS))


def takes(text: str, field: tuple[int, int, list[str]]) -> bool:
    least, most, names = field

    def number(value: str) -> int | None:
        if value in names:
            return least + names.index(value)
        return int(value) if value.isdigit() and least <= int(value) <= most else None

    for part in text.split(","):
        ends = [number(end) for end in part.split("-", 1)]
        known = [end for end in ends if end is not None]
        if part != "*" and (len(known) < len(ends) or known[0] > known[-1]):
            return False
    return True


def is_at(text: str) -> bool:
    matched = AT.fullmatch(text)
    try:
        return matched is not None and bool(datetime.datetime.fromisoformat(matched.group(1)))
    except ValueError:
        return False


def whole_minute(value: Any) -> float:
    if isinstance(value, datetime.datetime):
        value = value.timestamp()
    elif isinstance(value, str):
        value = datetime.datetime.fromisoformat(value).timestamp()
    return float(value) // 60 * 60
