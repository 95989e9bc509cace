//! `edit`: a sealed Secret's values in the person's own editor.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::path::Path;

use clap::Args;
use zeroize::Zeroizing;

use crate::access::opener::Opener;
use crate::batch::edit_values::{Changer, Delta};
use crate::batch::{self, Change};
use crate::candidates;
use crate::config::KekName;
use crate::failure::{BatchError, Failure};
use crate::files::Disk;
use crate::select::one::OneArgs;
use crate::session::Session;
use crate::session::local::MakeLocal;
use crate::terminal::{self, Editor};
use crate::values::allow::AllowArgs;
use envcrypt_core::envelope::{MAX_SEALED_SIZE, SealedSecret, sealed_size_at_least};
use envcrypt_core::manifest::{draft, read_draft};
use envcrypt_core::secret::{Key, PlainSecret, SecretValue};

/// Change the values of a sealed Secret in your editor.
///
/// `KUBE_EDITOR`, `VISUAL` or `EDITOR`, else vi, gets them as text, in memory and
/// never on a disk. Values that do not change keep their bytes. An empty text
/// cancels; a mistake opens the editor again.
#[derive(Args)]
#[command(
    override_usage = "kubectl envcrypt edit NAME [flags]\n       kubectl envcrypt edit -f FILE [flags]",
    after_help = "Examples:
  # A Secret of the cluster
  kubectl envcrypt edit db -n prod

  # A file, with another editor
  KUBE_EDITOR=nano kubectl envcrypt edit -f db.yaml"
)]
pub struct EditArgs {
    #[command(flatten)]
    one: OneArgs,
    /// Edit on a disk where there is no place in memory
    #[arg(long)]
    allow_disk: bool,
    /// The KEKs of the Secret, named so that nothing is asked; `rewrap` changes them; repeatable
    #[arg(long, value_name = "KEK", help_heading = "Sealing", add = candidates::keks())]
    kek: Vec<KekName>,
    /// A KEK that may be asked to open this once, and only these; repeatable
    #[arg(long, value_name = "KEK", help_heading = "Sealing", add = candidates::keks())]
    open_with: Vec<KekName>,
    #[command(flatten)]
    allow: AllowArgs,
}

/// Runs it.
pub async fn run(args: EditArgs, session: &Session) -> Result<(), Failure> {
    let (many, words) = args.one.split()?;
    if !words.is_empty() {
        return Err(Failure::Usage("`edit` takes one NAME, or a file with `-f`".to_owned()));
    }
    let keks = session.keks(&args.kek, MakeLocal::No)?;
    let opener = Opener::to_change(session, &args.kek, &args.open_with)?;
    let work = Editing {
        changer: Changer::new(session, &opener, keks, true),
        opener: &opener,
        args: &args,
        edited: RefCell::default(),
        again: RefCell::default(),
        tries: Cell::new(TRIES),
    };
    // Standard input comes only once.
    let is_piped = many.files.filename.iter().any(|path| path == Path::new("-"));
    let can_reopen = !is_piped && session.prompt().is_available();
    loop {
        match batch::run(&many, session, &work).await {
            // What the person wrote is not lost because the cluster or a KMS refuses.
            Err(failure) if can_reopen && work.edit_again(&failure) => {}
            result => return result,
        }
    }
}

struct Editing<'a> {
    changer: Changer<'a>,
    opener: &'a Opener<'a>,
    args: &'a EditArgs,
    edited: RefCell<Option<Edited>>,
    /// What to begin with after a refusal.
    again: RefCell<Option<Again>>,
    /// How often a refusal may still open the editor again.
    tries: Cell<usize>,
}

/// How often a refusal opens the editor again: a script in its place would never end.
const TRIES: usize = 5;

/// What the person wrote, and what refused it.
struct Again {
    text: Zeroizing<String>,
    error: String,
    /// The Secret as they saw it at first: only what they changed in it is theirs.
    old: PlainSecret,
}

/// What the person did.
struct Edited {
    /// The Secret as they saw it.
    old: PlainSecret,
    delta: Delta,
    text: Zeroizing<String>,
}

impl Editing<'_> {
    /// Whether to open the editor again on what was written, the failure above it.
    fn edit_again(&self, failure: &Failure) -> bool {
        let ends = matches!(
            failure,
            Failure::Batch(BatchError::Interrupted { .. })
                | Failure::Edit(_)
                | Failure::Batch(BatchError::Edited(_))
                | Failure::Batch(BatchError::EditedMeanwhile { .. })
                | Failure::Prompt(_)
        );
        let edited = self.edited.take().filter(|edited| !ends && !edited.delta.is_empty());
        let (Some(Edited { old, text, .. }), Some(tries)) =
            (edited, self.tries.get().checked_sub(1))
        else {
            return false;
        };
        self.tries.set(tries);
        // A server has a say in it.
        let error = terminal::visible(&failure.to_string()).into_owned();
        self.again.replace(Some(Again { text, error, old }));
        true
    }

    /// Has the person edit it, until it is right or they give up.
    /// `again` is what they wrote before, and what refused it.
    async fn edit(
        &self,
        old: &PlainSecret,
        again: Option<(Zeroizing<String>, String)>,
    ) -> Result<Option<(Delta, Zeroizing<String>)>, Failure> {
        let disk = if self.args.allow_disk { Disk::Allowed } else { Disk::Refused };
        let editor = Editor::new(disk)?;
        if let Some(name) = editor.unknown() {
            terminal::warn(&format!(
                "whether `{name}` keeps copies of what it edits in other places is not known here"
            ));
        }
        let head = head(old);
        // What was refused may pass the next time as it is.
        let mut is_retry = again.is_some();
        let (mut text, mut error) = match again {
            Some((text, error)) => (text, Some(error)),
            None => (Zeroizing::new(format!("{head}{}", &*draft(&old.values))), None),
        };
        loop {
            let shown = Zeroizing::new(format!("{}{}", top(error.as_deref()), &*text));
            let new = editor.edit(&shown).await?;
            if is_empty(&new) {
                terminal::note("the text is empty: nothing was changed");
                return Ok(None);
            }
            if *new == *shown && !is_retry {
                return match error {
                    None => Ok(Some((Delta::default(), text))),
                    Some(wrong) => Err(Failure::Batch(BatchError::Edited(wrong))),
                };
            }
            text = without_top(&new);
            match self.read(old, &new) {
                Ok(values) => return Ok(Some((self.delta(old, values), text))),
                Err(wrong) => error = Some(wrong),
            }
            is_retry = false;
        }
    }

    /// The values of an edited text, or what is wrong with them.
    fn read(&self, old: &PlainSecret, text: &str) -> Result<BTreeMap<Key, SecretValue>, String> {
        let values = read_draft(text).map_err(|mut error| {
            // Counted as the person will see it, below the error.
            error.line += usize::from(!text.starts_with(TOP));
            error.to_string()
        })?;
        let plain = PlainSecret { meta: old.meta.clone(), values };
        plain.check().map_err(|error| error.to_string())?;
        let size = sealed_size_at_least(plain.values.values().map(SecretValue::len));
        match size > MAX_SEALED_SIZE {
            true => Err(format!(
                "the values are too large to be sealed, by {} bytes",
                size - MAX_SEALED_SIZE
            )),
            false => Ok(plain.values),
        }
    }

    fn delta(&self, old: &PlainSecret, mut values: BTreeMap<Key, SecretValue>) -> Delta {
        let gone: Vec<Key> =
            old.values.keys().filter(|key| !values.contains_key(key)).cloned().collect();
        for key in &gone {
            terminal::note(&format!("`{key}` is taken out"));
        }
        for key in values.keys().filter(|key| !old.values.contains_key(key)) {
            terminal::note(&format!("`{key}` is new"));
        }
        values.retain(|key, value| !old.holds(key, value));
        self.args.allow.warn(&values, None);
        Delta { values, gone }
    }
}

impl Change for Editing<'_> {
    type Secret = SealedSecret;

    async fn admit(&self, secret: &SealedSecret, path: Option<&Path>) -> Result<bool, Failure> {
        if self.edited.borrow().is_none() {
            let now = self.opener.open(secret, path).await?;
            self.changer.prepare(secret, path).await?;
            let (old, again) = match self.again.take() {
                Some(Again { text, error, old }) => (old, Some((text, error))),
                None => (now, None),
            };
            let Some((delta, text)) = self.edit(&old, again).await? else { return Ok(false) };
            *self.edited.borrow_mut() = Some(Edited { old, delta, text });
        }
        let edited = self.edited.borrow();
        let delta = &edited.as_ref().expect("just edited").delta;
        Ok(!delta.is_empty())
    }

    async fn change(
        &self,
        secret: SealedSecret,
        path: Option<&Path>,
    ) -> Result<(SealedSecret, &'static str), Failure> {
        let now = self.opener.open(&secret, path).await?;
        let edited = self.edited.take().expect("admitted before");
        let new = match check_same(&edited, &now) {
            Ok(()) => self.changer.change(secret, path, &edited.delta).await,
            Err(failure) => Err(failure),
        };
        *self.edited.borrow_mut() = Some(edited);
        Ok((new?, "edited"))
    }
}

/// Refuses to overwrite what someone else changed while the editor was open.
fn check_same(edited: &Edited, now: &PlainSecret) -> Result<(), Failure> {
    let keys = edited.delta.values.keys().chain(&edited.delta.gone);
    for key in keys {
        let same = match (edited.old.values.get(key), now.values.get(key)) {
            (Some(old), Some(now)) => old.same_as(now),
            (old, now) => old.is_none() && now.is_none(),
        };
        if !same {
            let place = now.meta.place.to_string();
            return Err(Failure::Batch(BatchError::EditedMeanwhile {
                place,
                key: key.to_string(),
            }));
        }
    }
    Ok(())
}

const TOP: &str = "# error: ";

/// What stands above all where something is wrong.
fn top(error: Option<&str>) -> String {
    error.map_or_else(String::new, |wrong| format!("{TOP}{wrong}\n"))
}

fn without_top(text: &str) -> Zeroizing<String> {
    let rest = match text.strip_prefix(TOP) {
        Some(rest) => rest.split_once('\n').map_or("", |(_, rest)| rest),
        None => text,
    };
    Zeroizing::new(rest.to_owned())
}

fn head(secret: &PlainSecret) -> String {
    format!(
        "# Secret {}, type {}\n# KEY: VALUE; a value of several lines stands below its key, indented, behind `|`.\n# Lines with `#` are left out. An empty text cancels.\n",
        secret.meta.place, secret.meta.kind
    )
}

fn is_empty(text: &str) -> bool {
    text.lines().all(|line| line.trim().is_empty() || line.starts_with('#'))
}
