//! The cosine of two vectors. Knows no file.

/// How many sums run side by side: enough for the processor's wide instructions, whose sums then wait
/// for none of the others.
const LANES: usize = 16;

/// The least sum of squares that sums of 32 bits tell well: squares too small for them are nothing beside
/// it.
const LEAST_SQUARE: f64 = 1e-24;

/// A query, with what does not depend on the rows.
#[derive(Debug, Clone)]
pub(crate) struct Query {
    /// The largest is about 1, so that no product with a row is too large or too small.
    numbers: Vec<f32>,
    length: f64,
}

impl Query {
    /// `None` for a vector without a direction: nothing is near to zero, or to what is no number.
    pub(crate) fn new(numbers: Vec<f32>) -> Option<Self> {
        let largest = numbers.iter().fold(0.0_f32, |largest, number| largest.max(number.abs()));
        // By a power of two, which leaves the digits as they are.
        let scale = 2_f64.powi(-f64::from(largest).log2().floor() as i32);
        let scaled = numbers.iter().map(|number| (f64::from(*number) * scale) as f32);
        let numbers: Vec<f32> = scaled.collect();
        let square: f64 = numbers.iter().map(|number| f64::from(*number).powi(2)).sum();
        let length = square.sqrt();
        (length.is_finite() && length > 0.0).then_some(Self { numbers, length })
    }

    /// How many numbers the query has, and each row must have.
    pub(crate) fn dimensions(&self) -> usize {
        self.numbers.len()
    }

    /// The cosine of the angle to a row of little-endian 32-bit floats, between -1 and 1. `None` for a
    /// row without a direction. The row has as many numbers as the query.
    pub(crate) fn cosine(&self, row: &[u8]) -> Option<f64> {
        self.cosine_or(row, || {
            let numbers = row.as_chunks::<4>().0.iter();
            numbers.map(|four| f64::from(f32::from_le_bytes(*four))).collect()
        })
    }

    /// As [`Query::cosine`]. `exact` gives the numbers as they are in the file, where 32-bit floats and
    /// their sums may not hold them.
    pub(super) fn cosine_or(&self, row: &[u8], exact: impl FnOnce() -> Vec<f64>) -> Option<f64> {
        let (dot, square) = self.products(row);
        let cosine = match (LEAST_SQUARE..f64::INFINITY).contains(&square) {
            true => dot / (square.sqrt() * self.length),
            false => self.cosine_of_any(&exact()),
        };
        cosine.is_finite().then(|| cosine.clamp(-1.0, 1.0))
    }

    /// The cosine of the angle to a row of numbers of any size; no number for one without a direction.
    #[cold]
    fn cosine_of_any(&self, row: &[f64]) -> f64 {
        let largest = row.iter().fold(0.0_f64, |largest, number| largest.max(number.abs()));
        let (mut dot, mut square) = (0.0, 0.0);
        for (number, factor) in row.iter().zip(&self.numbers) {
            // Of a row of zeros, or with an infinity in it, this is no number.
            let number = number / largest;
            dot += number * f64::from(*factor);
            square += number * number;
        }
        dot / (square.sqrt() * self.length)
    }

    /// The product of row and query, and that of the row with itself.
    fn products(&self, row: &[u8]) -> (f64, f64) {
        let (blocks, tail) = row.as_chunks::<{ 4 * LANES }>();
        let (of_query, query_tail) = self.numbers.as_chunks::<LANES>();
        let (mut dots, mut squares) = ([0.0_f32; LANES], [0.0_f32; LANES]);
        for (block, factors) in blocks.iter().zip(of_query) {
            let numbers = block.as_chunks::<4>().0;
            for lane in 0..LANES {
                let number = f32::from_le_bytes(numbers[lane]);
                dots[lane] += number * factors[lane];
                squares[lane] += number * number;
            }
        }
        let (mut dot, mut square) = (sum(&dots), sum(&squares));
        for (four, factor) in tail.as_chunks::<4>().0.iter().zip(query_tail) {
            let number = f64::from(f32::from_le_bytes(*four));
            dot += number * f64::from(*factor);
            square += number * number;
        }
        (dot, square)
    }
}

/// The sum of all lanes. It stays a function of its own: where the compiler sees that two such sums are
/// made side by side, it keeps both in the same registers from the beginning, and the loop over the row
/// takes three times as long.
#[inline(never)]
fn sum(lanes: &[f32; LANES]) -> f64 {
    lanes.iter().copied().map(f64::from).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bytes(numbers: &[f32]) -> Vec<u8> {
        numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
    }

    #[test]
    fn what_has_no_direction_has_no_cosine() {
        assert!(Query::new(vec![0.0, 0.0]).is_none());
        assert!(Query::new(vec![f32::NAN]).is_none());
        assert!(Query::new(Vec::new()).is_none());
        let query = Query::new(vec![1.0, 0.0]).expect("has a direction");
        assert_eq!(query.cosine(&bytes(&[0.0, 0.0])), None);
        assert_eq!(query.cosine(&bytes(&[f32::NAN, 1.0])), None);
        assert_eq!(query.cosine(&bytes(&[2.0, 0.0])), Some(1.0));
        assert_eq!(query.cosine(&bytes(&[0.0, 3.0])), Some(0.0));
        assert_eq!(query.cosine(&bytes(&[-0.5, 0.0])), Some(-1.0));
    }

    fn exact(row: &[f32], query: &[f32]) -> f64 {
        let product = |left: &[f32], right: &[f32]| -> f64 {
            left.iter().zip(right).map(|(l, r)| f64::from(*l) * f64::from(*r)).sum()
        };
        product(row, query) / product(row, row).sqrt() / product(query, query).sqrt()
    }

    proptest! {
        #[test]
        fn it_is_the_cosine_of_double_precision(
            pairs in proptest::collection::vec((-10.0_f32..10.0, -10.0_f32..10.0), 1..200),
            of_row in -42_i32..38,
            of_query in -42_i32..38,
        ) {
            let scaled = |number: f32, power| (f64::from(number) * 10_f64.powi(power)) as f32;
            let (row, query): (Vec<f32>, Vec<f32>) = pairs
                .into_iter()
                .map(|(row, query)| (scaled(row, of_row), scaled(query, of_query)))
                .unzip();
            let exact = exact(&row, &query);
            prop_assume!(exact.is_finite());
            let found = Query::new(query).expect("has a direction").cosine(&bytes(&row));
            prop_assert!((found.expect("has a cosine") - exact).abs() < 1e-6);
        }

        #[test]
        fn the_size_of_a_row_makes_no_difference(
            pairs in proptest::collection::vec((-10.0_f32..10.0, -10.0_f32..10.0), 1..200),
            power in -300_i32..300,
        ) {
            let (row, query): (Vec<f32>, Vec<f32>) = pairs.into_iter().unzip();
            let expected = exact(&row, &query);
            prop_assume!(expected.is_finite());
            let doubles: Vec<f64> =
                row.iter().map(|number| f64::from(*number) * 10_f64.powi(power)).collect();
            let narrow: Vec<f32> = doubles.iter().map(|number| *number as f32).collect();
            let query = Query::new(query).expect("has a direction");
            let found = query.cosine_or(&bytes(&narrow), || doubles).expect("has a cosine");
            prop_assert!((found - expected).abs() < 1e-6);
        }
    }
}
