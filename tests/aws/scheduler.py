"""EventBridge Scheduler: schedule groups, their tags, and schedules, with a store for each region of an account.

Sources: the EventBridge Scheduler API reference of every operation (patterns and bounds come from its model, which
botocore has), "Schedule types", "Using universal targets" (read-only actions are refused) and "Deleting a schedule
group" (DELETING until its schedules are gone) in its user guide; public issue threads for `Invalid Schedule
Expression` and for a start that lies in the past. Other wordings, the size of an input, the answers about the default group, and that a client token which
comes again is answered like the first time are inferred.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import schedule_expressions
from http_server import Request, Response
from protocols import AwsError, request_id
from service_models import service_model, service_names, violations

if TYPE_CHECKING:
    from accounts import Account
    from calls import Call

PAGE, MAX_INPUT, MAX_TAGS = 100, 256 * 1024, 50
DEFAULT = "default"
PAST = 5 * 60  # seconds that a start may lie in the past
UNIVERSAL = re.compile(r"arn:aws[a-z-]*:scheduler:::aws-sdk:([^:]*):([^:]*)")
UNKNOWN_ROLE = "The execution role you provide must allow AWS EventBridge Scheduler to assume the role."
READ_ONLY = (
    "get describe list poll receive search scan query select read lookup discover validate batchGet batchDescribe "
    "batchRead transactGet adminGet adminList testMigration retrieve testConnection translateDocument isAuthorized "
    "invokeModel"
).split()
SETTINGS = (
    "ActionAfterCompletion Description EndDate FlexibleTimeWindow KmsKeyArn ScheduleExpression "
    "ScheduleExpressionTimezone StartDate State Target"
).split()
SHOWN_OF_A_GROUP = ("Arn", "Name", "State", "CreationDate", "LastModificationDate")

# The paths of the operations; a list of schedules names its group differently from all the others.
PATHS = {"schedules": "Schedule", "schedule-groups": "ScheduleGroup"}
LISTS = {"schedules": "ListSchedules", "schedule-groups": "ListScheduleGroups"}
VERBS = {"POST": "Create", "PUT": "Update", "GET": "Get", "DELETE": "Delete"}
TAG_VERBS = {"POST": "TagResource", "GET": "ListTagsForResource", "DELETE": "UntagResource"}
QUERY_NAMES = {"ScheduleGroup": "GroupName", "groupName": "GroupName", "clientToken": "ClientToken"}


def read(request: Request) -> tuple[str, dict[str, Any]]:
    """The operation of a request, and its parameters from the path, the query and the body."""
    params: dict[str, Any] = json.loads(request.body) if request.body else {}
    for name, values in parse_qs(request.query).items():
        params[QUERY_NAMES.get(name, name)] = values if name == "TagKeys" else values[-1]
    if str(params.get("MaxResults", "")).isdigit():
        params["MaxResults"] = int(params["MaxResults"])
    _, kind, name = (request.path.rstrip("/") + "/").split("/", 2)
    name = name.rstrip("/")
    if kind == "tags":
        return TAG_VERBS.get(request.method, "Unknown"), {**params, "ResourceArn": name}
    if kind not in PATHS or request.method not in VERBS:
        return "Unknown", params
    if not name:
        return (LISTS[kind] if request.method == "GET" else "Unknown"), params
    return VERBS[request.method] + PATHS[kind], {**params, "Name": name}


class Timetable:
    """The schedule groups and the schedules of one region."""

    def __init__(self, account: str, region: str):
        self.prefix = f"arn:aws:scheduler:{region}:{account}"
        self.groups: dict[str, dict[str, Any]] = {}
        self.schedules: dict[tuple[str, str], dict[str, Any]] = {}  # by group and name
        self.tokens: dict[tuple[str, str, str], Any] = {}  # operation, name and token → what was asked
        self.add_group(DEFAULT, {})

    def add_group(self, name: str, tags: dict[str, str]) -> dict[str, Any]:
        now = time.time()
        arn = f"{self.prefix}:schedule-group/{name}"
        group = {"Arn": arn, "Name": name, "State": "ACTIVE", "CreationDate": now, "LastModificationDate": now}
        self.groups[name] = {**group, "tags": tags}
        return self.groups[name]

    def group(self, name: str) -> dict[str, Any]:
        """A group that is being deleted is found once more, and then it is gone."""
        found = self.groups.get(name)
        if found is None:
            raise missing(f"Schedule group {name} does not exist.")
        if found["State"] == "DELETING":
            del self.groups[name]
        return found

    def schedule(self, params: dict[str, Any]) -> dict[str, Any]:
        found = self.schedules.get(place(params))
        if found is None:
            raise missing(f"Schedule {params['Name']} does not exist.")
        return found

    def repeated(self, operation: str, params: dict[str, Any]) -> bool:
        """Whether the same call, with the same client token, was carried out before."""
        if "ClientToken" not in params:
            return False
        known = self.tokens.get((operation, params["Name"], params["ClientToken"]))
        if known is not None and known != params:
            raise conflict("The client token was used for another request.")
        return known is not None

    def remember(self, operation: str, params: dict[str, Any]) -> None:
        if "ClientToken" in params:
            self.tokens[(operation, params["Name"], params["ClientToken"])] = params


def place(params: dict[str, Any]) -> tuple[str, str]:
    return params.get("GroupName", DEFAULT), params["Name"]


def answer(call: Call, account: Account) -> Response:
    operation = OPERATIONS.get(call.operation)
    if operation is None:
        text = f"the emulator's Scheduler does not know {call.request.method} {call.request.path}"
        raise AwsError("NotImplemented", text, 501)
    wrong = violations(service_model("scheduler"), call.operation, call.params)
    if wrong:
        many = f"{len(wrong)} validation error{'s' if len(wrong) > 1 else ''} detected: "
        raise invalid(many + "; ".join(wrong))
    body = operation(account.timetable(call.region), call.params)
    headers = {"content-type": "application/json", "x-amzn-requestid": request_id()}
    return Response(200, headers, json.dumps(body).encode())


def create_group(store: Timetable, params: dict[str, Any]) -> dict[str, Any]:
    name = params["Name"]
    if name in store.groups:
        if store.repeated("CreateScheduleGroup", params):
            return {"ScheduleGroupArn": store.groups[name]["Arn"]}
        if store.group(name)["State"] == "DELETING":
            raise conflict(f"Schedule group {name} is being deleted.")
        raise conflict(f"Schedule group {name} already exists.")
    made = store.add_group(name, checked_tags({}, params.get("Tags") or []))
    store.remember("CreateScheduleGroup", params)
    return {"ScheduleGroupArn": made["Arn"]}


def get_group(store: Timetable, params: dict[str, Any]) -> dict[str, Any]:
    return shown_group(store.group(params["Name"]))


def shown_group(group: dict[str, Any]) -> dict[str, Any]:
    return {name: group[name] for name in SHOWN_OF_A_GROUP}


def list_groups(store: Timetable, params: dict[str, Any]) -> dict[str, Any]:
    prefix = params.get("NamePrefix", "")
    page, more = paged((name for name in store.groups if name.startswith(prefix)), params)
    return {"ScheduleGroups": [shown_group(store.group(name)) for name in page], **more}


def delete_group(store: Timetable, params: dict[str, Any]) -> dict[str, Any]:
    name = params["Name"]
    if name == DEFAULT:
        raise invalid("The default schedule group cannot be deleted.")
    if store.groups.get(name, {}).get("State") != "ACTIVE" and store.repeated("DeleteScheduleGroup", params):
        return {}
    group = store.group(name)
    if group["State"] == "DELETING":
        raise conflict(f"Schedule group {name} is being deleted.")
    mine = [one for one in store.schedules if one[0] == name]
    for one in mine:
        del store.schedules[one]
    if mine:
        group["State"] = "DELETING"
    else:
        del store.groups[name]
    store.remember("DeleteScheduleGroup", params)
    return {}


def create_schedule(store: Timetable, params: dict[str, Any]) -> dict[str, Any]:
    if place(params) in store.schedules:
        if store.repeated("CreateSchedule", params):
            return {"ScheduleArn": store.schedules[place(params)]["Arn"]}
        raise conflict(f"Schedule {params['Name']} already exists.")
    group, name = place(params)
    check_schedule(params)
    if store.group(group)["State"] == "DELETING":
        raise conflict(f"Schedule group {group} is being deleted.")
    now = time.time()
    fixed = {"Arn": f"{store.prefix}:schedule/{group}/{name}", "GroupName": group, "Name": name, "CreationDate": now}
    store.schedules[(group, name)] = {**fixed, "LastModificationDate": now, **settings(params)}
    store.remember("CreateSchedule", params)
    return {"ScheduleArn": fixed["Arn"]}


def update_schedule(store: Timetable, params: dict[str, Any]) -> dict[str, Any]:
    """Replaces the schedule: what is left out goes back to its default."""
    store.group(params.get("GroupName", DEFAULT))
    found = store.schedule(params)
    check_schedule(params)
    kept = {field: found[field] for field in ("Arn", "GroupName", "Name", "CreationDate")}
    store.schedules[place(params)] = {**kept, "LastModificationDate": time.time(), **settings(params)}
    return {"ScheduleArn": found["Arn"]}


def settings(params: dict[str, Any]) -> dict[str, Any]:
    defaults = {"ActionAfterCompletion": "NONE", "ScheduleExpressionTimezone": "UTC", "State": "ENABLED"}
    given = {field: params[field] for field in SETTINGS if params.get(field) is not None}
    retries = {"MaximumEventAgeInSeconds": 86400, "MaximumRetryAttempts": 185}
    target = {**params["Target"], "RetryPolicy": {**retries, **(params["Target"].get("RetryPolicy") or {})}}
    return {**defaults, **given, "Target": target}


def get_schedule(store: Timetable, params: dict[str, Any]) -> dict[str, Any]:
    return store.schedule(params)


def delete_schedule(store: Timetable, params: dict[str, Any]) -> dict[str, Any]:
    if place(params) not in store.schedules and store.repeated("DeleteSchedule", params):
        return {}
    store.schedule(params)
    del store.schedules[place(params)]
    store.remember("DeleteSchedule", params)
    return {}


def time_passes(store: Timetable, until: float) -> list[str]:
    """Deletes what has ended by then and is to be deleted after its completion. Nothing fires."""
    ended = [
        where
        for where, one in store.schedules.items()
        if one["ActionAfterCompletion"] == "DELETE" and one.get("EndDate") is not None and one["EndDate"] <= until
    ]
    for where in ended:
        del store.schedules[where]
    return sorted("/".join(where) for where in ended)


def list_schedules(store: Timetable, params: dict[str, Any]) -> dict[str, Any]:
    """A summary has neither the expression nor the zone, and of the target only the ARN."""
    group, prefix, state = params.get("GroupName"), params.get("NamePrefix", ""), params.get("State")
    if group is not None and group not in store.groups:
        raise missing(f"Schedule group {group} does not exist.")
    wanted = {
        "/".join(where): one
        for where, one in store.schedules.items()
        if group in (None, where[0]) and where[1].startswith(prefix) and state in (None, one["State"])
    }
    page, more = paged(wanted, params)
    return {"Schedules": [summary(wanted[key]) for key in page], **more}


def summary(schedule: dict[str, Any]) -> dict[str, Any]:
    shown = ("Arn", "CreationDate", "GroupName", "LastModificationDate", "Name", "State")
    return {**{name: schedule[name] for name in shown}, "Target": {"Arn": schedule["Target"]["Arn"]}}


def paged(keys: Iterable[str], params: dict[str, Any]) -> tuple[list[str], dict[str, str]]:
    """The token is the key that the page before ended with."""
    token, size = params.get("NextToken", ""), params.get("MaxResults", PAGE)
    if token and not token.startswith("after:"):
        raise invalid("Invalid NextToken")
    left = sorted(key for key in keys if key > token[len("after:") :])
    return left[:size], {"NextToken": f"after:{left[size - 1]}"} if len(left) > size else {}


def tag(store: Timetable, params: dict[str, Any]) -> dict[str, Any]:
    group = tagged(store, params)
    group["tags"] = checked_tags(group["tags"], params["Tags"])
    return {}


def untag(store: Timetable, params: dict[str, Any]) -> dict[str, Any]:
    group = tagged(store, params)
    group["tags"] = {key: value for key, value in group["tags"].items() if key not in params["TagKeys"]}
    return {}


def list_tags(store: Timetable, params: dict[str, Any]) -> dict[str, Any]:
    return {"Tags": [{"Key": key, "Value": value} for key, value in tagged(store, params)["tags"].items()]}


def tagged(store: Timetable, params: dict[str, Any]) -> dict[str, Any]:
    """Only groups have tags; the pattern has refused the ARN of a schedule."""
    arn = params["ResourceArn"]
    if not arn.startswith(f"{store.prefix}:"):
        raise missing(f"Resource {arn} does not exist.")
    return store.group(arn.rpartition("/")[2])


def checked_tags(before: dict[str, str], given: list[dict[str, str]]) -> dict[str, str]:
    after = {**before, **{one["Key"]: one["Value"] for one in given}}
    if any(one["Key"].lower().startswith("aws:") for one in given):
        raise invalid("Tag keys that begin with aws: are reserved for system use.")
    if len(after) > MAX_TAGS:
        raise AwsError("ServiceQuotaExceededException", f"A resource can have at most {MAX_TAGS} tags.", 402)
    return after


def check_schedule(params: dict[str, Any]) -> None:
    text = params["ScheduleExpression"]
    right = (schedule_expressions.is_cron(text), schedule_expressions.is_at(text))
    if not (any(right) or schedule_expressions.is_rate(text, exact=False)):
        raise invalid(f"Invalid Schedule Expression {text}.")
    zone = params.get("ScheduleExpressionTimezone", "UTC")
    if zone not in schedule_expressions.time_zones():
        raise invalid(f"Invalid ScheduleExpressionTimezone {zone}.")
    window = params["FlexibleTimeWindow"]
    if (window["Mode"] == "FLEXIBLE") != (window.get("MaximumWindowInMinutes") is not None):
        raise invalid("MaximumWindowInMinutes goes with a FlexibleTimeWindow of mode FLEXIBLE, and with no other.")
    if params.get("StartDate") and not right[1] and params["StartDate"] < time.time() - PAST:
        raise invalid("The StartDate you specify cannot be earlier than 5 minutes ago.")
    if params.get("EndDate") and params.get("StartDate") and params["EndDate"] <= params["StartDate"]:
        raise invalid("The EndDate must be after the StartDate.")
    check_target(params["Target"])


def check_target(target: dict[str, Any]) -> None:
    if not re.fullmatch(r"arn:[a-z-]+:[a-z0-9-]+:[a-z0-9-]*:\d*:.+", target["Arn"]):
        raise invalid("Provided Arn is not in correct format.")
    text = target.get("Input", "")
    if len(text.encode()) > MAX_INPUT:
        raise invalid(f"The Input must have at most {MAX_INPUT} bytes.")
    universal = UNIVERSAL.fullmatch(target["Arn"])
    if universal is None:
        return
    service, action = universal.groups()
    if not re.fullmatch(r"[a-z0-9]+", service):
        raise invalid(f"{service} is not a service that a universal target can call.")
    if re.match(rf"(?:{'|'.join(READ_ONLY)})(?![a-z])", action):
        raise invalid(f"The action {action} only reads: it is not supported as a target.")
    operations = service_model(service)["operations"] if service in service_names() else None
    name = action[:1].upper() + action[1:]
    if not action[:1].islower() or (operations is not None and name not in operations):
        raise invalid(f"{action} is not an action of {service}: it is written in camelCase.")
    try:
        right = isinstance(json.loads(text or "{}"), dict)
    except ValueError:
        right = False
    if not right:
        raise invalid("The Input of a universal target must be a well-formed JSON object.")


def invalid(text: str) -> AwsError:
    return AwsError("ValidationException", text)


def conflict(text: str) -> AwsError:
    return AwsError("ConflictException", text, 409)


def missing(text: str) -> AwsError:
    return AwsError("ResourceNotFoundException", text, 404)


OPERATIONS: dict[str, Callable[[Timetable, dict[str, Any]], dict[str, Any]]] = {
    "CreateSchedule": create_schedule,
    "CreateScheduleGroup": create_group,
    "DeleteSchedule": delete_schedule,
    "DeleteScheduleGroup": delete_group,
    "GetSchedule": get_schedule,
    "GetScheduleGroup": get_group,
    "ListScheduleGroups": list_groups,
    "ListSchedules": list_schedules,
    "ListTagsForResource": list_tags,
    "TagResource": tag,
    "UntagResource": untag,
    "UpdateSchedule": update_schedule,
}
