//! Secrets in the cluster, each changed in exactly the version that was read.

use futures::{StreamExt, stream};

use super::{Change, Failure, Many, Outcome, Subject, UNCHANGED};
use crate::batch::progress::Done;
use crate::select::listed::Kept;
use crate::select::live::list_sealed;
use crate::select::names::{Named, named};
use envcrypt_cluster::{Cluster, ClusterError, Sort};
use envcrypt_core::manifest::{ManifestError, Object};

/// How often a change is tried if others keep changing the Secret.
const ATTEMPTS: usize = 5;

/// A Secret that was looked at.
struct LookedAt {
    named: Named,
    is_wanted: bool,
    /// The object, if it is kept.
    object: Option<Box<Object>>,
}

impl<C: Change> Many<'_, C> {
    /// First checks all Secrets. Of a long list it keeps only the names: it would be too large for
    /// memory. The others are got again.
    pub(super) async fn live(&self, cluster: &Cluster) -> Result<(), Failure> {
        let looked_at = match self.args.names.is_empty() {
            true => self.listed(cluster).await?,
            false => self.named(cluster).await?,
        };
        let (mut found, mut failures) = (Vec::new(), Vec::new());
        for result in looked_at {
            match result {
                Ok(secret) => found.push(secret),
                Err(failure) => failures.push(failure),
            }
        }
        let count = found.len();
        let work = stream::iter(found).map(async |found: LookedAt| {
            let result = match found.is_wanted {
                true => self.live_one(cluster, found).await,
                false => Ok(self.done(&found.named, UNCHANGED)),
            };
            Outcome { results: vec![result], lost: 0 }
        });
        self.until_interrupted(count, failures, work).await
    }

    async fn named(&self, cluster: &Cluster) -> Result<Vec<Result<LookedAt, Failure>>, Failure> {
        let mut found = Vec::new();
        for name in &self.args.names {
            let named = named(&self.default, name)?;
            let place = &named.place;
            if self.change.is_done(place) {
                found.push(Ok(LookedAt { named, is_wanted: false, object: None }));
                continue;
            }
            let object = match cluster.get_as(place, named.form).await {
                Err(ClusterError::NotFound(_)) if self.change.missing(cluster, place).await? => {
                    found.push(Ok(LookedAt { named, is_wanted: false, object: None }));
                    continue;
                }
                object => object?,
            };
            // If the cluster will refuse the change, it does so before the person does any work.
            if self.args.single && object.is_sealed() && !self.args.is_dry_run() {
                cluster.rehearse(place, &object).await?;
            }
            // A person may work for a long time before the change, so it is got again.
            found.push(self.admit_live(&object).await);
        }
        Ok(found)
    }

    async fn listed(&self, cluster: &Cluster) -> Result<Vec<Result<LookedAt, Failure>>, Failure> {
        let namespace = (!self.args.all_namespaces).then_some(&self.default);
        let selector =
            self.args.files.selector.as_ref().map(crate::select::selector::Selector::as_str);
        let (mut found, kept) = (Vec::new(), Kept::default());
        let admit = async |objects: Vec<Object>| {
            for object in objects {
                let mut result = self.admit_live(&object).await;
                if let Ok(looked_at) = &mut result
                    && looked_at.is_wanted
                    && object.is_sealed()
                    && !self.args.is_dry_run()
                {
                    looked_at.object = kept.keep(object);
                }
                found.push(result);
            }
        };
        match C::Secret::SORT {
            Sort::Sealed => list_sealed(cluster, namespace, selector, admit).await?,
            Sort::Plain => cluster.secrets(Sort::Plain, namespace, selector, admit).await?,
        }
        if found.is_empty() {
            let scope = namespace.map_or("the cluster".into(), |n| format!("the namespace `{n}`"));
            return Err(self.nothing(scope));
        }
        Ok(found)
    }

    async fn admit_live(&self, object: &Object) -> Result<LookedAt, Failure> {
        let secret = self.read(object)?;
        let is_wanted = self.admit(&secret, None).await?;
        let named = Named { form: object.form(), place: secret.place().clone() };
        Ok(LookedAt { named, is_wanted, object: None })
    }

    fn read(&self, object: &Object) -> Result<C::Secret, Failure> {
        let other_sort = || match C::Secret::SORT {
            Sort::Sealed => ManifestError::Plain(object.title()),
            Sort::Plain => ManifestError::Sealed(object.title()),
        };
        let secret = C::Secret::read(object, &self.default)?.ok_or_else(other_sort)?;
        secret.check()?;
        Ok(secret)
    }

    fn done(&self, named: &Named, how: &'static str) -> Done {
        let of = self.args.all_namespaces.then(|| format!("-n {}", named.place.namespace));
        Done { name: named.reference(), how, of }
    }

    /// Changes a live Secret. If someone else changed it, tries again with the new version.
    async fn live_one(&self, cluster: &Cluster, found: LookedAt) -> Result<Done, Failure> {
        let LookedAt { named, mut object, .. } = found;
        for _ in 1..ATTEMPTS {
            match self.try_live(cluster, &named, object.take()).await {
                Err(Failure::Cluster(ClusterError::Changed(_))) => {}
                result => return result,
            }
        }
        self.try_live(cluster, &named, None).await
    }

    /// Changes exactly the version that was listed, or the one that is there now.
    async fn try_live(
        &self,
        cluster: &Cluster,
        named: &Named,
        listed: Option<Box<Object>>,
    ) -> Result<Done, Failure> {
        let place = &named.place;
        let (object, is_admitted) = match listed {
            Some(object) => (*object, true),
            None => (cluster.get_as(place, named.form).await?, false),
        };
        let secret = self.read(&object)?;
        let is_wanted = is_admitted || self.admit(&secret, None).await?;
        let (new, how) = self.one(secret, None, is_wanted).await?;
        if let Some(new) = new {
            self.change.write(cluster, place, object, &new).await?;
        }
        Ok(self.done(named, how))
    }
}
