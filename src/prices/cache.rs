//! What the price list said, kept on disk: one file for AWS, and one for each endpoint of one's own.
//!
//! Each price has a time of its own. A damaged file, one of a newer version, or a folder that cannot be written is a remark and never a
//! failure: prices are read anew. Of two runs that write at the same time the later one adds to what the earlier one wrote, or
//! replaces it; half a file there never is.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{
    ComputeKey, DatabaseKey, DatabaseStorageKey, DatabaseStoragePrices, NoPrice, PriceBook, Priced,
    VolumePrices, is_plausible,
};
use crate::files::replace_whole;

/// The version of the file.
const FORMAT: u32 = 1;

/// How long a price is used before it is read again.
pub(super) const FRESH: SignedDuration = SignedDuration::from_hours(24);

/// How long a price is kept that nobody reads again: a plan may show it, with its date.
const KEPT: SignedDuration = SignedDuration::from_hours(24 * 90);

/// A price with the time at which the list said so.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Timed<T> {
    pub(super) read_at: Timestamp,
    pub(super) price: Priced<T>,
}

/// The prices of one file.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Kept {
    pub(super) compute: BTreeMap<ComputeKey, Timed<Decimal>>,
    pub(super) volumes: BTreeMap<(String, String), Timed<VolumePrices>>,
    pub(super) snapshots: BTreeMap<String, Timed<Decimal>>,
    pub(super) archived_snapshots: BTreeMap<String, Timed<Decimal>>,
    pub(super) idle_addresses: BTreeMap<String, Timed<Decimal>>,
    pub(super) databases: BTreeMap<DatabaseKey, Timed<Decimal>>,
    pub(super) database_storage: BTreeMap<DatabaseStorageKey, Timed<DatabaseStoragePrices>>,
}

/// Does the same with each table of prices.
macro_rules! each_table {
    ($do:ident) => {
        $do!(compute);
        $do!(volumes);
        $do!(snapshots);
        $do!(archived_snapshots);
        $do!(idle_addresses);
        $do!(databases);
        $do!(database_storage);
    };
}

impl Kept {
    /// Takes all that `other` says.
    pub(super) fn replace(&mut self, other: Self) {
        macro_rules! table {
            ($table:ident) => {
                self.$table.extend(other.$table);
            };
        }
        each_table!(table);
    }

    /// Takes what `other` knows and this does not, or knew only earlier.
    fn merge(&mut self, other: Self) {
        macro_rules! table {
            ($table:ident) => {
                merge(&mut self.$table, other.$table);
            };
        }
        each_table!(table);
    }

    /// Without what is older than `age`, and what is later than `now`: that clock was wrong.
    pub(super) fn younger_than(mut self, age: SignedDuration, now: Timestamp) -> Self {
        let is_young = |read_at: Timestamp| read_at <= now && now.duration_since(read_at) < age;
        macro_rules! table {
            ($table:ident) => {
                self.$table.retain(|_, timed| is_young(timed.read_at));
            };
        }
        each_table!(table);
        self
    }

    /// The prices without their times but the oldest.
    pub(super) fn into_book(self) -> PriceBook {
        let mut book = PriceBook::default();
        let mut times = Vec::new();
        macro_rules! table {
            ($table:ident) => {
                for (key, timed) in self.$table {
                    times.push(timed.read_at);
                    book.$table.insert(key, timed.price);
                }
            };
        }
        each_table!(table);
        book.as_of = times.into_iter().min();
        book
    }
}

fn merge<K: Ord, T>(into: &mut BTreeMap<K, Timed<T>>, from: BTreeMap<K, Timed<T>>) {
    for (key, timed) in from {
        if into.get(&key).is_none_or(|known| known.read_at < timed.read_at) {
            into.insert(key, timed);
        }
    }
}

/// The file.
#[derive(Serialize, Deserialize)]
struct Document {
    format: u32,
    /// Whose prices these are; `None` for AWS.
    endpoint: Option<String>,
    compute: Vec<Line<ComputeKey, Decimal>>,
    volumes: Vec<Line<(String, String), VolumePrices>>,
    snapshots: Vec<Line<String, Decimal>>,
    archived_snapshots: Vec<Line<String, Decimal>>,
    idle_addresses: Vec<Line<String, Decimal>>,
    databases: Vec<Line<DatabaseKey, Decimal>>,
    database_storage: Vec<Line<DatabaseStorageKey, DatabaseStoragePrices>>,
}

/// Just enough of a file to know whether the rest can be read.
#[derive(Deserialize)]
struct Version {
    format: u32,
}

#[derive(Serialize, Deserialize)]
struct Line<K, T> {
    of: K,
    read_at: Timestamp,
    #[serde(flatten)]
    price: Found<T>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Found<T> {
    Price(T),
    NoPrice(String),
}

fn lines<K: Clone, T: Clone>(table: &BTreeMap<K, Timed<T>>) -> Vec<Line<K, T>> {
    let line = |(key, timed): (&K, &Timed<T>)| Line {
        of: key.clone(),
        read_at: timed.read_at,
        price: match &timed.price {
            Ok(price) => Found::Price(price.clone()),
            Err(NoPrice(why)) => Found::NoPrice(why.clone()),
        },
    };
    table.iter().map(line).collect()
}

/// What is no price is as if it were not there, so that it is asked for anew.
fn table<K: Ord, T: Prices>(lines: Vec<Line<K, T>>) -> BTreeMap<K, Timed<T>> {
    let timed = |line: Line<K, T>| {
        let price = match line.price {
            Found::Price(price) if price.all().into_iter().all(is_plausible) => Ok(price),
            Found::Price(_) => return None,
            Found::NoPrice(why) => Err(NoPrice(why)),
        };
        Some((line.of, Timed { read_at: line.read_at, price }))
    };
    lines.into_iter().filter_map(timed).collect()
}

/// What is made of prices.
trait Prices {
    fn all(&self) -> Vec<Decimal>;
}

impl Prices for Decimal {
    fn all(&self) -> Vec<Decimal> {
        vec![*self]
    }
}

impl Prices for VolumePrices {
    fn all(&self) -> Vec<Decimal> {
        [self.gib].into_iter().chain(self.iops.iter().copied()).chain(self.throughput).collect()
    }
}

impl Prices for DatabaseStoragePrices {
    fn all(&self) -> Vec<Decimal> {
        [self.gib].into_iter().chain(self.iops).chain(self.throughput).collect()
    }
}

/// One file of prices.
#[derive(Debug)]
pub(super) struct Cache {
    path: PathBuf,
    endpoint: Option<String>,
}

impl Cache {
    /// The file in a folder for AWS, or for an endpoint of one's own: what an emulator says is no price of AWS.
    pub(super) fn new(folder: &Path, endpoint: Option<&str>) -> Self {
        let name = endpoint.map_or_else(
            || "prices.json".to_owned(),
            |url| {
                let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
                let name: String = url.chars().map(plain).take(100).collect();
                format!("prices-{name}.json")
            },
        );
        Self { path: folder.join(name), endpoint: endpoint.map(str::to_owned) }
    }

    /// What the file holds; nothing where it is not there. With a remark where it is there and of no use.
    pub(super) fn read(&self) -> (Kept, Option<String>) {
        let bytes = match fs::read(&self.path) {
            Ok(bytes) => bytes,
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return (Kept::default(), None);
            }
            Err(error) => return (Kept::default(), Some(self.remark("cannot be read", &error))),
        };
        match serde_json::from_slice::<Version>(&bytes) {
            Ok(Version { format: FORMAT }) => {}
            Ok(Version { format }) => {
                let other = if format > FORMAT { "a newer" } else { "an older" };
                let why = format!("is of {other} version of opsform (format {format}, not {FORMAT})");
                return (Kept::default(), Some(format!("{} {why}; it is replaced", self.called())));
            }
            Err(error) => return (Kept::default(), Some(self.remark("is damaged and is replaced", &error))),
        }
        match serde_json::from_slice::<Document>(&bytes) {
            // Two long addresses may share a name.
            Ok(document) if document.endpoint != self.endpoint => (Kept::default(), None),
            Ok(document) => (document.into(), None),
            Err(error) => (Kept::default(), Some(self.remark("is damaged and is replaced", &error))),
        }
    }

    /// Adds prices to the file. With a remark where that cannot be done.
    pub(super) fn add(&self, new: Kept, now: Timestamp) -> Option<String> {
        // Read again: another run may have added something meanwhile.
        let mut kept = self.read().0.younger_than(KEPT, now);
        kept.merge(new);
        self.write(&kept).err().map(|error| self.remark("cannot be written", &error))
    }

    fn write(&self, kept: &Kept) -> std::io::Result<()> {
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder)?;
        }
        let text = serde_json::to_vec_pretty(&document(kept, self.endpoint.clone()))?;
        replace_whole(&self.path, &self.temporary(), &text)
    }

    /// A name that no other run has, and no other thread of this one.
    fn temporary(&self) -> PathBuf {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let (process, count) = (std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        self.path.with_file_name(format!(".{name}.opsform-{process}-{count}"))
    }

    fn called(&self) -> String {
        format!("the file of prices {}", self.path.display())
    }

    fn remark(&self, what: &str, error: &dyn std::error::Error) -> String {
        format!("{} {what}: {error}", self.called())
    }
}

fn document(kept: &Kept, endpoint: Option<String>) -> Document {
    Document {
        format: FORMAT,
        endpoint,
        compute: lines(&kept.compute),
        volumes: lines(&kept.volumes),
        snapshots: lines(&kept.snapshots),
        archived_snapshots: lines(&kept.archived_snapshots),
        idle_addresses: lines(&kept.idle_addresses),
        databases: lines(&kept.databases),
        database_storage: lines(&kept.database_storage),
    }
}

impl From<Document> for Kept {
    fn from(document: Document) -> Self {
        Self {
            compute: table(document.compute),
            volumes: table(document.volumes),
            snapshots: table(document.snapshots),
            archived_snapshots: table(document.archived_snapshots),
            idle_addresses: table(document.idle_addresses),
            databases: table(document.databases),
            database_storage: table(document.database_storage),
        }
    }
}

#[cfg(test)]
mod tests;
