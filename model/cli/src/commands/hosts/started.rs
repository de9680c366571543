//! Processes of this machine that this one has started, with its own command line.

use std::{
    ffi::OsString,
    process::{Child, Command, Stdio},
    sync::{Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

/// How long a process may take to end, once it was told to.
const LAST: Duration = Duration::from_secs(5);

/// They, with their numbers.
#[derive(Default)]
pub(super) struct Started(Mutex<Vec<(usize, Child)>>);

/// Where so many processes of this machine listen, the first one here: the others where there is a free port.
pub(super) fn addresses(first: &str, all: usize) -> Vec<String> {
    let mut addresses = vec!["127.0.0.1:0".to_owned(); all];
    addresses[0] = first.to_owned();
    addresses
}

impl Started {
    /// Starts all but the first.
    pub(super) fn begin(addresses: &[String]) -> Result<Started, String> {
        let cannot = |e: std::io::Error| format!("no other process can be started: {e}");
        let program = std::env::current_exe().map_err(cannot)?;
        let all: Vec<OsString> = std::env::args_os().skip(1).collect();
        // What stands behind two dashes is no option.
        let (options, paths) = all.split_at(all.iter().position(|a| a == "--").unwrap_or(all.len()));
        let started = Started::default();
        for process in 1..addresses.len() {
            let mut command = Command::new(&program);
            command.args(options).args(["--join", &addresses[0], "--process", &process.to_string()]).args(paths);
            // What goes wrong is told by the first one.
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            let child = command.spawn().map_err(cannot)?;
            started.0.lock().unwrap_or_else(PoisonError::into_inner).push((process, child));
        }
        Ok(started)
    }

    /// Which of them is over, if one is.
    pub(super) fn missing(&self) -> Option<String> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let over = all.iter_mut().find_map(|(process, child)| Some((*process, child.try_wait().ok().flatten()?)));
        over.map(|(process, status)| format!("process {process} has ended before it was there ({status})"))
    }

    /// Waits until all are over. Who does not end by himself is ended.
    pub(super) fn end(&self) {
        let until = Instant::now() + LAST;
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (_, child) in all.iter_mut() {
            while matches!(child.try_wait(), Ok(None)) && Instant::now() < until {
                thread::sleep(Duration::from_millis(2));
            }
            // One that is over cannot be killed, and need not be.
            let _ = child.kill();
            let _ = child.wait();
        }
        all.clear();
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let all = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        for (_, child) in all {
            // One that is over cannot be killed, and need not be.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
