//! Panics as values: loom's, and those of a search that goes on from a file.
//!
//! Loom reports what it finds, and its own limits, by panicking. Such a panic is no crash of ours: it is caught around
//! the whole exploration and its message kept from the terminal. A panic of anybody else goes on as it was.
//!
//! What stands in a file is held against what can be known of it (`explicit/search/believed.rs`). Beyond that somebody
//! may have made up states that no execution comes to, and a protocol's step may rely on anything that is true of those
//! that are. There a panic is a reason not to believe the file.

use std::{
    any::Any,
    cell::{Cell, RefCell},
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind, set_hook, take_hook},
    path::Path,
    sync::Once,
};

/// How an exploration ended early.
pub(crate) enum Stopped {
    /// By [`stop`].
    Asked,
    /// By loom, with its message.
    ByLoom(String),
}

/// The payload of [`stop`].
struct Stop;

/// Whose panics are kept from the terminal.
#[derive(Clone, Copy, PartialEq)]
enum Whose {
    Nobodys,
    Looms,
    Everybodys,
}

thread_local! {
    static WATCHING: Cell<Whose> = const { Cell::new(Whose::Nobodys) };
    static MESSAGE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Ends the exploration from inside; does not return.
pub(crate) fn stop() -> ! {
    // Not a panic to anybody's hook. Nothing of the execution exists yet when this is called.
    resume_unwind(Box::new(Stop))
}

/// Runs an exploration on this thread.
pub(crate) fn catch(explore: impl FnOnce()) -> Result<(), Stopped> {
    install_hook();
    let before = WATCHING.replace(Whose::Looms);
    let result = catch_unwind(AssertUnwindSafe(explore));
    WATCHING.set(before);
    let Err(payload) = result else { return Ok(()) };
    if payload.is::<Stop>() {
        return Err(Stopped::Asked);
    }
    match MESSAGE.take() {
        Some(message) => Err(Stopped::ByLoom(message)),
        None => resume_unwind(payload),
    }
}

/// Does something on this thread that may panic for a reason that is not ours; an error is the message.
pub(crate) fn catch_all<T>(what: impl FnOnce() -> T) -> Result<T, String> {
    install_hook();
    let before = WATCHING.replace(Whose::Everybodys);
    let result = catch_unwind(AssertUnwindSafe(what));
    WATCHING.set(before);
    // A worker's panic is told where it happens, and goes on here without a message of its own.
    result.map_err(|payload| MESSAGE.take().unwrap_or_else(|| text(&*payload)))
}

/// Adds a hook, once and for all, that passes everything on except what a watching thread asks for. Putting the old
/// hook back after each exploration would race with other threads that do the same.
fn install_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |info| {
            let is_kept = match WATCHING.get() {
                Whose::Nobodys => false,
                Whose::Looms => info.location().is_some_and(|at| is_in_loom(Path::new(at.file()))),
                Whose::Everybodys => true,
            };
            if is_kept {
                MESSAGE.set(Some(text(info.payload())));
            } else {
                before(info);
            }
        }));
    });
}

/// Whether a panic at that place is the crate's: its folder is called so, and so is ours, whose panics are our own.
fn is_in_loom(file: &Path) -> bool {
    let is_loom = |c: &str| c == "loom" || c.starts_with("loom-");
    let ours = Path::new(file!()).parent().is_some_and(|folder| file.starts_with(folder));
    !ours && file.iter().filter_map(|c| c.to_str()).any(is_loom)
}

fn text(payload: &(dyn Any + Send)) -> String {
    let fixed = payload.downcast_ref::<&str>().map(|s| (*s).to_string());
    fixed.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_panics_is_a_value_with_its_message() {
        assert_eq!(catch_all(|| 1), Ok(1));
        let number = std::hint::black_box(3);
        assert_eq!(catch_all(|| assert!(number < 3, "too many: {number}")), Err("too many: 3".to_owned()));
    }

    #[test]
    fn a_panic_of_the_engine_of_that_name_is_not_the_crates() {
        assert!(is_in_loom(Path::new("/registry/src/index/loom-0.7.2/src/rt/path.rs")));
        assert!(is_in_loom(Path::new("vendor/loom/src/rt/path.rs")));
        assert!(!is_in_loom(Path::new(file!())));
        assert!(!is_in_loom(&Path::new(file!()).with_file_name("runtime.rs")));
        assert!(!is_in_loom(Path::new("model/kernel/src/state.rs")));
    }
}
