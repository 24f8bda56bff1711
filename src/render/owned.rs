//! What the state records, for `show` and `state list`.

use crate::model::{KindText, Owned};

use super::escape::{clean, quoted};
use super::fold::natural_order;
use super::line::{Line, Page};
use super::palette::{Palette, Tone};
use super::reason::target_name;
use super::table::{Align, Table};
use super::text::value_table;
use super::words::{Nouns, count_of};

/// The names of the entries in [`owned_detail`] are padded to this width.
const TERM_COLUMNS: usize = 12;

/// One line for each owned resource, sorted by label and name, and how many there are.
pub fn state_list(owned: &[Owned], kinds: &[KindText], palette: Palette) -> String {
    if owned.is_empty() {
        return "The state records no resources.\n".to_owned();
    }
    let nouns = Nouns(kinds);
    let many_accounts = owned.iter().any(|o| o.address.scope.account != owned[0].address.scope.account);
    let any_protected = owned.iter().any(|o| o.protect);
    let mut sorted: Vec<&Owned> = owned.iter().collect();
    sorted.sort_by(|a, b| {
        (a.label.cmp(&b.label))
            .then_with(|| natural_order(&a.address.key, &b.address.key))
            .then_with(|| a.address.cmp(&b.address))
    });
    let mut columns = vec![("LABEL", Align::Left), ("KIND", Align::Left), ("REGION", Align::Left)];
    if many_accounts {
        columns.insert(2, ("ACCOUNT", Align::Left));
    }
    columns.push(("TARGET", Align::Left));
    if any_protected {
        columns.push(("PROTECTED", Align::Left));
    }
    columns.push(("NAME", Align::Left));
    let mut table = Table::new(&columns);
    for resource in sorted {
        let scope = &resource.address.scope;
        let mut row = vec![
            (Tone::Plain, resource.label.clone()),
            (Tone::Dim, nouns.noun(&resource.address.kind)),
            (Tone::Dim, scope.region.clone()),
        ];
        if many_accounts {
            row.insert(2, (Tone::Dim, scope.account.clone()));
        }
        let target = resource.target.as_ref().map_or("-", |target| &*target.id);
        row.push((Tone::Dim, target.to_owned()));
        if any_protected {
            row.push((Tone::Notice, if resource.protect { "yes" } else { "-" }.to_owned()));
        }
        row.push((Tone::Plain, resource.address.key.clone()));
        table.row(row);
    }
    let total = palette.paint(Tone::Dim, &count_of(owned.len(), "resource", "resources"));
    format!("{}\n{total}\n", table.text(palette))
}

/// Everything that the state records of one resource.
pub fn owned_detail(owned: &Owned, kinds: &[KindText], palette: Palette) -> String {
    let nouns = Nouns(kinds);
    let mut page = Page::new(palette);
    let title = Line::new()
        .plain(format!("{} ", nouns.noun(&owned.address.kind)))
        .with(Tone::Strong, quoted(&owned.address.key));
    page.line(&title);
    let scope = &owned.address.scope;
    let mut terms = vec![
        ("wanted by", clean(&owned.label).into_owned()),
        ("account", clean(&scope.account).into_owned()),
        ("region", clean(&scope.region).into_owned()),
    ];
    if let Some(target) = &owned.target {
        terms.push(("target", format!("{} {}", clean(&target.kind), target_name(target))));
    }
    if owned.protect {
        terms.push(("protected", "opsform never deletes it".to_owned()));
    }
    if let Some(summary) = nouns.text(&owned.address.kind).map(|text| (text.summary)(&owned.fields))
        && !summary.is_empty()
    {
        terms.push(("what it does", clean(&summary).into_owned()));
    }
    for (name, value) in terms {
        let column = 2 + TERM_COLUMNS + 3;
        let line = Line::indented(2).with(Tone::Dim, name).padded(column).plain(value);
        page.line(&line.hanging(column));
    }
    page.blank();
    page.line(&Line::indented(2).with(Tone::Dim, "as opsform last wrote it:"));
    value_table(&mut page, &owned.fields, 4);
    page.finish()
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use crate::render::fixtures::{KINDS, rich_plan};

    use super::*;

    fn owned() -> Vec<Owned> {
        let mut owned = rich_plan().protected;
        owned[0].protect = false;
        owned[0].address.key = "db-10: CPU".to_owned();
        owned.push(Owned { target: None, label: "alarm.a".to_owned(), ..owned[0].clone() });
        owned
    }

    #[test]
    fn a_list_has_one_line_for_each_resource() {
        assert_snapshot!(state_list(&owned(), &KINDS, Palette::PLAIN), @r#"
LABEL      KIND   REGION          TARGET  PROTECTED  NAME
alarm.a    alarm  ap-northeast-2  -       -          db-10: CPU
alarm.old  alarm  ap-northeast-2  i-0db1  yes        db-2: CPU
alarm.old  alarm  ap-northeast-2  i-0db1  -          db-10: CPU

3 resources
"#);
        assert_eq!(state_list(&[], &KINDS, Palette::PLAIN), "The state records no resources.\n");
    }

    #[test]
    fn several_accounts_have_a_column() {
        let mut owned = owned();
        owned[0].address.scope.account = "444455556666".to_owned();
        let list = state_list(&owned, &KINDS, Palette::PLAIN);
        assert!(list.starts_with("LABEL      KIND   ACCOUNT       REGION"), "{list}");
    }

    #[test]
    fn one_resource_has_all_its_fields() {
        assert_snapshot!(owned_detail(&owned()[1], &KINDS, Palette::PLAIN), @r#"
alarm "db-2: CPU"
  wanted by      alarm.old
  account        111122223333
  region         ap-northeast-2
  target         ec2 i-0db1 (db-1)
  protected      opsform never deletes it
  what it does   > 90 Average of AWS/EC2 CPUUtilization, 1 of 1 × 5 min → arn:aws:sns:ap-northeast-2:111122223333:ops

  as opsform last wrote it:
    actions_enabled         true
    alarm_actions           arn:aws:sns:ap-northeast-2:111122223333:ops
    description             CPU of a web server.
                            Call the team that owns it.
    dimensions.InstanceId   i-0a1
    metric                  CPUUtilization
    namespace               AWS/EC2
    threshold               90
"#);
    }
}
