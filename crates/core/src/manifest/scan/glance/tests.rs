use proptest::prelude::*;

use super::*;
use crate::manifest::scan::{Found, Position, heredocs, scan, scan_all};

/// Real layouts, which the tests change.
const LAYOUTS: [&str; 12] = [
    "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData:\n  p: x\n",
    "{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"stringData\":{\"p\":\"x\"}}",
    "apiVersion: v1\nkind: List\nitems:\n- kind: \"Secret\"\n  apiVersion: v1\n  data: {p: eA==}\n",
    "apiVersion: envcrypt.dev/v1alpha1\nkind: EnvcryptSecret\nspec:\n  sealed: {values: {p: x}}\n",
    "apiVersion: v1\nkind: SecretList\nitems:\n- data: {p: eA==}\n",
    "secretGenerator:\n- name: a\n  literals: [p=x]\n",
    "kind: SecretGenerator\nliterals: [p=x]\n",
    "kind: Kustomization\n# secret\npatches:\n- patch: '[{op: add, path: /data/p, value: eA==}]'\n",
    "a:\n- {{ if .x }}\nkind: Secret\nstringData:\n  p: x\n  {{ end }}\n",
    "cat <<EOF\napiVersion: v1\nkind: Secret\nstringData: {p: x}\nEOF\n",
    "kind: CustomResourceDefinition\nspec:\n  enum:\n  - Secret\n  - a\n  text: |\n    the Secret of\n    Secret a\n",
    "x: {k: eyJwcm90ZWN0ZWQiOiJ4}\ny: '{\"protected\":\"x\"}'\n",
];

/// Texts that are put into them.
const PARTS: [&str; 77] = [
    "kind: Secret\n",
    "Secret",
    "Sec",
    "ret",
    "secret",
    "Envcrypt",
    "List",
    "Generator",
    "kind",
    "kind:",
    "kind:\n",
    "? kind\n: ",
    "\"",
    "'",
    "''",
    ":",
    ": ",
    ",",
    " ",
    "\t",
    "\n",
    "\r\n",
    "\r",
    "\n  ",
    "- ",
    "-",
    "? ",
    "{",
    "}",
    "[",
    "]",
    "&a ",
    "*a",
    "!x ",
    "!!str ",
    "! ",
    "!- ",
    "# c",
    "#",
    " # c\n",
    "|\n",
    "|-\n  ",
    ">-\n ",
    "\\",
    "\\\n  ",
    "\\ ",
    "\\n",
    "\\x53",
    "\\u0053",
    "\\t",
    "!!binary ",
    "\u{feff}",
    "\u{85}",
    "\u{2028}",
    "é",
    "{{ x }}",
    "{{ \"x\n",
    "}}",
    "---\n",
    "<<: ",
    "<<EOF\n",
    "EOF\n",
    "kind: Component\n",
    "apiVersion: v1\n",
    "\\x3a",
    "\\u0026",
    "\\u+053",
    "\\U00000063",
    "Li",
    "st",
    "eyJwcm90ZWN0ZWQiOi",
    "{\"protected\":\"",
    "{{- if x }}\n",
    "kind: PatchTransformer\n",
    "patch: '[{op: add, path: /data/x, value: y}]'\n",
    "{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"data\":{\"p\":\"eA==\"}}",
    "[a: ",
];

fn positions(found: Vec<Found>) -> Vec<(Position, usize)> {
    let position = |found| match found {
        Found::Secret(secret) => (secret.at, secret.literals.len()),
        Found::Sealed(at) | Found::Unreadable(at) => (at, 0),
    };
    found.into_iter().map(position).collect()
}

/// The scan must find the same as without the look at the bytes.
fn check(bytes: &[u8]) -> Result<(), TestCaseError> {
    let text = String::from_utf8_lossy(bytes);
    for kind in [FileKind::Manifest, FileKind::Other, FileKind::Kustomization] {
        let mut all = match may_mention(bytes) {
            true => positions(scan_all(&text, kind)),
            false => Vec::new(),
        };
        if may_mention(bytes) {
            prop_assert_eq!(&all, &positions(scan(&text, kind)), "{:?} {:?}", kind, text);
        }
        if kind == FileKind::Other && may_mention(bytes) {
            for (_, body) in heredocs(&text) {
                let inner = positions(scan_all(&body, FileKind::Manifest));
                prop_assert_eq!(&inner, &positions(scan(&body, FileKind::Manifest)), "{:?}", body);
                all.extend(inner);
            }
        }
        prop_assert!(all.is_empty() || may_find(bytes, kind), "{:?} {:?}", kind, text);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(
        std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(4000)
    ))]

    #[test]
    fn no_change_to_a_layout_hides_what_a_scan_finds(
        layout in 0..LAYOUTS.len(),
        edits in proptest::collection::vec((0..400_usize, 0..PARTS.len(), 0..8_usize), 0..7),
    ) {
        let mut bytes = LAYOUTS[layout].as_bytes().to_vec();
        for (at, part, length) in edits {
            let at = at % (bytes.len() + 1);
            let end = (at + length.saturating_sub(3)).min(bytes.len());
            bytes.splice(at..end, PARTS[part].bytes());
        }
        check(&bytes)?;
    }

    #[test]
    fn no_text_hides_what_a_scan_finds(
        parts in proptest::collection::vec(0..PARTS.len(), 0..16),
    ) {
        let text: String = parts.into_iter().map(|part| PARTS[part]).collect();
        check(format!("apiVersion: v1\nstringData: {{p: x}}\n{text}").as_bytes())?;
    }
}

#[test]
fn every_way_to_write_a_secret_is_scanned() {
    let long = "a".repeat(2 * LOOK_BACK);
    for text in [
        "kind: Secret".to_owned(),
        "kind:\n# c\n  Secret\n".to_owned(),
        "kind: \"S\\x65cret\" # ecret".to_owned(),
        "kind: \"Sec\\\n  ret\" # ecret".to_owned(),
        "kind: Sec\\ret\n{ # ecret".to_owned(),
        "kind: !- Secret".to_owned(),
        format!("kind: !{long} Secret"),
        format!("kind: # {long}\n Secret"),
        format!("kind: # {long}\n Secret a\n{{"),
        "- &a Secret\n- kind: *a".to_owned(),
        "kind:\n{{ a\n}} Secret".to_owned(),
        "# secret\nkind: Component".to_owned(),
        format!("# secret\n{}", "[".repeat(MAX_DEPTH + 1)),
        format!("# secret\n{}", "- ".repeat(MAX_DEPTH + 1)),
        "# secret\na: &a [b]\nc: [*a]".to_owned(),
        format!("{{\"secret\":{}{}}}", "[".repeat(MAX_DEPTH), "]".repeat(MAX_DEPTH)),
        "kind: SecretLi\\st\nitems: [\nstringData:\n  p: x\n".to_owned(),
        "kind\\u003a Secret\n{ # ecret".to_owned(),
        "kind: Env\\cryptSecret\n{ # ecret".to_owned(),
        "? kind\\u0026\\\na\n  SecretList? # ecret".to_owned(),
        "? kind\\u0026\\\r\n  a Secret? # ecret".to_owned(),
        format!("# secret\n[{}", "?,".repeat(MAX_NODES / NODES_OF_INDICATOR / MAX_READS)),
    ] {
        assert!(may_find(text.as_bytes(), FileKind::Manifest), "{}", &text[..text.len().min(80)]);
    }
}

#[test]
fn words_of_a_schema_need_no_scan() {
    for text in [
        "description: |\n  The name of a Secret in\n  the namespace. A\n  Secret has it.\n",
        "enum:\n- ConfigMap\n- Secret\n",
        "pattern: ^[a-z\\d]+\\.\\w$\nkind: SecretStore\nsecretRef: {}\n",
        "{\"description\": \"a \\\"Secret\\\" of\\nsecrets\", \"pattern\": \"\\\\d\"}",
        "text: \"a long line \\\n  \\ of a secret\"\n",
        "{\"kind\": \"Secret\", \"version\": \"v1\", \"text\": \"\\u003csecret\\u003e\"}",
        "properties:\n  secretName: {type: string}\nComponents: a Component\n",
    ] {
        assert!(!may_find(text.as_bytes(), FileKind::Manifest), "{text}");
        assert!(may_mention(text.as_bytes()), "{text}");
    }
}

#[test]
fn a_sentence_behind_a_key_needs_a_scan_only_in_a_template() {
    let text = b"secret:\n  description: Secret with a password\n";
    assert!(may_find(text, FileKind::Manifest) && !may_find(text, FileKind::Other));
    for text in [
        "kind: Secret",
        "kind: Secret # c",
        "{kind: Secret}",
        "{kind: 'Secret', a: b}",
        "{kind: !x Secret\t}",
        "{? kind : Secret : a}",
        "kind: &a \"Secret\\\n  \"",
    ] {
        assert!(may_find(text.as_bytes(), FileKind::Other), "{text}");
    }
}

#[test]
fn what_two_documents_have_together_is_found_as_often_as_before() {
    let text = "{{- if x }}\n--- eyJwcm90ZWN0ZWQiOi";
    assert_eq!(positions(scan(text, FileKind::Manifest)).len(), 2);
    check(text.as_bytes()).expect("the same findings");
}
