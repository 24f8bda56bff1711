//! What cannot be stopped and started, and why.

use crate::inventory::{Target, TargetKind};

/// Why a target is left out, for one and for many.
pub(in crate::declarations) struct Refusal {
    pub(in crate::declarations) one: &'static str,
    pub(in crate::declarations) many: &'static str,
    pub(in crate::declarations) hint: &'static str,
}

const fn refusal(one: &'static str, many: &'static str, hint: &'static str) -> Refusal {
    Refusal { one, many, hint }
}

/// "Stop and start Amazon EC2 instances" in the EC2 user guide: a group replaces what is not healthy.
const OF_GROUP: Refusal = refusal(
    "its Auto Scaling group would replace it",
    "their Auto Scaling groups would replace them",
    "give the group a scheduled action instead",
);
/// "Stop a Spot Instance" in the EC2 user guide: only one of a persistent request can be stopped. Which
/// that are only `DescribeSpotInstanceRequests` tells, a permission and a call more for every fleet with one of them.
const SPOT: Refusal = refusal(
    "it is a spot instance; AWS stops only those of persistent requests, and whether this one is of such is not looked up",
    "they are spot instances; AWS stops only those of persistent requests, and whether these are of such is not looked up",
    "let `for_each` leave out spot instances",
);
/// "Amazon EC2 managed instances" in the EC2 user guide.
const MANAGED: Refusal = refusal(
    "an AWS service manages it and lets nobody else stop it",
    "AWS services manage them and let nobody else stop them",
    "let `for_each` leave them out",
);
/// "Root volumes for your Amazon EC2 instances" in the EC2 user guide.
const INSTANCE_STORE: Refusal = refusal(
    "its root device is an instance store, which a stop would lose",
    "their root devices are instance stores, which a stop would lose",
    "let `for_each` leave them out",
);
/// AWS starts no instance without its root volume, and a call that names one with others starts none of them
/// (`IncorrectInstanceState`, "Error codes for the Amazon EC2 API").
const PARKED: Refusal = refusal(
    "it is parked (it has no root volume); `opsform unpark` brings it back",
    "they are parked (they have no root volumes); `opsform unpark` brings them back",
    "let `for_each` leave them out",
);
/// "Hibernate your Amazon EC2 instance" in the EC2 user guide; one of them would fail the call for all.
const NO_HIBERNATION: Refusal = refusal(
    "hibernation is not enabled for it, which is decided when an instance is launched",
    "hibernation is not enabled for them, which is decided when an instance is launched",
    "give it a `[[schedule]]` without `hibernate`",
);
/// "Stopping an Amazon RDS DB instance temporarily" in the RDS user guide: its limitations.
const OF_CLUSTER: Refusal = refusal(
    "it is a member of a cluster, which starts and stops as a whole",
    "they are members of clusters, which start and stop as a whole",
    "select the clusters: `for_each = { rds_cluster = {} }`",
);
/// "`StopDBCluster`" in the RDS API reference: "This action only applies to Aurora DB clusters."
const MULTI_AZ_CLUSTER: Refusal = refusal(
    "AWS stops Aurora clusters only, and this is a Multi-AZ DB cluster",
    "AWS stops Aurora clusters only, and these are Multi-AZ DB clusters",
    "let `for_each` leave them out",
);
/// "Limitations for stopping and starting Aurora DB clusters" in the Aurora user guide.
const GLOBAL_CLUSTER: Refusal = refusal(
    "a cluster of an Aurora global database cannot be stopped",
    "clusters of Aurora global databases cannot be stopped",
    "let `for_each` leave them out",
);
const REPLICA_CLUSTER: Refusal = refusal(
    "a cluster that replicates another cannot be stopped",
    "clusters that replicate others cannot be stopped",
    "let `for_each` leave them out",
);
const SERVERLESS_V1: Refusal = refusal(
    "Aurora Serverless v1 pauses by itself and cannot be stopped",
    "Aurora Serverless v1 pauses by itself and cannot be stopped",
    "let `for_each` leave them out",
);
const REPLICA: Refusal = refusal(
    "a read replica cannot be stopped",
    "read replicas cannot be stopped",
    "let `for_each` leave them out",
);
const SOURCE: Refusal = refusal(
    "a database with read replicas cannot be stopped",
    "databases with read replicas cannot be stopped",
    "let `for_each` leave them out",
);
const SQL_SERVER: Refusal = refusal(
    "SQL Server in Multi-AZ cannot be stopped",
    "SQL Server in Multi-AZ cannot be stopped",
    "let `for_each` leave them out",
);

/// Why a target cannot be started and stopped; `hibernates` where that is how it is to be stopped.
pub(in crate::declarations) fn refusal_of(target: &Target, hibernates: bool) -> Option<&'static Refusal> {
    let attribute = |name: &str| target.attributes.get(name);
    let text = |name: &str| attribute(name).and_then(|value| value.as_str()).unwrap_or_default();
    let flag = |name: &str| attribute(name).and_then(serde_json::Value::as_bool);
    let rules: &[(bool, &'static Refusal)] = match target.kind {
        TargetKind::Ec2 => &[
            (target.tags.contains_key("aws:autoscaling:groupName"), &OF_GROUP),
            (attribute("managed_by").is_some(), &MANAGED),
            (text("lifecycle") == "spot", &SPOT),
            (text("root_device_type") == "instance-store", &INSTANCE_STORE),
            (hibernates && flag("hibernation") != Some(true), &NO_HIBERNATION),
        ],
        TargetKind::Rds => &[
            (attribute("cluster").is_some(), &OF_CLUSTER),
            (attribute("replica_of").is_some(), &REPLICA),
            (attribute("replicas").is_some(), &SOURCE),
            (text("engine").contains("sqlserver-") && flag("multi_az") == Some(true), &SQL_SERVER),
        ],
        TargetKind::RdsCluster => &[
            (!text("engine").is_empty() && !text("engine").starts_with("aurora"), &MULTI_AZ_CLUSTER),
            (attribute("global_cluster").is_some(), &GLOBAL_CLUSTER),
            (attribute("replica_of").is_some(), &REPLICA_CLUSTER),
            (text("engine_mode") == "serverless", &SERVERLESS_V1),
        ],
        TargetKind::Ebs => &[],
    };
    rules.iter().find(|(applies, _)| *applies).map(|(_, refusal)| *refusal)
}

/// Why a target cannot be started by itself. What is stopped could be stopped, so that nothing else stands in its way.
pub(super) fn refusal_to_start(target: &Target) -> Option<&'static Refusal> {
    let of_cluster = target.kind == TargetKind::Rds && target.attributes.contains_key("cluster");
    of_cluster.then_some(&OF_CLUSTER).or_else(|| refusal_of_parked(target))
}

/// Why an instance that is parked is left out: its root volume is off, so that it is stopped and stays so.
pub(in crate::declarations) fn refusal_of_parked(target: &Target) -> Option<&'static Refusal> {
    let on_ebs = target.attributes.get("root_device_type").is_some_and(|root| root == "ebs");
    let parked = target.kind == TargetKind::Ec2
        && target.state == "stopped"
        && on_ebs
        && !target.attributes.contains_key("root_volume");
    parked.then_some(&PARKED)
}
