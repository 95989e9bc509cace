//! Lists of objects, one page at a time.

use std::collections::BTreeMap;
use std::fmt;

use http::HeaderValue;
use http::header::ACCEPT;
use kube::core::params::ListParams;
use kube::core::request::Request as Requests;
use serde::de::{DeserializeOwned, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::{Cluster, ClusterError, Operation, Sort, requests};
use crate::answer::are_of;
use envcrypt_core::manifest::{Form, Metadata, Object, SEALED_TYPE};
use envcrypt_core::secret::Namespace;

/// How many objects one page of a list has.
const PAGE: u32 = 500;
/// Asks for whole objects.
const JSON: &str = "application/json";

#[derive(Deserialize)]
struct Page<T> {
    kind: String,
    #[serde(default)]
    metadata: PageMetadata,
    /// An empty list of metadata has `null`.
    items: Option<Vec<T>>,
}

#[derive(Deserialize, Default)]
struct PageMetadata {
    #[serde(default)]
    r#continue: Option<String>,
}

/// An item of a list has no `apiVersion` and no `kind`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    #[serde(deserialize_with = "without_managers")]
    metadata: Metadata,
    r#type: Option<String>,
    data: Option<BTreeMap<String, Option<String>>>,
    immutable: Option<bool>,
}

/// Reads metadata without `managedFields`: it is the largest field, and no command uses it.
fn without_managers<'de, D: Deserializer<'de>>(from: D) -> Result<Metadata, D::Error> {
    struct Fields;

    impl<'de> Visitor<'de> for Fields {
        type Value = Metadata;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("metadata")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Metadata, A::Error> {
            let (mut name, mut namespace, mut labels, mut annotations) = (None, None, None, None);
            let mut other = BTreeMap::new();
            while let Some(field) = map.next_key::<String>()? {
                match field.as_str() {
                    "name" => name = map.next_value()?,
                    "namespace" => namespace = map.next_value()?,
                    "labels" => labels = map.next_value()?,
                    "annotations" => annotations = map.next_value()?,
                    "managedFields" => drop(map.next_value::<IgnoredAny>()?),
                    _ => drop(other.insert(field, map.next_value()?)),
                }
            }
            Ok(Metadata { name, namespace, labels, annotations, other })
        }
    }

    from.deserialize_map(Fields)
}

impl From<Item> for Object {
    fn from(item: Item) -> Self {
        Self {
            api_version: "v1".to_owned(),
            kind: "Secret".to_owned(),
            metadata: item.metadata,
            r#type: item.r#type,
            data: item.data,
            string_data: None,
            immutable: item.immutable,
            spec: None,
            status: None,
        }
    }
}

impl Cluster {
    pub(super) async fn list(
        &self,
        sort: Sort,
        namespace: Option<&Namespace>,
        selector: Option<String>,
        each: impl AsyncFnMut(Vec<Object>),
    ) -> Result<(), ClusterError> {
        let params = ListParams { label_selector: selector, ..of_sort(sort) };
        self.objects(Form::Secret, namespace, params, each).await
    }

    /// Lists Secrets or `EnvcryptSecret`s, one page at a time.
    pub(super) async fn objects(
        &self,
        form: Form,
        namespace: Option<&Namespace>,
        mut params: ListParams,
        mut each: impl AsyncFnMut(Vec<Object>),
    ) -> Result<(), ClusterError> {
        loop {
            let (objects, next) = self.page_of(form, namespace, &params).await?;
            each(objects).await;
            match next {
                Some(_) => params.continue_token = next,
                None => return Ok(()),
            }
        }
    }

    /// One page of Secrets or `EnvcryptSecret`s, which must all be of the namespace, and the token
    /// for the next one.
    async fn page_of(
        &self,
        form: Form,
        namespace: Option<&Namespace>,
        params: &ListParams,
    ) -> Result<(Vec<Object>, Option<String>), ClusterError> {
        let requests = requests(form, namespace);
        let operation = Operation::list(namespace).form(form);
        let (objects, next): (Vec<Object>, _) = match form {
            Form::Secret => {
                let (items, next) = self.page::<Item>(JSON, &requests, params, operation).await?;
                (items.into_iter().map(Object::from).collect(), next)
            }
            Form::Resource => self.page(JSON, &requests, params, operation).await?,
        };
        if are_of(namespace, &objects) { Ok((objects, next)) } else { Err(ClusterError::Answer) }
    }

    /// Lists the sealed Secrets of a namespace, or its `EnvcryptSecret`s, one page at a time, while
    /// `goes_on` returns `true`. Returns whether the list came to its end.
    ///
    /// # Errors
    /// Returns a [`ClusterError`] if a request fails.
    pub async fn sealed_while(
        &self,
        form: Form,
        namespace: &Namespace,
        mut goes_on: impl FnMut(Vec<Object>) -> bool,
    ) -> Result<bool, ClusterError> {
        let mut params = match form {
            Form::Secret => of_sort(Sort::Sealed),
            Form::Resource => ListParams::default(),
        };
        loop {
            let (objects, next) = self.page_of(form, Some(namespace), &params).await?;
            let goes_on = goes_on(objects);
            match next {
                Some(_) if goes_on => params.continue_token = next,
                next => return Ok(next.is_none()),
            }
        }
    }

    /// Lists objects, one page at a time.
    pub(super) async fn pages<T: DeserializeOwned>(
        &self,
        requests: &Requests,
        params: ListParams,
        operation: impl Fn() -> Operation,
        each: impl AsyncFnMut(Vec<T>),
    ) -> Result<(), ClusterError> {
        self.pages_as(JSON, requests, params, operation, each).await
    }

    /// Lists objects in the form that `accept` names, one page at a time.
    pub(super) async fn pages_as<T: DeserializeOwned>(
        &self,
        accept: &'static str,
        requests: &Requests,
        mut params: ListParams,
        operation: impl Fn() -> Operation,
        mut each: impl AsyncFnMut(Vec<T>),
    ) -> Result<(), ClusterError> {
        loop {
            let (items, next) = self.page(accept, requests, &params, operation()).await?;
            each(items).await;
            match next {
                Some(_) => params.continue_token = next,
                None => return Ok(()),
            }
        }
    }

    /// One page, and the token for the next one.
    async fn page<T: DeserializeOwned>(
        &self,
        accept: &'static str,
        requests: &Requests,
        params: &ListParams,
        operation: Operation,
    ) -> Result<(Vec<T>, Option<String>), ClusterError> {
        let request = requests.list(&params.clone().limit(PAGE)).map(|mut request| {
            request.headers_mut().insert(ACCEPT, HeaderValue::from_static(accept));
            request
        });
        let page: Page<T> = self.send(request, operation).await?;
        if !page.kind.ends_with("List") {
            return Err(ClusterError::Answer);
        }
        let next = page.metadata.r#continue.filter(|token| !token.is_empty());
        Ok((page.items.unwrap_or_default(), next))
    }
}

fn of_sort(sort: Sort) -> ListParams {
    let is = if sort == Sort::Sealed { "=" } else { "!=" };
    ListParams { field_selector: Some(format!("type{is}{SEALED_TYPE}")), ..Default::default() }
}
