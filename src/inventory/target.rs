//! A target and the fleet of them.

use std::collections::BTreeMap;
use std::fmt;

use crate::model::{Scope, TargetRef};

/// The kinds of thing that a declaration can be attached to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TargetKind {
    /// An EC2 instance.
    Ec2,
    /// An EBS volume.
    Ebs,
    /// An RDS database instance, members of Aurora clusters included.
    Rds,
    /// An Aurora or Multi-AZ RDS cluster.
    RdsCluster,
}

impl TargetKind {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Ec2, Self::Ebs, Self::Rds, Self::RdsCluster];

    /// The name in manifests, templates and state.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ec2 => "ec2",
            Self::Ebs => "ebs",
            Self::Rds => "rds",
            Self::RdsCluster => "rds_cluster",
        }
    }

    /// The noun for people.
    pub fn singular(self) -> &'static str {
        match self {
            Self::Ec2 => "instance",
            Self::Ebs => "volume",
            Self::Rds => "database",
            Self::RdsCluster => "cluster",
        }
    }

    /// The plural noun for people.
    pub fn plural(self) -> &'static str {
        match self {
            Self::Ec2 => "instances",
            Self::Ebs => "volumes",
            Self::Rds => "databases",
            Self::RdsCluster => "clusters",
        }
    }

    /// The dimension by which CloudWatch's metrics name a target of this kind.
    pub fn dimension(self) -> &'static str {
        match self {
            Self::Ec2 => "InstanceId",
            Self::Ebs => "VolumeId",
            Self::Rds => "DBInstanceIdentifier",
            Self::RdsCluster => "DBClusterIdentifier",
        }
    }

    /// The states of targets of this kind, where AWS has a closed list of them. RDS has dozens and adds to them.
    ///
    /// Sources: `InstanceState` and the filter `status` of `DescribeVolumes` in the EC2 API reference. A volume in the
    /// state `error` lost its data and is there until somebody deletes it, so it counts.
    pub fn states(self) -> Option<States> {
        match self {
            Self::Ec2 => Some(States {
                living: &["pending", "running", "stopped", "stopping"],
                gone: &["shutting-down", "terminated"],
            }),
            Self::Ebs => Some(States {
                living: &["available", "creating", "error", "in-use"],
                gone: &["deleted", "deleting"],
            }),
            Self::Rds | Self::RdsCluster => None,
        }
    }

    /// What targets of this kind have besides what all have: the keys that [`Target::attributes`] may hold.
    ///
    /// One that a target lacks (a public address) is missing at plan time; a template that names something that
    /// stands nowhere here is an error before that.
    pub fn attributes(self) -> &'static [&'static str] {
        match self {
            Self::Ec2 => &[
                "architecture",
                "availability_zone",
                "hibernation",
                "image_id",
                "instance_type",
                "launched",
                "lifecycle",
                "managed_by",
                "platform",
                "private_ip",
                "public_ip",
                "root_device_type",
                "root_volume",
                "subnet_id",
                "volumes",
                "vpc_id",
            ],
            Self::Ebs => &[
                "availability_zone",
                "created",
                "device",
                "encrypted",
                "instance",
                "iops",
                "multi_attach",
                "size",
                "snapshot_id",
                "throughput",
                "volume_type",
            ],
            Self::Rds => &[
                "allocated_storage",
                "arn",
                "availability_zone",
                "cluster",
                "created",
                "engine",
                "engine_version",
                "instance_class",
                "multi_az",
                "replica_of",
                "replicas",
                "storage_type",
            ],
            Self::RdsCluster => &[
                "arn",
                "created",
                "engine",
                "engine_mode",
                "engine_version",
                "global_cluster",
                "members",
                "replica_of",
            ],
        }
    }

    /// The kind with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl fmt::Display for TargetKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The states that AWS has for a kind of target, sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct States {
    /// In these it counts.
    pub living: &'static [&'static str],
    /// In these it is gone or about to be: AWS may list it for a while, but it is nothing to attach to.
    pub gone: &'static [&'static str],
}

/// One live instance, volume, database or cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// What it is.
    pub kind: TargetKind,
    /// Account and region.
    pub scope: Scope,
    /// The AWS id: instance id, volume id, DB instance identifier, DB cluster identifier.
    pub id: String,
    /// The Name tag, or the id where that tag is absent or blank.
    pub name: String,
    /// The state as AWS words it: `running`, `stopped`, `available`, …
    pub state: String,
    /// All tags.
    pub tags: BTreeMap<String, String>,
    /// What templates can use besides: `instance_type`, `engine`, …
    pub attributes: BTreeMap<&'static str, serde_json::Value>,
}

impl Target {
    /// Whether it is gone or about to be.
    pub fn is_gone(&self) -> bool {
        self.kind.states().is_some_and(|states| states.gone.contains(&&*self.state))
    }

    /// The reference that plans and state keep.
    pub fn reference(&self) -> TargetRef {
        TargetRef { kind: self.kind.name().to_owned(), id: self.id.clone(), name: self.name.clone() }
    }
}

/// The Name tag without blanks around it; the id where there is none.
pub(super) fn name_of(tags: &BTreeMap<String, String>, id: &str) -> String {
    match tags.get("Name").map(|name| name.trim()) {
        Some(name) if !name.is_empty() => name.to_owned(),
        _ => id.to_owned(),
    }
}

/// All targets that were read, in the order kind, scope, id.
#[derive(Clone, Debug, Default)]
pub struct Fleet {
    targets: Vec<Target>,
}

impl Fleet {
    /// A fleet of these targets, sorted so that every output is stable.
    pub fn new(mut targets: Vec<Target>) -> Self {
        targets.sort_by(|a, b| (a.kind, &a.scope, &a.id).cmp(&(b.kind, &b.scope, &b.id)));
        Self { targets }
    }

    /// All targets of a kind.
    pub fn of_kind(&self, kind: TargetKind) -> impl Iterator<Item = &Target> {
        self.targets.iter().filter(move |target| target.kind == kind)
    }

    /// All targets.
    pub fn iter(&self) -> std::slice::Iter<'_, Target> {
        self.targets.iter()
    }

    /// How many targets there are.
    pub fn len(&self) -> usize {
        self.targets.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.targets.is_empty()
    }
}

impl<'a> IntoIterator for &'a Fleet {
    type Item = &'a Target;
    type IntoIter = std::slice::Iter<'a, Target>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
