//! What anybody may ask about an operation before it runs: a row for each, the same columns in all. Who wants to know
//! whether an operation waits for grace periods, what it wakes, what it has no room for, asks the row, and lists no
//! operations.
//!
//! A new operation does not compile without its row; its columns are what `Row::PLAIN` has until the row says
//! otherwise.

use super::operand::{Operand, Place};
use crate::{LocalId, ObjId, ThreadId};

/// All that is said about an operation.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// By what it finds the objects that it works on: the addresses of its accesses come from these.
    pub operands: [Option<Operand>; 4],
    /// What a program must have, or be prepared for, that has it.
    pub needs: Needs,
    /// What it chooses by itself, and at most how many of its steps do, if it does not begin again.
    pub(crate) chooses: Option<(Fall, u8)>,
    /// What it does that somebody else may wait for.
    pub ends: Ends,
    /// Takes or releases a spinlock that is not inside of something else.
    pub spin: bool,
    /// What it does with its thread's entry on a wait queue.
    pub entry: Entry,
    /// Which interrupt's line it is about.
    pub line: Line,
    /// The word that it writes, and what then stands there: where that is one of its operands.
    pub stores: Option<(Place, Operand)>,
    /// Reads a word until somebody else has written what it waits for, which is no sleep.
    pub spins_on_word: bool,
    /// Has a proc called later, in a soft interrupt.
    pub defers: bool,
    /// Waits for nobody: what it wants is there, or it fails.
    pub tries: bool,
    /// Neither waits nor calls, whatever the others do: it may stand in a block that is one step, as a trylock may.
    pub never_waits: bool,
    /// What the model has too little of where it says that it has no more room.
    pub no_room: &'static str,
    /// Whether that is of the object that it works on, before what is said of its
    /// [kind](super::kind::KindRow::runs_out).
    pub room_of_object: bool,
    /// The word that its result comes out of.
    pub word: Option<Place>,
    /// What its result is good for.
    pub result: Shows,
    /// Whose reference it drops.
    pub drops: Option<Operand>,
    /// Whether memory may go with it that others have what is inside of.
    pub frees: bool,
    /// What it makes anew, whoever has it in use: an init function, `memset()`, the end of a reservation.
    pub renews: Option<Operand>,
    /// What pointers come with it.
    pub gives: Gives,
    /// The local that has the cursor.
    pub cursor: Option<LocalId>,
    /// What an agent that stands at it waits for, if it has nothing to do.
    pub between: Between,
    /// As the first of a script it waits until something has the script run: a work item, a timer, an interrupt.
    pub is_called_for: bool,
    /// Memory has to be had for it before it begins, where it says how (`gfp=`).
    pub memory_first: bool,
    /// Its thread is one of user space, which it comes from or goes back to here.
    pub is_user_space: bool,
}

/// What a program must have, or be prepared for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Needs {
    /// Somebody who runs grace periods.
    pub rcu: bool,
    /// Somebody for each sleepable RCU who calls what is called after its grace periods.
    pub srcu: bool,
    /// That devices may be off.
    pub power: bool,
    /// That pages are mapped cached and not cached.
    pub caching: bool,
    /// The order in which fences signalled.
    pub timestamps: bool,
    /// That the context and the number of a fence are told when it is initialised.
    pub fence_points: bool,
    /// That an item may come to any queue.
    pub one_pool: bool,
    /// That a thread sleeps on no queue.
    pub bare_sleeps: bool,
    /// That signals are sent.
    pub signals: bool,
    /// That a reservation's list of fences may go, and no other come.
    pub lists_go: bool,
    /// That shrinkers come and go.
    pub shrinkers: bool,
    /// That it may begin again, as often as the others let it.
    pub loops: bool,
    /// That its thread is a reader for a while: what RCU frees meanwhile stays.
    pub readers: bool,
    /// That who comes to a lock may be told no, go away, or have somebody give way: it is not just waited for.
    pub way_out: bool,
}

/// What an operation does that somebody else may wait for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ends {
    /// Nothing.
    Nothing,
    /// Writes a word.
    Writes(Place),
    /// Signals a fence.
    Signals(Operand),
    /// What it does to this may be what somebody sleeps for: completes it, comes to it, releases a lock of it, notes
    /// who is to be woken.
    Releases(Operand),
    /// Wakes who sleeps on a queue.
    Wakes(Operand),
    /// Queues a work item.
    Queues(Operand),
}

impl Ends {
    /// What whoever sleeps on it waits for; not the words, on which nobody sleeps, nor what is done later by a worker.
    pub fn wait_for(self) -> Option<Operand> {
        match self {
            Ends::Signals(o) | Ends::Releases(o) | Ends::Wakes(o) => Some(o),
            Ends::Nothing | Ends::Writes(_) | Ends::Queues(_) => None,
        }
    }
}

/// What the result of an operation is good for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shows {
    /// It says whether something went wrong, or nothing.
    Success,
    /// It is what the operation is there for.
    Answer,
    /// It is what was written.
    Written,
    /// It is how many were woken.
    Woken,
    /// It is a failure that the scenario asks for.
    Injected,
}

/// What pointers come with an operation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Gives {
    /// None.
    Nothing,
    /// What a `get` of this returns: a pointer with a reference of its own.
    Reference(Operand),
    /// A pointer with a reference of its own, to whatever is there.
    Counted,
    /// A new object.
    New,
    /// Perhaps one whose reference the thread did not have.
    Perhaps,
    /// The same, if its result is kept.
    IfKept,
}

/// What happens to a thread's entry on a wait queue, which is on the thread's stack.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Entry {
    /// Nothing that a script answers for.
    Stays,
    /// It goes on the queue.
    Joins(Operand),
    /// It is off the queue from then on.
    Leaves(Operand),
}

/// Which line an operation is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Line {
    /// None.
    Nothing,
    /// That of the handler that it is an end of.
    Own,
    /// That of this handler; of the first, if a line has several.
    Of(ThreadId),
}

/// Where an agent is that has nothing to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Between {
    /// It is no such place.
    Nowhere,
    /// Between the runs of a work item.
    Runs(ObjId),
    /// Between events that nobody waits for at this agent.
    Events,
}

impl Needs {
    pub(crate) const NOTHING: Needs = Needs {
        rcu: false,
        srcu: false,
        power: false,
        caching: false,
        timestamps: false,
        one_pool: false,
        fence_points: false,
        bare_sleeps: false,
        signals: false,
        lists_go: false,
        shrinkers: false,
        loops: false,
        readers: false,
        way_out: false,
    };
    pub(crate) const WAY_OUT: Needs = Needs { way_out: true, ..Needs::NOTHING };
    pub(crate) const RCU: Needs = Needs { rcu: true, ..Needs::NOTHING };
    pub(crate) const LOOPS: Needs = Needs { loops: true, ..Needs::NOTHING };
    pub(crate) const READERS: Needs = Needs { readers: true, ..Needs::NOTHING };

    pub(crate) fn rcu_if(rcu: bool) -> Needs {
        Needs { rcu, ..Needs::NOTHING }
    }
}

impl Row {
    /// What is said about an operation of which there is nothing to say.
    pub(crate) const PLAIN: Row = Row {
        operands: [None; 4],
        needs: Needs::NOTHING,
        chooses: None,
        ends: Ends::Nothing,
        spin: false,
        entry: Entry::Stays,
        line: Line::Nothing,
        stores: None,
        spins_on_word: false,
        defers: false,
        tries: false,
        never_waits: false,
        no_room: "in a table",
        room_of_object: false,
        word: None,
        result: Shows::Success,
        drops: None,
        frees: false,
        renews: None,
        gives: Gives::Nothing,
        cursor: None,
        between: Between::Nowhere,
        is_called_for: false,
        memory_first: false,
        is_user_space: false,
    };

    /// Works on what one operand means.
    pub(crate) const fn on(operand: Operand) -> Row {
        Row::of([Some(operand), None, None, None])
    }

    /// Works on what two operands mean.
    pub(crate) const fn on_both(a: Operand, b: Operand) -> Row {
        Row::of([Some(a), Some(b), None, None])
    }

    /// Works on what several operands mean, where they are given.
    pub(crate) const fn of(operands: [Option<Operand>; 4]) -> Row {
        Row { operands, ..Row::PLAIN }
    }

    /// Accesses a word.
    pub(crate) fn at(place: Place) -> Row {
        Row::of([place.base(), place.index(), None, None])
    }
}

/// What a choice is about: how the world falls out for one that asks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fall {
    /// Whether there is memory.
    Memory,
    /// Whether reclaim runs, and which shrinker.
    Reclaim,
    /// Whether a page of user memory is there.
    Page,
    /// Whether an interrupt comes to a CPU that runs one of the threads, and to which.
    Cpu,
    /// The free slot that a typesafe slab gives out.
    Slot,
    /// Whether there was time left when the sleeper was woken.
    TimeLeft,
    /// Which item of a workqueue comes next.
    Item,
    /// Whether user space comes back with another system call.
    UserSpace,
    /// Whether a GPU still has a translation that it kept.
    Translation,
    /// What caches and write buffers have done by now.
    Cache,
}

/// Most ways of one choice.
pub(crate) const MOST_WAYS: u8 = 7;
/// Those of a look past a dirty line and another thread's write buffer.
pub(crate) const CACHE_WAYS: u8 = 5;

impl Fall {
    /// What going that way means, after the operation's name: `finds no memory`.
    pub fn says(self, way: u8) -> String {
        let either = |first: &str, other: &str| if way == 0 { first } else { other }.to_owned();
        match self {
            Fall::Memory => either("finds memory", "finds no memory"),
            Fall::Reclaim => either("finds memory", "has to reclaim"),
            Fall::Page => either("finds the page there", "finds the page absent"),
            Fall::Cpu => either("comes to an idle CPU", "comes to a busy CPU"),
            Fall::Slot => format!("takes free slot {}", way + 1),
            Fall::TimeLeft => either("has time left", "has no time left"),
            Fall::Cache => match way {
                0 => "meets memory as it is".to_owned(),
                way => format!("meets what caches and buffers have done beside memory, way {} of those", way + 1),
            },
            Fall::UserSpace => either("comes back", "never comes back"),
            Fall::Translation => either("uses the kept translation", "looks at the page table"),
            Fall::Item => format!("takes item {} of those that may be next", way + 1),
        }
    }
}
