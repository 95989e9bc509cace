//! `seal`: seals plain Secrets in files or in the cluster.

mod print;

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::path::Path;

use clap::{Args, ValueEnum};
use zeroize::Zeroizing;

use crate::access::choice::{self, Chooser, SealingArgs};
use crate::access::opener::consents;
use crate::author::{SigningArgs, Signs};
use crate::batch::{self, Change, Plain, Subject, confirm, owner};
use crate::failure::{AccessError, BatchError, Failure};
use crate::guard::confirm_context;
use crate::peers::{Import, ImportArgs};
use crate::select::kind::SealedKind;
use crate::select::many::{self, ManyArgs};
use crate::select::names::place_named;
use crate::session::Session;
use crate::terminal;
use crate::values::allow::AllowArgs;
use envcrypt_cluster::{Cluster, ClusterError, ReplaceError, Sort};
use envcrypt_core::access::{Consents, MayUse};
use envcrypt_core::envelope::{Scope, SealedSecret, Sealer, now};
use envcrypt_core::kek::{DataKey, KekUri};
use envcrypt_core::manifest::{self, Form, Format, ManifestError, Object};
use envcrypt_core::secret::{Place, PlainSecret, SecretType, TypeError};

/// Seal plain Secrets in files or in the cluster.
///
/// For a file, the command prints the file with its Secrets sealed. With -i, it changes the file
/// in place. Everything else in the file stays as it is, including comments and order. For a
/// Secret in the cluster, the command prints the sealed Secret. With --replace, the sealed Secret
/// replaces the plain one.
///
/// The command also opens SOPS files and SealedSecrets, in memory, and seals their Secrets.
#[derive(Args)]
#[command(
    override_usage = "kubectl envcrypt seal -f FILE [-i] [flags]\n       kubectl envcrypt seal NAME… | -l SELECTOR | -A [--replace] [flags]",
    after_help = "Examples:
  # Seal all plain Secrets of a directory, in place
  kubectl envcrypt seal -i -R -f deploy/ --kek awskms:///alias/prod

  # Seal the output of another tool
  helm template web | kubectl envcrypt seal -f - > web.yaml

  # Replace a plain Secret in the cluster with a sealed one
  kubectl envcrypt seal db -n prod --replace

  # Seal all SOPS files and SealedSecrets of a directory, with the keys of the cluster
  kubectl envcrypt seal -i -R -f deploy/ --sealed-secrets-key cluster --kek awskms:///alias/prod"
)]
pub struct SealArgs {
    #[command(flatten)]
    many: ManyArgs,
    /// Change the files in place
    #[arg(short = 'i', long, requires = "filename")]
    in_place: bool,
    /// Replace the plain Secret in the cluster with the sealed one
    #[arg(long, conflicts_with = "filename")]
    replace: bool,
    /// Replace Secrets without a prompt
    #[arg(short = 'y', long, requires = "replace")]
    yes: bool,
    /// Output format for Secrets in the cluster
    #[arg(
        short,
        long,
        value_enum,
        default_value = "yaml",
        conflicts_with = "filename",
        help_heading = "Output"
    )]
    output: Output,
    /// Kind of object to write
    #[arg(
        long,
        value_enum,
        default_value = "secret",
        conflicts_with = "replace",
        help_heading = "Output"
    )]
    kind: SealedKind,
    #[command(flatten)]
    sealing: SealingArgs,
    #[command(flatten)]
    allow: AllowArgs,
    #[command(flatten)]
    import: ImportArgs,
    #[command(flatten)]
    signing: SigningArgs,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    Yaml,
    Json,
}

pub async fn run(mut args: SealArgs, session: &Session) -> Result<(), Failure> {
    let is_live = args.many.files.filename.is_empty();
    if !is_live && !args.in_place {
        let [_] = &args.many.files.paths()?[..] else {
            return Err(Failure::Usage(
                "`seal` prints only one file: name one file, or add `-i` to change several in place".to_owned(),
            ));
        };
        args.many.to_stdout = true;
    }
    let consents = consents(session, session.policy_to_seal(MayUse::Granted)?);
    let named = session.keks(&args.sealing.kek, args.many.make_local())?;
    let work = Sealing {
        session,
        args: &args,
        import: Import::new(session, &args.import, &consents, &named),
        named: &named,
        chooser: match args.many.is_dry_run() {
            true => Chooser::new(session, &consents).silent(),
            false => Chooser::new(session, &consents),
        },
        consents: &consents,
        sealed: RefCell::default(),
        between: Cell::default(),
        replaced: Cell::default(),
        bare: Cell::default(),
    };
    if args.replace && !args.many.is_dry_run() {
        work.before_replacing().await?;
    }
    let result = match is_live && !args.replace && !args.many.is_dry_run() {
        true => work.print().await,
        false => batch::run(&args.many, session, &work).await,
    };
    work.tell();
    result
}

struct Sealing<'a> {
    session: &'a Session,
    args: &'a SealArgs,
    /// The KEKs of `--kek`.
    named: &'a [KekUri],
    import: Import<'a>,
    consents: &'a Consents,
    chooser: Chooser<'a>,
    /// Secrets that an earlier run sealed.
    sealed: RefCell<BTreeSet<Place>>,
    /// The number of Secrets that are deleted and not yet created again.
    between: Cell<usize>,
    replaced: Cell<usize>,
    /// The number of Secrets in files that name no namespace.
    bare: Cell<usize>,
}

impl Sealing<'_> {
    fn keks(&self, place: &Place, path: Option<&Path>) -> Result<Vec<KekUri>, Failure> {
        if !self.named.is_empty() {
            let rule = self.session.rule(&place.namespace, path)?;
            self.chooser.tell_outside(self.named, rule.as_deref());
            return Ok(self.named.to_vec());
        }
        let chosen = choice::choose(self.session, &[], place, path, &self.chooser);
        let of_file = self.import.keks(path, place);
        match chosen {
            // The keys of a SOPS file are kept, if they may be sealed to.
            Err(Failure::Access(AccessError::NoKek)) if !of_file.is_empty() => {
                of_file.iter().try_for_each(|kek| self.chooser.accept_again(kek, place))?;
                Ok(of_file)
            }
            chosen => chosen,
        }
    }

    /// Prompts before Secrets are replaced, then finishes the work of an interrupted run.
    async fn before_replacing(&self) -> Result<(), Failure> {
        let (many, default) = (&self.args.many, self.session.namespace()?);
        if many.names.is_empty() && !many.all_namespaces && many.files.selector.is_none() {
            return Err(many::nothing_named());
        }
        let (mut places, mut aside) = (BTreeSet::new(), Vec::new());
        for name in &many.names {
            places.insert(place_named(&default, name)?);
        }
        confirm_context(self.session)?;
        let cluster = self.session.cluster().await?;
        // Secrets that cannot be sealed are refused before the prompt.
        for place in &places {
            match cluster.secret(place).await {
                Err(ClusterError::NotFound(_)) if cluster.is_put_aside(place).await? => {}
                object => {
                    let object = object?;
                    match Plain::read(&object, &default)? {
                        Some(plain) => drop(self.admit(&plain, None).await?),
                        None if self.is_done_before(&cluster, place, &object).await? => {
                            self.sealed.borrow_mut().insert(place.clone());
                        }
                        None => return Err(ManifestError::Sealed(object.title()).into()),
                    }
                }
            }
        }
        places.retain(|place| !self.is_done(place));
        if many.names.is_empty() {
            let namespace = (!many.all_namespaces).then_some(&default);
            let selector =
                many.files.selector.as_ref().map(crate::select::selector::Selector::as_str);
            for place in cluster.put_aside_for(namespace, selector).await? {
                match cluster.secret(&place).await {
                    Err(ClusterError::NotFound(_)) => aside.push(place),
                    Ok(object) => drop(self.is_done_before(&cluster, &place, &object).await?),
                    Err(error) => return Err(error.into()),
                }
            }
            places.extend(aside.iter().cloned());
            let take = async |objects: Vec<Object>| {
                let free = objects.iter().filter(|object| owner(object).is_none());
                places.extend(free.filter_map(|object| object.place(&default).ok()));
            };
            cluster.secrets(Sort::Plain, namespace, selector, take).await?;
        }
        if !self.args.yes && !places.is_empty() {
            confirm::confirm(self.session, &cluster, &places, "sealed").await?;
        }
        for place in aside {
            self.missing(&cluster, &place).await?;
        }
        Ok(())
    }

    /// Whether an earlier run that was interrupted may have sealed this Secret: it is one of several,
    /// or the copy is still there that was saved meanwhile. Removes the copy.
    async fn is_done_before(
        &self,
        cluster: &Cluster,
        place: &Place,
        object: &Object,
    ) -> Result<bool, Failure> {
        let saved = cluster.saved(place).await?;
        let is_left = object.is_sealed() && saved.is_some_and(|saved| saved.data == object.data);
        if is_left {
            cluster.forget_saved(place).await;
        }
        Ok(is_left || self.args.many.names.len() > 1)
    }

    async fn seal(&self, plain: PlainSecret, path: Option<&Path>) -> Result<SealedSecret, Failure> {
        let place = plain.meta.place.clone();
        let keks = self.keks(&place, path)?;
        // A SealedSecret keeps its scope, unless another one is named.
        let named = self.args.sealing.scope;
        let scope = named.or_else(|| self.import.scope(path, &place)).unwrap_or_default();
        self.args.allow.warn(&plain.values, Some(&place.to_string()));
        let (ring, key) = (self.session.ring()?, DataKey::generate());
        let sealer = Sealer::prepare(ring, &keks, key, place.clone(), scope).await?;
        let policy = &mut self.consents.policy_mut();
        choice::remember(self.session, policy, &place, sealer.keks());
        choice::remember_aliases(policy, &keks, sealer.keks());
        Ok(sealer.seal_since(plain, self.import.born(path, &place), now())?)
    }

    /// Prints warnings and notes at the end.
    fn tell(&self) {
        self.import.tell();
        choice::write_down(&mut self.consents.policy_mut());
        let is_chosen = self.session.named_namespace().is_some()
            || self.args.sealing.scope == Some(Scope::Cluster);
        if let Ok(namespace) = self.session.namespace()
            && self.bare.get() > 0
            && !is_chosen
        {
            terminal::warn(&format!(
                "Secrets without a namespace ({} in all) are sealed for the namespace `{namespace}` and open only there: name another one with `-n`, or use `--scope cluster`",
                self.bare.get()
            ));
        }
        if self.replaced.get() > 0 {
            terminal::note(
                "workloads that read these Secrets now get sealed values: run their programs with `kubectl envcrypt exec`, or make a Secret plain again with `kubectl envcrypt unwrap NAME --replace`",
            );
        }
    }
}

impl Change for Sealing<'_> {
    type Secret = Plain;

    async fn admit(&self, plain: &Plain, path: Option<&Path>) -> Result<bool, Failure> {
        let place = plain.place();
        if let Some(owner) = plain.owner.as_ref().filter(|_| self.args.replace) {
            let refused = Failure::Batch(BatchError::Owned {
                place: place.to_string(),
                owner: owner.clone(),
            });
            return if self.args.many.names.is_empty() { Ok(false) } else { Err(refused) };
        }
        // The token controller writes the token, and needs the type.
        if plain.secret.meta.kind == SecretType::ServiceAccountToken
            && plain.secret.values.is_empty()
        {
            return Ok(false);
        }
        check(&plain.secret)?;
        self.keks(place, path)?;
        if path.is_some() && !plain.names_namespace {
            self.bare.set(self.bare.get() + 1);
        }
        Ok(true)
    }

    async fn change(
        &self,
        plain: Plain,
        path: Option<&Path>,
    ) -> Result<(SealedSecret, &'static str), Failure> {
        Ok((self.seal(plain.secret, path).await?, "sealed"))
    }

    async fn write(
        &self,
        cluster: &Cluster,
        place: &Place,
        object: Object,
        new: &SealedSecret,
    ) -> Result<(), Failure> {
        let sealed = new;
        let new = manifest::sealed_object(sealed);
        self.between.set(self.between.get() + 1);
        let result = cluster.replace(place, object, &new, sealed).await;
        self.between.set(self.between.get() - 1);
        if let Err(ReplaceError::Lost { .. }) = &result {
            let text = manifest::write(&[new], Format::Yaml);
            if terminal::stdout(text.as_bytes()).is_err() {
                terminal::stderr_line(&text);
            }
        }
        result?;
        self.replaced.set(self.replaced.get() + 1);
        Ok(())
    }

    async fn missing(&self, cluster: &Cluster, place: &Place) -> Result<bool, Failure> {
        let is_wanted = self.args.replace && !self.args.many.is_dry_run();
        let is_made = is_wanted && cluster.resume(place).await?;
        if is_made {
            terminal::note(&format!(
                "an interrupted run had deleted `{place}`: the sealed Secret is in its place now"
            ));
        }
        Ok(is_made)
    }

    fn is_done(&self, place: &Place) -> bool {
        self.sealed.borrow().contains(place)
    }

    fn note(&self, path: &Path, bytes: &[u8]) -> bool {
        self.import.note(path, bytes)
    }

    async fn unlock(&self) -> Result<(), Failure> {
        self.import.unlock().await
    }

    fn open_noted(&self, path: &Path, bytes: &[u8]) -> Result<Option<Zeroizing<Vec<u8>>>, Failure> {
        self.import.open(path, bytes)
    }

    fn form(&self) -> Form {
        self.args.kind.form()
    }

    fn may_stop(&self) -> bool {
        self.between.get() == 0
    }

    fn signs(&self) -> Signs {
        self.args.signing.signs()
    }
}

/// Refuses what SOPS encrypted, and what the API server would refuse. A bad certificate gets only a warning, because the
/// Secret exists with it already.
fn check(plain: &PlainSecret) -> Result<(), Failure> {
    crate::peers::refuse_ciphertext(plain)?;
    match plain.check() {
        Err(error) if !matches!(error, TypeError::Tls(_)) => Err(error.into()),
        _ => Ok(()),
    }
}
