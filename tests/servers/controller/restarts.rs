//! Workloads that asked for it are restarted when a value changes, and at no other time.

use serde_json::{Value, json};

use super::scene::{Scene, wait};

const HAS: &str = "envcrypt.dev/restarted-for";

fn workload(scene: &Scene, kind: &str, name: &str, metadata: &Value) -> Value {
    let mut metadata = metadata.clone();
    metadata["name"] = name.into();
    metadata["namespace"] = scene.namespace.clone().into();
    let env =
        json!([{ "name": "A", "valueFrom": { "secretKeyRef": { "name": "db", "key": "a" } } }]);
    json!({
        "apiVersion": "apps/v1", "kind": kind, "metadata": metadata,
        "spec": {
            "selector": { "matchLabels": { "app": name } },
            "serviceName": name,
            "template": {
                "metadata": { "labels": { "app": name } },
                "spec": { "containers": [{ "name": "c", "image": "i", "env": env }] },
            },
        },
    })
}

fn apply(scene: &Scene, kind: &str, name: &str, metadata: &Value) {
    let mut workload = workload(scene, kind, name, metadata);
    if kind != "StatefulSet" {
        workload["spec"].as_object_mut().expect("a map").remove("serviceName");
    }
    scene.plane.apply(&workload.to_string());
}

/// What the pods of a workload were restarted for, and the generation of the workload.
fn pods(scene: &Scene, kind: &str, name: &str) -> (Value, Value) {
    let workload = scene.get(kind, name).expect("there");
    let has = workload["spec"]["template"]["metadata"]["annotations"][HAS].clone();
    (has, workload["metadata"]["generation"].clone())
}

/// Whether the workload carries what it has of the Secret.
fn is_noted(scene: &Scene, kind: &str, name: &str) -> bool {
    let workload = scene.get(kind, name).expect("there");
    workload["metadata"]["annotations"][HAS].as_str().is_some_and(|has| has.starts_with("db:"))
}

#[test]
fn a_change_of_a_value_restarts_who_asked_and_nothing_else_does() {
    let scene = Scene::new();
    let asks = json!({ "labels": { "envcrypt.dev/restart": "true" } });
    let kinds = ["Deployment", "StatefulSet", "DaemonSet"];
    for kind in kinds {
        apply(&scene, kind, "asks", &asks);
    }
    apply(&scene, "Deployment", "other", &json!({}));
    let mut controller = scene.controller(&["--restart"]);
    scene.put("db", &[("a", "1")]);
    scene.wait_values("db", &[("a", "1")]);
    // The first delivery is only noted.
    wait("notes", || kinds.iter().all(|kind| is_noted(&scene, kind, "asks")));
    assert_eq!(pods(&scene, "Deployment", "asks").0, Value::Null);
    scene.put("db", &[("a", "2")]);
    wait("restarts", || kinds.iter().all(|kind| pods(&scene, kind, "asks").0.is_string()));
    assert!(!is_noted(&scene, "Deployment", "other"));
    let first = pods(&scene, "Deployment", "asks");
    // The same values again, a repair, and another controller.
    scene.put("db", &[("a", "2")]);
    scene.patch("secret", "db", &json!({ "data": { "a": "eA==" } }));
    scene.wait_values("db", &[("a", "2")]);
    controller.kill();
    // What changes while none runs is not missed.
    let once = scene.put("db", &[("a", "3")]);
    assert_eq!(scene.controller(&["--once"]).ended(), Some(0));
    scene.wait_values("db", &[("a", "3")]);
    let before = pods(&scene, "Deployment", "asks");
    let controller = scene.controller(&["--restart"]);
    wait("a restart", || pods(&scene, "Deployment", "asks") != before);
    assert_ne!(pods(&scene, "Deployment", "asks").0, first.0);
    drop((once, controller));
}

#[test]
fn changes_can_be_batched() {
    let scene = Scene::new();
    let asks = json!({
        "labels": { "envcrypt.dev/restart": "true" },
        "annotations": { "envcrypt.dev/restart-after": "4s" },
    });
    apply(&scene, "Deployment", "asks", &asks);
    let _controller = scene.controller(&["--restart"]);
    scene.put("db", &[("a", "0")]);
    wait("a note", || is_noted(&scene, "Deployment", "asks"));
    scene.put("db", &[("a", "1")]);
    wait("the first restart", || pods(&scene, "Deployment", "asks").0.is_string());
    let (_, generation) = pods(&scene, "Deployment", "asks");
    for value in ["2", "3", "4"] {
        scene.put("db", &[("a", value)]);
        scene.wait_values("db", &[("a", value)]);
    }
    let next = json!(generation.as_i64().expect("a number") + 1);
    wait("one more restart", || pods(&scene, "Deployment", "asks").1 == next);
    // A change after that shows that no other restart was waiting.
    let (has, _) = pods(&scene, "Deployment", "asks");
    scene.put("db", &[("a", "5")]);
    wait("the last", || pods(&scene, "Deployment", "asks").0 != has);
    assert_eq!(
        pods(&scene, "Deployment", "asks").1,
        json!(generation.as_i64().expect("a number") + 2)
    );
}
