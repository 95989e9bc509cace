//! Where a rule asks for signatures, the commands that seal sign by themselves.

use std::process::Command;

use super::{FILE, Person};

/// A repository with a rule that asks for a signature by the key `id`, and a signed Secret.
pub fn with_rule() -> Person {
    let person = Person::with_key();
    let list = format!("me namespaces=\"secret@envcrypt.dev\" {}\n", person.public_key("id"));
    person.sandbox.write("signers", list);
    let rule = "rules:\n- keks: [local]\n  signers: signers\n";
    person.sandbox.write(".envcrypt.yaml", rule);
    git(&person, &["init", "-q", "-b", "main"]);
    commit(&person, "rules");
    person.signs_quietly();
    commit(&person, "signed");
    person
}

pub fn git(person: &Person, arguments: &[&str]) -> bool {
    let mut git = Command::new("git");
    git.args(["-c", "user.name=A", "-c", "user.email=a@example.com"]).args(arguments);
    git.current_dir(person.sandbox.work()).env_clear().env("HOME", person.home());
    git.envs(person.sandbox.environment());
    let path = std::env::var("PATH").expect("a path");
    let bin = crate::sandbox::PROGRAM.rsplit_once('/').expect("a path").0;
    git.env("PATH", format!("{bin}:{path}")).env("GIT_CONFIG_NOSYSTEM", "1");
    git.env("XDG_CONFIG_HOME", person.home().join("config")).env("GIT_EDITOR", "true");
    git.output().expect("git runs").status.success()
}

pub fn commit(person: &Person, message: &str) {
    assert!(git(person, &["add", "-A"]) && git(person, &["commit", "-qm", message]));
}

impl Person {
    /// Signs the file, whatever else is said.
    #[track_caller]
    fn signs_quietly(&self) {
        self.sandbox.run(["sign", "-f", FILE]).succeeds();
    }

    /// Runs a command that must not change the file.
    #[track_caller]
    pub fn refuses(&self, arguments: &[&str]) -> String {
        let before = self.sandbox.read(FILE);
        let error = self.sandbox.run(arguments).fails(1);
        assert_eq!(self.sandbox.read(FILE), before);
        self.left_nothing();
        error
    }
}

pub const CHANGES: [&[&str]; 4] = [
    &["set", "-f", FILE, "--generate", "a"],
    &["set", "-f", FILE, "--generate", "a", "--encrypt-only"],
    &["unset", "-f", FILE, "password"],
    &["rotate", "-f", FILE],
];

#[test]
fn what_changes_a_secret_signs_it() {
    for change in CHANGES {
        let person = with_rule();
        let before = person.sandbox.read(FILE);
        person.sandbox.run(change).succeeds();
        assert_ne!(person.sandbox.read(FILE), before);
        assert!(person.is_signed_by("id"), "{change:?}");
        person.left_nothing();
    }
}

#[test]
fn edit_signs_too() {
    let mut person = with_rule();
    person.sandbox = person.sandbox.env("EDITOR", "sed -i s/hunter2/hunter3/");
    person.sandbox.run(["edit", "-f", FILE, "--allow-disk"]).succeeds();
    assert!(person.is_signed_by("id"));
}

#[test]
fn create_and_seal_sign() {
    let person = with_rule();
    let create = ["create", "new", "-n", "prod", "--generate", "a", "-w", "new.yaml"];
    person.sandbox.run(create).succeeds();
    let print = ["create", "new", "-n", "prod", "--generate", "a", "--dry-run=client"];
    let printed = person.sandbox.run(print.iter().chain(&["-oyaml"])).succeeds().stdout;
    let name = person.sandbox.run(print).succeeds();
    assert!(!name.stderr.contains("signature"), "{}", name.stderr);
    let plain =
        "apiVersion: v1\nkind: Secret\nmetadata: {name: p, namespace: prod}\nstringData:\n  a: b\n";
    let piped = person.sandbox.pipe(plain, ["seal", "-f", "-"]).succeeds().stdout;
    person.sandbox.write("plain.yaml", plain);
    person.sandbox.run(["seal", "-i", "-f", "plain.yaml"]).succeeds();
    for text in [person.sandbox.read("new.yaml"), printed, piped, person.sandbox.read("plain.yaml")]
    {
        person.sandbox.write(FILE, text);
        assert!(person.is_signed_by("id"));
    }
}

#[test]
fn rewrap_keeps_the_signature_and_needs_no_key() {
    let person = with_rule();
    person.uses("/nowhere");
    person.sandbox.run(["rewrap", "-f", FILE, "--kek=local", "--renew"]).succeeds();
    assert!(person.is_signed_by("id"));
}

#[test]
fn who_may_not_sign_learns_it_before_anything_is_done() {
    let person = with_rule();
    person.key("other", &["-t", "ed25519"], "");
    for (key, said) in [
        ("~/other.pub", "may not sign the Secret `prod/db`"),
        ("/nowhere", "the signing key `/nowhere` is not there"),
    ] {
        person.uses(key);
        for change in CHANGES.into_iter().chain([&["sign", "-f", FILE][..]]) {
            let error = person.refuses(change);
            assert!(error.contains(said), "{change:?}: {error}");
        }
        let create = ["create", "new", "-n", "prod", "password", "-w", "new.yaml"];
        // Without a terminal, the prompt itself would be the error.
        let error = person
            .sandbox
            .run(create.iter().filter(|word| **word != "password").chain(&["--generate", "a"]))
            .fails(1);
        assert!(error.contains(&said.replace("prod/db", "prod/new")), "{error}");
        assert!(!person.sandbox.work().join("new.yaml").exists());
    }
}

#[test]
fn whoever_cannot_sign_can_prepare_a_change_for_a_signer() {
    let person = with_rule();
    person.uses("/nowhere");
    let run = person.sandbox.run(["set", "-f", FILE, "--generate", "a", "--no-sign"]).succeeds();
    assert!(
        run.stderr.contains("warning: `prod/db` does not have your signature"),
        "{}",
        run.stderr
    );
    assert!(!person.sandbox.read(FILE).contains("envcrypt.dev/signatures"));
    person.uses("~/id");
    person.signs();
}

#[test]
fn a_program_that_does_not_sign_leaves_the_file_as_it_was() {
    let mut person = with_rule();
    person.config("gpg.ssh.program", super::SIGNER);
    person.sandbox = person.sandbox.env("SIGNER", "agent");
    for change in CHANGES {
        let error = person.refuses(change);
        assert!(error.contains("agent refused operation"), "{error}");
    }
    let create = ["create", "new", "-n", "prod", "--generate", "a", "-w", "new.yaml"];
    person.sandbox.run(create).fails(1);
    assert!(!person.sandbox.work().join("new.yaml").exists());
}

#[test]
fn a_dry_run_signs_nothing_but_checks_the_key() {
    let mut person = with_rule();
    person.config("gpg.ssh.program", super::SIGNER);
    person.sandbox = person.sandbox.env("SIGNER", "agent");
    person.sandbox.run(["rotate", "-f", FILE, "--dry-run"]).succeeds();
    person.uses("/nowhere");
    person.refuses(&["rotate", "-f", FILE, "--dry-run"]);
}

/// Someone who may write files could have their own Secret signed by whoever changes it next.
#[test]
fn what_others_changed_does_not_get_the_signature_of_the_next_person() {
    let person = with_rule();
    let signed = person.sandbox.read(FILE);
    let unsigned: String = signed
        .lines()
        .filter(|line| !line.contains("envcrypt.dev/signatures"))
        .map(|line| format!("{line}\n"))
        .collect();
    let label = signed.replace("  annotations:\n", "  labels: {copy-to: evil}\n  annotations:\n");
    let dropped: String = signed
        .lines()
        .filter(|line| !line.starts_with("  password:"))
        .map(|line| format!("{line}\n"))
        .collect();
    for (text, said) in [
        (unsigned, "it has no signature"),
        (label, "nobody signed these labels and annotations of the Secret `prod/db`: `copy-to`"),
        (dropped, "it was changed after `SHA256:"),
    ] {
        person.sandbox.write(FILE, text);
        for change in CHANGES {
            let error = person.refuses(change);
            assert!(error.contains(said), "{change:?}: {error}");
        }
    }
}

#[test]
fn a_merge_of_signed_sides_is_signed() {
    let person = with_rule();
    let (git, commit) = (|words: &[&str]| git(&person, words), |text: &str| commit(&person, text));
    person.sandbox.run(["git", "install"]).succeeds();
    commit("drivers");
    assert!(git(&["checkout", "-qb", "theirs"]));
    person.sandbox.run(["set", "-f", FILE, "--generate", "a"]).succeeds();
    commit("theirs");
    assert!(git(&["checkout", "-q", "main"]));
    person.sandbox.run(["set", "-f", FILE, "--generate", "b"]).succeeds();
    commit("ours");
    // Without a key, the result is a conflict and not an unsigned file.
    person.config("user.signingKey", "/nowhere");
    assert!(!git(&["merge", "-q", "theirs"]));
    assert!(person.sandbox.read(FILE).contains("<<<<<<<"));
    assert!(git(&["merge", "--abort"]));
    person.config("user.signingKey", "~/id");
    assert!(git(&["merge", "-q", "theirs", "-m", "merged"]));
    assert!(person.is_signed_by("id"));
    let keys = person.sandbox.run(["inspect", "-f", FILE]).succeeds().stdout;
    assert!(["a ", "b ", "password "].iter().all(|key| keys.contains(key)), "{keys}");
}

#[test]
fn a_merge_does_not_sign_what_the_other_side_did_not() {
    let person = with_rule();
    let (git, commit) = (|words: &[&str]| git(&person, words), |text: &str| commit(&person, text));
    person.sandbox.run(["git", "install"]).succeeds();
    commit("drivers");
    assert!(git(&["checkout", "-qb", "theirs"]));
    person.sandbox.run(["set", "-f", FILE, "--generate", "a", "--no-sign"]).succeeds();
    commit("theirs");
    assert!(git(&["checkout", "-q", "main"]));
    person.sandbox.run(["set", "-f", FILE, "--generate", "b"]).succeeds();
    commit("ours");
    assert!(!git(&["merge", "-q", "theirs"]));
    assert!(person.sandbox.read(FILE).contains("<<<<<<<"));
    let error = person.sandbox.run(["git", "resolve", FILE, "--theirs"]).fails(1);
    assert!(error.contains("no signature") && error.contains("--accept-unsigned"), "{error}");
    // A person looks at it, and decides.
    let accept = ["git", "resolve", FILE, "--accept-unsigned"];
    let said = person.sandbox.run(accept).succeeds().stderr;
    assert!(said.contains("their version of `prod/db` does not have the signatures"), "{said}");
    assert!(said.contains("\n  `a`: sealed 2") && said.contains("\n  `b`: deleted"), "{said}");
    assert!(!said.contains("`password`"), "{said}");
    assert!(person.is_signed_by("id"));
}

#[test]
fn a_branch_from_before_the_rule_can_be_rebased() {
    let person = with_rule();
    let (git, commit) = (|words: &[&str]| git(&person, words), |text: &str| commit(&person, text));
    person.sandbox.run(["git", "install"]).succeeds();
    commit("drivers");
    // The first commit has the Secret without a signature.
    assert!(git(&["checkout", "-qb", "old", "main~2"]));
    let text = person.sandbox.read(FILE);
    let label = "  labels:\n    \"x\\ny\": \"1\"\n  annotations:\n";
    person.sandbox.write(FILE, text.replace("  annotations:\n", label));
    person.sandbox.run(["set", "-f", FILE, "--generate", "a", "--encrypt-only", "--no-sign"]);
    let rules = person.sandbox.read(".envcrypt.yaml");
    person.sandbox.write(".envcrypt.yaml", "rules:\n- keks: [local]\n");
    person.sandbox.run(["signers", "trust"]).succeeds();
    person.sandbox.run(["set", "-f", FILE, "--generate", "a"]).succeeds();
    person.sandbox.write(".envcrypt.yaml", rules);
    person.sandbox.run(["signers", "trust"]).succeeds();
    commit("from before");
    assert!(!git(&["rebase", "-q", "main"]));
    let before = person.sandbox.read(FILE);
    person.sandbox.run(["git", "resolve", FILE]).fails(1);
    assert_eq!(person.sandbox.read(FILE), before);
    let said = person.sandbox.run(["git", "resolve", FILE, "--accept-unsigned"]).succeeds().stderr;
    assert!(said.contains("\n  `a`: sealed"), "{said}");
    assert!(said.contains(r#"the label "x\ny": "1""#), "{said}");
    assert!(git(&["add", FILE]) && git(&["rebase", "--continue"]));
    person.sandbox.run(["check", FILE]).succeeds();
}

#[test]
fn the_list_itself_is_signed_by_several_people() {
    let person = with_rule();
    person.key("bob", &["-t", "ed25519"], "");
    let list = person.sandbox.read("signers");
    let bob = person.public_key("bob");
    person.sandbox.run(["signers", "add", "bob", &bob]).succeeds();
    let run = person.sandbox.run(["signers", "sign"]).succeeds();
    assert_eq!(run.stdout, "signers.sig: signed\n");
    let mut verify = Command::new("ssh-keygen");
    person.sandbox.write("old", list.replace("secret@envcrypt.dev", "signers@envcrypt.dev"));
    verify.args(["-Y", "verify", "-f", "old", "-I", "me", "-n", "signers@envcrypt.dev", "-s"]);
    verify.arg("signers.sig").current_dir(person.sandbox.work());
    verify.stdin(std::fs::File::open(person.sandbox.work().join("signers")).expect("there"));
    assert!(verify.output().expect("ssh-keygen runs").status.success());
    person.uses("~/bob");
    for _ in 0..2 {
        person.sandbox.run(["signers", "sign"]).succeeds();
        assert_eq!(person.sandbox.read("signers.sig").matches("BEGIN").count(), 2);
    }
    // Someone else adds a key: nobody signs that unseen.
    person.key("mallory", &["-t", "ed25519"], "");
    let changed = person.sandbox.read("signers") + &format!("m {}\n", person.public_key("mallory"));
    person.sandbox.write("signers", changed);
    let before = person.sandbox.read("signers.sig");
    let error = person.sandbox.run(["signers", "sign"]).fails(1);
    assert!(error.contains("signers trust"), "{error}");
    assert_eq!(person.sandbox.read("signers.sig"), before);
    person.left_nothing();
}
