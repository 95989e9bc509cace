//! What the reader reads from.

use std::fs::File;
use std::io;

/// Bytes that can be read at any position.
pub trait ReadAt {
    /// Returns the size, in bytes.
    ///
    /// # Errors
    /// Returns the error of the operating system.
    fn size(&self) -> io::Result<u64>;

    /// Fills the buffer with the bytes at `offset`.
    ///
    /// # Errors
    /// Returns the error of the operating system, or `UnexpectedEof` if there are too few bytes.
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()>;
}

impl ReadAt for File {
    fn size(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(self, buffer, offset)
    }
}

impl ReadAt for &[u8] {
    fn size(&self) -> io::Result<u64> {
        Ok(self.len() as u64)
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let start = usize::try_from(offset).ok();
        let found = start.and_then(|start| self.get(start..)?.get(..buffer.len()));
        buffer.copy_from_slice(found.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}
