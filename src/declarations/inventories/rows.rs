//! The rows of an inventory: filtered, with ids that can be trusted.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::declarations::for_each::id_fault;
use crate::inventory::{Fleet, Target, TargetKind};
use crate::manifest::{CellValue, RenderError, RowReader, Sheet, Template, Variables, suggestion};
use crate::model::{DestroyLimit, Diagnostic, Diagnostics, Place, Severity};

use super::block::Block;
use super::columns::written;

/// So many cells of one sheet are told one by one; what is wrong with more of them is wrong with the column.
const TOLD: usize = 100;

/// So many missing rows get a suggestion: each is a search through the whole fleet.
const SUGGESTED: usize = 50;

/// What a row means whose id AWS does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::declarations) enum Missing {
    /// An error.
    Error,
    /// A warning; the other rows count.
    Warn,
    /// Nothing.
    Skip,
}

/// What rows stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::declarations) enum RowKind {
    /// Something on AWS, by its id.
    Target(TargetKind),
    /// Themselves: a list of alarms, say.
    Row,
}

/// How much of what was made for the rows of an inventory may lose them in one plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShrinkLimit {
    limit: DestroyLimit,
    /// So few are never too many.
    few: usize,
}

impl ShrinkLimit {
    /// Where the manifest says nothing: half, and what a person takes off a short list by hand.
    const DEFAULT: Self = Self { limit: DestroyLimit::Percent(50), few: 4 };

    /// Whether `gone` of `owned` resources may lose their rows.
    pub fn allows(self, gone: usize, owned: usize) -> bool {
        gone <= self.few || self.limit.allows(gone, owned)
    }
}

/// What a file lists.
#[derive(Debug)]
pub struct Inventory {
    label: String,
    kind: RowKind,
    max_shrink: ShrinkLimit,
    missing: Missing,
    allow_empty: bool,
    sheet: Arc<Sheet>,
    /// The row of each id.
    rows: BTreeMap<String, usize>,
}

impl Inventory {
    /// The rows of a sheet that count, or `None` where no row can be understood. Where a problem was recorded the wrong rows
    /// are left out: good for finding what is wrong with the other ones.
    pub(super) fn new(
        label: &str,
        block: &Block,
        sheet: Arc<Sheet>,
        problems: &mut Diagnostics,
    ) -> Option<Self> {
        let unknown = block.unknown_columns(&sheet);
        let wrong = unknown.iter().any(|problem| problem.severity == Severity::Error);
        problems.extend(unknown);
        if wrong {
            return None;
        }
        let mut faults = Vec::new();
        let kept: Vec<usize> = match &block.filter {
            None => (0..sheet.len()).collect(),
            Some(filter) => (0..sheet.len()).filter(|&row| keeps(filter, &sheet, row, &mut faults)).collect(),
        };
        let rows = identify(&sheet, &kept, &mut faults);
        let kind = block.kind.or_else(|| kind_of(&rows).map(RowKind::Target));
        if let (None, Some((_, id))) = (kind, rows.first()) {
            problems.push(
                Diagnostic::error(format!(
                    "what `{}` lists cannot be told from ids like {id:?}",
                    sheet.words()
                ))
                .at(block.place.clone())
                .hint(
                    "add `kind = \"rds\"` or `kind = \"rds_cluster\"`, \
                     or `kind = \"row\"` where rows stand for themselves and not for something on AWS",
                ),
            );
            return None;
        }
        let kind = kind.unwrap_or(RowKind::Target(TargetKind::Ec2));
        let rows = unique(&sheet, kind, rows, &mut faults);
        if kept.is_empty() && faults.is_empty() && !block.allow_empty {
            faults.push(empty(block, &sheet));
        }
        problems.extend(capped(faults, &sheet));
        let (missing, allow_empty) = (block.missing, block.allow_empty);
        let max_shrink = block.max_shrink.map_or(ShrinkLimit::DEFAULT, |limit| ShrinkLimit { limit, few: 0 });
        Some(Self { label: label.to_owned(), kind, max_shrink, missing, allow_empty, sheet, rows })
    }

    /// What its rows stand for.
    pub(in crate::declarations) fn kind(&self) -> RowKind {
        self.kind
    }

    /// How the file and the sheet are called.
    pub fn words(&self) -> String {
        self.sheet.words()
    }

    /// Its label in the manifest.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Whether it has a row with this id.
    pub fn has(&self, id: &str) -> bool {
        self.rows.contains_key(id)
    }

    /// How much of what was made for its rows may lose them in one plan.
    pub fn max_shrink(&self) -> ShrinkLimit {
        self.max_shrink
    }

    /// Whether it may have no row.
    pub(in crate::declarations) fn allows_empty(&self) -> bool {
        self.allow_empty
    }

    /// The sheet that it was read from.
    pub(in crate::declarations) fn sheet(&self) -> &Sheet {
        &self.sheet
    }

    /// The ids of all rows.
    pub(in crate::declarations) fn ids(&self) -> impl Iterator<Item = &String> {
        self.rows.keys()
    }

    /// The row about a target.
    pub(in crate::declarations) fn row(&self, target: &Target) -> Option<RowReader> {
        let row = self.rows.get(&target.id).filter(|_| self.kind == RowKind::Target(target.kind))?;
        Some(RowReader::new(&self.sheet, *row))
    }

    /// Ids and rows in the order of the sheet, where each of them must have a target.
    pub(in crate::declarations) fn certain_rows(&self) -> Vec<(&str, RowReader)> {
        if self.missing != Missing::Error {
            return Vec::new();
        }
        self.rows()
    }

    /// Ids and rows in the order of the sheet.
    pub(in crate::declarations) fn rows(&self) -> Vec<(&str, RowReader)> {
        let mut rows: Vec<(&String, &usize)> = self.rows.iter().collect();
        rows.sort_by_key(|(_, row)| **row);
        rows.into_iter().map(|(id, row)| (id.as_str(), RowReader::new(&self.sheet, *row))).collect()
    }

    /// Whether somebody wants to know about rows without a target, and there are any.
    pub(in crate::declarations) fn wants_neighbours(&self, fleet: &Fleet) -> bool {
        self.missing != Missing::Skip && !self.without_target(fleet).is_empty()
    }

    /// What is to be said about rows whose target the fleet does not hold.
    pub(in crate::declarations) fn missing(&self, fleet: &Fleet) -> Vec<Diagnostic> {
        let RowKind::Target(kind) = self.kind else { return Vec::new() };
        if self.missing == Missing::Skip {
            return Vec::new();
        }
        let others: Vec<&Target> = living(fleet, kind).filter(|t| !self.rows.contains_key(&t.id)).collect();
        let rows = self.without_target(fleet);
        let problems = rows.into_iter().enumerate().map(|(n, (id, row))| {
            let near = if n < SUGGESTED { near(id, &others) } else { None };
            self.no_target(kind, id, row, near)
        });
        capped(problems.collect(), &self.sheet)
    }

    /// Ids and rows without a living target, in the order of the sheet.
    fn without_target(&self, fleet: &Fleet) -> Vec<(&str, usize)> {
        let RowKind::Target(kind) = self.kind else { return Vec::new() };
        let known: std::collections::HashSet<&str> =
            living(fleet, kind).map(|target| target.id.as_str()).collect();
        let rows = self.rows.iter().filter(|(id, _)| !known.contains(id.as_str()));
        let mut rows: Vec<(&str, usize)> = rows.map(|(id, row)| (id.as_str(), *row)).collect();
        rows.sort_by_key(|(_, row)| *row);
        rows
    }

    fn no_target(&self, kind: TargetKind, id: &str, row: usize, near: Option<&Target>) -> Diagnostic {
        let noun = kind.singular();
        let summary = format!(
            "inventory `{}`: AWS has no {noun} `{id}` in the accounts and regions of the manifest",
            self.label
        );
        let diagnostic = match self.missing {
            Missing::Error => Diagnostic::error(summary),
            Missing::Warn | Missing::Skip => Diagnostic::warning(summary),
        };
        let hint = match near {
            Some(near) if near.name == near.id => format!("did you mean `{}`?", near.id),
            Some(near) => format!("did you mean `{}` ({})?", near.id, near.name),
            None => {
                let others = match self.missing {
                    Missing::Error => "`missing = \"warn\"` or `\"skip\"`",
                    Missing::Warn | Missing::Skip => "`missing = \"skip\"`",
                };
                format!("it may be terminated: remove the row, or say {others}")
            }
        };
        diagnostic.at(self.sheet.place(row, self.sheet.key())).hint(hint)
    }
}

fn living(fleet: &Fleet, kind: TargetKind) -> impl Iterator<Item = &Target> {
    fleet.of_kind(kind).filter(|target| !target.is_gone())
}

/// The target whose id looks like this one, and that no row names.
fn near<'a>(id: &str, others: &[&'a Target]) -> Option<&'a Target> {
    let near = suggestion(id, others.iter().map(|target| target.id.as_str()))?;
    others.iter().find(|target| target.id == near).copied()
}

/// Whether the condition holds for a row.
fn keeps(filter: &Template, sheet: &Arc<Sheet>, row: usize, faults: &mut Vec<Diagnostic>) -> bool {
    let reader = RowReader::new(sheet, row);
    let gave = filter.render(&Variables::new(vec![("row", reader.value())]));
    let column = reader.last_read();
    let place = column.map_or_else(|| reader.key_place(), |column| reader.place(column));
    let name = column.map_or("", |column| sheet.header(column));
    let (summary, hint) = match gave.as_deref().map(str::trim) {
        Ok("true") => return true,
        Ok("false") => return false,
        Ok(text) => (
            format!("`where` gave `{text}`, which is neither true nor false"),
            "compare with something: `row.env == 'prod'`".to_owned(),
        ),
        Err(RenderError::Missing { .. }) if column.is_some() => (
            format!("`where` needs column `{name}`, which is empty here"),
            format!("fill in the cell, or write `{} | default('')`", written(name)),
        ),
        Err(error) => (format!("`where` {error}"), "correct the cell or the condition".to_owned()),
    };
    let fault = Diagnostic::error(summary).at(place).hint(hint);
    faults.push(fault.related(filter.place().clone(), "the condition"));
    false
}

/// Row and id of each of these rows; what has no id is recorded.
fn identify(sheet: &Sheet, rows: &[usize], faults: &mut Vec<Diagnostic>) -> Vec<(usize, String)> {
    let mut found = Vec::with_capacity(rows.len());
    for &row in rows {
        let cell = sheet.cell(row, sheet.key());
        let summary = match cell {
            CellValue::Empty => "the row has no id".to_owned(),
            CellValue::Error(_) => cell.fault().unwrap_or_default(),
            _ => {
                found.push((row, cell.folded()));
                continue;
            }
        };
        let column = written(sheet.header(sheet.key()));
        faults.push(Diagnostic::error(summary).at(sheet.place(row, sheet.key())).hint(format!(
            "correct the cell, or leave such rows out: `where = \"{{{{ {column} is defined }}}}\"`"
        )));
    }
    found
}

/// The kind that the ids tell: those of instances and volumes have a form of their own.
fn kind_of(rows: &[(usize, String)]) -> Option<TargetKind> {
    let kinds = [("i-", TargetKind::Ec2), ("vol-", TargetKind::Ebs)];
    let told = kinds
        .into_iter()
        .find(|&(form, kind)| rows.iter().any(|(_, id)| id.starts_with(form) || is_almost_id(kind, id)));
    told.map(|(_, kind)| kind)
}

/// Whether an id is of this kind but for capitals, invisible marks, or dashes of another kind.
fn is_almost_id(kind: TargetKind, id: &str) -> bool {
    let plain = id.chars().filter_map(|c| match c {
        '\u{2010}'..='\u{2015}' => Some('-'),
        c => c.is_ascii().then_some(c.to_ascii_lowercase()),
    });
    id_fault(kind, &plain.collect::<String>()).is_none()
}

/// The row of each id, without those that cannot be ids and those that stand in two rows.
fn unique(
    sheet: &Sheet,
    kind: RowKind,
    rows: Vec<(usize, String)>,
    faults: &mut Vec<Diagnostic>,
) -> BTreeMap<String, usize> {
    let mut unique: BTreeMap<String, usize> = BTreeMap::new();
    let place = |row| -> Place { sheet.place(row, sheet.key()) };
    for (row, id) in rows {
        if let RowKind::Target(kind) = kind
            && let Some(hint) = id_fault(kind, &id)
        {
            let summary = format!("{id:?} is not the id of one of the {}", kind.plural());
            faults.push(Diagnostic::error(summary).at(place(row)).hint(hint));
        } else if let Some(first) = unique.get(&id) {
            faults.push(
                Diagnostic::error(format!("`{id}` stands in two rows"))
                    .at(place(row))
                    .related(place(*first), "the first one")
                    .hint(match kind {
                        RowKind::Target(_) => {
                            "a row stands for one target: remove one of the two, or choose rows with `where`"
                        }
                        RowKind::Row => {
                            "rows are told apart by this column: `id` is to name one without repeats"
                        }
                    }),
            );
        } else {
            unique.insert(id, row);
        }
    }
    unique
}

/// An empty list is more often a mistake, a filter or the wrong sheet, than the end of all servers.
fn empty(block: &Block, sheet: &Sheet) -> Diagnostic {
    let words = sheet.words();
    let (summary, place) = match (&block.filter, sheet.len()) {
        (Some(filter), n) if n > 0 => {
            (format!("`where` keeps none of the {n} rows of `{words}`"), filter.place().clone())
        }
        _ => (format!("`{words}` has no rows"), block.sheet.file.place.clone()),
    };
    Diagnostic::error(summary).at(place).hint("if that may be so, set `allow_empty = true`")
}

/// The first of many problems, and how many more there are.
fn capped(mut problems: Vec<Diagnostic>, sheet: &Sheet) -> Vec<Diagnostic> {
    if problems.len() > TOLD {
        let more = problems.len() - TOLD;
        let severity = problems[TOLD].severity;
        problems.truncate(TOLD);
        let mut last = Diagnostic::error(format!("{more} more rows of `{}` are like that", sheet.words()));
        last.severity = severity;
        problems.push(last);
    }
    problems
}
