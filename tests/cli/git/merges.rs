//! Merges without a conflict.

use super::{FILE, Repository};
use crate::sandbox::{Sandbox, own};
use crate::sealed;

#[test]
fn keys_that_each_side_changed_merge_also_where_they_are_neighbours() {
    let repository = Repository::with_secret(&["a=1", "b=1", "c=1", "d=1"]);
    repository.diverge(
        |r| {
            r.set(FILE, "a", "ours");
            r.set(FILE, "zz", "new");
            r.run(["unset", "-f", FILE, "d"]).succeeds();
        },
        |r| {
            r.set(FILE, "b", "theirs");
            r.set(FILE, "aa", "new too");
        },
    );
    let before = repository.read();
    repository.merge().succeeds();
    assert_eq!(repository.values(FILE), "a=ours\naa=new too\nb=theirs\nc=1\nzz=new\n");
    let after = repository.read();
    for key in ["a", "c", "zz"] {
        assert_eq!(sealed::value(&after, key), sealed::value(&before, key), "bytes stay");
    }
    repository.run(["check", FILE]).succeeds();
    repository.git(["diff", "--exit-code", "HEAD"]).succeeds();
}

#[test]
fn a_change_of_one_side_needs_no_kek() {
    let repository = Repository::with_secret(&["a=1", "b=1"]);
    repository.diverge(
        |r| r.edit(FILE, "metadata:\n", "metadata:\n  labels: {app: web}\n"),
        |r| r.set(FILE, "a", "2"),
    );
    std::fs::remove_dir_all(repository.sandbox.config().join("identities")).expect("removed");
    repository.merge().succeeds();
    let (merged, theirs) =
        (repository.read(), repository.git(["show", "theirs:db.yaml"]).succeeds().stdout);
    assert_eq!(merged.replace("  labels: {app: web}\n", ""), theirs);
}

#[test]
fn the_same_new_value_on_both_sides_is_no_conflict_and_keeps_its_birth() {
    let repository = Repository::with_secret(&["a=1", "b=1"]);
    repository.diverge(|r| r.set(FILE, "a", "2"), |r| r.set(FILE, "a", "2"));
    repository.merge().succeeds();
    assert_eq!(repository.values(FILE), "a=2\nb=1\n");
}

#[test]
fn a_rotation_of_one_side_does_not_conflict_with_a_new_value_of_the_other() {
    let repository = Repository::with_secret(&["a=1", "b=1", "c=1"]);
    let born = sealed::header(&sealed::value(&repository.read(), "b"))["iat"].clone();
    repository.diverge(
        |r| {
            r.run(["rotate", "-f", FILE]).succeeds();
        },
        |r| {
            r.set(FILE, "a", "2");
            r.run(["unset", "-f", FILE, "c"]).succeeds();
        },
    );
    repository.merge().succeeds();
    assert_eq!(repository.values(FILE), "a=2\nb=1\n");
    let header = sealed::header(&sealed::value(&repository.read(), "b"));
    assert_eq!(header.get("born").unwrap_or(&header["iat"]), &born);
}

/// Moves the line of a key to the place before another one.
fn move_key(repository: &Repository, key: &str, before: &str) {
    let text = repository.read();
    let line = |key: &str| {
        let line = text.lines().find(|line| line.starts_with(&format!("  {key}: ")));
        line.map(|line| format!("{line}\n")).expect("a key")
    };
    let (moved, before) = (line(key), line(before));
    let text = text.replace(&moved, "").replace(&before, &format!("{moved}{before}"));
    repository.sandbox.write(FILE, text);
}

#[test]
fn new_keys_may_stand_anywhere() {
    let merged = |ours: [&str; 3], theirs: [&str; 3]| {
        let repository = Repository::with_secret(&["a=1", "b=1"]);
        let add = |r: &Repository, [key, value, before]: [&str; 3]| {
            r.set(FILE, key, value);
            move_key(r, key, before);
        };
        repository.diverge(|r| add(r, ours), |r| add(r, theirs));
        repository.merge().succeeds();
        repository.values(FILE)
    };
    assert_eq!(merged(["zz", "1", "a"], ["yy", "1", "b"]), "a=1\nb=1\nyy=1\nzz=1\n");
    // The same key at two places of the text must not be there twice.
    assert_eq!(merged(["zz", "1", "a"], ["zz", "1", "b"]), "a=1\nb=1\nzz=1\n");
}

#[test]
fn a_secret_that_both_sides_added_has_the_keys_of_both() {
    let repository = Repository::with(&[("other.yaml", "a: b\n")]);
    let create = |r: &Repository, pairs: &[&str]| {
        let yaml = r.sandbox.sealed(pairs);
        r.sandbox.write(FILE, yaml);
    };
    repository
        .diverge(|r| create(r, &["same=1", "ours=1"]), |r| create(r, &["same=1", "theirs=1"]));
    repository.merge().succeeds();
    assert_eq!(repository.values(FILE), "ours=1\nsame=1\ntheirs=1\n");
}

#[test]
fn types_and_comments_and_other_objects_merge_beside_the_values() {
    let repository = Repository::with_secret(&["a=1", "b=1"]);
    let config = "# settings\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c\ndata:\n  x: one\n  y: one\n---\n";
    repository.sandbox.write(FILE, config.to_owned() + &repository.read());
    repository.commit("two objects");
    repository.diverge(
        |r| {
            r.set(FILE, "a", "2");
            r.edit(FILE, "  x: one", "  # ours\n  x: two");
        },
        |r| {
            r.set(FILE, "b", "2");
            r.edit(FILE, "kind: Secret\n", "kind: Secret # theirs\n");
        },
    );
    repository.merge().succeeds();
    let text = repository.read();
    assert!(text.contains("  # ours\n  x: two\n") && text.contains("kind: Secret # theirs\n"));
    assert_eq!(repository.values(FILE), "a=2\nb=2\n");
}

#[test]
fn a_new_type_and_immutable_of_one_side_stay_with_the_values_of_the_other() {
    let repository = Repository::with_secret(&["username=u", "password=p"]);
    let again = |r: &Repository, more: &[&str], times: usize| {
        let fixed = ["create", "db", "-n", "prod", "--kek=local", "--dry-run=client", "-oyaml"];
        let pairs = ["--from-literal=username=u", "--from-literal=password=p"];
        let yaml = r.run(fixed.iter().chain(&pairs).chain(more).copied()).succeeds().stdout;
        r.sandbox.write(FILE, yaml);
        // Later than the common version, also within the same second.
        for _ in 0..times {
            r.run(["rotate", "-f", FILE]).succeeds();
        }
    };
    for (more, kind, key, times) in [
        (
            &["--type=kubernetes.io/basic-auth", "--immutable"][..],
            "kubernetes.io/basic-auth",
            "a",
            3,
        ),
        (&[][..], "Opaque", "b", 10),
    ] {
        repository.diverge(|r| r.set(FILE, key, "1"), |r| again(r, more, times));
        repository.merge().succeeds();
        repository.git(["branch", "-q", "-D", "theirs"]).succeeds();
        let plain = repository.run(["unwrap", "-f", FILE]).succeeds().stdout;
        assert!(plain.contains(&format!("type: {kind}\n")), "{plain}");
        assert_eq!(plain.contains("immutable: true"), kind != "Opaque", "{plain}");
        assert!(plain.contains(&format!("  {key}: MQ==\n")), "{plain}");
    }
}

#[test]
fn json_and_lists_merge_too() {
    let repository = Repository::new();
    let yaml = repository.sandbox.sealed(&["a=1", "b=1"]);
    let object: serde_json::Value = serde_yaml::from_str(&yaml).expect("YAML");
    let list = serde_json::json!({ "apiVersion": "v1", "kind": "List", "items": [object] });
    for name in ["one.json", "list.json"] {
        let object = if name == "one.json" { &list["items"][0] } else { &list };
        repository.sandbox.write(name, serde_json::to_string_pretty(object).expect("JSON") + "\n");
    }
    repository.run(["git", "install"]).succeeds();
    repository.commit("base");
    let set = |r: &Repository, key: &str| {
        for file in ["one.json", "list.json"] {
            r.set(file, key, "2");
        }
    };
    repository.diverge(|r| set(r, "a"), |r| set(r, "b"));
    repository.merge().succeeds();
    for file in ["one.json", "list.json"] {
        assert_eq!(repository.values(file), "a=2\nb=2\n");
    }
}

#[test]
fn resources_merge_as_secrets_do() {
    let repository = Repository::with_secret(&["a=1", "b=1"]);
    repository.run(["convert", "-i", "-f", FILE, "--to=envcryptsecret"]).succeeds();
    assert!(repository.read().contains("kind: EnvcryptSecret"));
    repository.commit("a resource");
    repository.diverge(|r| r.set(FILE, "a", "2"), |r| r.set(FILE, "b", "2"));
    repository.merge().succeeds();
    assert!(repository.read().contains("kind: EnvcryptSecret"));
    assert_eq!(repository.values(FILE), "a=2\nb=2\n");
}

#[test]
fn line_breaks_of_windows_stay() {
    let repository = Repository::with_secret(&["a=1", "b=1"]);
    repository.sandbox.write(FILE, repository.read().replace('\n', "\r\n"));
    repository.commit("CRLF");
    repository.diverge(|r| r.set(FILE, "a", "2"), |r| r.set(FILE, "b", "2"));
    repository.merge().succeeds();
    let text = repository.read();
    assert_eq!(text.matches('\n').count(), text.matches("\r\n").count());
    assert_eq!(repository.values(FILE), "a=2\nb=2\n");
}

#[test]
fn keks_that_one_side_added_get_the_values_of_the_other() {
    let other = Sandbox::with_local_key();
    let kek = own(&other);
    let repository = Repository::with_secret(&["a=1", "b=1"]);
    repository.run(["kek", "trust", "--seal", "-n", "prod", &kek]).succeeds();
    repository.diverge(
        |r| {
            r.run(["rewrap", "-f", FILE, "--add", &kek]).succeeds();
        },
        |r| r.set(FILE, "a", "2"),
    );
    repository.merge().succeeds();
    let text = repository.read();
    assert_eq!(other.pipe(&text, ["unwrap", "-f", "-", "-oenv"]).succeeds().stdout, "a=2\nb=1\n");
    // And removed again, on a branch that does not know it.
    repository.git(["branch", "-D", "theirs"]).succeeds();
    repository.diverge(
        |r| r.set(FILE, "b", "2"),
        |r| {
            r.run(["rewrap", "-f", FILE, "--remove", &kek]).succeeds();
        },
    );
    repository.merge().succeeds();
    assert_eq!(repository.values(FILE), "a=2\nb=2\n");
    let run = other.pipe(repository.read(), ["unwrap", "-f", "-", "-oenv"]);
    assert_eq!(run.code, Some(1), "{}", run.stdout);
}

#[test]
fn rebase_cherry_pick_and_stash_pop_merge_too() {
    let diverged = || {
        let repository = Repository::with_secret(&["a=1", "b=1"]);
        repository.diverge(|r| r.set(FILE, "a", "2"), |r| r.set(FILE, "b", "2"));
        repository
    };
    let repository = diverged();
    repository.git(["rebase", "-q", "theirs"]).succeeds();
    assert_eq!(repository.values(FILE), "a=2\nb=2\n");
    let repository = diverged();
    repository.git(["cherry-pick", "theirs"]).succeeds();
    assert_eq!(repository.values(FILE), "a=2\nb=2\n");
    let repository = Repository::with_secret(&["a=1", "b=1"]);
    repository.set(FILE, "a", "2");
    repository.git(["stash", "-q"]).succeeds();
    repository.set(FILE, "b", "2");
    repository.commit("ours");
    repository.git(["stash", "pop"]).succeeds();
    assert_eq!(repository.values(FILE), "a=2\nb=2\n");
}

#[test]
fn linked_work_trees_subdirectories_and_odd_names_work() {
    let repository = Repository::new();
    let yaml = repository.sandbox.sealed(&["a=1", "b=1"]);
    let names = ["deep/down/it's a \"file\".yaml", "-x.yaml", "[é*].yaml"];
    for name in names {
        repository.sandbox.write(name, &yaml);
    }
    repository.run(["git", "install"]).succeeds();
    repository.commit("base");
    let change = |r: &Repository, key: &str| {
        for name in names {
            r.set(&format!("./{name}"), key, "2");
        }
    };
    repository.diverge(|r| change(r, "a"), |r| change(r, "b"));
    let linked = repository.sandbox.work().join("../linked");
    let path = linked.to_str().expect("UTF-8");
    repository.git(["worktree", "add", "-q", "-b", "other", path, "main"]).succeeds();
    repository.git_in(&linked.join("deep/down"), ["merge", "-m", "x", "theirs"]).succeeds();
    for name in names {
        let file = format!("../linked/{name}");
        assert_eq!(repository.values(&file), "a=2\nb=2\n", "{name}");
    }
}

#[test]
fn a_common_version_with_conflicts_still_tells_who_changed_what() {
    // Two branches that merged each other crosswise have two common versions.
    let repository = Repository::with_secret(&["a=1", "b=1", "c=1"]);
    repository.diverge(|r| r.set(FILE, "a", "2"), |r| r.set(FILE, "b", "2"));
    repository.git(["branch", "ours-1"]).succeeds();
    repository.git(["branch", "theirs-1", "theirs"]).succeeds();
    repository.git(["merge", "-q", "-m", "x", "theirs-1"]).succeeds();
    repository.git(["checkout", "-q", "theirs"]).succeeds();
    repository.git(["merge", "-q", "-m", "y", "ours-1"]).succeeds();
    repository.run(["unset", "-f", FILE, "c"]).succeeds();
    repository.commit("theirs again");
    repository.git(["checkout", "-q", "main"]).succeeds();
    repository.set(FILE, "d", "3");
    repository.commit("ours again");
    repository.merge().succeeds();
    assert_eq!(repository.values(FILE), "a=2\nb=2\nd=3\n");
    // A value of only one of them is a decision.
    repository.git(["reset", "-q", "--hard", "HEAD~1"]).succeeds();
    repository.set(FILE, "a", "3");
    repository.commit("and again");
    let run = repository.merge();
    assert!(run.stderr.contains("both sides changed `a` of"), "{}", run.stderr);
}

#[test]
fn files_without_sealed_values_merge_as_git_merges_them() {
    let text = "a: 1\nb: 1\nc: 1\nd: 1\ne: 1\n";
    let repository = Repository::with(&[("values.yaml", text), ("chart.yaml", "{{ if x }}\n")]);
    repository.sandbox.write("bytes.yaml", b"\xff\x00one");
    repository.commit("bytes");
    repository.diverge(
        |r| {
            r.edit("values.yaml", "a: 1", "a: 2");
            r.edit("chart.yaml", "x", "ours");
            r.sandbox.write("bytes.yaml", b"\xff\x00two");
        },
        |r| {
            r.edit("values.yaml", "e: 1", "e: 2");
            r.edit("chart.yaml", "x", "theirs");
            r.sandbox.write("bytes.yaml", b"\xff\x00three");
        },
    );
    let run = repository.merge();
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert!(!run.stderr.contains("error: "), "{}", run.stderr);
    assert_eq!(repository.sandbox.read("values.yaml"), "a: 2\nb: 1\nc: 1\nd: 1\ne: 2\n");
    repository.conflicts(&run, "chart.yaml");
    let bytes = std::fs::read(repository.sandbox.work().join("bytes.yaml")).expect("there");
    assert_eq!(bytes, b"\xff\x00two");
}

/// For tools that have no drivers, such as jj: the result goes to another file.
#[test]
fn three_files_merge_into_a_fourth() {
    let sandbox = Sandbox::with_local_key();
    let base = sandbox.sealed(&["a=1", "b=1"]);
    for name in ["base.yaml", "left.yaml", "right.yaml"] {
        sandbox.write(name, &base);
    }
    let set = |file: &str, key: &str, value: &str| {
        sandbox.pipe(value, ["set", "-f", file, "--from-stdin", key]).succeeds();
    };
    set("left.yaml", "a", "2");
    set("right.yaml", "b", "2");
    let left = sandbox.read("left.yaml");
    let merge = ["git", "merge", "base.yaml", "left.yaml", "right.yaml", "-o", "out.yaml"];
    sandbox.run(merge).succeeds();
    let values = sandbox.run(["unwrap", "-f", "out.yaml", "-oenv"]).succeeds().stdout;
    assert_eq!(values, "a=2\nb=2\n");
    assert_eq!(sandbox.read("left.yaml"), left);
    set("right.yaml", "a", "3");
    let error = sandbox.run(merge).fails(1);
    assert!(error.contains("both sides changed `a`"), "{error}");
    assert!(sandbox.read("out.yaml").contains("||||||| base\n"));
}
