//! The cosine of two vectors. Knows no file.

/// How many sums run side by side: enough for the processor's wide instructions, whose sums then wait
/// for none of the others.
const LANES: usize = 16;

/// A query, with what does not depend on the rows.
#[derive(Debug, Clone)]
pub(crate) struct Query {
    numbers: Vec<f32>,
    length: f64,
}

impl Query {
    /// `None` for a vector without a direction: nothing is near to zero, or to what is no number.
    pub(crate) fn new(numbers: Vec<f32>) -> Option<Self> {
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
        let (dot, square) = self.products(row);
        let cosine = dot / (square.sqrt() * self.length);
        (square > 0.0 && cosine.is_finite()).then(|| cosine.clamp(-1.0, 1.0))
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
        let sum = |lanes: [f32; LANES]| lanes.into_iter().map(f64::from).sum::<f64>();
        let (mut dot, mut square) = (sum(dots), sum(squares));
        for (four, factor) in tail.as_chunks::<4>().0.iter().zip(query_tail) {
            let number = f64::from(f32::from_le_bytes(*four));
            dot += number * f64::from(*factor);
            square += number * number;
        }
        (dot, square)
    }
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

    proptest! {
        #[test]
        fn it_is_the_cosine_of_double_precision(
            pairs in proptest::collection::vec((-10.0_f32..10.0, -10.0_f32..10.0), 1..200),
        ) {
            let (row, query): (Vec<f32>, Vec<f32>) = pairs.into_iter().unzip();
            let product = |left: &[f32], right: &[f32]| -> f64 {
                left.iter().zip(right).map(|(l, r)| f64::from(*l) * f64::from(*r)).sum()
            };
            let lengths = (product(&row, &row) * product(&query, &query)).sqrt();
            prop_assume!(lengths > 1e-3);
            let exact = product(&row, &query) / lengths;
            let found = Query::new(query).expect("has a direction").cosine(&bytes(&row));
            prop_assert!((found.expect("has a cosine") - exact).abs() < 1e-6);
        }
    }
}
