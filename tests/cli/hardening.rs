//! What must not leak, and what must not be lost.

#![expect(unsafe_code, reason = "it looks at its own memory")]

use std::collections::BTreeSet;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Stdio};

use crate::sandbox::Sandbox;

/// A value that stands in no source file and in no argument of these tests.
fn marker() -> Vec<u8> {
    // Made at run time, so that the test binary itself does not hold it whole.
    (0..48u8).map(|i| b'A' + (i.wrapping_mul(37).wrapping_add(11)) % 26).collect()
}

#[cfg(target_os = "linux")]
#[test]
fn after_sealing_the_value_is_nowhere_in_the_process() {
    let sandbox = Sandbox::with_local_key();
    // Large enough that writing the sealed text blocks on the pipe, which
    // nobody reads: the process then stands still, its work done.
    let mut value = vec![b'x'; 200_000];
    value[100..148].copy_from_slice(&marker());
    holds_nothing_once_it_writes(sealing(&sandbox, &value), &[&marker()]);
}

/// The process stands still while it writes: none of these is in its memory.
#[cfg(target_os = "linux")]
fn holds_nothing_once_it_writes(mut child: Child, secrets: &[&[u8]]) {
    wait_until_blocked_on_write(&mut child);
    match read_memory(child.id()) {
        Ok(memory) => {
            for secret in secrets {
                let found = memory.iter().any(|region| contains(region, secret));
                assert!(!found, "the plaintext is still in memory after sealing");
            }
            // That it was looked for in the right place: the sealed text is there.
            assert!(memory.iter().any(|region| contains(region, b"envcrypt.dev/sealed")));
        }
        // Not even the same user may look: that is the hardening. Run as root to look.
        Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::PermissionDenied),
    }
    child.kill().expect("killed");
    child.wait().expect("ended");
}

#[cfg(target_os = "linux")]
#[test]
fn a_filter_and_set_hold_nothing_plain_while_they_write() {
    use base64::Engine;
    let sandbox = Sandbox::with_local_key();
    let mut value = vec![b'x'; 200_000];
    value[150_000..150_048].copy_from_slice(&marker());
    let text = String::from_utf8(value.clone()).expect("text");
    let encoded = base64::prelude::BASE64_STANDARD.encode(&value);
    let head = "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: prod}\n";
    let json = format!(
        "{{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{{\"name\":\"db\"}},\"data\":{{\"key\":\"{encoded}\"}}}}"
    );
    // The marker in base64, whichever way it falls into groups of three.
    let in_base64: Vec<Vec<u8>> = (0..3)
        .map(|skip| {
            base64::prelude::BASE64_STANDARD.encode(&marker()[skip..skip + 45]).into_bytes()
        })
        .collect();
    let marker = marker();
    let mut secrets: Vec<&[u8]> = in_base64.iter().map(|text| &text[..40]).collect();
    secrets.push(&marker);
    let feed = |args: &[&str], input: String| {
        let mut command = sandbox.command();
        let mut child = command.args(args).stdin(Stdio::piped()).spawn().expect("it starts");
        let mut stdin = child.stdin.take().expect("a pipe");
        let written = std::io::Write::write_all(&mut stdin, input.as_bytes());
        written.expect("written");
        child
    };
    let seal = ["seal", "-f", "-", "--kek=local"];
    for input in [
        format!("{head}stringData:\n  key: {text}\n"),
        format!("{head}data:\n  key: {encoded}\n"),
        format!("{head}stringData: {{key: '{text}'}}\n"),
        json,
    ] {
        holds_nothing_once_it_writes(feed(&seal, input), &secrets);
    }
    sandbox.write("value", &value);
    let sealed = sandbox.sealed(&["key=old"]);
    for args in [
        &["set", "-f", "-", "--from-file=key=value"][..],
        &["set", "-f", "-", "--from-file=key=value", "--idempotent"],
        &["set", "-f", "-", "--from-file=key=value", "--encrypt-only"],
    ] {
        holds_nothing_once_it_writes(feed(args, sealed.clone()), &secrets);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn no_core_dump_and_no_tracing() {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::os::unix::process::CommandExt;

    let sandbox = Sandbox::new();
    let program = sandbox.work().join("program");
    std::fs::copy(crate::sandbox::PROGRAM, &program).expect("copied");
    let home = sandbox.work();
    let home = home.parent().expect("a folder");
    std::fs::set_permissions(home, PermissionsExt::from_mode(0o755)).expect("set");
    let mut command = std::process::Command::new(program);
    // It waits for standard input, hardened by then.
    command.args(["inspect", "-f", "-"]).stdin(Stdio::piped()).stderr(Stdio::null());
    if nix::unistd::geteuid().is_root() {
        // All that belongs to root looks untraceable: be someone else.
        command.uid(65534);
    }
    // SAFETY: getrlimit and setrlimit are async-signal-safe.
    unsafe {
        command.pre_exec(|| {
            let (_, most) = getrlimit(Resource::RLIMIT_CORE)?;
            Ok(setrlimit(Resource::RLIMIT_CORE, most, most)?)
        });
    }
    let mut child = command.spawn().expect("it starts");
    let proc = format!("/proc/{}", child.id());
    let hardened = || {
        // What is not dumpable belongs to root, whoever runs it.
        let owner = std::fs::metadata(format!("{proc}/stat")).map(|metadata| metadata.uid());
        let limits = std::fs::read_to_string(format!("{proc}/limits")).unwrap_or_default();
        let core = limits.lines().find(|line| line.starts_with("Max core file size"));
        let core = core.and_then(|line| line.split_whitespace().nth(4));
        owner.is_ok_and(|uid| uid == 0) && core.is_none_or(|soft| soft == "0")
    };
    let started = std::time::Instant::now();
    while !hardened() {
        assert!(started.elapsed().as_secs() < 10, "it can be traced, or dumps core");
        std::thread::yield_now();
    }
    child.kill().expect("killed");
    child.wait().expect("ended");
}

#[cfg(target_os = "linux")]
#[test]
fn no_plaintext_in_argv_environment_or_any_file() {
    let sandbox = Sandbox::with_local_key();
    let mut value = marker();
    value.resize(200_000, b'x');
    let args =
        ["create", "db", "--from-stdin=key", "-nprod", "--kek=local", "--dry-run=client", "-oyaml"];
    let mut child = sandbox.command().args(args).stdin(Stdio::piped()).spawn().expect("it starts");
    std::io::Write::write_all(&mut child.stdin.take().expect("a pipe"), &value).expect("written");
    wait_until_blocked_on_write(&mut child);
    for file in ["cmdline", "environ"] {
        let text = std::fs::read(format!("/proc/{}/{file}", child.id())).unwrap_or_default();
        assert!(!contains(&text, &marker()), "{file}");
    }
    let mut open = Vec::new();
    if let Ok(descriptors) = std::fs::read_dir(format!("/proc/{}/fd", child.id())) {
        open.extend(
            descriptors.flatten().filter_map(|entry| std::fs::read_link(entry.path()).ok()),
        );
    }
    let home = sandbox.work();
    let home = home.parent().expect("a folder");
    assert!(!open.iter().any(|path| path.starts_with(home) && path.is_file()), "{open:?}");
    let mut text = String::new();
    child.stdout.take().expect("a pipe").read_to_string(&mut text).expect("read");
    assert!(child.wait().expect("ended").success());
    for file in files(home) {
        assert!(
            !contains(&std::fs::read(&file).unwrap_or_default(), &marker()),
            "{}",
            file.display()
        );
    }
}

#[test]
fn errors_never_carry_a_value() {
    let sandbox = Sandbox::with_local_key();
    let secret = "hunter2";
    sandbox.write(
        "a.yaml",
        format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: a}}\ndata: [{secret}]\n"),
    );
    sandbox.write("b.yaml", format!("{secret}: [\n"));
    sandbox.write("c.env", format!("{secret} {secret}\n"));
    let runs: [&[&str]; 6] = [
        &["unwrap", "-f", "a.yaml"],
        &["unwrap", "-f", "b.yaml"],
        &["apply", "-f", "a.yaml"],
        &["create", "db", "-nprod", "--from-env-file=c.env", "--kek=local"],
        &[
            "create",
            "db",
            "-nprod",
            "--type=docker-registry",
            "--from-literal=.dockerconfigjson=hunter2",
            "--kek=local",
        ],
        &[
            "create",
            "db",
            "-nprod",
            "--type=bootstrap-token",
            "--from-literal=token-id=hunter2",
            "--from-literal=token-secret=hunter2",
            "--kek=local",
        ],
    ];
    for args in runs {
        let error = sandbox.run(args).fails(1);
        assert!(!error.contains(secret), "{error}");
    }
}

#[test]
fn a_closed_pipe_ends_quietly() {
    let sandbox = Sandbox::with_local_key();
    let mut child = sealing(&sandbox, &[b'x'; 200_000]);
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("ended");
    assert_eq!(output.status.code(), Some(141));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error_and_leaves_nothing() {
    let sandbox = Sandbox::with_local_key();
    let sealed = sandbox.sealed(&["a=b"]);
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("there");
    sandbox.write("db.yaml", sealed);
    let mut command = sandbox.command();
    let output = command.args(["unwrap", "-f", "db.yaml"]).stdout(full).output().expect("it runs");
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        error.starts_with("error: standard output cannot be written: No space left"),
        "{error}"
    );
    // The same for a file, where the limit on file sizes stands in for the disk.
    let mut command = std::process::Command::new("sh");
    let script = format!(
        "trap '' XFSZ; ulimit -f 1; exec {} unwrap -f db.yaml -w plain.yaml",
        crate::sandbox::PROGRAM
    );
    for (name, value) in sandbox.command().get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    sandbox.write("big", vec![b'x'; 100_000]);
    let args = ["create", "db", "--from-file=big", "-nprod", "--kek=local", "-w", "big.yaml"];
    sandbox.run(args).succeeds();
    let script = script.replace("db.yaml", "big.yaml");
    let output =
        command.args(["-c", &script]).current_dir(sandbox.work()).output().expect("it runs");
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(error.starts_with("error: `plain.yaml` cannot be written: File too large"), "{error}");
    assert!(!sandbox.work().join("plain.yaml").exists());
}

#[test]
fn a_process_killed_while_it_writes_leaves_the_old_file_or_the_new_one_whole() {
    let sandbox = Sandbox::with_local_key();
    sandbox.write("value", vec![b'x'; 700_000]);
    let before: BTreeSet<_> = files(&sandbox.work()).into_iter().collect();
    let args = ["create", "db", "--from-file=key=value", "-nprod", "--kek=local", "-w", "db.yaml"];
    let path = sandbox.work().join("db.yaml");
    let started = std::time::Instant::now();
    sandbox.run(args).succeeds();
    // Each time a little later where no file was there yet, a little earlier
    // where there was: around the moment in which it is written.
    let mut pause = started.elapsed();
    let (mut absent, mut present) = (0, 0);
    for _ in 0..300 {
        if absent >= 15 && present >= 15 {
            break;
        }
        std::fs::remove_file(&path).ok();
        let mut child = sandbox.command().args(args).spawn().expect("it starts");
        let started = std::time::Instant::now();
        while started.elapsed() < pause {
            std::hint::spin_loop();
        }
        child.kill().ok();
        child.wait().expect("ended");
        match std::fs::metadata(&path) {
            Ok(metadata) => {
                present += 1;
                pause = pause.mul_f64(0.93);
                let opens = sandbox.run(["inspect", "-f", "db.yaml"]).code == Some(0);
                assert!(opens, "half a file was left: {} bytes", metadata.len());
            }
            Err(_) => {
                absent += 1;
                pause = pause.mul_f64(1.07);
            }
        }
        let after: BTreeSet<_> =
            files(&sandbox.work()).into_iter().filter(|p| *p != path).collect();
        assert_eq!(after, before, "something else was left behind");
    }
    assert!(absent > 0 && present > 0, "not killed at the right time: {absent}, {present}");
}

/// The process was killed after the sealed file was in its place, and before the plain one was
/// removed.
#[test]
fn what_a_killed_process_left_goes_although_the_file_needs_no_change_any_more() {
    let sandbox = Sandbox::with_local_key();
    sandbox.write("db.yaml", sandbox.sealed(&["a=b"]));
    sandbox.write(".db.yaml.envcrypt-0123456789abcdef", "the plain file");
    sandbox.write(".other.yaml.envcrypt-0123456789abcdef", "of another file");
    sandbox.run(["seal", "-i", "-f", "db.yaml", "--kek=local"]).succeeds();
    let mut left: Vec<_> = files(&sandbox.work());
    left.sort();
    let left: Vec<_> = left.iter().filter_map(|path| path.file_name()).collect();
    assert_eq!(left, [".other.yaml.envcrypt-0123456789abcdef", "db.yaml"]);
}

/// Starts to seal a value from a file and to write the result to a pipe.
fn sealing(sandbox: &Sandbox, value: &[u8]) -> Child {
    sandbox.write("value", value);
    let args = ["create", "db", "--from-file=key=value", "-nprod", "--kek=local"];
    let mut command = sandbox.command();
    command.args(args).args(["--dry-run=client", "-oyaml"]).spawn().expect("it starts")
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("listed").flatten() {
        let path = entry.path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

/// The process sleeps in `write` once the pipe is full: its state says so.
#[cfg(target_os = "linux")]
fn wait_until_blocked_on_write(child: &mut Child) {
    let pipe = child.stdout.as_ref().expect("a pipe");
    let waiting = || {
        let mut bytes: libc::c_int = 0;
        // SAFETY: FIONREAD writes one int.
        unsafe {
            libc::ioctl(std::os::fd::AsRawFd::as_raw_fd(pipe), libc::FIONREAD, &raw mut bytes);
        }
        bytes
    };
    let started = std::time::Instant::now();
    // A pipe holds 64 KiB.
    while waiting() < 60_000 {
        assert!(started.elapsed().as_secs() < 30, "nothing was written");
        std::thread::yield_now();
    }
}

/// Every writable region of a process's memory.
#[cfg(target_os = "linux")]
fn read_memory(pid: u32) -> std::io::Result<Vec<Vec<u8>>> {
    use std::os::unix::fs::FileExt;
    let maps = std::fs::read_to_string(format!("/proc/{pid}/maps"))?;
    let memory = std::fs::File::open(format!("/proc/{pid}/mem"))?;
    let mut regions = Vec::new();
    for line in
        maps.lines().filter(|line| line.split(' ').nth(1).is_some_and(|p| p.starts_with("rw")))
    {
        let (start, end) =
            line.split(' ').next().and_then(|range| range.split_once('-')).expect("a range");
        let (start, end) = (
            u64::from_str_radix(start, 16).expect("hex"),
            u64::from_str_radix(end, 16).expect("hex"),
        );
        let mut region = vec![0; (end - start) as usize];
        if memory.read_exact_at(&mut region, start).is_ok() {
            regions.push(region);
        }
    }
    Ok(regions)
}
