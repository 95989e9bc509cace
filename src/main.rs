//! `kubectl envcrypt`: parse, run, report, exit code.

use std::process::ExitCode;
use std::time::Duration;

use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue};
use clap::{CommandFactory, Parser};
use cli::Cli;

mod access;
mod ages;
mod author;
mod batch;
mod candidates;
mod cli;
mod commands;
mod config;
mod etcd;
mod failure;
mod files;
mod git;
mod guard;
mod history;
mod merge;
mod peers;
mod pins;
mod policy;
mod process;
mod restart;
mod scan;
mod select;
mod session;
mod signers;
mod terminal;
mod values;

/// Wipes all memory when it is freed, also memory of libraries that do not know that it holds
/// secrets.
#[global_allocator]
static ALLOCATOR: zeroizing_alloc::ZeroAlloc<std::alloc::System> =
    zeroizing_alloc::ZeroAlloc(std::alloc::System);

fn main() -> ExitCode {
    process::harden();
    let cli = Cli::try_parse().unwrap_or_else(|mut error| {
        // clap would suggest passing a mistyped flag as a value.
        error.remove(ContextKind::TrailingArg);
        let suggested = error.remove(ContextKind::Suggested);
        if let Some(ContextValue::StyledStrs(tips)) = suggested {
            let is_value = |tip: &StyledStr| tip.to_string().contains("as a value, use");
            let tips: Vec<_> = tips.into_iter().filter(|tip| !is_value(tip)).collect();
            error.insert(ContextKind::Suggested, ContextValue::StyledStrs(tips));
        }
        let text = error.to_string().to_ascii_uppercase();
        if ["AGE-SECRET-KEY", "AGE-PLUGIN-"].iter().any(|start| text.contains(start)) {
            // The error would quote it.
            error = Cli::command().error(
                error.kind(),
                "an age identity is a secret key: do not write it on a command line",
            );
        }
        error.exit()
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("the operating system gives an event queue");
    let result = runtime.block_on(cli::run(cli));
    // Waits for a file that is being written, but not long for a call that hangs, such as a DNS
    // lookup.
    runtime.shutdown_timeout(Duration::from_secs(1));
    terminal::restore_terminal();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if let Some(report) = failure.report() {
                report.print();
            }
            failure.exit_code()
        }
    }
}
