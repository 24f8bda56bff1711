//! The manifest of a job in Lambda, where it is kept in S3.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};

use super::args::Global;
use super::environment::Environment;
use super::failure::Failure;
use super::session::own_aws;
use crate::aws::{Bucket, OWN_ACCOUNT};
use crate::manifest::Settings;
use crate::model::Scope;

/// A manifest of more files is none.
const MOST_FILES: usize = 1_000;

/// The folder that the manifest was read into; `None` where it is on this machine anyway.
pub(super) async fn fetched(global: &Global, environment: &Environment) -> Result<Option<PathBuf>> {
    let Some(from) = environment.manifests_from.as_deref() else { return Ok(None) };
    let place = from.strip_prefix("s3://").and_then(|place| place.split_once('/'));
    let (bucket, prefix) =
        place.with_context(|| format!("OPSFORM_MANIFESTS_FROM is {from:?}, not s3://BUCKET/PREFIX/"))?;
    let region = environment.region.as_deref().unwrap_or("us-east-1");
    let aws = own_aws(global, &Settings::default(), region).await?;
    let here = Scope::new(OWN_ACCOUNT, region);
    let bucket = Bucket::find(Arc::new(aws), here, bucket.to_owned()).await?;
    // What ends with a slash is the console's idea of a folder, and no object.
    let keys = bucket.list(prefix).await?.into_iter().filter(|key| !key.ends_with('/'));
    let objects: Vec<String> = keys.collect();
    if objects.len() > MOST_FILES {
        let hint = "let the prefix be that of the manifest alone";
        return Err(Failure::new(format!("there are more than {MOST_FILES} objects at {from}"), hint).into());
    }
    if objects.is_empty() {
        let hint = "put the *.toml files of the manifest there, and the files that they name beside them";
        return Err(Failure::new(format!("there is nothing at {from}"), hint).into());
    }
    let root = environment.scratch.join(format!("opsform-manifests-{}", std::process::id()));
    let folder = root.join(crate::jobs::package::MANIFESTS);
    for (key, object) in objects.iter().zip(read(&bucket, &objects).await?) {
        let path = folder.join(inside(key.strip_prefix(prefix).unwrap_or(key))?);
        let parent = path.parent().unwrap_or(&folder);
        std::fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
        std::fs::write(&path, object).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(Some(folder))
}

/// The content of objects, side by side. One that went between the list and this is one that cannot be read: half a manifest is none.
async fn read(bucket: &Bucket, keys: &[String]) -> Result<Vec<Vec<u8>>> {
    let read = async |key: &String| -> Result<Vec<u8>> {
        let object = bucket.get(key).await?;
        Ok(object.with_context(|| format!("{} went away while it was read", bucket.url(key)))?.bytes)
    };
    futures::future::try_join_all(keys.iter().map(read)).await
}

/// A key as a path within the folder: a key may hold anything.
fn inside(name: &str) -> Result<&Path> {
    let path = Path::new(name);
    let plain = path.components().all(|part| matches!(part, Component::Normal(_)));
    anyhow::ensure!(plain && !name.is_empty(), "the object {name:?} has no name that a file can have");
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_stays_in_its_folder() {
        assert!(inside("a.toml").is_ok() && inside("sheets/b.xlsx").is_ok());
        for odd in ["", "../a.toml", "/etc/passwd", "a/../../b"] {
            assert!(inside(odd).is_err(), "{odd}");
        }
    }
}
