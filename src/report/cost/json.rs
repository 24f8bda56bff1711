//! A cost report for programs, and for the trend of the next one; docs/cost-format.md is its description.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;

use crate::costs::{
    ActualCost, AddressCost, CostReport, DatabaseCost, InstanceCost, ParkedCost, SnapshotCost, TagTotal,
    Totals, TrendPoint, Unpriced, VolumeCost,
};
use crate::model::Gap;

/// What tells a cost report from other documents.
const FORMAT: &str = "opsform.cost";

/// The version of the document: it rises when a field changes its meaning or goes away.
const VERSION: u32 = 1;

/// The report as JSON. Amounts are texts with two digits, prices of an hour with all of theirs, and what is not known is null.
///
/// # Errors
/// None in practice: every key is a text.
pub fn cost_json(report: &CostReport) -> serde_json::Result<String> {
    let document = Document {
        format: FORMAT,
        version: VERSION,
        project: &report.project,
        made: report.made,
        month: report.month.first,
        month_ends: report.month.ends,
        complete: report.gaps.is_empty(),
        currency: "USD",
        currency_note: report.currency_note.as_deref(),
        prices_as_of: report.prices_as_of,
        accounts: &report.accounts,
        regions: &report.regions,
        totals: report.totals(),
        unpriced: &report.unpriced,
        gaps: report.gaps.iter().map(gap).collect(),
        instances: &report.instances,
        volumes: &report.volumes,
        databases: &report.databases,
        snapshots: &report.snapshots,
        parked: &report.parked,
        addresses: &report.addresses,
        by_tag: &report.by_tag,
        actual: report.actual.as_deref(),
        trend: &report.trend,
    };
    serde_json::to_string_pretty(&document).map(|text| text + "\n")
}

#[derive(Serialize)]
struct Document<'a> {
    format: &'static str,
    version: u32,
    project: &'a str,
    made: Timestamp,
    month: Date,
    month_ends: Timestamp,
    complete: bool,
    currency: &'static str,
    currency_note: Option<&'a str>,
    prices_as_of: Option<Timestamp>,
    accounts: &'a [String],
    regions: &'a [String],
    totals: Totals,
    unpriced: &'a [Unpriced],
    gaps: Vec<GapEntry<'a>>,
    instances: &'a [InstanceCost],
    volumes: &'a [VolumeCost],
    databases: &'a [DatabaseCost],
    snapshots: &'a [SnapshotCost],
    parked: &'a [ParkedCost],
    addresses: &'a [AddressCost],
    by_tag: &'a [TagTotal],
    actual: Option<&'a [ActualCost]>,
    trend: &'a [TrendPoint],
}

#[derive(Serialize)]
struct GapEntry<'a> {
    account: &'a str,
    region: &'a str,
    kind: &'a str,
    reason: &'a str,
}

fn gap(gap: &Gap) -> GapEntry<'_> {
    GapEntry { account: &gap.scope.account, region: &gap.scope.region, kind: &gap.kind, reason: &gap.reason }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::report::cost::fixtures::sample;

    #[test]
    #[allow(clippy::too_many_lines)] // A whole report.
    fn every_field_has_its_name() {
        let mut report = sample();
        report.instances.truncate(1);
        report.volumes.truncate(1);
        report.databases.truncate(1);
        report.by_tag.truncate(1);
        report.trend.truncate(1);
        insta::assert_snapshot!(cost_json(&report).unwrap(), @r#"
{
  "format": "opsform.cost",
  "version": 1,
  "project": "payments",
  "made": "2026-11-20T10:30:00Z",
  "month": "2026-11-01",
  "month_ends": "2026-12-01T00:00:00Z",
  "complete": false,
  "currency": "USD",
  "currency_note": "1 USD = 1,450 KRW (2026-11-20)",
  "prices_as_of": "2026-11-20T07:00:00Z",
  "accounts": [
    "111122223333"
  ],
  "regions": [
    "us-east-1",
    "ap-northeast-2"
  ],
  "totals": {
    "ec2": {
      "so_far": "10.00",
      "forecast": "15.00"
    },
    "ebs": {
      "so_far": "5.33",
      "forecast": "8.00"
    },
    "rds": {
      "so_far": "95.00",
      "forecast": "143.00"
    },
    "addresses": {
      "so_far": "2.33",
      "forecast": "3.60"
    },
    "total": {
      "so_far": "112.66",
      "forecast": "169.60"
    }
  },
  "unpriced": [
    {
      "why": "no price for u7i-12tb.224xlarge, Windows with SQL Server Standard in us-east-1",
      "rows": 1
    },
    {
      "why": "no price for volumes of st9",
      "rows": 1
    }
  ],
  "gaps": [
    {
      "account": "444455556666",
      "region": "me-south-1",
      "kind": "instances",
      "reason": "AccessDenied: an explicit deny in a service control policy"
    }
  ],
  "instances": [
    {
      "account": "111122223333",
      "region": "us-east-1",
      "name": "web-0",
      "id": "i-00000000000000000",
      "instance_type": "m5.large",
      "state": "running",
      "zone": "us-east-1a",
      "platform": "Linux/UNIX",
      "vcpu": 2,
      "memory_mib": 8192,
      "volume_gib": 150,
      "volumes": [
        "vol-00000000000000000",
        "vol-00000000000000001"
      ],
      "hourly": "0.096",
      "ec2": {
        "so_far": "10.00",
        "forecast": "15.00"
      },
      "ebs": {
        "so_far": "5.33",
        "forecast": "8.00"
      },
      "total": {
        "so_far": "15.33",
        "forecast": "23.00"
      },
      "notes": [],
      "tags": {}
    }
  ],
  "volumes": [
    {
      "account": "111122223333",
      "region": "us-east-1",
      "name": "data-0",
      "id": "vol-00000000000000000",
      "volume_type": "gp3",
      "gib": 100,
      "iops": 3000,
      "throughput": 125,
      "instance": "i-00000000000000000",
      "created": "2026-10-02T03:04:05Z",
      "cost": {
        "so_far": "5.33",
        "forecast": "8.00"
      },
      "notes": [],
      "tags": {}
    }
  ],
  "databases": [
    {
      "account": "111122223333",
      "region": "us-east-1",
      "id": "orders",
      "cluster": null,
      "engine": "postgres",
      "class": "db.m5.large",
      "state": "available",
      "multi_az": true,
      "storage_type": "gp3",
      "storage_gib": 200,
      "compute": {
        "so_far": "80.00",
        "forecast": "120.00"
      },
      "storage": {
        "so_far": "15.00",
        "forecast": "23.00"
      },
      "total": {
        "so_far": "95.00",
        "forecast": "143.00"
      },
      "notes": [],
      "tags": {}
    }
  ],
  "snapshots": [
    {
      "account": "111122223333",
      "region": "us-east-1",
      "volume": "vol-0abc",
      "volume_exists": true,
      "count": 7,
      "oldest": "2026-11-13T01:00:00Z",
      "newest": "2026-11-19T01:00:00Z",
      "gib_at_most": "700.00",
      "monthly_at_most": "35.00",
      "labels": [
        "snapshot.daily"
      ],
      "notes": []
    }
  ],
  "parked": [
    {
      "account": "111122223333",
      "region": "us-east-1",
      "name": "loadtest-1",
      "id": "i-0parked",
      "since": "2026-09-30T22:00:00Z",
      "gib": 2000,
      "volumes_monthly": "160.00",
      "snapshots_monthly": "100.00",
      "saving_monthly": "60.00"
    }
  ],
  "addresses": [
    {
      "account": "111122223333",
      "region": "us-east-1",
      "name": "old-nat",
      "id": "eipalloc-0abc",
      "address": "203.0.113.7",
      "why": "associated with nothing",
      "cost": {
        "so_far": "2.33",
        "forecast": "3.60"
      },
      "notes": [],
      "tags": {}
    }
  ],
  "by_tag": [
    {
      "key": "team",
      "value": "payments",
      "instances": 3,
      "volumes": 8,
      "databases": 1,
      "ec2": {
        "so_far": "24.00",
        "forecast": "36.00"
      },
      "ebs": {
        "so_far": "8.00",
        "forecast": "12.00"
      },
      "rds": {
        "so_far": "4.00",
        "forecast": "6.00"
      },
      "total": {
        "so_far": "36.00",
        "forecast": "54.00"
      },
      "unpriced": 0
    }
  ],
  "actual": [
    {
      "account": "111122223333",
      "service": "EC2 instances",
      "actual": "900.00",
      "list": "987.65"
    },
    {
      "account": "111122223333",
      "service": "EBS",
      "actual": "123.45",
      "list": null
    }
  ],
  "trend": [
    {
      "month": "2026-05-01",
      "made": "2026-05-20T10:30:00Z",
      "ec2": "1400.00",
      "ebs": "480.00",
      "rds": "143.00",
      "instances": 30,
      "unpriced": 0,
      "complete": true,
      "places": 2
    }
  ]
}
"#);
    }

    #[test]
    fn the_documentation_names_every_field() {
        let value: Value = serde_json::from_str(&cost_json(&sample()).unwrap()).unwrap();
        let text = include_str!("../../../docs/cost-format.md");
        let mut objects = vec![&value, &value["totals"]["ec2"]];
        objects.push(&value["totals"]);
        for list in [
            "unpriced",
            "gaps",
            "instances",
            "volumes",
            "databases",
            "snapshots",
            "parked",
            "addresses",
            "by_tag",
            "actual",
            "trend",
        ] {
            assert!(value[list][0].is_object(), "the fixture has no {list}");
            objects.push(&value[list][0]);
        }
        for object in objects {
            for key in object.as_object().unwrap().keys() {
                assert!(text.contains(&format!("| `{key}` |")), "docs/cost-format.md lacks {key}");
            }
        }
    }
}
