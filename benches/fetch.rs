//! Sequences in batches beside the loop that asks for one after the other, as a Markdown table.
//!
//! `make bench-fetch` runs it. The stand-in for UniProt takes 300 ms for every answer, as a server on
//! another continent does. `FETCH_ACCESSIONS=1000` takes another number for the loop.
#![expect(clippy::print_stdout, reason = "the table is the result")]
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "shared with the tests"
)]

#[path = "../tests/support/mod.rs"]
#[allow(dead_code, unused_imports, reason = "shared with the tests")]
mod support;

use std::time::{Duration, Instant};

use dyad::http::{BaseUrl, Client, Limits, Request};
use dyad::progress::Silent;
use dyad::protein::Accession;
use dyad::sequences::uniprot::{self, Job, KeptAnswers, Reuse, Settings};
use dyad::shutdown::Shutdown;
use support::uniprot::{Proteome, StandIn, accession};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const LATENCY: Duration = Duration::from_millis(300);
/// What one after the other is measured on, and what batches are as well.
const FEW: usize = 200;
const MANY: usize = 20_000;

fn main() -> Result<()> {
    let few = std::env::var("FETCH_ACCESSIONS").ok().map_or(Ok(FEW), |text| text.parse())?;
    println!("| accessions | way | requests | seconds |\n|---|---|---|---|");
    let row = |count: usize, way: &str, requests: usize, time: Duration| {
        println!("| {count} | {way} | {requests} | {:.1} |", time.as_secs_f64());
    };
    let server = StandIn::start(Proteome::of(few), LATENCY);
    let (requests, time) = one_by_one(&server, few)?;
    row(few, "one by one", requests, time);
    for count in [few, MANY] {
        let server = StandIn::start(Proteome::of(count), LATENCY);
        let (requests, time) = in_batches(&server, count)?;
        row(count, "in batches", requests, time);
    }
    Ok(())
}

fn one_by_one(server: &StandIn, count: usize) -> Result<(usize, Duration)> {
    let base: BaseUrl = server.url("").parse()?;
    let limits = Limits::within(Duration::from_hours(1));
    let client = Client::new(&base, limits, &Shutdown::default())?;
    let began = Instant::now();
    for number in 0..count {
        let file = format!("{}.json", accession(number));
        let path = ["uniprotkb", &file];
        let request = Request { path: &path, query: &[], limit: 1 << 20 };
        client.get(&request, |answer| Ok(answer.content()?.len()))?;
    }
    Ok((client.requests(), began.elapsed()))
}

fn in_batches(server: &StandIn, count: usize) -> Result<(usize, Duration)> {
    let names: Vec<Accession> = (0..count)
        .map(|number| accession(number).parse())
        .collect::<std::result::Result<_, _>>()?;
    let folder = tempfile::tempdir()?;
    let settings =
        Settings { url: server.url("").parse()?, parallel: 3, seconds: 600, offline: false };
    let kept = KeptAnswers::new(folder.path(), None);
    let shutdown = Shutdown::default();
    let job = Job { settings: &settings, kept: &kept, observer: &Silent, shutdown: &shutdown };
    let began = Instant::now();
    let fetched = uniprot::fetch(&job, &names, Reuse::Kept)?;
    Ok((fetched.audit.requests, began.elapsed()))
}
