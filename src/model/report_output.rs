//! Where a report goes: a file or an object whose name may hold the day.

use jiff::civil::Date;

use super::s3_name::{LONGEST_KEY, is_bucket};

/// What the data of a report are written as, for programs and for the next report.
const COMPANION: &str = "json";

/// Where a report goes, such as `costs.xlsx` or `s3://acme-reports/ec2/costs_{{ date }}.xlsx`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportOutput {
    bucket: Option<String>,
    name: NameTemplate,
}

/// A path or key with `{{ date }}` or `{{ month }}` in any number of places.
#[derive(Clone, Debug, PartialEq, Eq)]
struct NameTemplate {
    /// What stands before, between and after them.
    parts: Vec<String>,
    /// One less than parts.
    times: Vec<Time>,
}

/// What changes from report to report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Time {
    /// `2026-11-20`
    Day,
    /// `2026-11`
    Month,
}

impl Time {
    fn on(self, day: Date) -> String {
        match self {
            Self::Day => day.to_string(),
            Self::Month => day.strftime("%Y-%m").to_string(),
        }
    }

    /// The day that a text begins with; of a month the first.
    fn read(self, text: &str) -> Option<Date> {
        match self {
            Self::Day => text.get(..10)?.parse().ok(),
            Self::Month => format!("{}-01", text.get(..7)?).parse().ok(),
        }
    }
}

impl ReportOutput {
    /// Reads what a person wrote. What begins with `s3://` is an object, all else a path.
    ///
    /// # Errors
    /// What is wrong, and what is allowed, without the place that only the caller knows.
    pub fn parse(text: &str) -> Result<Self, String> {
        let Some(rest) = text.strip_prefix("s3://") else {
            if let Some(scheme) = scheme(text) {
                return Err(format!(
                    "\"{text}\": a report goes to a file or to s3://BUCKET/KEY, not to {scheme}://"
                ));
            }
            if text.trim().is_empty() {
                return Err("a report's output is empty: name a file, or s3://BUCKET/KEY".to_owned());
            }
            let name = NameTemplate::parse(text)?;
            if name.file_name().is_empty() {
                return Err(format!("\"{text}\" is a folder: name a file in it, such as {text}costs.xlsx"));
            }
            return Ok(Self { bucket: None, name });
        };
        let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.contains("{{") {
            return Err(format!("\"{text}\": {{{{ date }}}} may stand in the key, not in the bucket"));
        }
        if !is_bucket(bucket) {
            return Err(format!(
                "\"{bucket}\" in \"{text}\" is not a bucket's name: names look like acme-reports"
            ));
        }
        let name = NameTemplate::parse(key)?;
        if key.starts_with('/') || name.file_name().is_empty() {
            let why = "keys look like ec2/costs_{{ date }}.xlsx, without a slash at the beginning or the end";
            return Err(format!("\"{key}\" in \"{text}\" is not an object's key: {why}"));
        }
        let output = Self { bucket: Some(bucket.to_owned()), name };
        let length = output.companion(Date::ZERO).len().max(output.name(Date::ZERO).len());
        if length > LONGEST_KEY {
            return Err(format!("the key in \"{text}\" has {length} bytes; S3 allows {LONGEST_KEY}"));
        }
        Ok(output)
    }

    /// The bucket; `None` for a file.
    pub fn bucket(&self) -> Option<&str> {
        self.bucket.as_deref()
    }

    /// The path, or the key in the bucket, of the report of a day.
    pub fn name(&self, day: Date) -> String {
        self.name.on(day)
    }

    /// What people call the report of a day: the path, or `s3://bucket/key`.
    pub fn place(&self, day: Date) -> String {
        self.place_of(&self.name(day))
    }

    /// What people call one of its objects or files.
    pub fn place_of(&self, name: &str) -> String {
        match &self.bucket {
            Some(bucket) => format!("s3://{bucket}/{name}"),
            None => name.to_owned(),
        }
    }

    /// What the name ends with, in small letters: `xlsx`.
    pub fn extension(&self) -> Option<String> {
        let (stem, extension) = self.name.file_name().rsplit_once('.')?;
        let whole = !stem.is_empty() || self.name.parts.len() > 1;
        whole.then(|| extension.to_ascii_lowercase())
    }

    /// The path or key of the report's data, beside it: the same name with `.json` in place of its ending. For a report
    /// that is JSON this is itself.
    pub fn companion(&self, day: Date) -> String {
        self.companions().on(day)
    }

    /// The day of an earlier report's data with this path or key; `None` for what is no such name.
    pub fn day_of_companion(&self, name: &str) -> Option<Date> {
        self.companions().day_of(name)
    }

    /// Of these paths or keys the companions that the report of a day is to read: the newest so many, without its own. A
    /// day that is still to come is a report like any other.
    pub fn earlier_companions(
        &self,
        names: impl IntoIterator<Item = String>,
        day: Date,
        most: usize,
    ) -> Vec<String> {
        let own = self.companion(day);
        let mut found: Vec<(Date, String)> = names
            .into_iter()
            .filter(|name| *name != own)
            .filter_map(|name| Some((self.day_of_companion(&name)?, name)))
            .collect();
        found.sort_by(|one, other| other.cmp(one));
        found.dedup();
        found.into_iter().take(most).map(|(_, name)| name).collect()
    }

    /// What all companions' names begin with. All of the name where it holds no day: there is one.
    pub fn prefix(&self) -> String {
        self.companions().parts.swap_remove(0)
    }

    /// Whether every day has a report of its own.
    pub fn has_day(&self) -> bool {
        self.name.parts.len() > 1
    }

    fn companions(&self) -> NameTemplate {
        let mut name = self.name.clone();
        if let (Some(extension), Some(last)) = (self.extension(), name.parts.last_mut()) {
            last.truncate(last.len() - extension.len());
            last.push_str(COMPANION);
        } else if let Some(last) = name.parts.last_mut() {
            last.push('.');
            last.push_str(COMPANION);
        }
        name
    }
}

impl NameTemplate {
    fn parse(text: &str) -> Result<Self, String> {
        let (mut parts, mut times) = (Vec::new(), Vec::new());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let (name, after) = after
                .split_once("}}")
                .ok_or_else(|| format!("\"{text}\": {{{{ has no }}}}; write {{{{ date }}}}"))?;
            times.push(match name.trim() {
                "date" => Time::Day,
                "month" => Time::Month,
                _ => {
                    return Err(format!(
                        "\"{text}\": {{{{{name}}}}} is not known; an output may hold {{{{ date }}}} and {{{{ month }}}}"
                    ));
                }
            });
            parts.push(before.to_owned());
            rest = after;
        }
        parts.push(rest.to_owned());
        if parts.iter().any(|part| part.contains("}}")) {
            return Err(format!("\"{text}\": }}}} has no {{{{; write {{{{ date }}}}"));
        }
        Ok(Self { parts, times })
    }

    /// What stands behind the last day and the last slash, or the day itself.
    fn file_name(&self) -> &str {
        let last = self.parts.last().map_or("", String::as_str);
        match last.rsplit_once('/') {
            Some((_, name)) => name,
            // It begins with the day, as in `costs/{{ date }}`.
            None if last.is_empty() && self.parts.len() > 1 => "{{ date }}",
            None => last,
        }
    }

    fn on(&self, day: Date) -> String {
        let times = self.times.iter().map(|time| time.on(day)).chain([String::new()]);
        self.parts.iter().zip(times).flat_map(|(part, time)| [part.clone(), time]).collect()
    }

    fn day_of(&self, name: &str) -> Option<Date> {
        let day = self.times.first()?.read(name.strip_prefix(self.parts.first()?.as_str())?)?;
        // Also that the day stands everywhere, and in this form.
        (self.on(day) == name).then_some(day)
    }
}

/// `https` of `https://…`. A path may hold a colon, but not this.
fn scheme(text: &str) -> Option<&str> {
    let (scheme, _) = text.split_once("://")?;
    (!scheme.is_empty() && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric())).then_some(scheme)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn output(text: &str) -> ReportOutput {
        ReportOutput::parse(text).unwrap()
    }

    #[test]
    fn objects_and_files_have_a_companion_beside_them() {
        let day = date(2026, 11, 20);
        for (text, place, companion) in [
            ("costs.xlsx", "costs.xlsx", "costs.json"),
            ("a.b/costs", "a.b/costs", "a.b/costs.json"),
            ("a/{{date}}.HTML", "a/2026-11-20.HTML", "a/2026-11-20.json"),
            ("a/{{ date }}", "a/2026-11-20", "a/2026-11-20.json"),
            ("data.json", "data.json", "data.json"),
            (
                "s3://acme-reports/ec2/{{ date }}/c_{{ date }}.xlsx",
                "s3://acme-reports/ec2/2026-11-20/c_2026-11-20.xlsx",
                "ec2/2026-11-20/c_2026-11-20.json",
            ),
        ] {
            let output = output(text);
            assert_eq!((&*output.place(day), &*output.companion(day)), (place, companion), "{text}");
        }
        assert_eq!(output("a/{{date}}.HTML").extension().as_deref(), Some("html"));
        assert_eq!(output("a.b/costs").extension(), None);
        assert_eq!(output("/tmp/.hidden").extension(), None);
    }

    #[test]
    fn companions_of_other_days_are_known_by_their_names() {
        let dated = output("s3://acme-reports/ec2/{{ date }}/c_{{ date }}.xlsx");
        assert_eq!((&*dated.prefix(), dated.has_day()), ("ec2/", true));
        assert_eq!(dated.day_of_companion("ec2/2026-10-31/c_2026-10-31.json"), Some(date(2026, 10, 31)));
        for other in [
            "ec2/2026-10-31/c_2026-10-30.json",
            "ec2/2026-10-31/c_2026-10-31.xlsx",
            "ec2/2026-02-30/c_2026-02-30.json",
            "ec2/20261031xx/c_20261031xx.json",
            "ec2/한한한한",
            "ec2/",
            "",
        ] {
            assert_eq!(dated.day_of_companion(other), None, "{other}");
        }
        let fixed = output("costs.xlsx");
        assert_eq!(
            (&*fixed.prefix(), fixed.has_day(), fixed.day_of_companion("costs.json")),
            ("costs.json", false, None)
        );
    }

    #[test]
    fn the_newest_companions_are_read_and_nothing_else() {
        let output = output("r/{{ date }}.xlsx");
        let names =
            ["r/2026-09-30.json", "r/2026-11-20.json", "r/2026-11-19.json", "r/x.json", "r/2026-10-31.json"];
        let found = output.earlier_companions(names.map(str::to_owned), date(2026, 11, 20), 2);
        assert_eq!(found, ["r/2026-11-19.json", "r/2026-10-31.json"]);
        assert!(
            ReportOutput::parse("r.xlsx")
                .unwrap()
                .earlier_companions(names.map(str::to_owned), date(2026, 11, 20), 2)
                .is_empty()
        );
    }

    #[test]
    fn what_cannot_be_an_output_is_told_with_its_text() {
        for (text, words) in [
            ("", "is empty"),
            ("out/", "name a file in it, such as out/costs.xlsx"),
            ("https://acme/x.xlsx", "not to https://"),
            ("s3://", "\"\" in \"s3://\" is not a bucket's name"),
            ("s3://Acme/x.xlsx", "\"Acme\" in"),
            ("s3://acme-{{ date }}/x.xlsx", "not in the bucket"),
            ("s3://acme-reports", "is not an object's key"),
            ("s3://acme-reports/a/", "is not an object's key"),
            ("s3://acme-reports//a", "is not an object's key"),
            ("{{ day }}.xlsx", "{{ day }} is not known"),
            ("{{ date.xlsx", "{{ has no }}"),
            ("date }}.xlsx", "}} has no {{"),
        ] {
            let error = ReportOutput::parse(text).unwrap_err();
            assert!(error.contains(words), "{text}: {error}");
        }
        let long = format!("s3://acme-reports/{}.xlsx", "k".repeat(1019));
        assert!(ReportOutput::parse(&long).is_ok());
        let error = ReportOutput::parse(&long.replacen('k', "kk", 1)).unwrap_err();
        assert!(error.ends_with("has 1025 bytes; S3 allows 1024"), "{error}");
    }
}
