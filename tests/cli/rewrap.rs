//! `rewrap` and `rotate` on files: what changes, what stays, and what is refused.

use crate::sandbox::{Sandbox, mode};
use crate::sealed::{
    with_a_useless_first_entry, with_kek, with_namespace, with_one_more_kek,
    with_one_more_kek_on_the_values,
};

/// Someone else's public recipient, as a URI.
fn recipient(sandbox: &Sandbox) -> String {
    let list = sandbox.run(["kek", "list"]).succeeds().stdout;
    list.split(' ').next().expect("a URI").to_owned()
}

/// A file as people have them: two sealed Secrets, a plain one, and something
/// else, with comments.
fn repository(sandbox: &Sandbox) -> String {
    let (one, two) = (sandbox.sealed(&["a=b"]), sandbox.sealed(&["c=d"]));
    let two = two.replace("name: db\n", "name: db # renamed\n");
    format!(
        "# our Secrets\n{one}---\napiVersion: apps/v1\nkind:  Deployment # kept as it is\nmetadata: {{name: web}}\n---\n\
         apiVersion: v1\nkind: Secret\nmetadata: {{name: plain}}\n---\n{two}# the end\n"
    )
}

fn ciphertexts(text: &str) -> Vec<String> {
    let parts = |value: &serde_json::Value| {
        ["protected", "iv", "ciphertext", "tag"].map(|part| value[part].to_string()).concat()
    };
    crate::sealed::jwes(text).iter().map(parts).collect()
}

#[test]
fn one_more_kek_and_one_less_and_nothing_else_changes() {
    let (mine, yours) = (Sandbox::with_local_key(), Sandbox::with_local_key());
    let theirs = recipient(&yours);
    let before = repository(&mine);
    let file = mine.write("deploy/all.yaml", &before);
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o640))
        .expect("set");
    let run = mine.run(["rewrap", "-R", "-f", ".", "--add", &theirs]).succeeds();
    assert_eq!(run.stdout, "secret/db rewrapped on this machine\n".repeat(2));
    assert_eq!(run.stderr, "note: skipped plain Secrets: 1\nnote: 2 rewrapped on this machine\n");
    let after = mine.read("deploy/all.yaml");
    assert_eq!(ciphertexts(&after), ciphertexts(&before));
    let other_lines = |text: &str| -> Vec<String> {
        let sealed = |line: &&str| !line.contains("eyJ");
        text.lines().filter(sealed).map(str::to_owned).collect()
    };
    assert_eq!(other_lines(&after), other_lines(&before));
    assert_eq!(mode(&file), 0o640);
    for sandbox in [&mine, &yours] {
        sandbox
            .write("all.yaml", after.replace("kind: Secret\nmetadata: {name: plain}", "kind: Pod"));
        let plain = sandbox.run(["unwrap", "-f", "all.yaml"]).succeeds().stdout;
        assert!(plain.contains("a: Yg==") && plain.contains("c: ZA=="), "{plain}");
    }

    // Done is done: nothing to do any more, and the file is not touched.
    let touched = std::fs::metadata(&file).and_then(|m| m.modified()).expect("a time");
    let run = mine.run(["rewrap", "-f", "deploy/all.yaml", "--add", &theirs]).succeeds();
    assert_eq!(run.stdout, "secret/db unchanged\n".repeat(2));
    assert_eq!(std::fs::metadata(&file).and_then(|m| m.modified()).expect("a time"), touched);

    // What stays is not known to open it: it has to be named, or sealed to from here.
    mine.run(["kek", "trust", "--remove", &theirs]).succeeds();
    let error = mine.run(["rewrap", "-f", "deploy/all.yaml", "--remove", "local"]).stderr;
    assert!(error.contains(&format!("itself names the KEK `{theirs}`")), "{error}");
    let args = ["rewrap", "-f", "deploy/all.yaml", "--remove", "local", "--add", &theirs];
    let run = mine.run(args).succeeds();
    assert_eq!(run.stdout, "secret/db rewrapped on this machine\n".repeat(2));
    assert!(
        run.stderr
            .contains("may have kept the data keys and the values: run `kubectl envcrypt rotate`"),
        "{}",
        run.stderr
    );
    let after = mine.read("deploy/all.yaml");
    assert_eq!(ciphertexts(&after), ciphertexts(&before));
    let after = after.replace("kind: Secret\nmetadata: {name: plain}", "kind: Pod");
    yours.pipe(&after, ["unwrap", "-f", "-"]).succeeds();
    let error = mine.pipe(&after, ["unwrap", "-f", "-"]).fails(1);
    assert!(error.contains("none of your age identities opens it"), "{error}");
}

#[test]
fn the_new_set_and_the_rules() {
    let (mine, yours) = (Sandbox::with_local_key(), Sandbox::with_local_key());
    let (my_own, theirs) = (recipient(&mine), recipient(&yours));
    let sealed = mine.sealed(&["a=b"]);
    mine.write("db.yaml", &sealed);
    let keks = || {
        let shown = mine.run(["inspect", "-f", "db.yaml"]).succeeds().stdout;
        let lines = shown.lines().filter_map(|line| line.trim().strip_prefix("kek"));
        lines.map(|line| line.trim().to_owned()).collect::<Vec<_>>()
    };
    mine.run(["rewrap", "-f", "db.yaml", "--kek", &theirs, "--kek=local"]).succeeds();
    let mut both = vec![my_own.clone(), theirs.clone()];
    both.sort();
    assert_eq!(keks(), both);
    let error = mine.run(["rewrap", "-f", "db.yaml"]).fails(1);
    assert!(error.contains("no KEK is named for the Secret `prod/db`"), "{error}");
    mine.write(".envcrypt.yaml", "rules: [{namespace: prod, keks: [local]}]");
    mine.run(["rewrap", "-f", "db.yaml"]).succeeds();
    assert_eq!(keks(), [my_own]);
    let error = mine.run(["rewrap", "-f", "db.yaml", "--remove=local"]).fails(1);
    assert!(error.contains("would have no KEK left\nhint: name another KEK"), "{error}");
    assert!(mine.read("db.yaml").contains("kind: Secret"));
    // As a filter: manifests on standard output, what was done beside.
    let run = mine.pipe(&sealed, ["rewrap", "-f", "-", "--add", &theirs]).succeeds();
    assert_eq!(run.stderr, "secret/db rewrapped on this machine\n");
    yours.pipe(&run.stdout, ["unwrap", "-f", "-"]).succeeds();
}

#[test]
fn rotate_makes_new_data_keys_and_keeps_the_rest() {
    let sandbox = Sandbox::with_local_key();
    let before = repository(&sandbox);
    sandbox.write("all.yaml", &before);
    let run = sandbox.run(["rotate", "-f", "all.yaml"]).succeeds();
    assert_eq!(run.stdout, "secret/db rotated\n".repeat(2));
    let after = sandbox.read("all.yaml");
    let commitments = |text: &str| -> Vec<String> {
        crate::sealed::jwes(text)
            .iter()
            .map(|jwe| crate::sealed::header(jwe)["commitment"].to_string())
            .collect()
    };
    let (old, new) = (commitments(&before), commitments(&after));
    assert!(old.len() == 4 && new.len() == 4 && !new.iter().any(|c| old.contains(c)));
    assert!(
        after.contains("name: db # renamed") && after.contains("kind:  Deployment # kept as it is")
    );
    let plain = |text: &str| {
        let text = text.replace("kind: Secret\nmetadata: {name: plain}", "kind: Pod");
        sandbox.pipe(text, ["unwrap", "-f", "-"]).succeeds().stdout
    };
    assert_eq!(plain(&after), plain(&before));
    // What was sealed since is left alone.
    let run = sandbox.run(["rotate", "-f", "all.yaml", "--before", "2020-01-01"]).succeeds();
    assert_eq!(run.stdout, "secret/db unchanged\n".repeat(2));
    assert_eq!(sandbox.read("all.yaml"), after);
    let run = sandbox.run(["rotate", "-f", "all.yaml", "--dry-run"]).succeeds();
    assert_eq!(run.stdout, "secret/db would be changed (dry run)\n".repeat(2));
    assert_eq!(sandbox.read("all.yaml"), after);
    let run =
        sandbox.run(["rotate", "-f", "all.yaml", "--before", "2999-01-01T00:00:00Z"]).succeeds();
    assert_eq!(run.stdout, "secret/db rotated\n".repeat(2));
}

#[test]
fn scope_type_labels_and_immutability_survive() {
    let sandbox = Sandbox::with_local_key();
    for scope in ["strict", "namespace", "cluster"] {
        let args = [
            "create",
            "db",
            "-nprod",
            "--kek=local",
            "--dry-run=client",
            "-oyaml",
            "--immutable",
            "--type=kubernetes.io/basic-auth",
            "--from-literal=username=u",
            "--from-literal=password=p",
            "--labels=a=b",
            "--annotations=c=d",
            "--scope",
            scope,
        ];
        let sealed = sandbox.run(args).succeeds().stdout;
        let rotated = sandbox.pipe(&sealed, ["rotate", "-f", "-"]).succeeds().stdout;
        let open = |text: &str| sandbox.pipe(text, ["unwrap", "-f", "-"]).succeeds().stdout;
        assert_eq!(open(&rotated), open(&sealed));
        let inspect = sandbox.pipe(&rotated, ["inspect", "-f", "-"]).succeeds().stdout;
        assert!(inspect.contains(&format!("  {scope} ")), "{inspect}");
    }
}

/// Whoever can write the file adds their own recipient, and waits for the
/// values to be sealed anew.
#[test]
fn a_kek_that_only_the_file_names_is_not_sealed_to() {
    let (mine, stranger) = (Sandbox::with_local_key(), Sandbox::with_local_key());
    let (theirs, third) = (recipient(&stranger), recipient(&Sandbox::with_local_key()));
    let on_all = with_one_more_kek(&mine.sealed(&["a=b"]), &theirs);
    // Only on one of the values: adding another must not spread it to all.
    let on_one = with_one_more_kek_on_the_values(&mine.sealed(&["a=b"]), &theirs);
    for (sealed, args) in [
        (&on_all, &["rotate"][..]),
        (&on_all, &["rewrap", "--renew"]),
        (&on_all, &["rewrap", "--remove=local"]),
        (&on_one, &["rewrap", "--add", &third]),
    ] {
        mine.write("db.yaml", sealed);
        // That it may open, or is sealed to elsewhere, is not enough.
        mine.run(["kek", "trust", "-nprod", &theirs]).succeeds();
        mine.run(["kek", "trust", "--seal", "-ndev", &theirs]).succeeds();
        let error = mine.run(args.iter().copied().chain(["-f", "db.yaml"])).fails(1);
        assert!(
            error.contains(&format!("only the Secret `prod/db` itself names the KEK `{theirs}`")),
            "{args:?}: {error}"
        );
        assert!(error.contains("with `--kek`, including your own"), "{error}");
        assert_eq!(&mine.read("db.yaml"), sealed);
    }
    // It may stay where nothing is wrapped anew, and is not known by that.
    mine.run(["kek", "trust", "--remove", &theirs]).succeeds();
    mine.write("db.yaml", &on_all);
    mine.run(["rewrap", "-f", "db.yaml", "--add", &third]).succeeds();
    assert!(!mine.run(["kek", "list"]).succeeds().stdout.contains(&theirs));
    // Named by a rule, it is meant.
    mine.run(["kek", "trust", "--seal", "-nprod", &theirs]).succeeds();
    mine.write("db.yaml", &on_all);
    mine.write(".envcrypt.yaml", format!("rules: [{{keks: [local, '{theirs}']}}]"));
    mine.run(["rotate", "-f", "db.yaml"]).succeeds();
    stranger.run(["unwrap", "-f", &mine.work().join("db.yaml").display().to_string()]).succeeds();
}

/// The header of another Secret's values, moved here by someone who cannot make
/// the tag that goes with it: its data key is not handed over.
#[test]
fn the_data_key_of_another_secret_is_not_wrapped_for_this_one() {
    let (mine, theirs) = (Sandbox::with_local_key(), Sandbox::with_local_key());
    let forged = with_namespace(&mine.sealed(&["a=b"]), "dev");
    mine.write("db.yaml", &forged);
    let error = mine.run(["rewrap", "-f", "db.yaml", "--add", &recipient(&theirs)]).fails(1);
    assert!(error.contains("it was altered: its tag does not match"), "{error}");
    assert_eq!(mine.read("db.yaml"), forged);
}

/// An entry that holds nothing stands in the file under the new KEK's name: the
/// good one does not go before the new one is good.
#[test]
fn no_entry_is_dropped_before_another_is_known_to_open() {
    let (mine, theirs) = (Sandbox::with_local_key(), Sandbox::with_local_key());
    let sealed = mine.sealed(&["a=b"]);
    mine.write("db.yaml", with_one_more_kek(&sealed, &recipient(&theirs)));
    mine.run(["rewrap", "-f", "db.yaml", "--kek", &recipient(&theirs)]).succeeds();
    let yaml = mine.read("db.yaml");
    assert_eq!(theirs.pipe(&yaml, ["unwrap", "-f", "-", "a"]).succeeds().stdout, "b");
    // Of two entries under one KEK, the one that holds nothing first.
    mine.write("db.yaml", with_a_useless_first_entry(&sealed, &recipient(&mine)));
    mine.run(["rewrap", "-f", "db.yaml", "--kek=local", "--kek", &recipient(&theirs)]).succeeds();
    assert_eq!(mine.run(["unwrap", "-f", "db.yaml", "a"]).succeeds().stdout, "b");
    let yaml = mine.read("db.yaml");
    assert_eq!(theirs.pipe(&yaml, ["unwrap", "-f", "-", "a"]).succeeds().stdout, "b");
}

#[test]
fn a_rule_without_keks_is_an_error_and_takes_none_off() {
    let sandbox = Sandbox::with_local_key();
    let sealed = sandbox.sealed(&["a=b"]);
    sandbox.write("db.yaml", &sealed);
    sandbox.write(".envcrypt.yaml", "rules: [{keks: []}]");
    let error = sandbox.run(["rewrap", "-f", "db.yaml"]).fails(1);
    assert!(error.contains("a rule names no KEK"), "{error}");
    assert_eq!(sandbox.read("db.yaml"), sealed);
}

#[test]
fn folders_hold_more_than_manifests_and_no_file_is_taken_twice() {
    let sandbox = Sandbox::with_local_key();
    let theirs = recipient(&Sandbox::with_local_key());
    let elsewhere = tempfile::tempdir().expect("a folder");
    let outside = elsewhere.path().join("outside.yaml");
    let sealed = sandbox.sealed(&["a=b"]);
    std::fs::write(&outside, &sealed).expect("written");
    sandbox.write("deploy/db.yaml", &sealed);
    sandbox.write("deploy/values.yaml", "replicas: 3\n");
    sandbox.write("deploy/template.yaml", "{{ if .Values.x }}\nkind: Secret\n");
    std::os::unix::fs::symlink(&outside, sandbox.work().join("deploy/link.yaml")).expect("linked");
    std::os::unix::fs::symlink("gone", sandbox.work().join("deploy/gone.yaml")).expect("linked");
    let args = ["rewrap", "-f", "deploy", "-f", "deploy/db.yaml", "--add", &theirs];
    let run = sandbox.run(args).succeeds();
    assert_eq!(run.stdout, "secret/db rewrapped on this machine\n");
    assert!(
        run.stderr.contains("skipped files that are not manifests, and links: 4"),
        "{}",
        run.stderr
    );
    assert_eq!(std::fs::read_to_string(&outside).expect("there"), sealed);
    // One that may be a damaged sealed Secret is not passed over.
    sandbox.write("deploy/conflict.yaml", format!("<<<<<<< HEAD\n{sealed}"));
    sandbox.write("deploy/.envcrypt.yaml", "rules: []");
    let run = sandbox.run(["rotate", "-f", "deploy", "--kek=local"]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(1), "secret/db rotated\n"));
    assert!(run.stderr.contains("conflict.yaml` cannot be used"), "{}", run.stderr);
    std::fs::remove_file(sandbox.work().join("deploy/conflict.yaml")).expect("removed");
    let error = sandbox.run(["rotate", "-f", "deploy/values.yaml"]).fails(1);
    assert!(error.contains("document 1 is not a Kubernetes object"), "{error}");
    let error = sandbox.run(["rotate", "-f", "/dev/null"]).fails(2);
    assert!(error.contains("pipe it to `-f -`"), "{error}");
}

#[test]
fn a_filter_gives_all_or_nothing() {
    let sandbox = Sandbox::with_local_key();
    let good = sandbox.sealed(&["a=b"]);
    let bad = with_kek(&good, "age", &recipient(&Sandbox::with_local_key()));
    let run = sandbox.pipe(format!("{good}---\n{bad}"), ["rotate", "-f", "-"]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""));
    assert!(run.stderr.contains("error: 2 of 2 failed"), "{}", run.stderr);
}

#[test]
fn what_cannot_be_opened_stays_and_the_others_are_done() {
    let (mine, other) = (Sandbox::with_local_key(), Sandbox::with_local_key());
    let theirs = recipient(&other);
    let foreign = other.sealed(&["a=b"]);
    for i in 0..5 {
        mine.write(&format!("deploy/{i}.yaml"), mine.sealed(&["a=b"]));
    }
    mine.write("deploy/foreign.yaml", &foreign);
    let broken = with_kek(&mine.sealed(&["a=b"]), "age", &recipient(&Sandbox::with_local_key()));
    mine.write("deploy/broken.yaml", &broken);
    let run = mine.run(["rewrap", "-f", "deploy", "--kek", &theirs]);
    assert_eq!(run.code, Some(1));
    assert_eq!(run.stdout.matches("rewrapped on this machine").count(), 5);
    assert!(run.stdout.contains("secret/db unchanged"), "{}", run.stdout);
    assert!(run.stderr.ends_with("error: 1 of 7 failed; the others are done\n"), "{}", run.stderr);
    assert_eq!(mine.read("deploy/foreign.yaml"), foreign);
    assert_eq!(mine.read("deploy/broken.yaml"), broken);
    other.pipe(mine.read("deploy/3.yaml"), ["unwrap", "-f", "-"]).succeeds();
}

#[test]
fn wrong_usage_says_so() {
    let sandbox = Sandbox::with_local_key();
    let run = {
        sandbox.write("db.yaml", sandbox.sealed(&["a=b"]));
        sandbox.run(["rewrap", "-f", "db.yaml", "--remove=age:age1x"]).succeeds()
    };
    assert!(
        run.stderr.contains("warning: no Secret was sealed under `age:age1x`"),
        "{}",
        run.stderr
    );
    for (args, error) in [
        (
            &["rewrap"][..],
            "name Secrets, name files with `-f`, or select Secrets with `-l` or `-A`",
        ),
        (&["rewrap", "-f", "x", "--kek=local", "--add=local"], "cannot be used with"),
        (&["rotate", "-f", "x", "db"], "cannot be used with"),
        (&["rotate", "db", "-A"], "cannot be used with"),
        (&["rotate", "db", "-l", "a"], "cannot be used with"),
        (&["rotate", "-f", "x", "--dry-run=server"], "possible values: client"),
        (&["rotate", "-f", "x", "--before", "yesterday"], "write it as 2026-01-01 or"),
    ] {
        let stderr = sandbox.run(args).fails(2);
        assert!(stderr.contains(error), "{stderr}");
    }
    sandbox.write("a.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n");
    let stderr = sandbox.run(["rotate", "-f", "a.yaml"]).fails(1);
    assert!(stderr.contains("there is no sealed Secret in `a.yaml`"), "{stderr}");
}
