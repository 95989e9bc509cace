//! A text with conflict markers comes apart into the two texts that Git put together.
//!
//! A zero separates the parts: lines of both sides, then ours, the common version, and theirs, again
//! and again.

#![no_main]

#[path = "../../src/merge/markers.rs"]
mod markers;

use libfuzzer_sys::fuzz_target;
use markers::{Sides, conflicts, sides};

fuzz_target!(|input: &str| {
    let (found, starts) = (sides(input), conflicts(input));
    assert!(starts.windows(2).all(|pair| pair[0] < pair[1]));
    let lines = input.split('\n').count();
    assert!(starts.iter().all(|line| (1..=lines).contains(line)));
    if let Some(Sides { ours, theirs }) = found {
        assert!(ours.len() <= input.len() && theirs.len() <= input.len());
        assert!(!starts.is_empty() || (ours == input && theirs == input), "a line is lost");
    }
    comes_apart(input);
});

fn comes_apart(input: &str) {
    let parts: Vec<String> = input.split('\0').map(whole_lines).collect();
    // A line of a part must not look like a marker.
    let is_marker = |line: &str| ["<<<<<<<", "=======", ">>>>>>>", "|||||||"].contains(&&line[..7]);
    let has_marker = |part: &String| {
        part.lines().any(|line| line.is_char_boundary(7) && line.len() >= 7 && is_marker(line))
    };
    if parts.iter().any(has_marker) {
        return;
    }
    for size in [7, 12] {
        let mark = |mark: &str, label: &str| format!("{}{label}\n", mark.repeat(size));
        let (mut text, mut ours, mut theirs) = (String::new(), String::new(), String::new());
        let mut count = 0;
        for group in parts.chunks(4) {
            for one in [&mut text, &mut ours, &mut theirs] {
                one.push_str(&group[0]);
            }
            let [_, mine, base, other] = group else { continue };
            count += 1;
            text += &[&mark("<", " ours"), mine, &mark("|", " base"), base].map(|s| &**s).concat();
            text += &[&mark("=", ""), other, &mark(">", " theirs")].map(|s| &**s).concat();
            ours.push_str(mine);
            theirs.push_str(other);
        }
        let found = sides(&text).expect("each conflict ends");
        assert_eq!((found.ours, found.theirs), (ours, theirs));
        assert_eq!(conflicts(&text).len(), count);
    }
}

/// The lines of a part, each with its end.
fn whole_lines(part: &str) -> String {
    match part.is_empty() || part.ends_with('\n') {
        true => part.to_owned(),
        false => format!("{part}\n"),
    }
}
