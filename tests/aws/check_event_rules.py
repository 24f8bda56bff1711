"""Checks of EventBridge rules and their targets."""

from __future__ import annotations

import json
from typing import Any

from check_case import Case

ROLE = "arn:aws:iam::123456789012:role/ops"


class RulesCase(Case):
    def setUp(self) -> None:
        super().setUp()
        self.events = self.client("events")

    def target(self, number: int, **more: Any) -> dict[str, Any]:
        arn = f"arn:aws:events:us-east-1:{self.account}:target/create-snapshot"
        return {"Id": f"t-{number}", "Arn": arn, "RoleArn": ROLE, "Input": f'"vol-{number}"', **more}


class Rules(RulesCase):
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
        options = {"failed_targets": {"t-4": "InternalException"}, "unnamed_targets": True}
        self.control("POST", "options", options)
        told = put(Rule="r", Targets=six[3:5])
        self.assertEqual(told["FailedEntries"], [{"ErrorCode": "InternalException", "ErrorMessage": "ordered by a test"}])

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

    def test_the_tag_index_knows_rules(self) -> None:
        tags = [{"Key": "opsform:project", "Value": "p"}]
        made = self.events.put_rule(Name="r.1", ScheduleExpression="rate(1 day)", Tags=tags)["RuleArn"]
        self.events.put_rule(Name="r.2", ScheduleExpression="rate(1 day)")
        tagging = self.client("resourcegroupstaggingapi")
        filters = [{"Key": "opsform:project", "Values": ["p"]}]

        def found(**more: Any) -> list[str]:
            return [one["ResourceARN"] for one in tagging.get_resources(**more)["ResourceTagMappingList"]]

        self.assertEqual(found(ResourceTypeFilters=["events:rule"], TagFilters=filters), [made])
        self.assertEqual(found(ResourceARNList=[made, made[:-1] + "2"]), [made])
        self.assertEqual(found(ResourceTypeFilters=["cloudwatch:alarm"], TagFilters=filters), [])
        self.control("POST", "options", {"index_lags": True})
        self.assertEqual(found(ResourceTypeFilters=["events:rule"], TagFilters=filters), [])
        stored = self.control("GET", "rules")["us-east-1"]
        shown = [(one["Name"], one["Tags"]) for one in stored]
        self.assertEqual(shown, [("r.1", {"opsform:project": "p"}), ("r.2", {})])


class Fired(RulesCase):
    """Rules whose time has come."""

    def fire(self, *targets: dict[str, Any], **order: Any) -> list[dict[str, Any]]:
        self.events.put_rule(Name="r", ScheduleExpression="rate(1 day)", State=order.pop("state", "ENABLED"))
        known = [one["Id"] for one in self.events.list_targets_by_rule(Rule="r")["Targets"]]
        if known:
            self.events.remove_targets(Rule="r", Ids=known)
        self.events.put_targets(Rule="r", Targets=list(targets))
        told = self.control("POST", "fire", {"rule": "r", **order})
        return list(told["targets"])

    def runbook(self, name: str, **given: list[str]) -> dict[str, Any]:
        arn = f"arn:aws:ssm:us-east-1::automation-definition/{name}:$DEFAULT"
        return {"Id": name, "Arn": arn, "RoleArn": ROLE, "Input": json.dumps(given)}

    def test_built_in_targets(self) -> None:
        made = self.seed(instances=[{"count": 2}], volumes=[{}])
        ec2, at = self.client("ec2"), "2026-11-19T17:00:03Z"
        stop = f"arn:aws:events:us-east-1:{self.account}:target/stop-instance"
        volume, (first, second) = made["volumes"][0], made["instances"]
        told = self.fire(
            self.target(1, Input=json.dumps(volume)), self.target(2, Arn=stop, Input=json.dumps(first)), at=at
        )
        ended = [(one["target"], one["called"], one["status"]) for one in told]
        self.assertEqual(ended, [("t-1", "ec2:CreateSnapshot", 200), ("t-2", "ec2:StopInstances", 200)])
        (taken,) = ec2.describe_snapshots()["Snapshots"]
        shown = (taken["VolumeId"], taken.get("Tags", []), taken["StartTime"].isoformat())
        self.assertEqual(shown, (volume, [], "2026-11-19T17:00:03+00:00"))
        self.assertEqual(self.states(), {first: "stopped", second: "running"})
        (told,) = self.fire(self.target(1, Arn=stop, Input=json.dumps([first])))
        self.assertEqual((told["status"], told["code"]), (400, "ValidationException"))
        (told,) = self.fire(self.target(1, Arn=stop.replace("us-east-1", "eu-west-1"), Input=json.dumps(first)))
        self.assertEqual(told["code"], "ValidationException")

    def states(self) -> dict[str, str]:
        self.client("ec2").describe_instances()
        found = self.client("ec2").describe_instances()["Reservations"]
        return {one["InstanceId"]: one["State"]["Name"] for group in found for one in group["Instances"]}

    def test_runbooks(self) -> None:
        (ident,) = self.seed(instances=[{}], databases=[{"id": "a"}], clusters=[{"id": "c"}])["instances"]
        rds = self.client("rds")

        def databases() -> tuple[str, str]:
            rds.describe_db_instances()
            one, group = rds.describe_db_instances()["DBInstances"], rds.describe_db_clusters()["DBClusters"]
            return one[0]["DBInstanceStatus"], group[0]["Status"]

        told = self.fire(
            self.runbook("AWS-StopEC2Instance", InstanceId=[ident], AutomationAssumeRole=[ROLE]),
            self.runbook("AWS-StopRdsInstance", InstanceId=["a"]),
            self.runbook("AWS-StartStopAuroraCluster", ClusterName=["c"], Action=["Stop"]),
        )
        self.assertEqual([one["status"] for one in told], [200, 200, 200], told)
        self.assertEqual((self.states()[ident], *databases()), ("stopped", "stopped", "stopped"))
        told = self.fire(
            self.runbook("AWS-StartEC2Instance", InstanceId=[ident]),
            self.runbook("AWS-StartRdsInstance", InstanceId=["a"]),
            self.runbook("AWS-StartStopAuroraCluster", ClusterName=["c"], Action=["Start"]),
        )
        self.assertEqual([one["status"] for one in told], [200, 200, 200], told)
        self.assertEqual((self.states()[ident], databases()[1]), ("running", "available"))
        wrong = [
            self.runbook("AWS-StopEC2Instance", InstanceIds=[ident]),
            self.runbook("AWS-StartStopAuroraCluster", ClusterName=["c"]),
            self.runbook("AWS-StartStopAuroraCluster", ClusterName=["c"], Action=["stop"]),
            {**self.runbook("AWS-StopEC2Instance"), "Input": json.dumps({"InstanceId": ident})},
        ]
        for target in wrong:
            (one,) = self.fire(target)
            self.assertEqual((one["status"], one["code"]), (400, "ValidationException"), target)

    def test_rules_that_do_not_fire(self) -> None:
        for wrong in ({"state": "DISABLED"}, {"rule": "none"}):
            with self.assertRaisesRegex(AssertionError, "disabled|no rule"):
                self.fire(self.target(1), **wrong)
        unknown = self.target(1, Arn=f"arn:aws:sqs:us-east-1:{self.account}:queue")
        with self.assertRaisesRegex(AssertionError, "does not know how to fire"):
            self.fire(unknown)
