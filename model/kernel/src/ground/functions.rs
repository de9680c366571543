//! The functions of a protocol that an operation may name. Where its machine is on the way is another thing: a program
//! cannot begin in the middle of one.

/// `How begins at At { … }`: the enum of the functions, and for each the point of the same name at which its machine
/// begins.
macro_rules! functions {
    ($(#[$meta:meta])* $vis:vis enum $name:ident begins at $at:ident { $($(#[$vmeta:meta])* $variant:ident),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        $vis enum $name { $($(#[$vmeta])* $variant),* }

        impl $name {
            /// Where its machine begins.
            pub(crate) const fn begins(self) -> $at {
                match self { $($name::$variant => $at::$variant),* }
            }
        }
    };
}

/// `Timer as { at: how, timer, data }`: the `Debug` of an operation as if its fields were called so. Tokens of replays
/// are hashes of it, and stay what they were.
macro_rules! written_as {
    ($name:ident as { $first:ident: $how:ident $(, $field:ident)* }) => {
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name))
                    .field(stringify!($first), &self.$how)
                    $(.field(stringify!($field), &self.$field))*
                    .finish()
            }
        }
    };
}

pub(crate) use {functions, written_as};
