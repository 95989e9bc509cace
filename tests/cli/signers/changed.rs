//! What the commands that change a list say, and where they write it.

use super::{LIST, RULES, key, signed};
use crate::repository::repository;
use crate::sandbox::Run;

#[test]
fn a_stolen_key_is_not_added_again() {
    let sandbox = repository();
    key(&sandbox, "alice", &["-t", "ed25519"]);
    sandbox.run(["signers", "add", "alice", "alice.pub"]).succeeds();
    sandbox.run(["signers", "revoke", "alice", "--stolen"]).succeeds();
    let list = sandbox.read(LIST);
    for name in ["alice", "bob"] {
        let error = sandbox.run(["signers", "add", name, "alice.pub"]).fails(1);
        assert!(error.contains(&format!("the key of `{name}` was stolen")), "{error}");
    }
    assert_eq!(sandbox.read(LIST), list);
    let by_hand = list.lines().filter(|line| !line.starts_with("# stolen"));
    sandbox.write(LIST, by_hand.collect::<Vec<_>>().join("\n") + "\n");
    sandbox.run(["signers", "add", "alice", "alice.pub"]).succeeds();
}

#[test]
fn a_changed_list_says_what_is_next() {
    let sandbox = signed();
    key(&sandbox, "bob", &["-t", "ed25519"]);
    let run = sandbox.run(["signers", "add", "bob", "bob.pub"]).succeeds();
    assert!(run.stderr.contains("run `kubectl envcrypt signers sign`\n"), "{}", run.stderr);
    let both = format!("then commit both files, `{LIST}` and `{LIST}.sig`");
    assert!(run.stderr.contains(&both), "{}", run.stderr);
    let run = sandbox.run(["signers", "sign"]).succeeds();
    assert!(run.stderr.contains(&both), "{}", run.stderr);
    let run = sandbox.run(["signers", "revoke", "bob"]).succeeds();
    assert!(run.stderr.contains("the old signatures do not count any more"), "{}", run.stderr);
    let run = sandbox.run(["signers", "add", "carol", "mallory.pub", "--file", "other"]).succeeds();
    assert!(run.stderr.contains("next, commit `other`"), "{}", run.stderr);
}

#[test]
fn too_few_people_for_a_rule_are_noticed() {
    let sandbox = repository();
    for name in ["alice", "bob"] {
        key(&sandbox, name, &["-t", "ed25519"]);
    }
    sandbox.write(".envcrypt.yaml", RULES.replace("signers}]", "signers, signatures: 2}]"));
    let warning = format!("warning: a rule asks for 2 signatures, but 1 on `{LIST}` may sign now");
    let warns = |args: &[&str], is_needed: bool| {
        let run = sandbox.run(args).succeeds();
        assert_eq!(run.stderr.contains(&warning), is_needed, "{args:?}: {}", run.stderr);
    };
    warns(&["signers", "add", "alice", "alice.pub"], true);
    warns(&["signers", "list"], true);
    warns(&["signers", "trust", "--dry-run"], true);
    warns(&["signers", "add", "bob", "bob.pub"], false);
    warns(&["signers", "list"], false);
    warns(&["signers", "revoke", "bob", "--at", "20260101Z"], true);
}

#[test]
fn a_list_is_made_at_the_top_of_the_repository() {
    let sandbox = repository();
    let alice = key(&sandbox, "alice", &["-t", "ed25519"]);
    std::fs::create_dir_all(sandbox.work().join("sub/deep")).expect("made");
    let below = || {
        let mut add = sandbox.command();
        add.current_dir(sandbox.work().join("sub/deep")).args(["signers", "add", "alice"]);
        Run::from(add.args(alice.split(' ')).output().expect("it runs")).succeeds()
    };
    let run = below();
    assert_eq!(run.stdout, format!("../../{LIST}: added 1 key of alice\n"));
    assert!(run.stderr.contains(&format!("add `signers: {LIST}` to a rule")), "{}", run.stderr);
    assert!(
        sandbox.work().join(LIST).exists() && !sandbox.work().join("sub/deep/.envcrypt").exists()
    );
    assert!(below().stderr.contains(&format!("`../../{LIST}` has these keys")));
}
