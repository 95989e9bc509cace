//! The three calls, their limits, and who may make them.

use nix::sys::signal::Signal;
use tonic::Code;

use crate::node::{AgeKey, Node};

const SEED: &[u8] = b"MARKER-of-the-seed-in-this-test!";

#[test]
fn a_seed_of_any_size_opens_again_and_each_ciphertext_is_new() {
    let key = AgeKey::new();
    let node = Node::start(&[&key.entry()], "");
    let key_id = node.wait_ready();
    for size in [0, 1, 32, 1000, 40_000] {
        let seed = vec![b'x'; size];
        let (one, two) = (node.encrypt(&seed).expect("ok"), node.encrypt(&seed).expect("ok"));
        assert_eq!(one.key_id, key_id);
        assert_ne!(one.ciphertext, two.ciphertext);
        assert!((1..=1024).contains(&one.ciphertext.len()), "{}", one.ciphertext.len());
        let more: usize = one.annotations.iter().map(|(k, v)| k.len() + v.len()).sum();
        assert!(size > 1000 || more <= 32 << 10);
        if size <= 1000 {
            assert_eq!(node.decrypt(&one).expect("opened"), seed);
        }
    }
}

#[test]
fn what_was_changed_is_refused_and_named() {
    let key = AgeKey::new();
    let node = Node::start(&[&key.entry()], "");
    node.wait_ready();
    let sealed = node.encrypt(SEED).expect("ok");
    let mut other_id = sealed.clone();
    other_id.key_id.push('0');
    assert_eq!(node.decrypt(&other_id).expect_err("refused").code(), Code::InvalidArgument);
    let mut changed = sealed.clone();
    *changed.ciphertext.last_mut().expect("bytes") ^= 1;
    assert_eq!(node.decrypt(&changed).expect_err("refused").code(), Code::InvalidArgument);
    let mut foreign = sealed.clone();
    foreign.ciphertext = b"vault:v1:abc".to_vec();
    let error = node.decrypt(&foreign).expect_err("refused");
    assert!(error.message().starts_with("another KMS plugin made this ciphertext"), "{error}");
    // Another cluster with the same KEK cannot be given these values.
    let elsewhere = Node::start(&[&key.entry()], "cluster: elsewhere\n");
    elsewhere.wait_ready();
    let error = elsewhere.decrypt(&sealed).expect_err("refused");
    assert!(error.message().contains("belongs to the cluster `test`"), "{error}");
    let renamed = Node::start(&[&key.entry()], "cluster: elsewhere\nformerly: [test]\n");
    renamed.wait_ready();
    assert_eq!(renamed.decrypt(&sealed).expect("opened"), SEED);
}

#[test]
fn a_request_that_is_too_large_ends_only_itself() {
    let key = AgeKey::new();
    let node = Node::start(&[&key.entry()], "");
    node.wait_ready();
    let error = node.encrypt(&vec![0; 100_000]).expect_err("refused");
    assert_eq!(error.code(), Code::OutOfRange, "{error}");
    assert!(node.encrypt(SEED).is_ok());
}

#[test]
fn two_nodes_have_one_key_id_and_open_what_the_other_sealed() {
    let (a, b) = (AgeKey::new(), AgeKey::new());
    let one = Node::start(&[&a.entry(), &b.entry()], "");
    let two = Node::start(&[&b.entry(), &a.entry()], "");
    assert_eq!(one.wait_ready(), two.wait_ready());
    let sealed = one.encrypt(SEED).expect("ok");
    assert_eq!(two.decrypt(&sealed).expect("opened"), SEED);
    // Each KEK alone opens.
    for key in [&a, &b] {
        let alone = Node::start(&[&key.entry()], "");
        alone.wait_ready();
        assert_eq!(alone.decrypt(&sealed).expect("opened"), SEED);
    }
    let other = AgeKey::new();
    let stranger = Node::start(&[&other.entry()], "");
    stranger.wait_ready();
    let error = stranger.decrypt(&sealed).expect_err("refused");
    assert!(error.message().contains("none of the configured KEKs"), "{error}");
}

#[test]
fn an_escrow_kek_wraps_and_opens_on_the_day_it_is_needed() {
    let (daily, escrow) = (AgeKey::new(), AgeKey::new());
    let node = Node::start(&[&daily.entry(), &escrow.escrow()], "");
    node.wait_ready();
    let sealed = node.encrypt(SEED).expect("ok");
    let rescue = Node::start(&[&escrow.entry()], "");
    rescue.wait_ready();
    assert_eq!(rescue.decrypt(&sealed).expect("opened"), SEED);
}

/// Only root can connect as another user.
#[test]
fn another_user_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::process::CommandExt;
    if !nix::unistd::getuid().is_root() {
        return;
    }
    let key = AgeKey::new();
    let mut node = Node::prepare(&[], "");
    let (path, other) = (node.socket().display().to_string(), 65534);
    node.configure(
        &[&key.entry()],
        &format!("socket: {{path: {path}, mode: '0666', allowUids: [0]}}\n"),
    );
    node.run();
    node.wait_ready();
    let open = std::fs::Permissions::from_mode(0o711);
    std::fs::set_permissions(node.folder.path(), open).expect("set");
    let probe = || {
        let mut command = std::process::Command::new(crate::node::PROGRAM);
        command.args(["probe", "--socket", &path]);
        command
    };
    assert!(probe().output().expect("it starts").status.success());
    assert!(!probe().uid(other).output().expect("it starts").status.success());
    assert!(node.metric("envcrypt_kms_refused_peers_total") > 0);
    assert!(node.log().contains("`socket.allowUids` does not allow this user"), "{}", node.log());
    node.configure(
        &[&key.entry()],
        &format!("socket: {{path: {path}, mode: '0666', allowUids: [0, {other}]}}\n"),
    );
    node.kill();
    node.run();
    node.wait_ready();
    assert!(probe().uid(other).output().expect("it starts").status.success());
}

#[test]
fn a_stale_socket_is_replaced_and_a_live_one_is_not() {
    let key = AgeKey::new();
    let mut node = Node::start(&[&key.entry()], "");
    node.wait_ready();
    let config = node.config().display().to_string();
    let second = crate::node::command(["serve", "--config", &config], b"");
    assert_eq!(second.status.code(), Some(1));
    let error = crate::node::text(&second.stderr);
    assert!(error.contains("another server already listens on"), "{error}");
    node.kill();
    assert!(node.socket().exists(), "SIGKILL leaves it behind");
    node.run();
    node.wait_ready();
    assert_eq!(node.terminate(), 0);
    assert!(!node.socket().exists(), "SIGTERM does not");
}

#[test]
fn nothing_of_a_key_is_in_a_log_a_metric_a_file_or_an_argument() {
    let key = AgeKey::new();
    let node = Node::start(&[&key.entry()], "");
    node.wait_ready();
    let sealed = node.encrypt(SEED).expect("ok");
    node.decrypt(&sealed).expect("opened");
    node.signal(Signal::SIGHUP);
    let process = format!("/proc/{}", node.pid());
    let read = |path: &str| std::fs::read(path).unwrap_or_default();
    let mut places = vec![
        node.log().into_bytes(),
        node.page("/metrics").1.into_bytes(),
        node.page("/healthz").1.into_bytes(),
        read(&format!("{process}/cmdline")),
    ];
    for entry in std::fs::read_dir(node.folder.path()).expect("read").flatten() {
        places.push(std::fs::read(entry.path()).unwrap_or_default());
    }
    assert!(places[0].windows(7).any(|window| window == b"Decrypt"), "the log has the calls");
    for place in places {
        assert!(!place.windows(6).any(|window| window == b"MARKER"));
        let secret = std::fs::read(key.path()).expect("read");
        assert!(!place.windows(20).any(|window| window == &secret[20..40]));
    }
    if !nix::unistd::getuid().is_root() {
        let memory = std::fs::File::open(format!("{process}/mem"));
        assert!(memory.is_err(), "nobody else reads its memory");
    }
}

#[test]
fn it_ends_although_a_client_stays_connected() {
    use std::io::{Read, Write};
    let key = AgeKey::new();
    let mut node = Node::start(&[&key.entry()], "");
    node.wait_ready();
    // One that never says anything, and one that begins and then stops.
    let _silent = std::os::unix::net::UnixStream::connect(node.socket()).expect("connected");
    let mut half = std::os::unix::net::UnixStream::connect(node.socket()).expect("connected");
    half.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").expect("sent");
    half.read_exact(&mut [0; 9]).expect("an answer");
    let began = std::time::Instant::now();
    assert_eq!(node.terminate(), 0);
    assert!(began.elapsed() < std::time::Duration::from_secs(10), "{:?}", began.elapsed());
}

#[test]
fn health_is_answered_although_others_hold_connections() {
    use std::io::Write;
    let key = AgeKey::new();
    let node = Node::start(&[&key.entry()], "");
    node.wait_ready();
    let hold = |_| {
        let socket = node.path("http.sock");
        let mut stream = std::os::unix::net::UnixStream::connect(socket).expect("connected");
        let _ = stream.write_all(b"GET /livez HTTP/1.1\r\n");
        stream
    };
    let held: Vec<_> = (0..40).map(hold).collect();
    let began = std::time::Instant::now();
    assert_eq!(node.page("/livez").0, 200);
    assert!(began.elapsed() < std::time::Duration::from_millis(900), "{:?}", began.elapsed());
    drop(held);
}
