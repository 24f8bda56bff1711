"""Checks of EventBridge Scheduler: groups, tags, schedules, and what is refused."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ConnectionClosedError
from check_case import Case
from schedule_expressions import is_at, is_cron, is_rate

ROLE = "arn:aws:iam::123456789012:role/ops"
SNAPSHOT = "arn:aws:scheduler:::aws-sdk:ec2:createSnapshot"


def schedule(**more: Any) -> dict[str, Any]:
    target = {"Arn": SNAPSHOT, "RoleArn": ROLE, "Input": '{"VolumeId": "vol-1"}', **more.pop("target", {})}
    wanted = {"ScheduleExpression": "cron(0 2 ? * MON-FRI *)", "FlexibleTimeWindow": {"Mode": "OFF"}, **more}
    return {"Target": {key: value for key, value in target.items() if value is not None}, **wanted}


class Schedules(Case):
    def setUp(self) -> None:
        super().setUp()
        self.scheduler = self.client("scheduler")

    def arn(self, rest: str) -> str:
        return f"arn:aws:scheduler:us-east-1:{self.account}:{rest}"

    def invalid(self, name: str = "s", **more: Any) -> str:
        return str(self.refused("ValidationException", self.scheduler.create_schedule, Name=name, **schedule(**more)))

    def test_groups_and_their_tags(self) -> None:
        make, arn = self.scheduler.create_schedule_group, self.arn("schedule-group/ops")
        for _ in range(2):
            made = make(Name="ops", Tags=[{"Key": "rule", "Value": "nightly"}], ClientToken="t")
            self.assertEqual(made["ScheduleGroupArn"], arn)
        self.refused("ConflictException", make, Name="ops")
        self.refused("ConflictException", make, Name="default")
        self.refused("ValidationException", make, Name="a b")
        names = [one["Name"] for one in self.scheduler.list_schedule_groups()["ScheduleGroups"]]
        self.assertEqual(names, ["default", "ops"])
        found = self.scheduler.list_schedule_groups(NamePrefix="o")["ScheduleGroups"]
        self.assertEqual([(one["Name"], one["State"]) for one in found], [("ops", "ACTIVE")])
        self.scheduler.tag_resource(ResourceArn=arn, Tags=[{"Key": "owner", "Value": "x"}])
        self.scheduler.untag_resource(ResourceArn=arn, TagKeys=["rule"])
        tags = self.scheduler.list_tags_for_resource(ResourceArn=arn)["Tags"]
        self.assertEqual(tags, [{"Key": "owner", "Value": "x"}])
        found = self.client("resourcegroupstaggingapi").get_resources(
            ResourceTypeFilters=["scheduler:schedule-group"], TagFilters=[{"Key": "owner"}]
        )
        self.assertEqual([one["ResourceARN"] for one in found["ResourceTagMappingList"]], [arn])
        self.scheduler.create_schedule(Name="s", GroupName="ops", **schedule())
        one = self.arn("schedule/ops/s")
        self.refused("ValidationException", self.scheduler.tag_resource, ResourceArn=one, Tags=[])
        gone = self.arn("schedule-group/none")
        self.refused("ResourceNotFoundException", self.scheduler.list_tags_for_resource, ResourceArn=gone)
        other = self.client("scheduler", "eu-west-1").list_schedule_groups()["ScheduleGroups"]
        self.assertEqual([one["Name"] for one in other], ["default"])

    def test_a_group_takes_its_schedules_with_it(self) -> None:
        self.scheduler.create_schedule_group(Name="ops")
        self.scheduler.create_schedule(Name="s", GroupName="ops", **schedule())
        self.scheduler.create_schedule(Name="s", **schedule())
        self.scheduler.delete_schedule_group(Name="ops")
        self.assertEqual([one["GroupName"] for one in self.scheduler.list_schedules()["Schedules"]], ["default"])
        self.assertEqual(self.scheduler.get_schedule_group(Name="ops")["State"], "DELETING")
        self.refused("ResourceNotFoundException", self.scheduler.get_schedule_group, Name="ops")
        self.refused("ResourceNotFoundException", self.scheduler.delete_schedule_group, Name="ops")
        self.refused("ValidationException", self.scheduler.delete_schedule_group, Name="default")
        self.refused("ResourceNotFoundException", self.scheduler.list_schedules, GroupName="ops")

    def test_a_schedule_is_replaced_as_a_whole(self) -> None:
        target = {"RetryPolicy": {"MaximumRetryAttempts": 1}}
        given = schedule(Description="x", ScheduleExpressionTimezone="Asia/Kolkata", State="DISABLED", target=target)
        made = self.scheduler.create_schedule(Name="s", StartDate=1800000000, **given)
        self.assertEqual(made["ScheduleArn"], self.arn("schedule/default/s"))
        found = self.scheduler.get_schedule(Name="s", GroupName="default")
        retries = {"MaximumEventAgeInSeconds": 86400, "MaximumRetryAttempts": 1}
        wanted = {**given, "Target": {**given["Target"], "RetryPolicy": retries}}
        self.assertEqual({name: found[name] for name in given}, wanted)
        self.assertEqual((found["ActionAfterCompletion"], found["StartDate"].timestamp()), ("NONE", 1800000000))
        self.scheduler.update_schedule(Name="s", **schedule(ScheduleExpression="rate(1 day)"))
        after = self.scheduler.get_schedule(Name="s")
        self.assertNotIn("Description", after)
        kept = (after["State"], after["ScheduleExpressionTimezone"], after["CreationDate"])
        self.assertEqual(kept, ("ENABLED", "UTC", found["CreationDate"]))
        self.refused("ResourceNotFoundException", self.scheduler.update_schedule, Name="none", **schedule())
        self.refused("ConflictException", self.scheduler.create_schedule, Name="s", **schedule())
        self.refused("ResourceNotFoundException", self.scheduler.create_schedule, Name="s", GroupName="x", **schedule())
        self.scheduler.delete_schedule(Name="s")
        self.refused("ResourceNotFoundException", self.scheduler.get_schedule, Name="s")
        self.refused("ResourceNotFoundException", self.scheduler.delete_schedule, Name="s")
        log = self.control("GET", "calls")["log"]
        entry = next(one for one in log if one["operation"] == "UpdateSchedule")
        self.assertEqual((entry["service"], entry["key"], entry["status"]), ("scheduler", "s", 200))

    def test_lists_are_paged_and_say_little(self) -> None:
        self.scheduler.create_schedule_group(Name="ops")
        for n in range(120):
            self.scheduler.create_schedule(Name=f"s-{n:03d}", GroupName="ops", **schedule())
        self.scheduler.create_schedule(Name="s-x", State="DISABLED", **schedule())
        first = self.scheduler.list_schedules(GroupName="ops")
        self.assertEqual(len(first["Schedules"]), 100)
        second = self.scheduler.list_schedules(GroupName="ops", NextToken=first["NextToken"])
        self.assertEqual((len(second["Schedules"]), "NextToken" in second), (20, False))
        told = {"Arn", "CreationDate", "GroupName", "LastModificationDate", "Name", "State", "Target"}
        self.assertEqual(set(first["Schedules"][0]), told)
        self.assertEqual(first["Schedules"][0]["Target"], {"Arn": SNAPSHOT})
        pager = self.scheduler.get_paginator("list_schedules")
        pages = pager.paginate(NamePrefix="s-", PaginationConfig={"PageSize": 50})
        self.assertEqual([len(page["Schedules"]) for page in pages], [50, 50, 21])
        off = self.scheduler.list_schedules(State="DISABLED")["Schedules"]
        self.assertEqual([one["Name"] for one in off], ["s-x"])
        self.refused("ValidationException", self.scheduler.list_schedules, MaxResults=101)

    def test_a_lost_answer_and_its_client_token(self) -> None:
        self.control("POST", "faults", [{"kind": "drop_after", "operation": "CreateSchedule", "key": "s", "times": 1}])
        with self.assertRaises(ConnectionClosedError):
            self.scheduler.create_schedule(Name="s", ClientToken="t-1", **schedule())
        self.scheduler.create_schedule(Name="s", ClientToken="t-1", **schedule())
        self.refused("ConflictException", self.scheduler.create_schedule, Name="s", ClientToken="t-2", **schedule())
        self.control("POST", "faults", [{"kind": "denied", "service": "scheduler", "operation": "*"}])
        self.refused("AccessDeniedException", self.scheduler.list_schedules)

    def test_schedules_that_are_refused(self) -> None:
        self.assertIn("'name'", self.invalid("a b"))
        self.invalid("n" * 65)
        self.assertIn("Invalid Schedule Expression", self.invalid(ScheduleExpression="cron(0 2 * * * *)"))
        self.invalid(ScheduleExpressionTimezone="Asia/Nowhere")
        self.invalid(FlexibleTimeWindow={"Mode": "FLEXIBLE"})
        self.invalid(FlexibleTimeWindow={"Mode": "OFF", "MaximumWindowInMinutes": 5})
        self.invalid(StartDate=1800000000, EndDate=1700000000)
        self.invalid(Description="d" * 513)
        targets: list[dict[str, Any]] = [
            {"RoleArn": "ops"}, {"Arn": "x"}, {"Input": "{"}, {"Input": "x" * 262145}, {"Input": "[]"},
            {"Arn": SNAPSHOT.replace("createSnapshot", "CreateSnapshot")},
            {"Arn": SNAPSHOT.replace("createSnapshot", "makeSnapshot")},
            {"Arn": SNAPSHOT.replace("createSnapshot", "describeSnapshots")},
            {"Arn": SNAPSHOT.replace("ec2", "EC2")},
            {"RetryPolicy": {"MaximumRetryAttempts": 186}},
        ]  # fmt: skip
        for target in targets:
            with self.subTest(str(target)[:60]):
                self.invalid(target=target)
        body = schedule(target={"Input": '{"Description": "' + "ä" * 130000 + '"}'})
        self.scheduler.create_schedule(Name="large", **body)

    def test_expressions(self) -> None:
        right = (
            "0 2 ? * MON-FRI *|0-15/1 8-8 ? * 2,3,4 *|*/15 0 1 JAN,7 ? 2026-2030|0 0 L * ? *|0 0 3W * ? *|"
            "0 9 ? * 6L *|0 9 ? * TUE#2 *|1/10 * * * ? *"
        )
        wrong = (
            "0 2 * * * *|0 2 ? * ? *|0 2 * * ?|60 2 * * ? *|*/60 * * * ? *|0 24 * * ? *|0 0 0 * ? *|0 0 32 * ? *|"
            "0 0 1 13 ? *|0 0 ? * 0 *|0 0 ? * 8 *|0 0 ? * 3#6 *|0 0 ? * 3#1,6#3 *|0 0 1,? * ? *|0 0 1 * ? 1969|"
            "-1 0 1 * ? *|0 0 1 * ? *, |1- 0 1 * ? *|? 0 1 * ? *|0 0 5L * ? *"
        )
        for text in right.split("|"):
            self.assertTrue(is_cron(f"cron({text})"), text)
        for text in wrong.split("|"):
            self.assertFalse(is_cron(f"cron({text})"), text)
        for text, exact, taken in (
            ("rate(1 hour)", True, True), ("rate(5 minutes)", True, True), ("rate(1 hours)", True, False),
            ("rate(1 hours)", False, True), ("rate(0 days)", False, False), ("rate(2 weeks)", False, False),
        ):  # fmt: skip
            self.assertEqual(is_rate(text, exact), taken, text)
        self.assertTrue(is_at("at(2026-12-31T23:59:00)"))
        self.assertFalse(is_at("at(2026-02-30T23:59:00)") or is_at("at(2026-12-31 23:59:00)"))

    def test_starts_and_ends(self) -> None:
        now = time.time()
        self.assertIn("earlier than 5 minutes ago", self.invalid(StartDate=now - 600))
        self.assertIn("must be after", self.invalid(StartDate=now + 600, EndDate=now + 300))
        dates = {"StartDate": now - 200, "EndDate": now + 3600, "ActionAfterCompletion": "DELETE"}
        self.scheduler.create_schedule(Name="part", **schedule(**dates))
        self.scheduler.create_schedule(Name="kept", **schedule(EndDate=now + 3600))
        self.scheduler.create_schedule(Name="later", **schedule(StartDate=now + 3600))
        with self.assertRaisesRegex(AssertionError, "has not begun"):
            self.control("POST", "fire", {"name": "later"})
        late = datetime.fromtimestamp(now + 4000, UTC).isoformat()
        with self.assertRaisesRegex(AssertionError, "has ended"):
            self.control("POST", "fire", {"name": "kept", "at": late})
        deleted = self.control("POST", "schedules/pass", {"until": late})["deleted"]
        self.assertEqual(deleted, {"us-east-1": ["default/part"]})
        past = {"name": "later", "set": {"StartDate": now - 600}}
        self.assertEqual(self.control("POST", "schedules/edit", past)["Name"], "later")
        names = [one["Name"] for one in self.scheduler.list_schedules()["Schedules"]]
        self.assertEqual(names, ["kept", "later"])
