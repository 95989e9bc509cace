//! Errors of the guards: a change that is meant for another cluster.

use std::path::PathBuf;

use thiserror::Error;

use super::Explain;

/// A Secret, where it should go, and where it would go.
#[derive(Debug)]
pub struct OtherCluster {
    /// The file, or the Secret if it comes from no file.
    pub what: String,
    /// The file with the entry.
    pub rules: PathBuf,
    /// The position of the entry, counted from 1.
    pub number: usize,
    /// The clusters that the entry names.
    pub wanted: String,
    pub in_use: String,
    /// The other contexts of this machine that the entry allows.
    pub contexts: Vec<String>,
    /// The flags without which the context in use is allowed.
    pub flags: Vec<&'static str>,
    /// What `guard add` takes to allow the cluster in use.
    pub path: Option<String>,
}

#[derive(Debug, Error)]
pub enum GuardError {
    /// An entry of `clusters` names other clusters.
    #[error("{} is not for the cluster in use", .0.what)]
    OtherCluster(Box<OtherCluster>),
    /// The settings protect the context, and there is nobody to type its name.
    #[error(
        "your settings protect the context `{0}`, and there is no terminal to prompt for its name"
    )]
    Protected(String),
    #[error("nothing was done: you did not type the name of the context `{0}`")]
    NotNamed(String),
    /// Neither a flag nor the kubeconfig names a server.
    #[error("there is no cluster in use")]
    NoCluster,
    /// Another entry matches first, so a change would have no effect.
    #[error("entry {first} of `clusters` in `{rules}` matches the path before entry {own} does")]
    Shadowed { rules: PathBuf, first: usize, own: usize },
    #[error("the path `{0}` cannot be written as a pattern: {1}")]
    Path(PathBuf, &'static str),
    /// The file is written in a way that cannot be edited without changing the rest.
    #[error("`{rules}` cannot be changed: it is written in a way that the command does not edit")]
    NotEdited {
        rules: PathBuf,
        /// What to add by hand.
        text: String,
    },
}

impl Explain for GuardError {
    fn causes(&self) -> Vec<String> {
        let Self::OtherCluster(other) = self else { return Vec::new() };
        let OtherCluster { rules, number, wanted, in_use, .. } = &**other;
        vec![
            format!("entry {number} of `clusters` in `{}` allows only {wanted}", rules.display()),
            format!("the cluster in use has {in_use}"),
        ]
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::OtherCluster(other) => other.hints(),
            Self::Protected(context) => {
                vec![format!("to go ahead, name the context: `--context {context}`")]
            }
            Self::NotEdited { text, .. } => vec![format!("add this by hand: {text}")],
            Self::Shadowed { first, own, .. } => {
                vec![format!(
                    "the first match counts: move entry {own} before entry {first}, then run the command again"
                )]
            }
            Self::Path(..) => vec!["write the entry of `clusters` by hand".to_owned()],
            Self::NoCluster => vec!["choose one with `--context` or `KUBECONFIG`".to_owned()],
            Self::NotNamed(_) => Vec::new(),
        }
    }
}

impl OtherCluster {
    fn hints(&self) -> Vec<String> {
        let choice = match (&self.flags[..], &self.contexts[..]) {
            ([], []) => "choose the cluster with `--context NAME`".to_owned(),
            ([], names) => {
                let names = names.join("` or `--context ");
                format!("choose the cluster with `--context {names}`")
            }
            (flags, _) => {
                let flags = flags.join("` and `");
                format!("leave out `{flags}`: the entry allows the context in use without that")
            }
        };
        let add = match &self.path {
            Some(path) => format!("run `kubectl envcrypt guard add {path}`"),
            None => "change the entry".to_owned(),
        };
        vec![
            choice,
            format!(
                "if the cluster in use is right, too, {add}; to ignore the entry for this run, add `--any-cluster`"
            ),
        ]
    }
}
