//! `check --since`: no Secret may be older than before. And times of sealing that only grow.

use crate::repository::{commit, git, git_in, leaked, repository, seal};
use crate::sandbox::{Run, Sandbox, own};

fn since(sandbox: &Sandbox, args: &[&str]) -> Run {
    sandbox.run(["check", "--since"].iter().chain(args))
}

/// A repository with two versions of `db.yaml`; the older text.
fn two_versions() -> (Sandbox, String) {
    let sandbox = repository();
    let kek = own(&sandbox);
    seal(&sandbox, "db.yaml", "db", &[&kek], &["a=one", "b=two"]);
    let old = sandbox.read("db.yaml");
    commit(&sandbox, "2026-01-01");
    sandbox.run(["set", "-f", "db.yaml", "--from-literal=a=new"]).succeeds();
    commit(&sandbox, "2026-01-02");
    (sandbox, old)
}

#[test]
fn an_older_seal_is_refused_wherever_it_comes_back_and_rotate_makes_it_new() {
    let (sandbox, old) = two_versions();
    since(&sandbox, &["HEAD"]).succeeds();
    since(&sandbox, &["HEAD~1"]).succeeds();
    let refused = |run: Run, path: &str| {
        assert_eq!(run.code, Some(1), "{}", run.stderr);
        assert!(
            run.stdout.starts_with(&format!("{path}:1:1: the Secret `prod/db` was sealed at ")),
            "{}",
            run.stdout
        );
        assert!(run.stdout.ends_with(" [rolled-back]\n"), "{}", run.stdout);
    };
    // As a revert makes it.
    sandbox.write("db.yaml", &old);
    refused(since(&sandbox, &["HEAD"]), "db.yaml");
    since(&sandbox, &["HEAD~1"]).succeeds();
    // Moved, and copied.
    std::fs::remove_file(sandbox.work().join("db.yaml")).expect("removed");
    sandbox.write("other/db.yaml", &old);
    refused(since(&sandbox, &["HEAD"]), "other/db.yaml");
    refused(since(&sandbox, &["HEAD", "other"]), "other/db.yaml");
    git(&sandbox, &["checkout", "-q", "db.yaml"]);
    refused(since(&sandbox, &["HEAD"]), "other/db.yaml");
    std::fs::remove_dir_all(sandbox.work().join("other")).expect("removed");
    // In the other form.
    sandbox.write("db.yaml", &old);
    let form =
        sandbox.run(["convert", "-f", "db.yaml", "--to", "envcryptsecret"]).succeeds().stdout;
    sandbox.write("db.yaml", form);
    refused(since(&sandbox, &["HEAD"]), "db.yaml");
    // From standard input.
    let run = sandbox.pipe(&old, ["check", "--since", "HEAD", ".", "-"]);
    assert!(run.stdout.contains("-:1:1: the Secret `prod/db` was sealed at"), "{}", run.stdout);
    let run = sandbox.pipe(&old, ["check", "--since", "HEAD", "-"]);
    assert!(run.stdout.contains("[rolled-back]"), "{}", run.stdout);
    // Brought back on purpose, it is a new one.
    sandbox.write("db.yaml", &old);
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while since(&sandbox, &["HEAD"]).code != Some(0) {
        assert!(std::time::Instant::now() < deadline, "the clock stands still");
        sandbox.run(["rotate", "-f", "db.yaml"]).succeeds();
    }
    assert_eq!(sandbox.run(["unwrap", "-f", "db.yaml", "a"]).succeeds().stdout, "one");
}

#[test]
fn what_changes_in_other_ways_is_let_be_or_named() {
    let (sandbox, _) = two_versions();
    // Other KEKs, other labels, another form or another path are no change of the seal.
    sandbox.run(["rewrap", "-f", "db.yaml", "--add", &leaked()]).succeeds();
    let form =
        sandbox.run(["convert", "-f", "db.yaml", "--to", "envcryptsecret"]).succeeds().stdout;
    std::fs::remove_file(sandbox.work().join("db.yaml")).expect("removed");
    sandbox.write("new/path.yaml", form);
    since(&sandbox, &["HEAD"]).succeeds();
    // A new Secret, and one that is deleted.
    std::fs::remove_dir_all(sandbox.work().join("new")).expect("removed");
    seal(&sandbox, "web.yaml", "web", &[&own(&sandbox)], &["a=1"]);
    since(&sandbox, &["HEAD"]).succeeds();
    git(&sandbox, &["checkout", "-q", "."]);
    // A value of another version, under the same seal.
    let old = git(&sandbox, &["show", "HEAD~1:db.yaml"]);
    let value = |text: &str| {
        let line = text.lines().find(|line| line.starts_with("  a: ")).expect("a value");
        line.to_owned()
    };
    let mixed = sandbox.read("db.yaml").replace(&value(&sandbox.read("db.yaml")), &value(&old));
    sandbox.write("db.yaml", mixed);
    let run = since(&sandbox, &["HEAD"]);
    assert!(
        run.stdout.ends_with("but not its seal: it does not open [seal-mismatch]\n"),
        "{}",
        run.stdout
    );
    // Made plain, it is found without any other commit.
    sandbox.write("db.yaml", crate::repository::plain("db", "x"));
    let run = since(&sandbox, &["HEAD"]);
    assert!(run.stdout.ends_with("[plain-secret]\n") && run.code == Some(1), "{}", run.stdout);
}

#[test]
fn two_clusters_with_the_same_names_are_compared_by_their_paths() {
    let sandbox = repository();
    let kek = own(&sandbox);
    seal(&sandbox, "a/db.yaml", "db", &[&kek], &["a=one"]);
    seal(&sandbox, "b/db.yaml", "db", &[&kek], &["a=two"]);
    sandbox.run(["set", "-f", "b/db.yaml", "--from-literal=a=new"]).succeeds();
    commit(&sandbox, "2026-01-01");
    since(&sandbox, &["HEAD"]).succeeds();
    // The one of the other cluster is older.
    sandbox.write("b/db.yaml", sandbox.read("a/db.yaml"));
    let run = since(&sandbox, &["HEAD"]);
    assert!(
        run.stdout.starts_with("b/db.yaml:1:1: ") && run.stdout.contains("[rolled-back]"),
        "{}",
        run.stdout
    );
}

/// A Secret of the scope cluster can lose its namespace, and is applied to the same one.
#[test]
fn a_secret_that_is_not_bound_to_its_namespace_is_found_without_it() {
    let sandbox = repository();
    let create = ["create", "db", "-n", "prod", "--kek=local", "--scope=cluster"];
    sandbox.run(create.iter().chain(&["--from-literal=a=old", "-w", "db.yaml"])).succeeds();
    let old = sandbox.read("db.yaml");
    sandbox.run(["set", "-f", "db.yaml", "--from-literal=a=new"]).succeeds();
    commit(&sandbox, "2026-01-01");
    sandbox.write("db.yaml", old.replace("  namespace: prod\n", ""));
    let run = since(&sandbox, &["HEAD"]);
    assert!(run.stdout.contains("[rolled-back]"), "{}{}", run.stdout, run.stderr);
}

#[test]
fn a_secret_that_was_deleted_and_comes_back_is_compared_with_the_whole_history() {
    let (sandbox, old) = two_versions();
    git(&sandbox, &["rm", "-q", "db.yaml"]);
    commit(&sandbox, "2026-01-03");
    sandbox.write("db.yaml", &old);
    since(&sandbox, &["HEAD"]).succeeds();
    let run = since(&sandbox, &["HEAD", "--history"]);
    assert!(run.stdout.contains("[rolled-back]"), "{}", run.stdout);
}

#[test]
fn it_works_where_ci_works_and_a_bad_name_is_one_clear_error() {
    let (sandbox, old) = two_versions();
    git(&sandbox, &["checkout", "-q", "--detach"]);
    sandbox.write("deep/down/x.txt", "x");
    sandbox.write("db.yaml", &old);
    let mut command = sandbox.command();
    command
        .current_dir(sandbox.work().join("deep/down"))
        .args(["check", "--since", "main", "../.."]);
    let run = Run::from(command.output().expect("ends"));
    assert!(run.stdout.starts_with("../../db.yaml:1:1: "), "{}{}", run.stdout, run.stderr);
    for bad in ["nope", "HEAD~99", "HEAD:db.yaml", "", "--all", "-x", "a\u{1b}[2Jb"] {
        let run = sandbox.run(["check", &format!("--since={bad}")]);
        let error = run.fails(2);
        assert!(error.contains("is not a commit of this repository\nhint: "), "{error}");
        assert!(!error.contains('\u{1b}'));
    }
    let elsewhere = Sandbox::with_local_key();
    let error = since(&elsewhere, &["HEAD"]).fails(2);
    assert!(error.contains("is not in a Git repository"), "{error}");
}

#[test]
fn what_is_not_in_the_clone_or_is_of_another_repository_is_no_all_clear() {
    let (sandbox, old) = two_versions();
    git(&sandbox, &["config", "uploadpack.allowFilter", "true"]);
    let clones = tempfile::tempdir().expect("a folder");
    let url = format!("file://{}", sandbox.work().display());
    git_in(clones.path(), &["clone", "-q", "--filter=blob:none", "--no-checkout", &url, "partial"]);
    let partial = clones.path().join("partial");
    std::fs::write(partial.join("db.yaml"), &old).expect("written");
    let mut command = sandbox.command();
    command.current_dir(&partial).args(["check", "--since", "HEAD"]);
    let error = Run::from(command.output().expect("ends")).fails(2);
    assert!(error.contains("objects of `HEAD` are not in this clone"), "{error}");
    // A submodule has a history of its own.
    git(&sandbox, &["submodule", "add", "-q", &url, "sub"]);
    commit(&sandbox, "2026-01-03");
    let error = since(&sandbox, &["HEAD"]).fails(2);
    assert!(error.contains("`sub` is another repository, such as a submodule"), "{error}");
    since(&sandbox, &["HEAD", "--exclude", "sub"]).succeeds();
    since(&sandbox, &["HEAD", "sub"]).succeeds();
}

/// A file that stays hides nothing of what was moved out of it.
#[test]
fn an_older_seal_is_found_in_templates_under_other_names_and_beside_other_secrets() {
    let (sandbox, old) = two_versions();
    let refused = |args: &[&str]| {
        let run = since(&sandbox, args);
        assert!(
            run.stdout.contains("[rolled-back]") && run.code == Some(1),
            "{}{}",
            run.stdout,
            run.stderr
        );
    };
    // Its name comes from a template, but the seal is bound to it.
    let template = |text: &str| text.replace("name: db", "name: {{ .Values.name }}");
    sandbox.write("db.yaml", template(&sandbox.read("db.yaml")));
    since(&sandbox, &["HEAD"]).succeeds();
    sandbox.write("db.yaml", template(&old));
    refused(&["HEAD"]);
    git(&sandbox, &["checkout", "-q", "db.yaml"]);
    // A third version is newer than a copy that someone left, and older than the real one.
    sandbox.write("backup.yaml", &old);
    sandbox.run(["set", "-f", "db.yaml", "--from-literal=a=newer"]).succeeds();
    let third = sandbox.read("db.yaml");
    sandbox.run(["set", "-f", "db.yaml", "--from-literal=a=newest"]).succeeds();
    commit(&sandbox, "2026-01-03");
    std::fs::remove_file(sandbox.work().join("backup.yaml")).expect("removed");
    sandbox.write("db.yaml", "kind: ConfigMap\n");
    sandbox.write("new.yaml", &third);
    refused(&["HEAD"]);
    // With the history, the seal is known under any name.
    std::fs::remove_file(sandbox.work().join("new.yaml")).expect("removed");
    git(&sandbox, &["checkout", "-q", "."]);
    git(&sandbox, &["rm", "-q", "backup.yaml"]);
    commit(&sandbox, "2026-01-04");
    sandbox.write("x.yaml", template(&old));
    refused(&["HEAD", "--history"]);
}

#[test]
fn a_secret_that_is_not_bound_to_its_name_is_compared_under_another_one() {
    let sandbox = repository();
    let create = ["create", "db", "-n", "prod", "--kek=local", "--scope=namespace"];
    sandbox.run(create.iter().chain(&["--from-literal=a=old", "-w", "db.yaml"])).succeeds();
    let old = sandbox.read("db.yaml");
    sandbox.run(["set", "-f", "db.yaml", "--from-literal=a=new"]).succeeds();
    commit(&sandbox, "2026-01-01");
    sandbox.write("db.yaml", old.replace("name: db", "name: web"));
    let run = since(&sandbox, &["HEAD"]);
    assert!(run.stdout.contains("[rolled-back]"), "{}{}", run.stdout, run.stderr);
    // A template can be anything.
    sandbox.write("db.yaml", old.replace("name: db", "name: {{ .Values.name }}"));
    let error = since(&sandbox, &["HEAD"]).fails(2);
    assert!(error.contains("the sealed Secret has no fixed name"), "{error}");
}

/// Whatever is done to a file within one second, a reader can tell which version is newer.
#[test]
fn times_of_sealing_only_grow() {
    let sandbox = Sandbox::with_local_key().env("EDITOR", "sed -i s/edited-1/edited-2/");
    sandbox.write("db.yaml", sandbox.sealed(&["a=one", "b=edited-1"]));
    let time = || {
        let run = sandbox.run(["inspect", "-f", "db.yaml", "-o", "json"]).succeeds();
        let json: serde_json::Value = serde_json::from_str(&run.stdout).expect("JSON");
        json["seal"]["sealedAt"].as_str().expect("a time").to_owned()
    };
    let mut last = time();
    for change in [
        &["set", "-f", "db.yaml", "--from-literal=a=two"][..],
        &["set", "-f", "db.yaml", "--from-literal=a=two", "--encrypt-only"],
        &["unset", "-f", "db.yaml", "a"],
        &["edit", "-f", "db.yaml"],
        &["rotate", "-f", "db.yaml"],
        &["rotate", "-f", "db.yaml"],
    ] {
        sandbox.run(change).succeeds();
        let new = time();
        assert!(new > last, "{change:?}: {last} {new}");
        last = new;
    }
    // Sealed again, under other KEKs or in another form, it is the same version.
    sandbox.run(["rewrap", "-f", "db.yaml", "--add", &leaked()]).succeeds();
    sandbox.run(["seal", "-i", "-f", "db.yaml", "--kek=local"]).code.expect("it ends");
    assert_eq!(time(), last);
    // A new Secret never takes the place of a file.
    let create =
        ["create", "db", "-n", "prod", "--kek=local", "--from-literal=a=1", "-w", "db.yaml"];
    sandbox.run(create).fails(1);
    assert_eq!(time(), last);
}
