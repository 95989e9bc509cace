//! Rules and lists of a commit, so that a change cannot admit its own author.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use super::variable::Variables;
use super::{add, demands, parse, stricter};
use crate::config::{ConfigError, MAX_SIZE, RULES_FILE, Rule, Rules, top_of, without_dots};
use crate::failure::{Failure, SignersError};
use crate::git::{GitError, ObjectId, Repository};
use crate::session::Contexts::Any;
use crate::session::{Session, rules_start, spots};
use envcrypt_core::secret::Place;
use envcrypt_core::signature::{Demand, Signers};

/// As many links as the system follows.
const MAX_LINKS: usize = 40;

/// The rules and the lists of signers of one commit.
pub struct AtRevision {
    repository: Repository,
    /// The real top of the work tree.
    top: PathBuf,
    /// The files and links of the commit, by their path in the work tree.
    files: HashMap<PathBuf, Entry>,
    rules: RefCell<HashMap<PathBuf, Option<Rc<Rules>>>>,
    lists: RefCell<HashMap<PathBuf, Arc<Signers>>>,
}

struct Entry {
    id: ObjectId,
    is_link: bool,
}

impl AtRevision {
    /// Lists the files of a commit.
    ///
    /// # Errors
    /// Fails if Git cannot read the commit.
    pub fn new(directory: &Path, commit: ObjectId) -> Result<Self, Failure> {
        let repository = Repository::of(directory)?;
        let top = repository.top().canonicalize().map_err(GitError::Start)?;
        let commit = commit.to_string();
        let tree = repository.output(&["ls-tree", "-r", "-z", "--full-tree", &commit])?;
        let files = tree.split(|byte| *byte == 0).filter_map(|line| entry(&top, line)).collect();
        Ok(Self { repository, top, files, rules: RefCell::default(), lists: RefCell::default() })
    }

    /// Whether a file is in this work tree. A submodule has commits of its own.
    ///
    /// # Errors
    /// Fails if the working directory cannot be read.
    pub fn covers(&self, path: &Path) -> Result<bool, Failure> {
        let start = rules_start(Some(path))?;
        Ok(top_of(&start) == Some(&*self.top))
    }

    /// The signatures that a Secret needs by the rules of the commit. `before` are the files of the
    /// commit that had this Secret: it needs what it needed there. Where these rules ask for
    /// nothing, those of the work tree count.
    ///
    /// # Errors
    /// As for [`demands`].
    pub fn demands(
        &self,
        session: &Session,
        place: &Place,
        path: &Path,
        before: &[&Path],
    ) -> Result<Vec<Demand>, Failure> {
        let spots = spots(Some(path))?;
        let now = spots.iter().filter_map(|spot| spot.path.as_deref());
        let mut rules: Vec<Rc<Rule>> = Vec::new();
        for path in now.chain(before.iter().copied()).filter(|path| path.starts_with(&self.top)) {
            let nearest = self.nearest(path)?;
            let found =
                session.signing_rules(&place.namespace, Some(path), nearest.as_deref(), Any)?;
            rules.extend(found);
        }
        let starts: Vec<&Path> = spots.iter().map(|spot| spot.start.as_path()).collect();
        if let Some(outside) = Variables::of_process().demand(session, &starts)? {
            return Ok(vec![stricter(outside, rules.iter())]);
        }
        if rules.iter().all(|rule| rule.is_own) {
            return demands(session, place, Some(path), Any);
        }
        let mut demands = Vec::new();
        for rule in &rules {
            let Some(signers) = &rule.signers else { continue };
            let list = match rule.is_own {
                true => super::list(session, signers)?.1,
                false => self.list(&signers.file)?,
            };
            add(&mut demands, signers, list)?;
        }
        Ok(demands)
    }

    /// The rules of the commit for a file.
    fn nearest(&self, path: &Path) -> Result<Option<Rc<Rules>>, Failure> {
        let folders = path.ancestors().skip(1);
        for folder in folders.take_while(|folder| folder.starts_with(&self.top)) {
            if let Some(rules) = self.rules_in(folder)? {
                return Ok(Some(rules));
            }
        }
        Ok(None)
    }

    /// The rules that lie in a directory.
    fn rules_in(&self, folder: &Path) -> Result<Option<Rc<Rules>>, Failure> {
        if let Some(known) = self.rules.borrow().get(folder) {
            return Ok(known.clone());
        }
        let path = folder.join(RULES_FILE);
        let parse = |text: String| Rules::parse(path.clone(), &text, &self.top).map(Rc::new);
        let rules = self.text(&path)?.map(parse).transpose()?;
        self.rules.borrow_mut().insert(folder.to_owned(), rules.clone());
        Ok(rules)
    }

    fn list(&self, file: &Path) -> Result<Arc<Signers>, Failure> {
        let plain = without_dots(file);
        if let Some(known) = self.lists.borrow().get(&plain) {
            return Ok(known.clone());
        }
        let text = self.text(&plain)?.ok_or_else(|| SignersError::Missing(file.to_owned()))?;
        let signers = Arc::new(parse(file, &text)?);
        self.lists.borrow_mut().insert(plain, signers.clone());
        Ok(signers)
    }

    /// The text of a file of the commit.
    fn text(&self, path: &Path) -> Result<Option<String>, Failure> {
        let wrong = |wrong| ConfigError::NotOwnFile { path: path.to_owned(), wrong };
        let Some(id) = self.file(path)? else { return Ok(None) };
        let id = id.to_string();
        let size = self.repository.output(&["cat-file", "-s", &id])?;
        let size: Option<u64> = std::str::from_utf8(&size).ok().and_then(|n| n.trim().parse().ok());
        if size.is_none_or(|size| size > MAX_SIZE) {
            return Err(wrong("it is larger than 64 KiB").into());
        }
        let bytes = self.repository.output(&["cat-file", "blob", &id])?;
        let text = String::from_utf8(bytes.to_vec());
        Ok(Some(text.map_err(|_| wrong("it is not UTF-8 text"))?))
    }

    /// The file of the commit that a path means. Links are followed in the commit alone.
    fn file(&self, path: &Path) -> Result<Option<ObjectId>, Failure> {
        let outside = || ConfigError::NotOwnFile {
            path: path.to_owned(),
            wrong: "it is a link that leads out of the commit",
        };
        let Ok(below) = path.strip_prefix(&self.top) else { return Err(outside().into()) };
        let names = |path: &Path| -> VecDeque<OsString> {
            path.components().map(|part| part.as_os_str().to_owned()).collect()
        };
        let (mut place, mut rest, mut links) = (self.top.clone(), names(below), 0);
        let mut found = None;
        while let Some(name) = rest.pop_front() {
            found = None;
            if name == ".." && place == self.top || name == "/" {
                return Err(outside().into());
            }
            match name.as_bytes() {
                b"." => continue,
                b".." => _ = place.pop(),
                _ => place.push(&name),
            }
            let Some(entry) = self.files.get(&place) else { continue };
            if !entry.is_link {
                found = Some(entry.id);
                continue;
            }
            links += 1;
            if links > MAX_LINKS {
                return Err(outside().into());
            }
            let target = self.repository.output(&["cat-file", "blob", &entry.id.to_string()])?;
            let mut target = names(Path::new(OsStr::from_bytes(&target)));
            target.append(&mut rest);
            rest = target;
            place.pop();
        }
        Ok(found)
    }
}

/// A line `MODE TYPE ID<tab>PATH`.
fn entry(top: &Path, line: &[u8]) -> Option<(PathBuf, Entry)> {
    let tab = line.iter().position(|byte| *byte == b'\t')?;
    let (head, path) = (&line[..tab], &line[tab + 1..]);
    let id = head.split(|byte| *byte == b' ').nth(2).and_then(ObjectId::parse)?;
    let is_link = head.starts_with(b"120");
    let entry = Entry { id, is_link };
    (is_link || head.starts_with(b"100")).then(|| (top.join(OsStr::from_bytes(path)), entry))
}
