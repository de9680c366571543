//! Every kind of mistake has a file under `mistakes/`, and beside it what its
//! author is told.

use fenceweave_scenario::format;

#[test]
fn every_mistake_is_told_with_its_place_and_a_way_out() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("mistakes");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        insta::glob!("mistakes/*.kdl", |path| {
            let name = path.file_name().unwrap().to_string_lossy();
            let source = std::fs::read_to_string(path).unwrap();
            let report = format(&name, &source).unwrap_err();
            insta::assert_snapshot!(report.plain());
        });
    });
}
