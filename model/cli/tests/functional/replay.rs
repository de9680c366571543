//! `replay`: a token runs the very schedule again.

use crate::project::{Project, TWICE, TWO_ORDERS};

#[test]
fn the_token_of_a_trace_leads_to_the_same_violation() {
    let project = Project::new().file("two-orders.kdl", TWO_ORDERS);
    let token = project.run("check two-orders.kdl").token();
    insta::assert_snapshot!(project.run(&format!("replay two-orders.kdl {token} --shuttle")).sheet(), @"");
}

#[test]
fn a_token_knows_its_case() {
    let project = Project::new().file("twice.kdl", TWICE);
    let token = project.run("explain twice.kdl").token();
    let ran = project.run(&format!("replay twice.kdl {token}")).exits(0);
    assert!(ran.out.starts_with("twice/buggy\n") && ran.out.contains("fence-signaled-twice: "), "{}", ran.out);
}

#[test]
fn a_token_of_another_scenario_is_refused() {
    let project = Project::new().file("two-orders.kdl", TWO_ORDERS).file("twice.kdl", TWICE);
    let token = project.run("check two-orders.kdl").token();
    insta::assert_snapshot!(project.run(&format!("replay twice.kdl {token}")).sheet(), @"");
    insta::assert_snapshot!(project.run(&format!("replay twice.kdl {token} --only fixed")).sheet(), @"");
}

#[test]
fn what_is_no_token_is_told_by_the_character() {
    let project = Project::new().file("two-orders.kdl", TWO_ORDERS);
    let told: String = ["X9", "F", "5F", "F1=C", "F99999999999"]
        .map(|token| project.run(&format!("replay two-orders.kdl {token}")).exits(2).err)
        .concat();
    insta::assert_snapshot!(told, @"");
}

#[test]
fn a_schedule_by_hand_goes_as_far_as_it_says() {
    let project = Project::new().file("two-orders.kdl", TWO_ORDERS);
    let part = project.run("replay two-orders.kdl F1").exits(0);
    assert!(part.out.ends_with("the schedule ends here; who could go on: flip, copy\n"), "{}", part.out);
    let whole = project.run("replay two-orders.kdl F4C4").exits(0);
    assert!(whole.out.ends_with("nothing is left to do, and nothing is wrong\n"), "{}", whole.out);
    let far = project.run("replay two-orders.kdl F1C3F9").exits(2);
    assert!(far.out.contains("step 7 cannot be taken: flip is asleep on fb1"), "{}", far.out);
    let choice = project.run("replay two-orders.kdl F1=3").exits(2);
    assert!(choice.out.contains("step 1 cannot be taken"), "{}", choice.out);
}

#[test]
fn a_schedule_by_hand_may_need_to_say_of_which_case() {
    let project = Project::new().file("twice.kdl", TWICE);
    insta::assert_snapshot!(project.run("replay twice.kdl I1").sheet(), @"");
    project.run("replay twice.kdl I1 --only fixed").exits(0);
    insta::assert_snapshot!(project.run("replay twice.kdl I1 --only nobody").sheet(), @"");
}
