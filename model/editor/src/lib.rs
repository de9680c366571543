//! A language server for scenario files: what `fenceweave lsp` speaks with an editor, over any pair of streams.
//!
//! | room | what it answers |
//! |---|---|
//! | `wire` | messages on a stream, how large one may be |
//! | `server` | who may ask what and when; what was taken back |
//! | `documents` | the texts that are open, places in UTF-16 |
//! | `names` | what a text declares, and where |
//! | `shelf` | the same of the libraries that a text uses |
//! | `cursor` | what stands at a place, and in what |
//! | `hover`, `complete`, `define`, `symbols`, `lens` | one question of an editor each |
//! | `diagnose` | mistakes, told while somebody types |
//! | `moved` | where those go that are known, until somebody has read the new text |
//! | `cases` | cases that are being checked, and what came of them |
//! | `keywords` | the words of the language, for grammars of editors |
//!
//! # What must not
//!
//! Nothing here explores: who runs a case is a [`Checker`]. No text and no message ends the server.

mod cases;
mod complete;
mod cursor;
mod define;
mod desk;
mod diagnose;
mod documents;
mod hover;
pub mod keywords;
mod lens;
mod moved;
mod names;
mod server;
mod shelf;
mod symbols;
mod uri;
mod wire;

pub use cases::{Asked, Checker, Grade, Told};
pub use server::{Ended, Settings, serve};
