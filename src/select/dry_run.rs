//! `--dry-run`: what would be done, without doing it.

use clap::ValueEnum;

/// `--dry-run`
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DryRun {
    /// Do it.
    None,
    /// Ask no cluster.
    Client,
    /// Let the cluster check it.
    Server,
}

/// `--dry-run` of a command for which a server could not tell what a KMS would do.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ClientDryRun {
    /// Ask no KMS and change nothing.
    Client,
}
