//! `inspect`: shows what everyone can see in a sealed Secret, without a KMS.

use std::fmt::Write;

use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::failure::Failure;
use crate::select::files::{FileArgs, LiveArgs, sealed_secrets};
use crate::session::Session;
use crate::terminal;
use envcrypt_core::envelope::{Jwe, SealCheck, SealedSecret};
use envcrypt_core::secret::Key;

/// Show keys, sizes, KEKs and scope of a sealed Secret without opening it.
///
/// The command shows what everyone can see: keys, sizes, the time of sealing, KEKs, and the scope
/// of each value. It calls no KMS, so it cannot verify that the values are intact.
#[derive(Args)]
#[command(
    override_usage = "kubectl envcrypt inspect NAME [flags]\n       kubectl envcrypt inspect -f FILE [flags]",
    after_help = "Examples:
  # Show a Secret in the cluster
  kubectl envcrypt inspect db -n prod

  # Show the sealed Secrets of a directory
  kubectl envcrypt inspect -R -f deploy/

  # Print all sealed Secrets of the cluster as JSON
  kubectl envcrypt inspect -A -o json"
)]
pub struct InspectArgs {
    #[command(flatten)]
    live: LiveArgs,
    #[command(flatten)]
    files: FileArgs,
    /// Output format
    #[arg(short, long, value_enum, default_value = "table", help_heading = "Output")]
    output: Output,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    Table,
    Json,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct View {
    namespace: String,
    name: String,
    r#type: String,
    immutable: bool,
    keks: Vec<String>,
    keys: Vec<KeyView>,
    seal: SealView,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct KeyView {
    key: String,
    /// The value has at least this many bytes,
    min_size: usize,
    /// and at most this many.
    max_size: usize,
    sealed_at: String,
    scope: String,
    keks: Vec<String>,
    /// Why the plugin would refuse the value; absent if it finds no problem offline.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SealView {
    present: bool,
    /// Always false: to check the seal, a KEK is needed.
    checked: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    sealed_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

pub async fn run(args: InspectArgs, session: &Session) -> Result<(), Failure> {
    let (secrets, rest) =
        sealed_secrets(session, &args.files, &args.live, SealCheck::Required).await?;
    if !rest.is_empty() {
        return Err(Failure::Usage("`inspect` takes one NAME, or files with `-f`".to_owned()));
    }
    let views: Vec<View> = secrets.iter().map(|found| view(&found.secret)).collect();
    let text = match (args.output, &views[..]) {
        (Output::Table, _) => views.iter().map(table).collect::<Vec<_>>().join("\n"),
        (Output::Json, [view]) => json(view),
        (Output::Json, views) => json(&views),
    };
    Ok(terminal::stdout(text.as_bytes())?)
}

fn json(value: &impl Serialize) -> String {
    let json = serde_json::to_string_pretty(value).expect("a view is plain text");
    terminal::visible_json(&json).into_owned() + "\n"
}

fn view(secret: &SealedSecret) -> View {
    let place = &secret.meta.place;
    let misplaced = |key: Option<&Key>, jwe: &Jwe| {
        (!jwe.binding.holds_at(place, key)).then(|| format!("sealed for {}", jwe.binding))
    };
    let key = |(key, jwe): (&Key, &Jwe)| KeyView {
        key: key.to_string(),
        min_size: jwe.padded_size().saturating_sub(64),
        max_size: jwe.padded_size() - 1,
        sealed_at: terminal::time(jwe.sealed_at),
        scope: jwe.binding.scope().map_or_else(String::new, |scope| scope.to_string()),
        keks: jwe.recipients.iter().map(|wrapped| wrapped.kek.to_string()).collect(),
        problem: misplaced(Some(key), jwe),
    };
    let seal = secret.seal.as_ref();
    View {
        namespace: place.namespace.to_string(),
        name: place.name.to_string(),
        r#type: secret.meta.kind.to_string(),
        immutable: secret.meta.immutable,
        keks: secret.keks().into_iter().map(ToString::to_string).collect(),
        keys: secret.values.iter().map(key).collect(),
        seal: SealView {
            present: seal.is_some(),
            checked: false,
            sealed_at: seal.map(|jwe| terminal::time(jwe.sealed_at)),
            problem: match seal {
                None => Some("missing".to_owned()),
                Some(jwe) => misplaced(None, jwe),
            },
        },
    }
}

fn table(view: &View) -> String {
    let mut text = format!("{}/{}\n", view.namespace, view.name);
    let mut line = |name: &str, value: &str| {
        writeln!(text, "  {name:<10} {}", terminal::visible(value)).expect("a String");
    };
    line("type", &view.r#type);
    if view.immutable {
        line("immutable", "yes");
    }
    for kek in &view.keks {
        line("kek", kek);
    }
    let seal = match &view.seal.problem {
        Some(problem) => format!("PROBLEM: {problem}"),
        None => "present; it is checked when the Secret is opened".to_owned(),
    };
    line("seal", &seal);
    let width = view.keys.iter().map(|key| key.key.len()).max().unwrap_or(0).max(3);
    let mut row = |key: &str, size: &str, scope: &str, sealed: &str, problem: &str| {
        let row = format!("  {key:<width$}  {size:<15}  {scope:<9}  {sealed}  {problem}");
        writeln!(text, "{}", row.trim_end()).expect("a String");
    };
    row("KEY", "BYTES", "SCOPE", "SEALED", "");
    for key in &view.keys {
        let size = match key.min_size {
            0 => format!("up to {}", key.max_size),
            least => format!("{least} to {}", key.max_size),
        };
        let problem = key.problem.as_ref().map_or_else(String::new, |p| format!("PROBLEM: {p}"));
        row(&key.key, &size, &key.scope, &key.sealed_at, &problem);
    }
    text
}
