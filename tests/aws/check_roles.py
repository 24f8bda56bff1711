"""Checks of IAM roles, which are moto's, and of what other services know of them."""

from __future__ import annotations

import json
from typing import Any

from check_case import Case


def trust(service: str) -> str:
    allow = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [allow]})


class Roles(Case):
    def test_a_role_and_its_policy(self) -> None:
        iam, policy = self.client("iam"), {"Version": "2012-10-17", "Statement": []}
        tags = [{"Key": "opsform:project", "Value": "p"}]
        made = iam.create_role(
            RoleName="r", AssumeRolePolicyDocument=trust("lambda.amazonaws.com"), Tags=tags, MaxSessionDuration=7200
        )["Role"]
        self.assertEqual(made["Arn"], f"arn:aws:iam::{self.account}:role/r")
        self.refused("EntityAlreadyExists", iam.create_role, RoleName="r", AssumeRolePolicyDocument=trust("x"))
        statement = {"Effect": "Allow", "Action": "ec2:StopInstances", "Resource": "*"}
        iam.put_role_policy(
            RoleName="r", PolicyName="opsform", PolicyDocument=json.dumps({**policy, "Statement": [statement]})
        )
        iam.update_role(RoleName="r", Description="x", MaxSessionDuration=3600)
        live = iam.get_role(RoleName="r")["Role"]
        shown = (live["Description"], live["MaxSessionDuration"], live["Tags"], live["Path"])
        self.assertEqual(shown, ("x", 3600, tags, "/"))
        self.assertEqual(live["AssumeRolePolicyDocument"], json.loads(trust("lambda.amazonaws.com")))
        self.assertEqual(iam.list_role_policies(RoleName="r")["PolicyNames"], ["opsform"])
        got = iam.get_role_policy(RoleName="r", PolicyName="opsform")["PolicyDocument"]
        self.assertEqual(got["Statement"], [statement])
        self.assertEqual(iam.list_attached_role_policies(RoleName="r")["AttachedPolicies"], [])
        self.refused("DeleteConflict", iam.delete_role, RoleName="r")
        (stored,) = self.control("GET", "roles")
        self.assertEqual((stored["Tags"], list(stored["Policies"])), ({"opsform:project": "p"}, ["opsform"]))
        iam.delete_role_policy(RoleName="r", PolicyName="opsform")
        iam.delete_role(RoleName="r")
        for call in (iam.get_role, iam.delete_role, iam.list_role_policies, iam.list_attached_role_policies):
            self.refused("NoSuchEntity", call, RoleName="r")
        self.refused("NoSuchEntity", iam.delete_role_policy, RoleName="r", PolicyName="opsform")
        log = self.control("GET", "calls")["log"]
        self.assertEqual((log[0]["service"], log[0]["operation"], log[0]["key"]), ("iam", "CreateRole", "r"))

    def test_the_tag_index_knows_no_roles(self) -> None:
        tags = [{"Key": "opsform:project", "Value": "p"}]
        self.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument=trust("x.amazonaws.com"), Tags=tags)
        self.assertEqual(self.client("resourcegroupstaggingapi").get_resources()["ResourceTagMappingList"], [])

    def test_denials(self) -> None:
        self.control("POST", "faults", [{"kind": "denied", "service": "iam", "operation": "*"}])
        self.refused("AccessDenied", self.client("iam").get_role, RoleName="r")

    def test_scheduler_looks_at_roles_that_there_are(self) -> None:
        iam, scheduler = self.client("iam"), self.client("scheduler")

        def put(name: str, role: str) -> dict[str, Any]:
            arn = f"arn:aws:lambda:us-east-1:{self.account}:function:f"
            target = {"Arn": arn, "RoleArn": f"arn:aws:iam::{self.account}:role/{role}"}
            every_day = {"ScheduleExpression": "rate(1 day)", "FlexibleTimeWindow": {"Mode": "OFF"}}
            return {"Name": name, "Target": target, **every_day}

        scheduler.create_schedule(**put("a", "unknown"))
        iam.create_role(RoleName="other", AssumeRolePolicyDocument=trust("lambda.amazonaws.com"))
        self.refused("ValidationException", scheduler.create_schedule, **put("b", "other"))
        self.control("POST", "options", {"role_lag": 1})
        iam.create_role(RoleName="new", AssumeRolePolicyDocument=trust("scheduler.amazonaws.com"))
        error = self.refused("ValidationException", scheduler.create_schedule, **put("b", "new"))
        self.assertIn("must allow AWS EventBridge Scheduler to assume the role", str(error))
        scheduler.create_schedule(**put("b", "new"))
