//! Charts as SVG inside of a page: bars that lie, and lines over months.
//!
//! As wide as a phone is in its own units, so that letters stay readable there. Colours are the page's classes `c0` to `c3`.

use std::fmt::Write as _;

use minijinja::HtmlEscape;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;

use super::words::{dollars, money};
use crate::render::elide_middle;
use crate::report::plain::plain;

const WIDTH: f64 = 460.0;

/// The longest label above a bar, in columns.
const LABEL: usize = 56;

/// A chart's figures: a name and a value for each series. `None` is not known.
pub(super) struct Chart<'a> {
    /// Unique in its page.
    pub(super) id: &'a str,
    pub(super) title: String,
    /// What the values are of; one for each value.
    pub(super) series: &'a [&'a str],
    pub(super) rows: Vec<(String, Vec<Decimal>)>,
}

impl Chart<'_> {
    /// The smallest and the largest value, with zero between or at the end of them, and never the same.
    fn range(&self) -> (f64, f64) {
        let values = self.rows.iter().flat_map(|(_, values)| values).map(|value| number(*value));
        let (low, high) =
            values.fold((0.0f64, 0.0f64), |(low, high), value| (low.min(value), high.max(value)));
        if high - low > 0.0 { (low, high) } else { (0.0, 1.0) }
    }

    /// The beginning of the drawing, with what a screen reader says instead of it.
    fn open(&self, height: f64) -> String {
        let (id, title) = (self.id, escaped(&self.title));
        let words: Vec<String> = self.rows.iter().map(|row| self.row_words(row)).collect();
        format!(
            "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-labelledby=\"{id}-t {id}-d\">\
             <title id=\"{id}-t\">{title}</title><desc id=\"{id}-d\">{}</desc>",
            escaped(&words.join("; "))
        )
    }

    fn row_words(&self, (name, values): &(String, Vec<Decimal>)) -> String {
        let amounts: Vec<String> = match self.series {
            [_] => values.iter().map(|value| money(*value)).collect(),
            series => series
                .iter()
                .zip(values)
                .map(|(series, value)| format!("{series} {}", money(*value)))
                .collect(),
        };
        format!("{name}: {}", amounts.join(", "))
    }

    fn legend(&self, out: &mut String, y: f64) {
        if self.series.len() < 2 {
            return;
        }
        let mut x = 0.0;
        for (index, series) in self.series.iter().enumerate() {
            push(
                out,
                format_args!(
                    "<rect class=\"c{index}\" x=\"{x:.0}\" y=\"{:.0}\" width=\"11\" height=\"11\" rx=\"2\"/>",
                    y - 10.0
                ),
            );
            text(out, (x + 16.0, y), "start", series);
            x += 34.0 + 7.0 * f64::from(u32::try_from(series.chars().count()).unwrap_or(0));
        }
    }
}

/// A bar for each value: the row's name above, the amount behind.
pub(super) fn bars(chart: &Chart<'_>) -> String {
    const BAR: f64 = 14.0;
    let (low, high) = chart.range();
    // The amounts' letters stand in the rest.
    let scale = (WIDTH - 110.0) / (high - low);
    let zero = -low * scale;
    let series = chart.series.len().to_f64().unwrap_or(1.0);
    let each = 18.0 + series * BAR + 10.0;
    let rows = chart.rows.len().to_f64().unwrap_or(0.0);
    let legend = if chart.series.len() > 1 { 22.0 } else { 0.0 };
    let mut out = chart.open((rows * each + legend).max(24.0));
    let mut y = 0.0;
    for (name, values) in &chart.rows {
        text(&mut out, (0.0, y + 13.0), "start", &elide_middle(&plain(name), LABEL));
        y += 18.0;
        for (index, value) in values.iter().enumerate() {
            let length = number(*value) * scale;
            let (from, width) = (zero + length.min(0.0), length.abs());
            push(
                &mut out,
                format_args!(
                    "<rect class=\"c{index}\" x=\"{from:.1}\" y=\"{y:.0}\" width=\"{width:.1}\" height=\"{:.0}\" rx=\"2\"/>",
                    BAR - 2.0
                ),
            );
            let end = zero + length.max(0.0) + 5.0;
            text(&mut out, (end, y + 10.5), "start", &money(*value));
            y += BAR;
        }
        y += 10.0;
    }
    if chart.rows.is_empty() {
        text(&mut out, (0.0, 14.0), "start", "Nothing.");
    }
    chart.legend(&mut out, y + 14.0);
    out.push_str("</svg>");
    out
}

/// A line for each series, the rows from left to right. A single row is a point.
pub(super) fn lines(chart: &Chart<'_>) -> String {
    const LEFT: f64 = 70.0;
    const RIGHT: f64 = WIDTH - 26.0;
    const TOP: f64 = 12.0;
    const BOTTOM: f64 = 212.0;
    let (low, high) = chart.range();
    let step = nice_step((high - low) / 4.0);
    let (low, high) = ((low / step).floor() * step, (high / step).ceil() * step);
    let y = |value: f64| BOTTOM - (value - low) / (high - low) * (BOTTOM - TOP);
    let count = chart.rows.len();
    let x = |index: usize| match count {
        0 | 1 => f64::midpoint(LEFT, RIGHT),
        _ => LEFT + (RIGHT - LEFT) * index.to_f64().unwrap_or(0.0) / (count - 1).to_f64().unwrap_or(1.0),
    };
    let mut out = chart.open(BOTTOM + 48.0);
    for tick in 0..=((high - low) / step).round().to_u32().unwrap_or(0) {
        let value = low + f64::from(tick) * step;
        let at = y(value);
        push(
            &mut out,
            format_args!("<line class=\"grid\" x1=\"{LEFT}\" x2=\"{RIGHT}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>"),
        );
        let amount = Decimal::from_f64_retain(value).unwrap_or_default().round_dp(2).normalize();
        text(&mut out, (LEFT - 6.0, at + 4.0), "end", &dollars(amount));
    }
    let every = count.div_ceil(6).max(1);
    for (index, (name, _)) in chart.rows.iter().enumerate() {
        // Counted from the newest, which always has its name.
        if (count - 1 - index).is_multiple_of(every) {
            text(&mut out, (x(index), BOTTOM + 18.0), "middle", name);
        }
    }
    for series in 0..chart.series.len() {
        let points: Vec<(f64, f64)> = chart
            .rows
            .iter()
            .enumerate()
            .map(|(index, (_, values))| (x(index), y(number(values[series]))))
            .collect();
        let path: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        push(&mut out, format_args!("<polyline class=\"l{series}\" points=\"{}\"/>", path.join(" ")));
        for (x, y) in points {
            push(&mut out, format_args!("<circle class=\"c{series}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\"/>"));
        }
    }
    chart.legend(&mut out, BOTTOM + 42.0);
    out.push_str("</svg>");
    out
}

/// 1, 2 or 5 times a power of ten, not below `least`.
fn nice_step(least: f64) -> f64 {
    let power = 10f64.powf(least.log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|times| times * power)
        .find(|step| *step >= least)
        .unwrap_or(power * 10.0)
}

fn number(value: Decimal) -> f64 {
    value.to_f64().unwrap_or(0.0)
}

fn text(out: &mut String, (x, y): (f64, f64), anchor: &str, text: &str) {
    push(
        out,
        format_args!("<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{}</text>", escaped(text)),
    );
}

fn escaped(text: &str) -> String {
    HtmlEscape(&plain(text)).to_string()
}

fn push(out: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = out.write_fmt(arguments);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(rows: &[(&str, &[i64])], series: &'static [&'static str]) -> Chart<'static> {
        let rows = rows.iter().map(|(name, values)| {
            ((*name).to_owned(), values.iter().map(|cents| Decimal::new(*cents, 2)).collect())
        });
        Chart { id: "x", title: "T".to_owned(), series, rows: rows.collect() }
    }

    /// What stands behind a name of an attribute, in order.
    fn attribute(svg: &str, element: &str, name: &str) -> Vec<f64> {
        let elements = svg.split('<').filter(|part| part.starts_with(element));
        let value = |part: &str| part.split(&format!(" {name}=\"")).nth(1)?.split('"').next()?.parse().ok();
        elements.filter_map(value).collect()
    }

    #[test]
    fn bars_are_as_long_as_their_amounts() {
        let svg = bars(&chart(&[("a", &[20_000]), ("b", &[5_000]), ("none", &[0])], &["x"]));
        assert_eq!(attribute(&svg, "rect", "width"), [350.0, 87.5, 0.0]);
        assert_eq!(attribute(&svg, "rect", "x"), [0.0; 3]);
        assert!(svg.contains(">$ 200.00</text>") && svg.contains(">$ 0.00</text>"), "{svg}");
        assert!(svg.contains("<desc id=\"x-d\">a: $ 200.00; b: $ 50.00; none: $ 0.00</desc>"), "{svg}");
    }

    #[test]
    fn amounts_below_zero_go_to_the_left() {
        let svg = bars(&chart(&[("a", &[30_000]), ("credit", &[-5_000])], &["x"]));
        assert_eq!(attribute(&svg, "rect", "x"), [50.0, 0.0]);
        assert_eq!(attribute(&svg, "rect", "width"), [300.0, 50.0]);
        assert!(svg.contains(">-$ 50.00</text>"), "{svg}");
    }

    #[test]
    fn charts_of_nothing_and_of_zeros_are_drawings() {
        for svg in [
            bars(&chart(&[], &["x"])),
            bars(&chart(&[("a", &[0, 0])], &["x", "y"])),
            lines(&chart(&[], &["x"])),
            lines(&chart(&[("2026-11", &[0, 0])], &["x", "y"])),
        ] {
            assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>"), "{svg}");
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        }
    }

    #[test]
    fn lines_go_through_their_points() {
        let svg = lines(&chart(&[("2026-10", &[10_000]), ("2026-11", &[-5_000])], &["x"]));
        // From -50 to 100 in steps of 50: 212 is the lowest, 12 the highest.
        assert!(svg.contains("points=\"70.0,12.0 434.0,212.0\""), "{svg}");
        assert_eq!(attribute(&svg, "line", "y1"), [212.0, 145.3, 78.7, 12.0]);
        let one = lines(&chart(&[("2026-11", &[100])], &["x"]));
        assert_eq!(
            (attribute(&one, "circle", "cx"), attribute(&one, "circle", "cy")),
            (vec![252.0], vec![12.0])
        );
    }

    #[test]
    fn three_years_have_names_that_do_not_touch() {
        let names: Vec<String> = (0..36).map(|month| format!("m{month}")).collect();
        let rows: Vec<(&str, &[i64])> = names.iter().map(|name| (&**name, &[100i64][..])).collect();
        let svg = lines(&chart(&rows, &["x"]));
        let shown = svg.matches("\"middle\">").count();
        assert_eq!(shown, 6);
        assert!(svg.contains(">m35</text>"));
    }

    #[test]
    fn names_are_text() {
        let svg = bars(&chart(&[("<script>\"'&\u{1b}", &[1])], &["x"]));
        assert!(!svg.contains("<script") && svg.contains("&lt;script&gt;&quot;&#x27;&amp;\\u{1b}"), "{svg}");
    }
}
