"""Checks of Cost Explorer, and of what instances and addresses tell of their costs."""

from __future__ import annotations

from typing import Any

from check_case import Case

PERIOD = {"Start": "2026-11-01", "End": "2026-11-03"}
GROUPS = [{"Type": "DIMENSION", "Key": key} for key in ("LINKED_ACCOUNT", "USAGE_TYPE")]


def dimension(key: str, *values: str) -> dict[str, Any]:
    return {"Dimensions": {"Key": key, "Values": list(values)}}


class Costs(Case):
    def asked(self, **params: Any) -> dict[str, Any]:
        params = {"TimePeriod": PERIOD, "Granularity": "MONTHLY", "Metrics": ["UnblendedCost"], **params}
        return dict(self.client("ce").get_cost_and_usage(**params))

    def found(self, **params: Any) -> list[tuple[str, ...]]:
        groups = self.asked(GroupBy=GROUPS, **params)["ResultsByTime"][0]["Groups"]
        return [(*one["Keys"], one["Metrics"]["UnblendedCost"]["Amount"]) for one in groups]

    def test_days_filters_groups_and_pages(self) -> None:
        line = {"service": "EC2 - Other", "region": "us-east-1", "usage_type": "EBS:VolumeUsage.gp3"}
        lines = [
            {**line, "day": "2026-11-01", "amount": "1.25"},
            {**line, "day": "2026-11-02", "amount": "0.5"},
            {**line, "day": "2026-11-03", "amount": "9"},
            {**line, "day": "2026-11-01", "amount": "7", "region": "eu-west-1", "usage_type": "EUW1-EBS:VolumeUsage.gp3"},
            {**line, "day": "2026-11-01", "amount": "-3", "record_type": "Credit"},
            {**line, "day": "2026-11-01", "amount": "2", "account": "111122223333"},
        ]
        self.control("POST", "costs", {"lines": lines, "page": 2})
        kept = {"And": [dimension("REGION", "us-east-1"), {"Not": dimension("RECORD_TYPE", "Credit", "Tax")}]}
        other = ("111122223333", "EBS:VolumeUsage.gp3", "2")
        self.assertEqual(self.found(Filter=kept), [other, (self.account, "EBS:VolumeUsage.gp3", "1.75")])
        first = self.asked(GroupBy=GROUPS)
        rest = self.asked(GroupBy=GROUPS, NextPageToken=first["NextPageToken"])
        self.assertEqual(len(rest["ResultsByTime"][0]["Groups"]), 1)
        self.assertNotIn("NextPageToken", rest)
        self.refused("ValidationException", self.asked, TimePeriod={"Start": "2026-11-01", "End": "2026-11-01"})
        self.refused("ValidationException", self.asked, Filter={**kept, "Not": dimension("REGION", "x")})

    def test_what_instances_tell_of_their_price(self) -> None:
        kinds = [
            {"name": "plain"},
            {
                "name": "sql", "platform": "Windows with SQL Server Standard", "operation": "RunInstances:0006",
                "tenancy": "dedicated", "cores": 1, "threads": 2,
            },
        ]  # fmt: skip
        self.seed(instances=kinds)
        found = self.client("ec2").describe_instances()["Reservations"]
        plain, sql = (one["Instances"][0] for one in found)
        told = [(one["PlatformDetails"], one["UsageOperation"], one["Placement"]["Tenancy"]) for one in (plain, sql)]
        self.assertEqual(told[0], ("Linux/UNIX", "RunInstances", "default"))
        self.assertEqual(told[1], ("Windows with SQL Server Standard", "RunInstances:0006", "dedicated"))
        self.assertEqual(sql["CpuOptions"], {"CoreCount": 1, "ThreadsPerCore": 2})
