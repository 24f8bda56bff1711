//! Many names in few sets, so that a fleet that changes touches few of them: the instances of schedules, the alarms of mute rules.

use std::collections::BTreeSet;

use crate::resources::schedule::names::stable_hash;

/// The instances of one schedule. AWS starts a thousand instances at once and lets five calls through for them ("Request
/// throttling" in the EC2 developer guide), and one id that is gone fails the whole call, so fewer are lost with it.
pub(super) const LIMIT: usize = 200;

/// The sets, each with what its name ends with; nothing where one holds all.
///
/// A group that is too large is split in two by the next bit of its ids' hashes. So an id's schedule depends on how many
/// ids begin like its own, and not on which others there are. One that comes may divide its group, and one that goes may make two
/// halves one again; all others stay where they are.
pub(super) fn shards(ids: BTreeSet<String>, limit: usize) -> Vec<(String, BTreeSet<String>)> {
    let mut shards = Vec::new();
    split(String::new(), ids, limit, &mut shards);
    shards
}

fn split(prefix: String, ids: BTreeSet<String>, limit: usize, shards: &mut Vec<(String, BTreeSet<String>)>) {
    if ids.is_empty() {
        return;
    }
    if ids.len() <= limit || prefix.len() == 64 {
        shards.push((prefix, ids));
        return;
    }
    let bit = 63 - prefix.len();
    let (ones, zeros) = ids.into_iter().partition(|id| stable_hash(id) >> bit & 1 == 1);
    split(format!("{prefix}0"), zeros, limit, shards);
    split(format!("{prefix}1"), ones, limit, shards);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(count: usize) -> BTreeSet<String> {
        (0..count).map(|n| format!("i-{n:017x}")).collect()
    }

    #[test]
    fn what_fits_is_one_schedule() {
        assert_eq!(shards(ids(0), LIMIT), []);
        assert_eq!(shards(ids(200), LIMIT), [(String::new(), ids(200))]);
        let two = shards(ids(201), LIMIT);
        assert_eq!(two.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["0", "1"]);
    }

    #[test]
    fn every_id_is_in_one_schedule_and_a_change_touches_one() {
        let before = shards(ids(3_000), LIMIT);
        let all: Vec<&String> = before.iter().flat_map(|(_, ids)| ids).collect();
        assert_eq!((all.len(), all.into_iter().cloned().collect::<BTreeSet<_>>()), (3_000, ids(3_000)));
        assert!(before.iter().all(|(_, ids)| ids.len() <= LIMIT) && before.len() < 40, "{}", before.len());
        for gone in [0, 777, 2_999] {
            let mut fewer = ids(3_000);
            fewer.remove(&format!("i-{gone:017x}"));
            let after = shards(fewer, LIMIT);
            let touched = before.iter().filter(|shard| !after.contains(shard)).count();
            assert_eq!(touched, 1, "without {gone}");
        }
    }
    #[test]
    fn small_groups_change_next_to_what_left_and_nowhere_else() {
        let before = shards(ids(500), 5);
        let all: BTreeSet<String> = before.iter().flat_map(|(_, ids)| ids.iter().cloned()).collect();
        assert!(before.iter().all(|(_, ids)| ids.len() <= 5) && before.len() < 180, "{}", before.len());
        assert_eq!(all, ids(500));
        let mut touched = 0;
        for gone in 0..500 {
            let mut fewer = ids(500);
            fewer.remove(&format!("i-{gone:017x}"));
            let after = shards(fewer, 5);
            let moved: Vec<_> = before.iter().filter(|shard| !after.contains(shard)).collect();
            // The group that it was in, and those that become one with it.
            assert!(moved.iter().map(|(_, ids)| ids.len()).sum::<usize>() <= 6, "without {gone}: {moved:?}");
            touched += moved.len();
        }
        assert!(touched < 800, "{touched}");
    }
}
