"""Checks of EventBridge rules and their targets."""

from __future__ import annotations

from typing import Any

from check_case import Case

ROLE = "arn:aws:iam::123456789012:role/ops"


class Rules(Case):
    def setUp(self) -> None:
        super().setUp()
        self.events = self.client("events")

    def target(self, number: int, **more: Any) -> dict[str, Any]:
        arn = f"arn:aws:events:us-east-1:{self.account}:target/create-snapshot"
        return {"Id": f"t-{number}", "Arn": arn, "RoleArn": ROLE, "Input": f'"vol-{number}"', **more}

    def test_a_rule_and_its_targets(self) -> None:
        put, tag = self.events.put_rule, {"Key": "rule", "Value": "nightly"}
        made = put(Name="r", ScheduleExpression="cron(0 2 * * ? *)", Description="x", Tags=[tag])
        self.assertEqual(made["RuleArn"], f"arn:aws:events:us-east-1:{self.account}:rule/r")
        told = self.events.put_targets(Rule="r", Targets=[self.target(n) for n in (1, 2, 3)])
        self.assertEqual((told["FailedEntryCount"], told["FailedEntries"]), (0, []))
        put(Name="r", ScheduleExpression="rate(1 day)", State="DISABLED", Tags=[{"Key": "late", "Value": "x"}])
        (one,) = self.events.list_rules(NamePrefix="r")["Rules"]
        shown = (one["ScheduleExpression"], one["State"], one.get("Description"))
        self.assertEqual(shown, ("rate(1 day)", "DISABLED", None))
        self.assertEqual(self.events.list_tags_for_resource(ResourceARN=made["RuleArn"])["Tags"], [tag])
        self.events.tag_resource(ResourceARN=made["RuleArn"], Tags=[{"Key": "owner", "Value": "x"}])
        self.assertEqual(len(self.events.list_tags_for_resource(ResourceARN=made["RuleArn"])["Tags"]), 2)
        self.assertEqual(self.targets(), [self.target(n) for n in (1, 2, 3)])
        self.refused("ValidationException", self.events.delete_rule, Name="r")
        self.events.remove_targets(Rule="r", Ids=["t-1", "t-2", "t-3", "none"])
        self.events.delete_rule(Name="r")
        self.assertEqual(self.events.list_rules()["Rules"], [])
        self.refused("ResourceNotFoundException", self.events.list_targets_by_rule, Rule="r")
        self.refused("ResourceNotFoundException", self.events.put_targets, Rule="r", Targets=[self.target(1)])
        log = [one for one in self.control("GET", "calls")["log"] if one["operation"] == "PutTargets"]
        self.assertEqual((log[0]["service"], log[0]["key"], log[0]["status"]), ("events", "r", 200))

    def targets(self, **more: Any) -> list[dict[str, Any]]:
        return list(self.events.list_targets_by_rule(Rule="r", **more)["Targets"])

    def test_limits_and_failed_entries(self) -> None:
        self.events.put_rule(Name="r", ScheduleExpression="rate(1 day)")
        put = self.events.put_targets
        six = [self.target(n) for n in range(6)]
        self.refused("LimitExceededException", put, Rule="r", Targets=six)
        self.assertEqual(self.targets(), [])
        put(Rule="r", Targets=six[:5])
        put(Rule="r", Targets=[self.target(0, Input='"other"')])
        self.refused("LimitExceededException", put, Rule="r", Targets=six[5:])
        self.assertEqual([one["Id"] for one in self.targets(Limit=2)], ["t-0", "t-1"])
        self.events.remove_targets(Rule="r", Ids=["t-3", "t-4"])
        self.control("POST", "options", {"failed_targets": {"t-4": "ConcurrentModificationException"}})
        told = put(Rule="r", Targets=six[3:5])
        self.assertEqual(told["FailedEntryCount"], 1)
        self.assertEqual(told["FailedEntries"][0]["TargetId"], "t-4")
        self.assertEqual([one["Id"] for one in self.targets()], ["t-0", "t-1", "t-2", "t-3"])

    def test_lists_are_paged(self) -> None:
        for n in range(300):
            self.events.put_rule(Name=f"r.{n:03d}", ScheduleExpression="rate(5 minutes)")
        self.refused("LimitExceededException", self.events.put_rule, Name="x", ScheduleExpression="rate(1 day)")
        first = self.events.list_rules()
        self.assertEqual(len(first["Rules"]), 100)
        pages = self.events.get_paginator("list_rules").paginate(NamePrefix="r.2")
        self.assertEqual([len(page["Rules"]) for page in pages], [100])
        last = self.events.list_rules(NextToken=self.events.list_rules(NextToken=first["NextToken"])["NextToken"])
        self.assertEqual((last["Rules"][-1]["Name"], "NextToken" in last), ("r.299", False))
        self.assertEqual(self.client("events", "eu-west-1").list_rules()["Rules"], [])

    def test_what_is_refused(self) -> None:
        put = self.events.put_rule
        for text in ("cron(0 2 * * * *)", "rate(1 days)", "at(2026-12-31T00:00:00)", "cron(0 2 * * ?)"):
            self.refused("ValidationException", put, Name="r", ScheduleExpression=text)
        self.refused("ValidationException", put, Name="a b", ScheduleExpression="rate(1 day)")
        self.refused("ValidationException", put, Name="n" * 65, ScheduleExpression="rate(1 day)")
        self.refused("ValidationException", put, Name="r")
        put(Name="r", ScheduleExpression="rate(1 day)")
        older = f"arn:aws:automation:us-east-1:{self.account}:action/EBSCreateSnapshot/EBSCreateSnapshot_r"
        without_role = {key: value for key, value in self.target(1).items() if key != "RoleArn"}
        wrong = [without_role, self.target(1, Arn=older), self.target(1, Arn="x"), self.target(1, Id="a b")]
        for target in wrong:
            self.refused("ValidationException", self.events.put_targets, Rule="r", Targets=[target])
        self.events.put_targets(Rule="r", Targets=[{**without_role, "Arn": older}])
        many = [self.target(n) for n in range(11)]
        self.refused("ValidationException", self.events.put_targets, Rule="r", Targets=many)
        self.control("POST", "faults", [{"kind": "denied", "service": "events", "operation": "*"}])
        self.refused("AccessDeniedException", self.events.list_rules)
