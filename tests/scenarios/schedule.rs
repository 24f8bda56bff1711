//! `schedule preview`: no AWS, and of an expression no manifest.

use crate::workspace::{CPU, Run, Workspace};

fn preview(args: &[&str], local: &str) -> Run {
    let workspace = Workspace::new(CPU);
    std::fs::remove_dir_all(workspace.path().join("manifests")).unwrap();
    let mut command = workspace.command(&[&["schedule", "preview"], args].concat());
    Run::of(command.env("TZ", local).output().unwrap())
}

#[test]
fn the_next_times_are_shown_in_the_zone_and_here() {
    let at_ten = "cron(15 10 ? 3-4 FRI#3 2199)";
    let run = preview(&[at_ten, "--timezone", "Europe/Berlin"], "Asia/Seoul").expect(0);
    assert_eq!(
        run.stdout,
        "\
Runs at 10:15 on the third Friday of March and April, in 2199 (Europe/Berlin).

Europe/Berlin                here (Asia/Seoul)
Fri 2199-03-15 10:15 +01:00  Fri 2199-03-15 18:15 +09:00
Fri 2199-04-19 10:15 +02:00  Fri 2199-04-19 17:15 +09:00

That is all: it does not fire after that.
"
    );
    let run = preview(&["cron(0 0 1 * ? 2199)", "--count", "2"], "Etc/UTC").expect(0);
    assert_eq!(
        run.stdout,
        "\
Runs at 00:00 on the 1st of every month, in 2199 (UTC).

UTC
Tue 2199-01-01 00:00 +00:00
Fri 2199-02-01 00:00 +00:00
"
    );
}

#[test]
fn what_is_not_for_rules_is_said() {
    preview(&["cron(0 9 * * ? *)", "--timezone", "Asia/Seoul"], "UTC").expect(0).says(&[
        "at 09:00 every day",
        "note: a time zone is for EventBridge Scheduler",
        "where it is cron(0 0 * * ? *)",
    ]);
    for wrong in [["cron(0 9 * * ? *)", "Europe/Berlin"], ["cron(0 8 LW * ? *)", "Asia/Seoul"]] {
        let run = preview(&[wrong[0], "--timezone", wrong[1]], "UTC").expect(0);
        run.says(&["EventBridge rules do not have it, and know UTC only"]);
    }
    preview(&["at(2199-12-31T23:59:00)"], "UTC")
        .expect(0)
        .says(&["note: at(…) is for EventBridge Scheduler"]);
    let run = preview(&["rate(5 minutes)"], "UTC").expect(0).says(&["every 5 minutes", "if that were now"]);
    assert!(!run.stderr.contains("Scheduler"), "{}", run.stderr);
}

#[test]
fn what_never_fires_is_an_error() {
    preview(&["cron(0 0 30 2 ? *)"], "UTC").expect(1).says(&["never fires", "help:"]);
    preview(&["cron(0 0 * * ? 2020)"], "UTC").expect(1).says(&["does not fire any more"]);
    // 31 March 2199, 02:30, is when the clock is put forward.
    let gap = "at(2199-03-31T02:30:00)";
    preview(&[gap, "--timezone", "Europe/Berlin"], "UTC").expect(1).says(&["daylight saving"]);
}

#[test]
fn what_is_wrong_has_a_caret() {
    let run = preview(&["cron(0 9 * * MON *)"], "UTC").expect(1);
    insta::assert_snapshot!(run.stderr, @"
    error: this is no schedule expression of AWS
     --> EXPRESSION:1:10
      |
    1 | cron(0 9 * * MON *)
      |          ^ day-of-month and day-of-week cannot both be given
      |
      = help: write `?` here, or in the other day field

    1 error
    ");
    preview(&["cron(0 9 * * ? *)", "--timezone", "Berlin"], "UTC")
        .expect(1)
        .says(&["there is no time zone `Berlin`", "did you mean `Europe/Berlin`?"]);
    preview(&["cron(0 9 * * ? *)", "--count", "0"], "UTC").expect(1).says(&["--count"]);
}

const OFFICE: &str = "\
[project]
name = 'payments'
[[schedule]]
label = 'office'
for_each = { ec2 = {} }
start = 'cron(0 9 ? * MON 2199)'
stop = 'cron(0 19 ? 1 MON,FRI 2199)'
timezone = 'Asia/Seoul'
role_arn = 'arn:aws:iam::{{ account }}:role/opsform-schedule'
except = ['2030-01-01']
[[snapshot]]
label = 'daily'
for_each = { ebs = {} }
schedule = 'cron(30 9 * * ? *)'
keep = 7
role_arn = 'arn:aws:iam::{{ account }}:role/opsform-snapshot'
[[tags]]
label = 'owner'
for_each = { ec2 = {} }
require.owner = {}
";

fn declared(workspace: &Workspace, args: &[&str]) -> Run {
    let mut command = workspace.command(&[&["schedule", "preview"], args].concat());
    let run = Run::of(command.env("TZ", "UTC").output().unwrap());
    assert_eq!(workspace.account.calls(), serde_json::Map::new());
    run
}

#[test]
fn what_the_manifest_declares_is_shown_without_a_call() {
    let workspace = Workspace::new(OFFICE);
    let all = declared(&workspace, &["--count", "2"]).expect(0);
    assert!(
        all.stdout.starts_with(
            "\
schedule.office · start at 09:00 every Monday, in 2199 (Asia/Seoul)

Asia/Seoul                   here (UTC)
Mon 2199-01-07 09:00 +09:00  Mon 2199-01-07 00:00 +00:00
Mon 2199-01-14 09:00 +09:00  Mon 2199-01-14 00:00 +00:00

schedule.office · stop at 19:00 "
        ),
        "{}",
        all.stdout
    );
    all.says(&["snapshot.daily · snapshot at 09:30 every day (UTC)"]);
    let one = declared(&workspace, &["snapshot.daily", "--count", "1"]).expect(0);
    assert!(!one.stdout.contains("schedule.office"), "{}", one.stdout);
    // A rule gets the time in UTC, and a person sees it in the zone of the block.
    workspace
        .edit_manifest("label = 'daily'\n", "label = 'daily'\nengine = 'rule'\ntimezone = 'Asia/Seoul'\n");
    let rule = declared(&workspace, &["snapshot.daily", "--count", "1"]).expect(0);
    rule.says(&["snapshot at 09:30 every day (Asia/Seoul)", " 09:30 +09:00", " 00:30 +00:00"]);
    declared(&workspace, &["schedule.ofice"]).expect(1).says(&["did you mean `schedule.office`?"]);
    let of_glob = declared(&workspace, &["schedule.*", "--count", "1"]).expect(0);
    assert!(!of_glob.stdout.contains("snapshot.daily") && of_glob.stdout.contains("schedule.office"));
    declared(&workspace, &["office"]).expect(1).says(&["a declaration's label: `schedule.office`"]);
    declared(&workspace, &["tags.owner"]).expect(1).says(&["is labelled tags.owner", "snapshot.daily"]);
    declared(&workspace, &["schedule.office", "--timezone", "UTC"]).expect(1).says(&["take --timezone away"]);
    workspace.write_manifest(CPU);
    declared(&workspace, &[]).expect(1).says(&["declares nothing that runs at a time"]);
}

#[test]
#[allow(clippy::disallowed_methods)] // The program reads the clock, too.
fn days_off_and_what_never_fires_again_are_flagged() {
    let workspace = Workspace::new(OFFICE);
    let seoul = jiff::tz::TimeZone::get("Asia/Seoul").unwrap();
    let off = jiff::Timestamp::now().to_zoned(seoul).date().tomorrow().unwrap().tomorrow().unwrap();
    workspace.edit_manifest("2030-01-01", &off.to_string());
    workspace.edit_manifest("cron(0 9 ? * MON 2199)", "cron(0 9 * * ? *)");
    workspace.edit_manifest("cron(0 19 ? 1 MON,FRI 2199)", "cron(0 19 * * ? 2020)");
    let run = declared(&workspace, &["schedule.office"]).expect(1);
    let line = run.stdout.lines().find(|line| line.contains("left out: a day off")).unwrap_or_default();
    assert!(line.contains(&off.to_string()), "{}", run.all());
    assert_eq!(run.stdout.lines().filter(|line| line.contains(" 09:00 +09:00")).count(), 6, "{}", run.all());
    run.says(&["schedule.office: `stop` does not fire any more"]);
    // A calendar of last year's days is told without AWS, too.
    workspace.edit_manifest(&off.to_string(), "2020-01-01");
    let over = "`except` of schedule.office has no day in the twelve months from today";
    declared(&workspace, &["schedule.office"]).expect(1).says(&[over]);
    workspace.ok(&["validate"]).says(&[over]);
}
