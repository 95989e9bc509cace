//! Folders, documents, formats: what `unwrap`, `inspect` and `apply` read and write.

use crate::sandbox::{Sandbox, mode};
use serde_json::Value;

fn write_three(sandbox: &Sandbox) {
    for (name, file) in [("one", "d/one.yaml"), ("two", "d/two.json"), ("three", "d/sub/three.yml")]
    {
        std::fs::create_dir_all(sandbox.work().join("d/sub")).expect("made");
        let value = format!("--from-literal=key={name}");
        let args = ["create", name, "-nprod", "--kek=local", "-lname=x", &value, "-w", file];
        sandbox.run(args).succeeds();
    }
    sandbox.write(
        "d/deployment.yaml",
        "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}}",
    );
    sandbox.write("d/note.txt", "not a manifest");
}

fn names(json: &str) -> Vec<String> {
    let value: Value = serde_json::from_str(json).expect("JSON");
    let items = value["items"].as_array().cloned().unwrap_or_else(|| vec![value]);
    items.iter().map(|item| item["metadata"]["name"].as_str().expect("a name").to_owned()).collect()
}

#[test]
fn a_folder_gives_its_manifests_and_recursion_is_asked_for() {
    let sandbox = Sandbox::with_local_key();
    write_three(&sandbox);
    let run = |args: &[&str]| {
        sandbox.run(["unwrap", "-ojson", "-f", "d"].iter().chain(args)).succeeds().stdout
    };
    assert_eq!(names(&run(&[])), ["one", "two"]);
    assert_eq!(names(&run(&["-R"])), ["one", "three", "two"]);
    assert_eq!(names(&run(&["-R", "-l", "name=x"])), ["one", "three", "two"]);
    let error = sandbox.run(["unwrap", "-f", "d", "-l", "name!=x"]).fails(1);
    assert!(error.contains("there is no sealed Secret in `d`"), "{error}");
}

#[test]
fn several_documents_and_lists_of_one_file() {
    let sandbox = Sandbox::with_local_key();
    write_three(&sandbox);
    let documents =
        format!("{}\n---\n{}", sandbox.read("d/one.yaml"), sandbox.read("d/sub/three.yml"));
    let json = sandbox.pipe(&documents, ["unwrap", "-f", "-", "-ojson"]).succeeds().stdout;
    assert_eq!(names(&json), ["one", "three"]);
    let list = sandbox.pipe(&documents, ["inspect", "-f", "-", "-ojson"]).succeeds().stdout;
    assert_eq!(
        serde_json::from_str::<Value>(&list).expect("JSON").as_array().expect("two").len(),
        2
    );
    let yaml = sandbox.pipe(&documents, ["unwrap", "-f", "-"]).succeeds().stdout;
    assert_eq!(yaml.matches("\n---\n").count(), 1);
    let crlf = documents.replace('\n', "\r\n");
    sandbox.pipe(crlf, ["unwrap", "-f", "-"]).succeeds();
}

#[test]
fn one_that_fails_leaves_no_output_of_any() {
    let sandbox = Sandbox::with_local_key();
    write_three(&sandbox);
    let bad = sandbox.read("d/one.yaml").replace("name: one", "name: uno");
    sandbox.write("d/zzz.yaml", bad);
    let error = sandbox.run(["unwrap", "-R", "-f", "d"]).fails(1);
    assert!(error.contains("`key` of the Secret `prod/uno` cannot be opened"), "{error}");
    let error = sandbox.run(["unwrap", "-R", "-f", "d", "-w", "out.yaml"]).fails(1);
    assert!(error.contains("prod/uno"), "{error}");
    assert!(!sandbox.work().join("out.yaml").exists());
    let error = sandbox.run(["apply", "-R", "-f", "d", "--dry-run=client"]).fails(1);
    assert!(error.contains("prod/uno"), "{error}");
}

#[test]
fn plaintext_goes_to_a_new_private_file_and_never_over_another() {
    let sandbox = Sandbox::with_local_key();
    let sealed = sandbox.sealed(&["password=hunter2"]);
    let unwrap = |args: &[&str]| sandbox.pipe(&sealed, ["unwrap", "-f", "-"].iter().chain(args));
    let run = unwrap(&["password", "-w", "plain"]).succeeds();
    assert_eq!((run.stdout.as_str(), sandbox.read("plain").as_str()), ("", "hunter2"));
    assert_eq!(mode(&sandbox.work().join("plain")), 0o600);
    sandbox.write("there", "mine");
    assert!(unwrap(&["-w", "there"]).fails(1).contains("`there` already exists"));
    assert_eq!(sandbox.read("there"), "mine");
}

#[test]
fn a_value_comes_out_as_its_bytes_and_an_env_file_reads_back() {
    let sandbox = Sandbox::with_local_key();
    let sealed = sandbox.sealed(&["a=one", "b= two=2 ", "c="]);
    let unwrap = |args: &[&str]| sandbox.pipe(&sealed, ["unwrap", "-f", "-"].iter().chain(args));
    assert_eq!(unwrap(&["b"]).succeeds().stdout, " two=2 ");
    let env = unwrap(&["-oenv"]).succeeds().stdout;
    sandbox.write("back.env", &env);
    let args = [
        "create",
        "db",
        "-nprod",
        "--kek=local",
        "--from-env-file=back.env",
        "--dry-run=client",
        "-oyaml",
    ];
    let again = sandbox.run(args).succeeds().stdout;
    assert_eq!(sandbox.pipe(again, ["unwrap", "-f", "-", "-oenv"]).succeeds().stdout, env);
    let lines = sandbox.sealed(&["a=one\ntwo"]);
    let error = sandbox.pipe(lines, ["unwrap", "-f", "-", "-oenv"]).fails(1);
    assert!(
        error.contains("the value of `a` cannot be written as a line of an env file"),
        "{error}"
    );
}

#[test]
fn inspect_shows_what_is_public_and_asks_no_kek() {
    let sandbox = Sandbox::with_local_key();
    let sealed = sandbox.sealed(&["password=hunter2"]);
    let elsewhere = Sandbox::new();
    let table = elsewhere.pipe(&sealed, ["inspect", "-f", "-"]).succeeds().stdout;
    for shown in ["prod/db", "kek        age:age1", "password  up to 63", "strict"] {
        assert!(table.contains(shown), "{table}");
    }
    let moved = sealed.replace("namespace: prod", "namespace: dev");
    let table = elsewhere.pipe(&moved, ["inspect", "-f", "-"]).succeeds().stdout;
    assert!(table.contains("PROBLEM: sealed for prod/db password"), "{table}");
    let seal = sealed.lines().find(|line| line.contains("envcrypt.dev/seal")).expect("a seal");
    let bare = sealed.replace(&format!("{seal}\n"), "").replace("  annotations:\n", "");
    let json = elsewhere.pipe(bare, ["inspect", "-f", "-", "-ojson"]).succeeds().stdout;
    let view: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(view["seal"]["present"], false);
    assert_eq!(view["keys"][0]["maxSize"], 63);
}

#[test]
fn apply_reads_a_pipe_once_and_refuses_the_same_secret_twice() {
    let sandbox = Sandbox::with_local_key();
    let sealed = sandbox.sealed(&["a=b"]);
    for path in ["-", "/dev/stdin"] {
        let run = sandbox.pipe(&sealed, ["apply", "-f", path, "--dry-run=client"]).succeeds();
        assert_eq!(run.stdout, "secret/db serverside-applied (dry run)\n", "{path}");
    }
    let twice = format!("{sealed}---\n{sealed}");
    let error = sandbox.pipe(twice, ["apply", "-f", "-", "--dry-run=client"]).fails(1);
    assert!(error.contains("`prod/db` occurs twice"), "{error}");
}

#[test]
fn an_unknown_kek_is_found_before_anything_is_applied() {
    let sandbox = Sandbox::with_local_key();
    let sealed = sandbox.sealed(&["a=b"]);
    sandbox.write("d/a.yaml", &sealed);
    let theirs =
        crate::sealed::with_kek(&sealed, "awskms", "awskms:///arn:aws:kms:eu-west-1:1:key/1");
    sandbox.write("d/b.yaml", theirs.replace("\"db\"", "\"other\""));
    let error = sandbox.run(["apply", "--unwrap", "-f", "d", "--dry-run=client"]).fails(1);
    assert!(!error.contains("1 of 2"), "{error}");
}

#[test]
fn json_with_surrogate_pairs_is_read() {
    let sandbox = Sandbox::with_local_key();
    let args = [
        "create",
        "db",
        "--generate=a",
        "-nprod",
        "--kek=local",
        "--annotations=n=\u{1f511}",
        "--dry-run=client",
        "-ojson",
    ];
    let json = sandbox.run(args).succeeds().stdout.replace('\u{1f511}', "\\ud83d\\udd11");
    sandbox.pipe(json, ["unwrap", "-f", "-"]).succeeds();
}

#[test]
fn apply_without_a_cluster_checks_every_file() {
    let sandbox = Sandbox::with_local_key();
    write_three(&sandbox);
    let run = sandbox.run(["apply", "-R", "-f", "d", "--dry-run=client"]).succeeds();
    assert_eq!(run.stdout.lines().count(), 3);
    assert!(run.stderr.contains("note: skipped objects of other kinds: 1;"));
    let run = sandbox.run(["apply", "--unwrap", "-f", "d/one.yaml", "--dry-run=client"]).succeeds();
    assert_eq!(run.stdout, "secret/one serverside-applied (dry run)\n");
}

/// What a folder holds besides sealed Secrets does not keep them from being read.
#[test]
fn a_folder_may_hold_other_things() {
    let sandbox = Sandbox::with_local_key();
    let sealed = sandbox.sealed(&["a=one"]);
    sandbox.write("d/db.yaml", &sealed);
    sandbox.write("d/values.yaml", "a: b\n");
    sandbox.write("d/chart.yaml", "{{ if x }}\n");
    sandbox.write("d/plain.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: p}\n");
    for command in ["inspect", "unwrap"] {
        let run = sandbox.run([command, "-f", "d"]).succeeds();
        assert!(
            run.stderr.contains("skipped plain Secrets and files that are not manifests: 3"),
            "{}",
            run.stderr
        );
        let error = sandbox.run([command, "-f", "d/values.yaml"]).fails(1);
        assert!(error.contains("is not a Kubernetes object"), "{error}");
        let error = sandbox.run([command, "-f", "d/plain.yaml"]).fails(1);
        assert!(error.contains("is not sealed"), "{error}");
    }
    // One that was damaged is no other thing.
    sandbox.write("d/cut.yaml", sealed.replace("data:", "data"));
    let error = sandbox.run(["unwrap", "-f", "d"]).fails(1);
    assert!(error.contains("cut.yaml"), "{error}");
}
