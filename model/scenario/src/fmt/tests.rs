//! What the formatter does to a file, by example.

use super::format;

fn formatted(source: &str) -> String {
    let once = format("t.kdl", source).unwrap_or_else(|report| panic!("{}", report.plain()));
    let twice = format("t.kdl", &once).unwrap_or_else(|report| panic!("{}", report.plain()));
    assert_eq!(once, twice, "formatting twice is formatting once");
    once
}

#[test]
fn spacing_is_normal_and_every_comment_stays() {
    let source = "\n\n// top\r\nscenario  s   {   // lead\n\tabout   \"x\"\n\n\n\n  /* before */ var a   init=0;   // trailing\n\
                  \n\n    /- thread  off { lock   a } \nthread t count=2 {\nlock a   /* why */ into=r // one\n\
                  unlock b // two\n\n\n}\n\n}\n\n// last";
    insta::assert_snapshot!(formatted(source), @r#"
    // top
    scenario s { // lead
        about "x"

        /* before */ var a init=0 // trailing

        /-thread off { lock a }
        thread t count=2 {
            lock a /* why */ into=r // one
            unlock b                // two
        }
    }

    // last
    "#);
}

#[test]
fn one_line_blocks_stay_on_one_line_while_they_fit() {
    let source = "when \"r\" {goto out};else { }\nwhen r is=X{ a;b ;c}\nwhen x {\n a; b\n }; else {\nc }\n\
                  setup {new group into=g;store table at=0 g;store table at=1 g;store table at=2 g;store table at=3 g;store t at=4 g}\n\
                  lock a; lock b;lock c\nempty {\n}\n";
    insta::assert_snapshot!(formatted(source), @r#"
    when "r" { goto out } else {}
    when r is=X { a; b; c }
    when x {
        a; b
    } else {
        c
    }
    setup {
        new group into=g
        store table at=0 g
        store table at=1 g
        store table at=2 g
        store table at=3 g
        store t at=4 g
    }
    lock a; lock b; lock c
    empty {}
    "#);
}

#[test]
fn an_else_stays_on_its_line_and_follows_the_brace_as_in_c() {
    let source = "when \"r\" { a } else   when \"s\" {\nb\n}   else { c; when x { d };else{ e } }\nwhen \"r\" {\na\n}\nelse {\nb\n}\n";
    insta::assert_snapshot!(formatted(source), @r#"
    when "r" { a } else when "s" {
        b
    } else { c; when x { d } else { e } }
    when "r" {
        a
    }
    else {
        b
    }
    "#);
}

#[test]
fn the_constructs_of_functions_are_laid_out_once() {
    let source = "fn f a   b {\ndefer {unlock m}\ndo { load x into=r }   while \"r\"\ndo {\na\n}\nwhile \"a\"\ndo {\nb\n} while \"b\"; c\n\
                  loop { a } ; while \"c\" {b}\n}\nenum e {A;B 5\nC}\nconst   N=5\nops-type t { move a   b;free a optional }\n";
    let once = formatted(source);
    assert_eq!(formatted(&once), once);
    insta::assert_snapshot!(once, @r#"
    fn f a b {
        defer { unlock m }
        do { load x into=r } while "r"
        do {
            a
        }
        while "a"
        do {
            b
        } while "b"; c
        loop { a }; while "c" { b }
    }
    enum e {
        A; B 5
        C
    }
    const N=5
    ops-type t { move a b; free a optional }
    "#);
}

#[test]
fn long_lines_of_statements_break_and_continued_lines_stay() {
    let row = ["lock a-buffer-with-a-long-name into=result"; 4].join("; ");
    let source = format!("thread t {{\n{row}\nfault fb \\ // the page\npage=0   \\\n   into=r\n}}");
    insta::assert_snapshot!(formatted(&source), @r"
    thread t {
        lock a-buffer-with-a-long-name into=result; lock a-buffer-with-a-long-name into=result
        lock a-buffer-with-a-long-name into=result; lock a-buffer-with-a-long-name into=result
        fault fb \ // the page
            page=0 \
            into=r
    }
    ");
}

#[test]
fn texts_and_disabled_code_keep_their_words() {
    let source = "about \"\"\"\n      two\n        lines\n      \"\"\"\na /-{ b } { c }\na  /-b /-c=1 d /* e\n f */ /-{\n g\n}\n/* h */\n";
    insta::assert_snapshot!(formatted(source), @r#"
    about """
          two
            lines
          """
    a /-{ b } { c }
    a /-b /-c=1 d /* e
     f */ /-{
        g
    }
    /* h */
    "#);
}

#[test]
fn an_ill_formed_file_is_left_alone() {
    let report = format("t.kdl", "thread t {\n  lock(fb)\n").unwrap_err();
    assert_eq!(report.to_string(), "2 mistakes in t.kdl");
}
