//! `sign`: adds the person's signature to sealed Secrets.

use std::path::Path;

use clap::Args;

use crate::access::opener::Opener;
use crate::author::{Signing, Signs};
use crate::batch::{self, Change};
use crate::candidates;
use crate::config::KekName;
use crate::failure::Failure;
use crate::select::many::ManyArgs;
use crate::session::Session;
use crate::terminal;
use envcrypt_core::envelope::SealedSecret;

/// Sign sealed Secrets with your SSH key.
///
/// The command opens each Secret to check its seal, then signs it with the key that Git signs
/// your commits with, or with the key that `ENVCRYPT_SIGNING_KEY` names. Your signature says that
/// these values, labels and annotations are meant to be there: look at them first. Other valid
/// signatures stay. A new seal, by `set` or `rotate`, needs new signatures; `rewrap` keeps them.
///
/// Where the rule for a Secret asks for signatures, the commands that seal sign by themselves.
#[derive(Args)]
#[command(
    override_usage = "kubectl envcrypt sign -f FILE [flags]\n       kubectl envcrypt sign NAME… | -l SELECTOR | -A [flags]",
    after_help = "Examples:
  # Sign a file, after you have looked at it
  kubectl envcrypt sign -f db.yaml

  # Sign all Secrets of a directory again, without the key that was stolen from someone else
  kubectl envcrypt sign -R -f deploy/

  # Sign a Secret in the cluster with another key
  ENVCRYPT_SIGNING_KEY=~/.ssh/work kubectl envcrypt sign db -n prod"
)]
pub struct SignArgs {
    #[command(flatten)]
    many: ManyArgs,
    /// Print the signed file, and leave the file as it is
    #[arg(long, requires = "filename")]
    to_stdout: bool,
    /// Use only this KEK to open the Secret, for this run (can be repeated)
    #[arg(long, value_name = "KEK", help_heading = "KEKs", add = candidates::keks())]
    open_with: Vec<KekName>,
}

pub async fn run(mut args: SignArgs, session: &Session) -> Result<(), Failure> {
    if args.to_stdout {
        let [_] = &args.many.files.paths()?[..] else {
            return Err(Failure::Usage(
                "`--to-stdout` prints only one file: name one file".to_owned(),
            ));
        };
        args.many.to_stdout = true;
    }
    let opener = Opener::to_sign(session, &args.open_with)?;
    let work = Signature { opener: &opener, signing: Signing::new(session, Signs::Always) };
    batch::run(&args.many, session, &work).await
}

struct Signature<'a> {
    opener: &'a Opener<'a>,
    /// Only to know the key: the signatures are made for all commands in one place.
    signing: Signing<'a>,
}

impl Change for Signature<'_> {
    type Secret = SealedSecret;

    async fn admit(&self, secret: &SealedSecret, path: Option<&Path>) -> Result<bool, Failure> {
        let key = self.signing.public_key()?;
        if key.is_some_and(|key| secret.is_signed_by(key)) {
            return Ok(false);
        }
        self.opener.admit(secret, path).await?;
        if let Some(demand) = self.signing.demand(&secret.meta.place, path)?
            && let Ok(signed) = secret.check_signatures(&demand)
            && !signed.uncovered.is_empty()
        {
            terminal::note(&format!(
                "you sign labels and annotations of `{}` that nobody signed before: `{}`",
                secret.meta.place,
                signed.uncovered.join("`, `")
            ));
        }
        Ok(true)
    }

    async fn change(
        &self,
        secret: SealedSecret,
        path: Option<&Path>,
    ) -> Result<(SealedSecret, &'static str), Failure> {
        self.opener.open(&secret, path).await?;
        Ok((secret, "signed"))
    }

    fn signs(&self) -> Signs {
        Signs::Always
    }
}
