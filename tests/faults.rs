//! The fault matrix: kills, full disks, broken networks, hostile bytes. `make test-faults` runs all of
//! it, `make test-faults FAULTS=ci` the cut of some minutes that gates every change.
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "a test that fails says why")]
#![expect(clippy::disallowed_methods, reason = "tests play the user and the platform")]

mod crash;
mod s3;
#[allow(dead_code, unused_imports, reason = "shared with the other tests")]
mod support;

use std::sync::OnceLock;

/// How many rounds a test of the matrix runs: few in CI, all otherwise; `FAULTS=ci` decides.
fn rounds(ci: usize, full: usize) -> usize {
    match std::env::var("FAULTS").as_deref() {
        Ok("ci") => ci,
        _ => full,
    }
}

/// The seed of everything random in this run, printed once; `FAULTS_SEED` replays one.
fn seed() -> u64 {
    static SEED: OnceLock<u64> = OnceLock::new();
    *SEED.get_or_init(|| {
        let given = std::env::var("FAULTS_SEED").ok().and_then(|text| text.parse().ok());
        let seed = given.unwrap_or_else(rand::random);
        eprintln!("seed: {seed} (FAULTS_SEED={seed} replays it)");
        seed
    })
}
