"""Carries out an EventBridge rule as AWS does when its time has come: for the control path.

Sources: the built-in targets as public code writes them (Input is the JSON string of one id); the runbooks' own
descriptions in the Systems Manager Automation runbook reference (`AWS-StartEC2Instance`, `AWS-StopEC2Instance`,
`AWS-StartRdsInstance`, `AWS-StopRdsInstance`, `AWS-StartStopAuroraCluster`), whose parameters are lists of texts. A
built-in snapshot has no tags. EventBridge tells nobody why a target failed; here the test is told.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import event_bus
from event_rules import rule_named
from fire import carry_out
from protocols import AwsError
from seed_fields import moment

if TYPE_CHECKING:
    from accounts import Account
    from moto_bridge import MotoBridge

BUILT_IN = re.compile(r"arn:aws[a-z-]*:events:([a-z0-9-]+):(\d{12}):target/([a-z-]+)")
RUNBOOK = re.compile(r"arn:aws[a-z-]*:ssm:([a-z0-9-]+)::automation-definition/([A-Za-z0-9-]+)(?::\$DEFAULT)?")
SNAPSHOT = re.compile(r"<snapshotId>([^<]+)<")
# What a runbook calls, the parameter that names what it is about, and how the call names that.
RUNBOOKS = {
    "AWS-StartEC2Instance": ("ec2", "startInstances", "InstanceId", "InstanceIds"),
    "AWS-StopEC2Instance": ("ec2", "stopInstances", "InstanceId", "InstanceIds"),
    "AWS-StartRdsInstance": ("rds", "startDBInstance", "InstanceId", "DbInstanceIdentifier"),
    "AWS-StopRdsInstance": ("rds", "stopDBInstance", "InstanceId", "DbInstanceIdentifier"),
}
CLUSTERS = "AWS-StartStopAuroraCluster"

Call = tuple[tuple[str, str], dict[str, Any]]  # service and action, parameters


async def fire_rule(account: Account, moto: MotoBridge, order: dict[str, Any]) -> dict[str, Any]:
    """What each target called, with which parameters, and how it ended."""
    region = order.get("region", "us-east-1")
    rule = await moto.run(rule_named, account.number, region, order["rule"])
    if not rule.get("ScheduleExpression"):
        raise ValueError(f"the rule {order['rule']} waits for events: put one")
    if rule["State"] == "DISABLED":
        raise ValueError(f"the rule {order['rule']} is disabled")
    told = []
    for target in rule["Targets"]:
        if event_bus.FUNCTION.match(target["Arn"]):
            told.append({"target": target["Id"], **to_function(account, region, rule, target, order)})
            continue
        try:
            what, given = called(account.number, region, target)
        except AwsError as error:
            ended = {"status": error.status, "code": error.code, "message": error.message}
        else:
            ended = await carry_out(account, moto, region, what, given)
            if what[1] == "createSnapshot" and ended["status"] == 200 and "at" in order:
                ident = SNAPSHOT.search(ended["answer"])
                assert ident is not None
                await moto.run(set_start, account.number, region, ident.group(1), order["at"])
        told.append({"target": target["Id"], **ended})
    return {"targets": told}


def to_function(
    account: Account, region: str, rule: dict[str, Any], target: dict[str, Any], order: dict[str, Any]
) -> dict[str, Any]:
    given = (account.number, region, "aws.events", "Scheduled Event", rule["Arn"], {})
    event = event_bus.event_of(*given, at=order.get("at"))
    return event_bus.deliver(account, "rule", rule["Arn"], target, event)


def set_start(account: str, region: str, ident: str, at: str) -> None:
    """Runs in moto's thread."""
    from moto.ec2.models import ec2_backends

    ec2_backends[account][region].snapshots[ident].start_time = moment(at)


def called(account: str, region: str, target: dict[str, Any]) -> Call:
    if not target.get("RoleArn"):
        raise refused("the target has no role")
    given = json.loads(target.get("Input") or "null")
    if built_in := BUILT_IN.fullmatch(target["Arn"]):
        if built_in.groups()[:2] != (region, account):
            raise refused(f"{target['Arn']} is not of {account} in {region}")
        if not isinstance(given, str):
            raise refused(f"{target.get('Input')} is no JSON string of an id")
        if built_in.group(3) == "stop-instance":
            return ("ec2", "stopInstances"), {"InstanceIds": [given]}
        if built_in.group(3) == "create-snapshot":
            return ("ec2", "createSnapshot"), {"VolumeId": given}
    if (runbook := RUNBOOK.fullmatch(target["Arn"])) and runbook.group(1) == region:
        if runbook.group(2) == CLUSTERS:
            return of_cluster(given)
        if runbook.group(2) in RUNBOOKS:
            return of_instance(runbook.group(2), given)
    raise ValueError(f"the emulator does not know how to fire the target {target['Arn']}")


def of_instance(runbook: str, given: Any) -> Call:
    service, action, parameter, name = RUNBOOKS[runbook]
    ids = parameters(given, {parameter})[parameter]
    if service == "ec2":
        return (service, action), {name: ids}
    return (service, action), {name: single(ids)}


def of_cluster(given: Any) -> Call:
    read = parameters(given, {"ClusterName", "Action"})
    action = single(read["Action"])
    if action not in ("Start", "Stop"):
        raise refused(f"Action is {action!r}, and not Start or Stop")
    return ("rds", f"{action.lower()}DBCluster"), {"DbClusterIdentifier": single(read["ClusterName"])}


def parameters(given: Any, needed: set[str]) -> dict[str, list[str]]:
    """A runbook's parameters: lists of texts, those that it needs and the role that it may take on."""
    if not isinstance(given, dict) or not needed <= set(given) <= needed | {"AutomationAssumeRole"}:
        raise refused(f"the parameters are {given}, and not {', '.join(sorted(needed))}")
    for name, value in given.items():
        if not isinstance(value, list) or not value or not all(isinstance(one, str) for one in value):
            raise refused(f"{name} is no list of texts")
    return given


def single(texts: list[str]) -> str:
    if len(texts) != 1:
        raise refused(f"{texts} is more than one")
    return texts[0]


def refused(text: str) -> AwsError:
    return AwsError("ValidationException", text)
