//! Asks AWS's price list.
//!
//! One call for each type of instance with its operation, region and tenancy, one for each class and engine of databases, and a
//! few for each region's volumes, snapshots, addresses and storage of databases: how many things share a price does not matter.

mod endpoint;
mod lookup;

use std::path::Path;
use std::sync::OnceLock;

use aws_sdk_pricing::types::{Filter, FilterType};
use futures::future::join_all;
use jiff::Timestamp;

use super::cache::{Cache, FRESH, Kept};
use super::product::Product;
use super::{NoPrice, PriceBook, Wanted};
use crate::aws::{Aws, AwsError, ErrorClass, Operation, pages};
use crate::model::Scope;
use lookup::{Lookup, Query};

/// What became of reading prices.
#[derive(Debug, Default)]
pub struct Reading {
    /// The prices. What the list does not have says why; so does what could not be read.
    pub book: PriceBook,
    /// Why prices could not be read, each reason once. Those prices are in the book as unknown.
    pub errors: Vec<AwsError>,
    /// What the file of prices was of no use for, in words for people.
    pub remarks: Vec<String>,
}

impl Reading {
    /// For who takes nothing but everything.
    ///
    /// # Errors
    /// Why prices could not be read. That the list has none is no error.
    pub fn whole(self) -> Result<PriceBook, Vec<AwsError>> {
        if self.errors.is_empty() { Ok(self.book) } else { Err(self.errors) }
    }
}

/// Reads list prices with the credentials of an account, which may be any: all accounts of a partition see the same list.
///
/// Prices that `cache`, a folder, has of the last 24 hours are not asked for. A call that fails is told, and the
/// rest goes on; after one that every other would share (no permission), no further one is sent.
pub async fn read_prices(
    aws: &Aws,
    account: &str,
    wanted: &Wanted,
    now: Timestamp,
    cache: Option<&Path>,
) -> Reading {
    let mut reading = Reading::default();
    let cache = cache.map(|folder| Cache::new(folder, aws.pricing_endpoint(account).as_deref()));
    let mut known = Kept::default();
    if let Some(cache) = &cache {
        let (kept, remark) = cache.read();
        known = kept.younger_than(FRESH, now);
        reading.remarks.extend(remark);
    }
    let lookups = lookup::missing(wanted, &known);
    let list = List { aws, account, hopeless: OnceLock::new() };
    let answers = join_all(lookups.iter().map(|lookup| list.answer(lookup))).await;
    let (mut new, mut failed) = (Kept::default(), Kept::default());
    for (lookup, answer) in lookups.iter().zip(answers) {
        match answer {
            Ok(products) => lookup.keep(&products, now, &mut new),
            Err(Failure::NoList(why)) => lookup.keep_nothing(&why, now, &mut new),
            Err(Failure::Call(error)) => {
                let why = NoPrice(format!("the price of {lookup} could not be read: {error}"));
                lookup.keep_nothing(&why, now, &mut failed);
                let same = |known: &AwsError| {
                    (known.class, &known.code, &known.message) == (error.class, &error.code, &error.message)
                };
                if !reading.errors.iter().any(same) {
                    reading.errors.push(*error);
                }
            }
        }
    }
    if let Some(cache) = cache.filter(|_| new != Kept::default()) {
        // One remark is enough where the file can be neither read nor written.
        let remark = cache.add(new.clone(), now);
        reading.remarks.extend(remark.filter(|_| reading.remarks.is_empty()));
    }
    reading.book = lookup::book(wanted, known, new, failed);
    reading
}

/// Why a lookup has no products.
enum Failure {
    /// There is no list to ask.
    NoList(NoPrice),
    Call(Box<AwsError>),
}

/// The price list, as one account reads it.
struct List<'a> {
    aws: &'a Aws,
    account: &'a str,
    /// A failure that every other call would share.
    hopeless: OnceLock<AwsError>,
}

impl List<'_> {
    async fn answer(&self, lookup: &Lookup) -> Result<Vec<Product>, Failure> {
        let region = endpoint::of(lookup.region()).map_err(Failure::NoList)?;
        let scope = Scope { account: self.account.to_owned(), region: region.to_owned() };
        let queries = lookup.queries();
        let answers = join_all(queries.iter().map(|query| self.products(&scope, query))).await;
        let mut products = Vec::new();
        for answer in answers {
            products.extend(answer.map_err(|error| Failure::Call(Box::new(error)))?);
        }
        Ok(products)
    }

    /// All pages of a query.
    async fn products(&self, scope: &Scope, query: &Query<'_>) -> Result<Vec<Product>, AwsError> {
        let client = self.aws.pricing(scope);
        let filters: Vec<Filter> = query.filters.iter().filter_map(filter).collect();
        pages(|token| {
            let request = client
                .get_products()
                .service_code(query.service)
                .set_filters(Some(filters.clone()))
                .format_version("aws_v1")
                .set_next_token(token);
            async move {
                if let Some(error) = self.hopeless.get() {
                    return Err(error.clone());
                }
                let sent = self.aws.call(scope, Operation::GET_PRODUCTS, || request.clone().send()).await;
                let answer = sent.inspect_err(|error| self.give_up(error))?;
                let read = |text: &String| {
                    Product::read(text).map_err(|error| {
                        let why = format!("a product of the list cannot be read: {error}");
                        AwsError::unfit(Operation::GET_PRODUCTS, scope, "unreadable answer", why)
                    })
                };
                let products = answer.price_list().iter().map(read).collect::<Result<Vec<_>, _>>()?;
                Ok((products, answer.next_token))
            }
        })
        .await
    }

    fn give_up(&self, error: &AwsError) {
        if error.lasts() || error.class == ErrorClass::Throttled {
            let _ = self.hopeless.set(error.clone());
        }
    }
}

fn filter((field, value): &(&str, String)) -> Option<Filter> {
    let filter = Filter::builder().r#type(FilterType::TermMatch).field(*field).value(value);
    filter.build().ok()
}
