//! `-o` and `--kek`: the rights for a KMS.

use clap::{Args, ValueEnum};

use crate::candidates;
use crate::config::KekName;
use crate::failure::Failure;
use crate::policy::{KekUse, Kms, KmsRights, PolicyError, Subject};
use crate::session::local::MakeLocal;
use crate::session::{Session, kek_variable};
use crate::terminal;
use envcrypt_core::kek::KekUri;
use envcrypt_core::secret::Namespace;

#[derive(Args)]
pub struct KmsArgs {
    /// Print the rights in the cluster (rbac), or those for a KMS: a policy of IAM (aws), commands
    /// of gcloud (gcp) or az (azure), or a policy of Vault and OpenBao (vault)
    #[arg(short, long, value_enum, default_value = "rbac", value_name = "FORMAT")]
    output: Output,
    /// Key of the KMS (can be repeated); without it, those that `create` would use in the namespace
    #[arg(long, value_name = "KEK", add = candidates::keks())]
    kek: Vec<KekName>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    Rbac,
    Aws,
    Gcp,
    Azure,
    Vault,
}

/// Whose rights they are, beside the KEKs.
pub struct Whose<'a> {
    pub name: &'a str,
    pub uses: KekUse,
    pub names: &'a [String],
    pub subjects: &'a [Subject],
    /// Whether they are those of pods.
    pub are_of_pods: bool,
}

impl KmsArgs {
    /// The KMS, unless RBAC is wanted.
    pub fn kms(&self) -> Option<Kms> {
        match self.output {
            Output::Rbac => None,
            Output::Aws => Some(Kms::Aws),
            Output::Gcp => Some(Kms::Gcp),
            Output::Azure => Some(Kms::Azure),
            Output::Vault => Some(Kms::Vault),
        }
    }

    /// Prints the rights for the KEKs of these namespaces.
    pub fn print(
        &self,
        kms: Kms,
        namespaces: &[Namespace],
        whose: &Whose<'_>,
        session: &Session,
    ) -> Result<(), Failure> {
        if namespaces.is_empty() {
            let text = "name the namespaces with `-n`: a KMS should open no others";
            return Err(Failure::Usage(text.to_owned()));
        }
        let mut keks: Vec<(KekUri, Vec<Namespace>)> = Vec::new();
        for namespace in namespaces {
            for kek in self.keks(kms, namespace, session)? {
                match keks.iter_mut().find(|(known, _)| *known == kek) {
                    Some((_, of_kek)) => of_kek.push(namespace.clone()),
                    None => keks.push((kek, vec![namespace.clone()])),
                }
            }
        }
        write(kms, keks, whose)
    }

    /// Prints one policy for the pods of all namespaces: AWS knows the namespace of each pod.
    pub fn print_for_pods(&self, whose: &Whose<'_>, session: &Session) -> Result<(), Failure> {
        if self.kms() != Some(Kms::Aws) || self.kek.is_empty() {
            return Err(Failure::Usage("`--pod-identity` needs `-o aws` and `--kek`".to_owned()));
        }
        let keks = self.named(Kms::Aws, session)?;
        terminal::note(
            "the tag of the session follows the documentation of AWS, and was not tested on EKS",
        );
        write(Kms::Aws, keks.into_iter().map(|kek| (kek, Vec::new())).collect(), whose)
    }

    /// Those of `--kek`, otherwise those of the environment, of the rule or of the settings.
    fn keks(
        &self,
        kms: Kms,
        namespace: &Namespace,
        session: &Session,
    ) -> Result<Vec<KekUri>, Failure> {
        if !self.kek.is_empty() {
            return self.named(kms, session);
        }
        let mut names = kek_variable()?;
        if names.is_empty()
            && let Some(rule) = session.rule(namespace, None)?
        {
            names.clone_from(&rule.keks);
        }
        if names.is_empty() {
            names.clone_from(&session.settings()?.keks);
        }
        let is_uri = |name: &KekName| *name != KekName::Local;
        let names: Vec<KekName> = names.into_iter().filter(is_uri).collect();
        let mut keks = session.keks(&names, MakeLocal::No)?;
        keks.retain(|kek| kms.has(kek));
        match keks.is_empty() {
            true => Err(PolicyError::NoKek { kms, namespace: namespace.clone() }.into()),
            false => Ok(keks),
        }
    }

    fn named(&self, kms: Kms, session: &Session) -> Result<Vec<KekUri>, Failure> {
        let keks = session.keks(&self.kek, MakeLocal::No)?;
        match keks.iter().find(|kek| !kms.has(kek)) {
            Some(kek) => Err(PolicyError::OtherKind { kek: kek.clone(), kms }.into()),
            None => Ok(keks),
        }
    }
}

fn write(kms: Kms, keks: Vec<(KekUri, Vec<Namespace>)>, whose: &Whose<'_>) -> Result<(), Failure> {
    let &Whose { name, uses, names, subjects, are_of_pods } = whose;
    let (name, names, subjects) = (name.to_owned(), names.to_vec(), subjects.to_vec());
    let text = KmsRights { name, uses, keks, names, subjects, are_of_pods }.text(kms)?;
    Ok(terminal::stdout(text.as_bytes())?)
}
