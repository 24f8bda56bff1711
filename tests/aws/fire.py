"""Carries out a schedule as EventBridge Scheduler does when its time has come: for the control path.

Sources: "Using universal targets" and "Adding context attributes" in the EventBridge Scheduler user guide; AWS's own
service models, as botocore has them, for the parameters. The input is written in PascalCase as the SDK for Java names
the members, so a run of capitals has only its first one (`DbInstanceIdentifier`). Scheduler tells nobody why a call
failed: it goes to the dead-letter queue. Here the test is told.
"""

from __future__ import annotations

import json
import re
import time
import uuid
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import event_bus
from calls import Call
from http_server import Request
from protocols import AwsError
from scheduler import UNIVERSAL, delete_schedule
from service_models import service_model

if TYPE_CHECKING:
    from accounts import Account
    from moto_bridge import MotoBridge

ACTIONS = {
    "ec2": ("createSnapshot", "createSnapshots", "stopInstances", "startInstances"),
    "rds": ("stopDBInstance", "startDBInstance", "stopDBCluster", "startDBCluster"),
}
MESSAGE = re.compile(r"<Message>(.*?)</Message>", re.DOTALL)
CAPITALS = re.compile(r"[A-Z]{2,}(?=[A-Z][a-z]|$)")


async def fire(account: Account, moto: MotoBridge, order: dict[str, Any]) -> dict[str, Any]:
    """What was called, with which parameters, and how it ended."""
    region, place = order.get("region", "us-east-1"), (order.get("group", "default"), order["name"])
    store = account.timetable(region)
    schedule = store.schedules.get(place)
    if schedule is None:
        raise ValueError(f"there is no schedule {'/'.join(place)} in {region}")
    if schedule["State"] == "DISABLED":
        raise ValueError(f"the schedule {'/'.join(place)} is disabled")
    check_time(schedule, order)
    to_function = event_bus.FUNCTION.match(schedule["Target"]["Arn"])
    what = called(schedule["Target"]["Arn"]) if to_function is None else None
    given = json.loads(with_context(schedule, order))
    if schedule["ActionAfterCompletion"] == "DELETE" and schedule["ScheduleExpression"].startswith("at("):
        delete_schedule(store, {"GroupName": place[0], "Name": place[1]})
    if what is None:
        target = {"Arn": schedule["Target"]["Arn"]}
        return event_bus.deliver(account, "schedule", schedule["Arn"], target, given)
    return await carry_out(account, moto, region, what, given)


async def carry_out(
    account: Account, moto: MotoBridge, region: str, what: tuple[str, str], given: dict[str, Any]
) -> dict[str, Any]:
    """Calls an action, such as `stopInstances`, with parameters in PascalCase."""
    service, action = what
    operation = action[0].upper() + action[1:]
    told = {"called": f"{service}:{operation}", "input": given}
    try:
        request = to_request(account.number, region, service, operation, given)
    except AwsError as error:
        return {**told, "status": error.status, "code": error.code, "message": error.message}
    call = Call(request)
    call.options = account.options
    answer = await moto.answer(call)
    message = MESSAGE.search(answer.body.decode()) if answer.status != 200 else None
    return {
        **told,
        "status": answer.status,
        "code": answer.code,
        "message": message.group(1) if message is not None else None,
        "answer": answer.body.decode(),
    }


def check_time(schedule: dict[str, Any], order: dict[str, Any]) -> None:
    """A schedule fires from its start on, and up to its end."""
    at = datetime.fromisoformat(order["at"]).timestamp() if "at" in order else time.time()
    if at < (schedule.get("StartDate") or at):
        raise ValueError(f"the schedule {schedule['Name']} has not begun")
    if at > (schedule.get("EndDate") or at):
        raise ValueError(f"the schedule {schedule['Name']} has ended")


def called(arn: str) -> tuple[str, str]:
    matched = UNIVERSAL.fullmatch(arn)
    service, action = matched.groups() if matched is not None else ("", "")
    if action not in ACTIONS.get(service, ()):
        raise ValueError(f"the emulator does not know how to fire the target {arn}")
    return service, action


def with_context(schedule: dict[str, Any], order: dict[str, Any]) -> str:
    """The input, with the attributes that Scheduler fills in."""
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    text: str = schedule["Target"].get("Input") or "{}"
    for name, value in (
        ("schedule-arn", schedule["Arn"]),
        ("scheduled-time", order.get("at", now)),
        ("execution-id", str(uuid.uuid4())),
        ("attempt-number", "1"),
    ):
        text = text.replace(f"<aws.scheduler.{name}>", value)
    return text


def to_request(account: str, region: str, service: str, operation: str, given: dict[str, Any]) -> Request:
    """The call as a client of the service would send it."""
    from botocore.exceptions import ParamValidationError
    from botocore.model import ServiceModel
    from botocore.serialize import create_serializer
    from botocore.validate import validate_parameters

    model = ServiceModel(service_model(service), service)
    shape = model.operation_model(operation).input_shape
    wrong = list(unknown(shape, given, ""))
    if wrong:
        raise invalid(f"{operation} has no parameter {', '.join(wrong)}")
    params = renamed(shape, given)
    try:
        validate_parameters(params, shape)
    except ParamValidationError as problem:
        raise invalid(str(problem)) from None
    protocol = model.metadata["protocol"]
    body = create_serializer(protocol, include_validation=False).serialize_to_request(
        params, model.operation_model(operation)
    )["body"]
    scope = f"Credential=AKIA{account}SCHEDULER/20260101/{region}/{service}/aws4_request"
    headers = {"authorization": f"AWS4-HMAC-SHA256 {scope}", "content-type": "application/x-www-form-urlencoded"}
    return Request("POST", "/", headers, urlencode(body).encode())


def universal_name(member: str) -> str:
    """`DBInstanceIdentifier` is `DbInstanceIdentifier` in the input of a universal target."""
    return CAPITALS.sub(lambda found: found.group()[0] + found.group()[1:].lower(), member)


def members(shape: Any) -> dict[str, tuple[str, Any]]:
    return {universal_name(name): (name, member) for name, member in shape.members.items()}


def unknown(shape: Any, given: Any, where: str) -> Iterator[str]:
    """The parameters that the operation does not have; their case matters."""
    if shape.type_name == "structure" and isinstance(given, dict):
        known = members(shape)
        for name, value in given.items():
            if name not in known:
                yield where + name
            else:
                yield from unknown(known[name][1], value, f"{where}{name}.")
    elif shape.type_name == "list" and isinstance(given, list):
        for one in given:
            yield from unknown(shape.member, one, where)


def renamed(shape: Any, given: Any) -> Any:
    """The parameters under the names that the model has for them."""
    if shape.type_name == "structure" and isinstance(given, dict):
        known = members(shape)
        return {known[name][0]: renamed(known[name][1], value) for name, value in given.items()}
    if shape.type_name == "list" and isinstance(given, list):
        return [renamed(shape.member, one) for one in given]
    return given


def invalid(text: str) -> AwsError:
    return AwsError("ValidationException", text)
