//! Reports where they are kept: in a folder or in a bucket, with the data of the ones before.

use std::fs;
use std::io;
use std::path::Path;

use anyhow::{Context, Result};
use jiff::civil::Date;

use super::whole_file::{Existing, write_whole};
use crate::aws::{AwsError, Bucket, Condition, Encryption, ErrorClass, Write};
use crate::costs::{Earlier, MOST_MONTHS};
use crate::model::ReportOutput;

/// "You can upload an object of up to 5 GB in a single operation" ("Uploading objects" in the S3 user guide). No report is a
/// hundredth of that; what is more than this went wrong before.
const MOST_BYTES: usize = 5 << 30;

/// Where the report of a day goes.
#[derive(Debug)]
pub struct ReportStore {
    output: ReportOutput,
    day: Date,
    bucket: Option<(Bucket, Option<Encryption>)>,
}

impl ReportStore {
    /// A report in a file.
    pub fn in_folder(output: ReportOutput, day: Date) -> Self {
        Self { output, day, bucket: None }
    }

    /// A report in a bucket, encrypted as the bucket does by default where nothing else is said.
    pub fn in_bucket(
        output: ReportOutput,
        day: Date,
        bucket: Bucket,
        encryption: Option<Encryption>,
    ) -> Self {
        Self { output, day, bucket: Some((bucket, encryption)) }
    }

    /// What people call the report.
    pub fn place(&self) -> String {
        self.output.place(self.day)
    }

    /// What earlier reports of a project say: the newest 36, and the one that is about to be replaced.
    ///
    /// # Errors
    /// Where the one that is about to be replaced cannot be read: with it the trend would be lost. That others cannot be listed
    /// or read is a remark; they stay, and a later report reads them.
    pub async fn earlier(&self, project: &str) -> Result<Earlier> {
        let mut earlier = Earlier::default();
        let own = self.output.companion(self.day);
        if let Some(bytes) = self.read(&own).await? {
            earlier.add(&self.output.place_of(&own), &bytes, project, true);
        }
        if !self.output.has_day() {
            return Ok(earlier);
        }
        let names = match self.names().await {
            Ok(names) => names,
            Err(error) => {
                let place = self.output.place_of(&self.output.prefix());
                let what = "cannot be listed, so the trend does without them";
                earlier.remarks.push(format!("earlier reports in {place} {what}: {}", with_hint(&error)));
                return Ok(earlier);
            }
        };
        for name in self.output.earlier_companions(names, self.day, MOST_MONTHS) {
            let place = self.output.place_of(&name);
            match self.read(&name).await {
                Ok(Some(bytes)) => earlier.add(&place, &bytes, project, false),
                // Somebody has removed it since it was listed.
                Ok(None) => {}
                Err(error) => {
                    earlier.remarks.push(format!("{}; the trend does without it", with_hint(&error)));
                }
            }
        }
        Ok(earlier)
    }

    /// Writes a report, and before it its data if there are any: whoever sees a month in a report finds it in the next one, also
    /// if a run ends between the two. Returns what was written, the report last.
    ///
    /// # Errors
    /// Where one of them cannot be written. What stood there before is then still there, whole.
    pub async fn write(&self, report: &[u8], companion: Option<&[u8]>) -> Result<Vec<String>> {
        let name = self.output.name(self.day);
        let data = self.output.companion(self.day);
        let mut written = Vec::new();
        if let Some(bytes) = companion.filter(|_| data != name) {
            written.push(self.write_one(&data, bytes).await?);
        }
        written.push(self.write_one(&name, report).await?);
        Ok(written)
    }

    async fn write_one(&self, name: &str, bytes: &[u8]) -> Result<String> {
        let place = self.output.place_of(name);
        let Some((bucket, encryption)) = &self.bucket else {
            let path = Path::new(name);
            if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
                // A folder with the day in its name is new every day.
                fs::create_dir_all(folder)
                    .with_context(|| format!("cannot make the folder {}", folder.display()))?;
            }
            write_whole(path, bytes, Existing::Replace)?;
            return Ok(place);
        };
        anyhow::ensure!(
            bytes.len() <= MOST_BYTES,
            "{place} would have {} bytes; one upload to S3 has up to 5 GiB",
            bytes.len()
        );
        let content_type = content_type(name);
        let encryption = encryption.as_ref();
        let write = Write { key: name, bytes, content_type, encryption, condition: Condition::Any };
        bucket.put(write).await.with_context(|| format!("cannot write {place}"))?;
        Ok(place)
    }

    async fn read(&self, name: &str) -> Result<Option<Vec<u8>>> {
        let place = self.output.place_of(name);
        let read = match &self.bucket {
            Some((bucket, _)) => bucket
                .get(name)
                .await
                .map(|object| object.map(|object| object.bytes))
                .map_err(anyhow::Error::from),
            None => match fs::read(name) {
                Ok(bytes) => Ok(Some(bytes)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(error.into()),
            },
        };
        read.map_err(|error| {
            let denied = error.downcast_ref::<AwsError>().is_some_and(|error| error.class == ErrorClass::Denied);
            // "GetObject" in the S3 API reference.
            let besides = "; S3 says this also of an object that is not there, where s3:ListBucket on the bucket is missing";
            error.context(format!("cannot read {place}{}", if denied { besides } else { "" }))
        })
    }

    /// Whatever there is that might be an earlier companion.
    async fn names(&self) -> Result<Vec<String>> {
        let prefix = self.output.prefix();
        if let Some((bucket, _)) = &self.bucket {
            return Ok(bucket.list(&prefix).await?);
        }
        let depth = depth(&self.output.companion(self.day), &prefix);
        Ok(below(&prefix, depth)?)
    }
}

/// All of an error, and what can be done about it.
fn with_hint(error: &anyhow::Error) -> String {
    match error.downcast_ref::<AwsError>().and_then(AwsError::hint) {
        Some(hint) => format!("{error:#}; {hint}"),
        None => format!("{error:#}"),
    }
}

/// How many folders lie between a prefix and a name that begins so.
fn depth(name: &str, prefix: &str) -> usize {
    name.strip_prefix(prefix).map_or(0, |rest| rest.matches('/').count())
}

/// The files whose paths begin so, no deeper than so many folders.
fn below(prefix: &str, depth: usize) -> io::Result<Vec<String>> {
    let folder = prefix.rsplit_once('/').map_or("", |(folder, _)| folder);
    let read = if prefix.starts_with('/') && folder.is_empty() {
        "/"
    } else if folder.is_empty() {
        "."
    } else {
        folder
    };
    let entries = match fs::read_dir(read) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        // What is no text is no name of ours.
        let Ok(name) = entry.file_name().into_string() else { continue };
        let parent = &prefix[..prefix.rfind('/').map_or(0, |slash| slash + 1)];
        let path = format!("{parent}{name}");
        if !path.starts_with(prefix) {
            continue;
        }
        if entry.file_type()?.is_dir() {
            if depth > 0 {
                found.extend(below(&format!("{path}/"), depth - 1)?);
            }
        } else {
            found.push(path);
        }
    }
    Ok(found)
}

/// The media type of a report by its name (RFC 7111 and 8259; "Media types" of Office Open XML, ECMA-376).
fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase()).as_deref() {
        Some("xlsx") => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        Some("html" | "htm") => "text/html; charset=utf-8",
        Some("csv") => "text/csv; charset=utf-8",
        Some("json") => "application/json",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn report(project: &str, month: &str) -> String {
        format!(
            r#"{{"format":"opsform.cost","version":1,"project":"{project}","trend":[{{"month":"{month}-01",
            "made":"{month}-20T00:00:00Z","ec2":"1.00","ebs":"2.00","rds":"3.00","instances":4,"unpriced":0}}]}}"#
        )
    }

    fn months(earlier: &Earlier) -> Vec<String> {
        let mut months: Vec<String> = earlier.points.iter().map(|point| point.month.to_string()).collect();
        months.sort();
        months
    }

    fn store(folder: &Path, name: &str) -> ReportStore {
        let output = ReportOutput::parse(&format!("{}/{name}", folder.display())).unwrap();
        ReportStore::in_folder(output, date(2026, 11, 20))
    }

    #[tokio::test]
    async fn reports_of_other_days_and_the_one_to_be_replaced_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        write("costs_2026-09-30.json", &report("payments", "2026-09"));
        write("costs_2026-10-31.json", &report("payments", "2026-10"));
        write("costs_2026-11-20.json", &report("payments", "2026-11"));
        write("costs_2026-08-31.json", &report("orders", "2026-08"));
        write("costs_2026-07-31.json", "{");
        write("costs_notes.json", "a person's");
        fs::create_dir(folder.path().join("costs_2026-06-30.json")).unwrap();
        let earlier = store(folder.path(), "costs_{{ date }}.xlsx").earlier("payments").await.unwrap();
        assert_eq!(months(&earlier), ["2026-09-01", "2026-10-01", "2026-11-01"]);
        let remarks = earlier.remarks.join("\n");
        assert!(!earlier.taken && earlier.remarks.len() == 2, "{remarks}");
        assert!(
            remarks.contains(
                "costs_2026-08-31.json is a cost report of the project \"orders\". It is left alone"
            )
        );
        assert!(remarks.contains("costs_2026-07-31.json is not a cost report in JSON"));
        assert_eq!(fs::read_to_string(folder.path().join("costs_2026-07-31.json")).unwrap(), "{");
    }

    #[tokio::test]
    async fn folders_may_have_the_day() {
        let folder = tempfile::tempdir().unwrap();
        for (day, month) in [("2026-09-30", "2026-09"), ("2026-10-31", "2026-10")] {
            fs::create_dir_all(folder.path().join(format!("r-{day}/deep"))).unwrap();
            fs::write(folder.path().join(format!("r-{day}/c.json")), report("payments", month)).unwrap();
            fs::write(folder.path().join(format!("r-{day}/deep/c.json")), report("payments", "2020-01"))
                .unwrap();
        }
        let store = store(folder.path(), "r-{{ date }}/c.html");
        let earlier = store.earlier("payments").await.unwrap();
        assert_eq!(
            (months(&earlier).join(" "), earlier.remarks.len()),
            ("2026-09-01 2026-10-01".to_owned(), 0)
        );
        let written = store.write(b"<html>", Some(b"{}")).await.unwrap();
        let place = |name: &str| folder.path().join(name).display().to_string();
        assert_eq!(written, [place("r-2026-11-20/c.json"), place("r-2026-11-20/c.html")]);
        assert_eq!(fs::read(place("r-2026-11-20/c.html")).unwrap(), b"<html>");
    }

    #[tokio::test]
    async fn a_fixed_name_remembers_what_it_replaces_and_nothing_of_others() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path(), "costs.xlsx");
        assert_eq!(store.earlier("payments").await.unwrap(), Earlier::default());
        let data = folder.path().join("costs.json");
        fs::write(&data, report("payments", "2026-10")).unwrap();
        assert_eq!(months(&store.earlier("payments").await.unwrap()), ["2026-10-01"]);
        fs::write(&data, "a person's").unwrap();
        let earlier = store.earlier("payments").await.unwrap();
        assert!(
            earlier.taken && earlier.remarks[0].contains("costs.json is not a cost report"),
            "{earlier:?}"
        );
        // A report whose data cannot be read is not made: it would forget them.
        fs::remove_file(&data).unwrap();
        fs::create_dir(&data).unwrap();
        let error = store.earlier("payments").await.unwrap_err();
        assert!(
            error.to_string().starts_with("cannot read ") && error.to_string().ends_with("costs.json"),
            "{error}"
        );
    }

    #[tokio::test]
    async fn json_is_its_own_data() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path(), "costs.json");
        let written = store.write(b"report", Some(b"data")).await.unwrap();
        assert_eq!(written, [folder.path().join("costs.json").display().to_string()]);
        assert_eq!(fs::read(&written[0]).unwrap(), b"report");
    }

    #[test]
    fn media_types_are_by_the_name() {
        assert!(content_type("a.XLSX").ends_with("spreadsheetml.sheet"));
        assert_eq!(["a.json", "a.b/c", "x"].map(content_type)[0], "application/json");
        assert_eq!(content_type("a.b/c"), "application/octet-stream");
    }
}
