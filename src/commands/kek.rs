//! `kek`: the local key, the trusted ones, and a round trip.

use std::cell::RefCell;
use std::time::Instant;

use clap::{Args, Subcommand};

use crate::access::choice::{self, Chooser};
use crate::candidates;
use crate::config::KekName;
use crate::failure::Failure;
use crate::session::Session;
use crate::session::kek_variable;
use crate::session::local;
use crate::session::local::MakeLocal;
use crate::terminal;
use envcrypt_core::access::{MayUse, Scope, Trust, Uses};
#[cfg(feature = "age")]
use envcrypt_core::kek::{Action, KekError, Refusal};
use envcrypt_core::kek::{Context, DataKey, KekUri};
use envcrypt_core::secret::Place;

/// Make, list, trust and test key-encryption keys.
#[derive(Args)]
pub struct KekArgs {
    #[command(subcommand)]
    command: KekCommand,
}

#[derive(Subcommand)]
enum KekCommand {
    /// Make the local key: an age identity in your configuration folder.
    #[cfg(feature = "age")]
    New(NewArgs),
    /// Show which KEKs this machine may use, for what, where, and why.
    List,
    /// Let this machine use a KEK, for the Secrets of a namespace.
    Trust(TrustArgs),
    /// Wrap and unwrap a random key, to see whether a KEK works for you.
    Test(TestArgs),
}

/// Make the local key: an age identity in your configuration folder.
///
/// It is for trying things out and for working without a cloud. Whoever has
/// the file opens everything sealed with `local`; whoever loses it, nothing.
#[cfg(feature = "age")]
#[derive(Args)]
struct NewArgs {
    /// A post-quantum hybrid key (ML-KEM-768 and X25519); sealed values grow by 1.5 KB each
    #[arg(long)]
    post_quantum: bool,
}

/// Let this machine use a KEK, for the Secrets of a namespace.
///
/// To open what is sealed under it; with --seal, also to seal values to it where a rule
/// of `.envcrypt.yaml` or the Secret itself names it. It holds for the namespace of -n
/// (a pattern: `prod-*`) or of your kubeconfig; with -A for all.
#[derive(Args)]
#[command(after_help = "Examples:
  # Open what a colleague sealed for prod
  kubectl envcrypt kek trust -n prod awskms:///arn:aws:kms:eu-west-1:111122223333:alias/prod

  # Seal to it too, where a rule says so
  kubectl envcrypt kek trust --seal -n 'prod-*' hashivault://prod")]
struct TrustArgs {
    /// The KEK's URI, or local
    #[arg(value_name = "KEK", required = true, add = candidates::keks())]
    keks: Vec<KekName>,
    /// Allow sealing to it too
    #[arg(long, conflicts_with = "remove")]
    seal: bool,
    /// For all namespaces
    #[arg(short = 'A', long)]
    all_namespaces: bool,
    /// Forget it instead: for the namespace of -n, else everywhere
    #[arg(long)]
    remove: bool,
}

#[derive(Args)]
struct TestArgs {
    /// The KEKs: local, or URIs; else those that `create` would take
    #[arg(value_name = "KEK", add = candidates::keks())]
    keks: Vec<KekName>,
}

/// Runs it.
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
        "keep `{}` safe: nothing sealed with it opens without it",
        path.display()
    ));
    Ok(terminal::stdout(format!("{uri}\n").as_bytes())?)
}

fn list(session: &Session) -> Result<(), Failure> {
    const OPEN_OWN: &str = "open";
    let mut rows: Vec<[String; 4]> = Vec::new();
    let mut row = |kek: &KekUri, uses: &str, scope: &str, why: &str| {
        rows.push([kek.to_string(), uses.to_owned(), scope.to_owned(), why.to_owned()]);
    };
    for (kek, why) in local::identities(session)? {
        row(&kek, OPEN_OWN, "*", &why);
    }
    for name in kek_variable()? {
        let kek = session.kek(&name, MakeLocal::No)?;
        row(&kek, "open,seal", "*", "named in the environment: no other opens");
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
    if rows.is_empty() {
        terminal::note("there is none yet; `kubectl envcrypt kek new` makes a local one");
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
            terminal::warn(&format!("`{kek}` was not on the list"));
        }
    }
    Ok(terminal::stdout(text.as_bytes())?)
}

/// A slip in a recipient would else be noticed only when something is sealed to it.
#[cfg(feature = "age")]
fn check_recipient(kek: &KekUri) -> Result<(), Failure> {
    if !kek.is_age() || envcrypt_core::kek::age::is_recipient(kek) {
        return Ok(());
    }
    let refused = KekError::new(kek, Action::Wrap, Refusal::NotFound);
    Err(refused.detail("it is no age recipient").into())
}

#[cfg(not(feature = "age"))]
fn check_recipient(_: &KekUri) -> Result<(), Failure> {
    Ok(())
}

async fn test(args: &TestArgs, session: &Session) -> Result<(), Failure> {
    let keks = match &args.keks[..] {
        [] => {
            let policy = RefCell::new(session.policy_to_seal(MayUse::Granted)?);
            let name = "kubectl-envcrypt-test".parse()?;
            let place = Place { namespace: session.namespace()?, name };
            choice::choose(session, &[], &place, None, &Chooser::new(session, &policy))?
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

async fn round_trip(session: &Session, kek: &KekUri) -> Result<KekUri, Failure> {
    let ring = session.ring()?;
    let key = DataKey::generate();
    let context = Context::new(Some("kubectl-envcrypt-test"), None);
    let wrapped = ring.wrap(std::slice::from_ref(kek), &key, &context).await?.remove(0);
    let same = |opened: &DataKey| opened.expose() == key.expose();
    let opened = ring.holds(&[&wrapped.key], &context, same).await;
    opened.map_err(|mut refusals| refusals.remove(0))?;
    Ok(wrapped.key.kek)
}
