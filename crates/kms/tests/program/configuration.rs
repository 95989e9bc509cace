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

#[test]
fn a_configuration_that_was_taken_back_is_not_waited_for() {
    let (old, new) = (AgeKey::new(), AgeKey::new());
    let mut kms = Node::prepare(&[&new.entry()], "");
    let node = Node::start(&[&old.entry()], "");
    let before = node.wait_ready();
    for back in [old.entry(), "not a KEK".to_owned()] {
        let tries = node.log().matches("the KMS does not answer").count();
        node.configure(&[&kms.kek()], "");
        node.signal(Signal::SIGHUP);
        node.wait("tried", |node| node.log().matches("the KMS does not answer").count() > tries);
        let said = node.log().matches("the configuration is the one in use").count()
            + node.log().matches("the old one stays").count();
        node.configure(&[&back], "");
        node.signal(Signal::SIGHUP);
        node.wait("taken back", |node| {
            node.log().matches("the configuration is the one in use").count()
                + node.log().matches("the old one stays").count()
                > said
        });
    }
    kms.run();
    kms.wait_ready();
    // Another node with that KEK is ready: this one would be, too.
    let other = Node::start(&[&kms.kek()], "");
    other.wait_ready();
    assert_eq!(node.status().expect("ready"), before);
    assert!(!node.log().contains("the new configuration is in use"), "{}", node.log());
}

#[test]
fn a_reload_in_an_outage_keeps_what_is_open() {
    let (down, up) = (AgeKey::new(), AgeKey::new());
    let mut kms = Node::start(&[&down.entry()], "");
    let node = Node::start(&[&kms.kek()], "");
    let before = node.wait_ready();
    let sealed = node.encrypt(SEED).expect("ok");
    // The seed of another process of the same node, which was opened once.
    let other = Node::start(&[&kms.kek()], "");
    other.wait_ready();
    let theirs = other.encrypt(SEED).expect("ok");
    assert_eq!(node.decrypt(&theirs).expect("opened"), SEED);
    kms.kill();
    node.wait("down", |node| node.page("/healthz").1.contains("does not answer, for"));
    node.configure(&[&kms.kek(), &up.entry()], "");
    node.signal(Signal::SIGHUP);
    node.wait("in use", |node| node.status().is_ok_and(|id| id != before));
    assert_eq!(node.decrypt(&sealed).expect("from memory"), SEED);
    assert_eq!(node.decrypt(&theirs).expect("from memory"), SEED);
    // A KEK that is removed takes with it what it opened.
    node.configure(&[&up.entry()], "");
    let now = node.status().expect("ready");
    node.signal(Signal::SIGHUP);
    node.wait("in use", |node| node.status().is_ok_and(|id| id != now));
    assert!(node.decrypt(&sealed).is_err());
    // What is left are the local keys of the KEK that stayed.
    assert!(node.metric("envcrypt_kms_opened_keys") <= 2);
}
