//! explicit
