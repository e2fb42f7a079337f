//! Rows of MITAB whose type says that two proteins do not touch, or need not.
//!
//! Numbers of terms are those of the PSI-MI vocabulary
//! (<https://github.com/HUPO-PSI/psi-mi-CV>).

use super::audit::excerpt;
use super::references::{Reference, references};
use super::statement::OtherKind;

/// Genetic interactions that have names which do not say so: what `BioGRID` tells apart since 2019
/// (`MI:2368` to `MI:2378`) and before, and the term above them.
const GENETIC: [&str; 15] = [
    "0208", "0794", "0796", "0799", "2368", "2369", "2370", "2371", "2372", "2373", "2374", "2375",
    "2376", "2377", "2378",
];

/// What the names of all others hold, in lower case.
const GENETIC_NAMES: [&str; 3] = ["genetic", "epistasis", "sensu biogrid"];

/// Genetic interference, the detection method of `BioGRID`'s genetic interactions.
const GENETIC_METHODS: [&str; 1] = ["0254"];

/// Predicted interaction, colocalization, functional association, proximity.
const NOT_PHYSICAL: [&str; 4] = ["1110", "0403", "2286", "2364"];

/// The other kind that a row is of, by the fields of its interaction types and detection methods.
///
/// Of several types or methods all must say so.
pub(super) fn other_kind(types: &str, methods: &str) -> Option<OtherKind> {
    let method = |method: &Reference| method.is_term(&GENETIC_METHODS);
    all(types, is_genetic)
        .or_else(|| all(methods, method))
        .map(OtherKind::Genetic)
        .or_else(|| all(types, is_not_physical).map(OtherKind::NotPhysical))
}

fn is_genetic(kind: &Reference) -> bool {
    let name = kind.description.to_ascii_lowercase();
    kind.is_term(&GENETIC) || GENETIC_NAMES.iter().any(|part| name.contains(part))
}

fn is_not_physical(kind: &Reference) -> bool {
    kind.is_term(&NOT_PHYSICAL) || is_genetic(kind)
}

/// The name of the first term of a field, if all its terms are `such`.
fn all(field: &str, such: impl Fn(&Reference) -> bool) -> Option<String> {
    let mut terms = references(field);
    let first = terms.next().filter(&such)?;
    terms.all(|term| such(&term)).then(|| excerpt(first.name()))
}
