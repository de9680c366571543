//! `fenceweave fmt`: scenario files in the one spacing that all have.

use super::{Exit, find, print};
use crate::args::FmtArgs;

pub(super) fn fmt(args: &FmtArgs) -> Exit {
    let files = match find(&args.paths) {
        Ok(files) => files,
        Err(e) => return e,
    };
    let mut exit = Exit::Success;
    for file in files {
        let name = file.display().to_string();
        let formatted = fenceweave_scenario::read(&file).and_then(|text| {
            let formatted = fenceweave_scenario::format(&name, &text)?;
            Ok((text, formatted))
        });
        match formatted {
            Err(report) => {
                eprint!("{}", report.plain());
                exit = exit.max(Exit::Usage);
            }
            Ok((text, formatted)) if text == formatted => {}
            Ok(_) if args.check => {
                print(&format!("{name} would change\n"));
                exit = exit.max(Exit::Unexpected);
            }
            Ok((_, formatted)) => {
                if let Err(e) = std::fs::write(&file, formatted) {
                    exit = exit.max(super::usage(&format!("{name}: {e}")));
                } else {
                    print(&format!("{name} changed\n"));
                }
            }
        }
    }
    exit
}
