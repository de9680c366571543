//! `size >= 0` of an unsigned `size`: a comparison that the types of its sides decide.

use std::collections::BTreeMap;

use super::{About, DECIDED};
use crate::mistakes::Span;

impl About<'_> {
    /// A statement of several cases is told of once, and may be decided in one of them only.
    pub(super) fn decided(&mut self) {
        let mut found = BTreeMap::new();
        // What stands behind the scenario's text is a library's.
        let own = |span: &Span| (span.start as usize) < self.text.len();
        let all = self.cases.iter().flat_map(|case| &case.decided);
        for (span, comes_out, why) in all.filter(|(span, ..)| own(span)) {
            found.entry((span.start, span.end)).or_insert((*span, *comes_out, why));
        }
        for (span, comes_out, why) in found.into_values() {
            self.warn(
                DECIDED,
                span,
                format!("a comparison in this is always {comes_out}: {why}"),
                "compare before the value is converted, or ask something else",
            );
        }
    }
}
