//! Who must have signed a Secret, and how this machine knows the list of signers.
//!
//! Rules and list lie in the repository, where an attacker may write. So there is an anchor outside
//! of it: a list that `ENVCRYPT_SIGNERS` names, or what this machine saw first.

mod anchor;
mod changes;
mod possible;
mod present;
mod review;
mod revision;
#[cfg(test)]
mod tests;
mod variable;

use std::num::NonZeroUsize;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use crate::config::{Rule, SignersRule, read_text, top_of};
use crate::failure::{Failure, SignersError};
use crate::session::{Contexts, Session, Spot, spots};
use envcrypt_core::envelope::{SealedSecret, Signed, now};
use envcrypt_core::secret::Place;
use envcrypt_core::signature::{Demand, Signers};
use variable::Variables;

pub use anchor::{State, changed_here, present, state};
pub use possible::may_ask;
pub use review::{Review, warn_here, warn_of_few};
pub use revision::AtRevision;
pub use variable::is_named;

/// The signatures that a Secret needs; `None` if it needs none. The path is that of its file.
///
/// # Errors
/// Fails if the rules or the list cannot be read, with [`SignersError::Changed`] if they are not
/// those that this machine knows, and with [`SignersError::TwoLists`] if two lists count.
pub fn demand(
    session: &Session,
    place: &Place,
    path: Option<&Path>,
) -> Result<Option<Demand>, Failure> {
    let mut all = demands(session, place, path, Contexts::InUse)?.into_iter();
    let first = all.next();
    match (first, all.next()) {
        (Some(one), Some(other)) => {
            Err(SignersError::TwoLists(one.file.to_path_buf(), other.file.to_path_buf()).into())
        }
        (first, _) => Ok(first),
    }
}

/// All that is asked of the signatures of a Secret. Its file may be known by several paths, of which
/// each can have a rule.
///
/// # Errors
/// As for [`demand`], but several lists are no error.
pub fn demands(
    session: &Session,
    place: &Place,
    path: Option<&Path>,
    contexts: Contexts,
) -> Result<Vec<Demand>, Failure> {
    let spots = spots_of(session, path)?;
    let rules = |spot: &Spot| {
        let nearest = session.rules_of(&spot.start)?;
        let path = spot.path.as_deref();
        session.signing_rules(&place.namespace, path, nearest.as_deref(), contexts)
    };
    let rules: Vec<_> = spots.iter().map(rules).collect::<Result<_, _>>()?;
    let starts: Vec<&Path> = spots.iter().map(|spot| spot.start.as_path()).collect();
    if let Some(outside) = Variables::of_process().demand(session, &starts)? {
        return Ok(vec![stricter(outside, rules.iter().flatten())]);
    }
    let mut demands = Vec::new();
    for (spot, rules) in spots.iter().zip(&rules) {
        let is_own = !rules.is_empty() && rules.iter().all(|rule| rule.is_own);
        if !is_own {
            anchor::check(session, &spot.start)?;
        }
        for rule in rules.iter().filter_map(|rule| rule.signers.as_ref()) {
            let (_, signers) = list(session, rule)?;
            add(&mut demands, rule, signers)?;
        }
    }
    Ok(demands)
}

/// The places of a file that count. A link that leads to another repository counts only where this
/// machine knows the repository that has the link.
fn spots_of(session: &Session, path: Option<&Path>) -> Result<Vec<Spot>, Failure> {
    let mut spots = spots(path)?;
    let mut error = None;
    spots.retain(|spot| {
        let top = top_of(&spot.start);
        let Some(top) = top.filter(|top| top.canonicalize().is_ok_and(|real| real != *top)) else {
            return true;
        };
        top.ancestors().skip(1).any(|outer| match session.pins.borrow_mut().of(outer) {
            Ok(pin) => pin.is_some(),
            Err(e) => {
                error = Some(e);
                true
            }
        })
    });
    error.map_or(Ok(spots), |error| Err(error.into()))
}

/// Adds what a rule asks for. Each list counts once, with the greatest number.
fn add(
    demands: &mut Vec<Demand>,
    rule: &SignersRule,
    signers: Arc<Signers>,
) -> Result<(), SignersError> {
    if signers.list().is_empty() {
        return Err(SignersError::Empty(rule.file.clone()));
    }
    let known = demands.iter_mut().find(|known| changes::is_same(&known.signers, &signers));
    match known {
        Some(known) => known.needed = known.needed.max(rule.needed),
        None => {
            let file = rule.file.as_path().into();
            demands.push(Demand { signers, needed: rule.needed, file });
        }
    }
    Ok(())
}

/// The list from outside, and the greatest of all numbers.
fn stricter<'r>(mut outside: Demand, rules: impl Iterator<Item = &'r Rc<Rule>>) -> Demand {
    let numbers = rules.filter_map(|rule| Some(rule.signers.as_ref()?.needed));
    outside.needed = numbers.fold(outside.needed, NonZeroUsize::max);
    outside
}

/// Checks offline that a Secret has the signatures that its rule asks for. `None` if it asks for
/// none.
///
/// # Errors
/// Fails like [`demands`], and if a signature is missing or does not count.
pub fn check(
    session: &Session,
    secret: &SealedSecret,
    path: Option<&Path>,
) -> Result<Option<Signed>, Failure> {
    let demands = demands(session, &secret.meta.place, path, Contexts::InUse)?;
    check_all(secret, &demands)
}

/// Checks the signatures of a Secret by every list. What one of them does not cover is not covered.
///
/// # Errors
/// Fails if a signature is missing or does not count.
pub fn check_all(secret: &SealedSecret, demands: &[Demand]) -> Result<Option<Signed>, Failure> {
    let mut all: Option<Signed> = None;
    for demand in demands {
        let signed = secret.check_signatures(demand)?;
        let Some(all) = &mut all else {
            all = Some(signed);
            continue;
        };
        all.by.extend(signed.by);
        all.uncovered.extend(signed.uncovered);
        all.uncovered.sort();
        all.uncovered.dedup();
    }
    Ok(all)
}

/// The list that a rule names, with its text. It is read once: what was compared with the pin is
/// what is used.
pub fn list(session: &Session, rule: &SignersRule) -> Result<(Rc<str>, Arc<Signers>), Failure> {
    remembered(session, &rule.file, || Ok(rule.read()?))
}

fn list_at(session: &Session, file: &Path) -> Result<(Rc<str>, Arc<Signers>), Failure> {
    remembered(session, file, || Ok(read_text(file, None)?))
}

fn remembered(
    session: &Session,
    file: &Path,
    read: impl FnOnce() -> Result<Option<String>, Failure>,
) -> Result<(Rc<str>, Arc<Signers>), Failure> {
    if let Some(known) = session.pins.borrow().lists.get(file) {
        return Ok(known.clone());
    }
    let text = read()?.ok_or_else(|| SignersError::Missing(file.to_owned()))?;
    let signers = parse(file, &text)?;
    // A checkout may have another kind of line end.
    let known = (Rc::from(text.replace("\r\n", "\n")), Arc::new(signers));
    session.pins.borrow_mut().lists.insert(file.to_owned(), known.clone());
    Ok(known)
}

fn parse(file: &Path, text: &str) -> Result<Signers, SignersError> {
    let signers = Signers::parse(text);
    let signers = signers.and_then(|signers| signers.check_serial(now()).map(|()| signers));
    signers.map_err(|error| SignersError::Form { path: file.to_owned(), error })
}
