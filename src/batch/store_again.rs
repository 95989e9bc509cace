//! Stores objects again, so that they are encrypted as kube-apiserver is told now.

use std::fmt::Write;
use std::time::Duration;

use clap::Args;
use futures::{StreamExt, stream};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::sync::Mutex;
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::failure::{AtRestError, BatchError, Failure};
use crate::process;
use crate::terminal;
use envcrypt_cluster::{Again, Cluster, ClusterError, Resource, Stored};

/// How fast objects are stored again.
#[derive(Args)]
pub struct PaceArgs {
    /// Send at most this many requests a second
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    qps: Option<u32>,
    /// Send this many requests at the same time
    #[arg(long, value_name = "NUMBER", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=64))]
    workers: u32,
}

/// What was done with the objects of one resource.
#[derive(Default)]
struct Counts {
    written: usize,
    unchanged: usize,
    gone: usize,
    failed: usize,
}

/// Stores all objects of these resources again, and prints a line for each resource.
pub async fn store_again(
    cluster: &Cluster,
    names: &[String],
    args: &PaceArgs,
) -> Result<(), Failure> {
    let (resources, unknown) = cluster.resources(names).await?;
    let pace = args.qps.map(pace);
    let (mut report, mut failed, mut all) = (String::new(), unknown.len(), unknown.len());
    for (group, error) in unknown {
        report_failure(&group, error);
    }
    for resource in &resources {
        let counts = match cluster.stored(resource).await {
            Ok(objects) => {
                all += objects.len();
                rewrite(cluster, resource, objects, args, pace.as_ref()).await?
            }
            // Another resource may still be read.
            Err(error) if resources.len() > 1 => {
                report_failure(&resource.to_string(), error);
                (failed, all) = (failed + 1, all + 1);
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        failed += counts.failed;
        let _ = writeln!(report, "{resource}: {}", counts.describe());
    }
    terminal::stdout(report.as_bytes())?;
    match failed {
        0 => Ok(()),
        failed => Err(AtRestError::NotReencrypted { failed, all }.into()),
    }
}

fn pace(qps: u32) -> Mutex<Interval> {
    let mut ticks = interval(Duration::from_secs(1) / qps);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    Mutex::new(ticks)
}

async fn rewrite(
    cluster: &Cluster,
    resource: &Resource,
    objects: Vec<Stored>,
    args: &PaceArgs,
    pace: Option<&Mutex<Interval>>,
) -> Result<Counts, Failure> {
    let (all, mut counts) = (objects.len(), Counts::default());
    let bar = bar(resource, all);
    let work = stream::iter(objects).map(async |object| {
        if let Some(pace) = pace {
            pace.lock().await.tick().await;
        }
        (cluster.store_again(resource, &object).await, object)
    });
    let mut results = work.buffer_unordered(args.workers as usize);
    let mut stopped = std::pin::pin!(process::stopped());
    loop {
        let next = tokio::select! {
            next = results.next() => next,
            _ = &mut stopped => {
                bar.finish_and_clear();
                let go_on = "run the command again to go on: what is done is not done twice";
                let done = all - counts.left(all);
                return Err(BatchError::Interrupted { done, all, go_on: go_on.to_owned() }.into());
            }
        };
        let Some((result, object)) = next else { break };
        if let Err(error) = counts.note(result) {
            bar.suspend(|| report_failure(&format!("{resource} {object}"), error));
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(counts)
}

/// Reports one of many failures.
fn report_failure(what: &str, error: ClusterError) {
    if let Some(mut report) = Failure::from(error).report() {
        report.error = format!("{what}: {}", report.error);
        report.print();
    }
}

fn bar(resource: &Resource, all: usize) -> ProgressBar {
    let target = match all > 100 && terminal::stderr_is_terminal() {
        true => ProgressDrawTarget::stderr(),
        false => ProgressDrawTarget::hidden(),
    };
    let style = ProgressStyle::with_template("{prefix} {bar:30} {pos}/{len} {per_sec}");
    let bar = ProgressBar::with_draw_target(Some(all as u64), target);
    bar.set_style(style.expect("a valid template"));
    bar.set_prefix(resource.to_string());
    bar
}

impl Counts {
    fn note(&mut self, result: Result<Again, ClusterError>) -> Result<(), ClusterError> {
        match result {
            Ok(Again::Written) => self.written += 1,
            Ok(Again::Unchanged) => self.unchanged += 1,
            Ok(Again::Gone) => self.gone += 1,
            Err(error) => {
                self.failed += 1;
                return Err(error);
            }
        }
        Ok(())
    }

    fn left(&self, all: usize) -> usize {
        all - self.written - self.unchanged - self.gone - self.failed
    }

    /// For example `12 re-encrypted, 3 unchanged`.
    fn describe(&self) -> String {
        let parts = [
            (self.written, "re-encrypted"),
            (self.unchanged, "unchanged"),
            (self.gone, "changed or deleted meanwhile"),
            (self.failed, "failed"),
        ];
        let parts: Vec<String> = parts
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        if parts.is_empty() { "no objects".to_owned() } else { parts.join(", ") }
    }
}
