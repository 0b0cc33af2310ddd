//! How the binary is linked on Linux with glibc: at a fixed address and without a library of the
//! compiler's, as the loader's work was a third of all instructions of a short chat. A fixed address
//! makes an attack on memory errors easier; there is no unsafe code here that could have one.
#![expect(clippy::disallowed_methods, reason = "this is how cargo tells a build script its target")]

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let of_target = |name: &str| std::env::var(format!("CARGO_CFG_TARGET_{name}"));
    let is_linux = of_target("OS").is_ok_and(|os| os == "linux");
    if is_linux && of_target("ENV").is_ok_and(|env| env == "gnu") {
        println!("cargo::rustc-link-arg-bins=-no-pie");
        println!("cargo::rustc-link-arg-bins=-static-libgcc");
    }
}
