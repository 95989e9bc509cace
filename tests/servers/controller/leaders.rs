//! Two controllers: one delivers, the other takes over.

use nix::sys::signal::Signal;

use super::scene::{Controller, Scene, wait};
use crate::api_proxy::{Action, ApiProxy, Request};

/// The arguments of a controller with this Lease, which lasts 3 seconds.
fn lease(scene: &Scene) -> [String; 2] {
    [format!("--lease={}/leader", scene.namespace), "--lease-duration=3s".to_owned()]
}

fn start(scene: &Scene, lease: &[String; 2]) -> Controller {
    scene.controller(&[&lease[0], &lease[1]])
}

fn holder(scene: &Scene) -> String {
    let lease = scene.get("lease", "leader").expect("there");
    lease["spec"]["holderIdentity"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn a_standby_takes_over_after_a_kill_and_does_nothing_again() {
    let scene = Scene::new();
    let lease = lease(&scene);
    let mut first = start(&scene, &lease);
    first.wait_logged("this process delivers");
    let second = start(&scene, &lease);
    second.wait_logged("all objects are known");
    scene.put("one", &[("a", "1")]);
    scene.wait_values("one", &[("a", "1")]);
    assert_eq!(second.logged("this process delivers"), 0);
    let (version, old) = (scene.version("one"), holder(&scene));
    scene.kms_calls();
    first.kill();
    second.wait_logged("this process delivers");
    assert_ne!(holder(&scene), old);
    scene.put("two", &[("a", "2")]);
    scene.wait_values("two", &[("a", "2")]);
    assert_eq!(scene.kms_calls(), 1, "what was delivered is not opened again");
    assert_eq!(scene.version("one"), version);
    assert_eq!(second.logged("made the Secret"), 1);
    let leases = scene.get("lease", "leader").expect("there");
    assert_eq!(leases["spec"]["leaseTransitions"], 1);
}

#[test]
fn one_that_slept_longer_than_its_lease_writes_nothing_and_ends() {
    let scene = Scene::new();
    let lease = lease(&scene);
    let mut first = start(&scene, &lease);
    first.wait_logged("this process delivers");
    let second = start(&scene, &lease);
    first.signal(Signal::SIGSTOP);
    second.wait_logged("this process delivers");
    scene.put("db", &[("a", "1")]);
    scene.wait_values("db", &[("a", "1")]);
    let version = scene.version("db");
    first.signal(Signal::SIGCONT);
    assert_eq!(first.ended(), Some(1));
    assert!(first.log().contains("the Lease was not renewed in time") || first.logged("made") == 0);
    assert_eq!(scene.version("db"), version);
    assert_eq!(first.logged("made the Secret"), 0);
}

#[test]
fn one_that_cannot_renew_its_lease_ends_in_time() {
    let scene = Scene::new();
    let lease = lease(&scene);
    let proxy = ApiProxy::start(scene.plane, "admin");
    let mut first = scene.controller_with(&proxy.kubeconfig(), &[&lease[0], &lease[1]]);
    first.wait_logged("this process delivers");
    let second = start(&scene, &lease);
    proxy.decide(|request| match request.path.contains("/leases/") {
        true => Action::Drop,
        false => Action::Pass,
    });
    assert_eq!(first.ended(), Some(1));
    second.wait_logged("this process delivers");
    scene.put("db", &[("a", "1")]);
    scene.wait_values("db", &[("a", "1")]);
}

#[test]
fn one_that_is_stopped_gives_its_lease_up() {
    let scene = Scene::new();
    let mut lease = lease(&scene);
    // So long that only giving up can help.
    lease[1] = "--lease-duration=300s".to_owned();
    let mut first = start(&scene, &lease);
    first.wait_logged("this process delivers");
    first.signal(Signal::SIGTERM);
    assert_eq!(first.ended(), Some(0));
    wait("an empty Lease", || holder(&scene).is_empty());
    let second = start(&scene, &lease);
    second.wait_logged("this process delivers");
}

#[test]
fn two_that_both_deliver_do_no_harm() {
    let scene = Scene::new();
    let controllers = [scene.controller(&[]), scene.controller(&[])];
    let values = |round: usize| round.to_string();
    for round in 0..6 {
        let value = values(round);
        for name in ["a", "b", "c"] {
            scene.put(name, &[("key", &value)]);
        }
        for name in ["a", "b", "c"] {
            scene.wait_values(name, &[("key", &value)]);
        }
    }
    // They come to rest.
    let versions = || {
        ["a", "b", "c"].map(|name| {
            (
                scene.version(name),
                scene.get("evs", name).expect("there")["metadata"]["resourceVersion"].clone(),
            )
        })
    };
    let mut last = versions();
    wait("rest", || {
        let new = versions();
        std::mem::replace(&mut last, new.clone()) == new
    });
    drop(controllers);
}

#[test]
fn one_that_slept_in_the_midst_of_a_delivery_does_not_write_after_it() {
    let scene = Scene::new();
    let lease = lease(&scene);
    let proxy = ApiProxy::start(scene.plane, "admin");
    let mut first = scene.controller_with(&proxy.kubeconfig(), &[&lease[0], &lease[1]]);
    first.wait_logged("this process delivers");
    scene.kms.delay(std::time::Duration::from_secs(2));
    scene.put("db", &[("a", "1")]);
    wait("a call to the KMS", || scene.kms.under_way() > 0);
    first.signal(Signal::SIGSTOP);
    scene.kms.delay(std::time::Duration::ZERO);
    let second = start(&scene, &lease);
    second.wait_logged("this process delivers");
    scene.wait_values("db", &[("a", "1")]);
    proxy.take();
    first.signal(Signal::SIGCONT);
    assert_eq!(first.ended(), Some(1));
    let writes: Vec<_> = proxy.take().into_iter().filter(Request::is_write).collect();
    assert!(writes.iter().all(|write| write.path.contains("/leases/")), "{writes:?}");
}
