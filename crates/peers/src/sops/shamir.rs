//! Shamir's secret sharing, as SOPS takes it from Vault: each byte of the data key has a
//! polynomial of its own over GF(2⁸).

use envcrypt_core::kek::{DATA_KEY_SIZE, DataKey};
use zeroize::Zeroizing;

use super::error::SopsError;

/// The size of a share, in bytes: one y for each byte of the data key, then x.
const SHARE_SIZE: usize = DATA_KEY_SIZE + 1;

/// A share of a data key. It is wiped when it is dropped.
pub struct Share(Zeroizing<Vec<u8>>);

impl Share {
    /// The size of a share, in bytes.
    pub const SIZE: usize = SHARE_SIZE;

    /// Returns `None` if the bytes are not a share.
    #[must_use]
    pub fn new(bytes: Zeroizing<Vec<u8>>) -> Option<Self> {
        (bytes.len() == SHARE_SIZE && bytes[DATA_KEY_SIZE] != 0).then_some(Self(bytes))
    }

    fn x(&self) -> u8 {
        self.0[DATA_KEY_SIZE]
    }
}

/// Combines shares to the data key. With too few shares, or with one of another key, the result is
/// another key, which opens nothing.
///
/// # Errors
/// Returns [`SopsError::Shares`] if there are less than two shares, or if two are the same.
pub fn combine(shares: &[Share]) -> Result<DataKey, SopsError> {
    let is_new = |(at, share): (usize, &Share)| shares[..at].iter().all(|s| s.x() != share.x());
    if shares.len() < 2 || !shares.iter().enumerate().all(is_new) {
        return Err(SopsError::Shares);
    }
    let mut key = Zeroizing::new([0; DATA_KEY_SIZE]);
    for (at, byte) in key.iter_mut().enumerate() {
        for share in shares {
            // The Lagrange polynomial of this share, at 0.
            let mut basis = 1;
            for other in shares.iter().filter(|other| other.x() != share.x()) {
                basis = multiply(basis, multiply(other.x(), inverse(share.x() ^ other.x())));
            }
            *byte ^= multiply(share.0[at], basis);
        }
    }
    DataKey::from_slice(&*key).ok_or(SopsError::Shares)
}

/// The product in GF(2⁸) modulo x⁸+x⁴+x³+x+1. It takes the same time for all numbers.
fn multiply(a: u8, b: u8) -> u8 {
    let (mut product, mut a) = (0, a);
    for bit in 0..8 {
        product ^= a & (0u8.wrapping_sub(b >> bit & 1));
        let overflow = 0u8.wrapping_sub(a >> 7);
        a = a << 1 ^ overflow & 0x1b;
    }
    product
}

/// The inverse: a to the power of 254.
fn inverse(a: u8) -> u8 {
    let mut power = 1;
    for bit in (0..8).rev() {
        power = multiply(power, power);
        if 254 >> bit & 1 == 1 {
            power = multiply(power, a);
        }
    }
    power
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Splits as SOPS does.
    fn split(secret: &[u8; 32], parts: u8, coefficients: &[[u8; 32]]) -> Vec<Share> {
        let share = |x: u8| {
            let y = |at: usize| {
                let higher = coefficients.iter().rev().fold(0, |y, c| multiply(y, x) ^ c[at]);
                multiply(higher, x) ^ secret[at]
            };
            let mut bytes: Vec<u8> = (0..32).map(y).collect();
            bytes.push(x);
            Share::new(Zeroizing::new(bytes)).expect("a share")
        };
        (1..=parts).map(share).collect()
    }

    #[test]
    fn the_field_is_that_of_aes() {
        assert_eq!(multiply(0x57, 0x83), 0xc1);
        for a in 1..=255 {
            assert_eq!(multiply(a, inverse(a)), 1, "{a}");
        }
    }

    #[test]
    fn what_is_no_share_is_refused() {
        let share = |x| Share::new(Zeroizing::new([[7; 32].as_slice(), &[x]].concat()));
        assert!(share(0).is_none());
        assert!(Share::new(Zeroizing::new(vec![1; 32])).is_none());
        let (one, two) = (share(1).expect("a share"), share(1).expect("a share"));
        assert!(matches!(combine(&[one, two]), Err(SopsError::Shares)));
        assert!(matches!(combine(&[share(1).expect("a share")]), Err(SopsError::Shares)));
    }

    proptest! {
        #[test]
        fn enough_shares_give_the_key_and_fewer_another(
            secret: [u8; 32], first: [u8; 32], second in proptest::array::uniform32(1u8..), skip in 0usize..4,
        ) {
            let mut shares = split(&secret, 4, &[first, second]);
            shares.remove(skip);
            shares.rotate_left(skip % 3);
            prop_assert!(combine(&shares).expect("a key").expose() == &secret);
            shares.pop();
            prop_assert!(combine(&shares).expect("a key").expose() != &secret);
        }
    }
}
