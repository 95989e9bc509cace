//! Ends every command that writes to a cluster at a random moment: most of them when the API server
//! got a certain request, before or after it did what it was asked. Then each object is wholly old
//! or wholly new, no other one is there, and the next run completes.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::Settings;
use crate::api_proxy::{Action, ApiProxy};
use crate::cases::Case;
use crate::home::Home;
use crate::live_cases::LIVE;
use crate::process::{Moment, can_trace, end_at, finish_within, signal, start};
use crate::random::Random;
use crate::sandbox::Run;
use crate::tally::Tally;
use crate::trial::Trial;

/// A case with what its runs take.
struct Target {
    trial: Trial,
    time: Duration,
    /// The number of its requests to the API server.
    requests: usize,
    /// The most system calls of a thread that change something; 0 if they cannot be counted.
    calls: usize,
}

/// When a run is ended.
#[derive(Debug, Clone, Copy)]
enum Strike {
    /// When it has sent this request, counted from 1. The API server may still see it.
    Request {
        number: usize,
        is_seen: bool,
        signal: Signal,
    },
    At(Moment),
}

pub fn run(settings: &Settings, random: &mut Random) -> Tally {
    let mut tally = Tally::of("kills, cluster");
    let Some(cluster) = settings.cluster() else {
        tally.note("skipped: it needs ENVCRYPT_TEST_SERVERS, which `make torture` sets");
        return tally;
    };
    let is_traced = can_trace();
    let new = |case| target(case, Home::new(random).in_cluster(&cluster), is_traced);
    let targets: Vec<_> = LIVE.iter().map(new).collect();
    tally.note(format!("{} commands", targets.len()));
    let started = Instant::now();
    for (_, target) in (0..settings.runs).zip(targets.iter().cycle()) {
        if settings.is_over(started, &mut tally) {
            break;
        }
        one(target, &cluster.proxy, random, &mut tally);
    }
    tally
}

fn target(case: &'static Case, home: Home, is_traced: bool) -> Target {
    let trial = Trial::new(case, home);
    let home = &trial.home;
    trial.reset();
    let started = Instant::now();
    home.sandbox.pipe(case.input(home), trial.args()).succeeds();
    let time = started.elapsed();
    let requests = home.cluster().proxy.take().len();
    let calls = trial.count_calls(is_traced);
    Target { trial, time, requests, calls }
}

fn one(target: &Target, proxy: &ApiProxy, random: &mut Random, tally: &mut Tally) {
    let trial = &target.trial;
    trial.reset();
    let strike = strike(target, random);
    let run = end(trial, proxy, strike);
    proxy.settle();
    proxy.heal();
    let what = format!("{}, ended at {strike:?}", trial.case.name);
    trial.check_ended(run, &what, tally);
}

/// Two of three at a request.
fn strike(target: &Target, random: &mut Random) -> Strike {
    if random.happens(66) {
        let signal = signal(random);
        let number = 1 + random.below(target.requests as u64) as usize;
        return Strike::Request { number, is_seen: random.happens(50), signal };
    }
    Strike::At(Moment::pick(target.time, target.calls, random))
}

/// Starts a run, and ends it. `None` is a run that does not end.
fn end(trial: &Trial, proxy: &ApiProxy, strike: Strike) -> Option<Run> {
    let (sandbox, args, input) = (&trial.home.sandbox, trial.args(), trial.case.input(&trial.home));
    let (number, is_seen, signal) = match strike {
        Strike::Request { number, is_seen, signal } => (number, is_seen, signal),
        Strike::At(moment) => return end_at(sandbox, &args, input, moment),
    };
    let process = Arc::new(AtomicI32::new(0));
    let (victim, mut seen) = (process.clone(), 0);
    proxy.decide(move |_| {
        seen += 1;
        if seen != number {
            return Action::Pass;
        }
        // The first requests may come before this process knows its id.
        while victim.load(Ordering::Acquire) == 0 {
            std::thread::yield_now();
        }
        let _ = kill(Pid::from_raw(victim.load(Ordering::Acquire)), signal);
        match (signal, is_seen) {
            (Signal::SIGKILL, false) => Action::Drop,
            (Signal::SIGKILL, true) => Action::DropAnswer,
            _ => Action::Pass,
        }
    });
    let child = start(sandbox.command().args(args), input);
    process.store(i32::try_from(child.id()).expect("an id"), Ordering::Release);
    finish_within(child, Duration::from_secs(60))
}
