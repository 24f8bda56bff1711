//! The lock of a state in S3, from within: who is in, who waits, and who notices that it was taken.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use aws_config::{BehaviorVersion, Region};
use aws_credential_types::Credentials;
use opsform::aws::{Aws, OWN_ACCOUNT};
use opsform::model::{Address, Scope};
use opsform::state::{Entry, LockOwner, S3Location, S3Store, StateError};
use serde_json::json;

use crate::aws::{Account, Emulator};
use crate::workspace::REGION;

const BUCKET: &str = "acme-opsform";
const KEY: &str = "payments.json";
const LEASE: Duration = Duration::from_millis(900);

fn account() -> Account {
    let account = Emulator::shared().account();
    account.create_bucket(REGION, BUCKET);
    account
}

/// A store with clients of its own, as another process has them.
#[allow(clippy::disallowed_methods)]
async fn store(account: &Account) -> S3Store {
    store_with(account, jiff::Timestamp::now).await
}

/// A way to AWS of its own, with the caller's credentials.
pub(crate) async fn own_way(account: &Account, region: &'static str) -> Aws {
    let key = format!("AKIA{}", account.id());
    let config = aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new(region))
        .endpoint_url(account.url())
        .credentials_provider(Credentials::new(key, "not-a-secret", None, None, "test"))
        .retry_config(aws_config::retry::RetryConfig::disabled())
        .load()
        .await;
    Aws::new(BTreeMap::from([(OWN_ACCOUNT.to_owned(), config)]), BTreeMap::new())
}

/// The same on a machine with this clock.
async fn store_with(account: &Account, clock: fn() -> jiff::Timestamp) -> S3Store {
    let aws = own_way(account, REGION).await;
    let location = S3Location {
        bucket: BUCKET.to_owned(),
        key: KEY.to_owned(),
        region: REGION.to_owned(),
        kms_key: None,
    };
    S3Store::new(aws, location, "payments", clock)
}

fn owner(id: &str) -> LockOwner {
    LockOwner {
        who: "me@here (pid 1)".to_owned(),
        when: "2026-11-20T00:00:00Z".to_owned(),
        what: "apply".to_owned(),
        id: id.to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_hundred_attempts_never_two_are_in() {
    let account = account();
    let stores = [store(&account).await, store(&account).await];
    let inside = Arc::new(AtomicUsize::new(0));
    // Two contenders, each of which wants the lock fifty times.
    let attempts: Vec<_> = stores
        .iter()
        .cloned()
        .enumerate()
        .map(|(n, store)| {
            let inside = Arc::clone(&inside);
            tokio::spawn(async move {
                let (mut refused, mut held) = (0, 0);
                while held < 50 {
                    match store.lock(&owner(&format!("{n}-{held}")), "lineage", false).await {
                        Ok(mut locked) => {
                            assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0, "two are in");
                            locked.save().await.unwrap();
                            assert_eq!(inside.fetch_sub(1, Ordering::SeqCst), 1, "two are in");
                            locked.release().await;
                            held += 1;
                        }
                        Err(StateError::Locked { .. }) => refused += 1,
                        Err(error) => panic!("{error}"),
                    }
                }
                refused
            })
        })
        .collect();
    let mut refused = 0;
    for attempt in attempts {
        refused += attempt.await.unwrap();
    }
    assert!(refused > 0, "they met");
    // Each of them saved what the one before it had saved.
    assert_eq!(stores[0].read().await.unwrap().unwrap().serial, 100);
    assert_eq!(stores[0].holder().await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_is_renewed_while_it_is_held() {
    let account = account();
    let store = store(&account).await.with_lease(LEASE);
    let locked = store.lock(&owner("a"), "lineage", false).await.unwrap();
    let first = store.holder().await.unwrap().unwrap().expires.unwrap();
    tokio::time::sleep(LEASE * 2).await;
    let later = store.holder().await.unwrap().unwrap().expires.unwrap();
    assert!(later.duration_since(first) > jiff::SignedDuration::from_millis(900), "{first} {later}");
    assert!(!locked.lost().is_cancelled());
    locked.release().await;
    assert_eq!(store.holder().await.unwrap(), None);
}

/// A clock that is wrong by so many hours.
#[allow(clippy::disallowed_methods)]
fn wrong_by<const HOURS: i64>() -> jiff::Timestamp {
    jiff::Timestamp::now() + jiff::SignedDuration::from_hours(HOURS)
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_clocks_take_no_lock_that_is_held_and_leave_none_that_is_not() {
    let account = account();
    let (slow, fast) =
        (store_with(&account, wrong_by::<-2>).await, store_with(&account, wrong_by::<2>).await);
    for (holder, other) in [(&slow, &fast), (&fast, &slow)] {
        let locked = holder.lock(&owner("a"), "lineage", false).await.unwrap();
        assert!(!other.holder().await.unwrap().unwrap().expired);
        let taken = other.lock(&owner("b"), "lineage", true).await;
        assert!(matches!(taken, Err(StateError::Locked { .. })), "it is held");
        let key = format!("{KEY}.lock");
        let text = account.object(REGION, BUCKET, &key).unwrap();
        account.put_old_object(REGION, BUCKET, &key, &text);
        assert!(other.holder().await.unwrap().unwrap().expired);
        let refused = other.lock(&owner("b"), "lineage", false).await;
        assert!(matches!(refused, Err(StateError::LockExpired { .. })), "not unless it is said");
        let taken = other.lock(&owner("b"), "lineage", true).await.unwrap();
        locked.release().await;
        assert_eq!(holder.holder().await.unwrap().unwrap().id, "b");
        taken.release().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_whose_answer_is_lost_is_no_loss() {
    let account = account();
    let store = store(&account).await.with_lease(LEASE);
    let mut locked = store.lock(&owner("a"), "lineage", false).await.unwrap();
    account.faults(json!([{"operation": "PutObject", "kind": "drop_after", "times": 2}]));
    tokio::time::sleep(LEASE).await;
    assert!(!locked.lost().is_cancelled());
    account.faults(json!([]));
    locked.save().await.unwrap();
    locked.release().await;
    assert_eq!(store.holder().await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_loses_the_lock_notices_and_does_not_save() {
    let account = account();
    let store = store(&account).await.with_lease(LEASE);
    let mut locked = store.lock(&owner("a"), "lineage", false).await.unwrap();
    let mut theirs = serde_json::to_value(store.holder().await.unwrap().unwrap()).unwrap();
    theirs["id"] = json!("b");
    account.put_object(REGION, BUCKET, &format!("{KEY}.lock"), &theirs.to_string());
    tokio::time::timeout(Duration::from_secs(10), locked.lost().cancelled()).await.unwrap();
    assert!(matches!(locked.save().await, Err(StateError::LockLost { .. })));
    locked.release().await;
    assert_eq!(store.holder().await.unwrap().unwrap().id, "b");
    assert_eq!(store.read().await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_lost_the_lock_writes_no_journal() {
    let account = account();
    let store = store(&account).await.with_lease(LEASE);
    let mut locked = store.lock(&owner("a"), "lineage", false).await.unwrap();
    let journal = locked.open_journal().await.unwrap();
    let key = format!("{KEY}.journal");
    let begun = account.object(REGION, BUCKET, &key);
    let mut theirs = serde_json::to_value(store.holder().await.unwrap().unwrap()).unwrap();
    theirs["id"] = json!("b");
    account.put_object(REGION, BUCKET, &format!("{KEY}.lock"), &theirs.to_string());
    tokio::time::timeout(Duration::from_secs(10), locked.lost().cancelled()).await.unwrap();
    let address = Address::new("metric_alarm", Scope::new("111122223333", REGION), "a");
    journal.append(Entry::Drop { address }).await.unwrap();
    drop(journal);
    assert!(matches!(locked.fold_journal().await, Err(StateError::LockLost { .. })));
    assert_eq!(account.object(REGION, BUCKET, &key), begun);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_that_cannot_be_renewed_is_given_up() {
    let account = account();
    let store = store(&account).await.with_lease(LEASE);
    let mut locked = store.lock(&owner("a"), "lineage", false).await.unwrap();
    account.faults(json!([{"operation": "PutObject", "kind": "hold_before"}]));
    let start = Instant::now();
    tokio::time::timeout(Duration::from_secs(10), locked.lost().cancelled()).await.unwrap();
    assert!(start.elapsed() < LEASE * 3, "{:?}", start.elapsed());
    account.faults(json!([]));
    account.release();
    // Its object still names this run, but for how long nobody knows.
    let Err(error @ StateError::LockLost { .. }) = locked.save().await else { panic!("it is lost") };
    assert!(
        error.to_string().contains("it could not be renewed in time; it did not save the state"),
        "{error}"
    );
    assert_eq!(store.read().await.unwrap(), None);
    locked.release().await;
    assert_eq!(store.holder().await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_renewal_that_hangs_loses_no_lock() {
    let account = account();
    let lease = LEASE * 3;
    let store = store(&account).await.with_lease(lease);
    let mut locked = store.lock(&owner("a"), "lineage", false).await.unwrap();
    let first = store.holder().await.unwrap().unwrap().expires.unwrap();
    account.faults(json!([{"operation": "PutObject", "kind": "hold_before", "times": 1}]));
    let renewed = async {
        while store.holder().await.unwrap().unwrap().expires.unwrap() == first {
            assert!(!locked.lost().is_cancelled());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(lease, renewed).await.unwrap();
    assert!(account.count("s3:PutObject") >= 3, "the first, the one that hangs, the next");
    locked.save().await.unwrap();
    locked.release().await;
}
