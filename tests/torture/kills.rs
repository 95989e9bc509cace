//! Ends every command that writes at a random moment. Then each file is wholly old or wholly new,
//! and the next run completes.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::Settings;
use crate::cases::{CASES, Case};
use crate::home::Home;
use crate::process::{Moment, can_trace, end_at};
use crate::random::Random;
use crate::tally::Tally;
use crate::trial::Trial;

/// A case with what its runs take.
struct Target {
    trial: Trial,
    time: Duration,
    /// The most system calls of a thread that change something; 0 if they cannot be counted.
    calls: usize,
}

pub fn run(settings: &Settings, random: &mut Random) -> Tally {
    let mut tally = Tally::of("kills, files");
    let is_traced = can_trace();
    if !is_traced {
        tally.note("without strace: only at moments of time");
    }
    let targets: Vec<_> = CASES.iter().map(|case| target(case, is_traced, random)).collect();
    tally.note(format!("{} commands", targets.len()));
    let started = Instant::now();
    for (_, target) in (0..settings.runs).zip(targets.iter().cycle()) {
        if settings.is_over(started, &mut tally) {
            break;
        }
        one(target, random, &mut tally);
    }
    tally
}

fn target(case: &'static Case, is_traced: bool, random: &mut Random) -> Target {
    let trial = Trial::new(case, Home::new(random));
    let time = (0..3).map(|_| time_of(&trial)).min().unwrap_or_default();
    let calls = trial.count_calls(is_traced);
    Target { trial, time, calls }
}

/// How long it takes when nothing ends it.
fn time_of(trial: &Trial) -> Duration {
    trial.reset();
    let never = Moment::After(Duration::ZERO, Signal::SIGCONT);
    let started = Instant::now();
    end_at(&trial.home.sandbox, &trial.args(), trial.case.input(&trial.home), never);
    started.elapsed()
}

fn one(target: &Target, random: &mut Random, tally: &mut Tally) {
    let (trial, case) = (&target.trial, target.trial.case);
    trial.reset();
    let moment = Moment::pick(target.time, target.calls, random);
    let input = case.input(&trial.home);
    let run = end_at(&trial.home.sandbox, &trial.args(), input, moment);
    let what = format!("{}, ended at {moment:?}", case.name);
    trial.check_ended(run, &what, tally);
}
