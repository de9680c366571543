//! What came of a run as SARIF 2.1.0, the format in which code scanners tell their results.
//!
//! A counterexample is a `codeFlow` with a `threadFlow` for each of its threads; `executionOrder` says which step comes
//! when. The token is a fingerprint: the same mistake of the same program has the same.

use crate::findings::{Ended, Finding, Level, Stand, Tested, Way};
use serde_json::{Value, json};

/// The document, indented, with a newline at its end; `version` is the tool's.
pub fn document(tested: &[Tested], version: &str) -> String {
    let findings: Vec<(&Tested, &Finding)> =
        tested.iter().flat_map(|test| test.findings.iter().map(move |f| (test, f))).collect();
    let mut rules: Vec<(&str, &str)> = findings.iter().map(|(_, f)| (&*f.rule, &*f.meaning)).collect();
    rules.sort_unstable();
    rules.dedup_by_key(|(rule, _)| *rule);
    let index = |f: &Finding| rules.iter().position(|(rule, _)| *rule == f.rule).unwrap_or(0);
    let results: Vec<Value> = findings.iter().map(|(test, f)| result(test, f, index(f))).collect();
    let rules: Vec<Value> = rules.iter().map(|(rule, meaning)| self::rule(rule, meaning)).collect();
    let read = tested.iter().all(|t| t.ended != Ended::Unknown);
    let document = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "fenceweave", "semanticVersion": version, "rules": rules } },
            "columnKind": "unicodeCodePoints",
            "invocations": [{ "executionSuccessful": read }],
            "results": results,
        }],
    });
    crate::json::text(serde_json::to_string_pretty(&document))
}

fn rule(rule: &str, meaning: &str) -> Value {
    let mut out = json!({ "id": rule });
    if !meaning.is_empty() {
        out["shortDescription"] = json!({ "text": meaning });
    }
    out
}

fn result(test: &Tested, f: &Finding, index: usize) -> Value {
    let level = match f.level {
        Level::Error => "error",
        Level::Warning => "warning",
    };
    let details = f.details.trim_end();
    let text = if details.is_empty() { f.message.clone() } else { format!("{}\n\n{details}", f.message) };
    let mut out = json!({
        "ruleId": f.rule,
        "ruleIndex": index,
        "level": level,
        "message": { "text": text },
        "locations": [{
            "physicalLocation": physical(&f.file, f.line, f.column),
            "logicalLocations": [{ "fullyQualifiedName": test.name, "kind": "function" }],
        }],
    });
    if let Some(way) = &f.way {
        out["codeFlows"] = json!([{ "threadFlows": flows(way) }]);
        out["partialFingerprints"] = json!({ "token/v1": way.token });
    }
    out
}

fn physical(file: &str, line: u32, column: u32) -> Value {
    let mut region = json!({ "startLine": line.max(1) });
    if column > 0 {
        region["startColumn"] = json!(column);
    }
    json!({ "artifactLocation": { "uri": uri(file) }, "region": region })
}

/// The steps of each thread, in the order of their first ones.
fn flows(way: &Way) -> Vec<Value> {
    let mut threads: Vec<&str> = vec![];
    for step in &way.steps {
        if !threads.contains(&&*step.thread) {
            threads.push(&step.thread);
        }
    }
    let of = |thread: &&str| {
        let own = way.steps.iter().enumerate().filter(|(_, step)| step.thread == *thread);
        let locations: Vec<Value> = own.map(|(at, step)| stand(at, step)).collect();
        json!({ "id": thread, "message": { "text": thread }, "locations": locations })
    };
    threads.iter().map(of).collect()
}

fn stand(at: usize, step: &Stand) -> Value {
    let mut location = json!({ "message": { "text": step.text } });
    if let Some((file, line)) = &step.place {
        location["physicalLocation"] = physical(file, *line, 0);
    }
    json!({ "executionOrder": at + 1, "location": location })
}

/// A path as a relative reference: what has a meaning in one is written by its bytes.
fn uri(path: &str) -> String {
    let mut out = String::new();
    for byte in path.bytes() {
        match byte {
            b'\\' => out.push('/'),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => out.push(char::from(byte)),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::tests::samples;
    use serde_sarif::sarif::Sarif;

    fn read(text: &str) -> Sarif {
        serde_json::from_str(text).expect("what the schema has")
    }

    #[test]
    fn nothing_in_it_is_unknown_to_the_schemas_types() {
        let text = document(&samples(), "0.1.0");
        let written: Value = serde_json::from_str(&text).expect("JSON");
        let again = serde_json::to_value(read(&text)).expect("JSON");
        assert_eq!(written, again, "a field that the schema lacks is lost on the way");
    }

    #[test]
    fn a_counterexample_is_a_flow_for_each_thread_in_one_order() {
        let sarif = read(&document(&samples(), "0.1.0"));
        let results = sarif.runs[0].results.as_ref().expect("results");
        assert_eq!(results.iter().map(|r| r.rule_id.as_deref()).collect::<Vec<_>>().len(), 3);
        let flows = &results[0].code_flows.as_ref().expect("a flow")[0].thread_flows;
        let mut order: Vec<i64> =
            flows.iter().flat_map(|f| f.locations.iter().filter_map(|l| l.execution_order)).collect();
        order.sort_unstable();
        assert_eq!(flows.len(), 2);
        assert_eq!(order, (1..=order.len() as i64).collect::<Vec<_>>());
    }

    #[test]
    fn a_path_is_a_relative_reference() {
        assert_eq!(uri("a b/50%.kdl"), "a%20b/50%25.kdl");
        assert_eq!(uri("ä.kdl"), "%C3%A4.kdl");
    }
}
