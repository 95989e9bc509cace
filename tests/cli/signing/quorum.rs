//! Several signers, old versions, and merges of what they signed.

use super::rules::{commit, git, with_rule};
use super::{FILE, Person};

/// Two people must sign: `id` and `bob`. Both signed the Secret.
fn with_two() -> Person {
    let person = with_rule();
    person.key("bob", &["-t", "ed25519"], "");
    let me = format!("me namespaces=\"secret@envcrypt.dev\" {}\n", person.public_key("id"));
    let bob = format!("bob namespaces=\"secret@envcrypt.dev\" {}\n", person.public_key("bob"));
    person.sandbox.write("signers", me + &bob);
    let rule = "rules:\n- keks: [local]\n  signers: signers\n  signatures: 2\n";
    person.sandbox.write(".envcrypt.yaml", rule);
    person.sandbox.run(["signers", "trust"]).succeeds();
    person.sandbox.run(["git", "install"]).succeeds();
    as_(&person, "bob").sign();
    as_(&person, "id").checks(0);
    commit(&person, "two signers");
    person
}

fn as_<'p>(person: &'p Person, key: &str) -> &'p Person {
    person.uses(&format!("~/{key}"));
    person
}

impl Person {
    #[track_caller]
    fn sign(&self) -> String {
        self.sandbox.run(["sign", "-f", FILE]).succeeds().stderr
    }

    #[track_caller]
    fn checks(&self, code: i32) {
        let run = self.sandbox.run(["check", FILE]);
        assert_eq!(run.code, Some(code), "{}{}", run.stdout, run.stderr);
    }

    #[track_caller]
    fn does(&self, words: &[&str]) -> String {
        self.sandbox.run(words.iter().copied()).succeeds().stderr
    }

    #[track_caller]
    fn in_git(&self, words: &[&str]) {
        assert!(git(self, words), "git {words:?}");
    }
}

#[test]
fn a_person_changes_again_what_they_signed_and_the_others_sign_the_result() {
    let person = with_two();
    let said = person.does(&["rotate", "-f", FILE]);
    let note =
        "note: 1 of 2 signatures: another signer must run `kubectl envcrypt sign -f db.yaml`";
    assert!(said.contains(note), "{said}");
    person.does(&["set", "-f", FILE, "--generate", "a"]);
    person.does(&["rotate", "-f", FILE]);
    person.does(&["unset", "-f", FILE, "a"]);
    person.does(&["set", "-f", FILE, "--generate", "b", "--encrypt-only"]);
    person.checks(1);
    // Bob did not vouch for it yet.
    as_(&person, "bob");
    let error = person.sandbox.run(["rotate", "-f", FILE]).fails(1);
    assert!(error.contains("only me signed it, and 2 must"), "{error}");
    let said = person.sign();
    assert!(!said.contains("signatures:"), "{said}");
    person.checks(0);
    // A label that someone added is not what the person signed.
    as_(&person, "id").does(&["rotate", "-f", FILE]);
    let text = person.sandbox.read(FILE);
    let label = text.replace("  annotations:\n", "  labels: {copy-to: evil}\n  annotations:\n");
    person.sandbox.write(FILE, label);
    person.sandbox.run(["rotate", "-f", FILE]).fails(1);
}

#[test]
fn a_rebase_of_two_commits_that_both_signed_merges() {
    let person = with_two();
    person.in_git(&["checkout", "-qb", "theirs"]);
    for key in ["a", "b"] {
        as_(&person, "id").does(&["set", "-f", FILE, "--generate", key]);
        as_(&person, "bob").sign();
        commit(&person, key);
    }
    person.in_git(&["checkout", "-q", "main"]);
    as_(&person, "id").does(&["set", "-f", FILE, "--generate", "c"]);
    as_(&person, "bob").sign();
    commit(&person, "c");
    person.in_git(&["checkout", "-q", "theirs"]);
    as_(&person, "id").in_git(&["rebase", "-q", "main"]);
    let keys = person.sandbox.run(["inspect", "-f", FILE]).succeeds().stdout;
    assert!(["a ", "b ", "c ", "password "].iter().all(|key| keys.contains(key)), "{keys}");
    as_(&person, "bob").sign();
    person.checks(0);
}

#[test]
fn signatures_of_two_branches_come_together_without_a_key() {
    let person = with_two();
    as_(&person, "id").does(&["rotate", "-f", FILE, "--no-sign"]);
    commit(&person, "to sign");
    for installed in [true, false] {
        person.in_git(&["checkout", "-q", "-B", "theirs", "main"]);
        as_(&person, "bob").sign();
        commit(&person, "bob");
        person.in_git(&["checkout", "-q", "-B", "mine", "main"]);
        as_(&person, "id").sign();
        commit(&person, "me");
        person.uses("/nowhere");
        match installed {
            true => person.in_git(&["merge", "-q", "theirs", "-m", "merged"]),
            // The driver was not there, so Git made a conflict.
            false => {
                person.does(&["git", "uninstall"]);
                assert!(!git(&person, &["merge", "-q", "theirs"]));
                person.does(&["git", "resolve", FILE]);
            }
        }
        person.checks(0);
        person.in_git(&["reset", "-q", "--hard"]);
    }
}

const LABEL: [&str; 2] = ["  annotations:\n", "  labels:\n    team: pay\n  annotations:\n"];

/// A label `team: pay`, and a branch `theirs` that changes it. Both signed.
fn with_label(ours: impl Fn(&Person)) -> Person {
    let person = with_rule();
    person.does(&["git", "install"]);
    person.does(&["set", "-f", FILE, "--generate", "a"]);
    let text = person.sandbox.read(FILE);
    person.sandbox.write(FILE, text.replace(LABEL[0], LABEL[1]));
    person.sign();
    commit(&person, "label");
    person.in_git(&["checkout", "-qb", "theirs"]);
    person.sandbox.write(FILE, person.sandbox.read(FILE).replace("team: pay", "team: ops"));
    person.sign();
    commit(&person, "ops");
    person.in_git(&["checkout", "-q", "main"]);
    ours(&person);
    commit(&person, "ours");
    person
}

#[test]
fn a_merge_signs_the_labels_that_the_text_gets() {
    let person = with_label(|person| {
        person.does(&["unset", "-f", FILE, "a"]);
    });
    person.in_git(&["merge", "-q", "theirs", "-m", "merged"]);
    let text = person.sandbox.read(FILE);
    assert!(text.contains("team: ops") && !text.contains("\n  a: "), "{text}");
    person.checks(0);
}

#[test]
fn labels_that_both_sides_changed_are_not_merged() {
    let person = with_label(|person| {
        person.sandbox.write(FILE, person.sandbox.read(FILE).replace("team: pay", "team: dev"));
        person.sign();
    });
    assert!(!git(&person, &["merge", "-q", "theirs"]));
    let error = person.sandbox.run(["git", "resolve", FILE, "--ours"]).fails(1);
    assert!(error.contains("both sides changed these labels and annotations"), "{error}");
    assert!(error.contains("git checkout --ours"), "{error}");
}

#[test]
fn an_older_version_gets_no_new_signature() {
    let person = with_rule();
    person.does(&["set", "-f", FILE, "--generate", "a"]);
    commit(&person, "a");
    let old = person.sandbox.read(FILE);
    person.does(&["set", "-f", FILE, "--generate", "b"]);
    let newest = person.sandbox.read(FILE);
    let edit: &[&str] = &["edit", "-f", FILE, "--allow-disk"];
    let changes = super::rules::CHANGES.into_iter().chain([edit]);
    let changes: Vec<_> = changes.collect();
    let refused = |of: &str| {
        for change in &changes {
            let error = person.refuses(change);
            assert!(
                error.contains("error: the Secret `prod/db` in the file was sealed at"),
                "{error}"
            );
            assert!(error.contains(of) && error.contains("`--allow-older`"), "{error}");
        }
        person.refuses(&["set", "-f", FILE, "--generate", "a", "--no-sign"]);
    };
    // Only staged.
    person.in_git(&["add", "-A"]);
    person.sandbox.write(FILE, &old);
    refused("but the index has one of");
    // Committed, and brought back in another commit, also with another name for the file.
    person.sandbox.write(FILE, &newest);
    commit(&person, "b");
    person.sandbox.write(FILE, &old);
    commit(&person, "revert");
    refused("but the commit ");
    std::os::unix::fs::symlink(FILE, person.sandbox.work().join("link.yaml")).expect("linked");
    person.refuses(&["rotate", "-f", "link.yaml"]);
    // On purpose.
    for change in super::rules::CHANGES {
        person.does(&[change, &["--allow-older"]].concat());
        assert!(person.is_signed_by("id"));
        person.sandbox.write(FILE, &old);
    }
    // Without a rule, nobody is asked.
    person.sandbox.write(".envcrypt.yaml", "rules:\n- keks: [local]\n");
    person.does(&["signers", "trust"]);
    person.does(&["rotate", "-f", FILE]);
}

#[test]
fn signatures_of_strangers_leave_room_for_those_that_count() {
    let person = with_rule();
    let rules = person.sandbox.read(".envcrypt.yaml");
    person.sandbox.write(".envcrypt.yaml", "rules:\n- keks: [local]\n");
    person.does(&["signers", "trust"]);
    person.does(&["rotate", "-f", FILE]);
    for number in 0..16 {
        let name = format!("stranger{number}");
        person.key(&name, &["-t", "ed25519"], "");
        as_(&person, &name).sign();
    }
    person.sandbox.write(".envcrypt.yaml", rules);
    person.does(&["signers", "trust"]);
    as_(&person, "id").sign();
    person.checks(0);
    assert!(person.is_signed_by("id"));
}

#[test]
fn a_hint_names_only_flags_that_the_command_has() {
    let person = with_rule();
    person.key("other", &["-t", "ed25519"], "");
    as_(&person, "other");
    let error = person.refuses(&["sign", "-f", FILE]);
    assert!(error.contains("or let a signer do this") && !error.contains("--no-sign"), "{error}");
    let error = person.refuses(&["rotate", "-f", FILE]);
    assert!(error.contains("--no-sign"), "{error}");
}
