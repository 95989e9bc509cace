//! What is measured of one contestant, in this order: new objects, idleness, changes, a restart,
//! changes in the midst of a restart, and the memory with other Secrets in the cluster.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::Scale;
use crate::audit::{Audit, Requests};
use crate::cluster::{Cluster, Object};
use crate::contestant::{Contestant, Kind};
use crate::figures::{median, millis, quantile};
use crate::record::Figure;

/// A contestant has nothing left to do if it asks for nothing this long.
const QUIET: Duration = Duration::from_secs(3);
/// How long to wait for other work than a first delivery, at most, for each object.
const PATIENCE: Duration = Duration::from_secs(2);
/// The time between two changes. A limit of requests a second does not matter to a single change.
const PAUSE: Duration = Duration::from_secs(1);
/// How many objects change in the midst of a restart.
const IN_THE_MIDST: usize = 5;
/// How long the memory with other Secrets may take to settle.
const SETTLE: Duration = Duration::from_secs(60);

/// What is compared.
#[derive(Default)]
pub struct Figures {
    /// Seconds.
    new: f64,
    /// Seconds.
    restart: f64,
    /// Milliseconds.
    changes: Vec<f64>,
    /// Milliseconds.
    midst: Vec<f64>,
    /// Megabytes in use, when everything is done.
    memory: f64,
    /// Megabytes at most, with other Secrets.
    foreign: f64,
}

/// One contestant in the cluster.
struct Run<'a> {
    cluster: &'a Cluster,
    scale: &'a Scale,
    contestant: Contestant,
    audit: Audit,
    names: Vec<String>,
}

pub fn measure(cluster: &Cluster, kind: Kind, scale: &Scale) -> Figures {
    println!("{}:", kind.name());
    let contestant = Contestant::prepare(cluster, kind);
    let audit = Audit::of(cluster.directory(), kind.account().user());
    let names = (0..scale.objects).map(|number| format!("object-{number:05}")).collect();
    let mut run = Run { cluster, scale, contestant, audit, names };
    let mut figures = Figures { new: run.new_objects(), ..Figures::default() };
    run.idle();
    figures.changes = run.changes();
    run.contestant.stop();
    figures.restart = run.restart();
    figures.memory = run.contestant.memory()[0];
    run.contestant.stop();
    figures.midst = run.changes_in_the_midst();
    run.contestant.stop();
    figures.foreign = run.foreign();
    run.contestant.stop();
    cluster.clear(&kind.resource());
    figures
}

/// The value that a name has first.
fn first(name: &str) -> String {
    format!("the first value of {name}")
}

impl Run<'_> {
    /// From the start of the program, when the objects are there, until all Secrets are there.
    fn new_objects(&mut self) -> f64 {
        let objects = self.contestant.seal(&self.names, first);
        self.cluster.create(&self.contestant.kind.resource(), objects);
        self.begin();
        let started = self.contestant.start();
        let limit = PATIENCE * u32::try_from(self.scale.objects + 30).expect("thousands");
        self.contestant.wait("all Secrets", limit, || self.cluster.targets() == self.scale.objects);
        let seconds = started.elapsed().as_secs_f64();
        for name in [self.names.first(), self.names.last()].into_iter().flatten() {
            assert_eq!(self.cluster.value(name), Some(first(name)), "{name}");
        }
        let requests = self.until_idle();
        println!("  new: {seconds:.2} s until all Secrets are there; {}", self.work(&requests));
        seconds
    }

    fn idle(&mut self) {
        self.begin();
        std::thread::sleep(self.scale.idle);
        let requests = self.audit.take();
        println!("  idle for {:.0?}: {}", self.scale.idle, self.work(&requests));
    }

    /// One object after the other changes.
    fn changes(&mut self) -> Vec<f64> {
        let objects = self.seal_again(self.scale.changes, "changed");
        self.begin();
        let change = |object: &Object| {
            std::thread::sleep(PAUSE);
            self.change(std::slice::from_ref(object))[0]
        };
        let times: Vec<Duration> = objects.iter().map(change).collect();
        let (times, requests) = (millis(&times), self.until_idle());
        println!(
            "  {} changes: p50 {:.1} ms, p99 {:.1} ms; {}",
            times.len(),
            median(&times),
            quantile(&times, 0.99),
            self.work(&requests),
        );
        times
    }

    /// From the start of the program, when all is as it should be, until it asks for nothing more.
    fn restart(&mut self) -> f64 {
        self.begin();
        let (started, began) = (Timestamp::now(), Instant::now());
        self.contestant.start();
        let ready = began.elapsed().as_secs_f64();
        let requests = self.until_idle();
        let last = requests.last.expect("it asked for something");
        let seconds = last.duration_since(started).as_secs_f64();
        println!(
            "  restart: {seconds:.2} s until the last request, healthy after {ready:.2} s; {}",
            self.work(&requests),
        );
        seconds
    }

    /// Some objects change once the program has begun to read. The program may come to each of
    /// them early or late.
    fn changes_in_the_midst(&mut self) -> Vec<f64> {
        let objects = self.seal_again(IN_THE_MIDST, "late");
        self.begin();
        self.contestant.launch();
        let plural = self.contestant.kind.resource().plural;
        let (contestant, audit) = (&self.contestant, &mut self.audit);
        contestant.wait("its objects", PATIENCE * 30, || audit.take().is_about(&plural));
        let times = millis(&self.change(&objects));
        println!(
            "  {} changes in the midst of a restart: p50 {:.1} ms, at most {:.1} ms",
            times.len(),
            median(&times),
            quantile(&times, 1.0),
        );
        times
    }

    /// The memory after a start beside Secrets that do not concern it.
    fn foreign(&mut self) -> f64 {
        self.cluster.create_foreign(self.scale.foreign);
        self.contestant.start();
        self.audit.until_idle(QUIET, SETTLE);
        let [now, most] = self.contestant.memory();
        println!(
            "  with {} foreign Secrets of 100 kB: {now:.1} MB, at most {most:.1} MB",
            self.scale.foreign,
        );
        most
    }

    /// Seals another value for so many objects, of all parts of the list.
    fn seal_again(&self, count: usize, value: &str) -> Vec<Object> {
        let step = (self.names.len() / count).max(1);
        let names: Vec<String> =
            self.names.iter().skip(step / 2).step_by(step).take(count).cloned().collect();
        self.contestant.seal(&names, |name| format!("{value}: {name}"))
    }

    fn change(&self, objects: &[Object]) -> Vec<Duration> {
        self.cluster.change(&self.contestant.kind.resource(), objects)
    }

    /// What was asked so far does not count.
    fn begin(&mut self) {
        self.audit.take();
        self.contestant.kms_calls();
    }

    fn until_idle(&mut self) -> Requests {
        let limit = PATIENCE * u32::try_from(self.scale.objects + 30).expect("thousands");
        self.audit.until_idle(QUIET, limit)
    }

    /// The requests, the calls to the KMS, and the memory.
    fn work(&self, requests: &Requests) -> String {
        let [now, most] = self.contestant.memory();
        format!(
            "{} requests, {} of them writes ({}); {} KMS calls; {now:.1} MB, at most {most:.1} MB",
            requests.count(),
            requests.writes(),
            requests.kinds(),
            self.contestant.kms_calls(),
        )
    }
}

/// Everyone beside the first one.
pub fn compare(all: &[(Kind, Figures)], scale: &Scale) {
    let objects = scale.objects;
    record(all, &format!("{objects} new objects, until all Secrets are there"), "s", |it| it.new);
    record(all, &format!("restart with {objects} objects"), "s", |it| it.restart);
    record(all, "one change", "ms", |it| median(&it.changes));
    record(all, "one change in the midst of a restart", "ms", |it| median(&it.midst));
    record(all, &format!("memory with {objects} objects"), "MB", |it| it.memory);
    let foreign = format!("peak of memory with {} Secrets of others", scale.foreign);
    record(all, &foreign, "MB", |it| it.foreign);
}

fn record(all: &[(Kind, Figures)], what: &str, unit: &str, value: impl Fn(&Figures) -> f64) {
    // After the first, the peers: the first of them is what it is compared with.
    let (peers, ours): (Vec<_>, Vec<_>) = all.iter().skip(1).partition(|(kind, _)| !kind.is_ours());
    let each = all.iter().take(1).chain(peers).chain(ours);
    let values: Vec<_> = each.map(|(kind, it)| (kind.name(), value(it))).collect();
    Figure { section: "Controller", what, unit, values: &values, goal: None }.record();
}
