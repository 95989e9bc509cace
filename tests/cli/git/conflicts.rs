//! What stays a conflict, and how a person decides it.

use std::process::Command;

use rexpect::session::spawn_command;

use super::{FILE, Repository};
use crate::sandbox::{Run, Sandbox, own};
use crate::terminal::{answer, ends, see, session};

/// The line with the seal.
fn seal_line(text: &str) -> String {
    let line = text.lines().find(|line| line.contains("envcrypt.dev/seal:"));
    line.expect("a seal").to_owned()
}

#[test]
fn different_values_conflict_and_resolve_takes_sides() {
    let repository = Repository::with_secret(&["a=1", "b=1", "c=1"]);
    repository.diverge(
        |r| {
            r.set(FILE, "a", "ours");
            r.set(FILE, "b", "ours");
        },
        |r| {
            r.set(FILE, "a", "theirs");
            r.set(FILE, "b", "theirs");
            r.set(FILE, "c", "theirs");
        },
    );
    let run = repository.merge();
    repository.conflicts(&run, FILE);
    assert!(
        run.stderr
            .contains("error: `db.yaml`: both sides changed `a`, `b` of the Secret `prod/db`\n"),
        "{}",
        run.stderr
    );
    assert!(run.stderr.contains("kubectl envcrypt git resolve db.yaml"), "{}", run.stderr);
    let found = repository.run(["check", FILE]);
    assert!(found.stdout.contains("[merge-conflict]"), "{}", found.stdout);
    let error = repository.run(["git", "resolve", FILE]).fails(2);
    assert!(error.contains("there is no terminal to prompt"), "{error}");
    let error = repository.run(["git", "resolve", FILE, "--ours", "--theirs=x"]).fails(1);
    assert!(error.contains("no value with this key has a conflict: `x`"), "{error}");
    let run = repository.run(["git", "resolve", FILE, "--theirs=prod/db/b", "--ours"]).succeeds();
    assert_eq!(run.stdout, "db.yaml resolved: run `git add` for it\n");
    assert_eq!(repository.values(FILE), "a=ours\nb=theirs\nc=theirs\n");
    let error = repository.run(["git", "resolve", FILE, "--ours"]).fails(1);
    assert!(error.contains("has no conflict markers at a sealed value"), "{error}");
    repository.commit("merged");
    let error = repository.run(["git", "resolve", FILE, "--ours"]).fails(1);
    assert!(error.contains("Git has no conflict for `db.yaml`"), "{error}");
}

#[test]
fn on_a_terminal_resolve_prompts_for_each_conflict_without_echo() {
    let repository = Repository::with_secret(&["a=1", "b=1", "c=1"]);
    repository.diverge(
        |r| ["a", "b", "c"].iter().for_each(|key| r.set(FILE, key, "ours")),
        |r| {
            r.set(FILE, "a", "theirs");
            r.set(FILE, "b", "theirs");
            r.run(["unset", "-f", FILE, "c"]).succeeds();
        },
    );
    repository.conflicts(&repository.merge(), FILE);
    let mut session = session(&repository.sandbox, &["git", "resolve", FILE]);
    see(&mut session, "Both sides changed `a` of `prod/db`.");
    answer(&mut session, "[o/t/n]: ", "maybe");
    answer(&mut session, "[o/t/n]: ", "t");
    see(&mut session, "Both sides changed `b` of `prod/db`.");
    answer(&mut session, "[o/t/n]: ", "new");
    let mut seen = answer(&mut session, "b: ", "hunter2");
    seen += &answer(&mut session, "b (again): ", "hunter2");
    see(&mut session, "theirs  deleted");
    answer(&mut session, "[o/t/n]: ", "t");
    seen += &ends(session, 0);
    assert!(!seen.contains("hunter2"), "{seen}");
    assert_eq!(repository.values(FILE), "a=theirs\nb=hunter2\n");
}

#[test]
fn a_key_that_one_side_deleted_and_the_other_changed_is_a_conflict() {
    for (flag, values) in [("--ours", "b=1\n"), ("--theirs", "a=2\nb=1\n")] {
        let repository = Repository::with_secret(&["a=1", "b=1"]);
        repository.diverge(
            |r| {
                r.run(["unset", "-f", FILE, "a"]).succeeds();
            },
            |r| r.set(FILE, "a", "2"),
        );
        let run = repository.merge();
        repository.conflicts(&run, FILE);
        repository.run(["git", "resolve", FILE, flag]).succeeds();
        assert_eq!(repository.values(FILE), values);
    }
}

#[test]
fn a_secret_that_one_side_deleted_and_the_other_changed_is_left_to_the_person() {
    let config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n";
    let repository = Repository::with_secret(&["a=1"]);
    let secret = repository.read();
    repository.sandbox.write(FILE, format!("{config}---\n{secret}"));
    repository.commit("two objects");
    repository.diverge(
        |r| {
            r.sandbox.write(FILE, config);
        },
        |r| r.set(FILE, "a", "2"),
    );
    let run = repository.merge();
    let text = repository.conflicts(&run, FILE);
    assert!(text.contains("envcrypt.dev/seal"), "{text}");
    let error = repository.run(["git", "resolve", FILE, "--ours"]).fails(1);
    assert!(error.contains("hint: the other side deleted or renamed it"), "{error}");
    assert_eq!(repository.read(), text);
}

#[test]
fn lines_in_conflict_stay_so_while_the_secret_is_merged() {
    let repository = Repository::with_secret(&["a=1", "b=1"]);
    repository.edit(FILE, "apiVersion: v1\n", "# note\napiVersion: v1\n");
    repository.commit("a comment");
    for (name, key) in [("ours", "a"), ("theirs", "b")] {
        if name == "theirs" {
            repository.git(["checkout", "-q", "-b", "theirs", "HEAD~1"]).succeeds();
        }
        repository.edit(FILE, "# note", &format!("# {name}"));
        repository.set(FILE, key, "2");
        repository.commit(name);
    }
    repository.git(["checkout", "-q", "main"]).succeeds();
    let run = repository.merge();
    let text = repository.conflicts(&run, FILE);
    assert_eq!(text.matches("envcrypt.dev/seal:").count(), 1, "{text}");
    assert!(!run.stderr.contains("error: "), "{}", run.stderr);
    let kept = text.lines().filter(|line| !line.starts_with(['<', '=', '>', '#']));
    repository.sandbox.write(FILE, kept.map(|line| format!("{line}\n")).collect::<String>());
    assert_eq!(repository.values(FILE), "a=2\nb=2\n");
}

#[test]
fn resolve_keeps_other_conflicts_of_the_file() {
    let repository = Repository::with_secret(&["a=1", "b=1"]);
    repository.edit(FILE, "apiVersion: v1\n", "# note\n#\n#\n#\n#\napiVersion: v1\n");
    repository.commit("a comment");
    let change = |r: &Repository, name: &str| {
        r.edit(FILE, "# note", &format!("# {name}"));
        r.set(FILE, "a", name);
    };
    repository.diverge(|r| change(r, "ours"), |r| change(r, "theirs"));
    repository.conflicts(&repository.merge(), FILE);
    let error = repository.run(["git", "resolve", FILE, "--theirs"]).fails(1);
    assert!(error.contains("but other lines still have conflicts"), "{error}");
    let text = repository.read();
    assert!(
        text.starts_with("<<<<<<< ours\n# ours\n=======\n# theirs\n>>>>>>> theirs\n#\n"),
        "{text}"
    );
    assert_eq!(text.matches("envcrypt.dev/seal:").count(), 1, "{text}");
}

#[test]
fn several_secrets_of_a_file_merge_each_on_its_own() {
    let repository = Repository::with(&[]);
    let one = repository.sandbox.sealed(&["a=1", "b=1"]);
    let create = ["create", "web", "-n", "prod", "--kek=local", "--dry-run=client", "-oyaml"];
    let two = repository.run(create.iter().copied().chain(["--from-literal=a=1"])).succeeds();
    repository.sandbox.write(FILE, format!("{one}---\n{}", two.stdout));
    repository.commit("two");
    let set = |r: &Repository, name: &str, key: &str, value: &str| {
        let text = r.read();
        let (one, two) = text.split_once("---\n").expect("two");
        let file = if name == "db" { one } else { two };
        r.sandbox.write("part.yaml", file);
        r.set("part.yaml", key, value);
        let new = r.sandbox.read("part.yaml");
        std::fs::remove_file(r.sandbox.work().join("part.yaml")).expect("removed");
        r.sandbox.write(FILE, text.replace(file, &new));
    };
    repository.diverge(
        |r| {
            set(r, "db", "a", "2");
            set(r, "web", "a", "ours");
        },
        |r| {
            set(r, "db", "b", "2");
            set(r, "web", "a", "theirs");
        },
    );
    let run = repository.merge();
    let text = repository.conflicts(&run, FILE);
    let (db, web) = text.split_once("---\n").expect("two");
    assert!(!db.contains("<<<<<<<") && web.contains("<<<<<<<"), "{text}");
    assert!(run.stderr.contains("`a` of the Secret `prod/web`") && !run.stderr.contains("prod/db"));
    repository.run(["git", "resolve", FILE, "--theirs=prod/web/a"]).succeeds();
    repository.run(["unwrap", "-f", FILE]).succeeds();
}

#[test]
fn a_type_that_both_sides_changed_is_a_conflict() {
    let repository = Repository::with_secret(&["username=u", "password=p"]);
    let again = |r: &Repository, kind: &str| {
        let fixed = ["create", "db", "-n", "prod", "--kek=local", "--dry-run=client", "-oyaml"];
        let more = ["--from-literal=username=u", "--from-literal=password=p", "--type", kind];
        let yaml = r.run(fixed.iter().chain(&more).copied()).succeeds().stdout;
        r.sandbox.write(FILE, yaml);
    };
    repository.diverge(|r| again(r, "example.com/a"), |r| again(r, "example.com/b"));
    let run = repository.merge();
    repository.conflicts(&run, FILE);
    assert!(run.stderr.contains("both sides changed the type of the Secret"), "{}", run.stderr);
    repository.run(["git", "resolve", FILE, "--theirs"]).succeeds();
    let plain = repository.run(["unwrap", "-f", FILE]).succeeds().stdout;
    assert!(plain.contains("type: example.com/b\n"), "{plain}");
    repository.commit("merged");
    // `Opaque` is written nowhere, and `immutable` only if it is true.
    repository.git(["branch", "-q", "-D", "theirs"]).succeeds();
    repository.diverge(|r| again(r, "example.com/c"), |r| again(r, "Opaque"));
    repository.conflicts(&repository.merge(), FILE);
    repository.run(["git", "resolve", FILE, "--theirs"]).succeeds();
    let plain = repository.run(["unwrap", "-f", FILE]).succeeds().stdout;
    assert!(plain.contains("type: Opaque\n"), "{plain}");
}

/// Only the text of the common version has conflicts, for example after a crosswise merge.
#[test]
fn a_base_that_is_no_manifest_is_no_reason_to_guess() {
    let sandbox = Sandbox::with_local_key();
    let base = sandbox.sealed(&["a=1", "b=1"]);
    sandbox.write("ours.yaml", &base);
    sandbox.write("theirs.yaml", &base);
    sandbox.write("base.yaml", "a: [b\n");
    let merge = ["git", "merge", "--path=db.yaml", "base.yaml", "ours.yaml", "theirs.yaml"];
    sandbox.run(merge).succeeds();
    sandbox.run(["unset", "-f", "ours.yaml", "a"]).succeeds();
    let error = sandbox.run(merge).fails(1);
    assert!(error.contains("`db.yaml`: both sides changed `a`"), "{error}");
    // It was deleted, or added: nobody knows.
    assert!(sandbox.read("ours.yaml").contains("<<<<<<< ours\n"));
}

#[test]
fn a_kek_that_only_the_other_branch_names_gets_no_data_key_without_a_consent() {
    let thief = Sandbox::with_local_key();
    let kek = own(&thief);
    let repository = Repository::with_secret(&["a=1", "b=1"]);
    repository.diverge(
        |r| r.set(FILE, "a", "2"),
        |r| {
            r.run(["rewrap", "-f", FILE, "--add", &kek]).succeeds();
            // The person's machine does not know it.
            r.run(["kek", "trust", "--remove", &kek]).succeeds();
        },
    );
    let run = repository.merge();
    let text = repository.conflicts(&run, FILE);
    assert!(run.stderr.contains("itself names the KEK"), "{}", run.stderr);
    let ours = repository.git(["show", "main:db.yaml"]).succeeds().stdout;
    for line in ours.lines() {
        assert!(text.contains(line), "a side was lost");
    }
    let error = repository.run(["git", "resolve", FILE]).fails(1);
    assert!(error.contains("itself names the KEK"), "{error}");
    assert_eq!(repository.read(), text);
    repository.run(["kek", "trust", "--seal", "-n", "prod", &kek]).succeeds();
    repository.run(["git", "resolve", FILE]).succeeds();
    assert_eq!(repository.values(FILE), "a=2\nb=1\n");
}

#[test]
fn on_a_terminal_the_driver_prompts_for_the_consent() {
    for (typed, code) in [("n", 1), ("y", 0)] {
        let other = Sandbox::with_local_key();
        let kek = own(&other);
        let repository = Repository::with_secret(&["a=1", "b=1"]);
        repository.diverge(
            |r| r.set(FILE, "a", "2"),
            |r| {
                r.run(["rewrap", "-f", FILE, "--add", &kek]).succeeds();
                r.run(["kek", "trust", "--remove", &kek]).succeeds();
            },
        );
        let template = repository.sandbox.command();
        let mut command = Command::new("git");
        command.args(["merge", "-m", "merged", "theirs"]).current_dir(repository.sandbox.work());
        command.env_clear();
        for (name, value) in template.get_envs() {
            command.env(name, value.unwrap_or_default());
        }
        let mut session = spawn_command(command, Some(20_000)).expect("a terminal");
        see(&mut session, "seal new values of this Secret to this KEK?");
        answer(&mut session, "go ahead [y/N]: ", typed);
        ends(session, code);
        let opened = other.pipe(repository.read(), ["unwrap", "-f", "-", "-oenv"]);
        assert_eq!(opened.code == Some(0), typed == "y", "{}", opened.stderr);
    }
}

#[test]
fn a_side_whose_seal_does_not_match_becomes_a_conflict() {
    for tampered in ["ours", "theirs"] {
        let repository = Repository::with_secret(&["a=1", "b=1", "c=1"]);
        let old = repository.read();
        let tamper = |r: &Repository| {
            // A value of before, under the old seal.
            r.set(FILE, "a", "2");
            let (text, seal) = (r.read(), seal_line(&old));
            let new = seal_line(&text);
            r.sandbox.write(FILE, text.replace(&new, &seal));
        };
        let change = |r: &Repository| r.set(FILE, "c", "2");
        match tampered {
            "ours" => repository.diverge(tamper, change),
            _ => repository.diverge(change, tamper),
        }
        let run = repository.merge();
        repository.conflicts(&run, FILE);
        assert!(run.stderr.contains("changed after it was sealed"), "{}", run.stderr);
        assert_eq!(run.stderr.matches("error: ").count(), 1, "{}", run.stderr);
    }
}

#[test]
fn without_the_identity_nothing_is_lost_and_resolve_goes_on_later() {
    let repository = Repository::with_secret(&["a=1", "b=1"]);
    repository.diverge(|r| r.set(FILE, "a", "2"), |r| r.set(FILE, "b", "2"));
    let identities = repository.sandbox.config().join("identities");
    let aside = identities.with_extension("aside");
    std::fs::rename(&identities, &aside).expect("moved");
    let run = repository.merge();
    let text = repository.conflicts(&run, FILE);
    for side in ["main", "theirs"] {
        let side = repository.git(["show", &format!("{side}:db.yaml")]).succeeds().stdout;
        assert!(side.lines().all(|line| text.contains(line)));
    }
    std::fs::rename(&aside, &identities).expect("moved");
    repository.run(["git", "resolve", FILE]).succeeds();
    assert_eq!(repository.values(FILE), "a=2\nb=2\n");
}

#[test]
fn resolve_works_from_a_subdirectory() {
    let repository = Repository::new();
    let yaml = repository.sandbox.sealed(&["a=1"]);
    repository.sandbox.write("deep/my db.yaml", &yaml);
    repository.run(["git", "install"]).succeeds();
    repository.commit("base");
    let file = "deep/my db.yaml";
    repository.diverge(|r| r.set(file, "a", "2"), |r| r.set(file, "a", "3"));
    let run = repository.merge();
    assert!(run.stderr.contains("git resolve 'deep/my db.yaml'"), "{}", run.stderr);
    let mut command = repository.sandbox.command();
    command.current_dir(repository.sandbox.work().join("deep"));
    let output = command.args(["git", "resolve", "my db.yaml", "--theirs"]).output().expect("run");
    Run::from(output).succeeds();
    assert_eq!(repository.values(file), "a=3\n");
}

#[test]
fn without_git_both_sides_are_in_the_file() {
    let sandbox = Sandbox::with_local_key();
    let base = sandbox.sealed(&["a=1", "b=1"]);
    ["base", "ours", "theirs"].iter().for_each(|name| drop(sandbox.write(name, &base)));
    sandbox.pipe("2", ["set", "-f", "ours", "--from-stdin", "a"]).succeeds();
    sandbox.pipe("2", ["set", "-f", "theirs", "--from-stdin", "b"]).succeeds();
    let (ours, theirs) = (sandbox.read("ours"), sandbox.read("theirs"));
    let sandbox = sandbox.env("PATH", "/nowhere");
    let run = sandbox.run(["git", "merge", "--marker-size=9", "base", "ours", "theirs"]);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    let expected = format!("<<<<<<<<< ours\n{ours}=========\n{theirs}>>>>>>>>> theirs\n");
    assert_eq!(sandbox.read("ours"), expected);
}

/// A branch with a whole older version, which has a valid seal, and a change of the other branch.
fn rolled_back() -> Repository {
    let repository = Repository::with_secret(&["password=leaked", "user=1"]);
    repository.set(FILE, "password", "fresh");
    repository.commit("a new password");
    let older = repository.git(["show", "HEAD~1:db.yaml"]).succeeds().stdout;
    repository.diverge(
        |r| r.set(FILE, "user", "2"),
        |r| {
            r.sandbox.write(FILE, &older);
        },
    );
    repository
}

#[test]
fn a_side_that_brings_an_older_version_back_is_a_conflict() {
    let repository = rolled_back();
    let run = repository.merge();
    repository.conflicts(&run, FILE);
    let said = "their version of `prod/db` was sealed before the common version";
    assert!(run.stderr.contains(said), "{}", run.stderr);
    let run = repository.run(["git", "resolve", FILE]);
    assert!(run.code == Some(2) && run.stderr.contains(said), "{}", run.stderr);
    assert!(run.stderr.contains("both sides changed `password`"), "{}", run.stderr);
    let run =
        repository.run(["git", "resolve", FILE, "--ours=password", "--theirs=user"]).succeeds();
    assert!(run.stderr.contains(said), "{}", run.stderr);
    assert_eq!(repository.values(FILE), "password=fresh\nuser=1\n");
    // The same from the other branch.
    let repository = rolled_back();
    repository.git(["checkout", "-q", "theirs"]).succeeds();
    let run = repository.git(["merge", "-m", "merged", "main"]);
    repository.conflicts(&run, FILE);
    let said = "our version of `prod/db` was sealed before the common version";
    assert!(run.stderr.contains(said), "{}", run.stderr);
}

#[test]
fn a_kek_that_one_side_removed_does_not_come_back_where_both_sides_added_the_file() {
    let kek = own(&Sandbox::with_local_key());
    let repository = Repository::with(&[]);
    let yaml = repository.sandbox.sealed(&["a=1"]);
    repository.run(["kek", "trust", "--seal", "-n", "prod", &kek]).succeeds();
    let create = |r: &Repository| drop(r.sandbox.write(FILE, &yaml));
    repository.diverge(
        |r| {
            create(r);
            r.set(FILE, "b", "1");
        },
        |r| {
            create(r);
            r.run(["rewrap", "-f", FILE, "--add", &kek]).succeeds();
        },
    );
    let run = repository.merge();
    repository.conflicts(&run, FILE);
    assert!(run.stderr.contains("have different KEKs"), "{}", run.stderr);
}

#[test]
fn resolve_keeps_other_conflicts_whatever_style_git_has() {
    for style in ["diff3", "zdiff3"] {
        let repository = Repository::with_secret(&["a=1", "b=1"]);
        repository.git(["config", "merge.conflictStyle", style]).succeeds();
        repository.edit(FILE, "apiVersion: v1\n", "# note\n#\n#\n#\n#\napiVersion: v1\n");
        repository.commit("a comment");
        let change = |r: &Repository, name: &str| {
            r.edit(FILE, "# note", &format!("# {name}"));
            r.set(FILE, "a", name);
        };
        repository.diverge(|r| change(r, "ours"), |r| change(r, "theirs"));
        let text = repository.conflicts(&repository.merge(), FILE);
        assert!(text.contains("||||||| base\n"), "{text}");
        let error = repository.run(["git", "resolve", FILE, "--theirs"]).fails(1);
        assert!(error.contains("but other lines still have conflicts"), "{error}");
        let text = repository.read();
        let start = "<<<<<<< ours\n# ours\n=======\n# theirs\n>>>>>>> theirs\n#\n";
        assert!(text.starts_with(start), "{style}: {text}");
        assert_eq!(text.matches("envcrypt.dev/seal:").count(), 1, "{text}");
    }
}

/// A ConfigMap whose lines Git cannot merge with those of another one.
fn config(value: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c\ndata:\n  x: {value}\n")
}

#[test]
fn a_secret_that_both_sides_added_at_two_places_is_in_the_conflict() {
    let repository = Repository::with(&[(FILE, &config("base"))]);
    let (one, two) = (repository.sandbox.sealed(&["a=1"]), repository.sandbox.sealed(&["a=2"]));
    repository.diverge(
        |r| drop(r.sandbox.write(FILE, format!("{one}---\n{}", config("ours")))),
        |r| drop(r.sandbox.write(FILE, format!("{}---\n{two}", config("theirs")))),
    );
    let run = repository.merge();
    let text = repository.conflicts(&run, FILE);
    for (side, secret, other) in [(true, &one, &two), (false, &two, &one)] {
        let mut part = None;
        let lines = text.lines().filter(|line| {
            match line.get(..7) {
                Some("<<<<<<<") => part = Some(true),
                Some("=======") => part = Some(false),
                Some(">>>>>>>") => part = None,
                _ => return part.is_none_or(|part| part == side),
            }
            false
        });
        let lines: Vec<_> = lines.collect();
        assert!(lines.contains(&&*seal_line(secret)), "{text}");
        assert!(!lines.contains(&&*seal_line(other)), "{text}");
    }
    // A third one, before the conflict: it is not clear which one is meant.
    let twice = format!("{two}---\n{text}");
    repository.sandbox.write(FILE, &twice);
    let error = repository.run(["git", "resolve", FILE, "--ours"]).fails(1);
    assert!(error.contains("has no conflict markers at a sealed value"), "{error}");
    assert_eq!(repository.read(), twice);
}

#[test]
fn the_size_of_markers_has_limits() {
    for (attribute, size) in [("4", 7), ("300000000", 100), ("12", 12)] {
        let repository = Repository::with_secret(&["a=1"]);
        let line = format!("*.yaml conflict-marker-size={attribute}\n");
        let attributes = repository.sandbox.read(".gitattributes") + &line;
        repository.sandbox.write(".gitattributes", attributes);
        repository.commit("markers");
        repository.diverge(|r| r.set(FILE, "a", "2"), |r| r.set(FILE, "a", "3"));
        assert_eq!(repository.merge().code, Some(1));
        assert!(repository.read().contains(&format!("\n{} ours\n", "<".repeat(size))));
        assert!(repository.run(["check", FILE]).stdout.contains("[merge-conflict]"));
        repository.run(["git", "resolve", FILE, "--theirs"]).succeeds();
        assert_eq!(repository.values(FILE), "a=3\n");
    }
}
