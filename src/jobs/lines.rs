//! Bytes of a pipe as lines, of which none may be longer than a log takes.

/// "Log event size: 1 MB" ("CloudWatch Logs quotas"); a line of that is nothing that anybody reads.
const LINE: usize = 16 * 1024;

/// Lines of bytes that come in pieces.
#[derive(Debug, Default)]
pub(super) struct Lines {
    begun: Vec<u8>,
    left_out: usize,
}

impl Lines {
    /// The lines that these bytes complete.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (text, ended) = part.strip_suffix(b"\n").map_or((part, false), |text| (text, true));
            let room = LINE.saturating_sub(self.begun.len()).min(text.len());
            self.begun.extend_from_slice(&text[..room]);
            self.left_out += text.len() - room;
            if ended {
                lines.push(self.end());
            }
        }
        lines
    }

    /// What is left without an end.
    pub(super) fn last(mut self) -> Option<String> {
        (!self.begun.is_empty()).then(|| self.end())
    }

    fn end(&mut self) -> String {
        let bytes = std::mem::take(&mut self.begun);
        let text = String::from_utf8_lossy(&bytes);
        let line = text.trim_end_matches('\r');
        let left_out = std::mem::take(&mut self.left_out);
        match left_out {
            0 => line.to_owned(),
            count => format!("{line}… ({count} bytes left out)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_become_lines() {
        let mut lines = Lines::default();
        assert_eq!(lines.push(b"on"), [""; 0]);
        assert_eq!(lines.push(b"e\r\ntwo\n\nth"), ["one", "two", ""]);
        assert_eq!(lines.push("r\u{d55c}".as_bytes()), [""; 0]);
        assert_eq!(lines.last().as_deref(), Some("thr한"));
        assert_eq!(Lines::default().last(), None);
    }

    #[test]
    fn a_line_without_an_end_is_cut() {
        let mut lines = Lines::default();
        assert_eq!(lines.push(&vec![b'x'; LINE - 1]), [""; 0]);
        assert_eq!(lines.push(&[b'y'; 100]), [""; 0]);
        let line = lines.push(b"z\nnext\n");
        assert!(line[0].ends_with("xy… (100 bytes left out)"), "{}", &line[0][LINE - 5..]);
        assert_eq!(line[1], "next");
    }
}
