//! One operation, its arguments drawn as the table describes them.

use super::{line::Line, scene::Scene, scripts::Script};
use crate::ops::{OpSpec, Opt, Takes};
use arbitrary::Result;
use fenceweave_kernel::{Kind, Type};

/// Small numbers: what is compared and stored should meet.
const WORDS: usize = 3;

impl Scene<'_, '_> {
    /// One operation of the palette.
    pub(super) fn any_operation(&mut self, script: &mut Script) -> Result<Line> {
        let at = self.below(self.palette.len())?;
        let spec = self.palette[at];
        self.operation(spec, script)
    }

    /// One operation with all that it takes, as its row says.
    pub(super) fn operation(&mut self, spec: &'static OpSpec, script: &mut Script) -> Result<Line> {
        let mut head = spec.name.to_owned();
        let mut place = false;
        for param in spec.operands {
            let value = match param.takes {
                Takes::Place => {
                    place = true;
                    self.place(script)?
                }
                takes => self.value(takes, script)?,
            };
            head.push(' ');
            head.push_str(&value);
        }
        if place && head.contains(" ring") {
            let index = self.below(2)?;
            head.push_str(&format!(" at={index}"));
        }
        let keeps = head.starts_with("new ") && self.keeps_what_was_there();
        for option in spec.options.iter().filter(|option| !keeps || option.name != "memory") {
            if option.required || self.one_in(4)? {
                self.option(option, script, &mut head)?;
                if spec.one_option {
                    break;
                }
            }
        }
        if !spec.returns.is_empty() && self.dice.ratio(2, 3)? {
            head.push_str(&format!(" into={}", script.result_of(spec, self)?));
        }
        if spec.fails.is_some() && self.one_in(12)? {
            head.push_str(["", " may-fail", " fail-nth=1"][1 + self.below(2)?]);
        }
        // A local does not say what it refers to.
        if head.split(' ').nth(1).is_some_and(|operand| operand == "ref") && is_ambiguous(spec) {
            head.push_str(" kind=fence");
        }
        Ok(Line { drawn: Some(super::place_of(spec)), ..Line::new(head) })
    }

    fn option(&mut self, option: &Opt, script: &mut Script, head: &mut String) -> Result<()> {
        match option.takes {
            None => head.push_str(&format!(" {}", option.name)),
            Some(_) if option.bare && self.coin()? => head.push_str(&format!(" {}", option.name)),
            Some(takes) => {
                let value = self.value(takes, script)?;
                head.push_str(&format!(" {}={value}", option.name));
            }
        }
        Ok(())
    }

    fn value(&mut self, takes: Takes, script: &mut Script) -> Result<String> {
        Ok(match takes {
            Takes::Object(kinds) => self.reference(kinds, script)?,
            Takes::Objects(kinds) => {
                let kind = kinds[self.below(kinds.len())?];
                self.two_of(kind)?
            }
            Takes::Fences => {
                self.memory_for_a_merge();
                self.two_of(Kind::Fence)?
            }
            Takes::Array => self.array(),
            Takes::PageTable => self.page_table(),
            Takes::Place => self.place(script)?,
            Takes::Condition => format!("\"value != {}\"", self.below(WORDS)?),
            Takes::Shared => {
                let (var, word) = (self.var()?, self.below(WORDS)?);
                format!("\"{var} != {word}\"")
            }
            Takes::Value => self.word(script)?,
            Takes::Number { min, max } => {
                let span = i64::from(max) - i64::from(min);
                let offset = self.dice.int_in_range(0..=span.clamp(0, 2))?;
                (i64::from(min) + offset).to_string()
            }
            Takes::Thread => {
                let at = self.below(self.threads.len())?;
                self.threads[at].clone()
            }
            Takes::Irq => self.irq(),
            Takes::Struct => {
                self.object(Kind::Struct, &[])?;
                self.structs.first().cloned().unwrap_or_default()
            }
            Takes::Member => {
                self.object(Kind::Struct, &[])?;
                if self.insides.is_empty() {
                    let fields = vec![Line::new("inner type=completion")];
                    self.declarations.push(Line::with("struct outer slots=1".to_owned(), fields));
                    self.insides.push(("outer".to_owned(), "outer".to_owned(), Kind::Struct));
                }
                self.insides.first().map_or_else(String::new, |(_, of, _)| format!("{of}.inner"))
            }
            Takes::Cursor => script.cursor(self)?,
            Takes::Local => script.counter(),
            Takes::OneOf(words) => words[self.below(words.len())?].to_owned(),
            Takes::Type => Type::NAMES[self.below(Type::NAMES.len())?].0.to_owned(),
            Takes::Proc(arguments) => self.proc(arguments),
            Takes::Callback => {
                if self.coin()? {
                    self.object(Kind::Callback, &[])?
                } else {
                    self.proc(2)
                }
            }
        })
    }

    fn two_of(&mut self, kind: Kind) -> Result<String> {
        let first = self.object(kind, &[])?;
        let second = self.object(kind, std::slice::from_ref(&first))?;
        Ok(if self.coin()? { format!("{first} {second}") } else { format!("{second} {first}") })
    }

    /// An object by its name, or what a local refers to.
    fn reference(&mut self, kinds: &'static [Kind], script: &mut Script) -> Result<String> {
        let kind = kinds[self.below(kinds.len())?];
        if kind == Kind::Fence && script.knows("ref") && self.one_in(4)? {
            return Ok("ref".to_owned());
        }
        let inside = self.insides.iter().find(|(_, _, inner)| *inner == kind).map(|(object, ..)| object.clone());
        if let Some(object) = inside
            && self.coin()?
        {
            script.find(&object);
            return Ok(format!("{object}.inner"));
        }
        let name = self.object(kind, &[])?;
        script.find_owner(kind, &name);
        Ok(name)
    }

    /// A word that is read or written.
    fn place(&mut self, script: &mut Script) -> Result<String> {
        if !self.declared(Kind::Struct).is_empty() && self.one_in(3)? {
            let object = self.object(Kind::Struct, &[])?;
            script.find(&object);
            return Ok(format!("{object}.state"));
        }
        if self.one_in(8)? {
            return Ok(self.array());
        }
        self.var()
    }

    fn word(&mut self, script: &mut Script) -> Result<String> {
        if self.one_in(4)?
            && let Some(local) = script.some_word(self)?
        {
            return Ok(local);
        }
        if self.one_in(12)? {
            return Ok("NULL".to_owned());
        }
        let fence = self.declared(Kind::Fence).first().cloned();
        match fence {
            Some(fence) if self.one_in(8)? => Ok(fence),
            _ => Ok(self.below(WORDS)?.to_string()),
        }
    }
}

/// Whether another operation of that name takes another kind of object.
fn is_ambiguous(spec: &OpSpec) -> bool {
    crate::ops::named(spec.name).len() > 1
}
