//! Choosing the KEKs to seal with.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;

use super::local::{self, MakeLocal};
use super::session::{Session, kek_variable};
use super::{Failure, complete};
use crate::config::{Occasion, Rules};
use crate::envelope::{Scope, SealedSecret};
use crate::kek::{KekUri, Scheme, Trust};
use crate::secret::Namespace;
use crate::terminal;

/// The flags of every command that seals plain values.
#[derive(Args)]
#[command(next_help_heading = "Sealing")]
pub struct SealingArgs {
    /// The KEK to seal with: local, or a URI; repeatable
    #[arg(long, value_name = "KEK", add = complete::keks())]
    pub kek: Vec<String>,
    /// What the values are bound to: strict (namespace, name and key), namespace, cluster
    #[arg(long, default_value = "strict", value_name = "SCOPE", add = complete::scopes())]
    pub scope: Scope,
}

/// Takes `--kek`, else `ENVCRYPT_KEK`, else the first matching rule of the
/// nearest `.envcrypt.yaml`, else the user's settings.
///
/// A rule comes with the repository, and whoever can write that could name
/// their own KEK: what only a rule names must be known here, or be accepted.
pub fn choose(
    session: &Session,
    flags: &[String],
    namespace: &Namespace,
    path: Option<&Path>,
    trust: &mut Trust,
) -> Result<Vec<KekUri>, Failure> {
    if !flags.is_empty() {
        return uris(session, flags, MakeLocal::Yes);
    }
    let environment = kek_variable();
    if !environment.is_empty() {
        return resolve(session, &environment);
    }
    if let Some((rules, names)) = ruled(session, namespace, path)? {
        let keks = resolve(session, &names)?;
        for kek in &keks {
            accept_rule(session, &rules, kek, trust)?;
        }
        return Ok(keks);
    }
    let configured = &session.settings()?.keks;
    if configured.is_empty() {
        return Err(Failure::NoKek);
    }
    resolve(session, configured)
}

/// The KEKs that environment, rules and settings name for a Secret there; those of
/// rules only where they are known. Asks nobody.
pub fn named_for(
    session: &Session,
    namespace: &Namespace,
    path: Option<&Path>,
    trust: &Trust,
) -> Result<Vec<KekUri>, Failure> {
    let mut named = resolve(session, &kek_variable())?;
    if let Some((_, names)) = ruled(session, namespace, path)? {
        let ruled = names.iter().filter_map(|name| uri(session, name, MakeLocal::No).ok());
        named.extend(ruled.filter(|kek| trust.knows(kek)));
    }
    named.extend(resolve(session, &session.settings()?.keks)?);
    Ok(named)
}

/// Remembers what was sealed to, under the names given and the lasting ones.
pub fn remember<'a>(trust: &mut Trust, keks: impl IntoIterator<Item = &'a KekUri>) {
    for kek in keks {
        if let Err(error) = trust.accept(kek) {
            terminal::warn(&format!("{error}; you may be asked about `{kek}` again"));
        }
    }
}

fn ruled(
    session: &Session,
    namespace: &Namespace,
    path: Option<&Path>,
) -> Result<Option<(Rules, Vec<String>)>, Failure> {
    let read = |source| Failure::Read { path: ".".into(), source };
    let here = std::env::current_dir().map_err(read)?;
    // `..` taken out: else the folders above would be those of another place.
    let path = path.map(|path| {
        let path = here.join(path);
        let folder = path.parent().and_then(|folder| folder.canonicalize().ok());
        folder.zip(path.file_name()).map_or(path.clone(), |(folder, name)| folder.join(name))
    });
    let start = path.as_deref().and_then(Path::parent).unwrap_or(&here);
    let Some(rules) = Rules::nearest(start)? else { return Ok(None) };
    let context = session.target().ok().and_then(|target| target.context());
    let occasion = Occasion { namespace: namespace.as_str(), context, path: path.as_deref() };
    let names = rules.keks(occasion).map(<[String]>::to_vec);
    Ok(names.map(|names| (rules, names)))
}

fn accept_rule(
    session: &Session,
    rules: &Rules,
    kek: &KekUri,
    trust: &mut Trust,
) -> Result<(), Failure> {
    if trust.knows(kek) || is_own(session, kek)? {
        return Ok(());
    }
    let prompt = session.prompt();
    if !prompt.is_available() {
        return Err(Failure::UntrustedRule { rules: rules.path.clone(), kek: kek.clone() });
    }
    let question = format!(
        "`{}` says to seal with `{kek}`, new to this machine; is it yours",
        rules.path.display()
    );
    match prompt.confirm(&question)? {
        true => Ok(trust.accept(kek)?),
        false => Err(Failure::NotAccepted(kek.clone())),
    }
}

/// Whether it is the recipient of one of the person's own identities.
pub fn is_own(session: &Session, kek: &KekUri) -> Result<bool, Failure> {
    let is_age = kek.scheme() == Scheme::Age;
    Ok(is_age && local::identities(session)?.iter().any(|(own, _)| own == kek))
}

fn resolve(session: &Session, names: &[String]) -> Result<Vec<KekUri>, Failure> {
    uris(session, names, MakeLocal::No)
}

/// KEKs by their names, each once.
pub fn uris(session: &Session, names: &[String], make: MakeLocal) -> Result<Vec<KekUri>, Failure> {
    let mut distinct = Vec::new();
    for name in names {
        let kek = uri(session, name, make)?;
        if !distinct.contains(&kek) {
            distinct.push(kek);
        }
    }
    Ok(distinct)
}

/// A KEK by its URI, or `local`.
pub fn uri(session: &Session, name: &str, make: MakeLocal) -> Result<KekUri, Failure> {
    match name {
        "local" => local::uri(session, make),
        _ => Ok(name.parse()?),
    }
}

/// The scope in which its parts are sealed anew.
pub fn scope(secret: &SealedSecret) -> Result<Scope, Failure> {
    secret.scope().ok_or_else(|| Failure::MixedScopes(secret.meta.place.to_string()))
}

/// Seconds since 1970.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
