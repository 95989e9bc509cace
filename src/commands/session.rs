//! What a command needs of its surroundings, each made when first asked for.

use std::cell::OnceCell;
use std::sync::Arc;

use super::Failure;
use super::local::{self, MakeLocal};
use super::sealing;
use crate::cluster::{Cluster, ConnectOptions, Target};
use crate::config::{Folder, KEK_VARIABLE, Settings};
use crate::kek::{Ring, RingOptions, Trust, Trusted};
use crate::secret::{Namespace, Place};
use crate::terminal::{self, Prompt, Times};

/// The surroundings of one run.
pub struct Session {
    options: ConnectOptions,
    pub folder: Folder,
    target: OnceCell<Target>,
    settings: OnceCell<Settings>,
    ring: OnceCell<Arc<Ring>>,
    prompt: OnceCell<Arc<dyn Prompt>>,
}

impl Session {
    pub fn new(options: ConnectOptions) -> Self {
        Self {
            options,
            folder: Folder::of_user(),
            target: OnceCell::new(),
            settings: OnceCell::new(),
            ring: OnceCell::new(),
            prompt: OnceCell::new(),
        }
    }

    /// The cluster that is named, not yet connected.
    pub fn target(&self) -> Result<&Target, Failure> {
        get_or_try(&self.target, || Ok(Target::load(self.options.clone())?))
    }

    /// The namespace in force.
    pub fn namespace(&self) -> Result<Namespace, Failure> {
        match &self.options.namespace {
            // No file need be read to know it.
            Some(flag) => Ok(flag.parse()?),
            None => Ok(self.target()?.namespace()?),
        }
    }

    /// The namespace that `-n` names; no file is read to know another.
    pub fn named_namespace(&self) -> Option<&str> {
        self.options.namespace.as_deref()
    }

    /// Refuses an object of another namespace than `-n` names, as kubectl does.
    pub fn check_namespace(&self, place: &Place) -> Result<(), Failure> {
        match &self.options.namespace {
            Some(flag) if flag != place.namespace.as_str() => {
                Err(Failure::OtherNamespace { place: place.to_string(), flag: flag.clone() })
            }
            _ => Ok(()),
        }
    }

    /// A client for the cluster.
    pub async fn cluster(&self) -> Result<Cluster, Failure> {
        Ok(self.target()?.connect().await?)
    }

    /// The user's settings.
    pub fn settings(&self) -> Result<&Settings, Failure> {
        get_or_try(&self.settings, || Ok(Settings::load(&self.folder)?))
    }

    /// The terminal, or no one.
    pub fn prompt(&self) -> &Arc<dyn Prompt> {
        self.prompt.get_or_init(|| Arc::from(terminal::open_prompt()))
    }

    /// The KEKs; their passphrases are asked on the terminal.
    pub fn ring(&self) -> Result<&Arc<Ring>, Failure> {
        get_or_try(&self.ring, || {
            let prompt = self.prompt().clone();
            Ok(Arc::new(Ring::new(RingOptions {
                identities: self.folder.identities()?,
                passphrases: Arc::new(move |question| prompt.hidden(question, Times::Once).ok()),
                patience: self.settings()?.kek_timeout()?,
            })))
        })
    }

    /// Which KEKs may be asked: those named by flag, in the environment and in
    /// the user's settings, and those accepted before.
    pub fn trust(&self, named: &[String]) -> Result<Trust, Failure> {
        self.trust_with(named, Trusted::Named)
    }

    /// The same, where those named here may be asked, but not they alone.
    pub fn trust_also(&self, also: &[String]) -> Result<Trust, Failure> {
        let mut trust = self.trust(&[])?;
        for name in also {
            trust.add(sealing::uri(self, name, MakeLocal::No)?, Trusted::Configured);
        }
        Ok(trust)
    }

    /// The same, where those in the environment may be asked, but not they alone.
    pub fn trust_beside_environment(&self, named: &[String]) -> Result<Trust, Failure> {
        self.trust_with(named, Trusted::Configured)
    }

    fn trust_with(&self, named: &[String], in_environment: Trusted) -> Result<Trust, Failure> {
        let mut trust = Trust::load(self.folder.trusted())?;
        let environment = kek_variable();
        let settings = self.settings()?;
        let environment = environment.iter().map(|name| (name, in_environment));
        let here = named.iter().map(|name| (name, Trusted::Named)).chain(environment);
        let configured =
            settings.trust.iter().chain(&settings.keks).map(|n| (n, Trusted::Configured));
        for (name, why) in here.chain(configured) {
            match name.as_str() {
                // Where there is no local key, there is nothing to trust.
                "local" => {
                    local::uri(self, MakeLocal::No).into_iter().for_each(|uri| trust.add(uri, why))
                }
                uri => trust.add(uri.parse()?, why),
            }
        }
        Ok(trust)
    }
}

/// The KEKs that `ENVCRYPT_KEK` names, commas between them.
pub fn kek_variable() -> Vec<String> {
    names_in(KEK_VARIABLE)
}

/// The names in an environment variable, commas between them.
pub fn names_in(variable: &str) -> Vec<String> {
    let text = std::env::var(variable).unwrap_or_default();
    text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
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
