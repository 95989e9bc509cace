//! Which KEKs a sealed Secret may be under, as far as can be told offline.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::commands::local::{self, MakeLocal};
use crate::commands::{Failure, Session, sealing};
use crate::config::Rules;
use crate::envelope::SealedSecret;
use crate::kek::{KekUri, Scheme, Trust};
use crate::terminal;

/// What is known of KEKs here.
pub struct Known<'a> {
    session: &'a Session,
    /// By flag, in the environment, in the settings; accepted before; one's own.
    keks: Trust,
    is_empty: bool,
    /// The rules for files of a folder.
    rules: RefCell<BTreeMap<PathBuf, Option<Rc<Rules>>>>,
    unchecked: Cell<usize>,
}

/// What the rules name for a Secret.
struct Ruled {
    rules: Rc<Rules>,
    names: Vec<String>,
}

impl<'a> Known<'a> {
    pub fn new(session: &'a Session, flags: &[String]) -> Result<Self, Failure> {
        let mut keks = session.trust(flags)?;
        // One that is locked or gone is no matter here.
        for (own, _) in local::identities(session).unwrap_or_default() {
            keks.add(own, crate::kek::Trusted::Configured);
        }
        let is_empty = keks.iter().next().is_none();
        let (rules, unchecked) = (RefCell::default(), Cell::default());
        Ok(Self { session, keks, is_empty, rules, unchecked })
    }

    /// What is wrong with the KEKs of a Secret in a file.
    pub fn check(
        &self,
        secret: &SealedSecret,
        path: &Path,
    ) -> Result<Vec<(&'static str, String)>, Failure> {
        let place = &secret.meta.place;
        let mut wrong = Vec::new();
        let ruled = self.ruled(secret, path)?;
        if let Some(Ruled { rules, names }) = ruled.as_ref().filter(|ruled| !ruled.names.is_empty())
        {
            for kek in secret.keks() {
                if !names.iter().any(|name| self.is_named(name, kek)) {
                    let rules = rules.path.file_name().unwrap_or_default().to_string_lossy();
                    let text = format!(
                        "the Secret `{place}` is under `{kek}`, which the rules of `{rules}` do not name for it"
                    );
                    wrong.push(("kek-not-allowed", text));
                }
            }
        } else if self.is_empty && ruled.is_none() {
            self.unchecked.set(self.unchecked.get() + 1);
        } else {
            for kek in secret.keks().into_iter().filter(|kek| !self.knows(kek)) {
                let text =
                    format!("the Secret `{place}` is under `{kek}`, which nothing here names");
                wrong.push(("unknown-kek", text));
            }
        }
        Ok(wrong)
    }

    /// Says what could not be checked.
    pub fn tell(&self) {
        if self.unchecked.get() > 0 {
            terminal::note(&format!(
                "nothing says which KEKs are yours, so those of {} sealed Secrets were not checked: name them in `.envcrypt.yaml`, or with `--kek`",
                self.unchecked.get()
            ));
        }
    }

    /// The names that the rules give for it, where there are rules.
    fn ruled(&self, secret: &SealedSecret, path: &Path) -> Result<Option<Ruled>, Failure> {
        let error = |source| Failure::Read { path: path.to_owned(), source };
        // Standard input is nowhere: what holds here holds for it.
        let path = if path == Path::new("-") { Path::new("./-") } else { path };
        let folder = path.parent().filter(|folder| *folder != Path::new(""));
        let folder = folder.unwrap_or(Path::new(".")).canonicalize().map_err(error)?;
        let path = folder.join(path.file_name().unwrap_or_default());
        let known = self.rules.borrow().get(&folder).cloned();
        let rules = match known {
            Some(rules) => rules,
            None => {
                let rules = Rules::nearest(&folder)?.map(Rc::new);
                self.rules.borrow_mut().insert(folder.to_owned(), rules.clone());
                rules
            }
        };
        let Some(rules) = rules else { return Ok(None) };
        let names = rules.possible_keks(secret.meta.place.namespace.as_str(), &path);
        Ok(Some(Ruled { rules, names }))
    }

    fn knows(&self, kek: &KekUri) -> bool {
        self.keks.iter().any(|(known, _)| known.may_name(kek))
    }

    /// Whether a rule's name can be this KEK. What stands behind an alias, and whose
    /// `local` is meant, cannot be told offline.
    fn is_named(&self, name: &str, kek: &KekUri) -> bool {
        if name == "local" {
            let own = local::uri(self.session, MakeLocal::No);
            return own.map_or(kek.scheme() == Scheme::Age, |own| own == *kek);
        }
        sealing::uri(self.session, name, MakeLocal::No).is_ok_and(|named| named.may_name(kek))
    }
}
