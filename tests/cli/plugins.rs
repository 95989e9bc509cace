//! age plugins, with one of our own: `tests/programs/age-plugin-test.py`.

use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;

use bech32::{ToBase32, Variant};
use nix::sys::signal::Signal;
use nix::sys::termios::{LocalFlags, tcgetattr};
use nix::sys::wait::WaitStatus;

use crate::sandbox::Sandbox;
use crate::sealed::{change_wrapped, with_kek};
use crate::terminal::{answer, ends, see, session};

const PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/programs/age-plugin-test.py");

/// A recipient of both ML-KEM-768 and P-256.
const TAGPQ: &str = include_str!("../../crates/core/tests/age/tagpq.pub");

fn text(start: &str, words: &str) -> String {
    bech32::encode(start, words.as_bytes().to_base32(), Variant::Bech32).expect("encoded")
}

/// The KEK of the plugin with these words: what it does when it opens, or with `seal-` in front
/// when it seals.
fn kek(words: &str) -> String {
    format!("age:{}", text("age1test", words))
}

fn identity(words: &str) -> String {
    text("age-plugin-test-", words).to_uppercase()
}

/// A sandbox with the plugin on its PATH, and with an identity for each of these words.
struct Plugged {
    sandbox: Sandbox,
    folder: PathBuf,
}

impl Plugged {
    fn new(words: &[&str]) -> Self {
        Self::with(Sandbox::new(), words)
    }

    fn with(sandbox: Sandbox, words: &[&str]) -> Self {
        let folder = sandbox.work().parent().expect("a home").join("programs");
        std::fs::create_dir_all(&folder).expect("made");
        symlink(PROGRAM, folder.join("age-plugin-test")).expect("linked");
        std::fs::write(folder.join("age-plugin-test.log"), "").expect("written");
        let line = |words: &&str| {
            let kek = kek(words);
            format!("# Recipient: {}\n{}\n", kek.trim_start_matches("age:"), identity(words))
        };
        if !words.is_empty() {
            let identities = sandbox.config().join("identities");
            std::fs::create_dir_all(&identities).expect("made");
            let file = words.iter().map(line).collect::<String>();
            std::fs::write(identities.join("key"), file).expect("written");
        }
        let path = std::env::var("PATH").expect("a PATH");
        let sandbox = sandbox.env("PATH", format!("{}:{path}", folder.display()));
        Self { sandbox, folder }
    }

    /// How often the plugin was started to seal and to open.
    fn starts(&self) -> (usize, usize) {
        let log = std::fs::read_to_string(self.folder.join("age-plugin-test.log")).expect("a log");
        (log.matches("recipient-v1").count(), log.matches("identity-v1").count())
    }

    /// Seals `a=b` as `prod/db` to these KEKs, into `db.yaml`.
    fn seal(&self, keks: &[&str]) -> String {
        let keks = keks.iter().map(|kek| format!("--kek={kek}"));
        let fixed = ["create", "db", "-nprod", "--from-literal=a=b", "--dry-run=client", "-oyaml"];
        let args = fixed.into_iter().map(str::to_owned).chain(keks);
        let yaml = self.sandbox.run(args).succeeds().stdout;
        self.sandbox.write("db.yaml", &yaml);
        yaml
    }
}

const OPEN: [&str; 4] = ["unwrap", "-f", "db.yaml", "a"];

#[test]
fn a_plugin_seals_and_opens_and_its_messages_are_safe_to_print() {
    let plugged = Plugged::new(&["touch"]);
    plugged.seal(&[&kek("touch")]);
    let run = plugged.sandbox.run(OPEN).succeeds();
    assert_eq!(run.stdout, "b");
    assert_eq!(run.stderr, "age-plugin-test: touch the \\u{1b}[31mkey\nage-plugin-test: now\n");
    assert_eq!(plugged.starts(), (1, 1));
    let list = plugged.sandbox.run(["kek", "list"]).succeeds();
    assert!(list.stdout.starts_with(&kek("touch")), "{}", list.stdout);
    assert_eq!(list.stderr, "");
    let test = plugged.sandbox.run(["kek", "test", &kek("touch")]).succeeds().stdout;
    assert!(test.starts_with(&format!("{} works (", kek("touch"))), "{test}");
}

#[test]
fn a_pin_is_typed_on_the_terminal_and_never_echoed() {
    let plugged = Plugged::new(&["pin"]);
    plugged.seal(&[&kek("pin")]);
    let mut typing = session(&plugged.sandbox, &OPEN);
    let mut seen = answer(&mut typing, "age-plugin-test: PIN of the key: ", "123456");
    seen += &ends(typing, 0);
    assert!(seen.trim_end().ends_with('b') && !seen.contains("123456"), "{seen}");

    let mut typing = session(&plugged.sandbox, &OPEN);
    answer(&mut typing, "age-plugin-test: PIN of the key: ", "1234567");
    let seen = ends(typing, 1);
    assert!(seen.contains("cause: `age-plugin-test` says: wrong PIN 7"), "{seen}");
    assert!(!seen.contains("1234567"), "{seen}");
}

#[test]
fn the_person_can_choose_and_type_what_is_not_secret() {
    let plugged = Plugged::new(&["public+confirm"]);
    plugged.seal(&[&kek("public+confirm")]);
    for (choice, code) in [("y", 0), ("n", 1)] {
        let mut typing = session(&plugged.sandbox, &OPEN);
        answer(&mut typing, "age-plugin-test: name: ", "alice");
        answer(&mut typing, "age-plugin-test: go on (y: Go, n: Leave) [y/N]: ", choice);
        let seen = ends(typing, code);
        assert_eq!(seen.contains("says: not confirmed: ok no"), code == 1, "{seen}");
    }
}

#[test]
fn without_a_terminal_a_plugin_that_asks_gets_no_answer() {
    for words in ["pin", "public", "confirm"] {
        let plugged = Plugged::new(&[words]);
        plugged.seal(&[&kek(words)]);
        let error = plugged.sandbox.run(OPEN).fails(1);
        assert_eq!(error.matches("error:").count(), 1, "{error}");
        let cause = "cause: `age-plugin-test` asked for something, and there is no terminal to prompt for it";
        assert!(error.contains(cause), "{error}");
    }
}

#[test]
fn ctrl_c_ends_a_plugin_that_hangs() {
    let plugged = Plugged::new(&["touch+hang"]);
    plugged.seal(&[&kek("touch+hang")]);
    let mut typing = session(&plugged.sandbox, &OPEN);
    see(&mut typing, "age-plugin-test: now");
    typing.send_control('c').expect("typed");
    typing.exp_eof().expect("it ends");
    let status = typing.process().wait().expect("a status");
    let by_signal = matches!(status, WaitStatus::Signaled(_, Signal::SIGINT, _));
    assert!(by_signal, "{status:?}");
}

#[test]
fn a_prompt_that_nobody_needs_any_more_leaves_the_terminal_as_it_was() {
    let plugged = Plugged::with(Sandbox::with_local_key(), &["pin"]);
    let asks = plugged.seal(&[&kek("pin")]);
    // Another Secret, whose KMS plugin does not answer and then goes away.
    let socket = plugged.sandbox.work().join("kms.sock");
    let other = format!("k8skms://{}", socket.display());
    let fails = with_kek(&plugged.sandbox.sealed(&["a=b"]), "k8skms", &other);
    let wrapped = br#"{"ciphertext":"AAAA","key_id":"k"}"#;
    let fails = change_wrapped(&fails, |bytes| *bytes = wrapped.to_vec());
    plugged.sandbox.run(["kek", "trust", "-A", &other, &kek("pin")]).succeeds();
    plugged.sandbox.write("all.yaml", format!("{asks}---\n{fails}\n"));
    let listener = UnixListener::bind(&socket).expect("a socket");
    let mut typing = session(&plugged.sandbox, &["unwrap", "-f", "all.yaml"]);
    let terminal = typing.process().get_file_handle().expect("a terminal");
    see(&mut typing, "age-plugin-test: PIN of the key: ");
    let echoes = || tcgetattr(&terminal).expect("settings").local_flags.contains(LocalFlags::ECHO);
    assert!(!echoes());
    drop(listener);
    std::fs::remove_file(&socket).expect("removed");
    see(&mut typing, "error: ");
    ends(typing, 1);
    assert!(echoes());
}

#[test]
fn each_failure_of_a_plugin_is_one_error() {
    for (words, cause) in [
        ("crash", "`age-plugin-test` ended before it had answered"),
        ("garbage", "the answer of `age-plugin-test` is not the protocol of age plugins"),
        ("leak", "`age-plugin-test` says: bad AGE-PLUGIN-TEST-1… and age-plugin-test-1…"),
        ("nothing", "none of your age identities opens it"),
    ] {
        let plugged = Plugged::new(&[words]);
        plugged.seal(&[&kek(words)]);
        let error = plugged.sandbox.run(OPEN).fails(1);
        assert_eq!(error.matches("error:").count(), 1, "{error}");
        assert!(error.contains(&format!("cause: {cause}\n")), "{words}: {error}");
        assert!(!error.to_uppercase().contains(&identity(words)), "{error}");
    }
}

#[test]
fn a_plugin_that_is_missing_is_named_with_what_to_do() {
    let plugged = Plugged::new(&["a"]);
    plugged.seal(&[&kek("a")]);
    std::fs::remove_file(plugged.folder.join("age-plugin-test")).expect("removed");
    let hint = "install `age-plugin-test` (https://github.com/FiloSottile/awesome-age#plugins) into a directory of the PATH";
    let error = plugged.sandbox.run(OPEN).fails(1);
    assert!(error.contains("cause: `age-plugin-test` is not on the PATH"), "{error}");
    assert!(error.contains(&format!("hint: {hint}")), "{error}");
    let list = plugged.sandbox.run(["kek", "list"]).succeeds();
    assert!(list.stderr.starts_with("warning: your identity `"), "{}", list.stderr);
    let said = format!("needs `age-plugin-test`, which is not on the PATH: {hint}");
    assert!(list.stderr.contains(&said), "{}", list.stderr);
    let doctor = plugged.sandbox.run(["doctor", "--machine"]);
    assert_eq!(doctor.code, Some(1));
    let said = "proven   this machine  `age-plugin-test` is not on the PATH, and your identity `";
    assert!(doctor.stdout.contains(said), "{}", doctor.stdout);
}

#[test]
fn only_absolute_entries_of_the_path_name_plugins() {
    let plugged = Plugged::new(&["a"]);
    plugged.seal(&[&kek("a")]);
    // The repository has a plugin of the same name, in its root and in a directory.
    let stolen = "#!/bin/sh\ntouch \"$(dirname \"$0\")/stolen\"\n";
    for place in ["age-plugin-test", "bin/age-plugin-test"] {
        let file = plugged.sandbox.write(place, stolen);
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(file, mode).expect("set");
    }
    let run = |path: String| {
        let mut command = plugged.sandbox.command();
        command.env("PATH", path).args(OPEN).output().expect("runs")
    };
    let system = "/usr/local/bin:/usr/bin:/bin";
    for path in [format!("::bin:.:./bin:{system}:"), format!("bin:{system}")] {
        let output = run(path);
        let error = String::from_utf8(output.stderr).expect("text");
        assert!(error.contains("`age-plugin-test` is not on the PATH"), "{error}");
    }
    let output = run(format!(".:bin:{}:{system}", plugged.folder.display()));
    assert_eq!(output.stdout, b"b");
    for place in ["stolen", "bin/stolen"] {
        assert!(!plugged.sandbox.work().join(place).exists(), "{place}");
    }
}

#[test]
fn a_file_of_the_repository_starts_no_plugin() {
    // A rule names a recipient that this machine has not sealed to.
    let plugged = Plugged::with(Sandbox::with_local_key(), &["mine"]);
    let theirs = kek("theirs");
    plugged.sandbox.write(".envcrypt.yaml", format!("rules:\n- keks: ['{theirs}']\n"));
    let create = ["create", "db", "-nprod", "--from-literal=a=b", "-w", "new.yaml"];
    let error = plugged.sandbox.run(create).fails(1);
    assert!(error.contains(&theirs), "{error}");
    // The same for the plugin of an identity here: only the recipient counts.
    std::fs::remove_file(plugged.sandbox.work().join(".envcrypt.yaml")).expect("removed");
    // A Secret is sealed to a recipient whose identity is not here.
    let stranger = Plugged::new(&[]);
    let yaml = stranger.seal(&[&theirs]);
    plugged.sandbox.write("db.yaml", yaml);
    let error = plugged.sandbox.run(OPEN).fails(1);
    assert!(error.contains("none of your age identities opens it"), "{error}");
    // Seal again what a file holds, to the recipient that the file names.
    let error = plugged.sandbox.run(["rotate", "-f", "db.yaml"]).fails(1);
    assert!(error.contains("error: "), "{error}");
    for command in ["check", "inspect"] {
        plugged.sandbox.run([command, "db.yaml"]);
        plugged.sandbox.run([command, "-f", "db.yaml"]);
    }
    assert_eq!(plugged.starts(), (0, 0));
}

#[test]
fn a_plugin_opens_only_with_a_kek_that_may_open() {
    let plugged = Plugged::with(Sandbox::with_local_key(), &["mine"]);
    plugged.seal(&[&kek("mine")]);
    std::fs::remove_file(plugged.sandbox.config().join("trusted-keks")).expect("removed");
    // The person names another KEK.
    let error = plugged.sandbox.run(OPEN.iter().chain(&["--kek=local"])).fails(1);
    assert!(error.contains(&kek("mine")), "{error}");
    assert_eq!(plugged.starts().1, 0);
    plugged.sandbox.run(OPEN).succeeds();
    assert_eq!(plugged.starts().1, 1);
}

#[test]
fn a_plugin_comes_after_everything_that_asks_nobody() {
    let plugged = Plugged::with(Sandbox::with_local_key(), &["pin"]);
    plugged.seal(&[&kek("pin"), "local"]);
    assert_eq!(plugged.sandbox.run(OPEN).succeeds().stdout, "b");
    assert_eq!(plugged.starts(), (1, 0));
}

#[test]
fn a_person_who_does_not_answer_is_asked_once_for_all_secrets() {
    let plugged = Plugged::new(&["pin"]);
    let kek = format!("--kek={}", kek("pin"));
    let seal = |number: u32| {
        let name = format!("db{number}");
        let args = ["create", &name, "--from-literal=a=b", "-nprod", "--dry-run=client", "-oyaml"];
        plugged.sandbox.run(args.iter().chain(&[&*kek])).succeeds().stdout
    };
    let yaml: Vec<String> = (0..20).map(seal).collect();
    plugged.sandbox.write("all.yaml", yaml.join("---\n"));
    let run = plugged.sandbox.run(["unwrap", "-f", "all.yaml"]);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert_eq!(plugged.starts().1, 1, "{}", run.stderr);
}

#[test]
fn in_a_container_only_a_kek_that_is_named_there_starts_its_plugin() {
    use base64::Engine;
    let plugged = Plugged::new(&["a", "b"]);
    let yaml = plugged.seal(&[&kek("a")]);
    let object: serde_json::Value = serde_yaml::from_str(&yaml).expect("YAML");
    let value = object["data"]["a"].as_str().expect("text");
    let value = base64::prelude::BASE64_STANDARD.decode(value).expect("base64");
    let value = String::from_utf8(value).expect("text");
    let run = |kek: &str| {
        let mut command = plugged.sandbox.command();
        command.env("ENVCRYPT_KEKS", kek).env("PASSWORD", &value).env("POD_NAMESPACE", "prod");
        command.args(["exec", "--spec-env=ENVCRYPT_KEKS", "--", "sh", "-c", "echo $PASSWORD"]);
        command.output().expect("runs")
    };
    let output = run(&kek("b"));
    assert!(!output.status.success());
    assert_eq!(plugged.starts().1, 0);
    let output = run(&kek("a"));
    assert_eq!(output.stdout, b"b\n", "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(plugged.starts().1, 1);
}

#[test]
fn a_tagged_recipient_needs_no_plugin_to_seal_and_one_to_open() {
    let tag = "age:age1tag1qt8lw0ual6avlwmwatk888yqnmdamm7xfd0wak53ut6elz5c4swx2yqdj4e";
    let plugged = Plugged::new(&[]);
    plugged.seal(&[tag]);
    assert_eq!(plugged.starts(), (0, 0));
    let error = plugged.sandbox.run(OPEN).fails(1);
    assert!(error.contains("you have no age identity here"), "{error}");
    // An identity without a comment may be that of any tagged recipient.
    let file = plugged.sandbox.write("id", identity("touch")).display().to_string();
    let mut command = plugged.sandbox.command();
    let output = command.env("ENVCRYPT_AGE_IDENTITIES", file).args(OPEN).output().expect("runs");
    let error = String::from_utf8(output.stderr).expect("text");
    assert!(error.contains("none of your age identities opens it"), "{error}");
    assert_eq!(plugged.starts(), (0, 1));
}

#[test]
fn both_kinds_of_tagged_recipients_are_sealed_to_without_a_plugin() {
    let sandbox = Sandbox::new();
    let strong = sandbox.run(["kek", "new", "--post-quantum"]).succeeds().stdout;
    let tagged = format!("age:{}", TAGPQ.trim());
    let create = ["create", "db", "-nprod", "--from-literal=a=b", "--dry-run=client", "-oyaml"];
    let keks = [format!("--kek={}", strong.trim()), format!("--kek={tagged}")];
    let args = create.into_iter().map(str::to_owned).chain(keks);
    let yaml = sandbox.run(args).succeeds().stdout;
    // The hardware key and the local key each open it.
    let recipients = crate::sealed::value(&yaml, "a")["recipients"].to_string();
    assert!(recipients.contains(&tagged), "{recipients}");
    assert_eq!(sandbox.pipe(yaml, ["unwrap", "-f", "-", "a"]).succeeds().stdout, "b");
}

#[test]
fn an_unknown_recipient_does_not_go_with_a_post_quantum_one() {
    let sandbox = Sandbox::new();
    let strong = sandbox.run(["kek", "new", "--post-quantum"]).succeeds().stdout;
    let tag = "age:age1tag1qt8lw0ual6avlwmwatk888yqnmdamm7xfd0wak53ut6elz5c4swx2yqdj4e";
    for weak in [kek("a"), tag.to_owned()] {
        let args = ["create", "db", "-nprod", "--from-literal=a=b", "--dry-run=client"];
        let keks = [format!("--kek={}", strong.trim()), format!("--kek={weak}")];
        let run = sandbox.run(args.into_iter().map(str::to_owned).chain(keks));
        let error = run.fails(1);
        assert!(error.contains(&format!("`{weak}` cannot be combined")), "{error}");
    }
}

#[test]
fn an_identity_of_a_plugin_is_not_a_kek_and_is_not_quoted() {
    let sandbox = Sandbox::new();
    let secret = identity("a");
    let error = sandbox.run(["kek", "trust", "-A", &format!("age:{secret}")]).fails(2);
    assert!(error.contains("an age identity is a secret key"), "{error}");
    assert!(!error.contains(&secret), "{error}");
}
