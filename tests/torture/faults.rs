//! What a broken network, a proxy in the way or a server in trouble does to a request.

use std::time::Duration;

use serde_json::json;

use crate::api_proxy::{Action, Request};
use crate::fault_proxy::Fault;
use crate::random::Random;

/// How long a request waits before its connection drops.
const STALL: Duration = Duration::from_millis(300);

/// Which requests of a run meet a fault.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// So many pass first.
    pub skip: usize,
    /// How often a fault happens, of 100 requests.
    pub percent: u64,
    /// After so many faults, all is well.
    pub most: usize,
}

impl Plan {
    /// For a run that sends about so many requests: one of them, or any of them.
    pub fn new(random: &mut Random, requests: usize) -> Self {
        let skip = random.below(requests.max(1) as u64) as usize;
        match random.happens(50) {
            true => Self { skip, percent: 100, most: 1 },
            false => Self {
                skip: 0,
                percent: *random.pick(&[10, 30, 100]),
                most: 1 + random.below(5) as usize,
            },
        }
    }

    pub fn strikes(&mut self, random: &mut Random) -> bool {
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        let strikes = self.most > 0 && random.happens(self.percent);
        self.most -= usize::from(strikes);
        strikes
    }
}

/// What happens to a request to the API server. `elsewhere` is a namespace with other Secrets.
pub fn of_api(random: &mut Random, request: &Request, elsewhere: Option<&str>) -> Action {
    let is_seen = random.happens(50);
    match random.below(9) {
        0 => Action::Drop,
        1 => Action::DropAnswer,
        2 => Action::Stall(STALL),
        3 => Action::Cut(random.below(3000) as usize),
        4 => Action::Answer(*random.pick(&[429, 500, 502, 503])),
        5 => Action::Say { bytes: status(random), is_seen },
        6 | 7 => other_path(random, request, elsewhere).map_or(Action::Drop, Action::AnswerOf),
        _ => Action::Say { bytes: garbage(random), is_seen },
    }
}

/// What happens to a request to the KMS.
pub fn of_kms(random: &mut Random, operation: &str) -> Fault {
    match random.below(9) {
        0 => Fault::HangUp,
        1 => Fault::HangUpAfter,
        2 => Fault::Stall(STALL),
        3 => Fault::Cut(random.below(500) as usize),
        4 => Fault::Error(*random.pick(&[429, 500, 502, 503]), "by the proxy"),
        5 => Fault::Say(throttled(random)),
        // Only who unwraps a data key sees under which name it was wrapped.
        6 if operation != "encrypt" => Fault::Swap,
        7 if operation != "encrypt" => Fault::Shuffle,
        _ => Fault::Say(garbage(random)),
    }
}

/// The path of another object or list than the one that is asked for.
fn other_path(random: &mut Random, request: &Request, elsewhere: Option<&str>) -> Option<String> {
    let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
    let (root, last) = path.rsplit_once('/')?;
    let is_kind = |word: &str| matches!(word, "secrets" | "envcryptsecrets");
    if is_kind(last) && request.is_write() {
        return Some(format!("{path}/b"));
    }
    if is_kind(last) {
        let (before, after) = path.split_once("/namespaces/")?;
        let (_, after) = after.split_once('/')?;
        return Some(format!("{before}/namespaces/{}/{after}?{query}", elsewhere?));
    }
    let others: Vec<_> = ["a", "b", "c"].into_iter().filter(|name| *name != last).collect();
    is_kind(root.rsplit('/').next()?).then(|| format!("{root}/{}", random.pick(&others)))
}

/// How an API server in trouble answers.
fn status(random: &mut Random) -> Vec<u8> {
    let (code, reason) = *random.pick(&[
        (429, "TooManyRequests"),
        (500, "InternalError"),
        (503, "ServiceUnavailable"),
        (504, "Timeout"),
    ]);
    let body = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": "by the proxy", "reason": reason, "code": code,
        "details": { "retryAfterSeconds": 1 },
    });
    answer(code, "Retry-After: 1\r\n", body.to_string().as_bytes())
}

/// How a KMS answers that has too much to do.
fn throttled(random: &mut Random) -> Vec<u8> {
    let after = if random.happens(50) { "Retry-After: 1\r\n" } else { "" };
    answer(429, after, br#"{"errors":["by the proxy"]}"#)
}

/// What no server says.
fn garbage(random: &mut Random) -> Vec<u8> {
    let bytes: Vec<u8> = (0..200).map(|_| random.next() as u8).collect();
    let bodies: [&[u8]; 12] = [
        b"",
        b"{}",
        b"[]",
        b"null",
        br#"{"items":[]}"#,
        br#"{"data":{}}"#,
        br#"{"data":{"ciphertext":"","plaintext":"","batch_results":[]}}"#,
        br#"{"data":{"ciphertext":"AAAA","plaintext":"AAAA","batch_results":[{"plaintext":"AAAA"}]}}"#,
        br#"{"kind":"Status","apiVersion":"v1","status":"Success","code":200}"#,
        br#"{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a"},"spec":{}}"#,
        b"<html>Log in to the network</html>",
        &bytes,
    ];
    match random.below(14) {
        0 => bytes,
        1 => answer(200, "", format!(r#"["{}"]"#, "x".repeat(8 << 20)).as_bytes()),
        number => answer(200, "", bodies[number as usize - 2]),
    }
}

fn answer(status: u16, header: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 {status} x\r\nContent-Type: application/json\r\n{header}Connection: close\r\n\
         Content-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}
