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
    let many_accounts = owned
        .iter()
        .any(|o| o.address.scope.account != owned[0].address.scope.account);
    let mut sorted: Vec<&Owned> = owned.iter().collect();
    sorted.sort_by(|a, b| {
        (a.label.cmp(&b.label))
            .then_with(|| natural_order(&a.address.key, &b.address.key))
            .then_with(|| a.address.cmp(&b.address))
    });
    let mut columns = vec![
        ("LABEL", Align::Left),
        ("KIND", Align::Left),
        ("REGION", Align::Left),
    ];
    if many_accounts {
        columns.insert(2, ("ACCOUNT", Align::Left));
    }
    columns.extend([("TARGET", Align::Left), ("NAME", Align::Left)]);
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
        let protect = if resource.protect { "   protected" } else { "" };
        row.push((Tone::Dim, target.to_owned()));
        row.push((Tone::Plain, format!("{}{protect}", resource.address.key)));
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
        terms.push((
            "target",
            format!("{} {}", clean(&target.kind), target_name(target)),
        ));
    }
    if owned.protect {
        terms.push(("protected", "opsform never deletes it".to_owned()));
    }
    if let Some(summary) = nouns
        .text(&owned.address.kind)
        .map(|text| (text.summary)(&owned.fields))
        && !summary.is_empty()
    {
        terms.push(("what it does", clean(&summary).into_owned()));
    }
    for (name, value) in terms {
        let column = 2 + TERM_COLUMNS + 3;
        let line = Line::indented(2)
            .with(Tone::Dim, name)
            .padded(column)
            .plain(value);
        page.line(&line.hanging(column));
    }
    page.blank();
    page.line(&Line::indented(2).with(Tone::Dim, "as opsform last wrote it:"));
    let rows: Vec<_> = owned
        .fields
        .iter()
        .flat_map(|(name, value)| super::value::value_rows(name, value))
        .collect();
    value_table(&mut page, &rows, 4, Tone::Plain);
    page.finish()
}
