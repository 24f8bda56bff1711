//! What a file is, by its ending.

/// The files that can be read, for hints.
pub(super) const FORMATS: &str =
    "there are `.xlsx`, `.xls`, `.xlsb`, `.ods`, `.csv`, `.tsv`, and `.json` from the AWS CLI";

/// What a file is by its ending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Workbook,
    Text { separator: Option<u8> },
    Listing,
}

impl Format {
    /// The format of a file, and its ending in small letters; `None` for an ending that is none of ours.
    pub(super) fn of(file: &str) -> Option<(Self, String)> {
        let ending = file.rsplit_once('.').map_or("", |(_, ending)| ending).to_ascii_lowercase();
        let format = match ending.as_str() {
            "xlsx" | "xlsm" | "xls" | "xlsb" | "ods" => Self::Workbook,
            "csv" | "txt" => Self::Text { separator: None },
            "tsv" => Self::Text { separator: Some(b'\t') },
            "json" => Self::Listing,
            _ => return None,
        };
        Some((format, ending))
    }
}
