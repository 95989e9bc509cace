//! `audit`: what the holder of a KEK could ever open.

use crate::repository::{commit, git, git_in, leaked, lines, repository, seal};
use crate::sandbox::{Run, Sandbox, own};

fn audit(sandbox: &Sandbox, kek: &str, args: &[&str]) -> Run {
    sandbox.run(["audit", "--kek", kek].iter().chain(args))
}

/// The values and their states.
fn states(run: &Run) -> Vec<String> {
    let short = |line: String| line.split(' ').take(3).collect::<Vec<_>>().join(" ");
    lines(&run.stdout).into_iter().map(short).collect()
}

/// One value for each state.
fn every_state() -> (Sandbox, String, [String; 6]) {
    let sandbox = repository();
    let (own, leaked) = (own(&sandbox), leaked());
    let both = [own.as_str(), leaked.as_str()];
    seal(&sandbox, "open.yaml", "open", &both, &["a=hunter2-1"]);
    let one = commit(&sandbox, "2026-01-01");
    seal(&sandbox, "known.yaml", "known", &both, &["a=hunter2-2"]);
    let two = commit(&sandbox, "2026-01-02");
    sandbox.run(["rewrap", "-f", "known.yaml", "--remove", &leaked]).succeeds();
    seal(&sandbox, "replaced.yaml", "replaced", &both, &["a=hunter2-3"]);
    let three = commit(&sandbox, "2026-01-03");
    sandbox.run(["set", "-f", "replaced.yaml", "--from-literal=a=hunter2-4"]).succeeds();
    sandbox.run(["rotate", "-f", "replaced.yaml", "--kek", &own]).succeeds();
    seal(&sandbox, "same.yaml", "same", &both, &["a=hunter2-5"]);
    let four = commit(&sandbox, "2026-01-04");
    sandbox.run(["rotate", "-f", "same.yaml", "--kek", &own]).succeeds();
    seal(&sandbox, "gone.yaml", "gone", &both, &["a=hunter2-6"]);
    let five = commit(&sandbox, "2026-01-05");
    std::fs::remove_file(sandbox.work().join("gone.yaml")).expect("removed");
    seal(&sandbox, "never.yaml", "never", &[&own], &["a=hunter2-7"]);
    let six = commit(&sandbox, "2026-01-06");
    (sandbox, leaked, [one, two, three, four, five, six])
}

#[test]
fn every_value_is_in_its_state_with_the_commit_that_first_had_it() {
    let (sandbox, leaked, [one, two, three, four, five, six]) = every_state();
    let run = audit(&sandbox, &leaked, &["--history"]);
    assert_eq!(
        lines(&run.stdout),
        [
            format!(
                "prod/gone a gone since 2026-01-05 ({five}, Alice) until 2026-01-06 ({six}, Alice) gone.yaml:10"
            ),
            format!("prod/known a known since 2026-01-02 ({two}, Alice) known.yaml:10"),
            format!("prod/open a open since 2026-01-01 ({one}, Alice) open.yaml:10"),
            format!("prod/replaced a replaced since 2026-01-03 ({three}, Alice) replaced.yaml:10"),
            format!("prod/same a replaced since 2026-01-04 ({four}, Alice) same.yaml:10"),
        ]
    );
    assert_eq!(run.code, Some(1));
    assert!(
        run.stderr.contains(
            "error: found 2 values to replace at the source\nhint: `rotate` is not enough"
        ),
        "{}",
        run.stderr
    );
    // Opened, a value that was only sealed again is told from one that changed.
    let run = audit(&sandbox, &leaked, &["--history", "--open"]);
    assert_eq!(
        states(&run),
        [
            "prod/gone a gone",
            "prod/known a known",
            "prod/open a open",
            "prod/replaced a replaced",
            "prod/same a same-value"
        ]
    );
    assert!(run.stderr.contains("error: found 3 values"), "{}", run.stderr);
    assert!(!run.stdout.contains("hunter2") && !run.stderr.contains("hunter2"));
    // Without the history, only what the KEK opens now is known.
    let run = audit(&sandbox, &leaked, &[]);
    assert_eq!(states(&run), ["prod/open a open"]);
    assert!(run.stderr.contains("note: the history was not searched"), "{}", run.stderr);
    // Of a KEK that never had anything, nothing is found.
    let run = audit(&sandbox, &crate::repository::leaked(), &["--history"]).succeeds();
    assert_eq!(run.stdout, "");
}

#[test]
fn the_same_repository_gives_the_same_json_and_sarif() {
    let (sandbox, leaked, _) = every_state();
    for output in ["text", "json", "sarif"] {
        let run = || audit(&sandbox, &leaked, &["--history", "--open", "-o", output]);
        let (one, two) = (run(), run());
        assert_eq!((one.code, &one.stdout), (Some(1), &two.stdout));
        if output == "text" {
            continue;
        }
        let json: serde_json::Value = serde_json::from_str(&one.stdout).expect("JSON");
        if output == "json" {
            assert_eq!(json["incomplete"], serde_json::json!([]));
            let known = &json["values"][1];
            assert_eq!(known["namespace"], "prod");
            assert_eq!((&known["state"], &known["line"]), (&"known".into(), &10.into()));
            assert_eq!(known["since"]["author"], "Alice");
        } else {
            let results = json["runs"][0]["results"].as_array().expect("results");
            let ids: Vec<_> = results.iter().map(|result| &result["ruleId"]).collect();
            assert_eq!(ids, ["known", "open", "same-value"]);
        }
    }
}

#[test]
fn the_history_is_all_of_it() {
    let sandbox = repository();
    let (own, leaked) = (own(&sandbox), leaked());
    sandbox.write("README", "x");
    commit(&sandbox, "2026-01-01");
    let file =
        |name: &str| seal(&sandbox, &format!("{name}.yaml"), name, &[&own, &leaked], &["a=1"]);
    // On a branch that was deleted: only the reflog has it.
    git(&sandbox, &["checkout", "-q", "-b", "side"]);
    file("reflog");
    commit(&sandbox, "2026-01-02");
    git(&sandbox, &["checkout", "-q", "main"]);
    git(&sandbox, &["branch", "-q", "-D", "side"]);
    // In a tag, in a stash, and only staged.
    git(&sandbox, &["checkout", "-q", "--detach"]);
    file("tagged");
    commit(&sandbox, "2026-01-03");
    git(&sandbox, &["tag", "-a", "-m", "v1", "v1"]);
    git(&sandbox, &["checkout", "-q", "main"]);
    file("stashed");
    git(&sandbox, &["add", "-A"]);
    git(&sandbox, &["stash", "-q"]);
    file("staged");
    git(&sandbox, &["add", "-A"]);
    std::fs::remove_file(sandbox.work().join("staged.yaml")).expect("removed");
    // Made by the merge itself, in neither parent.
    git(&sandbox, &["checkout", "-q", "-b", "two"]);
    sandbox.write("two", "2");
    git(&sandbox, &["reset", "-q"]);
    git(&sandbox, &["add", "two"]);
    git(&sandbox, &["commit", "-q", "-m", "two"]);
    git(&sandbox, &["checkout", "-q", "main"]);
    git(&sandbox, &["merge", "-q", "--no-ff", "--no-commit", "two"]);
    file("merged");
    commit(&sandbox, "2026-01-04");
    file("staged");
    git(&sandbox, &["add", "-A"]);
    std::fs::remove_file(sandbox.work().join("staged.yaml")).expect("removed");
    std::fs::remove_file(sandbox.work().join("merged.yaml")).expect("removed");
    let run = audit(&sandbox, &leaked, &["--history"]);
    let found = ["merged", "reflog", "staged", "stashed", "tagged"];
    let of = ["elsewhere", "gone", "elsewhere", "gone", "elsewhere"].into_iter();
    let found: Vec<_> =
        found.into_iter().zip(of).map(|(name, of)| format!("prod/{name} a {of}")).collect();
    assert_eq!(states(&run), found, "{}", run.stderr);
    assert_eq!(run.code, Some(1));
    for of in ["on branch main", "on the index", "on tag v1"] {
        assert_eq!(run.stdout.matches(of).count(), 1, "{of}: {}", run.stdout);
    }
    assert!(!run.stdout.contains("until"), "{}", run.stdout);
    // What nothing refers to is found when it is asked for.
    git(&sandbox, &["reflog", "expire", "--expire=now", "--all"]);
    let states_of = |args: &[&str]| states(&audit(&sandbox, &leaked, args));
    assert!(!states_of(&["--history"]).contains(&found[1]));
    assert!(states_of(&["--history", "--unreachable"]).contains(&found[1]));
}

#[test]
fn renamed_files_odd_names_and_other_forms_are_found() {
    let sandbox = repository();
    let (own, leaked) = (own(&sandbox), leaked());
    let keks = [own.as_str(), leaked.as_str()];
    seal(&sandbox, "a.yaml", "db", &keks, &["a=1"]);
    let one = commit(&sandbox, "2026-01-01");
    std::fs::rename(sandbox.work().join("a.yaml"), sandbox.work().join("b.txt")).expect("moved");
    commit(&sandbox, "2026-01-02");
    let run = audit(&sandbox, &leaked, &["--history"]);
    assert_eq!(
        lines(&run.stdout),
        [format!("prod/db a open since 2026-01-01 ({one}, Alice) b.txt:10")]
    );
    // A name cannot write to the terminal, or a line of its own.
    let odd = "über\n\u{1b}[2J \"x\": .yaml";
    std::fs::rename(sandbox.work().join("b.txt"), sandbox.work().join(odd)).expect("moved");
    commit(&sandbox, "2026-01-03");
    let run = audit(&sandbox, &leaked, &["--history"]);
    assert!(run.stdout.contains("  über\\n\\u{1b}[2J \"x\": .yaml:10\n"), "{}", run.stdout);
    std::fs::remove_file(sandbox.work().join(odd)).expect("removed");
    // With CRLF, in JSON, as an EnvcryptSecret, in a script, and beside bytes that are not UTF-8.
    seal(&sandbox, "c.yaml", "crlf", &keks, &["a=1"]);
    sandbox.write("c.yaml", sandbox.read("c.yaml").replace('\n', "\r\n"));
    seal(&sandbox, "e.yaml", "form", &keks, &["a=1"]);
    let form = sandbox.run(["convert", "-f", "e.yaml", "--to", "envcryptsecret"]).succeeds().stdout;
    assert!(form.contains("kind: EnvcryptSecret"), "{form}");
    sandbox.write("e.yaml", form);
    seal(&sandbox, "s", "script", &keks, &["a=1"]);
    let script = format!("kubectl apply -f - <<X\n{}X\n", sandbox.read("s"));
    sandbox.write("s", [b"\xff\xfe".map(|b| b - 1).as_slice(), script.as_bytes()].concat());
    commit(&sandbox, "2026-01-04");
    for name in ["c.yaml", "e.yaml", "s"] {
        std::fs::remove_file(sandbox.work().join(name)).expect("removed");
    }
    commit(&sandbox, "2026-01-05");
    let run = audit(&sandbox, &leaked, &["--history"]);
    let found = ["crlf", "db", "form", "script"].map(|name| format!("prod/{name} a gone"));
    assert_eq!(states(&run), found);
}

/// The value of now hides no other one.
#[test]
fn what_another_branch_or_work_tree_has_now_is_not_gone() {
    let sandbox = repository();
    let (own, leaked) = (own(&sandbox), leaked());
    seal(&sandbox, "db.yaml", "db", &[&own, &leaked], &["a=1"]);
    commit(&sandbox, "2026-01-01");
    git(&sandbox, &["branch", "release"]);
    sandbox.run(["set", "-f", "db.yaml", "--from-literal=a=2"]).succeeds();
    sandbox.run(["rotate", "-f", "db.yaml", "--kek", &own]).succeeds();
    commit(&sandbox, "2026-01-02");
    let run = audit(&sandbox, &leaked, &["--history"]);
    assert_eq!(states(&run), ["prod/db a elsewhere", "prod/db a replaced"], "{}", run.stderr);
    assert_eq!(run.code, Some(1));
    assert!(run.stdout.contains("  on branch release  db.yaml:10\n"), "{}", run.stdout);
    assert!(!run.stdout.contains("until"), "{}", run.stdout);
    // Another work tree has it on no branch.
    let other = tempfile::tempdir().expect("a folder");
    let path = other.path().join("wt");
    let path = path.to_str().expect("a path");
    git(&sandbox, &["worktree", "add", "-q", "--detach", path, "release"]);
    git(&sandbox, &["branch", "-q", "-D", "release"]);
    let run = audit(&sandbox, &leaked, &["--history"]);
    assert!(run.stdout.contains("  on the work tree "), "{}", run.stdout);
    git(&sandbox, &["worktree", "remove", path]);
    let run = audit(&sandbox, &leaked, &["--history"]);
    assert_eq!((states(&run), run.code), (vec!["prod/db a replaced".to_owned()], Some(0)));
}

#[test]
fn what_a_fetch_left_is_searched_and_an_odd_commit_stops_nothing() {
    let (sandbox, leaked, _) = every_state();
    let other = repository();
    seal(&other, "f.yaml", "fetched", &[&leaked], &["a=1"]);
    commit(&other, "2026-01-01");
    git(&sandbox, &["fetch", "-q", other.work().to_str().expect("a path")]);
    let commit = git(&sandbox, &["cat-file", "commit", "HEAD"]);
    let odd: Vec<String> = commit
        .lines()
        .map(|line| match line.strip_prefix("committer ") {
            Some(_) => "committer x <x> 99999999999999999999999 +0000".to_owned(),
            None => line.to_owned(),
        })
        .collect();
    let path = sandbox.config().join("odd");
    std::fs::write(&path, odd.join("\n") + "\n").expect("written");
    let path = path.to_str().expect("a path");
    let id = git(&sandbox, &["hash-object", "-t", "commit", "--literally", "-w", path]);
    git(&sandbox, &["update-ref", "refs/heads/odd", id.trim()]);
    let run = audit(&sandbox, &leaked, &["--history"]);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert!(run.stdout.contains("prod/fetched a"), "{}", run.stdout);
}

#[test]
fn wide_text_and_bytes_after_a_zero_are_read_to_the_end() {
    let sandbox = repository();
    let (own, leaked) = (own(&sandbox), leaked());
    seal(&sandbox, "w.yaml", "wide", &[&own, &leaked], &["a=hunter2"]);
    let wide: Vec<u8> = sandbox.read("w.yaml").encode_utf16().flat_map(u16::to_le_bytes).collect();
    sandbox.write("w.yaml", [b"\xff\xfe", &wide[..]].concat());
    commit(&sandbox, "2026-01-01");
    seal(&sandbox, "w.yaml", "wide", &[&own], &["a=hunter2"]);
    commit(&sandbox, "2026-01-02");
    let run = audit(&sandbox, &leaked, &["--history", "--open"]);
    assert_eq!(states(&run), ["prod/wide a same-value"], "{}", run.stderr);
    seal(&sandbox, "z", "zero", &[&leaked], &["a=1"]);
    sandbox.write("z", [b"\0\0", sandbox.read("z").as_bytes()].concat());
    assert_eq!(states(&audit(&sandbox, &leaked, &[])), ["prod/zero a open"]);
}

#[test]
fn what_sops_wrote_in_a_form_that_is_not_read_is_no_all_clear() {
    let sandbox = repository();
    let kek = own(&sandbox);
    sandbox.write("a.env", "A=ENC[AES256_GCM,data:a,iv:b,tag:c,type:str]\nsops_version=3\n");
    let error = audit(&sandbox, &kek, &[]).fails(2);
    assert!(error.contains("`a.env` has values of SOPS in a form"), "{error}");
    commit(&sandbox, "2026-01-01");
    std::fs::remove_file(sandbox.work().join("a.env")).expect("removed");
    audit(&sandbox, &kek, &["--history"]).fails(2);
    audit(&sandbox, &kek, &["--history", "--exclude", "*.env"]).succeeds();
}

#[test]
fn paths_and_patterns_choose_what_is_reported_and_not_what_is_known() {
    let sandbox = repository();
    let (own, leaked) = (own(&sandbox), leaked());
    let keks = [own.as_str(), leaked.as_str()];
    seal(&sandbox, "a/x.yaml", "x", &keks, &["a=1"]);
    seal(&sandbox, "b/y.yaml", "y", &keks, &["a=1"]);
    commit(&sandbox, "2026-01-01");
    // The data key was exposed at another path.
    std::fs::create_dir(sandbox.work().join("c")).expect("made");
    std::fs::rename(sandbox.work().join("a/x.yaml"), sandbox.work().join("c/x.yaml"))
        .expect("moved");
    sandbox.run(["rewrap", "-f", "c/x.yaml", "--remove", &leaked]).succeeds();
    std::fs::remove_file(sandbox.work().join("b/y.yaml")).expect("removed");
    commit(&sandbox, "2026-01-02");
    let states_of = |args: &[&str]| states(&audit(&sandbox, &leaked, args));
    assert_eq!(states_of(&["--history"]), ["prod/x a known", "prod/y a gone"]);
    assert_eq!(states_of(&["--history", "c"]), ["prod/x a known"]);
    assert_eq!(states_of(&["--history", "--exclude", "b/**"]), ["prod/x a known"]);
    // From a subfolder, paths are those that one would type there.
    let mut command = sandbox.command();
    command.current_dir(sandbox.work().join("c")).args(["audit", "--kek", &leaked, "--history"]);
    let run = Run::from(command.output().expect("ends"));
    assert!(
        run.stdout.contains(" x.yaml:10\n") && !run.stdout.contains("prod/y"),
        "{}",
        run.stdout
    );
}

#[test]
fn what_is_not_there_is_said_and_never_fetched() {
    let (sandbox, leaked, _) = every_state();
    let clones = tempfile::tempdir().expect("a folder");
    let url = format!("file://{}", sandbox.work().display());
    git_in(clones.path(), &["clone", "-q", "--depth", "1", &url, "shallow"]);
    git(&sandbox, &["config", "uploadpack.allowFilter", "true"]);
    git_in(clones.path(), &["clone", "-q", "--filter=blob:none", "--no-checkout", &url, "partial"]);
    git_in(clones.path(), &["clone", "-q", "--filter=tree:0", "--no-checkout", &url, "treeless"]);
    for (clone, reason) in [
        ("shallow", "the clone is shallow: run `git fetch --unshallow`"),
        ("partial", "objects are not in this clone, which may be a partial one"),
        ("treeless", "objects are not in this clone, which may be a partial one"),
    ] {
        let folder = clones.path().join(clone);
        let objects = || git_in(&folder, &["count-objects", "-v"]);
        let before = objects();
        for command in [&["audit", "--history", "--kek", &leaked][..], &["check", "--history"]] {
            let mut program = sandbox.command();
            let run = Run::from(program.current_dir(&folder).args(command).output().expect("ends"));
            assert!(run.stderr.contains("incomplete"), "{clone} {command:?}: {}", run.stderr);
            assert!(run.stderr.contains(reason), "{clone} {command:?}: {}", run.stderr);
            // Something is open in the files of the shallow clone.
            let found = clone == "shallow" && command[0] == "audit";
            assert_eq!(run.code, Some(if found { 1 } else { 2 }), "{clone} {command:?}");
        }
        assert_eq!(objects(), before, "nothing was fetched into {clone}");
    }
}

#[test]
fn where_nothing_can_be_searched_the_exit_code_is_2() {
    let sandbox = Sandbox::with_local_key();
    let kek = own(&sandbox);
    let error = audit(&sandbox, &kek, &["--history"]).fails(2);
    assert!(error.contains("is not in a Git repository\nhint: "), "{error}");
    audit(&sandbox, &kek, &["nothing.yaml"]).fails(2);
    audit(&sandbox, &kek, &[]).succeeds();
    // The files of the repository are in another place.
    let odd = repository();
    let other = tempfile::tempdir().expect("a folder");
    git(&odd, &["config", "core.worktree", other.path().to_str().expect("a path")]);
    let error = audit(&odd, &kek, &["--history"]).fails(2);
    assert!(error.contains("is not in the work tree of its repository"), "{error}");
    // Which key an alias of AWS names, only the KMS knows.
    let alone = Sandbox::new().env("AWS_EC2_METADATA_DISABLED", "true");
    let error = audit(&alone, "awskms:///alias/prod", &[]).fails(2);
    assert!(error.contains("error: the key behind `awskms:///alias/prod` is not known"), "{error}");
    assert!(error.contains("hint: name the key by its ARN"), "{error}");
}

/// A repository that someone else set up must not run anything.
#[test]
fn no_setting_of_a_repository_runs_a_program() {
    let (sandbox, leaked, _) = every_state();
    // Outside of the repository, so that nothing that runs is committed.
    let marker = sandbox.config().join("ran");
    let program = sandbox.config().join("evil");
    std::fs::write(&program, format!("#!/bin/sh\necho \"$0 $*\" >> {}\n", marker.display()))
        .expect("written");
    std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .expect("set");
    let signed = git(&sandbox, &["cat-file", "commit", "HEAD"]).replacen(
        "\n\n",
        "\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n -----END PGP SIGNATURE-----\n\n",
        1,
    );
    let path = sandbox.config().join("signed");
    std::fs::write(&path, signed).expect("written");
    let id = git(&sandbox, &["hash-object", "-t", "commit", "-w", path.to_str().expect("a path")]);
    git(&sandbox, &["update-ref", "refs/heads/signed", id.trim()]);
    let program = program.to_str().expect("a path");
    sandbox.write(".gitattributes", "* diff=evil filter=evil\n");
    for (name, value) in [
        ("core.fsmonitor", program),
        ("core.pager", program),
        ("core.sshCommand", program),
        ("core.alternateRefsCommand", program),
        ("core.hooksPath", "."),
        ("pager.log", program),
        ("log.showSignature", "true"),
        ("gpg.program", program),
        ("gpg.ssh.program", program),
        ("diff.external", program),
        ("diff.evil.textconv", program),
        ("diff.evil.command", program),
        ("filter.evil.smudge", program),
        ("filter.evil.clean", program),
        ("filter.evil.process", program),
        ("remote.origin.url", "ssh://localhost/x"),
        ("remote.origin.promisor", "true"),
        ("remote.origin.uploadpack", program),
        ("remote.origin.partialclonefilter", "blob:none"),
        ("extensions.partialClone", "origin"),
        ("core.repositoryFormatVersion", "1"),
    ] {
        git(&sandbox, &["config", name, value]);
    }
    // Git itself runs them.
    for args in [&["status"][..], &["log", "-p", "signed"]] {
        let _ = std::fs::remove_file(&marker);
        let mut git = std::process::Command::new("git");
        git.current_dir(sandbox.work()).args(args).env("HOME", sandbox.work());
        git.output().expect("it ends");
        assert!(marker.exists(), "{args:?}");
    }
    let searches = |args: &[&str]| {
        let _ = std::fs::remove_file(&marker);
        let run = audit(&sandbox, &leaked, args);
        assert_eq!(run.code, Some(1), "{}", run.stderr);
        assert!(run.stdout.contains("prod/known a"), "{}", run.stdout);
        for args in [&["check", "--history"][..], &["check", "--since", "HEAD~2"]] {
            let run = sandbox.run(args);
            assert!(matches!(run.code, Some(0..=2)), "{}", run.stderr);
        }
        assert!(!marker.exists(), "{}", std::fs::read_to_string(&marker).unwrap_or_default());
        run.stderr
    };
    searches(&["--history"]);
    git(&sandbox, &["config", "diff.orderFile", "none"]);
    searches(&["--history", "--unreachable"]);
    // A file is missing: a partial clone would fetch it.
    let safe = ["-c", "core.fsmonitor=false"];
    let blob = git(&sandbox, &[&safe[..], &["rev-parse", "HEAD~1:gone.yaml"]].concat());
    let (start, rest) = blob.trim().split_at(2);
    let path = sandbox.work().join(".git/objects").join(start).join(rest);
    std::fs::remove_file(path).expect("removed");
    let said = searches(&["--history", "--unreachable"]);
    assert!(said.contains("objects are not in this clone"), "{said}");
}
