//! From the start of a plugin until it listens and until it is ready, with a KMS at 20 ms; and the
//! size of its program.

use std::time::{Duration, Instant};

use crate::figures::{median, millis};
use crate::plugin::{Kind, Plugin};
use crate::record::Figure;
use crate::{SECTION, Scale};

pub fn measure(scale: &Scale) {
    let mut plugins: Vec<_> =
        Kind::all().into_iter().map(|kind| (Plugin::start(kind), Vec::new(), Vec::new())).collect();
    for _ in 0..scale.starts {
        for (plugin, listening, ready) in &mut plugins {
            plugin.kms.delay(Duration::from_millis(20));
            let started = Instant::now();
            listening.push(plugin.restart());
            plugin.wait_ready();
            ready.push(started.elapsed());
        }
    }
    let ready = |(plugin, _, ready): &(Plugin, _, Vec<Duration>)| {
        (plugin.kind.name(), median(&millis(ready)))
    };
    let values: Vec<_> = plugins.iter().map(ready).collect();
    let what = "start of a KMS plugin until it is ready, 20 ms a call";
    Figure { section: SECTION, what, unit: "ms", values: &values, goal: None }.record();
    println!("start, KMS at 20 ms, and size of the program:");
    for (plugin, listening, ready) in &plugins {
        let size = std::fs::metadata(plugin.kind.program()).expect("there").len();
        println!(
            "  {:<24} listens after {:>5.1} ms, ready after {:>6.1} ms, {:>5.1} MB in memory, program {:.1} MB",
            plugin.kind.name(),
            median(&millis(listening)),
            median(&millis(ready)),
            plugin.process().memory()[0],
            f64::from(u32::try_from(size).expect("less than 4 GB")) / 1e6,
        );
    }
}
