"""GetCostAndUsage of Cost Explorer, over what a test says was billed.

Sources: the API reference of GetCostAndUsage (the end is exclusive, at most two groups, filters by dimensions, And, Or, Not) and
of the type Expression. The wordings of refusals are inferred; "Start date … should be before end date" is from public issue threads.
"""

from __future__ import annotations

import base64
import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from calls import Call
from http_server import Response
from protocols import AwsError, json_answer

if TYPE_CHECKING:
    from accounts import Account

ENDPOINTS = ("us-east-1", "cn-northwest-1")
FIELDS = {
    "account": "LINKED_ACCOUNT", "service": "SERVICE", "region": "REGION", "usage_type": "USAGE_TYPE",
    "record_type": "RECORD_TYPE",
}  # fmt: skip
Line = dict[str, str]


def bill(account: Account, body: dict[str, Any]) -> dict[str, int]:
    """What a test orders: the lines of the bill, `day` and `amount` and the dimensions, and the size of a page."""
    for line in body["lines"]:
        unknown = set(line) - {"day", "amount", *FIELDS}
        if unknown:
            raise ValueError(f"a line of the bill: unknown field {', '.join(sorted(unknown))}")
    account.bill, account.bill_page = body["lines"], body.get("page") or 5000
    return {"lines": len(body["lines"])}


def answer(call: Call, account: Account) -> Response:
    if call.region not in ENDPOINTS or call.operation != "GetCostAndUsage":
        raise AwsError("InvalidAction", f"there is no {call.operation} in {call.region}", 400)
    params = call.params
    start, end = (day(params["TimePeriod"], name) for name in ("Start", "End"))
    if start >= end:
        raise invalid("Start date (and hour) should be before end date (and hour)")
    groups = [one["Key"] for one in params.get("GroupBy") or []]
    if len(groups) > 2:
        raise invalid("GroupBy takes at most 2 groups")
    if params.get("Granularity") != "MONTHLY" or not params.get("Metrics"):
        raise AwsError("NotImplemented", "the emulator's Cost Explorer answers by month, with metrics", 501)
    sums: dict[tuple[str, ...], Decimal] = {}
    for line in account.bill:
        facts = {FIELDS[name]: str(line[name]) for name in FIELDS if name in line}
        facts.setdefault("LINKED_ACCOUNT", call.account)
        facts.setdefault("RECORD_TYPE", "Usage")
        if start <= datetime.date.fromisoformat(line["day"]) < end and passes(facts, params.get("Filter")):
            keys = tuple(facts.get(key, f"No {key}") for key in groups)
            sums[keys] = sums.get(keys, Decimal(0)) + Decimal(line["amount"])
    first = page_start(params.get("NextPageToken"))
    shown = sorted(sums.items())[first : first + account.bill_page]
    period = {"Start": start.isoformat(), "End": end.isoformat()}
    found = [{"Keys": list(keys), "Metrics": metrics(params, amount)} for keys, amount in shown]
    body: dict[str, Any] = {
        "GroupDefinitions": params.get("GroupBy") or [],
        "ResultsByTime": [{"TimePeriod": period, "Total": {}, "Groups": found, "Estimated": True}],
        "DimensionValueAttributes": [],
    }
    if first + account.bill_page < len(sums):
        body["NextPageToken"] = base64.b64encode(f"from {first + account.bill_page}".encode()).decode()
    return json_answer(body)


def metrics(params: dict[str, Any], amount: Decimal) -> dict[str, dict[str, str]]:
    return {name: {"Amount": str(amount), "Unit": "USD"} for name in params["Metrics"]}


def passes(facts: dict[str, str], wanted: dict[str, Any] | None) -> bool:
    if not wanted:
        return True
    if len(wanted) != 1:
        raise invalid("Expression must have only one of its fields")
    if "And" in wanted:
        return all(passes(facts, one) for one in wanted["And"])
    if "Or" in wanted:
        return any(passes(facts, one) for one in wanted["Or"])
    if "Not" in wanted:
        return not passes(facts, wanted["Not"])
    if "Dimensions" not in wanted:
        raise AwsError("NotImplemented", "the emulator's Cost Explorer filters by dimensions", 501)
    return facts.get(wanted["Dimensions"]["Key"]) in wanted["Dimensions"]["Values"]


def page_start(token: str | None) -> int:
    return int(base64.b64decode(token).decode().removeprefix("from ")) if token else 0


def day(period: dict[str, str], name: str) -> datetime.date:
    try:
        return datetime.date.fromisoformat(period[name])
    except (KeyError, ValueError):
        raise invalid(f"{name} is not a day as yyyy-MM-dd") from None


def invalid(message: str) -> AwsError:
    return AwsError("ValidationException", message)
