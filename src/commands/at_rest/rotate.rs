//! `at-rest rotate`: new keys for encryption at rest, one proven step after the other.

mod kms;

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use envcrypt_at_rest::config::plan::{NotProven, Plan, Proof, Step};
use envcrypt_at_rest::config::rotate::{
    EditError, Place, new_key_first, place_of_key, with_new_key_second, without_old_keys,
    writing_keys,
};
use envcrypt_at_rest::config::{EncryptionConfiguration, Provider, hash};
use jiff::Timestamp;
use tokio::time::Instant;
use zeroize::Zeroizing;

use crate::batch::store_again::{PaceArgs, store_again};
use crate::etcd::{Expected, Survey};
use crate::failure::{AtRestError, Failure};
use crate::files;
use crate::guard::confirm_context;
use crate::select::etcd::SourceArgs;
use crate::session::Session;
use crate::terminal;

/// How often the API servers are asked with --wait.
const ASK_EVERY: Duration = Duration::from_secs(5);

/// Replace the keys of encryption at rest, step by step.
///
/// With --kms, the command follows a rotation in the KMS: it waits until each API server uses the
/// new key id, encrypts everything again, and proves that nothing is left under an old key. The rest
/// is about the local keys of an EncryptionConfiguration.
///
/// Each run proves the last step, makes the next one, and says what to do before you run the
/// command again. It edits only the file that you name: you copy that file to each node of the
/// control plane. The plan beside it holds no key, so an interrupted rotation can go on.
///
/// The steps: the new key second on each API server; the new key first; all objects encrypted
/// again; no object left under an old key; the old keys removed. The API servers must run with
/// --encryption-provider-config-automatic-reload=true, because they report then what they have
/// loaded.
#[derive(Args)]
#[command(after_help = "Examples:
  # Begin a rotation: the file gets a new key, as the second one
  kubectl envcrypt at-rest rotate --config encryption-config.yaml

  # Go on after the file is copied, and wait until each API server has loaded it
  kubectl envcrypt at-rest rotate --config encryption-config.yaml --wait --kubectl-exec etcd-node1

  # Encrypt everything again after the KMS has rotated its key
  kubectl envcrypt at-rest rotate --kms --wait --kubectl-exec etcd-node1

  # Show the step
  kubectl envcrypt at-rest rotate --config encryption-config.yaml --status")]
pub struct RotateArgs {
    /// The EncryptionConfiguration, which is edited
    #[arg(long, value_name = "FILE", required_unless_present = "kms")]
    config: Option<PathBuf>,
    /// Follow a rotation in the KMS: no file changes
    #[arg(long, conflicts_with_all = ["config", "plan", "new_key", "status"])]
    kms: bool,
    /// Resources to encrypt again with --kms (comma-separated)
    #[arg(
        long,
        value_name = "RESOURCE",
        value_delimiter = ',',
        default_value = "secrets",
        requires = "kms"
    )]
    resources: Vec<String>,
    /// The plan; without it, rotation.yaml beside the configuration
    #[arg(long, value_name = "FILE")]
    plan: Option<PathBuf>,
    /// Name of the new key; without it, a name with the time
    #[arg(long, value_name = "NAME")]
    new_key: Option<String>,
    /// Show the step, and change nothing
    #[arg(long)]
    status: bool,
    /// URL of an API server (can be repeated); without it, those of the Service `kubernetes`
    #[arg(long, value_name = "URL")]
    api_server: Vec<String>,
    /// Wait until each API server has loaded the file, at most 10m unless TIME is given
    #[arg(long, value_name = "TIME", num_args = 0..=1, default_missing_value = "10m", require_equals = true, value_parser = crate::config::duration)]
    wait: Option<Duration>,
    #[command(flatten)]
    pace: PaceArgs,
    #[command(flatten)]
    source: SourceArgs,
}

pub async fn run(args: RotateArgs, session: &Session) -> Result<(), Failure> {
    if args.kms {
        return kms::run(&args, session).await;
    }
    let path = args.plan_path();
    let plan =
        match std::fs::read_to_string(&path) {
            Ok(text) => Some(Plan::load(&text).map_err(|error| AtRestError::Plan {
                path: path.clone(),
                why: error.to_string(),
            })?),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(source) => return Err(files::FileError::Io { path, source }.into()),
        };
    match plan {
        None if args.status => Err(AtRestError::NoRotation(path).into()),
        Some(plan) if args.status => say(&format!("step: {}\n", plan.step.as_str())),
        None => args.begin(&path),
        Some(plan) => args.go_on(plan, &path, session).await,
    }
}

impl RotateArgs {
    /// The EncryptionConfiguration. Only `--kms` goes without.
    fn config(&self) -> &Path {
        self.config.as_deref().unwrap_or(Path::new(""))
    }

    fn plan_path(&self) -> PathBuf {
        let beside = || self.config().with_file_name("rotation.yaml");
        self.plan.clone().unwrap_or_else(beside)
    }

    fn read(&self) -> Result<Zeroizing<String>, Failure> {
        super::read_configuration(self.config())
    }

    fn edited<T>(&self, result: Result<T, EditError>) -> Result<T, Failure> {
        let why = |error: EditError| AtRestError::NotEdited {
            path: self.config().to_owned(),
            why: error.to_string(),
        };
        Ok(result.map_err(why)?)
    }

    /// The first step. The plan is saved before the file is changed.
    fn begin(&self, path: &Path) -> Result<(), Failure> {
        let text = self.read()?;
        let old = self.edited(writing_keys(&text))?;
        let now = Timestamp::now();
        let new_key = self.new_key.clone();
        let new_key = new_key.unwrap_or_else(|| now.strftime("key-%Y%m%d-%H%M%S").to_string());
        let new = self.edited(with_new_key_second(&text, &new_key))?;
        let plan = Plan::start(old, new_key.clone(), hash(new.as_bytes()), &seconds(now));
        files::new_file(path, plan.save().as_bytes())?;
        if let Err(error) = files::replace_file(self.config(), text.as_bytes(), new.as_bytes()) {
            let _ = std::fs::remove_file(path);
            return Err(error.into());
        }
        self.say_copy(&format!("`{new_key}` is the second key now"))
    }

    async fn go_on(&self, mut plan: Plan, path: &Path, session: &Session) -> Result<(), Failure> {
        let text = self.read()?;
        if let Some(expected) = plan.hashes.get(&plan.step)
            && *expected != hash(text.as_bytes())
        {
            return self.repair(&plan, &text, path);
        }
        loop {
            let proof = self.proof(&plan, &text, session).await?;
            let edit = self.next_edit(&plan, &text)?;
            let saved = plan.save();
            let now = seconds(Timestamp::now());
            let hash = edit.as_ref().map(|new| hash(new.as_bytes()));
            let step = plan.advance(&proof, hash, &now).map_err(|why| self.not_proven(&why))?;
            files::replace_file(path, saved.as_bytes(), plan.save().as_bytes())?;
            if let Some(new) = edit {
                files::replace_file(self.config(), text.as_bytes(), new.as_bytes())?;
            }
            match step {
                Step::NewKeyFirst => {
                    return self.say_copy(&format!("`{}` is the first key now", plan.new_key));
                }
                Step::WithoutOldKeys => return self.say_copy("the old keys are removed"),
                Step::Done => return say("the rotation is complete\n"),
                // These need nothing from the person.
                Step::NewKeySecond | Step::Reencrypt | Step::Verify => {}
            }
        }
    }

    /// A run that was interrupted saved the plan, and did not write the file.
    fn repair(&self, plan: &Plan, text: &str, path: &Path) -> Result<(), Failure> {
        if plan.step == Step::NewKeySecond
            && place_of_key(text, &plan.new_key).is_ok_and(|place| place == Place::Absent)
        {
            // The new key was never written, so nobody has it.
            std::fs::remove_file(path)
                .map_err(|source| files::FileError::Io { path: path.to_owned(), source })?;
            return self.begin(path);
        }
        let edit = match plan.step {
            Step::NewKeyFirst => new_key_first(text, &plan.new_key).ok(),
            Step::WithoutOldKeys => without_old_keys(text, &plan.new_key).ok(),
            _ => None,
        };
        let is_it = |new: &Zeroizing<String>| {
            plan.hashes.get(&plan.step).is_some_and(|expected| *expected == hash(new.as_bytes()))
        };
        let Some(new) = edit.filter(is_it) else {
            return Err(AtRestError::OtherConfiguration {
                config: self.config().to_owned(),
                plan: path.to_owned(),
            }
            .into());
        };
        files::replace_file(self.config(), text.as_bytes(), new.as_bytes())?;
        self.say_copy("an interrupted step is finished")
    }

    /// The file of the next step, if that step changes it.
    fn next_edit(&self, plan: &Plan, text: &str) -> Result<Option<Zeroizing<String>>, Failure> {
        match plan.step {
            Step::NewKeySecond => self.edited(new_key_first(text, &plan.new_key)).map(Some),
            Step::Verify => self.edited(without_old_keys(text, &plan.new_key)).map(Some),
            _ => Ok(None),
        }
    }

    /// Proves the step of the plan.
    async fn proof(&self, plan: &Plan, text: &str, session: &Session) -> Result<Proof, Failure> {
        match plan.step {
            Step::NewKeySecond | Step::NewKeyFirst | Step::WithoutOldKeys => {
                self.loaded(plan, session).await
            }
            Step::Reencrypt => {
                confirm_context(session)?;
                let cluster = session.cluster().await?;
                store_again(&cluster, &resources(text, &plan.new_key)?, &self.pace).await?;
                Ok(Proof::Reencrypted)
            }
            Step::Verify => {
                let source = self.source.open(session).await?;
                let prefix = &self.source.etcd_prefix;
                let expected = Expected::key(&plan.new_key);
                let resources = resources(text, &plan.new_key)?;
                let survey = Survey::of(&source, prefix, &resources, Some(&expected)).await?;
                if survey.empty == resources {
                    return Err(AtRestError::NothingThere(resources.join("`, `")).into());
                }
                Ok(Proof::Verified { left: survey.wrong.len() })
            }
            Step::Done => Err(AtRestError::RotationDone(self.plan_path()).into()),
        }
    }

    /// What each API server has loaded. With --wait, asks until all have the file.
    async fn loaded(&self, plan: &Plan, session: &Session) -> Result<Proof, Failure> {
        let until = Instant::now() + self.wait.unwrap_or_default();
        let api_servers = session.target()?.api_servers(&self.api_server).await?;
        loop {
            let mut servers = Vec::new();
            for server in &api_servers {
                let hash = server.cluster.metrics().await?.configuration_hash();
                servers.push((server.name.clone(), hash));
            }
            let proof = Proof::ConfigLoaded { servers };
            let is_proven = envcrypt_at_rest::config::plan::next(plan, &proof).is_ok();
            if is_proven || Instant::now() + ASK_EVERY > until {
                return Ok(proof);
            }
            tokio::time::sleep(ASK_EVERY).await;
        }
    }

    fn not_proven(&self, why: &NotProven) -> Failure {
        AtRestError::NotProven { why: why.to_string(), config: self.config().to_owned() }.into()
    }

    fn say_copy(&self, what: &str) -> Result<(), Failure> {
        say(&format!(
            "{what}\nnext: copy `{}` to each node of the control plane, then run the command again\n",
            self.config().display()
        ))
    }
}

/// The resources that the new key encrypts.
fn resources(text: &str, key: &str) -> Result<Vec<String>, Failure> {
    let config = EncryptionConfiguration::parse(text)
        .map_err(|found| AtRestError::NotAConfiguration(found.text))?;
    let is_new = |provider: &Provider| provider.keys().first().is_some_and(|k| k.name == key);
    let blocks = config
        .blocks
        .iter()
        .filter(|block| block.providers.first().is_some_and(|provider| is_new(provider)));
    Ok(blocks.flat_map(|block| &block.resources).map(|name| name.value.clone()).collect())
}

fn seconds(now: Timestamp) -> String {
    now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn say(text: &str) -> Result<(), Failure> {
    Ok(terminal::stdout(text.as_bytes())?)
}
