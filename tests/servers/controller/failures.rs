//! Outages, refusals and crashes: what is delivered stays, and what is not is said.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;

use super::scene::{Scene, condition, wait};
use crate::api_proxy::{Action, ApiProxy, Request};
use crate::fault_proxy::Fault;

#[test]
fn an_outage_of_the_kms_keeps_the_old_values_and_ends_by_itself() {
    let scene = Scene::new();
    let mut controller = scene.controller(&[]);
    scene.put("db", &[("a", "1")]);
    scene.wait_values("db", &[("a", "1")]);
    scene.kms.always(Fault::HangUp);
    scene.put("db", &[("a", "2")]);
    scene.wait_reason("db", "KmsUnavailable");
    assert!(
        scene.message("db").contains("keeps the values that were sealed at"),
        "{}",
        scene.message("db")
    );
    let resource = scene.get("evs", "db").expect("there");
    assert_eq!(condition(&resource, "Reconciling").expect("a condition")["status"], "True");
    assert_eq!(scene.values("db").expect("there")["a"], "1");
    // A restart meanwhile: what is unchanged stays ready, and asks nothing.
    scene.kms.heal();
    scene.put("other", &[("a", "1")]);
    scene.wait_values("other", &[("a", "1")]);
    scene.wait_values("db", &[("a", "2")]);
    scene.kms.always(Fault::HangUp);
    controller.kill();
    scene.kms.take();
    let controller = scene.controller(&[]);
    controller.wait_logged("all objects are known");
    scene.put("new", &[("a", "1")]);
    scene.wait_reason("new", "KmsUnavailable");
    for name in ["db", "other"] {
        assert_eq!(scene.ready(name), Some(("True".into(), "Delivered".into())));
    }
    scene.kms.heal();
    scene.wait_values("new", &[("a", "1")]);
}

#[test]
fn a_refusal_of_the_kms_names_the_permission() {
    let scene = Scene::new();
    let key = scene.kek.rsplit('/').next().expect("a name");
    let token = crate::vault::vault().token(&["transit/encrypt/x".to_owned()]);
    let mut controller = super::scene::Controller::start_as(
        &scene.plane.kubeconfig("admin"),
        &scene.kek,
        scene.kms.port,
        &["--namespace", &scene.namespace, "--lease=off"],
        &token,
    );
    scene.put("db", &[("a", "1")]);
    scene.wait_reason("db", "Denied");
    let message = scene.message("db");
    assert!(message.contains(&format!("transit/decrypt/{key}")), "{message}");
    assert!(scene.get("secret", "db").is_none());
    controller.kill();
}

#[test]
fn a_refusal_of_the_api_server_is_said_without_its_words() {
    let scene = Scene::new();
    let quota = json!({
        "apiVersion": "v1", "kind": "ResourceQuota",
        "metadata": { "name": "none", "namespace": scene.namespace },
        "spec": { "hard": { "count/secrets": "0" } },
    });
    scene.plane.apply(&quota.to_string());
    // Without its controller, a quota is in force once its status says so.
    let status =
        json!({ "status": { "hard": { "count/secrets": "0" }, "used": { "count/secrets": "0" } } });
    let args = [
        "patch",
        "resourcequota",
        "none",
        "-n",
        &scene.namespace,
        "--subresource=status",
        "--type=merge",
        "-p",
        &status.to_string(),
    ];
    scene.plane.kubectl(args).succeeds();
    let _controller = scene.controller(&[]);
    scene.put("db", &[("a", "hunter2")]);
    scene.wait_reason("db", "Rejected");
    assert!(
        scene.message("db").contains("the quota of the namespace is exceeded"),
        "{}",
        scene.message("db")
    );
    scene.delete("resourcequota", "none");
    scene.wait_values("db", &[("a", "hunter2")]);
}

#[test]
fn a_restart_over_unchanged_objects_asks_and_writes_nothing() {
    let scene = Scene::new();
    let names: Vec<String> = (0..40).map(|number| format!("s{number}")).collect();
    for name in &names {
        scene.put(name, &[("a", name)]);
    }
    assert_eq!(scene.controller(&["--once"]).ended(), Some(0));
    // The data keys that wait at the same time are in one call.
    assert!((1..=names.len()).contains(&scene.kms_calls()));
    let proxy = ApiProxy::start(scene.plane, "admin");
    assert_eq!(scene.controller_with(&proxy.kubeconfig(), &["--once"]).ended(), Some(0));
    let requests = proxy.take();
    assert_eq!(scene.kms_calls(), 0);
    assert!(!requests.iter().any(Request::is_write), "{requests:?}");
    assert!(requests.len() <= 4, "two lists and two watches: {requests:?}");
}

#[test]
fn killed_at_any_request_it_ends_in_the_same_state() {
    let scene = Scene::new();
    let proxy = Arc::new(ApiProxy::start(scene.plane, "admin"));
    // First: made. Then: changed. Then: made anew, with another type.
    for (round, (value, more)) in
        [("1", &[][..]), ("2", &[]), ("3", &["--type=basic-auth"])].into_iter().enumerate()
    {
        for at in 0.. {
            let name = format!("db-{at}");
            if round > 0 && scene.get("evs", &name).is_none() {
                break;
            }
            let spec = scene.seal_with(&name, &[("password", value)], more);
            scene.apply(&name, &spec);
            scene.kms_calls();
            if !killed_at(&scene, &proxy, at) {
                scene.wait_values(&name, &[("password", value)]);
                break;
            }
            let controller = scene.controller(&[]);
            scene.wait_values(&name, &[("password", value)]);
            assert!(scene.kms_calls() <= 2, "one call for each start");
            drop(controller);
            assert!(at < 12, "a delivery has few requests");
        }
    }
}

/// Starts the controller, and kills it at one of its requests about objects: the server may have
/// heard it. Returns whether there was such a request.
fn killed_at(scene: &Scene, proxy: &ApiProxy, at: usize) -> bool {
    let (count, is_killed) = (AtomicUsize::new(0), Arc::new(AtomicBool::new(false)));
    let (pid, killed) = (Arc::new(Mutex::new(None::<Pid>)), is_killed.clone());
    let whom = pid.clone();
    proxy.decide(move |request| {
        if request.path.contains("events") || request.path.contains('?') && !request.is_write() {
            return Action::Pass;
        }
        if count.fetch_add(1, Ordering::Relaxed) != at {
            return Action::Pass;
        }
        killed.store(true, Ordering::Relaxed);
        let whom = whom.lock().expect("no panic").expect("it runs");
        kill(whom, Signal::SIGKILL).expect("killed");
        // An even number dies before the server hears it, an odd one after.
        if at.is_multiple_of(2) { Action::Drop } else { Action::DropAnswer }
    });
    let mut place = pid.lock().expect("no panic");
    let mut controller = scene.controller_with(&proxy.kubeconfig(), &["--once"]);
    *place = Some(controller.pid());
    drop(place);
    controller.ended();
    proxy.heal();
    is_killed.load(Ordering::Relaxed)
}

#[test]
fn an_api_server_that_fails_at_any_request_is_asked_again() {
    let scene = Scene::new();
    let proxy = ApiProxy::start(scene.plane, "admin");
    let controller = scene.controller_with(&proxy.kubeconfig(), &[]);
    controller.wait_logged("all objects are known");
    for (number, action) in [
        Action::Drop,
        Action::DropAnswer,
        Action::Answer(500),
        Action::Answer(429),
        Action::Answer(503),
    ]
    .into_iter()
    .enumerate()
    {
        let (name, failures) = (format!("db-{number}"), AtomicUsize::new(0));
        let about = name.clone();
        proxy.decide(move |request| {
            let is_one = request.path.contains(&about)
                || (request.is_write() && !request.path.contains("events"));
            match is_one && [0, 2, 3, 6, 8].contains(&failures.fetch_add(1, Ordering::Relaxed)) {
                true => action.clone(),
                false => Action::Pass,
            }
        });
        scene.put(&name, &[("a", "1")]);
        scene.wait_values(&name, &[("a", "1")]);
        proxy.heal();
    }
}

#[test]
fn a_watch_that_ends_at_any_time_loses_nothing() {
    let scene = Scene::new();
    let proxy = ApiProxy::start(scene.plane, "admin");
    let watches = AtomicUsize::new(0);
    proxy.decide(move |request| match request.is_watch() {
        // Some never begin, some are too old, and the others end in the midst of an object.
        true => match watches.fetch_add(1, Ordering::Relaxed) % 6 {
            2 => Action::Drop,
            5 => Action::Answer(410),
            number => Action::Cut(2000 + 700 * number),
        },
        false => Action::Pass,
    });
    let _controller = scene.controller_with(&proxy.kubeconfig(), &[]);
    for number in 0..6 {
        let name = format!("db-{}", number % 2);
        let value = number.to_string();
        scene.put(&name, &[("a", &value)]);
        scene.wait_values(&name, &[("a", &value)]);
        scene.patch("secret", &name, &json!({ "data": { "a": "eA==" } }));
        scene.wait_secret(&name, &[("a", &value)]);
    }
    scene.delete("evs", "db-0");
    wait("the gauge", || scene.get("evs", "db-0").is_none());
}

#[test]
fn a_watch_whose_version_etcd_has_forgotten_begins_again() {
    // Compaction affects all, so this has a control plane of its own.
    use crate::control_plane::{ControlPlane, Etcd};
    let plane: &'static ControlPlane = Box::leak(Box::new(ControlPlane::with(
        Arc::new(Etcd::start()),
        vec!["--watch-cache=false".to_owned()],
    )));
    plane.install_crd();
    let scene = Scene::on(plane);
    let proxy = ApiProxy::start(plane, "admin");
    let is_cut = Arc::new(AtomicBool::new(false));
    let cut = is_cut.clone();
    proxy.decide(move |request| match request.is_watch() && cut.load(Ordering::Relaxed) {
        true => Action::Drop,
        false => Action::Pass,
    });
    let controller = scene.controller_with(&proxy.kubeconfig(), &[]);
    scene.put("old", &[("a", "1")]);
    scene.wait_values("old", &[("a", "1")]);
    // No watch gets through, and meanwhile the past is compacted.
    is_cut.store(true, Ordering::Relaxed);
    proxy.cut_watches();
    scene.put("old", &[("a", "2")]);
    scene.delete("secret", "old");
    let version = scene.get("evs", "old").expect("there")["metadata"]["resourceVersion"].clone();
    plane.etcd.etcdctl(["compact", version.as_str().expect("text"), "--physical"]);
    is_cut.store(false, Ordering::Relaxed);
    scene.wait_values("old", &[("a", "2")]);
    let log = controller.log();
    assert!(log.contains("too old") || log.contains("compacted") || log.contains("410"), "{log}");
}
