//! Products in the shape of AWS's price list.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::product::Product;

pub(super) fn dollars(text: &str) -> Decimal {
    text.parse().expect("a number")
}

/// A product of eu-west-1 with one price on demand, as `GetProducts` answers it.
pub(super) fn product_json(family: &str, usage: &str, unit: &str, usd: &str) -> Value {
    json!({
        "product": {
            "productFamily": family,
            "attributes": { "locationType": "AWS Region", "regionCode": "eu-west-1", "usagetype": usage },
            "sku": "S",
        },
        "serviceCode": "AmazonEC2",
        "terms": { "OnDemand": { "S.T": {
            "priceDimensions": { "S.T.R": {
                "unit": unit, "endRange": "Inf", "description": "", "appliesTo": [], "rateCode": "S.T.R",
                "beginRange": "0", "pricePerUnit": { "USD": usd },
            } },
            "sku": "S", "effectiveDate": "2026-11-01T00:00:00Z", "offerTermCode": "T", "termAttributes": {},
        } } },
        "version": "20261118210411",
        "publicationDate": "2026-11-18T21:04:11Z",
    })
}

/// The same with another value somewhere.
pub(super) fn with(text: &Value, pointer: &str, value: &str) -> Value {
    let mut text = text.clone();
    *text.pointer_mut(pointer).expect("it is there") = serde_json::from_str(value).expect("JSON");
    text
}

/// A product with attributes besides.
pub(super) fn product(
    family: &str,
    usage: &str,
    price: (&str, &str),
    attributes: &[(&str, &str)],
) -> Product {
    let mut text = product_json(family, usage, price.0, price.1);
    for (name, value) in attributes {
        text["product"]["attributes"][name] = json!(value);
    }
    Product::read(&text.to_string()).expect("a product")
}
