//! With the garbage collector of kube-controller-manager, on a control plane of its own.

use std::sync::{Arc, OnceLock};

use serde_json::json;

use super::scene::{Scene, wait};
use crate::control_plane::{ControlPlane, ControllerManager, Etcd};

/// A cluster in which owners take what they own with them.
fn collecting() -> &'static (ControlPlane, ControllerManager) {
    static ONE: OnceLock<(ControlPlane, ControllerManager)> = OnceLock::new();
    ONE.get_or_init(|| {
        let plane = ControlPlane::with(Arc::new(Etcd::start()), Vec::new());
        plane.install_crd();
        let manager = ControllerManager::start(
            &plane,
            &[
                "garbage-collector-controller",
                "deployment-controller",
                "replicaset-controller",
                "serviceaccount-token-controller",
            ],
        );
        (plane, manager)
    })
}

#[test]
fn the_secret_goes_with_its_resource_unless_it_is_to_stay() {
    let scene = Scene::on(&collecting().0);
    let _controller = scene.controller(&[]);
    scene.put("goes", &[("a", "1")]);
    let mut spec = scene.seal("stays", &[("a", "1")]);
    spec.deletion_policy = envcrypt_core::manifest::DeletionPolicy::Retain;
    scene.apply("stays", &spec);
    for name in ["goes", "stays"] {
        scene.wait_values(name, &[("a", "1")]);
        scene.delete("evs", name);
    }
    wait("the collector", || scene.get("secret", "goes").is_none());
    assert!(scene.get("secret", "stays").is_some());
}

#[test]
fn a_resource_that_is_replaced_keeps_its_secret_or_gets_it_again() {
    let scene = Scene::on(&collecting().0);
    let _controller = scene.controller(&[]);
    let spec = scene.put("db", &[("a", "1")]);
    scene.wait_values("db", &[("a", "1")]);
    for _ in 0..3 {
        scene.delete("evs", "db");
        scene.apply("db", &spec);
        wait("the Secret of the new one", || {
            let (resource, secret) = (scene.get("evs", "db"), scene.get("secret", "db"));
            resource.zip(secret).is_some_and(|(resource, secret)| {
                secret["metadata"]["ownerReferences"][0]["uid"] == resource["metadata"]["uid"]
                    && super::scene::ready(&resource).is_some_and(|(is, _)| is == "True")
            })
        });
        scene.wait_values("db", &[("a", "1")]);
    }
}

#[test]
fn a_token_of_a_service_account_is_never_made_by_a_sealed_object() {
    let scene = Scene::on(&collecting().0);
    let account = json!({
        "apiVersion": "v1", "kind": "ServiceAccount",
        "metadata": { "name": "admin", "namespace": scene.namespace },
    });
    scene.plane.apply(&account.to_string());
    let _controller = scene.controller(&["--allow-annotation=kubernetes.io/"]);
    let mut spec = scene.seal("token", &[("a", "1")]);
    spec.sealed.r#type = Some("kubernetes.io/service-account-token".to_owned());
    spec.template.annotations =
        [("kubernetes.io/service-account.name".to_owned(), "admin".to_owned())].into();
    scene.apply("token", &spec);
    scene.wait_reason("token", "TypeDenied");
    assert!(scene.get("secret", "token").is_none());
}

#[test]
fn a_restart_is_one_rollout() {
    let scene = Scene::on(&collecting().0);
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {
            "name": "web", "namespace": scene.namespace,
            "labels": { "envcrypt.dev/restart": "true" },
        },
        "spec": {
            "selector": { "matchLabels": { "app": "web" } },
            "template": {
                "metadata": { "labels": { "app": "web" } },
                "spec": { "containers": [{ "name": "c", "image": "i", "envFrom": [{ "secretRef": { "name": "db" } }] }] },
            },
        },
    });
    scene.plane.apply(&deployment.to_string());
    let revision = || {
        let deployment = scene.get("deployment", "web").expect("there");
        deployment["metadata"]["annotations"]["deployment.kubernetes.io/revision"].clone()
    };
    let _controller = scene.controller(&["--restart"]);
    scene.put("db", &[("a", "1")]);
    wait("the first", || {
        let deployment = scene.get("deployment", "web").expect("there");
        let has = &deployment["metadata"]["annotations"]["envcrypt.dev/restarted-for"];
        has.as_str().is_some_and(|has| has.starts_with("db:")) && revision() == "1"
    });
    scene.put("db", &[("a", "2")]);
    wait("a rollout", || revision() == "2");
}
