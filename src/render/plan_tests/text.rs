//! Plans on a terminal.

use insta::assert_snapshot;

use crate::plan::Plan;
use crate::render::fixtures::{
    blocked_plan, different_plan, hostile_plan, replace_plan, rich_plan, sample_plan, view,
};
use crate::render::{Detail, Palette, PlanView, plan_text};

fn folded(plan: &Plan) -> String {
    plan_text(plan, &view(Detail::Folded))
}

#[test]
fn the_sample_of_the_design() {
    assert_snapshot!(folded(&sample_plan()), @r#"
payments · account 111122223333 · 2 regions                read 3,000 alarms, 1,000 instances in 34 calls, 1.2 s

  delete    1   alarm.cpu 1
  create   12   alarm.cpu 6 · alarm.status 6
  update  413   alarm.cpu 413

- delete  alarm "web-9: CPU Utilization over 90 percent"   ap-northeast-2
          because i-00009 (web-9) was terminated; it was wanted by alarm.cpu

+ create  6 alarms                                         alarm.cpu · manifests/alarms.toml:12 · ap-northeast-2
          > 90 Average of AWS/EC2 CPUUtilization, 1 of 1 × 5 min → arn:aws:sns:…:ops
          web-11, web-12, web-13, web-14, web-15, web-16

+ create  6 alarms                                         alarm.status · manifests/alarms.toml:12 · us-east-1
          > 90 Average of AWS/EC2 CPUUtilization, 1 of 1 × 5 min → arn:aws:sns:ap-northeast-2:111122223333:ops
          web-21, web-22, web-23, web-24, web-25, web-26

~ update  412 alarms                                       alarm.cpu · manifests/alarms.toml:12 · ap-northeast-2
          threshold   80 → 85                              the manifest changed
          web-1, web-2, web-3, web-4, web-5, web-6, web-7, web-8 … 404 more

~ update  alarm "db-1: CPU Utilization over 90 percent"    alarm.cpu · servers.xlsx › Prod!A37 · ap-northeast-2
          actions_enabled   false → true                   changed outside opsform

Plan: 12 to add, 413 to change, 1 to destroy. 2,587 stay as they are.
Destroys: alarm "web-9: CPU Utilization over 90 percent"   ap-northeast-2
"#);
}

#[test]
fn the_sample_on_a_narrow_terminal() {
    let narrow = PlanView { palette: Palette { color: false, width: Some(72) }, ..view(Detail::Folded) };
    assert_snapshot!(plan_text(&sample_plan(), &narrow), @r#"
payments · account 111122223333 · 2 regions
read 3,000 alarms, 1,000 instances in 34 calls, 1.2 s

  delete    1   alarm.cpu 1
  create   12   alarm.cpu 6 · alarm.status 6
  update  413   alarm.cpu 413

- delete  alarm "web-9: CPU Utilization over 90 percent"
          ap-northeast-2
          because i-00009 (web-9) was terminated; it was wanted by
          alarm.cpu

+ create  6 alarms
          alarm.cpu · manifests/alarms.toml:12 · ap-northeast-2
          > 90 Average of AWS/EC2 CPUUtilization, 1 of 1 × 5 min →
          arn:aws:sns:…:ops
          web-11, web-12, web-13, web-14, web-15, web-16

+ create  6 alarms
          alarm.status · manifests/alarms.toml:12 · us-east-1
          > 90 Average of AWS/EC2 CPUUtilization, 1 of 1 × 5 min →
          arn:aws:sns:ap-northeast-2:111122223333:ops
          web-21, web-22, web-23, web-24, web-25, web-26

~ update  412 alarms
          alarm.cpu · manifests/alarms.toml:12 · ap-northeast-2
          threshold   80 → 85              the manifest changed
          web-1, web-2, web-3, web-4, web-5, web-6, web-7 … 405 more

~ update  alarm "db-1: CPU Utilization over 90 percent"
          alarm.cpu · servers.xlsx › Prod!A37 · ap-northeast-2
          actions_enabled   false → true   changed outside opsform

Plan: 12 to add, 413 to change, 1 to destroy. 2,587 stay as they are.
Destroys: alarm "web-9: CPU Utilization over 90 percent"
            ap-northeast-2
"#);
}

#[test]
fn a_summary_has_numbers_and_destroys() {
    assert_snapshot!(plan_text(&sample_plan(), &view(Detail::Summary)), @r#"
payments · account 111122223333 · 2 regions   read 3,000 alarms, 1,000 instances in 34 calls, 1.2 s

  delete    1   alarm.cpu 1
  create   12   alarm.cpu 6 · alarm.status 6
  update  413   alarm.cpu 413

Plan: 12 to add, 413 to change, 1 to destroy. 2,587 stay as they are.
Destroys: alarm "web-9: CPU Utilization over 90 percent"   ap-northeast-2
"#);
}

#[test]
fn changes_that_differ_in_their_values_are_folded_by_their_fields() {
    assert_snapshot!(folded(&different_plan()), @r#"
payments · account 111122223333 · 2 regions   read 3,000 alarms, 1,000 instances in 34 calls, 1.2 s

  update  3,000   alarm.cpu 3,000

~ update  3,000 alarms                     alarm.cpu · manifests/alarms.toml:12
          threshold     e.g. 80 → 86 (web-1); 5 different values, 85 to 95   the manifest changed
          description   e.g. CPU of web-1 → CPU of web-1; call the team (web-1); 3,000 different values
                        changed in the manifest and outside opsform
          web-1, web-2, web-3, web-4, web-5, web-6 … 2,994 more (ap-northeast-2 2,000, us-east-1 1,000)

Plan: 0 to add, 3,000 to change, 0 to destroy. 2,587 stay as they are.
"#);
}

#[test]
fn what_blocks_the_apply_stands_first_and_last() {
    assert_snapshot!(folded(&blocked_plan()), @r#"
payments · account 111122223333 · 2 regions   read 3,000 alarms, 1,000 instances in 34 calls, 1.2 s

  conflict  2   alarm.cpu 2
  adopt     4   alarm.cpu 3 · alarm.status 1   3 refused

! conflict  alarm "web-1: CPU"             alarm.cpu · manifests/alarms.toml:12 · ap-northeast-2
            it belongs to another opsform project, "billing"
            take it out of the project "billing", or give alarm.cpu another name

! conflict  alarm "web-2: CPU"             alarm.cpu · manifests/alarms.toml:12 · ap-northeast-2
            the alarm on AWS uses metric math, which opsform cannot express: writing it would lose that, so opsform changes nothing there
            take that off the alarm on AWS, or exclude its target from alarm.cpu

» adopt     3 alarms   refused             alarm.cpu · manifests/alarms.toml:12 · ap-northeast-2
            they exist on AWS and belong to nobody
            to take them over, write `adopt = true` in alarm.cpu or add --adopt to the command; else give alarm.cpu another name
            > 90 Average of AWS/EC2 CPUUtilization, 1 of 1 × 5 min → arn:aws:sns:…:ops
            threshold   70 → 90
            web-3, web-4, web-5

» adopt     alarm "web-8: CPU"             alarm.status · manifests/alarms.toml:12 · ap-northeast-2
            > 90 Average of AWS/EC2 CPUUtilization, 1 of 1 × 5 min → arn:aws:sns:…:ops
            as declared already

Plan: 0 to add, 0 to change, 0 to destroy, 1 to adopt, 3 adoptions refused, 2 conflicts. 2,587 stay as they are.

2 conflicts and 3 refused adoptions must be resolved before anything is applied:
  ! alarm "web-1: CPU": take it out of the project "billing", or give alarm.cpu another name
  ! alarm "web-2: CPU": take that off the alarm on AWS, or exclude its target from alarm.cpu
  ! 3 alarms: to take them over, write `adopt = true` in alarm.cpu or add --adopt to the command; else give alarm.cpu another name
"#);
}

#[test]
fn a_replace_shows_both_names() {
    assert_snapshot!(folded(&replace_plan()), @r#"
payments · account 111122223333 · 2 regions                   read 3,000 alarms, 1,000 instances in 34 calls, 1.2 s

  replace  3   alarm.many 2 · alarm.cpu 1

-/+ replace  alarm "web-1: CPU Utilization over 80 percent"   alarm.cpu · manifests/alarms.toml:12 · ap-northeast-2
           → alarm "web-1: CPU Utilization over 85 percent"
             renamed: the new one is made before the old one is deleted
             threshold   80 → 85

-/+ replace  2 alarms                                         alarm.many · manifests/alarms.toml:12 · ap-northeast-2
             renamed: each new one is made before its old one is deleted
             "web-9: CPU Utilization over 80 percent"  → "web-9: CPU Utilization over 85 percent"
             "web-10: CPU Utilization over 80 percent" → "web-10: CPU Utilization over 85 percent"
             threshold   80 → 85

Plan: 0 to add, 0 to change, 3 to replace, 0 to destroy. 2,587 stay as they are.
Replaces: alarm "web-1: CPU Utilization over 80 percent" by "web-1: CPU Utilization over 85 percent"     ap-northeast-2
          alarm "web-9: CPU Utilization over 80 percent" by "web-9: CPU Utilization over 85 percent"     ap-northeast-2
          alarm "web-10: CPU Utilization over 80 percent" by "web-10: CPU Utilization over 85 percent"   ap-northeast-2
"#);
}

#[test]
fn long_texts_lists_and_maps() {
    assert_snapshot!(folded(&rich_plan()), @r#"
payments · account 111122223333 · 2 regions                read 3,000 alarms, 1,000 instances in 34 calls, 1.2 s

  create  1   alarm.cpu 1
  update  1   alarm.cpu 1
  forget  1   alarm.cpu 1

+ create  alarm "web-2: CPU Utilization over 90 percent"   alarm.cpu · manifests/alarms.toml:12 · ap-northeast-2
          made again, because it was deleted outside opsform
          > 90 Average of AWS/EC2 CPUUtilization, 1 of 1 × 5 min → arn:aws:sns:…:ops

~ update  alarm "web-1: CPU Utilization"                   alarm.cpu · manifests/alarms.toml:12 · ap-northeast-2
          alarm_actions   - arn:aws:sns:ap-northeast-2:111122223333:old   the manifest changed
                          + arn:aws:sns:ap-northeast-2:111122223333:ops
                            1 unchanged
          description                                      changed in the manifest and outside opsform
              CPU of a web server.
            - Call nobody.
            + Call the team that owns it.
              See the wiki.
          input                                            no record of the last write
            - The quick brown fox jumps over the lazy dog and then sleeps all day.
            + The quick brown fox jumps over the lazy cat and then sleeps all day.
          tags.env        (none) → prod                    changed outside opsform
          tags.owner      a → b                            changed outside opsform
          unit            Percent → (none)                 the manifest changed

. forget  alarm "web-7: CPU"                               alarm.cpu · manifests/alarms.toml:12 · ap-northeast-2
          gone from AWS already and no longer declared: only its record in the state is dropped

kept: 2 alarms are protected: "db-1: CPU", "db-2: CPU"
3 changes are left out by --target, --exclude or --no-delete
the state takes over 1 record (a label, a protection, a value that agrees by now); nothing changes on AWS

Plan: 1 to add, 1 to change, 0 to destroy, 1 to forget. 2,587 stay as they are.
"#);
}

#[test]
fn full_detail_has_every_field() {
    assert_snapshot!(plan_text(&rich_plan(), &view(Detail::Full)), @r#"
payments · account 111122223333 · 2 regions                read 3,000 alarms, 1,000 instances in 34 calls, 1.2 s

  create  1   alarm.cpu 1
  update  1   alarm.cpu 1
  forget  1   alarm.cpu 1

+ create  alarm "web-2: CPU Utilization over 90 percent"   alarm.cpu · manifests/alarms.toml:12 · ap-northeast-2
          made again, because it was deleted outside opsform
          for i-00002 (web-2)
          actions_enabled         true
          alarm_actions           arn:aws:sns:ap-northeast-2:111122223333:ops
          description             CPU of a web server.
                                  Call the team that owns it.
          dimensions.InstanceId   i-0a1
          metric                  CPUUtilization
          namespace               AWS/EC2
          threshold               90

~ update  alarm "web-1: CPU Utilization"                   alarm.cpu · manifests/alarms.toml:12 · ap-northeast-2
          for i-00001 (web-1)
          alarm_actions           - arn:aws:sns:ap-northeast-2:111122223333:old   the manifest changed
                                  + arn:aws:sns:ap-northeast-2:111122223333:ops
                                    1 unchanged
          description                                      changed in the manifest and outside opsform
              CPU of a web server.
            - Call nobody.
            + Call the team that owns it.
              See the wiki.
          input                                            no record of the last write
            - The quick brown fox jumps over the lazy dog and then sleeps all day.
            + The quick brown fox jumps over the lazy cat and then sleeps all day.
          tags.env                (none) → prod            changed outside opsform
          tags.owner              a → b                    changed outside opsform
          unit                    Percent → (none)         the manifest changed
          actions_enabled         true
          dimensions.InstanceId   i-0a1
          metric                  CPUUtilization
          namespace               AWS/EC2
          threshold               85

. forget  alarm "web-7: CPU"                               alarm.cpu · manifests/alarms.toml:12 · ap-northeast-2
          gone from AWS already and no longer declared: only its record in the state is dropped

kept: 2 alarms are protected: "db-1: CPU", "db-2: CPU"
3 changes are left out by --target, --exclude or --no-delete
the state takes over 1 record (a label, a protection, a value that agrees by now); nothing changes on AWS

Plan: 1 to add, 1 to change, 0 to destroy, 1 to forget. 2,587 stay as they are.
"#);
}

#[test]
fn hostile_names() {
    assert_snapshot!(folded(&hostile_plan()), @r#"
pay--> <script> · account 111122223333 · 2 regions   read 3,000 alarms, 1,000 instances in 34 calls, 1.2 s

  conflict  1   alarm.cpu 1
  delete    3   alarm.cpu 2 · alarm.a|b`c 1
  update    1   alarm.cpu 1

! conflict  alarm "x"                        alarm.cpu · manifests/alarms.toml:12 · ap-northeast-2
            it belongs to another opsform project, "@team #1 https://example.com"
            take it out of the project "@team #1 https://example.com", or give alarm.cpu another name

- delete    alarm "\u{1b}[2J\u{1b}]0;owned\u{7} | `@all` <b>\nPlan: 0 to destroy."   ap-northeast-2
            because i-`1` (evil\n\u{1b}[2J\u{1b}]0;owned\u{7}) was terminated; it was wanted by alarm.a|b`c

- delete    2 alarms                         ap-northeast-2
            because their targets were terminated; they were wanted by alarm.cpu
            "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"   i-00002 (web-2)
            "운영서버-웹-01: CPU 사용률 90% 초과"   i-00003 (web-3)

~ update    alarm "web-4: CPU Utilization"   alarm.cpu · manifests/alarms.toml:12 · ap-northeast-2
            for i-4 (@octocat, ```)
            threshold        80 → 85         the manifest changed
            description                      the manifest changed
                a
                ```
              - \u{1b}[2J\u{1b}]0;owned\u{7}
              + </details> @octocat\u{202e}
            tags.k\n- fake   v → "\r\u{1b}[2J\u{1b}]0;owned\u{7}"   the manifest changed

Plan: 0 to add, 1 to change, 3 to destroy, 1 conflict. 2,587 stay as they are.
Destroys: alarm "\u{1b}[2J\u{1b}]0;owned\u{7} | `@all` <b>\nPlan: 0 to destroy."   ap-northeast-2
          alarm "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"   ap-northeast-2
          alarm "운영서버-웹-01: CPU 사용률 90% 초과"                              ap-northeast-2

1 conflict must be resolved before anything is applied:
  ! alarm "x": take it out of the project "@team #1 https://example.com", or give alarm.cpu another name
"#);
}
