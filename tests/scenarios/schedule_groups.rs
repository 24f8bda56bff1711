//! The group that a project's schedules are in: it comes along with them, and they wait for it.

use serde_json::json;

use crate::workspace::{REGION, Workspace};

const GROUP: &str = "opsform-payments";

fn fleet() -> Workspace {
    let workspace = Workspace::new(
        "[project]\nname = 'payments'\n[aws]\nregions = ['us-east-1']\n[[schedule]]\nlabel = 'office'\n\
         for_each = { rds = {} }\nstop = 'cron(0 19 * * ? *)'\n\
         role_arn = 'arn:aws:iam::{{ account }}:role/opsform-schedule'\n",
    );
    workspace.account.seed(json!({REGION: {"databases": [{"id": "orders"}, {"id": "ledger"}]}}));
    workspace
}

#[test]
fn what_is_targeted_brings_its_group_along() {
    for filter in [["--target", "orders"], ["--exclude", "ledger"], ["--target", "schedule"]] {
        let workspace = fleet();
        let made = if filter[1] == "schedule" { "3 added" } else { "2 added" };
        workspace.ok(&["apply", "--yes", filter[0], filter[1]]).says(&[made]);
        workspace.apply();
        workspace.expect_nothing_to_do();
    }
    let workspace = fleet();
    workspace.ok(&["apply", "--yes", "--exclude", "schedule_group"]).says(&["3 added"]);
    workspace.expect_nothing_to_do();
    // Nothing of it is made for what is not in it.
    let workspace = fleet();
    workspace.ok(&["plan", "--exclude", "schedule"]).says(&["Nothing to do"]);
}

#[test]
fn without_their_group_schedules_are_not_tried() {
    let workspace = fleet();
    workspace.account.faults(json!([{"operation": "CreateScheduleGroup", "kind": "error",
        "code": "ConflictException", "status": 409}]));
    workspace.account.clear_calls();
    workspace.run(&["apply", "--yes"]).expect(4).says(&[
        "ConflictException",
        "Skipped 2, because what they need failed",
        &format!("{GROUP}/office.stop.rds.orders"),
    ]);
    assert_eq!(workspace.account.calls().get("scheduler:CreateSchedule"), None);
    workspace.account.faults(json!([]));
    workspace.apply().says(&["3 added"]);
    workspace.expect_nothing_to_do();
}
