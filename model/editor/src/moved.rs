//! Diagnostics that are known of a text, moved along as it is changed: until somebody has read the new one.

use serde_json::{Value, json};

/// A line and a column in units of UTF-16, in this order.
type Place = (u64, u64);

fn place(value: &Value) -> Option<Place> {
    Some((value["line"].as_u64()?, value["character"].as_u64()?))
}

/// Moves every range of a text's diagnostics as a change of that moves what is there.
pub(crate) fn moved(diagnostics: &mut [Value], change: &Value) {
    let range = &change["range"];
    let (Some(start), Some(end), Some(new)) = (place(&range["start"]), place(&range["end"]), change["text"].as_str())
    else {
        return;
    };
    let (start, end) = (start.min(end), start.max(end));
    for diagnostic in diagnostics {
        for side in ["start", "end"] {
            let at = &mut diagnostic["range"][side];
            if let Some(was) = place(at) {
                let (line, character) = after(was, (start, end), new);
                *at = json!({"line": line, "character": character});
            }
        }
    }
}

/// Where a place is when a range has been replaced.
fn after(at: Place, (start, end): (Place, Place), new: &str) -> Place {
    if at <= start || at < end {
        return at.min(start);
    }
    let lines = new.matches('\n').count() as u64;
    let last = new.rsplit('\n').next().unwrap_or_default().encode_utf16().count() as u64;
    let behind = if lines == 0 { start.1 + last } else { last };
    let line = start.0 + lines + (at.0 - end.0);
    (line, if at.0 == end.0 { behind + (at.1 - end.1) } else { at.1 })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(start: Place, end: Place, text: &str) -> Value {
        let at = |(line, character): Place| json!({"line": line, "character": character});
        json!({"range": {"start": at(start), "end": at(end)}, "text": text})
    }

    #[track_caller]
    fn goes(at: Place, change: &Value, to: Place) {
        let one = json!({"line": at.0, "character": at.1});
        let mut all = [json!({"range": {"start": one, "end": one}, "message": "m"})];
        moved(&mut all, change);
        assert_eq!(place(&all[0]["range"]["start"]), Some(to));
        assert_eq!(place(&all[0]["range"]["end"]), Some(to));
    }

    #[test]
    fn what_stands_behind_a_change_moves_with_it() {
        let typed = change((2, 4), (2, 4), "xé𝄞");
        goes((2, 3), &typed, (2, 3));
        goes((2, 4), &typed, (2, 4));
        goes((2, 6), &typed, (2, 10));
        goes((3, 1), &typed, (3, 1));
        let lines = change((2, 4), (2, 6), "a\nbc\n");
        goes((2, 5), &lines, (2, 4));
        goes((2, 6), &lines, (4, 0));
        goes((2, 9), &lines, (4, 3));
        goes((5, 9), &lines, (7, 9));
        let gone = change((3, 2), (1, 1), "");
        goes((2, 0), &gone, (1, 1));
        goes((3, 5), &gone, (1, 4));
        goes((9, 5), &gone, (7, 5));
    }

    #[test]
    fn what_is_no_change_of_a_range_moves_nothing() {
        goes((2, 3), &json!({"text": "all of it"}), (2, 3));
        goes((2, 3), &json!({"range": {}, "text": ""}), (2, 3));
        goes((2, 3), &Value::Null, (2, 3));
    }
}
