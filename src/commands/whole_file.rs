//! Files that are written whole or not at all.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::failure::Failure;
use crate::files::replace_whole;

/// What becomes of a file that stands there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Existing {
    /// It is replaced.
    Replace,
    /// It stays, and that is an error: a person may have edited it.
    Refuse,
}

/// Writes a file beside its place, syncs and renames it, so that nobody ever reads half of it.
pub(super) fn write_whole(path: &Path, bytes: &[u8], existing: Existing) -> Result<()> {
    let claimed = existing == Existing::Refuse;
    if claimed {
        claim(path)?;
    }
    let written = replace_whole(path, &temporary(path), bytes);
    if written.is_err() && claimed {
        // What went wrong first is the error to tell.
        let _ = fs::remove_file(path);
    }
    written.with_context(|| format!("cannot write {}", path.display()))
}

/// Takes a place where nothing stands, with an empty file, so that of two runs only one gets it.
fn claim(path: &Path) -> Result<()> {
    match File::create_new(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(Failure::new(
            format!("{} exists already", path.display()),
            "choose another file, or remove it first",
        )
        .into()),
        Err(error) => Err(error).with_context(|| format!("cannot write {}", path.display())),
    }
}

/// A name in the same folder that is no person's: `.plan.json.opsform-123`, with the number of this process.
fn temporary(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.opsform-{}", std::process::id()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<String> = entries.map(|name| name.into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_replaced_and_its_neighbours_stay() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fleet.csv");
        for neighbour in ["fleet.tmp", "fleet.csv.tmp"] {
            fs::write(folder.path().join(neighbour), "a person's").unwrap();
        }
        for text in ["long and old", "new"] {
            write_whole(&path, text.as_bytes(), Existing::Replace).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        assert_eq!(names(folder.path()), ["fleet.csv", "fleet.csv.tmp", "fleet.tmp"]);
        assert_eq!(fs::read_to_string(folder.path().join("fleet.tmp")).unwrap(), "a person's");
    }

    #[test]
    fn a_file_that_is_there_stays_where_that_is_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("imported.toml");
        write_whole(&path, b"first", Existing::Refuse).unwrap();
        let error = write_whole(&path, b"second", Existing::Refuse).unwrap_err();
        assert!(error.to_string().ends_with("imported.toml exists already"), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "first");
        assert_eq!(names(folder.path()), ["imported.toml"]);
    }

    #[test]
    fn what_cannot_be_written_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("plan.json")).unwrap();
        fs::write(folder.path().join("plan.json/inside"), "").unwrap();
        let error = write_whole(&folder.path().join("plan.json"), b"text", Existing::Replace).unwrap_err();
        assert!(error.to_string().starts_with("cannot write "), "{error}");
        assert_eq!(names(folder.path()), ["plan.json"]);
        write_whole(&folder.path().join("no/such/folder"), b"text", Existing::Refuse).unwrap_err();
    }
}
