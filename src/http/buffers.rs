//! Buffers that are used again once the network has taken what was in them. An upload that asked the
//! allocator for each stretch spent more time on new pages than on reading. Knows no files.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

/// A stock of buffers of one size; clones share it.
#[derive(Debug, Clone)]
pub(super) struct Buffers {
    size: usize,
    free: Arc<Mutex<Vec<Vec<u8>>>>,
}

/// A buffer that is out: it comes back to the stock when it is dropped.
#[derive(Debug)]
pub(super) struct Buffer {
    bytes: Vec<u8>,
    filled: usize,
    home: Buffers,
}

impl Buffers {
    /// A stock of buffers of `size` bytes; none is made before it is needed.
    pub(super) fn new(size: usize) -> Self {
        Self { size, free: Arc::default() }
    }

    /// A buffer with any content.
    pub(super) fn take(&self) -> Buffer {
        let kept = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let bytes = kept.unwrap_or_else(|| vec![0; self.size]);
        Buffer { bytes, filled: 0, home: self.clone() }
    }
}

impl Buffer {
    /// The whole buffer, to be filled from its beginning.
    pub(super) fn space(&mut self) -> &mut [u8] {
        &mut self.bytes
    }

    /// The first `filled` bytes, on their way to the network.
    pub(super) fn into_bytes(mut self, filled: usize) -> Bytes {
        self.filled = filled.min(self.bytes.len());
        Bytes::from_owner(self)
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..self.filled]
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let bytes = std::mem::take(&mut self.bytes);
        self.home.free.lock().unwrap_or_else(PoisonError::into_inner).push(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_is_used_again_when_nobody_reads_it_any_more() {
        let buffers = Buffers::new(4);
        let mut first = buffers.take();
        first.space().copy_from_slice(b"abcd");
        let sent = first.into_bytes(3);
        let copy = sent.clone();
        drop(sent);
        let mut second = buffers.take();
        second.space().fill(b'x');
        assert_eq!(copy.as_ref(), b"abc");
        drop((copy, second));
        assert_eq!(buffers.free.lock().expect("not poisoned").len(), 2);
        let third = buffers.take().into_bytes(9);
        assert_eq!((third.len(), buffers.free.lock().expect("not poisoned").len()), (4, 1));
    }
}
