use super::*;

const KEY: [u8; 32] = [7; 32];
const TIME: &str = "2026-11-27T20:53:12Z";

fn key() -> DataKey {
    DataKey::from_slice(&KEY).expect("32 bytes")
}

/// Encrypts a text of `type:kind`.
fn enc(path: &str, text: &str, kind: &str) -> String {
    super::super::value::encrypt(&key(), path, text.as_bytes())
        .replace("type:str", &format!("type:{kind}"))
}

/// The metadata with the MAC over these values.
fn sops(values: &[(&str, bool)], rest: &str) -> String {
    let mut mac = Mac::new(rest.contains("mac_only_encrypted: true"));
    values.iter().for_each(|(value, encrypted)| mac.take(value.as_bytes(), *encrypted));
    let mac = mac.encrypted(TIME, &key());
    format!(
        "sops:\n  age: [{{recipient: age1abc, enc: x}}]\n  lastmodified: '{TIME}'\n  mac: {mac}\n{rest}"
    )
}

fn open_with(text: &str, options: Options) -> Result<Opened, SopsError> {
    let file = File::read(text)?.expect("under SOPS");
    let keys: Vec<_> = file.parts().iter().map(|_| key()).collect();
    file.open(&keys, options)
}

fn open(text: &str) -> Result<String, String> {
    let opened = open_with(text, Options::default());
    opened.map(|opened| opened.text.to_string()).map_err(|error| error.to_string())
}

const HEAD: [(&str, bool); 3] = [("v1", false), ("Secret", false), ("db", false)];

/// A Secret whose `data` is encrypted.
fn secret(extra: &str, values: &[(&str, bool)]) -> String {
    let all = [&HEAD[..], &[("aHVudGVyMg==", true)], values].concat();
    format!(
        "# top\napiVersion: v1\nkind: Secret # it is\nmetadata: {{name: db}}\ndata:\n  a: {}\n  empty: \"\"\n{extra}{}",
        enc("data:a:", "aHVudGVyMg==", "str"),
        sops(&all, "  encrypted_regex: ^(data|stringData)$\n")
    )
}

const PLAIN: &str = "# top\napiVersion: v1\nkind: Secret # it is\nmetadata: {name: db}\ndata:\n  a: 'aHVudGVyMg=='\n  empty: \"\"\n";

#[test]
fn values_are_opened_where_they_stand_and_the_metadata_goes() {
    let expected = PLAIN.replace("'aHVudGVyMg=='", "aHVudGVyMg==");
    assert_eq!(open(&secret("", &[])).expect("open"), expected);
    let crlf = secret("", &[]).replace('\n', "\r\n");
    assert_eq!(open(&crlf).expect("open"), expected.replace('\n', "\r\n"));
    let marked = format!("\u{feff}{}", secret("", &[]));
    assert_eq!(open(&marked).expect("open"), format!("\u{feff}{expected}"));
    let after = secret("", &[]) + "# the end\n";
    assert_eq!(open(&after).expect("open"), expected + "# the end\n");
}

#[test]
fn each_type_has_its_text_form_and_a_value_is_text() {
    let port = enc("stringData:port:", "5432", "int");
    let flag = enc("stringData:flag:", "True", "bool");
    let rate = enc("stringData:rate:", "0.5", "float");
    let lines = enc("stringData:lines:", "a\nb: 'c' \"d\"\n", "str");
    let extra = format!(
        "stringData:\n  port: {port}\n  flag: '{flag}'\n  rate: {rate}\n  lines: \"{lines}\"\n"
    );
    let values = [("5432", true), ("True", true), ("0.5", true), ("a\nb: 'c' \"d\"\n", true)];
    let text = open(&secret(&extra, &values)).expect("open");
    assert!(text.ends_with("stringData:\n  port: '5432'\n  flag: 'true'\n  rate: '0.5'\n  lines: \"a\\nb: 'c' \\\"d\\\"\\n\"\n"), "{text}");
}

#[test]
fn what_was_changed_added_removed_or_moved_is_refused() {
    let text = secret("", &[]);
    let mac = "the MAC of the file does not match: someone changed, added or removed a value without SOPS";
    for (changed, expected) in [
        (text.replace("name: db", "name: other"), mac),
        (text.replace("  empty: \"\"\n", ""), ""),
        (text.replace("kind: Secret # it is\n", "kind: Secret\ntype: x\n"), mac),
        (
            text.replace("  a: ENC", "  b: ENC"),
            "line 6: the value of `data.b` was changed or moved after SOPS encrypted it",
        ),
        (
            text.replace("  empty: \"\"\n", "  empty: hunter2\n"),
            "line 7: `data.empty` must be encrypted by the rule of the file, but it is not",
        ),
        (text.replace("lastmodified: '2026", "lastmodified: '2025"), mac),
        (
            text.replace("type:str]\n  empty", "type:what]\n  empty"),
            "line 6: `data.a` must be encrypted by the rule of the file, but it is not",
        ),
    ] {
        assert_ne!(changed, text);
        match (open(&changed), expected) {
            (Ok(_), "") => {}
            (Err(error), expected) => assert_eq!(error, expected),
            (Ok(text), _) => panic!("{text}"),
        }
    }
    // A type is not authenticated, so it changes nothing of a value.
    let options = Options { ignore_mac: true, ..Options::default() };
    assert!(open_with(&text.replace("name: db", "name: other"), options).is_ok());
    assert!(open_with(&text.replace("  a: ENC", "  b: ENC"), options).is_err());
}

#[test]
fn another_data_key_opens_nothing() {
    let text = secret("", &[]);
    let file = File::read(&text).expect("metadata").expect("under SOPS");
    assert!(matches!(
        file.open(&[DataKey::generate()], Options::default()),
        Err(SopsError::Value { .. })
    ));
}

#[test]
fn only_encrypted_values_count_if_the_metadata_says_so() {
    let a = enc("data:a:", "YQ==", "str");
    let text = format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: db}}\ndata: {{a: '{a}'}}\n{}",
        sops(&[("YQ==", true)], "  encrypted_regex: ^data$\n  mac_only_encrypted: true\n")
    );
    assert!(open(&text).is_ok());
    assert!(open(&text.replace("name: db", "name: other")).is_ok());
    assert!(open(&text.replace("mac_only_encrypted: true", "mac_only_encrypted: false")).is_err());
}

#[test]
fn documents_of_one_mac_are_one_file_and_those_of_others_are_files_of_their_own() {
    let (one, two) = (secret("", &[]), secret("", &[]));
    let text = format!("{one}---\nkind: ConfigMap\napiVersion: v1\ndata: {{a: b}}\n---\n{two}");
    assert_eq!(File::read(&text).expect("metadata").expect("under SOPS").parts().len(), 2);
    let opened = open(&text).expect("open");
    assert_eq!(opened.matches("aHVudGVyMg==").count(), 2);
    assert!(!opened.contains("sops") && opened.contains("data: {a: b}"), "{opened}");
    // One MAC over both documents: neither opens alone.
    let values = [&HEAD[..], &[("YQ==", true)]].concat();
    let sops = sops(&[&values[..], &values[..]].concat(), "  encrypted_regex: ^data$\n");
    let one = format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: db}}\ndata: {{a: '{}'}}\n{sops}",
        enc("data:a:", "YQ==", "str")
    );
    assert!(open(&format!("{one}---\n{one}")).is_ok());
    assert!(open(&one).is_err());
    assert!(open(&format!("{one}---\n{one}---\n{one}")).is_err());
}

#[test]
fn an_encrypted_kind_is_opened_first_and_only_a_secret_is() {
    let document = |kind: &str| {
        let values = ["v1", kind, "db", "x", "YQ=="];
        let e = |path: &str, text: &str| enc(path, text, "str");
        format!(
            "apiVersion: {}\nkind: {}\nmetadata:\n  name: {}\n  labels: {{app: '{}'}}\ndata: {{a: '{}'}}\n{}",
            e("apiVersion:", "v1"),
            e("kind:", kind),
            e("metadata:name:", "db"),
            e("metadata:labels:app:", "x"),
            e("data:a:", "YQ=="),
            sops(&values.map(|value| (value, true)), "")
        )
    };
    let opened = open_with(&document("Secret"), Options::default()).expect("open");
    assert!(
        opened.text.contains(
            "kind: Secret\nmetadata:\n  name: db\n  labels: {app: 'x'}\ndata: {a: 'YQ=='}\n"
        ),
        "{}",
        *opened.text
    );
    assert_eq!(opened.revealed, ["metadata.labels.app"]);
    let error = open(&document("ConfigMap")).expect_err("not a Secret");
    assert_eq!(error, "document 1 is not a Secret, and it has encrypted values (`apiVersion`)");
    let file = document("ConfigMap");
    let file = File::read(&file).expect("metadata").expect("under SOPS");
    assert!(file.may_hold_secret());
    assert_eq!(
        file.names(&file.parts()[0]),
        [Named { namespace: None, name: None, has_hidden_namespace: false, may_be_secret: true }]
    );
}

/// What the reader of manifests does not take for a Secret would be written in plaintext.
#[test]
fn a_secret_of_another_api_and_one_in_another_list_are_refused() {
    let text = secret("", &[]).replace("apiVersion: v1", "apiVersion: example.com/v1");
    let options = Options { ignore_mac: true, ..Options::default() };
    let error = |text: &str| open_with(text, options).err().expect("refused").to_string();
    assert_eq!(error(&text), "document 1 is not a Secret, and it has encrypted values (`data.a`)");
    let a = enc("items:data:a:", "YQ==", "str");
    for (head, is_list) in [
        ("apiVersion: v1\nkind: List", true),
        ("apiVersion: v1\nkind: SecretList", true),
        ("apiVersion: example.com/v1\nkind: List", false),
        ("apiVersion: v1\nkind: ConfigMap", false),
    ] {
        let item = format!(
            "- apiVersion: v1\n  kind: Secret\n  metadata: {{name: a}}\n  data: {{a: '{a}'}}\n"
        );
        let text = format!("{head}\nitems:\n{item}{}", sops(&[], "  encrypted_regex: ^data$\n"));
        assert_eq!(open_with(&text, options).is_ok(), is_list, "{head}");
        let other = text.replace("kind: Secret\n", "kind: ConfigMap\n");
        assert!(open_with(&other, options).is_err(), "{head}");
    }
    let list = "apiVersion: v1\nkind: List\nitems: []\n";
    let text = format!("{list}data: '{}'\n{}", enc("data:", "x", "str"), sops(&[], ""));
    assert!(open_with(&text, options).is_err());
}

#[test]
fn encrypted_comments_are_dropped_and_counted_or_written_in_plaintext() {
    let comment = |path: &str, text: &str| format!("#{}", enc(path, text, "comment"));
    let text = secret("", &[])
        .replace("data:\n", &format!("data:\n  {}\n", comment("data:", " inner")))
        .replace("# it is", &comment(":", "it is"));
    let dropped = open_with(&text, Options::default()).expect("open");
    assert_eq!(dropped.dropped_comments, 2);
    let expected = PLAIN.replace("'aHVudGVyMg=='", "aHVudGVyMg==");
    assert_eq!(*dropped.text, expected.replace(" # it is", ""));
    let options = Options { keep_comments: true, ..Options::default() };
    let kept = open_with(&text, options).expect("open");
    assert_eq!(
        *kept.text,
        expected.replace("# it is", "#it is").replace("data:\n", "data:\n  # inner\n")
    );
}

#[test]
fn aliases_count_where_they_stand_and_an_anchor_on_a_value_is_refused() {
    let values = [("x", false), ("x", false)];
    let text = secret("", &values).replacen("sops:", "x: &x x\ny: *x\nsops:", 1);
    assert!(open(&text).is_ok());
    let anchored = secret("", &[]).replace("a: ENC", "a: &a ENC");
    assert_eq!(
        open(&anchored).expect_err("an anchor"),
        "it is written in a way that cannot be changed in place"
    );
}

#[test]
fn json_stays_json() {
    let a = enc("data:a:", "YQ==", "str");
    let values = [("5", false), ("v1", false), ("Secret", false), ("db", false), ("YQ==", true)];
    let mut mac = Mac::new(false);
    values.iter().for_each(|(value, encrypted)| mac.take(value.as_bytes(), *encrypted));
    let mac = mac.encrypted(TIME, &key());
    let text = format!(
        r#"{{"x": 5.0, "apiVersion": "v1", "kind": "Secret", "metadata": {{"name": "db"}}, "data": {{"a": "{a}"}}, "sops": {{"age": [{{"recipient": "age1abc", "enc": "x"}}], "lastmodified": "{TIME}", "mac": "{mac}", "encrypted_regex": "^data$"}}}}"#
    );
    assert_eq!(
        open(&text).expect("open"),
        r#"{"x": 5.0, "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db"}, "data": {"a": "YQ=="}}"#
    );
}

#[test]
fn a_value_without_its_metadata_is_found() {
    let text = secret("", &[]);
    let without = &text[..text.find("sops:").expect("metadata")];
    assert_eq!(leftover(without), Some(6));
    assert_eq!(leftover(PLAIN), None);
}

fn error(text: &str, options: Options) -> String {
    open_with(text, options).err().expect("refused").to_string()
}

/// A comment is not in the MAC, and the type is not authenticated.
#[test]
fn a_value_that_is_called_a_comment_is_refused() {
    let of_other = enc("data:empty:", "b3RoZXI=", "comment");
    let text = secret("", &[]).replace("empty: \"\"", &format!("empty: {of_other}"));
    let wrong = "line 7: the value of `data.empty` is not of the type that the file says";
    assert_eq!(error(&text, Options::default()), wrong);
    // SOPS writes a comment of a list as an item.
    let item = enc("data_list:", "a comment", "comment");
    let list = format!("data_list:\n- {item}\n");
    let text = secret(&list, &[]).replace("^(data|stringData)$", "^data");
    assert!(open(&text).is_ok());
}

#[test]
fn a_type_that_does_not_fit_the_text_is_refused() {
    for (text, kind, fits) in [
        ("5432", "int", true),
        ("-1", "int", true),
        ("5432x", "int", false),
        ("+1", "int", false),
        ("0.5", "float", true),
        ("inf", "float", false),
        ("True", "bool", true),
        ("hunter2", "bool", false),
        ("2026-11-27T20:53:12Z", "time", true),
        ("a: b", "time", false),
    ] {
        let extra = format!("stringData:\n  x: '{}'\n", enc("stringData:x:", text, kind));
        let opened = open(&secret(&extra, &[(text, true)]));
        assert_eq!(opened.is_ok(), fits, "{kind} {text}");
    }
}

#[test]
fn a_plaintext_value_of_a_secret_is_refused_and_named_unless_it_is_accepted() {
    let values = [&HEAD[..], &[("YQ==", false), ("hi", false), ("x", false)]].concat();
    let head = "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\n";
    let text = format!(
        "{head}data: {{a: YQ==, none: ''}}\nstringData:\n  b: hi\ntype: x\n{}",
        sops(&values, "  encrypted_regex: ^nothing$\n")
    );
    let expected = "line 4: values of the Secret are not encrypted, so anyone may have put them there: data.a, stringData.b";
    assert_eq!(error(&text, Options::default()), expected);
    assert_eq!(error(&text, Options { ignore_mac: true, ..Options::default() }), expected);
    let options = Options { accept_plain: true, ..Options::default() };
    assert!(open_with(&text, options).is_ok());
    // Other objects have plaintext values.
    let text = text.replace("kind: Secret", "kind: ConfigMap");
    let options = Options { ignore_mac: true, ..Options::default() };
    assert!(open_with(&text, options).is_ok());
}

#[test]
fn many_marks_of_comments_are_searched_once() {
    let mark = "#ENC[AES256_GCM,".repeat(200_000);
    let text = format!("{}{mark}\n{mark}", secret("", &[]));
    let file = File::read(&text).expect("YAML").expect("under SOPS");
    let start = std::time::Instant::now();
    assert!(file.comments().is_empty());
    assert!(start.elapsed() < std::time::Duration::from_secs(5));
}

#[test]
fn a_key_that_looks_like_a_comment_stays() {
    let name = enc(":", "x", "comment");
    let text = secret("", &[("v", false)]).replacen("sops:", &format!("'a #{name}': v\nsops:"), 1);
    assert!(open(&text).expect("open").contains(&format!("'a #{name}': v\n")));
}

#[test]
fn the_copy_of_client_side_apply_is_not_revealed_but_a_plaintext_one_is_reported() {
    let name = "kubectl.kubernetes.io/last-applied-configuration";
    let with = |value: &str, is_encrypted| {
        let values = ["v1", "Secret", "db", "copy", "YQ=="];
        let values: Vec<_> =
            values.map(|v| (v, v == "YQ==" || (is_encrypted && v == "copy"))).into();
        let rule = if is_encrypted { "^(data|annotations)$" } else { "^data$" };
        let text = format!(
            "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\n  annotations:\n    {name}: '{value}'\ndata: {{a: '{}'}}\n{}",
            enc("data:a:", "YQ==", "str"),
            sops(&values, &format!("  encrypted_regex: {rule}\n"))
        );
        open_with(&text, Options::default()).expect("open")
    };
    let path = format!("metadata:annotations:{name}:");
    let opened = with(&enc(&path, "copy", "str"), true);
    assert!(opened.revealed.is_empty() && !opened.has_plain_copy);
    assert!(with("copy", false).has_plain_copy);
}

#[test]
fn a_binary_file_is_exactly_one_encrypted_value() {
    let data = enc("data:", "x", "str");
    let with = |data: &str| {
        let mut mac = Mac::new(false);
        mac.take(b"x", true);
        let mac = mac.encrypted(TIME, &key());
        format!(
            r#"{{"data": {data}, "sops": {{"age": [{{"recipient": "age1abc", "enc": "x"}}], "lastmodified": "{TIME}", "mac": "{mac}"}}}}"#
        )
    };
    let open = |text: &str| {
        let file = File::read(text).expect("JSON").expect("under SOPS");
        assert!(file.is_binary());
        file.open_binary(&key())
    };
    assert!(open(&with(&format!("\"{data}\""))).is_ok_and(|value| *value == b"x"));
    for bad in ["null", "\"\"", "{}", &format!("[\"{data}\", \"{data}\"]")] {
        assert!(open(&with(bad)).is_err(), "{bad}");
    }
}

/// A Secret can have a field `items`, which must not hide where it is.
#[test]
fn the_place_of_a_secret_is_not_that_of_its_items() {
    let text = secret("items: [{kind: Secret, metadata: {name: x, namespace: dev}}]\n", &[])
        .replace("name: db", "name: db, namespace: 'ENC[AES256_GCM,x]'");
    let file = File::read(&text).expect("YAML").expect("under SOPS");
    let names = file.names(&file.parts()[0]);
    assert_eq!(names.len(), 2);
    assert!(names[0].has_hidden_namespace && names[0].namespace.is_none());
}
