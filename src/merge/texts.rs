//! Merges three texts: first their sealed Secrets, then their lines.

use std::collections::BTreeSet;
use std::path::Path;

use super::markers::{self, Sides};
use super::plan::{Added, Plan, Versions, alike};
use super::secret::{Decide, Merger};
use super::versions::{Version, same};
use crate::failure::{Failure, MergeError, NotMerged};
use crate::git::{Conflicts, GitError, MergedText, merge_file};
use envcrypt_core::manifest::ManifestError;
use envcrypt_core::secret::Place;
use zeroize::Zeroizing;

/// The three versions of a file.
pub struct Texts<'t> {
    pub ours: &'t [u8],
    pub base: &'t [u8],
    pub theirs: &'t [u8],
    pub conflicts: Conflicts,
}

/// The merged file, and what is left to a person.
pub struct Merged {
    pub text: MergedText,
    pub secrets: Vec<NotMerged>,
}

/// A text with conflicts, as a person has it.
pub struct Conflicted<'p> {
    path: &'p Path,
    ours: Version,
    theirs: Version,
    /// The Secrets with conflicts.
    places: BTreeSet<Place>,
}

impl Merged {
    /// The signal that ended a program while it signed. Then the person wants no result.
    pub fn interruption(&self) -> Option<Failure> {
        let mut failures = self.secrets.iter().filter_map(|secret| secret.failure.as_deref());
        failures.find_map(|failure| match failure {
            Failure::Ended(code) => Some(Failure::Ended(*code)),
            _ => None,
        })
    }
}

impl Texts<'_> {
    /// Merges them. It does not fail: what cannot be merged becomes a conflict.
    pub async fn merge(&self, merger: &Merger<'_>, decide: &impl Decide) -> Merged {
        let Some(versions) = self.versions() else { return self.lines() };
        let plan = versions.plan(merger, decide, |_| true).await;
        match plan.is_empty() {
            true => self.lines(),
            false => self.with_lines(&versions, plan),
        }
    }

    /// Merges only lines, because no Secret can be opened. If that would need a new seal, all
    /// differences become conflicts.
    pub fn conflict(&self, failure: Failure) -> Merged {
        let lines = self.lines();
        let Some(versions) = self.versions() else { return lines };
        match versions.changed_on_both_sides() {
            None => lines,
            Some(place) => {
                let failure = Some(Box::new(failure));
                let secrets = vec![NotMerged { place, parts: Vec::new(), failure }];
                Merged { text: self.all_differences(), secrets }
            }
        }
    }

    /// Resolves the conflicts of sealed Secrets in a text that [`Texts::merge`] made, or that a
    /// person edited since. All other lines stay.
    ///
    /// # Errors
    /// Returns a [`Failure`] if a Secret is not merged, or the text cannot be changed.
    pub async fn resolve(
        &self,
        conflicted: &Conflicted<'_>,
        merger: &Merger<'_>,
        decide: &impl Decide,
    ) -> Result<MergedText, Failure> {
        let one_sided = || MergeError::OneSided(conflicted.path.to_owned());
        let versions = self.versions().ok_or_else(one_sided)?;
        let mut both = versions.ours.places().chain(versions.theirs.places());
        if let Some(place) = both.find(|place| conflicted.is_unclear(place)) {
            let path = conflicted.path.to_owned();
            return Err(MergeError::Unclear { path, place: place.clone() }.into());
        }
        let is_wanted = |place: &Place| conflicted.places.contains(place);
        let mut plan = versions.plan(merger, decide, is_wanted).await;
        let failure =
            std::mem::take(&mut plan.not_merged).into_iter().find_map(|secret| secret.failure);
        if let Some(failure) = failure {
            return Err(*failure);
        }
        if plan.whole.is_empty() {
            return Err(one_sided().into());
        }
        let both = [&conflicted.ours, &conflicted.theirs];
        let text = |version: &Version| alike(version, plan.whole.iter(), both, |_| true);
        let (ours, theirs) = (text(both[0])?, text(both[1])?);
        let merged = match ours == theirs {
            true => MergedText { bytes: Zeroizing::new(ours.into_bytes()), is_clean: true },
            false => self.git([ours.as_bytes(), b"", theirs.as_bytes()])?,
        };
        if !merged.is_clean
            && conflicted.has_whole_sides(&versions)
            && let Some(text) = self.around(&versions, &plan)
        {
            return Ok(text);
        }
        match plan.misfit(&merged.bytes).filter(|_| merged.is_clean) {
            Some(place) => Err(MergeError::Text(place).into()),
            None => Ok(merged),
        }
    }

    /// Merges the lines around planned Secrets anew, where nobody merged any line yet. `None` if there
    /// are other conflicts.
    fn around(&self, versions: &Versions, plan: &Plan) -> Option<MergedText> {
        [Added::Everywhere, Added::OnlyOurs, Added::OnlyTheirs].into_iter().find_map(|added| {
            let texts = versions.rewritten(plan, added).ok()?;
            let text = self.git(texts.each_ref().map(String::as_bytes)).ok()?;
            (text.is_clean && plan.misfit(&text.bytes).is_none()).then_some(text)
        })
    }

    /// Reads them. `None` if there is nothing to merge but lines.
    fn versions(&self) -> Option<Versions> {
        let ours = Version::read(std::str::from_utf8(self.ours).ok()?).ok()?;
        let theirs = Version::read(std::str::from_utf8(self.theirs).ok()?).ok()?;
        if ours.is_empty() || theirs.is_empty() {
            return None;
        }
        if self.base.trim_ascii().is_empty() {
            let base_text = String::from_utf8_lossy(self.base).into_owned();
            return Some(Versions { bases: vec![None], base_text, ours, theirs });
        }
        // A merge of several common versions can leave conflicts in their result.
        let base = std::str::from_utf8(self.base).unwrap_or_default();
        let texts = match markers::sides(base) {
            Some(Sides { ours, theirs }) if ours != theirs => vec![ours, theirs],
            _ => vec![base.to_owned()],
        };
        let bases = texts.iter().filter_map(|text| Version::read(text).ok()).map(Some).collect();
        Some(Versions { bases, base_text: base.to_owned(), ours, theirs })
    }

    /// Merges them line by line, as Git does.
    fn lines(&self) -> Merged {
        let text = self.git([self.ours, self.base, self.theirs]);
        Merged { text: text.unwrap_or_else(|_| self.whole_file()), secrets: Vec::new() }
    }

    fn git(&self, texts: [&[u8]; 3]) -> Result<MergedText, GitError> {
        merge_file(self.conflicts, texts)
    }

    /// Merges the lines around planned Secrets.
    fn with_lines(&self, versions: &Versions, mut plan: Plan) -> Merged {
        let (mut failed, mut conflicted) = (None, None);
        for added in [Added::Everywhere, Added::OnlyOurs, Added::OnlyTheirs] {
            let texts = match versions.rewritten(&plan, added) {
                Ok(texts) => texts,
                Err(error) => {
                    failed = failed.or(Some(Failure::Live(error)));
                    continue;
                }
            };
            let text = match self.git(texts.each_ref().map(String::as_bytes)) {
                Ok(text) => text,
                Err(error) => {
                    failed = Some(error.into());
                    break;
                }
            };
            if !text.is_clean {
                let is_shown = plan.is_shown(&text.bytes, [&texts[0], &texts[2]]);
                conflicted = conflicted.or(Some(text).filter(|_| is_shown));
            } else if !plan.not_merged.is_empty() {
                // No marker would show that a Secret is not merged.
                break;
            } else if let Some(place) = plan.misfit(&text.bytes) {
                failed = failed.or(Some(MergeError::Text(place).into()));
            } else {
                return Merged { text, secrets: Vec::new() };
            }
        }
        if let Some(text) = conflicted {
            return Merged { text, secrets: plan.not_merged };
        }
        let lines = self.lines();
        let is_planned = plan.not_merged.is_empty() && plan.misfit(&lines.text.bytes).is_none();
        if lines.text.is_clean && is_planned {
            return lines;
        }
        if let Some((failure, place)) = failed.zip(plan.whole.keys().next().cloned()) {
            let failure = Some(Box::new(failure));
            plan.not_merged.push(NotMerged { place, parts: Vec::new(), failure });
        }
        Merged { text: self.all_differences(), secrets: plan.not_merged }
    }

    /// Both sides, with a conflict at every line that differs.
    fn all_differences(&self) -> MergedText {
        self.git([self.ours, b"", self.theirs]).unwrap_or_else(|_| self.whole_file())
    }

    /// Both sides as a whole, without Git.
    fn whole_file(&self) -> MergedText {
        let size = self.conflicts.marker_size.max(7);
        let capacity = self.ours.len() + self.theirs.len() + 3 * size + 32;
        let mut bytes = Zeroizing::new(Vec::with_capacity(capacity));
        for (mark, label, text) in
            [("<", " ours", self.ours), ("=", "", self.theirs), (">", " theirs", b"")]
        {
            if !bytes.is_empty() && !bytes.ends_with(b"\n") {
                bytes.push(b'\n');
            }
            bytes.extend_from_slice(format!("{}{label}\n", mark.repeat(size)).as_bytes());
            bytes.extend_from_slice(text);
        }
        MergedText { bytes, is_clean: false }
    }
}

impl<'p> Conflicted<'p> {
    /// Reads a text with conflicts.
    ///
    /// # Errors
    /// Returns a [`MergeError`] if a side is not a manifest, or no sealed Secret has a conflict.
    pub fn read(path: &'p Path, text: &[u8]) -> Result<Self, MergeError> {
        let unreadable = |error: ManifestError| MergeError::Unreadable {
            path: path.to_owned(),
            why: error.to_string(),
        };
        let text = std::str::from_utf8(text).map_err(|_| unreadable(ManifestError::NotText))?;
        let no_markers = || MergeError::NoMarkers(path.to_owned());
        let Sides { ours, theirs } = markers::sides(text).ok_or_else(no_markers)?;
        let ours = Version::read(&ours).map_err(unreadable)?;
        let theirs = Version::read(&theirs).map_err(unreadable)?;
        let differs = |place: &&Place| match (ours.secret(place), theirs.secret(place)) {
            (Some(ours), Some(theirs)) => !same(ours, theirs),
            _ => true,
        };
        let places: BTreeSet<Place> =
            ours.places().chain(theirs.places()).filter(differs).cloned().collect();
        match places.is_empty() {
            true => Err(no_markers()),
            false => Ok(Self { path, ours, theirs, places }),
        }
    }

    /// Whether the text has all of both versions, as when a Secret could not be merged at all.
    fn has_whole_sides(&self, versions: &Versions) -> bool {
        self.ours.text == versions.ours.text && self.theirs.text == versions.theirs.text
    }

    /// Whether a side has a Secret twice, or not sealed. Then it is not clear which one is meant.
    fn is_unclear(&self, place: &Place) -> bool {
        [&self.ours, &self.theirs].iter().any(|side| side.is_unclear(place))
    }
}
