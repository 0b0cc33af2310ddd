//! The one integration test binary: every module runs the built program, or tests what runs it.
mod support;
mod support_run_test;
mod support_test;
