//! Calls to the KMS while nothing happens: one kube-apiserver with all plugins, each for another
//! resource, and a kubelet's probes as each project's manifest says, every 10 seconds.
//!
//! This project's plugin calls its KMS every 5 minutes, which is too seldom for a short measure.
//! So one more of them is measured that probes 100 times as often.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::Scale;
use crate::control_plane::{ControlPlane, Etcd};
use crate::figures::float;
use crate::plane::{Block, Provider, configure};
use crate::plugin::{Kind, Plugin};

const RESOURCES: [&str; 5] =
    ["secrets", "configmaps", "podtemplates", "limitranges", "resourcequotas"];
const NAMES: [&str; 5] = ["one", "two", "three", "four", "five"];
const KUBELET: Duration = Duration::from_secs(10);
const FASTER: u32 = 100;
/// 5 minutes ÷ [`FASTER`].
const PROBE: &str = "probe: {every: 3s}\n";

pub fn measure(scale: &Scale) {
    let kinds = Kind::all().into_iter().filter(|kind| *kind != Kind::Reference);
    let mut plugins: Vec<_> = kinds.map(Plugin::start).collect();
    plugins.push(Plugin::start(Kind::OursOnVault));
    let faster = [Kind::Ours, Kind::OursOnVault].map(|kind| Plugin::start_with(kind, PROBE));
    let blocks: Vec<_> = plugins.iter().zip(RESOURCES.into_iter().zip(NAMES)).map(block).collect();
    let directory = tempfile::tempdir().expect("a directory");
    let argument = configure(&directory.path().join("encryption.yaml"), &blocks);
    let _plane = ControlPlane::with(Arc::new(Etcd::start()), vec![argument]);
    // What the start needed does not count.
    std::thread::sleep(Duration::from_secs(5));
    for plugin in plugins.iter().chain(&faster) {
        plugin.kms.calls();
    }
    let started = Instant::now();
    probe_until(&plugins, scale.idle);
    let time = started.elapsed();
    println!("calls to the KMS in an idle hour, from {:.0} s:", time.as_secs_f64());
    let hours = time.as_secs_f64() / 3600.0;
    for plugin in &plugins {
        let calls = plugin.kms.calls();
        let hour = float(calls) / hours;
        println!("  {:<24} {calls} calls, {hour:.0} an hour", plugin.kind.name());
    }
    for plugin in &faster {
        let calls = plugin.kms.calls();
        let hour = float(calls) / hours / f64::from(FASTER);
        println!(
            "  {:<24} {calls} calls with probes {FASTER} times as often, {hour:.1} an hour",
            plugin.kind.name(),
        );
    }
}

fn block<'a>((plugin, (resource, name)): (&Plugin, (&'a str, &'static str))) -> Block<'a> {
    let providers = vec![Provider::Kms(name, plugin.socket()), Provider::Identity];
    Block { resource, providers }
}

/// Probes as kubelets do, one thread for each plugin.
fn probe_until(plugins: &[Plugin], time: Duration) {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for plugin in plugins {
            let done = &done;
            scope.spawn(move || {
                while !done.load(Ordering::Relaxed) {
                    plugin.probe();
                    std::thread::park_timeout(KUBELET);
                }
            });
        }
        std::thread::sleep(time);
        done.store(true, Ordering::Relaxed);
    });
}
