//! Operations by their words, as a scenario writes them: looked up in the table of all operations, operands and options by name.

use super::{ScriptBuilder, pool};
use crate::{
    Instr, Kind, LocalId, ObjId, Operand, Place, ThreadId, Value,
    op::{Args, Given, OpSpec, Takes},
    operations,
};

impl ScriptBuilder {
    /// An operation as a scenario writes it: `lock-all a b ctx=c into=r`. Names are those of what is declared before, and of
    /// locals; what is called, and expressions, cannot be said this way.
    ///
    /// # Panics
    ///
    /// If there is no such operation on what is named: a mistake of the caller, who wrote it down in Rust.
    pub fn say(&mut self, text: &str) -> &mut Self {
        let mut words = text.split_whitespace();
        let name = words.next().unwrap_or_default();
        let said: Vec<&str> = words.collect();
        let into = said.iter().find_map(|word| word.strip_prefix("into="));
        let op = operations::named(name).into_iter().find_map(|meaning| {
            let args = self.args(meaning, &said)?;
            Some((meaning.build)(&args))
        });
        let Some(op) = op else { panic!("[usage] `{text}` says no operation on what is declared") };
        let into = into.map(|local| self.local(local));
        self.push(text, Instr::Op { op, into, may_fail: None });
        self
    }

    /// What was said, if one meaning of the operation's name takes it.
    fn args(&mut self, meaning: &OpSpec, said: &[&str]) -> Option<Args> {
        let (mut args, mut operands, mut options) = (Args::default(), vec![], 0);
        for word in said {
            let option = |key: &str| meaning.options.iter().find(|option| option.name == key);
            match (word.split_once('='), option(word)) {
                (Some(("into", _)), _) => args.give("into", Given::Flag),
                (Some((key, value)), _) => {
                    let option = option(key)?;
                    args.give(option.name, self.given(option.takes?, &[value], false)?);
                    options += 1;
                }
                (None, Some(flag)) if flag.bare => {
                    args.give(flag.name, Given::Flag);
                    options += 1;
                }
                (None, _) => operands.push(*word),
            }
        }
        let missing = meaning.options.iter().any(|option| option.required && !args.flag(option.name));
        if missing || meaning.one_option && options > 1 {
            return None;
        }
        let mut rest = operands.as_slice();
        for param in meaning.operands {
            let own = if matches!(param.takes, Takes::Objects(_) | Takes::Fences) { rest.len() } else { 1 };
            let (own, others) = rest.split_at_checked(own)?;
            args.give(param.name, self.given(param.takes, own, meaning.each_once)?);
            rest = others;
        }
        rest.is_empty().then_some(args)
    }

    /// What an operand or an option's value means.
    fn given(&mut self, takes: Takes, words: &[&str], each_once: bool) -> Option<Given> {
        let word = *words.first()?;
        Some(match takes {
            Takes::Object(kinds) => Given::Operand(self.named(word, kinds)?),
            Takes::Callback => Given::Operand(self.named(word, &[Kind::Callback])?),
            Takes::Objects(kinds) => {
                let locks = kinds.contains(&Kind::WwMutex);
                let found = words.iter().map(|word| self.one_of_several(word, kinds, locks));
                let mut all: Vec<Operand> = vec![];
                for operand in found.collect::<Option<Vec<_>>>()? {
                    if !(each_once && all.contains(&operand)) {
                        all.push(operand);
                    }
                }
                Given::Operands(pool(&mut self.program, &all))
            }
            Takes::Fences => {
                let null = |word: &str| (word == "NULL").then_some(Operand::Const(Value::Null));
                let found = words.iter().map(|word| null(word).or_else(|| self.named(word, &[Kind::Fence])));
                let found: Vec<Operand> = found.collect::<Option<_>>()?;
                Given::Operands(pool(&mut self.program, &found))
            }
            Takes::Place => Given::Place(Place::Var(self.var(word)?)),
            Takes::Array => Given::Place(self.array(word)?),
            Takes::Value => Given::Operand(self.value(word)?),
            Takes::Number { min, max } => {
                Given::Number(word.parse().ok().filter(|number| (min..=max).contains(number))?)
            }
            Takes::Thread => {
                let at = self.program.scripts.iter().position(|script| script.name == word)?;
                Given::Thread(ThreadId(u8::try_from(at).ok()?))
            }
            Takes::Struct => {
                let declared = self.program.structs.iter().find(|declared| declared.name == word)?;
                Given::Operand(Operand::Object(ObjId(declared.slots.start)))
            }
            Takes::Cursor => Given::Operand(Operand::Local(self.known(word)?)),
            Takes::OneOf(words) => Given::Word(words.iter().copied().find(|known| *known == word)?),
            Takes::Irq | Takes::Condition | Takes::Shared | Takes::Proc(_) => return None,
        })
    }

    /// A local that is there already.
    fn known(&self, name: &str) -> Option<LocalId> {
        let at = self.script.locals.iter().position(|local| local == name)?;
        Some(LocalId(u8::try_from(at).ok()?))
    }

    /// A local, which may hold whatever it is, or an object of one of these kinds.
    fn named(&self, name: &str, kinds: &[Kind]) -> Option<Operand> {
        if let Some(local) = self.known(name) {
            return Some(Operand::Local(local));
        }
        let at = self.program.objects.iter().position(|object| object.name == name)?;
        let kind = Kind::of(&self.program.objects[at].kind)?;
        kinds.contains(&kind).then(|| Operand::Object(ObjId::object(at)))
    }

    /// One of several, none of which may be a local; of a reservation among mutexes its lock.
    fn one_of_several(&self, name: &str, kinds: &[Kind], locks: bool) -> Option<Operand> {
        match self.named(name, kinds)? {
            Operand::Object(id) if locks && Kind::of(self.program.kind(id)) == Some(Kind::Resv) => {
                Some(Operand::Object(self.program.resv_parts(id).lock))
            }
            Operand::Object(id) => Some(Operand::Object(id)),
            Operand::Local(_) | Operand::Const(_) => None,
        }
    }

    fn var(&self, name: &str) -> Option<ObjId> {
        self.program.vars.iter().position(|var| var.name == name).map(ObjId::var)
    }

    /// The words `NAME[0]`, `NAME[1]` and so on, which are declared one after the other.
    fn array(&self, name: &str) -> Option<Place> {
        let first = self.var(&format!("{name}[0]"))?;
        let len = (0..).take_while(|at| self.var(&format!("{name}[{at}]")).is_some()).count();
        let index = Operand::Const(Value::Word(0));
        Some(Place::Element { first, len: u8::try_from(len).ok()?, index })
    }

    /// A number, NULL, a local or an object.
    fn value(&self, word: &str) -> Option<Operand> {
        match word.parse() {
            Ok(number) => Some(Operand::Const(Value::Word(number))),
            Err(_) if word == "NULL" => Some(Operand::Const(Value::Null)),
            Err(_) => self.named(word, Kind::ALL),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        Instr, LocalId, ObjId, Op, Operand, Order, Place, Value,
        builder::{ProgramBuilder, ScriptBuilder},
        fixed, lock_all,
        primitives::{spinlock, variable},
        program::PoolRange,
        resv::{self, Usage},
        ww,
    };

    const CLASS: fixed::WwClass = fixed::WwClass {
        wound_wait: true,
        variant: ww::Variant::Upstream,
        inject_deadlock: 0,
        config: ww::Config::UPSTREAM,
    };

    /// The operation that is said, and where its result goes; declared are `l` 0, `class` 1, `c` 2, `m` 3, and `r` with its
    /// lock 4.
    fn said(text: &str) -> (Op, Option<LocalId>) {
        let mut b = declared();
        b.thread("t", |s| {
            s.say(text);
        });
        let Instr::Op { op, into, may_fail: None } = b.build().scripts[0].code[0] else { panic!("it is an operation") };
        (op, into)
    }

    fn declared() -> ProgramBuilder {
        let mut b = ProgramBuilder::new("said");
        b.object("l", fixed::Spinlock);
        let class = b.object("class", CLASS);
        b.object("c", fixed::AcquireCtx { class });
        b.object("m", fixed::WwMutex { class, resv: None });
        b.resv("r", class);
        b.var("x", Value::Word(0));
        b
    }

    #[test]
    fn the_first_operand_says_which_meaning_of_a_name_it_is() {
        let object = |n| Operand::Object(ObjId(n));
        let spin = spinlock::ops::Spin { how: spinlock::How::LockIrqSave, lock: object(0) };
        assert_eq!(said("lock l irqsave"), (spin.into(), None));
        let lock = ww::ops::WwLock { how: ww::How::Interruptible, mutex: object(3), ctx: Some(object(2)) };
        assert_eq!(said("lock m ctx=c interruptible into=e"), (lock.into(), Some(LocalId(0))));
        let wait = resv::ops::TestSignaled { resv: object(5), usage: Usage::Read };
        assert_eq!(said("test-signaled r.fences usage=read"), (wait.into(), None));
    }

    #[test]
    fn a_word_and_a_number_are_read_as_a_scenario_does() {
        let store = variable::ops::Access {
            how: variable::How::Store,
            order: Order::Release,
            place: Place::Var(ObjId::var(0)),
            a: Operand::Const(Value::Word(-1)),
            b: Operand::Const(Value::Unset),
            benign: false,
        };
        assert_eq!(said("store x -1 order=release"), (store.into(), None));
    }

    #[test]
    fn several_stand_in_the_pool_each_once_where_that_is_meant() {
        let mut b = declared();
        b.thread("t", |s| {
            s.say("lock-all m r.fences ctx=c into=e").say("unlock-all m r.fences m");
        });
        let program = b.build();
        let ctx = Operand::Object(ObjId(2));
        let all = lock_all::ops::LockAll { locks: PoolRange { start: 0, len: 2 }, ctx, interruptible: false };
        let back = lock_all::ops::UnlockAll { locks: PoolRange { start: 2, len: 2 } };
        let op = |at: usize| if let Instr::Op { op, .. } = program.scripts[0].code[at] { Some(op) } else { None };
        assert_eq!([op(0), op(1)], [Some(all.into()), Some(back.into())]);
        let (m, lock) = (Operand::Object(ObjId(3)), Operand::Object(ObjId(4)));
        assert_eq!(program.pool, [m, lock, m, lock]);
    }

    fn is_refused(text: &str) -> bool {
        let say = |s: &mut ScriptBuilder| {
            s.say(text);
        };
        std::panic::catch_unwind(|| declared().thread("t", say)).is_err()
    }

    #[test]
    fn what_is_no_operation_on_what_is_declared_is_refused() {
        assert!(!is_refused("lock-slow m ctx=c"));
        let wrong =
            ["frob l", "lock c", "lock", "lock l m", "lock-slow m", "lock l bh irq", "lock m gfp=atomic", "load y"];
        for text in wrong {
            assert!(is_refused(text), "{text}");
        }
    }
}
