//! How many requests a command sends for many Secrets, and that lists in their place change nothing
//! that is promised.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::api_proxy::{Action, ApiProxy, Request};
use crate::control_plane::{ControlPlane, control_plane};
use crate::sandbox::Sandbox;

/// How many Secrets.
const MANY: usize = 60;
/// How many more requests a command sends for any number of Secrets: the first ones of a namespace,
/// and the lists.
const MORE: usize = 20;

struct Scene {
    plane: &'static ControlPlane,
    namespace: String,
    sandbox: Sandbox,
    proxy: ApiProxy,
}

impl Scene {
    /// With the files of many Secrets, and without the Secrets.
    fn new() -> Self {
        let plane = control_plane();
        let (namespace, proxy) = (plane.namespace(), ApiProxy::start(plane, "admin"));
        let sandbox = Sandbox::new().env("KUBECONFIG", proxy.kubeconfig().display().to_string());
        sandbox.run(["kek", "new"]).succeeds();
        write(&sandbox, &namespace);
        Self { plane, namespace, sandbox, proxy }
    }

    /// The requests of a command that ends with 0 or 1.
    fn requests(&self, args: &[&str]) -> Vec<Request> {
        self.proxy.take();
        let run = self.sandbox.run(args);
        assert!(matches!(run.code, Some(0 | 1)), "{}", run.stderr);
        self.proxy.take()
    }

    fn live(&self, name: &str) -> String {
        let get = ["get", "secret", name, "-n", &self.namespace, "-ojsonpath={.data.a}"];
        self.plane.kubectl(get).succeeds().stdout
    }

    /// Runs this once, just before a request changes the Secret `name`.
    fn before_write(&self, name: &'static str, run: impl Fn() + Send + 'static) -> Arc<AtomicBool> {
        let done = Arc::new(AtomicBool::new(false));
        let shared = done.clone();
        self.proxy.decide(move |request| {
            let is_it = request.path.contains(&format!("/secrets/{name}?"));
            if is_it && request.is_write() && !shared.swap(true, Ordering::Relaxed) {
                run();
            }
            Action::Pass
        });
        done
    }
}

/// Writes a file for each Secret.
fn write(sandbox: &Sandbox, namespace: &str) {
    let args = ["create", "db", "-n", namespace, "--kek=local", "--dry-run=client", "-oyaml"];
    // Not bound to its name, so that one sealing serves for all.
    let values = ["--generate=a", "--labels=app=many", "--scope=namespace"];
    let sealed = sandbox.run(args.iter().chain(&values)).succeeds().stdout;
    for index in 0..MANY {
        let text = sealed.replace("name: db", &format!("name: db-{index:02}"));
        sandbox.write(&format!("d/{index:02}.yaml"), text);
    }
}

#[track_caller]
fn at_most(requests: &[Request], each: usize) {
    let count = requests.len();
    assert!(count <= each * MANY + MORE, "{count} requests: {requests:#?}");
    assert!(count >= each * MANY, "{count} requests");
}

#[test]
fn a_command_on_many_secrets_sends_one_request_for_each_that_it_writes() {
    let scene = Scene::new();
    let apply = ["apply", "-f", "d"];
    at_most(&scene.requests(&apply), 1);
    at_most(&scene.requests(&apply), 1);
    at_most(&scene.requests(&["diff", "-f", "d"]), 0);
    scene.sandbox.run(["rotate", "-f", "d"]).succeeds();
    at_most(&scene.requests(&["diff", "-f", "d"]), 0);
    at_most(&scene.requests(&apply), 1);
    let namespace = ["-n", &scene.namespace, "-l", "app=many"];
    for command in [&["rotate"][..], &["rewrap", "--renew"]] {
        at_most(&scene.requests(&[command, &namespace].concat()), 1);
    }
    at_most(&scene.requests(&["get", "-n", &scene.namespace]), 0);
}

#[test]
fn who_may_get_secrets_but_not_list_them_applies_and_compares_many() {
    let plane = control_plane();
    let (namespace, sandbox) = (plane.namespace(), plane.sandbox("developer"));
    plane.apply(&format!(
        "{{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {{name: writer, namespace: {namespace}}}, \
         rules: [{{apiGroups: [''], resources: [secrets], verbs: [get, create, patch]}}]}}\n"
    ));
    write(&sandbox, &namespace);
    for _ in 0..2 {
        let run = sandbox.run(["apply", "-f", "d"]).succeeds();
        assert_eq!((run.stdout.lines().count(), &*run.stderr), (MANY, ""));
    }
    let run = sandbox.run(["diff", "-f", "d"]).succeeds();
    assert_eq!((&*run.stdout, &*run.stderr), ("", ""));
}

#[test]
fn an_older_file_among_many_is_refused() {
    let scene = Scene::new();
    scene.sandbox.run(["apply", "-f", "d"]).succeeds();
    scene.sandbox.run(["rotate", "db-50", "-n", &scene.namespace]).succeeds();
    let newer = scene.live("db-50");
    let run = scene.sandbox.run(["apply", "-f", "d"]);
    assert_eq!((run.code, run.stdout.lines().count()), (Some(1), MANY - 1), "{}", run.stderr);
    assert!(run.stderr.contains("db-50` in the file is not newer"), "{}", run.stderr);
    assert_eq!(scene.live("db-50"), newer);
    let run = scene.sandbox.run(["diff", "-f", "d"]);
    assert_eq!(run.stdout.lines().next(), Some(&*format!("{}/db-50", scene.namespace)));
}

#[test]
fn a_secret_that_becomes_newer_after_the_list_stays() {
    let scene = Scene::new();
    scene.sandbox.run(["apply", "-f", "d"]).succeeds();
    let (mut command, namespace) = (scene.sandbox.command(), scene.namespace.clone());
    command.env("KUBECONFIG", scene.plane.kubeconfig("admin"));
    command.args(["rotate", "db-50", "-n", &namespace]);
    let command = std::sync::Mutex::new(command);
    let done = scene.before_write("db-50", move || {
        let status = command.lock().expect("no panic").status();
        assert!(status.expect("it starts").success());
    });
    let older = scene.live("db-50");
    let run = scene.sandbox.run(["apply", "-f", "d"]);
    assert!(done.load(Ordering::Relaxed), "it changed after the list");
    assert_eq!((run.code, run.stdout.lines().count()), (Some(1), MANY - 1), "{}", run.stderr);
    assert!(run.stderr.contains("db-50` in the file is not newer"), "{}", run.stderr);
    assert_ne!(scene.live("db-50"), older, "the newer one stays");
}

#[test]
fn a_secret_that_somebody_creates_after_the_list_stays_if_it_is_newer() {
    let scene = Scene::new();
    scene.sandbox.run(["rotate", "-f", "d"]).succeeds();
    let old = scene.sandbox.read("d/50.yaml");
    scene.sandbox.run(["rotate", "-f", "d/50.yaml"]).succeeds();
    let newer = scene.sandbox.write("newer.yaml", scene.sandbox.read("d/50.yaml"));
    scene.sandbox.write("d/50.yaml", old);
    let plane = scene.plane;
    let done = scene.before_write("db-50", move || {
        plane.apply(&std::fs::read_to_string(&newer).expect("there"));
    });
    let run = scene.sandbox.run(["apply", "-f", "d"]);
    assert!(done.load(Ordering::Relaxed), "it was created after the list");
    assert_eq!((run.code, run.stdout.lines().count()), (Some(1), MANY - 1), "{}", run.stderr);
    assert!(run.stderr.contains("db-50` in the file is not newer"), "{}", run.stderr);
    let text = scene.sandbox.read("newer.yaml");
    assert!(text.contains(&scene.live("db-50")), "the newer one stays");
}

#[test]
fn a_rotation_of_many_goes_on_if_one_changes_after_the_list() {
    let scene = Scene::new();
    scene.sandbox.run(["apply", "-f", "d"]).succeeds();
    let (plane, namespace) = (scene.plane, scene.namespace.clone());
    let done = scene.before_write("db-50", move || {
        let label = ["label", "secret", "db-50", "-n", &namespace, "team=payments"];
        plane.kubectl(label).succeeds();
    });
    let before = scene.live("db-50");
    let args = ["rotate", "-n", &scene.namespace, "-l", "app=many"];
    let run = scene.sandbox.run(args).succeeds();
    assert!(done.load(Ordering::Relaxed), "it changed after the list");
    assert_eq!(run.stdout.lines().count(), MANY);
    assert_ne!(scene.live("db-50"), before);
    let labels =
        ["get", "secret", "db-50", "-n", &scene.namespace, "-ojsonpath={.metadata.labels}"];
    assert!(plane.kubectl(labels).succeeds().stdout.contains("payments"), "the label stays");
}

/// A proxy in the way can mix answers up. What one Secret holds is never shown for another.
#[test]
fn the_answer_to_another_request_is_not_taken() {
    let plane = control_plane();
    let (namespace, proxy) = (plane.namespace(), ApiProxy::start(plane, "admin"));
    let elsewhere = plane.namespace();
    let sandbox = Sandbox::new().env("KUBECONFIG", proxy.kubeconfig().display().to_string());
    sandbox.run(["kek", "new"]).succeeds();
    for (namespace, name) in [(&namespace, "a"), (&namespace, "b"), (&elsewhere, "a")] {
        let value = format!("--from-literal=key=of-{name}-in-{namespace}");
        sandbox.run(["create", name, "-n", namespace, "--kek=local", &value]).succeeds();
    }
    let of_b = format!("/api/v1/namespaces/{namespace}/secrets/b");
    let of_elsewhere = format!("/api/v1/namespaces/{elsewhere}/secrets/a");
    for path in [of_b, of_elsewhere] {
        proxy.decide(move |_| Action::AnswerOf(path.clone()));
        let set = ["set", "a", "-n", &namespace, "--from-literal=key=new"];
        let rotate = ["rotate", "a", "-n", &namespace];
        for args in [&["unwrap", "a", "key", "-n", &namespace][..], &set, &rotate] {
            let error = sandbox.run(args).fails(1);
            assert!(error.contains("the API server's answer cannot be read"), "{error}");
        }
    }
    let list = format!("/api/v1/namespaces/{elsewhere}/secrets");
    proxy.decide(move |_| Action::AnswerOf(list.clone()));
    let error = sandbox.run(["rotate", "-l", "!none", "-n", &namespace]).fails(1);
    assert!(error.contains("the API server's answer cannot be read"), "{error}");
}

/// Someone else's server says yes to anything.
#[test]
fn what_was_not_written_is_not_reported_as_written() {
    let plane = control_plane();
    let (namespace, proxy) = (plane.namespace(), ApiProxy::start(plane, "admin"));
    let sandbox = Sandbox::new().env("KUBECONFIG", proxy.kubeconfig().display().to_string());
    sandbox.run(["kek", "new"]).succeeds();
    for body in ["{}", "null", r#"{"kind":"Status","metadata":{},"status":"Success"}"#] {
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n";
        let answer = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
        proxy.decide(move |_| Action::Say { bytes: answer.clone().into(), is_seen: false });
        let args = ["create", "db", "-n", &namespace, "--kek=local", "--generate=a"];
        let error = sandbox.run(args).fails(1);
        assert!(error.contains("the API server's answer cannot be read"), "{error}");
        let error = sandbox.run(["get", "-n", &namespace]).fails(1);
        assert!(error.contains("the API server's answer cannot be read"), "{error}");
    }
}
