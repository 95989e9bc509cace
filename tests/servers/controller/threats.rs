//! Someone may write EnvcryptSecrets, and has no right on Secrets or on the KMS. The controller
//! must lend them none.

use serde_json::json;

use super::scene::{Scene, wait};

/// Applies a spec that must be refused without a call to the KMS, beside a Secret that stands.
fn is_refused(scene: &Scene, name: &str, spec: &envcrypt_core::manifest::Spec, reason: &str) {
    scene.apply(name, spec);
    scene.wait_reason(name, reason);
    assert_eq!(scene.kms_calls(), 0, "{reason} costs no call");
}

#[test]
fn what_was_sealed_for_another_place_is_refused_offline() {
    let scene = Scene::new();
    let _controller = scene.controller(&[]);
    let spec = scene.put("db", &[("a", "1"), ("b", "2")]);
    scene.wait_values("db", &[("a", "1"), ("b", "2")]);
    scene.kms_calls();
    // Another name.
    is_refused(&scene, "other", &spec, "Refused");
    assert!(scene.message("other").starts_with("`binding`: "), "{}", scene.message("other"));
    assert!(scene.get("secret", "other").is_none());
    // Another key.
    let mut swapped = spec.clone();
    let (a, b) = (spec.sealed.values["a"].clone(), spec.sealed.values["b"].clone());
    swapped.sealed.values = [("a".to_owned(), b), ("b".to_owned(), a)].into();
    is_refused(&scene, "db", &swapped, "Refused");
    // The old Secret stays.
    assert_eq!(scene.values("db").expect("there")["a"], "1");
    // Another namespace.
    let (there, kek) = (Scene::new(), scene.kek.clone());
    let _other = there.controller(&[]);
    there.apply("db", &spec);
    there.wait_reason("db", "Refused");
    let mut more = super::scene::Controller::start(
        &there.plane.kubeconfig("admin"),
        &kek,
        there.kms.port,
        &["--namespace", &there.namespace, "--once"],
    );
    assert_eq!(more.ended(), Some(1));
    assert_eq!(there.kms_calls(), 0);
    assert!(there.get("secret", "db").is_none());
}

#[test]
fn a_value_that_was_dropped_added_or_rolled_back_breaks_the_seal() {
    let scene = Scene::new();
    let _controller = scene.controller(&[]);
    let old = scene.put("db", &[("a", "1"), ("b", "2")]);
    scene.wait_values("db", &[("a", "1"), ("b", "2")]);
    let new = scene.put("db", &[("a", "3"), ("b", "4")]);
    scene.wait_values("db", &[("a", "3"), ("b", "4")]);
    let with = |change: &dyn Fn(&mut envcrypt_core::manifest::Spec)| {
        let mut spec = new.clone();
        change(&mut spec);
        spec
    };
    let broken = [
        with(&|spec| drop(spec.sealed.values.remove("a"))),
        with(&|spec| drop(spec.sealed.values.insert("a".into(), old.sealed.values["a"].clone()))),
        with(&|spec| spec.sealed.seal.clone_from(&old.sealed.seal)),
        with(&|spec| spec.sealed.r#type = Some("kubernetes.io/basic-auth".into())),
        with(&|spec| spec.sealed.immutable = true),
    ];
    for spec in broken {
        scene.apply("db", &spec);
        scene.wait_reason("db", "Refused");
        assert!(scene.message("db").starts_with("`seal-mismatch`: "), "{}", scene.message("db"));
        assert!(scene.message("db").contains("keeps the values"));
        assert_eq!(scene.values("db").expect("there")["a"], "3");
        scene.apply("db", &new);
        scene.wait_reason("db", "Delivered");
    }
}

#[test]
fn an_older_whole_secret_is_told_and_can_be_refused() {
    let scene = Scene::new();
    let old = scene.seal("db", &[("a", "1")]);
    let older = super::scene::seal_time(&old);
    wait("another second", || super::scene::seal_time(&scene.seal("db", &[("a", "2")])) > older);
    let mut controller = scene.controller(&["--refuse-older"]);
    scene.put("db", &[("a", "2")]);
    scene.wait_values("db", &[("a", "2")]);
    scene.kms_calls();
    is_refused(&scene, "db", &old, "SealedEarlier");
    assert_eq!(scene.values("db").expect("there")["a"], "2");
    controller.kill();
    let _controller = scene.controller(&[]);
    scene.wait_values("db", &[("a", "1")]);
    wait("an event", || scene.events("db").contains(&"SealedEarlier".to_owned()));
}

#[test]
fn a_kek_that_is_not_named_is_never_asked() {
    let scene = Scene::new();
    let _controller = scene.controller(&[]);
    let other = Scene {
        kek: format!("hashivault://transit/{}", crate::vault::vault().key()),
        ..Scene::new()
    };
    let in_namespace = Scene { namespace: scene.namespace.clone(), ..other };
    let spec = in_namespace.seal("db", &[("a", "1")]);
    is_refused(&scene, "db", &spec, "UntrustedKek");
    assert!(scene.message("db").contains(&in_namespace.kek), "{}", scene.message("db"));
    // Also where only one part has it.
    let ours = scene.seal("db", &[("a", "1")]);
    let mut mixed = ours.clone();
    mixed.sealed.values = spec.sealed.values;
    is_refused(&scene, "db", &mixed, "UntrustedKek");
    assert!(scene.get("secret", "db").is_none());
}

#[test]
fn types_that_the_cluster_obeys_are_refused() {
    let scene = Scene::new();
    let _controller = scene.controller(&[]);
    for (name, kind) in [
        ("a", "kubernetes.io/service-account-token"),
        ("b", "bootstrap.kubernetes.io/token"),
        ("c", "helm.sh/release.v1"),
    ] {
        let mut spec = scene.seal(name, &[("a", "1")]);
        spec.sealed.r#type = Some(kind.to_owned());
        is_refused(&scene, name, &spec, "TypeDenied");
        assert!(scene.get("secret", name).is_none());
    }
}

#[test]
fn metadata_that_other_programs_obey_needs_a_flag() {
    let scene = Scene::new();
    let _controller =
        scene.controller(&["--allow-annotation=good.example/", "--allow-annotation=envcrypt.dev/"]);
    let spec = scene.put("db", &[("a", "1")]);
    scene.wait_values("db", &[("a", "1")]);
    scene.kms_calls();
    let owned = |name: &str| [(name.to_owned(), "true".to_owned())].into();
    for (label, annotation) in [
        (None, Some("replicator.v1.mittwald.de/replicate-to")),
        (None, Some("plain")),
        (None, Some("envcrypt.dev/adopt")),
        (Some("argocd.argoproj.io/secret-type"), None),
        (Some("envcrypt.dev/delivered"), None),
    ] {
        let mut spec = spec.clone();
        if let Some(label) = label {
            spec.template.labels = owned(label);
        }
        if let Some(annotation) = annotation {
            spec.template.annotations = owned(annotation);
        }
        is_refused(&scene, "db", &spec, "MetadataDenied");
        scene.apply("db", &with_annotation(&spec, "good.example/note"));
        scene.wait_reason("db", "Delivered");
    }
    // What people note for each other is no order.
    let note = "envcrypt.dev/owner";
    scene.apply("db", &with_annotation(&spec, note));
    wait("the note", || {
        let secret = scene.get("secret", "db");
        secret.is_some_and(|secret| secret["metadata"]["annotations"][note] == "x")
    });
}

fn with_annotation(
    spec: &envcrypt_core::manifest::Spec,
    name: &str,
) -> envcrypt_core::manifest::Spec {
    let mut spec = spec.clone();
    spec.template = Default::default();
    spec.template.annotations = [(name.to_owned(), "x".to_owned())].into();
    spec
}

#[test]
fn a_value_for_every_namespace_needs_a_flag() {
    let scene = Scene::new();
    let mut controller = scene.controller(&[]);
    let spec = scene.seal_with("db", &[("a", "1")], &["--scope=cluster"]);
    is_refused(&scene, "db", &spec, "ScopeDenied");
    controller.kill();
    let _controller = scene.controller(&["--allow-scope=cluster"]);
    scene.wait_values("db", &[("a", "1")]);
    // A value that opens in any Secret of the namespace needs none.
    let spec = scene.seal_with("any", &[("a", "1")], &["--scope=namespace"]);
    scene.apply("any", &spec);
    scene.wait_values("any", &[("a", "1")]);
}

#[test]
fn the_api_server_refuses_a_value_that_is_not_sealed() {
    let scene = Scene::new();
    let mut spec = scene.seal("db", &[("a", "1")]);
    spec.sealed.values.insert("b".to_owned(), "hunter2".to_owned());
    let file = scene.sandbox.write("plain.json", scene.resource("db", &spec).to_string());
    let file = file.to_str().expect("UTF-8");
    let run = scene.plane.kubectl(["apply", "--server-side", "-f", file]);
    assert_ne!(run.code, Some(0));
    assert!(run.stderr.contains("spec.sealed.values.b"), "{}", run.stderr);
    assert!(scene.get("evs", "db").is_none());
}

#[test]
fn a_status_that_someone_wrote_opens_nothing_and_hides_nothing_for_long() {
    let scene = Scene::new();
    let _controller = scene.controller(&[]);
    scene.put("db", &[("a", "1")]);
    scene.wait_values("db", &[("a", "1")]);
    // A new sealing, and a status that says that all is well with another Secret.
    let status = scene.get("evs", "db").expect("there")["status"].clone();
    let spec = scene.seal("db", &[("a", "2")]);
    let mut lie = status.clone();
    lie["observedGeneration"] = json!(2);
    let patch = json!({ "status": lie }).to_string();
    scene
        .plane
        .kubectl([
            "patch",
            "evs",
            "db",
            "-n",
            &scene.namespace,
            "--subresource=status",
            "--type=merge",
            "-p",
            &patch,
        ])
        .succeeds();
    scene.apply("db", &spec);
    scene.patch("secret", "db", &json!({ "data": { "a": "eA==" } }));
    scene.wait_values("db", &[("a", "2")]);
}

#[test]
fn nothing_that_was_sealed_is_in_a_log_a_status_an_event_or_a_metric() {
    let scene = Scene::new();
    let value = "hunter2-and-more-of-it";
    let port = crate::server::free_port();
    let listen = format!("--listen=127.0.0.1:{port}");
    let controller = scene.controller(&[&listen]);
    scene.put("db", &[("password", value)]);
    scene.wait_values("db", &[("password", value)]);
    // One that is opened, and then refused.
    let mut typed = scene.seal("config", &[("password", value)]);
    typed.sealed.r#type = Some("kubernetes.io/dockerconfigjson".to_owned());
    scene.apply("config", &typed);
    scene.wait_reason("config", "Refused");
    scene.patch("secret", "db", &json!({ "data": { "password": "eA==" } }));
    scene.wait_values("db", &[("password", value)]);
    wait("events", || scene.events("db").len() > 1);
    let metrics = crate::server::http_get(port, "/metrics");
    assert!(metrics.contains("envcrypt_deliveries_total{result=\"repaired\"} 1"), "{metrics}");
    assert!(
        metrics.contains(&format!(
            "envcrypt_secrets{{namespace=\"{}\",state=\"ready\"}} 1",
            scene.namespace
        )),
        "{metrics}"
    );
    assert!(
        metrics.contains("envcrypt_kms_calls_total{scheme=\"hashivault\",result=\"ok\"}"),
        "{metrics}"
    );
    let (evs, events) = (
        scene.plane.kubectl(["get", "evs", "-n", &scene.namespace, "-o", "yaml"]).succeeds().stdout,
        scene
            .plane
            .kubectl(["get", "events", "-n", &scene.namespace, "-o", "yaml"])
            .succeeds()
            .stdout,
    );
    use base64::Engine;
    let encoded = base64::prelude::BASE64_STANDARD.encode(value);
    for text in [controller.log(), evs, events, metrics] {
        assert!(!text.contains(value) && !text.contains(&encoded), "{text}");
    }
    for page in ["/livez", "/readyz", "/healthz"] {
        assert!(crate::server::http_get(port, page).starts_with("HTTP/1.1 200"), "{page}");
    }
    // There is nothing to post a sealed object to.
    assert!(crate::server::http_get(port, "/v1/verify").starts_with("HTTP/1.1 404"));
}

#[test]
fn an_object_that_would_cost_many_calls_is_refused() {
    let scene = Scene::new();
    let _controller = scene.controller(&[]);
    let spec = scene.seal("db", &[("a", "1")]);
    // Many recipients of a KEK that may be used, each another one.
    let mut costly = spec.clone();
    for (number, text) in
        costly.sealed.values.values_mut().chain(&mut costly.sealed.seal).enumerate()
    {
        let end = text.find(r#"],"iv""#).expect("recipients");
        let one: String = {
            let begin = text.find(r#"{"header""#).expect("a recipient");
            text[begin..end].to_owned()
        };
        let key = one.find(r#""encrypted_key":""#).expect("a key");
        let more: String = (0..20)
            .map(|other| {
                format!(
                    r#",{}"encrypted_key":"dmF1bHQ6{:04}"}}"#,
                    &one[..key],
                    1000 + 100 * number + other
                )
            })
            .collect();
        text.insert_str(end, &more);
    }
    is_refused(&scene, "db", &costly, "TooLarge");
    // A time that lies in the future would make every later sealing an older one.
    is_refused(&scene, "other", &spec, "Refused");
    // A wrapped key of no bytes.
    let mut empty = spec.clone();
    for text in empty.sealed.values.values_mut().chain(&mut empty.sealed.seal) {
        let begin = text.find(r#""encrypted_key":""#).expect("a key") + 17;
        let end = begin + text[begin..].find('"').expect("an end");
        text.replace_range(begin..end, "");
    }
    is_refused(&scene, "db", &empty, "Refused");
    scene.apply("db", &spec);
    scene.wait_values("db", &[("a", "1")]);
}

#[test]
fn one_who_changes_the_secret_all_the_time_does_not_keep_the_kms_busy() {
    let scene = Scene::new();
    let _controller = scene.controller(&[]);
    scene.put("db", &[("a", "1")]);
    scene.wait_values("db", &[("a", "1")]);
    scene.kms_calls();
    let began = std::time::Instant::now();
    let mut changes = 0;
    while began.elapsed() < std::time::Duration::from_secs(12) {
        scene.patch("secret", "db", &json!({ "data": { "a": "eA==" } }));
        changes += 1;
    }
    let calls = scene.kms_calls();
    assert!(calls <= 12 && changes > 2 * calls, "{calls} calls for {changes} changes");
    scene.wait_secret("db", &[("a", "1")]);
}

/// Whether the memory of a process holds these bytes; `None` if only root may look.
fn memory_holds(pid: nix::unistd::Pid, needle: &[u8]) -> Option<bool> {
    use std::os::unix::fs::FileExt;
    let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).ok()?;
    let memory = std::fs::File::open(format!("/proc/{pid}/mem")).ok()?;
    let range = |line: &str| -> Option<(u64, u64)> {
        let (from, to) = line.split_whitespace().next()?.split_once('-')?;
        Some((u64::from_str_radix(from, 16).ok()?, u64::from_str_radix(to, 16).ok()?))
    };
    let writable = maps.lines().filter(|line| line.contains(" rw")).filter_map(range);
    let mut holds = false;
    for (from, to) in writable {
        let mut bytes = vec![0; usize::try_from(to - from).ok()?];
        if memory.read_exact_at(&mut bytes, from).is_ok() {
            holds |= bytes.windows(needle.len()).any(|window| window == needle);
        }
    }
    Some(holds)
}

#[test]
fn no_value_stays_in_the_memory_of_the_controller() {
    use base64::Engine;
    let scene = Scene::new();
    let controller = scene.controller(&[]);
    let value = "correct-horse-battery-staple-0123456789";
    scene.put("db", &[("password", value)]);
    scene.wait_values("db", &[("password", value)]);
    scene.patch("secret", "db", &json!({ "data": { "password": "eA==" } }));
    scene.wait_values("db", &[("password", value)]);
    // The name of the object is there, so that the search finds what is there.
    let Some(finds) = memory_holds(controller.pid(), b"Delivered") else { return };
    assert!(finds);
    let encoded = base64::prelude::BASE64_STANDARD.encode(value);
    for needle in [value.as_bytes(), encoded.as_bytes()] {
        assert_eq!(memory_holds(controller.pid(), needle), Some(false));
    }
}
