//! Here-documents of shell scripts.

use std::collections::HashMap;

/// Returns the bodies of the here-documents in a shell script.
///
/// Each body comes with the number of lines before it.
#[must_use]
pub fn heredocs(text: &str) -> Vec<(usize, String)> {
    let lines: Vec<&str> = text.lines().collect();
    // The numbers of each line, to find the end of a body without a search.
    let mut places: HashMap<&str, Vec<usize>> = HashMap::new();
    let mut stripped: HashMap<&str, Vec<usize>> = HashMap::new();
    for (number, line) in lines.iter().enumerate() {
        places.entry(line).or_default().push(number);
        stripped.entry(line.trim_start_matches('\t')).or_default().push(number);
    }
    let (mut bodies, mut number, mut has_open) = (Vec::new(), 0, false);
    while let Some(line) = lines.get(number) {
        number += 1;
        for Start { has_tabs, word } in starts(line) {
            let ends = if has_tabs { &stripped } else { &places };
            let ends = ends.get(word).map_or(&[][..], Vec::as_slice);
            let end = ends.get(ends.partition_point(|end| *end < number));
            // A here-document without an end goes to the end of the text. So it contains all later
            // ones without an end.
            if end.is_none() && std::mem::replace(&mut has_open, true) {
                continue;
            }
            let body = &lines[number..end.copied().unwrap_or(lines.len())];
            let line = |line: &&str| match has_tabs {
                true => line.trim_start_matches('\t').to_owned() + "\n",
                false => (*line).to_owned() + "\n",
            };
            bodies.push((number, body.iter().map(line).collect()));
            if let Some(end) = end {
                number = end + 1;
            }
        }
    }
    bodies
}

struct Start<'t> {
    /// Whether tabs at the start of each line are removed (`<<-`).
    has_tabs: bool,
    /// The line that ends the body.
    word: &'t str,
}

/// The here-documents that a line starts.
fn starts(line: &str) -> Vec<Start<'_>> {
    let mut starts = Vec::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("<<") {
        rest = after;
        if after.starts_with('<') || before.ends_with('<') {
            rest = after.trim_start_matches('<');
            continue;
        }
        let (has_tabs, after) = match after.strip_prefix('-') {
            Some(after) => (true, after),
            None => (false, after),
        };
        let after = after.trim_start_matches([' ', '\t']);
        let word = match after.chars().next() {
            Some(quote @ ('\'' | '"')) => after[1..].split(quote).next(),
            _ => {
                let after = after.strip_prefix('\\').unwrap_or(after);
                let is_word = |c: char| c.is_alphanumeric() || "_-.!".contains(c);
                let word = &after[..after.find(|c| !is_word(c)).unwrap_or(after.len())];
                // `1 << 2` is a shift.
                Some(word).filter(|word| !word.starts_with(|c: char| c.is_ascii_digit()))
            }
        };
        let word = word.filter(|word| !word.is_empty());
        starts.extend(word.map(|word| Start { has_tabs, word }));
    }
    starts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_found() {
        for (text, expected) in [
            ("cat <<EOF\na: b\nEOF\nx\n", &[(1, "a: b\n")][..]),
            ("cat <<-'E F'\n\ta: b\n\t E F\n\tE F\n", &[(1, "a: b\n E F\n")]),
            ("x << \"A\" <<B | y\r\na\r\nA\r\nb\r\nB\r\n", &[(1, "a\n"), (3, "b\n")]),
            ("x <<\\A\n\tA\nA\n", &[(1, "\tA\n")]),
            ("x <<< a\n$((1 << 2))\n", &[]),
            ("x <<A\na\ny <<B\nb\n", &[(1, "a\ny <<B\nb\n")]),
            ("x <<A\nA\ny <<B\nb\nB", &[(1, ""), (3, "b\n")]),
        ] {
            let found = heredocs(text);
            let found: Vec<_> = found.iter().map(|(before, body)| (*before, &**body)).collect();
            assert_eq!(found, expected, "{text}");
        }
        assert_eq!(heredocs(&"x <<A\n".repeat(100_000)).len(), 1);
    }
}
