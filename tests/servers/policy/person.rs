//! Someone whom the administrator's client impersonates. Each request has exactly one verb.

use http::{Method, Request, header};
use kube::Client;
use kube::client::Body;
use kube::config::{Config, KubeConfigOptions, Kubeconfig};
use serde_json::{Value, json};

use crate::control_plane::ControlPlane;

pub struct Person {
    name: String,
    runtime: tokio::runtime::Runtime,
    client: Client,
}

/// What the API server answered.
#[derive(Debug)]
pub struct Answer {
    pub code: u16,
    pub body: Value,
}

impl Person {
    pub fn new(plane: &ControlPlane, name: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime");
        let kubeconfig = Kubeconfig::read_from(plane.kubeconfig("admin")).expect("a kubeconfig");
        let options = KubeConfigOptions::default();
        let client = runtime.block_on(async {
            let config = Config::from_custom_kubeconfig(kubeconfig, &options).await;
            let mut config = config.expect("a configuration");
            config.auth_info.impersonate = Some(name.to_owned());
            Client::try_from(config).expect("a client")
        });
        Self { name: name.to_owned(), runtime, client }
    }

    /// Sends one request: a verb of RBAC, then `RESOURCE[/NAME[/SUBRESOURCE]]`. Without a
    /// namespace, it is for all.
    pub fn send(&self, verb: &str, what: &str, namespace: &str, body: &Value) -> Answer {
        let (method, query) = match verb {
            "get" | "list" => (Method::GET, ""),
            "watch" => (Method::GET, "?watch=1&timeoutSeconds=1"),
            "create" => (Method::POST, ""),
            "create (dry run)" => (Method::POST, "?dryRun=All"),
            "update" => (Method::PUT, ""),
            "patch" => (Method::PATCH, ""),
            "delete" | "deletecollection" => (Method::DELETE, ""),
            other => panic!("no verb: {other}"),
        };
        let kind = match verb {
            "patch" => "application/merge-patch+json",
            _ => "application/json",
        };
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{query}", path(what, namespace)))
            .header(header::CONTENT_TYPE, kind)
            .body(Body::from(body.into_bytes()))
            .expect("a request");
        self.runtime.block_on(async {
            let answer = self.client.send(request).await.expect("an answer");
            let code = answer.status().as_u16();
            let bytes = answer.into_body().collect_bytes().await.expect("a body");
            Answer { code, body: serde_json::from_slice(&bytes).unwrap_or(Value::Null) }
        })
    }

    /// It works.
    #[track_caller]
    pub fn may(&self, verb: &str, what: &str, namespace: &str, body: Value) -> Value {
        let answer = self.send(verb, what, namespace, &body);
        let place = format!("{} may not {verb} {what} in {namespace:?}", self.name);
        assert!(answer.code < 300, "{place}: {answer:?}");
        answer.body
    }

    /// RBAC denies it, whatever the body.
    #[track_caller]
    pub fn may_not(&self, verb: &str, what: &str, namespace: &str) {
        let body =
            if matches!(verb, "create" | "update" | "patch") { json!({}) } else { Value::Null };
        let answer = self.send(verb, what, namespace, &body);
        let is_denied = answer.code == 403 && answer.message().contains("is forbidden: User");
        let place = format!("{} may {verb} {what} in {namespace:?}", self.name);
        assert!(is_denied, "{place}: {answer:?}");
    }
}

impl Answer {
    pub fn message(&self) -> &str {
        self.body["message"].as_str().unwrap_or_default()
    }

    /// Whether a policy of this name denied it, with this message.
    pub fn is_denied_by(&self, policy: &str, message: &str) -> bool {
        let by = format!("ValidatingAdmissionPolicy '{policy}'");
        self.code >= 400 && self.message().contains(&by) && self.message().contains(message)
    }
}

fn path(what: &str, namespace: &str) -> String {
    let resource = what.split('/').next().unwrap_or_default();
    let group = match resource {
        "secrets" | "pods" | "configmaps" | "serviceaccounts" => "api/v1",
        "envcryptsecrets" => "apis/envcrypt.dev/v1alpha1",
        "leases" => "apis/coordination.k8s.io/v1",
        "events" => "apis/events.k8s.io/v1",
        "deployments" | "statefulsets" | "daemonsets" => "apis/apps/v1",
        "jobs" => "apis/batch/v1",
        "customresourcedefinitions" => "apis/apiextensions.k8s.io/v1",
        other => panic!("no group: {other}"),
    };
    match namespace {
        "" => format!("/{group}/{what}"),
        namespace => format!("/{group}/namespaces/{namespace}/{what}"),
    }
}
