//! How the processes of an exploration find each other.
//!
//! ```text
//!   process i ── Hello: who I am, what I explore, where I listen ──> process 0     who explores something else is told
//!   process 0 ── Welcome: a word, and where all are ──> process i
//!   process i ── Peer: the word, who I am ──> process j < i
//! ```
//!
//! Nobody is authenticated, and nothing is secret: it is for a network whose machines trust each other. What a stranger
//! says is read with a bound on its length and its time, and then forgotten.

use super::link::{Frame, Kind, Links};
use crate::{explicit::saved, interrupt};
use std::{
    io::{ErrorKind, Write},
    net::{TcpListener, TcpStream, ToSocketAddrs},
    thread,
    time::{Duration, Instant},
};

/// What a connection begins with.
const MAGIC: u128 = u128::from_le_bytes(*b"fenceweave hosts");
/// The number of this protocol.
const PROTOCOL: u32 = 1;
/// Most processes.
pub const MOST_HOSTS: usize = 64;
/// Most bytes of what is said before all know each other.
const MOST_SAID: usize = 128 << 10;
/// How long somebody may take to say it.
const PATIENCE: Duration = Duration::from_secs(10);
/// The time between two looks whether somebody has come.
const LOOK: Duration = Duration::from_millis(20);

/// Who takes part in an exploration by several processes.
pub struct Hosts<'h> {
    /// Where each of them listens, as `HOST:PORT`, the first one first.
    pub addresses: Vec<String>,
    /// Which of them this is.
    pub me: usize,
    /// How long the others are waited for.
    pub patience: Duration,
    /// Bytes that nobody else knows, to tell this exploration's processes from others'.
    pub word: [u8; 16],
    /// What is explored, and how.
    pub what: Vec<u8>,
    /// Says what differs in what another process explores.
    pub differs: &'h dyn Fn(&[u8]) -> Result<(), String>,
    /// Why somebody will not come, if that is known.
    pub missing: &'h dyn Fn() -> Option<String>,
}

impl Hosts<'_> {
    /// Meets all others.
    pub(super) fn meet(&self, listener: TcpListener) -> Result<Links, String> {
        let until = Instant::now() + self.patience;
        let cannot = |e: std::io::Error| format!("{}: {e}", self.addresses[self.me]);
        listener.set_nonblocking(true).map_err(cannot)?;
        let (names, streams) = match self.me {
            0 => self.gather(&listener, until)?,
            _ => self.join(&listener, until)?,
        };
        Links::new(self.me, names, streams).map_err(cannot)
    }

    /// The first process: waits for all others.
    fn gather(&self, listener: &TcpListener, until: Instant) -> Result<Met, String> {
        let mut names = self.addresses.clone();
        let mut streams: Vec<Option<TcpStream>> = names.iter().map(|_| None).collect();
        while let Some(missing) = (1..names.len()).find(|at| streams[*at].is_none()) {
            let late = || format!("process {missing} ({}) has not come {}", names[missing], self.within());
            let mut stream = self.accept(listener, until, &late)?;
            let Some((me, listens)) = self.hello(&mut stream, names.len(), &streams)? else { continue };
            names[me] = listens;
            streams[me] = Some(stream);
        }
        let all = named(&names);
        let welcome = said(|to| {
            to.put(&u128::from_le_bytes(self.word))?;
            to.put(&all)
        })?;
        for (at, stream) in streams.iter_mut().enumerate() {
            if let Some(stream) = stream {
                let told = say(stream, Kind::Welcome, welcome.clone());
                told.map_err(|e| format!("process {at} ({}) cannot be told anything: {e}", names[at]))?;
            }
        }
        Ok((names, streams))
    }

    /// Who has come and where he listens; `None` if it is somebody else.
    fn hello(
        &self,
        stream: &mut TcpStream,
        all: usize,
        known: &[Option<TcpStream>],
    ) -> Result<Option<(usize, String)>, String> {
        let Some(frame) = listen(stream, Kind::Hello) else { return Ok(None) };
        let Ok((me, count, listens, what)) = read(&frame.bytes, |from| {
            let (magic, (protocol, me)): (u128, (u32, u32)) = from.get()?;
            saved::ensure(magic == MAGIC && protocol == PROTOCOL, "its head")?;
            let (count, listens): (u32, Vec<u8>) = from.get()?;
            Ok((me as usize, count as usize, listens, from.get::<Vec<u8>>()?))
        }) else {
            return Ok(None);
        };
        let name = || format!("process {me} ({})", stream.peer_addr().map_or("?".into(), |a| a.to_string()));
        let bad = match known.get(me) {
            _ if count != all => Some(format!("{} knows of {count} processes, and process 0 of {all}", name())),
            Some(None) if me > 0 => (self.differs)(&what).err().map(|why| format!("{} {why}", name())),
            Some(_) => Some(format!("{} is there already: each has a number of its own (`--process`)", name())),
            None => Some(format!("{} is behind the last one, which is {}", name(), all - 1)),
        };
        match bad {
            Some(why) => {
                // Who does not listen any more need not know.
                let _ = say(stream, Kind::Refused, why.clone().into_bytes());
                Err(why)
            }
            None => Ok(Some((me, shown(&listens)))),
        }
    }

    /// Any other process: tells the first one, which tells where the others are.
    fn join(&self, listener: &TcpListener, until: Instant) -> Result<Met, String> {
        let port = listener.local_addr().map_err(|e| format!("{}: {e}", self.addresses[self.me]))?.port();
        let host = self.addresses[self.me].rsplit_once(':').map_or("", |(host, _)| host);
        let listens = format!("{host}:{port}").into_bytes();
        let hello = said(|to| {
            to.put(&(MAGIC, (PROTOCOL, self.me as u32)))?;
            to.put(&(self.addresses.len() as u32, listens))?;
            to.put(&self.what)
        })?;
        let first = format!("process 0 ({})", self.addresses[0]);
        let mut stream = self.connect(&self.addresses[0], until).map_err(|why| format!("{first} {why}"))?;
        say(&mut stream, Kind::Hello, hello).map_err(|e| format!("{first} cannot be told anything: {e}"))?;
        self.wait(&stream, until + PATIENCE).map_err(|why| format!("{first} {why}"))?;
        let heard = Frame::read(&mut stream, MOST_SAID).map_err(|why| format!("{first} {why}"))?;
        if heard.kind == Kind::Refused {
            return Err(shown(&heard.bytes));
        }
        let (word, names): (u128, Vec<Vec<u8>>) = read(&heard.bytes, |from| from.get())?;
        let names: Vec<String> = names.iter().map(|name| shown(name)).collect();
        if heard.kind != Kind::Welcome || names.len() != self.addresses.len() {
            return Err(format!("{first} says what nobody knows"));
        }
        let mut streams: Vec<Option<TcpStream>> = names.iter().map(|_| None).collect();
        streams[0] = Some(stream);
        for at in 1..self.me {
            let lost = |why: String| format!("process {at} ({}) {why}", names[at]);
            let mut stream = self.connect(&names[at], until).map_err(lost)?;
            let peer = said(|to| to.put(&(word, self.me as u32)))?;
            say(&mut stream, Kind::Peer, peer).map_err(|e| lost(format!("cannot be told anything: {e}")))?;
            streams[at] = Some(stream);
        }
        while let Some(missing) = (self.me + 1..names.len()).find(|at| streams[*at].is_none()) {
            let late = || format!("process {missing} ({}) has not come {}", names[missing], self.within());
            let mut stream = self.accept(listener, until, &late)?;
            let Some(frame) = listen(&mut stream, Kind::Peer) else { continue };
            let Ok((theirs, at)) = read(&frame.bytes, |from| from.get::<(u128, u32)>()) else { continue };
            if theirs == word && at as usize > self.me && streams.get(at as usize).is_some_and(Option::is_none) {
                streams[at as usize] = Some(stream);
            }
        }
        Ok((names, streams))
    }

    /// Waits until something is said.
    fn wait(&self, stream: &TcpStream, until: Instant) -> Result<(), String> {
        let look = |stream: &TcpStream| {
            stream.set_read_timeout(Some(5 * LOOK))?;
            stream.peek(&mut [0])
        };
        loop {
            match look(stream) {
                Ok(_) => return stream.set_read_timeout(Some(PATIENCE)).map_err(|e| e.to_string()),
                Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted) => {}
                Err(e) => return Err(e.to_string()),
            }
            if interrupt::requested() {
                return Err(format!("has said nothing yet: {}", interrupt::INTERRUPTED));
            }
            if Instant::now() >= until {
                return Err(format!("has said nothing {}", self.within()));
            }
        }
    }

    fn within(&self) -> String {
        format!("within {} s", self.patience.as_secs())
    }

    /// Somebody who comes.
    fn accept(&self, listener: &TcpListener, until: Instant, late: &dyn Fn() -> String) -> Result<TcpStream, String> {
        loop {
            match listener.accept() {
                Ok((stream, _)) => return Ok(stream),
                Err(e) if e.kind() == ErrorKind::WouldBlock => {}
                // Somebody who has gone already is nobody.
                Err(e) if matches!(e.kind(), ErrorKind::ConnectionAborted | ErrorKind::Interrupted) => {}
                Err(e) => return Err(format!("{}: {e}", self.addresses[self.me])),
            }
            if let Some(why) = (self.missing)() {
                return Err(why);
            }
            if interrupt::requested() {
                return Err(interrupt::INTERRUPTED.into());
            }
            if Instant::now() >= until {
                return Err(late());
            }
            thread::sleep(LOOK);
        }
    }

    /// A line to somebody who may not listen yet.
    fn connect(&self, address: &str, until: Instant) -> Result<TcpStream, String> {
        loop {
            let failed = match address.to_socket_addrs().map(|mut all| all.next()) {
                Ok(Some(at)) => match TcpStream::connect_timeout(&at, PATIENCE) {
                    Ok(stream) => return Ok(stream),
                    Err(e) => e.to_string(),
                },
                Ok(None) => "it has no address".into(),
                Err(e) => e.to_string(),
            };
            if interrupt::requested() {
                return Err(format!("was not there yet: {}", interrupt::INTERRUPTED));
            }
            if Instant::now() >= until {
                return Err(format!("cannot be reached {}: {failed}", self.within()));
            }
            thread::sleep(5 * LOOK);
        }
    }
}

/// Addresses, and lines to all others.
type Met = (Vec<String>, Vec<Option<TcpStream>>);

/// Listens where the process is to listen.
pub(super) fn bound(address: &str) -> Result<TcpListener, String> {
    TcpListener::bind(address).map_err(|e| match e.kind() {
        ErrorKind::AddrInUse => format!("{address} is taken by another process: give it another port"),
        ErrorKind::AddrNotAvailable => format!("{address} is no address of this machine"),
        _ => format!("{address}: {e}"),
    })
}

fn named(names: &[String]) -> Vec<Vec<u8>> {
    names.iter().map(|name| name.clone().into_bytes()).collect()
}

/// Text of others: one line, no longer than it need be, and nothing in it that moves a terminal.
pub(super) fn shown(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    text.chars().take(500).map(|c| if c.is_control() { '?' } else { c }).collect()
}

/// Bytes with their sum.
pub(super) fn said(write: impl FnOnce(&mut saved::Writer<'_>) -> std::io::Result<()>) -> Result<Vec<u8>, String> {
    let mut bytes = vec![];
    let mut to = saved::Writer::new(&mut bytes);
    write(&mut to).and_then(|()| to.end()).map_err(|e| e.to_string())?;
    Ok(bytes)
}

/// Reads them all.
pub(super) fn read<T>(
    mut bytes: &[u8],
    read: impl FnOnce(&mut saved::Reader<'_>) -> Result<T, saved::Bad>,
) -> Result<T, saved::Bad> {
    let length = bytes.len() as u64;
    let mut from = saved::Reader::new(&mut bytes, length, length)?;
    let value = read(&mut from)?;
    from.end()?;
    Ok(value)
}

fn say(stream: &mut TcpStream, kind: Kind, bytes: Vec<u8>) -> std::io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Frame { kind, search: 0, bytes }.write(stream)?;
    stream.flush()
}

/// What somebody says first, if it is that.
fn listen(stream: &mut TcpStream, kind: Kind) -> Option<Frame> {
    stream.set_nonblocking(false).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    Frame::read(stream, MOST_SAID).ok().filter(|frame| frame.kind == kind)
}
