use std::time::{Duration, Instant};

use super::*;

fn show(node: &Node) -> String {
    match &node.data {
        Data::Scalar { text, .. } => text.clone(),
        Data::Sequence(items) => {
            format!("[{}]", items.iter().map(show).collect::<Vec<_>>().join(","))
        }
        Data::Mapping(entries) => {
            let entry = |(key, value): &(Node, Node)| format!("{}:{}", show(key), show(value));
            format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(","))
        }
    }
}

fn shown(text: &str) -> String {
    match read(text) {
        Ok(nodes) => nodes.iter().map(show).collect::<Vec<_>>().join(" | "),
        Err(error) => format!("{}:{} {:?}", error.line, error.column, error.kind),
    }
}

#[test]
fn documents_are_read() {
    for (text, expected) in [
        ("", ""),
        ("---\n", ""),
        ("---\n---\na", " | a"),
        ("a: 1\nb: [x, {y: z}]\n", "{a:1,b:[x,{y:z}]}"),
        ("a:\tb\n", "{a:b}"),
        ("a: b # c\u{85}d: e\n", "{a:b,d:e}"),
        ("a: b\rc: d\r", "{a:b,c:d}"),
        ("a: b\r\nc: d\r\n", "{a:b,c:d}"),
        ("\u{feff}a: b", "{a:b}"),
        ("%YAML 1.1\n---\na: b\n...\n%YAML 1.2\n--- !x\nc: d\n", "{a:b} | {c:d}"),
        ("? a\n: b", "{a:b}"),
        ("? [a]\n: b", "{[a]:b}"),
        ("{{ .x }}", "{{.x:}:}"),
        ("a: |\n  b", "{a:b}"),
        ("a: >\n  b\n  c\n", "{a:b c\n}"),
        ("a: &x [1, &y {b: c}]\nd: [*x, *y]", "{a:[1,{b:c}],d:[[1,{b:c}],{b:c}]}"),
        ("&x a: *x", "{a:a}"),
        ("a: &x b\nc: &x d\ne: *x", "{a:b,c:d,e:d}"),
        ("[!x , a]", "[,a]"),
        // Errors.
        ("a: &x [*x]", "1:8 RecursiveAlias"),
        ("a: &x\n  b: {c: *x}", "2:10 RecursiveAlias"),
        ("a: *x", "1:4 UnknownAlias"),
        ("a: &x b\n---\na: *x", "3:4 UnknownAlias"),
        ("[!x,a]", "1:4 Syntax"),
        ("a: b: c", "1:5 Syntax"),
        ("a: b\nc: \u{1}", "2:4 Syntax"),
        ("\"\\", "1:3 Syntax"),
        ("\"\\ud800\"", "1:2 Syntax"),
        ("a: [b", "2:1 Syntax"),
    ] {
        let found = shown(text);
        // The column of an error at the end of the text does not matter.
        let cut =
            |text: &str| text.rsplit_once(' ').map(|(a, b)| (a[..1].to_owned(), b.to_owned()));
        let is_same =
            found == expected || expected.ends_with("Syntax") && cut(&found) == cut(expected);
        assert!(is_same, "{text}: {found}");
        // Without nodes, only a tag or an alias makes a difference.
        let is_special = text.contains(['!', '*']);
        assert_eq!(is_readable(text), read(text).is_ok() && !is_special, "{text}");
    }
}

#[test]
fn nodes_know_their_places() {
    let node = &read("é: x\nsome:\n  - 'ü'\n").expect("YAML")[0];
    let item = &node.get("some").and_then(Node::as_sequence).expect("a sequence")[0];
    assert_eq!(item.start, Mark { index: 16, line: 3, column: 5 });
    assert_eq!(item.end, Mark { index: 20, line: 3, column: 8 });
}

#[test]
fn what_stands_before_an_error_is_kept() {
    let read = read_some("a: 1\n---\nb: [\n---\nc: 3\n");
    assert_eq!(read.documents.iter().map(show).collect::<Vec<_>>(), ["{a:1}"]);
    assert!(read.error.is_some());
    let far = format!("a: 1\n...\n{}\u{1}", "# x\n".repeat(100));
    assert_eq!(read_some(&far).documents.len(), 1);
}

#[test]
fn texts_are_split() {
    let text = "%YAML 1.1\n# c\n---\na\n--- b\n---\r\nc\n----\n";
    let expected = [(0, "%YAML 1.1\n# c\n---\na\n"), (4, "--- b\n"), (5, "---\r\nc\n----\n")];
    assert_eq!(split(text), expected);
    assert_eq!(split("a\n---\n\u{feff}b"), [(0, "a\n"), (2, "\u{feff}b")]);
    assert_eq!(split("a: |\n  %x\n---\nb"), [(0, "a: |\n  %x\n"), (2, "---\nb")]);
}

#[test]
fn wide_texts_are_texts() {
    let le: Vec<u8> = "\u{feff}a: ü".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let be: Vec<u8> = "\u{feff}a: ü".encode_utf16().flat_map(u16::to_be_bytes).collect();
    for bytes in [&le[..], &be, "a: ü".as_bytes()] {
        assert_eq!(text_of_file(bytes).as_deref(), Some("a: ü"));
    }
    assert_eq!(text_of_file(b"\xc3"), None);
}

#[test]
fn the_last_value_of_a_key_counts() {
    let get = |text: &str| {
        let node = &read(text).expect("YAML")[0];
        (
            node.get("k").map(show).unwrap_or_default(),
            node.all("k").into_iter().map(show).collect::<String>(),
        )
    };
    for (text, last, all) in [
        ("{k: a, k: b}", "b", "ab"),
        ("{k: a, <<: {k: b}}", "b", "ab"),
        ("{<<: {k: b}, k: a}", "a", "ba"),
        ("{<<: [{x: y}, {k: b}, {<<: {k: c}}]}", "b", "bc"),
        ("{'<<': {k: b}}", "", ""),
        ("{\"\\x6b\": a}", "a", "a"),
        ("{!!binary aw==: a}", "a", "a"),
        ("x", "", ""),
    ] {
        assert_eq!(get(text), (last.to_owned(), all.to_owned()), "{text}");
    }
}

#[test]
fn nulls_and_texts_are_told_apart() {
    for (text, is_null, string) in [
        ("~", true, None),
        ("", true, None),
        ("''", false, Some("")),
        ("!!str", false, Some("")),
        ("!!null x", true, None),
        ("1", false, None),
        ("'1'", false, Some("1")),
        ("a", false, Some("a")),
        ("[]", false, None),
    ] {
        let nodes = read(&format!("- {text}")).expect("YAML");
        let node = &nodes[0].as_sequence().expect("one")[0];
        let value = node.to_value().expect("plain");
        assert_eq!((node.is_null(), value.as_str()), (is_null, string), "{text}");
    }
}

#[test]
fn bounds_hold_and_are_reached_soon() {
    let bomb: String = (0..30)
        .map(|i| match i {
            0 => "a0: &a0 [x, x]\n".to_owned(),
            _ => format!("a{i}: &a{i} [*a{0}, *a{0}, *a{0}, *a{0}]\n", i - 1),
        })
        .collect();
    let deep = |open: &str, count: usize, close: &str| open.repeat(count) + &close.repeat(count);
    for (text, kind) in [
        ("[".repeat(1 << 20), ErrorKind::TooDeep),
        ("{".repeat(1 << 20), ErrorKind::TooDeep),
        ("{{".repeat(3_000_000), ErrorKind::TooDeep),
        ("- ".repeat(1 << 19), ErrorKind::TooDeep),
        ("? ".repeat(1 << 19), ErrorKind::TooDeep),
        (
            format!("a: &a {}\nb: {}*a{}", deep("[", 100, "]"), "[".repeat(100), "]".repeat(100)),
            ErrorKind::TooDeep,
        ),
        (bomb, ErrorKind::TooLarge),
        (
            format!("a: &a {}\nb: [{}]", "x".repeat(100_000), "*a,".repeat(100_000)),
            ErrorKind::TooLarge,
        ),
        (deep("[", MAX_DEPTH + 1, "]"), ErrorKind::TooDeep),
        ("[,".repeat(1 << 19), ErrorKind::Syntax),
        ("a: '".to_owned() + &"x\n".repeat(1 << 19), ErrorKind::Syntax),
        ("! ".repeat(1 << 19), ErrorKind::Syntax),
        ("&a ".repeat(1 << 19), ErrorKind::Syntax),
        (format!("\"{}", "\\x41".repeat(1 << 18)), ErrorKind::Syntax),
    ] {
        let start = Instant::now();
        let error = read(&text).err().map(|error| error.kind);
        assert_eq!(error, Some(kind), "{text:.20}");
        assert!(!is_readable(&text), "{text:.20}");
        assert!(start.elapsed() < Duration::from_secs(8), "{:.20}: {:?}", text, start.elapsed());
    }
    let deepest = deep("[", MAX_DEPTH, "]");
    assert!(read(&deepest).is_ok() && is_readable(&deepest));
    assert!(read(&("x: [y]\n---\n".repeat(50_000))).is_ok());
}
