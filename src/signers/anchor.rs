//! Compares rules and lists with what this machine saw first.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::present::{self, Here};
use super::{changes, list};
use crate::config::{RULES_FILE, SignersRule};
use crate::failure::{Failure, SignersError};
use crate::pins::{Pin, key};
use crate::session::Session;
use crate::terminal;
use envcrypt_core::envelope::now;
use envcrypt_core::signature::{Signers, Update};

/// What is known of the rules in a directory.
pub enum State {
    /// Nothing asks for signatures.
    Free,
    /// Something does, and nothing was pinned yet.
    New,
    Pinned,
    Changed(Vec<String>),
}

/// A directory with rules that were pinned.
#[derive(Clone)]
pub(super) struct Pinned {
    /// The top of the repository.
    pub(super) top: PathBuf,
    directory: PathBuf,
    rules: Vec<String>,
    pin: Rc<Pin>,
}

/// What is to be done.
pub(super) enum Verdict {
    Free,
    New,
    Same,
    /// People of the known lists signed these changes.
    Signed(Pinned),
    Changed(Pinned, Vec<String>),
    /// Copies of the repository have different pins.
    Copies(Vec<String>),
}

/// Compares the rules that decide in a directory with their pin. Asks about changes on a terminal.
pub fn check(session: &Session, start: &Path) -> Result<(), Failure> {
    if let Some(known) = session.pins.borrow().compared.get(start) {
        return known.clone().map_err(Failure::from);
    }
    let here = Here::of(session, start)?;
    let result = match verdict(session, &here, start)? {
        Verdict::Free | Verdict::Same => Ok(()),
        Verdict::New => return begin(session, &here),
        Verdict::Signed(pinned) => {
            accept(session, &here, &pinned)?;
            terminal::note(&format!(
                "`{}` has a new list of signers, which people of the known list signed",
                pinned.top.display()
            ));
            Ok(())
        }
        Verdict::Changed(pinned, changes) => match ask(session, &pinned.top, &changes)? {
            true => return accept(session, &here, &pinned),
            false => Err(SignersError::Changed { root: pinned.top, changes }),
        },
        Verdict::Copies(changes) => {
            let root = here.top.clone().unwrap_or_default();
            match ask(session, &root, &changes)? {
                true => return begin(session, &here),
                false => Err(SignersError::Changed { root, changes }),
            }
        }
    };
    // Nobody is asked twice.
    session.pins.borrow_mut().compared.insert(start.to_owned(), result.clone());
    result.map_err(Failure::from)
}

/// What is known of the rules in a directory. Asks nobody, and changes nothing.
pub fn state(session: &Session, start: &Path) -> Result<State, Failure> {
    let here = Here::of(session, start)?;
    Ok(verdict(session, &here, start)?.into())
}

impl From<Verdict> for State {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Free => State::Free,
            Verdict::New => State::New,
            Verdict::Same => State::Pinned,
            Verdict::Signed(_) => {
                State::Changed(vec!["people of the known list signed the new one".into()])
            }
            Verdict::Changed(_, changes) | Verdict::Copies(changes) => State::Changed(changes),
        }
    }
}

/// Everyone who may sign by the rules that decide in a directory, one line each.
pub fn present(session: &Session, start: &Path) -> Result<Vec<String>, Failure> {
    let here = Here::of(session, start)?;
    let mut lines = Vec::new();
    for rule in here.rules.iter().flat_map(|rules| rules.lists()) {
        let (_, signers) = list(session, rule)?;
        lines.extend(signers.list().iter().map(changes::describe));
    }
    Ok(lines)
}

/// The person changed a list on this machine: whoever knew the old text knows the new one.
pub fn changed_here(session: &Session, file: &Path, old: &str, new: &str) -> Result<(), Failure> {
    let unix = |text: &str| text.replace("\r\n", "\n");
    let (old, new) = (unix(old), unix(new));
    for top in file.ancestors().skip(1) {
        let name = key(top, file);
        let mut pins = session.pins.borrow_mut();
        let is_old = |text: &String| match (Signers::parse(text), Signers::parse(&old)) {
            (Ok(known), Ok(old)) => changes::is_same(&known, &old),
            _ => false,
        };
        let is_known = pins.of(top)?.is_some_and(|pin| pin.lists.get(&name).is_some_and(is_old));
        if is_known {
            pins.change(top, |pin| {
                pin.replace(&name, Some(new.clone()));
            })?;
        }
    }
    Ok(())
}

pub(super) fn verdict(session: &Session, here: &Here, start: &Path) -> Result<Verdict, Failure> {
    let view = here.view();
    if let (Some(top), true) = (&here.top, here.is_git)
        && let Some(changes) = inherit(session, here, top)?
    {
        return Ok(Verdict::Copies(changes));
    }
    let mut pinned = Vec::new();
    for top in start.ancestors() {
        let Some(pin) = session.pins.borrow_mut().of(top)? else { continue };
        for directory in start.ancestors().take_while(|directory| directory.starts_with(top)) {
            if let Some(rules) = pin.rules.get(&key(top, directory)) {
                let (top, directory) = (top.to_owned(), directory.to_owned());
                pinned.push(Pinned { top, directory, rules: rules.clone(), pin: pin.clone() });
            }
        }
    }
    // The nearest one first.
    pinned.sort_by_key(|pinned| std::cmp::Reverse(pinned.directory.components().count()));
    let free = if view.is_empty() { Verdict::Free } else { Verdict::New };
    for pinned in pinned {
        let is_here = here.root() == Some(&pinned.directory);
        let is_below = here.root().is_some_and(|root| root.starts_with(&pinned.directory));
        if pinned.rules.is_empty() && is_below {
            return Ok(free);
        }
        // A directory whose rules asked for nothing may vanish, if it was not where Git ends.
        if pinned.rules.is_empty() && here.top.as_ref() != Some(&pinned.directory) {
            continue;
        }
        if pinned.rules.is_empty() {
            return Ok(free);
        }
        return match is_here {
            true => compare(session, here, pinned),
            // What nobody saw before cannot have changed.
            false if session.pins.borrow().is_fresh(&pinned.top) => Ok(free),
            false => {
                let changes = vec![other_rules(here, &pinned)];
                Ok(Verdict::Changed(pinned, changes))
            }
        };
    }
    Ok(free)
}

fn other_rules(here: &Here, pinned: &Pinned) -> String {
    let file = pinned.directory.join(RULES_FILE);
    match here.root().filter(|root| root.starts_with(&pinned.directory)) {
        Some(root) => format!(
            "`{}` is new, and hides the rules of `{}`",
            root.join(RULES_FILE).display(),
            file.display()
        ),
        None if file.exists() => format!(
            "`{}` is a repository of its own now, for which `{}` does not count",
            here.top.as_deref().unwrap_or(Path::new(".")).display(),
            file.display()
        ),
        None => format!("`{}`, which asks for signatures, is gone", file.display()),
    }
}

/// Compares the rules of one file, then its lists.
fn compare(session: &Session, here: &Here, pinned: Pinned) -> Result<Verdict, Failure> {
    let file = key(&pinned.top, &pinned.directory.join(RULES_FILE));
    let mut all = changes::of_rules(&file, &pinned.rules, &here.view());
    let (mut is_signed, mut is_new) = (all.is_empty(), false);
    for rule in here.rules.iter().flat_map(|rules| rules.lists()) {
        if let Some((changes, signed)) = compare_list(session, &pinned, rule)? {
            is_new = true;
            is_signed &= signed;
            all.extend(changes);
        }
    }
    Ok(match (all.is_empty() && !is_new, is_signed) {
        (true, _) => Verdict::Same,
        (false, true) => Verdict::Signed(pinned),
        (false, false) => Verdict::Changed(pinned, all),
    })
}

/// What changed in a list, and whether enough people signed that. `None` if nothing did.
fn compare_list(
    session: &Session,
    pinned: &Pinned,
    rule: &SignersRule,
) -> Result<Option<(Vec<String>, bool)>, Failure> {
    let (text, new) = list(session, rule)?;
    if new.list().is_empty() {
        return Err(SignersError::Empty(rule.file.clone()).into());
    }
    let name = key(&pinned.top, &rule.file);
    let Some(known) = pinned.pin.lists.get(&name) else {
        let all =
            new.list().iter().map(|signer| format!("`{name}`: new: {}", changes::describe(signer)));
        return Ok(Some((all.collect(), false)));
    };
    if **known == *text {
        return Ok(None);
    }
    let old = Signers::parse(known)
        .map_err(|error| SignersError::Form { path: rule.file.clone(), error })?;
    let pinned_number = pinned.pin.needed(&name).and_then(NonZeroUsize::new);
    let needed = pinned_number.map_or(rule.needed, |number| number.max(rule.needed));
    let signatures = rule.read_signatures()?;
    let seen = pinned.pin.seen(&name);
    let verdict = signatures.map(|signatures| match pinned.pin.is_shared(&name, old.id()) {
        true => Err("another list has the same line `# envcrypt-list: ID`".to_owned()),
        false => old.check_update(Update {
            text: &text,
            signatures: &signatures,
            needed,
            seen,
            now: now(),
        }),
    });
    if let Some(Ok(())) = verdict {
        return Ok(Some((Vec::new(), true)));
    }
    // The pin keeps its serial: a list without signatures must not raise it.
    if changes::is_same(&old, &new) {
        return Ok(None);
    }
    let mut changes = changes::of_lists(&name, &old, &new);
    if let Some(Err(why)) = verdict {
        changes.push(format!("`{name}.sig` does not allow it: {why}"));
    }
    Ok(Some((changes, false)))
}

/// Pins a repository of which nothing was known.
fn begin(session: &Session, here: &Here) -> Result<(), Failure> {
    let Some(top) = &here.top else { return Ok(()) };
    let pin = present::pin(session, here, top)?;
    present::warn_if_unknown(&mut session.pins.borrow_mut(), here, top, &pin)?;
    let lasts = session.pins.borrow_mut().begin(top, pin)?;
    let rules = here.rules.iter().flat_map(|rules| rules.lists());
    for rule in rules {
        let (_, signers) = list(session, rule)?;
        terminal::note(&format!(
            "pinned `{}`, the list of those who may sign: {}",
            rule.name,
            changes::names(&signers)
        ));
    }
    if !lasts || !session.prompt().is_available() {
        terminal::warn(
            "the list of signers comes from the repository itself, so whoever may write to it can sign: set `ENVCRYPT_SIGNERS` to a list outside of it, or run `kubectl envcrypt check --since REV`",
        );
    }
    Ok(())
}

/// Pins what is there now in the place of what was pinned.
pub(super) fn accept(session: &Session, here: &Here, pinned: &Pinned) -> Result<(), Failure> {
    let top = &pinned.top;
    let mut new = Pin::default();
    for rule in here.rules.iter().flat_map(|rules| rules.lists()) {
        let (text, _) = list(session, rule)?;
        new.lists.insert(key(top, &rule.file), text.to_string());
    }
    let is_below = |path: &&Path| path.starts_with(&pinned.directory);
    let decides = here.root().filter(is_below).map(Path::to_owned);
    // Where no rules decide any more, that is what is pinned.
    let inner = here.top.as_deref().filter(is_below).filter(|top| *top != pinned.directory);
    let is_gone = decides.is_none() && inner.is_none();
    if let Some(directory) = decides.as_deref().or(inner) {
        new.rules.insert(key(top, directory), here.view());
    }
    let gone = key(top, &pinned.directory);
    let lasts = session.pins.borrow_mut().change(top, |pin| {
        if is_gone {
            pin.rules.remove(&gone);
        }
        pin.rules.extend(new.rules.clone());
        for (list, text) in &new.lists {
            pin.replace(list, Some(text.clone()));
        }
    })?;
    warn_unless(lasts);
    Ok(())
}

pub(super) fn warn_unless(lasts: bool) {
    if !lasts {
        terminal::warn(
            "your configuration directory cannot be written, so the next run does not know these rules",
        );
    }
}

/// Takes over the pin of another copy of the repository. Returns what differs if there are several.
fn inherit(session: &Session, here: &Here, top: &Path) -> Result<Option<Vec<String>>, Failure> {
    let mut pins = session.pins.borrow_mut();
    if let Some(known) = pins.copies.get(top) {
        return Ok(known.clone());
    }
    if !pins.is_any() {
        return Ok(None);
    }
    if let Some(pin) = pins.of(top)? {
        present::refresh(&mut pins, here, top, &pin)?;
        pins.copies.insert(top.to_owned(), None);
        return Ok(None);
    }
    let traces = present::traces(here, top);
    let copies = living(pins.copies_of(&traces)?);
    // History from elsewhere can be merged into this one. It must not choose the pin.
    let newest = copies
        .iter()
        .find(|newest| copies.iter().all(|copy| copy.is_like(newest) || newest.is_successor(copy)));
    let mut differ = None;
    match newest {
        Some(newest) => {
            pins.change(top, |known| {
                let is_new = known.is_empty();
                if is_new {
                    *known = newest.clone();
                    known.recognize_by(&traces);
                    copies.iter().for_each(|copy| known.keep_serials(copy));
                }
            })?;
        }
        None if copies.is_empty() => {}
        None => {
            let line = |copy: &Pin| {
                format!("`{}` shares its first commit, and has another pin", copy.repository)
            };
            differ = Some(copies.iter().map(line).collect());
        }
    }
    pins.copies.insert(top.to_owned(), differ.clone());
    Ok(differ)
}

/// The pins of copies that exist. If none does, all.
fn living(mut pins: Vec<Pin>) -> Vec<Pin> {
    // The name of another path was shown in part: then nothing is known of it.
    let is_gone = |pin: &Pin| {
        let top = Path::new(&pin.repository);
        let is_whole = !pin.repository.contains(char::REPLACEMENT_CHARACTER);
        is_whole && top.symlink_metadata().is_err_and(|e| e.kind() == std::io::ErrorKind::NotFound)
    };
    if !pins.iter().all(is_gone) {
        pins.retain(|pin| !is_gone(pin));
    }
    pins
}

/// Shows what changed and asks once. Without a terminal, the answer is no.
fn ask(session: &Session, root: &Path, changes: &[String]) -> Result<bool, Failure> {
    let prompt = session.prompt();
    let is_declined = session.pins.borrow().declined.contains(changes);
    if is_declined || !prompt.is_available() {
        return Ok(false);
    }
    prompt.tell(&format!("the rules about signatures in `{}` changed:", root.display()));
    changes.iter().for_each(|change| prompt.tell(&format!("  {change}")));
    let answer = prompt.confirm("accept these changes")?;
    if !answer {
        session.pins.borrow_mut().declined.insert(changes.to_vec());
    }
    Ok(answer)
}
