//! Another implementation, in another language, opens what is sealed here.

use std::process::{Command, Stdio};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::programs::find;
use crate::sandbox::{Run, Sandbox};

const READER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/reader.py");

#[test]
fn it_opens_and_refuses_every_vector() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors");
    let folders = [folder.to_owned(), format!("{folder}/signed")];
    let files = |folder: String| std::fs::read_dir(folder).expect("listed").flatten();
    let paths = folders.into_iter().flat_map(files).map(|entry| entry.path());
    let vectors: Vec<_> = paths.filter(|p| p.extension().is_some_and(|e| e == "json")).collect();
    let output = Command::new(find("python")).arg(READER).args(&vectors).output();
    let run = Run::from(output.expect("python starts")).succeeds();
    assert_eq!(run.stdout, format!("{} vectors\n", vectors.len()));
}

#[test]
fn it_opens_what_the_program_wrote() {
    let sandbox = Sandbox::with_local_key();
    for scope in ["strict", "namespace", "cluster"] {
        sandbox.write("value", [0, 255, 10, 128]);
        let args = [
            "create",
            "db",
            "-nprod",
            "--kek=local",
            "--from-file=binary=value",
            "--from-literal=a=b",
            "--type=example.com/x",
            "--immutable",
            "--dry-run=client",
            "-oyaml",
            "--scope",
            scope,
        ];
        let yaml = sandbox.write("db.yaml", sandbox.run(args).succeeds().stdout);
        let mut command = Command::new(find("python"));
        command.arg(READER).arg("--age").arg(sandbox.config().join("identities/local.txt"));
        command.stdin(Stdio::from(std::fs::File::open(yaml).expect("there")));
        let run = Run::from(command.output().expect("python starts")).succeeds();
        let values: serde_json::Value = serde_json::from_str(&run.stdout).expect("JSON");
        assert_eq!(values["a"], BASE64_STANDARD.encode("b"));
        assert_eq!(values["binary"], BASE64_STANDARD.encode([0, 255, 10, 128]));
    }
}
