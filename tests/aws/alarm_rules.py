"""What CloudWatch refuses of a PutMetricAlarm call.

Source: the API reference of PutMetricAlarm, and the constraints in the CloudWatch service model (2010-08-01).
Each rule that is broken is answered with `ValidationError`, the first one found. The messages follow AWS where public
reports quote them ("DatapointsToAlarm must be less than or equal to EvaluationPeriods"); otherwise they say the rule.
"""

from __future__ import annotations

import re
from typing import Any

from protocols import AwsError

ACTION_LISTS = ("OKActions", "AlarmActions", "InsufficientDataActions")
METRIC_FIELDS = ("MetricName", "Namespace", "Dimensions", "Period", "Unit", "Statistic", "ExtendedStatistic")
ALARM_FIELDS = frozenset(
    ("AlarmName", "AlarmDescription", "ActionsEnabled", *ACTION_LISTS, *METRIC_FIELDS, "EvaluationPeriods")
    + ("DatapointsToAlarm", "Threshold", "ComparisonOperator", "TreatMissingData", "EvaluateLowSampleCountPercentile")
    + ("Metrics", "ThresholdMetricId", "EvaluationWindow", "WarmUpConfiguration", "EvaluationCriteria")
    + ("EvaluationInterval", "ActionConfiguration")
)
COMPOSITE_FIELDS = frozenset(
    ("AlarmName", "AlarmDescription", "ActionsEnabled", *ACTION_LISTS, "AlarmRule", "ActionsSuppressor")
    + ("ActionsSuppressorWaitPeriod", "ActionsSuppressorExtensionPeriod", "ActionConfiguration")
)

BAND_OPERATORS = ("LessThanLowerOrGreaterThanUpperThreshold", "LessThanLowerThreshold", "GreaterThanUpperThreshold")
OPERATORS = (
    "GreaterThanOrEqualToThreshold",
    "GreaterThanThreshold",
    "LessThanThreshold",
    "LessThanOrEqualToThreshold",
    *BAND_OPERATORS,
)
STATISTICS = ("SampleCount", "Average", "Sum", "Minimum", "Maximum")
SIZES = (
    "Bytes",
    "Kilobytes",
    "Megabytes",
    "Gigabytes",
    "Terabytes",
    "Bits",
    "Kilobits",
    "Megabits",
    "Gigabits",
    "Terabits",
)
UNITS = (
    *("Seconds", "Microseconds", "Milliseconds", "Percent", "Count", "Count/Second", "None"),
    *SIZES,
    *(f"{size}/Second" for size in SIZES),
)
MISSING_DATA = ("breaching", "notBreaching", "ignore", "missing")
LOW_SAMPLES = ("evaluate", "ignore")
STATES = ("OK", "ALARM", "INSUFFICIENT_DATA")

NUMBER = r"\d+(?:\.\d{1,10})?"
PERCENTILE = r"(?:100(?:\.0{1,10})?|\d{1,2}(?:\.\d{1,10})?)"
EXTENDED_STATISTIC = re.compile(
    rf"(?:p|tm|tc|ts|wm){PERCENTILE}|IQM|PR\((?:{NUMBER})?:(?:{NUMBER})?\)"
    rf"|(?:TM|TC|TS|WM)\((?:(?:{PERCENTILE}%)?:(?:{PERCENTILE}%)?|(?:{NUMBER})?:(?:{NUMBER})?)\)"
)
METRIC_ID = re.compile(r"[a-z][a-zA-Z0-9_]*")
WEEK, DAY, HOUR = 604_800, 86_400, 3_600


def refuse(message: str) -> AwsError:
    return AwsError("ValidationError", message)


def constraint(value: Any, field: str, rule: str) -> AwsError:
    member = field[0].lower() + field[1:]
    text = (
        f"1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: Member must {rule}"
    )
    return refuse(text)


def check_length(value: Any, field: str, low: int, high: int) -> None:
    if not isinstance(value, str):
        raise AwsError("SerializationException", f"{field} must be a string")
    if len(value) < low:
        raise constraint(value, field, f"have length greater than or equal to {low}")
    if len(value) > high:
        raise constraint(value, field, f"have length less than or equal to {high}")


def check_enum(params: dict[str, Any], field: str, allowed: tuple[str, ...]) -> None:
    if field in params and params[field] not in allowed:
        raise constraint(params[field], field, f"satisfy enum value set: [{', '.join(allowed)}]")


def check_required(params: dict[str, Any], *fields: str) -> None:
    for field in fields:
        if params.get(field) is None:
            raise refuse(f"The parameter {field} is required for this alarm")


def check_name(params: dict[str, Any]) -> None:
    if "AlarmName" not in params:
        raise constraint("null", "AlarmName", "not be null")
    check_length(params["AlarmName"], "AlarmName", 1, 255)


def check_common(params: dict[str, Any]) -> None:
    """The rules that metric alarms and composite alarms share."""
    check_name(params)
    if "AlarmDescription" in params:
        check_length(params["AlarmDescription"], "AlarmDescription", 0, 1024)
    for field in ACTION_LISTS:
        actions = params.get(field, [])
        if len(actions) > 5:
            raise constraint(actions, field, "have length less than or equal to 5")
        for action in actions:
            check_length(action, field, 1, 1024)
            if not action.startswith("arn:"):
                raise refuse(f"Invalid arn syntax: {action}")
    check_tags(params.get("Tags", []))


def check_tags(tags: list[dict[str, str]]) -> None:
    if len(tags) > 50:
        raise refuse("An alarm can have at most 50 tags")
    for tag in tags:
        check_length(tag.get("Key"), "Key", 1, 128)
        check_length(tag.get("Value"), "Value", 0, 256)
        if tag["Key"].lower().startswith("aws:"):
            raise refuse("aws: prefixed tag key names are not allowed for external use.")
    if len({tag["Key"] for tag in tags}) < len(tags):
        raise refuse("Duplicate tag keys found")


def check_metric_alarm(params: dict[str, Any]) -> None:
    """Raises what AWS answers to a PutMetricAlarm call that it does not take."""
    check_common(params)
    sources = [field for field in ("MetricName", "Metrics", "EvaluationCriteria") if params.get(field)]
    if len(sources) != 1:
        raise refuse("Exactly one of MetricName, Metrics and EvaluationCriteria must be specified")
    check_enum(params, "TreatMissingData", MISSING_DATA)
    check_enum(params, "EvaluateLowSampleCountPercentile", LOW_SAMPLES)
    warm_up = params.get("WarmUpConfiguration")
    if warm_up is not None and not 1 <= warm_up.get("WarmUpPeriodDurationInMinutes", 0) <= 2880:
        raise refuse("WarmUpPeriodDurationInMinutes must be between 1 and 2880")
    if sources[0] == "EvaluationCriteria":
        check_criteria(params)
        return
    if "EvaluationInterval" in params:
        raise refuse("EvaluationInterval cannot be specified for alarms configured with MetricName or Metrics")
    check_required(params, "EvaluationPeriods", "ComparisonOperator")
    check_enum(params, "ComparisonOperator", OPERATORS)
    longest = check_metrics(params) if sources[0] == "Metrics" else check_metric(params)
    check_threshold(params)
    check_periods(params, longest)


def check_criteria(params: dict[str, Any]) -> None:
    """A PromQL alarm: everything that it evaluates is in the criteria."""
    others = (*METRIC_FIELDS, "Threshold", "ComparisonOperator", "ThresholdMetricId", "EvaluationPeriods")
    for field in (*others, "DatapointsToAlarm", "EvaluationWindow"):
        if field in params:
            raise refuse(f"{field} cannot be specified together with EvaluationCriteria")
    check_required(params, "EvaluationInterval")
    check_period(params["EvaluationInterval"], "EvaluationInterval")
    if params["EvaluationInterval"] > HOUR:
        raise constraint(params["EvaluationInterval"], "EvaluationInterval", f"have value less than or equal to {HOUR}")
    if not params["EvaluationCriteria"].get("PromQLCriteria", {}).get("Query"):
        raise refuse("PromQLCriteria needs a Query")


def check_metric(params: dict[str, Any]) -> int:
    """An alarm on one metric; gives its period."""
    check_required(params, "Namespace", "Period")
    check_length(params["MetricName"], "MetricName", 1, 255)
    check_length(params["Namespace"], "Namespace", 1, 255)
    if params["Namespace"].startswith(":"):
        raise constraint(params["Namespace"], "Namespace", "satisfy regular expression pattern: [^:].*")
    if ("Statistic" in params) == ("ExtendedStatistic" in params):
        raise refuse("Exactly one of Statistic and ExtendedStatistic must be specified")
    check_enum(params, "Statistic", STATISTICS)
    check_enum(params, "Unit", UNITS)
    extended = params.get("ExtendedStatistic")
    if extended is not None and not EXTENDED_STATISTIC.fullmatch(extended):
        raise refuse(f"The value {extended} for parameter ExtendedStatistic is not supported.")
    check_dimensions(params.get("Dimensions", []))
    period: int = params["Period"]
    check_period(period, "Period")
    return period


def check_dimensions(dimensions: list[dict[str, str]]) -> None:
    if len(dimensions) > 30:
        raise constraint(dimensions, "Dimensions", "have length less than or equal to 30")
    for dimension in dimensions:
        check_length(dimension.get("Name"), "Name", 1, 255)
        check_length(dimension.get("Value"), "Value", 1, 1024)


def check_metrics(params: dict[str, Any]) -> int:
    """An alarm on a list of metrics and expressions; gives the longest of their periods."""
    for field in METRIC_FIELDS:
        if field in params:
            raise refuse(f"{field} cannot be specified together with Metrics")
    queries, band = params["Metrics"], params.get("ThresholdMetricId")
    ids = [query.get("Id", "") for query in queries]
    for ident in ids:
        if not METRIC_ID.fullmatch(ident):
            raise refuse(f"Invalid metrics list: the id '{ident}' must start with a lower case letter")
    if len(set(ids)) < len(ids):
        raise refuse("Invalid metrics list: the ids must be unique")
    for query in queries:
        if ("MetricStat" in query) == ("Expression" in query):
            raise refuse("Invalid metrics list: each metric is either a MetricStat or an Expression")
        if "MetricStat" in query:
            check_period(query["MetricStat"].get("Period", 0), "Period")
    returned = [query for query in queries if query.get("ReturnData", True) and query["Id"] != band]
    if len(returned) != 1:
        raise refuse("Exactly one element of the metrics list should return data.")
    if band is not None and band not in ids:
        raise refuse(f"ThresholdMetricId {band} is not in the metrics list")
    periods = [query.get("MetricStat", query).get("Period") for query in queries]
    return max((period for period in periods if period), default=60)


def check_threshold(params: dict[str, Any]) -> None:
    on_band = "ThresholdMetricId" in params
    if on_band == ("Threshold" in params):
        raise refuse("Exactly one of Threshold and ThresholdMetricId must be specified")
    if on_band != (params["ComparisonOperator"] in BAND_OPERATORS):
        raise refuse(f"{params['ComparisonOperator']} does not go with this kind of threshold")


def check_period(period: int, field: str) -> None:
    if period < 1:
        raise constraint(period, field, "have value greater than or equal to 1")
    if period not in (10, 20, 30) and period % 60:
        raise refuse(f"{field} must be 10, 20, 30 or a multiple of 60")


def check_periods(params: dict[str, Any], period: int) -> None:
    evaluated = params["EvaluationPeriods"]
    if evaluated < 1:
        raise constraint(evaluated, "EvaluationPeriods", "have value greater than or equal to 1")
    points = params.get("DatapointsToAlarm")
    if points is not None and points < 1:
        raise constraint(points, "DatapointsToAlarm", "have value greater than or equal to 1")
    if points is not None and points > evaluated:
        raise refuse("DatapointsToAlarm must be less than or equal to EvaluationPeriods")
    limit, name = (DAY, "a day") if period < HOUR else (WEEK, "a week")
    if period * evaluated > limit:
        raise refuse(
            f"Metrics cannot be checked across more than {name} (EvaluationPeriods * Period must be <= {limit})."
        )
