//! `fenceweave explore`: a page on which one chooses every step by hand, and sees what follows.
//!
//! The page comes from this process, on the loopback alone. It keeps the way that was gone, and sends it whole with
//! every question, so nothing is kept here: a state is where a way leads. Whoever asks must know a word that is made
//! anew each time (`door.rs`), and nothing is read without a bound (`wire.rs`).

mod door;
mod ways;
mod wire;

use super::{Exit, load, replay::Meant, tell, usage};
use crate::{args::ExploreArgs, files::with_case};
use door::{Door, Wanted};
use fenceweave_explore::interrupt;
use fenceweave_scenario::Fixed;
use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};
use ways::Ways;
use wire::Response;

/// Most connections at once. A browser has a few, some of which say nothing.
const MOST_AT_ONCE: usize = 32;
/// How often somebody looks whether a signal has come.
const LOOK: Duration = Duration::from_millis(100);

pub(super) fn explore(args: &ExploreArgs) -> Exit {
    let (file, _) = with_case(&args.file);
    let loaded = match load(&file) {
        Ok(loaded) => loaded,
        Err(unread) => return unread.tell(),
    };
    let fixed = match Fixed::read(&args.input) {
        Ok(fixed) => fixed,
        Err(why) => return usage(&why),
    };
    let meant = Meant { said: &args.file, only: args.case.as_deref(), fixed: &fixed };
    let cases = meant.cases(&loaded, args.replay.as_deref());
    if cases.is_empty() {
        return usage(&meant.none());
    }
    let begins = args.replay.as_ref().map(|token| meant.which(&cases, token));
    let begins = match begins.transpose() {
        Ok(begins) => begins,
        Err(why) => return usage(&why),
    };
    let ways = Ways::of(&loaded, cases);
    let place = match begins.map(|(at, trace)| ways.place(at, &trace)).transpose() {
        Ok(place) => place.unwrap_or_default(),
        Err(why) => return usage(&why),
    };
    let listener = match TcpListener::bind((Ipv4Addr::LOCALHOST, args.port)) {
        Ok(listener) => listener,
        Err(e) => return usage(&format!("nothing can listen on port {} of 127.0.0.1: {e}", args.port)),
    };
    let door = listener.local_addr().map_err(|e| e.to_string()).and_then(|at| Ok((at, Door::new(at.port())?)));
    let (at, door) = match door {
        Ok(door) => door,
        Err(why) => return usage(&why),
    };
    tell(&format!("{}{place}\nCtrl-C ends it\n", door.address()));
    serve(&listener, at, &Arc::new((door, ways)));
    // That is how it ends: nobody interrupted a search whose result was waited for.
    interrupt::flag().store(false, Ordering::Relaxed);
    Exit::Success
}

/// Answers until a signal comes. Who is being answered then is not waited for.
fn serve(listener: &TcpListener, at: SocketAddr, served: &Arc<(Door, Ways)>) {
    // Nothing else brings `accept` back.
    thread::spawn(move || {
        while !interrupt::requested() {
            thread::sleep(LOOK);
        }
        TcpStream::connect(at)
    });
    let busy = Arc::new(AtomicUsize::new(0));
    for came in listener.incoming() {
        if interrupt::requested() {
            return;
        }
        let Ok(stream) = came else {
            // There are no descriptors left, or the like: some will be given back.
            thread::sleep(LOOK);
            continue;
        };
        if busy.fetch_add(1, Ordering::Relaxed) >= MOST_AT_ONCE {
            busy.fetch_sub(1, Ordering::Relaxed);
            wire::send(&stream, &Response::refusal(503, "too many ask at once"));
            continue;
        }
        let (served, busy) = (Arc::clone(served), Arc::clone(&busy));
        thread::spawn(move || {
            let (door, ways) = &*served;
            let answer = wire::receive(&stream).and_then(|request| door.admit(&request)).map(|wanted| match wanted {
                Wanted::Page => Response::page(ways.page()),
                Wanted::Look(question) => match ways.look(&question) {
                    Ok(told) => Response::json(200, told),
                    Err((status, why)) => Response::refusal(status, &why),
                },
            });
            match answer {
                Ok(response) | Err(response) => wire::send(&stream, &response),
            }
            busy.fetch_sub(1, Ordering::Relaxed);
        });
    }
}
