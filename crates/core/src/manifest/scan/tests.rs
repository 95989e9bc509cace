use std::time::{Duration, Instant};

use super::*;

fn shown(found: Vec<Found>) -> Vec<String> {
    let show = |at: Position, what: &str| format!("{}:{} {what}", at.line, at.column);
    let of = |found| match found {
        Found::Secret(secret) => secret
            .literals
            .into_iter()
            .map(|(key, at)| show(at, key.as_deref().unwrap_or("?")))
            .collect(),
        Found::Sealed(at) => vec![show(at, "sealed")],
        Found::Unreadable(at) => vec![show(at, "unreadable")],
    };
    found.into_iter().flat_map(|found| -> Vec<String> { of(found) }).collect()
}

/// `line:column key` of every literal value.
fn literals(text: &str) -> Vec<String> {
    shown(scan(text, FileKind::Manifest))
}

fn check(table: &[(&str, &[&str])]) {
    for (text, expected) in table {
        assert_eq!(literals(text), *expected, "{text}");
    }
}

#[test]
fn secrets_are_found_wherever_they_stand() {
    check(&[
        (
            "a: 1\n---\napiVersion: v1\nkind: Secret\ndata:\n  k: eA==\n  e: ''\nstringData: {l: x}\n",
            &["6:3 k", "8:14 l"],
        ),
        ("kind: List\nitems:\n- apiVersion: v1\n  kind: Secret\n  data: {k: eA==}\n", &["5:10 k"]),
        (
            "kind: Template\nobjects:\n- {apiVersion: v1, kind: Secret, stringData: {p: '${P}', q: fixed}}\n",
            &["3:58 q"],
        ),
        ("[{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"data\":{\"k\":\"eA==\"}}]", &["1:45 k"]),
        ("apiVersion: v1\nkind: Secret\n", &[]),
        ("kind: ConfigMap\ndata:\n  k: eyJwcm90ZWN0ZWQiOiJ4In0=\n", &["3:6 sealed"]),
        ("apiVersion: v1\nkind: SecretList\nitems:\n- data: {k: eA==}\n", &["4:10 k"]),
        (
            "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: SecretList, items: [{data: {k: eA==}}]}\n",
            &["4:54 k"],
        ),
        // `kubectl` reads the items as Secrets.
        ("apiVersion: v1\nkind: Secret\nitems: [{data: {k: eA==}}]\n", &["3:17 k"]),
        ("apiVersion: /v1\nkind: Secret\ndata: {k: eA==}\n", &["3:8 k"]),
        (
            "apiVersion: v1\nkind: Secret\ndata: {k: eA==}\ndata: {l: eA==, l: ''}\n",
            &["3:8 k", "4:8 l"],
        ),
        (
            "apiVersion: v1\nkind: Secret\nstringData: {n: 5, t: true, z: , m: {a: b}, e: []}\n",
            &["3:14 n", "3:20 t", "3:34 m"],
        ),
        ("apiVersion: v2\nkind: Secret\ndata: {k: eA==}\n", &[]),
        ("kind: SecretStore\na: 1\na: 2\n", &[]),
    ]);
}

#[test]
fn tricks_hide_nothing() {
    for kind in [
        "kind: \"S\\x65cret\"",
        "kind: \"Sec\\\n  ret\"",
        "kind: !!binary U2VjcmV0",
        "kind: !x Secret",
        "kind: !!str 'Secret'",
        "kind:\tSecret",
        "? kind\n: Secret",
        "kind: &k Secret",
        "kind:\n  Secret",
        "a: &k Secret\nkind: *k",
        "a: &m {kind: Secret}\n<<: *m",
        "<<: [{x: y}, {kind: Secret}]",
        "# c\u{85}kind: Secret",
        "kind: ConfigMap\nkind: Secret",
        "\"\\u006bind\": Secret",
        "!!binary a2luZA==: Secret",
        "metadata: {labels: {a: b, a: c}}\nkind: Secret",
        "kind: >-\n  Secret",
        "kind: Secret # type: envcrypt.dev/sealed",
        "x: {{ y }}\nkind: Secret",
        "kind: Secret\nx: \"{{\"",
    ] {
        let yaml = format!("{kind}\napiVersion: v1\nstringData:\n  p:\n    hunter2\n");
        let line = yaml.split(['\n', '\u{85}']).count() - 2;
        let crlf = yaml.replace('\n', "\r\n");
        let cr = yaml.replace('\n', "\r");
        for text in [
            yaml.clone(),
            crlf,
            cr,
            format!("\u{feff}{yaml}"),
            format!("%YAML 1.1\n---\n{yaml}"),
            format!("--- !root\n{yaml}"),
            format!("a: b\n---\n\u{feff}{yaml}"),
            format!("{yaml}...\n: : :\n"),
            format!("a: [\n---\n{yaml}"),
            format!("a: \u{1}\n---\n{yaml}"),
        ] {
            // An unquoted `{{` after an open `[` can split the text, with other findings.
            let found = literals(&text);
            let is_found = found.len() == 1 && found[0].ends_with(" p");
            assert!(is_found || text.contains("a: [") && !found.is_empty(), "{text}: {found:?}");
        }
        assert_eq!(literals(&yaml), [format!("{line}:3 p")], "{yaml}");
    }
    check(&[
        ("apiVersion: v1\nkind: Secret\n<<: {stringData: {p: x}}\n", &["3:19 p"]),
        ("apiVersion: v1\nkind: Secret\nstringData:\n  <<: &a {p: x}\n", &["4:11 p"]),
        ("{apiVersion: v1,\nkind: Secret,\nstringData: {\np: x}}", &["4:1 p"]),
        // Go's reader reads the comma as a part of the tag.
        ("{apiVersion: v1, kind: !, Secret, stringData: {p: x}}\n", &["1:48 ?"]),
        // Go's reader accepts this escape, but libyaml does not.
        (
            "apiVersion: v1\nkind: Secret\nmetadata: {name: \"{{\\'\"}\nstringData: {p: x}\nx: \"}}\"\n",
            &["4:14 ?"],
        ),
        ("apiVersion: v1\nkind: Secret\nstringData: {p: x}\nx: \"\\'\"\n", &["3:14 ?"]),
    ]);
}

#[test]
fn only_gaps_are_passed_over() {
    let secret =
        |value: &str| format!("apiVersion: v1\nkind: Secret\nstringData: {{p: '{value}'}}\n");
    for (value, is_literal) in [
        ("__EXPRESSION__", true),
        ("\u{e000}", true),
        ("ENC[x]", true),
        ("ENC[AES256_GCM,data:x]", true),
        ("${x}", true),
        ("${X}", false),
        ("${A}x${B}", true),
        ("${{P}}", false),
        ("{{ .Values.x }}", false),
        ("{{ .x }}-y", true),
        ("{{ \"x\" }}", true),
        ("<path:a#b>", false),
        ("<x>", true),
        ("postgres://u:{{ .p }}@h/db", false),
        ("postgres://u:x@{{ .h }}/db", true),
    ] {
        assert_eq!(!literals(&secret(value)).is_empty(), is_literal, "{value}");
    }
    let sops = |sops: &str| secret("ENC[AES256_GCM,data:x]") + sops;
    assert!(literals(&sops("sops: {mac: x}\n")).is_empty());
    assert_eq!(literals(&sops("sops: {a: x}\n")).len(), 1);
    assert_eq!(literals(&sops("---\nsops: {mac: x}\n")).len(), 1);
}

#[test]
fn templates_are_looked_through() {
    let helm = "{{- if .Values.secret }}\napiVersion: v1\nkind: Secret\nmetadata:\n  name: {{ .Release.Name }}-db\n  labels:\n    {{- include \"labels\" . | nindent 4 }}\ndata:\n  {{- range $k, $v := .Values.all }}\n  {{ $k }}: {{ $v | b64enc }}\n  {{- end }}\n  user: {{ .Values.user | b64enc | quote }}\n  quoted: \"{{ .Values.p }}\"\n  password: aHVudGVyMg==\n  fixed: {{ \"hunter2\" | b64enc }}\n  url: \"postgres://u:hunter2@{{ .Values.host }}/db\"\n  other: \"postgres://{{ .Values.u }}:{{ .Values.p }}@db/db\"\n{{- end }}\n";
    let expected = ["14:3 password", "15:3 fixed", "16:3 url"];
    assert_eq!(literals(helm), expected);
    assert_eq!(literals(&helm.replace('\n', "\r\n")), expected);
    // One document is not YAML even without expressions. This does not affect the others.
    let broken = format!(
        "{helm}---\n  : : {{\nkind: Secret # c\nstringData: # c\n  a: b\n  c: {{{{ d }}}}\n  d: |\n    e: f\nother:\n  e: f\n"
    );
    assert_eq!(literals(&broken), [&expected[..], &["23:3 ?", "25:3 ?"]].concat());
    // A document next to a template is not a template.
    let beside =
        format!("{helm}---\napiVersion: v1\nkind: Secret\nstringData: {{p: '{{{{ .a }}}}b'}}\n");
    assert_eq!(literals(&beside), [&expected[..], &["22:14 p"]].concat());
    // Positions are right after an expression, also after one with several lines.
    check(&[(
        "{{/*\n---\n*/}}\na: {{ b }}\nx: {apiVersion: v1, {{ b }}: c, kind: Secret, stringData: {p: x}}\n",
        &["5:60 p"],
    )]);
}

#[test]
fn nothing_hides_beside_what_cannot_be_read() {
    let flow = "{apiVersion: v1, kind: Secret, stringData: {p: x}}";
    for (text, expected) in [
        (format!("a: 1\na: 2\n---\n{flow}\n"), "4:45 p"),
        (format!("a: 1\na: 2\nb: {flow}\n"), "3:48 p"),
        (format!("a: b: c\n---\n{flow}\n"), "3:45 p"),
        (format!("a: b: c\nb: {flow}\n"), "2:48 ?"),
        ("a: b: c\nkind: Secret\nstringData: {p: x}\n".into(), "3:14 ?"),
        ("a: b: c\nkind: Secret\nstringData: {p: ''}\n".into(), "1:5 unreadable"),
        ("a: b\nc: b: c\nx: !!binary U2VjcmV0\n".into(), "2:5 unreadable"),
        ("a: b: c\nkind: SecretStore\n".into(), ""),
        ("{\"apiVersion\":\"v1\",\"kind\":\"Pod\"}\n{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"data\":{\"k\":\"eA==\"}}".into(), "2:1 k"),
        ("{\"a\":1} {\"a\":\"\\ud83d\\ude00\"}\n{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"data\":{\"k\":\"eA==\"}}\n{".into(), "2:1 k"),
        (format!("{{\"a\":1}}\n{{\"a\":2}}\n---\n{flow}"), "4:45 p"),
        (format!("a: {}\nb: {flow}", "[".repeat(200)), "1:131 unreadable"),
        (format!("a:\n{}\nb: {flow}", "- ".repeat(200)), "2:255 unreadable"),
    ] {
        let expected: Vec<_> = Some(expected).filter(|e| !e.is_empty()).into_iter().collect();
        let found = literals(&text);
        assert_eq!(found, expected, "{text}");
    }
}

#[test]
fn sealed_secrets_hold_nothing_else() {
    let sealed =
        |rest: &str| format!("apiVersion: v1\nkind: Secret\ntype: envcrypt.dev/sealed\n{rest}\n");
    for (rest, expected) in [
        ("data: {p: eyJwcm90ZWN0ZWQiOiJ4In0=}", &[][..]),
        ("data: {p: eyJwcm90ZWN0ZWQiOiJ4In0=, q: eA==}", &["4:37 q"]),
        ("stringData: {p: eyJwcm90ZWN0ZWQiOiJ4In0=}", &["4:14 p"]),
        ("metadata: {name: '{{ .x }}'}\nstringData: {p: x}", &["5:14 p"]),
        ("metadata: {name: '${X}'}\nstringData: {p: x}", &["5:14 p"]),
        ("metadata: {name: {{ .x }}}\nstringData: {p: x}", &["5:14 p"]),
        ("type: Opaque\ndata: {p: eyJwcm90ZWN0ZWQiOiJ4In0=}", &["5:8 p"]),
    ] {
        let found = scan(&sealed(rest), FileKind::Manifest);
        let Some(Found::Secret(secret)) = found.first() else { panic!("{rest}") };
        assert_eq!(secret.is_sealed, !rest.contains("Opaque"), "{rest}");
        assert_eq!(
            secret.object.is_some(),
            !rest.contains(".x") && !rest.contains("${") && !rest.contains("Opaque"),
            "{rest}"
        );
        assert_eq!(shown(found), expected, "{rest}");
    }
    let copy = |copy: &str| {
        let name = LAST_APPLIED_ANNOTATION;
        sealed(&format!("metadata: {{annotations: {{{name}: '{copy}'}}}}"))
    };
    let place = format!("4:76 {LAST_APPLIED_ANNOTATION}");
    for (text, is_plain) in [
        ("{\"type\":\"envcrypt.dev/sealed\",\"data\":{\"k\":\"eyJwcm90ZWN0ZWQiOiJ4In0=\"}}", false),
        ("{\"data\":{\"k\":\"eA==\"}}", true),
        ("{\"data\": {\"k\": \"eA==\", \"l\": \"eyJwcm90ZWN0ZWQiOiJ4In0=\"}}", true),
        ("{\"data\":{\"k\":\"eA==\"}", true),
        ("{}", false),
    ] {
        let expected: Vec<&str> = is_plain.then_some(&*place).into_iter().collect();
        assert_eq!(literals(&copy(text)), expected, "{text}");
    }
}

#[test]
fn kustomizations_make_and_patch_secrets() {
    check(&[
        ("secretGenerator:\n- name: a\n  literals:\n  - k=v\n  - e=\n  - g=${G}\n", &["4:5 k"]),
        ("kind: SecretGenerator\nliterals: [k=v]\n", &["2:12 k"]),
        (
            "kind: Kustomization\npatches:\n- patch: |-\n    apiVersion: v1\n    kind: Secret\n    stringData: {p: x}\n",
            &["3:10 p"],
        ),
        (
            "kind: Component\npatchesStrategicMerge:\n- a.yaml\n- |-\n  kind: Secret\n  data: {p: eA==}\n",
            &["4:3 p"],
        ),
        (
            "kind: Kustomization\npatches:\n- target: {kind: Secret}\n  patch: 'stringData: {p: x}'\n",
            &["4:10 p"],
        ),
        (
            "kind: Kustomization\npatches:\n- patch: '[{op: add, path: /data/p, value: eA==}, {op: remove, path: /data/q}]'\n",
            &["3:10 p"],
        ),
        (
            "kind: Kustomization\npatchesJson6902:\n- target: {kind: Sec.*}\n  patch: '[{op: replace, path: /stringData, value: {p: x, q: ''''}}]'\n",
            &["4:10 p"],
        ),
        (
            "kind: Kustomization\npatches:\n- target: {kind: ConfigMap}\n  patch: '[{op: add, path: /data/p, value: eA==}]'\n",
            &[],
        ),
        (
            "kind: Kustomization\ngenerators:\n- |-\n  kind: SecretGenerator\n  literals: [k=v]\n",
            &["3:3 k"],
        ),
        ("kind: PatchTransformer\npatch: '[{op: add, path: /data/p, value: eA==}]'\n", &["2:8 p"]),
        (
            "kind: Kustomization\npatches:\n- target: {kind: EnvcryptSecret}\n  patch: '[{op: add, path: /spec/sealed/values/p, value: hunter2}]'\n",
            &["4:10 p"],
        ),
        (
            "kind: Kustomization\npatches:\n- patch: '[{op: add, path: /spec/sealed/values, value: {p: hunter2}}]'\n",
            &["3:10 p"],
        ),
        ("patches:\n- patch: '[{op: add, path: /data/p, value: eA==}]'\n", &[]),
    ]);
    let text = "patches:\n- patch: '[{op: add, path: /data/p, value: eA==}]'\n";
    assert_eq!(shown(scan(text, FileKind::Kustomization)), ["2:10 p"]);
}

#[test]
fn what_may_mention_a_secret_is_seen() {
    for text in [
        &b"kind: Secret"[..],
        b"secretGenerator",
        b"\"S\\x65\"",
        b"!!binary x",
        b"!!bin%61ry x",
        b"!<tag:yaml.org,2002:binary> x",
        b"%TAG !e! tag:",
        b"k: eyJwcm90ZWN0ZWQiOiJ4",
        b"{\"protected\":\"x",
        b"\xff\xfek\0",
    ] {
        assert!(may_mention(text), "{text:?}");
    }
    assert!(!may_mention(b"kind: ConfigMap\ndata: {a: !x b}"));
}

#[test]
fn what_is_large_ends_soon() {
    for text in [
        "[".repeat(1 << 20),
        "{".repeat(1 << 20),
        "- ".repeat(1 << 19),
        "? ".repeat(1 << 19),
        "{{".repeat(3_000_000),
        "{{}}".repeat(1 << 18),
        "data: {".repeat(1 << 17),
        "data:\n".repeat(1 << 17),
        "---\n".repeat(1 << 18),
        "---\na: b: c\n".repeat(1 << 16),
        "kind: Secret\n: : {{ x }}\ndata: {a\n".repeat(1 << 15),
        "Secret &a !x ".repeat(1 << 16) + ": : :",
        "x #y ".repeat(1 << 18) + ": :",
        "\\x".repeat(1 << 19),
    ] {
        let text = format!("{text}\nkind: Secret\n");
        let start = Instant::now();
        let found = scan(&text, FileKind::Manifest).len();
        let time = start.elapsed();
        assert!(time < Duration::from_secs(15), "{text:.20}: {time:?} {found}");
    }
}

#[test]
fn nothing_panics() {
    const PIECES: [&str; 42] = [
        "apiVersion: v1\n",
        "kind: Secret\n",
        "stringData:\n",
        "data: {",
        "}",
        "  p: x\n",
        "\n",
        "\r",
        " ",
        "\t",
        "---\n",
        "...\n",
        "{{ .x }}",
        "{{",
        "}}",
        "\"",
        "'",
        "\\",
        "|\n",
        ">-\n  x",
        "&a ",
        "*a",
        "!!binary ",
        "!",
        "<<: ",
        "[",
        "]",
        ",",
        ": ",
        "- ",
        "? ",
        "# c",
        "%TAG ! x\n",
        "\u{85}",
        "\u{feff}",
        "é",
        "\u{1}",
        "type: envcrypt.dev/sealed\n",
        "patches:\n- patch: ",
        "kind: Kustomization\n",
        "<<EOF\n",
        "EOF\n",
    ];
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 33).expect("small") % below
    };
    for _ in 0..20_000 {
        let text: String = (0..next(24)).map(|_| PIECES[next(PIECES.len())]).collect();
        let _ =
            scan(&text, [FileKind::Manifest, FileKind::Kustomization, FileKind::Other][next(3)]);
        let _ = heredocs(&text);
        for node in tree::read_some(&text).documents {
            let _ = (node.to_value(), node.get("p"), node.all("p"));
        }
    }
}

#[test]
fn nothing_takes_its_length_squared() {
    let documents = "a: {{ b }}\nkind: Secret\napiVersion: v1\n---\n".repeat(20_000);
    for (name, text) in [
        ("commas", format!("a: b: c\n{}", "Secret,".repeat(40_000))),
        ("fields", format!("kind: Secret\nx: {}", "data: ".repeat(80_000))),
        ("quotes", format!("kind: Secret\nx: : {}", "\"#' #".repeat(40_000))),
        ("templates", documents),
    ] {
        let start = Instant::now();
        let _ = scan(&text, FileKind::Manifest);
        // Linear time is far below this limit, and quadratic time is far above it.
        assert!(start.elapsed() < Duration::from_secs(8), "{name}: {:?}", start.elapsed());
    }
}

#[test]
fn a_resource_holds_sealed_values_alone() {
    let head = "apiVersion: envcrypt.dev/v1alpha1\nkind: EnvcryptSecret\n";
    let value = r#"{"protected":"eyJ0eXAiOiJlbnZjcnlwdC12MSJ9"}"#;
    let sealed =
        format!("spec:\n  sealed:\n    values:\n      a: '{value}'\n    seal: '{value}'\n");
    let copy = |value: &str| {
        let json = |text: &str| serde_json::to_string(text).expect("text");
        let object = format!(
            r#"{{"apiVersion":"envcrypt.dev/v1alpha1","kind":"EnvcryptSecret","spec":{{"sealed":{{"values":{{"a":{}}}}}}}}}"#,
            json(value)
        );
        format!("metadata: {{annotations: {{{LAST_APPLIED_ANNOTATION}: {}}}}}\n", json(&object))
    };
    let at_copy: &[&str] = &["3:76 kubectl.kubernetes.io/last-applied-configuration"];
    let cases: [(String, &[&str]); 14] = [
        (sealed.clone(), &[]),
        (sealed.replace(&format!("a: '{value}'"), "a: hunter2"), &["6:7 a"]),
        (sealed.replace(&format!("a: '{value}'"), "a: eyJwcm90ZWN0ZWQiOiJ4In0="), &["6:7 a"]),
        (sealed.replace(&format!("a: '{value}'"), "a: {b: c}"), &["6:7 a"]),
        (sealed.replace(&format!("a: '{value}'"), "a: '{{ .Values.a }}'"), &[]),
        ("spec: {sealed: {values: hunter2}}\n".into(), &["3:25 ?"]),
        ("spec: {sealed: {stringData: {a: x}}, data: {b: x}}\n".into(), &["3:45 b", "3:30 a"]),
        ("data: {a: eA==}\nstringData: {b: x}\n".into(), &["3:8 a", "4:14 b"]),
        ("x: &x {a: b}\nspec: {sealed: {values: {<<: *x}}}\n".into(), &["3:8 a"]),
        // Another object in it is not hidden.
        ("spec: {x: {apiVersion: v1, kind: Secret, data: {k: eA==}}}\n".into(), &["3:49 k"]),
        ("spec: {template: {x: eyJwcm90ZWN0ZWQiOiJ4In0=}}\n".into(), &["3:22 sealed"]),
        (copy(value), &[]),
        (copy("hunter2"), at_copy),
        ("kind: Secret\napiVersion: v1\nspec: {sealed: {values: {a: x}}}\n".into(), &["5:26 a"]),
    ];
    for (rest, expected) in cases {
        assert_eq!(literals(&format!("{head}{rest}")), expected, "{rest}");
    }
    let list = "apiVersion: envcrypt.dev/v1alpha1\nkind: EnvcryptSecretList\nitems:\n- spec: {sealed: {values: {a: x}}}\n";
    assert_eq!(literals(list), ["4:28 a"]);
    // A version that this program does not know hides nothing either.
    assert_eq!(literals(&list.replace("v1alpha1", "v9")), ["4:28 a"]);
    // Nothing else of our group is a Secret.
    assert_eq!(literals(&format!("{head}{sealed}").replace("EnvcryptSecret", "Other")).len(), 2);
}

#[test]
fn a_found_resource_is_an_object_only_if_it_has_its_fields() {
    let head = "apiVersion: envcrypt.dev/v1alpha1\nkind: EnvcryptSecret\nmetadata: {name: a}\n";
    let object = |text: &str| match scan(text, FileKind::Manifest).pop() {
        Some(Found::Secret(secret)) => (secret.is_sealed, secret.into_object().is_some()),
        _ => panic!("{text}"),
    };
    assert_eq!(object(&format!("{head}spec: {{sealed: {{}}}}\n")), (true, true));
    for rest in ["", "spec: {}\n", "spec: {sealed: {x: y}}\n", "spec: {sealed: {}}\ntype: x\n"] {
        assert_eq!(object(&format!("{head}{rest}")), (true, false), "{rest}");
    }
    let other = head.replace("v1alpha1", "v1") + "spec: {sealed: {}}\n";
    assert_eq!(object(&other), (true, false));
}

#[test]
fn a_resource_that_cannot_be_read_is_reported() {
    let text = "apiVersion: envcrypt.dev/v1alpha1\nkind: EnvcryptSecret\nspec:\n\tsealed:\n\t\tvalues: {p: hunter2}\n";
    let found = scan(text, FileKind::Manifest);
    assert!(matches!(found[..], [Found::Unreadable(_)]), "{}", found.len());
}
