//! `explore`: a page on which steps are chosen by hand. What it looks like and does in a browser is seen by
//! `ci/browser`.

use crate::project::{BIG, Project, TWICE, TWO_ORDERS};
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, Stdio},
    time::{Duration, Instant},
};

/// A page that is there until it is dropped.
struct Served {
    child: Child,
    port: u16,
    /// `/WORD/`.
    path: String,
    /// What stands behind that.
    place: String,
}

/// What came back.
#[derive(Debug)]
struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }

    /// Fails unless it is refused so, for a reason that has that in it.
    #[track_caller]
    fn is_refused(&self, status: u16, why: &str) {
        assert_eq!(self.status, status, "{self:?}");
        assert!(self.json()["error"].as_str().is_some_and(|said| said.contains(why)), "{self:?}");
    }
}

impl Served {
    fn of(project: &Project, arguments: &str) -> Served {
        let mut command = project.command(&format!("explore {arguments}"));
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the binary starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("its output")).read_line(&mut line).expect("an address");
        let rest = line.trim().strip_prefix("http://127.0.0.1:").expect("an address of the loopback");
        let (port, path) = rest.split_once('/').expect("a path");
        let (word, place) = path.split_once('/').expect("a word");
        let port = port.parse().expect("a port");
        Served { child, port, path: format!("/{word}/"), place: place.to_owned() }
    }

    fn send(&self, bytes: &[u8]) -> Answer {
        // Who takes long to say what is not read is cut off by the system: where there is much else to do, anybody may.
        let answer = (0..20).find_map(|_| self.sent(bytes).ok());
        let all = answer.expect("an answer");
        let (head, body) = all.split_once("\r\n\r\n").expect("a head");
        let status = head.split(' ').nth(1).and_then(|n| n.parse().ok()).expect("a status");
        Answer { status, head: head.to_owned(), body: body.to_owned() }
    }

    fn sent(&self, bytes: &[u8]) -> std::io::Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("somebody listens");
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a time");
        // Who is refused early may not be read to the end.
        let _ = stream.write_all(bytes);
        let mut all = String::new();
        stream.read_to_string(&mut all)?;
        Ok(all)
    }

    fn get(&self, path: &str, host: &str) -> Answer {
        self.send(format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes())
    }

    fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    fn post(&self, body: &str) -> Answer {
        let (path, host, length) = (&self.path, self.host(), body.len());
        let head = format!("POST {path}look HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n");
        self.send(format!("{head}Content-Length: {length}\r\n\r\n{body}").as_bytes())
    }

    fn ask(&self, case: usize, path: &str, go: &str) -> Answer {
        self.post(&json!({ "case": case, "path": path, "from": 0, "go": go }).to_string())
    }

    /// What follows a way.
    #[track_caller]
    fn look(&self, path: &str, go: &str) -> Value {
        let answer = self.ask(0, path, go);
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a page shows, as its script reads it.
fn data(page: &str) -> Value {
    let (_, rest) = page.split_once("<script type=\"application/json\" id=\"data\">").expect("the data");
    let (json, _) = rest.split_once("</script>").expect("its end");
    serde_json::from_str(json).expect("JSON")
}

/// The threads that can go on behind the last step of an answer.
fn next(told: &Value) -> Vec<u64> {
    let execution = &told["execution"];
    let last = execution["steps"].as_array().and_then(|steps| steps.last()).unwrap_or(&execution["start"]);
    last["next"].as_array().expect("what can be chosen").iter().filter_map(|option| option["t"].as_u64()).collect()
}

#[test]
fn the_page_shows_every_case_at_its_beginning_with_what_can_be_chosen() {
    let project = Project::new().file("twice.kdl", TWICE);
    let served = Served::of(&project, "twice.kdl");
    let page = served.get(&served.path, &served.host());
    assert_eq!(page.status, 200);
    assert!(
        page.head.contains("Content-Type: text/html") && page.head.contains("Cache-Control: no-store"),
        "{}",
        page.head
    );
    let data = data(&page.body);
    assert_eq!(data["title"], "twice");
    let cases = data["cases"].as_array().expect("cases");
    assert_eq!(cases.iter().map(|case| &case["name"]).collect::<Vec<_>>(), ["twice/buggy", "twice/fixed"]);
    for case in cases {
        assert_eq!(case["letters"], json!(["I", "T"]));
        let options = case["executions"][0]["start"]["next"].as_array().expect("what can be chosen");
        assert_eq!(options.iter().map(|option| &option["t"]).collect::<Vec<_>>(), [0, 1]);
        assert_eq!(options[0]["op"], "check-and-signal f into=was");
        assert_eq!(options[0]["at"]["line"], 9);
    }
}

#[test]
fn one_case_alone_may_be_meant() {
    let project = Project::new().file("twice.kdl", TWICE);
    for arguments in ["twice.kdl --case fixed", "twice.kdl --only fixed", "twice.kdl::fixed"] {
        let served = Served::of(&project, arguments);
        let data = data(&served.get(&served.path, &format!("localhost:{}", served.port)).body);
        assert_eq!(data["cases"].as_array().map(Vec::len), Some(1), "{arguments}");
        assert_eq!(data["cases"][0]["name"], "twice/fixed");
    }
    assert!(project.run("explore twice.kdl --case nothing").exits(2).err.contains("has `nothing` in its name"));
    assert!(project.run("explore nowhere.kdl").exits(2).err.contains("nowhere.kdl"));
}

#[test]
fn a_step_leads_to_a_state_in_which_others_can_be_taken() {
    let project = Project::new().file("two-orders.kdl", TWO_ORDERS);
    let served = Served::of(&project, "two-orders.kdl");
    let told = served.look("F1", "step");
    assert_eq!((&told["from"], &told["taken"]), (&json!(0), &json!(1)));
    assert_eq!(told["execution"]["kind"], "open");
    assert_eq!(told["execution"]["steps"][0]["op"], "lock fb0");
    assert_eq!(next(&told), [0, 1]);
    let token = told["execution"]["token"].as_str().expect("a token");
    let replayed = project.run(&format!("replay two-orders.kdl {token}")).exits(0);
    assert!(replayed.out.contains("who could go on: flip, copy"), "{}", replayed.out);
    // A page that has the first steps gets the others.
    let more = served.post(&json!({ "case": 0, "path": "F1C1", "from": 1, "go": "step" }).to_string()).json();
    assert_eq!((&more["from"], more["execution"]["steps"].as_array().map(Vec::len)), (&json!(1), Some(1)));
}

#[test]
fn a_deadlock_is_shown_and_replays() {
    let project = Project::new().file("two-orders.kdl", TWO_ORDERS);
    let served = Served::of(&project, "two-orders.kdl");
    let told = served.look("", "wrong");
    let execution = &told["execution"];
    assert_eq!((&execution["kind"], &execution["broken"]), (&json!("wrong"), &json!("deadlock")));
    assert!(told["note"].as_str().is_some_and(|note| note.contains("there is no shorter way")), "{told}");
    assert_eq!(next(&told), Vec::<u64>::new());
    let token = execution["token"].as_str().expect("a token");
    assert!(project.run(&format!("replay two-orders.kdl {token}")).exits(1).out.contains("deadlock"));
    // It is as short as the one that `check` finds.
    let found = project.run("check two-orders.kdl").exits(1).token();
    let steps = served.look(&found, "step")["execution"]["steps"].as_array().map(Vec::len);
    assert_eq!(execution["steps"].as_array().map(Vec::len), steps);
    let over = served.look(&found, "end");
    assert!(over["execution"].is_null() && over["note"].as_str().is_some_and(|note| note.contains("it is over here")));
}

#[test]
fn from_any_state_one_may_run_to_an_end() {
    let project = Project::new().file("two-orders.kdl", TWO_ORDERS).file("twice.kdl", TWICE);
    let served = Served::of(&project, "two-orders.kdl");
    assert_eq!(served.look("F1", "well")["execution"]["kind"], "well");
    let end = served.look("F1", "end");
    assert_ne!(end["execution"]["kind"], "open");
    let token = end["execution"]["token"].as_str().expect("a token");
    assert!(token.starts_with('F'), "it goes on from where one was: {token}");
    // Both have their first lock: nothing ends well any more.
    let found = served.look("", "wrong");
    let steps = found["execution"]["steps"].as_array().expect("steps").len();
    let way = found["execution"]["token"].as_str().and_then(|token| token.split('@').next()).expect("a way");
    assert!(steps >= 2);
    let none = served.look(&one_less(way), "well");
    assert!(none["note"].as_str().is_some_and(|note| note.contains("states that follow were looked at")), "{none}");
    let fixed = Served::of(&project, "twice.kdl::fixed");
    let none = fixed.look("", "wrong");
    assert!(none["execution"].is_null());
    assert!(none["note"].as_str().is_some_and(|note| note.contains("no place where something is wrong lies ahead")));
}

/// Two threads that may keep out of each other's way for ever, and the same with one order.
fn back_off(second: &str, expect: &str) -> String {
    let thread = |name, first, then| {
        format!(
            "thread {name} {{ loop {{ lock {first}; trylock {then} into=got; when \"got\" {{ break }}; unlock {first} }}; \
             unlock {then}; unlock {first} }}"
        )
    };
    let (one, two) =
        (thread("one", "a", "b"), if second == "b" { thread("two", "b", "a") } else { thread("two", "a", "b") });
    format!("scenario s {{ about \"x\"; lock a; lock b; {one}; {two}; expect {{ {expect} }} }}")
}

#[test]
fn what_goes_on_for_ever_is_wrong_too_where_nothing_else_is() {
    let project = Project::new().file("s.kdl", back_off("b", "violates livelock"));
    let served = Served::of(&project, "s.kdl");
    let told = served.look("", "wrong");
    let execution = &told["execution"];
    assert_eq!((&execution["kind"], &execution["broken"]), (&json!("wrong"), &json!("livelock")), "{told}");
    let steps = execution["steps"].as_array().expect("steps").len() as u64;
    let from = execution["loopFrom"].as_u64().expect("where it goes round");
    let note = told["note"].as_str().expect("a note");
    assert!(
        note.starts_with(&format!(
            "livelock: the last {} steps can be taken again and again, and {from} ",
            steps - from
        ))
    );
    // It is the one that `check` finds, and replays as one.
    let found = project.run("explain s.kdl").exits(0).token();
    assert_eq!(execution["token"], found.as_str());
    // The round leads back: whoever can go on at its end could where it began.
    let at = from.checked_sub(1).map_or(&execution["start"], |last| &execution["steps"][last as usize]);
    let could: Vec<u64> = at["next"].as_array().expect("options").iter().filter_map(|o| o["t"].as_u64()).collect();
    assert_eq!(next(&told), could);
    assert_eq!(served.look("O1", "step")["execution"]["kind"], "open");
    let later = served.look("O1", "wrong");
    assert_eq!(later["execution"]["broken"], "livelock");
    assert!(later["execution"]["token"].as_str().is_some_and(|token| token.starts_with('O')), "{later}");
}

#[test]
fn that_nothing_goes_on_for_ever_is_said() {
    let project = Project::new().file("s.kdl", back_off("a", "holds; eventually \"one.got && two.got\""));
    let told = Served::of(&project, "s.kdl").look("", "wrong");
    assert!(told["execution"].is_null(), "{told}");
    let note = told["note"].as_str().expect("a note");
    assert!(note.contains("nobody is in a livelock or starves, and what must come true or settle does"), "{note}");
}

/// Goes round with progress, and never comes to rest.
fn going_round(expect: &str) -> String {
    format!(
        "scenario s {{ about \"x\"; var x; thread t {{ loop {{ store x 1; progress; store x 2 }} }}; expect {{ {expect} }} }}"
    )
}

#[test]
fn what_never_comes_true_and_what_never_settles_is_wrong_too() {
    for (expect, broken, says) in [
        ("eventually \"x == 3\" as=three; violates three", "three", "line 1: `eventually \"x == 3\" as=three`"),
        ("settles \"x == 1\"; violates never-settles", "never-settles", "line 1: `settles \"x == 1\"`"),
    ] {
        let project = Project::new().file("s.kdl", going_round(expect));
        let told = Served::of(&project, "s.kdl").look("", "wrong");
        let execution = &told["execution"];
        assert_eq!((&execution["kind"], &execution["broken"]), (&json!("wrong"), &json!(broken)), "{told}");
        let steps = execution["steps"].as_array().expect("steps").len() as u64;
        let from = execution["loopFrom"].as_u64().expect("where it goes round");
        let note = told["note"].as_str().expect("a note");
        let round = format!("the last {} steps can be taken again and again, and {from} lead there", steps - from);
        assert!(note.contains(&round) && note.starts_with(says), "{note}");
        // It is the one that `check` finds.
        assert_eq!(execution["token"], project.run("explain s.kdl").exits(0).token().as_str());
    }
    let come = Project::new().file("s.kdl", going_round("eventually \"x == 2\"; holds"));
    let told = Served::of(&come, "s.kdl").look("", "wrong");
    assert!(told["execution"].is_null(), "{told}");
}

#[test]
fn what_came_true_on_the_way_need_not_again() {
    let text = "scenario s { about \"x\"; var x; thread t { choose 1 2 into=n; store x n; store x 3 }; \
                expect { eventually \"x == 1\" as=one; violates one } }";
    let project = Project::new().file("s.kdl", text);
    let served = Served::of(&project, "s.kdl");
    let told = served.look("", "wrong");
    assert_eq!((&told["execution"]["kind"], &told["execution"]["broken"]), (&json!("wrong"), &json!("one")), "{told}");
    let note = told["note"].as_str().expect("a note");
    assert!(note.contains("it is over after 3 steps, and after no fewer"), "{note}");
    // Whoever goes there by hand is told, too.
    let bad = told["execution"]["token"].as_str().and_then(|token| token.split('@').next()).expect("a way").to_owned();
    assert_eq!(served.look(&bad, "step")["execution"]["broken"], "one");
    let well = served.look("", "well");
    assert_eq!(well["execution"]["kind"], "well", "{well}");
    let good = well["execution"]["token"].as_str().and_then(|token| token.split('@').next()).expect("a way").to_owned();
    assert_ne!(good, bad);
    let none = served.look(&one_less(&good), "wrong");
    assert!(
        none["execution"].is_null() && none["note"].as_str().is_some_and(|note| note.contains("no place")),
        "{none}"
    );
    let none = served.look(&one_less(&bad), "well");
    assert!(none["execution"].is_null(), "nothing ends well any more: {none}");
}

#[test]
fn an_end_at_which_nothing_has_settled_is_wrong() {
    let text = "scenario s { about \"x\"; var x; thread t { store x 1; store x 2 }; \
                expect { settles \"x == 1\"; violates never-settles } }";
    let told = Served::of(&Project::new().file("s.kdl", text), "s.kdl").look("", "wrong");
    let execution = &told["execution"];
    assert_eq!((&execution["kind"], &execution["broken"]), (&json!("wrong"), &json!("never-settles")), "{told}");
    assert_eq!(told["note"], "the nearest place where something is wrong: 2 steps; there is no shorter way");
}

/// A way without its last step.
fn one_less(way: &str) -> String {
    let at = way.rfind(|c: char| c.is_ascii_alphabetic()).expect("a run");
    let steps: u32 = way[at + 1..].parse().expect("steps");
    if steps == 1 { way[..at].to_owned() } else { format!("{}{}", &way[..=at], steps - 1) }
}

#[test]
fn a_search_that_is_cut_says_so() {
    let project = Project::new().file("big.kdl", BIG.replace("count=10", "count=8"));
    let served = Served::of(&project, "big.kdl");
    let told = served.look("", "wrong");
    assert!(told["note"].as_str().is_some_and(|note| note.contains("and there may be one")), "{told}");
    let told = served.look("", "end");
    assert_eq!(told["execution"]["kind"], "well");
    assert!(told["note"].as_str().is_some_and(|note| note.contains("perhaps not the nearest")), "{}", told["note"]);
}

#[test]
fn a_whole_operation_may_be_taken_and_a_choice_is_asked_for() {
    let text =
        "scenario s { about \"x\"; resv fb; thread t { choose 1 2 into=n; lock fb; unlock fb }; expect { holds } }";
    let project = Project::new().file("s.kdl", text);
    let served = Served::of(&project, "s.kdl");
    let page = data(&served.get(&served.path, &served.host()).body);
    let options = page["cases"][0]["executions"][0]["start"]["next"].as_array().expect("options").clone();
    assert_eq!(options.iter().map(|o| &o["falls"]).collect::<Vec<_>>(), ["gives 1", "gives 2"]);
    assert_eq!(options.iter().map(|o| &o["choice"]).collect::<Vec<_>>(), [0, 1]);
    let told = served.look("T1=1T1", "operation");
    let steps = told["execution"]["steps"].as_array().expect("steps");
    assert_eq!(steps[0]["choice"], 1);
    assert!(steps[1..].iter().all(|step| step["op"] == "lock fb"), "{steps:?}");
    assert_eq!(steps.last().expect("a step")["end"], "done");
}

#[test]
fn a_clause_that_is_broken_on_the_way_is_told() {
    let text = "scenario s { about \"x\"; var x; thread t { store x 1; store x 2 }; expect { never \"x == 1\" as=one; violates one } }";
    let project = Project::new().file("s.kdl", text);
    let served = Served::of(&project, "s.kdl");
    let told = served.look("T1", "step");
    assert_eq!((&told["execution"]["kind"], &told["execution"]["broken"]), (&json!("wrong"), &json!("one")));
    let on = served.look("T2", "step");
    let breaks = &on["execution"]["steps"][0]["breaks"];
    assert!(breaks[0].as_str().is_some_and(|text| text.starts_with("line 1: `never")), "{breaks}");
}

#[test]
fn a_step_that_cannot_be_taken_is_refused_and_says_why() {
    let project = Project::new().file("two-orders.kdl", TWO_ORDERS);
    let served = Served::of(&project, "two-orders.kdl");
    served.ask(0, "F1=7", "step").is_refused(422, "step 1 cannot be taken: flip can go 1 way only");
    served.ask(0, "F400", "step").is_refused(422, "cannot be taken: flip has ended");
    served.ask(0, "X1", "step").is_refused(422, "no thread has the letter `X`");
    served.ask(0, "F1@000000", "step").is_refused(422, "for another program");
    served.ask(0, "~F1~1", "step").is_refused(422, "weak memory");
    served.ask(0, "F3000", "step").is_refused(422, "2000 are followed at most");
    served.ask(1, "", "step").is_refused(422, "none has the place 1");
    served.ask(0, "", "operation").is_refused(422, "no step");
    served.ask(0, "", "away").is_refused(400, "not `away`");
    served.post("{").is_refused(400, "a question is JSON");
    served.post("{\"case\":-1}").is_refused(400, "`case` is no number");
    served.post("[]").is_refused(400, "is no number");
    // And it is still there.
    assert_eq!(served.look("F1", "step")["taken"], 1);
}

#[test]
fn who_is_no_page_of_ours_gets_nothing() {
    let project = Project::new().file("two-orders.kdl", TWO_ORDERS);
    let served = Served::of(&project, "two-orders.kdl");
    let (host, path) = (served.host(), &served.path);
    served.get(path, "evil.example").is_refused(403, "host");
    served.get(path, &format!("evil.example:{}", served.port)).is_refused(403, "host");
    served.send(format!("GET {path} HTTP/1.1\r\n\r\n").as_bytes()).is_refused(400, "host");
    for other in ["/", "/0123456789abcdef0123456789abcdef/", "/look", &path[..path.len() - 2]] {
        served.get(other, &host).is_refused(403, "the word of this run");
    }
    served.get(&format!("{path}other"), &host).is_refused(404, "nothing");
    served.get(&format!("{path}look"), &host).is_refused(405, "POST");
    let head = format!("POST {path}look HTTP/1.1\r\nHost: {host}\r\nContent-Length: 2\r\n");
    served.send(format!("{head}Content-Type: text/plain\r\n\r\n{{}}").as_bytes()).is_refused(415, "json");
    let foreign = format!("{head}Content-Type: application/json\r\nOrigin: http://evil.example\r\n\r\n{{}}");
    served.send(foreign.as_bytes()).is_refused(403, "another page");
}

#[test]
fn what_is_too_large_or_too_long_is_refused() {
    let project = Project::new().file("two-orders.kdl", TWO_ORDERS);
    let served = Served::of(&project, "two-orders.kdl");
    let (host, path) = (served.host(), &served.path);
    served.get(&format!("{path}{}", "x".repeat(20_000)), &host).is_refused(431, "head");
    let many = "A: b\r\n".repeat(200);
    served.send(format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n{many}\r\n").as_bytes()).is_refused(431, "headers");
    let large = json!({ "case": 0, "path": "F1".repeat(50_000), "from": 0, "go": "step" }).to_string();
    served.post(&large).is_refused(413, "bytes at most");
    let chunks = format!("POST {path}look HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n");
    served.send(chunks.as_bytes()).is_refused(501, "length");
    served.send(b"\x16\x03\x01\x02\x00\x01\r\n\r\n").is_refused(400, "no request");
    // Connections on which nobody says anything keep nobody away.
    let idle: Vec<_> =
        (0..8).map(|_| TcpStream::connect(("127.0.0.1", served.port)).expect("somebody listens")).collect();
    assert_eq!(served.look("F1", "step")["taken"], 1);
    drop(idle);
}

#[test]
fn it_begins_with_a_schedule_and_at_a_port_if_one_says_so() {
    let project = Project::new().file("two-orders.kdl", TWO_ORDERS).file("twice.kdl", TWICE);
    let token = project.run("check two-orders.kdl").exits(1).token();
    let served = Served::of(&project, &format!("two-orders.kdl --replay {token}"));
    let way = token.split('@').next().expect("steps");
    assert!(served.place.starts_with("#0.") && served.place.ends_with(&format!(".{way}")), "{}", served.place);
    let other = project.run(&format!("explore twice.kdl --replay {token}")).exits(2);
    assert!(other.err.contains("none of the 2 cases"), "{}", other.err);
    let far = project.run("explore two-orders.kdl --replay F400").exits(2);
    assert!(far.err.contains("cannot be taken: flip has ended"), "{}", far.err);
    let taken = project.run(&format!("explore two-orders.kdl --port {}", served.port)).exits(2);
    assert!(taken.err.contains(&format!("nothing can listen on port {} of 127.0.0.1", served.port)), "{}", taken.err);
}

#[cfg(unix)]
#[test]
fn a_signal_ends_it_and_that_is_no_failure() {
    let project = Project::new().file("two-orders.kdl", TWO_ORDERS);
    let mut served = Served::of(&project, "two-orders.kdl");
    let _idle = TcpStream::connect(("127.0.0.1", served.port)).expect("somebody listens");
    let id = served.child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &id]).status().is_ok_and(|status| status.success()));
    let until = Instant::now() + Duration::from_secs(120);
    while Instant::now() < until {
        if let Some(status) = served.child.try_wait().expect("a child") {
            assert_eq!(status.code(), Some(0));
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("it goes on");
}
