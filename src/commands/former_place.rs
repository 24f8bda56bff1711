//! The place that a state was in before `[state]` was changed.

use std::path::PathBuf;

use anyhow::Result;

use super::args::{Global, PlaceArgs};
use super::environment::Environment;
use super::failure::Failure;
use super::session::{default_path, open_s3};
use crate::aws::environment_region;
use crate::manifest::{S3Place, Settings, StatePlace};
use crate::state::{LocalStore, S3Location, Store};

/// A place that a state was in.
pub(super) struct FormerPlace {
    pub(super) store: Store,
    /// What `state unlock ID` needs besides to find it.
    pub(super) elsewhere: String,
}

/// The place that the flags name, or the default one.
pub(super) async fn former_place(
    global: &Global,
    environment: &Environment,
    settings: &Settings,
    place: &PlaceArgs,
) -> Result<FormerPlace> {
    let object = place.from.as_deref().and_then(|from| from.strip_prefix("s3://"));
    let Some(object) = object else {
        let path = place.from.as_ref().map_or_else(|| default_path(settings), PathBuf::from);
        let elsewhere = format!(" --from {}", for_shell(&path.display().to_string()));
        return Ok(FormerPlace { store: Store::Local(LocalStore::new(path, &*settings.project)), elsewhere });
    };
    let Some((bucket, key)) = object.split_once('/').filter(|(_, key)| !key.is_empty()) else {
        return Err(Failure::new(
            format!("s3://{object} does not say where the state was"),
            "give --from s3://bucket/key",
        )
        .into());
    };
    let Some(region) = region_of(bucket, global, settings, place).await else {
        return Err(Failure::new(
            format!("the region of the bucket {bucket} is not known"),
            "give --from-region, or set AWS_REGION",
        )
        .into());
    };
    let elsewhere = format!(" --from {} --from-region {region}", for_shell(&format!("s3://{object}")));
    let location = S3Location { bucket: bucket.to_owned(), key: key.to_owned(), region, kms_key: None };
    let store = open_s3(global, environment, settings, location).await?;
    Ok(FormerPlace { store, elsewhere })
}

async fn region_of(bucket: &str, global: &Global, settings: &Settings, place: &PlaceArgs) -> Option<String> {
    let new: Option<&S3Place> = match &settings.state {
        StatePlace::S3(place) => Some(place),
        StatePlace::Default | StatePlace::File(_) => None,
    };
    let said = place.from_region.as_ref();
    let known = said.or(new.filter(|new| new.bucket == bucket).map(|new| &new.region));
    if let Some(region) = known.or(global.region.first()) {
        return Some(region.clone());
    }
    environment_region(global.profile.as_deref()).await.or_else(|| new.map(|new| new.region.clone()))
}

/// A word as a shell takes it.
fn for_shell(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-./:@%+=,".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::for_shell;

    #[test]
    fn a_shell_reads_one_word() {
        assert_eq!(for_shell("s3://acme-opsform/ops/payments.json"), "s3://acme-opsform/ops/payments.json");
        assert_eq!(for_shell("my state/it's.json"), "'my state/it'\\''s.json'");
    }
}
