//! `__complete`: candidates for the words so far, as kubectl asks for them,
//! with names from the cluster, the kubeconfig and the configuration.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::time::Duration;

use clap::{Args, CommandFactory};
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate, complete};

use super::session::Environment;
use super::{Failure, Session};
use crate::cli::Cli;
use crate::cluster::{Cluster, ConnectOptions, Sort, context_names};
use crate::manifest::Object;
use crate::terminal;

/// Completion must not hang where the cluster does.
const PATIENCE: Duration = Duration::from_secs(3);

/// The words behind `kubectl envcrypt`, the last one partial.
#[derive(Args)]
pub struct CompleteArgs {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    words: Vec<OsString>,
}

/// What the words so far say, for the candidates below: clap's engine hands
/// them nothing but the partial word.
#[derive(Default)]
struct Line {
    words: Vec<String>,
    options: ConnectOptions,
}

static LINE: std::sync::OnceLock<Line> = std::sync::OnceLock::new();

/// Prints candidates, a line each, and kubectl's directive last. Never fails:
/// a shell has no use for an error while someone types.
pub async fn run(args: CompleteArgs) -> Result<(), Failure> {
    let mut words = args.words;
    if words.first().is_some_and(|word| word == "--") {
        words.remove(0);
    }
    let texts: Vec<String> = words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let options = connect_options(&texts);
    let _ = LINE.set(Line { words: texts, options });
    let mut line = vec![OsString::from("kubectl-envcrypt")];
    line.append(&mut words);
    if line.len() == 1 {
        line.push(OsString::new());
    }
    let last = line.len() - 1;
    let here = std::env::current_dir().ok();
    // The candidates block on their own runtime, so they need a thread of their own.
    let candidates = std::thread::spawn(move || {
        complete(&mut Cli::command(), line, last, here.as_deref()).unwrap_or_default()
    });
    let candidates = candidates.join().unwrap_or_default();
    let mut text = String::new();
    for candidate in candidates.iter().filter(|candidate| !candidate.is_hide_set()) {
        text += &candidate.get_value().to_string_lossy();
        if let Some(help) = candidate.get_help() {
            text.push('\t');
            text += help.to_string().lines().next().unwrap_or_default();
        }
        text.push('\n');
    }
    // 0: the shell completes files where there is no candidate.
    text += if candidates.is_empty() { ":0\n" } else { ":4\n" };
    Ok(terminal::stdout(text.as_bytes())?)
}

/// The namespaces of the cluster.
pub fn namespaces() -> ArgValueCandidates {
    ArgValueCandidates::new(|| ask(async |cluster| cluster.namespaces().await.unwrap_or_default()))
}

/// The contexts of the kubeconfig.
pub fn contexts() -> ArgValueCandidates {
    ArgValueCandidates::new(|| candidates(context_names(&line().options)))
}

/// `local`, and the KEKs that this machine knows.
pub fn keks() -> ArgValueCandidates {
    ArgValueCandidates::new(|| {
        let session = Session::new(ConnectOptions::default());
        let granted = session.policy(&[], Environment::Beside).map(|policy| {
            policy.grants().map(|grant| grant.kek.to_string()).collect::<BTreeSet<_>>()
        });
        candidates(["local".to_owned()].into_iter().chain(granted.unwrap_or_default()))
    })
}

/// The types that `create` knows by a short name.
pub fn types() -> ArgValueCandidates {
    let names = ["generic", "basic-auth", "ssh-auth", "tls", "docker-registry", "bootstrap-token"];
    ArgValueCandidates::new(move || candidates(names.map(str::to_owned)))
}

/// The scopes.
pub fn scopes() -> ArgValueCandidates {
    ArgValueCandidates::new(|| candidates(["strict", "namespace", "cluster"].map(str::to_owned)))
}

/// The names of the sealed Secrets.
pub fn secrets() -> ArgValueCandidates {
    ArgValueCandidates::new(|| {
        ask(async |cluster| {
            let found = sealed_secrets(cluster).await.into_iter();
            found.filter_map(|object| object.metadata.name).collect()
        })
    })
}

async fn sealed_secrets(cluster: &Cluster) -> Vec<Object> {
    let target = crate::cluster::Target::load(line().options.clone()).ok();
    let Some(namespace) = target.and_then(|target| target.namespace().ok()) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let take = async |objects: Vec<Object>| found.extend(objects);
    let _ = cluster.secrets(Sort::Sealed, Some(&namespace), None, take).await;
    found
}

/// The names of the sealed Secrets; behind a name, or with `-f`, the keys.
pub fn secrets_and_keys() -> ArgValueCandidates {
    ArgValueCandidates::new(|| {
        let files = files(&line().words);
        if !files.is_empty() {
            return candidates(files.iter().flat_map(|file| keys_of_file(file)));
        }
        let names = positionals(&line().words);
        ask(async |cluster| {
            let found = sealed_secrets(cluster).await;
            match names.first() {
                None => found.into_iter().filter_map(|object| object.metadata.name).collect(),
                Some(name) => {
                    let object = found
                        .into_iter()
                        .find(|object| object.metadata.name.as_ref() == Some(name));
                    object
                        .and_then(|object| object.data)
                        .map_or_else(Vec::new, |data| data.into_keys().collect())
                }
            }
        })
    })
}

fn line() -> &'static Line {
    LINE.get_or_init(Line::default)
}

fn candidates(names: impl IntoIterator<Item = String>) -> Vec<CompletionCandidate> {
    names.into_iter().map(CompletionCandidate::new).collect()
}

/// Asks the cluster, within reason; nothing where it does not answer.
fn ask(question: impl AsyncFnOnce(&Cluster) -> Vec<String>) -> Vec<CompletionCandidate> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let Ok(runtime) = runtime else { return Vec::new() };
    let answer = runtime.block_on(async {
        let target = crate::cluster::Target::load(line().options.clone()).ok()?;
        let answer = async { Some(question(&target.connect().await.ok()?).await) };
        tokio::time::timeout(PATIENCE, answer).await.ok().flatten()
    });
    candidates(answer.unwrap_or_default())
}

/// The connection flags among the words; the rest may still be incomplete.
fn connect_options(words: &[String]) -> ConnectOptions {
    let value = |names: &[&str]| {
        words.iter().enumerate().find_map(|(index, word)| {
            names.iter().find_map(|name| match word.strip_prefix(name) {
                Some("") => words.get(index + 1).cloned(),
                Some(rest) => rest.strip_prefix('=').map(str::to_owned),
                None => None,
            })
        })
    };
    ConnectOptions {
        kubeconfig: value(&["--kubeconfig"]).map(Into::into),
        context: value(&["--context"]),
        cluster: value(&["--cluster"]),
        user: value(&["--user"]),
        namespace: value(&["--namespace", "-n"]).filter(|text| !text.is_empty()),
        request_timeout: Some(PATIENCE),
        ..ConnectOptions::default()
    }
}

fn files(words: &[String]) -> Vec<String> {
    let follows = words.windows(2).filter(|pair| pair[0] == "-f" || pair[0] == "--filename");
    let joined = words.iter().filter_map(|word| word.strip_prefix("--filename="));
    // The last word is the one being typed.
    let partial = words.len().saturating_sub(1);
    let named = follows.map(|pair| pair[1].as_str()).chain(joined).map(str::to_owned);
    named.filter(|name| words.get(partial) != Some(name)).collect()
}

/// The words before the partial one that are neither a command nor a flag or its value.
fn positionals(words: &[String]) -> Vec<String> {
    let mut positionals = Vec::new();
    let mut skip = true; // the command itself
    for word in &words[..words.len().saturating_sub(1)] {
        if std::mem::replace(&mut skip, false) {
            continue;
        }
        match word.starts_with('-') {
            true => skip = !word.contains('=') && takes_value(&words[0], word),
            false => positionals.push(word.clone()),
        }
    }
    positionals
}

/// Whether the next word belongs to a flag, as the command line itself has it.
fn takes_value(command: &str, flag: &str) -> bool {
    let cli = Cli::command();
    let command = cli.find_subcommand(command).unwrap_or(&cli);
    let is_meant = |arg: &&clap::Arg| {
        arg.get_long().is_some_and(|long| flag.strip_prefix("--") == Some(long))
            || arg.get_short().is_some_and(|short| flag == format!("-{short}"))
    };
    let arg = command.get_arguments().chain(cli.get_arguments()).find(is_meant);
    arg.is_none_or(|arg| arg.get_action().takes_values() && !arg.is_require_equals_set())
}

fn keys_of_file(path: &str) -> Vec<String> {
    let documents = std::fs::read(path).ok().and_then(|bytes| crate::manifest::parse(&bytes).ok());
    let keys = |document| match document {
        crate::manifest::Document::Secret(object) => {
            object.data.map(|data| data.into_keys().collect::<Vec<_>>())
        }
        crate::manifest::Document::Other(_) => None,
    };
    documents.into_iter().flatten().filter_map(keys).flatten().collect()
}
