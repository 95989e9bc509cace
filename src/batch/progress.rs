//! Reports the results for many Secrets: a line for each, a progress bar on a terminal, failures as
//! they occur, and a summary.

use std::collections::{BTreeMap, BTreeSet};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::failure::{BatchError, Failure};
use crate::terminal;

/// How many Secrets of the cluster are read or changed at the same time.
pub const IN_FLIGHT: usize = 16;
/// How many Secrets are opened or sealed at the same time, if the cluster is not involved. The ring
/// of KEKs lets as many calls start as each service takes.
pub const AT_ONCE: usize = 128;

pub struct Done {
    /// Kind and name, such as `secret/db`.
    pub name: String,
    /// What was done, for example `serverside-applied`.
    pub how: &'static str,
    /// Its file or namespace, if there are several.
    pub of: Option<String>,
}

/// Counts and shows what is done, and remembers what failed.
pub struct Progress {
    all: usize,
    done: BTreeMap<&'static str, usize>,
    failures: Vec<Failure>,
    /// Failures with the same reason as another, not reported.
    lost: usize,
    bar: ProgressBar,
    to_stderr: bool,
    /// The causes and hints that were printed.
    told: BTreeSet<String>,
}

impl Progress {
    pub fn new(all: usize) -> Self {
        let target = match all > IN_FLIGHT && terminal::stderr_is_terminal() {
            true => ProgressDrawTarget::stderr(),
            false => ProgressDrawTarget::hidden(),
        };
        let bar = ProgressBar::with_draw_target(Some(all as u64), target);
        let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {eta}");
        bar.set_style(style.expect("the template is valid"));
        Self {
            all,
            done: BTreeMap::new(),
            failures: Vec::new(),
            lost: 0,
            bar,
            to_stderr: false,
            told: BTreeSet::new(),
        }
    }

    /// Prints lines to standard error, because standard output is for something else.
    pub fn on_stderr(mut self) -> Self {
        self.to_stderr = true;
        self
    }

    /// Prints a line for each. If standard output is closed, the work continues.
    pub fn count(&mut self, result: Result<Done, Failure>) {
        self.bar.inc(1);
        match result {
            Ok(Done { name, how, of }) => {
                *self.done.entry(how).or_default() += 1;
                let of = of.map_or_else(String::new, |of| format!(" ({of})"));
                let line = terminal::visible(&format!("{name} {how}{of}")).into_owned();
                self.bar.suspend(|| match self.to_stderr {
                    true => terminal::stderr_line(&line),
                    false => drop(terminal::stdout(format!("{line}\n").as_bytes())),
                });
            }
            Err(failure) => {
                // A single failure is the failure of the command, which reports it.
                if self.all > 1
                    && let Some(mut report) = failure.report()
                {
                    // Prints each cause and hint only once.
                    report.causes.retain(|cause| self.told.insert(cause.clone()));
                    report.hints.retain(|hint| self.told.insert(hint.clone()));
                    self.bar.suspend(|| report.print());
                }
                self.failures.push(failure);
            }
        }
    }

    /// Counts several results, and those that failed together with one of them.
    pub fn take(&mut self, results: Vec<Result<Done, Failure>>, lost: usize) {
        results.into_iter().for_each(|result| self.count(result));
        self.bar.inc(lost as u64);
        self.lost += lost;
    }

    /// How many are finished, with or without success.
    pub fn seen(&self) -> usize {
        self.done() + self.failures.len() + self.lost
    }

    /// How many succeeded.
    pub fn done(&self) -> usize {
        self.done.values().sum()
    }

    /// Prints a note such as `12 rewrapped, 3 unchanged`.
    pub fn summarise(&self) {
        let parts: Vec<_> = self.done.iter().map(|(how, count)| format!("{count} {how}")).collect();
        if self.all > 1 && !parts.is_empty() {
            self.bar.suspend(|| terminal::note(&parts.join(", ")));
        }
    }

    /// The result of the command.
    pub fn finish(mut self) -> Result<(), Failure> {
        self.bar.finish_and_clear();
        match (self.failures.len() + self.lost, self.all) {
            (0, all) if self.done() == all => Ok(()),
            (0, _) => Err(Failure::Batch(BatchError::FilesChanged)),
            (1, 1) => Err(self.failures.remove(0)),
            (failed, all) => Err(Failure::Batch(BatchError::Some { failed, all })),
        }
    }
}
