//! The policies of admission.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

use super::person::Person;
use super::{apply, label, namespace, resource, secret, wait_for};
use crate::control_plane::control_plane;
use crate::sandbox::Sandbox;
use crate::server::wait_until;

const FENCE: &str = "fence.envcrypt.dev";
const SEALED_ONLY: &str = "sealed-only.envcrypt.dev";

/// The fence has one name in the cluster: it is for one test at a time.
static ONE_FENCE: Mutex<()> = Mutex::new(());

fn fence() -> MutexGuard<'static, ()> {
    ONE_FENCE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A Secret as the controller delivers it.
fn delivered(name: &str) -> Value {
    let owner = json!({
        "apiVersion": "envcrypt.dev/v1alpha1", "kind": "EnvcryptSecret", "name": name,
        "uid": "6a1f2c3d-0000-4000-8000-000000000001", "controller": true,
    });
    let mut secret = secret(name);
    secret["metadata"]["labels"] = json!({ "envcrypt.dev/delivered": "true" });
    secret["metadata"]["ownerReferences"] = json!([owner]);
    secret
}

/// With a change.
fn with(mut secret: Value, pointer: &str, value: Value) -> Value {
    *secret.pointer_mut(pointer).unwrap_or_else(|| panic!("{pointer} is there")) = value;
    secret
}

#[test]
fn the_fence_lets_the_controller_write_what_it_delivers_and_nothing_else() {
    let _one = fence();
    let plane = control_plane();
    let namespace = namespace(plane);
    let subject = format!("--subject=serviceaccount:{namespace}:c");
    apply(plane, &["controller", "-n", &namespace, &subject, "--lease=off"]);
    apply(plane, &["admission", "fence", &subject]);
    let controller = Person::new(plane, &format!("system:serviceaccount:{namespace}:c"));
    let probe = secret("probe");
    wait_for(FENCE, || controller.send("create (dry run)", "secrets", &namespace, &probe));
    controller.may("create", "secrets", &namespace, delivered("db"));
    controller.may("patch", "secrets/db", &namespace, json!({ "data": { "a": "Yg==" } }));
    let denied = |verb: &str, what: &str, body: &Value, message: &str| {
        let answer = controller.send(verb, what, &namespace, body);
        assert!(answer.is_denied_by(FENCE, message), "{verb} {what} {body}: {answer:?}");
    };
    refused_creations(&denied);
    refused_changes(&denied);
    controller.may("delete", "secrets/db", &namespace, Value::Null);
    // With deletionPolicy Retain, it has no owner.
    let mut retained = delivered("kept");
    retained["metadata"].as_object_mut().expect("an object").remove("ownerReferences");
    controller.may("create", "secrets", &namespace, retained);
    adoption(plane, &controller, &namespace);
    // Nobody else is affected.
    let admin = Person::new(plane, "admin-of-all");
    let role = ["create", "clusterrolebinding", "admin-of-all", "--clusterrole=cluster-admin"];
    plane.kubectl(role.into_iter().chain(["--user=admin-of-all"])).succeeds();
    admin.may("create", "secrets", &namespace, secret("anything"));
    admin.may("delete", "secrets/anything", &namespace, Value::Null);
}

#[test]
fn the_fence_lets_the_controller_annotate_workloads_that_ask_and_nothing_else() {
    const FENCE: &str = "fence-workloads.envcrypt.dev";
    let _one = fence();
    let plane = control_plane();
    let namespace = namespace(plane);
    let subject = format!("--subject=serviceaccount:{namespace}:c");
    apply(plane, &["controller", "-n", &namespace, &subject, "--lease=off", "--restart"]);
    apply(plane, &["admission", "fence", &subject]);
    for (name, labels) in [("asks", "{envcrypt.dev/restart: 'true'}"), ("other", "{}")] {
        for kind in ["Deployment", "DaemonSet"] {
            plane.apply(&format!(
                "{{apiVersion: apps/v1, kind: {kind}, metadata: {{name: {name}, namespace: {namespace}, labels: {labels}}}, \
                 spec: {{selector: {{matchLabels: {{app: x}}}}, template: {{metadata: {{labels: {{app: x}}}}, \
                 spec: {{containers: [{{name: c, image: i}}]}}}}}}}}\n"
            ));
        }
    }
    let controller = Person::new(plane, &format!("system:serviceaccount:{namespace}:c"));
    let note = json!({ "envcrypt.dev/restarted-for": "db:x" });
    let restart = json!({
        "metadata": { "annotations": note },
        "spec": { "template": { "metadata": { "annotations": note } } },
    });
    wait_for(FENCE, || controller.send("patch", "deployments/other", &namespace, &restart));
    for kind in ["deployments", "daemonsets"] {
        let (asks, other) = (format!("{kind}/asks"), format!("{kind}/other"));
        controller.may("patch", &asks, &namespace, restart.clone());
        let denied = |what: &str, body: &Value| {
            let answer = controller.send("patch", what, &namespace, body);
            assert!(answer.is_denied_by(FENCE, ""), "{what} {body}: {answer:?}");
        };
        denied(&other, &restart);
        for spec in [
            json!({ "serviceAccountName": "admin" }),
            json!({ "containers": [{ "name": "c", "image": "evil" }] }),
            json!({ "hostNetwork": true }),
        ] {
            denied(&asks, &json!({ "spec": { "template": { "spec": spec } } }));
        }
    }
}

type Denied<'a> = &'a dyn Fn(&str, &str, &Value, &str);

fn refused_creations(denied: Denied<'_>) {
    let (label, owner, kind) = ("labels each Secret", "the only owner", "of this type");
    let owners = "/metadata/ownerReferences";
    let first =
        |field: &str, value: Value| with(delivered("x"), &format!("{owners}/0/{field}"), value);
    let two = json!([delivered("x")["metadata"]["ownerReferences"][0], {
        "apiVersion": "v1", "kind": "ConfigMap", "name": "x", "uid": "2",
    }]);
    let typed = |kind: &str| {
        let mut secret = delivered("x");
        secret["type"] = kind.into();
        secret["metadata"]["annotations"] =
            json!({ "kubernetes.io/service-account.name": "default" });
        secret
    };
    for (body, message) in [
        (secret("x"), label),
        (
            with(delivered("x"), "/metadata/labels", json!({ "envcrypt.dev/delivered": "false" })),
            label,
        ),
        (first("name", "y".into()), owner),
        (first("kind", "SealedSecret".into()), owner),
        (first("apiVersion", "v1".into()), owner),
        (first("apiVersion", "envcrypt.dev.example/v1".into()), owner),
        (first("controller", false.into()), owner),
        (with(delivered("x"), owners, two), owner),
        (typed("kubernetes.io/service-account-token"), kind),
        (typed("bootstrap.kubernetes.io/token"), kind),
        (typed("helm.sh/release.v1"), kind),
    ] {
        denied("create", "secrets", &body, message);
    }
}

fn refused_changes(denied: Denied<'_>) {
    let foreign = "changes only a Secret that it delivered";
    denied("patch", "secrets/plain", &label(), foreign);
    denied("delete", "secrets/plain", &Value::Null, foreign);
    // It cannot mark a Secret of someone else as its own.
    denied("patch", "secrets/plain", &delivered("plain"), foreign);
    let adopt = json!({ "metadata": { "annotations": { "envcrypt.dev/adopt": "true" } } });
    denied("patch", "secrets/plain", &adopt, foreign);
    let unlabel = json!({ "metadata": { "labels": { "envcrypt.dev/delivered": null } } });
    denied("patch", "secrets/db", &unlabel, "labels each Secret");
}

/// The owner of a Secret lets the controller adopt it.
fn adoption(plane: &crate::control_plane::ControlPlane, controller: &Person, namespace: &str) {
    let annotate = |value: &str| {
        let annotation = format!("envcrypt.dev/adopt={value}");
        let line = ["annotate", "--overwrite", "secret", "plain", &annotation, "-n", namespace];
        plane.kubectl(line).succeeds();
    };
    annotate("false");
    let answer = controller.send("patch", "secrets/plain", namespace, &delivered("plain"));
    assert!(answer.is_denied_by(FENCE, ""), "{answer:?}");
    annotate("true");
    controller.may("patch", "secrets/plain", namespace, delivered("plain"));
    controller.may("delete", "secrets/plain", namespace, Value::Null);
}

#[test]
fn in_a_sealed_only_namespace_people_write_no_plain_secret() {
    let plane = control_plane();
    let (strict, free) = (namespace(plane), namespace(plane));
    let writer = format!("serviceaccount:{strict}:writer");
    apply(plane, &["admission", "sealed-only", "--exempt", &writer, "--exempt=group:ops"]);
    for namespace in [&strict, &free] {
        let role = ["create", "rolebinding", "all", "--clusterrole=cluster-admin", "--user=jane"];
        let others = [format!("--serviceaccount={strict}:writer"), format!("-n={namespace}")];
        plane.kubectl(role.into_iter().chain(others.iter().map(String::as_str))).succeeds();
    }
    plane.kubectl(["label", "namespace", &strict, "envcrypt.dev/sealed-only=true"]).succeeds();
    let jane = Person::new(plane, "jane");
    let plain = |name: &str| with(secret_with_data(name), "/data/a", "Yg==".into());
    let probe = plain("probe");
    wait_for(SEALED_ONLY, || jane.send("create (dry run)", "secrets", &strict, &probe));
    jane.may("create", "secrets", &free, plain("a"));
    jane.may("create", "envcryptsecrets", &strict, resource("b"));
    let mut text = plain("a");
    text.as_object_mut().expect("an object").remove("data");
    text["stringData"] = json!({ "a": "b" });
    let mut false_type = plain("a");
    false_type["type"] = "envcrypt.dev/sealed".into();
    for body in [plain("a"), text, false_type] {
        let answer = jane.send("create", "secrets", &strict, &body);
        assert!(answer.is_denied_by(SEALED_ONLY, "only sealed Secrets"), "{body}: {answer:?}");
    }
    changes_of_a_plain_secret(&jane, &strict);
    // A real sealed Secret, of this program.
    let sandbox = Sandbox::with_local_key();
    let args = ["create", "db", "-n", &strict, "--kek=local", "--generate=a", "--dry-run=client"];
    let json = sandbox.run(args.into_iter().chain(["-ojson"])).succeeds().stdout;
    let sealed: Value = serde_json::from_str(&json).expect("JSON");
    jane.may("create", "secrets", &strict, sealed);
    let added = json!({ "data": { "plain": "Yg==" } });
    let answer = jane.send("patch", "secrets/db", &strict, &added);
    assert!(answer.is_denied_by(SEALED_ONLY, ""), "{answer:?}");
    // Who is exempt.
    let writer = Person::new(plane, &format!("system:serviceaccount:{strict}:writer"));
    writer.may("create", "secrets", &strict, plain("written"));
}

/// Metadata may change, and values may not.
fn changes_of_a_plain_secret(jane: &Person, namespace: &str) {
    jane.may("patch", "secrets/plain", namespace, label());
    let adopt = json!({ "metadata": { "annotations": { "envcrypt.dev/adopt": "true" } } });
    jane.may("patch", "secrets/plain", namespace, adopt);
    for patch in [json!({ "data": { "a": "Yg==" } }), json!({ "stringData": { "c": "d" } })] {
        let answer = jane.send("patch", "secrets/plain", namespace, &patch);
        assert!(answer.is_denied_by(SEALED_ONLY, ""), "{patch}: {answer:?}");
    }
    // It holds no value: Kubernetes writes the token itself.
    let mut token = secret("token");
    token["type"] = "kubernetes.io/service-account-token".into();
    token["metadata"]["annotations"] = json!({ "kubernetes.io/service-account.name": "default" });
    jane.may("create", "secrets", namespace, token);
}

fn secret_with_data(name: &str) -> Value {
    let mut secret = secret(name);
    secret["data"] = json!({ "a": "" });
    secret
}

#[test]
fn the_guard_keeps_the_definition_until_it_is_annotated() {
    let plane = control_plane();
    namespace(plane);
    apply(plane, &["admission", "crd-guard"]);
    let delete = || {
        let name = "crd/envcryptsecrets.envcrypt.dev";
        plane.kubectl(["delete", name, "--dry-run=server"])
    };
    let denied = |run: &crate::sandbox::Run| {
        run.stderr.contains("ValidatingAdmissionPolicy 'crd-guard.envcrypt.dev'")
            && run.stderr.contains("annotate the CustomResourceDefinition")
    };
    wait_until("the guard", Path::new(""), || denied(&delete()));
    let annotate = |value: &str| {
        let annotation = format!("envcrypt.dev/may-be-deleted{value}");
        let name = "crd/envcryptsecrets.envcrypt.dev";
        plane.kubectl(["annotate", "--overwrite", name, &annotation]).succeeds();
    };
    annotate("=false");
    assert!(denied(&delete()));
    annotate("=true");
    delete().succeeds();
    annotate("-");
    assert!(denied(&delete()));
    // A deletion of many has no name.
    let all = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions?dryRun=All";
    assert!(denied(&plane.kubectl(["delete", "--raw", all])));
    // Other definitions are free.
    let run = plane.kubectl(["delete", "crd/others.example.com", "--dry-run=server"]);
    assert!(run.stderr.contains("not found"), "{}", run.stderr);
}
