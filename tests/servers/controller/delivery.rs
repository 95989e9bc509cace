//! What is sealed is delivered, and stays as it was sealed.

use serde_json::{Value, json};

use super::scene::{Scene, condition, values, wait};

#[test]
fn a_sealed_secret_becomes_a_plain_one_of_the_same_name() {
    let scene = Scene::new();
    let controller = scene.controller(&[]);
    let values = [("username", "me"), ("password", "hunter2")];
    let spec = scene.seal_with("db", &values, &["--type=basic-auth", "-l", "app=shop"]);
    scene.apply("db", &spec);
    scene.wait_values("db", &values);
    let secret = scene.get("secret", "db").expect("there");
    let resource = scene.get("evs", "db").expect("there");
    assert_eq!(secret["type"], "kubernetes.io/basic-auth");
    assert_eq!(
        secret["metadata"]["labels"],
        json!({ "app": "shop", "envcrypt.dev/delivered": "true" })
    );
    let owner = json!({
        "apiVersion": "envcrypt.dev/v1alpha1", "controller": true, "kind": "EnvcryptSecret",
        "name": "db", "uid": resource["metadata"]["uid"],
    });
    assert_eq!(secret["metadata"]["ownerReferences"], json!([owner]));
    let status = &resource["status"];
    assert_eq!(secret["metadata"]["annotations"]["envcrypt.dev/digest"], status["digest"]);
    assert_eq!(status["target"]["uid"], secret["metadata"]["uid"]);
    assert_eq!(status["target"]["resourceVersion"], secret["metadata"]["resourceVersion"]);
    assert_eq!(status["keks"], scene.kek);
    for kind in ["Stalled", "Reconciling"] {
        assert!(condition(&resource, kind).is_none());
    }
    wait("an event", || scene.events("db") == ["Created"]);
    assert!(!controller.log().contains("hunter2"));
    assert_eq!(scene.kms_calls(), 1);
    let columns = scene.plane.kubectl(["get", "evs", "-n", &scene.namespace]).succeeds().stdout;
    assert!(columns.contains("True") && columns.contains("Delivered"), "{columns}");
}

#[test]
fn a_new_sealing_changes_the_secret_and_a_rewrap_does_not() {
    let scene = Scene::new();
    let _controller = scene.controller(&[]);
    scene.put("db", &[("a", "1"), ("b", "2")]);
    scene.wait_values("db", &[("a", "1"), ("b", "2")]);
    let first = scene.get("secret", "db").expect("there");
    // A key is gone, one is new, one has another value.
    scene.put("db", &[("b", "3"), ("c", "")]);
    scene.wait_values("db", &[("b", "3"), ("c", "")]);
    let second = scene.get("secret", "db").expect("there");
    assert_eq!(first["metadata"]["uid"], second["metadata"]["uid"], "it is not made anew");
    let annotation = |secret: &Value, name: &str| {
        secret["metadata"]["annotations"][format!("envcrypt.dev/{name}")].clone()
    };
    assert_ne!(annotation(&first, "changed"), annotation(&second, "changed"));
    assert_eq!(scene.kms_calls(), 2);
    // The same values in a new sealing: the digest moves, and `changed` does not.
    scene.put("db", &[("b", "3"), ("c", "")]);
    wait("the new digest", || {
        let secret = scene.get("secret", "db").expect("there");
        annotation(&secret, "digest") != annotation(&second, "digest")
    });
    let third = scene.get("secret", "db").expect("there");
    assert_eq!(annotation(&third, "changed"), annotation(&second, "changed"));
}

#[test]
fn a_rewrap_is_opened_once_and_writes_nothing() {
    let scene = Scene::new();
    let _controller = scene.controller(&[]);
    let mut spec = scene.put("db", &[("a", "1"), ("b", "2")]);
    scene.wait_values("db", &[("a", "1"), ("b", "2")]);
    let (version, _) = (scene.version("db"), scene.kms_calls());
    // The same data key once more: one more recipient, which opens nothing.
    for text in spec.sealed.values.values_mut().chain(&mut spec.sealed.seal) {
        let mut jwe: Value = serde_json::from_str(text).expect("JSON");
        let mut recipient = jwe["recipients"][0].clone();
        recipient["encrypted_key"] = "dmF1bHQ6djE6QUFBQQ".into();
        jwe["recipients"].as_array_mut().expect("a list").push(recipient);
        *text = ordered(&jwe);
    }
    scene.apply("db", &spec);
    wait("the generation", || {
        let resource = scene.get("evs", "db").expect("there");
        resource["metadata"]["generation"] == 2 && resource["status"]["observedGeneration"] == 2
    });
    assert!(scene.kms_calls() >= 1);
    assert_eq!(scene.version("db"), version);
    // Recipients that open nothing at all are found now, and not when the Secret is lost.
    for text in spec.sealed.values.values_mut().chain(&mut spec.sealed.seal) {
        let mut jwe: Value = serde_json::from_str(text).expect("JSON");
        jwe["recipients"].as_array_mut().expect("a list").remove(0);
        *text = ordered(&jwe);
    }
    scene.apply("db", &spec);
    scene.wait_reason("db", "Refused");
    assert_eq!(scene.version("db"), version);
}

/// A JWE with its members in the order of the format.
fn ordered(jwe: &Value) -> String {
    let recipient = |r: &Value| {
        format!(
            r#"{{"header":{{"alg":{},"kid":{}}},"encrypted_key":{}}}"#,
            r["header"]["alg"], r["header"]["kid"], r["encrypted_key"]
        )
    };
    let recipients: Vec<String> =
        jwe["recipients"].as_array().expect("a list").iter().map(recipient).collect();
    format!(
        r#"{{"protected":{},"recipients":[{}],"iv":{},"ciphertext":{},"tag":{}}}"#,
        jwe["protected"],
        recipients.join(","),
        jwe["iv"],
        jwe["ciphertext"],
        jwe["tag"]
    )
}

#[test]
fn a_type_that_changed_and_an_immutable_secret_are_made_anew() {
    let scene = Scene::new();
    let _controller = scene.controller(&[]);
    scene.put("db", &[("password", "1")]);
    scene.wait_values("db", &[("password", "1")]);
    let uid = |scene: &Scene| scene.get("secret", "db").expect("there")["metadata"]["uid"].clone();
    let first = uid(&scene);
    let spec = scene.seal_with("db", &[("password", "1")], &["--type=basic-auth"]);
    scene.apply("db", &spec);
    wait("the type", || {
        let secret = scene.get("secret", "db");
        secret.is_some_and(|secret| secret["type"] == "kubernetes.io/basic-auth")
    });
    let second = uid(&scene);
    assert_ne!(first, second);
    // Immutable in place, and then changed.
    for (value, is_new) in [("1", false), ("2", true)] {
        let spec =
            scene.seal_with("db", &[("password", value)], &["--type=basic-auth", "--immutable"]);
        scene.apply("db", &spec);
        scene.wait_values("db", &[("password", value)]);
        wait("immutable", || scene.get("secret", "db").expect("there")["immutable"] == true);
        assert_eq!(uid(&scene) != second, is_new);
    }
}

#[test]
fn what_others_change_is_repaired() {
    let scene = Scene::new();
    let _controller = scene.controller(&[]);
    scene.put("db", &[("a", "1")]);
    scene.wait_values("db", &[("a", "1")]);
    assert_eq!(scene.kms_calls(), 1);
    // A value, a key more, and the whole Secret.
    scene.patch("secret", "db", &json!({ "data": { "a": "eA==", "b": "eA==" } }));
    scene.wait_values("db", &[("a", "1")]);
    assert_eq!(scene.kms_calls(), 1);
    scene.delete("secret", "db");
    scene.wait_values("db", &[("a", "1")]);
    assert_eq!(scene.kms_calls(), 1);
    wait("events", || scene.events("db").contains(&"Repaired".to_owned()));
    // Metadata costs no call; what others add beside it stays.
    let patch = json!({ "metadata": {
        "labels": { "envcrypt.dev/delivered": "yes", "team": "a" },
        "annotations": { "envcrypt.dev/digest": null, "note": "b" },
    } });
    scene.patch("secret", "db", &patch);
    wait("the metadata", || {
        let metadata = scene.get("secret", "db").expect("there")["metadata"].clone();
        metadata["labels"] == json!({ "envcrypt.dev/delivered": "true", "team": "a" })
            && metadata["annotations"]["note"] == "b"
            && metadata["annotations"]["envcrypt.dev/digest"].is_string()
    });
    assert_eq!(scene.kms_calls(), 0);
}

#[test]
fn the_template_is_kept_and_what_it_loses_is_removed() {
    let scene = Scene::new();
    let _controller =
        scene.controller(&["--allow-annotation=example.com/", "--allow-label=example.com/"]);
    let mut spec = scene.seal("db", &[("a", "1")]);
    spec.template.labels = [("app", "x"), ("example.com/tier", "y")].map(owned).into();
    spec.template.annotations = [("example.com/note", "z")].map(owned).into();
    scene.apply("db", &spec);
    scene.wait_values("db", &[("a", "1")]);
    let labels =
        |scene: &Scene| scene.get("secret", "db").expect("there")["metadata"]["labels"].clone();
    assert_eq!(
        labels(&scene),
        json!({ "app": "x", "example.com/tier": "y", "envcrypt.dev/delivered": "true" })
    );
    scene.patch("secret", "db", &json!({ "metadata": { "labels": { "theirs": "1" } } }));
    spec.template.labels = [("app", "2")].map(owned).into();
    scene.apply("db", &spec);
    wait("the labels", || {
        labels(&scene) == json!({ "app": "2", "theirs": "1", "envcrypt.dev/delivered": "true" })
    });
    assert_eq!(scene.kms_calls(), 1, "metadata needs no call");
    // The metadata of the resource itself is never copied.
    scene.patch("evs", "db", &json!({ "metadata": { "labels": { "argo": "x" }, "annotations": { "envcrypt.dev/resync": "1" } } }));
    wait("the resync", || scene.get("evs", "db").expect("there")["status"]["lastResync"] == "1");
    assert_eq!(scene.kms_calls(), 1, "a resync opens again");
    assert!(labels(&scene)["argo"].is_null());
}

fn owned((name, text): (&str, &str)) -> (String, String) {
    (name.to_owned(), text.to_owned())
}

#[test]
fn a_secret_of_someone_else_is_not_touched_until_it_is_given() {
    let scene = Scene::new();
    let _controller = scene.controller(&[]);
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
        "metadata": { "name": "db", "namespace": scene.namespace },
        "data": { "a": "dGhlaXJz", "b": "dGhlaXJz" },
    });
    scene.plane.apply(&secret.to_string());
    let version = scene.version("db");
    let mut resource = scene.resource("db", &scene.seal("db", &[("a", "1")]));
    // The resource cannot take it by itself.
    resource["metadata"]["annotations"] = json!({ "envcrypt.dev/adopt": "true" });
    scene.plane.apply(&resource.to_string());
    scene.wait_reason("db", "NotOwned");
    assert_eq!(scene.version("db"), version);
    assert!(scene.message("db").contains("envcrypt.dev/adopt"));
    scene.patch(
        "secret",
        "db",
        &json!({ "metadata": { "annotations": { "envcrypt.dev/adopt": "true" } } }),
    );
    // It is not watched, so someone says that there is something to see.
    scene.patch(
        "evs",
        "db",
        &json!({ "metadata": { "annotations": { "envcrypt.dev/resync": "1" } } }),
    );
    scene.wait_values("db", &[("a", "1")]);
    wait("an event", || scene.events("db").contains(&"Adopted".to_owned()));
    let owners = scene.get("secret", "db").expect("there")["metadata"]["ownerReferences"].clone();
    assert_eq!(owners[0]["name"], "db");
    let secret = scene.get("secret", "db").expect("there");
    assert!(secret["metadata"]["annotations"]["envcrypt.dev/adopt"].is_null());
    // A sealed Secret for `exec` of the same name is someone else's too.
    let spec = scene.seal("exec", &[("a", "1")]);
    let name = "--from-literal=a=1";
    let kek = format!("--kek={}", scene.kek);
    let yaml = scene.sandbox.run([
        "create",
        "exec",
        "-n",
        &scene.namespace,
        &kek,
        name,
        "--dry-run=client",
        "-o",
        "yaml",
    ]);
    scene.plane.apply(&yaml.succeeds().stdout);
    let version = scene.version("exec");
    scene.apply("exec", &spec);
    scene.wait_reason("exec", "NotOwned");
    assert_eq!(scene.version("exec"), version);
}

#[test]
fn retain_keeps_the_secret_and_delete_gives_it_an_owner_again() {
    let scene = Scene::new();
    let _controller = scene.controller(&[]);
    let mut spec = scene.seal("db", &[("a", "1")]);
    spec.deletion_policy = envcrypt_core::manifest::DeletionPolicy::Retain;
    scene.apply("db", &spec);
    scene.wait_values("db", &[("a", "1")]);
    let owners = |scene: &Scene| {
        scene.get("secret", "db").expect("there")["metadata"]["ownerReferences"].clone()
    };
    assert!(owners(&scene).is_null());
    assert_eq!(scene.kms_calls(), 1);
    // The resource goes and comes again: the Secret is ours by its own metadata.
    scene.delete("evs", "db");
    assert!(scene.get("secret", "db").is_some());
    let spec = scene.put("db", &[("a", "2")]);
    scene.wait_values("db", &[("a", "2")]);
    assert_eq!(owners(&scene)[0]["name"], "db");
    assert_eq!(scene.kms_calls(), 1);
    // Another object of the same name has another uid: it owns the Secret at once.
    scene.delete("evs", "db");
    scene.apply("db", &spec);
    wait("the new owner", || {
        let resource = scene.get("evs", "db").expect("there");
        owners(&scene)[0]["uid"] == resource["metadata"]["uid"]
    });
    scene.wait_values("db", &[("a", "2")]);
}

#[test]
fn suspend_leaves_the_secret_as_it_is() {
    let scene = Scene::new();
    let _controller = scene.controller(&[]);
    let mut spec = scene.put("db", &[("a", "1")]);
    scene.wait_values("db", &[("a", "1")]);
    spec.suspend = true;
    scene.apply("db", &spec);
    scene.wait_reason("db", "Suspended");
    assert_eq!(scene.ready("db").expect("a condition").0, "Unknown");
    scene.patch("secret", "db", &json!({ "data": { "a": "eA==" } }));
    // Another object shows that the change was seen.
    scene.put("other", &[("a", "1")]);
    scene.wait_values("other", &[("a", "1")]);
    let secret = scene.get("secret", "db").expect("there");
    assert_eq!(values(&secret)["a"], "x");
    spec.suspend = false;
    scene.apply("db", &spec);
    scene.wait_values("db", &[("a", "1")]);
}

#[test]
fn once_delivers_everything_and_ends() {
    let scene = Scene::new();
    for name in ["one", "two", "three"] {
        scene.put(name, &[("a", name)]);
    }
    let mut once = scene.controller(&["--once"]);
    assert_eq!(once.ended(), Some(0));
    for name in ["one", "two", "three"] {
        scene.wait_values(name, &[("a", name)]);
    }
    // The data keys that wait at the same time are in one call.
    assert!((1..=3).contains(&scene.kms_calls()));
    // Again, with nothing to do.
    let versions: Vec<String> = ["one", "two", "three"].map(|name| scene.version(name)).into();
    assert_eq!(scene.controller(&["--once"]).ended(), Some(0));
    assert_eq!(scene.kms_calls(), 0);
    assert_eq!(versions, ["one", "two", "three"].map(|name| scene.version(name)));
    // One that cannot be delivered.
    let mut spec = scene.seal("four", &[("a", "1")]);
    spec.sealed.seal = None;
    let resource = scene.resource("four", &spec).to_string();
    assert_ne!(
        scene.plane.kubectl(["apply", "-f", &resource]).code,
        Some(0),
        "the API server refuses it"
    );
    let spec = scene.seal("other", &[("a", "1")]);
    scene.apply("four", &spec);
    let mut once = scene.controller(&["--once"]);
    assert_eq!(once.ended(), Some(1));
    assert!(once.log().contains("not delivered"), "{}", once.log());
}

#[test]
fn retain_holds_also_while_nothing_is_delivered() {
    let scene = Scene::new();
    let _controller = scene.controller(&[]);
    let retain = envcrypt_core::manifest::DeletionPolicy::Retain;
    let owners = |scene: &Scene, name: &str| {
        scene.get("secret", name).expect("there")["metadata"]["ownerReferences"].clone()
    };
    for (name, reason) in [("suspended", "Suspended"), ("stalled", "MetadataDenied")] {
        let mut spec = scene.put(name, &[("a", "1")]);
        scene.wait_values(name, &[("a", "1")]);
        match name {
            "suspended" => spec.suspend = true,
            _ => spec.template.annotations = [("x".to_owned(), "y".to_owned())].into(),
        }
        scene.apply(name, &spec);
        scene.wait_reason(name, reason);
        assert_eq!(owners(&scene, name)[0]["name"], name);
        spec.deletion_policy = retain;
        scene.apply(name, &spec);
        scene.wait_reason(name, reason);
        assert!(owners(&scene, name).is_null(), "{name}");
    }
}
