//! A raw client: it sends the requests of a command again, and does nothing else. What it takes is
//! what the API server takes.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use futures::{StreamExt, stream};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::api_proxy::Request;

/// The requests of one run, in their order.
pub struct Replay {
    runtime: Runtime,
    config: Config,
    /// The lists, each page after the one before.
    lists: Vec<Request>,
    others: Vec<Request>,
}

impl Replay {
    /// For the same API server with the same login.
    pub fn new(kubeconfig: &Path, requests: Vec<Request>) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime");
        let kubeconfig = Kubeconfig::read_from(kubeconfig).expect("a kubeconfig");
        let options = KubeConfigOptions::default();
        let config = runtime.block_on(Config::from_custom_kubeconfig(kubeconfig, &options));
        let is_list = |request: &Request| request.path.contains("limit=");
        let (lists, others) = requests.into_iter().partition(is_list);
        Self { runtime, config: config.expect("a configuration"), lists, others }
    }

    /// Sends them all, this many at the same time.
    pub fn run(&mut self, in_flight: usize) -> Duration {
        self.take_over_versions();
        let Self { runtime, config, lists, others } = self;
        runtime.block_on(async {
            let started = Instant::now();
            let client = Client::try_from(config.clone()).expect("a client");
            list(&client, lists).await;
            let sent = stream::iter(others.iter()).map(|request| {
                let client = &client;
                async move {
                    let answer = client.request_text(http(request)).await;
                    // Something that is not there is an answer too.
                    let is_fine = match &answer {
                        Ok(_) => true,
                        Err(kube::Error::Api(status)) => status.code == 404,
                        Err(_) => false,
                    };
                    assert!(is_fine, "{} {}: {answer:?}", request.method, request.path);
                }
            });
            sent.buffered(in_flight).for_each(async |()| ()).await;
            started.elapsed()
        })
    }

    /// Lets each body name the version that its object has now.
    fn take_over_versions(&mut self) {
        let Self { runtime, config, others, .. } = self;
        let client = runtime.block_on(async { Client::try_from(config.clone()) });
        let client = client.expect("a client");
        let mut versions = BTreeMap::new();
        for request in others.iter_mut().filter(|request| request.method == "PATCH") {
            let Ok(mut body) = serde_json::from_slice::<Value>(&request.body) else { continue };
            if body["metadata"].get("resourceVersion").is_none() {
                continue;
            }
            let path = request.path.split('?').next().expect("a path");
            let (all, name) = path.rsplit_once('/').expect("a name");
            let known = versions
                .entry(all.to_owned())
                .or_insert_with(|| runtime.block_on(versions_of(&client, all)));
            // A version that nothing has: the object must be new.
            body["metadata"]["resourceVersion"] = json!(known.get(name).map_or("1", |v| v));
            request.body = serde_json::to_vec(&body).expect("JSON");
        }
    }
}

async fn list(client: &Client, lists: &[Request]) {
    let mut next = String::new();
    for request in lists {
        let mut request = request.clone();
        if let Some((path, _)) = request.path.split_once("&continue=") {
            request.path = format!("{path}&continue={next}");
        }
        match client.request_text(http(&request)).await {
            Ok(text) => next = token(&text).unwrap_or_default().to_owned(),
            Err(kube::Error::Api(status)) if status.code == 404 => {}
            Err(error) => panic!("{}: {error}", request.path),
        }
    }
}

/// The token for the next page, which is near the start.
fn token(page: &str) -> Option<&str> {
    let (_, rest) = page.split_once("\"continue\":\"")?;
    rest.split('"').next()
}

async fn versions_of(client: &Client, path: &str) -> BTreeMap<String, String> {
    let request = http::Request::get(path).body(Vec::new()).expect("a request");
    let list: Value = client.request(request).await.expect("a list");
    let text = |item: &Value, name: &str| item["metadata"][name].as_str().map(str::to_owned);
    let items = list["items"].as_array().expect("items").iter();
    items.filter_map(|item| Some((text(item, "name")?, text(item, "resourceVersion")?))).collect()
}

fn http(request: &Request) -> http::Request<Vec<u8>> {
    let mut builder = http::Request::builder().method(&*request.method).uri(&request.path);
    for (name, text) in &request.headers {
        builder = builder.header(*name, text);
    }
    builder.body(request.body.clone()).expect("a request")
}
