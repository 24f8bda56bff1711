//! Kind `tag`: one tag of an instance, a volume, a database or a cluster.

mod aws;
mod spec;

pub use aws::TagKind;
pub use spec::{KIND, Tag, TagKey};
