//! Random bytes for keys and values.

/// Fills `buffer` with random bytes from the operating system's generator.
///
/// # Panics
/// Panics if the operating system returns no random bytes. Sealing without them is not safe.
pub fn random_bytes(buffer: &mut [u8]) {
    getrandom::fill(buffer).expect("the operating system gives random bytes");
}
