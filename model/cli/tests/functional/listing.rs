//! `list`, `properties`, `reference` and the help.

use crate::project::{Project, TWICE};

#[test]
fn scenarios_with_their_cases_and_what_they_are_about() {
    let project = Project::new()
        .file("scenarios/twice.kdl", TWICE)
        .file("scenarios/bare.kdl", "scenario bare { resv fb; thread a { lock fb; unlock fb } }");
    insta::assert_snapshot!(project.run("list").sheet(), @"
    bare  scenarios/bare.kdl
    twice [buggy, fixed]  scenarios/twice.kdl
        The interrupt and the timeout both complete the job.
    -- exit code 0
    ");
}

#[test]
fn a_file_with_mistakes_is_told_and_the_others_are_listed() {
    let project = Project::new().file("scenarios/a.kdl", "scenari").file("scenarios/twice.kdl", TWICE);
    let ran = project.run("list").exits(2);
    assert!(ran.out.starts_with("twice [buggy, fixed]") && ran.err.contains("a.kdl"), "{}{}", ran.out, ran.err);
}

#[test]
fn every_property_has_a_meaning_and_an_origin() {
    let ran = Project::new().run("properties").exits(0);
    let lines: Vec<&str> = ran.out.lines().collect();
    assert!(lines.len() > 20 && lines.len().is_multiple_of(2));
    for entry in lines.chunks(2) {
        assert!(entry[0].split_whitespace().count() > 2, "{}", entry[0]);
        assert!(entry[1].trim_start().starts_with("from: "), "{}", entry[1]);
    }
    insta::assert_snapshot!(lines[..2].join("\n"), @"
    deadlock                  nobody can run and somebody is unfinished: threads wait for each other, or for what nobody will do any more
                              from: lockdep; Coffman's circular wait
    ");
}

#[test]
fn the_reference_has_every_operation_of_the_language() {
    let ran = Project::new().run("reference").exits(0);
    for word in ["lock-all", "cmpxchg", "wait-queue", "goto", "sometimes"] {
        assert!(ran.out.contains(word), "{word} is missing");
    }
}

#[test]
fn help_names_the_commands_and_the_exit_codes() {
    insta::assert_snapshot!(Project::new().run("--help").sheet(), @"
    Explores every interleaving of GPU buffer sharing scenarios, and says what can happen

    Usage: fenceweave [OPTIONS] <COMMAND>

    Commands:
      check        Explore scenarios and hold them against what they expect
      compare      Say what one version of a scenario comes to and another does not
      explain      Explore one scenario and show everything: outcomes, counterexamples, counts
      explore      Choose every step by hand, on a page in a browser, and see what follows
      replay       Run one schedule again, step by step, from the token that a trace ends with
      fmt          Print scenario files in the one spacing that all have
      list         List scenarios with what each is about
      diagram      Draw the states of an object, or the steps of an operation, as Mermaid source: all that some scenarios lead to; or the states of one small case as DOT
      fuzz         Make scenarios at random, and hold the engines against each other on every one
      shrink       Leave out of a scenario whatever it does not need to violate a property
      stress       Run scenarios on threads of the operating system, again and again, and tell what they met: nothing is explored
      sweep        Explore every program up to a size over a few operations and objects, and say what can go wrong
      merge        Put a sweep together from the files of its parts
      mutants      Put mistakes into a scenario, or into the protocols, and say which of them nobody notices
      topology     Say which PCI device reaches which, by writes and by reads, and where the kernel believes otherwise
      properties   List the built-in properties: name, meaning, origin
      reference    Print the reference page of the scenario language
      library      List the libraries that are built in; print one
      new          Make a first scenario of one's own, with a mistake in it and its cure
      lsp          Speak with an editor on standard input and output: mistakes while typing, what a word means, cases to check
      completions  Print what a shell needs to complete commands and options
      man          Write manual pages into a folder, one for each command
      help         Print this message or the help of the given subcommand(s)

    Options:
          --libraries <FOLDER>  Find libraries in this folder, each a `.kdl` file or a folder of such, before those that are built in
          --color <WHEN>        Whether there are colours: `always`, `never` or `auto` [default: on a terminal, unless NO_COLOR is set]
      -h, --help                Print help
      -V, --version             Print version

    Exit codes: 0 as expected, 1 not as expected, 2 a mistake in the usage or in a scenario, or output that could not be written, 3 incomplete (a limit was hit; nothing unexpected was seen before). `mutants`: 1 if a mistake survives that somebody should have noticed.
    -- exit code 0
    ");
    assert!(Project::new().run("--version").exits(0).out.starts_with("fenceweave "));
}

#[test]
fn help_tells_what_the_limits_are_without_being_asked_for() {
    let help = Project::new().run("check --help").exits(0).out;
    let default = fenceweave_explore::Limits::default();
    for (option, value) in
        [("--states", default.states), ("--executions", default.executions), ("--memory", default.memory_bytes >> 20)]
    {
        let said = help.split(&format!("{option} <")).nth(1).and_then(|rest| rest.split("\n\n").next());
        let said = said.expect("the option is there");
        assert!(said.contains("[default: ") && said.contains(&value.to_string()), "{option}: {said}");
    }
}
