//! The file `kms.yaml`: what is accepted means the same in another form of YAML, and can work.

#![no_main]
// A target uses a part of the file.
#![allow(dead_code, unused_imports)]

#[path = "../../crates/kms/src"]
mod kms {
    pub mod config;
}

#[path = "../shared/yaml.rs"]
mod yaml;

use kms::config::Config;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match Config::parse(text) {
        Ok(config) => {
            works(&config);
            means_the_same(text, &config);
        }
        Err(error) => {
            assert!(!error.trim().is_empty());
            // A secret in the place of a path would be quoted so.
            assert!(!error.contains("invalid type: string \""), "{error}");
            // These are written to a log, which has a line for each message.
            assert!(error.len() <= 2 * text.len() + 1000, "{error}");
        }
    }
});

fn works(config: &Config) {
    let active = config.active().count();
    assert!(active > 0 && active <= config.keks.len() && config.keks.len() <= 16);
    assert!((1..=active).contains(&config.required()));
    assert_eq!(config.openers().count(), active);
    assert!(config.vaults().len() <= config.keks.len());
    assert!(config.socket.path.is_absolute() && config.socket.mode <= 0o777);
    for peer in &config.reads {
        assert!(!peer.to_string().is_empty());
        assert!(!config.keks_of(peer).is_empty(), "nothing opens what {peer} wrapped");
    }
    if let Some(writes) = &config.writes {
        assert_eq!(config.keks_of(&writes.peer).len(), 1, "one KEK wraps");
        assert!(config.reads.contains(&writes.peer), "what is written is read");
    }
}

/// Without anchors, comments and quotes, it is the same configuration.
fn means_the_same(text: &str, config: &Config) {
    let Some((value, other)) = yaml::in_another_form(text) else { return };
    let again = Config::parse(&other).unwrap_or_else(|error| panic!("{error}: {other}"));
    assert!(again == *config, "another configuration: {other}");
    let json = serde_json::to_string(&value);
    if let Some(json) = json.ok().filter(|json| json.is_ascii()) {
        assert!(Config::parse(&json).is_ok_and(|again| again == *config), "JSON: {json}");
    }
}
