//! State in a local file: `state/<project>.json`, with its journal and its lock beside it.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

use super::aside::{self, Aside};
use super::journal::{Header, JOURNAL_VERSION};
use super::lock::{self, HeldLock};
use super::reading::{
    JournalText, Relation, document_is_gone, document_text, parse_document, parse_journal, relation,
};
use super::{Journal, LockInfo, LockOwner, State, StateError};
use crate::files::{replace_whole, sync_folder};

/// How often a reader tries again when an apply folds its journal just then.
const READ_TRIES: usize = 20;
const READ_PAUSE: std::time::Duration = std::time::Duration::from_millis(20);

/// A state file and what belongs to it.
#[derive(Clone, Debug)]
pub struct LocalStore {
    path: PathBuf,
    project: String,
    replacing: bool,
}

impl LocalStore {
    /// The store of a project at a path.
    ///
    /// Of a link, the file that it points to: replacing the link would part those who share the file.
    pub fn new(path: impl Into<PathBuf>, project: impl Into<String>) -> Self {
        let path = path.into();
        let path = if path.is_symlink() { fs::canonicalize(&path).unwrap_or(path) } else { path };
        Self { path, project: project.into(), replacing: false }
    }

    /// Takes what is damaged for no state when it is locked: it is about to be replaced.
    #[must_use]
    pub fn replacing_damage(self) -> Self {
        Self { replacing: true, ..self }
    }

    /// The document's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The project's name.
    pub fn project(&self) -> &str {
        &self.project
    }

    /// `payments.json` → `payments.json.lock`. Appended, never replaced: two states of one stem must not share a lock.
    fn beside(&self, suffix: &str) -> PathBuf {
        let mut path = self.path.clone().into_os_string();
        path.push(".");
        path.push(suffix);
        path.into()
    }

    /// Reads the state with the journal of an apply that was cut off or is under way. Takes no lock.
    ///
    /// `None` where there is no state yet.
    ///
    /// # Errors
    /// Where the document cannot be read, is damaged, newer than this opsform or of another project.
    pub fn read(&self) -> Result<Option<State>, StateError> {
        let (path, journal_path) = (self.path.display().to_string(), self.beside("journal"));
        let journal_path = journal_path.display().to_string();
        let mut ahead = None;
        for _ in 0..READ_TRIES {
            let state = self.read_document()?;
            let Some((header, entries)) = self.read_journal()? else { return Ok(state) };
            let Some(mut state) = state else {
                // The very first document may have been written between the two reads.
                if self.path.exists() {
                    continue;
                }
                return Err(document_is_gone(&path, &journal_path));
            };
            match relation(&state, &header, &path, &journal_path)? {
                Relation::Continues => {
                    for entry in entries {
                        state.take_over(entry);
                    }
                    return Ok(Some(state));
                }
                Relation::Older => {
                    if self.read_document()?.is_some_and(|again| again.serial == state.serial) {
                        return Ok(Some(state));
                    }
                }
                Relation::Newer => {
                    // Still the same after a while: no apply is at work, the document was put back from a copy.
                    if ahead == Some(header.serial) {
                        std::thread::sleep(READ_PAUSE);
                    }
                    ahead = Some(header.serial);
                }
            }
        }
        Err(StateError::JournalAhead { path, journal: journal_path })
    }

    fn read_document(&self) -> Result<Option<State>, StateError> {
        let Some(bytes) = read_if_there(&self.path)? else {
            return Ok(None);
        };
        parse_document(&bytes, &self.path.display().to_string(), &self.project).map(Some)
    }

    fn read_journal(&self) -> Result<Option<JournalText>, StateError> {
        let path = self.beside("journal");
        let Some(bytes) = read_if_there(&path)? else { return Ok(None) };
        parse_journal(&bytes, &path.display().to_string())
    }

    /// Who is writing now, if anybody.
    ///
    /// # Errors
    /// Where the lock file cannot be read.
    pub fn holder(&self) -> Result<Option<LockInfo>, StateError> {
        lock::holder(&self.beside("lock"))
    }

    /// Sets the document aside under a free name, after it was copied to the place `to`.
    ///
    /// # Errors
    /// Where it cannot be written there, or removed here.
    pub fn set_aside(&self, to: &str) -> Result<String, StateError> {
        let failed = |error| StateError::io("set aside", &self.path, error);
        let text = fs::read(&self.path).and_then(|bytes| Ok(aside::text(&bytes, to)?)).map_err(failed)?;
        let mut n = 1;
        let path = loop {
            let path = self.beside(&aside::ending(n));
            match read_if_there(&path)? {
                Some(there) if there != text => n += 1,
                // A migration that was killed came as far as this.
                Some(_) => break path,
                None => {
                    replace_whole(&path, &self.beside("tmp"), &text).map_err(failed)?;
                    break path;
                }
            }
        };
        fs::remove_file(&self.path).and_then(|()| sync_folder(&self.path)).map_err(failed)?;
        Ok(path.display().to_string())
    }

    /// The document that was set aside last.
    pub(super) fn aside(&self) -> Result<Option<Aside>, StateError> {
        let mut last = None;
        for n in 1.. {
            let path = self.beside(&aside::ending(n));
            let Some(bytes) = read_if_there(&path)? else { break };
            last = Some(Aside::new(path.display().to_string(), &bytes));
        }
        Ok(last)
    }

    /// Takes the lock and reads the state; a new state where there is none.
    ///
    /// # Errors
    /// [`StateError::Locked`] where somebody else writes, and all of [`LocalStore::read`].
    pub fn lock(&self, owner: &LockOwner, new_lineage: &str) -> Result<LockedStore, StateError> {
        if let Some(folder) = self.path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            fs::create_dir_all(folder).map_err(|source| StateError::io("create", folder, source))?;
        }
        let lock = HeldLock::take(&self.beside("lock"), &self.path, owner)?;
        let state = match self.read() {
            Err(error) if self.replacing && error.is_damage() => None,
            read => read?,
        };
        let state = state.unwrap_or_else(|| State::new(&*self.project, new_lineage));
        Ok(LockedStore { store: self.clone(), state, writer: None, _lock: lock })
    }
}

fn read_if_there(path: &Path) -> Result<Option<Vec<u8>>, StateError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(source) => Err(StateError::io("read", path, source)),
    }
}

/// A state that this process may write. The lock is given back when it is dropped.
#[derive(Debug)]
pub struct LockedStore {
    store: LocalStore,
    /// The state as it was read; [`LockedStore::save`] writes it.
    pub state: State,
    writer: Option<JoinHandle<()>>,
    _lock: HeldLock,
}

impl LockedStore {
    /// Writes the document, so that a journal has something to continue, and opens the journal.
    ///
    /// # Errors
    /// Where the files cannot be written.
    pub fn open_journal(&mut self) -> Result<Journal, StateError> {
        self.save()?;
        let path = self.store.beside("journal");
        let (lineage, serial) = (self.state.lineage.clone(), self.state.serial);
        let header = Header { journal: JOURNAL_VERSION, lineage, serial };
        let write = || -> std::io::Result<File> {
            let mut file = OpenOptions::new().create(true).write(true).truncate(true).open(&path)?;
            let mut line = serde_json::to_vec(&header)?;
            line.push(b'\n');
            file.write_all(&line)?;
            file.sync_all()?;
            sync_folder(&path)?;
            Ok(file)
        };
        let file = write().map_err(|source| StateError::io("write", &path, source))?;
        let (journal, writer) = Journal::start(file, path);
        self.writer = Some(writer);
        Ok(journal)
    }

    /// Whether a journal is left of an apply that was cut off. Its entries are part of the state.
    pub fn has_journal(&self) -> bool {
        self.store.beside("journal").exists()
    }

    /// Folds the journal into the document. All clones of the journal must have been dropped.
    ///
    /// # Errors
    /// Where the files cannot be read or written; then the journal is still there for the next run.
    pub fn fold_journal(&mut self) -> Result<(), StateError> {
        if let Some(writer) = self.writer.take() {
            // The thread ends with the last clone of the journal; it cannot panic.
            let _ = writer.join();
        }
        if let Some(state) = self.store.read()? {
            self.state = state;
        }
        self.save()
    }

    /// Replaces the document with [`LockedStore::state`] under the next serial, and removes the journal, whose entries
    /// are part of the state since it was read.
    ///
    /// # Errors
    /// Where the file cannot be written; the old one is then still whole.
    pub fn save(&mut self) -> Result<(), StateError> {
        let path = &self.store.path;
        self.state.count_up(&path.display().to_string())?;
        let write = || replace_whole(path, &self.store.beside("tmp"), &document_text(&self.state)?);
        write().map_err(|source| StateError::io("write", path, source))?;
        let journal = self.store.beside("journal");
        match fs::remove_file(&journal) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(StateError::io("remove", &journal, error))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
