//! An audit for a terminal.

#[cfg(test)]
mod tests;

use crate::model::{Advice, Audit, Finding};
use crate::render::{Align, Line, Page, Palette, Table, Tone, clean, count_of, elide_middle, thousands};

use super::groups::{Group, by_place, gap_groups, groups};
use super::words::{
    GAPS_MEANING, checked, found, gaps_title, kind_noun, list_empty, list_title, many_accounts, name, place,
    totals,
};

/// Where groups begin.
const INDENT: usize = 2;

/// Rows of a group that a terminal shows of what is not to be deleted.
const MOST_ROWS: usize = 20;

/// Places that are named where rows are left out.
const MOST_PLACES: usize = 4;

/// No column is made narrower than this.
const NARROWEST: usize = 10;

/// The columns of a resource that may be cut: name, owner and what was found.
const FLEXIBLE: [usize; 3] = [2, 3, 6];

/// The columns, in the order of [`Row`].
const HEADERS: [&str; 7] = ["KIND", "ID", "NAME", "OWNER", "REGION", "SINCE", "FOUND"];

/// A resource's cells.
type Row = [String; 7];

/// The audit as text for a terminal of the palette's width: gaps, the summary, the three lists, and the gaps again.
///
/// Findings with the same key, problem and remedy are one table below one title. On a terminal a table shows no more
/// than its first rows, and where the others are; what is to be deleted is always shown whole, and without a width
/// everything is.
pub fn audit_table(audit: &Audit, palette: Palette) -> String {
    let mut view = View { page: Page::new(palette), palette, many_accounts: many_accounts(audit) };
    view.gaps(audit);
    view.summary(audit);
    for advice in Advice::ALL {
        view.list(audit, advice);
    }
    view.gaps(audit);
    view.page.finish()
}

struct View {
    page: Page,
    palette: Palette,
    many_accounts: bool,
}

impl View {
    fn gaps(&mut self, audit: &Audit) {
        let Some(title) = gaps_title(audit) else { return };
        self.page.blank();
        self.page.line(&Line::new().with(Tone::Danger, title));
        self.page.line(&Line::indented(INDENT).with(Tone::Danger, GAPS_MEANING));
        for group in gap_groups(audit) {
            let what = format!("{} in {}", group.kinds_words(), group.places(self.many_accounts));
            let line = Line::new().plain("  - ").hanging(4).with(Tone::Danger, clean(&what));
            self.page.line(&line.plain(format!(": {}", clean(group.reason))));
        }
    }

    fn summary(&mut self, audit: &Audit) {
        self.page.blank();
        let line =
            Line::new().plain(format!("{}; ", clean(&checked(audit)))).with(Tone::Strong, totals(audit));
        self.page.line(&line);
    }

    fn list(&mut self, audit: &Audit, advice: Advice) {
        self.page.blank();
        let groups = groups(audit, advice);
        let count: usize = groups.iter().map(Group::len).sum();
        if groups.is_empty() {
            let line = Line::new().with(Tone::Strong, format!("{}: ", list_title(advice)));
            let tone = if audit.gaps.is_empty() { Tone::Good } else { Tone::Plain };
            return self.page.line(&line.with(tone, list_empty(audit, advice)));
        }
        let title = format!("{}: {}", list_title(advice), thousands(count));
        self.page.line(&Line::new().with(tone(advice), title));
        for group in groups {
            self.page.blank();
            self.group(&group, advice);
        }
    }

    fn group(&mut self, group: &Group<'_>, advice: Advice) {
        let resources = count_of(group.len(), "resource", "resources");
        let title = Line::indented(INDENT)
            .plain("tag ")
            .with(Tone::Strong, clean(group.key))
            .plain(format!(" {}", group.problem.words()))
            .with(Tone::Dim, format!(" · {resources}"));
        self.page.line(&title);
        self.page.line(&Line::indented(INDENT).plain("→ ").hanging(INDENT + 2).plain(clean(&group.to_do)));
        let all = advice == Advice::Delete || self.palette.width.is_none() || group.len() <= MOST_ROWS + 2;
        let (shown, rest) = group.findings.split_at(if all { group.len() } else { MOST_ROWS });
        self.rows(shown, advice);
        if !rest.is_empty() {
            let places = by_place(rest, self.many_accounts, MOST_PLACES);
            let more = format!("… and {} more: {}", thousands(rest.len()), clean(&places));
            self.page.line(&Line::indented(INDENT).with(Tone::Dim, more));
        }
    }

    fn rows(&mut self, findings: &[&Finding], advice: Advice) {
        let mut rows: Vec<Row> = findings.iter().map(|finding| self.row(finding)).collect();
        let shown: Vec<usize> =
            (0..HEADERS.len()).filter(|column| rows.iter().any(|row| !row[*column].is_empty())).collect();
        if !self.fit(&mut rows, &shown) {
            return rows.iter().for_each(|row| self.stacked(row, advice));
        }
        let columns: Vec<(&str, Align)> =
            shown.iter().map(|column| (HEADERS[*column], Align::Left)).collect();
        let mut table = Table::new(&columns);
        for row in &rows {
            table.row(shown.iter().map(|column| (cell_tone(*column, advice), &row[*column])));
        }
        self.page.indented(INDENT, &table.text(self.palette));
    }

    fn row(&self, finding: &Finding) -> Row {
        [
            kind_noun(&finding.target.kind),
            finding.target.id.clone(),
            name(finding).to_owned(),
            finding.owner.clone().unwrap_or_default(),
            place(&finding.scope, self.many_accounts),
            finding.since.map_or_else(String::new, |day| day.to_string()),
            found(finding),
        ]
        .map(|cell| clean(&cell).into_owned())
    }

    /// Cuts what may be cut until a row fits the width; `false` where that is not enough.
    fn fit(&self, rows: &mut [Row], shown: &[usize]) -> bool {
        let Some(width) = self.palette.width else { return true };
        let room = width.saturating_sub(INDENT + 2 * (shown.len() - 1));
        let mut widths: Vec<usize> = (0..HEADERS.len())
            .map(|column| {
                let cells = rows.iter().map(|row| columns_of(&row[column]));
                if shown.contains(&column) { cells.max().unwrap_or(0).max(HEADERS[column].len()) } else { 0 }
            })
            .collect();
        while widths.iter().sum::<usize>() > room {
            let widest = FLEXIBLE.into_iter().max_by_key(|column| widths[*column]);
            match widest.filter(|column| widths[*column] > NARROWEST) {
                Some(column) => widths[column] -= 1,
                None => return false,
            }
        }
        for row in rows {
            for column in FLEXIBLE {
                row[column] = elide_middle(&row[column], widths[column]);
            }
        }
        true
    }

    /// A resource on a narrow terminal: what it is, and below it the rest.
    fn stacked(&mut self, row: &Row, advice: Advice) {
        let [kind, id, name, owner, region, since, found] = row;
        let line = Line::indented(INDENT).with(Tone::Dim, format!("{kind} ")).plain(id).plain("  ");
        self.page.line(&line.with(Tone::Strong, name).hanging(INDENT + 4));
        let since = if since.is_empty() { String::new() } else { format!("since {since}") };
        let parts = [(Tone::Plain, owner), (Tone::Plain, region), (Tone::Dim, &since), (tone(advice), found)];
        let mut line = Line::indented(INDENT + 4);
        for (index, (tone, part)) in parts.into_iter().filter(|(_, part)| !part.is_empty()).enumerate() {
            line.push(Tone::Dim, if index == 0 { "" } else { " · " });
            line.push(tone, elide_middle(part, self.palette.width.unwrap_or(80).saturating_sub(INDENT + 4)));
        }
        self.page.line(&line);
    }
}

fn tone(advice: Advice) -> Tone {
    match advice {
        Advice::Delete => Tone::Delete,
        Advice::Change => Tone::Update,
        Advice::Fix => Tone::Notice,
    }
}

fn cell_tone(column: usize, advice: Advice) -> Tone {
    match HEADERS[column] {
        "KIND" | "SINCE" => Tone::Dim,
        "NAME" => Tone::Strong,
        "FOUND" => tone(advice),
        _ => Tone::Plain,
    }
}

fn columns_of(text: &str) -> usize {
    Line::new().plain(text).width()
}
