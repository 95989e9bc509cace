//! A KEK has one URI, and it is safe to show and to paste into a shell.

#![no_main]

use envcrypt_core::kek::KekUri;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    // One URI for each line.
    let uris: Vec<KekUri> = text.split('\n').filter_map(uri).collect();
    for one in &uris {
        for other in &uris {
            assert_eq!(one == other, one.as_str() == other.as_str());
            assert!(one.id() != other.id() || one.may_name(other));
        }
    }
});

fn uri(text: &str) -> Option<KekUri> {
    let uri: KekUri = match text.parse() {
        Ok(uri) => uri,
        Err(error) => {
            let error = format!("{error}");
            assert!(!error.contains(char::is_control), "{error:?}");
            return None;
        }
    };
    assert_eq!(uri.as_str().parse().as_ref(), Ok(&uri));
    assert_eq!(uri.to_string(), uri.as_str());
    let is_safe = |b: u8| b.is_ascii_alphanumeric() || b"-_.:/@+= ".contains(&b);
    assert!(uri.as_str().bytes().all(is_safe), "{uri}");
    assert!(!uri.as_str().contains("/../") && !uri.as_str().ends_with("/.."), "{uri}");
    assert!(uri.as_str().starts_with(uri.scheme()) && uri.as_str().ends_with(uri.rest()));
    assert!(!uri.rest().is_empty());
    // The name without the version is also a URI, of the same key.
    let id = uri.id();
    assert_eq!(id.to_string().parse().as_ref(), Ok(id.uri()));
    assert_eq!(id.uri().id(), id);
    assert_eq!(id.uri().scheme(), uri.scheme());
    assert_eq!(id.uri().is_alias(), uri.is_alias());
    assert!(!uri.is_bare() || uri.is_alias(), "{uri}");
    Some(uri)
}
