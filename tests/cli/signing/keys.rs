//! Which key signs, and which keys cannot.

use super::{FILE, Person};

#[test]
fn every_kind_of_key_signs_and_ssh_keygen_alone_verifies_it() {
    for kind in [
        &["-t", "ed25519"][..],
        &["-t", "ecdsa", "-b", "256"],
        &["-t", "ecdsa", "-b", "384"],
        &["-t", "ecdsa", "-b", "521"],
        &["-t", "rsa", "-b", "2048"],
    ] {
        let person = Person::new();
        person.key("id", kind, "");
        person.uses("~/id");
        person.signs();
        assert!(person.is_signed_by("id"), "{kind:?}");
        person.key("other", &["-t", "ed25519"], "");
        assert!(!person.is_signed_by("other"), "{kind:?}");
    }
}

#[test]
fn a_second_run_signs_nothing_and_a_second_key_adds_its_signature() {
    let person = Person::with_key();
    person.signs();
    let first = person.sandbox.read(FILE);
    let run = person.sandbox.run(["sign", "-f", FILE]).succeeds();
    assert_eq!((run.stdout.as_str(), person.sandbox.read(FILE)), ("secret/db unchanged\n", first));
    person.key("other", &["-t", "ed25519"], "");
    person.uses("~/other");
    person.signs();
    assert!(person.is_signed_by("id"));
    let view = person.sandbox.run(["inspect", "-f", FILE, "-o", "json"]).succeeds().stdout;
    assert_eq!(view.matches("SHA256:").count(), 2, "{view}");
}

#[test]
fn a_new_label_is_signed_again_and_takes_the_place_of_the_old_signature() {
    let person = Person::with_key();
    person.signs();
    let text = person.sandbox.read(FILE);
    let text = text.replace("  annotations:\n", "  annotations:\n    owner: pay\n");
    person.sandbox.write(FILE, text);
    person.signs();
    let view = person.sandbox.run(["inspect", "-f", FILE, "-o", "json"]).succeeds().stdout;
    assert_eq!(view.matches("SHA256:").count(), 1, "{view}");
}

#[test]
fn a_secret_that_someone_changed_is_not_signed() {
    let person = Person::with_key();
    let text = person.sandbox.read(FILE);
    person.sandbox.write(
        FILE,
        text.replace("type: envcrypt.dev/sealed", "immutable: true\ntype: envcrypt.dev/sealed"),
    );
    let error = person.does_not_sign();
    assert!(error.contains("changed after it was sealed"), "{error}");
}

#[test]
fn the_environment_names_the_key_before_git_does() {
    let mut person = Person::with_key();
    person.key("ci", &["-t", "ed25519"], "");
    person.sandbox = person.sandbox.env("ENVCRYPT_SIGNING_KEY", "~/ci");
    person.signs();
    assert!(person.is_signed_by("ci"));
}

#[test]
fn without_a_key_the_error_says_how_to_name_one() {
    let person = Person::new();
    let error = person.does_not_sign();
    assert!(error.starts_with("error: you have no key to sign with\n"), "{error}");
    assert!(error.contains("`git config --global gpg.format ssh`"), "{error}");
    // A key of GPG is none of SSH.
    person.config("user.signingKey", "~/id.pub");
    assert_eq!(person.does_not_sign(), error);
}

#[test]
fn a_key_that_cannot_be_used_is_refused_before_a_program_runs() {
    for (key, said) in [
        ("/nowhere/id", "the signing key `/nowhere/id` is not there"),
        ("keys/id", "the signing key `keys/id` is named by a relative path"),
        ("key::ssh-ed25519 AAAA", "`ssh-ed25519` does not begin an SSH public key"),
        ("ssh-ed25519-cert-v01@openssh.com AAAA", "does not begin an SSH public key"),
    ] {
        let person = Person::with_program("hang");
        person.uses(key);
        let error = person.does_not_sign();
        assert!(error.contains(said), "{error}");
        assert!(error.contains("\nhint: "), "{error}");
    }
}

#[test]
fn a_kind_of_key_that_cannot_be_verified_is_refused() {
    let person = Person::new();
    person.key("dsa", &["-t", "dsa"], "");
    person.uses("~/dsa.pub");
    let error = person.does_not_sign();
    assert!(error.contains("`ssh-dss`"), "{error}");
    person.key("weak", &["-t", "rsa", "-b", "1024"], "");
    person.uses("~/weak.pub");
    let error = person.does_not_sign();
    assert!(error.contains("its kind of key is unknown or too weak"), "{error}");
    assert!(error.contains("ssh-keygen -t ed25519"), "{error}");
}

#[test]
fn a_private_key_in_the_environment_is_not_shown() {
    let mut person = Person::with_key();
    let key = std::fs::read_to_string(person.home().join("id")).expect("a key");
    person.sandbox = person.sandbox.env("ENVCRYPT_SIGNING_KEY", key.as_str());
    let error = person.does_not_sign();
    assert!(error.contains("`ENVCRYPT_SIGNING_KEY` holds a private key"), "{error}");
    assert!(!error.contains(key.lines().nth(1).expect("base64")), "{error}");
}

#[test]
fn a_public_key_of_another_private_key_is_noticed() {
    let person = Person::with_key();
    person.key("other", &["-t", "ed25519"], "");
    std::fs::copy(person.home().join("other.pub"), person.home().join("id.pub")).expect("copied");
    person.uses("~/id");
    let error = person.does_not_sign();
    assert!(error.contains("did not sign with the key"), "{error}");
}

#[test]
fn nothing_in_a_repository_names_the_key_or_the_program() {
    let mut person = Person::with_key();
    let work = person.sandbox.work();
    for name in ["ssh-keygen", "bin/ssh-keygen"] {
        let path = person.sandbox.write(name, "#!/bin/sh\ntouch ran\n");
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(path, PermissionsExt::from_mode(0o755)).expect("the mode");
    }
    person.sandbox.write(".gitconfig", "[gpg \"ssh\"]\n\tprogram = ./ssh-keygen\n");
    person.sandbox.write("config", "[gpg \"ssh\"]\n\tprogram = ./ssh-keygen\n");
    // A bare repository among the files of another one.
    person.sandbox.write("HEAD", "ref: refs/heads/main\n");
    std::fs::create_dir_all(work.join("objects")).expect("made");
    std::fs::create_dir_all(work.join("refs")).expect("made");
    let path = std::env::var("PATH").expect("a path");
    person.sandbox = person.sandbox.env("PATH", format!(":.:bin:{path}"));
    person.signs();
    person.config("gpg.ssh.program", "./ssh-keygen");
    person.sandbox.run(["set", "-f", FILE, "--generate", "a"]).succeeds();
    let error = person.does_not_sign();
    assert!(error.contains("is named by a relative path"), "{error}");
    assert!(!work.join("ran").exists());
}

#[test]
fn a_new_seal_drops_the_signature_and_rewrap_keeps_it() {
    let person = Person::with_key();
    person.signs();
    person.sandbox.run(["rewrap", "--kek=local", "--renew", "-f", FILE]).succeeds();
    assert!(person.is_signed_by("id"));
    person.sandbox.run(["rotate", "-f", FILE]).succeeds();
    assert!(!person.sandbox.read(FILE).contains("envcrypt.dev/signatures"));
}

#[test]
fn a_dry_run_signs_nothing_and_standard_output_leaves_the_file() {
    let person = Person::with_key();
    let before = person.sandbox.read(FILE);
    let run = person.sandbox.run(["sign", "-f", FILE, "--dry-run"]).succeeds();
    assert_eq!(run.stdout, "secret/db would be changed (dry run)\n");
    let run = person.sandbox.run(["sign", "-f", FILE, "--to-stdout"]).succeeds();
    assert!(run.stdout.contains("envcrypt.dev/signatures"), "{}", run.stdout);
    let piped = person.sandbox.pipe(&before, ["sign", "-f", "-"]).succeeds();
    assert!(piped.stdout.contains("envcrypt.dev/signatures"), "{}", piped.stdout);
    assert_eq!(person.sandbox.read(FILE), before);
}

#[test]
fn of_many_it_says_first_how_many_it_signs() {
    let person = Person::with_key();
    let text = person.sandbox.read(FILE);
    for name in ["a", "b", "c"] {
        person.sandbox.write(&format!("all/{name}.yaml"), &text);
    }
    let run = person.sandbox.run(["sign", "-R", "-f", "all"]).succeeds();
    assert!(run.stderr.starts_with("note: signing 3 Secrets with the key `"), "{}", run.stderr);
    assert!(run.stderr.contains("a touch for each"), "{}", run.stderr);
    assert_eq!(run.stdout.matches(" signed").count(), 3, "{}", run.stdout);
}
