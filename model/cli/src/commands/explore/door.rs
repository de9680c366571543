//! Who is answered: whoever knows the word of this run, and calls this machine by a name of its own.
//!
//! The word stands in the address, so no other page can guess where to ask, nor another user of the machine. The name
//! is looked at because any site may let its own name lead to 127.0.0.1 (DNS rebinding): then the browser would take us
//! for that site, and let it read what we answer.

use super::wire::{Request, Response};
use std::fmt::Write as _;

/// Bytes of the word.
const WORD_BYTES: usize = 16;

/// What is looked at of a request before it is answered.
pub(super) struct Door {
    port: u16,
    word: String,
}

/// What somebody may have.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Wanted {
    /// The page.
    Page,
    /// What follows: a question in JSON.
    Look(Vec<u8>),
}

impl Door {
    /// One with a word that nobody knows yet.
    pub(super) fn new(port: u16) -> Result<Door, String> {
        let mut bytes = [0; WORD_BYTES];
        getrandom::fill(&mut bytes).map_err(|e| format!("the system gives no random bytes: {e}"))?;
        let mut word = String::new();
        for byte in bytes {
            // Writing to a String cannot fail.
            let _ = write!(word, "{byte:02x}");
        }
        Ok(Door { port, word })
    }

    /// Where the page is.
    pub(super) fn address(&self) -> String {
        format!("http://127.0.0.1:{}/{}/", self.port, self.word)
    }

    /// What a request is for, if that may be had.
    pub(super) fn admit(&self, request: &Request) -> Result<Wanted, Response> {
        let refused = |status, why: &str| Err(Response::refusal(status, why));
        match request.only("host") {
            Some(host) if self.is_ours(host) => {}
            Some(_) => return refused(403, "this host is not known here: the address begins with http://127.0.0.1:"),
            None => return refused(400, "a request says once which host it is for"),
        }
        let mut origins = request.all("origin");
        if origins.any(|origin| !origin.strip_prefix("http://").is_some_and(|host| self.is_ours(host))) {
            return refused(403, "another page asks");
        }
        let path = request.target.split('?').next().unwrap_or_default();
        let (word, rest) = path.strip_prefix('/').and_then(|path| path.split_once('/')).unwrap_or_default();
        if !is_same(word, &self.word) {
            return refused(403, "the address lacks the word of this run: take it as `fenceweave explore` printed it");
        }
        match (rest, &*request.method) {
            ("", "GET") => Ok(Wanted::Page),
            ("look", "POST") => match request.only("content-type") {
                Some(kind) if kind.split(';').next().is_some_and(|kind| kind.trim() == "application/json") => {
                    Ok(Wanted::Look(request.body.clone()))
                }
                _ => refused(415, "a question is application/json"),
            },
            ("", _) => Err(Response::refusal(405, "the page is there to GET").allowing("GET")),
            ("look", _) => Err(Response::refusal(405, "a question is a POST").allowing("POST")),
            _ => refused(404, "there is nothing of that name"),
        }
    }

    /// Whether a host's name, with its port, is ours.
    fn is_ours(&self, host: &str) -> bool {
        let (name, port) = host.rsplit_once(':').unwrap_or((host, "80"));
        let is_loopback = name == "127.0.0.1" || name.eq_ignore_ascii_case("localhost");
        is_loopback && port == self.port.to_string()
    }
}

/// Whether both are the same, in a time that says nothing of where they differ.
fn is_same(one: &str, other: &str) -> bool {
    let differences = one.bytes().zip(other.bytes()).fold(0, |all, (a, b)| all | (a ^ b));
    one.len() == other.len() && differences == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: &str, target: &str, headers: &[(&str, &str)]) -> Request {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Request { method: method.into(), target: target.into(), headers, body: vec![] }
    }

    fn refused(answer: Result<Wanted, Response>) -> u16 {
        answer.map_err(|response| response.status).expect_err("it is refused")
    }

    #[test]
    fn every_run_has_a_word_of_its_own() {
        let (one, other) = (Door::new(1).expect("a door"), Door::new(1).expect("a door"));
        assert_ne!(one.word, other.word);
        assert_eq!(one.word.len(), 2 * WORD_BYTES);
    }

    #[test]
    fn who_comes_by_another_name_is_refused() {
        let door = Door::new(4000).expect("a door");
        let target = format!("/{}/", door.word);
        for host in ["127.0.0.1:4000", "localhost:4000", "LocalHost:4000"] {
            assert_eq!(door.admit(&request("GET", &target, &[("host", host)])).ok(), Some(Wanted::Page), "{host}");
        }
        for host in
            ["evil.example:4000", "127.0.0.1", "127.0.0.1:4001", "127.0.0.1.evil.example:4000", "", "[::1]:4000"]
        {
            assert_eq!(refused(door.admit(&request("GET", &target, &[("host", host)]))), 403, "{host}");
        }
        assert_eq!(refused(door.admit(&request("GET", &target, &[]))), 400);
        let twice = [("host", "127.0.0.1:4000"), ("host", "127.0.0.1:4000")];
        assert_eq!(refused(door.admit(&request("GET", &target, &twice))), 400);
    }

    #[test]
    fn who_does_not_know_the_word_is_refused() {
        let door = Door::new(4000).expect("a door");
        let word = &door.word;
        for target in
            ["/", "", "/look", "//look", &format!("/{word}"), &format!("/{}/", &word[1..]), &format!("/{word}0/")]
        {
            assert_eq!(refused(door.admit(&request("GET", target, &[("host", "127.0.0.1:4000")]))), 403, "{target}");
        }
    }

    #[test]
    fn a_question_is_a_post_of_json_by_the_page_itself() {
        let door = Door::new(4000).expect("a door");
        let (page, look) = (format!("/{}/", door.word), format!("/{}/look", door.word));
        let ours = [("host", "127.0.0.1:4000"), ("content-type", "application/json; charset=utf-8")];
        assert_eq!(door.admit(&request("POST", &look, &ours)).ok(), Some(Wanted::Look(vec![])));
        let from = |origin| [ours[0], ours[1], ("origin", origin)];
        assert!(door.admit(&request("POST", &look, &from("http://127.0.0.1:4000"))).is_ok());
        for origin in ["http://evil.example", "https://127.0.0.1:4000", "null"] {
            assert_eq!(refused(door.admit(&request("POST", &look, &from(origin)))), 403, "{origin}");
        }
        assert_eq!(refused(door.admit(&request("POST", &look, &ours[..1]))), 415);
        assert_eq!(refused(door.admit(&request("GET", &look, &ours))), 405);
        assert_eq!(refused(door.admit(&request("POST", &page, &ours))), 405);
        assert_eq!(refused(door.admit(&request("GET", &format!("{page}other"), &ours))), 404);
    }
}
