//! Estimates beside real runs: three data sizes with two encoders, as a Markdown table.
//!
//! `make estimate-check` runs it. Before each run the encoder is calibrated, because the speed of
//! a machine that is shared drifts; then `dyad train` runs on made-up data, and what it leaves in
//! `timings.json` is compared with what was asked for: every component above 5 % of the total
//! within 25 %, the total within 15 %. Nothing else may run.
//! `ESTIMATE_SIZES=40,80,160` takes other numbers of proteins.
#![expect(clippy::print_stdout, reason = "the table is the result")]
#![expect(clippy::disallowed_methods, reason = "a script of files that nobody keeps")]

#[path = "engine/weights.rs"]
mod weights;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use weights::Shape;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const SIZES: [usize; 3] = [200, 600, 2000];
const PARTNERS: usize = 10;
/// The shape of the published encoder with 8 million parameters.
const WIDE: Shape = Shape { layers: 6, width: 320, heads: 20, inner: 1280 };
/// A component of a smaller share of the total is not compared.
const COUNTS_FROM: f64 = 0.05;
const COMPONENT_LIMIT: f64 = 0.25;
const TOTAL_LIMIT: f64 = 0.15;

fn main() -> Result<()> {
    let sizes = match std::env::var("ESTIMATE_SIZES") {
        Ok(text) => text.split(',').map(str::parse).collect::<std::result::Result<_, _>>()?,
        Err(_) => SIZES.to_vec(),
    };
    let folder = tempfile::tempdir()?;
    let small = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/esm2_t6_tiny");
    let wide = folder.path().join("esm2_t6_320d");
    weights::write(&wide, WIDE)?;
    println!(
        "| encoder | proteins | part | estimate | run | difference |\n|---|---|---|---|---|---|"
    );
    let mut misses = 0;
    for encoder in [small, wide] {
        for size in &sizes {
            let place = folder.path().join(format!("{}-{size}", name(&encoder)));
            let data = made_up(&place, *size)?;
            let (cache, out) = (place.join("cache"), place.join("run"));
            let mut calibrate = dyad("estimate", &data, &encoder);
            run(calibrate.arg("--cache").arg(&cache).arg("--calibrate"))?;
            run(dyad("train", &data, &encoder).arg("--cache").arg(&cache).arg("--out").arg(&out))?;
            let timings = fs::read(out.join("checkpoints/timings.json"))?;
            misses += compare(&name(&encoder), *size, &serde_json::from_slice(&timings)?)?;
        }
    }
    match misses {
        0 => Ok(()),
        _ => Err(format!("{misses} estimate(s) are further away than promised").into()),
    }
}

/// Prints the rows of a run; how many are too far away.
fn compare(encoder: &str, proteins: usize, timings: &Value) -> Result<usize> {
    let seconds = |part: &Value, field: &str| {
        part[field].as_f64().ok_or_else(|| format!("no number `{field}` in {part}"))
    };
    let total = seconds(&timings["total"], "actual_seconds")?;
    let mut misses = 0;
    let parts = timings["components"].as_array().into_iter().flatten();
    for part in parts.chain([&timings["total"]]) {
        let predicted = seconds(part, "predicted_seconds")?;
        let actual = seconds(part, "actual_seconds")?;
        let name = part["component"].as_str().unwrap_or_default();
        let limit = if name == "total" { TOTAL_LIMIT } else { COMPONENT_LIMIT };
        if actual < COUNTS_FROM * total && predicted < COUNTS_FROM * total {
            continue;
        }
        let difference = predicted / actual - 1.0;
        let far = if difference.abs() > limit { " (too far)" } else { "" };
        misses += usize::from(!far.is_empty());
        println!(
            "| {encoder} | {proteins} | {name} | {predicted:.1} s | {actual:.1} s | {:+.0} %{far} |",
            100.0 * difference
        );
    }
    Ok(misses)
}

fn name(encoder: &Path) -> String {
    encoder.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn dyad(command: &str, data: &Path, encoder: &Path) -> Command {
    let mut dyad = Command::new(env!("CARGO_BIN_EXE_dyad"));
    dyad.arg(command).env("SAGEMAKER_BASE_DIR", "/nonexistent").env("DYAD_PROGRESS", "none");
    dyad.arg("--interactions").arg(data.join("pairs.tsv"));
    dyad.arg("--sequences").arg(data.join("proteins.fasta")).arg("--encoder").arg(encoder);
    dyad
}

fn run(command: &mut Command) -> Result<()> {
    let output = command.stdout(Stdio::null()).output()?;
    match output.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&output.stderr).into()),
    }
}

/// Proteins with the lengths of a proteome and random partners.
fn made_up(folder: &Path, proteins: usize) -> Result<PathBuf> {
    let mut random = ChaCha8Rng::seed_from_u64(proteins as u64);
    let (mut fasta, mut pairs) = (String::new(), String::from("protein_a\tprotein_b\n"));
    for protein in 0..proteins {
        // The sum of twelve uniform numbers is nearly normal.
        let normal: f64 = (0..12).map(|_| random.random_range(0.0..1.0)).sum::<f64>() - 6.0;
        let length = (415.0 * (0.7257 * normal).exp()).clamp(30.0, 3000.0) as usize;
        let mut residue = || char::from(b"LAGVSERTIDPKQNFYMHWC"[random.random_range(0..20)]);
        let residues: String = (0..length).map(|_| residue()).collect();
        writeln!(fasta, ">P{protein:05}\n{residues}")?;
        for _ in 0..PARTNERS {
            let partner = random.random_range(0..proteins);
            writeln!(pairs, "P{protein:05}\tP{partner:05}")?;
        }
    }
    fs::create_dir_all(folder)?;
    fs::write(folder.join("proteins.fasta"), fasta)?;
    fs::write(folder.join("pairs.tsv"), pairs)?;
    Ok(folder.to_owned())
}
