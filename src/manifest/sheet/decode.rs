//! The text of a file in one of the encodings that spreadsheet programs write.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{EUC_KR, Encoding, SHIFT_JIS, UTF_8, UTF_16BE, UTF_16LE};

/// Names that people use and the Encoding Standard does not know.
const OTHER_NAMES: [(&str, &Encoding); 5] =
    [("cp949", EUC_KR), ("ms949", EUC_KR), ("uhc", EUC_KR), ("cp932", SHIFT_JIS), ("utf16", UTF_16LE)];

/// The names that hints give.
const NAMES: [&str; 7] = ["utf-8", "utf-16", "utf-16be", "cp949", "euc-kr", "shift_jis", "cp932"];

/// How much of a file is looked at to guess its encoding.
const SAMPLE: usize = 1 << 20;

/// What is wrong with a text, as the rest of a sentence about its file, and what to do.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) summary: String,
    pub(super) hint: String,
}

/// The encoding with this name.
///
/// # Errors
/// A hint with the names that there are.
pub(super) fn encoding(name: &str) -> Result<&'static Encoding, String> {
    let lower = name.trim().to_lowercase();
    let other = OTHER_NAMES.iter().find(|(other, _)| *other == lower).map(|(_, encoding)| *encoding);
    other
        .or_else(|| Encoding::for_label(lower.as_bytes()))
        .ok_or_else(|| crate::manifest::hint_for(name, &NAMES, "encodings are"))
}

/// The text of these bytes: a mark at the beginning counts most, then the encoding that was given, then a guess.
///
/// # Errors
/// Where the bytes are no text in that encoding, or none can be guessed.
pub(super) fn decode(bytes: &[u8], given: Option<&'static Encoding>) -> Result<String, Fault> {
    let encoding = match (Encoding::for_bom(bytes), given) {
        (Some((marked, _)), _) => marked,
        (None, Some(given)) => given,
        (None, None) => return guess(bytes),
    };
    decode_as(bytes, encoding)
}

fn decode_as(bytes: &[u8], encoding: &'static Encoding) -> Result<String, Fault> {
    if encoding == UTF_8 && !bytes.starts_with(b"\xef\xbb\xbf") {
        // The common case does without a second copy of the text.
        return std::str::from_utf8(bytes)
            .map(str::to_owned)
            .map_err(|error| not_text(bytes, UTF_8, Some(error.valid_up_to())));
    }
    let (text, malformed) = encoding.decode_with_bom_removal(bytes);
    if malformed { Err(not_text(bytes, encoding, None)) } else { Ok(text.into_owned()) }
}

/// The text in the encoding that it most likely has.
fn guess(bytes: &[u8]) -> Result<String, Fault> {
    if let Some(wide) = wide(bytes) {
        return decode_as(bytes, wide);
    }
    if std::str::from_utf8(bytes).is_ok() {
        return decode_as(bytes, UTF_8);
    }
    let sample = &bytes[..bytes.len().min(SAMPLE)];
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(sample, sample.len() == bytes.len());
    let guess = detector.guess(None, Utf8Detection::Deny);
    // Almost any bytes are text in some encoding of Western Europe, so only those two are believed.
    let text_in = |encoding: &'static Encoding| {
        let text = encoding.decode_without_bom_handling_and_without_replacement(bytes)?;
        Some((encoding, text.into_owned()))
    };
    let mut fitting: Vec<(&'static Encoding, String)> =
        [EUC_KR, SHIFT_JIS].into_iter().filter_map(text_in).collect();
    let guessed = fitting.iter().position(|(encoding, _)| *encoding == guess);
    let chosen = match (guessed, fitting.len()) {
        (Some(guessed), _) => Some(fitting.swap_remove(guessed).1).filter(|text| !text.contains(private)),
        // Bytes of another encoding for ideographs often fit one of the two as well.
        (None, 1) if !guess.is_single_byte() => None,
        (None, 1) => fitting.pop().map(|(_, text)| text).filter(|text| likely(text, guess)),
        _ => None,
    };
    chosen.ok_or_else(|| Fault {
        summary: "is not UTF-8, and its encoding cannot be told".to_owned(),
        hint: format!("name it: `encoding = \"cp949\"`; there are {}", NAMES.join(", ")),
    })
}

/// A character that has no meaning of its own: those who use such know their encoding.
fn private(c: char) -> bool {
    matches!(c, '\u{e000}'..='\u{f8ff}')
}

/// Whether a text looks Korean or Japanese and not like one in the encoding that was guessed, which gives rare ideographs or
/// half-width katakana. Of those with one byte a character, spreadsheet programs write few.
fn likely(text: &str, guess: &'static Encoding) -> bool {
    let written =
        ["windows-", "KOI8-", "macintosh", "x-mac-"].iter().any(|name| guess.name().starts_with(name));
    if !written {
        return !text.contains(private);
    }
    let count = |of: fn(char) -> bool| text.chars().filter(|c| of(*c)).count();
    let native = count(|c| matches!(c, '\u{3041}'..='\u{30ff}' | '가'..='힣'));
    let ideographs = count(|c| matches!(c, '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'));
    !text.contains(private) && native > 0 && 4 * native >= ideographs
}

/// UTF-16 without a mark: every other byte of ASCII text is zero, and no other encoding of text has zeros.
fn wide(bytes: &[u8]) -> Option<&'static Encoding> {
    let sample = &bytes[..bytes.len().min(4096)];
    let zeros = |odd: usize| sample.iter().skip(odd).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    if even + odd == 0 || !bytes.len().is_multiple_of(2) {
        return None;
    }
    Some(if odd >= even { UTF_16LE } else { UTF_16BE })
}

fn not_text(bytes: &[u8], encoding: &'static Encoding, at: Option<usize>) -> Fault {
    let line = at.map(|at| bytes[..at].split(|byte| *byte == b'\n').count());
    let at = line.map_or_else(String::new, |line| format!(": line {line} holds other bytes"));
    Fault {
        summary: format!("is not text in {}{at}", encoding.name()),
        hint: "leave `encoding` out to have it detected, or save the file as UTF-8".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KOREAN: &str = "인스턴스 ID,이름,환경\ni-0abc,결제 서버,운영\ni-0abd,주문 서버,개발\n";
    const JAPANESE: &str = "インスタンスID,名前,環境\ni-0abc,決済サーバー,本番\ni-0abd,注文サーバー,開発\n";

    fn bytes_of(text: &str, encoding: &'static Encoding) -> Vec<u8> {
        encoding.encode(text).0.into_owned()
    }

    fn utf16(text: &str, mark: bool, big: bool) -> Vec<u8> {
        let units = mark.then_some(0xfeff).into_iter().chain(text.encode_utf16());
        units.flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
    }

    #[test]
    fn the_encodings_of_spreadsheet_programs_are_detected() {
        for text in [KOREAN, JAPANESE] {
            let marked = [b"\xef\xbb\xbf", text.as_bytes()].concat();
            let all = [
                text.as_bytes().to_vec(),
                marked,
                utf16(text, true, false),
                utf16(text, true, true),
                utf16(text, false, false),
                utf16(text, false, true),
            ];
            for bytes in all {
                assert_eq!(decode(&bytes, None).as_deref(), Ok(text));
            }
        }
        assert_eq!(decode(&bytes_of(KOREAN, EUC_KR), None).as_deref(), Ok(KOREAN));
        assert_eq!(decode(&bytes_of(JAPANESE, SHIFT_JIS), None).as_deref(), Ok(JAPANESE));
    }

    /// Files of one cell and one word, where there is least to go by.
    #[test]
    fn short_korean_and_japanese_texts_are_detected() {
        let file =
            |header: &str, cell: &str| format!("Instance ID,{header}\r\ni-00000000000000000,\"{cell}\"\r\n");
        let korean = [
            "결제 서버,운영",
            "주문",
            "운영 서버",
            "개발",
            "한글 이름 ― 테스트",
            "서버 목록 2026년",
            "재고·배송",
        ];
        let japanese = [
            "決済サーバー,本番",
            "注文",
            "開発環境",
            "テスト",
            "ｻｰﾊﾞｰ",
            "名前",
            "東京リージョン",
            "運用",
            "表示",
        ];
        for (cells, headers, encoding) in
            [(&korean[..], ["x", "설명"], EUC_KR), (&japanese[..], ["x", "説明"], SHIFT_JIS)]
        {
            for (cell, header) in cells.iter().flat_map(|cell| headers.map(|header| (cell, header))) {
                let text = file(header, cell);
                assert_eq!(decode(&bytes_of(&text, encoding), None).as_deref(), Ok(text.as_str()));
            }
        }
    }

    #[test]
    fn other_encodings_are_not_taken_for_korean_or_japanese() {
        use encoding_rs::{BIG5, EUC_JP, GB18030, WINDOWS_1251, WINDOWS_1252};
        for (encoding, text) in [
            (GB18030, "实例,名称,环境\ni-1,支付服务器,生产\ni-2,订单,测试环境\n"),
            (BIG5, "實例,名稱\ni-1,訂單\ni-2,伺服器\n"),
            (EUC_JP, JAPANESE),
            (WINDOWS_1251, "id,имя\ni-1,Сервер\ni-2,оплата\ni-3,ТЕСТ\n"),
            (WINDOWS_1252, "id,Größe\ni-1,Café Gérant\ni-2,Zürich\n"),
            (WINDOWS_1252, "id,v\ni-1,50 °C\n"),
        ] {
            let fault = decode(&bytes_of(text, encoding), None).unwrap_err();
            assert_eq!(fault.summary, "is not UTF-8, and its encoding cannot be told", "{text}");
            assert_eq!(decode(&bytes_of(text, encoding), Some(encoding)).as_deref(), Ok(text));
        }
    }

    #[test]
    fn a_given_encoding_counts_and_must_fit() {
        let bytes = bytes_of("운영", EUC_KR);
        for name in ["cp949", "CP949", "euc-kr", "ks_c_5601-1987"] {
            assert_eq!(decode(&bytes, Some(encoding(name).unwrap())).as_deref(), Ok("운영"), "{name}");
        }
        let fault = decode(b"a\n\xb0", Some(UTF_8)).unwrap_err();
        assert_eq!(fault.summary, "is not text in UTF-8: line 2 holds other bytes");
        assert_eq!(encoding("cp94").unwrap_err(), "did you mean `cp949`?");
        assert!(encoding("klingon").unwrap_err().starts_with("encodings are: `utf-8`"));
    }

    #[test]
    fn bytes_that_are_no_text_are_said_so() {
        assert!(decode(b"\xff\xfe\xff\xff\x00\xd8x", None).is_err());
        assert_eq!(decode(b"", None).as_deref(), Ok(""));
    }
}
