//! The operations on libtorch, CPU and CUDA.
#![expect(clippy::cast_possible_wrap, reason = "libtorch counts in signed numbers")]

use burn::backend::LibTorch;
use burn::backend::libtorch::TchTensor;
use burn::backend::tensor::FloatTensor;
use half::bf16;
use tch::kind::Element;
use tch::{Device, Kind, Tensor};

use super::attention::{Batch, Number};
use super::{EncoderOps, Lengths};

impl EncoderOps for LibTorch {
    fn linear(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        TchTensor::new(affine(&x.tensor, &weight.tensor, &bias.tensor))
    }

    fn linear_gelu(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        TchTensor::new(affine(&x.tensor, &weight.tensor, &bias.tensor).gelu_("none"))
    }

    fn linear_add(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        states: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        add(states, &affine(&x.tensor, &weight.tensor, &bias.tensor))
    }

    fn pairs_are_neighbours(of: FloatTensor<Self>) -> bool {
        of.tensor.device() != Device::Cpu
    }

    /// On a GPU complex numbers, the same for each head of queries and keys, `[tokens, 2 width]`.
    fn rotations(
        cos: FloatTensor<Self>,
        sin: FloatTensor<Self>,
        heads: usize,
    ) -> FloatTensor<Self> {
        if cos.tensor.device() == Device::Cpu {
            return TchTensor::new(Tensor::cat(&[cos.tensor, sin.tensor], 1));
        }
        let (tokens, half) = (cos.tensor.size()[0], cos.tensor.size()[1]);
        let (copies, heads) = (2 * heads as i64, heads as i64);
        let one = Tensor::stack(&[cos.tensor, sin.tensor], -1).unsqueeze(1);
        let all = one.expand([tokens, copies, half, 2], false);
        TchTensor::new(all.reshape([tokens, 4 * heads * half]))
    }

    /// On the CPU by our own kernel, in 32 bits: libtorch's spends most of its time in MKL, which
    /// computes bfloat16 on AMD by converting it, and in copies.
    fn attention(
        qkv: FloatTensor<Self>,
        rotations: FloatTensor<Self>,
        heads: usize,
        lengths: Lengths,
    ) -> FloatTensor<Self> {
        if qkv.tensor.device() == Device::Cpu {
            let (qkv, rotations) = (&qkv.tensor, &values::<f32>(&rotations.tensor));
            return TchTensor::new(match qkv.kind() {
                Kind::BFloat16 => on_cpu::<bf16>(qkv, rotations, heads, &lengths),
                kind => {
                    let qkv = qkv.to_kind(Kind::Float);
                    on_cpu::<f32>(&qkv, rotations, heads, &lengths).to_kind(kind)
                }
            });
        }
        let [tokens, width] = [0, 1].map(|dimension| qkv.tensor.size()[dimension]);
        let (width, heads) = (width / 3, heads as i64);
        let head = width / heads;
        let rotated = rotate(&qkv.tensor.narrow(1, 0, 2 * width), &rotations.tensor);
        let rotated = rotated.view([tokens, 2 * heads, head]);
        let value = qkv.tensor.narrow(1, 2 * width, width).view([tokens, heads, head]);
        let attended: Vec<Tensor> = lengths
            .equal_runs()
            .map(|(start, sequences, length)| {
                let rows = sequences * length;
                let [start, sequences, length, rows] =
                    [start, sequences, length, rows].map(|number| number as i64);
                // [sequences, heads, length, head]
                let take = |x: &Tensor, first: i64| {
                    let x = x.narrow(0, start, rows).narrow(1, first, heads);
                    x.unflatten(0, [sequences, length]).transpose(1, 2)
                };
                let (query, key) = (take(&rotated, 0), take(&rotated, heads));
                let run = Tensor::scaled_dot_product_attention(
                    &query,
                    &key,
                    &take(&value, 0),
                    None::<&Tensor>,
                    0.0,
                    false,
                    None,
                    false,
                );
                run.transpose(1, 2).reshape([rows, width])
            })
            .collect();
        TchTensor::new(match attended.as_slice() {
            [only] => only.shallow_clone(),
            several => Tensor::cat(several, 0),
        })
    }
}

/// Attention by our own kernel, which reads and writes numbers of type `T`.
fn on_cpu<T: Number + Element>(
    qkv: &Tensor,
    rotations: &[f32],
    heads: usize,
    lengths: &Lengths,
) -> Tensor {
    let (rows, width) = (&values::<T>(qkv), qkv.size()[1] as usize / 3);
    let attended = Batch { rows, rotations, heads, width }.attend(lengths);
    Tensor::from_slice(&attended).view_dtype(qkv.kind()).view([-1, width as i64])
}

/// The numbers of a tensor of the CPU, which are of type `T`.
///
/// tch 0.22 takes `bf16` for the other format of 16 bits. As long as they are only copied, it does
/// not matter what bits are taken for.
fn values<T: Number + Element>(x: &Tensor) -> Vec<T> {
    let mut values = vec![T::default(); x.numel()];
    x.contiguous().view_dtype(T::KIND).copy_data(&mut values, x.numel());
    values
}

/// `x W + b` for `x` of `[rows, inputs]` and `W` of `[inputs, outputs]`.
///
/// On the CPU it is a convolution with a kernel of one point, whose "image" is one pixel high and
/// has a pixel per row: the one way to oneDNN's matrix product in 32 bits that takes and gives
/// plain tensors. libtorch's own product is MKL's, which uses half of what AMD's processors have.
fn affine(x: &Tensor, weight: &Tensor, bias: &Tensor) -> Tensor {
    // In half precision oneDNN needs instructions that few processors have.
    let by_one_dnn = x.device() == Device::Cpu && x.kind() != Kind::Half;
    let (size, outputs) = (x.size(), bias.size()[0]);
    let &[rows, inputs] = size.as_slice() else { return bias.addmm(x, weight) };
    if !by_one_dnn {
        return bias.addmm(x, weight);
    }
    let image = x.contiguous().view([1, 1, rows, inputs]).permute([0, 3, 1, 2]);
    let kernel = weight.tr().contiguous().view([outputs, inputs, 1, 1]);
    let product = image.mkldnn_convolution(&kernel, Some(bias), [0, 0], [1, 1], [1, 1], 1);
    product.permute([0, 2, 3, 1]).reshape([rows, outputs])
}

/// `states + x`, in place where nothing else holds the states.
fn add(mut states: TchTensor, x: &Tensor) -> TchTensor {
    match states.mut_ops(|states| states.g_add_(x)) {
        Some(sum) => sum,
        None => TchTensor::new(&states.tensor + x),
    }
}

/// Multiplies neighbouring values, as complex numbers, with `rotations`; both are `[tokens, 2
/// width]`, the latter in 32 bits, in which the product is computed.
fn rotate(x: &Tensor, rotations: &Tensor) -> Tensor {
    let complex = |x: &Tensor| x.unflatten(-1, [-1, 2]).view_as_complex();
    let product = complex(&x.to_kind(Kind::Float)) * complex(rotations);
    product.view_as_real().flatten(1, -1).to_kind(x.kind())
}
