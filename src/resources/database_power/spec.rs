//! The spec of a database's power: that of an instance, under a key that says which sort of database it is.

use crate::model::KindText;
use crate::resources::instance_power::{Power, summary};

/// The kind's name.
pub const KIND: &str = "database_power";

/// The kind in words. Whoever starts or stops a database last decides.
pub(super) const TEXT: KindText = KindText {
    kind: KIND,
    noun: "power state",
    plural: "power states of databases and clusters",
    shared: true,
    summary,
};

/// A database instance or a cluster: `rds:orders`, `rds_cluster:ledger`. Both may have the same identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DatabaseKey<'a> {
    /// Whether it is a cluster.
    pub cluster: bool,
    /// `DBInstanceIdentifier` or `DBClusterIdentifier`.
    pub id: &'a str,
}

const INSTANCE: &str = "rds:";
const CLUSTER: &str = "rds_cluster:";

impl<'a> DatabaseKey<'a> {
    /// As part of an address.
    pub fn to_text(self) -> String {
        format!("{}{}", if self.cluster { CLUSTER } else { INSTANCE }, self.id)
    }

    /// Reads what [`DatabaseKey::to_text`] writes.
    pub fn from_text(text: &'a str) -> Option<Self> {
        let (cluster, id) = match text.strip_prefix(INSTANCE) {
            Some(id) => (false, id),
            None => (true, text.strip_prefix(CLUSTER)?),
        };
        Some(Self { cluster, id })
    }
}

/// The power of a database in this status; `None` for one that is going. RDS has dozens of statuses, and all but these are of
/// databases that run or should ("Viewing DB instance status" in the RDS user guide).
pub fn power_of_status(status: &str) -> Option<Power> {
    match status {
        "deleting" => None,
        "stopping" | "stopped" => Some(Power::Stopped),
        _ => Some(Power::Running),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_back() {
        for (cluster, text) in [(false, "rds:main"), (true, "rds_cluster:main")] {
            let key = DatabaseKey { cluster, id: "main" };
            assert_eq!((&*key.to_text(), DatabaseKey::from_text(text)), (text, Some(key)));
        }
        assert_eq!(DatabaseKey::from_text("main"), None);
    }

    #[test]
    fn what_is_neither_stopped_nor_going_runs() {
        for (status, power) in [
            ("available", Some(Power::Running)),
            ("starting", Some(Power::Running)),
            ("backing-up", Some(Power::Running)),
            ("stopping", Some(Power::Stopped)),
            ("stopped", Some(Power::Stopped)),
            ("deleting", None),
        ] {
            assert_eq!(power_of_status(status), power, "{status}");
        }
    }
}
