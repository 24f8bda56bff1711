//! Schedules with days off: cut into parts on AWS that begin and end by themselves.

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::{Value, json};

use crate::clock::{days_from_today, now, seoul};
use crate::workspace::{REGION, Workspace};

pub(crate) const NIGHTS: &str = "\
[project]
name = 'payments'
[aws]
regions = ['us-east-1']
[[schedule]]
label = 'nights'
for_each = { ec2 = {} }
start = 'cron(0 9 * * ? *)'
stop = 'cron(0 19 * * ? *)'
timezone = 'Asia/Seoul'
role_arn = 'arn:aws:iam::{{ account }}:role/opsform-schedule'
except = DAYS
";

pub(crate) const GROUP: &str = "opsform-payments";

pub(crate) fn begin(day: Date) -> Timestamp {
    day.to_zoned(seoul()).unwrap().timestamp()
}

pub(crate) fn workspace(days: &str) -> Workspace {
    let workspace = Workspace::new(&NIGHTS.replace("DAYS", days));
    workspace.account.seed(json!({REGION: {"instances": [{"name": "web-1"}, {"name": "web-2"}]}}));
    workspace
}

pub(crate) fn except(workspace: &Workspace, days: &[Date]) {
    let days: Vec<String> = days.iter().map(|day| format!("\"{day}\"")).collect();
    workspace.write_manifest(&NIGHTS.replace("DAYS", &format!("[{}]", days.join(", "))));
}

/// `NAME START END` of every schedule, the times as seconds.
pub(crate) fn parts(workspace: &Workspace) -> Vec<String> {
    let seconds = |time: &Value| time.as_f64().map_or_else(|| "-".to_owned(), |time| format!("{time:.0}"));
    let line = |one: &Value| {
        let deletes = one["ActionAfterCompletion"] == "DELETE";
        assert_eq!(deletes, !one["EndDate"].is_null(), "{one}");
        format!(
            "{} {} {}",
            one["Name"].as_str().unwrap(),
            seconds(&one["StartDate"]),
            seconds(&one["EndDate"])
        )
    };
    workspace.account.schedules(REGION).iter().map(line).collect()
}

pub(crate) fn expected(cuts: &[Date]) -> Vec<String> {
    let mut lines = Vec::new();
    for action in ["start", "stop"] {
        let mut start = "-".to_owned();
        for cut in cuts {
            lines.push(format!("nights.{action}.ec2.until-{cut} {start} {}", begin(*cut).as_second() - 1));
            start = begin(cut.tomorrow().unwrap()).as_second().to_string();
        }
        lines.push(format!("nights.{action}.ec2 {start} -"));
    }
    lines.sort_by_key(|line| line.split(' ').next().unwrap().to_owned());
    lines
}

#[test]
fn days_off_are_parts_and_each_change_touches_its_own() {
    let day = days_from_today();
    let workspace = workspace("[]");
    except(&workspace, &[day(5), day(10)]);
    workspace.apply().says(&["7 added"]);
    assert_eq!(parts(&workspace), expected(&[day(5), day(10)]));
    workspace.expect_nothing_to_do();
    // One more day off cuts the part that it lies in.
    except(&workspace, &[day(5), day(7), day(10)]);
    let both = |what: &str| ["start", "stop"].map(|action| what.replace("ACTION", action));
    let mut touched = [
        both(&format!("create {GROUP}/nights.ACTION.ec2.until-{}", day(7))),
        both(&format!("update {GROUP}/nights.ACTION.ec2.until-{}", day(10))),
    ]
    .concat();
    let mut changes = workspace.changes();
    touched.sort();
    changes.sort();
    assert_eq!(changes, touched);
    workspace.apply().says(&["2 added", "2 changed"]);
    assert_eq!(parts(&workspace), expected(&[day(5), day(7), day(10)]));
    workspace.expect_nothing_to_do();
    // And one less joins two.
    except(&workspace, &[day(7), day(10)]);
    workspace.apply().says(&["2 changed", "2 destroyed"]);
    assert_eq!(parts(&workspace), expected(&[day(7), day(10)]));
    workspace.expect_nothing_to_do();
    workspace.ok(&["destroy", "--yes"]).says(&["7 destroyed"]);
    assert_eq!(workspace.account.schedules(REGION), [Value::Null; 0]);
}

/// Moves what AWS holds so many days into the past.
pub(crate) fn days_pass(workspace: &Workspace, days: i64) {
    for one in workspace.account.schedules(REGION) {
        let mut set = json!({});
        for field in ["StartDate", "EndDate"] {
            if let Some(time) = one[field].as_f64() {
                #[allow(clippy::cast_precision_loss)]
                let earlier = time - (days * 86_400) as f64;
                set[field] = json!(earlier);
            }
        }
        workspace.account.edit_schedule(REGION, GROUP, one["Name"].as_str().unwrap(), set);
    }
}

#[test]
fn the_day_after_there_is_nothing_to_do_but_to_forget() {
    let day = days_from_today();
    let workspace = workspace("[]");
    except(&workspace, &[day(2), day(3)]);
    workspace.apply();
    assert!(parts(&workspace).contains(&format!("nights.stop.ec2 {} -", begin(day(4)).as_second())));
    days_pass(&workspace, 4);
    // AWS has not deleted yet what is over; the last parts have begun.
    except(&workspace, &[day(-2), day(-1), day(40)]);
    let cut = |verb: &str| workspace.changes().iter().filter(|change| change.starts_with(verb)).count();
    assert_eq!((cut("create "), cut("update "), cut("forget ")), (2, 2, 2));
    except(&workspace, &[day(-2), day(-1)]);
    let changes = workspace.changes();
    assert!(changes.len() == 2 && changes.iter().all(|change| change.starts_with("forget ")), "{changes:?}");
    let now = now().to_string();
    assert!(!workspace.account.pass(REGION, &now).is_empty());
    assert_eq!(workspace.changes(), changes);
    workspace.run(&["plan"]).expect(0).says(&["`except` of schedule.nights has no day"]);
    workspace.apply();
    workspace.expect_nothing_to_do();
    assert_eq!(workspace.account.schedules(REGION).len(), 2);
    // What is fired by the parts that are left is what was fired before.
    let fired = workspace.account.fire(REGION, GROUP, "nights.stop.ec2");
    assert_eq!(fired["status"], 200, "{fired}");
}

#[test]
fn parts_that_are_over_go_with_the_group() {
    let day = days_from_today();
    let workspace = workspace("[]");
    except(&workspace, &[day(2)]);
    workspace.apply();
    days_pass(&workspace, 3);
    workspace.ok(&["destroy", "--yes"]);
    assert_eq!(workspace.account.schedules(REGION), [Value::Null; 0]);
    assert_eq!(workspace.recorded(), [""; 0]);
}

#[test]
fn a_lost_state_is_rebuilt_with_all_parts() {
    let day = days_from_today();
    let workspace = workspace("[]");
    except(&workspace, &[day(5)]);
    workspace.apply();
    let recorded = workspace.recorded();
    std::fs::remove_file(workspace.state_file()).unwrap();
    workspace.expect_nothing_to_do();
    workspace.ok(&["state", "rebuild", "--yes"]);
    assert_eq!(workspace.recorded(), recorded);
    workspace.expect_nothing_to_do();
}

#[test]
fn days_off_come_from_calendars() {
    let day = days_from_today();
    let workspace = workspace("[{ file = 'holidays.ics' }, { file = '../ours.csv' }]");
    let off = day(20);
    workspace.write(
        "manifests/holidays.ics",
        &format!(
            "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nSUMMARY:Feast\r\nDTSTART;VALUE=DATE:{}\r\n\
             RRULE:FREQ=YEARLY;COUNT=2\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
            off.strftime("%Y%m%d")
        ),
    );
    workspace.write("ours.csv", &format!("date,why\n{},party\n", day(30)));
    workspace.apply();
    assert_eq!(parts(&workspace), expected(&[off, day(30)]));
    workspace.expect_nothing_to_do();
    workspace.write("ours.csv", "date,why\n30.12.,party\n");
    workspace.run(&["plan"]).expect(1).says(&["ours.csv › A2", "\"30.12.\" is no date"]);
    std::fs::remove_file(workspace.path().join("ours.csv")).unwrap();
    workspace.run(&["plan"]).expect(1).says(&["there is no file `ours.csv`"]);
}
