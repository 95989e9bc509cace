//! Watches: first every object, then each change. They go on after any error.

use std::borrow::Cow;

use futures::{Stream, StreamExt, stream};
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::Secret;
use kube::core::{ObjectMeta, PartialObjectMeta};
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event};
use kube::{Api, Resource};

use envcrypt_core::manifest::RESOURCE_KIND;
use envcrypt_core::secret::{Namespace, Place};

use super::{Cluster, ClusterError};
use crate::error::{Operation, refused};
use crate::live::{LiveResource, Raw, Version, place};

/// The label of a plain Secret that the controller delivered.
pub const DELIVERED_LABEL: &str = "envcrypt.dev/delivered";
/// The annotation of a plain Secret with the digest at the last change of a value.
pub const CHANGED_ANNOTATION: &str = "envcrypt.dev/changed";

/// How many objects a page of a list has, from an API server that does not stream.
const PAGE: u32 = 50;

/// What a watch reports.
#[derive(Debug)]
pub enum Change<T> {
    /// A new list begins.
    Begins,
    /// An object of the list.
    Listed(T),
    /// The list is complete: what it does not have is gone.
    Complete,
    /// A new object, or a change of one.
    Applied(T),
    /// It was deleted.
    Gone(Place),
    /// The watch failed, and is tried again.
    Failed(ClusterError),
}

/// A plain Secret that the controller delivered. Its values are not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivered {
    /// Its namespace and name.
    pub place: Place,
    /// Its version.
    pub version: Version,
    /// The digest at the last change of a value.
    pub changed: Option<String>,
}

impl Resource for Raw {
    type DynamicType = ();
    type Scope = NamespaceResourceScope;

    fn kind((): &()) -> Cow<'_, str> {
        RESOURCE_KIND.into()
    }

    fn group((): &()) -> Cow<'_, str> {
        "envcrypt.dev".into()
    }

    fn version((): &()) -> Cow<'_, str> {
        "v1alpha1".into()
    }

    fn plural((): &()) -> Cow<'_, str> {
        "envcryptsecrets".into()
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

impl Cluster {
    /// Watches the `EnvcryptSecrets` of one or all namespaces.
    ///
    /// The API server streams them one by one, so that no page of large ones has to be in memory. An
    /// older API server sends small pages.
    pub fn watch_resources(
        &self,
        namespace: Option<&Namespace>,
    ) -> impl Stream<Item = Change<LiveResource>> + Send + use<> {
        let api: Api<Raw> = self.api(namespace);
        let watch = |config| watcher::watcher(api.clone(), config).default_backoff().boxed();
        let streaming = watch(watcher::Config::default().streaming_lists());
        let pages = watch(watcher::Config::default().page_size(PAGE));
        let stream = stream::unfold((Some(streaming), pages), |(mut streaming, mut pages)| async {
            if let Some(stream) = &mut streaming {
                match stream.next().await? {
                    Err(error) if is_unknown(&error) => streaming = None,
                    event => return Some((event, (streaming, pages))),
                }
            }
            let event = pages.next().await?;
            Some((event, (streaming, pages)))
        });
        let (operation, server) = (about(namespace, "EnvcryptSecrets"), self.server.clone());
        stream.filter_map(move |event| {
            let gone = |raw: Raw| place(&raw.metadata);
            std::future::ready(change(event, &operation, &server, Raw::live, gone))
        })
    }

    /// Watches the metadata of the plain Secrets that the controller delivered, in one or all
    /// namespaces. The API server sends no other Secrets and no values.
    pub fn watch_delivered(
        &self,
        namespace: Option<&Namespace>,
    ) -> impl Stream<Item = Change<Delivered>> + Send + use<> {
        let api: Api<PartialObjectMeta<Secret>> = self.api(namespace);
        let config = watcher::Config::default().labels(&format!("{DELIVERED_LABEL}=true"));
        let stream = watcher::watcher(api, config).default_backoff();
        let (operation, server) = (about(namespace, "Secrets"), self.server.clone());
        stream.filter_map(move |event| {
            let gone = |meta: PartialObjectMeta<Secret>| place(&meta.metadata);
            std::future::ready(change(event, &operation, &server, delivered, gone))
        })
    }

    fn api<K>(&self, namespace: Option<&Namespace>) -> Api<K>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    {
        match namespace {
            Some(namespace) => Api::namespaced(self.client.clone(), namespace.as_str()),
            None => Api::all(self.client.clone()),
        }
    }
}

/// Whether the API server does not stream lists: it calls their parameters invalid.
fn is_unknown(error: &watcher::Error) -> bool {
    let (watcher::Error::InitialListFailed(kube::Error::Api(status))
    | watcher::Error::WatchStartFailed(kube::Error::Api(status))
    | watcher::Error::WatchError(status)) = error
    else {
        return false;
    };
    matches!(status.code, 400 | 422)
}

fn about(namespace: Option<&Namespace>, kind: &'static str) -> Operation {
    Operation::list(namespace).of(kind).to("watch")
}

/// Objects without a valid name are left out: the API server has none.
fn change<K, T>(
    event: watcher::Result<Event<K>>,
    operation: &Operation,
    server: &str,
    read: impl Fn(K) -> Option<T>,
    gone: impl Fn(K) -> Option<Place>,
) -> Option<Change<T>> {
    Some(match event {
        Ok(Event::Init) => Change::Begins,
        Ok(Event::InitApply(object)) => Change::Listed(read(object)?),
        Ok(Event::InitDone) => Change::Complete,
        Ok(Event::Apply(object)) => Change::Applied(read(object)?),
        Ok(Event::Delete(object)) => Change::Gone(gone(object)?),
        Err(error) => Change::Failed(failed(error, operation, server)),
    })
}

fn failed(error: watcher::Error, operation: &Operation, server: &str) -> ClusterError {
    let error = match error {
        watcher::Error::InitialListFailed(error)
        | watcher::Error::WatchStartFailed(error)
        | watcher::Error::WatchFailed(error) => error,
        watcher::Error::WatchError(status) => kube::Error::Api(status),
        watcher::Error::NoResourceVersion => return ClusterError::Answer,
    };
    refused(error, operation, server)
}

fn delivered(object: PartialObjectMeta<Secret>) -> Option<Delivered> {
    let metadata = object.metadata;
    let place = place(&metadata)?;
    let changed = metadata.annotations.and_then(|mut all| all.remove(CHANGED_ANNOTATION));
    let version = Version { uid: metadata.uid?, resource_version: metadata.resource_version? };
    Some(Delivered { place, version, changed })
}
