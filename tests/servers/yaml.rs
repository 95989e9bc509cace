//! kubectl reads YAML 1.1: whatever is written here must come back from it as
//! the same text.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::control_plane::control_plane;
use crate::sandbox::Sandbox;

#[test]
fn kubectl_reads_every_text_as_it_was_written() {
    let sandbox = Sandbox::with_local_key();
    let mut runner = TestRunner::deterministic();
    let short = prop::collection::vec(any::<u8>(), 0..12);
    let mut expected = serde_json::Map::new();
    let mut args: Vec<String> = Vec::new();
    // Base64 that YAML 1.1 could take for a number, a date, a truth value.
    let traps = [
        "1234",
        "0x12",
        "1e10",
        "0b11",
        "12e3",
        "true",
        "null",
        "NULL",
        "True",
        "1000000000000000",
        "+123",
        "0777",
        "123/",
        "+inf",
        "yes1",
        "0o17",
    ];
    let bytes = traps.iter().filter_map(|text| BASE64_STANDARD.decode(text).ok());
    let random = (0..400).map(|_| short.new_tree(&mut runner).expect("bytes").current());
    for (index, value) in bytes.chain(random).enumerate() {
        let file = sandbox.write(&format!("values/{index}"), &value);
        args.push(format!("--from-file={index}={}", file.display()));
        expected.insert(index.to_string(), BASE64_STANDARD.encode(&value).into());
    }
    for key in ["yes", "on", "y", "null", "1e3", "0x1f", "1_0", "-", "2026-11-22"] {
        args.push(format!("--generate={key}"));
    }
    let fixed = ["create", "db", "-nprod", "--kek=local", "-lon=yes,y=no,n=1e3", "-wdb.yaml"];
    sandbox.run(fixed.map(str::to_owned).into_iter().chain(args)).succeeds();
    sandbox.run(["unwrap", "-f", "db.yaml", "-w", "plain.yaml"]).succeeds();
    let path = sandbox.work().join("plain.yaml").display().to_string();
    let read = control_plane()
        .kubectl(["create", "--dry-run=client", "-ojson", "-f", &path])
        .succeeds()
        .stdout;
    let read: serde_json::Value = serde_json::from_str(&read).expect("JSON");
    for (key, value) in &expected {
        assert_eq!(&read["data"][key], value, "{key}");
    }
    for key in ["yes", "on", "y", "null", "1e3", "0x1f", "1_0", "-", "2026-11-22"] {
        assert!(read["data"][key].is_string(), "{key}");
    }
    assert_eq!(
        read["metadata"]["labels"],
        serde_json::json!({ "on": "yes", "y": "no", "n": "1e3" })
    );
}
