//! The value of one cell.

use std::fmt;

use unicode_normalization::UnicodeNormalization;

use crate::manifest::Variables;

/// The errors that spreadsheets show in cells; in text files these words stand for them.
const ERRORS: [&str; 10] =
    ["#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!", "#SPILL!", "#CALC!", "#ERROR!"];

/// What stands for the value of a formula that was never computed.
const UNSAVED: &str = "formula without a saved result";

/// What a cell holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum CellValue {
    /// Nothing, or blanks.
    #[default]
    Empty,
    /// Text without the blanks around it; dates and times are text, as ISO 8601 writes them.
    Text(Box<str>),
    /// A number, also where a text is one.
    Number(f64),
    /// `true` or `false`.
    Bool(bool),
    /// An error of the spreadsheet, such as `#N/A`.
    Error(Box<str>),
}

impl CellValue {
    /// What a text means.
    ///
    /// Spreadsheets that many people edit hold the same number as number and as text, also in full-width digits. So a text
    /// is a number where it is written as that number would be printed; `007` and `1.50` stay text.
    pub fn of_text(text: &str) -> Self {
        let text = trim(text);
        if text.is_empty() {
            return Self::Empty;
        }
        if let Some(number) = number(text) {
            return Self::Number(number);
        }
        if text.is_ascii() {
            return Self::Text(text.into());
        }
        let normal: Option<String> = text.chars().map(half_width).collect();
        match normal {
            None => Self::Text(text.into()),
            Some(normal) => match number(&normal) {
                Some(number) => Self::Number(number),
                None if normal.parse::<f64>().is_ok() => Self::Text(normal.into()),
                None => Self::Text(text.into()),
            },
        }
    }

    /// What a cell of a text file means, where truth values and errors are words.
    pub(super) fn of_text_file(text: &str) -> Self {
        match trim(text) {
            "TRUE" | "True" | "true" => Self::Bool(true),
            "FALSE" | "False" | "false" => Self::Bool(false),
            text => Self::of_sheet_text(text),
        }
    }

    /// What a text of a spreadsheet means, where an error that was pasted as a value is a text.
    pub(super) fn of_sheet_text(text: &str) -> Self {
        error_word(text).map_or_else(|| Self::of_text(text), |error| Self::Error(error.into()))
    }

    /// The value of a formula whose result is not saved. Libraries write such; a spreadsheet program computes them.
    pub(super) fn unsaved() -> Self {
        Self::Error(UNSAVED.into())
    }

    /// What is wrong with a cell that has no value although it is not empty, as a sentence.
    pub fn fault(&self) -> Option<String> {
        match self {
            Self::Error(error) if &**error == UNSAVED => Some(
                "the cell holds a formula whose result is not saved: open the file in the spreadsheet program and \
                 save it"
                    .to_owned(),
            ),
            Self::Error(error) => Some(format!("the cell holds the error {error}")),
            _ => None,
        }
    }

    /// A number of a workbook. Spreadsheets show 15 digits and store 17, so what a person sees as 0.3 may be stored as
    /// 0.30000000000000004.
    pub(super) fn of_number(number: f64) -> Self {
        if !number.is_finite() {
            return Self::Error("#NUM!".into());
        }
        if number.fract() == 0.0 {
            return Self::Number(number);
        }
        Self::Number(format!("{number:.14e}").parse().unwrap_or(number))
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::Empty
    }

    /// The value for templates; `None` for an empty cell, which is undefined there.
    pub(super) fn for_templates(&self) -> Option<minijinja::Value> {
        match self {
            Self::Empty => None,
            Self::Text(text) => Some(minijinja::Value::from(&**text)),
            Self::Number(number) => Some(Variables::number(*number)),
            Self::Bool(flag) => Some((*flag).into()),
            Self::Error(_) => {
                let reason = self.fault().unwrap_or_default();
                Some(minijinja::Error::new(minijinja::ErrorKind::InvalidOperation, reason).into())
            }
        }
    }

    /// The text as ids and names of columns are compared: one form for each character, single blanks, none around.
    pub fn folded(&self) -> String {
        fold(&self.to_string())
    }
}

impl fmt::Display for CellValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => Ok(()),
            Self::Text(text) | Self::Error(text) => f.write_str(text),
            Self::Number(number) => number.fmt(f),
            Self::Bool(flag) => flag.fmt(f),
        }
    }
}

/// The number that a text is, where it is printed like that.
fn number(text: &str) -> Option<f64> {
    /// A whole number of more digits has no `f64` of its own.
    const MOST: usize = 17;
    let begins = text.starts_with(|c: char| c.is_ascii_digit() || c == '-');
    let number: f64 = (begins && text.len() <= MOST).then(|| text.parse().ok())??;
    (number.is_finite() && number.to_string() == text && text != "-0").then_some(number)
}

/// The number that a text is, where it is written in digits, without zeros before them.
pub(super) fn decimal(text: &str) -> Option<f64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let plain = all_digits(whole) && all_digits(fraction) && (whole == "0" || !whole.starts_with('0'));
    if plain { text.parse().ok() } else { None }
}

/// Whether a person takes a text for a number: `1,000`, `90%`, `1.50`, `５０％`.
pub(super) fn is_like_number(text: &str) -> bool {
    let text: String = text.nfkc().filter(|c| *c != ',').collect();
    let text = text.strip_suffix('%').map_or(&*text, str::trim_end);
    decimal(text.strip_prefix('+').unwrap_or(text)).is_some()
}

/// A character of a number; full-width forms are what an input method leaves behind.
fn half_width(c: char) -> Option<char> {
    match c {
        '0'..='9' | '.' | '-' => Some(c),
        '０'..='９' => char::from_u32(u32::from(c) - u32::from('０') + u32::from('0')),
        '．' => Some('.'),
        '－' => Some('-'),
        _ => None,
    }
}

/// The error that a text is: `#N/A`, or `Err:508` as `LibreOffice` has it.
pub(super) fn error_word(text: &str) -> Option<&str> {
    let text = trim(text);
    let numbered =
        || text.strip_prefix("Err:").is_some_and(|code| code.len() == 3 && code.parse::<u16>().is_ok());
    (ERRORS.contains(&text) || numbered()).then_some(text)
}

/// Without blanks around it, nor the invisible characters that come with text copied from web pages.
fn trim(text: &str) -> &str {
    text.trim_matches(blank)
}

fn blank(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}')
}

/// See [`CellValue::folded`].
pub(super) fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
    }
    let normal: String = text.nfkc().collect();
    normal.split(blank).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_are_printed_numbers_are_numbers() {
        for (text, number) in
            [("90", 90.0), (" 90 ", 90.0), ("９０", 90.0), ("0.5", 0.5), ("-3", -3.0), ("　８５\u{a0}", 85.0)]
        {
            assert_eq!(CellValue::of_text(text), CellValue::Number(number), "{text:?}");
        }
        for text in
            ["007", "1.50", "-0", "1e5", "90%", "1,000", "i-0abc", "12345678901234567890", "inf", "+1"]
        {
            assert_eq!(CellValue::of_text(text), CellValue::Text(text.into()), "{text:?}");
        }
        assert_eq!(CellValue::of_text("９０．０"), CellValue::Text("90.0".into()));
        for text in ["①", "²", "５０％"] {
            assert_eq!(CellValue::of_text(text), CellValue::Text(text.into()), "{text:?}");
        }
        assert_eq!(CellValue::of_text("－１．５"), CellValue::Number(-1.5));
        assert_eq!(CellValue::of_text("운영 ①"), CellValue::Text("운영 ①".into()));
        assert_eq!(CellValue::of_text(" \u{200b}\u{3000}"), CellValue::Empty);
    }

    #[test]
    fn texts_that_people_take_for_numbers_are_known() {
        for (text, number) in [("50.0", Some(50.0)), ("-1.50", Some(-1.5)), ("0", Some(0.0))] {
            assert_eq!(decimal(text), number, "{text}");
        }
        for text in ["007", "1.", ".5", "1.2.3", "1e5", "-", "", "90%", "+1"] {
            assert_eq!(decimal(text), None, "{text}");
        }
        assert!(["1,000", "90 %", "+1", "５０％", "1.50"].iter().all(|text| is_like_number(text)));
        assert!(!["007", "2026-11-20", "high", "10.0.0.1", "%"].iter().any(|text| is_like_number(text)));
    }

    #[test]
    fn numbers_print_as_people_write_them() {
        for (number, text) in [(90.0, "90"), (0.1 + 0.2, "0.3"), (85.5, "85.5"), (1e15, "1000000000000000")] {
            assert_eq!(CellValue::of_number(number).to_string(), text);
        }
    }

    #[test]
    fn text_files_spell_truth_and_errors() {
        for (text, flag) in [(" TRUE ", true), ("True", true), ("False", false)] {
            assert_eq!(CellValue::of_text_file(text), CellValue::Bool(flag));
        }
        assert_eq!(CellValue::of_text_file("Err:508"), CellValue::Error("Err:508".into()));
        assert_eq!(CellValue::of_text_file("#N/A"), CellValue::Error("#N/A".into()));
        assert_eq!(CellValue::of_text_file("#1"), CellValue::Text("#1".into()));
    }

    #[test]
    fn names_of_columns_have_one_form() {
        assert_eq!(fold(" CPU\n임계치（％） "), "CPU 임계치(%)");
        assert_eq!(fold("ＩＤ"), "ID");
        assert_eq!(fold("\u{1112}\u{1161}\u{11ab}"), "한");
    }
}
