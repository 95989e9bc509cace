//! The list of signers: the commands that change it, and what ssh-keygen reads in it.

mod changed;

use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::repository::{commit, git, repository};
use crate::sandbox::{Run, Sandbox, mode};
use crate::terminal::{answer, ends, see, session};
use envcrypt_core::signature::{PublicKey, SECRET_NAMESPACE, Signers, time};

const LIST: &str = ".envcrypt/allowed_signers";
const RULES: &str =
    "rules: [{namespace: prod, keks: [local], signers: .envcrypt/allowed_signers}]\n";

/// Makes a key pair in the work directory; the public key.
fn key(sandbox: &Sandbox, name: &str, kind: &[&str]) -> String {
    let path = sandbox.work().join(name);
    let mut keygen = Command::new("ssh-keygen");
    keygen.args(["-q", "-N", "", "-C", "a comment", "-f"]).arg(&path).args(kind);
    assert!(keygen.status().expect("ssh-keygen runs").success());
    sandbox.read(&format!("{name}.pub")).trim().to_owned()
}

/// Signs a file as `signers` asks people to do it; the path of the signature.
fn sign(sandbox: &Sandbox, key: &str, namespace: &str, file: &str) -> PathBuf {
    let _ = std::fs::remove_file(sandbox.work().join(format!("{file}.sig")));
    let mut keygen = Command::new("ssh-keygen");
    keygen.args(["-q", "-Y", "sign", "-n", namespace, "-f", key, file]);
    keygen.current_dir(sandbox.work()).stderr(Stdio::null());
    assert!(keygen.status().expect("ssh-keygen runs").success());
    sandbox.work().join(format!("{file}.sig"))
}

#[test]
fn keys_are_added_from_a_line_a_file_and_standard_input_and_each_once() {
    let sandbox = Sandbox::new();
    let alice = key(&sandbox, "alice", &["-t", "ed25519"]);
    let bob = key(&sandbox, "bob", &["-t", "ecdsa"]);
    let rsa = key(&sandbox, "rsa", &["-t", "rsa", "-b", "2048"]);
    let run = sandbox.run(["signers", "add", "alice@example.com", "alice.pub"]).succeeds();
    assert_eq!(run.stdout, format!("{LIST}: added 1 key of alice@example.com\n"));
    assert!(
        run.stderr.contains("add `signers: .envcrypt/allowed_signers` to a rule of a new file")
    );
    assert_eq!(mode(&sandbox.work().join(LIST)), 0o644);
    let words: Vec<&str> = ["signers", "add", "bob"].into_iter().chain(bob.split(' ')).collect();
    sandbox.run(words).succeeds();
    let before = sandbox.read(LIST);
    let keys = format!("{bob}\n\n{rsa}\n{bob}\n");
    let run = sandbox.pipe(&keys, ["signers", "add", "bob", "-"]).succeeds();
    assert_eq!(run.stdout, format!("{LIST}: added 1 key of bob\n"));
    let after = sandbox.read(LIST);
    let options = "namespaces=\"secret@envcrypt.dev,signers@envcrypt.dev\"";
    let rsa = rsa.trim_end_matches(" a comment");
    let (_, old) = before.split_once("serial: ").expect("a serial");
    let (_, old) = old.split_once('\n').expect("a line");
    assert!(after.ends_with(&format!("{old}bob {options} {rsa}\n")), "{after}");
    let serial = |text: &str| Signers::parse(text).expect("a list").serial().expect("a serial");
    assert!(serial(&after) > serial(&before));
    let run = sandbox.run(["signers", "add", "bob", "rsa.pub"]).succeeds();
    assert!(run.stderr.contains("has these keys of bob already"), "{}", run.stderr);
    assert_eq!((run.stdout.as_str(), sandbox.read(LIST)), ("", after));
    let table = sandbox.run(["signers", "list"]).succeeds().stdout;
    assert_eq!(table.lines().count(), 4, "{table}");
    let first = table.lines().nth(1).expect("a line");
    assert!(first.starts_with("alice@example.com  ssh-ed25519          SHA256:"), "{table}");
    assert!(!table.contains(alice.split(' ').nth(1).expect("a key")), "{table}");
}

#[test]
fn what_cannot_sign_is_not_added() {
    let sandbox = Sandbox::new();
    let good = key(&sandbox, "alice", &["-t", "ed25519"]);
    let weak = key(&sandbox, "weak", &["-t", "rsa", "-b", "1024"]);
    let refused = |input: &str, args: &[&str], wanted: &str| {
        let error = sandbox.pipe(input, ["signers", "add"].iter().chain(args)).fails(1);
        assert!(error.contains(wanted), "{error}");
        assert!(!sandbox.work().join(".envcrypt").exists());
    };
    refused("", &["a", "weak.pub"], "line 1 of `weak.pub`: its kind of key is unknown or too weak");
    refused("", &["a", "-"], "there is no key");
    refused("Not Found\n", &["a", "-"], "line 1 of standard input: it is not an SSH public key");
    refused("", &["a", "alice"], "it is a private key");
    refused("", &["a", "gone.pub"], "gone.pub");
    for name in ["*@example.com", "a,b", "!a", "a b", "\u{430}lice", "#a", ""] {
        refused("", &[name, "alice.pub"], "cannot be a principal");
    }
    // A key that cannot sign does not keep the others out.
    let run = sandbox.pipe(format!("{weak}\n{good}\n"), ["signers", "add", "a", "-"]).succeeds();
    assert!(run.stderr.contains("warning: line 1 of standard input is left out"), "{}", run.stderr);
    let error = sandbox.run(["signers", "add", "mallory", "alice.pub"]).fails(1);
    assert!(error.contains("`mallory` has the same key as `a`"), "{error}");
    // Nothing is made behind a link.
    let outside = Sandbox::new();
    let work = repository();
    std::os::unix::fs::symlink(outside.work(), work.work().join(".envcrypt")).expect("linked");
    let words = ["signers", "add", "a"].into_iter().chain(good.split(' '));
    let error = work.run(words.collect::<Vec<_>>()).fails(2);
    assert!(error.contains("leads out of the repository"), "{error}");
    assert!(!outside.work().join("allowed_signers").exists());
}

#[test]
fn a_revoked_signer_keeps_the_past_and_a_stolen_key_is_removed() {
    let sandbox = Sandbox::new();
    key(&sandbox, "alice", &["-t", "ed25519"]);
    key(&sandbox, "other", &["-t", "ed25519"]);
    sandbox.run(["signers", "add", "alice", "alice.pub"]).succeeds();
    sandbox.run(["signers", "add", "alice", "other.pub"]).succeeds();
    let run = sandbox.run(["signers", "revoke", "alice", "--at", "20260101Z"]).succeeds();
    assert_eq!(run.stdout, format!("{LIST}: revoked 2 keys of alice\n"));
    assert_eq!(sandbox.read(LIST).matches("valid-before=\"20260101000000Z\"").count(), 2);
    let run = sandbox.run(["signers", "revoke", "alice"]).succeeds();
    assert!(run.stderr.contains("were revoked already"), "{}", run.stderr);
    let table = sandbox.run(["signers", "list"]).succeeds().stdout;
    assert!(table.contains("until 20260101000000Z"), "{table}");
    let print = table.lines().nth(1).and_then(|line| line.split_whitespace().nth(2));
    let print = print.expect("a fingerprint");
    let run = sandbox.run(["signers", "revoke", "alice", "--key", print, "--stolen"]).succeeds();
    assert_eq!(run.stdout, format!("{LIST}: removed 1 key of alice\n"));
    assert!(run.stderr.contains("kubectl envcrypt sign -R -f ."), "{}", run.stderr);
    let error = sandbox.run(["signers", "revoke", "alice", "--key", print]).fails(1);
    assert!(error.contains("has no key of `alice` with the fingerprint"), "{error}");
    sandbox.run(["signers", "revoke", "alice", "--at", "soon"]).fails(2);
}

#[test]
fn a_change_by_somebody_else_is_shown_and_trusted_by_name() {
    let sandbox = repository();
    key(&sandbox, "alice", &["-t", "ed25519"]);
    key(&sandbox, "bob", &["-t", "ed25519"]);
    sandbox.write(".envcrypt.yaml", RULES);
    sandbox.run(["signers", "add", "alice", "alice.pub"]).succeeds();
    let state = || sandbox.run(["signers", "list"]).succeeds().stderr;
    assert_eq!(state(), "note: this machine has not used the list yet\n");
    let run = sandbox.run(["signers", "trust", "--dry-run"]).succeeds();
    let list = format!("`{LIST}`: added: alice ssh-ed25519 SHA256:");
    for line in ["new on this machine\n", &list, "\nmay sign: alice ssh-ed25519 SHA256:"] {
        assert!(run.stdout.contains(line), "{line}: {}", run.stdout);
    }
    assert!(!sandbox.config().join("signers").exists());
    sandbox.run(["signers", "trust"]).succeeds();
    assert_eq!(state(), "note: this machine knows the list and the rules\n");
    assert_eq!(mode(&sandbox.config().join("signers")), 0o700);
    // What the person changes here, this machine knows.
    sandbox.run(["signers", "add", "bob", "bob.pub"]).succeeds();
    assert_eq!(state(), "note: this machine knows the list and the rules\n");
    let list = sandbox
        .read(LIST)
        .lines()
        .filter(|line| !line.starts_with("bob"))
        .fold(String::new(), |text, line| text + line + "\n");
    sandbox.write(LIST, list);
    assert!(
        state().contains("note: `.envcrypt/allowed_signers`: removed: bob ssh-ed25519 SHA256:")
    );
    sandbox.write(".envcrypt.yaml", "rules: []");
    let run = sandbox.run(["signers", "trust"]).succeeds();
    assert!(
        run.stdout.contains("`.envcrypt.yaml`: removed: {\"namespace\":\"prod\""),
        "{}",
        run.stdout
    );
    assert!(run.stdout.ends_with("accepted\n"));
}

#[test]
fn many_runs_at_once_pin_the_same() {
    let sandbox = repository();
    key(&sandbox, "alice", &["-t", "ed25519"]);
    sandbox.write(".envcrypt.yaml", RULES);
    sandbox.run(["signers", "add", "alice", "alice.pub"]).succeeds();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| sandbox.run(["signers", "trust"]).succeeds());
        }
    });
    let pins: Vec<_> = sandbox.config().join("signers").read_dir().expect("there").collect();
    assert_eq!(pins.len(), 1, "{pins:?}");
    let state = sandbox.run(["signers", "list"]).succeeds().stderr;
    assert_eq!(state, "note: this machine knows the list and the rules\n");
}

#[test]
fn a_list_that_ssh_keygen_signed_is_taken_over() {
    let sandbox = repository();
    key(&sandbox, "alice", &["-t", "ed25519"]);
    let bob = key(&sandbox, "bob", &["-t", "ed25519"]);
    sandbox.write(".envcrypt.yaml", RULES);
    sandbox.run(["signers", "add", "alice", "alice.pub"]).succeeds();
    sandbox.run(["signers", "trust"]).succeeds();
    let text = sandbox.read(LIST) + &format!("bob {bob}\n");
    let serial = Signers::parse(&text).expect("a list").serial().expect("a serial");
    sandbox.write(LIST, text.replace(&serial.to_string(), &(serial + 1).to_string()));
    let state = || sandbox.run(["signers", "list"]).succeeds().stderr;
    sign(&sandbox, "bob", "signers@envcrypt.dev", LIST);
    assert!(state().contains("0 of 1 people of the known list signed it"), "{}", state());
    sign(&sandbox, "alice", "secret@envcrypt.dev", LIST);
    assert!(state().contains("it was made for another purpose"), "{}", state());
    sign(&sandbox, "alice", "signers@envcrypt.dev", LIST);
    assert!(state().contains("people of the known list signed the new one"), "{}", state());
    git(&sandbox, &["add", LIST]);
}

/// Every line with this list is read as ssh-keygen reads it, or refused.
#[test]
fn a_list_means_to_ssh_keygen_what_it_means_here() {
    let sandbox = Sandbox::new();
    let alice = key(&sandbox, "alice", &["-t", "ed25519"]);
    sandbox.write("message", "a statement");
    let signature = sign(&sandbox, "alice", SECRET_NAMESPACE, "message");
    let moment = "20260615120000";
    let ssh = |list: &str| {
        let list = sandbox.write("list", list);
        let mut verify = Command::new("ssh-keygen");
        verify.args(["-Y", "verify", "-I", "alice", "-n", SECRET_NAMESPACE, "-f"]).arg(list);
        verify.arg("-s").arg(&signature).arg(format!("-Overify-time={moment}Z"));
        verify.stdin(std::fs::File::open(sandbox.work().join("message")).expect("there"));
        verify.stdout(Stdio::null()).stderr(Stdio::null());
        verify.status().expect("ssh-keygen runs").success()
    };
    let key: PublicKey = alice.parse().expect("a key");
    let seconds = time(&format!("{moment}Z")).expect("a time");
    let ours = |list: &str| {
        let signers = Signers::parse(list).ok()?;
        Some(signers.principal(&key, SECRET_NAMESPACE, seconds) == Ok("alice"))
    };
    for options in [
        "",
        "namespaces=\"secret@envcrypt.dev\" ",
        "namespaces=\"git,secret@envcrypt.dev\" ",
        "NameSpaces=\"git\" ",
        "valid-after=\"20260615\",valid-before=\"20260617\" ",
        "valid-after=\"20260615120000Z\" ",
        "valid-after=\"20260615120001Z\" ",
        "valid-before=\"202606151200Z\" ",
        "valid-before=\"20260615115959Z\" ",
        "valid-before=\"20260101Z\",namespaces=\"secret@envcrypt.dev\" ",
    ] {
        for list in [
            format!("alice {options}{alice}\n"),
            format!("# a comment\r\n\r\nalice\t{options}{alice}\r\n"),
            format!("  alice  {options}{alice}"),
            format!("bob {options}{alice}\n"),
        ] {
            assert_eq!(ours(&list), Some(ssh(&list)), "{list}");
        }
    }
    for refused in [
        "namespaces=secret@envcrypt.dev ",
        "namespaces=\"secret@envcrypt.dev\", ",
        "namespaces=\"a\",namespaces=\"secret@envcrypt.dev\" ",
        "valid-before=\"tomorrow\" ",
        "valid-after=\"20270101Z\",valid-before=\"20260101Z\" ",
        "no-touch-required ",
        "cert-authority ",
    ] {
        let list = format!("alice {refused}{alice}\n");
        assert_eq!((ours(&list), ssh(&list)), (None, false), "{list}");
    }
    // What is refused here alone: more than one name, or a pattern.
    for stricter in [
        format!("alice,bob {alice}\n"),
        format!("al* {alice}\n"),
        format!("\"alice\" {alice}\n"),
        format!("alice namespaces=\"*@envcrypt.dev\" {alice}\n"),
    ] {
        assert_eq!((ours(&stricter), ssh(&stricter)), (None, true), "{stricter}");
    }
}

/// A repository with a Secret that Alice signed; `main` has her on the list.
fn signed() -> Sandbox {
    let sandbox = repository();
    for name in ["alice", "mallory"] {
        key(&sandbox, name, &["-t", "ed25519"]);
    }
    let home = sandbox.work().join("alice");
    let sandbox = sandbox.env("ENVCRYPT_SIGNING_KEY", home.display().to_string());
    sandbox.write(".gitignore", "alice*\nmallory*\n");
    sandbox.write(".envcrypt.yaml", RULES);
    sandbox.run(["signers", "add", "alice", "alice.pub"]).succeeds();
    let run = sandbox.run(["create", "db", "-n", "prod", "--from-literal=a=b", "-w", "db.yaml"]);
    run.succeeds();
    sandbox.run(["check", "."]).succeeds();
    commit(&sandbox, "2026-01-01");
    sandbox
}

#[test]
fn a_change_cannot_admit_its_own_author() {
    let sandbox = signed();
    sandbox.run(["check", "--since", "main"]).succeeds();
    git(&sandbox, &["checkout", "-q", "-b", "change"]);
    // Mallory puts their own key on the list, and signs with it.
    let mallory = sandbox.work().join("mallory").display().to_string();
    let evil = Sandbox::with_local_key().env("ENVCRYPT_SIGNING_KEY", mallory);
    let evil_list = format!("mallory {}", sandbox.read("mallory.pub"));
    evil.write(LIST, &evil_list);
    evil.write(".envcrypt.yaml", RULES);
    evil.run(["create", "db", "-n", "prod", "--from-literal=a=c", "-w", "db.yaml"]).succeeds();
    sandbox.write(LIST, &evil_list);
    sandbox.write("db.yaml", evil.read("db.yaml"));
    let run = sandbox.run(["check", "--since", "main"]);
    run_has(&run, "signature-signer");
    // Or the rule goes.
    sandbox.write(".envcrypt.yaml", "rules: [{keks: [local]}]");
    run_has(&sandbox.run(["check", "--since", "main"]), "signature-signer");
    // On a machine that knows the list, the change is refused at once.
    let error = sandbox.run(["check", "."]).stderr;
    assert!(error.contains("changed since you used them first"), "{error}");
    assert!(error.contains("hint: then run `kubectl envcrypt signers trust`"), "{error}");
}

/// Each attack has a Secret that nobody signed.
#[test]
fn a_secret_does_not_leave_its_rule_by_a_link_a_move_or_standard_input() {
    let sandbox = signed();
    let rule = "{path: 'prod/**', keks: [local], signers: .envcrypt/allowed_signers}";
    sandbox.write(".envcrypt.yaml", format!("rules: [{rule}]"));
    sandbox.run(["signers", "trust"]).succeeds();
    std::fs::create_dir(sandbox.work().join("prod")).expect("made");
    git(&sandbox, &["mv", "db.yaml", "prod/db.yaml"]);
    sandbox.run(["check", "."]).succeeds();
    commit(&sandbox, "2026-01-02");
    let text = sandbox.read("prod/db.yaml");
    let lines = text.lines().filter(|line| !line.contains("envcrypt.dev/signatures"));
    let forged: String = lines.map(|line| format!("{line}\n")).collect();
    assert_ne!(forged, text);
    let error = sandbox.pipe(&forged, ["unwrap", "-f", "-"]).stderr;
    assert!(error.contains("is not signed"), "{error}");
    git(&sandbox, &["mv", "prod", "other"]);
    std::os::unix::fs::symlink("other", sandbox.work().join("prod")).expect("linked");
    sandbox.write("other/db.yaml", &forged);
    let error = sandbox.run(["unwrap", "-f", "prod/db.yaml"]).stderr;
    assert!(error.contains("is not signed"), "{error}");
    run_has(&sandbox.run(["check", "--since", "main", "."]), "signature-missing");
    // The file `.envcrypt.yaml` goes, too, on a machine that has not seen it.
    std::fs::remove_dir_all(sandbox.config().join("signers")).expect("removed");
    sandbox.write(".envcrypt.yaml", "rules: [{keks: [local]}]");
    run_has(&sandbox.run(["check", "--since", "main", "."]), "signature-missing");
}

#[test]
fn an_empty_variable_fails() {
    for name in ["ENVCRYPT_SIGNERS", "ENVCRYPT_SIGNATURES"] {
        let sandbox = signed().env(name, "");
        let error = sandbox.run(["check", "."]).fails(2);
        assert!(error.contains(&format!("error: `{name}` is set, but empty")), "{error}");
        let error = sandbox.run(["unwrap", "-f", "db.yaml"]).stderr;
        assert!(error.contains(&format!("`{name}` is set, but empty")), "{error}");
    }
}

#[track_caller]
fn run_has(run: &Run, id: &str) {
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert!(run.stdout.contains(&format!("[{id}]")), "{}{}", run.stdout, run.stderr);
}

#[test]
fn a_fresh_runner_checks_and_is_warned() {
    let sandbox = signed();
    let fresh = Sandbox::new();
    let outside = fresh.write("signers", sandbox.read(LIST));
    let runner = || {
        let mut command = sandbox.command();
        command.env("XDG_CONFIG_HOME", fresh.work().join("config")).arg("check").arg(".");
        command
    };
    let run = Run::from(runner().output().expect("it runs"));
    assert!(run.stderr.contains("note: pinned `.envcrypt/allowed_signers`"), "{}", run.stderr);
    let warning = "warning: the list of signers comes from the repository itself";
    assert_eq!(run.stderr.matches(warning).count(), 1, "{}", run.stderr);
    // A list from outside of the repository needs no pin.
    std::fs::remove_dir_all(fresh.work().join("config")).expect("removed");
    let run = Run::from(runner().env("ENVCRYPT_SIGNERS", &outside).output().expect("it runs"));
    assert!(!run.stderr.contains("pinned") && !run.stderr.contains(warning), "{}", run.stderr);
    std::fs::write(&outside, format!("bob {}", sandbox.read("mallory.pub"))).expect("written");
    let run = Run::from(runner().env("ENVCRYPT_SIGNERS", &outside).output().expect("it runs"));
    run_has(&run, "signature-signer");
    // Without a place for pins, the check works and warns.
    let run =
        Run::from(runner().env("XDG_CONFIG_HOME", "/proc/nowhere").output().expect("it runs"));
    assert_eq!(run.stderr.matches(warning).count(), 1, "{}", run.stderr);
}

#[test]
fn the_list_is_signed_by_several_people_one_after_the_other() {
    let sandbox = signed();
    key(&sandbox, "bob", &["-t", "ed25519"]);
    sandbox.run(["signers", "add", "bob", "bob.pub"]).succeeds();
    let run = sandbox.run(["signers", "sign"]).succeeds();
    assert_eq!(run.stdout, format!("{LIST}.sig: signed\n"));
    let blocks = || sandbox.read(&format!("{LIST}.sig")).matches("BEGIN SSH").count();
    sandbox.run(["signers", "sign"]).succeeds();
    assert_eq!(blocks(), 1);
    let mut bob = sandbox.command();
    bob.args(["signers", "sign"]).env("ENVCRYPT_SIGNING_KEY", sandbox.work().join("bob"));
    Run::from(bob.output().expect("it runs")).succeeds();
    assert_eq!(blocks(), 2);
    // After a change, only new signatures stay.
    sandbox.run(["signers", "revoke", "bob"]).succeeds();
    sandbox.run(["signers", "sign"]).succeeds();
    assert_eq!(blocks(), 1);
}

#[test]
fn a_person_at_a_terminal_sees_the_change_and_decides() {
    let sandbox = signed();
    sandbox.write(LIST, sandbox.read(LIST) + &format!("mallory {}", sandbox.read("mallory.pub")));
    let mut no = session(&sandbox, &["check", "."]);
    see(&mut no, "`.envcrypt/allowed_signers`: added: mallory ssh-ed25519 SHA256:");
    answer(&mut no, "accept these changes [y/N]: ", "");
    assert!(ends(no, 2).contains("changed since you used them first"));
    let mut yes = session(&sandbox, &["check", "."]);
    answer(&mut yes, "accept these changes [y/N]: ", "y");
    ends(yes, 0);
    ends(session(&sandbox, &["check", "."]), 0);
}
