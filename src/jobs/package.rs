//! The package: a zip with the program and its manifest, the same bytes for the same content, so that its hash is a version.

use std::collections::BTreeMap;
use std::io::{Cursor, Read, Write};
use std::path::{Component, Path, PathBuf};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter};

/// The program's name: what the runtime `provided.al2023` starts ("Building a custom runtime for AWS Lambda" in the developer guide).
pub const BOOTSTRAP: &str = "bootstrap";

/// The folder of the manifest.
pub const MANIFESTS: &str = "manifests";

/// The files of a manifest by their names in a package.
pub type Contents = BTreeMap<String, Vec<u8>>;

/// The zip. Names are sorted, times are zip's first, and permissions are the same on every machine.
///
/// # Errors
/// Where a file is too large for a zip.
pub fn zip(program: &[u8], manifests: &Contents) -> Result<Vec<u8>, String> {
    let words = |error: zip::result::ZipError| error.to_string();
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let plain = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(DateTime::DEFAULT)
        .unix_permissions(0o644);
    writer.start_file(BOOTSTRAP, plain.unix_permissions(0o755)).map_err(words)?;
    writer.write_all(program).map_err(|error| error.to_string())?;
    for (name, content) in manifests {
        writer.start_file(name.as_str(), plain).map_err(words)?;
        writer.write_all(content).map_err(|error| error.to_string())?;
    }
    Ok(writer.finish().map_err(words)?.into_inner())
}

/// The files of a package besides the program; `None` where it is none of ours.
pub fn manifests_in(package: &[u8]) -> Option<Contents> {
    let mut archive = ZipArchive::new(Cursor::new(package)).ok()?;
    archive.index_for_name(BOOTSTRAP)?;
    let mut contents = Contents::new();
    for index in 0..archive.len() {
        let mut file = archive.by_index(index).ok()?;
        let name = file.name().ok()?.into_owned();
        if name != BOOTSTRAP {
            let mut content = Vec::new();
            file.read_to_end(&mut content).ok()?;
            contents.insert(name, content);
        }
    }
    Some(contents)
}

/// The name in a package of a file that the manifest names: where it is from the folder of the manifest, which may be beside it
/// (`../sheets/a.xlsx`) and no further away.
///
/// # Errors
/// Why it cannot be in a package.
pub fn name_of(folder: &Path, file: &Path) -> Result<String, String> {
    let (folder, file) = (plain(folder), plain(file));
    if folder.is_absolute() != file.is_absolute() {
        return Err("is named by its whole path, which is not there in Lambda; name it from the manifest that needs it".to_owned());
    }
    let within = |root: &Path, under: &str| {
        let rest = file.strip_prefix(root).ok()?;
        let parts: Option<Vec<&str>> = rest.components().map(|part| part.as_os_str().to_str()).collect();
        let parts = parts?;
        let inside = !parts.is_empty() && !parts.contains(&"..");
        inside.then(|| {
            std::iter::once(under)
                .filter(|under| !under.is_empty())
                .chain(parts)
                .collect::<Vec<_>>()
                .join("/")
        })
    };
    let beside = || within(folder.parent()?, "");
    match within(&folder, MANIFESTS).or_else(beside) {
        Some(name) if name == BOOTSTRAP => Err("has the name of the program in the package".to_owned()),
        Some(name) => Ok(name),
        None => {
            Err("is too far away: a package holds the folder of the manifest and what is beside it"
                .to_owned())
        }
    }
}

/// A path without `.`, and without `..` where that takes a name back.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(plain.components().next_back(), Some(Component::Normal(_))) => {
                plain.pop();
            }
            other => plain.push(other),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents() -> Contents {
        [("manifests/a.toml", "a"), ("sheets/b.xlsx", "b")]
            .map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec()))
            .into()
    }

    #[test]
    fn the_same_content_is_the_same_package() {
        let package = zip(b"program", &contents()).unwrap();
        assert_eq!(package, zip(b"program", &contents()).unwrap());
        assert_ne!(package, zip(b"another", &contents()).unwrap());
        assert_eq!(manifests_in(&package), Some(contents()));
        let mut archive = ZipArchive::new(Cursor::new(&package[..])).unwrap();
        let mode = archive.by_name(BOOTSTRAP).unwrap().unix_mode().unwrap();
        assert_eq!(mode & 0o777, 0o755);
        let mode = archive.by_name("manifests/a.toml").unwrap().unix_mode().unwrap();
        assert_eq!(mode & 0o777, 0o644);
        assert_eq!(manifests_in(b"no zip"), None);
    }

    #[test]
    fn files_keep_their_place_beside_the_manifest() {
        let name = |folder: &str, file: &str| name_of(Path::new(folder), Path::new(file));
        assert_eq!(name("manifests", "manifests/a.toml").unwrap(), "manifests/a.toml");
        assert_eq!(name("prod", "prod/sheets/a.xlsx").unwrap(), "manifests/sheets/a.xlsx");
        assert_eq!(name("prod", "prod/../sheets/a.xlsx").unwrap(), "sheets/a.xlsx");
        assert_eq!(name("/r/m", "/r/m/../a.xlsx").unwrap(), "a.xlsx");
        assert_eq!(name("./m", "m/./a.toml").unwrap(), "manifests/a.toml");
        assert!(name("m", "m/../../a.xlsx").unwrap_err().contains("too far away"));
        assert!(name("m", "/data/a.xlsx").unwrap_err().contains("whole path"));
        assert!(name("m", "m/../bootstrap").unwrap_err().contains("the name of the program"));
    }
}
