//! How much a plan may destroy.

use serde_json::json;

use crate::workspace::{CPU, REGION, Workspace};

/// Ten alarms, and a manifest that no longer wants those of `web-1` to `web-3`.
fn three_of_ten() -> Workspace {
    let workspace = Workspace::new(CPU);
    let instances: Vec<_> = (0..10).map(|n| json!({"name": format!("web-{n}")})).collect();
    workspace.account.seed_instances(REGION, instances.into());
    workspace.apply();
    workspace.edit_manifest("{ ec2 = {} }", "{ ec2 = { names = [\"web-0\", \"web-[4-9]\"] } }");
    workspace.account.clear_calls();
    workspace
}

const REFUSAL: &str = "the plan destroys 3 of 10 resources that the project owns, and";

#[test]
fn a_plan_that_destroys_too_much_is_shown_and_refused() {
    let workspace = three_of_ten();
    for (limit, allowed) in [("2", "2"), ("20%", "20% of them"), ("0", "0")] {
        for command in [&["plan"][..], &["apply", "--yes"]] {
            let run = workspace.run(&[command, &["--max-destroy", limit]].concat()).expect(1);
            run.says(&["web-1: CPU", "3 to destroy", REFUSAL])
                .says(&[&format!("--max-destroy allows {allowed}"), "`--max-destroy 3`"]);
        }
    }
    assert!(workspace.account.writes().is_empty());
    workspace.ok(&["plan", "--max-destroy", "3"]);
    workspace.ok(&["plan", "--max-destroy", "30%"]);
    workspace.run(&["plan", "--max-destroy", "some"]).expect(1).says(&["such as 10%"]);
    workspace.ok(&["apply", "--yes", "--max-destroy", "30%"]).says(&["3 destroyed"]);
}

#[test]
fn the_manifest_says_it_for_every_run_and_the_flag_wins() {
    let workspace = three_of_ten();
    workspace.ok(&["plan", "--out", "plan.json"]);
    workspace.edit_manifest("name = \"payments\"", "name = \"payments\"\nmax_destroy = \"10%\"");
    workspace.run(&["plan", "--out", "refused.json"]).expect(1).says(&[
        REFUSAL,
        "`max_destroy` in the manifest",
        "10% of them",
    ]);
    assert!(!workspace.path().join("refused.json").exists(), "what is refused is not saved");
    // A saved plan is held to it as well.
    workspace.run(&["apply", "--yes", "plan.json"]).expect(1).says(&[REFUSAL]);
    workspace.run(&["apply", "--yes"]).expect(1).says(&[REFUSAL]);
    assert!(workspace.account.writes().is_empty());
    workspace.ok(&["apply", "--yes", "--max-destroy", "3", "plan.json"]).says(&["3 destroyed"]);
    workspace.ok(&["destroy", "--yes"]).says(&["7 destroyed"]);
}

#[test]
fn renames_are_no_destroys() {
    let workspace = three_of_ten();
    workspace.edit_manifest("{ ec2 = { names = [\"web-0\", \"web-[4-9]\"] } }", "{ ec2 = {} }");
    workspace.edit_manifest("threshold = 80", "threshold = 85");
    workspace.ok(&["plan", "--max-destroy", "0"]).says(&["10 to replace"]);
    workspace.ok(&["apply", "--yes", "--max-destroy", "0"]);
}
