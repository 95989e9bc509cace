//! What other controllers of a cluster do: those of kube-controller-manager.

use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::control_plane::{ControlPlane, ControllerManager, Etcd};

/// A cluster in which these controllers run, and no other test does.
fn start(controllers: &[&str]) -> (ControlPlane, ControllerManager) {
    let plane = ControlPlane::with(Arc::new(Etcd::start()), Vec::new());
    let manager = ControllerManager::start(&plane, controllers);
    (plane, manager)
}

/// An object of the namespace `default`; null if it does not exist.
fn get(plane: &ControlPlane, object: &str) -> Value {
    let run = plane.kubectl(["get", object, "--ignore-not-found", "-ojson"]).succeeds();
    serde_json::from_str(&run.stdout).unwrap_or_default()
}

/// A Secret with these fields beside its name.
fn secret(name: &str, fields: Value) -> String {
    let mut secret = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": {} });
    secret.as_object_mut().expect("a map").extend(fields.as_object().expect("a map").clone());
    secret["metadata"]["name"] = name.into();
    secret.to_string()
}

#[test]
fn a_secret_goes_with_its_owner_and_another_one_stays() {
    let (plane, manager) = start(&["garbagecollector"]);
    plane.apply(r#"{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "owner"}}"#);
    let uid = get(&plane, "configmap/owner")["metadata"]["uid"].clone();
    let owner = json!([{ "apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": uid }]);
    plane.apply(&secret("owned", json!({ "metadata": { "ownerReferences": owner } })));
    plane.apply(&secret("free", json!({})));
    plane.kubectl(["delete", "configmap", "owner"]).succeeds();
    manager.wait_until("the garbage collector", || get(&plane, "secret/owned").is_null());
    assert!(get(&plane, "secret/free").is_object());
}

#[test]
fn a_deployment_makes_a_replica_set_and_that_makes_pods() {
    let (plane, manager) = start(&["deployment", "replicaset"]);
    let pod = json!({
        "metadata": { "labels": { "app": "web" } },
        "spec": { "containers": [{ "name": "c", "image": "i" }] },
    });
    let deployment = json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": { "name": "web" },
        "spec": { "replicas": 2, "selector": { "matchLabels": { "app": "web" } }, "template": pod },
    });
    plane.apply(&deployment.to_string());
    let owned_by = |kind: &str, owner: &str| {
        let list = get(&plane, kind);
        let items = list["items"].as_array().cloned().unwrap_or_default();
        let is_owned = |item: &&Value| item["metadata"]["ownerReferences"][0]["kind"] == owner;
        items.iter().filter(is_owned).count()
    };
    manager.wait_until("the ReplicaSet", || owned_by("replicasets", "Deployment") == 1);
    manager.wait_until("its pods", || owned_by("pods", "ReplicaSet") == 2);
}

#[test]
fn a_service_account_gets_a_token_that_the_api_server_accepts() {
    let (plane, manager) = start(&["serviceaccount-token"]);
    plane.apply(r#"{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "robot"}}"#);
    let account = json!({ "kubernetes.io/service-account.name": "robot" });
    let kind = "kubernetes.io/service-account-token";
    plane.apply(&secret("robot", json!({ "type": kind, "metadata": { "annotations": account } })));
    let token = || get(&plane, "secret/robot")["data"]["token"].as_str().map(str::to_owned);
    manager.wait_until("the token", || token().is_some());
    let token = BASE64_STANDARD.decode(token().expect("a token")).expect("base64");
    let text = String::from_utf8(token).expect("a JWT");
    let run = plane.kubectl(["auth", "whoami", "--token", &text, "-ojson"]).succeeds();
    assert!(run.stdout.contains("system:serviceaccount:default:robot"), "{}", run.stdout);
}
