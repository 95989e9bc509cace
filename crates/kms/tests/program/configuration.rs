//! A configuration that changes while the server runs.

use nix::sys::signal::Signal;

use crate::node::{AgeKey, Node, write_private};

const SEED: &[u8] = b"the seed of kube-apiserver, 32 b";

#[test]
fn a_kek_is_added_and_removed_without_a_restart() {
    let (old, new) = (AgeKey::new(), AgeKey::new());
    let node = Node::start(&[&old.entry()], "");
    let first = node.wait_ready();
    let sealed = node.encrypt(SEED).expect("ok");
    let mut ids = vec![first];
    for keks in [vec![old.entry(), new.entry()], vec![new.entry()]] {
        let keks: Vec<&str> = keks.iter().map(String::as_str).collect();
        node.configure(&keks, "");
        node.signal(Signal::SIGHUP);
        let before = ids.last().expect("one").clone();
        node.wait("reloaded", |node| node.status().is_ok_and(|id| id != before));
        ids.push(node.status().expect("ready"));
    }
    assert!(node.decrypt(&sealed).is_err(), "the old KEK is gone");
    node.configure(&[&old.entry()], "generation: 2\n");
    node.signal(Signal::SIGHUP);
    node.wait("reloaded", |node| node.status().is_ok_and(|id| !ids.contains(&id)));
    assert_eq!(node.decrypt(&sealed).expect("opened"), SEED);
}

#[test]
fn a_bad_configuration_is_told_and_the_old_one_stays() {
    let key = AgeKey::new();
    let node = Node::start(&[&key.entry()], "");
    let key_id = node.wait_ready();
    for (bad, why) in [
        ("cluster: [", "is not a valid configuration"),
        ("cluster: test\nkeks: []\n", "at least one KEK"),
    ] {
        write_private(&node.config(), bad);
        node.signal(Signal::SIGHUP);
        node.wait("told", |node| node.log().contains(why));
        assert!(node.log().contains("the old one stays"));
        assert_eq!(node.status().expect("ready"), key_id);
    }
    std::fs::remove_file(node.config()).expect("removed");
    node.signal(Signal::SIGHUP);
    node.wait("told", |node| node.log().contains("cannot be read"));
    assert_eq!(node.status().expect("ready"), key_id);
}

#[test]
fn a_new_configuration_waits_until_a_kek_answers() {
    let (old, new) = (AgeKey::new(), AgeKey::new());
    let mut kms = Node::prepare(&[&new.entry()], "");
    let node = Node::start(&[&old.entry()], "");
    let before = node.wait_ready();
    node.configure(&[&kms.kek()], "");
    node.signal(Signal::SIGHUP);
    node.wait("tried", |node| node.log().contains("the KMS does not answer"));
    assert_eq!(node.status().expect("the old one serves"), before);
    kms.run();
    node.wait("in use", |node| node.status().is_ok_and(|id| id != before));
}
