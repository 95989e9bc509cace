//! `exec`: values for a program, whose signals, exit code and terminal are its own.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::sandbox::{Run, Sandbox};
use crate::terminal::{ends, see, session};

fn with_file(pairs: &[&str]) -> Sandbox {
    let sandbox = Sandbox::with_local_key();
    sandbox.write("db.yaml", sandbox.sealed(pairs));
    sandbox
}

fn exec(sandbox: &Sandbox, args: &[&str], script: &str) -> Run {
    let names = ["--allow-name", "a,b,X_a,X_b", "--spec-env", "ENVCRYPT_KEKS"];
    sandbox.run([&["exec"][..], args, &names, &["--", "sh", "-c", script]].concat())
}

/// A sealed value as a container gets it: what `data` holds, decoded.
fn sealed_value(sandbox: &Sandbox, key: &str) -> String {
    sealed_value_of(&sandbox.read("db.yaml"), key)
}

fn sealed_value_of(yaml: &str, key: &str) -> String {
    let object: serde_json::Value = serde_yaml::from_str(yaml).expect("YAML");
    let json = BASE64_STANDARD.decode(object["data"][key].as_str().expect("text"));
    String::from_utf8(json.expect("base64")).expect("text")
}

/// A folder in memory, its own for every test.
fn memory(name: &str) -> PathBuf {
    let path = Path::new("/dev/shm").join(format!("envcrypt-test-{}-{name}", std::process::id()));
    let _ = std::fs::remove_dir_all(&path);
    path
}

#[test]
fn values_are_in_the_environment_and_the_exit_code_is_the_programs() {
    let sandbox = with_file(&["a=one two", "b=three"]).env("KEPT", "yes");
    let run = exec(&sandbox, &["-f", "db.yaml"], "echo \"$a|$b|$KEPT\"; exit 7");
    assert_eq!(
        (run.stdout.as_str(), run.stderr.as_str(), run.code),
        ("one two|three|yes\n", "", Some(7))
    );
    let run = exec(
        &sandbox,
        &["-f", "db.yaml", "--only", "b", "--prefix", "X_"],
        "echo \"$a|$X_a|$X_b\"",
    );
    assert_eq!(run.stdout, "||three\n");
    let error = exec(&sandbox, &["-f", "db.yaml", "--only", "c"], "echo no").fails(1);
    assert!(error.contains("none of the Secrets has the key `c`"), "{error}");
    for (program, code) in [("./nosuch", 127), ("/dev/null", 126)] {
        let error = sandbox.run(["exec", "-f", "db.yaml", "--only=a", "--", program]).fails(code);
        assert!(error.contains(&format!("`{program}` does not start")), "{error}");
    }
    let error = sandbox.run(["exec", "-f", "db.yaml"]).fails(2);
    assert!(error.contains("COMMAND"), "{error}");
}

#[test]
fn a_value_that_cannot_be_a_variable_is_refused_and_two_of_a_name_too() {
    let sandbox = with_file(&["a=one"]);
    let args = ["create", "two", "-nprod", "--kek=local", "--from-stdin=a", "-w", "two.yaml"];
    sandbox.pipe(b"x\0y", args).succeeds();
    let error = exec(&sandbox, &["-f", "two.yaml"], "echo no").fails(1);
    assert!(
        error.contains("the value for `a` has a zero byte") && error.contains("--files"),
        "{error}"
    );
    let args = ["create", "ld", "-nprod", "--kek=local", "--generate=LD_PRELOAD", "-w", "ld.yaml"];
    sandbox.run(args).succeeds();
    let error = exec(&sandbox, &["-f", "ld.yaml"], "echo no").fails(1);
    assert!(
        error.contains(
            "these names are not typical for a secret, and may control a program: LD_PRELOAD\n"
        ),
        "{error}"
    );
    // The name that comes out is what counts, whatever makes it up.
    for (key, prefix) in [("PRELOAD", "LD_"), ("ATH", "P"), ("OPTIONS", "NODE_")] {
        let file = format!("{key}.yaml");
        let generate = format!("--generate={key}");
        let args = ["create", "x", "-nprod", "--kek=local", &generate, "-w", &file];
        sandbox.run(args).succeeds();
        let error = exec(&sandbox, &["-f", &file, "--prefix", prefix], "echo no").fails(1);
        assert!(error.contains(&format!(": {prefix}{key}\n")), "{error}");
        // Named by the person, it is what they want.
        exec(&sandbox, &["-f", &file, "--only", key], "true").succeeds();
    }
    assert_eq!(exec(&sandbox, &["db", "-f", "db.yaml"], "true").code, Some(2));
    let error = exec(&sandbox, &["-f", "two.yaml,db.yaml"], "echo no").fails(1);
    assert!(error.contains("two of the Secrets have the key `a`"), "{error}");
}

#[cfg(target_os = "linux")]
#[test]
fn the_program_gets_its_own_limits_and_nothing_of_ours() {
    let sandbox = with_file(&["a=one"]);
    // The two above the first 31 are the C library's own.
    let script = "ulimit -S -c; grep -E '^Sig(Ign|Cgt|Blk)' /proc/self/status | cut -c1-8,18-; ls /proc/self/fd | wc -l";
    // As much of a core dump as there may be: what is let be has to be seen. And
    // nothing open that other tests have open just now. As under `nohup`.
    let before = "trap '' HUP; ulimit -S -c $(ulimit -H -c); for i in {3..99}; do eval \"exec $i>&-\"; done;";
    let direct = format!("{before} exec sh -c \"$0\"");
    let program = crate::sandbox::PROGRAM;
    let through = format!("{before} exec {program} exec -f db.yaml --only a -- sh -c \"$0\"");
    let run = |args: &[&str]| {
        let mut command = std::process::Command::new("bash");
        for (name, value) in sandbox.command().get_envs() {
            command.env(name, value.unwrap_or_default());
        }
        command.args(args).current_dir(sandbox.work()).stdin(Stdio::null());
        String::from_utf8(command.output().expect("it runs").stdout).expect("text")
    };
    assert_eq!(run(&["-c", &through, script]), run(&["-c", &direct, script]));
}

#[cfg(target_os = "linux")]
#[test]
fn values_are_files_in_memory_as_long_as_the_program_runs() {
    let (sandbox, folder) = (with_file(&["a=one", "b=two"]), memory("files"));
    let path = folder.display().to_string();
    let script =
        format!("stat -c '%a' {path} {path}/a; cat {path}/a {path}/b; echo \"$a\"; exit 5");
    let run = exec(&sandbox, &["-f", "db.yaml", "--files", &path], &script);
    assert_eq!((run.stdout.as_str(), run.code), ("700\n600\nonetwo\n", Some(5)), "{}", run.stderr);
    assert!(!folder.exists());
    // One that was there stays, empty as it was.
    std::fs::create_dir(&folder).expect("made");
    exec(&sandbox, &["-f", "db.yaml", "--files", &path], "kill -KILL $$").fails_quietly(137);
    assert_eq!(std::fs::read_dir(&folder).expect("there").count(), 0);
    std::fs::write(folder.join("mine"), "").expect("written");
    let error = exec(&sandbox, &["-f", "db.yaml", "--files", &path], "true").fails(1);
    assert!(error.contains("already exists, and is not empty"), "{error}");
    std::fs::remove_dir_all(&folder).expect("removed");
    // What a killed one left is taken away, as after a container's restart.
    std::fs::create_dir(&folder).expect("made");
    let mut command = sandbox.command();
    command.args([
        "exec",
        "-f",
        "db.yaml",
        "--files",
        &path,
        "--",
        "sh",
        "-c",
        "echo ready; read x",
    ]);
    let mut child = command.stdin(Stdio::piped()).spawn().expect("it starts");
    let mut output = std::io::BufReader::new(child.stdout.take().expect("a pipe"));
    std::io::BufRead::read_line(&mut output, &mut String::new()).expect("a line");
    let error = exec(&sandbox, &["-f", "db.yaml", "--files", &path], "true").fails(1);
    assert!(error.contains("is not empty"), "in use: {error}");
    child.kill().expect("killed");
    child.wait().expect("ended");
    assert!(folder.join("a").exists());
    exec(&sandbox, &["-f", "db.yaml", "--files", &path], "true").succeeds();
    assert_eq!(std::fs::read_dir(&folder).expect("there").count(), 0);
    std::fs::remove_dir_all(&folder).expect("removed");
    let error = exec(&sandbox, &["-f", "db.yaml", "--files", "/dev/shm"], "true").fails(1);
    assert!(
        error.contains("`/dev/shm` belongs to another user, or is shared by all users"),
        "{error}"
    );
    // Not on a disk, unless one says so.
    let disk = Path::new(env!("CARGO_TARGET_TMPDIR")).join("envcrypt-on-disk");
    let disk = disk.display().to_string();
    let error = exec(&sandbox, &["-f", "db.yaml", "--files", &disk], "true").fails(1);
    assert!(
        error.contains("is not in memory\nhint: to write plaintext to a disk, add `--allow-disk`"),
        "{error}"
    );
    let args = ["-f", "db.yaml", "--files", &disk, "--allow-disk"];
    let run = exec(&sandbox, &args, &format!("cat {disk}/a"));
    assert_eq!(run.stdout, "one", "{}", run.stderr);
    assert!(!Path::new(&disk).exists());
}

#[cfg(target_os = "linux")]
#[test]
fn signals_reach_the_program_in_both_ways() {
    for files in [false, true] {
        let (sandbox, folder) = (with_file(&["a=one"]), memory("signals"));
        let path = folder.display().to_string();
        let files = if files { vec!["--files", path.as_str()] } else { vec![] };
        let script = "trap 'echo term; exit 9' TERM; trap 'echo usr1' USR1; echo ready; while :; do sleep 0.05; done";
        let mut command = sandbox.command();
        let args =
            [&["exec", "-f", "db.yaml", "--only=a"][..], &files, &["--", "sh", "-c", script]]
                .concat();
        let mut child = command.args(args).spawn().expect("it starts");
        let mut output = std::io::BufReader::new(child.stdout.take().expect("a pipe"));
        let mut line = || {
            let mut line = String::new();
            std::io::BufRead::read_line(&mut output, &mut line).expect("a line");
            line
        };
        let pid = Pid::from_raw(child.id() as i32);
        assert_eq!(line(), "ready\n");
        kill(pid, Signal::SIGUSR1).expect("sent");
        assert_eq!(line(), "usr1\n");
        kill(pid, Signal::SIGTERM).expect("sent");
        assert_eq!(line(), "term\n");
        assert_eq!(child.wait().expect("it ends").code(), Some(9));
        assert!(!folder.exists());
    }
}

#[cfg(target_os = "linux")]
#[test]
fn on_a_terminal_ctrl_c_comes_once() {
    for files in [false, true] {
        let (sandbox, folder) = (with_file(&["a=one"]), memory(&format!("terminal-{files}")));
        let path = folder.display().to_string();
        let files = if files { vec!["--files", path.as_str()] } else { vec![] };
        let script = "trap 'echo caught' INT; echo ready; read x; read x; echo got $x; exit 4";
        let args =
            [&["exec", "-f", "db.yaml", "--only=a"][..], &files, &["--", "bash", "-c", script]]
                .concat();
        let mut terminal = session(&sandbox, &args);
        see(&mut terminal, "ready");
        terminal.send_control('c').expect("typed");
        see(&mut terminal, "caught");
        terminal.send_line("one").expect("typed");
        terminal.send_line("two").expect("typed");
        let rest = ends(terminal, 4);
        assert!(!rest.contains("caught") && rest.contains("got "), "{rest}");
        assert!(!folder.exists());
    }
}

#[test]
fn a_sealed_value_in_the_environment_is_opened_with_a_kek_that_is_named() {
    let sandbox = with_file(&["a=one"]);
    let sandbox = {
        let value = sealed_value(&sandbox, "a");
        sandbox.env("PASSWORD", value)
    };
    // The machine trusts it; but here only the environment counts.
    let error = exec(&sandbox, &["-n", "prod"], "echo no").fails(1);
    assert!(error.contains("the environment variable `PASSWORD` holds a sealed value, but neither `--kek` nor `ENVCRYPT_KEKS` names one of its KEKs: `age:"), "{error}");
    let sandbox = sandbox.env("ENVCRYPT_KEKS", "hashivault://other, local");
    let error = exec(&sandbox, &[], "echo no").fails(1);
    assert!(
        error.contains("is sealed for one namespace, but the current namespace is not known"),
        "{error}"
    );
    assert_eq!(exec(&sandbox, &["-n", "prod"], "echo $PASSWORD").stdout, "one\n");
    let sandbox = sandbox.env("POD_NAMESPACE", "prod");
    assert_eq!(exec(&sandbox, &["--secret", "db"], "echo $PASSWORD").stdout, "one\n");
    let error = exec(&sandbox, &["--secret", "web"], "echo no").fails(1);
    assert!(error.contains("it was sealed for `prod/db a`, but this is `prod/web`"), "{error}");
    // A wider scope would let a value of another Secret through.
    let args = ["create", "other", "-nprod", "--kek=local", "--generate=a", "--scope=namespace"];
    let wide = sandbox.run(args.iter().chain(&["--dry-run=client", "-oyaml"])).succeeds().stdout;
    let wide = sandbox.env("PASSWORD", sealed_value_of(&wide, "a"));
    exec(&wide, &[], "true").succeeds();
    let error = exec(&wide, &["--secret", "db"], "echo no").fails(1);
    assert!(error.contains("its scope does not bind it to one Secret"), "{error}");
    let strict = sealed_value(&wide, "a");
    let sandbox = wide.env("PASSWORD", strict);
    let error = exec(&sandbox, &["-n", "dev"], "echo no").fails(1);
    assert!(
        error.contains(
            "`PASSWORD` cannot be opened: it was sealed for `prod/db a`, but this is `dev/db`"
        ),
        "{error}"
    );
    let broken = sealed_value(&sandbox, "a").replace("\"tag\":\"", "\"tag\":\"A");
    let sandbox = sandbox.env("PASSWORD", broken);
    let error = exec(&sandbox, &[], "echo no").fails(1);
    assert!(error.contains("the environment variable `PASSWORD` cannot be opened"), "{error}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_mounted_secret_is_opened_into_memory() {
    let sandbox =
        with_file(&["a=one", "b=two"]).env("ENVCRYPT_KEKS", "local").env("POD_NAMESPACE", "prod");
    // As a kubelet mounts it, with a key in a folder of its own.
    let data = sandbox.write("mount/..2026/a", sealed_value(&sandbox, "a"));
    sandbox.write("mount/..2026/sub/b", sealed_value(&sandbox, "b"));
    sandbox.write("mount/..2026/plain", "as it is");
    let mount = sandbox.work().join("mount");
    let link =
        |to: &str, name: &str| std::os::unix::fs::symlink(to, mount.join(name)).expect("linked");
    link("..2026", "..data");
    ["a", "sub", "plain"].iter().for_each(|name| link(&format!("..data/{name}"), name));
    let folder = memory("mounted");
    let path = folder.display().to_string();
    let script =
        format!("cd {path}; find . -type f ! -name .kubectl-envcrypt | sort; cat a sub/b plain");
    let run = exec(&sandbox, &["--mounted", "mount", "--files", &path], &script);
    assert_eq!(run.stdout, "./a\n./plain\n./sub/b\nonetwoas it is", "{}", run.stderr);
    assert!(!folder.exists());
    std::fs::write(&data, sealed_value(&sandbox, "a").replace("\"iv\":\"", "\"iv\":\"A"))
        .expect("written");
    let swapped = sandbox.write("mount/..2026/b", sealed_value(&sandbox, "a"));
    link("..data/b", "b");
    let error = exec(&sandbox, &["--mounted", "mount", "--files", &path], "true").fails(1);
    assert!(error.contains("it was sealed for another key: `prod/db a`"), "{error}");
    std::fs::remove_file(swapped).expect("removed");
    std::fs::remove_file(mount.join("b")).expect("removed");
    std::fs::write(&data, sealed_value(&sandbox, "a").replace("\"iv\":\"", "\"iv\":\"A"))
        .expect("written");
    let error = exec(&sandbox, &["--mounted", "mount", "--files", &path], "true").fails(1);
    assert!(error.contains("the file `a` cannot be opened") && !folder.exists(), "{error}");
}

/// A plain variable beside the sealed ones, of whoever can write the Secret, must not say
/// where the pod logs in.
#[test]
fn the_login_comes_from_the_pods_spec_alone() {
    let sandbox = with_file(&["a=one"]);
    let value = sealed_value(&sandbox, "a");
    let run = |variables: &[(&str, &str)], args: &[&str]| {
        let mut command = sandbox.command();
        command.env("PASSWORD", &value).envs(variables.iter().copied());
        let fixed = ["exec", "-nprod", "--kek=local"];
        command.args(fixed).args(args).args(["--", "sh", "-c", "echo $PASSWORD"]);
        Run::from(command.output().expect("it runs"))
    };
    assert_eq!(run(&[], &[]).succeeds().stdout, "one\n");
    for name in ["BAO_ADDR", "VAULT_TOKEN", "AWS_ENDPOINT_URL_STS", "HTTPS_PROXY", "ENVCRYPT_KEKS"]
    {
        let error = run(&[(name, "x"), ("VAULT_ADDR", "y")], &["--spec-env=VAULT_ADDR"]).fails(1);
        assert!(error.contains(&format!("of this pod may have set them: {name}\n")), "{error}");
        assert!(error.contains(&format!("add `--spec-env {name}`")), "{error}");
    }
    let args = ["--spec-env", "BAO_ADDR,VAULT_ADDR"];
    run(&[("BAO_ADDR", "http://x"), ("VAULT_ADDR", "http://y")], &args).succeeds();
    // Where nothing is opened, no login is made.
    let mut command = sandbox.command();
    command.env("VAULT_ADDR", "http://x").args(["exec", "--", "true"]);
    Run::from(command.output().expect("it runs")).succeeds();
    // A sealed value does not become what steers the program.
    let mut command = sandbox.command();
    command.env("NODE_OPTIONS", &value).args(["exec", "-nprod", "--kek=local", "--", "true"]);
    let error = Run::from(command.output().expect("it runs")).fails(1);
    assert!(
        error.contains(
            "these names are not typical for a secret, and may control a program: NODE_OPTIONS\n"
        ),
        "{error}"
    );
}
