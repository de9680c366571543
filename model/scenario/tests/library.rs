//! What a scenario has of the libraries that it uses.

use fenceweave_kernel::Instr;
use fenceweave_scenario::{
    Loaded, Report, libraries, library_files, library_page, load_in, load_library, one_file, outline,
};
use std::path::Path;

fn folder() -> &'static Path {
    Path::new("tests/library")
}

fn load(text: &str) -> Result<Loaded, Report> {
    load_in("s.kdl", text, Some(folder()))
}

fn loaded(text: &str) -> Loaded {
    load(text).unwrap_or_else(|report| panic!("{text}\n{}", report.plain()))
}

/// What is wrong with a scenario, as its author is told.
fn told(text: &str) -> String {
    load(text).expect_err("a mistake").plain()
}

/// The texts of what a function's statements say, in the first thread's code.
fn said(loaded: &Loaded, case: usize) -> Vec<String> {
    let program = &loaded.scenarios[0].cases[case].program;
    let lines = program.scripts.iter().flat_map(|script| &script.lines);
    lines.filter(|line| line.file > 0).map(|line| line.text.clone()).collect()
}

fn says(loaded: &Loaded, case: usize, text: &str) -> bool {
    said(loaded, case).iter().any(|line| line == text)
}

#[test]
fn only_what_is_reached_is_there() {
    let loaded = loaded("scenario s { use \"./parts.kdl\"; thread t { take 1 into=n } }");
    let program = &loaded.scenarios[0].cases[0].program;
    let objects: Vec<&str> = program.objects.iter().map(|object| object.name.as_str()).collect();
    assert_eq!(objects, ["gate"], "neither the other lock nor the struct");
    assert_eq!(program.vars.len(), 1);
    assert_eq!(program.callees, ["take", "inner"]);
    // The number of a file says where a line is.
    assert_eq!(program.file_name(1), Some("parts.kdl"));
    let line = program.scripts[0].lines.iter().find(|line| line.text == "lock gate").expect("a line of `take`");
    assert_eq!((line.file, line.line), (1, 20));
}

#[test]
fn what_is_named_is_there_with_what_it_needs() {
    let loaded = loaded(
        "scenario s { use \"./parts.kdl\"; thread t { new thing into=x; load x.at into=at; put x }; expect { never \"t.at == THERE\" } }",
    );
    let program = &loaded.scenarios[0].cases[0].program;
    assert_eq!(program.structs.len(), 1);
    assert_eq!(program.types[0].name, "place");
    assert!(program.callees.is_empty(), "{:?}", program.callees);
}

#[test]
fn options_choose_and_parameters_are_numbers() {
    let text = |uses: &str| format!("scenario s {{ use \"./parts.kdl\" {uses}; thread t {{ take 1 into=n }} }}");
    assert!(says(&loaded(&text("")), 0, "store steps \"steps + STEP\""));
    assert!(says(&loaded(&text("kernel=v6_1")), 0, "store steps \"steps + n\""));
    assert!(!says(&loaded(&text("kernel=v6_1")), 0, "store steps \"steps + 100\""));
    assert!(says(&loaded(&text("kernel=v6_1 fault=posted")), 0, "store steps \"steps + 100\""));
    assert!(told(&text("fault=posted")).contains("asks for `kernel=v6_1`"));
    let has = |text: &str, number: &str| {
        let loaded = loaded(text);
        loaded.scenarios[0].cases[0].program.exprs.iter().any(|expr| format!("{expr:?}").contains(number))
    };
    assert!(has(&text("TURNS=3"), "Word(6)"), "STEP follows from what TURNS was set to");
    assert!(has(&text("STEP=9"), "Word(9)"));
    assert!(!has(&text(""), "Word(6)"));
}

#[test]
fn cases_choose_for_themselves() {
    let loaded = loaded(
        "scenario s { case old new; only old { use \"./parts.kdl\" kernel=v5_0 }; only new { use \"./parts.kdl\" }; \
         thread t { take 1 into=n } }",
    );
    assert!(says(&loaded, 0, "store steps \"steps + n\"") && !says(&loaded, 1, "store steps \"steps + n\""));
}

#[test]
fn an_override_stands_in_the_place_of_a_function() {
    let inside = "scenario s { case before after; use \"./parts.kdl\"; only after { override fn inner n { store steps \"steps + 7 * n\" } }; thread t { take 1 into=n } }";
    let loaded_inside = loaded(inside);
    assert!(says(&loaded_inside, 0, "store steps \"steps + STEP\""));
    let program = &loaded_inside.scenarios[0].cases[1].program;
    let replaced = program.scripts[0].lines.iter().find(|line| line.text == "store steps \"steps + 7 * n\"");
    assert_eq!(replaced.map(|line| line.file), Some(0), "the patch is in the scenario's file");
    let by_file = loaded("scenario s { use \"./patch.kdl\"; thread t { take 1 into=n } }");
    assert!(says(&by_file, 0, "store steps \"steps + 7 * n\""));
    // The same patch by a file is the same program.
    let code = |loaded: &Loaded, case: usize| loaded.scenarios[0].cases[case].program.scripts[0].code.clone();
    assert_eq!(code(&loaded_inside, 1), code(&by_file, 0));
    let both = "scenario s { use \"./patch.kdl\"; override fn inner n { }; thread t { take 1 into=n } }";
    let told = told(both);
    assert!(told.contains("`inner` is replaced twice") && told.contains("s.kdl:1:33"), "{told}");
}

#[test]
fn an_override_keeps_to_what_was_promised_of_the_returns() {
    let scenario =
        |patch: &str| format!("scenario s {{ use \"./promises.kdl\"; {patch}; thread t {{ enter 1 into=n }} }}");
    let promise = |text: &str| says(&loaded(&scenario(text)), 0, "assert-not-held gate");
    assert!(promise("override fn enter n { return n }"), "what says nothing has kept to it");
    assert!(!promise("override fn enter n { on-return { assert-held gate }; lock gate; return n }"), "its own stands");
    let told = told(&scenario("override fn enter m { return m }"));
    assert!(told.contains("by other names of its arguments") && told.contains("the arguments `n`"), "{told}");
}

#[test]
fn the_files_of_a_folder_see_each_other_and_nobody_sees_what_is_static() {
    let text = |call: &str| {
        format!("scenario s {{ use \"./folder\"; thread t {{ pair_new 1 into=p; {call} into=n; free p }} }}")
    };
    let whole = loaded(&text("pair_total p"));
    assert_eq!(whole.scenarios[0].cases[0].program.callees, ["pair_new", "pair_total", "twice", "pair_sum"]);
    for (call, why) in
        [("pair_sum p", "`pair_sum` is internal: its library"), ("twice 1", "`twice` is static: its file")]
    {
        let told = told(&text(call));
        assert!(told.contains(why) && told.contains("folder/"), "{told}");
    }
}

#[test]
fn what_is_static_may_have_the_name_of_something_else() {
    let text = "scenario s { use \"./folder\"; fn twice n { return \"n * 3\" }; var pair_sum\n\
                thread t { pair_new 1 into=p; pair_total p into=n; twice 1 into=m; load pair_sum into=x; free p } }";
    let whole = loaded(text);
    let program = &whole.scenarios[0].cases[0].program;
    assert_eq!(program.callees, ["pair_new", "pair_total", "twice", "twice-pair_", "pair_sum-folder_"]);
    assert!(says(&whole, 0, "twice n into=two"), "a trace says what its author wrote");
    let one = one_file(&folder().join("s.kdl"), text, "s").expect("a scenario").expect("it uses something");
    let alone = fenceweave_scenario::load("one.kdl", &one).unwrap_or_else(|report| panic!("{one}\n{}", report.plain()));
    let code = |loaded: &Loaded| loaded.scenarios[0].cases[0].program.scripts[0].code.clone();
    assert_eq!(code(&alone), code(&whole));
}

#[test]
fn a_scenario_with_its_libraries_is_one_file() {
    let text = "scenario s { case old new\n use \"./parts.kdl\" TURNS=1\n only old { override fn inner n { store steps n } }\n thread t { take 1 into=n } }";
    let path = folder().join("s.kdl");
    let one = one_file(&path, text, "s/old").expect("a scenario").expect("it uses something");
    assert!(!one.contains("use ") && !one.contains("override") && !one.contains("case"), "{one}");
    assert!(one.contains("const TURNS=1 STEP=\"TURNS * 2\"") && one.contains("store steps n"), "{one}");
    let alone = fenceweave_scenario::load("one.kdl", &one).unwrap_or_else(|report| panic!("{one}\n{}", report.plain()));
    let code = |loaded: &Loaded| loaded.scenarios[0].cases[0].program.scripts[0].code.clone();
    assert_eq!(code(&alone), code(&loaded(text)));
    assert_eq!(one_file(&path, "scenario s { thread t { } }", "s").expect("a scenario"), None);
}

#[test]
fn a_library_by_itself_is_a_file_without_scenarios() {
    let text = library_files("drm_gem")[0].1;
    assert!(loaded(text).scenarios.is_empty());
    assert!(told("fn f { }\nfrobnicate x").contains("nothing that a library has"));
    // Who forgot the scenario around his threads has no library.
    assert!(told("lock a\nthread t { lock a }").contains("does not stand at the top of a file"));
}

fn first_word(text: &str) -> &str {
    text.trim_matches('"').split(' ').next().unwrap_or_default()
}

/// What a library of dma-buf calls: an exporter's table.
const EXPORTER: &str = "fn one a { return a }\nfn two a b { return a }\nfn ends a b { return }\nfn over a b c { return }\n\
                        fn gone a { return }\nfn both a { return 0 a }\nops whole_exporter type=dma_buf_ops { attach two; detach ends; map_dma_buf two; \
                        unmap_dma_buf over; release gone; begin_cpu_access two; end_cpu_access two; vmap both; vunmap ends }";

/// Everything that is built in is well-formed, with every value of every option, reached or not; and says where it
/// comes from.
#[test]
fn built_in_libraries_are_whole() {
    assert!(libraries().iter().any(|(name, about)| *name == "drm_gem" && !about.is_empty()));
    for (name, _) in libraries() {
        let mut chosen = vec![String::new()];
        for (file, text) in library_files(name) {
            let nodes = outline(file, text).unwrap_or_else(|report| panic!("{}", report.plain()));
            for node in nodes.iter().filter(|node| node.name == "option") {
                let words: Vec<&str> = node.entries.iter().filter(|e| e.key.is_none()).map(|e| &e.value[..]).collect();
                let asks: Vec<String> = node
                    .entries
                    .iter()
                    .filter(|e| e.key.is_some())
                    // Any of the values does.
                    .map(|e| format!("{}={}", e.key.as_deref().unwrap_or_default(), first_word(&e.value)))
                    .collect();
                let values = words[1..].iter().take_while(|word| **word != "requires");
                chosen.extend(values.map(|value| format!("{}={value} {}", words[0], asks.join(" "))));
            }
            let source = nodes.iter().find(|node| node.name == "source");
            let said = |key: &str| source.is_some_and(|s| s.entries.iter().any(|e| e.key.as_deref() == Some(key)));
            assert!(
                file.ends_with("types.kdl") || said("file") && said("version"),
                "{file} says of no file of the kernel what it is"
            );
        }
        // With the tables of three managers in one text a call through their slots has more locals than there is room
        // for; scenarios have two of them at most, and `selftests/i915` has these.
        let is_too_large = |options: &String| name == "i915_ttm_move" && options.starts_with("bar=small");
        chosen.retain(|options| !is_too_large(options));
        for options in chosen {
            // What a driver has, and the library uses.
            let beside = match name {
                "dma-buf" => EXPORTER,
                // The list in an object is of what `drm_gpuvm` has.
                "drm_gem" if options.starts_with("gpuva=resv") => "use drm_gpuvm",
                "drm_gem" if options.starts_with("gpuva=mutex") => "use drm_gpuvm gem=mutex",
                _ if options.starts_with("queue=driver") => "workqueue submit_wq",
                _ => "",
            };
            load_library(name, &options, beside)
                .unwrap_or_else(|report| panic!("{name} {options}\n{}", report.plain()));
        }
        let page = library_page(name).expect("a page");
        assert!(page.starts_with(&format!("# `{name}`\n")) && page.contains("- models `"), "{page}");
    }
}

#[test]
fn a_call_of_a_slot_that_no_table_fills_is_one_of_null() {
    let loaded = loaded(
        "scenario s { use drm_gem; struct bo slots=1 { base type=drm_gem_object }\n\
         ops funcs type=drm_gem_object_funcs { free bo_free }\n\
         fn bo_free obj { container-of obj bo.base into=bo; free bo }\n\
         thread t { new bo into=bo; let obj=&bo.base; drm_gem_private_object_init obj funcs\n\
         drm_gem_handle_create obj into=h; drm_gem_handle_delete h into=r; drm_gem_object_put obj } }",
    );
    let code = &loaded.scenarios[0].cases[0].program.scripts[0].code;
    assert!(code.iter().any(|instr| matches!(instr, Instr::Call(_))));
    assert!(says(&loaded, 0, "call obj.funcs.open obj into=ret"));
}

#[test]
fn a_struct_is_reached_by_a_member_that_something_names() {
    let loaded = loaded(
        "scenario s { use \"./members.kdl\"; var cur init=NULL; thread t { load cur into=i; item_size i into=n } }",
    );
    let program = &loaded.scenarios[0].cases[0].program;
    let structs: Vec<&str> = program.structs.iter().map(|s| s.name.as_str()).collect();
    assert_eq!(structs, ["item"], "the one that has `size`, and no other");
}
