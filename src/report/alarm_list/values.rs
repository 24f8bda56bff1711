//! What a template makes of a column's cells: words of people become those of AWS.

use std::collections::{BTreeMap, BTreeSet};

use unicode_normalization::UnicodeNormalization;

use crate::manifest::{CellValue, parse_seconds};
use crate::resources::metric_alarm::{Comparison, Statistic, TreatMissingData};

/// More different words than that are no vocabulary.
const MOST_WORDS: usize = 60;

/// The cells of one column below the header, blank ones of rows that count included.
pub(super) struct Cells<'a> {
    /// The column's name in templates: `row.threshold`.
    pub(super) variable: String,
    pub(super) cells: Vec<&'a CellValue>,
}

impl Cells<'_> {
    pub(super) fn blank(&self) -> bool {
        self.cells.iter().any(|cell| cell.is_empty())
    }

    /// The different texts, as templates see them.
    pub(super) fn texts(&self) -> BTreeSet<String> {
        self.cells.iter().filter(|cell| !cell.is_empty()).map(ToString::to_string).collect()
    }

    pub(super) fn numbers(&self) -> Vec<f64> {
        let numbers = self.cells.iter().filter_map(|cell| match cell {
            CellValue::Number(number) => Some(*number),
            _ => None,
        });
        numbers.collect()
    }

    /// Whether every cell that is not blank is a number.
    fn numeric(&self) -> bool {
        self.cells.iter().all(|cell| matches!(cell, CellValue::Number(_) | CellValue::Empty))
    }

    /// The column, or what stands for its blank cells.
    fn or(&self, default: &str) -> String {
        if self.blank() { format!("{} | default({default})", self.variable) } else { self.variable.clone() }
    }

    /// The template that takes a cell as it is.
    pub(super) fn plain(&self, default: &str) -> String {
        format!("{{{{ {} }}}}", self.or(default))
    }

    /// The template that takes cells as they are, except for the words that mean something else to AWS. Words that `known`
    /// does not know either stay as they are: opsform names their cells.
    fn translated(
        &self,
        default: &str,
        fits: impl Fn(&str) -> bool,
        known: impl Fn(&str) -> Option<String>,
    ) -> String {
        let texts = self.texts();
        let words: BTreeMap<&String, String> = texts
            .iter()
            .filter(|text| !fits(text))
            .filter_map(|text| Some((text, known(&simple(text))?)))
            .take(MOST_WORDS)
            .collect();
        if words.is_empty() {
            return self.plain(default);
        }
        let pairs = words.iter().map(|(word, meaning)| format!("{}: {}", quoted(word), quoted(meaning)));
        let cell = self.or(default);
        let pairs = pairs.collect::<Vec<_>>().join(", ");
        format!("{{{{ {{{pairs}}}[{cell}] | default({cell}) }}}}")
    }

    pub(super) fn comparison(&self) -> String {
        self.translated("'>'", |text| Comparison::parse(text).is_some(), comparison)
    }

    pub(super) fn statistic(&self) -> String {
        self.translated("'Average'", |text| Statistic::PLAIN.contains(&text), statistic)
    }

    pub(super) fn treat_missing_data(&self) -> String {
        self.translated("'missing'", |text| TreatMissingData::parse(text).is_some(), missing_data)
    }

    pub(super) fn actions_enabled(&self) -> String {
        self.translated("true", |text| ["true", "false"].contains(&text), truth)
    }

    pub(super) fn threshold(&self) -> String {
        self.translated("0", |text| text.parse::<f64>().is_ok(), |text| number(text).map(|n| n.to_string()))
    }

    /// Whole numbers; `3 of 5` and `3/5` are M of N, of which `part` takes the one or the other.
    pub(super) fn count(&self, part: Part) -> String {
        self.translated(
            "1",
            |text| text.parse::<u32>().is_ok(),
            |text| {
                let (m, n) = m_of_n(text)?;
                Some(if part == Part::M { m } else { n }.to_string())
            },
        )
    }

    /// Whether a cell says M of N.
    pub(super) fn has_m_of_n(&self) -> bool {
        self.texts().iter().any(|text| m_of_n(&simple(text)).is_some())
    }

    /// Whether a cell says how it is to be compared: `90% 이상`.
    pub(super) fn has_comparison(&self) -> bool {
        self.texts().iter().any(|text| comparison_within(&simple(text)).is_some())
    }

    /// The comparisons within the texts of thresholds.
    pub(super) fn comparison_within(&self) -> String {
        let texts = self.texts();
        let pairs = texts.iter().filter_map(|text| Some((text, comparison_within(&simple(text))?)));
        let pairs = pairs.map(|(text, sign)| format!("{}: {}", quoted(text), quoted(sign)));
        let pairs = pairs.collect::<Vec<_>>().join(", ");
        format!("{{{{ {{{pairs}}}[{}] | default('>') }}}}", self.or("''"))
    }

    /// Periods; plain numbers are of the unit that the header says, else seconds, or minutes where they cannot be that.
    pub(super) fn period(&self, header: &str) -> String {
        let unit = unit_of(&simple(header)).unwrap_or_else(|| {
            let seconds = |number: &f64| [10.0, 20.0, 30.0].contains(number) || *number % 60.0 == 0.0;
            if self.numbers().iter().all(seconds) { 's' } else { 'm' }
        });
        if self.numeric() {
            return match (unit, self.blank()) {
                (unit, false) => format!("{{{{ {} }}}}{unit}", self.variable),
                ('m', true) => format!("{{{{ {} | default(5) }}}}m", self.variable),
                ('h', true) => format!("{{{{ {} | default(1) }}}}h", self.variable),
                (_, true) => format!("{{{{ {} | default(300) }}}}s", self.variable),
            };
        }
        self.translated(
            "'5m'",
            |text| parse_seconds(text).is_some() && (unit == 's' || text.parse::<f64>().is_err()),
            |text| {
                let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
                let rest = &text[digits.len()..];
                let unit = if rest.is_empty() { unit } else { unit_of(rest)? };
                (!digits.is_empty()).then(|| format!("{digits}{unit}"))
            },
        )
    }

    /// Actions: ARNs as they are, names of topics as ARNs of this account and region. `None` where they are neither.
    pub(super) fn actions(&self) -> Option<String> {
        let texts = self.texts();
        let words: Vec<&str> = texts.iter().flat_map(|text| text.split([',', ';', '\n', ' '])).collect();
        let mut words = words.into_iter().map(str::trim).filter(|word| !word.is_empty());
        let topic = |word: &str| {
            word.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
                && word.len() <= 256
        };
        if words.clone().all(|word| word.starts_with("arn:")) {
            return Some(self.plain("''"));
        }
        words.all(topic).then(|| {
            let list = format!(
                "{} | replace(';', ',') | replace('\\n', ',') | replace(' ', ',') | split(',')",
                self.or("''")
            );
            format!(
                "{{% for topic in {list} if topic %}}arn:aws:sns:{{{{ region }}}}:{{{{ account }}}}:{{{{ topic }}}} \
                 {{% endfor %}}"
            )
        })
    }
}

/// Which number of "M of N".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    M,
    N,
}

/// A text of a template.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'").replace('\n', "\\n"))
}

/// One form for what people write differently: width, case, blanks.
fn simple(text: &str) -> String {
    text.nfkc().collect::<String>().to_lowercase().chars().filter(|c| !c.is_whitespace()).collect()
}

fn comparison(word: &str) -> Option<String> {
    let known = comparison_word(word).or_else(|| {
        let aws = Comparison::ALL.into_iter().find(|(_, _, aws)| aws.to_lowercase() == word)?;
        Some(aws.1)
    });
    known.map(str::to_owned)
}

/// Words for comparisons. Those for "or equal" come first, because they contain the others.
const COMPARISONS: [(&str, &[&str]); 4] = [
    (">=", &[">=", "=>", "≥", "≧", "gte", "ge", "atleast", "greaterorequal", "이상", "크거나같음", "以上"]),
    ("<=", &["<=", "=<", "≤", "≦", "lte", "le", "atmost", "lessorequal", "이하", "작거나같음", "以下"]),
    (
        ">",
        &[
            ">",
            "gt",
            "greaterthan",
            "greater",
            "above",
            "over",
            "초과",
            "보다큼",
            "크다",
            "より大きい",
            "超過",
            "超",
        ],
    ),
    (
        "<",
        &["<", "lt", "lessthan", "less", "below", "under", "미만", "보다작음", "작다", "より小さい", "未満"],
    ),
];

fn comparison_word(word: &str) -> Option<&'static str> {
    COMPARISONS.into_iter().find(|(_, words)| words.contains(&word)).map(|(sign, _)| sign)
}

/// The comparison in a text with a number: `90%이상`, `>=90`.
fn comparison_within(text: &str) -> Option<&'static str> {
    let word: String =
        text.chars().filter(|c| !c.is_ascii_digit() && !matches!(c, '.' | ',' | '%' | '-')).collect();
    (word.len() < text.len()).then(|| comparison_word(&word)).flatten()
}

/// The number in a text with a percent sign, separators of thousands, or a comparison.
fn number(text: &str) -> Option<f64> {
    let without = match comparison_within(text) {
        Some(_) => text.chars().filter(|c| c.is_ascii_digit() || matches!(c, '.' | '-' | ',')).collect(),
        None => text.strip_suffix('%').unwrap_or(text).to_owned(),
    };
    without.replace(',', "").parse().ok()
}

fn statistic(word: &str) -> Option<String> {
    let plain = match word {
        "average" | "avg" | "mean" | "평균" | "평균값" | "平均" | "平均値" => "Average",
        "maximum" | "max" | "최대" | "최대값" | "최댓값" | "最大" | "最大値" => "Maximum",
        "minimum" | "min" | "최소" | "최소값" | "최솟값" | "最小" | "最小値" => "Minimum",
        "sum" | "total" | "합계" | "합" | "合計" => "Sum",
        "samplecount" | "count" | "샘플수" | "개수" | "サンプル数" => "SampleCount",
        _ => {
            let percentile = word.strip_prefix('p').is_some_and(|rest| rest.parse::<f64>().is_ok());
            return percentile.then(|| word.to_owned());
        }
    };
    Some(plain.to_owned())
}

fn missing_data(word: &str) -> Option<String> {
    // "notBreaching" contains "breaching": the order counts.
    const WORDS: [(&str, &[&str]); 4] = [
        ("notBreaching", &["notbreaching", "good", "ok", "정상", "양호", "良好", "正常"]),
        ("breaching", &["breaching", "bad", "위반", "비정상", "불량", "不良", "違反", "異常"]),
        ("ignore", &["ignore", "무시", "유지", "無視", "維持"]),
        ("missing", &["missing", "누락", "결측", "欠落", "欠損"]),
    ];
    let exact = WORDS.into_iter().find(|(_, words)| words.contains(&word));
    exact.map(|(meaning, _)| meaning.to_owned())
}

fn truth(word: &str) -> Option<String> {
    const YES: [&str; 18] = [
        "true",
        "y",
        "yes",
        "on",
        "o",
        "1",
        "enabled",
        "enable",
        "예",
        "사용",
        "활성",
        "활성화",
        "있음",
        "はい",
        "有効",
        "○",
        "◯",
        "〇",
    ];
    const NO: [&str; 16] = [
        "false",
        "n",
        "no",
        "off",
        "x",
        "0",
        "disabled",
        "disable",
        "아니오",
        "아니요",
        "미사용",
        "비활성",
        "비활성화",
        "いいえ",
        "無効",
        "×",
    ];
    match (YES.contains(&word), NO.contains(&word)) {
        (true, _) => Some("true".to_owned()),
        (_, true) => Some("false".to_owned()),
        _ => None,
    }
}

/// The unit of time that a text ends with or holds in brackets.
fn unit_of(text: &str) -> Option<char> {
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if has(&["초", "sec", "秒"]) || text == "s" {
        return Some('s');
    }
    if has(&["분", "min", "分"]) || text == "m" {
        return Some('m');
    }
    (has(&["시간", "hour", "時間"]) || text == "h").then_some('h')
}

/// `3/5`, `3of5`, `3outof5`.
fn m_of_n(text: &str) -> Option<(u32, u32)> {
    let (m, n) = ["/", "outof", "of"].iter().find_map(|between| text.split_once(between))?;
    let (m, n) = (m.parse().ok()?, n.parse().ok()?);
    (0 < m && m <= n).then_some((m, n))
}

#[cfg(test)]
#[allow(clippy::redundant_closure_for_method_calls)] // A method of `Cells<'_>` is not general enough.
mod tests {
    use super::*;

    fn template(texts: &[&str], make: impl Fn(&Cells<'_>) -> String) -> String {
        let values: Vec<CellValue> = texts.iter().map(|text| CellValue::of_text(text)).collect();
        make(&Cells { variable: "row.c".to_owned(), cells: values.iter().collect() })
    }

    #[test]
    fn words_of_people_become_those_of_aws() {
        assert_eq!(template(&[">", ">="], |cells| cells.comparison()), "{{ row.c }}");
        assert_eq!(
            template(&["이상", "초과", ">", "", "etwa"], |cells| cells.comparison()),
            "{{ {'이상': '>=', '초과': '>'}[row.c | default('>')] | default(row.c | default('>')) }}"
        );
        assert_eq!(template(&["Average"], |cells| cells.statistic()), "{{ row.c }}");
        assert_eq!(
            template(&["최대", "P99"], |cells| cells.statistic()),
            "{{ {'P99': 'p99', '최대': 'Maximum'}[row.c] | default(row.c) }}"
        );
        assert_eq!(
            template(&["NotBreaching", "bad"], |cells| cells.treat_missing_data()),
            "{{ {'NotBreaching': 'notBreaching', 'bad': 'breaching'}[row.c] | default(row.c) }}"
        );
        assert_eq!(
            template(&["O", "X"], |cells| cells.actions_enabled()),
            "{{ {'O': 'true', 'X': 'false'}[row.c] | default(row.c) }}"
        );
    }

    #[test]
    fn numbers_are_found_in_texts() {
        assert_eq!(template(&["80", "90.5"], |cells| cells.threshold()), "{{ row.c }}");
        assert_eq!(
            template(&["90% 이상", "1,000", ">= 5"], |cells| cells.threshold()),
            "{{ {'1,000': '1000', '90% 이상': '90', '>= 5': '5'}[row.c] | default(row.c) }}"
        );
        assert_eq!(
            template(&["90% 이상", "5 미만"], |cells| cells.comparison_within()),
            "{{ {'5 미만': '<', '90% 이상': '>='}[row.c] | default('>') }}"
        );
        assert_eq!(
            template(&["3/5", "2"], |cells| cells.count(Part::M)),
            "{{ {'3/5': '3'}[row.c] | default(row.c) }}"
        );
    }

    #[test]
    fn periods_have_the_unit_that_is_meant() {
        let period = |texts: &[&str], header: &str| template(texts, |cells| cells.period(header));
        assert_eq!(period(&["300", "60"], "Period"), "{{ row.c }}s");
        assert_eq!(period(&["5", "1"], "Period"), "{{ row.c }}m");
        assert_eq!(period(&["5", ""], "기간(분)"), "{{ row.c | default(5) }}m");
        assert_eq!(period(&["5m", "1h"], "Period"), "{{ row.c }}");
        assert_eq!(
            period(&["5분", "1시간", "60"], "기간"),
            "{{ {'1시간': '1h', '5분': '5m'}[row.c] | default(row.c) }}"
        );
    }

    #[test]
    fn actions_are_arns_or_topics() {
        let actions = |texts: &[&str]| template(texts, |cells| cells.actions().unwrap_or_default());
        assert_eq!(
            actions(&["arn:aws:sns:us-east-1:1:a, arn:aws:sns:us-east-1:1:b", ""]),
            "{{ row.c | default('') }}"
        );
        assert!(actions(&["ops", "ops,dev"]).contains("arn:aws:sns:{{ region }}:{{ account }}:{{ topic }}"));
        assert_eq!(actions(&["ops@acme.com"]), "");
    }
}
