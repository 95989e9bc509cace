//! `edit`: edits the values of a sealed Secret in the person's own editor.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::path::Path;

use clap::Args;
use zeroize::Zeroizing;

use crate::access::opener::Opener;
use crate::author::{ChangeSigningArgs, Signs};
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

/// Edit the values of a sealed Secret in your editor.
///
/// The editor is `KUBE_EDITOR`, `VISUAL` or `EDITOR`, otherwise vi. It gets the values as text in
/// a file in memory, not on a disk. Values that you do not change keep their bytes. To cancel,
/// save an empty text. If the text has a mistake, the editor opens again.
#[derive(Args)]
#[command(
    override_usage = "kubectl envcrypt edit NAME [flags]\n       kubectl envcrypt edit -f FILE [flags]",
    after_help = "Examples:
  # Edit a Secret in the cluster
  kubectl envcrypt edit db -n prod

  # Edit a file with another editor
  KUBE_EDITOR=nano kubectl envcrypt edit -f db.yaml"
)]
pub struct EditArgs {
    #[command(flatten)]
    one: OneArgs,
    /// Allow a file on a disk if there is no place in memory
    #[arg(long)]
    allow_disk: bool,
    /// KEK of the Secret, named here to skip the prompt; `rewrap` changes the KEKs (can be
    /// repeated)
    #[arg(long, value_name = "KEK", help_heading = "Sealing", add = candidates::keks())]
    kek: Vec<KekName>,
    /// Use only this KEK to open the Secret, for this run (can be repeated)
    #[arg(long, value_name = "KEK", help_heading = "Sealing", add = candidates::keks())]
    open_with: Vec<KekName>,
    #[command(flatten)]
    allow: AllowArgs,
    #[command(flatten)]
    signing: ChangeSigningArgs,
}

pub async fn run(args: EditArgs, session: &Session) -> Result<(), Failure> {
    let (many, words) = args.one.split()?;
    if !words.is_empty() {
        return Err(Failure::Usage("`edit` takes one NAME, or a file with `-f`".to_owned()));
    }
    let keks = session.keks(&args.kek, MakeLocal::No)?;
    let opener = Opener::to_change(session, &args.kek, &args.open_with)?.with_own_key();
    let work = Editing {
        changer: Changer::new(session, &opener, keks, true),
        opener: &opener,
        args: &args,
        edited: RefCell::default(),
        again: RefCell::default(),
        tries: Cell::new(TRIES),
    };
    // Standard input can be read only once.
    let is_piped = many.files.filename.iter().any(|path| path == Path::new("-"));
    let can_reopen = !is_piped && session.prompt().is_available();
    loop {
        match batch::run(&many, session, &work).await {
            // If the cluster or a KMS refuses, the person must not lose the text.
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
    /// What the editor starts with after a refusal.
    again: RefCell<Option<Again>>,
    /// How often a refusal may still reopen the editor.
    tries: Cell<usize>,
}

/// How often a refusal reopens the editor. Without a limit, a script as the editor would run
/// forever.
const TRIES: usize = 5;

/// The text that the person wrote, and the error that refused it.
struct Again {
    text: Zeroizing<String>,
    error: String,
    /// The Secret before the first edit. Only differences to it are changes of the person.
    old: PlainSecret,
}

/// The result of an edit.
struct Edited {
    /// The Secret before the edit.
    old: PlainSecret,
    delta: Delta,
    text: Zeroizing<String>,
}

impl Editing<'_> {
    /// Whether to reopen the editor with the text of the person and the failure above it.
    fn edit_again(&self, failure: &Failure) -> bool {
        let ends = matches!(
            failure,
            Failure::Batch(
                BatchError::Interrupted { .. }
                    | BatchError::Edited(_)
                    | BatchError::EditedMeanwhile { .. }
            ) | Failure::Edit(_)
                | Failure::Prompt(_)
        );
        let edited = self.edited.take().filter(|edited| !ends && !edited.delta.is_empty());
        let (Some(Edited { old, text, .. }), Some(tries)) =
            (edited, self.tries.get().checked_sub(1))
        else {
            return false;
        };
        self.tries.set(tries);
        // The message may contain text of a server.
        let error = terminal::visible(&failure.to_string()).into_owned();
        self.again.replace(Some(Again { text, error, old }));
        true
    }

    /// Runs the editor until the text is valid or the person gives up. `again` is the text of an
    /// earlier edit, and the error that refused it.
    async fn edit(
        &self,
        old: &PlainSecret,
        again: Option<(Zeroizing<String>, String)>,
    ) -> Result<Option<(Delta, Zeroizing<String>)>, Failure> {
        let disk = if self.args.allow_disk { Disk::Allowed } else { Disk::Refused };
        let editor = Editor::new(disk)?;
        if let Some(name) = editor.unknown() {
            terminal::warn(&format!(
                "`{name}` may keep copies of the text in other places: the plugin does not know this editor"
            ));
        }
        let head = head(old);
        // The same text may be accepted the next time.
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
            // The line as the person will see it, below the error.
            error.line += usize::from(!text.starts_with(TOP));
            error.to_string()
        })?;
        let plain = PlainSecret { meta: old.meta.clone(), values };
        plain.check().map_err(|error| error.to_string())?;
        let size = sealed_size_at_least(plain.values.values().map(SecretValue::len));
        match size > MAX_SEALED_SIZE {
            true => Err(format!(
                "the values are {} bytes too large to be sealed",
                size - MAX_SEALED_SIZE
            )),
            false => Ok(plain.values),
        }
    }

    fn delta(&self, old: &PlainSecret, mut values: BTreeMap<Key, SecretValue>) -> Delta {
        let gone: Vec<Key> =
            old.values.keys().filter(|key| !values.contains_key(key)).cloned().collect();
        for key in &gone {
            terminal::note(&format!("`{key}` is removed"));
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

    fn signs(&self) -> Signs {
        self.args.signing.signs()
    }

    fn allows_older(&self) -> bool {
        self.args.signing.allow_older
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

/// The first line of the text, if there is an error.
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
        "# Secret {}, type {}\n# KEY: VALUE; write a value of several lines below its key, indented, after `|`.\n# Lines that start with `#` are ignored. An empty text cancels.\n",
        secret.meta.place, secret.meta.kind
    )
}

fn is_empty(text: &str) -> bool {
    text.lines().all(|line| line.trim().is_empty() || line.starts_with('#'))
}
