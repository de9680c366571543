//! What is told of a word that begins no statement: what of the kernel's, or of another room of the language, is meant.

use crate::{
    kernel_names, library,
    lower::{Lower, SECTIONS, flow},
    mistakes::did_you_mean,
    ops,
    syntax::Node,
};

impl<'a> Lower<'a> {
    /// Tells a word that is no operation, with what is most likely meant.
    pub(super) fn tell_unknown_operation(&mut self, node: &Node) {
        let name = node.name.text.as_str();
        // The kernel's name with the language's dashes is the kernel's name.
        let kernel = name.replace('-', "_");
        let help = match ops::of_kernel_function(&kernel) {
            Some(op) => {
                let written = format!("`{kernel}()` is written `{}`", ops::synopsis(op));
                Some(library::whose(&kernel).map_or(written.clone(), |whose| format!("{written}; {whose}")))
            }
            None if crate::decls::named(name).is_some() => {
                Some("declarations stand in the scenario, outside of threads".to_owned())
            }
            None if SECTIONS.iter().any(|(section, ..)| *section == name) => {
                Some("it stands in the scenario, outside of threads: is a `}` missing above?".to_owned())
            }
            None if kernel_names::statement(&kernel).is_some() => kernel_names::statement(&kernel).map(str::to_owned),
            None => library::whose(&kernel).or_else(|| {
                let flow = flow::STATEMENTS.iter().map(|(name, ..)| *name);
                let called = self.procs.keys().copied();
                did_you_mean(name, ops::all().map(|op| op.name).chain(flow).chain(called))
            }),
        };
        self.mistakes
            .add("unknown-op", node.name.span, format!("there is no operation `{name}`"))
            .expected("an operation, a statement, a function or a proc")
            .help_if(help);
    }
}
