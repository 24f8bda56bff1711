"""Events on their way to Lambda functions: those of rules and schedules that fire, and those that rules wait for.

Sources: "Events from AWS services" and "Amazon EC2 instance state-change events" in the EventBridge and EC2 user guides;
"Scheduled event" in the Lambda developer guide; "Amazon EventBridge resource-based policies": a rule needs a statement in
the function's policy, a schedule the role that it names. Nothing runs: what a function would be given is noted.
"""

from __future__ import annotations

import fnmatch
import json
import re
import time
import uuid
from typing import TYPE_CHECKING, Any

from protocols import AwsError

if TYPE_CHECKING:
    from accounts import Account

FUNCTION = re.compile(r"arn:aws[a-z-]*:lambda:([a-z0-9-]+):(\d{12}):function:([A-Za-z0-9_-]+)")
STATE_CHANGE = "EC2 Instance State-change Notification"


def event_of(account: str, region: str, source: str, kind: str, arn: str, detail: Any, at: str | None = None) -> Any:
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": kind,
        "source": source,
        "account": account,
        "time": at or time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "region": region,
        "resources": [arn],
        "detail": detail,
    }


def state_change(account: str, region: str, ident: str, state: str) -> Any:
    arn = f"arn:aws:ec2:{region}:{account}:instance/{ident}"
    return event_of(account, region, "aws.ec2", STATE_CHANGE, arn, {"instance-id": ident, "state": state})


def deliver(account: Account, source: str, arn: str, target: dict[str, Any], event: Any) -> dict[str, Any]:
    """Notes what a function is given by a rule (or a schedule, which needs no statement), and how that ends."""
    matched = FUNCTION.match(target["Arn"])
    assert matched is not None
    region, _, name = matched.groups()
    given = given_by(target, event)
    told: dict[str, Any] = {"called": "lambda:Invoke", "input": given, "status": 202, "code": None, "message": None}
    try:
        one = account.functions(region).named(name)
        if ":rule/" in arn and not allows(one.statements, "events.amazonaws.com", arn):
            text = f"{arn} is not authorized to perform: lambda:InvokeFunction on {target['Arn']}"
            raise AwsError("AccessDeniedException", text, 403)
    except AwsError as error:
        told.update(status=error.status, code=error.code, message=error.message)
    account.fired.append(
        {"source": source, "arn": arn, "region": region, "function": name, "event": given, **told_of(told)}
    )
    return told


def given_by(target: dict[str, Any], event: Any) -> Any:
    """What a target makes of an event: its input, its template with the event in it, or the event ("Amazon EventBridge
    input transformation" in the user guide). Of the reserved variables only the whole event is known; it stands unquoted."""
    if target.get("Input") is not None:
        return json.loads(target["Input"])
    template = (target.get("InputTransformer") or {}).get("InputTemplate")
    if template is None:
        return event
    return json.loads(template.replace("<aws.events.event.json>", json.dumps(event)))


def told_of(told: dict[str, Any]) -> dict[str, Any]:
    return {name: told[name] for name in ("status", "code")}


def allows(statements: dict[str, dict[str, Any]], service: str, arn: str) -> bool:
    for one in statements.values():
        source = one.get("Condition", {}).get("ArnLike", {}).get("AWS:SourceArn")
        of_service = one["Principal"] == "*" or one["Principal"].get("Service") == service
        if of_service and one["Action"] == "lambda:InvokeFunction" and (not source or fnmatch.fnmatchcase(arn, source)):
            return True
    return False


def put_event(account: Account, region: str, event: Any) -> list[dict[str, Any]]:
    """Gives an event to every function that a rule of the default bus wants it for; runs in moto's thread."""
    from moto.events.models import events_backends

    told = []
    rules = events_backends[account.number][region].event_buses["default"].rules
    for name in sorted(rules):
        rule = rules[name]
        pattern = rule.event_pattern
        if rule.state == "DISABLED" or not pattern.get_pattern() or not pattern.matches_event(event):
            continue
        for target in rule.targets:
            if FUNCTION.match(target["Arn"]):
                told.append({"target": target["Id"], **deliver(account, "event", rule.arn, target, event)})
    return told
