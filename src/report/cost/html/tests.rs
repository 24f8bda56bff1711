//! A cost report as a page.

use sha2::Digest as _;

use super::*;
use crate::report::cost::fixtures::{empty, fleet, hostile, sample};

fn page(report: &CostReport) -> String {
    cost_html(report).unwrap()
}

#[test]
fn the_page_needs_nothing_else() {
    let page = page(&sample());
    for word in ["http:", "https:", "src=", "@import", "url(", "<link", " onclick", " style="] {
        assert!(!page.contains(word), "{word}");
    }
    assert!(page.starts_with("<!doctype html>\n<html lang=\"en\">"));
    assert!(page.contains("<title>Cost report of payments, November 2026</title>"));
    assert!(page.contains("<dd>1 USD = 1,450 KRW (2026-11-20)</dd>"));
    assert!(page.contains("read 2026-11-20 07:00 UTC (3 hours before)"));
}

#[test]
fn the_page_allows_its_own_script_alone() {
    let digest = sha2::Sha256::digest(SCRIPT);
    assert_eq!(SCRIPT_DIGEST, format!("sha256-{}", aws_smithy_types::base64::encode(digest)));
    let page = page(&hostile());
    assert_eq!(page.matches("<script").count(), 1);
    assert!(page.contains(&format!("<script>{SCRIPT}</script>")));
    assert!(page.contains(&format!("script-src '{SCRIPT_DIGEST}'\">")));
}

#[test]
fn figures_are_those_of_the_report() {
    let report = sample();
    let page = page(&report);
    let whole = totals::whole(&report);
    assert!(
        page.contains(&format!("<b>{}</b>", money(whole.so_far.unwrap()))),
        "{}",
        money(whole.so_far.unwrap())
    );
    assert!(page.contains(&format!("<b>{}</b>", money(whole.forecast.unwrap()))));
    // An instance without a price: neither it nor its sum is a zero.
    let row = page.split("<tr>").find(|row| row.contains(">i-00000000000000018<")).unwrap();
    assert_eq!(row.matches("not known").count(), 5, "{row}");
    assert!(row.contains("<td class=\"n\">$ 5.33</td>"), "{row}");
    // One that is stopped costs no hours, and that is known.
    let row = page.split("<tr>").find(|row| row.contains(">i-00000000000000009<")).unwrap();
    assert!(row.contains("<td class=\"n\">$ 0.00</td>") && !row.contains("not known"), "{row}");
}

#[test]
fn every_section_is_there_with_its_count() {
    let report = sample();
    let shown = page(&report);
    for table in tables(&report) {
        let head = format!("<h2>{}</h2><span class=\"soft\">{}</span>", table.title, table.rows.len());
        assert!(shown.contains(&head), "{head}");
    }
    assert_eq!(shown.matches("<svg ").count(), 3);
    assert_eq!(shown.matches("<title ").count(), 3);
    let nothing = page(&empty());
    assert_eq!((nothing.matches("<svg ").count(), nothing.matches(">Nothing.</p>").count()), (1, 8));
    assert!(!nothing.contains("NOT COMPLETE") && shown.contains("NOT COMPLETE: 1 part was not read"));
    // Long tables are closed until somebody asks for them.
    assert!(page(&fleet(51)).contains("<details>\n<summary><h2>EC2 instances</h2>"));
}

#[test]
fn every_value_is_text() {
    let page = page(&hostile());
    assert!(!page.contains("<script>a") && page.contains("&lt;script&gt;alert(1)"));
    assert!(page.contains("한국어 서버") && page.contains("\\n|`x`|"));
    let forbidden = |c: char| (c.is_control() && c != '\n') || matches!(c, '\u{fffe}' | '\u{202e}');
    assert!(!page.contains(forbidden));
}
