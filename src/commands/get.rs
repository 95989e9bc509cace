//! `get`: lists the sealed Secrets in the cluster.

mod stale;

use clap::{Args, ValueEnum};
use jiff::Timestamp;

use crate::ages::{Notes, oldest};
use crate::candidates;
use crate::config::KekName;
use crate::failure::Failure;
use crate::select::live::list_sealed;
use crate::select::names::{Named, named};
use crate::select::selector::Selector;
use crate::session::Session;
use crate::session::local::MakeLocal;
use crate::terminal;
use envcrypt_core::access::{MayUse, Policy, Trust};
use envcrypt_core::envelope::{SealCheck, SealedSecret, now};
use envcrypt_core::kek::{KekId, KekUri};
use envcrypt_core::manifest::{self, Format, ManifestError, Object};
use envcrypt_core::secret::Namespace;
use stale::Stale;

/// How many characters of the name of a KEK the table shows.
const KEK_WIDTH: usize = 12;
const HEADER: [&str; 7] = ["NAMESPACE", "NAME", "TYPE", "KEYS", "KEKS", "SCOPE", "AGE"];
/// More columns of the wide table.
const WIDE: [&str; 2] = ["OLDEST", "OWNER"];
/// What kubectl prints for an unknown age.
const UNKNOWN: &str = "<unknown>";
/// What kubectl prints for nothing.
const NONE: &str = "<none>";

/// List the sealed Secrets in the cluster.
///
/// The list has Secrets of type envcrypt.dev/sealed, and EnvcryptSecrets if the cluster has them.
/// The table shows an EnvcryptSecret as envcryptsecret/NAME.
///
/// The command calls no KMS and fetches no Secrets of other types. If this machine has used a KEK
/// by an alias, the table shows the alias. The wide table also has the age of the oldest value, and
/// the owner: the annotation `envcrypt.dev/owner`. With -o json and -o yaml, the command prints the
/// objects as they are. To print their KEKs as JSON, run `inspect -A -o json`.
///
/// With --stale, the list has only Secrets with values that must be replaced. These are values that
/// are older than the `maxAge` of their rule. They are also values from before the date in the
/// annotation `envcrypt.dev/rotate-by`, if this date has passed. Rules with a `path` do not count
/// here. The exit code is 0 in any case.
#[derive(Args)]
#[command(after_help = "Examples:
  # List the sealed Secrets of a namespace
  kubectl envcrypt get -n prod

  # List those of all namespaces, with the names of their keys and KEKs
  kubectl envcrypt get -A -o wide

  # List those with values that must be replaced, and who replaces them
  kubectl envcrypt get -A --stale

  # List those under one KEK
  kubectl envcrypt get -A --kek awskms:///alias/prod")]
pub struct GetArgs {
    /// Names of Secrets in the cluster, or evs/NAME for an EnvcryptSecret; without a name, all of
    /// the namespace
    #[arg(value_name = "NAME", conflicts_with_all = ["all_namespaces", "selector"], add = candidates::secrets())]
    names: Vec<String>,
    /// List the Secrets of all namespaces
    #[arg(short = 'A', long)]
    all_namespaces: bool,
    /// Select Secrets by their labels, for example app=web
    #[arg(short = 'l', long, value_name = "SELECTOR")]
    selector: Option<Selector>,
    /// List only Secrets under this KEK (can be repeated)
    #[arg(long, value_name = "KEK", add = candidates::keks())]
    kek: Vec<KekName>,
    /// List only Secrets with values that must be replaced
    #[arg(long)]
    stale: bool,
    /// Output format
    #[arg(short, long, value_enum, default_value = "table", help_heading = "Output")]
    output: Output,
    /// Do not print the header of the table
    #[arg(long, help_heading = "Output")]
    no_headers: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    Table,
    Wide,
    Json,
    Yaml,
    Name,
}

pub async fn run(args: GetArgs, session: &Session) -> Result<(), Failure> {
    let default = session.namespace()?;
    // Only aliases are read from it, so errors in the configuration do not matter here.
    let policy = session.policy_to_seal(MayUse::Granted);
    let policy =
        policy.or_else(|_| Ok::<_, Failure>(Policy::new(MayUse::Granted, Trust::load(None)?)))?;
    let keks = session.keks(&args.kek, MakeLocal::No)?;
    let mut objects = args.objects(session, &default).await?;
    if !keks.is_empty() {
        objects.retain(|object| is_under(object, &default, &keks, &policy));
    }
    let place = match args.all_namespaces {
        true => "any namespace".to_owned(),
        false => format!("the namespace `{default}`"),
    };
    let is_empty = objects.is_empty();
    let mut rows = None;
    if args.stale && !is_empty {
        let stale = Stale::find(session, objects, &default)?;
        stale.tell(&place);
        (objects, rows) = (stale.objects, Some(stale.rows));
    }
    // A program gets an empty list, and a person a note.
    if objects.is_empty() && args.output != Output::Json {
        if is_empty {
            let under = if keks.is_empty() { "" } else { " under this KEK" };
            terminal::note(&format!("there is no sealed Secret{under} in {place}"));
        }
        return Ok(());
    }
    let text = match args.output {
        Output::Table | Output::Wide => match rows {
            Some(rows) => args.aligned(&stale::HEADER, rows),
            None => args.table(&objects, &default, &policy),
        },
        Output::Name => objects
            .iter()
            .map(|object| format!("{}\n", terminal::visible(&object.reference())))
            .collect(),
        Output::Json => {
            terminal::visible_json(&manifest::write(&objects, Format::Json)).into_owned()
        }
        Output::Yaml => {
            terminal::visible_json(&manifest::write(&objects, Format::Yaml)).into_owned()
        }
    };
    Ok(terminal::stdout(text.as_bytes())?)
}

impl GetArgs {
    async fn objects(
        &self,
        session: &Session,
        default: &Namespace,
    ) -> Result<Vec<Object>, Failure> {
        let cluster = session.cluster().await?;
        let mut found = Vec::new();
        if self.names.is_empty() {
            let namespace = (!self.all_namespaces).then_some(default);
            let selector = self.selector.as_ref().map(Selector::as_str);
            let take = async |objects: Vec<Object>| found.extend(objects);
            list_sealed(&cluster, namespace, selector, take).await?;
            found.sort_by(|a, b| key(a).cmp(&key(b)));
        }
        for name in &self.names {
            let Named { form, place } = named(default, name)?;
            let object = cluster.get_as(&place, form).await?;
            if !object.is_sealed() {
                return Err(ManifestError::Plain(object.title()).into());
            }
            found.push(object);
        }
        // kubectl does not print them either.
        found.iter_mut().for_each(|object| drop(object.metadata.other.remove("managedFields")));
        Ok(found)
    }

    fn table(&self, objects: &[Object], default: &Namespace, policy: &Policy) -> String {
        let is_wide = self.output == Output::Wide;
        let header = [&HEADER[..], if is_wide { &WIDE } else { &[] }].concat();
        let now = Timestamp::now();
        let rows = objects.iter().map(|object| self.row(object, default, policy, now)).collect();
        self.aligned(&header, rows)
    }

    /// A table with columns as wide as their texts.
    fn aligned(&self, header: &[&str], mut rows: Vec<Vec<String>>) -> String {
        if !self.no_headers {
            rows.insert(0, header.iter().map(|&text| text.to_owned()).collect());
        }
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
        let widths: Vec<usize> =
            (0..header.len()).map(|column| width(column).unwrap_or(0)).collect();
        let mut text = String::new();
        for row in &rows {
            let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
            let line = cells.collect::<Vec<_>>().join("   ");
            text.push_str(&terminal::visible(line.trim_end()));
            text.push('\n');
        }
        text
    }

    fn row(
        &self,
        object: &Object,
        default: &Namespace,
        policy: &Policy,
        now: Timestamp,
    ) -> Vec<String> {
        let is_wide = self.output == Output::Wide;
        let keys = match is_wide {
            true => object.keys().collect::<Vec<_>>().join(","),
            false => object.keys().count().to_string(),
        };
        let ([kind, keks, scope], ages) = match object.sealed(default, SealCheck::Required) {
            Ok(secret) => (
                [secret.meta.kind.to_string(), keks(&secret, is_wide, policy), scope(&secret)],
                ages(object, &secret),
            ),
            Err(error) => {
                terminal::warn(&error.to_string());
                (
                    [terminal::INVALID; 3].map(str::to_owned),
                    [terminal::INVALID; 2].map(str::to_owned),
                )
            }
        };
        let namespace = object.metadata.namespace.clone().unwrap_or_default();
        let created = object.metadata.other.get("creationTimestamp").and_then(|time| time.as_str());
        let created = created.and_then(|time| time.parse::<Timestamp>().ok());
        let age = created.map_or_else(
            || UNKNOWN.to_owned(),
            |created| terminal::age(now.as_second() - created.as_second()),
        );
        let mut row = vec![namespace, shown_name(object), kind, keys, keks, scope, age];
        row.extend(ages.into_iter().filter(|_| is_wide));
        row
    }
}

/// A name with its kind can be given to every command.
fn shown_name(object: &Object) -> String {
    match object.is_resource() {
        true => object.reference(),
        false => name(object).to_owned(),
    }
}

/// The age of the oldest value, and the owner.
fn ages(object: &Object, secret: &SealedSecret) -> [String; 2] {
    let notes = Notes::of(object, secret);
    let oldest = oldest(secret, &notes, now()).map(terminal::age);
    [oldest, notes.owner].map(|text| text.unwrap_or_else(|| NONE.to_owned()))
}

fn name(object: &Object) -> &str {
    object.metadata.name.as_deref().unwrap_or("")
}

/// Sorts as the API server does, with both forms of a name side by side.
fn key(object: &Object) -> (Option<&str>, &str, bool) {
    (object.metadata.namespace.as_deref(), name(object), object.is_resource())
}

fn scope(secret: &SealedSecret) -> String {
    secret.scope().map_or_else(|| "mixed".to_owned(), |scope| scope.to_string())
}

/// Whether it is under one of these KEKs. An alias names the keys that were seen behind it.
fn is_under(object: &Object, default: &Namespace, keks: &[KekUri], policy: &Policy) -> bool {
    let is_named = |key: &KekId| keks.iter().any(|kek| policy.trust().may_name(kek, key.uri()));
    let secret = object.sealed(default, SealCheck::Required);
    secret.is_ok_and(|secret| secret.keys().iter().any(is_named))
}

/// Its KEKs, by their aliases if this machine has used them by an alias.
fn keks(secret: &SealedSecret, is_wide: bool, policy: &Policy) -> String {
    let names = secret.keys().into_iter().map(|key| {
        let alias = policy.trust().aliases_of(&key).next().cloned();
        let kek = alias.unwrap_or(key.into());
        if is_wide { kek.to_string() } else { short(&kek) }
    });
    names.collect::<Vec<_>>().join(",")
}

/// Its scheme, and the first characters of its name.
fn short(kek: &KekUri) -> String {
    let text = kek.to_string();
    let scheme = kek.scheme();
    let rest = text.strip_prefix(scheme).unwrap_or(&text).trim_start_matches([':', '/']);
    let last = rest.rsplit('/').next().unwrap_or(rest);
    let mut shown: String = last.chars().take(KEK_WIDTH).collect();
    if shown.len() < last.len() {
        shown.push('…');
    }
    format!("{scheme}:{shown}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kek_is_shown_short() {
        for (uri, expected) in [
            ("awskms:///alias/prod", "awskms:prod"),
            (
                "awskms:///arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
                "awskms:1234abcd-12a…",
            ),
            ("hashivault://prod", "hashivault:prod"),
        ] {
            assert_eq!(short(&uri.parse().expect("a KEK")), expected);
        }
    }
}
