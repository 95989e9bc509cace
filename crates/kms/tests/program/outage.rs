//! A KMS that does not answer, for a while or for ever. The KMS is another server of this program.

use tonic::Code;

use crate::node::{AgeKey, Node};

const SEED: &[u8] = b"the seed of kube-apiserver, 32 b";

#[test]
fn it_starts_without_a_kms_and_waits() {
    let key = AgeKey::new();
    let mut kms = Node::prepare(&[&key.entry()], "");
    let node = Node::start(&[&kms.kek()], "");
    let error = node.status().expect_err("not ready");
    assert_eq!(error.code(), Code::Unavailable);
    node.wait("told", |node| {
        node.status().is_err_and(|error| error.message().contains("the KMS does not answer"))
    });
    assert_eq!(node.page("/livez").0, 200);
    assert_eq!(node.page("/readyz").0, 503);
    assert!(node.page("/healthz").1.contains("the KMS does not answer, for"));
    kms.run();
    node.wait_ready();
    assert_eq!(node.page("/readyz"), (200, "ok\n".to_owned()));
}

#[test]
fn an_outage_is_held_through_from_memory() {
    let key = AgeKey::new();
    let mut kms = Node::start(&[&key.entry()], "");
    let node = Node::start(&[&kms.kek()], "");
    let key_id = node.wait_ready();
    let sealed = node.encrypt(SEED).expect("ok");
    kms.kill();
    node.wait("down", |node| node.page("/healthz").1.contains("the KMS does not answer, for"));
    // kube-apiserver may restart now: it asks for Status, Encrypt, and its old seeds.
    assert_eq!(node.status().expect("it holds"), key_id);
    let again = node.encrypt(SEED).expect("it holds");
    assert_eq!(again.key_id, key_id);
    assert_eq!(node.decrypt(&sealed).expect("from memory"), SEED);
    assert_eq!(node.decrypt(&again).expect("from memory"), SEED);
    assert_eq!(node.page("/readyz").0, 200);
    kms.run();
    node.wait("up", |node| {
        node.page("/healthz").1.starts_with("ok\n") && node.page("/healthz").1.ends_with(" ok\n")
    });
    assert_eq!(node.status().expect("ready"), key_id, "an outage is not a rotation");
}

#[test]
fn an_outage_that_takes_too_long_stops_writes_and_heals() {
    let key = AgeKey::new();
    let mut kms = Node::start(&[&key.entry()], "");
    let node = Node::start(&[&kms.kek()], "outage: {hold: 0}\n");
    let key_id = node.wait_ready();
    let sealed = node.encrypt(SEED).expect("ok");
    kms.kill();
    node.wait("failing", |node| node.status().is_err());
    assert!(node.encrypt(SEED).is_err());
    assert_eq!(node.decrypt(&sealed).expect("an outage takes no key away"), SEED);
    kms.run();
    assert_eq!(node.wait_ready(), key_id);
}

#[test]
fn a_kek_that_is_down_at_the_start_gives_a_part_that_heals() {
    let (mine, theirs) = (AgeKey::new(), AgeKey::new());
    let mut kms = Node::prepare(&[&theirs.entry()], "");
    let keks = [mine.entry(), kms.kek()];
    let keks = [keks[0].as_str(), keks[1].as_str()];
    let (one, two) = (Node::start(&keks, ""), Node::start(&keks, ""));
    let (part, other_part) = (one.wait_ready(), two.wait_ready());
    assert!(part.contains("-part-") && part != other_part, "{part} {other_part}");
    assert!(one.page("/healthz").1.starts_with("ok, but not every KEK"));
    let sealed = one.encrypt(SEED).expect("ok");
    kms.run();
    for node in [&one, &two] {
        node.wait("complete", |node| node.status().is_ok_and(|id| !id.contains("-part-")));
    }
    assert_eq!(one.status().expect("ready"), two.status().expect("ready"));
    assert_eq!(two.decrypt(&sealed).expect("opened"), SEED);
    assert_eq!(one.metric("envcrypt_kms_incomplete_keys_total"), 1);
}

#[test]
fn a_kek_that_is_required_is_waited_for() {
    let (mine, theirs) = (AgeKey::new(), AgeKey::new());
    let mut kms = Node::prepare(&[&theirs.entry()], "");
    let node = Node::start(&[&mine.entry(), &kms.kek()], "require: all\n");
    node.wait("told", |node| {
        node.status().is_err_and(|error| error.message().contains("2 of the KEKs must answer"))
    });
    kms.run();
    assert!(!node.wait_ready().contains("-part-"));
}

#[test]
fn with_several_keks_one_outage_changes_nothing() {
    let (mine, theirs) = (AgeKey::new(), AgeKey::new());
    let mut kms = Node::start(&[&theirs.entry()], "");
    let node = Node::start(&[&mine.entry(), &kms.kek()], "localKey: {maxAge: 1ms}\n");
    node.wait("complete", |node| node.status().is_ok_and(|id| !id.contains("-part-")));
    let key_id = node.status().expect("ready");
    kms.kill();
    node.wait("down", |node| node.page("/healthz").1.contains("does not answer, for"));
    assert_eq!(node.status().expect("ready"), key_id, "a new local key can wait");
    assert!(node.encrypt(SEED).is_ok());
}

#[test]
fn a_rotation_of_the_kms_changes_the_key_id() {
    let (old, new) = (AgeKey::new(), AgeKey::new());
    let mut kms = Node::start(&[&old.entry()], "");
    let node = Node::start(&[&kms.kek()], "");
    let before = node.wait_ready();
    let sealed = node.encrypt(SEED).expect("ok");
    kms.configure(&[&old.entry(), &new.entry()], "");
    kms.signal(nix::sys::signal::Signal::SIGHUP);
    node.wait("rotated", |node| node.status().is_ok_and(|id| id != before));
    assert_eq!(node.decrypt(&sealed).expect("opened"), SEED);
    assert_eq!(node.encrypt(SEED).expect("ok").key_id, node.status().expect("ready"));
    kms.kill();
}

#[test]
fn a_local_key_of_its_own_for_each_seed() {
    let key = AgeKey::new();
    let node = Node::start(&[&key.entry()], "localKey: {maxAge: 0}\n");
    node.wait_ready();
    let (one, two) = (node.encrypt(SEED).expect("ok"), node.encrypt(SEED).expect("ok"));
    let wrapped = |sealed: &envcrypt_core::kek::k8skms::protocol::EncryptResponse| {
        envcrypt_core::seed::Ciphertext::read(&sealed.ciphertext).expect("ours").local_key_name()
    };
    assert_ne!(wrapped(&one), wrapped(&two));
    assert_eq!(node.decrypt(&one).expect("opened"), SEED);
}

#[test]
fn a_kek_that_refuses_does_not_turn_the_outage_of_another_into_a_stop() {
    let (wrong, other, theirs) = (AgeKey::new(), AgeKey::new(), AgeKey::new());
    // Its identity does not open what is wrapped for it: it refuses each time.
    let refuses =
        format!("{{kek: 'age:{}', identity: {}}}", wrong.recipient, other.path().display());
    let mut kms = Node::start(&[&theirs.entry()], "");
    let node = Node::start(&[&refuses, &kms.kek()], "");
    let key_id = node.wait_ready();
    let sealed = node.encrypt(SEED).expect("ok");
    node.wait("refused", |node| node.page("/healthz").1.contains("access denied, for"));
    kms.kill();
    node.wait("down", |node| node.page("/healthz").1.contains("does not answer, for"));
    // Far more probes than a refusal needs.
    let rounds = node.metric("envcrypt_kms_outage_seconds");
    node.wait("some rounds", |node| node.metric("envcrypt_kms_outage_seconds") > rounds);
    assert_eq!(node.status().expect("it holds"), key_id);
    assert_eq!(node.decrypt(&sealed).expect("from memory"), SEED);
    kms.run();
    node.wait("up", |node| !node.page("/healthz").1.contains("does not answer"));
    assert_eq!(node.status().expect("ready"), key_id);
}

#[test]
fn keks_that_all_refuse_wipe_everything() {
    let (wrong, other) = (AgeKey::new(), AgeKey::new());
    let refuses =
        format!("{{kek: 'age:{}', identity: {}}}", wrong.recipient, other.path().display());
    let node = Node::start(&[&refuses], "");
    node.wait("stopped", |node| node.page("/healthz").1.starts_with("stopped: "));
    assert_eq!(node.status().expect_err("stopped").code(), Code::Unavailable);
    assert!(node.log().contains("the KEKs refuse: all keys are wiped"));
}

#[test]
fn a_key_id_never_names_a_version_that_did_not_wrap_the_local_key() {
    let key = AgeKey::new();
    let kms = Node::start(&[&key.entry()], "generation: 1\n");
    let node = Node::start(&[&kms.kek()], "localKey: {maxAge: 1ms}\n");
    let version = |node: &Node| {
        let sealed = node.encrypt(SEED).expect("ok");
        let read = envcrypt_core::seed::Ciphertext::read(&sealed.ciphertext).expect("ours");
        (sealed.key_id, read.copies()[0].version().to_owned())
    };
    let rotate = |generation: u32| {
        let before = kms.status().expect("ready");
        kms.configure(&[&key.entry()], &format!("generation: {generation}\n"));
        kms.signal(nix::sys::signal::Signal::SIGHUP);
        kms.wait("rotated", |kms| kms.status().is_ok_and(|id| id != before));
    };
    node.wait_ready();
    rotate(2);
    let before = version(&node).0;
    node.wait("rotated", |node| version(node).0 != before);
    let rotated = version(&node);
    assert_eq!(rotated.1, kms.status().expect("ready"));
    // The KMS takes it back: the old version counts only after hours.
    rotate(1);
    node.wait("seen", |node| node.log().contains("the KEK reports a version from before"));
    assert_eq!(version(&node), rotated);
}
