//! `check --history`: values that stood in the clear at any time.

use crate::repository::{commit, git, git_in, plain, repository};
use crate::sandbox::{Run, Sandbox};

fn history(sandbox: &Sandbox, args: &[&str]) -> Run {
    sandbox.run(["check", "--history"].iter().chain(args))
}

#[test]
fn a_value_that_was_sealed_later_is_found_with_its_first_and_its_last_commit() {
    let sandbox = repository();
    sandbox.write("deploy/db.yaml", plain("db", "hunter2"));
    let one = commit(&sandbox, "2026-01-01");
    sandbox.write("deploy/db.yaml", format!("# moved\n{}", plain("db", "hunter2")));
    commit(&sandbox, "2026-01-02");
    sandbox.run(["seal", "-i", "-f", "deploy/db.yaml", "--kek=local"]).succeeds();
    let three = commit(&sandbox, "2026-01-03");
    let run = history(&sandbox, &[]);
    assert_eq!(run.code, Some(1));
    assert_eq!(
        run.stdout,
        format!(
            "deploy/db.yaml:5:3: the value of `password` of `prod/db` stood in the clear since {one} (2026-01-01, Alice), until {three} (2026-01-03, Alice) [was-plain]\n"
        )
    );
    assert!(!run.stderr.contains("hunter2"));
    // It is still in use, until it has a new value.
    let run = history(&sandbox, &["--open"]);
    assert!(
        run.stdout.starts_with(
            "deploy/db.yaml:2:1: `password` of `prod/db` is still in use: in `deploy/db.yaml`, "
        ),
        "{}",
        run.stdout
    );
    assert!(run.stdout.ends_with("[still-in-use]\n") && run.code == Some(1), "{}", run.stdout);
    assert!(!run.stdout.contains("hunter2") && !run.stderr.contains("hunter2"));
    // `rotate` does not change that. Under another name and key, it is still the same value.
    sandbox.run(["rotate", "-f", "deploy/db.yaml"]).succeeds();
    assert_eq!(history(&sandbox, &["--open"]).code, Some(1));
    let args = ["create", "web", "-n", "dev", "--kek=local", "--from-literal=k=hunter2"];
    sandbox.run(args.iter().chain(&["-w", "web.yaml"])).succeeds();
    sandbox.run(["set", "-f", "deploy/db.yaml", "--from-literal=password=new"]).succeeds();
    let run = history(&sandbox, &["--open"]);
    assert!(
        run.stdout.starts_with("web.yaml:1:1: `k` of `dev/web` is still in use"),
        "{}",
        run.stdout
    );
    std::fs::remove_file(sandbox.work().join("web.yaml")).expect("removed");
    let run = history(&sandbox, &["--open"]).succeeds();
    assert!(run.stderr.contains("that no sealed Secret here has any more: 1"), "{}", run.stderr);
    // Files that Git does not have are nothing to it.
    let json = history(&sandbox, &["-o", "json"]).stdout;
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let finding = &json["findings"][0];
    assert_eq!((&finding["id"], &finding["removed"]), (&"was-plain".into(), &true.into()));
    assert_eq!(finding["first"]["date"], "2026-01-01T12:00:00Z");
    let sarif = history(&sandbox, &["-o", "sarif"]).stdout;
    assert!(sarif.contains("\"ruleId\": \"was-plain\""), "{sarif}");
}

#[test]
fn every_form_of_a_plain_secret_is_found_and_nothing_twice() {
    let sandbox = repository();
    sandbox.write("crlf.yaml", plain("crlf", "one-value").replace('\n', "\r\n"));
    sandbox.write("list.json", r#"{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"v1","kind":"Secret","metadata":{"name":"l"},"data":{"k":"dHdvLXZhbHVl"}}]}"#);
    sandbox.write("chart/templates/t.yaml", "kind: Secret\n{{ if x }}\napiVersion: v1\nstringData:\n  {{ y }}: {{ z }}\n  fixed: three-value\n{{ end }}\n");
    sandbox
        .write("run.sh", format!("kubectl apply -f - <<X\n{}X\n", plain("script", "four-value")));
    sandbox.write("latin.yaml", [b"# \xe4\n", plain("latin", "five-value").as_bytes()].concat());
    sandbox.write("empty.yaml", plain("empty", "''"));
    let huge = format!("{}# {}\n", plain("huge", "six-value"), "x".repeat(3 << 20));
    sandbox.write("huge.yaml", &huge);
    commit(&sandbox, "2026-01-01");
    sandbox.write("huge.yaml", huge + "# again\n");
    sandbox.write("copy/crlf.yaml", plain("crlf", "one-value"));
    commit(&sandbox, "2026-01-02");
    for name in [
        "crlf.yaml",
        "list.json",
        "chart",
        "run.sh",
        "latin.yaml",
        "empty.yaml",
        "huge.yaml",
        "copy",
    ] {
        git(&sandbox, &["rm", "-r", "-q", name]);
    }
    commit(&sandbox, "2026-01-03");
    let found = |args: &[&str]| -> Vec<String> {
        let run = history(&sandbox, args);
        run.stdout
            .lines()
            .map(|line| line.split(": ").next().unwrap_or_default().to_owned())
            .collect()
    };
    let all = [
        "chart/templates/t.yaml:6:3",
        "crlf.yaml:5:3",
        "huge.yaml:5:3",
        "latin.yaml:6:3",
        "list.json:1:110",
        "run.sh:6:3",
    ];
    assert_eq!(found(&[]), all);
    assert_eq!(found(&["--exclude", "chart", "--exclude", "*.json"]).len(), 4);
    let sealed = ["create", "t", "-n", "prod", "--kek=local", "-w", "t.yaml"];
    let values = ["a=two-value", "b=three-value", "c=four-value"];
    let values = values.map(|value| format!("--from-literal={value}"));
    sandbox.run(sealed.iter().map(|word| (*word).to_owned()).chain(values)).succeeds();
    let run = history(&sandbox, &["--open"]);
    let used = ["`a` of `prod/t`", "`b` of `prod/t`", "`c` of `prod/t`"];
    for key in used {
        assert!(run.stdout.contains(&format!("{key} is still in use")), "{}", run.stdout);
    }
    assert_eq!(run.stdout.lines().count(), used.len());
}

#[test]
fn deleted_branches_submodules_and_empty_repositories_are_told_apart() {
    let sandbox = repository();
    // Nothing was committed yet.
    history(&sandbox, &[]).succeeds();
    sandbox.write("README", "x");
    commit(&sandbox, "2026-01-01");
    git(&sandbox, &["checkout", "-q", "-b", "side"]);
    sandbox.write("db.yaml", plain("db", "hunter2"));
    let side = commit(&sandbox, "2026-01-02");
    git(&sandbox, &["checkout", "-q", "main"]);
    git(&sandbox, &["branch", "-q", "-D", "side"]);
    let run = history(&sandbox, &[]);
    assert!(
        run.stdout.contains(&format!("since {side} (2026-01-02, Alice) [was-plain]")),
        "{}",
        run.stdout
    );
    // The history of a submodule is its own.
    let inner = tempfile::tempdir().expect("a folder");
    git_in(inner.path(), &["init", "-q", "-b", "main"]);
    std::fs::write(inner.path().join("in.yaml"), plain("inner", "hunter3")).expect("written");
    git_in(inner.path(), &["add", "-A"]);
    git_in(inner.path(), &["commit", "-q", "-m", "in"]);
    git(&sandbox, &["submodule", "add", "-q", inner.path().to_str().expect("a path"), "sub"]);
    commit(&sandbox, "2026-01-03");
    let run = history(&sandbox, &[]);
    assert!(
        run.stderr.contains("incomplete: the history of submodules is not searched"),
        "{}",
        run.stderr
    );
    assert!(
        run.stdout.contains("sub/in.yaml:5:3: the Secret `prod/inner` has a plaintext value"),
        "{}",
        run.stdout
    );
    let run = history(&sandbox, &["sub"]);
    assert!(
        run.stdout.contains(
            "sub/in.yaml:5:3: the value of `password` of `prod/inner` stood in the clear"
        ),
        "{}",
        run.stdout
    );
    assert!(!run.stdout.contains("prod/db"), "{}", run.stdout);
    // It needs a repository.
    let elsewhere = Sandbox::with_local_key();
    let error = history(&elsewhere, &[]).fails(2);
    assert!(error.contains("is not in a Git repository"), "{error}");
    history(&sandbox, &["-"]).fails(2);
    sandbox.run(["check", "--open"]).fails_quietly(2);
}

/// The newest name of a file is not the one that counts.
#[test]
fn a_template_that_has_another_name_now_is_found_and_what_is_not_compared_is_said() {
    let sandbox = repository();
    let head = "kind: Secret\n{{ if x }}\napiVersion: v1\nstringData:\n  {{ y }}: {{ z }}\n";
    sandbox.write("t.yaml", format!("{head}  fixed: hunter2\n{{{{ end }}}}\n"));
    commit(&sandbox, "2026-01-01");
    git(&sandbox, &["mv", "t.yaml", "t.txt"]);
    commit(&sandbox, "2026-01-02");
    let run = history(&sandbox, &[]);
    assert!(run.stdout.contains(":6:3: ") && run.code == Some(1), "{}{}", run.stdout, run.stderr);
    history(&sandbox, &["--open"]).succeeds();
    // A file that never was a manifest is none.
    sandbox.write("notes.txt", format!("{head}  fixed: hunter3\n{{{{ end }}}}\n"));
    commit(&sandbox, "2026-01-03");
    assert_eq!(history(&sandbox, &[]).stdout, run.stdout);
    // More lines than one are not compared.
    sandbox.write("m.yaml", format!("{head}  fixed: |\n    hunter4\n    hunter5\n{{{{ end }}}}\n"));
    commit(&sandbox, "2026-01-04");
    git(&sandbox, &["rm", "-q", "m.yaml"]);
    commit(&sandbox, "2026-01-05");
    let error = history(&sandbox, &["--open"]).fails(2);
    assert!(error.contains("so that they cannot be compared: 1"), "{error}");
}

#[test]
fn a_secret_that_cannot_be_opened_is_an_error_and_not_an_all_clear() {
    let sandbox = repository();
    sandbox.write("db.yaml", plain("db", "hunter2"));
    commit(&sandbox, "2026-01-01");
    let other = crate::repository::leaked();
    crate::repository::seal(&sandbox, "db.yaml", "db", &[&other], &["password=hunter2"]);
    commit(&sandbox, "2026-01-02");
    let run = history(&sandbox, &["--open", "--kek", &other]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{}", run.stderr);
    assert!(run.stderr.contains("error: "), "{}", run.stderr);
}

#[test]
fn a_file_that_is_too_large_is_named_if_it_is_a_manifest() {
    let sandbox = repository();
    sandbox.write("big.yaml", vec![b'#'; (64 << 20) + 1]);
    sandbox.write("film.mp4", vec![b'#'; (64 << 20) + 2]);
    commit(&sandbox, "2026-01-01");
    git(&sandbox, &["rm", "-q", "film.mp4", "big.yaml"]);
    commit(&sandbox, "2026-01-02");
    let error = history(&sandbox, &[]).fails(2);
    assert!(error.contains("cause: `big.yaml` is larger than 64 MiB"), "{error}");
    assert!(!error.contains("film"), "{error}");
    history(&sandbox, &["--exclude", "*.yaml"]).succeeds();
}
