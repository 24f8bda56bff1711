//! Cost Explorer: what was billed. Every call costs $0.01 ("AWS Cost Management pricing"), so they are counted, tries included.

use aws_sdk_costexplorer::types::{
    DateInterval, Dimension, DimensionValues, Expression, Granularity, GroupDefinition, GroupDefinitionType,
    ResultByTime,
};
use aws_smithy_types::error::operation::BuildError;
use jiff::civil::Date;
use rust_decimal::Decimal;

use crate::aws::{Aws, AwsError, Operation, partition};
use crate::costs::actual::Billed;
use crate::model::Scope;

/// The most calls of a report.
pub const MOST_CALLS: u32 = 3;

/// The services whose usage types a report has.
const SERVICES: [&str; 3] =
    ["Amazon Elastic Compute Cloud - Compute", "EC2 - Other", "Amazon Relational Database Service"];

/// What of a bill is no price of anything used.
const LEFT_OUT: [&str; 3] = ["Credit", "Refund", "Tax"];

const METRIC: &str = "UnblendedCost";

/// What was billed in a month's whole days: from its first to `until`, which is not among them. `askers` are the accounts whose
/// credentials ask; each sees its own bill, and an organization's management account those of all. All of them together
/// make [`MOST_CALLS`] calls.
///
/// # Errors
/// That of the first call that failed, and where there are more pages than calls: a part of a bill is none.
pub async fn read_actual(
    aws: &Aws,
    askers: &[String],
    scopes: &[Scope],
    (first, until): (Date, Date),
) -> Result<Vec<Billed>, (Scope, AwsError)> {
    let left = std::sync::atomic::AtomicU32::new(MOST_CALLS);
    let (accounts, regions) = crate::costs::places(scopes);
    let mut billed = Vec::new();
    for asker in askers {
        // One that asks for itself alone must not see what it pays for others.
        let of = if askers.len() == 1 { &accounts[..] } else { std::slice::from_ref(asker) };
        let scope = Scope::new(asker, endpoint(regions.first()));
        let question = Question { aws, scope: &scope, accounts: of, regions: &regions, days: (first, until) };
        billed.extend(question.ask(&left).await.map_err(|error| (scope.clone(), error))?);
    }
    Ok(billed)
}

/// Where Cost Explorer is ("AWS Cost Explorer endpoints and quotas" in the AWS General Reference).
fn endpoint(region: Option<&String>) -> &'static str {
    match region.map(|region| partition(region)) {
        Some("aws-cn") => "cn-northwest-1",
        _ => "us-east-1",
    }
}

struct Question<'a> {
    aws: &'a Aws,
    scope: &'a Scope,
    accounts: &'a [String],
    regions: &'a [String],
    days: (Date, Date),
}

impl Question<'_> {
    async fn ask(&self, left: &std::sync::atomic::AtomicU32) -> Result<Vec<Billed>, AwsError> {
        use std::sync::atomic::Ordering::Relaxed;
        let client = self.aws.cost_explorer(self.scope);
        let unfit =
            |why: String| AwsError::unfit(Operation::GET_COST_AND_USAGE, self.scope, "not asked on", why);
        let days = self.days().map_err(|error| unfit(error.to_string()))?;
        let filter = self.filter().map_err(|error| unfit(error.to_string()))?;
        let (mut billed, mut token) = (Vec::new(), None::<String>);
        loop {
            let most = left.load(Relaxed);
            if most == 0 {
                return Err(unfit(format!(
                    "the answer is longer than the {MOST_CALLS} calls that a report makes"
                )));
            }
            let ask = || {
                left.fetch_sub(1, Relaxed);
                let request = client.get_cost_and_usage().time_period(days.clone()).filter(filter.clone());
                let request = request.granularity(Granularity::Monthly).metrics(METRIC);
                let request = request.group_by(group("LINKED_ACCOUNT")).group_by(group("USAGE_TYPE"));
                request.set_next_page_token(token.clone()).send()
            };
            let page = self.aws.call_at_most(self.scope, Operation::GET_COST_AND_USAGE, most, ask).await?;
            for group in page.results_by_time().iter().flat_map(ResultByTime::groups) {
                billed.push(self.billed(group)?);
            }
            token = page.next_page_token().filter(|token| !token.is_empty()).map(str::to_owned);
            if token.is_none() {
                return Ok(billed);
            }
        }
    }

    fn days(&self) -> Result<DateInterval, BuildError> {
        DateInterval::builder().start(self.days.0.to_string()).end(self.days.1.to_string()).build()
    }

    #[allow(clippy::unnecessary_wraps)] // Other parts of the question can fail to be built.
    fn filter(&self) -> Result<Expression, BuildError> {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let one_of = |dimension: Dimension, values: Vec<String>| {
            let values = DimensionValues::builder().key(dimension).set_values(Some(values)).build();
            Expression::builder().dimensions(values).build()
        };
        let left_out = one_of(Dimension::RecordType, texts(&LEFT_OUT));
        Ok(Expression::builder()
            .and(one_of(Dimension::Service, texts(&SERVICES)))
            .and(one_of(Dimension::Region, self.regions.to_vec()))
            .and(one_of(Dimension::LinkedAccount, self.accounts.to_vec()))
            .and(Expression::builder().not(left_out).build())
            .build())
    }

    fn billed(&self, group: &aws_sdk_costexplorer::types::Group) -> Result<Billed, AwsError> {
        let metric = group.metrics().and_then(|metrics| metrics.get(METRIC));
        if let Some(unit) = metric.and_then(|metric| metric.unit()).filter(|unit| *unit != "USD") {
            let why = format!("the bill is in {unit}, and the list is in US dollars");
            return Err(AwsError::unfit(Operation::GET_COST_AND_USAGE, self.scope, "another currency", why));
        }
        let amount = metric.and_then(|metric| metric.amount()).map(number);
        let (Some(Some(amount)), [account, usage_type]) = (amount, group.keys()) else {
            let why = "a group of the answer has no amount, or not two keys".to_owned();
            return Err(AwsError::unfit(Operation::GET_COST_AND_USAGE, self.scope, "unreadable answer", why));
        };
        Ok(Billed { account: account.clone(), usage_type: usage_type.clone(), amount })
    }
}

fn group(dimension: &str) -> GroupDefinition {
    GroupDefinition::builder().r#type(GroupDefinitionType::Dimension).key(dimension).build()
}

/// `12.3456789`, `1.2E-7`.
fn number(text: &str) -> Option<Decimal> {
    text.parse().ok().or_else(|| Decimal::from_scientific(text).ok())
}
