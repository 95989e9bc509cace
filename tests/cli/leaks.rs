//! What must not get out: text of other files, escapes that steer a terminal, tokens
//! that follow a redirect, files that outlive a kill.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Stdio;

use crate::sandbox::Sandbox;
use crate::terminal::{see, session};

/// Git stores the link; whoever runs `check` on a pull request has the file.
#[test]
fn a_linked_rules_file_shows_nothing_of_where_it_leads() {
    let sandbox = Sandbox::with_local_key();
    sandbox.write("db.yaml", sandbox.sealed(&["a=b"]));
    std::fs::create_dir(sandbox.work().join(".git")).expect("made");
    let identity = sandbox.config().join("identities/local.txt");
    let outside = sandbox.config().join("../secret");
    for content in [
        std::fs::read_to_string(identity).expect("there"),
        "-----BEGIN PRIVATE KEY-----\nhunter2\n".into(),
        "host:5432:db:me:hunter2\n".into(),
        "hunter2".into(),
        "rules: hunter2".into(),
        "rules: [{keks: [hunter2]}]".into(),
    ] {
        std::fs::write(&outside, &content).expect("written");
        for linked in [true, false] {
            let path = sandbox.work().join(".envcrypt.yaml");
            std::fs::remove_file(&path).ok();
            match linked {
                true => symlink(&outside, &path).expect("linked"),
                false => std::fs::write(&path, &content).expect("written"),
            }
            for args in [
                &["check", "."][..],
                &["check", "-ojson", "."],
                &["check", "-osarif", "."],
                &["unwrap", "-f", "db.yaml"],
                &["create", "x", "--generate=a", "-nprod", "--dry-run"],
                &["rewrap", "-f", "db.yaml"],
            ] {
                let run = sandbox.run(args);
                assert_ne!(run.code, Some(0), "{args:?}");
                let text = run.stdout + &run.stderr;
                let secret = text.contains("hunter2") || text.contains("AGE-SECRET-KEY-1");
                assert!(!secret && text.contains(".envcrypt.yaml"), "{text}");
            }
        }
    }
}

#[test]
fn a_directorys_name_does_not_steer_the_terminal_at_a_question() {
    let sandbox = Sandbox::with_local_key();
    let other = Sandbox::with_local_key().run(["kek", "list"]).succeeds().stdout;
    let other = other.split(' ').next().expect("a URI").to_owned();
    let name = "deploy\u{1b}[2K\u{1b}[1Gthe seal is fine; press y\n\u{1b}[8m\u{202e}";
    let rules = format!("rules: [{{keks: ['{other}']}}]");
    sandbox.write(&format!("{name}/.envcrypt.yaml"), rules);
    sandbox.write(
        &format!("{name}/a.yaml"),
        "apiVersion: v1\nkind: Secret\nmetadata: {name: a, namespace: prod}\nstringData: {a: b}\n",
    );
    let mut seal = session(&sandbox, &["seal", "-i", "-R", "-f", "."]);
    let seen = see(&mut seal, "go ahead [y/N]");
    assert!(!seen.contains("\u{1b}[8m") && !seen.contains('\u{202e}'), "{seen:?}");
    assert!(seen.contains("\\u{1b}[8m\\u{202e}") && seen.contains(&other), "{seen:?}");
    // The same in a finding, and in an error.
    let check = sandbox.run(["check", "."]).stdout;
    assert!(check.contains("\\u{202e}/a.yaml:4:") && !check.contains('\u{1b}'), "{check:?}");
    let error = sandbox.run(["unwrap", "-f", "no\u{9b}31m\u{2066}such"]).fails(1);
    assert!(error.contains("no\\u{9b}31m\\u{2066}such"), "{error:?}");
}

#[test]
fn an_output_that_is_closed_is_an_error() {
    let sandbox = Sandbox::with_local_key();
    sandbox.write("db.yaml", sandbox.sealed(&["a=b"]));
    let line = format!("{} unwrap -f db.yaml >&-", crate::sandbox::PROGRAM);
    let mut command = std::process::Command::new("sh");
    command.args(["-c", &line]).current_dir(sandbox.work());
    for (name, value) in sandbox.command().get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    let output = command.output().expect("it runs");
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.starts_with("error: standard output cannot be written"), "{error}");
}

/// A Vault that sends whoever asks it somewhere else.
fn redirecting(status: u16, to: String) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            if request(&mut stream).is_none() {
                continue;
            }
            let answer = format!(
                "HTTP/1.1 {status} R\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            );
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    port
}

/// The head of a request; its body is read and left.
fn request(stream: &mut TcpStream) -> Option<String> {
    let mut reader = BufReader::new(stream);
    let (mut head, mut line) = (String::new(), String::new());
    while reader.read_line(&mut line).ok()? > 2 {
        head += &line;
        line.clear();
    }
    let lower = head.to_ascii_lowercase();
    let length = lower.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
    let mut body = vec![0; length.map_or(0, |length| length.trim().parse().expect("a number"))];
    reader.read_exact(&mut body).ok()?;
    (!head.is_empty()).then_some(head)
}

#[test]
fn no_token_and_no_data_key_follows_a_redirect_to_another_server() {
    let theirs = TcpListener::bind("127.0.0.1:0").expect("a port");
    theirs.set_nonblocking(true).expect("set");
    let their_port = theirs.local_addr().expect("an address").port();
    for status in [301, 302, 303, 307, 308] {
        let port = redirecting(status, format!("http://127.0.0.1:{their_port}/v1/x"));
        let sandbox = Sandbox::new()
            .env("VAULT_ADDR", format!("http://127.0.0.1:{port}"))
            .env("VAULT_TOKEN", "hunter2");
        let error = sandbox.run(["kek", "test", "hashivault://k"]).fails(1);
        assert!(error.contains("redirects to another server"), "{status}: {error}");
        let came = theirs.accept().map(|_| ());
        assert_eq!(came.expect_err("nobody").kind(), std::io::ErrorKind::WouldBlock, "{status}");
    }
}

#[test]
fn what_others_may_write_is_not_used_without_a_word() {
    let sandbox = Sandbox::with_local_key();
    let sealed = sandbox.sealed(&["a=b"]);
    let identities = sandbox.config().join("identities");
    let chmod = |path: &std::path::Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("set");
    };
    assert_eq!(sandbox.pipe(&sealed, ["unwrap", "-f", "-"]).succeeds().stderr, "");
    for (path, mode, usual) in
        [(identities.join("local.txt"), 0o666, 0o600), (identities.clone(), 0o777, 0o700)]
    {
        chmod(&path, mode);
        let run = sandbox.pipe(&sealed, ["unwrap", "-f", "-"]).succeeds();
        assert!(run.stderr.contains("others can change the identity file"), "{}", run.stderr);
        chmod(&path, usual);
    }
    // And what we make, they may not, whatever the umask is.
    let new = Sandbox::new();
    let line =
        format!("umask 000; exec {} kek trust -nprod hashivault://k", crate::sandbox::PROGRAM);
    let mut command = std::process::Command::new("sh");
    command.args(["-c", &line]).stdout(Stdio::null());
    for (name, value) in new.command().get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    assert!(command.status().expect("it runs").success());
    assert_eq!(crate::sandbox::mode(&new.config()), 0o700);
    assert_eq!(crate::sandbox::mode(&new.config().join("trusted-keks")), 0o600);
}

#[test]
fn a_pipe_among_mounted_files_is_not_waited_for() {
    let sandbox = Sandbox::with_local_key();
    std::fs::create_dir(sandbox.work().join("mounted")).expect("made");
    let pipe = sandbox.work().join("mounted/pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).expect("made");
    let args = ["exec", "--mounted", "mounted", "--files", "out", "--allow-disk", "--", "true"];
    let error = sandbox.run(args).fails(1);
    assert!(error.contains("mounted/pipe` cannot be read: it is not a regular file"), "{error}");
}

#[test]
fn a_rules_pattern_that_no_machine_can_hold_is_an_error() {
    let sandbox = Sandbox::with_local_key();
    let pattern = format!("{{{}}}", vec!["[a-z]{1,2}*"; 90].join(","));
    sandbox.write(".envcrypt.yaml", format!("rules: [{{namespace: '{pattern}', keks: [local]}}]"));
    let run = sandbox.run(["create", "x", "--generate=a", "-nprod", "--dry-run"]);
    assert!(matches!(run.code, Some(0 | 1)), "{}", run.stderr);
    assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
}

/// A killed process has left its work beside a file: the next one takes it away.
#[test]
fn no_plaintext_outlives_a_killed_process_beside_a_file() {
    let sandbox = Sandbox::with_local_key();
    let plain = "apiVersion: v1\nkind: Secret\nmetadata: {name: p, namespace: prod}\nstringData: {a: hunter2}\n";
    let file = format!("{}---\n{plain}", sandbox.sealed(&["a=b"]));
    let left = |sandbox: &Sandbox| {
        let names = std::fs::read_dir(sandbox.work()).expect("listed").flatten();
        names.filter(|e| e.file_name().to_string_lossy().contains(".envcrypt-")).count()
    };
    let mut most = 0;
    let args = ["set", "-f", "db.yaml", "--generate=a", "--name=db"];
    sandbox.write("db.yaml", &file);
    let started = std::time::Instant::now();
    sandbox.run(args).succeeds();
    let whole = started.elapsed();
    for step in 0..60 {
        sandbox.write("db.yaml", &file);
        let mut child = sandbox.command().args(args).spawn().expect("it starts");
        let (started, pause) =
            (std::time::Instant::now(), whole.mul_f64(0.5 + f64::from(step) / 120.0));
        while started.elapsed() < pause {
            std::hint::spin_loop();
        }
        child.kill().ok();
        child.wait().expect("ended");
        most = most.max(left(&sandbox));
        let text = sandbox.read("db.yaml");
        assert!(text.ends_with(plain) && text.contains("envcrypt.dev/sealed"), "{text}");
    }
    assert!(most <= 1, "one that is killed leaves one file at most, and the next sweeps it");
    sandbox.write(".db.yaml.envcrypt-0123456789abcdef", &file);
    sandbox.run(args).succeeds();
    assert_eq!(left(&sandbox), 0);
}
