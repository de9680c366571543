//! An execution on weak memory, taken again from its trace: without loom, the trace says what each load returns.

use super::{runtime::Loom, system::System};
use crate::{Trace, alone::Alone};
use fenceweave_kernel::{Condition, Program, Thread, Violation, observe, references, thread::Run};

/// Where a trace leads.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Replayed {
    /// What is broken there.
    pub violation: Option<Violation>,
    /// The threads at the end.
    pub threads: Vec<Thread>,
    /// The same reads, as they turned out: what they returned, and which store that was.
    pub trace: Trace,
    /// How many steps could be taken.
    pub taken: usize,
    /// Whether everybody is done.
    pub over: bool,
    /// What each condition comes to at the end, if it can be said.
    pub conditions: Vec<Option<bool>>,
}

/// Takes the steps of a trace, as far as they go; each read goes as many stores back as the trace says.
pub fn replay(program: &Program, conditions: &[Condition], trace: &Trace) -> Replayed {
    let system = System::new(program);
    let hub = &system.hub;
    hub.go_told(program.objects.len());
    let runtimes: Vec<Loom> = program.threads().map(|t| Loom::told(hub, t)).collect();
    let mut threads = system.threads.clone();
    let (mut taken, mut raced, mut stopped) = (0, None, None);
    for (i, action) in trace.steps.iter().enumerate() {
        let (t, at) = (action.thread, action.thread.index());
        let (Some(script), true) = (program.scripts.get(at), stopped.is_none()) else { break };
        let thread = &mut threads[at];
        let enabled = {
            let world = &mut *system.world().borrow_mut();
            Alone { program, quiet: hub, world, warned: 0 }.is_enabled(thread, t)
        };
        if !enabled {
            break;
        }
        if matches!(thread.run(), Run::Asleep(..)) {
            hub.memory().received(at);
        }
        let mut rt = runtimes[at].clone();
        hub.tell(&ages(trace, i));
        hub.begin_step(at);
        rt.begin_step(thread, script);
        rt.will_choose(action.choice);
        let pc = thread.pc();
        let stepped = thread.step(script, program, &mut system.worlds[at].borrow_mut(), t, &mut rt);
        rt.end_step(&system.worlds[at].borrow(), false);
        hub.memory().end_step(at);
        let race = hub.take_race().map(|r| r.violation(program, pc));
        // A race ends nothing: it is what is wrong if nothing is after it.
        (raced, stopped) = (race, stepped.violation);
        taken += 1;
    }
    let seen = system.trace(&trace.steps[..taken], &hub.memory());
    hub.go_quiet();
    let mut over = false;
    let mut violation = stopped.or(raced);
    if violation.is_none() && taken == trace.steps.len() {
        (over, violation) = at_end(program, &system, &mut threads);
    }
    let world = system.world().borrow();
    let read = |leaf| observe::read(program, &world, |t, l| threads[t.index()].local(l), leaf);
    let conditions = conditions.iter().map(|c| c.eval_with(read).ok().flatten()).collect();
    Replayed { violation, trace: seen, taken, over, conditions, threads: threads.clone() }
}

/// How many stores back each read of a step goes.
fn ages(trace: &Trace, step: usize) -> Vec<u8> {
    let of_step = || trace.weak.iter().flatten().filter(|s| s.step == step);
    let reads = of_step().map(|s| usize::from(s.nth) + 1).max().unwrap_or(0);
    let mut ages = vec![0; reads];
    of_step().for_each(|s| ages[usize::from(s.nth)] = s.age);
    ages
}

/// Whether nobody can go on, and what is wrong then or after teardown.
fn at_end(program: &Program, system: &System, threads: &mut [Thread]) -> (bool, Option<Violation>) {
    let world = &mut *system.world().borrow_mut();
    let mut alone = Alone { program, quiet: &system.hub, world, warned: 0 };
    if program.threads().any(|t| alone.is_enabled(&threads[t.index()], t)) {
        return (false, None);
    }
    system.hub.settle();
    let broken = alone.stuck(threads).or_else(|| alone.run_script(&program.teardown, threads));
    (true, broken.or_else(|| references::left_over(alone.world, program)))
}
