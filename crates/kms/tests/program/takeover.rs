//! Taking the place of another plugin in two rounds. The other plugin is a server of this program,
//! of another cluster and with another key.

use tonic::Code;

use crate::node::{AgeKey, Node, command, text};

const SEED: &[u8] = b"the seed of kube-apiserver, 32 b";
const ALONE: &str = "cluster: old\n";

/// Opens what the old plugin wrapped.
fn reads(old: &Node) -> String {
    format!("reads: ['{}']\n", old.kek())
}

/// And still writes as the old plugin does.
fn writes(old: &Node) -> String {
    format!("{}writes: '{}'\n", reads(old), old.kek())
}

fn old_plugin() -> (AgeKey, Node) {
    let key = AgeKey::new();
    let node = Node::start(&[&key.entry()], ALONE);
    node.wait_ready();
    (key, node)
}

/// What each of two nodes seals, both open.
#[track_caller]
fn agree(one: &Node, two: &Node) {
    for (from, to) in [(one, two), (two, one)] {
        let sealed = from.encrypt(SEED).expect("sealed");
        assert_eq!(sealed.key_id, from.status().expect("ready"));
        assert_eq!(from.decrypt(&sealed).expect("its own"), SEED);
        assert_eq!(to.decrypt(&sealed).expect("of the other"), SEED);
    }
}

#[test]
fn the_place_of_a_plugin_is_taken_in_two_rounds() {
    let (_key, old) = old_plugin();
    let before = old.encrypt(SEED).expect("sealed");
    let key = AgeKey::new();

    // Round 1: the old plugin's bytes and key id, so that the old plugin could come back.
    let node = Node::start(&[&key.entry()], &writes(&old));
    assert_eq!(node.wait_ready(), before.key_id);
    assert_eq!(node.decrypt(&before).expect("opened"), SEED);
    let during = node.encrypt(SEED).expect("sealed");
    assert_eq!(during.key_id, before.key_id);
    assert_eq!(old.decrypt(&during).expect("the way back"), SEED);
    assert!(node.page("/healthz").1.starts_with(&format!("ok\nwrites as {}\n", old.kek())));
    assert_eq!(node.metric("envcrypt_kms_foreign_reads_total{format=\"k8skms\"}"), 1);

    // Round 2: its own.
    node.reconfigure(&[&key.entry()], &reads(&old));
    let after = node.encrypt(SEED).expect("sealed");
    assert!(after.key_id.starts_with("envcrypt1-"), "{}", after.key_id);
    assert_eq!(node.status().expect("ready"), after.key_id);
    assert_ne!(after.key_id, before.key_id);
    for sealed in [&before, &during, &after] {
        assert_eq!(node.decrypt(sealed).expect("opened"), SEED);
    }

    // The end: the old plugin is gone.
    node.reconfigure(&[&key.entry()], "");
    assert_eq!(node.status().expect("ready"), after.key_id, "no object becomes stale again");
    assert_eq!(node.decrypt(&after).expect("opened"), SEED);
    assert_eq!(node.decrypt(&before).expect_err("not known").code(), Code::FailedPrecondition);
}

#[test]
fn two_nodes_agree_at_each_step() {
    let (_key, old) = old_plugin();
    let key = AgeKey::new();
    let keks = [key.entry()];
    let keks = [keks[0].as_str()];
    let (one, two) = (Node::start(&keks, &writes(&old)), Node::start(&keks, &writes(&old)));
    let key_id = old.status().expect("ready");
    assert_eq!((one.wait_ready(), two.wait_ready()), (key_id.clone(), key_id));
    agree(&old, &one);
    agree(&one, &two);
    one.reconfigure(&keks, &reads(&old));
    agree(&one, &two);
    two.reconfigure(&keks, &reads(&old));
    agree(&one, &two);
    assert_eq!(one.status().expect("ready"), two.status().expect("ready"));
    one.reconfigure(&keks, "");
    agree(&one, &two);
}

#[test]
fn the_way_back_after_round_1_costs_nothing() {
    let (_key, old) = old_plugin();
    let key = AgeKey::new();
    let node = Node::start(&[&key.entry()], &writes(&old));
    node.wait_ready();
    let sealed: Vec<_> = (0..3).map(|_| node.encrypt(SEED).expect("sealed")).collect();
    drop(node);
    for sealed in sealed {
        assert_eq!(old.decrypt(&sealed).expect("opened"), SEED);
        assert_eq!(sealed.key_id, old.status().expect("ready"), "not even stale");
    }
}

/// What the old plugin has no room for is in its own annotation, which has the name of ours.
#[test]
fn a_large_ciphertext_of_the_old_plugin_passes_whole() {
    let many: Vec<AgeKey> = (0..6).map(|_| AgeKey::new()).collect();
    let entries: Vec<String> = many.iter().map(AgeKey::entry).collect();
    let entries: Vec<&str> = entries.iter().map(String::as_str).collect();
    let old = Node::start(&entries, ALONE);
    old.wait_ready();
    let before = old.encrypt(SEED).expect("sealed");
    assert!(!before.annotations.is_empty());
    let own = AgeKey::new();
    let node = Node::start(&[&own.entry()], &writes(&old));
    node.wait("ready", |node| node.status().is_ok_and(|id| id == before.key_id));
    assert_eq!(node.decrypt(&before).expect("opened"), SEED);
    agree(&old, &node);
}

#[test]
fn status_and_opened_seeds_outlive_an_outage_and_a_new_seed_does_not() {
    let (_key, mut old) = old_plugin();
    let before = old.encrypt(SEED).expect("sealed");
    let own = AgeKey::new();
    let node = Node::start(&[&own.entry()], &writes(&old));
    node.wait_ready();
    node.decrypt(&before).expect("opened");
    old.kill();
    node.wait("down", |node| node.page("/healthz").1.contains("does not answer, for"));
    assert_eq!(node.status().expect("from memory"), before.key_id);
    assert_eq!(node.decrypt(&before).expect("from memory"), SEED);
    assert_eq!(node.encrypt(SEED).expect_err("each asks").code(), Code::Unavailable);
    // Even the next round may begin meanwhile.
    node.reconfigure(&[&own.entry()], &reads(&old));
    assert_eq!(node.decrypt(&before).expect("from memory"), SEED);
    node.configure(&[&own.entry()], &writes(&old));
    node.signal(nix::sys::signal::Signal::SIGHUP);
    old.run();
    node.wait("up", |node| node.encrypt(SEED).is_ok_and(|new| new.key_id == before.key_id));
    assert_eq!(node.status().expect("ready"), before.key_id);
}

#[test]
fn a_rotation_of_the_old_plugin_is_followed() {
    let (key, old) = old_plugin();
    let own = AgeKey::new();
    let node = Node::start(&[&own.entry()], &writes(&old));
    let before = node.wait_ready();
    old.reconfigure(&[&key.entry()], "cluster: old\ngeneration: 2\n");
    let after = old.status().expect("ready");
    assert_ne!(before, after);
    // The key id is always the one of the key that wrapped it.
    assert_eq!(node.encrypt(SEED).expect("sealed").key_id, after);
    node.wait("followed", |node| node.status().is_ok_and(|id| id == after));
    // And back again, since the old plugin reports it.
    old.reconfigure(&[&key.entry()], ALONE);
    node.wait("followed", |node| node.status().is_ok_and(|id| id == before));
}

#[test]
fn a_new_kek_that_refuses_does_not_end_round_1() {
    let (_key, old) = old_plugin();
    let node = Node::start(&["k8skms:///nonexistent.sock"], &writes(&old));
    node.wait_ready();
    agree(&old, &node);
    assert!(node.page("/healthz").1.contains("k8skms:///nonexistent.sock the KMS does not answer"));
}

#[test]
fn a_refusal_of_the_old_plugin_wipes_what_it_opened() {
    let (key, old) = old_plugin();
    let before = old.encrypt(SEED).expect("sealed");
    let own = AgeKey::new();
    let node = Node::start(&[&own.entry()], &reads(&old));
    node.wait_ready();
    let ours = node.encrypt(SEED).expect("sealed");
    assert_eq!(node.decrypt(&before).expect("opened"), SEED);
    let other = AgeKey::new();
    old.reconfigure(&[&other.entry()], ALONE);
    node.wait("wiped", |node| node.log().contains("all seeds that were opened are wiped"));
    let error = node.decrypt(&before).expect_err("the old plugin refuses");
    assert!(error.message().contains("the key is disabled"), "{error}");
    assert_eq!(node.decrypt(&ours).expect("another KEK"), SEED);
    old.reconfigure(&[&key.entry()], ALONE);
    assert_eq!(node.decrypt(&before).expect("opened again"), SEED);
}

#[test]
fn status_reports_the_version_that_kube_apiserver_has_seen() {
    let (_key, old) = old_plugin();
    let more = format!("{}protocol: v2beta1\n", reads(&old));
    let own = AgeKey::new();
    let node = Node::start(&[&own.entry()], &more);
    node.wait("ready", |node| node.version().is_ok());
    assert_eq!(node.version().expect("ready"), "v2beta1");
    let log = "another version of the protocol: restart each kube-apiserver";
    assert!(!node.log().contains(log));
    node.configure(&[&own.entry()], &reads(&old));
    node.signal(nix::sys::signal::Signal::SIGHUP);
    node.wait("told", |node| node.log().contains(log));
    node.wait("changed", |node| node.version().is_ok_and(|version| version == "v2"));
    node.configure(&[&own.entry()], &more);
    let config = node.config().display().to_string();
    let run = command(["check", "--config", &config], b"");
    let wrong = "reports the version `v2` and this server `v2beta1`";
    assert!(text(&run.stdout).contains(wrong), "{}", text(&run.stdout));
}

#[test]
fn check_refuses_what_breaks_the_rule_of_two_rounds() {
    let (_key, old) = old_plugin();
    let key = AgeKey::new();
    let keks = [key.entry()];
    let node = |more: &str| Node::prepare(&[&keks[0]], more);
    let [round_1, round_2, end] = [node(&writes(&old)), node(&reads(&old)), node("")];
    let check = |this: &Node, other: &Node| {
        let (this, other) = (this.config(), other.config());
        let (this, other) = (this.display().to_string(), other.display().to_string());
        let run = command(["check", "--offline", "--config", &this, "--against", &other], b"");
        (run.status.success(), text(&run.stdout).to_owned())
    };
    for (one, two, agree) in [
        (&round_1, &round_1, true),
        (&round_1, &round_2, true),
        (&round_2, &round_2, true),
        (&round_2, &end, true),
        (&end, &end, true),
        (&round_1, &end, false),
    ] {
        for (one, two) in [(one, two), (two, one)] {
            let (passes, out) = check(one, two);
            assert_eq!(passes, agree, "{out}");
            assert_eq!(out.contains("cannot open what is written as"), !agree, "{out}");
        }
    }
    let (_, out) = check(&round_1, &round_2);
    assert!(out.contains("until `kubectl envcrypt at-rest verify` finds no object of it"), "{out}");
}

#[test]
fn check_refuses_to_seal_while_another_node_runs_only_a_peer() {
    let check = |more: &str, peer: &str| {
        let node = Node::prepare(&["hashivault://k8s"], more);
        let config = node.config().display().to_string();
        let run = command(["check", "--offline", "--config", &config, "--against", peer], b"");
        (run.status.success(), text(&run.stdout).to_owned())
    };
    let peer = "vault-kubernetes-kms";
    let (passes, out) = check("", peer);
    assert!(!passes && out.contains("add it to `reads`") && out.contains("set `writes: "), "{out}");
    let (passes, out) = check("reads: [vault-kubernetes-kms]\n", peer);
    assert!(!passes && out.contains("cannot open what this node seals"), "{out}");
    let round_1 = "reads: [vault-kubernetes-kms]\nwrites: vault-kubernetes-kms\n";
    let (passes, out) = check(round_1, peer);
    assert!(passes, "{out}");
    assert!(!check(round_1, "cloudkms").0, "another peer");
}

#[test]
fn check_prints_what_the_old_context_of_aws_needs() {
    let more = "reads: [aws-encryption-provider]\nwrites: aws-encryption-provider\nawsEncryptionContext: {team: a}\n";
    let node = Node::prepare(&["awskms:///arn:aws:kms:eu-west-1:1:key/2"], more);
    let config = node.config().display().to_string();
    let run = command(["check", "--offline", "--config", &config], b"");
    let out = text(&run.stdout);
    assert!(out.contains("for aws-encryption-provider:\n{\"Effect\": \"Allow\", \"Action\": [\"kms:Encrypt\", \"kms:Decrypt\"]"), "{out}");
    assert!(out.contains("\"kms:EncryptionContext:team\": \"a\""), "{out}");
    assert!(out.contains("Status reports `v2beta1`"), "{out}");
}
