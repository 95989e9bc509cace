//! The cluster: one etcd and one kube-apiserver, and what is put into it and counted.

use std::fmt::Debug;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::join_all;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::Client;
use kube::api::{
    Api, DeleteParams, DynamicObject, ListParams, ObjectMeta, Patch, PatchParams, PostParams,
    WatchEvent, WatchParams,
};
use kube::core::ApiResource;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::audit;
use crate::contestant::{Account, Kind};
use crate::control_plane::{ControlPlane, Etcd};
use crate::plane::{client, runtime};

/// The namespace of the objects, and of what is made from them.
pub const NAMESPACE: &str = "bench";
/// The namespace of the Secrets that do not concern a contestant.
const FOREIGN: &str = "foreign";
/// How many objects are created at once.
const WRITERS: usize = 16;
/// The size of a Secret that does not concern a contestant, in bytes.
const FOREIGN_SIZE: usize = 100_000;

pub struct Cluster {
    pub plane: ControlPlane,
    directory: tempfile::TempDir,
    runtime: Runtime,
    client: Client,
}

/// An object that a contestant makes a Secret from.
pub struct Object {
    pub name: String,
    pub spec: Value,
    /// The value that its Secret has then.
    pub value: String,
}

impl Cluster {
    pub fn start() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let users: Vec<String> = Account::ALL.iter().map(Account::user).collect();
        let arguments = audit::configure(directory.path(), &users);
        let plane = ControlPlane::with(Arc::new(Etcd::start()), arguments);
        for namespace in [NAMESPACE, FOREIGN] {
            plane.kubectl(["create", "namespace", namespace]).succeeds();
        }
        for account in Account::ALL {
            account.create(&plane);
        }
        for kind in [Kind::Ours, Kind::SealedSecrets] {
            plane.apply(&definition(&kind.resource()).to_string());
        }
        let runtime = runtime();
        let client = runtime.block_on(client(&plane));
        Self { plane, directory, runtime, client }
    }

    /// Where the audit log is.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    fn objects(&self, resource: &ApiResource) -> Api<DynamicObject> {
        Api::namespaced_with(self.client.clone(), NAMESPACE, resource)
    }

    fn secrets(&self, namespace: &str) -> Api<Secret> {
        Api::namespaced(self.client.clone(), namespace)
    }

    /// Creates these objects.
    pub fn create(&self, resource: &ApiResource, objects: Vec<Object>) {
        let api = self.objects(resource);
        let create = async |object: Object| {
            let new =
                DynamicObject::new(&object.name, resource).data(json!({ "spec": object.spec }));
            api.create(&PostParams::default(), &new).await.expect("created");
        };
        self.runtime.block_on(futures::stream::iter(objects).for_each_concurrent(WRITERS, create));
    }

    /// Creates Secrets that do not concern a contestant.
    pub fn create_foreign(&self, count: usize) {
        let api = self.secrets(FOREIGN);
        let writer = async |first: usize| {
            for number in (first..count).step_by(WRITERS) {
                let secret = Secret {
                    metadata: ObjectMeta {
                        name: Some(format!("foreign-{number:05}")),
                        ..ObjectMeta::default()
                    },
                    data: Some([("value".to_owned(), ByteString(vec![7; FOREIGN_SIZE]))].into()),
                    ..Secret::default()
                };
                api.create(&PostParams::default(), &secret).await.expect("created");
            }
        };
        self.runtime.block_on(join_all((0..WRITERS).map(writer)));
    }

    /// How many Secrets are made from the objects.
    pub fn targets(&self) -> usize {
        let params = ListParams::default().limit(1);
        let list = self.runtime.block_on(self.secrets(NAMESPACE).list_metadata(&params));
        let list = list.expect("a list");
        let more = list.metadata.remaining_item_count.unwrap_or_default();
        list.items.len() + usize::try_from(more).expect("a count")
    }

    /// The value of a Secret.
    pub fn value(&self, name: &str) -> Option<String> {
        let secret = self.runtime.block_on(self.secrets(NAMESPACE).get_opt(name));
        value(&secret.expect("an answer")?)
    }

    /// Changes these objects at once. Returns how long it takes until each Secret has its value.
    pub fn change(&self, resource: &ApiResource, objects: &[Object]) -> Vec<Duration> {
        let changes = objects.iter().map(|object| self.change_one(resource, object));
        self.runtime.block_on(join_all(changes))
    }

    async fn change_one(&self, resource: &ApiResource, object: &Object) -> Duration {
        let secrets = self.secrets(NAMESPACE);
        let only = format!("metadata.name={}", object.name);
        let mut changes = changes(&secrets, &only).await;
        let (api, patch) = (self.objects(resource), json!({ "spec": object.spec }));
        let started = Instant::now();
        let patched = api.patch(&object.name, &PatchParams::default(), &Patch::Merge(patch)).await;
        patched.expect("patched");
        loop {
            match changes.try_next().await.expect("a watch") {
                Some(WatchEvent::Added(secret) | WatchEvent::Modified(secret)) => {
                    if value(&secret).as_ref() == Some(&object.value) {
                        return started.elapsed();
                    }
                }
                Some(WatchEvent::Error(status)) => panic!("{status:?}"),
                Some(_) => {}
                // The API server ends a watch after some minutes.
                None => changes = self::changes(&secrets, &only).await,
            }
        }
    }

    /// Deletes the objects, and all Secrets but those of the contestants themselves.
    pub fn clear(&self, resource: &ApiResource) {
        self.runtime.block_on(async {
            delete_all(&self.objects(resource)).await;
            delete_all(&self.secrets(NAMESPACE)).await;
            delete_all(&self.secrets(FOREIGN)).await;
        });
        assert_eq!(self.targets(), 0, "a Secret is left");
        // etcd keeps what was deleted, and has a limit of 2 GB.
        let etcd = &self.plane.etcd;
        let status = etcd.etcdctl(["endpoint", "status", "--write-out=json"]);
        let status: Value = serde_json::from_slice(&status).expect("JSON");
        let revision = status[0]["Status"]["header"]["revision"].to_string();
        etcd.etcdctl(["compact", "--physical", &revision]);
    }
}

/// The Secrets that a field selector selects, first as they are, then as they become.
async fn changes(
    api: &Api<Secret>,
    only: &str,
) -> BoxStream<'static, kube::Result<WatchEvent<Secret>>> {
    let now = api.list(&ListParams::default().fields(only)).await.expect("a list");
    let version = now.metadata.resource_version.expect("a version");
    let later = api.watch(&WatchParams::default().fields(only), &version).await.expect("a watch");
    let now = now.items.into_iter().map(|secret| Ok(WatchEvent::Added(secret)));
    futures::stream::iter(now).chain(later).boxed()
}

/// Deletes page by page: the answer has what was deleted.
async fn delete_all<K>(api: &Api<K>)
where
    K: Clone + Debug + DeserializeOwned,
{
    let page = ListParams::default().limit(100);
    loop {
        let deleted = api.delete_collection(&DeleteParams::default(), &page).await;
        if deleted.expect("deleted").left().is_none_or(|list| list.items.is_empty()) {
            return;
        }
    }
}

fn value(secret: &Secret) -> Option<String> {
    let value = secret.data.as_ref()?.get(crate::contestant::KEY)?;
    String::from_utf8(value.0.clone()).ok()
}

/// A CustomResourceDefinition that checks nothing.
fn definition(resource: &ApiResource) -> Value {
    let ApiResource { group, version, kind, plural, .. } = resource;
    let open = json!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true });
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": { "name": format!("{plural}.{group}") },
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": { "kind": kind, "plural": plural, "singular": kind.to_lowercase() },
            "versions": [{
                "name": version,
                "served": true,
                "storage": true,
                "subresources": { "status": {} },
                "schema": { "openAPIV3Schema": {
                    "type": "object",
                    "properties": { "spec": open, "status": open },
                }},
            }],
        },
    })
}
