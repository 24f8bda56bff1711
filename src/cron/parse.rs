//! Which of the three forms it is.

use super::fault::Piece;
use super::{Expression, Fault, at, fields, rate};

const FORMS: &str = "write cron(0 9 ? * MON-FRI *), rate(5 minutes) or at(2026-12-31T23:59:00)";

/// Reads an expression.
pub(super) fn expression(text: &str) -> Result<Expression, Fault> {
    let whole = Piece { text, start: 0 };
    if text.trim() != text {
        let hint = format!("write `{}`", text.trim());
        return Err(whole.fault("there is white space around the expression", hint));
    }
    let Some((form, rest)) = whole.split_once('(') else {
        return Err(whole.fault("this is no schedule expression", without_brackets(text)));
    };
    let Some(inner) = rest.without_end(")") else {
        let end = whole.slice(text.len()..text.len());
        return Err(end.fault("the closing bracket is missing at the end", "end the expression with `)`"));
    };
    match form.text {
        "cron" => fields::parse(inner).map(Expression::Cron),
        "rate" => rate::parse(inner).map(Expression::Rate),
        "at" => at::parse(inner).map(Expression::At),
        found => {
            let lower = found.trim().to_ascii_lowercase();
            let known = ["cron", "rate", "at"].contains(&&*lower);
            let hint = if known { format!("write {lower}(…), in lower case") } else { FORMS.to_owned() };
            Err(form.fault(format!("`{found}` is no form of a schedule expression"), hint))
        }
    }
}

/// Says how six bare fields, or those of a crontab, are written.
fn without_brackets(text: &str) -> String {
    match text.split_whitespace().count() {
        6 => format!("write cron({text})"),
        5 => of_crontab(text).map_or_else(
            || {
                "AWS wants cron(…) with six fields: the day field that does not count is `?`, and the sixth is the year; \
                 days of the week are 1-7, and 1 is Sunday"
                    .to_owned()
            },
            |expression| format!("AWS wants six fields, of which one is `?` and the last the year: write {expression}"),
        ),
        _ => FORMS.to_owned(),
    }
}

/// What five fields of a crontab are for AWS, where one of the two day fields counts at the most: both together mean days that either
/// has, which AWS cannot say.
fn of_crontab(text: &str) -> Option<String> {
    let [minute, hour, day, month, weekday]: [&str; 5] =
        text.split_whitespace().collect::<Vec<_>>().try_into().ok()?;
    let days = match (day, weekday) {
        (day, "*") => format!("{day} {month} ?"),
        ("*", weekday) => format!("? {month} {}", weekdays(weekday)?),
        _ => return None,
    };
    let written = format!("cron({minute} {hour} {days} *)");
    expression(&written).is_ok().then_some(written)
}

/// The days of the week of a crontab, where 0 and 7 are Sunday, by their names.
fn weekdays(field: &str) -> Option<String> {
    const NAMES: [&str; 8] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"];
    let day = |word: &str| match word.parse::<usize>() {
        Ok(number) => NAMES.get(number).map(|&name| name.to_owned()),
        Err(_) => NAMES.iter().find(|name| name.eq_ignore_ascii_case(word)).map(|&name| name.to_owned()),
    };
    let range = |part: &str| part.split('-').map(day).collect::<Option<Vec<_>>>().map(|ends| ends.join("-"));
    field.split(',').map(range).collect::<Option<Vec<_>>>().map(|parts| parts.join(","))
}
