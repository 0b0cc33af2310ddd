//! Memory that is used again. To ask the system for new memory for each reply costs as much as reading
//! the reply does.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many pieces are kept.
const KEPT_BUFFERS: usize = 4;

/// No piece is kept in which more bytes stand. What counts is how much of its memory was ever written
/// to; the system gives no more of it.
const MAX_KEPT_BYTES: usize = 28 << 20;

/// Pieces of memory for one purpose, so that they are about as large as is needed.
#[derive(Debug, Default)]
pub(super) struct ReusedMemory(Mutex<Vec<Vec<u8>>>);

impl ReusedMemory {
    /// An empty piece: one that was given back, or a new one.
    pub(super) fn take(&self) -> Vec<u8> {
        self.pieces().pop().unwrap_or_default()
    }

    /// Gives a piece back, with what stood in it.
    pub(super) fn give(&self, mut piece: Vec<u8>) {
        let mut pieces = self.pieces();
        if pieces.len() < KEPT_BUFFERS && (1..=MAX_KEPT_BYTES).contains(&piece.len()) {
            piece.clear();
            pieces.push(piece);
        }
    }

    fn pieces(&self) -> MutexGuard<'_, Vec<Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_pieces_are_kept_and_no_huge_one() {
        let memory = ReusedMemory::default();
        memory.give(vec![0; MAX_KEPT_BYTES + 1]);
        memory.give(Vec::with_capacity(100));
        assert_eq!(memory.take().capacity(), 0);
        let mut piece = Vec::with_capacity(100);
        piece.push(1);
        memory.give(piece);
        let piece = memory.take();
        assert_eq!((piece.len(), piece.capacity()), (0, 100));
        for _ in 0..KEPT_BUFFERS + 3 {
            memory.give(vec![1]);
        }
        let kept = (0..KEPT_BUFFERS + 3).filter(|_| memory.take().capacity() > 0).count();
        assert_eq!(kept, KEPT_BUFFERS);
    }
}
