"""Checks of CloudWatch Logs, which is moto's with a few lessons."""

from __future__ import annotations

from check_case import Case

TAGS = {"opsform:project": "p"}


class LogGroups(Case):
    def test_a_group_and_its_tags(self) -> None:
        logs, name = self.client("logs"), "/aws/lambda/f"
        arn = f"arn:aws:logs:us-east-1:{self.account}:log-group:{name}"
        logs.create_log_group(logGroupName=name, tags=TAGS)
        logs.create_log_group(logGroupName=f"{name}-2")
        self.refused("ResourceAlreadyExistsException", logs.create_log_group, logGroupName=name)
        logs.put_retention_policy(logGroupName=name, retentionInDays=30)
        self.refused(
            "InvalidParameterException", logs.put_retention_policy, logGroupName=name, retentionInDays=31
        )
        (one,) = logs.describe_log_groups(logGroupNamePrefix=name, limit=1)["logGroups"]
        self.assertEqual((one["logGroupName"], one["retentionInDays"]), (name, 30))
        self.assertEqual(logs.list_tags_for_resource(resourceArn=arn)["tags"], TAGS)
        tagging = self.client("resourcegroupstaggingapi")
        found = tagging.get_resources(ResourceTypeFilters=["logs:log-group"])["ResourceTagMappingList"]
        self.assertEqual([one["ResourceARN"] for one in found], [arn])
        logs.delete_retention_policy(logGroupName=name)
        logs.tag_resource(resourceArn=arn, tags={"x": "y"})
        stored = self.control("GET", "log_groups")["us-east-1"]
        self.assertEqual(stored[0], {"Name": name, "Retention": None, "Tags": {**TAGS, "x": "y"}})
        logs.delete_log_group(logGroupName=name)
        self.refused("ResourceNotFoundException", logs.delete_log_group, logGroupName=name)
        self.refused("ResourceNotFoundException", logs.list_tags_for_resource, resourceArn=arn)
        self.refused("ResourceNotFoundException", logs.tag_resource, resourceArn=arn, tags={"x": "y"})
        logs.create_log_group(logGroupName=name)
        self.assertEqual(logs.list_tags_for_resource(resourceArn=arn)["tags"], {})

    def test_denials(self) -> None:
        self.control("POST", "faults", [{"kind": "denied", "service": "logs", "operation": "*"}])
        self.refused("AccessDeniedException", self.client("logs").describe_log_groups)
