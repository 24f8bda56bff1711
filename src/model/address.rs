//! Where a resource lives and what identifies it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One account in one region: the unit in which AWS is read, throttled and written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Scope {
    /// The twelve-digit AWS account id.
    pub account: String,
    /// The region's code, such as `ap-northeast-2`.
    pub region: String,
}

impl Scope {
    /// A scope from its two parts.
    pub fn new(account: impl Into<String>, region: impl Into<String>) -> Self {
        Self { account: account.into(), region: region.into() }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.account, self.region)
    }
}

/// The identity of a resource: its natural key on AWS, never the label of the declaration that wants it.
///
/// Renaming a label or sorting a spreadsheet therefore changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Address {
    /// The kind's name, such as `metric_alarm`.
    pub kind: String,
    /// Account and region.
    #[serde(flatten)]
    pub scope: Scope,
    /// The natural key within kind and scope: for an alarm its `AlarmName`.
    pub key: String,
}

impl Address {
    /// An address from its parts.
    pub fn new(kind: impl Into<String>, scope: Scope, key: impl Into<String>) -> Self {
        Self { kind: kind.into(), scope, key: key.into() }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {:?}", self.kind, self.scope, self.key)
    }
}
