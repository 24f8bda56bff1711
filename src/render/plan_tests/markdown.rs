//! Plans in a comment on a pull request.

use insta::assert_snapshot;

use crate::plan::Plan;
use crate::render::fixtures::{
    blocked_plan, empty_plan, hostile_plan, plan_of, replace_plan, rich_plan, sample_plan, update, view,
};
use crate::render::{Detail, plan_markdown};

fn markdown(plan: &Plan) -> String {
    plan_markdown(plan, &view(Detail::Folded))
}

#[test]
fn the_sample_of_the_design() {
    assert_snapshot!(markdown(&sample_plan()), @r#"
<!-- opsform plan: payments -->
### opsform plan for `payments`: 12 to add, 413 to change, 1 to destroy

account 111122223333 · 2 regions · read 3,000 alarms, 1,000 instances in 34 calls, 1.2 s

| | | count | declarations |
|---|---|---:|---|
| `-` | delete | 1 | `alarm.cpu` 1 |
| `+` | create | 12 | `alarm.cpu` 6 · `alarm.status` 6 |
| `~` | update | 413 | `alarm.cpu` 413 |

#### Destroys

- alarm `web-9: CPU Utilization over 90 percent` in `ap-northeast-2`, because i-00009 (web-9) was terminated; it was wanted by alarm.cpu

<details open><summary><code>+</code> create <b>6 alarms</b> · <code>alarm.cpu · manifests/alarms.toml:12 · ap-northeast-2</code></summary>

```diff
+ > 90 Average of AWS/EC2 CPUUtilization, 1 of 1 × 5 min → arn:aws:sns:…:ops
```

`web-11, web-12, web-13, web-14, web-15, web-16`

</details>

<details open><summary><code>+</code> create <b>6 alarms</b> · <code>alarm.status · manifests/alarms.toml:12 · us-east-1</code></summary>

```diff
+ > 90 Average of AWS/EC2 CPUUtilization, 1 of 1 × 5 min → arn:aws:sns:ap-northeast-2:111122223333:ops
```

`web-21, web-22, web-23, web-24, web-25, web-26`

</details>

<details open><summary><code>~</code> update <b>412 alarms</b> · <code>alarm.cpu · manifests/alarms.toml:12 · ap-northeast-2</code></summary>

```diff
@@ the manifest changed @@
- threshold: 80
+ threshold: 85
```

`web-1, web-2, web-3, web-4, web-5, web-6, web-7, web-8, web-9, web-10, web-11, web-12` … 400 more

</details>

<details open><summary><code>~</code> update <b>alarm &quot;db-1: CPU Utilization over 90 percent&quot;</b> · <code>alarm.cpu · servers.xlsx › Prod!A37 · ap-northeast-2</code></summary>

```diff
@@ changed outside opsform @@
- actions_enabled: false
+ actions_enabled: true
```

</details>

**Plan: 12 to add, 413 to change, 1 to destroy.**
"#);
}

#[test]
fn nothing_to_do() {
    assert_snapshot!(markdown(&empty_plan()), @r#"
<!-- opsform plan: payments -->
### opsform plan for `payments`: nothing to do

3,000 alarms are as declared.

account 111122223333 · 2 regions · read 3,000 alarms, 1,000 instances in 34 calls, 1.2 s
"#);
}

#[test]
fn what_blocks_the_apply_stands_first() {
    assert_snapshot!(markdown(&blocked_plan()), @r#"
<!-- opsform plan: payments -->
### opsform plan for `payments`: 0 to add, 0 to change, 0 to destroy, 1 to adopt, 3 adoptions refused, 2 conflicts

account 111122223333 · 2 regions · read 3,000 alarms, 1,000 instances in 34 calls, 1.2 s

> [!CAUTION]
> 2 conflicts and 3 refused adoptions must be resolved before anything is applied:
> - alarm `web-1: CPU`; it belongs to another opsform project, "billing"; take it out of the project "billing", or give alarm.cpu another name
> - alarm `web-2: CPU`; the alarm on AWS uses metric math, which opsform cannot express: writing it would lose that, so opsform changes nothing there; take that off the alarm on AWS, or exclude its target from alarm.cpu
> - **3 alarms**; they exist on AWS and belong to nobody; to take them over, write \`adopt = true\` in alarm.cpu or add --adopt to the command; else give alarm.cpu another name

| | | count | declarations |
|---|---|---:|---|
| `!` | conflict | 2 | `alarm.cpu` 2 |
| `»` | adopt | 4 | `alarm.cpu` 3 · `alarm.status` 1 · **3 refused** |

<details open><summary><code>»</code> adopt <b>3 alarms</b> · <code>alarm.cpu · manifests/alarms.toml:12 · ap-northeast-2</code></summary>

they exist on AWS and belong to nobody

```diff
+ > 90 Average of AWS/EC2 CPUUtilization, 1 of 1 × 5 min → arn:aws:sns:…:ops
- threshold: 70
+ threshold: 90
```

`web-3, web-4, web-5`

</details>

<details open><summary><code>»</code> adopt <b>alarm &quot;web-8: CPU&quot;</b> · <code>alarm.status · manifests/alarms.toml:12 · ap-northeast-2</code></summary>

```diff
+ > 90 Average of AWS/EC2 CPUUtilization, 1 of 1 × 5 min → arn:aws:sns:…:ops
```

</details>

**Plan: 0 to add, 0 to change, 0 to destroy, 1 to adopt, 3 adoptions refused, 2 conflicts.**
"#);
}

#[test]
fn a_replace_shows_both_names() {
    assert_snapshot!(markdown(&replace_plan()), @r#"
<!-- opsform plan: payments -->
### opsform plan for `payments`: 0 to add, 0 to change, 3 to replace, 0 to destroy

account 111122223333 · 2 regions · read 3,000 alarms, 1,000 instances in 34 calls, 1.2 s

| | | count | declarations |
|---|---|---:|---|
| `-/+` | replace | 3 | `alarm.many` 2 · `alarm.cpu` 1 |

<details open><summary><code>-/+</code> replace <b>alarm &quot;web-1: CPU Utilization over 85 percent&quot;</b> · <code>alarm.cpu · manifests/alarms.toml:12 · ap-northeast-2</code></summary>

renamed: the new one is made before the old one is deleted

```diff
- web-1: CPU Utilization over 80 percent
+ web-1: CPU Utilization over 85 percent
- threshold: 80
+ threshold: 85
```

</details>

<details open><summary><code>-/+</code> replace <b>2 alarms</b> · <code>alarm.many · manifests/alarms.toml:12 · ap-northeast-2</code></summary>

renamed: each new one is made before its old one is deleted

```diff
- web-9: CPU Utilization over 80 percent
+ web-9: CPU Utilization over 85 percent
- web-10: CPU Utilization over 80 percent
+ web-10: CPU Utilization over 85 percent
- threshold: 80
+ threshold: 85
```

</details>

**Plan: 0 to add, 0 to change, 3 to replace, 0 to destroy.**
"#);
}

#[test]
fn long_texts_lists_and_maps() {
    assert_snapshot!(markdown(&rich_plan()), @r#"
<!-- opsform plan: payments -->
### opsform plan for `payments`: 1 to add, 1 to change, 0 to destroy, 1 to forget

account 111122223333 · 2 regions · read 3,000 alarms, 1,000 instances in 34 calls, 1.2 s

| | | count | declarations |
|---|---|---:|---|
| `+` | create | 1 | `alarm.cpu` 1 |
| `~` | update | 1 | `alarm.cpu` 1 |
| `.` | forget | 1 | `alarm.cpu` 1 |

<details open><summary><code>+</code> create <b>alarm &quot;web-2: CPU Utilization over 90 percent&quot;</b> · <code>alarm.cpu · manifests/alarms.toml:12 · ap-northeast-2</code></summary>

made again, because it was deleted outside opsform

```diff
+ > 90 Average of AWS/EC2 CPUUtilization, 1 of 1 × 5 min → arn:aws:sns:…:ops
```

</details>

<details open><summary><code>~</code> update <b>alarm &quot;web-1: CPU Utilization&quot;</b> · <code>alarm.cpu · manifests/alarms.toml:12 · ap-northeast-2</code></summary>

```diff
@@ the manifest changed @@
- alarm_actions: arn:aws:sns:ap-northeast-2:111122223333:old
+ alarm_actions: arn:aws:sns:ap-northeast-2:111122223333:ops
@@ changed in the manifest and outside opsform @@
  description:
  CPU of a web server.
- Call nobody.
+ Call the team that owns it.
  See the wiki.
@@ no record of the last write @@
  input:
- The quick brown fox jumps over the lazy dog and then sleeps all day.
+ The quick brown fox jumps over the lazy cat and then sleeps all day.
@@ changed outside opsform @@
- tags.env: (none)
+ tags.env: prod
- tags.owner: a
+ tags.owner: b
@@ the manifest changed @@
- unit: Percent
+ unit: (none)
```

</details>

<details open><summary><code>.</code> forget <b>alarm &quot;web-7: CPU&quot;</b> · <code>alarm.cpu · manifests/alarms.toml:12 · ap-northeast-2</code></summary>

gone from AWS already and no longer declared: only its record in the state is dropped

</details>

kept: 2 alarms are protected: "db-1: CPU", "db-2: CPU"

3 changes are left out by --target, --exclude or --no-delete

the state takes over 1 record (a label, a protection, a value that agrees by now); nothing changes on AWS

**Plan: 1 to add, 1 to change, 0 to destroy, 1 to forget.**
"#);
}

#[test]
fn hostile_names() {
    // The invisible space that keeps a mention from being one is made visible here.
    let shown = markdown(&hostile_plan()).replace('\u{200b}', "␣");
    assert_snapshot!(shown, @r#"
<!-- opsform plan: pay-ː <script -->
### opsform plan for `pay--> <script>`: 0 to add, 1 to change, 3 to destroy, 1 conflict

account 111122223333 · 2 regions · read 3,000 alarms, 1,000 instances in 34 calls, 1.2 s

> [!CAUTION]
> 1 conflict must be resolved before anything is applied:
> - alarm `x`; it belongs to another opsform project, "\@␣team \#␣1 https:␣//example.com"; take it out of the project "\@␣team \#␣1 https:␣//example.com", or give alarm.cpu another name

| | | count | declarations |
|---|---|---:|---|
| `!` | conflict | 1 | `alarm.cpu` 1 |
| `-` | delete | 3 | `alarm.cpu` 2 · ``alarm.a\|b`c`` 1 |
| `~` | update | 1 | `alarm.cpu` 1 |

#### Destroys

- alarm ``\u{1b}[2J\u{1b}]0;owned\u{7} | `@all` <b>\nPlan: 0 to destroy.`` in `ap-northeast-2`, because i-\`1\` (evil\\n\\u{1b}\[2J\\u{1b}\]0;owned\\u{7}) was terminated; it was wanted by alarm.a\|b\`c
- **2 alarms**, because their targets were terminated; they were wanted by alarm.cpu
  - `nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn` · `i-00002 (web-2)` · `ap-northeast-2`
  - `운영서버-웹-01: CPU 사용률 90% 초과` · `i-00003 (web-3)` · `ap-northeast-2`

<details open><summary><code>~</code> update <b>alarm &quot;web-4: CPU Utilization&quot;</b> · <code>alarm.cpu · manifests/alarms.toml:12 · ap-northeast-2</code></summary>

for ````i-4 (@octocat, ```)````

````diff
@@ the manifest changed @@
- threshold: 80
+ threshold: 85
  description:
  a
  ```
- \u{1b}[2J\u{1b}]0;owned\u{7}
+ </details> @octocat\u{202e}
- tags.k\n- fake: v
+ tags.k\n- fake: "\r\u{1b}[2J\u{1b}]0;owned\u{7}"
````

</details>

**Plan: 0 to add, 1 to change, 3 to destroy, 1 conflict.**
"#);
}

#[test]
fn a_comment_stays_below_the_limit_of_github() {
    let plan = plan_of((1..3000).map(|number| update(number, 80.0, 85.0)));
    let full = plan_markdown(&plan, &view(Detail::Full));
    assert!(full.chars().count() < 65_536);
    assert!(full.contains("\nNot shown, for lack of room:\n\n- `~` update 2,"));
    assert!(
        full.contains("A comment holds no more than this. All of it is in the saved plan, `opsform show")
    );
    assert!(full.ends_with("**Plan: 0 to add, 2,999 to change, 0 to destroy.**\n"));
}
