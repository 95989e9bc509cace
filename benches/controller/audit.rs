//! The requests of one account, as kube-apiserver's audit log has them.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

/// Writes the policy. Returns the arguments of kube-apiserver that make it log these accounts.
pub fn configure(directory: &Path, users: &[String]) -> Vec<String> {
    let text = format!(
        "apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules:\n\
         - {{level: Metadata, users: {users:?}}}\n- {{level: None}}\n"
    );
    let (policy, log) = (directory.join("audit.yaml"), directory.join("audit.log"));
    std::fs::write(&policy, text).expect("written");
    vec![
        format!("--audit-policy-file={}", policy.display()),
        format!("--audit-log-path={}", log.display()),
    ]
}

/// Reads the log while it grows.
pub struct Audit {
    log: BufReader<File>,
    /// The start of a line whose rest is not written yet.
    line: String,
    user: String,
}

/// The requests since the last time. Those for Leases are counted, but they are not work.
#[derive(Default, Clone)]
pub struct Requests {
    /// By verb and resource.
    by_kind: BTreeMap<String, usize>,
    /// When the last one was answered.
    pub last: Option<Timestamp>,
}

impl Audit {
    /// From now on.
    pub fn of(directory: &Path, user: String) -> Self {
        let log = BufReader::new(File::open(directory.join("audit.log")).expect("a log"));
        let mut audit = Self { log, line: String::new(), user };
        audit.take();
        audit
    }

    /// The requests since the last time.
    pub fn take(&mut self) -> Requests {
        let mut requests = Requests::default();
        while self.log.read_line(&mut self.line).expect("UTF-8") > 0 && self.line.ends_with('\n') {
            let event: Value = serde_json::from_str(&self.line).expect("JSON");
            self.line.clear();
            if event["user"]["username"] == self.user {
                requests.add(&event);
            }
        }
        requests
    }

    /// Waits until nothing was asked for `quiet`, or until `limit` is over. Returns what was asked.
    pub fn until_idle(&mut self, quiet: Duration, limit: Duration) -> Requests {
        let (mut all, started) = (Requests::default(), Timestamp::now());
        loop {
            all.merge(self.take());
            let is_over = |since: Timestamp, time: Duration| {
                Timestamp::now().duration_since(since).unsigned_abs() > time
            };
            if is_over(all.last.unwrap_or(started), quiet) || is_over(started, limit) {
                return all;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Requests {
    fn add(&mut self, event: &Value) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (verb, object) = (text(&event["verb"]), &event["objectRef"]);
        // A watch has one line when it starts and one when it ends.
        if verb == "watch" && event["stage"] == "ResponseComplete" {
            return;
        }
        let resource = match (object["resource"].as_str(), object["subresource"].as_str()) {
            (Some(resource), Some(part)) => format!("{resource}/{part}"),
            (Some(resource), None) => resource.to_owned(),
            _ => text(&event["requestURI"]),
        };
        if resource != "leases" {
            self.last = text(&event["stageTimestamp"]).parse().ok().max(self.last);
        }
        *self.by_kind.entry(format!("{verb} {resource}")).or_default() += 1;
    }

    pub fn merge(&mut self, other: Self) {
        for (kind, count) in other.by_kind {
            *self.by_kind.entry(kind).or_default() += count;
        }
        self.last = self.last.max(other.last);
    }

    /// Whether one was about this resource.
    pub fn is_about(&self, resource: &str) -> bool {
        self.by_kind.keys().any(|kind| kind.ends_with(&format!(" {resource}")))
    }

    /// How many there were.
    pub fn count(&self) -> usize {
        self.by_kind.values().sum()
    }

    /// How many objects were written, Leases not counted.
    pub fn writes(&self) -> usize {
        let is_write = |kind: &str| {
            !["get ", "list ", "watch "].iter().any(|verb| kind.starts_with(verb))
                && !kind.ends_with(" leases")
        };
        self.by_kind.iter().filter(|(kind, _)| is_write(kind)).map(|(_, count)| count).sum()
    }

    /// Each kind, with its count.
    pub fn kinds(&self) -> String {
        let kinds = self.by_kind.iter().map(|(kind, count)| format!("{count} {kind}"));
        kinds.collect::<Vec<_>>().join(", ")
    }
}
