//! Libraries: what scenarios `use`. A library is a file, or a folder whose files see each other; the built-in ones are
//! the files of `model/library`.
//!
//! | room | what it answers |
//! |---|---|
//! | `built_in` | which libraries there are in the binary |
//! | `read` | the files that a scenario and its libraries use, read and parsed once; circles |
//! | `head` | what a library says of itself: where it comes from, what can be chosen |
//! | `chosen` | what a case has chosen; `only KEY=VALUE { … }` by that |
//! | `decls` | what stands at the top of a library's files, and who may name it |
//! | `apart` | names that several files have |
//! | `names` | which names a statement uses |
//! | `reach` | what a case reaches: that, and no more, is lowered |
//! | `one_file` | the same as a text of its own |
//! | `page` | what its users are told |
//! | `said` | what the text of one function tells them |
//! | `whose` | which library has a function that somebody calls without it |
//!
//! What is reached is handed to `lower` as statements in the place of the `use`, as if the author had written them
//! there; their places are in the library's files.

mod apart;
mod built_in;
mod chosen;
mod decls;
mod head;
mod names;
mod one_file;
mod page;
mod reach;
mod read;
mod said;
mod whose;

pub use built_in::find_libraries_in;
pub(crate) use decls::SECTIONS;
pub(crate) use decls::look_at;
pub use one_file::one_file;
pub use page::{libraries, library_files, library_page};
pub(crate) use reach::{Case, Gathered, gather};
pub(crate) use read::{Read, is_of_folder, read, read_replacing};
pub use read::{Replaced, place_of};
pub(crate) use whose::whose;
