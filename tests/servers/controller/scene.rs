//! A namespace, a KEK behind a proxy that counts, and the controller as a process.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use envcrypt_core::envelope::SealCheck;
use envcrypt_core::manifest::{self, Document, Spec};
use envcrypt_core::secret::Place;
use serde_json::{Value, json};

use crate::control_plane::{ControlPlane, plane_with_crd};
use crate::fault_proxy::FaultProxy;
use crate::sandbox::Sandbox;
use crate::vault::{vault, with_vault};

/// The program, which `cargo test --workspace` builds beside the plugin.
pub fn program() -> PathBuf {
    let program = Path::new(crate::sandbox::PROGRAM).with_file_name("envcrypt-controller");
    assert!(
        program.is_file(),
        "`cargo build --workspace` builds envcrypt-controller for this test"
    );
    program
}

/// What a test works with.
pub struct Scene {
    pub plane: &'static ControlPlane,
    pub namespace: String,
    /// In front of the KMS.
    pub kms: FaultProxy,
    pub kek: String,
    pub sandbox: Sandbox,
}

impl Scene {
    pub fn new() -> Self {
        Self::on(plane_with_crd())
    }

    pub fn on(plane: &'static ControlPlane) -> Self {
        let namespace = plane.namespace();
        let kms = FaultProxy::start(vault().port);
        let kek = format!("hashivault://transit/{}", vault().key());
        // Sealing does not go through the proxy, so that it counts the controller's calls alone.
        let sandbox = with_vault(Sandbox::new(), vault().port);
        Self { plane, namespace, kms, kek, sandbox }
    }

    /// Seals values for a Secret of the namespace.
    pub fn seal(&self, name: &str, values: &[(&str, &str)]) -> Spec {
        self.seal_with(name, values, &[])
    }

    /// The same with further arguments of `create`.
    pub fn seal_with(&self, name: &str, values: &[(&str, &str)], more: &[&str]) -> Spec {
        let literals: Vec<String> =
            values.iter().map(|(key, value)| format!("--from-literal={key}={value}")).collect();
        let kek = format!("--kek={}", self.kek);
        let mut args =
            vec!["create", name, "-n", &self.namespace, &kek, "--dry-run=client", "-o", "json"];
        args.extend(literals.iter().map(String::as_str));
        args.extend(more);
        let text = self.sandbox.run(args).succeeds().stdout;
        spec(&text)
    }

    /// The resource as a manifest.
    pub fn resource(&self, name: &str, spec: &Spec) -> Value {
        json!({
            "apiVersion": "envcrypt.dev/v1alpha1",
            "kind": "EnvcryptSecret",
            "metadata": { "name": name, "namespace": self.namespace },
            "spec": spec,
        })
    }

    /// Applies a resource as the administrator.
    pub fn apply(&self, name: &str, spec: &Spec) {
        self.plane.apply(&self.resource(name, spec).to_string());
    }

    /// Seals values, and applies the resource.
    pub fn put(&self, name: &str, values: &[(&str, &str)]) -> Spec {
        let spec = self.seal(name, values);
        self.apply(name, &spec);
        spec
    }

    /// Starts the controller for the namespace.
    pub fn controller(&self, more: &[&str]) -> Controller {
        self.controller_with(&self.plane.kubeconfig("admin"), more)
    }

    /// The same with another connection to the cluster.
    pub fn controller_with(&self, kubeconfig: &Path, more: &[&str]) -> Controller {
        let mut args = vec!["--namespace", &self.namespace];
        if !more.iter().any(|arg| arg.starts_with("--lease") || *arg == "--once") {
            args.push("--lease=off");
        }
        args.extend(more);
        Controller::start(kubeconfig, &self.kek, self.kms.port, &args)
    }

    /// An object of the namespace as JSON, or `None`.
    pub fn get(&self, kind: &str, name: &str) -> Option<Value> {
        let run = self.plane.kubectl([
            "get",
            kind,
            name,
            "-n",
            &self.namespace,
            "-o",
            "json",
            "--show-managed-fields",
            "--ignore-not-found",
        ]);
        serde_json::from_str(&run.succeeds().stdout).ok()
    }

    /// The plain values of the Secret, or `None`.
    pub fn values(&self, name: &str) -> Option<BTreeMap<String, String>> {
        let secret = self.get("secret", name)?;
        Some(values(&secret))
    }

    /// `Ready`'s status and reason, for the current generation.
    pub fn ready(&self, name: &str) -> Option<(String, String)> {
        let resource = self.get("evs", name)?;
        ready(&resource)
    }

    /// The message of the condition `Ready`.
    pub fn message(&self, name: &str) -> String {
        let resource = self.get("evs", name).expect("there");
        condition(&resource, "Ready").expect("a condition")["message"]
            .as_str()
            .expect("text")
            .to_owned()
    }

    /// Waits until the Secret has these values, and the resource says so.
    pub fn wait_values(&self, name: &str, values: &[(&str, &str)]) {
        let wanted = map(values);
        wait(&format!("values of {name}"), || {
            self.values(name).as_ref() == Some(&wanted)
                && self.ready(name).is_some_and(|(status, _)| status == "True")
        });
    }

    /// Waits until the condition `Ready` has this reason.
    pub fn wait_reason(&self, name: &str, reason: &str) {
        wait(&format!("{name} to be {reason}, not {:?}", self.ready(name)), || {
            self.ready(name).is_some_and(|(_, is)| is == reason)
        });
    }

    /// How many data keys the KMS was asked to unwrap since the last time.
    pub fn kms_calls(&self) -> usize {
        self.kms.take().0.iter().filter(|operation| *operation == "decrypt").count()
    }

    /// Patches an object of the namespace.
    pub fn patch(&self, kind: &str, name: &str, patch: &Value) {
        let patch = patch.to_string();
        let args = ["patch", kind, name, "-n", &self.namespace, "--type=merge", "-p", &patch];
        self.plane.kubectl(args).succeeds();
    }

    /// Deletes an object of the namespace.
    pub fn delete(&self, kind: &str, name: &str) {
        self.plane.kubectl(["delete", kind, name, "-n", &self.namespace]).succeeds();
    }

    /// The version of the Secret.
    pub fn version(&self, name: &str) -> String {
        let secret = self.get("secret", name).expect("there");
        secret["metadata"]["resourceVersion"].as_str().expect("text").to_owned()
    }

    /// Waits until the Secret has these values, whatever the status says.
    pub fn wait_secret(&self, name: &str, values: &[(&str, &str)]) {
        let wanted = map(values);
        wait(&format!("the Secret {name}"), || self.values(name).as_ref() == Some(&wanted));
    }

    /// The reasons of the events about an object.
    pub fn events(&self, name: &str) -> Vec<String> {
        let run = self.plane.kubectl([
            "get",
            "events.events.k8s.io",
            "-n",
            &self.namespace,
            "-o",
            "json",
        ]);
        let events: Value = serde_json::from_str(&run.succeeds().stdout).expect("JSON");
        let items = events["items"].as_array().expect("a list").iter();
        items
            .filter(|event| event["regarding"]["name"] == name)
            .map(|event| event["reason"].as_str().expect("text").to_owned())
            .collect()
    }
}

fn map(values: &[(&str, &str)]) -> BTreeMap<String, String> {
    values.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// The spec of a sealed Secret in JSON.
pub fn spec(text: &str) -> Spec {
    let mut documents =
        manifest::parse(text.as_bytes()).unwrap_or_else(|e| panic!("{e}")).into_iter();
    let Some(Document::Secret(object)) = documents.next() else { panic!("a Secret") };
    let default = "default".parse().expect("a namespace");
    let sealed = object.sealed(&default, SealCheck::Required).unwrap_or_else(|e| panic!("{e}"));
    Spec::of(&sealed)
}

/// When a Secret was sealed, in seconds since 1970.
pub fn seal_time(spec: &Spec) -> u64 {
    let place = place("any", "any");
    spec.sealed(place).expect("sealed").seal.expect("a seal").sealed_at
}

/// The plain values of a Secret.
pub fn values(secret: &Value) -> BTreeMap<String, String> {
    use base64::Engine;
    let text = |value: &Value| {
        let bytes = base64::prelude::BASE64_STANDARD.decode(value.as_str().expect("text"));
        String::from_utf8_lossy(&bytes.expect("base64")).into_owned()
    };
    let data = secret["data"].as_object().cloned().unwrap_or_default();
    data.iter().map(|(key, value)| (key.clone(), text(value))).collect()
}

/// A condition of a resource.
pub fn condition(resource: &Value, kind: &str) -> Option<Value> {
    let conditions = resource["status"]["conditions"].as_array()?;
    conditions.iter().find(|condition| condition["type"] == kind).cloned()
}

/// `Ready`'s status and reason, if they are about the current generation.
pub fn ready(resource: &Value) -> Option<(String, String)> {
    if resource["status"]["observedGeneration"] != resource["metadata"]["generation"] {
        return None;
    }
    let condition = condition(resource, "Ready")?;
    let text = |name: &str| condition[name].as_str().expect("text").to_owned();
    Some((text("status"), text("reason")))
}

/// The place of a Secret.
fn place(namespace: &str, name: &str) -> Place {
    Place { namespace: namespace.parse().expect("valid"), name: name.parse().expect("valid") }
}

/// Waits until something is so.
pub fn wait(what: &str, mut is: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is() {
        assert!(began.elapsed() < Duration::from_secs(60), "waited too long for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The controller as a process.
pub struct Controller {
    folder: tempfile::TempDir,
    child: Option<Child>,
}

impl Controller {
    pub fn start(kubeconfig: &Path, keks: &str, kms: u16, args: &[&str]) -> Self {
        Self::start_as(kubeconfig, keks, kms, args, crate::vault::ROOT)
    }

    /// The same with another token for the KMS.
    pub fn start_as(kubeconfig: &Path, keks: &str, kms: u16, args: &[&str], token: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let log = std::fs::File::create(folder.path().join("log")).expect("a log");
        let mut command = Command::new(program());
        command.env_clear().env("HOME", folder.path()).env("ENVCRYPT_KEKS", keks);
        command.env("KUBECONFIG", kubeconfig);
        command.env("VAULT_ADDR", format!("http://127.0.0.1:{kms}"));
        command.env("VAULT_TOKEN", token);
        command.args(args).args(["--log-level=debug"]);
        if !args.iter().any(|arg| arg.starts_with("--listen")) {
            command.arg("--listen=off");
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        Self { child: Some(command.spawn().expect("it starts")), folder }
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// The lines of the log with this text.
    pub fn logged(&self, text: &str) -> usize {
        self.log().lines().filter(|line| line.contains(text)).count()
    }

    pub fn wait_logged(&self, text: &str) {
        wait(&format!("`{text}` in {}", self.log()), || self.logged(text) > 0);
    }

    pub fn pid(&self) -> nix::unistd::Pid {
        let id = self.child.as_ref().expect("it runs").id();
        nix::unistd::Pid::from_raw(i32::try_from(id).expect("a pid"))
    }

    pub fn signal(&self, signal: nix::sys::signal::Signal) {
        nix::sys::signal::kill(self.pid(), signal).expect("sent");
    }

    /// Ends the process as `kill -9` does.
    pub fn kill(&mut self) {
        let mut child = self.child.take().expect("it runs");
        child.kill().expect("killed");
        child.wait().expect("gone");
    }

    /// Waits until it ends by itself; returns the exit code.
    pub fn ended(&mut self) -> Option<i32> {
        self.child.take().expect("it runs").wait().expect("it ends").code()
    }
}

impl Drop for Controller {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        #[expect(clippy::print_stderr, reason = "a test that failed shows the log")]
        if std::thread::panicking() {
            eprintln!("{}", self.log());
        }
    }
}
