//! The controller as a process, with the token of its own service account. What it may do is what
//! `deploy/` gives it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, OnceLock};

use envcrypt_core::manifest::DeletionPolicy;
use serde_json::{Value, json};

use super::{install_crd, kustomize};
use crate::control_plane::{ControlPlane, Etcd};
use crate::controller::{Controller, Scene, wait};
use crate::programs::find;
use crate::sandbox::Run;

const DELIVERED: &str = "envcrypt.dev/delivered";

/// A control plane of its own, on which one directory of `deploy/` is applied: the policies of
/// admission would disturb other tests.
fn deployed(directory: &str) -> ControlPlane {
    let plane = ControlPlane::with(Arc::new(Etcd::start()), Vec::new());
    plane.kubectl(["create", "namespace", "prod"]).succeeds();
    install_crd(&plane, &kustomize(directory));
    log_in(&plane);
    let probe = || as_account(&plane, "create secret generic probe -n prod --dry-run=server");
    wait("the fence", || is_fenced(&probe()));
    plane
}

/// Writes a kubeconfig with a token of the service account, as a pod gets one.
pub(super) fn log_in(plane: &ControlPlane) {
    let token = ["create", "token", "envcrypt-controller", "-n", "envcrypt-system"];
    let token = plane.kubectl(token).succeeds().stdout;
    let text = plane
        .kubeconfig_text("admin")
        .replace("admin-token", token.trim())
        .replace("user: admin}", "user: admin, namespace: envcrypt-system}");
    std::fs::write(account(plane), text).expect("written");
}

/// The kubeconfig of the service account.
pub(super) fn account(plane: &ControlPlane) -> PathBuf {
    plane.kubeconfig("envcrypt-controller")
}

/// Runs kubectl with the token of the service account.
fn as_account(plane: &ControlPlane, line: &str) -> Run {
    let mut command = Command::new(find("kubectl"));
    command.arg("--kubeconfig").arg(account(plane)).args(line.split(' '));
    Run::from(command.output().expect("kubectl starts"))
}

/// Whether the policy `fence` denied it.
fn is_fenced(run: &Run) -> bool {
    run.stderr.contains("ValidatingAdmissionPolicy 'fence.envcrypt.dev'")
}

/// RBAC denies it.
#[track_caller]
fn is_forbidden(plane: &ControlPlane, line: &str) {
    let run = as_account(plane, line);
    assert_ne!(run.code, Some(0), "{line}: {}", run.stdout);
    let user = "User \"system:serviceaccount:envcrypt-system:envcrypt-controller\" cannot";
    assert!(run.stderr.contains(user), "{line}: {}", run.stderr);
}

/// The policy `fence` denies it, although RBAC does not.
#[track_caller]
fn is_denied_by_the_fence(plane: &ControlPlane, line: &str) {
    let run = as_account(plane, line);
    assert!(is_fenced(&run), "{line}: {}{}", run.stdout, run.stderr);
}

/// The base, for all tests.
pub(super) fn everywhere() -> &'static ControlPlane {
    static ONE: OnceLock<ControlPlane> = OnceLock::new();
    ONE.get_or_init(|| deployed("deploy/base"))
}

/// The controller, started as the Deployment starts it.
fn start(scene: &Scene, args: &[&str]) -> Controller {
    Controller::start(&account(scene.plane), &scene.kek, scene.kms.port, args)
}

#[test]
fn it_delivers_with_the_rights_of_the_base_and_behind_its_fence() {
    let scene = Scene::on(everywhere());
    let _controller = start(&scene, &[]);
    scene.put("db", &[("a", "1")]);
    scene.wait_values("db", &[("a", "1")]);
    scene.put("db", &[("a", "2")]);
    scene.wait_values("db", &[("a", "2")]);
    // Someone changes the value, takes the label away, and deletes it.
    scene.patch("secret", "db", &json!({ "data": { "a": "eA==", "b": "eA==" } }));
    scene.wait_values("db", &[("a", "2")]);
    scene.patch("secret", "db", &json!({ "metadata": { "labels": { DELIVERED: null } } }));
    wait("the label", || label(&scene, "db") == "true");
    scene.delete("secret", "db");
    scene.wait_secret("db", &[("a", "2")]);
    // Another type is another Secret.
    let uid = scene.get("secret", "db").expect("there")["metadata"]["uid"].clone();
    let login = [("username", "u"), ("password", "p")];
    scene.apply("db", &scene.seal_with("db", &login, &["--type=basic-auth"]));
    scene.wait_values("db", &login);
    let secret = scene.get("secret", "db").expect("there");
    assert_eq!(secret["type"], "kubernetes.io/basic-auth");
    assert_ne!(secret["metadata"]["uid"], uid);
    it_retains_and_adopts(&scene);
    wait("an event", || scene.events("db").contains(&"Repaired".to_owned()));
    let lease = ["get", "lease", "envcrypt-controller", "-n", "envcrypt-system", "-ojson"];
    let lease: Value =
        serde_json::from_str(&scene.plane.kubectl(lease).succeeds().stdout).expect("JSON");
    assert_ne!(lease["spec"]["holderIdentity"], Value::Null);
}

fn label(scene: &Scene, name: &str) -> Value {
    scene.get("secret", name).map_or(Value::Null, |s| s["metadata"]["labels"][DELIVERED].clone())
}

fn it_retains_and_adopts(scene: &Scene) {
    let mut spec = scene.seal("kept", &[("a", "1")]);
    scene.apply("kept", &spec);
    scene.wait_values("kept", &[("a", "1")]);
    let owners =
        || scene.get("secret", "kept").expect("there")["metadata"]["ownerReferences"].clone();
    assert_eq!(owners()[0]["name"], "kept");
    spec.deletion_policy = DeletionPolicy::Retain;
    scene.apply("kept", &spec);
    wait("no owner", || owners().is_null());
    // A changed value of a Secret without an owner, too.
    scene.patch("secret", "kept", &json!({ "data": { "a": "eA==" } }));
    scene.wait_values("kept", &[("a", "1")]);
    // One that someone else made.
    let plain = ["create", "secret", "generic", "given", "--from-literal=a=theirs", "-n"];
    scene.plane.kubectl(plain.into_iter().chain([scene.namespace.as_str()])).succeeds();
    let adopt = json!({ "metadata": { "annotations": { "envcrypt.dev/adopt": "true" } } });
    scene.patch("secret", "given", &adopt);
    scene.put("given", &[("a", "ours")]);
    scene.wait_values("given", &[("a", "ours")]);
}

#[test]
fn in_a_sealed_only_namespace_it_still_delivers() {
    let scene = Scene::on(everywhere());
    let sealed_only = ["label", "namespace", &scene.namespace, "envcrypt.dev/sealed-only=true"];
    scene.plane.kubectl(sealed_only).succeeds();
    let plain = ["create", "secret", "generic", "plain", "--from-literal=a=b", "--dry-run=server"];
    let of_people =
        || scene.plane.kubectl(plain.into_iter().chain(["-n", scene.namespace.as_str()]));
    wait("the policy", || of_people().stderr.contains("people write only sealed Secrets"));
    let args = ["--namespace", &scene.namespace, "--lease=off"];
    let _controller = start(&scene, &args);
    scene.put("db", &[("a", "1")]);
    scene.wait_values("db", &[("a", "1")]);
    assert_eq!(label(&scene, "db"), "true");
}

#[test]
fn the_token_of_the_base_can_do_nothing_else() {
    let plane = everywhere();
    let namespace = plane.namespace();
    let plain = ["create", "secret", "generic", "plain", "--from-literal=a=b", "-n", &namespace];
    plane.kubectl(plain).succeeds();
    let resource = resource(plane, &namespace);
    for line in [
        "get configmaps -A",
        "get pods -A",
        "get namespaces",
        "get serviceaccounts -A",
        "get leases.coordination.k8s.io -n envcrypt-system",
        "get leases.coordination.k8s.io -n kube-system",
        "create configmap a -n NS",
        "create token default -n NS",
        "create rolebinding a --clusterrole=cluster-admin --user=a -n NS",
        "create namespace a",
        "delete crd envcryptsecrets.envcrypt.dev",
        "delete validatingadmissionpolicybinding fence.envcrypt.dev",
        "delete envcryptsecret other -n NS",
        "create -n NS -f RESOURCE",
    ] {
        let line = line.replace("NS", &namespace).replace("RESOURCE", path(&resource));
        is_forbidden(plane, &line);
    }
    for line in [
        "create secret generic other -n NS",
        "create secret generic other -n envcrypt-system",
        "create secret generic other -n kube-system",
        "create secret docker-registry other -n NS --docker-username=a --docker-password=b",
        "delete secret plain -n NS",
        "label secret plain a=b -n NS",
        "label secret plain envcrypt.dev/delivered=true -n NS",
        "annotate secret plain envcrypt.dev/adopt=true -n NS",
    ] {
        is_denied_by_the_fence(plane, &line.replace("NS", &namespace));
    }
}

/// A file with an EnvcryptSecret.
fn resource(plane: &ControlPlane, namespace: &str) -> PathBuf {
    let file = plane.kubeconfig("resource").with_extension("json");
    let resource = json!({
        "apiVersion": "envcrypt.dev/v1alpha1", "kind": "EnvcryptSecret",
        "metadata": { "name": "other", "namespace": namespace },
        "spec": { "sealed": { "seal": "{\"protected\":\"eyJ0eXAiOiJlbnZjcnlwdC12" } },
    });
    std::fs::write(&file, resource.to_string()).expect("written");
    file
}

fn path(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

#[test]
fn the_token_of_one_namespace_reaches_no_other() {
    static ONE: OnceLock<ControlPlane> = OnceLock::new();
    let plane = ONE.get_or_init(|| deployed("deploy/overlays/one-namespace"));
    let scene = Scene { namespace: "prod".to_owned(), ..Scene::on(plane) };
    let _controller = start(&scene, &["--namespace=prod"]);
    scene.put("db", &[("a", "1")]);
    scene.wait_values("db", &[("a", "1")]);
    scene.patch("secret", "db", &json!({ "metadata": { "labels": { DELIVERED: null } } }));
    wait("the label", || label(&scene, "db") == "true");
    for line in [
        "get secrets -A",
        "get secrets -n kube-system",
        "get secrets -n envcrypt-system",
        "get secret a -n default",
        "create secret generic a -n default",
        "delete secret a -n default",
        "get envcryptsecrets -A",
        "get envcryptsecrets -n default",
        "get configmaps -n prod",
        "get leases.coordination.k8s.io -n prod",
    ] {
        is_forbidden(plane, line);
    }
    is_denied_by_the_fence(plane, "create secret generic other -n prod");
    let roles = plane.kubectl(["get", "clusterrolebinding", "-ojson"]).succeeds().stdout;
    assert!(!roles.contains("envcrypt-controller"), "{roles}");
}
