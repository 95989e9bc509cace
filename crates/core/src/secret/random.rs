//! Randomness, for keys and values.

/// Fills `buffer` from the operating system's generator.
///
/// # Panics
/// When the operating system has no randomness to give: nothing may be sealed then.
pub fn random_bytes(buffer: &mut [u8]) {
    getrandom::fill(buffer).expect("the operating system gives random bytes");
}
