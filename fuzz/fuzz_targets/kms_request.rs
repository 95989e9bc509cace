//! Requests of kube-apiserver, and the ciphertexts of other plugins in them: what is read is
//! written again as the same bytes.

#![no_main]
// A target uses a part of each file.
#![allow(dead_code, unused_imports)]

#[path = "../../crates/kms/src"]
mod kms {
    pub mod config;
    pub mod engine {
        pub mod parts;
    }
    pub mod peers {
        pub mod format;
    }
}

use std::sync::LazyLock;

use envcrypt_core::kek::k8skms::protocol::{DecryptRequest, EncryptRequest, EncryptResponse};
use envcrypt_core::kek::k8skms::{pack, unpack};
use envcrypt_core::kek::{DataKey, KekUri, Wrapped, WrappedKey};
use envcrypt_core::seed::{Ciphertext, MORE_ANNOTATION};
use kms::config::{self, Kind};
use kms::engine::parts;
use kms::peers::format;
use libfuzzer_sys::fuzz_target;
use prost::Message;

/// Each plugin, with a KEK and a version that it could have.
static PEERS: LazyLock<[(Kind, KekUri, &str); 5]> = LazyLock::new(|| {
    let uri = |text: &str| text.parse().expect("a KEK");
    let azure = "azurekms://v.vault.azure.net/k/0123456789abcdef0123456789abcdef";
    [
        (Kind::Aws, uri("awskms:///arn:aws:kms:eu-west-1:111122223333:key/1234"), ""),
        (Kind::Vault, uri("hashivault://transit/k8s"), "v3"),
        (Kind::Azure, uri(azure), ""),
        (Kind::Google, uri("gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/k"), "3"),
        (Kind::Plugin, uri("k8skms:///run/kms.sock"), ""),
    ]
});

fuzz_target!(|input: &[u8]| {
    if let Ok(request) = EncryptRequest::decode(input) {
        let again = EncryptRequest::decode(&*request.encode_to_vec());
        assert!(again.is_ok_and(|again| again == request));
    }
    if let Ok(request) = DecryptRequest::decode(input) {
        let again = DecryptRequest::decode(&*request.encode_to_vec());
        assert_eq!(again.as_ref(), Ok(&request));
        decrypt(&request);
    }
    // As a ciphertext of this server, which has room in two places.
    splits(input);
    stored(input);
});

fn decrypt(request: &DecryptRequest) {
    let whole = parts::join(request);
    let more = request.annotations.get(MORE_ANNOTATION).map_or(0, Vec::len);
    assert_eq!(whole.len(), request.ciphertext.len() + more);
    if let Ok(sealed) = Ciphertext::read(&whole) {
        let key = DataKey::from_slice(&[7; 32]).expect("32 bytes");
        assert!(sealed.open(&key, &request.key_id).is_err(), "nobody sealed it with this key");
    }
    for (kind, kek, version) in &*PEERS {
        let format = format::format(*kind);
        let Some(bytes) = format.read(request) else { continue };
        let key = WrappedKey { kek: kek.clone(), bytes: bytes.clone() };
        let version = Some(version.to_string());
        let Some(written) = format.write(Wrapped { key, version }) else {
            panic!("what was read cannot be written");
        };
        // A plugin with an annotation of its own has one form.
        assert_eq!(written.ciphertext, request.ciphertext, "other bytes");
        let again = format.read(&asked(written)).expect("it can be read");
        if *kind == Kind::Plugin {
            assert_eq!(unpack(&again), unpack(&bytes));
        } else {
            assert_eq!(again, bytes);
        }
    }
}

fn splits(bytes: &[u8]) {
    let answer = parts::split(bytes.to_vec(), "id");
    assert!(answer.ciphertext.len() <= 1024 && answer.annotations.len() <= 1);
    assert_eq!(parts::join(&asked(answer)), bytes);
}

/// What a KMS plugin answered, as the recipient of a sealed value has it.
fn stored(bytes: &[u8]) {
    let Some(DecryptRequest { ciphertext, key_id, annotations, .. }) = unpack(bytes) else {
        return;
    };
    let answer = EncryptResponse { ciphertext, key_id, annotations };
    let Some(again) = pack(answer.clone()) else { return };
    let read = unpack(&again).expect("what is written is readable");
    assert_eq!(read, asked(answer));
}

fn asked(answer: EncryptResponse) -> DecryptRequest {
    let EncryptResponse { ciphertext, key_id, annotations } = answer;
    DecryptRequest { ciphertext, uid: String::new(), key_id, annotations }
}
