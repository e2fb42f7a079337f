//! Parameters as version 0.1.0 wrote them.

use super::NamedTensors;

/// The parameters of a network whose first layer was stored as its two halves, `left.weight`,
/// `left.bias` and `right.weight`, as those of the same network with their half sum and half
/// difference. What is not such a layer is left as it is.
pub fn from_left_and_right(mut tensors: NamedTensors) -> NamedTensors {
    match (tensors.remove("left.weight"), tensors.remove("right.weight")) {
        (Some((mut left, shape)), Some((mut right, other))) if shape == other => {
            for (left, right) in left.iter_mut().zip(&mut right) {
                // Halved first: a sum of large numbers must not overflow.
                let halves = (0.5 * *left, 0.5 * *right);
                (*left, *right) = (halves.0 + halves.1, halves.0 - halves.1);
            }
            tensors.insert("sum.weight".to_owned(), (left, shape));
            tensors.insert("difference.weight".to_owned(), (right, other));
        }
        (left, right) => {
            let found = [("left.weight", left), ("right.weight", right)];
            let found = found.into_iter().filter_map(|(name, tensor)| Some((name, tensor?)));
            tensors.extend(found.map(|(name, tensor)| (name.to_owned(), tensor)));
        }
    }
    if let Some(bias) = tensors.remove("left.bias") {
        tensors.insert("sum.bias".to_owned(), bias);
    }
    tensors
}
