//! The options of `explore`.

use clap::Args;
use std::path::PathBuf;

/// Arguments of `explore`.
#[derive(Args, Debug)]
pub struct ExploreArgs {
    /// The scenario file; `::NAME` behind it takes that scenario or case alone.
    #[arg(value_name = "FILE[::CASE]")]
    pub file: PathBuf,
    /// Only scenarios or cases whose name contains this.
    #[arg(long, value_name = "TEXT", visible_alias = "only")]
    pub case: Option<String>,
    /// Of a scenario with inputs, the first tuple in which an input has this value, such as `n=3`.
    #[arg(long, value_name = "NAME=VALUE")]
    pub input: Vec<String>,
    /// Begin with the schedule of this token, as a trace printed it.
    #[arg(long, value_name = "TOKEN")]
    pub replay: Option<String>,
    /// The port on 127.0.0.1 where the page is [default: one that is free].
    #[arg(long, value_name = "N", default_value = "0", hide_default_value = true)]
    pub port: u16,
}
