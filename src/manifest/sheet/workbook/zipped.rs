//! The parts of a workbook that is a zip archive.

use std::io::{Cursor, Read, Write, copy, sink};

use zip::result::ZipError;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

/// More than this unpacked is no list of servers.
const MOST_BYTES: u64 = 256 << 20;

pub(super) type Archive<'a> = ZipArchive<Cursor<&'a [u8]>>;

/// Reads every part to its end, which compares the checksums: the reader of the workbook stops where it has what it wants.
///
/// Gives whether there is an archive. Other bytes pass: the reader says what they are, such as protected with a password.
///
/// # Errors
/// In words, where a part is damaged or all of them are too much.
pub(super) fn check(bytes: &[u8]) -> Result<bool, String> {
    let Ok(mut archive) = Archive::new(Cursor::new(bytes)) else { return Ok(false) };
    let mut room = MOST_BYTES;
    for index in 0..archive.len() {
        let part = archive.by_index(index).map_err(words)?;
        let read = copy(&mut part.take(room + 1), &mut sink()).map_err(|error| damaged(&error))?;
        room = room
            .checked_sub(read)
            .ok_or_else(|| format!("it unpacks to more than {} MiB", MOST_BYTES >> 20))?;
    }
    Ok(true)
}

/// The content of a part.
///
/// # Errors
/// In words, where there is none or it is damaged.
pub(super) fn part(archive: &mut Archive<'_>, name: &str) -> Result<Vec<u8>, String> {
    let mut content = Vec::new();
    let part = archive.by_name(name).map_err(|error| format!("{name}: {error}"))?;
    part.take(MOST_BYTES).read_to_end(&mut content).map_err(|error| damaged(&error))?;
    Ok(content)
}

/// The same archive, not compressed, with every part as `change` wants it.
///
/// # Errors
/// In words, where a part is damaged, or from `change`.
pub(in crate::manifest::sheet) fn changed(
    bytes: &[u8],
    change: impl Fn(&str, Vec<u8>) -> Result<Vec<u8>, String>,
) -> Result<Vec<u8>, String> {
    let mut archive = Archive::new(Cursor::new(bytes)).map_err(words)?;
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for index in 0..archive.len() {
        let mut part = archive.by_index(index).map_err(words)?;
        let name = part.name().map_err(words)?.into_owned();
        let mut content = Vec::new();
        part.read_to_end(&mut content).map_err(|error| damaged(&error))?;
        drop(part);
        writer.start_file(name.as_str(), stored).map_err(words)?;
        writer.write_all(&change(&name, content)?).map_err(|error| damaged(&error))?;
    }
    Ok(writer.finish().map_err(words)?.into_inner())
}

fn words(error: ZipError) -> String {
    error.to_string()
}

fn damaged(error: &std::io::Error) -> String {
    format!("the file is damaged: {error}")
}
