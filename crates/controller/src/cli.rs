//! The command line.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use envcrypt_cluster::{ConnectOptions, Connection, Lease, LeaseTimes};
use envcrypt_core::kek::KekUri;
use envcrypt_core::secret::{Namespace, Place, random_bytes};
use envcrypt_daemon::failure::Failure;
use envcrypt_daemon::health;
use envcrypt_daemon::process::{LogForm, log};
use tokio::net::TcpListener;

use crate::deliver::Deliverer;
use crate::fingerprint::Recogniser;
use crate::follow::{self, Options};
use crate::health::Said;
use crate::metrics::Metrics;
use crate::opener::Opener;
use crate::rules::Rules;
use crate::signers::SignersFile;

/// How long the API server may take for an answer.
const REQUEST: Duration = Duration::from_secs(30);

/// Keep the plain Secret of each EnvcryptSecret as it was sealed.
///
/// The controller watches EnvcryptSecrets. For each, it keeps the Secret of the same namespace and
/// name. It opens values only with the KEKs of `ENVCRYPT_KEKS`. It logs in to a KMS as the other
/// programs of the cloud do, from its environment.
#[derive(Parser)]
#[command(version, max_term_width = 100)]
pub struct Cli {
    /// Deliver in this namespace (can be repeated) [default: all namespaces]
    #[arg(short, long, value_name = "NAMESPACE")]
    namespace: Vec<Namespace>,
    /// Deliver everything once, then exit; the exit code is 1 if something is not delivered
    #[arg(long)]
    once: bool,
    /// KEKs that may open, separated by commas
    #[arg(
        long,
        value_name = "KEK,…",
        env = "ENVCRYPT_KEKS",
        value_delimiter = ',',
        hide_env_values = true
    )]
    keks: Vec<String>,
    /// File with an age identity (can be repeated)
    #[arg(long, value_name = "FILE")]
    identity: Vec<PathBuf>,
    /// Most data keys that one KEK unwraps in a second
    #[arg(long, value_name = "NUMBER", default_value = "50", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    kms_rate: u32,
    /// Refuse a Secret that was sealed before the one that was delivered
    #[arg(long)]
    refuse_older: bool,
    /// Deliver only what those in this list have signed (in the form of `allowed_signers`)
    #[arg(long, value_name = "FILE", env = "ENVCRYPT_SIGNERS", hide_env_values = true)]
    signers: Option<PathBuf>,
    /// How many different signers each Secret needs
    #[arg(long, value_name = "NUMBER", env = "ENVCRYPT_SIGNATURES", default_value = "1", value_parser = clap::value_parser!(u8).range(1..=16), requires = "signers", hide_env_values = true)]
    signatures: u8,
    /// Scope of values to allow beside `strict` and `namespace`
    #[arg(long, value_name = "SCOPE")]
    allow_scope: Option<WideScope>,
    /// Prefix of annotations that a template may have (can be repeated) [default: none]
    #[arg(long, value_name = "PREFIX")]
    allow_annotation: Vec<String>,
    /// Label, or prefix of labels, that a template may have, beside `app` and `app.kubernetes.io/`
    /// (can be repeated)
    #[arg(long, value_name = "PREFIX")]
    allow_label: Vec<String>,
    /// Whether to watch the plain Secrets, and to repair what others change
    #[arg(long, value_name = "ON|OFF", default_value = "on")]
    drift: Switch,
    /// Restart Deployments, StatefulSets and DaemonSets with the label `envcrypt.dev/restart: "true"`
    /// when the values of a Secret of theirs change
    #[arg(long)]
    restart: bool,
    /// Lease of the one that delivers, as NAMESPACE/NAME, or `off` [default: envcrypt-controller in
    /// the namespace of the pod]
    #[arg(long, value_name = "LEASE")]
    lease: Option<String>,
    /// How long the others wait for the one that delivers
    #[arg(long, value_name = "DURATION", default_value = "15s", value_parser = humantime::parse_duration)]
    lease_duration: Duration,
    /// Address of metrics and health, or `off`
    #[arg(long, value_name = "ADDRESS", default_value = "0.0.0.0:8080")]
    listen: String,
    /// The least severe messages to log: error, warn, info or debug
    #[arg(long, value_name = "LEVEL", default_value = "info", value_parser = ["error", "warn", "info", "debug"])]
    log_level: String,
    /// File to connect with, outside of a pod
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// Context of the kubeconfig
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum WideScope {
    Cluster,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Switch {
    On,
    Off,
}

impl Cli {
    /// Runs until it is stopped, or once.
    ///
    /// # Errors
    /// Returns a [`Failure`] if it cannot begin, or if it lost its Lease.
    pub async fn run(self) -> Result<ExitCode, Failure> {
        log(env!("CARGO_CRATE_NAME"), &self.log_level, LogForm::Json);
        self.check()?;
        self.check_identities()?;
        let metrics = Arc::new(Metrics::new());
        let rules = self.rules()?;
        let connection = Connection::load(ConnectOptions {
            kubeconfig: self.kubeconfig.clone(),
            context: self.context.clone(),
            request_timeout: Some(REQUEST),
            ..ConnectOptions::default()
        });
        let connection = connection.map_err(cluster)?;
        let instance = instance();
        let lease = self.lease(&connection, &instance)?;
        let opener =
            Opener::new(&rules, self.identity.clone(), self.kms_rate.into(), metrics.clone());
        let opener = opener.map_err(|error| Failure::new(error.to_string()))?;
        let deliverer = Deliverer {
            cluster: connection.connect().await.map_err(cluster)?,
            rules,
            opener,
            recogniser: Recogniser::new(),
            lease,
            instance,
            watches_targets: self.drift == Switch::On,
        };
        let said = Arc::new(Said { metrics: metrics.clone(), is_synced: AtomicBool::new(false) });
        if let Some(listener) = self.listener().await? {
            tokio::spawn(health::serve(listener, said.clone()));
        }
        let options =
            Options { namespaces: self.namespace, once: self.once, restarts: self.restart };
        follow::run(Arc::new(deliverer), options, metrics, said).await
    }

    fn rules(&self) -> Result<Rules, Failure> {
        let mut keks = Vec::new();
        for text in self.keks.iter().map(|text| text.trim()).filter(|text| !text.is_empty()) {
            let kek: KekUri = text.parse().map_err(|error: envcrypt_core::kek::UriError| {
                Failure::new("`ENVCRYPT_KEKS` does not name valid KEKs").cause(error.to_string())
            })?;
            check_kek(&kek)?;
            keks.push(kek);
        }
        if keks.is_empty() {
            return Err(Failure::new("no KEK may be used")
                .hint("name the KEKs that may open in `ENVCRYPT_KEKS`, separated by commas"));
        }
        Ok(Rules {
            keks,
            allow_cluster_scope: self.allow_scope == Some(WideScope::Cluster),
            annotations: self.allow_annotation.clone(),
            labels: self.allow_label.clone(),
            refuse_older: self.refuse_older,
            signers: self.signers()?,
        })
    }

    /// A list that cannot be read would be noticed with the first Secret only.
    fn signers(&self) -> Result<Option<SignersFile>, Failure> {
        let Some(path) = self.signers.clone() else { return Ok(None) };
        if path.as_os_str().is_empty() {
            return Err(Failure::new("`ENVCRYPT_SIGNERS` is empty")
                .hint("name the list of signers, or unset the variable"));
        }
        let needed = NonZeroUsize::new(self.signatures.into()).expect("at least 1");
        let file = SignersFile { path, needed };
        match file.read() {
            Ok(_) => Ok(Some(file)),
            Err(cause) => {
                let path = file.path.display();
                Err(Failure::new(format!("the list of signers `{path}` cannot be used"))
                    .cause(cause))
            }
        }
    }

    fn lease(&self, connection: &Connection, instance: &str) -> Result<Option<Lease>, Failure> {
        if self.once {
            return Ok(None);
        }
        let place = match self.lease.as_deref() {
            Some("off") => return Ok(None),
            Some(text) => place(text)?,
            None => Place {
                namespace: connection.namespace().map_err(cluster)?,
                name: "envcrypt-controller".parse().expect("a valid name"),
            },
        };
        Ok(Some(Lease::new(place, instance.to_owned(), LeaseTimes::of(self.lease_duration))))
    }

    /// A file that is not there would be noticed with the first Secret only.
    fn check_identities(&self) -> Result<(), Failure> {
        match self.identity.iter().find(|file| !file.is_file()) {
            Some(file) => {
                Err(Failure::new(format!("`{}` of `--identity` is not a file", file.display())))
            }
            None => Ok(()),
        }
    }

    /// A workload is restarted for a change of a plain Secret, so these must be watched.
    fn check(&self) -> Result<(), Failure> {
        match self.restart && self.drift == Switch::Off {
            true => Err(Failure::new("`--restart` cannot be used with `--drift off`")),
            false => Ok(()),
        }
    }

    async fn listener(&self) -> Result<Option<TcpListener>, Failure> {
        if self.listen == "off" || self.once {
            return Ok(None);
        }
        let address: SocketAddr = self.listen.parse().map_err(|_| {
            Failure::new(format!("`--listen` must be ADDRESS:PORT or `off`, not `{}`", self.listen))
        })?;
        TcpListener::bind(address).await.map(Some).map_err(|error| {
            Failure::new(format!("the address `{address}` of `--listen` cannot be used"))
                .cause(error.to_string())
        })
    }
}

fn check_kek(kek: &KekUri) -> Result<(), Failure> {
    if !kek.is_built_in() {
        return Err(Failure::new(format!("this build does not support `{kek}`")));
    }
    if kek.is_alias() || kek.is_bare() {
        return Err(Failure::new(format!("`{kek}` in `ENVCRYPT_KEKS` is an alias"))
            .cause("an alias can point to another key tomorrow")
            .hint("name the key by its ARN; `kubectl envcrypt inspect` shows it"));
    }
    Ok(())
}

fn place(text: &str) -> Result<Place, Failure> {
    let wrong =
        |cause: String| Failure::new("`--lease` must be NAMESPACE/NAME or `off`").cause(cause);
    let (namespace, name) =
        text.split_once('/').ok_or_else(|| wrong(format!("`{text}` has no `/`")))?;
    Ok(Place {
        namespace: namespace
            .parse()
            .map_err(|error: envcrypt_core::secret::NameError| wrong(error.to_string()))?,
        name: name
            .parse()
            .map_err(|error: envcrypt_core::secret::NameError| wrong(error.to_string()))?,
    })
}

fn cluster(error: envcrypt_cluster::ClusterError) -> Failure {
    let failure = Failure::new(error.to_string());
    match error.hint() {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

/// A name for this process that no other has.
fn instance() -> String {
    let mut random = [0; 4];
    random_bytes(&mut random);
    let host = std::env::var("HOSTNAME").ok().filter(|name| !name.is_empty());
    let host: String =
        host.unwrap_or_else(|| "envcrypt-controller".to_owned()).chars().take(100).collect();
    format!("{host}_{:08x}", u32::from_ne_bytes(random))
}
