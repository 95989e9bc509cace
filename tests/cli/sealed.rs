//! Makes sealed Secrets, looks into them, and alters them.

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD as BASE64};
use serde_json::Value;

use crate::sandbox::{Run, Sandbox};

/// A Secret `prod/db` with generated values, sealed under `keks`: the run.
pub fn create(sandbox: &Sandbox, keks: &[&str], values: usize) -> Run {
    let keks = keks.iter().map(|kek| format!("--kek={kek}"));
    let generate = (0..values).map(|i| format!("--generate=key{i}"));
    let fixed = ["create", "db", "-nprod", "--dry-run=client", "-oyaml"].map(str::to_owned);
    sandbox.run(fixed.into_iter().chain(keks).chain(generate))
}

/// The same with one value: the YAML.
pub fn sealed_under(sandbox: &Sandbox, keks: &[&str]) -> String {
    create(sandbox, keks, 1).succeeds().stdout
}

/// The JWE of a value of a sealed Secret.
pub fn value(yaml: &str, key: &str) -> Value {
    let object: Value = serde_yaml::from_str(yaml).expect("YAML");
    parse(object["data"][key].as_str().expect("text"))
}

fn parse(text: &str) -> Value {
    let json = BASE64_STANDARD.decode(text).expect("base64");
    serde_json::from_slice(&json).expect("JSON")
}

/// The wrapped DEK of the first recipient.
pub fn wrapped(yaml: &str, key: &str) -> Vec<u8> {
    let jwe = value(yaml, key);
    BASE64.decode(jwe["recipients"][0]["encrypted_key"].as_str().expect("text")).expect("base64")
}

/// Changes the recipients of every value and of the seal.
pub fn change_recipients(yaml: &str, with: impl Fn(&mut Vec<Value>)) -> String {
    change(yaml, true, with)
}

fn change(yaml: &str, and_the_seal: bool, with: impl Fn(&mut Vec<Value>)) -> String {
    change_jwes(yaml, and_the_seal, |jwe| {
        with(jwe["recipients"].as_array_mut().expect("a list"));
    })
}

fn change_jwes(yaml: &str, and_the_seal: bool, with: impl Fn(&mut Value)) -> String {
    let mut object: Value = serde_yaml::from_str(yaml).expect("YAML");
    let change = |mut jwe: Value| {
        with(&mut jwe);
        jwe.to_string()
    };
    for value in object["data"].as_object_mut().expect("a map").values_mut() {
        *value = BASE64_STANDARD.encode(change(parse(value.as_str().expect("text")))).into();
    }
    if and_the_seal {
        let seal = &mut object["metadata"]["annotations"]["envcrypt.dev/seal"];
        let jwe = serde_json::from_str(seal.as_str().expect("text")).expect("JSON");
        *seal = change(jwe).into();
    }
    object.to_string()
}

/// Changes every wrapped DEK.
pub fn change_wrapped(yaml: &str, change: impl Fn(&mut Vec<u8>)) -> String {
    change_recipients(yaml, |recipients| {
        for recipient in recipients {
            let text = recipient["encrypted_key"].as_str().expect("text");
            let mut bytes = BASE64.decode(text).expect("base64");
            change(&mut bytes);
            recipient["encrypted_key"] = BASE64.encode(bytes).into();
        }
    })
}

/// Every JWE of a file, in its order, the seals last.
pub fn jwes(text: &str) -> Vec<Value> {
    let mut jwes = Vec::new();
    for document in serde_yaml::Deserializer::from_str(text) {
        let object: Value = serde::Deserialize::deserialize(document).expect("YAML");
        let data = object["data"].as_object().into_iter().flatten();
        jwes.extend(data.map(|(_, value)| parse(value.as_str().expect("text"))));
        let seal = object["metadata"]["annotations"]["envcrypt.dev/seal"].as_str();
        jwes.extend(seal.map(|seal| serde_json::from_str::<Value>(seal).expect("JSON")));
    }
    jwes
}

/// The protected header of a JWE.
pub fn header(jwe: &Value) -> Value {
    let json = BASE64.decode(jwe["protected"].as_str().expect("text")).expect("base64");
    serde_json::from_slice(&json).expect("JSON")
}

/// The same Secret with every recipient renamed.
pub fn with_kek(yaml: &str, alg: &str, kid: &str) -> String {
    change_recipients(yaml, |recipients| {
        recipients[0]["header"] = serde_json::json!({ "alg": alg, "kid": kid });
    })
}

/// The same Secret with one more recipient, who holds nothing of use.
pub fn with_one_more_kek(yaml: &str, kid: &str) -> String {
    change_recipients(yaml, |recipients| recipients.push(useless(kid)))
}

/// The same, on the values alone.
pub fn with_one_more_kek_on_the_values(yaml: &str, kid: &str) -> String {
    change(yaml, false, |recipients| recipients.push(useless(kid)))
}

fn useless(kid: &str) -> Value {
    let alg = kid.split(':').next().expect("a scheme");
    serde_json::json!({ "header": { "alg": alg, "kid": kid }, "encrypted_key": "AAAA" })
}

/// The same Secret with an entry first that holds nothing, under the same KEK.
pub fn with_a_useless_first_entry(yaml: &str, kid: &str) -> String {
    change_recipients(yaml, |recipients| recipients.insert(0, useless(kid)))
}

/// Moved to another namespace, headers and all, by someone who has no data key.
pub fn with_namespace(yaml: &str, namespace: &str) -> String {
    let moved = |jwe: &mut Value| {
        let mut header = header(jwe);
        header["binding"]["namespace"] = namespace.into();
        jwe["protected"] = BASE64.encode(header.to_string()).into();
    };
    let mut object: Value =
        serde_yaml::from_str(&change_jwes(yaml, true, moved)).expect("JSON is YAML");
    object["metadata"]["namespace"] = namespace.into();
    object.to_string()
}

/// The same Secret with values that say that they were first sealed so many days ago. Nothing that
/// only reads the headers can tell the difference.
pub fn aged(yaml: &str, days: u64) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now = now.expect("after 1970").as_secs();
    with_times(yaml, now, Some(now - days * 24 * 60 * 60 - 60))
}

/// The same Secret with other times in the header of each value. Everything else keeps its bytes.
pub fn with_times(yaml: &str, iat: u64, born: Option<u64>) -> String {
    let mut object: Value = serde_yaml::from_str(yaml).expect("YAML");
    for value in object["data"].as_object_mut().expect("a map").values_mut() {
        let json = BASE64_STANDARD.decode(value.as_str().expect("text")).expect("base64");
        let json = String::from_utf8(json).expect("text");
        let jwe: Value = serde_json::from_str(&json).expect("JSON");
        let old = jwe["protected"].as_str().expect("text");
        let header = String::from_utf8(BASE64.decode(old).expect("base64")).expect("text");
        let (before, _) = header.split_once("\"iat\":").expect("a time");
        let born = born.map_or_else(String::new, |born| format!(",\"born\":{born}"));
        let new = BASE64.encode(format!("{before}\"iat\":{iat}{born}}}"));
        *value = BASE64_STANDARD.encode(json.replace(old, &new)).into();
    }
    object.to_string()
}

/// The same Secret with one more annotation.
pub fn annotated(yaml: &str, name: &str, value: &str) -> String {
    let mut object: Value = serde_yaml::from_str(yaml).expect("YAML");
    object["metadata"]["annotations"][name] = value.into();
    object.to_string()
}
