//! Git itself, with the drivers of this plugin: each test merges real branches.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::sandbox::{PROGRAM, Run, Sandbox, own};
use crate::sealed;
use crate::terminal::{answer, ends, see, session};

const FILE: &str = "db.yaml";

/// A repository with the drivers, in the work directory of a sandbox.
struct Repository {
    sandbox: Sandbox,
}

impl Repository {
    fn new() -> Self {
        let sandbox = Sandbox::new();
        let home = sandbox.work().parent().expect("a home").to_owned();
        let bin = home.join("bin");
        std::fs::create_dir(&bin).expect("made");
        std::os::unix::fs::symlink(PROGRAM, bin.join("kubectl-envcrypt")).expect("linked");
        let mut path = vec![bin];
        path.extend(std::env::split_paths(&std::env::var_os("PATH").expect("a path")));
        let path = std::env::join_paths(path).expect("a path").into_string().expect("UTF-8");
        let sandbox = sandbox
            .env("PATH", path)
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_AUTHOR_NAME", "A")
            .env("GIT_AUTHOR_EMAIL", "a@example.com")
            .env("GIT_COMMITTER_NAME", "A")
            .env("GIT_COMMITTER_EMAIL", "a@example.com");
        sandbox.run(["kek", "new"]).succeeds();
        let repository = Self { sandbox };
        repository.git(["init", "-q", "-b", "main"]).succeeds();
        repository
    }

    /// With a file that is committed, and the drivers for it.
    fn with(files: &[(&str, &str)]) -> Self {
        let repository = Self::new();
        for (name, text) in files {
            repository.sandbox.write(name, text);
        }
        repository.run(["git", "install", "--pattern", "*.yaml"]).succeeds();
        repository.commit("base");
        repository
    }

    /// With one Secret, in `db.yaml`.
    fn with_secret(pairs: &[&str]) -> Self {
        let repository = Self::new();
        let yaml = repository.sandbox.sealed(pairs);
        repository.sandbox.write(FILE, yaml);
        repository.run(["git", "install"]).succeeds();
        repository.commit("base");
        repository
    }

    fn git<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Run {
        self.git_in(&self.sandbox.work(), args)
    }

    fn git_in<'a>(&self, directory: &Path, args: impl IntoIterator<Item = &'a str>) -> Run {
        let template = self.sandbox.command();
        // No terminal: a driver must not prompt.
        let mut command = Command::new("setsid");
        command.args(["-w", "git"]).args(args).current_dir(directory).env_clear();
        for (name, value) in template.get_envs() {
            command.env(name, value.unwrap_or_default());
        }
        Run::from(command.output().expect("git starts"))
    }

    fn run<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Run {
        self.sandbox.run(args)
    }

    fn commit(&self, message: &str) {
        self.git(["add", "-A"]).succeeds();
        self.git(["commit", "-q", "-m", message]).succeeds();
    }

    fn set(&self, file: &str, key: &str, value: &str) {
        self.sandbox.pipe(value, ["set", "-f", file, "--from-stdin", key]).succeeds();
    }

    /// Makes both branches: `theirs` with one change, `main` with the other.
    fn diverge(&self, ours: impl Fn(&Self), theirs: impl Fn(&Self)) {
        self.git(["checkout", "-q", "-b", "theirs"]).succeeds();
        theirs(self);
        self.commit("theirs");
        self.git(["checkout", "-q", "main"]).succeeds();
        ours(self);
        self.commit("ours");
    }

    fn merge(&self) -> Run {
        self.git(["merge", "-m", "merged", "theirs"])
    }

    fn values(&self, file: &str) -> String {
        self.run(["unwrap", "-f", file, "-oenv"]).succeeds().stdout
    }

    fn read(&self) -> String {
        self.sandbox.read(FILE)
    }

    fn edit(&self, file: &str, from: &str, to: &str) {
        let text = self.sandbox.read(file);
        assert!(text.contains(from), "{text}");
        self.sandbox.write(file, text.replace(from, to));
    }

    /// The merge must have left a conflict, and both sides must be in the file.
    #[track_caller]
    fn conflicts(&self, run: &Run, file: &str) -> String {
        assert_eq!(run.code, Some(1), "{}{}", run.stdout, run.stderr);
        assert!(run.stdout.contains(&format!("Merge conflict in {file}")), "{}", run.stdout);
        let text = self.sandbox.read(file);
        for mark in ["<<<<<<< ours\n", "=======\n", ">>>>>>> theirs\n"] {
            assert!(text.replace('\r', "").contains(mark), "{text}");
        }
        text
    }
}

/// The line with the seal.
fn seal_line(text: &str) -> String {
    let line = text.lines().find(|line| line.contains("envcrypt.dev/seal:"));
    line.expect("a seal").to_owned()
}

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
fn a_new_type_and_immutable_of_one_side_stay_with_the_values_of_the_other() {
    let repository = Repository::with_secret(&["username=u", "password=p"]);
    let again = |r: &Repository, more: &[&str]| {
        let fixed = ["create", "db", "-n", "prod", "--kek=local", "--dry-run=client", "-oyaml"];
        let pairs = ["--from-literal=username=u", "--from-literal=password=p"];
        let yaml = r.run(fixed.iter().chain(&pairs).chain(more).copied()).succeeds().stdout;
        r.sandbox.write(FILE, yaml);
    };
    for (more, kind, key) in [
        (&["--type=kubernetes.io/basic-auth", "--immutable"][..], "kubernetes.io/basic-auth", "a"),
        (&[][..], "Opaque", "b"),
    ] {
        repository.diverge(|r| r.set(FILE, key, "1"), |r| again(r, more));
        repository.merge().succeeds();
        repository.git(["branch", "-q", "-D", "theirs"]).succeeds();
        let plain = repository.run(["unwrap", "-f", FILE]).succeeds().stdout;
        assert!(plain.contains(&format!("type: {kind}\n")), "{plain}");
        assert_eq!(plain.contains("immutable: true"), kind != "Opaque", "{plain}");
        assert!(plain.contains(&format!("  {key}: MQ==\n")), "{plain}");
    }
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
    let linked: PathBuf = linked;
    let path = linked.to_str().expect("UTF-8");
    repository.git(["worktree", "add", "-q", "-b", "other", path, "main"]).succeeds();
    repository.git_in(&linked.join("deep/down"), ["merge", "-m", "x", "theirs"]).succeeds();
    for name in names {
        let file = format!("../linked/{name}");
        assert_eq!(repository.values(&file), "a=2\nb=2\n", "{name}");
    }
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
    repository.set(FILE, "a", "3");
    repository.commit("ours again");
    repository.merge().succeeds();
    assert_eq!(repository.values(FILE), "a=3\nb=2\n");
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
    let old = repository.sandbox.pipe(old, ["git", "textconv", "-"]).succeeds().stdout;
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
    let shown = sandbox.pipe(&yaml, ["git", "textconv", "-"]).succeeds().stdout;
    let rest = |text: &str| -> Vec<String> {
        let lines = text.lines().filter(|l| !l.contains("<se") && !l.contains("eyJ"));
        lines.map(str::to_owned).collect()
    };
    assert_eq!(rest(&yaml), rest(&shown));
    assert_eq!(yaml.lines().count(), shown.lines().count());
}

#[test]
fn install_writes_once_and_uninstall_removes_exactly_that() {
    let repository = Repository::new();
    let yaml = repository.sandbox.sealed(&["a=1"]);
    repository.sandbox.write("a b/db.yaml", &yaml);
    repository.sandbox.write("plain.yaml", "a: b\n");
    let config = || std::fs::read_to_string(repository.sandbox.work().join(".git/config"));
    let before = config().expect("there");
    let attributes = "*.png binary\n*.yml text diff=envcrypt merge=envcrypt";
    repository.sandbox.write(".gitattributes", attributes);
    let run = repository.run(["git", "install", "--pattern", "secrets/*"]).succeeds();
    assert_eq!(
        run.stdout,
        "drivers written to the settings of this repository\nsecrets/* added to .gitattributes\n"
    );
    assert!(
        run.stderr.contains("1 sealed files do not use the drivers, for example `a b/db.yaml`")
    );
    let run = repository.run(["git", "install"]).succeeds();
    assert_eq!(
        run.stdout,
        "drivers already in the settings of this repository\n\"/a b/db.yaml\" added to .gitattributes\n"
    );
    assert_eq!(run.stderr, "");
    let all = repository.sandbox.read(".gitattributes");
    assert_eq!(
        all,
        format!(
            "{attributes}\nsecrets/* diff=envcrypt merge=envcrypt\n\"/a b/db.yaml\" diff=envcrypt merge=envcrypt\n"
        )
    );
    repository.run(["git", "install"]).succeeds();
    assert_eq!(repository.sandbox.read(".gitattributes"), all);
    repository.run(["git", "uninstall"]).succeeds();
    assert_eq!(repository.sandbox.read(".gitattributes"), format!("{attributes}\n"));
    assert_eq!(config().expect("there"), before);
    repository.run(["git", "uninstall"]).succeeds();
}

#[test]
fn a_file_of_attributes_that_install_made_goes_with_it() {
    let repository = Repository::with_secret(&["a=1"]);
    repository.run(["git", "uninstall"]).succeeds();
    assert!(!repository.sandbox.work().join(".gitattributes").exists());
}

#[test]
fn the_settings_of_the_person_serve_all_repositories() {
    let repository = Repository::new();
    repository.sandbox.write(FILE, repository.sandbox.sealed(&["a=1", "b=1"]));
    repository.run(["git", "install", "--global"]).succeeds();
    let config = repository.sandbox.work().join(".git/config");
    assert!(!std::fs::read_to_string(config).expect("there").contains("envcrypt"));
    repository.commit("base");
    repository.diverge(|r| r.set(FILE, "a", "2"), |r| r.set(FILE, "b", "2"));
    repository.merge().succeeds();
    repository.run(["git", "uninstall", "--global"]).succeeds();
    assert!(repository.sandbox.read(".gitattributes").contains("/db.yaml diff=envcrypt"));
}

/// Git does not follow such a link. A repository could lead it anywhere.
#[test]
fn install_does_not_write_through_a_link_of_the_repository() {
    let repository = Repository::new();
    let target = repository.sandbox.write("../profile", "mine\n");
    std::os::unix::fs::symlink(&target, repository.sandbox.work().join(".gitattributes"))
        .expect("linked");
    repository.sandbox.write(FILE, repository.sandbox.sealed(&["a=1"]));
    let error = repository.run(["git", "install"]);
    assert_eq!(error.code, Some(1));
    assert!(error.stderr.contains("it is a link, which Git does not follow"), "{}", error.stderr);
    assert_eq!(std::fs::read_to_string(target).expect("there"), "mine\n");
}

#[test]
fn check_names_sealed_files_that_git_merges_line_by_line() {
    let repository = Repository::with_secret(&["a=1"]);
    assert!(!repository.run(["check", "."]).succeeds().stderr.contains("line by line"));
    repository.sandbox.write("deep/new.yaml", repository.sandbox.sealed(&["a=1"]));
    let note = "note: Git merges 1 sealed files line by line, for example `deep/new.yaml`: ";
    for path in [".", "deep/new.yaml"] {
        let run = repository.run(["check", path]).succeeds();
        assert!(run.stderr.contains(note), "{}", run.stderr);
    }
    repository.run(["git", "uninstall"]).succeeds();
    repository.commit("without");
    assert_eq!(repository.run(["check", "."]).succeeds().stderr, "");
}

#[test]
fn without_a_repository_it_says_so() {
    let sandbox = Sandbox::with_local_key();
    let error = sandbox.run(["git", "install"]).fails(1);
    assert!(error.contains("is not in a Git repository"), "{error}");
    sandbox.write(FILE, "a: b\n");
    let error = sandbox.run(["git", "resolve", FILE]).fails(1);
    assert!(error.contains("is not in a Git repository"), "{error}");
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
