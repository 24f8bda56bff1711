"""The control path: what a test orders, seeds and reads. Nothing here is counted as a call to AWS."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Coroutine
from datetime import datetime
from typing import Any

from accounts import Account, Accounts
from alarm_rules import ALARM_FIELDS, COMPOSITE_FIELDS
from alarm_store import COMPOSITE, Alarm
from event_rules import stored_rules
from faults import Fault
from fire import fire
from fire_rule import fire_rule
from http_server import Request, Response
from mails import Mail
from moto_bridge import MotoBridge, forget_account
from protocols import AwsError, plain, timestamp
from scheduler import time_passes
from seed import seed
from ses import check_settings
import cost_explorer
import pricing
import storage
from snapshots import finish

STATE_FIELDS = frozenset(("StateValue", "StateReason", "StateReasonData"))
OPTIONS = frozenset(
    "delete_skips_missing index_lags no_tag_list delay mail mail_in slow_snapshots slow_volumes failed_targets unnamed_targets unnamed_instances failed_starts".split()
)
PATH = re.compile(r"/_control/(\d{12})/(.+)")


class Control:
    def __init__(self, accounts: Accounts, moto: MotoBridge):
        self.accounts = accounts
        self.moto = moto

    def handle(self, request: Request) -> Response | Coroutine[Any, Any, Response]:
        matched = PATH.fullmatch(request.path)
        if matched is None:
            return problem(404, "the control path is /_control/<12 digits>/<what>")
        account = self.accounts.get(matched.group(1))
        step = f"{request.method} {matched.group(2)}"
        try:
            body = json.loads(request.body) if request.body else None
            return self._do(step, account, body)
        except (ValueError, KeyError, TypeError, AttributeError, AwsError) as wrong:
            return problem(400, f"{step}: {type(wrong).__name__}: {wrong}")

    def _do(self, step: str, account: Account, body: Any) -> Response | Coroutine[Any, Any, Response]:
        if step == "GET calls":
            return answer({"counts": account.calls.counts, "log": account.calls.log})
        if step == "POST calls/clear":
            account.calls.counts, account.calls.log = {}, []
            return answer({})
        if step == "POST faults":
            account.faults = [Fault(order) for order in body]
            return answer({"faults": len(account.faults)})
        if step == "POST options":
            check_options(body)
            account.options.update(body)
            return answer(account.options)
        if step == "GET held":
            return answer({"held": len(account.held)})
        if step == "POST release":
            return answer({"released": account.release()})
        if step == "POST reset":
            return self._reset(account.number)
        if step == "POST seed":
            return self._seed(account, body)
        if step == "POST fire":
            return self._fire(account, body)
        if step == "GET schedules":
            return answer(stored_schedules(account))
        if step == "GET rules":
            return self._rules(account)
        if step == "POST schedules/pass":
            until = datetime.fromisoformat(body["until"]).timestamp()
            stores = sorted(account.timetables.items())
            return answer({"deleted": {region: time_passes(store, until) for region, store in stores}})
        if step == "POST schedules/edit":
            where = body.get("group", "default"), body["name"]
            schedule = account.timetable(body.get("region", "us-east-1")).schedules[where]
            schedule.update(body["set"])
            return answer(schedule)
        if step == "POST costs":
            return answer(cost_explorer.bill(account, body))
        if step == "POST prices":
            return answer(pricing.change(account, body))
        if step == "GET mails":
            return answer({"mails": sent_mails(account)})
        if step == "POST mails/clear":
            for outbox in account.outboxes.values():
                outbox.mails.clear()
            return answer({})
        if step == "GET lost":
            return answer({"lost": storage.LOST.get(account.number, [])})
        if step == "GET alarms":
            return answer(stored_alarms(account))
        if step == "GET mutes":
            return answer(stored_mutes(account))
        if snapshots_of := re.fullmatch(r"POST snapshots/([a-z0-9-]+)/finish", step):
            return self._finish(account.number, snapshots_of.group(1), body or {})
        if alarms := re.fullmatch(r"POST alarms/([a-z0-9-]+)(/edit)?", step):
            change = edit_alarm if alarms.group(2) else put_alarm
            return answer(change(account, alarms.group(1), body))
        return problem(404, f"{step}: there is no such control")

    async def _reset(self, number: str) -> Response:
        self.accounts.forget(number)
        await self.moto.run(forget_account, number)
        return answer({})

    async def _fire(self, account: Account, body: dict[str, Any]) -> Response:
        try:
            return answer(await (fire_rule if "rule" in body else fire)(account, self.moto, body))
        except (ValueError, KeyError) as wrong:
            return problem(400, f"fire: {type(wrong).__name__}: {wrong}")

    async def _rules(self, account: Account) -> Response:
        return answer(await self.moto.run(stored_rules, account.number))

    async def _finish(self, number: str, region: str, body: dict[str, Any]) -> Response:
        try:
            ended = await self.moto.run(finish, number, region, body.get("state", "completed"), body.get("ids"))
        except (ValueError, KeyError) as wrong:
            return problem(400, f"finish: {type(wrong).__name__}: {wrong}")
        return answer({"finished": ended})

    async def _seed(self, account: Account, body: dict[str, Any]) -> Response:
        account.opted_in.update(body.get("opted_in") or [])
        try:
            return answer({"regions": await self.moto.run(seed, account.number, body.get("regions") or {})})
        except Exception as wrong:  # moto's own checks raise errors of many types
            return problem(400, f"seed: {type(wrong).__name__}: {wrong}")


def check_options(body: dict[str, Any]) -> None:
    if set(body) - OPTIONS:
        raise ValueError(f"the options are {', '.join(sorted(OPTIONS))}")
    float(body.get("delay") or 0)
    for wanted in (body.get("mail", {}), *body.get("mail_in", {}).values()):
        check_settings(wanted)


def stored_schedules(account: Account) -> dict[str, Any]:
    """By region, what GetSchedule answers of every schedule, sorted by group and name."""
    stores = {region: store.schedules for region, store in sorted(account.timetables.items()) if store.schedules}
    return {region: [known[place] for place in sorted(known)] for region, known in stores.items()}


def sent_mails(account: Account) -> list[Mail]:
    """In the order in which they were taken."""
    return sorted(
        (mail for outbox in account.outboxes.values() for mail in outbox.mails), key=lambda mail: mail["time"]
    )


def answer(body: Any) -> Response:
    return Response(200, {"content-type": "application/json"}, json.dumps(body, default=plain).encode())


def problem(status: int, text: str) -> Response:
    return Response(status, {"content-type": "application/json"}, json.dumps({"error": text}).encode())


def shown(alarm: Alarm) -> dict[str, Any]:
    return {**alarm.fields, "Tags": alarm.tags}


def stored_alarms(account: Account) -> dict[str, Any]:
    stores = {region: store for region, store in sorted(account.alarms.items()) if store.alarms}
    return {region: [shown(store.alarms[name]) for name in store.names] for region, store in stores.items()}


def stored_mutes(account: Account) -> dict[str, Any]:
    """By region, what GetAlarmMuteRule answers of every mute rule, sorted by name, with tags."""
    stores = {region: store.mutes for region, store in sorted(account.alarms.items()) if store.mutes}
    return {
        region: [{**rules[name].whole(), "Tags": rules[name].tags} for name in sorted(rules)]
        for region, rules in stores.items()
    }


def tags_from(given: Any) -> dict[str, str]:
    """Tags as `{key: value}` or as AWS writes them."""
    if isinstance(given, dict):
        return dict(given)
    return {tag["Key"]: tag["Value"] for tag in given or []}


def check_fields(fields: dict[str, Any], composite: bool) -> None:
    unknown = set(fields) - (COMPOSITE_FIELDS if composite else ALARM_FIELDS) - STATE_FIELDS - {"Tags"}
    if unknown:
        raise ValueError(f"an alarm has no field {', '.join(sorted(unknown))}")


def put_alarm(account: Account, region: str, body: dict[str, Any]) -> dict[str, Any]:
    """As the console does: the same rules as PutMetricAlarm, but the tags (and a state) may be given at any time."""
    composite = "AlarmRule" in body
    check_fields(body, composite)
    store = account.store(region)
    params = {field: value for field, value in body.items() if field not in STATE_FIELDS and field != "Tags"}
    alarm = store.put_composite_alarm(params) if composite else store.put_metric_alarm(params)
    if "Tags" in body:
        alarm.tags = {}
        alarm.add_tags(tags_from(body["Tags"]))
    alarm.fields.update({field: body[field] for field in STATE_FIELDS if field in body})
    return shown(alarm)


def edit_alarm(account: Account, region: str, body: dict[str, Any]) -> dict[str, Any]:
    """Sets single fields of an alarm (null takes one away), or deletes it."""
    store, name = account.store(region), body["AlarmName"]
    if name not in store.alarms:
        raise ValueError(f"there is no alarm {name!r} in {region}")
    if body.get("delete"):
        store.delete([name])
        return {}
    alarm, wanted = store.alarms[name], dict(body.get("set") or {})
    check_fields(wanted, alarm.kind == COMPOSITE)
    if "AlarmName" in wanted:
        raise ValueError("the name of an alarm cannot be changed")
    if "Tags" in wanted:
        alarm.tags = {}
        alarm.add_tags(tags_from(wanted.pop("Tags")))
    if set(wanted) - STATE_FIELDS:
        alarm.fields["AlarmConfigurationUpdatedTimestamp"] = timestamp(time.time())
    for field, value in wanted.items():
        if value is None:
            alarm.fields.pop(field, None)
        else:
            alarm.fields[field] = float(value) if field == "Threshold" else value
    return shown(alarm)
