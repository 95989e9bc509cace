//! The checksum at the end of a snapshot.

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::{Error, ReadAt};

/// The size of the checksum, in bytes.
pub(super) const SIZE: u64 = 32;

/// The database before the checksum is a multiple of this size, in bytes.
const SECTOR: u64 = 512;

/// How much is read at once, in bytes.
const CHUNK: usize = 1 << 20;

/// Returns whether a file of `size` bytes ends with a checksum. etcd decides it in the same way.
pub(super) fn is_there(size: u64) -> bool {
    size % SECTOR == SIZE && size > SIZE
}

/// Compares the checksum at the end of the file with the bytes before it.
pub(super) fn check(file: &impl ReadAt, size: u64) -> Result<(), Error> {
    let content = size - SIZE;
    let mut buffer = Zeroizing::new(vec![0; CHUNK]);
    let mut hash = Sha256::new();
    let mut offset = 0;
    while offset < content {
        let length = usize::try_from(content - offset).map_or(CHUNK, |rest| rest.min(CHUNK));
        file.read_exact_at(&mut buffer[..length], offset)?;
        hash.update(&buffer[..length]);
        offset += length as u64;
    }
    let mut checksum = [0; SIZE as usize];
    file.read_exact_at(&mut checksum, content)?;
    if hash.finalize()[..] == checksum { Ok(()) } else { Err(Error::Checksum) }
}
