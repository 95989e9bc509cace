//! The plugins of age: its own programs here, and plugins of ours in its own program.

use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use bech32::{ToBase32, Variant};

use crate::programs::{built, find};
use crate::readme::{commands, install, run_line};
use crate::sandbox::{Run, Sandbox};
use crate::sealed::{change_wrapped, sealed_under, with_kek, wrapped};

const PROGRAMS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/programs");
const PIN: &str = "123456";

/// A sandbox with a plugin of ours, the plugins of age, and Python on its PATH.
fn sandbox(plugin: &str, identity: &str) -> (Sandbox, PathBuf) {
    let sandbox = Sandbox::with_local_key();
    let folder = sandbox.work().join("programs");
    std::fs::create_dir(&folder).expect("made");
    symlink(format!("{PROGRAMS}/{plugin}.py"), folder.join(plugin)).expect("linked");
    let built = built().expect("the servers");
    let path =
        [folder, built.join("bin"), built.join("venv/bin"), "/usr/bin".into(), "/bin".into()];
    let path = std::env::join_paths(path).expect("a PATH").into_string().expect("text");
    let identity = sandbox.write("identity", identity);
    let sandbox = sandbox.env("PATH", path);
    (sandbox.env("ENVCRYPT_AGE_IDENTITIES", identity.display().to_string()), identity)
}

/// Runs a program of age with the environment of the sandbox.
fn age(sandbox: &Sandbox, program: &str, args: &[&str], input: &[u8]) -> Vec<u8> {
    let mut command = Command::new(find(program));
    command.envs(sandbox.environment()).current_dir(sandbox.work()).args(args);
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    child.stdin.take().expect("a pipe").write_all(input).expect("written");
    let output = child.wait_with_output().expect("it ends");
    let bytes = output.stdout.clone();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    bytes
}

fn open(sandbox: &Sandbox, yaml: &str) -> Run {
    sandbox.pipe(yaml, ["unwrap", "-f", "-", "key0"])
}

/// What is sealed here, `age` opens; what `age` wraps, opens here.
#[track_caller]
fn both_ways(sandbox: &Sandbox, identity: &Path, recipient: &str) {
    let yaml = sealed_under(sandbox, &[&format!("age:{recipient}")]);
    let value = open(sandbox, &yaml).succeeds().stdout;
    let identity = identity.display().to_string();
    let dek = age(sandbox, "age", &["-d", "-i", &identity], &wrapped(&yaml, "key0"));
    assert_eq!(dek.len(), 32);
    let theirs = age(sandbox, "age", &["-r", recipient], &dek);
    let yaml = change_wrapped(&yaml, |bytes| bytes.clone_from(&theirs));
    assert_eq!(open(sandbox, &yaml).succeeds().stdout, value);
}

fn text(start: &str, data: &[u8]) -> String {
    bech32::encode(start, data.to_base32(), Variant::Bech32).expect("encoded")
}

/// The section of the page, with a program that plays the plugin of a YubiKey.
#[test]
fn every_command_line_about_hardware_keys_works() {
    let page = include_str!("../../docs/keks.md");
    let (_, section) = page.split_once("\n## Hardware keys").expect("the section");
    let section = section.split("\n## ").next().expect("a text");
    let sandbox = Sandbox::new();
    let home = sandbox.work().parent().expect("a home").to_owned();
    let sandbox = sandbox.env("XDG_CONFIG_HOME", home.join(".config").display().to_string());
    let program = PathBuf::from(format!("{PROGRAMS}/age-plugin-yubikey.sh"));
    install(&sandbox, &[("age-plugin-yubikey", program)]);
    let recipient = text("age1yubikey", b"slot1");
    let line = text("age-plugin-yubikey-", b"slot1").to_uppercase();
    let printed = format!("#       Serial: 1, Slot: 1\n#    Recipient: {recipient}\n{line}\n");
    std::fs::write(home.join("printed"), printed).expect("written");
    let lines = commands(section);
    assert!(lines.len() >= 4, "{lines:?}");
    let outputs: Vec<_> = lines.iter().map(|line| run_line(&sandbox, line, &[])).collect();
    let last = outputs.last().expect("an output");
    assert!(last.contains(&format!("age:{recipient} works (")), "{last}");
}

#[test]
fn a_plugin_works_in_age_as_it_does_here() {
    let recipient = text("age1test", b"alice+unknown+seal-touch");
    let identity = text("age-plugin-test-", b"alice+unknown+seal-touch").to_uppercase();
    let file = format!("#    Recipient: {recipient}\n{identity}\n");
    let (sandbox, identity) = sandbox("age-plugin-test", &file);
    both_ways(&sandbox, &identity, &recipient);
}

#[test]
fn a_tagged_recipient_is_opened_by_a_plugin_here_and_in_age() {
    let secret = [7; 32];
    let public = "age1tag1qv0ps5e06365cqhnqswecawwkvac8l7crtruunlgstxtrjvtckykuxc64jj";
    let line = text("age-plugin-hardware-", &secret).to_uppercase();
    // With and without the comment that names the recipient.
    for file in [format!("# public key: {public}\n{line}\n"), line.clone()] {
        let (sandbox, identity) = sandbox("age-plugin-hardware", &file);
        both_ways(&sandbox, &identity, public);
        let yaml = sealed_under(&sandbox, &[&format!("age:{public}")]);
        let run = open(&sandbox, &yaml).succeeds();
        assert_eq!(run.stderr, "age-plugin-hardware: touch the key\n");
    }
    // A plugin that is not installed does not hide one that is.
    let missing = text("age-plugin-aaa-", &secret).to_uppercase();
    let (two, _) = sandbox("age-plugin-hardware", &format!("{missing}\n{line}\n"));
    let yaml = sealed_under(&two, &[&format!("age:{public}")]);
    open(&two, &yaml).succeeds();
    // The comment names another recipient: its identity is not for this one.
    let other = "age1tag1qt8lw0ual6avlwmwatk888yqnmdamm7xfd0wak53ut6elz5c4swx2yqdj4e";
    let (sandbox, _) = sandbox("age-plugin-hardware", &format!("# public key: {other}\n{line}\n"));
    let yaml = sealed_under(&sandbox, &[&format!("age:{public}")]);
    let error = open(&sandbox, &yaml).fails(1);
    assert!(error.contains("none of your age identities opens it"), "{error}");
}

#[test]
fn the_post_quantum_plugin_of_age_opens() {
    let (sandbox, identity) = sandbox("age-plugin-test", "");
    let native = age(&sandbox, "age-keygen", &["-pq"], b"");
    let native = String::from_utf8(native).expect("text");
    let recipient = native.lines().find_map(|line| line.strip_prefix("# public key: "));
    let recipient = recipient.expect("a recipient");
    let line = age(&sandbox, "age-plugin-pq", &["-identity"], native.as_bytes());
    let line = String::from_utf8(line).expect("text");
    assert!(line.contains("AGE-PLUGIN-PQ-1"), "{line}");
    std::fs::write(&identity, format!("# public key: {recipient}\n{line}")).expect("written");
    both_ways(&sandbox, &identity, recipient);
}

#[test]
fn a_plugin_that_takes_a_passphrase_from_the_environment_opens_and_says_what_it_cannot() {
    let line = text("age-plugin-batchpass-", b"").to_uppercase();
    let (sandbox, _) = sandbox("age-plugin-test", &line);
    let sandbox = sandbox.env("AGE_PASSPHRASE_WORK_FACTOR", "4");
    let recipient = text("age1batchpass", b"");
    let yaml = sealed_under(&sandbox, &["local"]);
    let value = open(&sandbox, &yaml).succeeds().stdout;
    let local = sandbox.config().join("identities/local.txt").display().to_string();
    let dek = age(&sandbox, "age", &["-d", "-i", &local], &wrapped(&yaml, "key0"));
    let yaml = with_kek(&yaml, "age", &format!("age:{recipient}"));
    let error = open(&sandbox, &yaml).fails(1);
    assert!(error.contains("cause: "), "{error}");
    let sandbox = sandbox.env("AGE_PASSPHRASE", PIN);
    let theirs = age(&sandbox, "age", &["-e", "-j", "batchpass"], &dek);
    let yaml = change_wrapped(&yaml, |bytes| bytes.clone_from(&theirs));
    assert_eq!(open(&sandbox, &yaml).succeeds().stdout, value);
    let wrong = sandbox.env("AGE_PASSPHRASE", "another");
    let error = open(&wrong, &yaml).fails(1);
    assert!(error.contains("cause: `age-plugin-batchpass` says: "), "{error}");
    assert!(error.contains("incorrect passphrase"), "{error}");
    // It has no recipients, only identities.
    let error = wrong.run(["kek", "test", &format!("age:{recipient}")]).fails(1);
    assert!(error.contains("cannot wrap the data key"), "{error}");
}
