//! Whether a program starts in Lambda: its header is read, not run.

use object::elf::{self, FileHeader64};
use object::read::elf::{Dyn, FileHeader, ProgramHeader, SectionHeader};
use object::{Endianness, StringTable};

/// glibc of Amazon Linux 2023, which the runtime `provided.al2023` is ("Lambda runtimes" in the Lambda developer guide; "Comparing Amazon
/// Linux 2 and Amazon Linux 2023" in the Amazon Linux 2023 user guide: glibc 2.34).
const GLIBC: (u32, u32) = (2, 34);

/// The libraries that are there: glibc's own and the compiler's.
const THERE: [&str; 8] = [
    "libc.so.6",
    "libm.so.6",
    "libdl.so.2",
    "librt.so.1",
    "libpthread.so.0",
    "libgcc_s.so.1",
    "ld-linux-x86-64.so.2",
    "ld-linux-aarch64.so.1",
];

/// How to make one that starts.
pub const HOW: &str = "build a static one: `rustup target add x86_64-unknown-linux-musl` and `cargo zigbuild --release --target \
                       x86_64-unknown-linux-musl` (arm64: aarch64-unknown-linux-musl); docs/jobs.md says more";

/// What a program needs of the system that it starts on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Needs {
    /// `x86_64` or `arm64`.
    pub architecture: &'static str,
    /// The glibc that it needs, at least; `None` for a static program.
    pub glibc: Option<(u32, u32)>,
}

impl Needs {
    /// In words: `static x86_64 program`.
    pub fn words(&self) -> String {
        let architecture = self.architecture;
        match self.glibc {
            None => format!("static {architecture} program"),
            Some((major, minor)) => {
                format!(
                    "{architecture} program that needs glibc {major}.{minor} (Lambda has {}.{})",
                    GLIBC.0, GLIBC.1
                )
            }
        }
    }
}

/// What a program needs, where it starts in Lambda on this architecture.
///
/// # Errors
/// Why it would not start.
pub fn check(program: &[u8], architecture: &str) -> Result<Needs, String> {
    let needs = needs(program)?;
    if needs.architecture != architecture {
        return Err(format!(
            "it is a program for {}, and the function is for {architecture}",
            needs.architecture
        ));
    }
    match needs.glibc {
        Some(glibc) if glibc > GLIBC => Err(format!(
            "it needs glibc {}.{}, and Lambda's runtime provided.al2023 has {}.{}, where it would end at once with \"version `GLIBC_{0}.{1}' not \
             found\"",
            glibc.0, glibc.1, GLIBC.0, GLIBC.1
        )),
        _ => Ok(needs),
    }
}

fn needs(program: &[u8]) -> Result<Needs, String> {
    let magic = |bytes: &[u8]| program.starts_with(bytes);
    if magic(&[0xcf, 0xfa, 0xed, 0xfe]) || magic(&[0xca, 0xfe, 0xba, 0xbe]) {
        return Err("it is a program for macOS, and Lambda runs Linux".to_owned());
    }
    if magic(b"MZ") {
        return Err("it is a program for Windows, and Lambda runs Linux".to_owned());
    }
    if !magic(b"\x7fELF") {
        return Err("it is no program for Linux (no ELF file)".to_owned());
    }
    let damaged = |error: object::Error| format!("it is a damaged program: {error}");
    let header = FileHeader64::<Endianness>::parse(program)
        .map_err(|_| "it is no 64-bit program, and Lambda runs no other".to_owned())?;
    let endian = header.endian().map_err(damaged)?;
    let architecture = match header.e_machine(endian) {
        elf::EM_X86_64 => "x86_64",
        elf::EM_AARCH64 => "arm64",
        other => {
            return Err(format!(
                "it is for processors of ELF's number {}, and Lambda has x86_64 and arm64",
                other.0
            ));
        }
    };
    if !matches!(header.e_type(endian), elf::ET_EXEC | elf::ET_DYN) {
        return Err("it is a part of a program, which is not linked".to_owned());
    }
    let segments = header.program_headers(endian, program).map_err(damaged)?;
    let mut interpreter = None;
    for segment in segments {
        interpreter = segment.interpreter(endian, program).map_err(damaged)?.or(interpreter);
    }
    let Some(interpreter) = interpreter else { return Ok(Needs { architecture, glibc: None }) };
    let interpreter = String::from_utf8_lossy(interpreter).into_owned();
    if !interpreter.contains("ld-linux") {
        return Err(format!("it is started by {interpreter}, which Lambda does not have"));
    }
    let libraries = libraries(header, endian, program).map_err(damaged)?;
    if let Some(library) = libraries.iter().find(|library| !THERE.contains(&&***library)) {
        return Err(format!("it needs the library {library}, which Lambda does not have"));
    }
    let glibc = glibc(header, endian, program).map_err(damaged)?;
    let glibc = glibc.ok_or("it is linked to glibc and does not say to which version")?;
    Ok(Needs { architecture, glibc: Some(glibc) })
}

type Header = FileHeader64<Endianness>;

/// The shared libraries that it names.
fn libraries(header: &Header, endian: Endianness, program: &[u8]) -> object::Result<Vec<String>> {
    let sections = header.sections(endian, program)?;
    let mut names = Vec::new();
    for section in sections.iter() {
        let Some((entries, link)) = section.dynamic(endian, program)? else { continue };
        let strings = sections.strings(endian, program, link)?;
        for entry in entries.iter().filter(|entry| entry.d_tag(endian) == elf::DT_NEEDED) {
            let offset = u32::try_from(entry.d_val(endian)).unwrap_or(u32::MAX);
            names.push(text(strings, offset));
        }
    }
    Ok(names)
}

fn text(strings: StringTable<'_>, offset: u32) -> String {
    strings
        .get(offset)
        .map_or_else(|()| "of no name".to_owned(), |name| String::from_utf8_lossy(name).into_owned())
}

/// The newest version of glibc's symbols that it needs.
fn glibc(header: &Header, endian: Endianness, program: &[u8]) -> object::Result<Option<(u32, u32)>> {
    let sections = header.sections(endian, program)?;
    let Some((mut files, link)) = sections.gnu_verneed(endian, program)? else { return Ok(None) };
    let strings = sections.strings(endian, program, link)?;
    let mut newest = None;
    while let Some((_, mut versions)) = files.next()? {
        while let Some(version) = versions.next()? {
            let name = String::from_utf8_lossy(version.name(endian, strings)?).into_owned();
            newest = newest.max(version_of(&name));
        }
    }
    Ok(newest)
}

/// `(2, 34)` of `GLIBC_2.34`. Those of other libraries (`GCC_3.0`) and private ones do not count.
fn version_of(name: &str) -> Option<(u32, u32)> {
    let mut numbers = name.strip_prefix("GLIBC_")?.split('.').map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A header of 64 bytes with one segment of this type behind it, and text in it.
    fn program(machine: u16, segment: u32, text: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        bytes.extend(2_u16.to_le_bytes());
        bytes.extend(machine.to_le_bytes());
        bytes.extend(1_u32.to_le_bytes());
        bytes.extend(0_u64.to_le_bytes());
        bytes.extend(64_u64.to_le_bytes());
        bytes.extend(0_u64.to_le_bytes());
        bytes.extend(0_u32.to_le_bytes());
        for number in [64_u16, 56, 1, 64, 0, 0] {
            bytes.extend(number.to_le_bytes());
        }
        bytes.extend(segment.to_le_bytes());
        bytes.extend(0_u32.to_le_bytes());
        let size = text.len() as u64;
        for number in [120_u64, 120, 120, size, size, 1] {
            bytes.extend(number.to_le_bytes());
        }
        bytes.extend(text);
        bytes
    }

    #[test]
    fn a_static_program_starts_where_it_is_for() {
        let amd = program(62, 1, b"code");
        assert_eq!(check(&amd, "x86_64"), Ok(Needs { architecture: "x86_64", glibc: None }));
        assert_eq!(check(&amd, "x86_64").unwrap().words(), "static x86_64 program");
        let told = "it is a program for x86_64, and the function is for arm64";
        assert_eq!(check(&amd, "arm64"), Err(told.to_owned()));
        assert_eq!(check(&program(183, 1, b""), "arm64").unwrap().architecture, "arm64");
    }

    #[test]
    fn what_does_not_start_is_told_why() {
        let fault = |bytes: &[u8]| check(bytes, "x86_64").unwrap_err();
        assert!(fault(b"#!/bin/sh\n").contains("no program for Linux"));
        assert!(fault(b"").contains("no program for Linux"));
        assert!(fault(b"MZ..").contains("Windows"));
        assert!(fault(&[0xcf, 0xfa, 0xed, 0xfe, 0]).contains("macOS"));
        assert!(fault(b"\x7fELF\x01\x01").contains("64-bit"));
        assert!(fault(&program(40, 1, b"")).contains("number 40"));
        let musl = program(62, 3, b"/lib/ld-musl-x86_64.so.1\0");
        assert!(fault(&musl).contains("started by /lib/ld-musl-x86_64.so.1, which Lambda does not have"));
        let bare = program(62, 3, b"/lib64/ld-linux-x86-64.so.2\0");
        assert!(fault(&bare).contains("does not say to which version"));
        assert!(fault(&bare[..100]).contains("damaged"));
    }

    #[test]
    fn versions_are_numbers() {
        assert_eq!(version_of("GLIBC_2.34"), Some((2, 34)));
        assert_eq!(version_of("GLIBC_2.2.5"), Some((2, 2)));
        assert!(version_of("GLIBC_2.9") < version_of("GLIBC_2.10"));
        assert_eq!(version_of("GLIBC_PRIVATE"), None);
        assert_eq!(version_of("GCC_3.0"), None);
    }

    #[test]
    fn this_test_is_a_program_itself() {
        let me = std::fs::read("/proc/self/exe").unwrap();
        let needs = needs(&me).unwrap();
        assert!(needs.glibc.is_none_or(|glibc| glibc >= (2, 2)), "{needs:?}");
    }
}
