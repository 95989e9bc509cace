//! The conflict markers of Git in a text.

use std::collections::BTreeMap;

/// The least number of characters of a marker.
const SIZE: usize = 7;

/// The two sides of a text with conflicts.
pub struct Sides {
    pub ours: String,
    pub theirs: String,
}

/// Where a line belongs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Both,
    Ours,
    Base,
    Theirs,
}

/// Takes a text with conflicts apart. Returns `None` if a conflict does not end.
#[must_use]
pub fn sides(text: &str) -> Option<Sides> {
    let mut sides = Sides {
        ours: String::with_capacity(text.len()),
        theirs: String::with_capacity(text.len()),
    };
    let (mut part, mut size) = (Part::Both, 0);
    for line in text.split_inclusive('\n') {
        match next(line, part, size) {
            Some((next, its_size)) => (part, size) = (next, its_size),
            None => {
                if matches!(part, Part::Both | Part::Ours) {
                    sides.ours.push_str(line);
                }
                if matches!(part, Part::Both | Part::Theirs) {
                    sides.theirs.push_str(line);
                }
            }
        }
    }
    (part == Part::Both).then_some(sides)
}

/// The lines at which conflicts begin, counted from 1. Only conflicts with all of their markers
/// count.
#[must_use]
pub fn conflicts(text: &str) -> Vec<usize> {
    let (mut open, mut found) = (BTreeMap::<usize, Open>::new(), Vec::new());
    for (index, line) in text.split('\n').enumerate() {
        let of = |mark: &u8| Some((*mark, marker(line, *mark)?));
        let Some((mark, size)) = b"<|=>".iter().find_map(of) else { continue };
        let Open { ours, base, theirs } = open.entry(size).or_default();
        match mark {
            b'<' => *ours = Some(index + 1),
            b'|' => *base = ours.take().or(*base),
            b'=' => *theirs = ours.take().or(base.take()).or(*theirs),
            _ => {
                if let Some(start) = theirs.take() {
                    found.push(start);
                    (*ours, *base) = (None, None);
                }
            }
        }
    }
    found.sort_unstable();
    found
}

/// Where the conflicts begin that are open, by their last marker. A conflict that does not end hides
/// none after it, and a line like a marker hides none around it.
#[derive(Default)]
struct Open {
    ours: Option<usize>,
    base: Option<usize>,
    theirs: Option<usize>,
}

/// What begins with a marker line, and the size of its markers.
fn next(line: &str, part: Part, size: usize) -> Option<(Part, usize)> {
    let is = |mark| marker(line, mark) == Some(size);
    match part {
        Part::Both => marker(line, b'<').map(|size| (Part::Ours, size)),
        Part::Ours if is(b'|') => Some((Part::Base, size)),
        Part::Ours | Part::Base if is(b'=') => Some((Part::Theirs, size)),
        Part::Theirs if is(b'>') => Some((Part::Both, size)),
        _ => None,
    }
}

/// The size of a marker, if the line is one of this character.
fn marker(line: &str, mark: u8) -> Option<usize> {
    let size = line.bytes().take_while(|byte| *byte == mark).count();
    let rest = line[size..].trim_end_matches(['\r', '\n']);
    let is_end = rest.is_empty() || (mark != b'=' && rest.starts_with(' '));
    (size >= SIZE && is_end).then_some(size)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "a\n<<<<<<< ours\nb\n||||||| base\nx\n=======\nc\n>>>>>>> theirs\nd\n";

    #[test]
    fn each_side_is_a_text_of_its_own() {
        let both = sides(TEXT).expect("it ends");
        assert_eq!((both.ours.as_str(), both.theirs.as_str()), ("a\nb\nd\n", "a\nc\nd\n"));
        let crlf = TEXT.replace('\n', "\r\n");
        let both = sides(&crlf).expect("it ends");
        assert_eq!(both.theirs, "a\r\nc\r\nd\r\n");
        let longer = TEXT.replace("<<<<<<<", "<<<<<<<<<");
        assert!(sides(&longer).is_none(), "markers of another size do not end it");
        let plain = sides("a: b\n").expect("no conflict");
        assert!(plain.ours == "a: b\n" && plain.theirs == plain.ours);
    }

    #[test]
    fn only_whole_conflicts_are_found() {
        assert_eq!(conflicts(TEXT), [2]);
        assert_eq!(conflicts(&TEXT.replace('\n', "\r\n")), [2]);
        assert_eq!(conflicts(&[TEXT, TEXT].concat()), [2, 11]);
        for text in ["Title\n=======\n", "<<<<<<< x\n", ">>>>>>> x\n=======\n", "<<<<<<<x\n"] {
            assert_eq!(conflicts(text), [0; 0], "{text}");
        }
        assert_eq!(conflicts(&format!("<<<<<<< lost\n{TEXT}")), [3]);
        // A side has a line like a marker.
        for (old, new) in
            [("b\n", "<<<<<<<< x\nb\n"), ("c\n", "<<<<<<< x\nc\n"), ("b\n", ">>>>>>> x\n")]
        {
            let text = TEXT.replace(old, new);
            assert_eq!(conflicts(&text), [2], "{text}");
        }
    }
}
