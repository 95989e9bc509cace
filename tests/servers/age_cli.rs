//! The age program itself: it opens what is wrapped here, and its keys work here.

use std::process::Command;

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};

use crate::programs::find;
use crate::sandbox::{Run, Sandbox};

#[test]
fn ages_own_keys_seal_and_open_and_age_opens_the_wrapped_key() {
    for flags in [&[][..], &["-pq"]] {
        let sandbox = Sandbox::new();
        let identity = sandbox.work().join("identity");
        let mut keygen = Command::new(find("age-keygen"));
        keygen.args(flags).arg("-o").arg(&identity);
        assert!(keygen.output().expect("age-keygen starts").status.success());
        let text = sandbox.read("identity");
        let recipient =
            text.lines().find_map(|line| line.strip_prefix("# public key: ")).expect("a recipient");
        let sandbox = sandbox.env("ENVCRYPT_AGE_IDENTITIES", identity.display().to_string());
        let kek = format!("--kek=age:{recipient}");
        let args =
            ["create", "db", "-nprod", "--from-literal=a=b", "--dry-run=client", "-oyaml", &kek];
        let yaml = sandbox.run(args).succeeds().stdout;
        assert_eq!(sandbox.pipe(&yaml, ["unwrap", "-f", "-", "a"]).succeeds().stdout, "b");

        let object: serde_json::Value = serde_yaml::from_str(&yaml).expect("YAML");
        let jwe =
            BASE64_STANDARD.decode(object["data"]["a"].as_str().expect("text")).expect("base64");
        let jwe: serde_json::Value = serde_json::from_slice(&jwe).expect("JSON");
        let wrapped = jwe["recipients"][0]["encrypted_key"].as_str().expect("text");
        let file =
            sandbox.write("wrapped.age", BASE64_URL_SAFE_NO_PAD.decode(wrapped).expect("base64"));
        let mut age = Command::new(find("age"));
        age.arg("-d").arg("-i").arg(&identity).arg("-o").arg(sandbox.work().join("dek")).arg(&file);
        Run::from(age.output().expect("age starts")).succeeds();
        assert_eq!(std::fs::read(sandbox.work().join("dek")).expect("there").len(), 32);
    }
}
