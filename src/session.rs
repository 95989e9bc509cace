//! What a command needs from its environment. Each part is created on first use.

pub mod local;
mod paths;
mod plugins;
mod signing;
mod spellings;

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use crate::config::{
    ConfigDirectory, ConfigError, KEK_VARIABLE, KekName, Rule, RuleInput, Rules, Settings, keks_in,
};
use crate::failure::{Failure, SelectError};
use crate::pins::Pins;
use crate::terminal::{self, Prompt, Times};
use envcrypt_cluster::{Cluster, ConnectOptions, Connection};
use envcrypt_core::access::{MayUse, Policy, Scope, Trust, Uses};
#[cfg(feature = "age")]
use envcrypt_core::kek::age::Identities;
use envcrypt_core::kek::{KekUri, Lifetimes, Passphrases, PluginUser, Ring, RingOptions};
use envcrypt_core::secret::{Namespace, Place};
use local::MakeLocal;
pub use paths::is_file;
pub use signing::Contexts;
pub use spellings::{Spot, spellings, spots};

pub struct Session {
    options: ConnectOptions,
    pub folder: ConfigDirectory,
    target: OnceCell<Connection>,
    settings: OnceCell<Settings>,
    ring: OnceCell<Arc<Ring>>,
    prompt: OnceCell<Arc<dyn Prompt>>,
    /// The rules for files of a directory, each read once.
    rules: RefCell<BTreeMap<PathBuf, Option<Rc<Rules>>>>,
    /// What is known of lists of signers.
    pub pins: RefCell<Pins>,
    /// Whether the person typed the name of the protected context in this run.
    pub has_named_context: Cell<bool>,
}

/// What `ENVCRYPT_KEK` means for a command that opens.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Environment {
    /// Only its KEKs open.
    Only,
    /// Its KEKs open too: they are meant for sealing.
    Beside,
}

impl Session {
    pub fn new(options: ConnectOptions) -> Self {
        Self::with(options, ConfigDirectory::of_user())
    }

    /// With another configuration directory, and someone who answers prompts.
    #[cfg(test)]
    pub fn for_test(folder: &Path, prompt: Arc<dyn Prompt>) -> Self {
        let session = Self::with(ConnectOptions::default(), ConfigDirectory::at(folder.to_owned()));
        let _ = session.prompt.set(prompt);
        session
    }

    fn with(options: ConnectOptions, folder: ConfigDirectory) -> Self {
        Self {
            options,
            pins: RefCell::new(Pins::new(folder.signers())),
            folder,
            target: OnceCell::new(),
            settings: OnceCell::new(),
            ring: OnceCell::new(),
            prompt: OnceCell::new(),
            rules: RefCell::default(),
            has_named_context: Cell::default(),
        }
    }

    /// The cluster that flags and files name, not yet connected.
    pub fn target(&self) -> Result<&Connection, Failure> {
        get_or_try(&self.target, || Ok(Connection::load(self.options.clone())?))
    }

    /// The connection flags, for kubectl itself. A token would be visible to everyone there.
    pub fn kubectl_flags(&self) -> Result<Vec<OsString>, Failure> {
        let options = &self.options;
        if options.token.is_some() {
            return Err(Failure::Usage(
                "`--token` cannot be passed on to `kubectl exec`: name a kubeconfig instead".into(),
            ));
        }
        let text = |value: &Option<String>| value.as_ref().map(OsString::from);
        let path = |value: &Option<PathBuf>| value.as_ref().map(|p| p.as_os_str().to_owned());
        let flags = [
            ("--kubeconfig", path(&options.kubeconfig)),
            ("--context", text(&options.context)),
            ("--cluster", text(&options.cluster)),
            ("--user", text(&options.user)),
            ("--server", text(&options.server)),
            ("--as", text(&options.impersonate)),
            ("--certificate-authority", path(&options.certificate_authority)),
        ];
        let given = flags.into_iter().filter_map(|(flag, value)| Some([flag.into(), value?]));
        Ok(given.flatten().collect())
    }

    /// The namespace in use.
    pub fn namespace(&self) -> Result<Namespace, Failure> {
        match &self.options.namespace {
            // With `-n`, no file needs to be read.
            Some(flag) => Ok(flag.parse()?),
            None => Ok(self.target()?.namespace()?),
        }
    }

    /// The namespace that `-n` names. Reads no file.
    pub fn named_namespace(&self) -> Option<&str> {
        self.options.namespace.as_deref()
    }

    /// The context that `--context` names.
    pub fn named_context(&self) -> Option<&str> {
        self.options.context.as_deref()
    }

    /// Refuses an object of another namespace than `-n` names, as kubectl does.
    pub fn check_namespace(&self, place: &Place) -> Result<(), Failure> {
        match &self.options.namespace {
            Some(flag) if flag != place.namespace.as_str() => {
                Err(Failure::Select(SelectError::OtherNamespace {
                    place: place.to_string(),
                    flag: flag.clone(),
                }))
            }
            _ => Ok(()),
        }
    }

    pub async fn cluster(&self) -> Result<Cluster, Failure> {
        Ok(self.target()?.connect().await?.bounded())
    }

    pub fn settings(&self) -> Result<&Settings, Failure> {
        get_or_try(&self.settings, || Ok(Settings::load(&self.folder)?))
    }

    /// The terminal, or a stand-in if there is none.
    pub fn prompt(&self) -> &Arc<dyn Prompt> {
        self.prompt.get_or_init(|| Arc::from(terminal::open_prompt()))
    }

    /// The KEKs. It prompts for their passphrases on the terminal.
    pub fn ring(&self) -> Result<&Arc<Ring>, Failure> {
        get_or_try(&self.ring, || {
            self.folder.identities()?.iter().for_each(|path| warn_if_shared(path));
            Ok(Arc::new(self.new_ring()?))
        })
    }

    /// Another ring, which shares nothing with that of the session.
    pub fn new_ring(&self) -> Result<Ring, Failure> {
        Ok(Ring::new(RingOptions {
            identities: self.folder.identities()?,
            plugin_user: Some(self.plugin_user()),
            passphrases: self.passphrases(),
            patience: self.settings()?.kek_timeout()?,
            lifetimes: Lifetimes::run(),
            vaults: Default::default(),
        }))
    }

    /// The identities of the person, and those in more files.
    #[cfg(feature = "age")]
    pub fn identities_with(&self, files: Vec<PathBuf>) -> Result<Identities, Failure> {
        files.iter().for_each(|path| warn_if_shared(path));
        let files = [self.folder.identities()?, files].concat();
        Ok(Identities::new(files, self.passphrases(), Some(self.plugin_user())))
    }

    /// Whoever answers the questions of age plugins.
    fn plugin_user(&self) -> Arc<dyn PluginUser> {
        Arc::new(plugins::Person(self.prompt().clone()))
    }

    fn passphrases(&self) -> Passphrases {
        let prompt = self.prompt().clone();
        Arc::new(move |question| prompt.hidden(question, Times::Once).map_err(plugins::why))
    }

    /// The URI of a KEK.
    pub fn kek(&self, name: &KekName, make: MakeLocal) -> Result<KekUri, Failure> {
        match name {
            KekName::Local => local::uri(self, make),
            KekName::Uri(uri) => Ok(uri.clone()),
        }
    }

    /// The URIs of KEKs, each once.
    pub fn keks(&self, names: &[KekName], make: MakeLocal) -> Result<Vec<KekUri>, Failure> {
        let mut distinct = Vec::new();
        for name in names {
            let kek = self.kek(name, make)?;
            if !distinct.contains(&kek) {
                distinct.push(kek);
            }
        }
        Ok(distinct)
    }

    /// The KEKs of a rule that this machine has.
    pub fn named_by<'r>(&'r self, rule: &'r Rule) -> impl Iterator<Item = KekUri> + 'r {
        rule.keks.iter().filter_map(|name| self.kek(name, MakeLocal::No).ok())
    }

    /// Which KEKs may open. If `names` is not empty, only those. A name without a KEK is an error.
    pub fn policy(&self, names: &[KekName], environment: Environment) -> Result<Policy, Failure> {
        let from_environment = self.keks(&kek_variable()?, MakeLocal::No)?;
        let mut named = self.keks(names, MakeLocal::No)?;
        let is_only = environment == Environment::Only && !from_environment.is_empty();
        if is_only {
            named.extend(from_environment.iter().cloned());
        }
        let may = match is_only || !names.is_empty() {
            true => MayUse::Only(named.iter().map(KekUri::id).collect::<BTreeSet<_>>()),
            false => MayUse::Granted,
        };
        let mut policy = self.policy_to_seal(may)?;
        for kek in &from_environment {
            policy.allow(Uses::Both, Scope::everywhere(), kek);
        }
        Ok(policy)
    }

    /// Only the grants of the list and of the settings. A command that only seals reads the
    /// environment when it needs it.
    pub fn policy_to_seal(&self, may: MayUse) -> Result<Policy, Failure> {
        let mut policy = Policy::new(may, Trust::load(self.folder.trusted())?);
        let settings = self.settings()?;
        for (names, uses) in [(&settings.keks, Uses::Both), (&settings.trust, Uses::Open)] {
            for name in names {
                match self.kek(name, MakeLocal::No) {
                    Ok(kek) => policy.allow(uses, Scope::everywhere(), &kek),
                    // Without a local key, there is nothing to allow.
                    Err(Failure::Access(error)) if error.is_no_local_key() => {}
                    Err(failure) => return Err(failure),
                }
            }
        }
        Ok(policy)
    }

    /// The rule for a Secret: the first match among the user's own rules, otherwise among those of
    /// the nearest `.envcrypt.yaml`. Without a path, the search starts in the working directory.
    pub fn rule(
        &self,
        namespace: &Namespace,
        path: Option<&Path>,
    ) -> Result<Option<Rc<Rule>>, Failure> {
        let nearest = self.rules_of(&rules_start(path)?)?;
        let [own, nearest] = self.matching_rules(namespace, path, nearest)?;
        Ok(own.or(nearest))
    }

    /// The first match among the user's own rules, and among those of a file.
    fn matching_rules(
        &self,
        namespace: &Namespace,
        path: Option<&Path>,
        nearest: Option<Rc<Rules>>,
    ) -> Result<[Option<Rc<Rule>>; 2], Failure> {
        let own = &self.settings()?.rules;
        if own.is_empty() && nearest.is_none() {
            return Ok([None, None]);
        }
        let path = path.filter(is_file).map(real_place).transpose()?;
        let context = self.target().ok().and_then(|target| target.context());
        let path = path.as_deref();
        let input = RuleInput { namespace: namespace.as_str(), context, path };
        Ok([own.find(input), nearest.and_then(|rules| rules.find(input))])
    }

    /// The rules of the nearest `.envcrypt.yaml`, with the path that its patterns are compared with.
    pub fn nearest_rules(
        &self,
        path: Option<&Path>,
    ) -> Result<(Option<PathBuf>, Option<Rc<Rules>>), Failure> {
        let start = rules_start(path)?;
        let path = path.filter(is_file).map(real_place).transpose()?;
        let nearest = self.rules_of(&start)?;
        Ok((path, nearest))
    }

    pub fn rules_of(&self, folder: &Path) -> Result<Option<Rc<Rules>>, Failure> {
        if let Some(known) = self.rules.borrow().get(folder) {
            return Ok(known.clone());
        }
        let rules = Rules::nearest(folder)?.map(Rc::new);
        self.rules.borrow_mut().insert(folder.to_owned(), rules.clone());
        Ok(rules)
    }
}

/// Someone who can write an identity file can put their own identity there.
fn warn_if_shared(path: &Path) {
    use std::os::unix::fs::MetadataExt;
    let is_shared = |path: &Path| path.metadata().is_ok_and(|found| found.mode() & 0o022 != 0);
    // In a directory with the sticky bit, nobody can replace the file of another user.
    let folder = path
        .parent()
        .filter(|folder| folder.metadata().is_ok_and(|found| found.mode() & 0o1000 == 0));
    if is_shared(path) || folder.is_some_and(is_shared) {
        terminal::warn(&format!(
            "others can change the identity file `{}` and put their own key there: run `chmod go-w` for it and its directory",
            path.display()
        ));
    }
}

/// The absolute path, with `..` and links of its directory resolved: otherwise its parents would be
/// other directories.
pub fn real_place(path: &Path) -> Result<PathBuf, Failure> {
    let read = |source| Failure::Select(SelectError::Read { path: ".".into(), source });
    let path = std::env::current_dir().map_err(read)?.join(path);
    if path.is_dir() {
        return Ok(path.canonicalize().unwrap_or(path));
    }
    let folder = path.parent().and_then(|folder| folder.canonicalize().ok());
    let joined = folder.zip(path.file_name()).map(|(folder, name)| folder.join(name));
    Ok(joined.unwrap_or(path))
}

/// The real directory in which the search for rules starts: that of the file, or the working
/// directory.
pub fn rules_start(path: Option<&Path>) -> Result<PathBuf, Failure> {
    let path = path.filter(is_file).map(real_place).transpose()?;
    match path.as_deref().and_then(Path::parent) {
        Some(folder) => Ok(folder.to_owned()),
        None => real_place(Path::new(".")),
    }
}

pub fn kek_variable() -> Result<Vec<KekName>, ConfigError> {
    keks_in(KEK_VARIABLE)
}

fn get_or_try<T>(
    cell: &OnceCell<T>,
    make: impl FnOnce() -> Result<T, Failure>,
) -> Result<&T, Failure> {
    if let Some(value) = cell.get() {
        return Ok(value);
    }
    let value = make()?;
    Ok(cell.get_or_init(|| value))
}
