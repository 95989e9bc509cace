//! One sealed Secret, in the cluster or in a file, that a command changes.

use std::path::PathBuf;

use clap::Args;

use super::dry_run::ClientDryRun;
use super::many::ManyArgs;
use crate::candidates;
use crate::failure::Failure;
use crate::select::files::FileArgs;
use crate::select::names::check_not_file;

/// The Secret, and the words after its name.
#[derive(Args)]
pub struct OneArgs {
    /// File with the Secret, changed in place; - reads standard input and prints the result
    #[arg(short = 'f', long = "filename", value_name = "FILE")]
    filename: Option<PathBuf>,
    /// Name of the Secret, if the file has several
    #[arg(long, value_name = "NAME", requires = "filename")]
    name: Option<String>,
    /// Name of the Secret in the cluster, or evs/NAME for an EnvcryptSecret; for `set` and `unset`,
    /// then the keys
    #[arg(value_name = "NAME", add = candidates::secrets_and_keys())]
    words: Vec<String>,
    /// Print what would change, and change nothing
    #[arg(long, value_enum, num_args = 0..=1, default_missing_value = "client", require_equals = true)]
    dry_run: Option<ClientDryRun>,
}

impl OneArgs {
    /// Splits off the Secret; the other words come back too.
    pub fn split(&self) -> Result<(ManyArgs, &[String]), Failure> {
        let mut many = ManyArgs { single: true, dry_run: self.dry_run, ..ManyArgs::default() };
        if let Some(path) = &self.filename {
            if path.is_dir() {
                return Err(Failure::Usage("`-f` takes one file here, not a directory".to_owned()));
            }
            let only = self.name.clone();
            many.files = FileArgs { filename: vec![path.clone()], only, ..FileArgs::default() };
            return Ok((many, &self.words));
        }
        let (name, rest) = self
            .words
            .split_first()
            .ok_or_else(|| Failure::Usage("name a Secret, or a file with `-f`".to_owned()))?;
        check_not_file(name)?;
        many.names = vec![name.clone()];
        Ok((many, rest))
    }
}
