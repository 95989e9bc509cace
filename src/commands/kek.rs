//! `kek`: the local key, the trusted KEKs, and a round trip through a KEK.

use std::collections::BTreeSet;
use std::time::Instant;

use clap::{Args, Subcommand};

use crate::access::choice::{self, Chooser};
use crate::access::opener::consents;
use crate::access::round_trip::round_trip;
use crate::candidates;
use crate::config::KekName;
use crate::failure::Failure;
use crate::session::Session;
use crate::session::kek_variable;
use crate::session::local;
use crate::session::local::MakeLocal;
use crate::terminal;
use envcrypt_core::access::{MayUse, Scope, Trust, Uses};
use envcrypt_core::kek::KekUri;
#[cfg(feature = "age")]
use envcrypt_core::kek::{Action, KekError, Refusal};
use envcrypt_core::secret::Place;

/// Create, list, trust and test key-encryption keys.
#[derive(Args)]
#[command(after_help = "Examples:
  # Create a local key, for use with `--kek local`
  kubectl envcrypt kek new

  # Show which KEKs this machine may use
  kubectl envcrypt kek list

  # Test whether a KEK works for you
  kubectl envcrypt kek test awskms:///alias/prod")]
pub struct KekArgs {
    #[command(subcommand)]
    command: KekCommand,
}

#[derive(Subcommand)]
enum KekCommand {
    #[cfg(feature = "age")]
    New(NewArgs),
    /// Show which KEKs this machine may use, for what, where, and why.
    #[command(after_help = "Examples:
  # Show all KEKs that this machine may use
  kubectl envcrypt kek list

  # Show only keys of AWS KMS
  kubectl envcrypt kek list | grep awskms")]
    List,
    Trust(TrustArgs),
    Test(TestArgs),
}

/// Create the local key: an age identity in your configuration directory.
///
/// Use it to try things out, or to work without a cloud. Everyone who has the file can open
/// everything that is sealed with `local`. If you lose the file, you cannot open those Secrets.
#[cfg(feature = "age")]
#[derive(Args)]
#[command(after_help = "Examples:
  # Create the local key, then seal a Secret with it
  kubectl envcrypt kek new
  kubectl envcrypt create db --generate password --kek local -w db.yaml

  # Create a post-quantum hybrid key
  kubectl envcrypt kek new --post-quantum")]
struct NewArgs {
    /// Create a post-quantum hybrid key (ML-KEM-768 and X25519); each sealed value grows by 1.5 KB
    #[arg(long)]
    post_quantum: bool,
}

/// Allow this machine to use a KEK for the Secrets of a namespace.
///
/// The machine may then open Secrets that are sealed under this KEK. With --seal, it may also seal
/// values to the KEK if a rule of `.envcrypt.yaml` or the Secret itself names it. The namespace is
/// that of -n, which can be a pattern (prod-*), or that of your kubeconfig. With -A, the KEK is
/// allowed in all namespaces.
#[derive(Args)]
#[command(after_help = "Examples:
  # Open Secrets of prod that a colleague sealed
  kubectl envcrypt kek trust -n prod awskms:///arn:aws:kms:eu-west-1:111122223333:alias/prod

  # Seal to a KEK too, in all namespaces that match a pattern
  kubectl envcrypt kek trust --seal -n 'prod-*' hashivault://prod

  # Remove all grants of a KEK
  kubectl envcrypt kek trust --remove hashivault://prod")]
struct TrustArgs {
    /// URI of the KEK, or local
    #[arg(value_name = "KEK", required = true, add = candidates::keks())]
    keks: Vec<KekName>,
    /// Allow sealing to the KEK, too
    #[arg(long, conflicts_with = "remove")]
    seal: bool,
    /// Allow the KEK in all namespaces
    #[arg(short = 'A', long)]
    all_namespaces: bool,
    /// Remove grants of the KEK: with -n or -A, only that grant, otherwise all
    #[arg(long)]
    remove: bool,
}

/// Wrap and unwrap a random key, to test whether a KEK works for you.
#[derive(Args)]
#[command(after_help = "Examples:
  # Test one KEK
  kubectl envcrypt kek test awskms:///alias/prod

  # Test the KEKs that `create` would use in a namespace
  kubectl envcrypt kek test -n prod")]
struct TestArgs {
    /// URIs of KEKs, or local; without a KEK, those that `create` would use
    #[arg(value_name = "KEK", add = candidates::keks())]
    keks: Vec<KekName>,
}

pub async fn run(args: KekArgs, session: &Session) -> Result<(), Failure> {
    match args.command {
        #[cfg(feature = "age")]
        KekCommand::New(args) => new(&args, session),
        KekCommand::List => list(session),
        KekCommand::Trust(args) => trust(&args, session),
        KekCommand::Test(args) => test(&args, session).await,
    }
}

#[cfg(feature = "age")]
fn new(args: &NewArgs, session: &Session) -> Result<(), Failure> {
    let path = session.folder.local_identity()?;
    let uri = local::make(&path, args.post_quantum)?;
    terminal::note(&format!(
        "keep `{}` safe: without it, you cannot open what is sealed with it",
        path.display()
    ));
    Ok(terminal::stdout(format!("{uri}\n").as_bytes())?)
}

fn list(session: &Session) -> Result<(), Failure> {
    const OPEN_OWN: &str = "open";
    let mut rows: Vec<[String; 4]> = Vec::new();
    let mut listed = BTreeSet::new();
    let mut row = |kek: &KekUri, uses: &str, scope: &str, why: &str| {
        listed.insert(kek.clone());
        rows.push([kek.to_string(), uses.to_owned(), scope.to_owned(), why.to_owned()]);
    };
    for (kek, why) in local::identities(session)? {
        row(&kek, OPEN_OWN, "*", &why);
    }
    for name in kek_variable()? {
        let kek = session.kek(&name, MakeLocal::No)?;
        row(&kek, "open,seal", "*", "named in the environment: only these open");
    }
    let policy = session.policy_to_seal(MayUse::Granted)?;
    for grant in policy.grants() {
        let is_listed = policy.trust().grants().any(|known| known == grant);
        let mut why =
            if is_listed { "accepted, or sealed to from here" } else { "in your settings" }
                .to_owned();
        for alias in policy.trust().aliases_of(&grant.kek) {
            why += &format!("; `{}`", alias.rest());
        }
        row(grant.kek.uri(), &grant.uses.to_string(), &grant.scope.to_string(), &why);
    }
    #[cfg(feature = "age")]
    tell_missing_plugins(session, &listed)?;
    if rows.is_empty() {
        terminal::note(
            "there are no KEKs yet; run `kubectl envcrypt kek new` to create a local one",
        );
    }
    let width = |column: usize, most: usize| {
        rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0).min(most)
    };
    let (kek, uses, scope) = (width(0, 80), width(1, 80), width(2, 80));
    let line = |[uri, what, place, why]: &[String; 4]| {
        format!("{uri:<kek$}  {what:<uses$}  {place:<scope$}  {why}\n")
    };
    let text: String = rows.iter().map(line).collect();
    Ok(terminal::stdout(text.as_bytes())?)
}

#[cfg(feature = "age")]
fn tell_missing_plugins(session: &Session, keks: &BTreeSet<KekUri>) -> Result<(), Failure> {
    for plugin in local::plugins(session, keks)? {
        if let Err(hint) = plugin.found {
            let local::Plugin { program, needed_by, .. } = plugin;
            terminal::warn(&format!(
                "{needed_by} needs `{program}`, which is not on the PATH: {hint}"
            ));
        }
    }
    Ok(())
}

fn trust(args: &TrustArgs, session: &Session) -> Result<(), Failure> {
    let mut trust = Trust::load(session.folder.trusted())?;
    let pattern = |text: &str| {
        let wrong = |wrong| Failure::Usage(format!("`{}`: {wrong}", text.escape_default()));
        text.parse::<Scope>().map_err(wrong)
    };
    let scope = match session.named_namespace() {
        _ if args.all_namespaces => Scope::everywhere(),
        Some(text) => pattern(text)?,
        None => pattern(session.namespace()?.as_str())?,
    };
    let uses = if args.seal { Uses::Both } else { Uses::Open };
    let mut text = String::new();
    for name in &args.keks {
        let kek = &session.kek(name, MakeLocal::No)?;
        let named = args.all_namespaces || session.named_namespace().is_some();
        if !args.remove {
            check_recipient(kek)?;
            trust.grant(uses, scope.clone(), kek)?;
            text += &format!("{kek} trusted ({uses}) for `{scope}`\n");
        } else if trust.forget(kek, Some(&scope).filter(|_| named))? {
            text += &format!("{kek} forgotten\n");
        } else {
            terminal::warn(&format!("there is no such grant for `{kek}`"));
        }
    }
    Ok(terminal::stdout(text.as_bytes())?)
}

/// Finds a typing mistake in a recipient now, not only when something is sealed to it.
#[cfg(feature = "age")]
fn check_recipient(kek: &KekUri) -> Result<(), Failure> {
    if !kek.is_age() || envcrypt_core::kek::age::is_recipient(kek) {
        return Ok(());
    }
    let refused = KekError::new(kek, Action::Wrap, Refusal::NotFound);
    Err(refused.detail("it is not a valid age recipient").into())
}

#[cfg(not(feature = "age"))]
fn check_recipient(_: &KekUri) -> Result<(), Failure> {
    Ok(())
}

async fn test(args: &TestArgs, session: &Session) -> Result<(), Failure> {
    let keks = match &args.keks[..] {
        [] => {
            let consents = consents(session, session.policy_to_seal(MayUse::Granted)?);
            let name = "kubectl-envcrypt-test".parse()?;
            let place = Place { namespace: session.namespace()?, name };
            choice::choose(session, &[], &place, None, &Chooser::new(session, &consents))?
        }
        names => session.keks(names, MakeLocal::No)?,
    };
    for kek in &keks {
        let started = Instant::now();
        let lasting = round_trip(session, kek).await?;
        let line = format!("{lasting} works ({} ms)\n", started.elapsed().as_millis());
        terminal::stdout(line.as_bytes())?;
    }
    Ok(())
}
