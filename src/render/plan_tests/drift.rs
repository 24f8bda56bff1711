//! Drift: what happened, not what an apply would do about it.

use insta::assert_snapshot;

use crate::model::KindText;
use crate::plan::{Plan, Reason, Verb};
use crate::render::fixtures::{KINDS, create, drift_plan, plan_of, taken_plan, view};
use crate::render::{Detail, Heading, PlanView, clean, plan_json, plan_markdown, plan_text};

use super::DETAILS;

fn drift_view(detail: Detail) -> PlanView<'static> {
    PlanView { heading: Heading::Drift, ..view(detail) }
}

fn text(plan: &Plan) -> String {
    plan_text(plan, &drift_view(Detail::Folded))
}

fn markdown(plan: &Plan) -> String {
    plan_markdown(plan, &drift_view(Detail::Folded))
}

#[test]
fn deleted_and_changed() {
    assert_snapshot!(text(&drift_plan()), @r#"
payments · drift · account 111122223333 · 2 regions          read 3,000 alarms, 1,000 instances in 34 calls, 1.2 s

  deleted  4   alarm.many 3 · alarm.cpu 1
  changed  4   alarm.cpu 4

- deleted  alarm "web-9: CPU Utilization over 90 percent"    alarm.cpu · ap-northeast-2
           deleted outside opsform
           > 90 Average of AWS/EC2 CPUUtilization, 1 of 1 × 5 min → arn:aws:sns:…:ops

- deleted  2 alarms                                          alarm.many · ap-northeast-2
           deleted outside opsform
           > 90 Average of AWS/EC2 CPUUtilization, 1 of 1 × 5 min → arn:aws:sns:…:ops
           "web-10: CPU Utilization over 90 percent"
           "web-11: CPU Utilization over 90 percent"

- deleted  alarm "web-12: CPU Utilization over 90 percent"   alarm.many · us-east-1
           deleted outside opsform
           > 90 Average of AWS/EC2 CPUUtilization, 1 of 1 × 5 min → arn:aws:sns:ap-northeast-2:111122223333:ops

~ changed  2 alarms                                          alarm.cpu · ap-northeast-2
           threshold   80 → 99                               changed outside opsform
           web-1, web-2

~ changed  alarm "db-1: CPU Utilization over 90 percent"     alarm.cpu · ap-northeast-2
           actions_enabled   true → false                    changed outside opsform

~ changed  alarm "web-3: CPU Utilization"                    alarm.cpu · ap-northeast-2
           alarm_actions   - arn:aws:sns:ap-northeast-2:111122223333:ops   changed outside opsform
                           + arn:aws:sns:ap-northeast-2:111122223333:old
                             1 unchanged
           description                                       changed outside opsform
               CPU of a web server.
             - Call the team that owns it.
             + Call nobody.
               See the wiki.
           input                                             changed outside opsform
             - The quick brown fox jumps over the lazy cat and then sleeps all day.
             + The quick brown fox jumps over the lazy dog and then sleeps all day.
           tags.env        prod → (none)                     changed outside opsform
           tags.owner      b → a                             changed outside opsform
           unit            (none) → Percent                  changed outside opsform

Drift: 4 changed, 4 deleted outside opsform; 71 are as they were left. "opsform apply" puts back what the manifest still asks for.
"#);
}

#[test]
fn deleted_and_changed_in_markdown() {
    assert_snapshot!(markdown(&drift_plan()), @r#"
<!-- opsform plan: payments -->
### opsform drift for `payments`: 4 changed, 4 deleted outside opsform

account 111122223333 · 2 regions · read 3,000 alarms, 1,000 instances in 34 calls, 1.2 s

| | | count | declarations |
|---|---|---:|---|
| `-` | deleted | 4 | `alarm.many` 3 · `alarm.cpu` 1 |
| `~` | changed | 4 | `alarm.cpu` 4 |

<details><summary><code>-</code> deleted <b>alarm &quot;web-9: CPU Utilization over 90 percent&quot;</b> · <code>alarm.cpu · ap-northeast-2</code></summary>

deleted outside opsform

```diff
- > 90 Average of AWS/EC2 CPUUtilization, 1 of 1 × 5 min → arn:aws:sns:…:ops
```

</details>

<details><summary><code>-</code> deleted <b>2 alarms</b> · <code>alarm.many · ap-northeast-2</code></summary>

deleted outside opsform

```diff
- > 90 Average of AWS/EC2 CPUUtilization, 1 of 1 × 5 min → arn:aws:sns:…:ops
```

- `web-10: CPU Utilization over 90 percent` · `ap-northeast-2`
- `web-11: CPU Utilization over 90 percent` · `ap-northeast-2`

</details>

<details><summary><code>-</code> deleted <b>alarm &quot;web-12: CPU Utilization over 90 percent&quot;</b> · <code>alarm.many · us-east-1</code></summary>

deleted outside opsform

```diff
- > 90 Average of AWS/EC2 CPUUtilization, 1 of 1 × 5 min → arn:aws:sns:ap-northeast-2:111122223333:ops
```

</details>

<details><summary><code>~</code> changed <b>2 alarms</b> · <code>alarm.cpu · ap-northeast-2</code></summary>

```diff
@@ changed outside opsform @@
- threshold: 80
+ threshold: 99
```

`web-1, web-2`

</details>

<details><summary><code>~</code> changed <b>alarm &quot;db-1: CPU Utilization over 90 percent&quot;</b> · <code>alarm.cpu · ap-northeast-2</code></summary>

```diff
@@ changed outside opsform @@
- actions_enabled: true
+ actions_enabled: false
```

</details>

<details><summary><code>~</code> changed <b>alarm &quot;web-3: CPU Utilization&quot;</b> · <code>alarm.cpu · ap-northeast-2</code></summary>

```diff
@@ changed outside opsform @@
- alarm_actions: arn:aws:sns:ap-northeast-2:111122223333:ops
+ alarm_actions: arn:aws:sns:ap-northeast-2:111122223333:old
  description:
  CPU of a web server.
- Call the team that owns it.
+ Call nobody.
  See the wiki.
  input:
- The quick brown fox jumps over the lazy cat and then sleeps all day.
+ The quick brown fox jumps over the lazy dog and then sleeps all day.
- tags.env: prod
+ tags.env: (none)
- tags.owner: b
+ tags.owner: a
- unit: (none)
+ unit: Percent
```

</details>

**Drift: 4 changed, 4 deleted outside opsform; 71 are as they were left.** "opsform apply" puts back what the manifest still asks for.
"#);
}

#[test]
fn full_detail_has_what_was_deleted_and_what_is_there_now() {
    let plan = plan_of(drift_plan().changes.into_iter().filter(|change| {
        change.address.key.starts_with("web-9:") || change.address.key.starts_with("db-1:")
    }));
    assert_snapshot!(plan_text(&plan, &drift_view(Detail::Full)), @r#"
payments · drift · account 111122223333 · 2 regions         read 3,000 alarms, 1,000 instances in 34 calls, 1.2 s

  deleted  1   alarm.cpu 1
  changed  1   alarm.cpu 1

- deleted  alarm "web-9: CPU Utilization over 90 percent"   alarm.cpu · ap-northeast-2
           deleted outside opsform
           for i-00009 (web-9)
           actions_enabled         true
           alarm_actions           arn:aws:sns:ap-northeast-2:111122223333:ops
           description             CPU of a web server.
                                   Call the team that owns it.
           dimensions.InstanceId   i-0a1
           metric                  CPUUtilization
           namespace               AWS/EC2
           threshold               90

~ changed  alarm "db-1: CPU Utilization over 90 percent"    alarm.cpu · ap-northeast-2
           for i-0db1 (db-1)
           actions_enabled         true → false             changed outside opsform
           alarm_actions           arn:aws:sns:ap-northeast-2:111122223333:ops
           description             CPU of a web server.
                                   Call the team that owns it.
           dimensions.InstanceId   i-0a1
           metric                  CPUUtilization
           namespace               AWS/EC2
           threshold               90

Drift: 1 changed, 1 deleted outside opsform; 2,587 are as they were left. "opsform apply" puts back what the manifest still asks for.
"#);
    assert_snapshot!(plan_markdown(&plan, &drift_view(Detail::Full)), @r#"
<!-- opsform plan: payments -->
### opsform drift for `payments`: 1 changed, 1 deleted outside opsform

account 111122223333 · 2 regions · read 3,000 alarms, 1,000 instances in 34 calls, 1.2 s

| | | count | declarations |
|---|---|---:|---|
| `-` | deleted | 1 | `alarm.cpu` 1 |
| `~` | changed | 1 | `alarm.cpu` 1 |

<details open><summary><code>-</code> deleted <b>alarm &quot;web-9: CPU Utilization over 90 percent&quot;</b> · <code>alarm.cpu · ap-northeast-2</code></summary>

deleted outside opsform

for `i-00009 (web-9)`

```diff
- actions_enabled: true
- alarm_actions: arn:aws:sns:ap-northeast-2:111122223333:ops
- description: CPU of a web server.
- description: Call the team that owns it.
- dimensions.InstanceId: i-0a1
- metric: CPUUtilization
- namespace: AWS/EC2
- threshold: 90
```

</details>

<details open><summary><code>~</code> changed <b>alarm &quot;db-1: CPU Utilization over 90 percent&quot;</b> · <code>alarm.cpu · ap-northeast-2</code></summary>

for `i-0db1 (db-1)`

```diff
@@ changed outside opsform @@
- actions_enabled: true
+ actions_enabled: false
```

</details>

**Drift: 1 changed, 1 deleted outside opsform; 2,587 are as they were left.** "opsform apply" puts back what the manifest still asks for.
"#);
}

#[test]
fn a_summary_has_the_words_of_drift_and_no_destroys() {
    assert_snapshot!(plan_text(&drift_plan(), &drift_view(Detail::Summary)), @r#"
payments · drift · account 111122223333 · 2 regions   read 3,000 alarms, 1,000 instances in 34 calls, 1.2 s

  deleted  4   alarm.many 3 · alarm.cpu 1
  changed  4   alarm.cpu 4

Drift: 4 changed, 4 deleted outside opsform; 71 are as they were left. "opsform apply" puts back what the manifest still asks for.
"#);
}

#[test]
fn what_an_apply_cannot_put_back() {
    assert_snapshot!(text(&taken_plan()), @r#"
payments · drift · account 111122223333 · 2 regions          read 3,000 alarms, 1,000 instances in 34 calls, 1.2 s

  conflict  3   alarm.cpu 3
  found     1   alarm.cpu 1
  gone      1   alarm.cpu 1

! conflict  2 alarms                                         alarm.cpu · ap-northeast-2
            they now bear the tag of project "billing"
            "web-1: CPU"
            "web-2: CPU"

! conflict  alarm "web-3: CPU"                               alarm.cpu · ap-northeast-2
            it was changed to use metric math, which opsform cannot express

+ found     alarm "web-9: CPU Utilization over 90 percent"   alarm.cpu · ap-northeast-2
            it bears the tag of this project, but the state has no record of a finished write
            > 90 Average of AWS/EC2 CPUUtilization, 1 of 1 × 5 min → arn:aws:sns:…:ops

. gone      alarm "web-7: CPU"                               alarm.cpu · ap-northeast-2
            gone from AWS: only its record in the state is left

Drift: 1 gone, 1 found, 3 conflicts; 1 is as it was left.

3 conflicts must be resolved before anything is applied:
  ! 2 alarms: take them out of the project "billing", or give alarm.cpu another name
  ! alarm "web-3: CPU": take that off the alarm on AWS, or exclude its target from alarm.cpu
"#);
}

#[test]
fn what_an_apply_cannot_put_back_in_markdown() {
    assert_snapshot!(markdown(&taken_plan()), @r#"
<!-- opsform plan: payments -->
### opsform drift for `payments`: 1 gone, 1 found, 3 conflicts

account 111122223333 · 2 regions · read 3,000 alarms, 1,000 instances in 34 calls, 1.2 s

> [!CAUTION]
> 3 conflicts must be resolved before anything is applied:
> - **2 alarms**; they now bear the tag of project "billing"; take them out of the project "billing", or give alarm.cpu another name
> - alarm `web-3: CPU`; it was changed to use metric math, which opsform cannot express; take that off the alarm on AWS, or exclude its target from alarm.cpu

| | | count | declarations |
|---|---|---:|---|
| `!` | conflict | 3 | `alarm.cpu` 3 |
| `+` | found | 1 | `alarm.cpu` 1 |
| `.` | gone | 1 | `alarm.cpu` 1 |

<details open><summary><code>!</code> conflict <b>2 alarms</b> · <code>alarm.cpu · ap-northeast-2</code></summary>

they now bear the tag of project "billing"

`"web-1: CPU", "web-2: CPU"`

</details>

<details open><summary><code>+</code> found <b>alarm &quot;web-9: CPU Utilization over 90 percent&quot;</b> · <code>alarm.cpu · ap-northeast-2</code></summary>

it bears the tag of this project, but the state has no record of a finished write

```diff
+ > 90 Average of AWS/EC2 CPUUtilization, 1 of 1 × 5 min → arn:aws:sns:…:ops
```

</details>

<details open><summary><code>.</code> gone <b>alarm &quot;web-7: CPU&quot;</b> · <code>alarm.cpu · ap-northeast-2</code></summary>

gone from AWS: only its record in the state is left

</details>

**Drift: 1 gone, 1 found, 3 conflicts; 1 is as it was left.**
"#);
}

#[test]
fn nothing_of_a_plan_is_left() {
    for plan in [drift_plan(), taken_plan()] {
        for detail in DETAILS {
            let view = drift_view(detail);
            for shown in [plan_text(&plan, &view), plan_markdown(&plan, &view)] {
                for word in [
                    "made again",
                    "the last apply",
                    "to add",
                    "to change",
                    "Destroys",
                    "delete ",
                    "create",
                    "update",
                    "forget",
                ] {
                    assert!(!shown.contains(word), "{word}, {detail:?}:\n{shown}");
                }
            }
        }
    }
}

#[test]
fn everything_deleted_is_named() {
    let plan = plan_of((1..=90).map(|number| {
        let mut change = create(number);
        change.reason = Some(Reason::DeletedOutside);
        change
    }));
    let (text, markdown) = (text(&plan), markdown(&plan));
    for change in &plan.changes {
        let key = clean(&change.address.key);
        assert_eq!(text.matches(&*key).count(), 1, "{key}");
        assert_eq!(markdown.matches(&*key).count(), 1, "{key}");
    }
    assert!(text.contains("\n- deleted  90 alarms"), "{text}");
}

#[test]
fn the_total_counts_what_happened() {
    let total = |changes: Vec<crate::plan::Change>, unchanged: usize| {
        let plan = Plan { unchanged, ..plan_of(changes) };
        text(&plan).lines().find(|line| line.starts_with("Drift: ")).unwrap_or_default().to_owned()
    };
    let of = |verb: Verb| -> Vec<_> {
        let all = drift_plan().changes.into_iter().chain(taken_plan().changes);
        all.filter(|change| change.verb == verb).collect()
    };
    let back = "\"opsform apply\" puts back what the manifest still asks for.";
    assert_eq!(
        total(of(Verb::Create), 1),
        format!("Drift: 4 deleted outside opsform; 1 is as it was left. {back}")
    );
    assert_eq!(total(of(Verb::Update), 0), format!("Drift: 4 changed outside opsform. {back}"));
    assert_eq!(total(of(Verb::Conflict), 3000), "Drift: 3 conflicts; 3,000 are as they were left.");
}

#[test]
fn what_is_shared_is_not_said_to_be_put_back() {
    let kinds = KINDS.map(|kind| KindText { shared: true, ..kind });
    let total = |changes: Vec<crate::plan::Change>| {
        let view = PlanView { kinds: &kinds, ..drift_view(Detail::Folded) };
        let text = plan_text(&plan_of(changes), &view);
        text.lines().find(|line| line.starts_with("Drift: ")).unwrap_or_default().to_owned()
    };
    let of = |verbs: &[Verb]| -> Vec<_> {
        drift_plan().changes.into_iter().filter(|change| verbs.contains(&change.verb)).collect()
    };
    let left = "2,587 are as they were left.";
    assert_eq!(
        total(of(&[Verb::Update])),
        format!(
            "Drift: 4 changed outside opsform; {left} \"opsform apply\" leaves the changed alarms alone from now on."
        )
    );
    assert_eq!(
        total(of(&[Verb::Update, Verb::Create])),
        format!(
            "Drift: 4 changed, 4 deleted outside opsform; {left} \"opsform apply\" puts back what the manifest still \
             asks for, and leaves the changed alarms alone."
        )
    );
}

#[test]
fn the_json_is_the_plan_itself() {
    let plan = drift_plan();
    let read: Plan = serde_json::from_str(&plan_json(&plan, None)).expect("the documented format");
    assert_eq!(read, plan);
}
