//! Files of vectors as NumPy writes them: made up, and read row by row. Nothing is held whole: what this
//! process has had in memory counts for those that it starts.

use std::fs::File;
use std::io::{BufWriter, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

/// The numbers of a row: what `text-embedding-3-small` gives.
pub(crate) const COLUMNS: usize = 1536;

/// The bytes before the first row.
const HEAD: usize = 128;

/// A table in a file.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) path: PathBuf,
}

impl Table {
    /// Makes a file of rows of several lengths in random directions. The same `seed` makes the same file.
    pub(crate) fn make(path: &Path, rows: usize, seed: u64) -> Self {
        let mut file = BufWriter::with_capacity(1 << 20, File::create(path).expect("can be made"));
        let shape =
            format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {COLUMNS}), }}");
        let mut head = b"\x93NUMPY\x01\x00".to_vec();
        head.extend(((HEAD - 10) as u16).to_le_bytes());
        head.extend(format!("{shape:<width$}\n", width = HEAD - 11).bytes());
        file.write_all(&head).expect("can be written");
        let mut random = Random(seed);
        for _ in 0..rows {
            let length = 0.2 + 3.0 * random.number().abs();
            for _ in 0..COLUMNS {
                let number = random.number() * length;
                file.write_all(&number.to_le_bytes()).expect("can be written");
            }
        }
        file.flush().expect("can be written");
        Self { path: path.to_owned() }
    }

    /// A row, counted from 0.
    pub(crate) fn row(&self, row: usize) -> Vec<f32> {
        let mut file = File::open(&self.path).expect("can be read");
        let start = (HEAD + row * COLUMNS * 4) as u64;
        file.seek(SeekFrom::Start(start)).expect("can be read");
        let mut bytes = vec![0; COLUMNS * 4];
        file.read_exact(&mut bytes).expect("has the row");
        bytes.as_chunks::<4>().0.iter().map(|four| f32::from_le_bytes(*four)).collect()
    }
}

/// The cosine of two rows, counted with 64-bit floats.
pub(crate) fn cosine(left: &[f32], right: &[f32]) -> f64 {
    let product = |left: &[f32], right: &[f32]| -> f64 {
        left.iter().zip(right).map(|(left, right)| f64::from(*left) * f64::from(*right)).sum()
    };
    product(left, right) / (product(left, left) * product(right, right)).sqrt()
}

/// Marsaglia's xorshift: quick, and good enough for directions.
struct Random(u64);

impl Random {
    /// Between -1 and 1.
    fn number(&mut self) -> f32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 40) as f32 / (1 << 23) as f32 - 1.0
    }
}
