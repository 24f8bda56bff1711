//! Windows, and warnings about snapshots that are not there.

use super::*;

/// A snapshot in a state, begun on a day of November at midnight UTC.
fn in_state(id: &str, volume: &str, day: u32, state: &str) -> Actual {
    let mut live = live(id, volume, day);
    live.fields.insert("state".to_owned(), json!(state));
    live
}

fn three() -> Vec<Target> {
    let volumes = ["vol-1", "vol-2", "vol-3"];
    volumes.map(|id| volume(id, &[("Daily_Gens", "0")])).to_vec()
}

#[test]
fn what_did_not_come_is_told() {
    // The rule runs at half past midnight UTC, and it is noon of the 20th. Two of its times have passed since the 19th.
    let late = [live("a", "vol-1", 18), live("b", "vol-1", 19), live("c", "vol-2", 20)];
    let (_, said) = desired(BLOCK, three(), &late);
    assert_eq!(said.len(), 1);
    assert!(
        said[0].starts_with("1:1 snapshot.daily takes no more snapshots of vol-1 (data) since 2026-11-19 ("),
        "{said:?}"
    );
    // One that is being made is no failure of the schedule, one that failed is no snapshot.
    let pending = [live("a", "vol-1", 15), in_state("b", "vol-1", 20, "pending")];
    assert_eq!(desired(BLOCK, three(), &pending).1, [""; 0]);
    let failed =
        [live("a", "vol-1", 19), in_state("b", "vol-1", 20, "error"), in_state("c", "vol-2", 1, "error")];
    let (_, said) = desired(BLOCK, three(), &failed);
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(
        said[0].starts_with("1:1 of snapshot.daily failed: 2 snapshots: b of vol-1, c of vol-2 ("),
        "{said:?}"
    );
    assert!(said[1].contains("takes no more snapshots of vol-1"), "{said:?}");
    // A window is time that it may take.
    let weekly = BLOCK.replace("30 9 * * ?", "30 9 ? * FRI");
    assert_eq!(desired(&weekly, three(), &late[..2]).1, [""; 0]);
}

#[test]
fn a_schedule_that_is_over_is_told() {
    let (_, said) = desired(&BLOCK.replace("* * ? *)", "1 1 ? 2025)"), three(), &[]);
    assert_eq!(said.len(), 1);
    assert!(said[0].contains("`schedule` of snapshot.daily never fires again"), "{said:?}");
}

#[test]
fn the_schedules_of_many_volumes_are_spread() {
    let minutes = |keys: &str, count: usize| {
        let volumes = (0..count).map(|n| volume(&format!("vol-{n}"), &[("Daily_Gens", "0")])).collect();
        let (wanted, said) = desired(&format!("{BLOCK}{keys}"), volumes, &[]);
        assert_eq!(said, [""; 0]);
        wanted[1].fields.get("flexible_minutes").cloned()
    };
    assert_eq!(minutes("", 50), None);
    assert_eq!(minutes("", 51), Some(json!(15)));
    assert_eq!(minutes("flexible_window = 0\n", 51), None);
    assert_eq!(minutes("flexible_window = '1h30m'\n", 1), Some(json!(90)));
    for wrong in ["15", "'15'", "'30s'", "'2d'"] {
        let (_, problems) = read(&format!("{BLOCK}flexible_window = {wrong}\n"));
        assert_eq!(problems.len(), 1, "{wrong}");
    }
    let (_, problems) = read(&format!("{BLOCK}flexible_window = '15m'\nengine = 'rule'\n"));
    assert!(problems[0].contains("`flexible_window` needs `engine"), "{problems:?}");
}
