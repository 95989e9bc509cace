//! Whatever happens, and in whatever order: at the end the Secret is as it was sealed, or the
//! resource says that it is not.

use serde_json::json;

use super::scene::{Controller, Scene, wait};
use crate::fault_proxy::Fault;

/// A generator of numbers that shows the same sequence for the same seed.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// What happens, and how it is shown if a sequence fails.
fn step(
    scene: &Scene,
    number: u64,
    round: usize,
    sealed: &mut Option<String>,
    controller: &mut Controller,
) -> &'static str {
    let try_to = |args: &[&str]| {
        let all = args.iter().copied().chain([
            "-n",
            &scene.namespace,
            "--ignore-not-found",
            "--wait=false",
        ]);
        scene.plane.kubectl(all).succeeds();
    };
    match number {
        0..=3 => {
            let value = format!("value-{round}");
            scene.put("db", &[("a", &value)]);
            *sealed = Some(value);
            "seal"
        }
        4 | 5 if scene.get("secret", "db").is_some() => {
            let patch = json!({ "data": { "a": "eA==", "b": "eA==" } }).to_string();
            // It may be deleted at this moment.
            scene.plane.kubectl(["patch", "secret", "db", "-n", &scene.namespace, "-p", &patch]);
            "edit the Secret"
        }
        6 => {
            try_to(&["delete", "secret", "db"]);
            "delete the Secret"
        }
        7 => {
            try_to(&["delete", "evs", "db"]);
            *sealed = None;
            "delete the resource"
        }
        8 => {
            scene.kms.always(Fault::HangUp);
            "the KMS is down"
        }
        9 => {
            scene.kms.heal();
            "the KMS is up"
        }
        10 => {
            controller.kill();
            *controller = scene.controller(&[]);
            "another controller"
        }
        _ => "nothing",
    }
}

/// Fails with the steps that led there.
fn sequence(seed: u64) {
    let scene = Scene::new();
    let mut controller = scene.controller(&[]);
    let (mut numbers, mut sealed, mut steps) = (Numbers(seed), None, Vec::new());
    for round in 0..14 {
        let number = numbers.below(11);
        steps.push(step(&scene, number, round, &mut sealed, &mut controller));
        let Some(value) = &sealed else { continue };
        // At any time, what is called ready is so. Both are read one after the other, so a
        // difference must last to count.
        let is_true = || {
            let is_ready = scene.ready("db").is_some_and(|(is, _)| is == "True");
            let values = scene.values("db");
            !is_ready || values.is_some_and(|values| values.len() == 1 && values["a"] == *value)
        };
        wait(&format!("the truth after {steps:?} of {seed}"), is_true);
    }
    scene.kms.heal();
    if let Some(value) = &sealed {
        wait(&format!("the end of {steps:?} of {seed}"), || {
            let is_ready = scene.ready("db").is_some_and(|(is, _)| is == "True");
            is_ready && scene.values("db").is_some_and(|v| v.len() == 1 && v["a"] == *value)
        });
    }
}

#[test]
fn any_sequence_ends_in_what_was_sealed() {
    std::thread::scope(|scope| {
        for seed in [3, 17, 101, 4242, 65537, 0x9e37_79b9_7f4a_7c15] {
            scope.spawn(move || sequence(seed));
        }
    });
}
