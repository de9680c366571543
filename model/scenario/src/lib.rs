//! Scenario files: from text to what the engines run.

mod expr;
mod fmt;
mod report;
mod syntax;

#[cfg(test)]
mod malformed;

pub use fmt::format;
pub use report::{Mistake, Place, Report, Span};
