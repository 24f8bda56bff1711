"""Checks of alarm mute rules: what is put comes back, what AWS refuses is refused, and tags."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from check_case import Case

NIGHTS = {"Expression": "cron(0 19 * * MON-THU)", "Duration": "PT14H10M", "Timezone": "Asia/Seoul"}


class MuteRules(Case):
    def setUp(self) -> None:
        super().setUp()
        self.cloudwatch = self.client("cloudwatch")
        for name in ("a", "b: CPU"):
            metric = {"Namespace": "AWS/EC2", "MetricName": "CPUUtilization", "Statistic": "Average", "Period": 300}
            self.cloudwatch.put_metric_alarm(
                AlarmName=name,
                EvaluationPeriods=1,
                Threshold=1,
                ComparisonOperator="GreaterThanThreshold",
                **metric,
            )

    def put(self, name: str = "nights", schedule: dict[str, Any] | None = None, **more: Any) -> None:
        rule = {"Schedule": {**NIGHTS, **(schedule or {})}}
        targets = {"MuteTargets": {"AlarmNames": ["a", "b: CPU"]}, **more}
        self.cloudwatch.put_alarm_mute_rule(Name=name, Rule=rule, **targets)

    def test_what_is_put_comes_back(self) -> None:
        dates = {"StartDate": datetime(2027, 1, 1, 9, 30, 59, tzinfo=UTC), "ExpireDate": datetime(2027, 2, 1, tzinfo=UTC)}
        self.put(Description="x", Tags=[{"Key": "k", "Value": "v"}], **dates)
        found = self.cloudwatch.get_alarm_mute_rule(AlarmMuteRuleName="nights")
        arn = f"arn:aws:cloudwatch:us-east-1:{self.account}:alarm-mute-rule:nights"
        self.assertEqual((found["Name"], found["AlarmMuteRuleArn"], found["Description"]), ("nights", arn, "x"))
        self.assertEqual(found["Rule"]["Schedule"], NIGHTS)
        self.assertEqual(found["MuteTargets"]["AlarmNames"], ["a", "b: CPU"])
        self.assertEqual(found["StartDate"], datetime(2027, 1, 1, 9, 30, tzinfo=UTC))
        self.assertEqual((found["Status"], found["MuteType"]), ("SCHEDULED", "RECURRING"))
        # A second put replaces all but the tags.
        self.put(schedule={"Expression": "at(2026-12-24T19:00)"}, Tags=[{"Key": "other", "Value": "v"}])
        found = self.cloudwatch.get_alarm_mute_rule(AlarmMuteRuleName="nights")
        self.assertNotIn("ExpireDate", found)
        self.assertNotIn("Description", found)
        self.assertEqual(found["MuteType"], "ONE_TIME")
        self.cloudwatch.tag_resource(ResourceARN=arn, Tags=[{"Key": "l", "Value": "w"}])
        self.cloudwatch.untag_resource(ResourceARN=arn, TagKeys=["k"])
        tags = self.cloudwatch.list_tags_for_resource(ResourceARN=arn)["Tags"]
        self.assertEqual(tags, [{"Key": "l", "Value": "w"}])
        for _ in range(2):
            self.cloudwatch.delete_alarm_mute_rule(AlarmMuteRuleName="nights")
        gone = self.cloudwatch.get_alarm_mute_rule
        self.refused("ResourceNotFoundException", gone, AlarmMuteRuleName="nights")
        self.refused("ResourceNotFoundException", self.cloudwatch.list_tags_for_resource, ResourceARN=arn)

    def test_pages(self) -> None:
        for number in range(120):
            self.put(f"r-{number:03}", MuteTargets={"AlarmNames": ["a"]} if number % 2 else {"AlarmNames": ["b: CPU"]})
        first = self.cloudwatch.list_alarm_mute_rules(MaxRecords=100)
        rest = self.cloudwatch.list_alarm_mute_rules(MaxRecords=100, NextToken=first["NextToken"])
        arns = [one["AlarmMuteRuleArn"] for page in (first, rest) for one in page["AlarmMuteRuleSummaries"]]
        self.assertEqual([arn.rpartition(":")[2] for arn in arns], [f"r-{number:03}" for number in range(120)])
        self.assertEqual(len(self.cloudwatch.list_alarm_mute_rules()["AlarmMuteRuleSummaries"]), 50)
        of_one = self.cloudwatch.list_alarm_mute_rules(AlarmName="a", MaxRecords=100)
        self.assertEqual(len(of_one["AlarmMuteRuleSummaries"]), 60)
        self.refused("ValidationError", self.cloudwatch.list_alarm_mute_rules, MaxRecords=101)

    def test_what_aws_refuses_is_refused(self) -> None:
        for expression in (
            "cron(0 19 ? * MON *)",
            "cron(0 19 * * MON *)",
            "cron(0/5 19 * * *)",
            "cron(60 19 * * *)",
            "cron(0 19 * * FRI-MON)",
            "rate(1 day)",
            "at(2026-12-24T19:00:00)",
        ):
            with self.assertRaisesRegex(Exception, "Invalid schedule expression"):
                self.put(schedule={"Expression": expression})
        for duration in ("PT0M", "P15DT1M", "P", "PT", "2 hours", "P1W"):
            with self.assertRaisesRegex(Exception, "between PT1M and P15D"):
                self.put(schedule={"Duration": duration})
        self.put(schedule={"Duration": "P15D", "Expression": "cron(0,30 * 1-5 JAN,MAR *)"})
        with self.assertRaisesRegex(Exception, "Invalid time zone"):
            self.put(schedule={"Timezone": "Seoul"})
        with self.assertRaisesRegex(Exception, "do not exist"):
            self.put(MuteTargets={"AlarmNames": ["a", "none"]})
        with self.assertRaisesRegex(Exception, "100"):
            self.put(MuteTargets={"AlarmNames": ["a"] * 101})
        with self.assertRaisesRegex(Exception, "must be after"):
            self.put(StartDate=datetime(2027, 1, 2, tzinfo=UTC), ExpireDate=datetime(2027, 1, 1, tzinfo=UTC))
