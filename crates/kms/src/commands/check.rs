//! `check`: everything that would keep the server from working, before it has to.

mod against;
mod peers;

use std::fs;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use envcrypt_core::kek::{Context, DataKey, KekError, KekUri, Ring, VaultLogin};

use crate::config::{self, Config, KekConfig};
use crate::engine::ring;
use crate::failure::{Failure, one_line};

/// Check a configuration, and each KEK with one wrap and one unwrap.
///
/// Prints the least policy that each KMS needs. The exit code is 1 if the server would not work.
#[derive(clap::Args)]
pub struct Args {
    /// The configuration.
    #[arg(long, value_name = "FILE", default_value = config::DEFAULT)]
    config: PathBuf,
    /// Call no KMS.
    #[arg(long)]
    offline: bool,
    /// The configuration of another node, which must be able to open what this one seals. If the
    /// other node runs only a peer, the name of that peer, such as `vault-kubernetes-kms`.
    #[arg(long, value_name = "FILE|PEER")]
    against: Option<PathBuf>,
}

/// What was found, in the order of printing.
#[derive(Default)]
struct Findings {
    lines: Vec<String>,
    errors: usize,
}

impl Findings {
    fn ok(&mut self, text: &str) {
        self.lines.push(format!("ok       {}", one_line(text)));
    }

    fn note(&mut self, text: &str) {
        self.lines.push(format!("note     {}", one_line(text)));
    }

    fn warning(&mut self, text: &str) {
        self.lines.push(format!("warning  {}", one_line(text)));
    }

    fn error(&mut self, text: &str) {
        self.errors += 1;
        self.lines.push(format!("error    {}", one_line(text)));
    }

    fn kek_error(&mut self, error: &KekError) {
        self.error(&error.to_string());
        let more = error.detail.iter().chain(&error.hint);
        self.lines.extend(more.map(|text| format!("         {}", one_line(text))));
    }
}

/// Checks and prints.
///
/// # Errors
/// Returns a [`Failure`] if the configuration is not valid, or if an error was found.
pub async fn run(args: Args) -> Result<(), Failure> {
    let config = Config::read(&args.config)?;
    let mut findings = Findings::default();
    findings.ok(&format!("`{}` is valid", args.config.display()));
    files(&args.config, &config, &mut findings);
    socket(&config, &mut findings);
    surroundings(&config, &mut findings);
    if let Some(other) = &args.against {
        against::check(&config, other, &mut findings)?;
    }
    peers::offline(&config, &mut findings);
    if !args.offline {
        let ring = ring(&config);
        keks(&config, &ring, &mut findings).await;
        peers::online(&config, &ring, &mut findings).await;
    }
    for kek in &config.keks {
        let policy = policy(kek, &config);
        findings.lines.push(format!("\nleast policy for {}:\n{policy}", kek.uri));
    }
    let text = findings.lines.join("\n") + "\n";
    let _ = std::io::stdout().write_all(text.as_bytes());
    match findings.errors {
        0 => Ok(()),
        1 => Err(Failure::new("the check found 1 error")),
        errors => Err(Failure::new(format!("the check found {errors} errors"))),
    }
}

/// The configuration decides which KEK opens what: nobody else may change it.
fn files(path: &Path, config: &Config, findings: &mut Findings) {
    if fs::metadata(path).is_ok_and(|metadata| metadata.mode() & 0o022 != 0) {
        findings.error(&format!("others can write to `{}`", path.display()));
    }
    for file in config.keks.iter().flat_map(secret_files) {
        match fs::metadata(file) {
            Err(error) => findings.error(&format!("`{}` cannot be read: {error}", file.display())),
            // systemd gives a credential to the group of root.
            Ok(metadata) if metadata.mode() & 0o037 != 0 => findings.error(&format!(
                "others can read `{}`: run `chmod 0600 {}`",
                file.display(),
                file.display()
            )),
            Ok(_) => findings.ok(&format!("`{}` is closed to others", file.display())),
        }
    }
}

/// The files of a KEK that hold something secret.
fn secret_files(kek: &KekConfig) -> Vec<&Path> {
    let login = kek.vault.as_ref().map(|vault| match &vault.login {
        VaultLogin::Token { file } | VaultLogin::Jwt { file, .. } => file.as_path(),
        VaultLogin::AppRole { secret_id, .. } => secret_id.as_path(),
    });
    login.into_iter().chain(kek.identity.as_deref()).collect()
}

fn socket(config: &Config, findings: &mut Findings) {
    let path = &config.socket.path;
    let directory = path.parent().unwrap_or(Path::new("/"));
    match fs::metadata(directory) {
        Err(error) => findings.warning(&format!(
            "the directory `{}` of the socket is not there yet: {error}",
            directory.display()
        )),
        Ok(metadata) if metadata.mode() & 0o022 != 0 => findings.error(&format!(
            "others can write to the directory `{}` of the socket",
            directory.display()
        )),
        Ok(_) => findings.ok(&format!("the directory `{}` of the socket", directory.display())),
    }
    if config.socket.mode & 0o007 != 0 {
        findings.warning("`socket.mode` lets every user connect; `socket.allowUids` still decides");
    }
}

/// The plugin must not need what needs the plugin.
fn surroundings(config: &Config, findings: &mut Findings) {
    let resolver = fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
    if resolver.lines().any(|line| line.starts_with("search") && line.contains(".svc.")) {
        findings.warning("the cluster itself answers this machine's DNS queries, which fails while the cluster is down; in a static pod, set `dnsPolicy: Default`");
    }
    for kek in config.active().filter(|kek| is_public(&kek.uri)) {
        findings.warning(&format!(
            "everyone can wrap under `{}`, so one who can write to etcd can replace a Secret; a symmetric key of a KMS prevents that",
            kek.uri
        ));
    }
    for kek in &config.keks {
        let Some(vault) = &kek.vault else { continue };
        if !vault.address.starts_with("https://") {
            findings
                .warning(&format!("`{}` sends the login and the keys in the clear", vault.address));
        }
        let host = vault.address.split("://").nth(1).unwrap_or_default();
        let host = host.split(['/', ':']).next().unwrap_or_default();
        if host.ends_with(".svc") || host.ends_with(".cluster.local") {
            findings.error(&format!(
                "`{}` is inside a cluster: if it is this one, neither can start without the other",
                vault.address
            ));
        }
    }
}

async fn keks(config: &Config, ring: &Ring, findings: &mut Findings) {
    let context = Context::cluster(&config.cluster);
    for kek in &config.keks {
        let began = Instant::now();
        match round_trip(kek, ring, &context).await {
            Ok(size) => findings.ok(&format!(
                "{} {} {} ms, {size} bytes with each object",
                kek.uri,
                if kek.escrow { "wraps in" } else { "wraps and unwraps in" },
                began.elapsed().as_millis()
            )),
            Err(error) => findings.kek_error(&error),
        }
    }
}

/// Returns the size of the wrapped key, in bytes.
async fn round_trip(kek: &KekConfig, ring: &Ring, context: &Context) -> Result<usize, KekError> {
    let key = DataKey::generate();
    let wrapped = ring.wrap(std::slice::from_ref(&kek.uri), &key, context).await?.remove(0);
    if !kek.escrow {
        let same = |opened: &DataKey| opened.expose() == key.expose();
        let opened = ring.holds(&[&wrapped.key], context, same).await;
        opened.map_err(|mut errors| errors.remove(0))?;
    }
    Ok(wrapped.key.bytes.len())
}

/// Whether the key is a public one, or a plugin that is not told which cluster asks.
fn is_public(kek: &KekUri) -> bool {
    kek.is_age() || matches!(kek.scheme(), "azurekms" | "k8skms")
}

/// What the login of the server must be allowed to do, and no more.
fn policy(kek: &KekConfig, config: &Config) -> String {
    let (rest, cluster) = (kek.uri.rest(), &config.cluster);
    let actions = match kek.escrow {
        true => "\"kms:Encrypt\"",
        false => "\"kms:Encrypt\", \"kms:Decrypt\"",
    };
    match kek.uri.scheme() {
        "awskms" => format!(
            r#"{{"Effect": "Allow", "Action": [{actions}], "Resource": "{rest}",
 "Condition": {{"StringEquals": {{"kms:EncryptionContext:envcrypt.dev/cluster": "{cluster}"}}}}}}{}"#,
            peers::policy(config, rest).unwrap_or_default()
        ),
        "gcpkms" => format!(
            "roles/cloudkms.cryptoKeyEncrypterDecrypter on {rest}\n(cloudkms.cryptoKeyVersions.useToEncrypt and useToDecrypt)"
        ),
        "azurekms" => format!(
            "the role Key Vault Crypto Service Encryption User on {rest}\n(wrapKey and unwrapKey)"
        ),
        "hashivault" => {
            let (mount, key) = rest.rsplit_once('/').unwrap_or(("transit", rest));
            format!(
                "path \"{mount}/encrypt/{key}\" {{ capabilities = [\"update\"] }}\npath \"{mount}/decrypt/{key}\" {{ capabilities = [\"update\"] }}"
            )
        }
        "k8skms" => format!("permission to connect to the socket /{rest}"),
        _ => "none: the identity file decides".to_owned(),
    }
}
