//! kubectl takes manifests in many odd forms. `check` must find every Secret
//! that the API server would store as plaintext, whatever the form.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Mutex;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

use crate::control_plane::{ControlPlane, control_plane};
use crate::sandbox::Sandbox;

/// A manifest of an odd form.
struct Odd {
    name: Cow<'static, str>,
    file: &'static str,
    bytes: Cow<'static, [u8]>,
    /// `check` declares that it does not report such a value.
    gap: bool,
}

const fn odd(name: &'static str, bytes: &'static [u8]) -> Odd {
    named(name, "s.yaml", bytes)
}

const fn named(name: &'static str, file: &'static str, bytes: &'static [u8]) -> Odd {
    Odd { name: Cow::Borrowed(name), file, bytes: Cow::Borrowed(bytes), gap: false }
}

const fn gap(name: &'static str, bytes: &'static [u8]) -> Odd {
    Odd { name: Cow::Borrowed(name), file: "s.yaml", bytes: Cow::Borrowed(bytes), gap: true }
}

/// Client-side apply keeps a copy of the manifest here.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Nothing odd but the name of its file.
const PLAIN: &[u8] =
    b"apiVersion: v1\nkind: Secret\nmetadata: {name: odd}\nstringData:\n  p: hunter2\n";
const PLAIN_JSON: &[u8] = br#"{"apiVersion":"v1","kind":"Secret","metadata":{"name":"odd"},"stringData":{"p":"hunter2"}}"#;

const ODD: &[Odd] = &[
    // File names.
    named("file-upper-yaml", "Secret.YAML", PLAIN),
    named("file-upper-yml", "S.YML", PLAIN),
    named("file-upper-json", "S.Json", PLAIN_JSON),
    named("file-no-extension", "secret", PLAIN),
    named("file-dot-only", ".yaml", PLAIN),
    named("file-txt", "s.txt", PLAIN),
    named("file-conf", "s.conf", PLAIN),
    named("file-json-lines", "s.jsonl", b"{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"a\"}}\n{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"name\":\"odd\"},\"data\":{\"p\":\"aHVudGVyMg==\"}}\n"),
    named("file-backup", "s.yaml~", PLAIN),
    named("file-dot-bak", "s.yaml.bak", PLAIN),
    named("file-rules", ".envcrypt.yaml", PLAIN),
    named("file-hidden-directory", ".hidden/node_modules/s.yaml", PLAIN),
    named("file-spaces", "a b#?*.yaml", PLAIN),
    named("file-yaml-in-json", "s.json", PLAIN),
    named("file-json-in-yaml", "s.yml", PLAIN_JSON),
    // Flow style and JSON.
    odd("flow", b"{apiVersion: v1, kind: Secret, metadata: {name: odd}, stringData: {p: hunter2}}\n"),
    odd("flow-over-lines", b"{apiVersion: v1,\nkind:\nSecret,\nmetadata: {name: odd,\n}, stringData:\n{p:\nhunter2,},}\n"),
    odd("flow-colon-without-space", b"{\"apiVersion\":v1,\"kind\":Secret,\"metadata\":{\"name\":odd},\"stringData\":{\"p\":hunter2}}\n"),
    odd("flow-question-mark", b"{? apiVersion : v1, ? kind : Secret, metadata: {name: odd}, stringData: {? p : hunter2}}\n"),
    odd("flow-with-comments", b"{ # {\napiVersion: v1, # }\nkind: Secret, metadata: {name: odd}, # kind: ConfigMap\nstringData: {p: # x\nhunter2}}\n"),
    odd("flow-tabs", b"{\n\tapiVersion: v1,\n\tkind: Secret,\n\tmetadata: {name: odd},\n\tstringData: {\n\t\tp: hunter2\n\t}\n}\n"),
    odd("flow-after-no-break-space", b"\xc2\xa0\n{apiVersion: v1, kind: Secret, metadata: {name: odd}, stringData: {p: hunter2}}\n"),
    odd("json-tabs", b"{\n\t\"apiVersion\":\t\"v1\",\n\t\"kind\"\t:\t\"Secret\",\n\t\"metadata\": {\"name\": \"odd\"},\n\t\"stringData\": {\n\t\t\"p\":\t\"hunter2\"\n\t}\n}\n"),
    odd("json-one-token-a-line", b"{\n\"apiVersion\"\n:\n\"v1\"\n,\n\"kind\"\n:\n\"Secret\"\n,\n\"metadata\"\n:\n{\n\"name\"\n:\n\"odd\"\n}\n,\n\"data\"\n:\n{\n\"p\"\n:\n\"aHVudGVyMg==\"\n}\n}\n"),
    odd("json-several", br#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"}}{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"b"}}{"apiVersion":"v1","kind":"Secret","metadata":{"name":"odd"},"stringData":{"p":"hunter2"}}"#),
    odd("json-duplicate-kind", br#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"odd"},"stringData":{"p":"hunter2"},"kind":"Secret"}"#),
    odd("json-duplicate-value", br#"{"apiVersion":"v1","kind":"Secret","metadata":{"name":"odd"},"stringData":{"p":"","p":"hunter2"}}"#),
    odd("json-duplicate-data", br#"{"apiVersion":"v1","kind":"Secret","metadata":{"name":"odd"},"data":{},"data":{"p":"aHVudGVyMg=="}}"#),
    odd("json-escapes", br#"{"apiVersion":"\u00761","\u006bind":"\u0053ecret","metadata":{"name":"odd"},"stringDat\u0061":{"p":"hunter2"}}"#),
    odd("json-escaped-slash", br#"{"apiVersion":"v1","kind":"Secret","metadata":{"name":"odd"},"type":"envcrypt.dev\/sealed","stringData":{"p":"hunter2"}}"#),
    odd("json-then-rubbish", br#"{"apiVersion":"v1","kind":"S\u0065cret","metadata":{"name":"odd"},"stringData":{"p":"hunter2"}}}]"#),
    odd("json-cut-after", br#"{"apiVersion":"v1","kind":"Secret","metadata":{"name":"odd"},"stringData":{"p":"hunter2"}}{"a":"#),
    odd("json-then-yaml", b"{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"a\"}}\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: odd}\nstringData: {p: hunter2}\n"),
    odd("json-then-yaml-without-mark", b"{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"a\"}}\napiVersion: v1\nkind: Secret\nmetadata: {name: odd}\nstringData: {p: hunter2}\n"),
    odd("json-then-mark-on-its-line", b"{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"a\"}}---\n{apiVersion: v1, kind: Secret, metadata: {name: odd}, stringData: {p: hunter2}}\n"),
    odd("json-then-flow", b"{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"a\"}} {apiVersion: v1, kind: \"S\\x65cret\", metadata: {name: odd}, stringData: {p: hunter2}}\n"),
    odd("yaml-then-json", b"# x\n---\n{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"name\":\"odd\"},\"stringData\":{\"p\":\"hunter2\"}}\n"),
    odd("json-lone-surrogate", br#"{"apiVersion":"v1","kind":"Secret","metadata":{"name":"odd","annotations":{"a":"\ud800"}},"stringData":{"p":"hunter2"}}"#),
    odd("json-braces", br#"{"x":"{{","apiVersion":"v1","kind":"Secret","metadata":{"name":"odd"},"stringData":{"p":"hunter2"}}"#),
    // Keys and kinds.
    odd("tab-after-colon", b"apiVersion:\tv1\nkind:\tSecret\nmetadata:\t{name: odd}\nstringData:\n  p:\thunter2\n"),
    odd("space-before-colon", b"apiVersion : v1\nkind  : Secret\nmetadata : {name: odd}\nstringData :\n  p   : hunter2\n"),
    odd("question-marks", b"? apiVersion\n: v1\n? kind\n: Secret\n? metadata\n: ? name\n  : odd\n? stringData\n: ? p\n  : hunter2\n"),
    odd("folded-key", b"apiVersion: v1\n? >-\n  kind\n: >-\n  Secret\nmetadata: {name: odd}\n? |-\n  stringData\n: p: hunter2\n"),
    odd("quoted-keys", b"'apiVersion': \"v1\"\n\"kind\": 'Secret'\n'metadata': {'name': 'odd'}\n\"stringData\":\n  'p': 'hunter2'\n"),
    odd("hex-escape", b"apiVersion: v1\nkind: \"S\\x65cret\"\nmetadata: {name: odd}\nstringData: {p: hunter2}\n"),
    odd("unicode-escape", b"apiVersion: v1\nkind: \"\\U00000053\\u0065cret\"\nmetadata: {name: odd}\nstringData: {p: hunter2}\n"),
    odd("escaped-keys", b"\"apiVersio\\x6e\": \"\\x76\\x31\"\n\"k\\x69nd\": Secret\nmetadata: {name: odd}\n\"string\\x44ata\": {p: hunter2}\n"),
    odd("folded-in-quotes", b"apiVersion: v1\nkind: \"Sec\\\n  ret\"\nmetadata: {name: odd}\nstringData: {p: hunter2}\n"),
    odd("folded-key-in-quotes", b"apiVersion: v1\n? \"ki\\\n  nd\"\n: Secret\nmetadata: {name: odd}\n? \"string\\\n  Data\"\n: {p: hunter2}\n"),
    odd("all-escaped", b"\"\\x61piVersion\": v1\n\"\\x6b\\x69\\x6e\\x64\": \"\\x53\\x65\\x63\\x72\\x65\\x74\"\nmetadata: {name: odd}\n\"\\x64\\x61\\x74\\x61\": {p: aHVudGVyMg==}\n"),
    odd("value-on-next-line", b"apiVersion:\n  v1\nkind:\n\n  Secret\nmetadata:\n  name:\n    odd\nstringData:\n  p:\n    hunter2\n"),
    odd("block-kind", b"apiVersion: |-\n  v1\nkind: |-\n  Secret\nmetadata: {name: odd}\nstringData: {p: hunter2}\n"),
    odd("trailing-spaces", b"apiVersion: v1   \nkind: Secret   \t \nmetadata: {name: odd}  \nstringData:  \t\n  p: hunter2  \n"),
    odd("trailing-comments", b"apiVersion: v1 # v2\nkind: Secret # Map\nmetadata: # x\n  name: odd # y\nstringData: # {}\n  p: # ${P}\n    hunter2 # ''\n"),
    odd("comments-after-tabs", b"apiVersion: v1\t# x\nkind: Secret\t# x\nmetadata: {name: odd}\t# x\nstringData: {p: hunter2}\t# x\n"),
    odd("apiversion-quoted", b"apiVersion: \"v1\"\nkind: 'Secret'\nmetadata: {name: odd}\ndata: {p: aHVudGVyMg==}\n"),
    odd("apiversion-slash", b"apiVersion: /v1\nkind: Secret\nmetadata: {name: odd}\nstringData: {p: hunter2}\n"),
    odd("apiversion-slash-in-list", b"apiVersion: /v1\nkind: SecretList\nitems:\n- metadata: {name: odd}\n  stringData: {p: hunter2}\n"),
    odd("kind-last", b"stringData:\n  p: hunter2\nmetadata:\n  name: odd\napiVersion: v1\nkind: Secret"),
    odd("indented-far", b"                                        apiVersion: v1\n                                        kind: Secret\n                                        metadata: {name: odd}\n                                        stringData:\n                                                                                p: hunter2\n"),
    odd("blank-lines", b"\n\n   \n\n# x\n   # y\n\napiVersion: v1\n\n\nkind: Secret\n\nmetadata:\n\n  name: odd\n\nstringData:\n\n\n  p: hunter2\n"),
    odd("generate-name", b"apiVersion: v1\nkind: Secret\nmetadata: {generateName: odd-}\nstringData: {p: hunter2}\n"),
    odd("null-fields", b"apiVersion: v1\nkind: Secret\nmetadata: {name: odd, labels: ~, annotations: null, namespace:}\ntype:\nimmutable: ~\ndata: null\nstringData: {a: ~, b: , c: null, p: hunter2}\n"),
    odd("immutable", b"apiVersion: v1\nkind: Secret\nmetadata: {name: odd}\nimmutable: yes\nstringData: {p: hunter2}\n"),
    odd("unknown-fields", b"apiVersion: v1\nkind: Secret\nmetadata: {name: odd, colour: red}\nspec: {a: [1, 2]}\nstatus: {}\nstringData: {p: hunter2}\n"),
    odd("odd-keys", b"apiVersion: v1\nkind: Secret\nmetadata: {name: odd}\nstringData:\n  1: hunter2\n  1.5: hunter2\n  yes: hunter2\n  0x1F: hunter2\n"),
    odd("other-type", b"apiVersion: v1\nkind: Secret\nmetadata: {name: odd}\ntype: bitnami.com/SealedSecret\nstringData: {p: hunter2}\n"),
    // Tags.
    odd("tag-str", b"apiVersion: !!str v1\nkind: !!str Secret\nmetadata: {name: odd}\nstringData: {p: !!str hunter2}\n"),
    odd("tag-local", b"apiVersion: !v v1\nkind: !k Secret\nmetadata: !m {name: odd}\nstringData: !s\n  p: !p hunter2\n"),
    odd("tag-non-specific", b"apiVersion: ! v1\nkind: ! Secret\nmetadata: {name: odd}\nstringData: {p: ! hunter2}\n"),
    odd("tag-verbatim", b"apiVersion: v1\nkind: !<tag:yaml.org,2002:str> Secret\nmetadata: {name: odd}\nstringData: {p: hunter2}\n"),
    odd("tag-binary-kind", b"apiVersion: v1\nkind: !!binary U2VjcmV0\nmetadata: {name: odd}\nstringData: {p: hunter2}\n"),
    odd("tag-binary-key", b"apiVersion: v1\n!!binary a2luZA==: Secret\nmetadata: {name: odd}\nstringData: {p: hunter2}\n"),
    odd("tag-binary-value", b"apiVersion: v1\nkind: Secret\nmetadata: {name: odd}\nstringData:\n  p: !!binary aHVudGVyMg==\n"),
    odd("tag-binary-block", b"apiVersion: v1\nkind: !!binary |\n  U2Vj\n  cmV0\nmetadata: {name: odd}\ndata:\n  p: !!binary YUhWdWRHVnlNZz09\n"),
    odd("tag-on-the-root", b"!x\napiVersion: v1\nkind: Secret\nmetadata: {name: odd}\nstringData: {p: hunter2}\n"),
    odd("tag-map-on-the-root", b"!!map\napiVersion: v1\nkind: Secret\nmetadata: {name: odd}\nstringData: !!map\n  p: hunter2\n"),
    odd("tag-on-keys", b"!!str apiVersion: v1\n!!str kind: Secret\nmetadata: {name: odd}\n!x stringData: {!!str p: hunter2}\n"),
    odd("tag-and-anchor", b"apiVersion: v1\nkind: &k !!str Secret\nmetadata: !!map &m {name: odd}\nstringData: &s !!map {p: !!str &v hunter2}\n"),
    odd("tag-on-an-item", b"apiVersion: v1\nkind: List\nitems:\n- !x\n  apiVersion: v1\n  kind: Secret\n  metadata: {name: odd}\n  stringData: {p: hunter2}\n"),
    // Anchors, aliases and merge keys.
    odd("anchor-on-the-root", b"&r\napiVersion: v1\nkind: Secret\nmetadata: {name: odd}\nstringData: {p: hunter2}\n"),
    odd("alias-kind", b"apiVersion: v1\nmetadata: {name: odd, annotations: {a: &k Secret}}\nkind: *k\nstringData: {p: hunter2}\n"),
    odd("alias-key", b"apiVersion: v1\nmetadata: {name: odd, annotations: {a: &k kind, b: &s stringData}}\n*k : Secret\n? *s\n: p: hunter2\n"),
    odd("alias-value", b"apiVersion: v1\nkind: Secret\nmetadata: {name: odd, annotations: {a: &v hunter2}}\nstringData: {p: *v}\n"),
    odd("alias-data", b"apiVersion: v1\nx: &d {p: hunter2}\nkind: Secret\nmetadata: {name: odd}\nstringData: *d\n"),
    odd("alias-item", b"apiVersion: v1\nx: &t Secret\ny: &s {apiVersion: v1, kind: *t, metadata: {name: odd}, stringData: {p: hunter2}}\nkind: List\nitems: [*s]\n"),
    odd("anchor-twice", b"apiVersion: v1\nx: &k ConfigMap\ny: &k Secret\nkind: *k\nmetadata: {name: odd}\nstringData: {p: hunter2}\n"),
    odd("merge-kind", b"apiVersion: v1\n<<: {kind: Secret}\nmetadata: {name: odd}\nstringData: {p: hunter2}\n"),
    odd("merge-values", b"apiVersion: v1\nkind: Secret\nmetadata: {name: odd}\nstringData:\n  <<: {p: hunter2}\n"),
    odd("merge-alias", b"x: &x {kind: Secret, apiVersion: v1}\ny: &y {p: hunter2}\n<<: *x\nmetadata: {name: odd}\nstringData: {<<: *y}\n"),
    odd("merge-all", b"<<: {apiVersion: v1, kind: Secret, metadata: {name: odd}, stringData: {p: hunter2}}\n"),
    odd("merge-list-first-wins", b"<<: [{apiVersion: v1, kind: Secret}, {kind: ConfigMap}, {stringData: {p: hunter2}}]\nmetadata: {name: odd}\n"),
    odd("merge-nested", b"<<: {<<: {<<: {kind: Secret}, apiVersion: v1}, stringData: {p: hunter2}}\nmetadata: {name: odd}\n"),
    odd("merge-over-a-key", b"apiVersion: v1\nkind: ConfigMap\n<<: {kind: Secret}\nmetadata: {name: odd}\nstringData: {p: hunter2}\n"),
    odd("merge-under-a-key", b"apiVersion: v1\n<<: {kind: ConfigMap}\nkind: Secret\nmetadata: {name: odd}\nstringData: {p: hunter2}\n"),
    odd("merge-twice", b"apiVersion: v1\n<<: {kind: Secret}\n<<: {stringData: {p: hunter2}}\nmetadata: {name: odd}\n"),
    odd("merge-over-a-value", b"apiVersion: v1\nkind: Secret\nmetadata: {name: odd}\nstringData: {p: '', <<: {p: hunter2}}\n"),
    odd("merge-over-a-type", b"apiVersion: v1\nkind: Secret\ntype: envcrypt.dev/sealed\nmetadata: {name: odd}\n<<: {type: Opaque, stringData: {p: hunter2}}\n"),
    odd("merge-tagged", b"apiVersion: v1\n!!merge <<: {kind: Secret}\nmetadata: {name: odd}\nstringData: {p: hunter2}\n"),
    odd("merge-tag-quoted", b"apiVersion: v1\n!!merge \"<<\": {kind: Secret}\nmetadata: {name: odd}\nstringData: {p: hunter2}\n"),
    // Keys that stand twice.
    odd("duplicate-label", b"apiVersion: v1\nkind: Secret\nmetadata:\n  name: odd\n  labels: {a: b, a: b}\nstringData:\n  p: hunter2\n"),
    odd("duplicate-label-and-comment", b"# not of type envcrypt.dev/sealed\napiVersion: v1\nkind: Secret\nmetadata:\n  name: odd\n  labels: {a: b, a: b}\nstringData:\n  p: hunter2\n"),
    odd("duplicate-label-next-line", b"apiVersion: v1\nkind: Secret\nmetadata:\n  name: odd\n  labels: {a: b, a: b}\nstringData:\n  p:\n    hunter2\n"),
    odd("duplicate-label-all-odd", b"apiVersion: v1\n\"k\\x69nd\":\n  \"S\\x65cret\"\nmetadata:\n  name: odd\n  labels: {a: b, a: b}\n? stringData\n: {p: hunter2}\n"),
    odd("duplicate-label-alias", b"apiVersion: v1\nmetadata:\n  name: odd\n  labels: {a: &k Secret, a: &v hunter2}\nkind: *k\nstringData:\n  p: *v\n"),
    odd("duplicate-kind", b"apiVersion: v1\nkind: ConfigMap\nkind: Secret\nmetadata: {name: odd}\nstringData: {p: hunter2}\n"),
    odd("duplicate-value", b"apiVersion: v1\nkind: Secret\nmetadata: {name: odd}\nstringData:\n  p: ${P}\n  p: hunter2\n"),
    odd("duplicate-string-data", b"apiVersion: v1\nkind: Secret\nmetadata: {name: odd}\nstringData: {p: '${P}'}\nstringData: {p: hunter2}\n"),
    odd("duplicate-type", b"apiVersion: v1\nkind: Secret\ntype: envcrypt.dev/sealed\nmetadata: {name: odd}\nstringData: {p: hunter2}\ntype: Opaque\n"),
    odd("duplicate-of-another-form", b"apiVersion: v1\nkind: ConfigMap\n? !!str \"kin\\x64\"\n: Secret\nmetadata: {name: odd}\nstringData: {p: hunter2}\n"),
    odd("data-and-string-data", b"apiVersion: v1\nkind: Secret\nmetadata: {name: odd}\ndata: {p: ''}\nstringData: {p: hunter2}\n"),
    // Comments, line breaks and encodings.
    odd("comment-sealed", b"apiVersion: v1\nkind: Secret # type: envcrypt.dev/sealed\n# type: envcrypt.dev/sealed\nmetadata: {name: odd}\nstringData: {p: hunter2}\n"),
    odd("comment-next-line", b"# x\xc2\x85apiVersion: v1\n# x\xc2\x85kind: Secret\nmetadata: {name: odd}\nstringData: {p: hunter2}\n"),
    odd("comment-line-separator", b"# x\xe2\x80\xa8apiVersion: v1\nkind: Secret # x\xe2\x80\xa8metadata: {name: odd}\n# x\xe2\x80\xa9stringData: {p: hunter2}\n"),
    odd("comment-carriage-return", b"# x\rapiVersion: v1\n# x\rkind: Secret\nmetadata: {name: odd}\n# x\rstringData: {p: hunter2}\n"),
    odd("comment-no-utf-8", b"# caf\xe9 \xff\xfe\napiVersion: v1\nkind: Secret\nmetadata: {name: odd}\nstringData: {p: hunter2}\n"),
    odd("comment-braces", b"# {{\napiVersion: v1\nkind: Secret\nmetadata: {name: odd}\nstringData: {p: hunter2}\n# }}\n"),
    odd("comment-template-comment", b"#{{/*\napiVersion: v1\nkind: Secret\nmetadata: {name: odd}\nstringData: {p: hunter2}\n#*/}}\n"),
    odd("crlf", b"apiVersion: v1\r\nkind: Secret\r\nmetadata: {name: odd}\r\nstringData:\r\n  p: hunter2\r\n"),
    odd("cr-only", b"apiVersion: v1\rkind: Secret\rmetadata: {name: odd}\rstringData:\r  p: hunter2\r"),
    odd("next-line-only", b"apiVersion: v1\xc2\x85kind: Secret\xc2\x85metadata: {name: odd}\xc2\x85stringData:\xc2\x85  p: hunter2\xc2\x85"),
    odd("line-separator-only", b"apiVersion: v1\xe2\x80\xa8kind: Secret\xe2\x80\xa9metadata: {name: odd}\xe2\x80\xa8stringData:\xe2\x80\xa8  p: hunter2\xe2\x80\xa8"),
    odd("next-line-in-quotes", b"apiVersion: v1\nkind: \"Sec\\\xc2\x85ret\"\nmetadata: {name: odd}\nstringData: {p: \"hunter2\xc2\x85\"}\n"),
    odd("bom", b"\xef\xbb\xbfapiVersion: v1\nkind: Secret\nmetadata: {name: odd}\nstringData: {p: hunter2}\n"),
    odd("bom-twice", b"\xef\xbb\xbf\xef\xbb\xbfapiVersion: v1\nkind: Secret\nmetadata: {name: odd}\nstringData: {p: hunter2}\n"),
    odd("bom-json", b"\xef\xbb\xbf{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"name\":\"odd\"},\"stringData\":{\"p\":\"hunter2\"}}"),
    odd("bom-in-second-document", b"# x\n---\n\xef\xbb\xbfapiVersion: v1\nkind: Secret\nmetadata: {name: odd}\nstringData: {p: hunter2}\n"),
    odd("comment-invisible-characters", b"# \xe2\x80\xae \xe2\x80\x8b \xf0\x9f\x94\x91\napiVersion: v1\nkind: Secret\nmetadata: {name: odd}\nstringData: {p: hunter2}\n"),
    // Documents.
    odd("documents-empty", b"---\n---\n# x\n---\n\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: odd}\nstringData: {p: hunter2}\n---\n---\n"),
    odd("document-mark-with-comment", b"--- # x\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n--- # kind: ConfigMap\napiVersion: v1\nkind: Secret\nmetadata: {name: odd}\nstringData: {p: hunter2}\n"),
    odd("document-mark-close-comment", b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n---#x\n{apiVersion: v1, kind: Secret, metadata: {name: odd}, stringData: {p: hunter2}}\n"),
    odd("document-mark-odd-spaces", b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n---\xc2\xa0\t\xe3\x80\x80\n{apiVersion: v1, kind: Secret, metadata: {name: odd}, stringData: {p: hunter2}}\n"),
    odd("document-mark-with-content", b"# x\r--- {apiVersion: v1, kind: Secret, metadata: {name: odd}, stringData: {p: hunter2}}\r"),
    odd("document-mark-with-tag", b"# x\r--- !x\rapiVersion: v1\rkind: Secret\rmetadata: {name: odd}\rstringData: {p: hunter2}\r"),
    odd("document-mark-after-next-line", b"# x\xc2\x85---\xc2\x85apiVersion: v1\nkind: Secret\nmetadata: {name: odd}\nstringData: {p: hunter2}\n"),
    odd("document-end", b"apiVersion: v1\nkind: Secret\nmetadata: {name: odd}\nstringData: {p: hunter2}\n...\n"),
    odd("document-end-then-another", b"apiVersion: v1\nkind: Secret\nmetadata: {name: odd}\nstringData: {p: hunter2}\n...\n: : {{{\n"),
    odd("document-indented-mark", b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  a: |\n    x\n    ---\n    x\n---\t\napiVersion: v1\nkind: Secret\nmetadata: {name: odd}\nstringData: {p: hunter2}\n"),
    odd("directive", b"%YAML 1.1\r---\rapiVersion: v1\rkind: Secret\rmetadata: {name: odd}\rstringData: {p: hunter2}\r"),
    odd("directive-tag", b"%TAG !e! tag:yaml.org,2002:\r---\rapiVersion: v1\rkind: !e!binary U2VjcmV0\rmetadata: {name: odd}\rstringData: {p: hunter2}\r"),
    odd("document-unknown-kind-first", b"apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: a}\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: odd}\nstringData: {p: hunter2}\n"),
    odd("document-without-kind-first", b"a: 1\n---\n- 1\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: odd}\nstringData: {p: hunter2}\n"),
    odd("document-broken-after", b"apiVersion: v1\nkind: Secret\nmetadata: {name: odd}\nstringData: {p: hunter2}\n---\n: : {{{ ]\n\t- x\n"),
    odd("document-duplicates-first", b"a: 1\na: 2\nb: {c: 1, c: 2}\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: odd}\nstringData: {p: hunter2}\n"),
    odd("document-braces-around", b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: \"{{\"}\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: odd}\nstringData: {p: hunter2}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\ndata: {a: \"}}\"}\n"),
    odd("document-sealed-type-beside", b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, labels: {a: b, a: b}}\ntype: envcrypt.dev/sealed\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: odd}\nstringData: {p: hunter2}\n"),
    // Lists.
    odd("list", b"apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Secret\n  metadata: {name: odd}\n  stringData: {p: hunter2}\n"),
    odd("list-items-first", b"items: [{stringData: {p: hunter2}, metadata: {name: odd}, kind: Secret, apiVersion: v1}]\nkind: List\napiVersion: v1\n"),
    odd("list-dashes", b"apiVersion: v1\nkind: List\nitems:\n-\n  apiVersion: v1\n  kind: Secret\n  metadata:\n    name: odd\n  stringData:\n    p: hunter2\n"),
    odd("list-without-version", b"kind: List\nitems:\n- {apiVersion: v1, kind: Secret, metadata: {name: odd}, stringData: {p: hunter2}}\n"),
    odd("list-of-another-kind", b"apiVersion: v1\nkind: ConfigMapList\nitems:\n- {apiVersion: v1, kind: Secret, metadata: {name: odd}, stringData: {p: hunter2}}\n"),
    odd("list-of-another-group", b"apiVersion: apps/v1\nkind: DeploymentList\nitems:\n- {apiVersion: v1, kind: Secret, metadata: {name: odd}, stringData: {p: hunter2}}\n"),
    odd("list-tagged", b"apiVersion: v1\nkind: !l List\nitems: !i\n- {apiVersion: v1, kind: Secret, metadata: {name: odd}, stringData: {p: hunter2}}\n"),
    odd("list-alias-items", b"apiVersion: v1\nx: &i [{metadata: {name: odd}, stringData: {p: hunter2}}]\nkind: SecretList\nitems: *i\n"),
    odd("secret-list", b"apiVersion: v1\nkind: SecretList\nitems:\n- metadata: {name: odd}\n  stringData: {p: hunter2}\n"),
    odd("secret-list-with-kinds", b"apiVersion: v1\nkind: SecretList\nitems:\n- apiVersion: v1\n  kind: Secret\n  metadata: {name: odd}\n  stringData: {p: hunter2}\n"),
    odd("secret-list-odd-kind", b"apiVersion: v1\nkind: \"SecretLis\\x74\"\n<<: {items: [{metadata: {name: odd}, stringData: {p: hunter2}}]}\n"),
    odd("secret-with-items", b"apiVersion: v1\nkind: Secret\nmetadata: {name: odd}\nitems:\n- metadata: {name: odd}\n  stringData: {p: hunter2}\n"),
    odd("config-map-with-items", b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: odd}\nitems:\n- {apiVersion: v1, kind: Secret, metadata: {name: odd}, stringData: {p: hunter2}}\n"),
    odd("sealed-with-items", b"apiVersion: v1\nkind: Secret\ntype: envcrypt.dev/sealed\nmetadata: {name: odd}\nitems:\n- {apiVersion: v1, kind: Secret, metadata: {name: odd}, stringData: {p: hunter2}}\n"),
    odd("list-null-item", b"apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Secret, metadata: {name: odd}, stringData: {p: hunter2}}\n-\n"),
    // Values.
    odd("value-block", b"apiVersion: v1\nkind: Secret\nmetadata: {name: odd}\nstringData:\n  p: |2+ # x\n\n    hunter2\n\n"),
    odd("value-folded", b"apiVersion: v1\nkind: Secret\nmetadata: {name: odd}\nstringData:\n  p: >-1\n   correct horse\n   hunter2\n"),
    odd("value-block-comment-like", b"apiVersion: v1\nkind: Secret\nmetadata: {name: odd}\nstringData:\n  p: |\n    # hunter2\n"),
    odd("value-plain-over-lines", b"apiVersion: v1\nkind: Secret\nmetadata: {name: odd}\nstringData:\n  p: correct horse\n    battery\n\n    hunter2\n"),
    odd("value-quoted-over-lines", b"apiVersion: v1\nkind: Secret\nmetadata: {name: odd}\nstringData:\n  p: '\n\n    hunter2\n    '\n  q: \"\\\n    hunter2\\\n    \"\n"),
    odd("value-base64-over-lines", b"apiVersion: v1\nkind: Secret\nmetadata: {name: odd}\ndata:\n  p: |\n    aHVu\n    dGVy\n    Mg==\n"),
    odd("value-like-a-comment", b"apiVersion: v1\nkind: Secret\nmetadata: {name: odd}\nstringData: {p: '# hunter2', q: a#hunter2}\n"),
    odd("value-like-null", b"apiVersion: v1\nkind: Secret\nmetadata: {name: odd}\nstringData: {p: \"null\", q: '~', r: !!str null, s: !!str ~, t: '{}'}\n"),
    odd("value-like-a-number", b"apiVersion: v1\nkind: Secret\nmetadata: {name: odd}\nstringData:\n  p: 12:30:45\n  q: !!str 31337\n  r: 2026-11-22\n"),
    odd("value-date", b"apiVersion: v1\nkind: Secret\nmetadata: {name: odd}\nstringData: {p: 2026-11-22}\n"),
    odd("value-like-sops", b"apiVersion: v1\nkind: Secret\nmetadata: {name: odd}\nstringData: {p: 'ENC[hunter2]'}\n"),
    odd("value-like-lower-case-variable", b"apiVersion: v1\nkind: Secret\nmetadata: {name: odd}\nstringData: {p: '${hunter2}'}\n"),
    odd("value-after-variable", b"apiVersion: v1\nkind: Secret\nmetadata: {name: odd}\nstringData: {p: '${A}hunter2${B}'}\n"),
    odd("value-variable-with-default", b"apiVersion: v1\nkind: Secret\nmetadata: {name: odd}\nstringData: {p: '${P:-hunter2}'}\n"),
    odd("value-like-other-variables", b"apiVersion: v1\nkind: Secret\nmetadata: {name: odd}\nstringData: {p: '$(hunter2)', q: '<hunter2>', r: '$hunter2'}\n"),
    odd("value-like-path", b"apiVersion: v1\nkind: Secret\nmetadata: {name: odd}\nstringData: {p: '<path:hunter2>'}\n"),
    odd("value-placeholder", b"apiVersion: v1\nkind: Secret\nmetadata: {name: odd}\nstringData: {p: __EXPRESSION__, q: hunter2__EXPRESSION__}\n"),
    odd("value-after-template", b"apiVersion: v1\nkind: Secret\nmetadata: {name: odd}\nstringData: {p: '{{ .Values.p }}hunter2'}\n"),
    odd("value-between-templates", b"apiVersion: v1\nkind: Secret\nmetadata: {name: odd}\nstringData: {p: \"{{ a }} hunter2 {{ b }}\"}\n"),
    odd("value-alertmanager", b"apiVersion: v1\nkind: Secret\nmetadata: {name: odd}\nstringData:\n  alertmanager.yaml: |\n    global: {smtp_auth_password: hunter2}\n    receivers:\n    - name: a\n      slack_configs:\n      - text: '{{ range .Alerts }}{{ .Labels.x }}{{ end }}'\n"),
    odd("value-template-in-block", b"apiVersion: v1\nkind: Secret\nmetadata: {name: odd}\nstringData:\n  p: |\n    {{ with secret \"a\" }}\n    hunter2\n    {{ end }}\n"),
    odd("values-between-braces", b"apiVersion: v1\nkind: Secret\nmetadata: {name: odd}\nstringData:\n  a: \"{{\"\n  p: hunter2\n  z: \"}}\"\n"),
    odd("kind-between-braces", b"metadata: {name: odd, annotations: {a: '{{'}}\napiVersion: v1\nkind: Secret\nstringData: {p: hunter2, q: '}}'}\n"),
    odd("value-address", b"apiVersion: v1\nkind: Secret\nmetadata: {name: odd}\nstringData: {p: 'postgres://${USER}:hunter2@${HOST}/db'}\n"),
    odd("value-like-sealed-text", b"apiVersion: v1\nkind: Secret\nmetadata: {name: odd}\nstringData: {p: 'hunter2 envcrypt.dev/sealed {\"protected\":\"'}\n"),
    odd("value-with-nul", b"apiVersion: v1\nkind: Secret\nmetadata: {name: odd}\nstringData: {p: \"\\0hunter2\\e[0m\"}\n"),
    gap("gap-variable", b"apiVersion: v1\nkind: Secret\nmetadata: {name: odd}\nstringData: {p: '${PASSWORD}'}\n"),
    gap("gap-template", b"apiVersion: v1\nkind: Secret\nmetadata: {name: odd}\nstringData: {p: '{{ .Values.password }}'}\n"),
    gap("gap-path", b"apiVersion: v1\nkind: Secret\nmetadata: {name: odd}\nstringData: {p: '<path:secret/data/db#password>'}\n"),
    // What only looks sealed.
    odd("sealed-type-string-data", b"apiVersion: v1\nkind: Secret\nmetadata: {name: odd}\ntype: envcrypt.dev/sealed\nstringData: {p: hunter2}\n"),
    odd("sealed-type-data", b"apiVersion: v1\nkind: Secret\nmetadata: {name: odd}\ntype: envcrypt.dev/sealed\ndata: {p: aHVudGVyMg==}\n"),
    odd("sealed-type-unknown-field", b"apiVersion: v1\nkind: Secret\nmetadata: {name: odd}\ntype: envcrypt.dev/sealed\nspec: {}\nstringData: {p: hunter2}\n"),
    odd("sealed-type-null-label", b"apiVersion: v1\nkind: Secret\nmetadata: {name: odd, labels: {a: ~}}\ntype: envcrypt.dev/sealed\nstringData: {p: hunter2}\n"),
    odd("sealed-type-duplicate-label", b"apiVersion: v1\nkind: Secret\nmetadata: {name: odd, labels: {a: b, a: b}}\ntype: envcrypt.dev/sealed\nstringData: {p: hunter2}\n"),
    odd("sealed-type-number-at-the-root", b"apiVersion: v1\nkind: Secret\n1: 2\nyes: no\nmetadata: {name: odd}\ntype: envcrypt.dev/sealed\nstringData: {p: hunter2}\n"),
    odd("sealed-type-in-secret-list", b"apiVersion: v1\nkind: SecretList\nitems:\n- metadata: {name: odd}\n  type: envcrypt.dev/sealed\n  stringData: {p: hunter2}\n"),
    odd("sealed-type-with-line-end", b"apiVersion: v1\nkind: Secret\nmetadata: {name: odd}\ntype: |\n  envcrypt.dev/sealed\nstringData: {p: hunter2}\n"),
    odd("sealed-type-generate-name", b"apiVersion: v1\nkind: Secret\nmetadata: {generateName: odd-}\ntype: envcrypt.dev/sealed\nstringData: {p: hunter2}\n"),
    odd("sealed-type-template-value", b"apiVersion: v1\nkind: Secret\nmetadata: {name: odd}\ntype: envcrypt.dev/sealed\nstringData: {p: '{{ .Values.p }}', q: hunter2}\n"),
    odd("sealed-type-numeric-key", b"apiVersion: v1\nkind: Secret\nmetadata: {name: odd}\ntype: envcrypt.dev/sealed\nstringData: {1: hunter2}\n"),
    odd("sealed-type-odd", b"apiVersion: v1\nkind: Secret\nmetadata: {name: odd}\ntype: !x \"envcrypt.dev/\\x73ealed\"\nstringData: {p: hunter2}\n"),
    odd("sealed-annotations-only", b"apiVersion: v1\nkind: Secret\nmetadata:\n  name: odd\n  annotations:\n    envcrypt.dev/type: Opaque\n    envcrypt.dev/seal: '{\"protected\":\"e30\"}'\nstringData: {p: hunter2}\n"),
    named("last-applied", "s.json", br#"{"apiVersion":"v1","kind":"Secret","metadata":{"name":"odd","annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{\"kind\":\"Secret\",\"stringData\":{\"p\":\"hunter2\"}}"}}}"#),
    named("last-applied-spaces", "s.json", br#"{"apiVersion":"v1","kind":"Secret","metadata":{"name":"odd","annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{ \"kind\": \"Secret\", \"data\" : { \"p\": \"aHVudGVyMg==\" } }"}}}"#),
    named("last-applied-escapes", "s.json", br#"{"apiVersion":"v1","kind":"Secret","metadata":{"name":"odd","annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{\"kind\":\"Secret\",\"dat\\u0061\":{\"p\":\"aHVudGVyMg==\"}}"}}}"#),
    named("last-applied-partly-sealed", "s.json", br#"{"apiVersion":"v1","kind":"Secret","metadata":{"name":"odd","annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{\"kind\":\"Secret\",\"data\":{\"a\":\"eyJwcm90ZWN0ZWQiOiJ4In0=\",\"p\":\"aHVudGVyMg==\"}}"}}}"#),
];

/// What is too long for the table, or needs a Secret that is really sealed.
fn made(sealed: &str) -> Vec<Odd> {
    let plain = String::from_utf8_lossy(PLAIN);
    let wide = |order: fn(u16) -> [u8; 2], text: &str| -> Vec<u8> {
        "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(order).collect()
    };
    let config_map = |index: usize| {
        let text = "x".repeat(700_000);
        format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a{index}}}\ndata: {{a: {text}}}\n"
        )
    };
    let rows: [(&str, Vec<u8>); 20] = [
        ("utf-16-le", wide(u16::to_le_bytes, &plain)),
        ("utf-16-be", wide(u16::to_be_bytes, &plain)),
        ("utf-16-json", wide(u16::to_le_bytes, &String::from_utf8_lossy(PLAIN_JSON))),
        (
            "utf-16-odd-length",
            [wide(u16::to_le_bytes, &format!("{plain}# x")), vec![b'x']].concat(),
        ),
        ("huge-comment", format!("# {}\n{plain}", "x".repeat(2 << 20)).into()),
        ("huge-indentation", format!("x:\n{}y: 1\n{plain}", " ".repeat(100_000)).into()),
        (
            "huge-documents-before",
            format!("{}---\n{}---\n{}---\n{plain}", config_map(0), config_map(1), config_map(2))
                .into(),
        ),
        ("huge-json-before", {
            let text = "x".repeat(900_000);
            let item = |i| {
                format!(
                    r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"a{i}"}},"data":{{"a":"{text}"}}}}"#
                )
            };
            let items: Vec<_> = (0..5).map(item).collect();
            let secret = String::from_utf8_lossy(PLAIN_JSON);
            format!(r#"{{"apiVersion":"v1","kind":"List","items":[{},{secret}]}}"#, items.join(","))
                .into()
        }),
        ("many-empty-documents", format!("{}{plain}", "# x\n---\n".repeat(20_000)).into()),
        ("many-keys", format!("{plain}x:\n{}", "  - a: b\n".repeat(20_000)).into()),
        ("deep-beside", format!("{plain}x: {}{}\n", "[".repeat(200), "]".repeat(200)).into()),
        ("deep-blocks-beside", format!("{plain}x:\n  {}1\n", "- ".repeat(200)).into()),
        (
            "deep-json-beside",
            format!(
                r#"{{"x":{}{},{}"#,
                "[".repeat(5000),
                "]".repeat(5000),
                String::from_utf8_lossy(&PLAIN_JSON[1..])
            )
            .into(),
        ),
        ("deeper-blocks-after", format!("{plain}---\n{}1\n", "- ".repeat(20_000)).into()),
        ("sealed-then-plain", format!("{sealed}---\n{plain}").into()),
        ("sealed-with-string-data", format!("{sealed}stringData: {{p: hunter2}}\n").into()),
        (
            "sealed-merge-over-the-type",
            format!("{sealed}<<: {{type: Opaque, data: {{p: aHVudGVyMg==}}}}\n").into(),
        ),
        ("sealed-with-plain-value", format!("{sealed}  p: aHVudGVyMg==\n").into()),
        ("sealed-last-applied", {
            let mut object: Value = serde_yaml::from_str(sealed).expect("YAML");
            object["metadata"]["annotations"][LAST_APPLIED] =
                r#"{"kind":"Secret","stringData":{"p":"hunter2"}}"#.into();
            object.to_string().into()
        }),
        ("sealed", sealed.into()),
    ];
    rows.into_iter()
        .map(|(name, bytes)| Odd {
            name: name.into(),
            file: "s.yaml",
            bytes: bytes.into(),
            gap: false,
        })
        .collect()
}

#[test]
fn check_finds_every_secret_that_the_api_server_would_store_as_plaintext() {
    let plane = control_plane();
    let (namespace, sandbox) = (plane.namespace(), Sandbox::with_local_key());
    let create = ["create", "db", "-n", &namespace, "--kek=local", "--from-literal=a=b"];
    let sealed = sandbox.run(create.iter().chain(&["--dry-run=client", "-oyaml"])).succeeds();
    let made = made(&sealed.stdout);
    let all: Vec<&Odd> = ODD.iter().chain(&made).collect();
    let path = |odd: &Odd| format!("odd/{}/{}", odd.name, odd.file);
    for odd in &all {
        sandbox.write(&path(odd), &odd.bytes);
    }
    let results = in_parallel(&all, |odd| {
        let file = sandbox.work().join(path(odd));
        let is_stored = is_stored_as_plaintext(plane, &namespace, &file);
        let found = found(&sandbox, &path(odd));
        (is_stored, found.is_some_and(|files| files.contains(&path(odd))))
    });
    let scanned = found(&sandbox, "odd");
    let (mut stored, mut missed) = (0, Vec::new());
    if scanned.is_none() {
        missed.push("the whole directory: no report".to_owned());
    }
    for (odd, (is_stored, is_found)) in all.iter().zip(results) {
        if !is_stored || odd.gap {
            continue;
        }
        stored += 1;
        let is_scanned = scanned.as_ref().is_none_or(|files| files.contains(&path(odd)));
        match (is_found, is_scanned) {
            (true, true) => {}
            (true, false) => missed.push(format!("{} in a directory", path(odd))),
            (false, true) => missed.push(format!("{} by itself", path(odd))),
            (false, false) => missed.push(path(odd)),
        }
    }
    assert!(stored >= 200, "only {stored} of {} manifests were stored as plaintext", all.len());
    assert!(
        missed.is_empty(),
        "`check` missed {} of {stored} plain Secrets:\n{}",
        missed.len(),
        missed.join("\n")
    );
}

/// Runs `work` on every item, on as many threads as there are cores.
fn in_parallel<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let queue = Mutex::new(items.iter().enumerate());
    let next = || queue.lock().expect("no thread panicked").next();
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    let worker = || std::iter::from_fn(next).map(|(i, item)| (i, work(item))).collect::<Vec<_>>();
    let mut results = std::thread::scope(|scope| {
        let started: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
        let ended = started.into_iter().flat_map(|thread| thread.join().expect("no panic"));
        ended.collect::<Vec<_>>()
    });
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

/// Whether kubectl gets a value of this manifest into the cluster as plaintext,
/// with as little validation as a user can ask for.
fn is_stored_as_plaintext(plane: &ControlPlane, namespace: &str, file: &Path) -> bool {
    let file = file.to_str().expect("UTF-8");
    let lax = ["--dry-run=server", "--validate=false", "-ojson", "-n", namespace, "-f", file];
    let raw = format!("/api/v1/namespaces/{namespace}/secrets?dryRun=All");
    let commands = [
        [&["create"][..], &lax].concat(),
        [&["apply", "--server-side"][..], &lax].concat(),
        // Only this one sends annotations as they are.
        vec!["create", "--raw", &raw, "-f", file],
    ];
    commands.into_iter().any(|args| {
        // It prints what the server takes even where it refuses the rest.
        let output = plane.kubectl(args).stdout;
        let objects = serde_json::Deserializer::from_str(&output).into_iter::<Value>();
        objects.map(|object| object.expect("JSON")).any(|object| holds_plaintext(&object))
    })
}

/// Whether an object, or one of a list, is a Secret with a value that is not sealed.
fn holds_plaintext(object: &Value) -> bool {
    if let Some(items) = object["items"].as_array() {
        return items.iter().any(holds_plaintext);
    }
    let mut values = object["data"].as_object().into_iter().flat_map(|data| data.values());
    let is_plain = |value: &Value| {
        let value = BASE64_STANDARD.decode(value.as_str().expect("text")).expect("base64");
        !value.is_empty() && !value.starts_with(br#"{"protected":""#)
    };
    let copy = &object["metadata"]["annotations"][LAST_APPLIED];
    let in_copy = copy.as_str().is_some_and(|c| c.contains("hunter2") || c.contains("aHVudGVyMg"));
    object["kind"] == "Secret" && (values.any(is_plain) || in_copy)
}

/// The files in which `check` finds a plain Secret, or one that it cannot read;
/// none where it gives no report.
fn found(sandbox: &Sandbox, path: &str) -> Option<BTreeSet<String>> {
    let run = sandbox.run(["check", "-ojson", path]);
    let report: Value = serde_json::from_str(&run.stdout).ok()?;
    let counts = |id: &Value| id == "plain-secret" || id == "wrong-form";
    let findings = report["findings"].as_array()?.iter().filter(|finding| counts(&finding["id"]));
    Some(findings.map(|finding| finding["path"].as_str().expect("text").to_owned()).collect())
}
