//! An expression in words.

use super::days::Days;
use super::numbers::{DAY_OF_MONTH, DAY_OF_WEEK, HOUR, MINUTE, MONTH, Numbers, YEAR};
use super::{Fields, Rate};

/// More times of day than this are told as hours and minutes apart.
const MOST_TIMES: usize = 6;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const WEEKDAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const NUMBERS: [&str; 5] = ["first", "second", "third", "fourth", "fifth"];

/// `every 5 minutes`
pub(super) fn rate(rate: Rate) -> String {
    let word = rate.unit.word();
    if rate.value == 1 { format!("every {word}") } else { format!("every {} {word}s", rate.value) }
}

/// `at 09:00 from Monday to Friday`
pub(super) fn cron(fields: &Fields) -> String {
    let (times, rhythm) = times(fields);
    let every_day = fields.days == Days::Every && MONTH.is_full(fields.months);
    let days = if every_day && rhythm { String::new() } else { days(fields) };
    let comma = if rhythm && !days.is_empty() { "," } else { "" };
    let space = if days.is_empty() { "" } else { " " };
    format!("{times}{comma}{space}{days}{}", years(fields.years))
}

/// The times of day, and whether they are a rhythm (`every 5 minutes`), which needs no "every day".
fn times(fields: &Fields) -> (String, bool) {
    let (minutes, hours) = (MINUTE.all(fields.minutes), HOUR.all(fields.hours));
    let rhythm = rhythm(&minutes);
    if hours.len() == 24 {
        let every_hour = || format!("at {} of every hour", of_minutes(&minutes));
        return (rhythm.unwrap_or_else(every_hour), true);
    }
    if minutes.len() * hours.len() <= MOST_TIMES {
        let times = hours.iter().flat_map(|hour| minutes.iter().map(|minute| clock(*hour, *minute)));
        return (format!("at {}", list(&times.collect::<Vec<_>>())), false);
    }
    let (first, last) = (minutes[0], minutes[minutes.len() - 1]);
    match rhythm.or_else(|| (minutes == [0]).then(|| "every hour".to_owned())) {
        Some(rhythm) if runs(&hours).len() <= 3 => {
            let runs = runs(&hours).into_iter().map(|(from, to)| match (from == to, first == last) {
                (true, true) => format!("at {}", clock(from, first)),
                _ => format!("from {} to {}", clock(from, first), clock(to, last)),
            });
            (format!("{rhythm} {}", list(&runs.collect::<Vec<_>>())), true)
        }
        _ => {
            let hours: Vec<String> = hours.iter().map(|hour| format!("{hour:02}")).collect();
            (format!("at {} of the hours {}", of_minutes(&minutes), list(&hours)), true)
        }
    }
}

/// `every 5 minutes`, where the minutes go on evenly into the next hour from its beginning.
fn rhythm(minutes: &[u16]) -> Option<String> {
    let count = u16::try_from(minutes.len()).ok().filter(|count| *count > 1 && 60 % count == 0)?;
    let step = 60 / count;
    let even = minutes.iter().zip(0..).all(|(minute, index)| *minute == index * step);
    even.then(|| if step == 1 { "every minute".to_owned() } else { format!("every {step} minutes") })
}

fn of_minutes(minutes: &[u16]) -> String {
    let word = if minutes.len() == 1 { "minute" } else { "the minutes" };
    format!("{word} {}", list(&numbers(minutes)))
}

fn clock(hour: u16, minute: u16) -> String {
    format!("{hour:02}:{minute:02}")
}

/// The days, with their months.
fn days(fields: &Fields) -> String {
    let months = &MONTH.all(fields.months);
    let (of, within) = match runs(months)[..] {
        _ if months.len() == 12 => ("of every month".to_owned(), String::new()),
        [(from, to)] if to > from + 1 => {
            let range = format!("from {} to {}", month(from), month(to));
            (format!("of every month {range}"), format!(", {range}"))
        }
        _ => {
            let names = list(&months.iter().map(|number| month(*number).to_owned()).collect::<Vec<_>>());
            (format!("of {names}"), format!(" in {names}"))
        }
    };
    let weekday = |day: u16| WEEKDAYS[usize::from(day - 1)];
    match fields.days {
        Days::Every => format!("every day{within}"),
        Days::OfMonth(days) => format!("{} {of}", of_month(&DAY_OF_MONTH.all(days))),
        Days::Last => format!("on the last day {of}"),
        Days::LastWorking => format!("on the last weekday {of}"),
        Days::NearestWorking(day) => {
            format!("on the weekday nearest to the {} {of}", ordinal(day))
        }
        Days::OfWeek(days) => format!("{}{within}", of_week(&DAY_OF_WEEK.all(days))),
        Days::LastOfWeek(day) => format!("on the last {} {of}", weekday(day)),
        Days::NthOfWeek(day, number) => {
            format!("on the {} {} {of}", NUMBERS[usize::from(number - 1)], weekday(day))
        }
    }
}

fn of_month(days: &[u16]) -> String {
    match runs(days)[..] {
        [(from, to)] if to > from + 1 => format!("from the {} to the {}", ordinal(from), ordinal(to)),
        _ => format!("on the {}", list(&days.iter().map(|day| ordinal(*day)).collect::<Vec<_>>())),
    }
}

/// Weeks go round: `FRI-MON` is one run. Lists begin with Monday.
fn of_week(days: &[u16]) -> String {
    let name = |day: u16| WEEKDAYS[usize::from((day - 1) % 7)].to_owned();
    let missing: Vec<u16> = (1..=7).filter(|day| !days.contains(day)).collect();
    match (&runs(days)[..], &runs(&missing)[..]) {
        ([(from, to)], _) if days.len() > 2 => format!("from {} to {}", name(*from), name(*to)),
        (_, [(from, to)]) if days.len() > 2 => format!("from {} to {}", name(to + 1), name(from - 1)),
        _ => {
            let mut days = days.to_vec();
            days.sort_by_key(|day| (day + 5) % 7);
            format!("every {}", list(&days.into_iter().map(name).collect::<Vec<_>>()))
        }
    }
}

fn month(number: u16) -> &'static str {
    MONTHS[usize::from(number - 1)]
}

fn years(years: Numbers) -> String {
    let all = YEAR.all(years);
    match runs(&all)[..] {
        _ if YEAR.is_full(years) => String::new(),
        [(from, to)] if to == YEAR.max && to > from => format!(", from {from} on"),
        [(from, to)] if to > from => format!(", from {from} to {to}"),
        _ if all.len() > MOST_TIMES => {
            format!(", in {} years from {} to {}", all.len(), all[0], all[all.len() - 1])
        }
        _ => format!(", in {}", list(&numbers(&all))),
    }
}

/// Numbers without a gap, from the first to the last.
pub(super) fn runs(numbers: &[u16]) -> Vec<(u16, u16)> {
    let mut runs: Vec<(u16, u16)> = Vec::new();
    for number in numbers {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == *number => *last = *number,
            _ => runs.push((*number, *number)),
        }
    }
    runs
}

fn numbers(numbers: &[u16]) -> Vec<String> {
    numbers.iter().map(u16::to_string).collect()
}

fn ordinal(number: u16) -> String {
    let end = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{number}{end}")
}

/// `a, b and c`
fn list(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [word] => word.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
