//! `kek`: the local key, the trusted ones, and a round trip.

use std::time::Instant;

use clap::{Args, Subcommand};

use super::local::MakeLocal;
use super::sealing;
use super::{Failure, Session, complete, local};
#[cfg(feature = "age")]
use crate::kek::{Action, KekError, Refusal, Scheme};
use crate::kek::{Context, DataKey, KekUri, Trusted};
use crate::terminal;

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
    /// Show which KEKs this machine may ask, and why.
    List,
    /// Let this machine ask a KEK that a sealed file names.
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

#[derive(Args)]
struct TrustArgs {
    /// The KEK's URI, or local
    #[arg(value_name = "KEK", required = true, add = complete::keks())]
    keks: Vec<String>,
    /// Forget it instead
    #[arg(long)]
    remove: bool,
}

#[derive(Args)]
struct TestArgs {
    /// The KEKs: local, or URIs; else those that `create` would take
    #[arg(value_name = "KEK", add = complete::keks())]
    keks: Vec<String>,
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
    let mut lines = local::identities(session)?;
    for (uri, why) in session.trust(&[])?.iter() {
        let why = match why {
            Trusted::Named => "named in the environment",
            Trusted::Configured => "named in your configuration",
            Trusted::Accepted => "accepted, or sealed to from here",
        };
        lines.push((uri.clone(), why.to_owned()));
    }
    let mut seen = std::collections::HashSet::new();
    lines.retain(|(uri, _)| seen.insert(uri.clone()));
    if lines.is_empty() {
        terminal::note("there is none yet; `kubectl envcrypt kek new` makes a local one");
    }
    let width = lines.iter().map(|(uri, _)| uri.as_str().len()).max().unwrap_or(0).min(80);
    let line = |(uri, why): &(KekUri, String)| format!("{:<width$}  {why}\n", uri.as_str());
    let text: String = lines.iter().map(line).collect();
    Ok(terminal::stdout(text.as_bytes())?)
}

fn trust(args: &TrustArgs, session: &Session) -> Result<(), Failure> {
    let mut trust = session.trust(&[])?;
    let mut text = String::new();
    for name in &args.keks {
        let kek = &sealing::uri(session, name, MakeLocal::No)?;
        if !args.remove {
            check_recipient(kek)?;
            trust.accept(kek)?;
            text += &format!("{kek} trusted\n");
        } else if trust.forget(kek)? {
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
    if kek.scheme() != Scheme::Age || crate::kek::age::is_recipient(kek) {
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
    let mut trust = session.trust(&args.keks)?;
    let keks = match &args.keks[..] {
        [] => sealing::choose(session, &[], &session.namespace()?, None, &mut trust)?,
        names => names
            .iter()
            .map(|name| sealing::uri(session, name, MakeLocal::No))
            .collect::<Result<_, _>>()?,
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
    let opened = ring.holds(&[&wrapped], &context, same).await;
    opened.map_err(|mut refusals| refusals.remove(0))?;
    Ok(wrapped.kek)
}
