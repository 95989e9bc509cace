//! Wipes what a function leaves on the stack when it returns.

/// How many bytes of the stack below the caller are wiped. Sealing uses less.
const DEPTH: usize = 64 << 10;

/// Overwrites 64 KiB of the stack below the caller, which earlier calls have used.
///
/// A cipher keeps its key on the stack while it works, and does not wipe all of it.
#[inline(never)]
pub fn wipe_stack() {
    let mut below = [0_u8; DEPTH];
    zeroize::Zeroize::zeroize(&mut below);
    std::hint::black_box(&below);
}
