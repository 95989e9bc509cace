//! The policy that puts the program before the command of a container.

use std::process::Command;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::person::{Answer, Person};
use super::{apply, wait_for};
use crate::control_plane::control_plane;
use crate::sandbox::{PROGRAM, Run, Sandbox, own};

const PROGRAM_IN_POD: &str = "/envcrypt/kubectl-envcrypt";

/// A test's own namespace, policy and user.
struct Injected {
    namespace: String,
    policy: String,
    kek: String,
    sandbox: Sandbox,
    user: Person,
}

impl Injected {
    fn new(args: &[&str]) -> Self {
        let plane = control_plane();
        let (namespace, sandbox) = (plane.namespace(), Sandbox::with_local_key());
        let (policy, kek) = (format!("{namespace}.envcrypt.dev"), own(&sandbox));
        let name = format!("--policy-name={policy}");
        let fixed =
            ["inject", "-n", &namespace, &name, "--kek", &kek, "--image=example/envcrypt:1"];
        apply(plane, &[&fixed[..], args].concat());
        let who = format!("--user=pods-of-{namespace}");
        let role = ["create", "rolebinding", "pods", "--clusterrole=cluster-admin", &who];
        plane.kubectl(role.into_iter().chain(["-n", &namespace])).succeeds();
        let user = Person::new(plane, &format!("pods-of-{namespace}"));
        let injected = Self { namespace, policy, kek, sandbox, user };
        injected.wait();
        injected
    }

    /// Both policies are in effect.
    fn wait(&self) {
        let send = |pod: &Value| self.user.send("create (dry run)", "pods", &self.namespace, pod);
        let unchangeable = self.pod("probe", json!([container("a", Value::Null)]));
        wait_for(&self.policy, || send(&unchangeable));
        let changeable = self.pod("probe", json!([container("a", json!(["run"]))]));
        wait_for_change(|| send(&changeable));
    }

    fn pod(&self, name: &str, containers: Value) -> Value {
        json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": { "name": name, "labels": { "envcrypt.dev/inject": "true" } },
            "spec": { "containers": containers },
        })
    }

    fn send(&self, pod: &Value) -> Answer {
        self.user.send("create", "pods", &self.namespace, pod)
    }

    #[track_caller]
    fn created(&self, pod: &Value) -> Value {
        self.user.may("create", "pods", &self.namespace, pod.clone())
    }

    #[track_caller]
    fn refused(&self, pod: &Value, message: &str) {
        let answer = self.send(pod);
        assert!(answer.is_denied_by(&self.policy, message), "{pod}: {answer:?}");
    }

    fn entrypoint(&self) -> Vec<String> {
        let (kek, namespace) =
            (format!("--kek={}", self.kek), format!("--namespace={}", self.namespace));
        let spec_env = "--spec-env=ENVCRYPT_AGE_IDENTITIES";
        [PROGRAM_IN_POD, "exec", &kek, spec_env, &namespace, "--"].map(str::to_owned).into()
    }
}

/// The policy that refuses may be in effect before the one that changes.
fn wait_for_change(mut send: impl FnMut() -> Answer) {
    let path = std::path::Path::new("");
    crate::server::wait_until("the policy", path, || send().code < 300);
}

/// A container with a variable from the Secret `db`.
fn container(name: &str, command: Value) -> Value {
    let from = json!({ "secretKeyRef": { "name": "db", "key": "password" } });
    let mut container = json!({
        "name": name, "image": "web", "env": [{ "name": "DB_PASSWORD", "valueFrom": from }],
    });
    if !command.is_null() {
        container["command"] = command;
    }
    container
}

fn command(pod: &Value, list: &str, index: usize) -> Vec<String> {
    let command = pod["spec"][list][index]["command"].as_array().cloned().unwrap_or_default();
    command.iter().map(|word| word.as_str().expect("text").to_owned()).collect()
}

#[test]
fn a_pod_comes_back_with_the_program_before_its_commands() {
    let injected = Injected::new(&[]);
    let mut with_args = container("web", json!(["sh", "-c"]));
    with_args["args"] = json!(["echo \"$DB_PASSWORD\""]);
    with_args["volumeMounts"] = json!([{ "name": "data", "mountPath": "/data" }]);
    let plain = json!({ "name": "proxy", "image": "proxy" });
    let mut pod = injected.pod("web", json!([plain, with_args, container("job", json!(["run"]))]));
    pod["spec"]["initContainers"] =
        json!([plain_named("first"), container("migrate", json!(["up"]))]);
    pod["spec"]["volumes"] = json!([{ "name": "data", "emptyDir": {} }]);
    let pod = injected.created(&pod);
    let entrypoint = injected.entrypoint();
    let expected = |rest: &[&str]| {
        entrypoint
            .iter()
            .cloned()
            .chain(rest.iter().map(|word| (*word).to_owned()))
            .collect::<Vec<_>>()
    };
    assert_eq!(command(&pod, "containers", 1), expected(&["sh", "-c"]));
    assert_eq!(pod["spec"]["containers"][1]["args"], json!(["echo \"$DB_PASSWORD\""]));
    assert_eq!(command(&pod, "containers", 2), expected(&["run"]));
    assert_eq!(command(&pod, "initContainers", 1), expected(&["up"]));
    // What takes nothing from a Secret stays as it is.
    for (list, index) in [("containers", 0), ("initContainers", 0)] {
        assert!(command(&pod, list, index).is_empty());
        assert_eq!(pod["spec"][list][index].get("volumeMounts"), None);
    }
    for (list, index, mount) in
        [("containers", 1, 1), ("containers", 2, 0), ("initContainers", 1, 0)]
    {
        let mount = &pod["spec"][list][index]["volumeMounts"][mount];
        assert_eq!(
            *mount,
            json!({ "name": "envcrypt-program", "mountPath": "/envcrypt", "readOnly": true })
        );
    }
    let volumes = pod["spec"]["volumes"].as_array().expect("a list");
    let image = json!({ "reference": "example/envcrypt:1", "pullPolicy": "IfNotPresent" });
    assert_eq!(volumes.len(), 2);
    assert_eq!(volumes[1], json!({ "name": "envcrypt-program", "image": image }));
    opens(&injected, &pod);
}

fn plain_named(name: &str) -> Value {
    json!({ "name": name, "image": "busybox" })
}

/// Runs the container's command as a kubelet would, with a value that was sealed for its namespace,
/// and with one of another namespace.
fn opens(injected: &Injected, pod: &Value) {
    let run = |namespace: &str| -> Run {
        let literal = "--from-literal=password=hunter2";
        let fixed = ["create", "db", "-n", namespace, literal, "--kek=local", "--dry-run=client"];
        let json = injected.sandbox.run(fixed.into_iter().chain(["-ojson"])).succeeds().stdout;
        let json: Value = serde_json::from_str(&json).expect("JSON");
        let value = BASE64_STANDARD.decode(json["data"]["password"].as_str().expect("text"));
        let value = String::from_utf8(value.expect("base64")).expect("text");
        let args = pod["spec"]["containers"][1]["args"].as_array().expect("a list");
        let args = args.iter().map(|word| word.as_str().expect("text").to_owned());
        let words = command(pod, "containers", 1);
        let identity = injected.sandbox.config().join("identities/local.txt");
        let mut command = Command::new(PROGRAM);
        command.args(&words[1..]).args(args).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("ENVCRYPT_AGE_IDENTITIES", identity).env("DB_PASSWORD", value);
        Run::from(command.output().expect("it starts"))
    };
    assert_eq!(run(&injected.namespace).succeeds().stdout, "hunter2\n");
    let error = run("elsewhere").fails(1);
    assert!(error.contains("DB_PASSWORD"), "{error}");
}

#[test]
fn a_pod_that_cannot_be_changed_is_refused() {
    let injected = Injected::new(&[]);
    let no_command = "set the `command` of each container";
    injected.refused(&injected.pod("x", json!([container("web", Value::Null)])), no_command);
    let two = json!([container("web", json!(["run"])), container("other", Value::Null)]);
    injected.refused(&injected.pod("x", two), no_command);
    let mut init = injected.pod("x", json!([plain_named("web")]));
    init["spec"]["initContainers"] = json!([container("migrate", Value::Null)]);
    injected.refused(&init, no_command);
    let mut all_keys = plain_named("web");
    all_keys["envFrom"] = json!([{ "secretRef": { "name": "db" } }]);
    injected.refused(&injected.pod("x", json!([all_keys])), "do not use `envFrom`");
    // A pod that takes nothing from a Secret, and one without the label.
    injected.created(&injected.pod("nothing", json!([plain_named("web")])));
    let mut unlabelled = injected.pod("unlabelled", json!([container("web", Value::Null)]));
    unlabelled["metadata"]["labels"] = json!({});
    injected.created(&unlabelled);
}

#[test]
fn without_names_the_namespaces_are_those_with_the_label() {
    let plane = control_plane();
    let (labelled, other) = (plane.namespace(), plane.namespace());
    let kek = "--kek=hashivault://prod";
    let image = "--image=registry.example.com/envcrypt@sha256:0f";
    apply(plane, &["inject", kek, image, "--policy-name=labelled.envcrypt.dev"]);
    plane.kubectl(["label", "namespace", &labelled, "envcrypt.dev/inject=true"]).succeeds();
    let role = ["create", "clusterrolebinding", "pods", "--clusterrole=cluster-admin"];
    plane.kubectl(role.into_iter().chain(["--user=pods-of-all"])).succeeds();
    let user = Person::new(plane, "pods-of-all");
    let pod = |command| {
        json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": { "name": "web", "labels": { "envcrypt.dev/inject": "true" } },
            "spec": { "containers": [container("web", command)] },
        })
    };
    let send = |command| user.send("create (dry run)", "pods", &labelled, &pod(command));
    wait_for("labelled.envcrypt.dev", || send(Value::Null));
    wait_for_change(|| send(json!(["run"])));
    let changed = user.may("create", "pods", &labelled, pod(json!(["run"])));
    let words = command(&changed, "containers", 0);
    let spec_env = "--spec-env=VAULT_ADDR,VAULT_AUTH_PATH,VAULT_CACERT,VAULT_ROLE";
    let namespace = format!("--namespace={labelled}");
    let kek = "--kek=hashivault://transit/prod";
    assert_eq!(words, [PROGRAM_IN_POD, "exec", kek, spec_env, &namespace, "--", "run"]);
    let unchanged = user.may("create", "pods", &other, pod(Value::Null));
    assert!(command(&unchanged, "containers", 0).is_empty());
}
