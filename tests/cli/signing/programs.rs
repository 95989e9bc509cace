//! Programs in the place of ssh-keygen, and how they fail: `tests/programs/signer.sh`.

use super::{FILE, Person};

#[test]
fn a_program_gets_the_arguments_of_git_in_a_directory_of_its_own() {
    let mut person = Person::with_program("arguments");
    let said = person.home().join("said");
    person.sandbox = person.sandbox.env("ARGUMENTS", said.to_str().expect("UTF-8"));
    person.signs();
    let said = std::fs::read_to_string(said).expect("it ran");
    let key = person.home().join("id.pub");
    let start = format!("-Y sign -n secret@envcrypt.dev -f {} ", key.display());
    assert!(said.starts_with(&start), "{said}");
    assert!(said.lines().nth(1).expect("a line").starts_with("drwx------"), "{said}");
}

#[test]
fn each_way_to_fail_is_one_error_that_says_what_to_do() {
    for (plays, cause, hint) in [
        ("touch", "operation timed out", "touch the key while it blinks"),
        ("agent", "agent refused operation", "unlock the agent"),
        ("silent", "exit status: 3", ""),
        ("steer", "bad \\u{1b}[2Jkey; error: not mine", ""),
        ("nothing", "ended without a signature", "gpg.ssh.program"),
        ("garbage", "something that is not an SSH signature", "gpg.ssh.program"),
        ("huge", "something that is not an SSH signature", "gpg.ssh.program"),
        ("other-message", "it does not match what it signs", "gpg.ssh.program"),
        ("other-purpose", "it was made for another purpose", "gpg.ssh.program"),
    ] {
        let error = Person::with_program(plays).does_not_sign();
        assert!(error.contains(cause) && error.contains(hint), "{plays}: {error}");
    }
}

#[test]
fn a_signature_by_another_key_is_refused() {
    let mut person = Person::with_program("other-key");
    person.key("other", &["-t", "ed25519"], "");
    let other = person.home().join("other").to_str().expect("UTF-8").to_owned();
    person.sandbox = person.sandbox.env("OTHER_KEY", other);
    let error = person.does_not_sign();
    assert!(error.contains("the signature is not by the key"), "{error}");
}

#[test]
fn a_program_that_is_not_there_is_named() {
    let person = Person::with_key();
    person.config("gpg.ssh.program", "~/op-ssh-sign");
    let error = person.does_not_sign();
    assert!(error.contains("op-ssh-sign`, which signs, is not there"), "{error}");
    person.config("gpg.ssh.program", "op-ssh-sign");
    let error = person.does_not_sign();
    assert!(error.contains("the program `op-ssh-sign`, which signs, is not there"), "{error}");
}

#[test]
fn one_failure_of_many_leaves_the_others_signed() {
    let person = Person::with_key();
    let text = person.sandbox.read(FILE);
    person.sandbox.write("all/a.yaml", &text);
    person.sandbox.write(
        "all/b.yaml",
        text.replace("immutable: true\n", "").replace("name: db", "name: web"),
    );
    let run = person.sandbox.run(["sign", "-R", "-f", "all"]);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert!(person.sandbox.read("all/a.yaml").contains("envcrypt.dev/signatures"));
    person.left_nothing();
}
