//! How the binary is linked on Linux with glibc, where the way from its start to its first own
//! instruction and the pages that it touches are most of what a short command costs.
#![expect(clippy::disallowed_methods, reason = "this is how cargo tells a build script its target")]

use std::env::{var, var_os};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=benches/against_curl/order.ld");
    let is = |name: &str, value: &str| var(name).is_ok_and(|found| found == value);
    if !is("CARGO_CFG_TARGET_OS", "linux") || !is("CARGO_CFG_TARGET_ENV", "gnu") {
        return;
    }
    // At a fixed address: the loader's work was a third of all instructions of a short chat. A fixed
    // address makes an attack on memory errors easier; there is no unsafe code here that could have
    // one.
    println!("cargo::rustc-link-arg-bins=-no-pie");
    // The rest is for the linkers that rustc and gcc choose by themselves; others may not know it.
    let is_usual = var_os("RUSTC_LINKER").is_none()
        && var("CARGO_ENCODED_RUSTFLAGS").is_ok_and(|flags| !flags.contains("link"));
    if is_usual && is("PROFILE", "release") && is("CARGO_CFG_TARGET_ARCH", "x86_64") {
        // One shared library less to be found, mapped and bound.
        println!("cargo::rustc-link-lib=static:-bundle=gcc_eh");
        // What a chat runs stands together in the file.
        let folder = var("CARGO_MANIFEST_DIR").unwrap_or_default();
        println!("cargo::rustc-link-arg-bins=-Wl,-T,{folder}/benches/against_curl/order.ld");
    }
}
