//! Vectorised rows: exponentials, GELU, rotations. `pulp` picks the widest instructions there are.
//!
//! Everything works on slices of 32-bit floats and in safe code; results depend on the width of
//! the instructions in their last bits, as sums do. Whatever handles vectors is inlined by force: the
//! instructions are only there inside the function that `pulp` calls.
#![expect(clippy::inline_always, reason = "instructions are there only in what is inlined")]

use std::marker::PhantomData;

use pulp::{Arch, Simd, WithSimd};

/// Coefficients of the polynomial for `e^r` on ±ln(2)/2, highest power first (Moshier's Cephes,
/// `expf.c`): relative error about 2e-7.
const EXP: [f32; 6] =
    [1.987_569_1e-4, 1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5];
/// ln(2) in two parts, the first of few digits, so that its multiples are exact (Cephes).
const LN_2: [f32; 2] = [0.693_359_4, -2.121_944_4e-4];
/// Smaller arguments count as this one, of which the power is still a normal number.
const LEAST: f32 = -87.0;
/// 1.5 * 2^23: added to a number of smaller magnitude, it leaves the nearest integer in the low
/// bits.
const ROUNDING: f32 = 12_582_912.0;
/// Bits of the fraction of a 32-bit float.
const FRACTION_BITS: u32 = 23;

/// Numerator and denominator of `erf(x) = x P(x²) / Q(x²)` on ±4, highest power first: the
/// rational approximation of Eigen (`generic_fast_erf_float`), absolute error below 4e-7.
const ERF_NUMERATOR: [f32; 7] = [
    -2.726_142_3e-10,
    2.770_681_4e-8,
    -2.101_024e-6,
    -5.692_506_4e-5,
    -7.349_906_3e-4,
    -2.954_6e-3,
    -1.609_603_3e-2,
];
const ERF_DENOMINATOR: [f32; 5] =
    [-1.456_607_2e-5, -2.133_740_6e-4, -1.682_827e-3, -7.373_329_2e-3, -1.426_474e-2];
/// Beyond it the error function is 1 in 32 bits.
const ERF_END: f32 = 4.0;

/// The value of a polynomial, highest power first.
#[inline(always)]
fn polynomial<S: Simd, const N: usize>(simd: S, coefficients: [f32; N], x: S::f32s) -> S::f32s {
    let mut sum = simd.splat_f32s(coefficients[0]);
    for coefficient in &coefficients[1..] {
        sum = simd.mul_add_f32s(sum, x, simd.splat_f32s(*coefficient));
    }
    sum
}

/// `e^x` for `x` up to 88.
#[inline(always)]
fn exp<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    // In this order, what is no number stays none.
    let x = simd.max_f32s(simd.splat_f32s(LEAST), x);
    let rounding = simd.splat_f32s(ROUNDING);
    let power = simd.mul_add_f32s(x, simd.splat_f32s(std::f32::consts::LOG2_E), rounding);
    let n = simd.sub_f32s(power, rounding);
    let r = simd.mul_add_f32s(n, simd.splat_f32s(-LN_2[0]), x);
    let r = simd.mul_add_f32s(n, simd.splat_f32s(-LN_2[1]), r);
    let square = simd.mul_f32s(r, r);
    let tail = simd.add_f32s(r, simd.splat_f32s(1.0));
    let value = simd.mul_add_f32s(polynomial(simd, EXP, r), square, tail);
    // Adding n to the exponent multiplies by 2^n.
    let n = simd.transmute_u32s_f32s(power);
    let n = simd.wrapping_dyn_shl_u32s(n, simd.splat_u32s(FRACTION_BITS));
    simd.transmute_f32s_u32s(simd.add_u32s(simd.transmute_u32s_f32s(value), n))
}

/// `x Φ(x)` with the exact normal distribution function.
#[inline(always)]
fn gelu<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let scaled = simd.mul_f32s(x, simd.splat_f32s(std::f32::consts::FRAC_1_SQRT_2));
    let end = simd.splat_f32s(ERF_END);
    let clamped = simd.min_f32s(end, simd.max_f32s(simd.splat_f32s(-ERF_END), scaled));
    let square = simd.mul_f32s(clamped, clamped);
    let numerator = simd.mul_f32s(clamped, polynomial(simd, ERF_NUMERATOR, square));
    let erf = simd.div_f32s(numerator, polynomial(simd, ERF_DENOMINATOR, square));
    let half = simd.mul_f32s(x, simd.splat_f32s(0.5));
    simd.mul_add_f32s(half, erf, half)
}

/// What becomes of a number of a row, given those at the same place of `N` other rows.
trait Operation<const N: usize> {
    fn apply<S: Simd>(simd: S, x: S::f32s, others: [S::f32s; N]) -> S::f32s;
}

/// An operation on all of a row.
struct OnRow<'a, O, const N: usize> {
    row: &'a mut [f32],
    others: [&'a [f32]; N],
    operation: PhantomData<O>,
}

impl<O: Operation<N>, const N: usize> WithSimd for OnRow<'_, O, N> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (body, tail) = S::as_mut_simd_f32s(self.row);
        let mut bodies: [&[S::f32s]; N] = [&[]; N];
        let mut tails: [&[f32]; N] = [&[]; N];
        for ((body, tail), other) in bodies.iter_mut().zip(&mut tails).zip(self.others) {
            (*body, *tail) = S::as_simd_f32s(other);
        }
        for (index, value) in body.iter_mut().enumerate() {
            let mut here = [simd.splat_f32s(0.0); N];
            for (here, body) in here.iter_mut().zip(bodies) {
                *here = body[index];
            }
            *value = O::apply(simd, *value, here);
        }
        if !tail.is_empty() {
            let mut here = [simd.splat_f32s(0.0); N];
            for (here, tail) in here.iter_mut().zip(tails) {
                *here = simd.partial_load_f32s(tail);
            }
            let value = O::apply(simd, simd.partial_load_f32s(tail), here);
            simd.partial_store_f32s(tail, value);
        }
    }
}

/// Applies an operation to all of a row.
fn apply<O: Operation<N>, const N: usize>(row: &mut [f32], others: [&[f32]; N]) {
    dispatch(OnRow { row, others, operation: PhantomData::<O> });
}

/// Runs an operation with the widest instructions there are.
pub(super) fn dispatch<Op: WithSimd>(operation: Op) -> Op::Output {
    Arch::new().dispatch(operation)
}

/// `row = gelu(row + bias)`.
pub(super) fn add_gelu(row: &mut [f32], bias: &[f32]) {
    struct AddGelu;
    impl Operation<1> for AddGelu {
        #[inline(always)]
        fn apply<S: Simd>(simd: S, x: S::f32s, [bias]: [S::f32s; 1]) -> S::f32s {
            gelu(simd, simd.add_f32s(x, bias))
        }
    }
    apply::<AddGelu, 1>(row, [bias]);
}

/// `row = row + bias`.
pub(super) fn add(row: &mut [f32], bias: &[f32]) {
    struct Add;
    impl Operation<1> for Add {
        #[inline(always)]
        fn apply<S: Simd>(simd: S, x: S::f32s, [bias]: [S::f32s; 1]) -> S::f32s {
            simd.add_f32s(x, bias)
        }
    }
    apply::<Add, 1>(row, [bias]);
}

/// `row = row + (x + bias)`.
pub(super) fn add_both(row: &mut [f32], x: &[f32], bias: &[f32]) {
    struct AddBoth;
    impl Operation<2> for AddBoth {
        #[inline(always)]
        fn apply<S: Simd>(simd: S, row: S::f32s, [x, bias]: [S::f32s; 2]) -> S::f32s {
            simd.add_f32s(row, simd.add_f32s(x, bias))
        }
    }
    apply::<AddBoth, 2>(row, [x, bias]);
}

/// Replaces the scores of a row by `e^(score - largest)`, of which the softmax is the share; gives
/// their sum.
#[inline(always)]
pub(super) fn exponentials_with<S: Simd>(simd: S, row: &mut [f32]) -> f32 {
    let (body, tail) = S::as_mut_simd_f32s(row);
    let mut largest = simd.splat_f32s(f32::NEG_INFINITY);
    for x in &*body {
        largest = simd.max_f32s(largest, *x);
    }
    let largest = tail.iter().copied().fold(simd.reduce_max_f32s(largest), f32::max);
    let largest = simd.splat_f32s(largest);
    let mut sum = simd.splat_f32s(0.0);
    for x in body {
        *x = exp(simd, simd.sub_f32s(*x, largest));
        sum = simd.add_f32s(sum, *x);
    }
    let mut sum = simd.reduce_sum_f32s(sum);
    if !tail.is_empty() {
        let x = simd.partial_load_f32s(tail);
        simd.partial_store_f32s(tail, exp(simd, simd.sub_f32s(x, largest)));
        sum += tail.iter().sum::<f32>();
    }
    sum
}

/// Rotates the two halves of each row by the angles whose cosines and sines are given, times
/// `factor`: `(a, b)` becomes `(a cos - b sin, b cos + a sin)`.
///
/// `rows` are `[rows, size]`, and so are `rotations`: half of each row are cosines, half sines.
pub(super) fn rotate(rows: &mut [f32], rotations: &[f32], size: usize, factor: f32) {
    struct Op<'a> {
        rows: &'a mut [f32],
        rotations: &'a [f32],
        size: usize,
        factor: f32,
    }
    impl WithSimd for Op<'_> {
        type Output = ();
        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) {
            let Self { rows, rotations, size, factor } = self;
            // A half is often shorter than a vector; the compiler finds one that fits.
            for (row, angles) in rows.chunks_exact_mut(size).zip(rotations.chunks_exact(size)) {
                let (first, second) = row.split_at_mut(size / 2);
                let (cos, sin) = angles.split_at(size / 2);
                let halves = first.iter_mut().zip(second);
                for ((a, b), (cos, sin)) in halves.zip(cos.iter().zip(sin)) {
                    let turned = [*a * cos - *b * sin, *b * cos + *a * sin];
                    [*a, *b] = turned.map(|value| factor * value);
                }
            }
        }
    }
    dispatch(Op { rows, rotations, size, factor });
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers from -20 to 20, more than any vector holds and not a multiple of one.
    fn numbers() -> Vec<f32> {
        (0..4001).map(|i| (i - 2000) as f32 / 100.0).collect()
    }

    /// The normal distribution function by its continued fraction and series, in 64 bits.
    fn erf(x: f64) -> f64 {
        // Series of Abramowitz and Stegun 7.1.6; converges everywhere, well below 6.
        if x.abs() > 6.0 {
            return x.signum();
        }
        let (mut term, mut sum) = (x, x);
        for n in 1..200 {
            term *= 2.0 * x * x / f64::from(2 * n + 1);
            sum += term;
        }
        std::f64::consts::FRAC_2_SQRT_PI * (-x * x).exp() * sum
    }

    #[test]
    fn gelu_is_exact_to_rounding() {
        let mut row = numbers();
        let bias = vec![0.25; row.len()];
        add_gelu(&mut row, &bias);
        for (x, ours) in numbers().into_iter().zip(row) {
            let x = f64::from(x) + 0.25;
            let exact = 0.5 * x * (1.0 + erf(x / std::f64::consts::SQRT_2));
            let error = (f64::from(ours) - exact).abs();
            assert!(error < 4e-7 * x.abs().max(1.0), "gelu({x}) is off by {error:e}");
        }
    }

    fn softmax(row: &mut [f32]) {
        struct Op<'a>(&'a mut [f32]);
        impl WithSimd for Op<'_> {
            type Output = ();
            fn with_simd<S: Simd>(self, simd: S) {
                let share = 1.0 / exponentials_with(simd, self.0);
                self.0.iter_mut().for_each(|weight| *weight *= share);
            }
        }
        dispatch(Op(row));
    }

    #[test]
    fn a_softmax_is_exact_to_rounding() {
        for length in [1, 3, 16, 17, 100, 4001] {
            let scores = &numbers()[4001 - length..];
            let mut row = scores.to_vec();
            softmax(&mut row);
            let exact: Vec<f64> = scores.iter().map(|x| (f64::from(*x) - 20.0).exp()).collect();
            let sum: f64 = exact.iter().sum();
            for (ours, exact) in row.iter().zip(&exact) {
                let exact = exact / sum;
                // An argument of -40 is rounded by 4e-6, and so is its power.
                assert!((f64::from(*ours) / exact - 1.0).abs() < 5e-6, "{length}: {ours} {exact}");
            }
        }
        // Far below the largest, weights vanish and stay numbers.
        let mut far = vec![0.0, -500.0, f32::MIN];
        softmax(&mut far);
        assert!(far[0] == 1.0 && far[1..].iter().all(|x| (0.0..1e-37).contains(x)), "{far:?}");
    }

    #[test]
    fn rotations_turn_both_halves_of_every_row() {
        let (rows, half) = (3, 19);
        let from: Vec<f32> = (0..rows * 2 * half).map(|i| i as f32 - 7.5).collect();
        let angles: Vec<f32> = (0..rows * half).map(|i| i as f32 * 0.3).collect();
        let rotations: Vec<f32> = angles
            .chunks(half)
            .flat_map(|row| row.iter().map(|a| a.cos()).chain(row.iter().map(|a| a.sin())))
            .collect();
        let mut to = from.clone();
        rotate(&mut to, &rotations, 2 * half, 0.5);
        for (row, i) in (0..rows).flat_map(|row| (0..half).map(move |i| (row, i))) {
            let at = [row * 2 * half + i, row * 2 * half + half + i];
            let [a, b] = at.map(|at| from[at]);
            let (sin, cos) = angles[row * half + i].sin_cos();
            let expected = [a * cos - b * sin, b * cos + a * sin].map(|x| 0.5 * x);
            for (ours, expected) in at.map(|at| to[at]).iter().zip(expected) {
                assert!((ours - expected).abs() < 1e-4, "{row} {i}: {ours} {expected}");
            }
        }
    }

    #[test]
    fn sums_reach_the_end_of_a_row() {
        let x = numbers();
        let ones = vec![1.0; x.len()];
        let mut row = x.clone();
        add_both(&mut row, &x, &ones);
        add(&mut row, &ones);
        let expected = x.iter().map(|x| x + (x + 1.0) + 1.0);
        assert!(row.iter().zip(expected).all(|(ours, theirs)| (ours - theirs).abs() < 1e-4));
    }
}
