//! What `policy` prints, applied to a real API server: what it allows works, and all else is denied.

mod admission;
mod inject;
mod person;
mod rbac;
mod vault;

use std::path::Path;

use serde_json::{Value, json};

use crate::control_plane::ControlPlane;
use crate::sandbox::Sandbox;
use crate::server::wait_until;
use person::Answer;

/// Prints a policy and applies it as the administrator.
/// The begin of every sealed value: enough for the API server.
const SEALED: &str = r#"{"protected":"eyJ0eXAiOiJlbnZjcnlwdC12MSI"}"#;

fn apply(plane: &ControlPlane, args: &[&str]) {
    let text = Sandbox::new().run(["policy"].iter().chain(args)).succeeds().stdout;
    plane.apply(&text);
}

/// The API server compiles a policy a moment after it is applied.
fn wait_for(policy: &str, mut send: impl FnMut() -> Answer) {
    wait_until(policy, Path::new(""), || send().is_denied_by(policy, ""));
}

/// A namespace with an EnvcryptSecret `db` and a plain Secret `plain`.
fn namespace(plane: &ControlPlane) -> String {
    plane.install_crd();
    let namespace = plane.namespace();
    plane.apply(&format!(
        "{{apiVersion: envcrypt.dev/v1alpha1, kind: EnvcryptSecret, metadata: {{name: db, namespace: {namespace}}}, spec: {{sealed: {{seal: '{SEALED}'}}}}}}\n---\n\
         {{apiVersion: v1, kind: Secret, metadata: {{name: plain, namespace: {namespace}}}, stringData: {{a: hunter2}}}}\n"
    ));
    namespace
}

fn secret(name: &str) -> Value {
    json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": name } })
}

fn resource(name: &str) -> Value {
    json!({
        "apiVersion": "envcrypt.dev/v1alpha1",
        "kind": "EnvcryptSecret",
        "metadata": { "name": name },
        "spec": { "sealed": { "seal": SEALED } },
    })
}

fn label() -> Value {
    json!({ "metadata": { "labels": { "a": "b" } } })
}
