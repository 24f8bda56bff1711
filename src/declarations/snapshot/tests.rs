//! Blocks as people write them, and what they want of a fleet.

use std::fmt::Write;

use serde_json::json;

use crate::declarations::{Parks, Records, World, parse_all};
use crate::inventory::{Fleet, Selector, Target, TargetKind};
use crate::manifest::{SourceSet, parse};
use crate::model::{Actual, Address, Claim, Desired, Diagnostic, Diagnostics, Owned, Ownership, Scope};
use crate::resources::snapshot::Snapshot;
use crate::resources::{schedule, snapshot};

use super::*;

const BLOCK: &str = "[[snapshot]]\nlabel = 'daily'\nfor_each = { ebs = { tags = { Daily_Gens = '*' } } }\n\
    schedule = 'cron(30 9 * * ? *)'\ntimezone = 'Asia/Tokyo'\nkeep = '{{ tags.Daily_Gens }}'\n\
    role_arn = 'arn:aws:iam::{{ account }}:role/snapshot'\n";

fn scope() -> Scope {
    Scope::new("111122223333", "us-east-1")
}

fn read(text: &str) -> (Vec<Box<dyn Declaration>>, Vec<String>) {
    let settings = "[project]\nname = 'payments'\n";
    let sources = SourceSet::new("manifests", [("a.toml", text), ("main.toml", settings)]);
    let (document, mut problems) = parse(&sources, &["snapshot"]);
    let (declarations, more) = parse_all(&document);
    problems.extend(more);
    (declarations, lines(&problems))
}

fn lines(problems: &Diagnostics) -> Vec<String> {
    let line = |d: &Diagnostic| {
        let mut line = format!("{} {}", d.place.as_ref().unwrap(), d.summary);
        if let Some(hint) = &d.hint {
            write!(line, " ({hint})").unwrap();
        }
        line.replace("a.toml:", "")
    };
    problems.iter().map(line).collect()
}

fn volume(id: &str, tags: &[(&str, &str)]) -> Target {
    Target {
        kind: TargetKind::Ebs,
        scope: scope(),
        id: id.to_owned(),
        name: "data".to_owned(),
        state: "in-use".to_owned(),
        tags: tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
        attributes: std::collections::BTreeMap::new(),
    }
}

fn instance(id: &str, name: &str, root: &str, volumes: &[&str]) -> Target {
    Target {
        kind: TargetKind::Ec2,
        name: name.to_owned(),
        state: "running".to_owned(),
        attributes: std::collections::BTreeMap::from([
            ("root_volume", root.into()),
            ("volumes", volumes.iter().copied().collect()),
            ("instance_type", "m7g.large".into()),
        ]),
        ..volume(id, &[])
    }
}

fn live(id: &str, volume: &str, day: u32) -> Actual {
    let taken = format!("2026-11-{day:02}T00:00:00Z").parse().unwrap();
    Actual {
        address: Address::new(snapshot::KIND, scope(), id),
        fields: Snapshot::new(volume, taken, "completed", &std::collections::BTreeMap::new()).to_fields(),
        ownership: Ownership::Project {
            name: "payments".to_owned(),
            label: Some("snapshot.daily".to_owned()),
        },
        inexpressible: None,
    }
}

fn now() -> jiff::Timestamp {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

/// What there is besides volumes.
#[derive(Default)]
struct Found {
    tagged: Vec<Actual>,
    records: Records,
    untagged: Vec<Actual>,
    /// [`now`] where it is not said.
    now: Option<jiff::Timestamp>,
}

fn desired(text: &str, volumes: Vec<Target>, tagged: &[Actual]) -> (Vec<Desired>, Vec<String>) {
    desired_with(text, volumes, &Found { tagged: tagged.to_vec(), ..Found::default() })
}

fn desired_with(text: &str, volumes: Vec<Target>, found: &Found) -> (Vec<Desired>, Vec<String>) {
    let (declarations, problems) = read(text);
    assert_eq!(problems, [""; 0]);
    desired_of(&*declarations[0], volumes, found)
}

fn desired_of(
    declaration: &dyn Declaration,
    volumes: Vec<Target>,
    found: &Found,
) -> (Vec<Desired>, Vec<String>) {
    let fleet = Fleet::new(volumes);
    let scopes = [scope()];
    let world = World {
        manifest_scopes: &scopes,
        scopes: &scopes,
        fleet: &fleet,
        tagged: &found.tagged,
        records: &found.records,
        untagged: &found.untagged,
        alarms: &[],
        parks: &Parks::new(),
        deployment: None,
        now: found.now.unwrap_or_else(now),
    };
    let (desired, problems) = declaration.desired(&world);
    (desired, lines(&problems))
}

/// What the state records when this was applied.
fn recorded(desired: &[Desired]) -> Records {
    let record = |desired: &Desired| Owned {
        address: desired.address.clone(),
        label: desired.origin.label.clone(),
        target: desired.target.clone(),
        protect: false,
        fields: desired.fields.clone(),
    };
    let own = desired.iter().filter(|desired| !desired.claim.is_of_products());
    own.map(|desired| (desired.address.clone(), record(desired))).collect()
}

fn goes(desired: &[Desired]) -> Vec<String> {
    let why = |d: &Desired| match &d.claim {
        Claim::Remove { why, .. } => Some(format!("{} {why}", d.address.key)),
        _ => None,
    };
    desired.iter().filter_map(why).collect()
}

#[test]
fn a_volume_gets_a_schedule_that_makes_tagged_snapshots() {
    let text = format!("{BLOCK}tags = {{ Gens = '{{{{ tags.Daily_Gens }}}}' }}\n");
    let (desired, said) =
        desired(&text, vec![volume("vol-1", &[("Daily_Gens", "7")]), volume("vol-2", &[])], &[]);
    assert_eq!((desired.len(), said), (2, vec![]));
    assert_eq!(desired[0].address.key, "opsform-payments");
    assert_eq!(desired[1].address.kind, schedule::KIND);
    assert_eq!(desired[1].address.key, "opsform-payments/daily.vol-1");
    let fields = &desired[1].fields;
    let said = |name: &str| fields[name].to_string();
    assert_eq!(said("target_arn"), "\"arn:aws:scheduler:::aws-sdk:ec2:createSnapshot\"");
    assert_eq!((said("retries"), said("timezone")), ("0".to_owned(), "\"Asia/Tokyo\"".to_owned()));
    assert_eq!(said("role_arn"), "\"arn:aws:iam::111122223333:role/snapshot\"");
    let tag = |key: &str, value: &str| json!({ "Key": key, "Value": value });
    let tags = [
        tag("Gens", "7"),
        tag("Name", "data daily"),
        tag("opsform:label", "snapshot.daily"),
        tag("opsform:project", "payments"),
    ];
    assert_eq!(
        fields["input"],
        json!({
            "VolumeId": "vol-1",
            "Description": "snapshot.daily of vol-1",
            "TagSpecifications": [{ "ResourceType": "snapshot", "Tags": tags }],
        })
    );
}

/// What each schedule calls, and with which part of its input.
fn calls(desired: &[Desired]) -> Vec<String> {
    let schedules = desired.iter().filter(|desired| desired.address.kind == schedule::KIND);
    let line = |desired: &Desired| {
        let input = &desired.fields["input"];
        let of = input.get("InstanceSpecification").unwrap_or(&input["VolumeId"]);
        format!("{} {of}", desired.address.key.trim_start_matches("opsform-payments/"))
    };
    schedules.map(line).collect()
}

#[test]
fn the_volumes_of_an_instance_are_taken_at_one_moment() {
    let text = format!("{BLOCK}consistent = true\n");
    let wanted = |volumes: &[&str], rest: Vec<Target>| {
        let volumes = volumes.iter().map(|id| volume(id, &[("Daily_Gens", "7")]));
        let (wanted, said) = desired(&text, volumes.chain(rest).collect(), &[]);
        assert_eq!(said, [""; 0]);
        wanted
    };
    let all =
        wanted(&["vol-1", "vol-2", "vol-3"], vec![instance("i-1", "web", "vol-1", &["vol-1", "vol-2"])]);
    assert_eq!(calls(&all), [r#"daily.i-1 {"InstanceId":"i-1"}"#, r#"daily.vol-3 "vol-3""#]);
    assert_eq!(all[1].fields["target_arn"], "arn:aws:scheduler:::aws-sdk:ec2:createSnapshots");
    assert_eq!(all[1].target.as_ref().unwrap().words(), "i-1 (web)");
    assert_eq!(
        all[1].fields["input"]["TagSpecifications"][0]["Tags"][0],
        json!({"Key": "Name", "Value": "web daily"})
    );
    assert_eq!(all[1].fields["input"]["Description"], "snapshot.daily of i-1");
    // What is not selected is left out, in the way that AWS wants it of a root volume.
    let some = wanted(&["vol-2"], vec![instance("i-1", "web", "vol-1", &["vol-1", "vol-2", "vol-3"])]);
    let left_out = r#"{"ExcludeBootVolume":true,"ExcludeDataVolumeIds":["vol-3"],"InstanceId":"i-1"}"#;
    assert_eq!(calls(&some), [format!("daily.i-1 {left_out}")]);
    // A volume of two instances is taken once.
    let shared = [
        instance("i-2", "b", "vol-2", &["vol-2", "vol-9"]),
        instance("i-1", "a", "vol-1", &["vol-1", "vol-9"]),
    ];
    let left_out = r#"{"ExcludeDataVolumeIds":["vol-9"],"InstanceId":"i-2"}"#;
    assert_eq!(
        calls(&wanted(&["vol-1", "vol-2", "vol-9"], shared.to_vec())),
        [r#"daily.i-1 {"InstanceId":"i-1"}"#.to_owned(), format!("daily.i-2 {left_out}")]
    );
    assert_eq!(calls(&wanted(&["vol-9"], shared.to_vec())).len(), 1);
    // One that goes holds nothing.
    let mut gone = instance("i-1", "web", "vol-1", &["vol-1"]);
    gone.state = "terminated".to_owned();
    assert_eq!(calls(&wanted(&["vol-1"], vec![gone])), [r#"daily.vol-1 "vol-1""#]);
}

#[test]
fn what_is_taken_together_is_given_the_same() {
    let both = || {
        let of = |id: &str, gens: &str, size: u32| {
            let mut volume = volume(id, &[("Daily_Gens", gens)]);
            volume.attributes.insert("size", size.into());
            volume
        };
        vec![of("vol-1", "7", 8), of("vol-2", "3", 8), instance("i-1", "web", "vol-1", &["vol-1", "vol-2"])]
    };
    let block = |more: &str| format!("{BLOCK}consistent = true\n{more}\n");
    let text = block("name = '{{ name }} {{ instance_type }} {{ size }}'\ntags = { Of = '{{ id }}' }");
    let (wanted, said) = desired(&text, both(), &[]);
    assert_eq!(said, [""; 0]);
    let tags = &wanted[1].fields["input"]["TagSpecifications"][0]["Tags"];
    assert_eq!((&tags[0]["Value"], &tags[1]["Value"]), (&json!("web m7g.large 8"), &json!("i-1")));
    let mut larger = both();
    larger[1].attributes.insert("size", 20.into());
    let (wanted, said) = desired(&block("description = '{{ size }} GiB'"), larger, &[]);
    assert_eq!((wanted.len(), said.len()), (0, 1));
    insta::assert_snapshot!(said[0], @r##"9:15 `description` of snapshot.daily for i-1 (web): it is "8 GiB" for vol-1 and "20 GiB" for vol-2, and the snapshots of one call are all given the same"##);
    // What is missing is the instance's.
    let (_, said) = desired(&block("name = '{{ tags.Owner }}'"), both(), &[]);
    insta::assert_snapshot!(said.join("\n"), @"9:8 `name` of snapshot.daily for i-1 (web): tag `Owner` is missing");
    // The count is still each volume's own.
    let tagged: Vec<Actual> = (1..=9)
        .flat_map(|day| {
            [("a", "vol-1"), ("b", "vol-2")].map(|(id, volume)| live(&format!("{id}-{day}"), volume, day))
        })
        .collect();
    let (wanted, _) = desired(&block(""), both(), &tagged);
    assert_eq!(goes(&wanted).len(), 2 + 6);
}

#[test]
fn aws_leaves_out_forty_volumes_of_an_instance() {
    let others: Vec<String> = (0..41).map(|n| format!("vol-x{n}")).collect();
    let mut attached: Vec<&str> = others.iter().map(String::as_str).collect();
    attached.push("vol-1");
    let fleet = |attached: &[&str]| {
        vec![volume("vol-1", &[("Daily_Gens", "7")]), instance("i-1", "web", "vol-0", attached)]
    };
    let text = format!("{BLOCK}consistent = true\n");
    let (wanted, said) = desired(&text, fleet(&attached), &[]);
    assert_eq!(wanted.len(), 0);
    insta::assert_snapshot!(said.join("\n"), @"3:12 `consistent` of snapshot.daily for i-1 (web): 41 volumes of the instance are not selected, and AWS leaves out at most 40");
    assert_eq!(desired(&text, fleet(&attached[1..]), &[]).0.len(), 2);
}

#[test]
fn what_is_beyond_the_tags_count_goes() {
    let tagged = [live("snap-1", "vol-1", 19), live("snap-2", "vol-1", 20), live("snap-3", "vol-2", 20)];
    let volumes = vec![volume("vol-1", &[("Daily_Gens", "1")]), volume("vol-2", &[("Daily_Gens", "0")])];
    let (desired, said) = desired(BLOCK, volumes, &tagged);
    assert_eq!(goes(&desired), ["snap-1 generation 2 of 1, taken 2026-11-19"]);
    assert_eq!((desired.len(), said), (4, vec![]));
}

#[test]
fn a_count_that_is_none_is_an_error_at_its_volume() {
    let tagged = [live("snap-1", "vol-1", 19), live("snap-2", "vol-1", 20)];
    let volumes = vec![volume("vol-1", &[("Daily_Gens", "seven")]), volume("vol-2", &[("Daily_Gens", "3")])];
    let (desired, said) = desired(BLOCK, volumes, &tagged);
    assert_eq!(goes(&desired), [""; 0]);
    insta::assert_snapshot!(said.join("\n"), @r##"
6:8 `keep` of snapshot.daily for vol-1 (data): the template gave `seven`, which is not a whole number of at least 0
"##);
}

#[test]
fn snapshots_of_volumes_that_are_not_selected_stay_and_are_told() {
    let tagged = [
        live("snap-1", "vol-00000001", 1),
        live("snap-2", "vol-00000002", 1),
        live("snap-3", "vol-00000002", 2),
    ];
    let volumes = || vec![volume("vol-00000001", &[])];
    let (gone, said) = desired(&format!("{BLOCK}allow_empty = true\n"), volumes(), &tagged);
    assert!(gone.is_empty());
    insta::assert_snapshot!(said.join("\n"), @r##"
1:1 snapshot.daily keeps 3 snapshots of what it does not select: 2 volumes: vol-00000001, vol-00000002 (they stay until somebody deletes them; `when_volume_gone = "delete_after 30d"` does so where a volume is gone)
"##);
    let text = format!("{BLOCK}allow_empty = true\nwhen_volume_gone = 'delete_after 17d'\n");
    let (gone, said) = desired(&text, volumes(), &tagged);
    let why = "its volume is gone, and the last snapshot was taken 2026-11-02, more than 17d ago";
    assert_eq!(goes(&gone), [format!("snap-3 {why}"), format!("snap-2 {why}")]);
    insta::assert_snapshot!(said.join("\n"), @r##"
1:1 snapshot.daily keeps 1 snapshot of what it does not select: vol-00000001 (of a volume that is gone all go 17d after the last was taken; those of a volume that is there, copies, and what something needs stay until somebody deletes them)
"##);
    let (declarations, _) = read(&text);
    let look: Vec<Selector> = declarations[0].targets_of_tagged(&Fleet::new(volumes()), &tagged);
    assert_eq!(look[0].ids.iter().collect::<Vec<_>>(), ["vol-00000002"]);
    // What no volume can have for an id says nothing about a volume.
    let arbitrary = [live("snap-1", "vol-12345", 1), live("snap-2", "vol-fffffffffffffffff", 1)];
    let (gone, said) = desired(&text, volumes(), &arbitrary);
    assert_eq!((goes(&gone), said.len()), (vec![], 1));
}

#[test]
fn an_age_has_a_unit() {
    let text = |keys: &str| BLOCK.replace("keep = ", "keep_for = ") + keys;
    let tags = |age| vec![volume("vol-1", &[("Daily_Gens", age)])];
    let tagged = [live("snap-1", "vol-1", 1), live("snap-2", "vol-1", 2)];
    for age in ["7", "0d", "seven"] {
        let (gone, said) = desired(&text(""), tags(age), &tagged);
        assert!(goes(&gone).is_empty(), "{age}");
        assert!(said.join("").contains("`keep_for` of snapshot.daily for vol-1 (data)"), "{age}: {said:?}");
    }
    assert_eq!(goes(&desired(&text(""), tags("7d"), &tagged).0).len(), 1);
    for wrong in ["30", "0d", "30 d"] {
        let (_, problems) = read(&text(&format!("when_volume_gone = 'delete_after {wrong}'\n")));
        assert_eq!(problems.len(), 1, "{wrong}");
    }
    for wrong in ["30", "'30'", "'0s'"] {
        let (_, problems) =
            read(&BLOCK.replace("keep = '{{ tags.Daily_Gens }}'", &format!("keep_for = {wrong}")));
        assert_eq!(problems.len(), 1, "{wrong}: {problems:?}");
    }
}

#[test]
fn wrong_blocks_are_told() {
    let (_, problems) = read(
        "[[snapshot]]\nlabel = 'a'\nfor_each = { ec2 = {} }\nschedule = 'daily'\nkeep = 'x'\nkeep_for = 'x'\n\
         when_volume_gone = 'delete_after 30'\ntags = { Name = 'x', 'aws:x' = 'y' }\n",
    );
    insta::assert_snapshot!(problems.join("\n"), @r##"
3:12 snapshots are taken of volumes, and not of instances (write `for_each = { ebs = {} }` for all volumes)
4:13 `schedule`: this is no schedule expression (write cron(0 9 ? * MON-FRI *), rate(5 minutes) or at(2026-12-31T23:59:00))
5:8 `keep`: expected a whole number of at least 0, or a template that gives one, found the string "x" (write a number of generations, or a template such as "{{ tags.Daily_Gens }}"; 0 keeps them all)
6:12 `keep_for`: expected a duration with its unit, such as "30d" or "12h", or a template that gives one, found the string "x"
1:1 [[snapshot]] has no `role_arn` (add `role_arn = …`: a string)
8:10 "Name" cannot be a tag's key here: write the key `name` of the block for it
8:22 "aws:x" cannot be a tag's key here: `aws:` and `opsform:` are reserved
7:20 `when_volume_gone`: expected "keep" or "delete_after 30d", found the string "delete_after 30" (write how long they stay after the last one: `when_volume_gone = "delete_after 30d"`)
"##);
    let (_, problems) = read("[[snapshot]]\nlabel = 'a'\nschedule = 'rate(1 day)'\nrole_arn = '{{ nme }}'\n");
    insta::assert_snapshot!(problems.join("\n"), @r##"
1:1 snapshots need `for_each`: the volumes to take them of (write `for_each = { ebs = {} }` for all volumes)
4:12 `role_arn`: there is no variable `nme` (there are: `region`, `account`)
"##);
}

mod names;
mod rules;
mod taken;
mod watch;
