//! Real terminal sessions, through a pty.

#![expect(unsafe_code, reason = "it asks the terminal")]

use crate::sandbox::{PROGRAM, Sandbox};
use nix::sys::signal::Signal;
use std::os::unix::process::CommandExt;

use nix::sys::termios::{LocalFlags, tcgetattr};
use nix::sys::wait::WaitStatus;
use rexpect::session::{PtySession, spawn_command};

const TO_STDOUT: [&str; 6] = ["-n", "prod", "--kek", "local", "--dry-run=client", "-oname"];

/// Starts the program on a terminal of its own.
pub fn session(sandbox: &Sandbox, args: &[&str]) -> PtySession {
    let template = sandbox.command();
    // The pty starts without echo; a person's terminal has it.
    let mut command = std::process::Command::new("sh");
    command.env_clear().current_dir(sandbox.work()).env("TERM", "xterm");
    command.args(["-c", "stty echo; exec \"$0\" \"$@\"", PROGRAM]).args(args);
    for (name, value) in template.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    // A script's background job, as CI may be, has them ignored; a terminal has not.
    // SAFETY: signal is async-signal-safe.
    unsafe {
        command.pre_exec(|| {
            for kind in [Signal::SIGINT, Signal::SIGQUIT] {
                nix::sys::signal::signal(kind, nix::sys::signal::SigHandler::SigDfl)?;
            }
            Ok(())
        });
    }
    spawn_command(command, Some(20_000)).expect("a terminal")
}

fn create(sandbox: &Sandbox, args: &[&str]) -> PtySession {
    session(sandbox, &[&["create", "db"], args, &["-w", "db.yaml"], &TO_STDOUT[..4]].concat())
}

#[track_caller]
pub fn see(session: &mut PtySession, text: &str) -> String {
    session.exp_string(text).unwrap_or_else(|e| panic!("waiting for {text:?}: {e}"))
}

/// Types a line once the program is reading without echo.
#[track_caller]
pub fn answer(session: &mut PtySession, question: &str, line: &str) -> String {
    let seen = see(session, question);
    session.send_line(line).expect("typed");
    seen
}

#[track_caller]
pub fn ends(mut session: PtySession, code: i32) -> String {
    let rest = session.exp_eof().expect("it ends");
    let status = session.process().wait().expect("a status");
    assert!(matches!(status, WaitStatus::Exited(_, c) if c == code), "{status:?}: {rest}");
    rest
}

fn value(sandbox: &Sandbox, key: &str) -> String {
    sandbox.run(["unwrap", "-f", "db.yaml", key]).succeeds().stdout
}

#[test]
fn a_value_is_asked_for_twice_and_never_echoed() {
    let sandbox = Sandbox::with_local_key();
    let mut session = create(&sandbox, &["password"]);
    let mut seen = answer(&mut session, "password: ", "hunter2 é");
    seen += &answer(&mut session, "password (again): ", "hunter2 é");
    seen += &ends(session, 0);
    assert!(!seen.contains("hunter2"), "{seen}");
    assert!(seen.contains("secret/db written to db.yaml"), "{seen}");
    assert_eq!(value(&sandbox, "password"), "hunter2 é");
}

#[test]
fn there_is_no_echo_from_the_first_question_to_the_last_answer() {
    let sandbox = Sandbox::with_local_key();
    let mut session = create(&sandbox, &["password"]);
    let terminal = session.process().get_file_handle().expect("a terminal");
    see(&mut session, "password: ");
    let done = std::sync::atomic::AtomicBool::new(false);
    let echoed = std::thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let mut echoed = false;
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                let settings = tcgetattr(&terminal).expect("settings");
                echoed |= settings.local_flags.contains(LocalFlags::ECHO);
            }
            echoed
        });
        for round in 0..20 {
            session.send_line(&format!("one {round}")).expect("typed");
            answer(&mut session, "password (again): ", "two");
            see(&mut session, "try again\r\npassword: ");
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        watch.join().expect("no panic")
    });
    assert!(!echoed, "what was typed at some moment was echoed");
    session.send_control('c').expect("typed");
}

#[test]
fn two_entries_that_differ_are_asked_for_again() {
    let sandbox = Sandbox::with_local_key();
    let mut session = create(&sandbox, &["password"]);
    answer(&mut session, "password: ", "one");
    answer(&mut session, "password (again): ", "two");
    answer(&mut session, "the two entries differ: try again\r\npassword: ", "three");
    answer(&mut session, "password (again): ", "three");
    ends(session, 0);
    assert_eq!(value(&sandbox, "password"), "three");
}

#[test]
fn once_is_enough_where_it_is_asked_for_and_a_user_name_is_echoed() {
    let sandbox = Sandbox::with_local_key();
    let args = ["user", "password", "--visible", "user", "--no-confirm"];
    let mut session = create(&sandbox, &args);
    answer(&mut session, "user: ", "admin");
    let echoed = answer(&mut session, "password: ", "hunter2");
    assert!(echoed.contains("admin"), "{echoed}");
    ends(session, 0);
    assert_eq!(
        (value(&sandbox, "user"), value(&sandbox, "password")),
        ("admin".into(), "hunter2".into())
    );
}

#[test]
fn without_a_key_it_asks_for_keys_until_an_empty_one() {
    let sandbox = Sandbox::with_local_key();
    let mut session = create(&sandbox, &["--no-confirm"]);
    answer(&mut session, "key (empty when done): ", "");
    see(&mut session, "a Secret needs at least one key");
    answer(&mut session, "key (empty when done): ", "a/b");
    see(&mut session, "is not a valid key");
    answer(&mut session, "key (empty when done): ", "first");
    answer(&mut session, "first: ", "one");
    answer(&mut session, "key (empty when done): ", "first");
    see(&mut session, "this key has a value already");
    answer(&mut session, "key (empty when done): ", "second");
    answer(&mut session, "second: ", "");
    answer(&mut session, "key (empty when done): ", "");
    ends(session, 0);
    assert_eq!(
        (value(&sandbox, "first"), value(&sandbox, "second")),
        ("one".into(), String::new())
    );
}

#[test]
fn each_type_asks_for_what_it_needs() {
    let sandbox = Sandbox::with_local_key();
    let mut session = create(&sandbox, &["--type=basic-auth", "--no-confirm"]);
    answer(&mut session, "username: ", "admin");
    answer(&mut session, "password: ", "hunter2");
    ends(session, 0);
    assert_eq!(
        (value(&sandbox, "username"), value(&sandbox, "password")),
        ("admin".into(), "hunter2".into())
    );

    std::fs::remove_file(sandbox.work().join("db.yaml")).expect("removed");
    sandbox.write("id", "the key\nof two lines\n");
    let mut session = create(&sandbox, &["--type=ssh-auth"]);
    answer(&mut session, "file with the private key: ", "id");
    ends(session, 0);
    assert_eq!(value(&sandbox, "ssh-privatekey"), "the key\nof two lines\n");

    std::fs::remove_file(sandbox.work().join("db.yaml")).expect("removed");
    let mut session = create(&sandbox, &["--type=docker-registry", "--no-confirm"]);
    answer(&mut session, "username: ", "me");
    answer(&mut session, "password: ", "hunter2");
    ends(session, 0);
    assert!(
        value(&sandbox, ".dockerconfigjson")
            .contains("\"username\":\"me\",\"password\":\"hunter2\"")
    );
}

#[test]
fn a_value_longer_than_a_terminal_line_is_kept_whole() {
    let sandbox = Sandbox::with_local_key();
    let long = "x".repeat(10_000);
    let mut session = create(&sandbox, &["token", "--no-confirm"]);
    answer(&mut session, "token: ", &long);
    ends(session, 0);
    assert_eq!(value(&sandbox, "token"), long);
}

#[test]
fn a_paste_of_several_lines_is_refused_and_its_rest_does_not_reach_the_shell() {
    let sandbox = Sandbox::with_local_key();
    let mut command = std::process::Command::new("sh");
    let line = format!(
        "{PROGRAM} create db key --no-confirm -w db.yaml {}; echo status $?; \
         if read -t 0 line; then echo the rest: $line; else echo nothing; fi",
        TO_STDOUT[..4].join(" ")
    );
    command.env_clear().current_dir(sandbox.work()).args(["-c", &format!("exec bash -c '{line}'")]);
    for (name, value) in sandbox.command().get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    let mut session = spawn_command(command, Some(20_000)).expect("a terminal");
    see(&mut session, "key: ");
    session.send("one\nhunter2\n").expect("typed");
    session.flush().expect("typed");
    see(&mut session, "error: the input for key has more than one line");
    see(&mut session, "status 1");
    let rest = session.exp_eof().expect("it ends");
    assert!(rest.contains("nothing") && !rest.contains("hunter2"), "{rest}");
    assert!(!sandbox.work().join("db.yaml").exists());
}

#[test]
fn standard_input_stays_free_for_another_value() {
    let sandbox = Sandbox::with_local_key();
    // A shell on the terminal pipes into the program, which asks on the terminal.
    let line = format!(
        "stty echo; printf one | {PROGRAM} create db password --from-stdin other --no-confirm -w db.yaml {}",
        TO_STDOUT[..4].join(" ")
    );
    let template = sandbox.command();
    let mut command = std::process::Command::new("sh");
    command.env_clear().current_dir(sandbox.work()).args(["-c", &line]);
    for (name, value) in template.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    let mut session = spawn_command(command, Some(20_000)).expect("a terminal");
    answer(&mut session, "password: ", "two");
    ends(session, 0);
    assert_eq!(
        (value(&sandbox, "other"), value(&sandbox, "password")),
        ("one".into(), "two".into())
    );
}

#[test]
fn a_signal_at_a_prompt_puts_the_terminal_back_and_seals_nothing() {
    for signal in [None, Some(Signal::SIGTERM), Some(Signal::SIGHUP)] {
        let sandbox = Sandbox::with_local_key();
        let mut session = create(&sandbox, &["password"]);
        let terminal = session.process().get_file_handle().expect("a terminal");
        let echoes =
            || tcgetattr(&terminal).expect("settings").local_flags.contains(LocalFlags::ECHO);
        see(&mut session, "password: ");
        session.send("hunt").expect("typed");
        session.flush().expect("typed");
        assert!(!echoes(), "the echo is off once the question stands there");
        match signal {
            None => session.send_control('c').expect("typed"),
            Some(signal) => session.process_mut().signal(signal).expect("sent"),
        }
        let status = session.process().wait().expect("a status");
        let expected = signal.unwrap_or(Signal::SIGINT);
        assert!(matches!(status, WaitStatus::Signaled(_, s, _) if s == expected), "{status:?}");
        assert!(echoes(), "{expected}: the terminal was left without echo");
        assert!(!sandbox.work().join("db.yaml").exists());
    }
}

#[test]
fn end_of_input_at_a_prompt_is_an_error() {
    let sandbox = Sandbox::with_local_key();
    let mut session = create(&sandbox, &["password"]);
    see(&mut session, "password: ");
    session.send_control('d').expect("typed");
    let rest = ends(session, 1);
    assert!(rest.contains("error: the prompt for password got no answer"), "{rest}");
}

#[test]
fn a_new_kek_is_asked_about_once() {
    let sandbox = Sandbox::with_local_key();
    let other = Sandbox::with_local_key().run(["kek", "list"]).succeeds().stdout;
    let other = other.split(' ').next().expect("a URI").to_owned();
    sandbox.write(".envcrypt.yaml", format!("rules: [{{keks: ['{other}']}}]"));
    let args = ["create", "db", "--generate=a", "-nprod", "--dry-run=client"];
    let mut no = session(&sandbox, &args);
    answer(&mut no, "which this machine has not sealed to there; is this KEK yours", "n");
    assert!(ends(no, 1).contains("you did not accept the KEK"));
    let mut yes = session(&sandbox, &args);
    answer(&mut yes, "which this machine has not sealed to there; is this KEK yours", "y");
    ends(yes, 0);
    sandbox.run(args).succeeds();
}

#[test]
fn a_yes_to_a_kek_that_only_the_secret_names_is_for_that_secret_alone() {
    let (sandbox, other) = (Sandbox::with_local_key(), Sandbox::with_local_key());
    let theirs = other.run(["kek", "list"]).succeeds().stdout;
    let theirs = theirs.split(' ').next().expect("a URI").to_owned();
    let sealed = crate::sealed::with_one_more_kek(&sandbox.sealed(&["a=b"]), &theirs);
    let create = ["create", "b", "-nprod", "--kek=local", "--generate=a"];
    let plain = sandbox.run(create.into_iter().chain(["--dry-run=client", "-oyaml"]));
    let b = crate::sealed::with_one_more_kek(&plain.succeeds().stdout, &theirs);
    sandbox.write("deploy/1.yaml", &sealed);
    sandbox.write("deploy/2.yaml", &sealed);
    sandbox.write("deploy/b.yaml", &b);
    let args = ["rotate", "-f", "deploy"];
    let mut no = session(&sandbox, &args);
    let question = format!("itself names `{theirs}`; seal new values of this Secret to this KEK");
    let question = question.as_str();
    answer(&mut no, question, "n");
    let rest = ends(no, 1);
    assert!(rest.contains("3 of 3 failed") && !rest.contains(question), "a no is remembered");
    assert_eq!(sandbox.read("deploy/1.yaml"), sealed);
    let mut yes = session(&sandbox, &args);
    answer(&mut yes, question, "y");
    see(&mut yes, "the Secret `prod/b`");
    answer(&mut yes, question, "n");
    assert_eq!(ends(yes, 1).matches("secret/db rotated").count(), 2);
    assert_eq!(sandbox.read("deploy/b.yaml"), b);
    // Remembered, for the one.
    let run = sandbox.run(["rotate", "-f", "deploy"]);
    assert_eq!(
        run.stdout,
        "secret/db rotated (deploy/1.yaml)\nsecret/db rotated (deploy/2.yaml)\n"
    );
    other.pipe(sandbox.read("deploy/2.yaml"), ["unwrap", "-f", "-"]).succeeds();
}

#[test]
fn many_secrets_show_how_far_they_are() {
    let sandbox = Sandbox::with_local_key();
    let sealed = sandbox.sealed(&["a=b"]);
    for index in 0..40 {
        sandbox.write(&format!("deploy/{index}.yaml"), &sealed);
    }
    let mut many = session(&sandbox, &["rotate", "-f", "deploy"]);
    see(&mut many, "/40");
    let rest = ends(many, 0);
    assert!(rest.contains("note: 40 rotated"), "{rest}");
    let few = session(&sandbox, &["rotate", "-f", "deploy/1.yaml"]);
    assert!(!ends(few, 0).contains("/1"));
}

#[test]
fn a_value_that_could_steer_the_terminal_is_not_printed_on_it() {
    let sandbox = Sandbox::with_local_key();
    sandbox.write("db.yaml", sandbox.sealed(&["a=x\u{1b}[2Jy", "b=plain"]));
    let bad = session(&sandbox, &["unwrap", "-f", "db.yaml", "a"]);
    assert!(ends(bad, 1).contains("cannot be written to a terminal: it is not plain text"));
    let good = session(&sandbox, &["unwrap", "-f", "db.yaml", "b"]);
    assert_eq!(ends(good, 0), "plain\r\n");
}

#[test]
fn a_locked_identity_asks_for_its_passphrase() {
    let sandbox = Sandbox::with_local_key();
    sandbox.write("db.yaml", sandbox.sealed(&["a=b"]));
    let local = sandbox.config().join("identities/local.txt");
    let text = std::fs::read_to_string(&local).expect("there");
    let mut passphrase = age::scrypt::Recipient::new("open sesame".to_owned().into());
    passphrase.set_work_factor(10);
    let locked = age::encrypt_and_armor(&passphrase, text.as_bytes()).expect("locked");
    std::fs::write(&local, locked).expect("written");
    let mut right = session(&sandbox, &["unwrap", "-f", "db.yaml", "a"]);
    answer(&mut right, "local.txt: ", "open sesame");
    assert!(ends(right, 0).ends_with("b\r\n"));
    let mut wrong = session(&sandbox, &["unwrap", "-f", "db.yaml", "a"]);
    answer(&mut wrong, "local.txt: ", "open simsim");
    assert!(ends(wrong, 1).contains("the passphrase does not open"));
    let error = sandbox.run(["unwrap", "-f", "db.yaml", "a"]).fails(1);
    assert!(
        error.contains("is protected by a passphrase, and there is no terminal to prompt for it"),
        "{error}"
    );
}
