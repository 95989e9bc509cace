//! `--dry-run`: the values of the flag.

use clap::ValueEnum;

/// `--dry-run`
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DryRun {
    /// Make the change.
    None,
    /// Send nothing to the cluster.
    Client,
    /// Let the API server check the request without saving it.
    Server,
}

/// `--dry-run` of a command that needs a KMS: a server cannot know what the KMS would do.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ClientDryRun {
    /// Change nothing.
    Client,
}
