//! Hashes that tell one run, and one request, from another.

use ring::digest;

/// What a run asks with: all that, with the same rows, makes the same answers.
#[derive(Debug, Clone)]
pub(crate) struct Fingerprint {
    /// A hash: nothing of what went in can be read out of it.
    pub(super) fingerprint: String,
    /// For messages.
    pub(super) model: Option<String>,
}

impl Fingerprint {
    /// The fingerprint of a run with these properties, in this order.
    pub(crate) fn new<'a>(
        properties: impl IntoIterator<Item = &'a [u8]>,
        model: Option<&str>,
    ) -> Self {
        let sum = sum(properties);
        let fingerprint = sum[..16].iter().map(|byte| format!("{byte:02x}")).collect();
        Self { fingerprint, model: model.map(str::to_owned) }
    }

    /// The hash itself.
    pub(crate) fn text(&self) -> &str {
        &self.fingerprint
    }
}

/// The hash of a row's request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct RowHash(pub(super) u128);

impl RowHash {
    /// The hash of a request that consists of these parts.
    pub(crate) fn of<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let sum = sum(parts);
        let mut half = [0; 16];
        half.copy_from_slice(&sum[..16]);
        Self(u128::from_be_bytes(half))
    }

    /// The hash as bytes, for another file than a journal.
    pub(crate) fn to_bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }

    /// The hash that was written as these bytes.
    pub(crate) fn of_bytes(bytes: [u8; 16]) -> Self {
        Self(u128::from_be_bytes(bytes))
    }
}

/// SHA-256 over parts, each with its length in front so that none runs into the next.
fn sum<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> [u8; 32] {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in parts {
        context.update(&(part.len() as u64).to_le_bytes());
        context.update(part);
    }
    let mut sum = [0; 32];
    sum.copy_from_slice(context.finish().as_ref());
    sum
}
