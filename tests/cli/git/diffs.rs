//! How Git shows sealed values.

use super::{FILE, Repository};
use crate::sandbox::{Sandbox, own};

#[test]
fn diffs_show_what_changed_and_neither_values_nor_ciphertext() {
    let repository = Repository::with_secret(&["a=hunter2", "b=hunter2"]);
    repository.set(FILE, "a", "hunter3");
    let diff = repository.git(["diff"]).succeeds().stdout;
    assert!(diff.contains("-  a: <sealed ") && diff.contains("+  a: <sealed "), "{diff}");
    assert!(diff.contains("   b: <sealed ") && diff.contains("-    envcrypt.dev/seal: '<seal "));
    assert!(!diff.contains("hunter") && !diff.contains("eyJ"), "{diff}");
    std::fs::remove_dir_all(repository.sandbox.config()).expect("removed");
    assert_eq!(repository.git(["diff"]).succeeds().stdout, diff, "it is offline and stable");
}

#[test]
fn a_rewrap_shows_as_one_and_values_show_only_when_asked_for() {
    let other = own(&Sandbox::with_local_key());
    let repository = Repository::with_secret(&["a=hunter2", "b=it's\n\u{1b}[2J"]);
    repository.run(["rewrap", "-f", FILE, "--add", &other]).succeeds();
    let line = |text: &str| {
        let line = text.lines().find(|line| line.starts_with("  a: <")).expect("it").to_owned();
        let (same, wrap) = line.split_once(" wrap=").expect("two");
        (same.to_owned(), wrap.to_owned())
    };
    let new = repository.run(["git", "textconv", FILE]).succeeds().stdout;
    let old = repository.git(["show", "HEAD:db.yaml"]).succeeds().stdout;
    let old = repository.sandbox.pipe(old, ["git", "textconv", "/dev/stdin"]).succeeds().stdout;
    assert_eq!(line(&old).0, line(&new).0);
    assert_ne!(line(&old).1, line(&new).1);
    let shown = repository.run(["git", "textconv", "--values", FILE]).succeeds().stdout;
    assert!(shown.contains("  a: \"hunter2\"\n  b: \"it's\\n\\u001b[2J\"\n"), "{shown}");
}

#[test]
fn textconv_changes_nothing_else() {
    let sandbox = Sandbox::with_local_key();
    for bytes in [&b"\xff\xfe\x00 not text \x1b[2J"[..], b"", b"a: b\r\n# protected\n"] {
        let path = sandbox.write("file", bytes);
        let output = sandbox.command().args(["git", "textconv"]).arg(&path).output().expect("run");
        assert_eq!(output.stdout, bytes);
    }
    let yaml = sandbox.sealed(&["a=1"]);
    let shown = sandbox.pipe(&yaml, ["git", "textconv", "/dev/stdin"]).succeeds().stdout;
    let rest = |text: &str| -> Vec<String> {
        let lines = text.lines().filter(|l| !l.contains("<se") && !l.contains("eyJ"));
        lines.map(str::to_owned).collect()
    };
    assert_eq!(rest(&yaml), rest(&shown));
    assert_eq!(yaml.lines().count(), shown.lines().count());
}

#[test]
fn files_with_names_like_options_are_files() {
    let repository = Repository::new();
    let names = ["-hdb.yaml", "-Vdb.yaml", "--values", "-"];
    for name in names {
        repository.sandbox.write(name, repository.sandbox.sealed(&["a=1"]));
    }
    repository.run(["git", "install"]).succeeds();
    repository.commit("base");
    for name in names {
        repository.sandbox.write(name, repository.sandbox.sealed(&["a=2"]));
    }
    let diff = repository.git(["diff"]).succeeds().stdout;
    assert_eq!(diff.matches("\n+  a: <sealed ").count(), names.len(), "{diff}");
    assert!(!diff.contains("eyJ"), "{diff}");
}
