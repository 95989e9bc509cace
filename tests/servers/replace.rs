//! `seal --replace` between the two: the old Secret deleted, the new one not yet made.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::api_proxy::{Action, ApiProxy};
use crate::control_plane::{ControlPlane, control_plane};
use crate::programs::find;
use crate::sandbox::Sandbox;
use crate::server::{Server, free_port, listens, wait_until};

/// What becomes of a request that makes a Secret.
#[derive(Clone, Copy, PartialEq)]
enum Make {
    /// It waits until the test lets it go on.
    Hold,
    /// The server fails where the Secret is sealed.
    FailSealed,
    /// The server fails.
    Fail,
}

/// Stands between the program and the API server, which `kubectl proxy` speaks to.
struct Between {
    sandbox: Sandbox,
    /// A request to make a Secret came in.
    came: Receiver<()>,
    /// Lets it go on.
    go_on: Sender<()>,
    _proxy: Server,
}

fn between(plane: &ControlPlane, make: Make) -> Between {
    let (port, folder) = (free_port(), tempfile::tempdir().expect("a folder"));
    let log = folder.path().join("proxy.log");
    let kubeconfig = plane.kubeconfig("admin").display().to_string();
    let args =
        ["--kubeconfig", &kubeconfig, "proxy", "--port", &port.to_string(), "--reject-methods=^$"];
    let proxy = Server::start(&find("kubectl"), args, &log);
    wait_until("kubectl proxy", &log, || listens(port));
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let (came, has_come) = channel();
    let (go_on, goes_on) = channel();
    let goes_on = Arc::new(Mutex::new(goes_on));
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (came, goes_on) = (came.clone(), goes_on.clone());
            std::thread::spawn(move || forward(stream, port, make, &came, &goes_on));
        }
    });
    let sandbox = Sandbox::new();
    let config = format!(
        "{{apiVersion: v1, kind: Config, current-context: a, clusters: [{{name: a, cluster: {{server: 'http://{address}'}}}}], contexts: [{{name: a, context: {{cluster: a, user: a}}}}], users: [{{name: a, user: {{}}}}]}}"
    );
    let path = sandbox.write("kubeconfig", config);
    let sandbox = sandbox.env("KUBECONFIG", path.display().to_string());
    sandbox.run(["kek", "new"]).succeeds();
    Between { sandbox, came: has_come, go_on, _proxy: proxy }
}

/// One request, and its answer.
fn forward(
    mut stream: TcpStream,
    port: u16,
    make: Make,
    came: &Sender<()>,
    goes_on: &Mutex<Receiver<()>>,
) {
    let Some(request) = read(&mut stream) else { return };
    let head = String::from_utf8_lossy(&request).into_owned();
    let makes =
        head.starts_with("POST ") && head.contains("/secrets?") && !head.contains("dryRun=All");
    // What is put aside beforehand goes through.
    let makes = makes && !head.contains("-envcrypt-aside\"");
    let fails =
        make == Make::Fail || (make == Make::FailSealed && head.contains("envcrypt.dev/sealed"));
    if makes && fails {
        let _ = stream.write_all(b"HTTP/1.1 500 E\r\nContent-Type: application/json\r\nContent-Length: 97\r\nConnection: close\r\n\r\n{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"status\":\"Failure\",\"message\":\"no\",\"reason\":\"E\",\"code\":500}    ");
        return;
    }
    if makes && make == Make::Hold {
        came.send(()).expect("the test waits");
        let _ = goes_on.lock().expect("free").recv();
    }
    let mut server = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
    let text = head.replacen("\r\n", "\r\nConnection: close\r\n", 1);
    server.write_all(text.as_bytes()).expect("sent");
    let mut answer = Vec::new();
    server.read_to_end(&mut answer).expect("answered");
    let _ = stream.write_all(&answer);
}

/// Head and body.
fn read(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let count = stream.read(&mut buffer).ok().filter(|count| *count > 0)?;
        request.extend_from_slice(&buffer[..count]);
        let text = String::from_utf8_lossy(&request).to_ascii_lowercase();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        if body.len() >= length.map_or(0, |length| length.parse().expect("a number")) {
            return Some(request);
        }
    }
}

fn plain(plane: &ControlPlane) -> String {
    let namespace = plane.namespace();
    plane
        .kubectl([
            "create",
            "secret",
            "generic",
            "db",
            "-n",
            &namespace,
            "--from-literal=a=hunter2",
        ])
        .succeeds();
    namespace
}

fn kind(plane: &ControlPlane, namespace: &str) -> Option<String> {
    let run = plane.kubectl(["get", "secret", "db", "-n", namespace, "-ojsonpath={.type}"]);
    (run.code == Some(0)).then_some(run.stdout)
}

#[test]
fn an_interruption_waits_until_the_new_one_stands() {
    let plane = control_plane();
    let (namespace, between) = (plain(plane), between(plane, Make::Hold));
    let mut command = between.sandbox.command();
    let args = ["seal", "db", "-n", &namespace, "--kek=local", "--replace", "--yes"];
    let child = command.args(args).stdin(Stdio::null()).spawn().expect("it starts");
    between.came.recv().expect("it comes");
    assert_eq!(kind(plane, &namespace), None, "it is deleted by now");
    for signal in [Signal::SIGINT, Signal::SIGINT, Signal::SIGTERM] {
        kill(Pid::from_raw(child.id() as i32), signal).expect("sent");
    }
    // Longer than an interruption is waited for otherwise.
    let started = std::time::Instant::now();
    while started.elapsed().as_millis() < 2500 {
        assert_eq!(kind(plane, &namespace), None);
    }
    between.go_on.send(()).expect("it waits");
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "secret/db sealed\n");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(kind(plane, &namespace).as_deref(), Some("envcrypt.dev/sealed"));
}

#[test]
fn where_the_new_one_cannot_be_made_the_old_one_is_put_back() {
    let plane = control_plane();
    let (namespace, between) = (plain(plane), between(plane, Make::FailSealed));
    let args = ["seal", "db", "-n", &namespace, "--kek=local", "--replace", "--yes"];
    let error = between.sandbox.run(args).fails(1);
    assert!(error.contains("could not be created, and the old one was restored"), "{error}");
    assert!(!error.contains("hunter2"), "{error}");
    let run =
        plane.kubectl(["get", "secret", "db", "-n", &namespace, "-ojsonpath={.data.a} {.type}"]);
    assert_eq!(run.succeeds().stdout, "aHVudGVyMg== Opaque");
}

#[test]
fn where_neither_can_be_made_the_sealed_one_is_handed_over() {
    let plane = control_plane();
    let (namespace, between) = (plain(plane), between(plane, Make::Fail));
    let args = ["seal", "db", "-n", &namespace, "--kek=local", "--replace", "--yes"];
    let run = between.sandbox.run(args);
    assert_eq!(run.code, Some(1));
    assert!(
        run.stderr.contains(&format!(
            "error: the Secret `{namespace}/db` was deleted, and the new one could not be created"
        )),
        "{}",
        run.stderr
    );
    let kept =
        "the sealed Secret is saved in the cluster as `db-envcrypt-aside`, and was written to";
    assert!(run.stderr.contains(kept), "{}", run.stderr);
    let open = between.sandbox.pipe(&run.stdout, ["unwrap", "-f", "-", "a"]).succeeds();
    assert_eq!(open.stdout, "hunter2");
    assert_eq!(kind(plane, &namespace), None);
}

/// The names of all Secrets of a namespace.
fn names(plane: &ControlPlane, namespace: &str) -> String {
    let output = "-ojsonpath={.items[*].metadata.name}";
    plane.kubectl(["get", "secret", "-n", namespace, output]).succeeds().stdout
}

#[test]
fn a_process_killed_between_the_two_loses_nothing() {
    let plane = control_plane();
    for (seal, resume) in [
        (&["seal", "db"][..], &["seal", "db"][..]),
        (&["seal", "-l", "!none"], &["seal", "-l", "!none"]),
    ] {
        let (namespace, between) = (plain(plane), between(plane, Make::Hold));
        let fixed = ["-n", &namespace, "--kek=local", "--replace", "--yes"];
        let mut command = between.sandbox.command();
        let mut child =
            command.args(seal).args(fixed).stdin(Stdio::null()).spawn().expect("it starts");
        between.came.recv().expect("it comes");
        assert_eq!(kind(plane, &namespace), None, "it is deleted by now");
        child.kill().expect("killed");
        child.wait().expect("ended");
        // Nothing that was read stands in the cluster in the clear, and nothing is gone.
        assert_eq!(names(plane, &namespace), "db-envcrypt-aside");
        let admin = plane.sandbox("admin");
        let run = admin.run(resume.iter().chain(&fixed));
        assert!(run.stderr.contains("the sealed Secret is in its place now"), "{}", run.stderr);
        assert_eq!(kind(plane, &namespace).as_deref(), Some("envcrypt.dev/sealed"));
        assert_eq!(names(plane, &namespace), "db", "what was put aside is gone");
        let open = between.sandbox.config().display().to_string();
        let admin = admin.env("ENVCRYPT_AGE_IDENTITIES", format!("{open}/identities/local.txt"));
        let value = admin.run(["unwrap", "db", "a", "-n", &namespace]).succeeds().stdout;
        assert_eq!(value, "hunter2");
        drop(between.go_on);
    }
}

#[test]
fn a_sealed_secret_becomes_plain_again() {
    let plane = control_plane();
    let (namespace, sandbox) = (plane.namespace(), plane.sandbox("admin"));
    let create = ["create", "db", "--type=basic-auth", "-n", &namespace, "--kek=local"];
    let values = ["--from-literal=password=hunter2", "--labels=app=web"];
    sandbox.run(create.iter().chain(&values)).succeeds();
    let error = sandbox.run(["unwrap", "db", "-n", &namespace, "--replace"]).fails(2);
    assert!(error.contains("there is no terminal: add `--yes`"), "{error}");
    let args = ["unwrap", "db", "-n", &namespace, "--replace", "--yes"];
    assert_eq!(sandbox.run(args).succeeds().stdout, "secret/db unwrapped\n");
    assert_eq!(kind(plane, &namespace).as_deref(), Some("kubernetes.io/basic-auth"));
    let output = "-ojsonpath={.data.password} {.metadata.labels} {.metadata.annotations}";
    let run = plane.kubectl(["get", "secret", "db", "-n", &namespace, output]).succeeds();
    assert_eq!(run.stdout, r#"aHVudGVyMg== {"app":"web"} "#);
    assert_eq!(names(plane, &namespace), "db");
    // And back.
    let args = ["seal", "db", "-n", &namespace, "--kek=local", "--replace", "--yes"];
    sandbox.run(args).succeeds();
    assert_eq!(kind(plane, &namespace).as_deref(), Some("envcrypt.dev/sealed"));
}

/// A sandbox for which the copy of a Secret that is being replaced cannot be deleted, until the proxy
/// heals: as if the process had been killed before.
fn that_leaves_the_copy(plane: &ControlPlane) -> (ApiProxy, Sandbox) {
    let proxy = ApiProxy::start(plane, "admin");
    proxy.decide(|request| {
        let is_deletion = request.method == "DELETE" && request.path.contains("-envcrypt-aside");
        if is_deletion { Action::Drop } else { Action::Pass }
    });
    let sandbox = Sandbox::new().env("KUBECONFIG", proxy.kubeconfig().display().to_string());
    sandbox.run(["kek", "new"]).succeeds();
    (proxy, sandbox)
}

#[test]
fn a_run_after_one_that_was_killed_goes_on_and_removes_the_copy() {
    let plane = control_plane();
    let (namespace, (proxy, sandbox)) = (plain(plane), that_leaves_the_copy(plane));
    let literal = "--from-literal=a=hunter2";
    plane.kubectl(["create", "secret", "generic", "web", "-n", &namespace, literal]).succeeds();
    let seal = |names: &[&str]| {
        let fixed = ["-n", &namespace, "--kek=local", "--replace", "--yes"];
        sandbox.run(["seal"].iter().chain(names).chain(&fixed))
    };
    seal(&["db"]).succeeds();
    assert_eq!(names(plane, &namespace), "db db-envcrypt-aside web");
    proxy.heal();
    let run = seal(&["db", "web"]).succeeds();
    assert_eq!(run.stdout, "secret/db unchanged\nsecret/web sealed\n");
    assert_eq!(names(plane, &namespace), "db web");
    assert!(seal(&["db"]).fails(1).contains("is already sealed"));
}

#[test]
fn a_copy_with_other_values_stays() {
    let plane = control_plane();
    let (namespace, (proxy, sandbox)) = (plain(plane), that_leaves_the_copy(plane));
    let seal = ["seal", "db", "-n", &namespace, "--kek=local", "--replace", "--yes"];
    sandbox.run(seal).succeeds();
    proxy.heal();
    let set = ["set", "db", "-n", &namespace, "--from-literal=a=correct-horse"];
    sandbox.run(set).succeeds();
    assert!(sandbox.run(seal).fails(1).contains("is already sealed"));
    assert_eq!(names(plane, &namespace), "db db-envcrypt-aside");
}

#[test]
fn what_was_made_plain_before_a_kill_is_done_and_its_copy_goes() {
    let plane = control_plane();
    let (namespace, (proxy, sandbox)) = (plane.namespace(), that_leaves_the_copy(plane));
    let create = ["create", "db", "-n", &namespace, "--kek=local", "--from-literal=a=hunter2"];
    sandbox.run(create).succeeds();
    let unwrap = ["unwrap", "db", "-n", &namespace, "--replace", "--yes"];
    sandbox.run(unwrap).succeeds();
    assert_eq!(names(plane, &namespace), "db db-envcrypt-aside");
    proxy.heal();
    assert_eq!(sandbox.run(unwrap).succeeds().stdout, "secret/db unwrapped\n");
    assert_eq!(names(plane, &namespace), "db");
    assert!(sandbox.run(unwrap).fails(1).contains("is not sealed"));
}
