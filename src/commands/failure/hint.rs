//! What to do about a failure: every hint of the commands.

use super::Failure;
use crate::access::TrustError;
use crate::cluster::ReplaceError;
use crate::envelope::{OpenError, Refused, SealError};
use crate::manifest::ManifestError;
use crate::secret::TypeError;
use crate::terminal::{EditError, MemoryError, OutputError, PromptError};

impl Failure {
    /// The hint of its own, where there is one.
    pub(super) fn hint(&self) -> Option<String> {
        let text = match self {
            Self::Kek(error) => return error.hint.clone(),
            Self::Seal(SealError::Kek(error)) => return error.hint.clone(),
            Self::Cluster(error) => return error.hint(),
            Self::Open(OpenError::Untrusted { place, keks }) => {
                return Some(format!(
                    "if you know that it is yours, accept it with `kubectl envcrypt kek trust -n {} '{}'`, or name it this once with `--kek` (of `rewrap` and `rotate`, `--open-with`)",
                    place.namespace,
                    keks.first().map_or("", String::as_str)
                ));
            }
            Self::NotNamed { .. } => {
                "only the KEKs that are named open it; leave them out, or name its own"
            }
            Self::NotInRule { .. } => {
                "a rule says which KEKs a namespace uses: if this one is meant, add it to the rule, or name it this once with `--kek` (of `rewrap` and `rotate`, `--open-with`)"
            }
            Self::DifferentKeks(_) => {
                "someone who may use one of them could put an old value under a seal of their own; if it is meant, name every one of its KEKs with `--kek`, or in one rule of your own `config.yaml`, then `kubectl envcrypt rewrap` it with `--open-with`"
            }
            Self::OlderFile { .. } => {
                "`set`, `edit`, `rotate` or `rewrap` changed it in the cluster: `kubectl envcrypt diff -f FILE` compares them; `--force-conflicts` puts the older values back"
            }
            Self::OtherKeks { .. } => {
                "a Secret whose parts have different KEKs is not opened: leave `--kek` out to keep its KEKs, or change them for all of it with `kubectl envcrypt rewrap`"
            }
            Self::OtherCluster { .. } => "choose the cluster with `--context`, or change the rule",
            Self::Open(OpenError::Refused { refused, .. }) => return refused_hint(refused),
            Self::UnnamedHolder { place, kek } => {
                let namespace = place.split('/').next().unwrap_or_default();
                return Some(format!(
                    "whoever can write to it could name their own, to be given its data keys: if it is meant, `kubectl envcrypt kek trust --seal -n {namespace} '{kek}'`, or give every KEK that it is to be under with `--kek`, your own too (of `rewrap`, one more with `--add`)"
                ));
            }
            Self::Open(OpenError::NotHeld { .. }) => {
                "whoever can write to it could name their own, to be given its data keys: if it is meant, name it in `.envcrypt.yaml` and accept it with `kek trust --seal`, or give every KEK that it is to be under with `--kek`, your own too (of `rewrap`, one more with `--add`)"
            }
            Self::Replace(error) if matches!(**error, ReplaceError::Lost { .. }) => {
                let ReplaceError::Lost { place, aside, .. } = &**error else { return None };
                return Some(format!(
                    "the sealed one is kept in the cluster as the Secret `{aside}`, and was written to standard output: once the cluster takes it, `kubectl envcrypt seal {} -n {} --replace` puts it in its place",
                    place.name, place.namespace
                ));
            }
            Self::Edit(EditError::Memory(MemoryError::NoPlace | MemoryError::OnDisk(_)))
            | Self::Memory(MemoryError::NoPlace | MemoryError::OnDisk(_)) => {
                "`--allow-disk` lets plaintext go to a disk, where it may be found later"
            }
            Self::Edit(EditError::NoTerminal) => {
                "`set` takes values without one, with `--from-stdin`, `--from-file` or `--generate`"
            }
            Self::EditedMeanwhile { .. } => "look at it again, then repeat the command",
            Self::Surplus { .. } => "`--force-conflicts` takes them off",
            Self::NotRestarted { .. } => "`kubectl envcrypt restart NAME` tries again",
            Self::RolloutStuck(_) | Self::RolloutSlow(_) => {
                "`kubectl rollout status` and `kubectl get pods` tell how far it is; `kubectl rollout undo` brings the old pods back"
            }
            Self::Found { in_the_clear: true, .. } => {
                "seal plain Secrets with `kubectl envcrypt seal -i -f FILE` (of a Kustomize generator, write the sealed Secret to a file and name that under `resources`), and change what they held: Git does not forget"
            }
            Self::SameKey(_) => "choose with `--only`, or run it for one Secret",
            Self::SteeringNames(names) => {
                return Some(format!(
                    "name the keys that you want with `--only`; or, if you know what these do, `--allow-name {names}`"
                ));
            }
            Self::NotOfSpec(names) => {
                return Some(format!(
                    "unset those that the pod's own `env` does not set; if it sets all of them, `--spec-env {names}` says so"
                ));
            }
            Self::OtherPodNamespace { .. } => "name the pod's namespace with `-n`",
            Self::LooseNamespace(_) => {
                "give it with `-n`, or with `POD_NAMESPACE` from `metadata.namespace` of the pod"
            }
            Self::Start(error)
                if error.source.kind() == std::io::ErrorKind::ArgumentListTooLong =>
            {
                "the values are too large for an environment: give them as files, with `--files FOLDER`"
            }
            Self::NotInVariable(_) => "give it as a file, with `--files FOLDER`",
            Self::LooseKeks { .. } => {
                "whoever can write the value could name their own: name the KEKs that may open it with `--kek`, or in `ENVCRYPT_KEKS`, commas between them"
            }
            Self::Kept { .. } => "`seal` without `--replace` prints it sealed, under this name",
            Self::NotOne { .. } => "choose one with `--name`",
            Self::Interrupted { go_on, .. } => return Some(go_on.clone()),
            Self::UntrustedRule { kek, namespace, .. } => {
                return Some(format!(
                    "whoever can write the file could name their own: if you know it, accept it with `kubectl envcrypt kek trust --seal -n {namespace} '{kek}'`"
                ));
            }
            Self::Seal(SealError::TooLarge { .. }) | Self::Type(TypeError::TooLarge { .. }) => {
                "sealing adds a third: split it over several Secrets, or keep the large part elsewhere and only its key here"
            }
            Self::Seal(SealError::MixedQuantum { .. }) => {
                "seal to post-quantum recipients alone (`kek new --post-quantum`) and KMS keys that are symmetric, or leave the post-quantum one out"
            }
            Self::NoKek => {
                "`kubectl envcrypt kek new` makes a local one; name it with `--kek local`, `ENVCRYPT_KEK` or a rule in `.envcrypt.yaml`"
            }
            Self::LockedLocalKey(_) => "name the recipient, `--kek age:age1…`, in place of `local`",
            Self::LocalKeyExists(_) => "`kubectl envcrypt kek list` shows it",
            Self::NoLocalKey => "`kubectl envcrypt kek new` makes one",
            Self::Prompt(PromptError::NoTerminal(_)) => {
                "without one, give values with `--from-stdin`, `--from-file` or `--generate`"
            }
            Self::Prompt(PromptError::SeveralLines(_)) => {
                "values of several lines come from `--from-file` or `--from-stdin`"
            }
            Self::Output(OutputError::Exists(_)) => {
                "it is not overwritten: remove it, or choose another name"
            }
            Self::Manifest { source: ManifestError::Plain(_), .. }
            | Self::Live(ManifestError::Plain(_)) => {
                "this command takes sealed Secrets, of type `envcrypt.dev/sealed`; `kubectl envcrypt seal` makes them"
            }
            Self::Manifest {
                source: ManifestError::StringData(_) | ManifestError::LastApplied(_),
                ..
            }
            | Self::Live(ManifestError::StringData(_) | ManifestError::LastApplied(_)) => {
                "take that plaintext for known: change the values, then seal them anew"
            }
            Self::Trust(TrustError::Line { .. }) => {
                "an earlier version wrote another form: remove the file, and grant again what you use with `kubectl envcrypt kek trust`"
            }
            Self::EnvFile { .. } => "a line reads KEY=VALUE, without quotes",
            Self::FileName { .. } => "name the key: `--from-file=KEY=FILE`",
            Self::Manifest { source: ManifestError::InPlace, .. } => {
                "write its values and its seal as plain or quoted scalars, without anchors"
            }
            Self::NoKekFor(_) => {
                "say what to change with `--add`, `--remove`, `--renew` or `--kek`, or name the KEKs in `.envcrypt.yaml`"
            }
            Self::NoKekLeft(_) => "name another one with `--add`",
            Self::Output(OutputError::Changed(_)) | Self::FilesChanged => {
                "look at it, then run the command again"
            }
            Self::OtherNamespace { .. } => "leave `-n` out, or name the Secret's own",
            Self::Unprintable { how, .. } if how.starts_with("as a line") => {
                "`-o yaml` and `-o json` take any value, and so does one KEY alone"
            }
            Self::Unprintable { .. } => "write it to a file with `-w FILE`, or pipe it",
            _ => return None,
        };
        Some(text.to_owned())
    }
}

fn refused_hint(refused: &Refused) -> Option<String> {
    let text = match refused {
        Refused::Binding(_) => {
            "it was moved or renamed after it was sealed; seal it for its new place, or seal with a wider `--scope`"
        }
        Refused::SealMissing | Refused::SealMismatch => {
            "a value was added, dropped or put back by hand; `unwrap --insecure-skip-seal` opens what is there all the same"
        }
        Refused::Tag | Refused::Commitment => {
            "take it from where it was whole: Git, or the cluster"
        }
        _ => return None,
    };
    Some(text.to_owned())
}
