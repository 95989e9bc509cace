//! `create`, from every source and of every type.

use crate::sandbox::{Run, Sandbox, mode};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

const TO_STDOUT: [&str; 6] = ["-n", "prod", "--kek", "local", "--dry-run=client", "-oyaml"];

fn create(sandbox: &Sandbox, input: &[u8], args: &[&str]) -> Run {
    sandbox.pipe(input, ["create", "db"].iter().chain(args).chain(&TO_STDOUT))
}

/// Creates, unwraps again, and returns the plain Secret.
fn round_trip(sandbox: &Sandbox, input: &[u8], args: &[&str]) -> Value {
    let sealed = create(sandbox, input, args).succeeds().stdout;
    let plain = sandbox.pipe(sealed, ["unwrap", "-f", "-", "-ojson"]).succeeds().stdout;
    serde_json::from_str(&plain).expect("JSON")
}

fn data(plain: &Value, key: &str) -> Vec<u8> {
    let text = plain["data"][key].as_str().unwrap_or_else(|| panic!("no {key} in {plain}"));
    BASE64_STANDARD.decode(text).expect("base64")
}

#[test]
fn standard_input_is_kept_byte_for_byte() {
    let sandbox = Sandbox::with_local_key();
    let binary: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    for value in [&b"hunter2"[..], b"", b"with\r\n", b"\xff\x00\xfe", &binary] {
        let plain = round_trip(&sandbox, value, &["--from-stdin", "password"]);
        assert!(data(&plain, "password") == value);
    }
}

#[test]
fn a_line_break_at_the_end_and_an_empty_value_are_remarked_on() {
    let sandbox = Sandbox::with_local_key();
    let run = create(&sandbox, b"hunter2\n", &["--from-stdin", "password"]).succeeds();
    assert!(run.stderr.contains("warning: the value of `password` ends with a line break"));
    let run = create(&sandbox, b"", &["--from-stdin", "password"]).succeeds();
    assert!(run.stderr.contains("warning: the value of `password` is empty"));
}

#[test]
fn files_folders_and_standard_input_as_files() {
    let sandbox = Sandbox::with_local_key();
    sandbox.write("a.txt", "one");
    sandbox.write("folder/b.txt", "two");
    sandbox.write("folder/c.txt", "three");
    sandbox.write("folder/deeper/d.txt", "not taken");
    let args = [
        "--from-file",
        "a.txt",
        "--from-file=named=a.txt",
        "--from-file=folder",
        "--from-file=in=-",
    ];
    let plain = round_trip(&sandbox, b"four", &args);
    for (key, value) in
        [("a.txt", "one"), ("named", "one"), ("b.txt", "two"), ("c.txt", "three"), ("in", "four")]
    {
        assert_eq!(data(&plain, key), value.as_bytes());
    }
    assert_eq!(plain["data"].as_object().expect("a map").len(), 5);
}

#[test]
fn env_files_are_kubectls() {
    let text = "\u{feff}# note\nA=1\r\n  B=\"x\"=y \nFROM_HERE\n";
    let sandbox = Sandbox::with_local_key().env("FROM_HERE", "here");
    sandbox.write("x.env", text);
    let sealed = create(&sandbox, b"", &["--from-env-file=x.env"]).succeeds().stdout;
    let plain = sandbox.pipe(sealed, ["unwrap", "-f", "-", "-oenv"]).succeeds().stdout;
    assert_eq!(plain, "A=1\nB=\"x\"=y \nFROM_HERE=here\n");
    let without = Sandbox::with_local_key();
    without.write("x.env", text);
    let error = create(&without, b"", &["--from-env-file=x.env"]).fails(1);
    assert!(error.contains("takes `FROM_HERE` from the environment"), "{error}");
}

#[test]
fn a_literal_works_and_warns() {
    let sandbox = Sandbox::with_local_key();
    let run = create(&sandbox, b"", &["--from-literal=a=b=c"]).succeeds();
    assert!(
        run.stderr.contains("warning: values of `--from-literal` are now in the shell history")
    );
    assert_eq!(data(&round_trip(&sandbox, b"", &["--from-literal=a=b=c"]), "a"), b"b=c");
}

#[test]
fn generated_values_have_the_length_and_alphabet_asked_for_and_are_never_shown() {
    let sandbox = Sandbox::with_local_key();
    let args = ["--generate", "a", "--generate=b=64:hex"];
    let plain = round_trip(&sandbox, b"", &args);
    assert_eq!(data(&plain, "a").len(), 32);
    let hex = data(&plain, "b");
    assert!(hex.len() == 64 && hex.iter().all(u8::is_ascii_hexdigit));
    let run = create(&sandbox, b"", &args).succeeds();
    let plain = sandbox.pipe(&run.stdout, ["unwrap", "-f", "-", "a"]).succeeds().stdout;
    assert!(!run.stdout.contains(&plain) && !run.stderr.contains(&plain));
}

#[test]
fn every_built_in_type_has_its_keys() {
    let sandbox = Sandbox::with_local_key();
    let pair = rcgen::generate_simple_self_signed(["a.example".to_owned()]).expect("a pair");
    sandbox.write("tls.pem", pair.cert.pem());
    sandbox.write("key.pem", pair.signing_key.serialize_pem());
    sandbox.write("id", "-----BEGIN OPENSSH PRIVATE KEY-----\n");
    sandbox.write("docker.json", "{\"auths\":{}}");
    let basic = ["--type=basic-auth", "--from-literal=username=u", "--from-literal=password=p"];
    let ssh = ["--type=ssh-auth", "--from-file=ssh-privatekey=id"];
    let tls = ["--type=tls", "--cert=tls.pem", "--key=key.pem"];
    let docker = ["--type=docker-registry", "--from-file=.dockerconfigjson=docker.json"];
    let bootstrap = [
        "--type=bootstrap-token",
        "--from-literal=token-id=abcdef",
        "--generate=token-secret=16:lower",
    ];
    let other = ["--type=example.com/mine", "--from-literal=a=b"];
    for (args, kind) in [
        (&basic[..], "kubernetes.io/basic-auth"),
        (&ssh, "kubernetes.io/ssh-auth"),
        (&tls, "kubernetes.io/tls"),
        (&docker, "kubernetes.io/dockerconfigjson"),
        (&bootstrap, "bootstrap.kubernetes.io/token"),
        (&other, "example.com/mine"),
        (&["--from-literal=a=b"], "Opaque"),
    ] {
        assert_eq!(round_trip(&sandbox, b"", args)["type"], kind);
    }
    let args = [
        "--type=docker-registry",
        "--docker-server=r.example",
        "--docker-username=u",
        "--docker-password-stdin",
    ];
    let plain = round_trip(&sandbox, b"p\n", &args);
    let config = data(&plain, ".dockerconfigjson");
    let expected = r#"{"auths":{"r.example":{"username":"u","password":"p","auth":"dTpw"}}}"#;
    assert_eq!(String::from_utf8_lossy(&config), expected);
}

#[test]
fn a_pair_that_does_not_match_is_refused_before_anything_is_sealed() {
    let sandbox = Sandbox::new();
    let pair = || rcgen::generate_simple_self_signed(["a.example".to_owned()]).expect("a pair");
    sandbox.write("tls.pem", pair().cert.pem());
    sandbox.write("key.pem", pair().signing_key.serialize_pem());
    let error = create(&sandbox, b"", &["--type=tls", "--cert=tls.pem", "--key=key.pem"]).fails(1);
    assert!(error.contains("the private key does not match the certificate"), "{error}");
    assert!(!sandbox.config().join("identities").exists(), "no key was made for it");
}

#[test]
fn labels_annotations_and_immutability_pass_through_both_ways() {
    let sandbox = Sandbox::with_local_key();
    let args =
        ["--from-literal=a=b", "--labels=app=web,on=yes", "--annotations=note=x y", "--immutable"];
    let sealed = create(&sandbox, b"", &args).succeeds().stdout;
    let plain = round_trip(&sandbox, b"", &args);
    assert!(sealed.contains("immutable: true") && sealed.contains("'on': 'yes'"), "{sealed}");
    assert_eq!(plain["immutable"], true);
    assert_eq!(plain["metadata"]["labels"]["on"], "yes");
    assert_eq!(plain["metadata"]["annotations"]["note"], "x y");
    assert_eq!(plain["metadata"]["annotations"].as_object().expect("a map").len(), 1);
}

#[test]
fn append_hash_gives_a_new_name_each_time_that_tells_nothing_of_the_value() {
    let sandbox = Sandbox::with_local_key();
    let args = ["--from-literal=a=b", "--append-hash"];
    let names: Vec<_> =
        (0..2).map(|_| round_trip(&sandbox, b"", &args)["metadata"]["name"].to_string()).collect();
    assert_ne!(names[0], names[1]);
    assert!(names[0].trim_matches('"').strip_prefix("db-").is_some_and(|hash| hash.len() == 10));
}

#[test]
fn a_file_is_new_and_never_overwritten() {
    let sandbox = Sandbox::with_local_key();
    let args = ["create", "db", "--generate=a", "-nprod", "--kek=local", "-w", "db.yaml"];
    let run = sandbox.run(args).succeeds();
    assert_eq!(run.stdout, "secret/db written to db.yaml\n");
    assert_eq!(mode(&sandbox.work().join("db.yaml")), 0o600);
    let first = sandbox.read("db.yaml");
    let error = sandbox.run(args).fails(1);
    assert!(error.contains("`db.yaml` already exists"), "{error}");
    assert_eq!(sandbox.read("db.yaml"), first);
    std::os::unix::fs::symlink("nowhere", sandbox.work().join("link.yaml")).expect("made");
    let args = ["create", "db", "--generate=a", "-nprod", "--kek=local", "-w", "link.yaml"];
    assert!(sandbox.run(args).fails(1).contains("already exists"));
}

#[test]
fn json_and_name_and_the_plain_line() {
    let sandbox = Sandbox::with_local_key();
    let run = |output: &[&str]| {
        let fixed = ["create", "db", "--generate=a", "-nprod", "--kek=local", "--dry-run=client"];
        sandbox.run(fixed.iter().chain(output)).succeeds().stdout
    };
    assert_eq!(run(&[]), "secret/db created (dry run)\n");
    assert_eq!(run(&["-oname"]), "secret/db\n");
    let object: Value = serde_json::from_str(&run(&["-ojson"])).expect("JSON");
    assert_eq!(object["type"], "envcrypt.dev/sealed");
}

#[test]
fn the_largest_that_fits_and_the_smallest_that_does_not() {
    let sandbox = Sandbox::with_local_key();
    let fits = vec![7; 780_000];
    assert!(data(&round_trip(&sandbox, &fits, &["--from-stdin=a"]), "a") == fits);
    for size in [790_000, (1 << 20) + 1] {
        let error = create(&sandbox, &vec![7; size], &["--from-stdin=a"]).fails(1);
        assert!(error.contains("a Secret can have at most 1048576 bytes"), "{error}");
        assert!(error.contains("hint: sealing makes values a third larger"), "{error}");
    }
}

#[test]
fn a_wider_scope_lets_a_secret_be_renamed_or_moved() {
    let sandbox = Sandbox::with_local_key();
    for (scope, renamed, moved) in
        [("strict", false, false), ("namespace", true, false), ("cluster", true, true)]
    {
        let sealed =
            create(&sandbox, b"v", &["--from-stdin=a", "--scope", scope]).succeeds().stdout;
        let opens = |from: &str, to: &str| {
            let yaml = sealed.replace(from, to);
            sandbox.pipe(yaml, ["unwrap", "-f", "-", "a"]).code == Some(0)
        };
        assert_eq!(opens("name: db", "name: other"), renamed, "{scope}");
        assert_eq!(opens("namespace: prod", "namespace: dev"), moved, "{scope}");
    }
}
