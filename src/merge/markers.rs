//! The conflict markers of Git in a text.

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
    let (mut part, mut size, mut start) = (Part::Both, 0, 0);
    let mut found = Vec::new();
    for (index, line) in text.split('\n').enumerate() {
        // A conflict that does not end hides none after it.
        if let Some(its_size) = marker(line, b'<').filter(|_| part != Part::Both) {
            (part, size, start) = (Part::Ours, its_size, index + 1);
            continue;
        }
        let Some((next, its_size)) = next(line, part, size) else { continue };
        match next {
            Part::Ours => start = index + 1,
            Part::Both => found.push(start),
            _ => {}
        }
        (part, size) = (next, its_size);
    }
    found
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
    }
}
