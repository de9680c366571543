//! What a `syncobj` is made of. What is made of fences is in `containers`.

use super::{Lower, names::Symbol};
use crate::syntax::Name;
use fenceweave_kernel::{Kind, fixed, syncobj};

impl<'a> Lower<'a> {
    /// A syncobj, with the word of its pointer.
    pub(super) fn syncobj(&mut self, name: &Name, variant: syncobj::Variant) -> Symbol {
        let fence = self.own_words(name, ["fence".to_owned()]);
        let id = self.object(name.text.clone(), fixed::Syncobj { fence, variant });
        // Whoever looks at the pointer without the lock.
        self.needs_rcu = true;
        self.has_loops = true;
        Symbol::Object { id, kind: Kind::Syncobj }
    }
}
