//! Mails as files, to look at before anything is sent.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Message;

/// The file that lists the others.
const INDEX: &str = "index.json";
/// Who wrote the index.
const WRITER: &str = "opsform audit --mail";
/// Bytes of a file's name that come from an address.
const NAME_LENGTH: usize = 80;

/// Why mails could not be written.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// There is a file that an earlier run did not write.
    #[error("{} holds {name}, which opsform did not write", folder.display())]
    Foreign {
        /// The folder.
        folder: PathBuf,
        /// The first such file.
        name: String,
    },
    /// The disk or its permissions.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

impl FilesError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Foreign { .. } => Some("name a folder that is empty or does not exist".to_owned()),
            Self::Io { .. } => None,
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Index {
    written_by: String,
    mails: Vec<IndexEntry>,
}

#[derive(Serialize, Deserialize)]
struct IndexEntry {
    to: Vec<String>,
    cc: Vec<String>,
    subject: String,
    html: String,
    text: String,
}

/// Writes `01-team.html`, `01-team.txt`, `02-kim@acme.com.html` and so on, and `index.json` with who gets what.
///
/// Files of an earlier run are replaced. Gives the paths of the HTML files.
///
/// # Errors
/// [`FilesError::Foreign`] before anything is written, or [`FilesError::Io`].
pub fn write_messages(folder: &Path, messages: &[Message]) -> Result<Vec<PathBuf>, FilesError> {
    let io = |path: &Path| {
        let path = path.to_owned();
        move |source| FilesError::Io { path, source }
    };
    fs::create_dir_all(folder).map_err(io(folder))?;
    for name in earlier_files(folder)? {
        let path = folder.join(name);
        fs::remove_file(&path).map_err(io(&path))?;
    }
    let width = messages.len().to_string().len().max(2);
    let entries: Vec<IndexEntry> =
        messages.iter().enumerate().map(|(n, message)| entry(n + 1, width, message)).collect();
    // The index comes first: whatever happens now, the next run knows which files are ours.
    let index = Index { written_by: WRITER.to_owned(), mails: entries };
    let path = folder.join(INDEX);
    let json = serde_json::to_string_pretty(&index).map_err(io::Error::other).map_err(io(&path))?;
    fs::write(&path, json + "\n").map_err(io(&path))?;
    let mut written = Vec::new();
    for (entry, message) in index.mails.iter().zip(messages) {
        for (name, content) in [(&entry.html, &message.html), (&entry.text, &message.text)] {
            let path = folder.join(name);
            fs::write(&path, content).map_err(io(&path))?;
        }
        written.push(folder.join(&entry.html));
    }
    Ok(written)
}

fn entry(number: usize, width: usize, message: &Message) -> IndexEntry {
    let who: String =
        message.owner.as_deref().unwrap_or("team").chars().map(safe).take(NAME_LENGTH).collect();
    let name = format!("{number:0width$}-{who}");
    IndexEntry {
        to: message.to.iter().map(ToString::to_string).collect(),
        cc: message.cc.iter().map(ToString::to_string).collect(),
        subject: message.subject.clone(),
        html: format!("{name}.html"),
        text: format!("{name}.txt"),
    }
}

/// Addresses may hold characters that no file's name may.
fn safe(c: char) -> char {
    if c.is_ascii_alphanumeric() || "@.-_+".contains(c) { c } else { '_' }
}

/// The files of an earlier run, or the first that is none.
fn earlier_files(folder: &Path) -> Result<Vec<String>, FilesError> {
    let io = |source| FilesError::Io { path: folder.to_owned(), source };
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(io)? {
        names.push(entry.map_err(io)?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    let ours = index_of(&folder.join(INDEX));
    match names.iter().find(|name| !ours.contains(*name)) {
        Some(name) => Err(FilesError::Foreign { folder: folder.to_owned(), name: name.clone() }),
        None => Ok(names),
    }
}

/// The files that an index names, itself among them; none where it is not opsform's.
fn index_of(path: &Path) -> BTreeSet<String> {
    let read = fs::read_to_string(path).ok().and_then(|text| serde_json::from_str::<Index>(&text).ok());
    let Some(index) = read.filter(|index| index.written_by == WRITER) else { return BTreeSet::new() };
    let files = index.mails.into_iter().flat_map(|mail| [mail.html, mail.text]);
    files.chain([INDEX.to_owned()]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(owner: Option<&str>) -> Message {
        Message {
            to: Vec::new(),
            cc: Vec::new(),
            subject: "s".to_owned(),
            text: "t".to_owned(),
            html: "<p>h".to_owned(),
            owner: owner.map(str::to_owned),
        }
    }

    fn names(folder: &Path) -> Vec<String> {
        let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn files_of_an_earlier_run_are_replaced() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = temporary.path().join("mails");
        let owners = [message(None), message(Some("kim@acme.com")), message(Some("a/b@acme.com"))];
        write_messages(&folder, &owners).unwrap();
        assert_eq!(
            names(&folder),
            [
                "01-team.html",
                "01-team.txt",
                "02-kim@acme.com.html",
                "02-kim@acme.com.txt",
                "03-a_b@acme.com.html",
                "03-a_b@acme.com.txt",
                "index.json"
            ]
        );
        write_messages(&folder, &owners[..1]).unwrap();
        assert_eq!(names(&folder), ["01-team.html", "01-team.txt", "index.json"]);
    }

    #[test]
    fn a_folder_with_anything_else_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("01-team.html"), "mine").unwrap();
        let error = write_messages(folder.path(), &[message(None)]).unwrap_err();
        assert!(error.to_string().ends_with("holds 01-team.html, which opsform did not write"), "{error}");
        assert_eq!(fs::read_to_string(folder.path().join("01-team.html")).unwrap(), "mine");

        fs::remove_file(folder.path().join("01-team.html")).unwrap();
        write_messages(folder.path(), &[message(None)]).unwrap();
        fs::write(folder.path().join("notes.txt"), "mine").unwrap();
        let error = write_messages(folder.path(), &[message(None)]).unwrap_err();
        assert!(error.to_string().contains("notes.txt"), "{error}");
    }
}
