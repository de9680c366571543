//! The kinds of object that a scenario declares.

use crate::ObjectKind;

macro_rules! kinds {
    ($($variant:ident = $name:literal, $article:literal;)*) => {
        /// What an object is, as a scenario's author knows it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Kind { $(#[doc = concat!("`", $name, "`.")] $variant),* }

        impl Kind {
            /// Every kind.
            pub const ALL: &'static [Kind] = &[$(Kind::$variant),*];

            /// The kind by the name that the option `kind=` takes.
            pub fn named(name: &str) -> Option<Kind> {
                match name {
                    $($name => Some(Kind::$variant),)*
                    _ => None,
                }
            }

            /// The name, which is also the word that declares one.
            pub fn name(self) -> &'static str {
                match self { $(Kind::$variant => $name),* }
            }

            /// The name in a sentence.
            pub fn one(self) -> &'static str {
                match self { $(Kind::$variant => concat!($article, " ", $name)),* }
            }
        }
    };
}

kinds! {
    Lock = "lock", "a";
    WaitQueue = "wait-queue", "a";
    Completion = "completion", "a";
    Barrier = "barrier", "a";
    Refcount = "refcount", "a";
    Struct = "struct", "a";
    WwClass = "ww-class", "a";
    Ctx = "acquire-ctx", "an";
    WwMutex = "ww-mutex", "a";
    Fence = "fence", "a";
    Callback = "callback", "a";
    Resv = "resv", "a";
    Work = "work", "a";
    DelayedWork = "delayed-work", "a";
    Workqueue = "workqueue", "a";
    Timer = "timer", "a";
    Shrinker = "shrinker", "a";
    Mutex = "mutex", "a";
    RwSem = "rwsem", "an";
    List = "list", "a";
    WakeQ = "wake-q", "a";
    Exec = "exec", "an";
    SyncFile = "sync-file", "a";
    Syncobj = "syncobj", "a";
}

impl Kind {
    /// The kind of a program's object; `None` for what no author declares.
    pub fn of(kind: &ObjectKind) -> Option<Kind> {
        Some(match kind {
            ObjectKind::Spinlock => Kind::Lock,
            ObjectKind::WaitQueue => Kind::WaitQueue,
            ObjectKind::Completion => Kind::Completion,
            ObjectKind::Barrier { .. } => Kind::Barrier,
            ObjectKind::Refcount { .. } => Kind::Refcount,
            ObjectKind::Slot { .. } => Kind::Struct,
            ObjectKind::WwClass { .. } => Kind::WwClass,
            ObjectKind::AcquireCtx { .. } => Kind::Ctx,
            ObjectKind::WwMutex { .. } => Kind::WwMutex,
            ObjectKind::Fence { .. } => Kind::Fence,
            ObjectKind::Callback { .. } => Kind::Callback,
            ObjectKind::Work { delayed: false, .. } => Kind::Work,
            ObjectKind::Work { delayed: true, .. } => Kind::DelayedWork,
            ObjectKind::Workqueue { .. } => Kind::Workqueue,
            ObjectKind::Timer { .. } => Kind::Timer,
            ObjectKind::Shrinker { .. } => Kind::Shrinker,
            ObjectKind::Resv { .. } => Kind::Resv,
            ObjectKind::Mutex { .. } => Kind::Mutex,
            ObjectKind::RwSem => Kind::RwSem,
            ObjectKind::List { .. } => Kind::List,
            ObjectKind::WakeQ => Kind::WakeQ,
            ObjectKind::SyncFile { .. } => Kind::SyncFile,
            ObjectKind::Syncobj { .. } => Kind::Syncobj,
            ObjectKind::Exec { .. } => Kind::Exec,
            ObjectKind::Rcu | ObjectKind::FenceList | ObjectKind::IrqLine { .. } => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Kind;

    #[test]
    fn names_resolve() {
        for kind in Kind::ALL {
            assert_eq!(Kind::named(kind.name()), Some(*kind));
        }
    }
}
