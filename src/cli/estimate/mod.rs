//! `dyad estimate`: what a run takes and costs, from data or from counts alone.

mod given;
mod render;

use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Command};
use tracing::{info, warn};

use super::context::Context;
use super::failure::Failure;
use super::{bucket, encoder, options, output};
use crate::config::{RunConfig, Sources};
use crate::device::{self, ComputeDevice};
use crate::embeddings::CacheLocation;
use crate::embeddings::esm2::Encoder;
use crate::estimate::{self, Instance, Price, Report, Subject};
use crate::pipeline;
use crate::storage::ScratchFolder;
use crate::storage::remote::price_list::{self, PriceError, PriceList};
use given::GivenEncoder;

pub(super) const NAME: &str = "estimate";

const EXAMPLES: &str = "\
Examples:
  dyad estimate --proteins 10000 --pairs 100000 --mean-length 540 --encoder esm2_t33_650M_UR50D
  dyad estimate --interactions hint.txt --sequences proteins.fasta --encoder esm2_t33_650M_UR50D \\
      --instance ml.g4dn.xlarge
  dyad estimate --interactions hint:HomoSapiens --encoder esm2_t33_650M_UR50D
  dyad estimate ... --encoder DIR --calibrate           measure this machine first

The figures of devices are estimates unless they were calibrated; prices have a date and a source.
docs/estimate.md explains both.";

pub(super) fn command() -> Command {
    Command::new(NAME)
        .about("Tells how long a training run takes and what it costs, by instance type")
        .after_help(format!("{EXAMPLES}\n\n{}", options::LAYERS))
        .arg(options::path("interactions", "PATH", "as for `train`; counted, not trained on"))
        .arg(options::path(
            "sequences",
            "PATH",
            "FASTA file, or a folder of them; else from UniProt",
        ))
        .args(options::parts())
        .args(options::background())
        .arg(count("proteins", "proteins in the pairs, instead of files"))
        .arg(count("pairs", "interacting pairs, instead of files"))
        .arg(count("mean-length", "mean length of the proteins [default: 540]"))
        .arg(
            Arg::new("instance")
                .long("instance")
                .value_name("NAME")
                .action(ArgAction::Append)
                .help("only this instance type, in detail; may be repeated"),
        )
        .arg(flag("live", "prices of today from the AWS Price List (pricing:GetProducts)"))
        .arg(
            Arg::new("region")
                .long("region")
                .value_name("REGION")
                .requires("live")
                .help("region of the live prices [default: us-east-1]"),
        )
        .arg(flag("calibrate", "measure this machine first, about 20 s; kept in the cache folder"))
        .arg(flag("json", "everything, for programs"))
        .arg(options::cache())
        .arg(options::config_file())
        .args(options::keys(|_| true))
}

fn count(name: &'static str, help: &'static str) -> Arg {
    let parser = options::number::<u32>("expected a whole number");
    Arg::new(name).long(name).value_name("N").help(help).value_parser(parser)
}

fn flag(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).action(ArgAction::SetTrue).help(help)
}

pub(super) fn run(matches: &ArgMatches, context: &Context) -> Result<(), Failure> {
    let mut implied = options::implied_by_parts(matches.contains_id("test"));
    implied.extend(options::implied_by_sequences(matches.contains_id("sequences")));
    let sources = Sources { implied, ..Sources::default() };
    let config = options::resolve(matches, context, sources)?.config;
    let device = device::resolve(config.device)?;
    let instances = instances(matches)?;
    let encoder = GivenEncoder::new(&encoder::named(&config, NAME)?)?;
    let source = given::source(matches, &config)?;
    let cache = bucket::cache(matches, context, &config)?;
    if matches.get_flag("calibrate") {
        calibrate(encoder.folder()?, &device, &config, &cache)?;
    }
    let work = source.workload(&encoder, &config, &cache, &device, context)?;
    let (precision, _) = device.precision(config.embeddings.precision)?;
    let shape_name = work.encoder.shape_name();
    let here = pipeline::profile(&device, precision, &shape_name, &cache.folder, None);
    let report = Report::new(&work, Some(&here), &instances, source.reference());
    if matches.get_flag("json") {
        // Texts and finite numbers always serialise.
        let text = serde_json::to_string_pretty(&report).unwrap_or_default();
        return output::print(&(text + "\n"));
    }
    let in_detail = matches.contains_id("instance");
    output::print(&render::text(&report, in_detail))
}

/// The instance types asked for, or all.
fn instances(matches: &ArgMatches) -> Result<Vec<Instance>, Failure> {
    let instances: Vec<Instance> = match matches.get_many::<String>("instance") {
        Some(names) => {
            names.map(|name| estimate::named_instance(name)).collect::<Result<_, _>>()?
        }
        None => estimate::instances(),
    };
    match matches.get_flag("live") {
        true => live(instances, matches),
        false => Ok(instances),
    }
}

/// The instance types with prices of today. One that is not sold any more has none, unless it was
/// asked for by name.
fn live(instances: Vec<Instance>, matches: &ArgMatches) -> Result<Vec<Instance>, Failure> {
    let region = matches.get_one::<String>("region").map_or("us-east-1", String::as_str);
    let (list, today) = (PriceList::connect()?, price_list::today());
    let priced = instances.into_iter().map(|instance| {
        let price = match list.training(&instance.name, region) {
            Err(error @ PriceError::NoProduct { .. }) if !matches.contains_id("instance") => {
                warn!("{error}");
                None
            }
            usd_per_hour => Some(Price {
                usd_per_hour: usd_per_hour?,
                region: region.to_owned(),
                date: today.clone(),
                source: "AWS Price List, read now".to_owned(),
            }),
        };
        Ok(Instance { price, ..instance })
    });
    priced.collect()
}

fn calibrate(
    encoder: &Encoder,
    device: &ComputeDevice,
    config: &RunConfig,
    cache: &CacheLocation,
) -> Result<(), Failure> {
    info!("measuring {}, about 20 seconds; nothing else should run", device.name);
    let scratch = ScratchFolder::new(&cache.folder)?;
    let (precision, _) = device.precision(config.embeddings.precision)?;
    let subject = Subject {
        encoder,
        device,
        precision,
        classifier: &config.classifier,
        batch_size: config.training.batch_size,
        max_residues: config.embeddings.max_residues,
    };
    let calibration = estimate::calibrate(&subject, &scratch)?;
    let path: PathBuf = calibration.save(&cache.folder)?;
    info!("kept in `{}`; `dyad train` predicts with it", path.display());
    Ok(())
}
