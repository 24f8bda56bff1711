"""EventBridge rules over moto's; runs in moto's thread.

Sources: the EventBridge API reference of the operations (patterns and bounds come from its model, which botocore has;
ten targets a request, five a rule; a rule that is put again loses what is left out, and its Tags count only when it is
new), its quotas (300 rules a bus), and public issue threads for the wording and for LimitExceededException, which
refuses a whole PutTargets. That a built-in target needs a role, and one of the older form takes none, is inferred from
public code. moto pages by 50, loses targets with the same ARN at a page's end, and takes a prefix for a pattern.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import schedule_expressions
from calls import Call
from http_server import Response
from protocols import AwsError, json_answer
from service_models import service_model, violations

PAGE, MAX_RULES, MAX_TARGETS, MAX_IN_A_REQUEST = 100, 300, 5, 10
BUILT_IN = re.compile(r"arn:aws[a-z-]*:events:[a-z0-9-]+:\d{12}:target/[a-z-]+")
OLDER = re.compile(r"arn:aws[a-z-]*:automation:[a-z0-9-]+:\d{12}:action/.+")
FUNCTION = re.compile(r"arn:aws[a-z-]*:lambda:")
TOO_MANY = "The requested resource exceeds the maximum number allowed."


def checked(operation: Callable[[Call, dict[str, Any]], Response | None]) -> Callable[[Call], Response | None]:
    """Refuses what AWS's model of the operation does not allow; leaves another bus than the default one to moto."""

    def carry_out(call: Call) -> Response | None:
        wrong = violations(service_model("events"), call.operation, call.params)
        if wrong:
            many = f"{len(wrong)} validation error{'s' if len(wrong) > 1 else ''} detected: "
            raise invalid(many + "; ".join(wrong))
        if call.params.get("EventBusName", "default").rpartition("/")[2] != "default":
            return None
        return operation(call, backend_of(call).event_buses["default"].rules)

    return carry_out


def backend_of(call: Call) -> Any:
    from moto.events.models import events_backends

    return events_backends[call.account][call.region]


def put_rule(call: Call, rules: dict[str, Any]) -> Response:
    params, name = call.params, call.params["Name"]
    text, pattern = params.get("ScheduleExpression"), params.get("EventPattern")
    if not text and not pattern:
        raise invalid("Parameter(s) EventPattern or ScheduleExpression must be specified.")
    if text and not (schedule_expressions.is_cron(text) or schedule_expressions.is_rate(text, exact=True)):
        raise invalid("Parameter ScheduleExpression is not valid.")
    if name not in rules and len(rules) >= MAX_RULES:
        raise AwsError("LimitExceededException", TOO_MANY)
    made = backend_of(call).put_rule(
        name,
        scheduled_expression=text,
        event_pattern=pattern,
        state=params.get("State"),
        description=params.get("Description"),
        role_arn=params.get("RoleArn"),
        tags=None if name in rules else params.get("Tags"),
    )
    return json_answer({"RuleArn": made.arn})


def list_rules(call: Call, rules: dict[str, Any]) -> Response:
    prefix = call.params.get("NamePrefix", "")
    page, more = paged([name for name in rules if name.startswith(prefix)], call.params)
    return json_answer({"Rules": [rules[name].describe() for name in page], **more})


def put_targets(call: Call, rules: dict[str, Any]) -> Response:
    targets = call.params["Targets"]
    if len(targets) > MAX_IN_A_REQUEST:
        text = f"Member must have length less than or equal to {MAX_IN_A_REQUEST}"
        raise invalid(f"1 validation error detected: Value at 'targets' failed to satisfy constraint: {text}")
    for target in targets:
        check_target(target)
    rule = rule_of(call, rules)
    if len({one["Id"] for one in rule.targets} | {one["Id"] for one in targets}) > MAX_TARGETS:
        raise AwsError("LimitExceededException", TOO_MANY)
    failing = call.options.get("failed_targets") or {}
    rule.put_targets([one for one in targets if one["Id"] not in failing])
    return entries([one["Id"] for one in targets], call)


def check_target(target: dict[str, Any]) -> None:
    arn = target["Arn"]
    if not re.fullmatch(r"arn:[a-z-]+:[a-z0-9-]+:[a-z0-9-]*:\d*:.+", arn):
        raise invalid(f"Parameter {arn} is not valid. Reason: Provided Arn is not in correct format.")
    if BUILT_IN.fullmatch(arn) and not target.get("RoleArn"):
        raise invalid(f"RoleArn is required for target {arn}.")
    if (OLDER.fullmatch(arn) or FUNCTION.match(arn)) and target.get("RoleArn"):
        raise invalid(f"RoleArn is not supported for target {arn}.")


def remove_targets(call: Call, rules: dict[str, Any]) -> Response:
    rule, failing = rule_of(call, rules), call.options.get("failed_targets") or {}
    rule.remove_targets([ident for ident in call.params["Ids"] if ident not in failing])
    return entries(call.params["Ids"], call)


def entries(ids: list[str], call: Call) -> Response:
    failing = call.options.get("failed_targets") or {}
    failed = [
        {"TargetId": ident, "ErrorCode": failing[ident], "ErrorMessage": "ordered by a test"}
        for ident in ids
        if ident in failing
    ]
    if call.options.get("unnamed_targets"):
        for entry in failed:
            del entry["TargetId"]
    return json_answer({"FailedEntryCount": len(failed), "FailedEntries": failed})


def list_targets(call: Call, rules: dict[str, Any]) -> Response:
    known = {one["Id"]: one for one in rule_of(call, rules).targets}
    page, more = paged(list(known), call.params)
    return json_answer({"Targets": [known[ident] for ident in page], **more})


def delete_rule(call: Call, rules: dict[str, Any]) -> None:
    """Moto refuses one that has targets, and lets one that is not there pass, as AWS does."""


def rule_of(call: Call, rules: dict[str, Any]) -> Any:
    name = call.params["Rule"]
    if name not in rules:
        raise AwsError("ResourceNotFoundException", f"Rule {name} does not exist on EventBus default.")
    return rules[name]


def rule_named(account: str, region: str, name: str) -> dict[str, Any]:
    """A rule of the default bus with its targets, for the control path; runs in moto's thread."""
    from moto.events.models import events_backends

    rules = events_backends[account][region].event_buses["default"].rules
    if name not in rules:
        raise ValueError(f"there is no rule {name} in {region}")
    return {**rules[name].describe(), "Targets": list(rules[name].targets)}


def stored_rules(account: str) -> dict[str, Any]:
    """By region, every rule of the default bus with targets and tags, sorted by name; runs in moto's thread."""
    from moto.events.models import events_backends

    found = {}
    for region, backend in sorted(events_backends[account].items()):
        rules, tags = backend.event_buses["default"].rules, backend.tagger.get_tag_dict_for_resource
        if rules:
            found[region] = [
                {**rule_named(account, region, name), "Tags": tags(rules[name].arn)} for name in sorted(rules)
            ]
    return found


def paged(keys: list[str], params: dict[str, Any]) -> tuple[list[str], dict[str, str]]:
    """The token is the key that the page before ended with."""
    token, size = params.get("NextToken", ""), params.get("Limit", PAGE)
    if token and not token.startswith("after:"):
        raise invalid("The NextToken is not valid.")
    left = sorted(key for key in keys if key > token[len("after:") :])
    return left[:size], {"NextToken": f"after:{left[size - 1]}"} if len(left) > size else {}


def invalid(text: str) -> AwsError:
    return AwsError("ValidationException", text)


OPERATIONS: dict[str, Callable[[Call], Response | None]] = {
    "DeleteRule": checked(delete_rule),
    "ListRules": checked(list_rules),
    "ListTargetsByRule": checked(list_targets),
    "PutRule": checked(put_rule),
    "PutTargets": checked(put_targets),
    "RemoveTargets": checked(remove_targets),
}
