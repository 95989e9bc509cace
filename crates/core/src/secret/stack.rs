//! What a function leaves behind on the stack when it returns.

/// How much of the stack below the caller is wiped, in bytes: more than sealing takes.
const DEPTH: usize = 64 << 10;

/// Overwrites the part of the stack that the calls before this one have used. A cipher
/// keeps its key there while it works, and does not take all of it away.
#[inline(never)]
pub fn wipe_stack() {
    let mut below = [0_u8; DEPTH];
    zeroize::Zeroize::zeroize(&mut below);
    std::hint::black_box(&below);
}
