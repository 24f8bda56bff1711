"""Checks of the services: what AWS does and what the emulator had to teach moto.

CloudWatch is checked in both protocols that it speaks; botocore chooses JSON by itself and is told to take CBOR.
"""

from __future__ import annotations

from typing import Any

from check_case import ACCOUNTS, ALARM, Case


class Alarms(Case):
    def setUp(self) -> None:
        super().setUp()
        self.cloudwatch = self.client("cloudwatch")

    def put(self, name: str, **more: Any) -> None:
        self.cloudwatch.put_metric_alarm(AlarmName=name, **{**ALARM, **more})

    def names(self, **params: Any) -> list[str]:
        return [alarm["AlarmName"] for alarm in self.cloudwatch.describe_alarms(**params)["MetricAlarms"]]

    def test_what_is_put_comes_back_whole(self) -> None:
        metrics = [
            {
                "Id": "m1",
                "ReturnData": False,
                "MetricStat": {"Metric": {"Namespace": "N", "MetricName": "M"}, "Period": 60, "Stat": "p99.9"},
            },
            {"Id": "e1", "Expression": "m1 * 2", "Label": "twice", "ReturnData": True},
        ]
        band = [{**metrics[0], "ReturnData": True}, {"Id": "ad1", "Expression": "ANOMALY_DETECTION_BAND(m1, 2)"}]
        rest = {"EvaluationPeriods": 2, "DatapointsToAlarm": 1, "TreatMissingData": "ignore", "AlarmDescription": "ä"}
        alarms: list[dict[str, Any]] = [
            {
                **ALARM,
                "Unit": "Percent",
                "WarmUpConfiguration": {"WarmUpPeriodDurationInMinutes": 5},
                "ActionsEnabled": False,
            },
            {"Metrics": metrics, "Threshold": 1.5, "ComparisonOperator": "LessThanThreshold", **rest},
            {"Metrics": band, "ThresholdMetricId": "ad1", "ComparisonOperator": "GreaterThanUpperThreshold", **rest},
            {
                "EvaluationCriteria": {"PromQLCriteria": {"Query": "up == 0", "PendingPeriod": 60}},
                "EvaluationInterval": 60,
            },
            {
                **{k: v for k, v in ALARM.items() if k != "Statistic"},
                "ExtendedStatistic": "p95",
                "EvaluateLowSampleCountPercentile": "ignore",
            },
            {
                **ALARM,
                "EvaluationWindow": {"SlidingWindow": {}},
                "ActionConfiguration": {"AlarmTagsPropagation": {"Enabled": True}},
            },
        ]
        for number, alarm in enumerate(alarms):
            self.cloudwatch.put_metric_alarm(AlarmName=f"a{number}", **alarm)
        for number, alarm in enumerate(self.cloudwatch.describe_alarms()["MetricAlarms"]):
            for field, value in alarms[number].items():
                self.assertEqual(alarm[field], value)
            self.assertEqual(alarm["StateValue"], "OK" if number == 3 else "INSUFFICIENT_DATA")
            self.assertEqual(alarm["AlarmArn"], f"arn:aws:cloudwatch:us-east-1:{self.account}:alarm:a{number}")
            self.assertEqual(alarm["ActionsEnabled"], number != 0)

    def test_put_overwrites_all_but_state_and_tags(self) -> None:
        self.put("a", AlarmDescription="old", Tags=[{"Key": "k", "Value": "1"}])
        self.cloudwatch.set_alarm_state(AlarmName="a", StateValue="ALARM", StateReason="test")
        self.put("a", Threshold=5.0, Tags=[{"Key": "k", "Value": "2"}])
        alarm = self.cloudwatch.describe_alarms()["MetricAlarms"][0]
        self.assertEqual((alarm["Threshold"], alarm["StateValue"], "AlarmDescription" in alarm), (5.0, "ALARM", False))
        tags = self.cloudwatch.list_tags_for_resource(ResourceARN=alarm["AlarmArn"])["Tags"]
        self.assertEqual(tags, [{"Key": "k", "Value": "1"}])

    def test_what_aws_refuses_is_refused(self) -> None:
        wrong = [
            {"Period": 45},
            {"EvaluationPeriods": 289},
            {"Period": 3600, "EvaluationPeriods": 169},
            {"DatapointsToAlarm": 4},
            {"ExtendedStatistic": "p95"},
            {"Metrics": [{"Id": "e1", "Expression": "1"}]},
            {"ComparisonOperator": "Above"},
            {"AlarmActions": [f"arn:aws:sns:us-east-1:1:{n}" for n in range(6)]},
            {"TreatMissingData": "skip"},
            {"EvaluationInterval": 60},
        ]
        for more in wrong:
            with self.subTest(more):
                self.refused("ValidationError", self.put, name="a", **more)
        self.refused("ValidationError", self.put, name="n" * 256)
        without = {field: value for field, value in ALARM.items() if field != "Threshold"}
        self.refused("ValidationError", self.cloudwatch.put_metric_alarm, AlarmName="a", **without)
        for statistic in ("p0.0", "p100", "p99.99", "tm90", "IQM", "TM(10%:90%)", "PR(10:200)"):
            self.put("a", **{"Statistic": "Average"})
            fields = {field: value for field, value in ALARM.items() if field != "Statistic"}
            self.cloudwatch.put_metric_alarm(AlarmName="a", ExtendedStatistic=statistic, **fields)

    def test_pages_names_and_prefixes(self) -> None:
        for number in range(120):
            self.put(f"a{number:03d}")
        self.put("b")
        first = self.cloudwatch.describe_alarms()
        self.assertEqual((len(first["MetricAlarms"]), "NextToken" in first), (50, True))
        pages = self.cloudwatch.get_paginator("describe_alarms").paginate(PaginationConfig={"PageSize": 100})
        self.assertEqual([len(page["MetricAlarms"]) for page in pages], [100, 21])
        self.assertEqual(self.names(AlarmNamePrefix="a11", MaxRecords=5), [f"a11{n}" for n in range(5)])
        self.assertEqual(self.names(AlarmNames=["b", "zz", "a000"]), ["a000", "b"])
        self.refused("ValidationError", self.cloudwatch.describe_alarms, AlarmNames=["x"] * 101)
        self.refused("ValidationError", self.cloudwatch.describe_alarms, MaxRecords=101)
        self.refused("InvalidNextToken", self.cloudwatch.describe_alarms, NextToken="no")

    def test_one_missing_name_fails_the_whole_delete(self) -> None:
        self.put("a")
        self.refused("ResourceNotFound", self.cloudwatch.delete_alarms, AlarmNames=["a", "gone"])
        self.assertEqual(self.names(), ["a"])
        self.refused("ValidationError", self.cloudwatch.delete_alarms, AlarmNames=["a"] * 101)
        self.cloudwatch.put_composite_alarm(AlarmName="c", AlarmRule='ALARM("a") OR OK(b)')
        self.refused("ValidationError", self.cloudwatch.delete_alarms, AlarmNames=["a"])
        self.cloudwatch.delete_alarms(AlarmNames=["c", "a"])
        self.assertEqual(self.names(), [])
        self.put("a")
        self.control("POST", "options", {"delete_skips_missing": True})
        self.cloudwatch.delete_alarms(AlarmNames=["gone", "a"])
        self.assertEqual(self.names(), [])

    def test_composite_alarms_are_shown_when_asked(self) -> None:
        self.cloudwatch.put_composite_alarm(AlarmName="c", AlarmRule="ALARM(a)")
        self.put("a")
        self.assertEqual(self.cloudwatch.describe_alarms()["CompositeAlarms"], [])
        both = self.cloudwatch.describe_alarms(AlarmTypes=["CompositeAlarm", "MetricAlarm"])
        self.assertEqual((both["CompositeAlarms"][0]["AlarmRule"], len(both["MetricAlarms"])), ("ALARM(a)", 1))

    def test_tags_and_switches(self) -> None:
        self.put("a:b")
        arn = f"arn:aws:cloudwatch:us-east-1:{self.account}:alarm:a:b"
        self.cloudwatch.tag_resource(ResourceARN=arn, Tags=[{"Key": "k", "Value": "v"}, {"Key": "l", "Value": ""}])
        self.cloudwatch.untag_resource(ResourceARN=arn, TagKeys=["k"])
        self.assertEqual(self.cloudwatch.list_tags_for_resource(ResourceARN=arn)["Tags"], [{"Key": "l", "Value": ""}])
        self.refused("ResourceNotFoundException", self.cloudwatch.tag_resource, ResourceARN=arn + "x", Tags=[])
        self.cloudwatch.disable_alarm_actions(AlarmNames=["a:b", "gone"])
        self.assertIs(self.cloudwatch.describe_alarms()["MetricAlarms"][0]["ActionsEnabled"], False)
        self.cloudwatch.enable_alarm_actions(AlarmNames=["a:b"])
        self.assertIs(self.cloudwatch.describe_alarms()["MetricAlarms"][0]["ActionsEnabled"], True)

    def test_metrics_are_motos(self) -> None:
        dimensions = [{"Name": "InstanceId", "Value": "i-1"}]
        self.cloudwatch.put_metric_data(
            Namespace="N", MetricData=[{"MetricName": "m", "Value": 1.5, "Dimensions": dimensions}]
        )
        found = self.cloudwatch.list_metrics(Namespace="N")["Metrics"]
        self.assertEqual(found, [{"Namespace": "N", "MetricName": "m", "Dimensions": dimensions}])

    def test_faults_in_this_protocol(self) -> None:
        self.control(
            "POST",
            "faults",
            [
                {
                    "operation": "PutMetricAlarm",
                    "key": "b",
                    "kind": "error",
                    "code": "AccessDenied",
                    "status": 403,
                    "message": "no",
                }
            ],
        )
        self.put("a")
        refused = self.refused("AccessDenied", self.put, name="b")
        self.assertEqual(refused.response["ResponseMetadata"]["HTTPStatusCode"], 403)
        self.assertEqual(self.names(), ["a"])
        log = self.control("GET", "calls")["log"]
        self.assertEqual(
            [(e["n"], e["key"], e["status"], e["code"]) for e in log[:2]],
            [(1, "a", 200, None), (2, "b", 403, "AccessDenied")],
        )


class AlarmsOverCbor(Alarms):
    protocol = "cbor"

    def test_the_protocol_is_cbor(self) -> None:
        headers = self.cloudwatch.describe_alarms()["ResponseMetadata"]["HTTPHeaders"]
        self.assertEqual((headers["content-type"], headers["smithy-protocol"]), ("application/cbor", "rpc-v2-cbor"))


class Fleet(Case):
    def test_instances_are_paged_and_filtered(self) -> None:
        kinds = [
            {"name": "web", "tags": {"env": "prod*"}, "count": 1000},
            {"name": None, "tags": {}, "state": "stopped", "count": 2},
            {"name": "Web <&> 2", "tags": {"env": "dev"}, "state": "terminated"},
        ]
        ids = self.seed(instances=kinds)["instances"]
        ec2 = self.client("ec2")

        def found(**params: Any) -> list[str]:
            pages = ec2.get_paginator("describe_instances").paginate(**params)
            return [one["InstanceId"] for page in pages for group in page["Reservations"] for one in group["Instances"]]

        self.assertEqual(found(), ids)
        self.assertEqual(found(PaginationConfig={"PageSize": 300}), ids)
        page = ec2.describe_instances(MaxResults=1000)
        self.assertEqual(sum(len(group["Instances"]) for group in page["Reservations"]), 1000)
        matches = [("tag:Name", ["w*"], 1000), ("tag:Name", ["?eb", "Web*2"], 1001), ("tag:env", ["prod\\*"], 1000)]
        matches += [("tag:env", ["x\\*"], 0), ("tag-key", ["env"], 1001), ("instance-state-name", ["stopped"], 2)]
        matches += [("instance-id", [ids[5], ids[-1]], 2), ("tag:Name", ["WEB"], 0)]
        for name, values, count in matches:
            with self.subTest(name=name, values=values):
                self.assertEqual(len(found(Filters=[{"Name": name, "Values": values}])), count)
        self.refused("InvalidParameterValue", ec2.describe_instances, Filters=[{"Name": "colour", "Values": ["x"]}])
        self.refused("InvalidParameterValue", ec2.describe_instances, MaxResults=1001)
        self.refused("InvalidInstanceID.NotFound", ec2.describe_instances, InstanceIds=["i-00000000"])
        untagged = ec2.describe_instances(InstanceIds=[ids[1000]])["Reservations"][0]["Instances"][0]
        self.assertNotIn("Tags", untagged)

    def test_motos_instances_can_be_changed(self) -> None:
        ec2 = self.client("ec2")
        made = ec2.run_instances(ImageId="ami-12345678", MinCount=2, MaxCount=2, InstanceType="t3.micro")
        ids = [one["InstanceId"] for one in made["Instances"]]
        ec2.create_tags(Resources=ids, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
        ec2.delete_tags(Resources=ids[:1], Tags=[{"Key": "a"}])
        groups = ec2.describe_instances(InstanceIds=ids)["Reservations"]
        tags = [sorted(tag["Key"] for tag in one["Tags"]) for one in groups[0]["Instances"]]
        self.assertEqual(tags, [["b"], ["a", "b"]])
        ec2.terminate_instances(InstanceIds=ids[:1])
        self.refused("IncorrectInstanceState", ec2.stop_instances, InstanceIds=ids)
        ec2.stop_instances(InstanceIds=ids[1:])
        states = [one["State"]["Name"] for one in ec2.describe_instances()["Reservations"][0]["Instances"]]
        self.assertEqual(states, ["terminated", "stopped"])

    def test_regions(self) -> None:
        self.control("POST", "seed", {"opted_in": ["eu-south-1"]})
        ec2 = self.client("ec2")
        self.assertEqual(len(ec2.describe_regions()["Regions"]), 18)
        self.assertGreater(len(ec2.describe_regions(AllRegions=True)["Regions"]), 30)
        filters = [{"Name": "opt-in-status", "Values": ["opted-in"]}]
        self.assertEqual([r["RegionName"] for r in ec2.describe_regions(Filters=filters)["Regions"]], ["eu-south-1"])

    def test_tagged_resources(self) -> None:
        for number in range(120):
            self.control(
                "POST",
                "alarms/us-east-1",
                {**ALARM, "AlarmName": f"a{number}", "Tags": {"n": str(number % 2), "all": ""}},
            )
        self.control("POST", "alarms/us-east-1", {**ALARM, "AlarmName": "never tagged"})
        tagging, alarms = self.client("resourcegroupstaggingapi"), {"ResourceTypeFilters": ["cloudwatch:alarm"]}

        def sizes(**params: Any) -> list[int]:
            pages = tagging.get_paginator("get_resources").paginate(**params)
            return [len(page["ResourceTagMappingList"]) for page in pages]

        self.assertEqual(sizes(**alarms, ResourcesPerPage=100), [100, 20])
        self.assertEqual(sizes(**alarms, TagFilters=[{"Key": "n", "Values": ["1"]}, {"Key": "all"}]), [50, 10])
        self.assertEqual(sizes(**alarms, TagFilters=[{"Key": "n", "Values": ["2"]}]), [0])
        self.seed(instances=[{"name": "web", "count": 3}])
        self.assertEqual(sum(sizes()), 123)
        arn = f"arn:aws:cloudwatch:us-east-1:{self.account}:alarm:a5"
        self.assertEqual(len(tagging.get_resources(ResourceARNList=[arn])["ResourceTagMappingList"]), 1)
        self.refused("InvalidParameterException", tagging.get_resources, ResourceARNList=[arn], ResourcesPerPage=5)
        self.refused("InvalidParameterException", tagging.get_resources, ResourcesPerPage=101)

    def test_identity_and_roles(self) -> None:
        other = next(ACCOUNTS)
        sts = self.client("sts")
        told = sts.get_caller_identity()
        self.assertEqual((told["Account"], told["Arn"]), (self.account, f"arn:aws:iam::{self.account}:user/tester"))
        given = sts.assume_role(RoleArn=f"arn:aws:iam::{other}:role/path/reader", RoleSessionName="me")["Credentials"]
        self.assertTrue(given["AccessKeyId"].startswith(f"ASIA{other}"))
        self.client("cloudwatch", key=given["AccessKeyId"]).put_metric_alarm(AlarmName="theirs", **ALARM)
        self.assertEqual(self.client("cloudwatch").describe_alarms()["MetricAlarms"], [])
        self.assertEqual(self.client("sts", key=given["AccessKeyId"]).get_caller_identity()["Account"], other)
