//! Machines inside machines: what an operation is in the middle of when it calls another function of the kernel.

/// Codes a sum of machines: one byte says which, then that machine's own. Behind `=` is what a decoder fills in.
macro_rules! tagged {
    ($name:ident $(, idle $idle:ident)? { $($variant:ident $(($more:ident: $more_blank:expr))? = $blank:expr),* $(,)? }) => {
        impl $crate::coder::Code for $name {
            fn code<C: $crate::coder::Coder>(&mut self, c: &mut C) {
                #[derive(Clone, Copy)]
                enum Tag { $($idle,)? $($variant),* }
                const TAGS: &[Tag] = &[$(Tag::$idle,)? $(Tag::$variant),*];
                let mut tag = match self {
                    $($name::$idle => Tag::$idle as u8,)?
                    $($name::$variant(..) => Tag::$variant as u8),*
                };
                c.byte(&mut tag);
                if C::READING {
                    *self = match TAGS[usize::from(tag)] {
                        $(Tag::$idle => $name::$idle,)?
                        $(Tag::$variant => $name::$variant($blank $(, $more_blank)?)),*
                    };
                }
                match self {
                    $($name::$idle => {})?
                    $($name::$variant(m $(, $more)?) => {
                        m.code(c);
                        $($more.code(c);)?
                    })*
                }
            }
        }
    };
}
pub(crate) use tagged;

/// Makes the type of what a machine is inside of: a sum of machines that is a machine itself.
///
/// Before the others there may be one that is no machine, `idle`; and a machine may have a register of the outer
/// one beside it. Behind `=` is what a decoder fills in.
macro_rules! parts {
    ($(#[$meta:meta])* $vis:vis enum $name:ident $(, idle $idle:ident)? {
        $($(#[$part_meta:meta])* $variant:ident($ty:ty $(, $more:ident: $more_ty:ty = $more_blank:expr)?) = $blank:expr),* $(,)?
    }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        $vis enum $name {
            $(#[doc = "Nothing: there is no step to take."] $idle,)?
            $($(#[$part_meta])* $variant($ty $(, $more_ty)?)),*
        }

        $crate::ground::parts::tagged! {
            $name $(, idle $idle)? { $($variant $(($more: $more_blank))? = $blank),* }
        }

        impl $crate::protocol::Protocol for $name {
            fn step<R: $crate::Runtime>(&mut self, cx: &mut $crate::Cx<'_, R>) -> $crate::Flow {
                match self {
                    $($name::$idle => $crate::Flow::Done($crate::Value::Unset),)?
                    $($name::$variant(m, ..) => m.step(cx)),*
                }
            }

            fn footprint(&self, v: $crate::View<'_>) -> $crate::Footprint {
                match self {
                    $($name::$idle => $crate::Footprint::NONE,)?
                    $($name::$variant(m, ..) => m.footprint(v)),*
                }
            }

            fn label(&self) -> &'static str {
                match self {
                    $($name::$idle => "",)?
                    $($name::$variant(m, ..) => m.label()),*
                }
            }

            fn spins_on(&self) -> Option<$crate::ObjId> {
                match self {
                    $($name::$idle => None,)?
                    $($name::$variant(m, ..) => m.spins_on()),*
                }
            }

            fn amid<R: $crate::Runtime>(&self, at: $crate::Standing<'_, R>) -> Option<$crate::Family> {
                match self {
                    $($name::$idle => None,)?
                    $($name::$variant(m, ..) => m.amid(at)),*
                }
            }

            fn returned(&mut self, value: $crate::Value) {
                match self {
                    $($name::$idle => {})?
                    $($name::$variant(m, ..) => m.returned(value)),*
                }
            }
        }
    };
}
pub(crate) use parts;
