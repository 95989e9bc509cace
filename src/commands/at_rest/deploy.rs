//! `at-rest deploy`: the files that run envcrypt-kms on a control plane.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::Args;
use envcrypt_at_rest::deploy::{AppRole, Options, Target, Vault, files, steps};

use crate::candidates;
use crate::failure::{AtRestError, Failure};
use crate::files::{FileError, new_file};
use crate::terminal;

/// Write the files that run envcrypt-kms on a control plane.
///
/// The command writes into a new directory and changes nothing else. Then it prints the steps that
/// you do. The files hold no secret.
#[derive(Args)]
#[command(after_help = "Examples:
  # Write the static pod, the EncryptionConfiguration and the patches for kubeadm
  kubectl envcrypt at-rest deploy --for kubeadm --cluster-name prod \\
    --kek hashivault://k8s --vault-address https://vault.example.com:8200 \\
    --vault-role-id-file /etc/envcrypt/role-id --vault-secret-id-file /etc/envcrypt/secret-id \\
    --image registry.example.com/envcrypt-kms@sha256:…

  # Write the part of a kOps cluster spec, with the least IAM policy
  kubectl envcrypt at-rest deploy --for kops --cluster-name prod \\
    --kek awskms:///arn:aws:kms:eu-west-1:111122223333:key/1234 \\
    --image registry.example.com/envcrypt-kms@sha256:…

  # Use a unit of systemd, with a second KEK for the day on which the first one is lost
  kubectl envcrypt at-rest deploy --for systemd --cluster-name lab \\
    --kek gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/k --escrow age:age1…")]
pub struct DeployArgs {
    /// Kind of control plane
    #[arg(long = "for", value_name = "TARGET", value_parser = target(), hide_possible_values = false)]
    target: Target,
    /// Name of the cluster, which each KMS is told; the same on each node
    #[arg(long, value_name = "NAME")]
    cluster_name: String,
    /// Wrap and open with this KEK (can be repeated)
    #[arg(long, value_name = "KEK", required = true, add = candidates::keks())]
    kek: Vec<String>,
    /// Only wrap with this KEK, for the day on which all others are lost (can be repeated)
    #[arg(long, value_name = "KEK", add = candidates::keks())]
    escrow: Vec<String>,
    /// Image of envcrypt-kms by its digest: NAME@sha256:DIGEST
    #[arg(long, value_name = "IMAGE")]
    image: Option<String>,
    /// Name of the KMS provider, which can never change
    #[arg(long, value_name = "NAME", default_value = "envcrypt")]
    provider: String,
    /// Resources to encrypt (comma-separated)
    #[arg(long, value_name = "RESOURCE", value_delimiter = ',', default_value = "secrets")]
    resources: Vec<String>,
    /// Path of the socket on the node; without it, the target decides
    #[arg(long, value_name = "SOCKET")]
    socket: Option<String>,
    /// User id of kube-apiserver; without it, the target decides
    #[arg(long, value_name = "UID")]
    apiserver_uid: Option<u32>,
    /// Address of Vault or OpenBao
    #[arg(long, value_name = "URL")]
    vault_address: Option<String>,
    /// Path of the CA certificates of Vault, on the node
    #[arg(long, value_name = "PATH", requires = "vault_address")]
    vault_ca: Option<String>,
    /// Path of the role id of an AppRole, on the node
    #[arg(long, value_name = "PATH", requires_all = ["vault_address", "vault_secret_id_file"])]
    vault_role_id_file: Option<String>,
    /// Path of the secret id of an AppRole, on the node
    #[arg(long, value_name = "PATH", requires_all = ["vault_address", "vault_role_id_file"])]
    vault_secret_id_file: Option<String>,
    /// Accept that a DaemonSet starts after the API server
    #[arg(long)]
    i_know_it_starts_after_the_apiserver: bool,
    /// New directory for the files; without it, envcrypt-kms-TARGET
    #[arg(long, value_name = "DIRECTORY")]
    out: Option<PathBuf>,
}

fn target() -> impl clap::builder::TypedValueParser<Value = Target> {
    use clap::builder::TypedValueParser;
    let names = Target::ALL.map(Target::name);
    clap::builder::PossibleValuesParser::new(names)
        .map(|name| Target::from_str(&name).expect("it is one of the possible values"))
}

pub fn run(args: DeployArgs) -> Result<(), Failure> {
    let (target, out) = (args.target, args.out.clone());
    let out = out.unwrap_or_else(|| format!("envcrypt-kms-{target}").into());
    let options = args.options();
    let refused =
        |error: envcrypt_at_rest::deploy::DeployError| AtRestError::NotDeployed(error.to_string());
    let made = files(target, &options).map_err(refused)?;
    let steps = steps(target, &options).map_err(refused)?;
    let io = |source| FileError::Io { path: out.clone(), source };
    match std::fs::create_dir(&out) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            return Err(FileError::Exists(out).into());
        }
        made => made.map_err(io)?,
    }
    let mut text = String::new();
    for file in made {
        write(&out, &file)?;
        text.push_str(&format!("{}\n", out.join(&file.path).display()));
    }
    text.push_str("\nnext:\n");
    for (number, step) in steps.iter().enumerate() {
        text.push_str(&format!("{}. {}\n", number + 1, step.replace('\n', "\n   ")));
    }
    Ok(terminal::stdout(text.as_bytes())?)
}

fn write(out: &Path, file: &envcrypt_at_rest::deploy::File) -> Result<(), Failure> {
    let path = out.join(&file.path);
    let io = |source| FileError::Io { path: path.clone(), source };
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(io)?;
    }
    new_file(&path, file.content.as_bytes())?;
    let mode = std::fs::Permissions::from_mode(file.mode);
    Ok(std::fs::set_permissions(&path, mode).map_err(io)?)
}

impl DeployArgs {
    fn options(self) -> Options {
        let login = self.vault_role_id_file.zip(self.vault_secret_id_file);
        let login =
            login.map(|(role_id_file, secret_id_file)| AppRole { role_id_file, secret_id_file });
        let ca = self.vault_ca;
        let vault = self.vault_address.map(|address| Vault { address, ca, login });
        Options {
            escrow: self.escrow,
            provider: self.provider,
            resources: self.resources,
            image: self.image,
            socket: self.socket,
            vault,
            apiserver_uid: self.apiserver_uid,
            starts_after_apiserver: self.i_know_it_starts_after_the_apiserver,
            ..Options::new(self.cluster_name, self.kek)
        }
    }
}
