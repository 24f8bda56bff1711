//! The local store: whatever stops an apply, nothing is lost and nothing is half.

use std::fs;

use super::*;
use crate::model::{Address, Fields, Owned, Scope};
use crate::state::Entry;

fn record(key: &str) -> Owned {
    Owned {
        address: Address::new("metric_alarm", Scope::new("111122223333", "us-east-1"), key),
        label: "alarm.cpu".to_owned(),
        target: None,
        protect: false,
        fields: Fields::from([("threshold".to_owned(), 80.5.into())]),
    }
}

fn owner(what: &str) -> LockOwner {
    LockOwner {
        who: "me@here (pid 1)".to_owned(),
        when: "2026-11-20T00:00:00Z".to_owned(),
        what: what.to_owned(),
        id: format!("id-of-{what}"),
    }
}

fn store(folder: &Path) -> LocalStore {
    LocalStore::new(folder.join("state/payments.json"), "payments")
}

fn keys(state: &State) -> Vec<&str> {
    state.resources.keys().map(|address| address.key.as_str()).collect()
}

#[test]
fn what_is_saved_is_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    assert_eq!(store.read().unwrap(), None);
    let mut locked = store.lock(&owner("apply"), "lineage").unwrap();
    locked.state.resources.insert(record("a").address, record("a"));
    locked.save().unwrap();
    let read = store.read().unwrap().unwrap();
    assert_eq!((read.serial, keys(&read)), (1, vec!["a"]));
    assert_eq!(read, locked.state);
}

#[test]
fn what_is_set_aside_is_kept_beside_what_was_before() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    let mut locked = store.lock(&owner("state migrate"), "lineage").unwrap();
    let there = |ending: &str| store.beside(ending).exists();
    locked.save().unwrap();
    let document = fs::read(&store.path).unwrap();
    assert!(store.set_aside("s3://a/b").unwrap().ends_with("payments.json.migrated"));
    assert_eq!((store.read().unwrap(), there("migrated")), (None, true));
    // Cut off after the copy was made: there is one all the same.
    fs::write(&store.path, document).unwrap();
    assert!(store.set_aside("s3://a/b").unwrap().ends_with("payments.json.migrated"));
    locked.save().unwrap();
    assert!(store.set_aside("s3://c/d").unwrap().ends_with("payments.json.migrated.2"));
    assert!(there("migrated") && !there("migrated.3") && !store.path.exists());
    assert_eq!(store.aside().unwrap().unwrap().to, "s3://c/d");
}

#[test]
fn one_writer_at_a_time_and_readers_see_who() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    let locked = store.lock(&owner("apply"), "lineage").unwrap();
    let error = store.lock(&owner("destroy"), "lineage").unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "the state {} is locked by me@here (pid 1) since 2026-11-20T00:00:00Z, running apply (lock id id-of-apply)",
            store.path().display()
        )
    );
    assert_eq!(store.holder().unwrap().unwrap().what, "apply");
    drop(locked);
    assert_eq!(store.holder().unwrap(), None);
    store.lock(&owner("destroy"), "lineage").unwrap();
}

#[tokio::test]
async fn a_journal_is_part_of_the_state_until_it_is_folded() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    let mut locked = store.lock(&owner("apply"), "lineage").unwrap();
    locked.state.resources.insert(record("old").address, record("old"));
    let journal = locked.open_journal().unwrap();
    journal.append(Entry::Intend { resources: vec![record("a"), record("b")] }).await.unwrap();
    journal.append(Entry::Own { resource: record("a") }).await.unwrap();
    journal.append(Entry::Drop { address: record("old").address }).await.unwrap();
    let seen = store.read().unwrap().unwrap();
    assert_eq!(keys(&seen), ["a"]);
    assert_eq!(seen.unconfirmed.keys().map(|a| a.key.as_str()).collect::<Vec<_>>(), ["b"]);
    drop(journal);
    locked.fold_journal().unwrap();
    assert!(!store.beside("journal").exists());
    let folded = store.read().unwrap().unwrap();
    assert_eq!(keys(&folded), ["a"]);
    assert_eq!(folded.unconfirmed.len(), 1);
}

#[tokio::test]
async fn a_half_written_last_line_loses_nothing_that_was_confirmed() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    let mut locked = store.lock(&owner("apply"), "lineage").unwrap();
    let journal = locked.open_journal().unwrap();
    journal.append(Entry::Intend { resources: vec![record("a"), record("결제")] }).await.unwrap();
    journal.append(Entry::Own { resource: record("a") }).await.unwrap();
    journal.append(Entry::Own { resource: record("결제") }).await.unwrap();
    let path = store.beside("journal");
    let whole = fs::read(&path).unwrap();
    // Cut at every byte of the last line, as a power failure would, within a character too.
    let last_line = whole[..whole.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
    for cut in last_line..whole.len() {
        fs::write(&path, &whole[..cut]).unwrap();
        let state = store.read().unwrap().unwrap();
        assert_eq!(keys(&state), ["a"], "cut at {cut}");
        assert_eq!(state.unconfirmed.len(), 1);
    }
}

#[tokio::test]
async fn a_damaged_or_newer_journal_is_an_error_and_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    let mut locked = store.lock(&owner("apply"), "lineage").unwrap();
    let journal = locked.open_journal().unwrap();
    journal.append(Entry::Own { resource: record("a") }).await.unwrap();
    drop(journal);
    drop(locked);
    let path = store.beside("journal");
    let whole = fs::read_to_string(&path).unwrap();
    let second = whole.find('\n').unwrap() + 1;
    for (text, expected) in [
        (format!("X{}", &whole[1..]), "journal is damaged: line 1"),
        (whole.replace("\"serial\"", "\"Serial\""), "journal is damaged: line 1"),
        (format!("{}X{}", &whole[..second], &whole[second + 1..]), "journal is damaged: line 2"),
        (
            whole.replace("\"journal\":1", "\"journal\":2"),
            "has format 2, and this opsform knows formats up to 1",
        ),
    ] {
        fs::write(&path, &text).unwrap();
        let error = store.lock(&owner("apply"), "lineage").unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), text, "left as it was");
    }
    // A first line that is not whole: nothing was begun yet.
    fs::write(&path, &whole[..second - 1]).unwrap();
    assert!(keys(&store.read().unwrap().unwrap()).is_empty());
}

#[test]
fn a_journal_that_was_folded_but_not_removed_is_not_taken_over_twice() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    let mut locked = store.lock(&owner("apply"), "lineage").unwrap();
    let journal = locked.open_journal().unwrap();
    let old = fs::read(store.beside("journal")).unwrap();
    drop(journal);
    locked.state.resources.insert(record("a").address, record("a"));
    locked.save().unwrap();
    let entry = Entry::Drop { address: record("a").address };
    let line = format!("{}\n", serde_json::to_string(&entry).unwrap());
    fs::write(store.beside("journal"), [old, line.into_bytes()].concat()).unwrap();
    assert_eq!(keys(&store.read().unwrap().unwrap()), ["a"]);
}

#[test]
fn damage_is_an_error_and_never_an_empty_state() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    fs::create_dir_all(folder.path().join("state")).unwrap();
    for (text, expected) in [
        ("", "is damaged"),
        ("{", "is damaged"),
        (r#"{"format_version": 99}"#, "has format 99, and this opsform knows formats up to 1"),
        (
            r#"{"format_version": 1, "lineage": "x", "serial": 1, "project": "search", "resources": []}"#,
            r#"belongs to project "search", and the manifest is of project "payments""#,
        ),
    ] {
        fs::write(store.path(), text).unwrap();
        let error = store.read().unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        assert!(store.lock(&owner("apply"), "lineage").is_err());
        assert_eq!(fs::read_to_string(store.path()).unwrap(), text, "left as it was");
    }
}

#[test]
fn a_state_of_one_stem_does_not_share_its_lock() {
    let folder = tempfile::tempdir().unwrap();
    let a = LocalStore::new(folder.path().join("a.json"), "a");
    let b = LocalStore::new(folder.path().join("a.lock"), "a");
    let _held = a.lock(&owner("apply"), "lineage").unwrap();
    b.lock(&owner("apply"), "lineage").unwrap();
}
