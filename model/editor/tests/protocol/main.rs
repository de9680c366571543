//! What is said between an editor and the server, message by message, over a connection in memory: each test asks
//! something and knows the answer.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod beside;
mod cases;
mod complete;
mod define;
mod diagnostics;
mod editor;
mod hover;
mod lifecycle;
mod texts;
mod typing;
