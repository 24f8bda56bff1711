//! Parking and restoring that are killed, refused and left without an answer at every single call.
//!
//! The emulator watches every deletion: it notes each volume that was deleted while there was no completed snapshot of it,
//! younger than the instance's last start, and each parking snapshot that was the last copy of its volume.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::park::{PARK, run_it, seed, seed_at, state, volume_count, volumes};
use crate::park_odds::kms_key;
use crate::workspace::{REGION, Workspace, wait_until};

/// An instance on its way, and what it was.
struct Way {
    workspace: Workspace,
    instance: String,
    before: BTreeMap<String, Vec<String>>,
    parks: bool,
}

impl Way {
    /// A fresh account with an instance of three volumes that is about to be parked, or that is parked and about to be restored.
    fn new(parks: bool) -> Self {
        Self::of(parks, |workspace| {
            let (_, key) = kms_key(workspace);
            seed(
                workspace,
                json!({"delete_on_termination": false}),
                json!([
                    {"device": "/dev/sdf", "delete_on_termination": true, "tags": {"Name": "데이터"}, "key": key},
                    {"device": "/dev/sdg", "type": "io2", "size": 50, "iops": 1000},
                ]),
            )
        })
    }

    /// With one volume.
    fn of_one(parks: bool) -> Self {
        Self::of(parks, |workspace| seed_at(workspace, "/dev/sda1", json!(true), json!([])))
    }

    /// With twelve.
    fn of_twelve(parks: bool) -> Self {
        Self::of(parks, |workspace| seed(workspace, json!(true), json!([{"count": 11, "size": 10}])))
    }

    fn of(parks: bool, seed: impl Fn(&Workspace) -> String) -> Self {
        let workspace = Workspace::new(PARK);
        let instance = seed(&workspace);
        let before = volumes(&workspace, &instance);
        if !parks {
            workspace.apply();
            run_it(&workspace);
        }
        workspace.account.clear_calls();
        Self { workspace, instance, before, parks }
    }

    /// How many calls it takes where nothing goes wrong.
    fn calls(parks: bool) -> usize {
        let way = Self::new(parks);
        way.workspace.apply();
        way.expect_end();
        way.workspace.account.log().len()
    }

    /// Lets the accident happen at the call after so many.
    fn order(&self, skip: usize, kind: &str, more: &Value) {
        let mut fault = json!({"operation": "*", "skip": skip, "kind": kind});
        let fields = more.as_object().cloned().unwrap_or_default();
        fault.as_object_mut().unwrap().extend(fields);
        self.workspace.account.faults(json!([fault]));
    }

    fn expect_nothing_lost(&self, after: usize) {
        assert_eq!(self.workspace.account.lost_volumes(), [""; 0], "after call {after}");
    }

    /// Goes on with another run, unless nothing was begun: then there is nothing that could be half done.
    fn finish(&self) {
        if self.workspace.account.writes().is_empty() {
            let there = if self.parks { self.before.len() } else { 0 };
            assert_eq!(volume_count(&self.workspace), there);
            return;
        }
        self.workspace.apply();
        self.expect_end();
    }

    /// It is as wanted, nothing is there twice, and nothing is left over.
    fn expect_end(&self) {
        let (workspace, count) = (&self.workspace, self.before.len());
        let snapshots = workspace.account.snapshots(REGION).len();
        if self.parks {
            assert_eq!((volume_count(workspace), snapshots), (0, count));
            assert_eq!(state(workspace, &self.instance), "stopped");
        } else {
            assert_eq!((volume_count(workspace), snapshots), (count, 0));
            assert_eq!(state(workspace, &self.instance), "running");
            assert_eq!(volumes(workspace, &self.instance), self.before);
        }
        workspace.expect_nothing_to_do();
        assert_eq!(workspace.account.lost_volumes(), [""; 0]);
    }
}

/// An accident at every call of a way. A run mostly waits, so several go side by side.
fn each_call(parks: bool, accident: impl Fn(usize) + Sync) {
    const SIDE_BY_SIDE: usize = 4;
    let calls = Way::calls(parks);
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..SIDE_BY_SIDE {
            scope.spawn(|| {
                loop {
                    let call = next.fetch_add(1, Ordering::Relaxed);
                    if call >= calls {
                        return;
                    }
                    accident(call);
                }
            });
        }
    });
}

fn killed_at_every_call(parks: bool) {
    each_call(parks, |calls| {
        let way = Way::new(parks);
        way.order(calls, "hold_before", &json!({}));
        let apply = RefCell::new(way.workspace.command(&["apply", "--yes"]).spawn().unwrap());
        // How often it looks is not the same every time, so it may be done before the last call.
        let done = || apply.borrow_mut().try_wait().unwrap().is_some();
        wait_until(|| way.workspace.account.held() >= 1 || done());
        apply.borrow_mut().kill().unwrap();
        apply.borrow_mut().wait().unwrap();
        way.workspace.account.faults(json!([]));
        way.workspace.account.release();
        way.expect_nothing_lost(calls);
        way.finish();
    });
}

fn refused_at_every_call(parks: bool) {
    each_call(parks, |calls| {
        let way = Way::new(parks);
        let refusal = json!({"code": "UnsupportedOperation", "status": 400, "times": 1});
        way.order(calls, "error", &refusal);
        let run = way.workspace.run(&["apply", "--yes"]);
        // Before anything is begun it is an error, then a change that failed; at the end it may be done before.
        let refused = way.workspace.account.log().iter().any(|call| call["code"] == "UnsupportedOperation");
        assert!(!refused || matches!(run.code, Some(1 | 4)), "at call {calls}: {}", run.all());
        run.says(if refused { &["UnsupportedOperation"] } else { &[] });
        way.workspace.account.faults(json!([]));
        way.expect_nothing_lost(calls);
        way.finish();
    });
}

/// Whatever write's answer is lost, the run itself finds out what AWS did and goes on. (A read is asked again.)
fn unanswered_at_every_write(parks: bool) {
    let way = Way::of_one(parks);
    way.workspace.apply();
    let mut writes: BTreeMap<String, usize> = BTreeMap::new();
    for operation in way.workspace.account.writes() {
        *writes.entry(operation).or_default() += 1;
    }
    for (operation, count) in writes {
        for skip in 0..count {
            let way = Way::of_one(parks);
            let fault = json!([{"operation": operation, "kind": "drop_after", "skip": skip, "times": 1}]);
            way.workspace.account.faults(fault);
            way.workspace.apply();
            way.expect_end();
        }
    }
}

/// Twelve volumes, and one run after the other is killed, each a little later than the one before.
fn killed_again_and_again(parks: bool) {
    let way = Way::of_twelve(parks);
    let mut calls = 12;
    loop {
        way.order(calls, "hold_before", &json!({}));
        let apply = RefCell::new(way.workspace.command(&["apply", "--yes"]).spawn().unwrap());
        let done = || apply.borrow_mut().try_wait().unwrap().is_some();
        wait_until(|| way.workspace.account.held() >= 1 || done());
        let finished = done();
        apply.borrow_mut().kill().unwrap();
        apply.borrow_mut().wait().unwrap();
        way.workspace.account.faults(json!([]));
        way.workspace.account.release();
        way.expect_nothing_lost(calls);
        if finished {
            break;
        }
        calls += 9;
    }
    way.expect_end();
}

#[test]
fn parking_twelve_volumes_is_killed_again_and_again() {
    killed_again_and_again(true);
}

#[test]
fn restoring_twelve_volumes_is_killed_again_and_again() {
    killed_again_and_again(false);
}

#[test]
fn parking_is_killed_at_every_call() {
    killed_at_every_call(true);
}

#[test]
fn restoring_is_killed_at_every_call() {
    killed_at_every_call(false);
}

#[test]
fn parking_is_refused_at_every_call() {
    refused_at_every_call(true);
}

#[test]
fn restoring_is_refused_at_every_call() {
    refused_at_every_call(false);
}

#[test]
fn parking_is_not_answered_at_every_write() {
    unanswered_at_every_write(true);
}

#[test]
fn restoring_is_not_answered_at_every_write() {
    unanswered_at_every_write(false);
}
