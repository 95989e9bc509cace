//! Live sealed Secrets that a few lists bring, in place of a request for each.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use tokio::sync::OnceCell;

use envcrypt_cluster::{Cluster, ClusterError};
use envcrypt_core::manifest::{Form, Object};
use envcrypt_core::secret::{Namespace, Place};

/// How many Secrets of a namespace are requested one by one before the namespace is listed.
const FIRST: usize = 16;
/// A list is too long if it has this many Secrets for each one that the command works on.
const TOO_MANY: usize = 20;
/// How much of the lists is kept, in bytes. Beyond it, a Secret is requested one by one, so that
/// any number of Secrets needs no more memory.
const KEPT: usize = 16 << 20;
/// What an object takes beside its texts, in bytes.
const OVERHEAD: usize = 2048;

/// What is known of a live object without a request for it.
pub enum Known {
    /// It is there, as it was when it was listed.
    There(Box<Object>),
    /// It was not there: neither in this form, nor as a sealed Secret of this form.
    Absent,
    /// Only a request for it tells.
    Unknown,
}

/// Lists each namespace that has more than a few of the Secrets. Someone may have the right to get
/// Secrets but not to list them: then nothing is known.
pub struct Listed {
    /// How many Secrets the command works on.
    count: usize,
    kept: Kept,
    namespaces: RefCell<HashMap<Namespace, Rc<Asked>>>,
}

/// A namespace.
#[derive(Default)]
struct Asked {
    times: Cell<usize>,
    lists: OnceCell<Lists>,
}

struct Lists {
    secrets: List,
    resources: List,
}

/// The objects of one form by their names. Those that are not kept, or not any more, are `None`.
#[derive(Default)]
struct List {
    objects: RefCell<HashMap<String, Option<Box<Object>>>>,
    is_whole: bool,
}

impl Listed {
    /// For a command that works on about this many Secrets.
    pub fn new(count: usize) -> Self {
        Self { count, kept: Kept::default(), namespaces: RefCell::default() }
    }

    /// What is known of a Secret or an EnvcryptSecret. Each object is returned once.
    pub async fn find(&self, cluster: &Cluster, place: &Place, form: Form) -> Known {
        let asked =
            self.namespaces.borrow_mut().entry(place.namespace.clone()).or_default().clone();
        let times = asked.times.replace(asked.times.get() + 1);
        if times < FIRST && !asked.lists.initialized() {
            return Known::Unknown;
        }
        let lists = asked.lists.get_or_init(|| self.list_both(cluster, &place.namespace)).await;
        let list = if form == Form::Resource { &lists.resources } else { &lists.secrets };
        match list.objects.borrow_mut().get_mut(place.name.as_str()).map(Option::take) {
            Some(Some(object)) => {
                self.kept.release(&object);
                Known::There(object)
            }
            Some(None) => Known::Unknown,
            None if list.is_whole => Known::Absent,
            None => Known::Unknown,
        }
    }

    async fn list_both(&self, cluster: &Cluster, namespace: &Namespace) -> Lists {
        Lists {
            secrets: self.list(cluster, namespace, Form::Secret).await,
            resources: self.list(cluster, namespace, Form::Resource).await,
        }
    }

    /// If a list fails, the requests for each Secret report why.
    async fn list(&self, cluster: &Cluster, namespace: &Namespace, form: Form) -> List {
        let mut found = HashMap::new();
        let goes_on = |objects: Vec<Object>| {
            for object in objects {
                let Some(name) = object.metadata.name.clone() else { continue };
                found.insert(name, self.kept.keep(object));
            }
            found.len() < self.count.saturating_mul(TOO_MANY)
        };
        let listed = cluster.sealed_while(form, namespace, goes_on).await;
        let is_whole = matches!(listed, Ok(true) | Err(ClusterError::NoCustomResource));
        List { objects: RefCell::new(found), is_whole }
    }
}

/// Counts how much of lists is kept.
#[derive(Default)]
pub struct Kept(Cell<usize>);

impl Kept {
    /// Keeps an object, unless too much is kept already.
    pub fn keep(&self, mut object: Object) -> Option<Box<Object>> {
        // No command reads it, and it is large.
        object.metadata.other.remove("managedFields");
        let kept = self.0.get() + size(&object);
        (kept <= KEPT).then(|| {
            self.0.set(kept);
            Box::new(object)
        })
    }

    fn release(&self, object: &Object) {
        self.0.set(self.0.get() - size(object));
    }
}

/// About how much memory an object takes, in bytes.
fn size(object: &Object) -> usize {
    let metadata = [&object.metadata.labels, &object.metadata.annotations];
    let metadata: usize =
        metadata.into_iter().flatten().flatten().map(|(_, text)| text.len()).sum();
    let data = object.data.iter().flatten().flat_map(|(_, text)| text).map(String::len);
    let spec = object.spec.iter().flat_map(|spec| spec.sealed.values.values()).map(String::len);
    OVERHEAD + metadata + data.sum::<usize>() + spec.sum::<usize>()
}
