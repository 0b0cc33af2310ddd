//! Random numbers of the system.

use ring::rand::{SecureRandom as _, SystemRandom};

/// 64 random bits that nobody can guess.
pub(crate) fn bits() -> u64 {
    let mut bytes = [0; 8];
    // A system without random bytes can't make a TLS connection or a hash map either.
    SystemRandom::new().fill(&mut bytes).expect("every supported system has random bytes");
    u64::from_ne_bytes(bytes)
}

/// A random number in 0..1.
pub(crate) fn fraction() -> f64 {
    // As many bits as the mantissa holds.
    (bits() >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_differ_and_fractions_stay_below_1() {
        assert_ne!(bits(), bits());
        let fractions: Vec<f64> = (0..1000).map(|_| fraction()).collect();
        assert!(fractions.iter().all(|fraction| (0.0..1.0).contains(fraction)));
        assert!(fractions.iter().any(|fraction| *fraction > 0.5));
    }
}
