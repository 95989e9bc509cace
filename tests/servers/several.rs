//! A Secret under several KEKs: any one opens it, the cheapest is asked first,
//! and one that does not answer is not waited for.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::clouds::{AZURE_KEK, Clouds, GOOGLE_KEK};
use crate::fault_proxy::FaultProxy;
use crate::kms::{kms, with_kms};
use crate::plugin::Plugin;
use crate::sandbox::Sandbox;
use crate::sealed::sealed_under;
use crate::vault::{vault, with_vault};

/// Every KMS at once, in one sandbox.
struct All {
    clouds: Clouds,
    aws: FaultProxy,
    vault: FaultProxy,
    _plugin: Plugin,
    sandbox: Sandbox,
    keks: Vec<String>,
}

fn all() -> All {
    let (clouds, plugin) = (Clouds::start(), Plugin::start());
    let (aws, vault_) = (FaultProxy::start(kms().port), FaultProxy::start(vault().port));
    let sandbox = clouds.sandbox(Sandbox::with_local_key());
    let sandbox = with_vault(with_kms(sandbox, aws.port), vault_.port);
    let keks = vec![
        "local".to_owned(),
        plugin.kek(),
        format!("awskms:///{}", kms().key()),
        GOOGLE_KEK.to_owned(),
        AZURE_KEK.to_owned(),
        format!("hashivault://transit/{}", vault().key()),
    ];
    All { clouds, aws, vault: vault_, _plugin: plugin, sandbox, keks }
}

impl All {
    fn sealed(&self) -> String {
        sealed_under(&self.sandbox, &self.keks.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// The operations of every KMS since the last time, the plugin's left out.
    fn calls(&self) -> Vec<String> {
        [self.clouds.take(), self.aws.take().0, self.vault.take().0].concat()
    }
}

#[test]
fn each_of_them_alone_opens_it() {
    let all = all();
    let yaml = all.sealed();
    assert_eq!(all.calls().len(), 4);
    let value = all.sandbox.pipe(&yaml, ["unwrap", "-f", "-", "key0"]).succeeds().stdout;
    assert_eq!(all.calls(), [""; 0], "the local key opens it: no KMS was asked");
    for (kek, calls) in all.keks.iter().zip([0, 0, 1, 1, 1, 1]) {
        let flag = format!("--kek={kek}");
        let run = all.sandbox.pipe(&yaml, ["unwrap", "-f", "-", "key0", &flag]);
        assert_eq!(run.succeeds().stdout, value, "{kek}");
        assert_eq!(all.calls().len(), calls, "{kek}");
    }
}

#[test]
fn what_refuses_is_passed_over_and_told_only_when_all_refuse() {
    let all = all();
    let yaml = all.sealed();
    let keks = [GOOGLE_KEK, AZURE_KEK].map(|kek| format!("--kek={kek}"));
    let unwrap = || {
        all.sandbox
            .pipe(&yaml, ["unwrap", "-f", "-"].iter().map(|s| (*s).to_owned()).chain(keks.clone()))
    };
    all.clouds.order(json!({ "cutOff": ["cloudkms.googleapis.com"] }));
    let run = unwrap().succeeds();
    assert_eq!(run.stderr, "");
    all.clouds.order(json!({ "cutOff": [".vault.azure.net"] }));
    let error = unwrap().fails(1);
    for kek in [GOOGLE_KEK, AZURE_KEK] {
        assert!(
            error.contains(&format!("cause: cannot unwrap the data key with `{kek}")),
            "{error}"
        );
    }
}

#[test]
fn one_that_hangs_is_given_up_after_the_timeout_and_once_for_all() {
    let all = all();
    let keks = [all.keks[2].as_str(), all.keks[5].as_str()];
    let yaml: Vec<String> = (0..40).map(|_| sealed_under(&all.sandbox, &keks)).collect();
    all.calls();
    all.aws.delay(Duration::from_secs(600));
    let flags = keks.map(|kek| format!("--kek={kek}"));
    let words = ["unwrap", "-f", "-"].map(str::to_owned);
    let sandbox = all.sandbox.env("ENVCRYPT_KEK_TIMEOUT", "300ms");
    let started = Instant::now();
    sandbox.pipe(yaml.join("---\n"), words.iter().chain(&flags)).succeeds();
    let elapsed = started.elapsed();
    // Far below the 20 seconds that AWS KMS alone is waited for.
    assert!(elapsed >= Duration::from_millis(300), "{elapsed:?}");
    assert!(elapsed < Duration::from_secs(10), "{elapsed:?}");
    let (aws, vault) = (all.aws.take().0.len(), all.vault.take().0.len());
    assert!(aws <= 16, "{aws} calls to what does not answer");
    assert!((1..=40).contains(&vault), "{vault} calls to what answers");
}

#[test]
fn a_timeout_that_is_none_says_so() {
    let sandbox = Sandbox::with_local_key().env("ENVCRYPT_KEK_TIMEOUT", "soon");
    let yaml = Sandbox::with_local_key().sealed(&["a=b"]);
    let error = sandbox.pipe(yaml, ["unwrap", "-f", "-"]).fails(1);
    assert!(
        error.contains("`ENVCRYPT_KEK_TIMEOUT`: `soon` is not a valid duration: use 500ms"),
        "{error}"
    );
}
