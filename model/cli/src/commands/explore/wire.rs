//! Requests and responses of HTTP/1.1, one of each on a connection.
//!
//! Of what comes nothing is read without a bound: the head, how many lines it has, the body, and the time that all of
//! it may take.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, TcpStream},
    time::{Duration, Instant},
};

/// The longest head: the line of the request, and all headers.
const HEAD_BYTES_MAX: usize = 16 * 1024;
/// Most headers.
const HEADERS_MAX: usize = 64;
/// The largest body.
const BODY_BYTES_MAX: usize = 64 * 1024;
/// How long a request may take to come, and a response to be taken.
const PATIENCE: Duration = Duration::from_secs(10);
/// How much is still read of a request that was refused, so that the refusal comes through.
const DRAINED_BYTES_MAX: u64 = 1024 * 1024;
/// How long that may take.
const DRAINED_IN: Duration = Duration::from_millis(500);

/// What somebody asks for.
#[derive(Debug)]
pub(super) struct Request {
    /// `GET`, `POST`, or another.
    pub(super) method: String,
    /// The path, and what stands behind it.
    pub(super) target: String,
    /// Names in small letters, with values.
    pub(super) headers: Vec<(String, String)>,
    /// The body.
    pub(super) body: Vec<u8>,
}

impl Request {
    /// Every value of a header.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(move |(is, _)| is == name).map(|(_, value)| &**value)
    }

    /// The value of a header that is there once.
    pub(super) fn only<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        let mut all = self.all(name);
        let first = all.next()?;
        all.next().is_none().then_some(first)
    }
}

/// What is answered.
#[derive(Debug)]
pub(super) struct Response {
    /// Its number.
    pub(super) status: u16,
    kind: &'static str,
    allow: Option<&'static str>,
    body: String,
}

impl Response {
    /// A page.
    pub(super) fn page(body: String) -> Response {
        Response { status: 200, kind: "text/html; charset=utf-8", allow: None, body }
    }

    /// JSON.
    pub(super) fn json(status: u16, body: String) -> Response {
        Response { status, kind: "application/json", allow: None, body }
    }

    /// Why there is no answer.
    pub(super) fn refusal(status: u16, why: &str) -> Response {
        Response::json(status, serde_json::json!({ "error": why }).to_string())
    }

    /// The method that there is instead.
    pub(super) fn allowing(self, method: &'static str) -> Response {
        Response { allow: Some(method), ..self }
    }

    fn head(&self) -> String {
        let allow = self.allow.map_or(String::new(), |method| format!("Allow: {method}\r\n"));
        format!(
            "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\n{allow}Connection: close\r\n\
             Cache-Control: no-store\r\nReferrer-Policy: no-referrer\r\nX-Content-Type-Options: nosniff\r\n\
             X-Frame-Options: DENY\r\nCross-Origin-Resource-Policy: same-origin\r\n\r\n",
            self.status,
            reason(self.status),
            self.kind,
            self.body.len()
        )
    }
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        411 => "Length Required",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        422 => "Unprocessable Content",
        431 => "Request Header Fields Too Large",
        503 => "Service Unavailable",
        _ => "Not Implemented",
    }
}

/// A stream until a moment.
struct Timed<'a> {
    stream: &'a TcpStream,
    until: Instant,
}

impl Read for Timed<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.stream.set_read_timeout(Some(left))?;
        let mut stream = self.stream;
        stream.read(into)
    }
}

/// Reads a request.
pub(super) fn receive(stream: &TcpStream) -> Result<Request, Response> {
    read(&mut Timed { stream, until: Instant::now() + PATIENCE })
}

fn read(from: &mut impl Read) -> Result<Request, Response> {
    let mut bytes = vec![];
    let (mut request, length) = loop {
        if let Some(found) = head(&bytes)? {
            break found;
        }
        if bytes.len() >= HEAD_BYTES_MAX {
            return Err(Response::refusal(431, &format!("the head of a request has {HEAD_BYTES_MAX} bytes at most")));
        }
        more(from, &mut bytes, HEAD_BYTES_MAX)?;
    };
    bytes.drain(..length);
    let length = body_length(&request)?;
    while bytes.len() < length {
        more(from, &mut bytes, length)?;
    }
    bytes.truncate(length);
    request.body = bytes;
    Ok(request)
}

/// Reads what there is, up to so much of all.
fn more(from: &mut impl Read, bytes: &mut Vec<u8>, most: usize) -> Result<(), Response> {
    let mut some = [0; 4096];
    let room = some.len().min(most - bytes.len());
    match from.read(&mut some[..room]) {
        Ok(0) => Err(Response::refusal(400, "the request ends too early")),
        Ok(read) => {
            bytes.extend_from_slice(&some[..read]);
            Ok(())
        }
        Err(e) if e.kind() == io::ErrorKind::Interrupted => Ok(()),
        Err(_) => Err(Response::refusal(408, "the request takes too long")),
    }
}

/// A request without its body, and how long its head is, if all of that is there.
fn head(bytes: &[u8]) -> Result<Option<(Request, usize)>, Response> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut parsed = httparse::Request::new(&mut headers);
    let length = match parsed.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => {
            return Err(Response::refusal(431, &format!("a request has {HEADERS_MAX} headers at most")));
        }
        Err(e) => return Err(Response::refusal(400, &format!("this is no request: {e}"))),
    };
    let text = |value: &[u8]| String::from_utf8(value.to_vec()).ok();
    let headers = parsed.headers.iter().map(|h| Some((h.name.to_ascii_lowercase(), text(h.value)?)));
    let headers: Option<Vec<_>> = headers.collect();
    let headers = headers.ok_or_else(|| Response::refusal(400, "a header is no text"))?;
    let (method, target) = (parsed.method.unwrap_or_default().to_owned(), parsed.path.unwrap_or_default().to_owned());
    Ok(Some((Request { method, target, headers, body: vec![] }, length)))
}

/// How long the body is. Where two headers might say different things, nothing is believed.
fn body_length(request: &Request) -> Result<usize, Response> {
    if request.all("transfer-encoding").next().is_some() {
        return Err(Response::refusal(501, "a body in chunks is not read: say its length"));
    }
    if request.all("content-length").next().is_none() {
        return match &*request.method {
            "POST" => Err(Response::refusal(411, "a question says how long it is")),
            _ => Ok(0),
        };
    }
    let said = request.only("content-length").filter(|said| said.bytes().all(|b| b.is_ascii_digit()));
    let Some(said) = said.filter(|said| !said.is_empty()) else {
        return Err(Response::refusal(400, "the length of the body is no number"));
    };
    match said.parse() {
        Ok(length) if length <= BODY_BYTES_MAX => Ok(length),
        _ => Err(Response::refusal(413, &format!("a question has {BODY_BYTES_MAX} bytes at most"))),
    }
}

/// Sends a response, and is done with the connection. Who does not take it has lost it.
pub(super) fn send(stream: &TcpStream, response: &Response) {
    let mut to = stream;
    let sent = stream
        .set_write_timeout(Some(PATIENCE))
        .and_then(|()| to.write_all(response.head().as_bytes()))
        .and_then(|()| to.write_all(response.body.as_bytes()))
        .and_then(|()| stream.shutdown(Shutdown::Write));
    if sent.is_ok() && response.status != 200 {
        // Closed with something unread, the connection would be reset, and the refusal with it.
        let rest = Timed { stream, until: Instant::now() + DRAINED_IN };
        let _ = io::copy(&mut rest.take(DRAINED_BYTES_MAX), &mut io::sink());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes in pieces.
    struct Pieces<'a>(&'a [u8], usize);

    impl Read for Pieces<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let taken = self.1.min(self.0.len()).min(into.len());
            let (now, later) = self.0.split_at(taken);
            into[..taken].copy_from_slice(now);
            self.0 = later;
            Ok(taken)
        }
    }

    fn status(text: &str) -> u16 {
        read(&mut Pieces(text.as_bytes(), 1000)).map_err(|refused| refused.status).expect_err("it is refused")
    }

    #[test]
    fn a_request_is_the_same_in_whatever_pieces_it_comes() {
        let text = b"POST /w/look HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello, and more";
        for piece in [1, 3, 7, 1000] {
            let request = read(&mut Pieces(text, piece)).expect("a request");
            assert_eq!((&*request.method, &*request.target, &*request.body), ("POST", "/w/look", &b"hello"[..]));
            assert_eq!(request.only("host"), Some("a"));
        }
    }

    #[test]
    fn what_is_too_large_is_refused_and_not_read() {
        assert_eq!(status(&format!("GET /{} HTTP/1.1\r\n", "x".repeat(2 * HEAD_BYTES_MAX))), 431);
        assert_eq!(status(&format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(HEADERS_MAX + 1))), 431);
        assert_eq!(status("POST / HTTP/1.1\r\nContent-Length: 70000\r\n\r\n"), 413);
        assert_eq!(status("POST / HTTP/1.1\r\nContent-Length: 99999999999999999999999999\r\n\r\n"), 413);
    }

    #[test]
    fn what_is_no_request_is_refused() {
        assert_eq!(status("hello\r\n\r\n"), 400);
        assert_eq!(status("GET / HTTP/1.1\r\nHost: a\r\n"), 400);
        assert_eq!(status("POST / HTTP/1.1\r\n\r\n"), 411);
        assert_eq!(status("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 501);
        for said in ["-1", "+5", "", "5, 5", "0x5"] {
            assert_eq!(status(&format!("POST / HTTP/1.1\r\nContent-Length: {said}\r\n\r\n")), 400, "{said}");
        }
        assert_eq!(status("POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello"), 400);
        assert_eq!(status("POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhell"), 400);
    }
}
