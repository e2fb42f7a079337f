//! What depends on libtorch: `make test-tch`.
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "a test that fails says why")]
#![expect(clippy::disallowed_methods, reason = "tests play the user and the platform")]
#![expect(deprecated, reason = "burn-tch is the fixed GPU backend")]

#[allow(dead_code, unused_imports, reason = "shared with the other tests")]
mod support;

use burn::tensor::module::attention;
use burn::tensor::ops::AttentionModuleOptions;
use burn::tensor::{Bool, Device, Tensor, TensorData};
use support::job::Job;
use support::kill::kill_and_compare;
use support::shown;

/// Attention of one query to three keys of which the last is masked.
fn masked_attention(device: &Device) -> Vec<f32> {
    let tensor = |values: Vec<f32>| -> Tensor<4> {
        let length = values.len() / 2;
        Tensor::from_data(TensorData::new(values, [1, 1, length, 2]), device)
    };
    let (query, key) = (tensor(vec![1.0, 0.0]), tensor(vec![1.0, 0.0, 0.0, 1.0, 1.0, 1.0]));
    let value = tensor(vec![1.0, 0.0, 2.0, 0.0, 50.0, 0.0]);
    let mask = TensorData::new(vec![false, false, true], [1, 1, 1, 3]);
    let mask = Tensor::<4, Bool>::from_data(mask, device);
    let options = AttentionModuleOptions::default();
    let attended = attention(query, key, value, Some(mask), None, options);
    attended.into_data().iter::<f32>().collect()
}

/// Why the encoder never masks: burn says that `true` is masked, libtorch keeps it. If this test
/// fails, burn-tch was mended, and masks may be used.
#[test]
fn burn_tch_inverts_the_attention_mask() {
    let (flex, tch) = (masked_attention(&Device::flex()), masked_attention(&Device::libtorch()));
    assert!(flex[0] < 2.0, "flex attends to the keys that are not masked: {flex:?}");
    assert!((tch[0] - 50.0).abs() < 1e-3, "libtorch attends to the masked key alone: {tch:?}");
}

#[test]
fn jobs_on_libtorch_end_with_the_same_bytes_after_kills() {
    kill_and_compare(4, 5);
}

#[test]
fn a_device_that_is_not_there_is_refused() {
    if tch::Cuda::is_available() {
        eprintln!("skipped: a_device_that_is_not_there_is_refused: this machine has a GPU");
        return;
    }
    let root = Job::new(&[("interactions", &support::small_encoder())], &[("device", "cuda")]);
    let sequences = root.path("input/data/sequences");
    std::fs::create_dir(&sequences).unwrap();
    let config = root.path("input/config/inputdataconfig.json");
    std::fs::write(config, r#"{"interactions":{},"sequences":{},"encoder":{}}"#).unwrap();
    let output = root.run();
    assert_eq!(output.status.code(), Some(2), "{}", shown(&output));
    let reason = std::fs::read_to_string(root.path("output/failure")).unwrap();
    let expected = "UserError: `device=cuda` was asked for and no CUDA device is usable";
    assert!(reason.starts_with(expected), "{reason}");
}
