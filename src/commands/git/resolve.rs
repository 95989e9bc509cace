//! `git resolve`: lets a person decide the conflicts of sealed values.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use crate::access::opener::Opener;
use crate::failure::{Failure, MergeError, whose};
use crate::files;
use crate::git::{Conflicts, Repository, unmerged};
use crate::merge::{Conflicted, Decide, Decision, Dispute, Merger, Texts};
use crate::select::files::read_file;
use crate::session::Session;
use crate::terminal::{self, Prompt, PromptError, Times};
use envcrypt_core::envelope::{Jwe, MergePart, SealedSecret, Side};
use envcrypt_core::secret::Place;

/// Decide the conflicts of sealed values in a file, during a merge, rebase or cherry-pick.
///
/// For each value that both sides changed, the command prompts for ours, theirs or a new value. It
/// reads both versions from Git, checks their seals, and makes a new seal. Other lines of the file
/// stay as they are. Then run `git add` for the file. During a rebase, `ours` is the branch that
/// you rebase onto, as in Git.
#[derive(Args)]
#[command(after_help = "Examples:
  # Prompt for each conflict
  kubectl envcrypt git resolve db.yaml

  # Take one value of theirs, and all others of ours, without a terminal
  kubectl envcrypt git resolve db.yaml --theirs=password --ours

  # Take the value of one of several Secrets
  kubectl envcrypt git resolve all.yaml --ours=prod/db/password --theirs")]
pub struct ResolveArgs {
    /// The file with conflicts
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Take our value of this key, or NAMESPACE/NAME/KEY; without =KEY, of all others (can be
    /// repeated)
    #[arg(long, value_name = "KEY", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    ours: Vec<String>,
    /// Take their value of this key, or NAMESPACE/NAME/KEY; without =KEY, of all others (can be
    /// repeated)
    #[arg(long, value_name = "KEY", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    theirs: Vec<String>,
    /// Accept and sign a side without the signatures that its rule asks for, after printing how it
    /// differs
    #[arg(long)]
    accept_unsigned: bool,
}

pub async fn run(args: ResolveArgs, session: &Session) -> Result<(), Failure> {
    let choices = Choices::new(&args, session.prompt())?;
    let (repository, path) = place(&args.file)?;
    let no_conflict = || MergeError::NoConflict(args.file.clone());
    let versions = unmerged(&repository, &path)?.ok_or_else(no_conflict)?;
    let text = read_file(&args.file)?;
    let (Some(ours), Some(theirs)) = (&versions.ours, &versions.theirs) else {
        return Err(MergeError::OneSided(args.file).into());
    };
    let conflicted = Conflicted::read(&args.file, &text)?;
    let opener = Opener::to_reseal(session, &[])?.with_own_key();
    let merger = Merger::new(session, &opener, Some(&args.file));
    let base = versions.base.as_ref().map_or(&b""[..], |base| base);
    let conflicts = Conflicts { marker_size: 0, with_base: false };
    let texts = Texts { ours, base, theirs, conflicts };
    let resolved = texts.resolve(&conflicted, &merger, &choices).await?;
    choices.check_used()?;
    merger.tell_open();
    files::replace_file(&args.file, &text, &resolved.bytes)?;
    if !resolved.is_clean {
        return Err(MergeError::OtherLines(args.file).into());
    }
    let file = args.file.display().to_string();
    let line = format!("{} resolved: run `git add` for it\n", terminal::visible(&file));
    Ok(terminal::stdout(line.as_bytes())?)
}

/// The repository of a file, and its path from the top of the work tree.
fn place(file: &Path) -> Result<(Repository, PathBuf), Failure> {
    let error = |source| {
        Failure::Select(crate::failure::SelectError::Read { path: file.to_owned(), source })
    };
    let parent = file.parent().filter(|parent| *parent != Path::new(""));
    let directory = parent.unwrap_or(Path::new(".")).canonicalize().map_err(error)?;
    let name = file.file_name().ok_or_else(|| error(std::io::ErrorKind::IsADirectory.into()))?;
    let repository = Repository::of(&directory)?;
    let top = repository.top().canonicalize().map_err(error)?;
    let within =
        directory.strip_prefix(&top).map_err(|_| MergeError::NoConflict(file.to_owned()))?;
    Ok((repository, within.join(name)))
}

/// What flags and the person choose.
struct Choices {
    ours: BTreeSet<String>,
    theirs: BTreeSet<String>,
    /// The side of everything that no flag names.
    others: Option<Side>,
    accept_unsigned: bool,
    used: RefCell<BTreeSet<String>>,
    prompt: Arc<dyn Prompt>,
}

impl Choices {
    fn new(args: &ResolveArgs, prompt: &Arc<dyn Prompt>) -> Result<Self, Failure> {
        let named = |flags: &[String]| -> BTreeSet<String> {
            flags.iter().filter(|key| !key.is_empty()).cloned().collect()
        };
        let all = |flags: &[String]| flags.iter().any(String::is_empty);
        let (ours, theirs) = (named(&args.ours), named(&args.theirs));
        let others = match (all(&args.ours), all(&args.theirs)) {
            (true, true) => {
                return Err(Failure::Usage(
                    "`--ours` and `--theirs` cannot both be for all keys: name keys with `--ours=KEY`"
                        .to_owned(),
                ));
            }
            (true, false) => Some(Side::Ours),
            (false, true) => Some(Side::Theirs),
            (false, false) => None,
        };
        if let Some(key) = ours.intersection(&theirs).next() {
            return Err(Failure::Usage(format!("`--ours` and `--theirs` both name `{key}`")));
        }
        let (accept_unsigned, used) = (args.accept_unsigned, RefCell::default());
        Ok(Self { ours, theirs, others, accept_unsigned, used, prompt: prompt.clone() })
    }

    /// The side that a flag names. A full name counts before a key.
    fn named(&self, dispute: &Dispute<'_>) -> Option<Side> {
        if let MergePart::Value(key) = dispute.part {
            for name in [format!("{}/{key}", dispute.place()), key.to_string()] {
                let side = match (self.ours.contains(&name), self.theirs.contains(&name)) {
                    (true, _) => Side::Ours,
                    (_, true) => Side::Theirs,
                    _ => continue,
                };
                self.used.borrow_mut().insert(name);
                return Some(side);
            }
        }
        self.others
    }

    /// Refuses a flag that named nothing: it is probably a typing mistake.
    fn check_used(&self) -> Result<(), Failure> {
        let used = self.used.borrow();
        let unused = self.ours.iter().chain(&self.theirs).find(|name| !used.contains(*name));
        unused.map_or(Ok(()), |name| Err(MergeError::NoSuchConflict(name.clone()).into()))
    }

    fn ask(&self, dispute: &Dispute<'_>) -> Result<Decision, Failure> {
        let what = format!("{} of `{}`", dispute.part, dispute.place());
        if !self.prompt.is_available() {
            return Err(Failure::Usage(format!(
                "both sides changed {what}, and there is no terminal to prompt: add `--ours` or `--theirs`, for all or with `=KEY`"
            )));
        }
        self.prompt.tell(&format!("Both sides changed {what}."));
        for (side, secret) in [("ours", dispute.ours), ("theirs", dispute.theirs)] {
            self.prompt.tell(&format!("  {side:<7} {}", state(secret, dispute.part)));
        }
        let is_value = matches!(dispute.part, MergePart::Value(_));
        let question =
            if is_value { "ours, theirs or new [o/t/n]" } else { "ours or theirs [o/t]" };
        loop {
            match self.prompt.visible(question)?.trim() {
                "o" | "ours" => return Ok(Decision::Side(Side::Ours)),
                "t" | "theirs" => return Ok(Decision::Side(Side::Theirs)),
                "n" | "new" if is_value => {
                    let name = dispute.part.to_string();
                    let value = self.prompt.hidden(name.trim_matches('`'), Times::Twice)?;
                    return Ok(Decision::New(value));
                }
                // The end of the input, or an empty line.
                "" => return Err(PromptError::Closed(what).into()),
                _ => {}
            }
        }
    }
}

impl Decide for Choices {
    fn decide(&self, dispute: &Dispute<'_>) -> Result<Decision, Failure> {
        match self.named(dispute) {
            Some(side) => Ok(Decision::Side(side)),
            None => self.ask(dispute),
        }
    }

    fn unsigned(
        &self,
        side: Side,
        secret: &SealedSecret,
        other: &SealedSecret,
    ) -> Result<bool, Failure> {
        let mut lines = vec![format!(
            "{} version of `{}` does not have the signatures that its rule asks for. It differs in:",
            whose(side),
            secret.meta.place
        )];
        lines.extend(differences(secret, other));
        if self.accept_unsigned {
            lines.iter().for_each(|line| terminal::stderr_line(line));
            return Ok(true);
        }
        if !self.prompt.is_available() {
            return Ok(false);
        }
        lines.iter().for_each(|line| self.prompt.tell(&terminal::visible(line)));
        Ok(self.prompt.confirm("accept it, and sign the result")?)
    }

    fn rolled_back(&self, place: &Place, side: Side) -> Result<(), Failure> {
        terminal::warn(&format!(
            "{} version of `{place}` was sealed before the common version, and can bring replaced values back: decide about every value that differs",
            whose(side)
        ));
        Ok(())
    }
}

/// How a version differs from another one, without opening them: one line for each part.
fn differences(secret: &SealedSecret, other: &SealedSecret) -> Vec<String> {
    let mut lines = Vec::new();
    let keys: BTreeSet<_> = secret.values.keys().chain(other.values.keys()).collect();
    for key in keys {
        let [this, that] = [secret, other].map(|side| side.values.get(key).map(Jwe::digest));
        if this != that {
            let part = MergePart::Value(key.clone());
            lines.push(format!("  {part}: {}", state(secret, &part)));
        }
    }
    for part in [MergePart::Type, MergePart::Immutable] {
        if state(secret, &part) != state(other, &part) {
            lines.push(format!("  {part}: {}", state(secret, &part)));
        }
    }
    let names = [
        ("label", &secret.meta.labels, &other.meta.labels),
        ("annotation", &secret.meta.annotations, &other.meta.annotations),
    ];
    for (what, this, that) in names {
        for name in this.keys().chain(that.keys()).collect::<BTreeSet<_>>() {
            if this.get(name) != that.get(name) {
                // Anyone may have written them: a line break must not begin another line.
                let value = this.get(name).map_or("deleted".to_owned(), |text| format!("{text:?}"));
                lines.push(format!("  the {what} {name:?}: {value}"));
            }
        }
    }
    if lines.is_empty() {
        lines.push("  nothing but the seal".to_owned());
    }
    lines
}

/// What a side has, without opening it.
fn state(secret: &SealedSecret, part: &MergePart) -> String {
    match part {
        MergePart::Value(key) => match secret.values.get(key) {
            Some(jwe) => format!("sealed {}", terminal::time(jwe.sealed_at)),
            None => "deleted".to_owned(),
        },
        MergePart::Type => secret.meta.kind.to_string(),
        MergePart::Immutable => secret.meta.immutable.to_string(),
    }
}
