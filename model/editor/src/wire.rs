//! Messages of JSON-RPC on a stream, each behind a header with its length.

use serde_json::Value;
use std::io::{self, BufRead, Read, Write};

/// The largest message that is read: a text of 256 KiB, however it is escaped, and much more.
pub(crate) const MESSAGE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// The longest header.
const HEADER_BYTES_MAX: u64 = 8 * 1024;

/// What came of reading one message.
#[derive(Debug)]
pub(crate) enum Received {
    /// A message.
    Message(Value),
    /// One that is no JSON, or too large; the next one can be read.
    Unread(String),
    /// The other side is gone, or speaks something else.
    End,
}

/// Reads one message.
pub(crate) fn receive(from: &mut impl BufRead) -> Received {
    let length = match header(from) {
        Ok(Some(length)) => length,
        Ok(None) | Err(_) => return Received::End,
    };
    if length > MESSAGE_BYTES_MAX {
        return match io::copy(&mut from.take(length), &mut io::sink()) {
            Ok(skipped) if skipped == length => {
                Received::Unread(format!("a message of {length} bytes; at most {MESSAGE_BYTES_MAX} are read"))
            }
            _ => Received::End,
        };
    }
    let mut bytes = vec![];
    match from.take(length).read_to_end(&mut bytes) {
        Ok(read) if read as u64 == length => match serde_json::from_slice(&bytes) {
            Ok(message) => Received::Message(message),
            Err(e) => Received::Unread(format!("no JSON: {e}")),
        },
        _ => Received::End,
    }
}

/// The length that the header says; `None` at the end of the stream, and where the header says none.
fn header(from: &mut impl BufRead) -> io::Result<Option<u64>> {
    let mut from = from.take(HEADER_BYTES_MAX);
    let mut length = None;
    loop {
        let mut line = vec![];
        from.read_until(b'\n', &mut line)?;
        if !line.ends_with(b"\n") {
            return Ok(None);
        }
        let line = String::from_utf8_lossy(&line);
        let line = line.trim_end();
        if line.is_empty() {
            return Ok(length);
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().ok();
        }
    }
}

/// Writes one message.
///
/// # Errors
///
/// If the other side is gone.
pub(crate) fn send(to: &mut impl Write, message: &Value) -> io::Result<()> {
    let text = message.to_string();
    write!(to, "Content-Length: {}\r\n\r\n{text}", text.len())?;
    to.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_sent_is_received() {
        let mut stream = vec![];
        send(&mut stream, &json!({"é": 1})).expect("a vector takes everything");
        let mut from = &stream[..];
        assert!(matches!(receive(&mut from), Received::Message(m) if m == json!({"é": 1})));
        assert!(matches!(receive(&mut from), Received::End));
    }

    #[test]
    fn a_message_that_is_none_does_not_hide_the_next_one() {
        let mut from = &b"Content-Length: 3\r\n\r\n{{{content-length:2\r\nContent-Type: x\r\n\r\n{}"[..];
        assert!(matches!(receive(&mut from), Received::Unread(why) if why.starts_with("no JSON")));
        assert!(matches!(receive(&mut from), Received::Message(_)));
    }

    #[test]
    fn a_message_that_is_too_large_is_skipped_and_not_kept() {
        let length = MESSAGE_BYTES_MAX + 1;
        let large = format!("Content-Length: {length}\r\n\r\n");
        let mut from = io::BufReader::new(
            large.as_bytes().chain(io::repeat(b' ').take(length)).chain(&b"Content-Length: 2\r\n\r\n{}"[..]),
        );
        assert!(matches!(receive(&mut from), Received::Unread(why) if why.contains("at most")));
        assert!(matches!(receive(&mut from), Received::Message(_)));
    }

    #[test]
    fn a_header_without_a_length_and_one_without_an_end_end_it() {
        assert!(matches!(receive(&mut &b"Host: x\r\n\r\n{}"[..]), Received::End));
        let endless = "x".repeat(HEADER_BYTES_MAX as usize + 10);
        assert!(matches!(receive(&mut endless.as_bytes()), Received::End));
    }
}
