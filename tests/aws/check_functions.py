"""Checks of Lambda functions, and of what they would be given."""

from __future__ import annotations

import base64
import hashlib
import http.client
import io
import json
import zipfile
from typing import Any

from check_case import Case
from check_roles import trust

NOTHING = {"Variables": {}}


def package(text: str = "#!/bin/sh\n") -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("bootstrap", text)
    return content.getvalue()


def sha(content: bytes) -> str:
    return base64.b64encode(hashlib.sha256(content).digest()).decode()


class FunctionCase(Case):
    def setUp(self) -> None:
        super().setUp()
        self.functions = self.client("lambda")
        self.role = f"arn:aws:iam::{self.account}:role/r"

    def make_role(self, service: str = "lambda.amazonaws.com") -> None:
        self.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument=trust(service))

    def wanted(self, **more: Any) -> dict[str, Any]:
        basic = {"FunctionName": "f", "Runtime": "provided.al2023", "Handler": "bootstrap", "Role": self.role}
        return {**basic, "Code": {"ZipFile": package()}, **more}

    def make(self, **more: Any) -> Any:
        made = self.functions.create_function(**self.wanted(**more))
        self.functions.get_function(FunctionName="f")
        return made


class Functions(FunctionCase):
    def test_a_function_from_its_first_day_to_its_last(self) -> None:
        self.make_role()
        made = self.make(Tags={"opsform:project": "p"}, Architectures=["arm64"])
        shown = (made["State"], made["CodeSha256"], made["Architectures"], made["FunctionArn"])
        arn = f"arn:aws:lambda:us-east-1:{self.account}:function:f"
        self.assertEqual(shown, ("Pending", sha(package()), ["arm64"], arn))
        got = self.functions.get_function(FunctionName="f")
        self.assertEqual((got["Configuration"]["State"], got["Tags"]), ("Active", {"opsform:project": "p"}))
        self.assertNotIn("Concurrency", got)
        self.functions.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=1)
        got = self.functions.get_function(FunctionName=arn)
        self.assertEqual(got["Concurrency"]["ReservedConcurrentExecutions"], 1)
        self.functions.delete_function_concurrency(FunctionName="f")
        self.functions.tag_resource(Resource=arn, Tags={"x": "y"})
        self.assertEqual(self.functions.list_tags(Resource=arn)["Tags"], {"opsform:project": "p", "x": "y"})
        self.functions.untag_resource(Resource=arn, TagKeys=["x"])
        tagging = self.client("resourcegroupstaggingapi")
        found = tagging.get_resources(ResourceTypeFilters=["lambda:function"])["ResourceTagMappingList"]
        self.assertEqual([one["ResourceARN"] for one in found], [arn])
        self.refused("ResourceConflictException", self.functions.create_function, **self.wanted())
        self.functions.delete_function(FunctionName="f")
        self.refused("ResourceNotFoundException", self.functions.get_function, FunctionName="f")
        self.refused("ResourceNotFoundException", self.functions.list_tags, Resource=arn)

    def test_a_function_that_is_busy_takes_no_change(self) -> None:
        self.make_role()
        self.control("POST", "options", {"slow_functions": 2})
        change = {"FunctionName": "f", "MemorySize": 256}
        self.functions.create_function(**self.wanted())
        for _ in range(2):
            error = self.refused("ResourceConflictException", self.functions.update_function_configuration, **change)
            self.assertIn("Pending", str(error))
            self.assertEqual(self.functions.get_function_configuration(FunctionName="f")["State"], "Pending")
        changed = self.functions.update_function_configuration(**change, DeadLetterConfig={"TargetArn": "arn:aws:sqs:us-east-1:1:q"})
        self.assertEqual((changed["State"], changed["LastUpdateStatus"]), ("Active", "InProgress"))
        new = package("new")
        error = self.refused(
            "ResourceConflictException", self.functions.update_function_code, FunctionName="f", ZipFile=new
        )
        self.assertIn(f"An update is in progress for resource: {changed['FunctionArn']}", str(error))
        for _ in range(2):
            self.functions.get_function(FunctionName="f")
        changed = self.functions.update_function_code(FunctionName="f", ZipFile=new, Architectures=["x86_64"])
        self.assertEqual(changed["CodeSha256"], sha(new))
        for _ in range(2):
            self.functions.get_function(FunctionName="f")
        removed = self.functions.update_function_configuration(
            FunctionName="f", DeadLetterConfig={"TargetArn": ""}, Environment=NOTHING
        )
        self.assertNotIn("DeadLetterConfig", removed)
        connection = http.client.HTTPConnection("127.0.0.1", self.emulator.port)
        connection.request("GET", f"/_control/{self.account}/functions/us-east-1/f/zip")
        self.assertEqual(connection.getresponse().read(), new)
        connection.close()

    def test_a_role_that_lambda_does_not_know(self) -> None:
        create = self.functions.create_function
        self.refused("InvalidParameterValueException", create, **self.wanted())
        self.control("POST", "options", {"role_lag": 2})
        self.make_role()
        for _ in range(2):
            error = self.refused("InvalidParameterValueException", create, **self.wanted())
        self.assertIn("cannot be assumed by Lambda", str(error))
        create(**self.wanted())

    def test_a_role_for_somebody_else(self) -> None:
        self.make_role("scheduler.amazonaws.com")
        self.refused("InvalidParameterValueException", self.functions.create_function, **self.wanted())

    def test_packages(self) -> None:
        self.make_role()
        create = self.functions.create_function
        self.refused("InvalidParameterValueException", create, **self.wanted(Code={"ZipFile": b"no zip"}))
        there = {"S3Bucket": "packages", "S3Key": "f.zip"}
        self.refused("InvalidParameterValueException", create, **self.wanted(Code=there))
        s3 = self.client("s3")
        s3.create_bucket(Bucket="packages")
        s3.put_object(Bucket="packages", Key="f.zip", Body=package("s3"))
        self.refused("ValidationException", create, **self.wanted(Timeout=901))
        self.assertEqual(create(**self.wanted(Code=there))["CodeSha256"], sha(package("s3")))

    def test_asynchronous_calls(self) -> None:
        self.make_role()
        self.make()
        one = {"FunctionName": "f"}
        self.refused("ResourceNotFoundException", self.functions.get_function_event_invoke_config, **one)
        self.functions.put_function_event_invoke_config(**one, MaximumRetryAttempts=0)
        got = self.functions.get_function_event_invoke_config(**one)
        self.assertEqual((got["MaximumRetryAttempts"], got["MaximumEventAgeInSeconds"]), (0, 21600))
        self.functions.delete_function_event_invoke_config(**one)
        self.refused("ResourceNotFoundException", self.functions.delete_function_event_invoke_config, **one)

    def test_statements(self) -> None:
        self.make_role()
        self.make()
        self.refused("ResourceNotFoundException", self.functions.get_policy, FunctionName="f")
        order = {"FunctionName": "f", "StatementId": "s", "Action": "lambda:InvokeFunction"}
        rule = f"arn:aws:events:us-east-1:{self.account}:rule/r"
        self.functions.add_permission(**order, Principal="events.amazonaws.com", SourceArn=rule)
        error = self.refused(
            "ResourceConflictException", self.functions.add_permission, **order, Principal="events.amazonaws.com"
        )
        self.assertIn("The statement id (s) provided already exists", str(error))
        policy = json.loads(self.functions.get_policy(FunctionName="f")["Policy"])
        (statement,) = policy["Statement"]
        shown = (statement["Sid"], statement["Principal"], statement["Condition"])
        wanted = ("s", {"Service": "events.amazonaws.com"}, {"ArnLike": {"AWS:SourceArn": rule}})
        self.assertEqual(shown, wanted)
        self.functions.remove_permission(FunctionName="f", StatementId="s")
        self.refused(
            "ResourceNotFoundException", self.functions.remove_permission, FunctionName="f", StatementId="s"
        )

    def test_denials(self) -> None:
        self.make_role()
        self.make(Tags={"a": "b"})
        self.control("POST", "options", {"no_function_tags": True})
        got = self.functions.get_function(FunctionName="f")
        self.assertEqual((got.get("Tags"), got["TagsError"]["ErrorCode"]), (None, "AccessDeniedException"))
        self.control("POST", "faults", [{"kind": "denied", "service": "lambda", "operation": "*"}])
        self.refused("AccessDeniedException", self.functions.get_function, FunctionName="f")
        log = self.control("GET", "calls")["log"]
        self.assertEqual((log[-1]["service"], log[-1]["operation"], log[-1]["key"]), ("lambda", "GetFunction", "f"))


class Events(FunctionCase):
    def setUp(self) -> None:
        super().setUp()
        self.make_role()
        self.arn = self.make()["FunctionArn"]
        self.events = self.client("events")

    def fired(self) -> list[dict[str, Any]]:
        told: list[dict[str, Any]] = self.control("GET", "fired")["fired"]
        self.control("POST", "fired/clear")
        return told

    def allow(self, rule: str) -> None:
        source = f"arn:aws:events:us-east-1:{self.account}:rule/{rule}"
        order = {"FunctionName": "f", "StatementId": rule, "Action": "lambda:InvokeFunction"}
        self.functions.add_permission(**order, Principal="events.amazonaws.com", SourceArn=source)

    def test_an_instance_that_stops(self) -> None:
        pattern = {"source": ["aws.ec2"], "detail": {"state": ["stopped", "terminated"]}}
        self.events.put_rule(Name="on", EventPattern=json.dumps(pattern))
        (rule,) = self.events.list_rules()["Rules"]
        self.assertEqual((json.loads(rule["EventPattern"]), rule.get("ScheduleExpression")), (pattern, None))
        target = {"Id": "f", "Arn": self.arn}
        with_role = {**target, "RoleArn": self.role}
        self.refused("ValidationException", self.events.put_targets, Rule="on", Targets=[with_role])
        self.events.put_targets(Rule="on", Targets=[target])
        first, second = self.seed(instances=[{"count": 2}])["instances"]
        ec2 = self.client("ec2")
        ec2.stop_instances(InstanceIds=[first])
        (refused,) = self.fired()
        self.assertEqual((refused["status"], refused["code"]), (403, "AccessDeniedException"))
        self.allow("on")
        ec2.stop_instances(InstanceIds=[first])  # it is stopped already
        ec2.start_instances(InstanceIds=[first])
        self.assertEqual(self.fired(), [])
        ec2.stop_instances(InstanceIds=[first, second])
        told = self.fired()
        self.assertEqual([one["event"]["detail"]["instance-id"] for one in told], [first, second])
        event = told[0]["event"]
        shown = (event["detail-type"], event["detail"]["state"], event["region"], told[0]["status"])
        self.assertEqual(shown, ("EC2 Instance State-change Notification", "stopped", "us-east-1", 202))
        self.assertEqual(event["resources"], [f"arn:aws:ec2:us-east-1:{self.account}:instance/{first}"])
        ec2.terminate_instances(InstanceIds=[second])
        self.assertEqual([one["event"]["detail"]["state"] for one in self.fired()], ["terminated"])
        self.events.put_rule(Name="on", EventPattern=json.dumps(pattern), State="DISABLED")
        self.control("POST", "events", {"event": event})
        self.assertEqual(self.fired(), [])

    def test_a_rule_whose_time_has_come(self) -> None:
        self.events.put_rule(Name="r", ScheduleExpression="rate(1 hour)")
        target = {"Id": "f", "Arn": self.arn}
        self.events.put_targets(Rule="r", Targets=[target, {**target, "Id": "g", "Input": '{"job": "x"}'}])
        self.allow("r")
        told = self.control("POST", "fire", {"rule": "r", "at": "2026-11-20T10:00:00Z"})["targets"]
        self.assertEqual([(one["target"], one["called"], one["status"]) for one in told], [("f", "lambda:Invoke", 202), ("g", "lambda:Invoke", 202)])
        plain, given = self.fired()
        self.assertEqual((plain["event"]["detail-type"], plain["event"]["time"]), ("Scheduled Event", "2026-11-20T10:00:00Z"))
        self.assertEqual((given["event"], given["function"], given["source"]), ({"job": "x"}, "f", "rule"))

    def test_a_template_has_the_event_in_it(self) -> None:
        self.events.put_rule(Name="r", ScheduleExpression="rate(1 hour)")
        template = '{"job":"x","event":<aws.events.event.json>}'
        target = {"Id": "f", "Arn": self.arn, "InputTransformer": {"InputTemplate": template}}
        self.events.put_targets(Rule="r", Targets=[target])
        (kept,) = self.events.list_targets_by_rule(Rule="r")["Targets"]
        self.assertEqual(kept["InputTransformer"], {"InputTemplate": template})
        self.allow("r")
        self.control("POST", "fire", {"rule": "r"})
        (given,) = self.fired()
        self.assertEqual((given["event"]["job"], given["event"]["event"]["detail-type"]), ("x", "Scheduled Event"))

    def test_a_schedule_whose_time_has_come(self) -> None:
        target = {"Arn": self.arn, "RoleArn": "arn:aws:iam::123456789012:role/x", "Input": '{"job": "x"}'}
        self.client("scheduler").create_schedule(
            Name="s", ScheduleExpression="rate(1 hour)", FlexibleTimeWindow={"Mode": "OFF"}, Target=target
        )
        told = self.control("POST", "fire", {"name": "s"})
        self.assertEqual((told["called"], told["input"], told["status"]), ("lambda:Invoke", {"job": "x"}, 202))
        self.functions.delete_function(FunctionName="f")
        self.control("POST", "fire", {"name": "s"})
        self.assertEqual([(one["status"], one["source"]) for one in self.fired()], [(202, "schedule"), (404, "schedule")])
