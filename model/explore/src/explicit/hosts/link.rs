//! Lines to the other processes: frames over TCP, each read and written by a thread of its own.
//!
//! ```text
//!   kind   search   length   bytes          a frame; none is longer than `MOST`
//! ```
//!
//! Who has nothing to say says so every second. So a process that is gone is noticed at once (its system closes its
//! lines), and one that hangs, or whose machine is gone, after [`SILENCE`]. Who reads hands on a few frames at most:
//! somebody who talks without end has to wait.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, TcpStream},
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, TrySendError, channel, sync_channel},
    thread,
    time::Duration,
};

/// Most bytes of a frame.
pub(super) const MOST: usize = 256 << 20;
/// Bytes that are read at once: room is made for what has come, and not for what a length promises.
const BLOCK: u64 = 1 << 20;
/// How often a process that has nothing to say says so.
const BEAT: Duration = Duration::from_secs(1);
/// After how long one that says nothing is lost.
pub(super) const SILENCE: Duration = Duration::from_secs(15);
/// Frames of one process that wait to be looked at, at most.
const WAITING: usize = 16;

/// What a frame is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// The sender is there.
    Beat,
    /// To the first process: who somebody is, and what he explores.
    Hello,
    /// From it: where the others are.
    Welcome,
    /// From it: why somebody may not join in, or why all is over.
    Refused,
    /// Between two others: who somebody is.
    Peer,
    /// A search begins.
    Begin,
    /// States that their owner is to know.
    Seed,
    /// States that are to be expanded.
    Round,
    /// Successors, for their owner.
    Met,
    /// Which steps a round had, and what was seen.
    Report,
    /// Where they lead to.
    Answers,
    /// The numbers of what was new.
    Named,
    /// What somebody has is to be told.
    Gather,
    /// It.
    States,
    /// To the first process: somebody else is lost.
    Broken,
    /// All is done.
    End,
}

impl Kind {
    const ALL: [Kind; 16] = [
        Kind::Beat,
        Kind::Hello,
        Kind::Welcome,
        Kind::Refused,
        Kind::Peer,
        Kind::Begin,
        Kind::Seed,
        Kind::Round,
        Kind::Met,
        Kind::Report,
        Kind::Answers,
        Kind::Named,
        Kind::Gather,
        Kind::States,
        Kind::Broken,
        Kind::End,
    ];
}

/// What is said at once.
pub(super) struct Frame {
    pub(super) kind: Kind,
    /// Which search it is about: one that was begun again has another number.
    pub(super) search: u32,
    pub(super) bytes: Vec<u8>,
}

impl Frame {
    /// Reads one of at most so many bytes.
    pub(super) fn read(from: &mut impl Read, most: usize) -> Result<Frame, String> {
        let mut head = [0; 9];
        from.read_exact(&mut head).map_err(|e| ended(&e))?;
        let number = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let (search, length) = (number(1), number(5) as usize);
        let Some(kind) = Kind::ALL.get(usize::from(head[0])).copied() else {
            return Err("says what nobody knows".into());
        };
        if length > most {
            return Err(format!("says more at once than {most} bytes"));
        }
        let mut bytes = vec![];
        while bytes.len() < length {
            let part = BLOCK.min((length - bytes.len()) as u64);
            let read = from.by_ref().take(part).read_to_end(&mut bytes).map_err(|e| ended(&e))?;
            if read == 0 {
                return Err(ended(&io::ErrorKind::UnexpectedEof.into()));
            }
        }
        Ok(Frame { kind, search, bytes })
    }

    pub(super) fn write(&self, to: &mut impl Write) -> io::Result<()> {
        let kind = Kind::ALL.iter().position(|kind| *kind == self.kind).unwrap_or_default() as u8;
        to.write_all(&[kind])?;
        to.write_all(&self.search.to_le_bytes())?;
        to.write_all(&(self.bytes.len() as u32).to_le_bytes())?;
        to.write_all(&self.bytes)
    }
}

/// In words what an error of a line means.
fn ended(e: &io::Error) -> String {
    match e.kind() {
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
            "has ended, or was ended".into()
        }
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
            format!("has said nothing for {} s", SILENCE.as_secs())
        }
        _ => format!("cannot be heard: {e}"),
    }
}

/// What comes over some line: a frame, or why there will be none any more.
pub(super) type Heard = (usize, Result<Frame, String>);

/// The lines of a process to all others.
pub(super) struct Links {
    /// Which process this is.
    pub(super) me: usize,
    /// The addresses of all.
    pub(super) names: Vec<String>,
    out: Vec<Option<Sender<Frame>>>,
    heard: Receiver<Heard>,
    writers: Vec<thread::JoinHandle<()>>,
}

impl Links {
    /// Over these streams, none of which is to itself.
    pub(super) fn new(me: usize, names: Vec<String>, streams: Vec<Option<TcpStream>>) -> io::Result<Links> {
        let (tell, heard) = sync_channel(WAITING * names.len());
        let (mut out, mut writers) = (vec![], vec![]);
        for (at, stream) in streams.into_iter().enumerate() {
            let Some(stream) = stream else {
                out.push(None);
                continue;
            };
            stream.set_nonblocking(false)?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(SILENCE))?;
            stream.set_write_timeout(Some(4 * SILENCE))?;
            let (reading, tell) = (stream.try_clone()?, tell.clone());
            thread::Builder::new().name(format!("from {at}")).spawn(move || read_all(at, reading, &tell))?;
            let (to, frames) = channel();
            let writer = thread::Builder::new().name(format!("to {at}")).spawn(move || write_all(stream, &frames))?;
            writers.push(writer);
            out.push(Some(to));
        }
        Ok(Links { me, names, out, heard, writers })
    }

    /// How many processes there are.
    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    /// A process as it is told of.
    pub(super) fn name(&self, at: usize) -> String {
        format!("process {at} ({})", self.names[at])
    }

    /// Says something to another one. That it is lost is heard.
    pub(super) fn send(&mut self, to: usize, frame: Frame) -> Result<(), String> {
        if frame.bytes.len() > MOST {
            return Err(format!("what process {to} is to be told takes more than {MOST} bytes"));
        }
        if let Some(Some(out)) = self.out.get(to) {
            // Who writes ends only if the line does, which is heard by who reads.
            let _ = out.send(frame);
        }
        Ok(())
    }

    /// What was heard, if something was.
    pub(super) fn try_hear(&mut self) -> Option<Heard> {
        self.heard.try_recv().ok()
    }

    /// What is heard next, if it is soon.
    pub(super) fn hear(&mut self, within: Duration) -> Option<Heard> {
        self.heard.recv_timeout(within).ok()
    }

    /// Says nothing any more; the result is who still writes what was said.
    pub(super) fn close(self) -> Vec<thread::JoinHandle<()>> {
        self.writers
    }
}

fn read_all(at: usize, stream: TcpStream, tell: &SyncSender<Heard>) {
    let mut from = io::BufReader::with_capacity(1 << 16, stream);
    loop {
        let frame = Frame::read(&mut from, MOST);
        let over = frame.is_err();
        if frame.as_ref().is_ok_and(|frame| frame.kind == Kind::Beat) {
            continue;
        }
        // Nobody listens any more: it is over.
        let told = match tell.try_send((at, frame)) {
            Err(TrySendError::Full(heard)) => tell.send(heard).is_ok(),
            Err(TrySendError::Disconnected(_)) => false,
            Ok(()) => true,
        };
        if over || !told {
            return;
        }
    }
}

fn write_all(stream: TcpStream, frames: &Receiver<Frame>) {
    let (mut to, mut how) = (io::BufWriter::with_capacity(1 << 16, &stream), Shutdown::Write);
    loop {
        let frame = match frames.recv_timeout(BEAT) {
            Ok(frame) => frame,
            Err(RecvTimeoutError::Timeout) => Frame { kind: Kind::Beat, search: 0, bytes: vec![] },
            Err(RecvTimeoutError::Disconnected) => break,
        };
        if frame.write(&mut to).and_then(|()| to.flush()).is_err() {
            // Who reads is to hear that the line is gone.
            how = Shutdown::Both;
            break;
        }
    }
    // If it is closed already, it is as it is to be.
    let _ = stream.shutdown(how);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_read_as_it_was_written_and_never_believed() {
        let mut bytes = vec![];
        let frame = Frame { kind: Kind::Met, search: 7, bytes: vec![1, 2, 3] };
        frame.write(&mut bytes).expect("a vector takes all");
        let read = Frame::read(&mut &bytes[..], 3).expect("it is whole");
        assert_eq!((read.kind, read.search, read.bytes), (Kind::Met, 7, vec![1, 2, 3]));
        let why = |bytes: &[u8], most| Frame::read(&mut &bytes[..], most).err().expect("it is none");
        assert_eq!(why(&bytes, 2), "says more at once than 2 bytes");
        (0..bytes.len()).for_each(|cut| assert_eq!(why(&bytes[..cut], 3), "has ended, or was ended"));
        bytes[0] = 99;
        assert_eq!(why(&bytes, 3), "says what nobody knows");
    }

    #[test]
    fn a_length_that_lies_takes_no_room() {
        let mut bytes = vec![8, 0, 0, 0, 0];
        bytes.extend_from_slice(&(MOST as u32).to_le_bytes());
        assert!(Frame::read(&mut &bytes[..], MOST).is_err());
    }
}
