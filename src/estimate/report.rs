//! The answer: for each device, what each case takes and costs, part by part.

use serde::Serialize;

use super::component::{Component, Seconds};
use super::cost::{Cost, SPOT_SAVINGS, SpotSavings};
use super::instance::{Instance, Price};
use super::model::{predict, start_up};
use super::profile::{Basis, Profile};
use super::workload::Workload;

/// Proteins of the quick test,
pub const QUICK_PROTEINS: usize = 500;
/// and its epochs: what the guide proposes to try first.
pub const QUICK_EPOCHS: usize = 3;

/// A run that is estimated.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Case {
    /// Its name, as in the program's output.
    pub name: &'static str,
    /// What it is.
    pub meaning: String,
    /// What there is to do.
    pub workload: Workload,
}

/// The first run, with the cache as it is; the same again; and a quick test.
pub fn cases(work: &Workload) -> [Case; 3] {
    let quick = work.subset(QUICK_PROTEINS as f64, QUICK_EPOCHS);
    [
        Case {
            name: "first_run",
            meaning: format!(
                "first run: {:.0} of {:.0} distinct sequences are not cached",
                work.missing.sequences, work.all.sequences
            ),
            workload: work.clone(),
        },
        Case {
            name: "cached_retraining",
            meaning: "cached retraining: the same run with all embeddings cached".to_owned(),
            workload: work.cached(),
        },
        Case {
            name: "quick_test",
            meaning: format!(
                "quick test: max_proteins={QUICK_PROTEINS}, epochs={QUICK_EPOCHS}, about {:.0} pairs",
                quick.pairs.total()
            ),
            workload: quick,
        },
    ]
}

/// A component's share of an estimate.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Line {
    /// The component, or `total`.
    pub component: &'static str,
    /// Seconds.
    pub seconds: f64,
    /// What they cost, where the price is known.
    pub cost: Option<Cost>,
}

/// What a case takes on a device.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// The name of the instance type; `this machine` has none and no price.
    pub instance: String,
    /// The device that computes.
    pub device: String,
    /// Where the device's figures come from,
    pub basis: Basis,
    /// and the same in words.
    pub origin: String,
    /// The price, where it is known.
    pub price: Option<Price>,
    /// What to know about the instance type.
    pub note: Option<String>,
    /// The name of the case.
    pub case: &'static str,
    /// One line per component.
    pub components: Vec<Line>,
    /// Their sum.
    pub total: Line,
}

impl Estimate {
    /// The estimate of a case on an instance type, with what the platform does before the program.
    pub fn on(instance: &Instance, case: &Case) -> Self {
        let profile = Profile::of(instance, case.workload.precision);
        let mut seconds = predict(&case.workload, &profile);
        seconds.add(Component::StartUp, start_up(instance).seconds(&case.workload));
        let estimate = Self::of(&instance.name, &profile, case, &seconds, instance.price.clone());
        Self { note: instance.note.clone(), ..estimate }
    }

    /// The estimate of a case on this machine.
    pub fn here(profile: &Profile, case: &Case) -> Self {
        Self::of("this machine", profile, case, &predict(&case.workload, profile), None)
    }

    fn of(
        instance: &str,
        profile: &Profile,
        case: &Case,
        seconds: &Seconds,
        price: Option<Price>,
    ) -> Self {
        let line = |component, seconds| {
            let cost = price.as_ref().map(|price| Cost::of(seconds, price.usd_per_hour));
            Line { component, seconds, cost }
        };
        let components = Component::ALL.map(|part| line(part.name(), seconds.of(part)));
        Self {
            instance: instance.to_owned(),
            device: profile.device.clone(),
            basis: profile.basis,
            origin: profile.origin.clone(),
            note: None,
            case: case.name,
            components: components.to_vec(),
            total: line("total", seconds.total()),
            price,
        }
    }
}

/// Everything that `dyad estimate --json` says.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// `dyad-estimate-1`.
    pub schema: &'static str,
    /// The cases.
    pub cases: Vec<Case>,
    /// One estimate per device and case.
    pub estimates: Vec<Estimate>,
    /// What spot is assumed to save.
    pub spot_savings: SpotSavings,
    /// A published figure for the same counts.
    pub reference: Option<Reference>,
}

/// What others document for the same counts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Reference {
    /// Proteins.
    pub proteins: u32,
    /// Interacting pairs.
    pub pairs: u32,
    /// The instance type.
    pub instance: &'static str,
    /// The shortest and the longest time documented, in hours.
    pub hours: (f64, f64),
    /// By what.
    pub source: &'static str,
}

/// The medium data set of the notebook that Dyad replaces.
const NOTEBOOK: Reference = Reference {
    proteins: 10_000,
    pairs: 100_000,
    instance: "ml.g4dn.xlarge",
    hours: (6.0, 11.0),
    source: "the notebook that Dyad replaces, by its own account",
};

impl Reference {
    /// The figure for these counts, if there is one.
    pub fn of(proteins: u32, pairs: u32) -> Option<Self> {
        let same = NOTEBOOK.proteins == proteins && NOTEBOOK.pairs == pairs;
        same.then_some(NOTEBOOK)
    }

    /// The figure beside the estimate of a report.
    pub fn sentence(&self, report: &Report) -> String {
        let Self { proteins, pairs, instance, hours, source } = self;
        let (least, most) = hours;
        let is_same = |estimate: &&Estimate| {
            estimate.instance == *instance && estimate.case == report.cases[0].name
        };
        let ours = report.estimates.iter().find(is_same).map(|estimate| {
            let hours = estimate.total.seconds / 3600.0;
            format!("; the estimate here is {hours:.1} h ({})", estimate.basis.name())
        });
        format!(
            "For comparison: {least:.0} to {most:.0} h for {proteins} proteins and {pairs} pairs on \
             {instance} ({source}){}.",
            ours.unwrap_or_default()
        )
    }
}

impl Report {
    /// All cases of a workload on instance types and, if its profile is given, on this machine.
    pub fn new(
        work: &Workload,
        here: Option<&Profile>,
        instances: &[Instance],
        reference: Option<Reference>,
    ) -> Self {
        let cases = cases(work);
        let mut estimates = Vec::new();
        for case in &cases {
            estimates.extend(here.map(|profile| Estimate::here(profile, case)));
            estimates.extend(instances.iter().map(|instance| Estimate::on(instance, case)));
        }
        Self {
            schema: "dyad-estimate-1",
            cases: cases.to_vec(),
            estimates,
            spot_savings: SPOT_SAVINGS,
            reference,
        }
    }
}
