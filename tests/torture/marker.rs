//! A value that stands nowhere else, and where it is found.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::random::Random;

/// The length of a marker. A part of it in base64 has enough left to be unique.
const LENGTH: usize = 48;

pub struct Marker {
    pub text: String,
    /// The text, and its base64 whichever way it falls into groups of three.
    forms: Vec<Vec<u8>>,
}

impl Marker {
    pub fn new(random: &mut Random) -> Self {
        let text = random.word(LENGTH);
        let encoded = (0..3).map(|skip| BASE64_STANDARD.encode(&text[skip..skip + 45]));
        let mut forms: Vec<Vec<u8>> = encoded.map(String::into_bytes).collect();
        forms.push(text.clone().into_bytes());
        Self { text, forms }
    }

    pub fn is_in(&self, bytes: &[u8]) -> bool {
        self.forms.iter().any(|form| memchr::memmem::find(bytes, form).is_some())
    }

    /// How often it is there, in any form.
    pub fn count_in(&self, bytes: &[u8]) -> usize {
        self.forms.iter().map(|form| memchr::memmem::find_iter(bytes, form).count()).sum()
    }
}
