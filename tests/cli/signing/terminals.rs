//! Programs that talk to the person, and the person who stops them.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::sys::termios::{LocalFlags, tcgetattr};
use nix::sys::wait::WaitStatus;
use nix::unistd::Pid;
use rexpect::session::PtySession;

use super::{FILE, Person};
use crate::terminal::{answer, ends, see, session};

fn locked() -> Person {
    let person = Person::new();
    person.key("id", &["-t", "ed25519"], "geheim");
    person.uses("~/id");
    person
}

fn sign(person: &Person) -> PtySession {
    session(&person.sandbox, &["sign", "-f", FILE])
}

fn is_signed(person: &Person) -> bool {
    person.sandbox.read(FILE).contains("envcrypt.dev/signatures")
}

#[test]
fn ssh_keygen_prompts_for_the_passphrase_itself() {
    let person = locked();
    let mut session = sign(&person);
    answer(&mut session, "Enter passphrase", "geheim");
    let rest = ends(session, 0);
    assert!(rest.contains("secret/db signed"), "{rest}");
    assert!(!rest.contains("geheim") && !rest.contains("Signing file"), "{rest}");
    assert!(person.is_signed_by("id"));
    person.left_nothing();
}

#[test]
fn a_wrong_passphrase_is_an_error_and_nothing_is_written() {
    let person = locked();
    let mut session = sign(&person);
    answer(&mut session, "Enter passphrase", "falsch");
    let rest = ends(session, 1);
    assert!(
        rest.contains("hint: run the command again, and type the passphrase of this key"),
        "{rest}"
    );
    assert!(!is_signed(&person));
    person.left_nothing();
}

#[test]
fn without_a_terminal_the_error_names_the_agent() {
    let error = locked().does_not_sign();
    assert!(error.contains("there is no terminal to type the passphrase"), "{error}");
}

#[test]
fn ctrl_c_at_the_passphrase_leaves_the_terminal_and_the_file_as_they_were() {
    let person = locked();
    let mut session = sign(&person);
    see(&mut session, "Enter passphrase");
    let terminal = session.process().get_file_handle().expect("a terminal");
    session.send_control('c').expect("typed");
    session.exp_eof().expect("it ends");
    ended(&mut session);
    assert!(tcgetattr(&terminal).expect("settings").local_flags.contains(LocalFlags::ECHO));
    assert!(!is_signed(&person));
    person.left_nothing();
}

#[test]
fn a_prompt_of_another_program_is_shown_while_it_waits() {
    let person = Person::with_program("prompt");
    let mut session = sign(&person);
    answer(&mut session, "insert the card: ", "done");
    assert!(ends(session, 0).contains("secret/db signed"));
    assert!(is_signed(&person));
}

/// A person whose program waits for ever, and where it writes its number.
fn waiting(plays: &str) -> (Person, PathBuf) {
    let mut person = Person::with_program(plays);
    let file = person.home().join("pid");
    person.sandbox = person.sandbox.env("PID_FILE", file.to_str().expect("UTF-8"));
    (person, file)
}

#[track_caller]
fn ended(session: &mut PtySession) {
    let status = session.process().wait().expect("a status");
    assert!(!matches!(status, WaitStatus::Exited(_, 0)), "{status:?}");
}

/// Waits until the program is gone.
#[track_caller]
fn is_gone(file: &PathBuf) {
    let id: i32 = fs::read_to_string(file).expect("it ran").trim().parse().expect("a number");
    let start = Instant::now();
    while kill(Pid::from_raw(id), None).is_ok() {
        assert!(start.elapsed() < Duration::from_secs(10), "{id} still runs");
        std::thread::yield_now();
    }
}

#[test]
fn ctrl_c_ends_a_program_that_hangs() {
    for plays in ["hang", "stubborn"] {
        let (person, file) = waiting(plays);
        let mut session = sign(&person);
        see(&mut session, "waiting for you");
        session.send_control('c').expect("typed");
        let rest = session.exp_eof().expect("it ends");
        ended(&mut session);
        assert!(rest.contains("error: interrupted: 0 of 1 are done"), "{rest}");
        is_gone(&file);
        assert!(!is_signed(&person));
        person.left_nothing();
    }
}

#[test]
fn a_signal_to_the_plugin_alone_ends_the_program_too() {
    let (person, file) = waiting("hang");
    let mut session = sign(&person);
    see(&mut session, "waiting for you");
    session.process_mut().signal(Signal::SIGTERM).expect("sent");
    session.exp_eof().expect("it ends");
    is_gone(&file);
    assert!(!is_signed(&person));
    person.left_nothing();
}
