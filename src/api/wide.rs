//! Base64 with the processor's wide instructions, where it has some. Knows nothing about what is encoded.

use base64::engine::GeneralPurposeConfig;

/// The engine for the standard alphabet (RFC 4648, section 4).
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
pub(super) type Wide = base64::engine::simd::Simd;

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
pub(super) type Wide = base64::engine::GeneralPurpose;

/// Finds out what the processor can do: once for each use is enough.
pub(super) fn wide(config: GeneralPurposeConfig) -> Wide {
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    return base64::engine::simd::Simd::standard(config);
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    base64::engine::GeneralPurpose::new(&base64::alphabet::STANDARD, config)
}
