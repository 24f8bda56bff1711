//! One product of AWS's price list, and the one price that is looked for among several.
//!
//! Source: "Reading the service price list files" in the AWS Billing user guide; `GetProducts` gives the same documents, one a SKU.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use serde::Deserialize;

use super::{NoPrice, Priced};

/// Units of a whole hour, GiB-month and so on, as the list writes them, each with what its price is divided by.
pub(super) type Units = &'static [(&'static str, i64)];

/// An hour of something.
pub(super) const HOURS: Units = &[("Hrs", 1)];
/// A GiB for a month: AWS's "GB" of storage is 2^30 bytes ("Amazon EBS pricing").
pub(super) const GIB_MONTHS: Units = &[("GB-Mo", 1)];
/// A provisioned iops for a month.
pub(super) const IOPS_MONTHS: Units = &[("IOPS-Mo", 1)];
/// A MiB/s for a month. The list gives EBS' by the GiB/s.
pub(super) const MIBPS_MONTHS: Units = &[("GiBps-mo", 1024), ("MiBps-mo", 1), ("MBps-mo", 1)];

/// A product with its prices on demand.
#[derive(Clone, Debug)]
pub(super) struct Product {
    /// Such as `Compute Instance`; some products have none.
    pub(super) family: String,
    attributes: BTreeMap<String, String>,
    rates: Vec<Rate>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rate {
    unit: String,
    /// By currency.
    price_per_unit: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Document {
    product: DocumentProduct,
    #[serde(default)]
    terms: Terms,
}

#[derive(Deserialize)]
struct DocumentProduct {
    #[serde(rename = "productFamily", default)]
    family: String,
    attributes: BTreeMap<String, String>,
}

#[derive(Default, Deserialize)]
struct Terms {
    #[serde(rename = "OnDemand", default)]
    on_demand: BTreeMap<String, Term>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Term {
    price_dimensions: BTreeMap<String, Rate>,
}

impl Product {
    /// Reads one text of the list.
    pub(super) fn read(text: &str) -> Result<Self, serde_json::Error> {
        let Document { product, terms } = serde_json::from_str(text)?;
        let rates = terms.on_demand.into_values().flat_map(|term| term.price_dimensions.into_values());
        Ok(Self { family: product.family, attributes: product.attributes, rates: rates.collect() })
    }

    /// An attribute; empty where the product has none.
    pub(super) fn get(&self, name: &str) -> &str {
        self.attributes.get(name).map_or("", String::as_str)
    }

    /// Whether it is sold in a whole region: Local Zones, Wavelength and Outposts have prices of their own.
    pub(super) fn is_of_region(&self) -> bool {
        self.get("locationType") == "AWS Region"
    }

    /// Its usage type without the region's prefix: `EU-EBS:VolumeUsage.gp3` → `EBS:VolumeUsage.gp3`. In us-east-1 most have none.
    pub(super) fn usage(&self) -> &str {
        let whole = self.get("usagetype");
        let is_prefix =
            |word: &str| word.len() > 1 && word.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
        // A prefix comes before everything else that has a colon or a hyphen, such as `Multi-AZUsage:db.t3.micro`.
        whole.split_once('-').filter(|(word, _)| is_prefix(word)).map_or(whole, |(_, rest)| rest)
    }

    /// Its only price on demand.
    fn price(&self, units: Units, what: &str) -> Priced<Decimal> {
        let [rate] = &*self.rates else {
            return Err(NoPrice(if self.rates.is_empty() {
                format!("the price list does not sell {what} on demand")
            } else {
                format!("the price list has {} prices by quantity for {what}", self.rates.len())
            }));
        };
        let Some((_, divisor)) = units.iter().find(|(unit, _)| unit.eq_ignore_ascii_case(&rate.unit)) else {
            return Err(NoPrice(format!(
                "the price list sells {what} by {:?}, not by {:?}",
                rate.unit, units[0].0
            )));
        };
        let Some(dollars) = rate.price_per_unit.get("USD") else {
            let others: Vec<&str> = rate.price_per_unit.keys().map(String::as_str).collect();
            return Err(NoPrice(format!(
                "the price list has {what} in {} only, not in USD",
                others.join(", ")
            )));
        };
        match dollars.parse::<Decimal>() {
            Ok(price) if super::is_plausible(price) => Ok(price / Decimal::from(*divisor)),
            // Nothing that is asked for is free; rows of 0 stand for what is billed elsewhere, such as capacity that is reserved.
            Ok(_) => Err(NoPrice(format!("the price list says {dollars} for {what}"))),
            Err(_) => Err(NoPrice(format!("the price list says {dollars:?} for {what}, which is no price"))),
        }
    }
}

/// The price of something, from all products that may be it. Several are fine where they agree.
///
/// # Errors
/// Where there is none, one of them has no plain price, or they differ: which of them is meant would be a guess.
pub(super) fn one_price<'a>(
    products: impl IntoIterator<Item = &'a Product>,
    units: Units,
    what: &str,
) -> Priced<Decimal> {
    let prices: BTreeSet<Decimal> =
        products.into_iter().map(|product| product.price(units, what)).collect::<Result<_, _>>()?;
    let mut prices = prices.into_iter();
    match (prices.next(), prices.next()) {
        (Some(price), None) => Ok(price),
        (None, _) => Err(NoPrice(format!("the price list has none for {what}"))),
        (Some(one), Some(other)) => Err(NoPrice(format!(
            "the price list has several for {what}, such as {} and {}",
            one.normalize(),
            other.normalize()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prices::fixtures::{dollars, product_json, with};

    fn price(text: &serde_json::Value) -> Priced<Decimal> {
        one_price([&Product::read(&text.to_string()).unwrap()], HOURS, "it")
    }

    #[test]
    fn the_price_on_demand_is_read_and_reserved_terms_are_not() {
        let mut text = product_json("Compute Instance", "EU-BoxUsage:m5.large", "Hrs", "0.1070000000");
        text["terms"]["Reserved"] = serde_json::json!({ "X": { "priceDimensions": {
            "a": { "unit": "Quantity", "description": "Upfront Fee", "pricePerUnit": { "USD": "562" } },
            "b": { "unit": "Hrs", "pricePerUnit": { "USD": "0.0000000000" } },
        } } });
        assert_eq!(price(&text), Ok(dollars("0.107")));
    }

    #[test]
    fn what_is_no_plain_price_is_none_and_says_why() {
        let good = product_json("Compute Instance", "BoxUsage:m5.large", "Hrs", "0.0960000000");
        let rate = "/terms/OnDemand/S.T/priceDimensions/S.T.R";
        for (pointer, value, expected) in [
            ("/terms", r#"{ "Reserved": {} }"#, "the price list does not sell it on demand"),
            ("/terms/OnDemand", "{}", "the price list does not sell it on demand"),
            (
                &*format!("{rate}/unit"),
                r#""Quantity""#,
                r#"the price list sells it by "Quantity", not by "Hrs""#,
            ),
            (
                &format!("{rate}/pricePerUnit"),
                r#"{ "CNY": "1.2" }"#,
                "the price list has it in CNY only, not in USD",
            ),
            (
                &format!("{rate}/pricePerUnit/USD"),
                r#""0.0000000000""#,
                "the price list says 0.0000000000 for it",
            ),
            (&format!("{rate}/pricePerUnit/USD"), r#""-1""#, "the price list says -1 for it"),
            (
                &format!("{rate}/pricePerUnit/USD"),
                r#""cheap""#,
                r#"the price list says "cheap" for it, which is no price"#,
            ),
        ] {
            let text = with(&good, pointer, value);
            assert_eq!(price(&text).unwrap_err().to_string(), expected, "{pointer}");
        }
        let mut tiers = good;
        let second = tiers.pointer(rate).unwrap().clone();
        tiers["terms"]["OnDemand"]["S.T"]["priceDimensions"]["S.T.Q"] = second;
        assert_eq!(price(&tiers).unwrap_err().to_string(), "the price list has 2 prices by quantity for it");
    }

    #[test]
    fn several_products_have_to_agree() {
        let one = |usd| {
            let text = product_json("Compute Instance", "BoxUsage:m5.large", "Hrs", usd);
            Product::read(&text.to_string()).unwrap()
        };
        let of = |all: &[Product]| one_price(all, HOURS, "it");
        assert_eq!(of(&[one("0.0960000000"), one("0.096")]), Ok(dollars("0.096")));
        assert_eq!(
            of(&[one("0.0960000000"), one("0.1")]).unwrap_err().to_string(),
            "the price list has several for it, such as 0.096 and 0.1"
        );
        assert_eq!(of(&[]).unwrap_err().to_string(), "the price list has none for it");
        // One that cannot be read may be the one that counts.
        assert!(of(&[one("0.096"), one("0")]).is_err());
    }

    #[test]
    fn a_gibps_is_1024_mibps() {
        for (unit, usd) in [("GiBps-mo", "40.9600000000"), ("MiBps-Mo", "0.04"), ("MBPS-Mo", "0.04")] {
            let text = product_json("Provisioned Throughput", "EBS:VolumeP-Throughput.gp3", unit, usd);
            let product = Product::read(&text.to_string()).unwrap();
            assert_eq!(one_price([&product], MIBPS_MONTHS, "it"), Ok(dollars("0.04")), "{unit}");
        }
    }

    #[test]
    fn the_prefix_of_a_region_is_cut_off_and_nothing_else() {
        for (whole, usage) in [
            ("EU-EBS:VolumeUsage.gp3", "EBS:VolumeUsage.gp3"),
            ("APN2-RDS:Multi-AZ-GP3-Storage", "RDS:Multi-AZ-GP3-Storage"),
            ("USE1-PublicIPv4:IdleAddress", "PublicIPv4:IdleAddress"),
            ("Multi-AZUsage:db.m5.large", "Multi-AZUsage:db.m5.large"),
            ("RDS:GP3-Storage", "RDS:GP3-Storage"),
            ("EBS:VolumeP-IOPS.io2.tier2", "EBS:VolumeP-IOPS.io2.tier2"),
        ] {
            let text = product_json("any", whole, "Hrs", "1");
            assert_eq!(Product::read(&text.to_string()).unwrap().usage(), usage);
        }
    }

    #[test]
    fn a_text_of_another_shape_is_refused() {
        for text in ["", "[]", r#"{ "terms": {} }"#, r#"{ "product": { "attributes": { "a": 1 } } }"#] {
            assert!(Product::read(text).is_err(), "{text}");
        }
    }
}
