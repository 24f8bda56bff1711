//! Files that are replaced whole.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

/// Writes a file beside its place, syncs and renames it, so that nobody ever reads half of it, also after a power cut.
///
/// `temporary` is a name in the same folder that nobody else uses. It is not there afterwards.
///
/// # Errors
/// Where it cannot be written; the old file is then still whole.
pub fn replace_whole(path: &Path, temporary: &Path, bytes: &[u8]) -> io::Result<()> {
    let written = write_synced(temporary, bytes).and_then(|()| fs::rename(temporary, path));
    if written.is_err() {
        // What went wrong first is the error to tell.
        let _ = fs::remove_file(temporary);
    }
    written.and_then(|()| sync_folder(path))
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// A rename or a new file is on disk for sure only when its folder is.
///
/// # Errors
/// Where the folder cannot be opened or synced.
pub fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}
