//! Words that the forms of a cost report share.

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::tables::so_far_words;
use super::totals::{self, Total};
use crate::costs::CostReport;
use crate::render::count_of;

/// What stands below the table of actual costs.
pub(super) const ACTUAL_MEANING: [&str; 2] = [
    "Actual is what Cost Explorer says: unblended, as billed up to about a day ago, discounts and what is deleted included.",
    "List is what this report computes for the same.",
];

/// What a reader has to know before all figures; `None` where they are whole.
pub(super) fn warning(report: &CostReport) -> Option<String> {
    let gaps = report.gaps.len();
    let unpriced = totals::whole(report).unpriced;
    let gaps =
        (gaps > 0).then(|| format!("NOT COMPLETE: {} not read.", count_of(gaps, "part was", "parts were")));
    let unpriced = (unpriced > 0).then(|| {
        format!("{} no known price: the sums leave them out.", count_of(unpriced, "row has", "rows have"))
    });
    let words: Vec<String> = gaps.into_iter().chain(unpriced).collect();
    (!words.is_empty()).then(|| words.join(" "))
}

pub(super) fn title(report: &CostReport) -> String {
    format!("Cost report of {}, {}", report.project, report.month.first.strftime("%B %Y"))
}

/// A time as people read it.
pub(super) fn time(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// A day or a time of a table, in UTC.
pub(super) fn shown_time(day: bool, time: Timestamp) -> String {
    time.strftime(if day { "%Y-%m-%d" } else { "%Y-%m-%d %H:%M" }).to_string()
}

/// What is part of the totals or none of them, and still worth a line: so far where it is known, and of a month.
pub(super) fn besides(report: &CostReport) -> [(&'static str, Option<Decimal>, Option<Decimal>); 3] {
    let unattached = Total::of(totals::unattached(report).map(|volume| &volume.cost));
    [
        ("Of EBS: volumes attached to nothing", unattached.so_far, unattached.forecast),
        ("Snapshots, at most", None, totals::snapshots(report)),
        ("Parking saves, at least", None, Some(totals::saving(report))),
    ]
}

/// What AWS bills and this report does not compute.
const IN_NO_FIGURE: &str = "What was terminated or deleted this month, hours before an instance's last start, public IPv4 addresses in use, CPU credits, \
    unused capacity reservations, dedicated hosts, Marketplace software, backups, data transfer, load balancers, NAT gateways.";

/// What a reader has to know before the figures: a name and its text.
pub(super) fn facts(report: &CostReport) -> Vec<(&'static str, String)> {
    let mut facts = vec![
        ("Made", time(report.made)),
        ("So far", so_far_words(report)),
        ("Forecast", "The whole month, if everything stays as it is.".to_owned()),
        ("In no figure", IN_NO_FIGURE.to_owned()),
        ("Prices", prices(report)),
        ("Accounts", report.accounts.join(", ")),
        ("Regions", report.regions.join(", ")),
    ];
    if let Some(note) = &report.currency_note {
        facts.push(("Currency", note.clone()));
    }
    facts
}

/// How old the prices are.
fn prices(report: &CostReport) -> String {
    let list = "AWS's list prices on demand, in US dollars";
    let Some(read) = report.prices_as_of else { return format!("{list}; none was read") };
    let hours = report.made.duration_since(read).as_hours();
    let age = match hours {
        ..1 => "less than an hour".to_owned(),
        1 => "1 hour".to_owned(),
        2..48 => format!("{hours} hours"),
        _ => format!("{} days", hours / 24),
    };
    format!("{list}, read {} ({age} before)", time(read))
}

/// `$ 1,234.50`.
pub(super) fn money(amount: Decimal) -> String {
    let cents = format!("{:.2}", amount.round_dp(2));
    dollars_of(&cents)
}

/// `$ 0.192`: every digit that it has, cents at least.
pub(super) fn price(amount: Decimal) -> String {
    let amount = amount.normalize();
    if amount.scale() < 2 { money(amount) } else { dollars_of(&amount.to_string()) }
}

/// `$ 1,500`: without cents where there are none.
pub(super) fn dollars(amount: Decimal) -> String {
    if amount.is_integer() { dollars_of(&amount.trunc().to_string()) } else { money(amount) }
}

/// A whole number with commas.
pub(super) fn grouped(number: Decimal) -> String {
    let text = number.normalize().to_string();
    let (sign, digits) = text.strip_prefix('-').map_or(("", &*text), |digits| ("-", digits));
    let (whole, rest) = digits.split_at(digits.find('.').unwrap_or(digits.len()));
    let mut out = String::from(sign);
    for (index, digit) in whole.char_indices() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out + rest
}

fn dollars_of(amount: &str) -> String {
    let (sign, amount) = amount.strip_prefix('-').map_or(("", amount), |amount| ("-", amount));
    let (whole, rest) = amount.split_at(amount.find('.').unwrap_or(amount.len()));
    let whole = whole.parse::<Decimal>().map_or_else(|_| whole.to_owned(), grouped);
    format!("{sign}$ {whole}{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_as_people_write_them() {
        let amount = |text: &str| text.parse::<Decimal>().unwrap();
        for (text, shown) in [
            ("0", "$ 0.00"),
            ("1234567.5", "$ 1,234,567.50"),
            ("999", "$ 999.00"),
            ("-1000", "-$ 1,000.00"),
            ("-0.001", "$ 0.00"),
        ] {
            assert_eq!(money(amount(text)), shown);
        }
        assert_eq!([price(amount("0.0116")), price(amount("3"))], ["$ 0.0116", "$ 3.00"]);
        assert_eq!([dollars(amount("1500.00")), dollars(amount("0.5"))], ["$ 1,500", "$ 0.50"]);
        assert_eq!([grouped(amount("-25000")), grouped(amount("0.50"))], ["-25,000", "0.5"]);
    }
}
