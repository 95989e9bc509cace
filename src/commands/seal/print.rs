//! Prints sealed Secrets of the cluster, which stays as it is.

use futures::{StreamExt, TryStreamExt, stream};

use super::{Output, Sealing, check};
use crate::author::Signing;
use crate::batch::progress::AT_ONCE;
use crate::batch::{Plain, Subject};
use crate::failure::{Failure, SelectError};
use crate::select::many;
use crate::select::names::place_named;
use crate::terminal;
use envcrypt_cluster::Sort;
use envcrypt_core::manifest::{self, Format, ManifestError, Object};
use envcrypt_core::secret::{Namespace, Place};

impl Sealing<'_> {
    /// Prints the sealed Secrets of the cluster: all or none.
    pub(super) async fn print(&self) -> Result<(), Failure> {
        let many = &self.args.many;
        let default = self.session.namespace()?;
        let plain = match many.names.is_empty() {
            false => self.named(&default).await?,
            true if many.all_namespaces || many.files.selector.is_some() => {
                self.listed(&default).await?
            }
            true => {
                return Err(many::nothing_named());
            }
        };
        let signing = Signing::new(self.session, self.args.signing.signs());
        for plain in &plain {
            if signing.admit(plain.place(), None, None)? {
                signing.plan();
            }
        }
        signing.announce();
        let sealed = stream::iter(plain).map(async |plain| {
            check(&plain.secret)?;
            signing.sign(self.seal(plain.secret, None).await?, None).await
        });
        let sealed: Vec<_> = sealed.buffered(AT_ONCE).try_collect().await?;
        signing.tell_open(None);
        let objects: Vec<_> = sealed.iter().map(|secret| self.args.kind.object(secret)).collect();
        let format = if self.args.output == Output::Json { Format::Json } else { Format::Yaml };
        Ok(terminal::stdout(manifest::write(&objects, format).as_bytes())?)
    }

    async fn named(&self, default: &Namespace) -> Result<Vec<Plain>, Failure> {
        let names = self.args.many.names.iter();
        let places: Vec<Place> =
            names.map(|name| place_named(default, name)).collect::<Result<_, _>>()?;
        let cluster = self.session.cluster().await?;
        let mut plain = Vec::new();
        for place in &places {
            let object = cluster.secret(place).await?;
            let read = Plain::read(&object, default)?;
            plain.push(read.ok_or_else(|| ManifestError::Sealed(object.title()))?);
        }
        Ok(plain)
    }

    async fn listed(&self, default: &Namespace) -> Result<Vec<Plain>, Failure> {
        let many = &self.args.many;
        let namespace = (!many.all_namespaces).then_some(default);
        let selector = many.files.selector.as_ref().map(crate::select::selector::Selector::as_str);
        let mut found = Vec::new();
        let take = async |objects: Vec<Object>| {
            found.extend(objects.iter().map(|object| Plain::read(object, default)));
        };
        self.session.cluster().await?.secrets(Sort::Plain, namespace, selector, take).await?;
        let found = found.into_iter().filter_map(Result::transpose);
        let mut found = found.collect::<Result<Vec<_>, _>>()?;
        found.retain(|plain| plain.owner.is_none());
        if found.is_empty() {
            let place = namespace.map_or("the cluster".into(), |n| format!("the namespace `{n}`"));
            return Err(Failure::Select(SelectError::NothingPlain(place)));
        }
        Ok(found)
    }
}
