//! The files that make up one manifest.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use crate::model::{Diagnostic, Diagnostics, Place, SourceFile};

/// What to do about a manifest that is not there.
const INIT_HINT: &str = "`opsform init` writes a first manifest; `--manifests DIR` names another folder";

/// All `*.toml` files of a folder, sorted by path. Together they are one manifest.
#[derive(Clone, Debug, Default)]
pub struct SourceSet {
    folder: String,
    files: Vec<Arc<SourceFile>>,
}

impl SourceSet {
    /// A set from the folder's name as it is shown and pairs of path and text.
    pub fn new<P: Into<String>, T: Into<String>>(
        folder: impl Into<String>,
        files: impl IntoIterator<Item = (P, T)>,
    ) -> Self {
        let mut files: Vec<Arc<SourceFile>> = files
            .into_iter()
            .map(|(path, text)| Arc::new(SourceFile { path: path.into(), text: text.into() }))
            .collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Self { folder: folder.into(), files }
    }

    /// Reads every `*.toml` of a folder; folders inside it and hidden files (an editor's locks) are left alone.
    ///
    /// The set holds the files that could be read, so that their problems are told together with those of the
    /// files that could not.
    pub fn read(folder: &Path) -> (Self, Diagnostics) {
        let shown = shown(folder);
        let mut problems = Diagnostics::new();
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => {
                problems.push(folder_problem(folder, &shown, &error));
                return (Self::new(shown, Vec::<(String, String)>::new()), problems);
            }
        };
        let mut files = Vec::new();
        let mut found = false;
        for entry in entries {
            let path = match entry {
                Ok(entry) => entry.path(),
                Err(error) => {
                    problems.push(folder_problem(folder, &shown, &error));
                    continue;
                }
            };
            if !is_manifest(&path) {
                continue;
            }
            found = true;
            match read_file(&path) {
                Ok(file) => files.push(file),
                Err(diagnostic) => problems.push(*diagnostic),
            }
        }
        if !found && problems.is_empty() {
            problems.push(
                Diagnostic::error(format!("no `*.toml` file in `{shown}`"))
                    .at(Place::Named(shown.clone()))
                    .hint(INIT_HINT),
            );
        }
        (Self::new(shown, files), problems)
    }

    /// The files, sorted by path.
    pub fn files(&self) -> &[Arc<SourceFile>] {
        &self.files
    }

    /// The folder as a place, for what is missing altogether.
    pub fn place(&self) -> Place {
        Place::Named(self.folder.clone())
    }
}

/// The path of a file that a manifest file names, relative to that manifest file's folder.
pub fn path_beside(place: &Place, file: &str) -> String {
    let Place::Text { file: manifest, .. } = place else {
        return file.to_owned();
    };
    let file = file.replace('\\', "/");
    let folder = manifest.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    if folder.is_empty() || file.starts_with('/') || file.get(1..2) == Some(":") {
        return file;
    }
    let mut parts: Vec<&str> = folder.split('/').collect();
    for part in file.split('/') {
        match part {
            "." => {}
            // `manifests/../servers.csv` is `servers.csv` to everybody who reads it.
            ".." if parts.last().is_some_and(|last| !matches!(*last, ".." | "." | "")) => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// The path as it is shown, with `/` on every system so that output is the same everywhere.
fn shown(path: &Path) -> String {
    path.display().to_string().replace('\\', "/")
}

fn is_manifest(path: &Path) -> bool {
    let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
    !hidden
        && path.extension().is_some_and(|extension| extension == "toml")
        && !path.is_dir()
        && (path.is_file() || !path.exists())
}

fn folder_problem(folder: &Path, shown: &str, error: &std::io::Error) -> Diagnostic {
    let place = Place::Named(shown.to_owned());
    match error.kind() {
        std::io::ErrorKind::NotFound => {
            Diagnostic::error(format!("there is no manifest folder `{shown}`")).hint(INIT_HINT)
        }
        _ if folder.is_file() => Diagnostic::error(format!("`{shown}` is a file, not a folder of manifests"))
            .hint("name the folder that the file is in"),
        _ => Diagnostic::error(format!("cannot read the manifest folder `{shown}`: {error}")),
    }
    .at(place)
}

fn read_file(path: &Path) -> Result<(String, String), Box<Diagnostic>> {
    let shown = shown(path);
    let problem = |summary: String| Box::new(Diagnostic::error(summary).at(Place::Named(shown.clone())));
    let bytes = fs::read(path).map_err(|error| problem(format!("cannot read `{shown}`: {error}")))?;
    match String::from_utf8(bytes) {
        Ok(text) => Ok((shown, text)),
        Err(error) => {
            let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            let line = 1 + String::from_utf8_lossy(valid).matches('\n').count();
            let diagnostic = problem(format!("`{shown}` is not UTF-8 text: line {line} holds other bytes"));
            Err(Box::new(diagnostic.hint("save the file as UTF-8")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summaries(problems: &Diagnostics) -> Vec<String> {
        problems.iter().map(|d| d.summary.clone()).collect()
    }

    #[test]
    fn reads_toml_files_sorted_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("b.toml"), "b = 1").unwrap();
        fs::write(folder.path().join("a.toml"), "a = 1").unwrap();
        fs::write(folder.path().join(".#a.toml"), "lock").unwrap();
        fs::write(folder.path().join("notes.md"), "# no").unwrap();
        fs::create_dir(folder.path().join("c.toml")).unwrap();
        let (set, problems) = SourceSet::read(folder.path());
        assert!(problems.is_empty());
        let texts: Vec<&str> = set.files().iter().map(|file| file.text.as_str()).collect();
        assert_eq!(texts, ["a = 1", "b = 1"]);
        assert!(set.files()[0].path.ends_with("/a.toml"));
    }

    #[test]
    fn a_missing_folder_and_an_empty_one_point_to_init() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("nowhere");
        let (_, problems) = SourceSet::read(&missing);
        assert_eq!(summaries(&problems), [format!("there is no manifest folder `{}`", missing.display())]);
        let (_, problems) = SourceSet::read(folder.path());
        assert_eq!(summaries(&problems), [format!("no `*.toml` file in `{}`", folder.path().display())]);
        assert!(problems.iter().all(|d| d.hint.as_deref() == Some(INIT_HINT)));
    }

    #[test]
    fn other_encodings_name_the_line_and_do_not_hide_the_other_files() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.toml"), b"x = 1\nname = \"\xb0\xa1\"\n").unwrap();
        fs::write(folder.path().join("b.toml"), "b = 1").unwrap();
        let (set, problems) = SourceSet::read(folder.path());
        assert_eq!(set.files().len(), 1);
        assert!(summaries(&problems)[0].ends_with("a.toml` is not UTF-8 text: line 2 holds other bytes"));
    }

    #[test]
    fn a_file_in_place_of_the_folder_is_said_so() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("alarms.toml");
        fs::write(&file, "").unwrap();
        let (_, problems) = SourceSet::read(&file);
        assert!(summaries(&problems)[0].ends_with("is a file, not a folder of manifests"));
    }
}
