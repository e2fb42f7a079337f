//! The memory of GPUs, from NVIDIA's management library, which is there where the driver is.

use nvml_wrapper::Nvml;
use nvml_wrapper::error::NvmlError;
use tracing::debug;

/// Bytes of the GPU with the least memory, if the library tells.
///
/// All GPUs of the machine are looked at: the library counts them in another order than CUDA, and
/// also those that `CUDA_VISIBLE_DEVICES` hides. The memory in use does not count, so that a run
/// that is begun again finds the same.
pub(super) fn smallest_memory() -> Option<u64> {
    let found = all().and_then(|memories| memories.into_iter().min().ok_or(NvmlError::NotFound));
    found.inspect_err(|error| debug!(%error, "the memory of the GPUs is not known")).ok()
}

fn all() -> Result<Vec<u64>, NvmlError> {
    let library = Nvml::init()?;
    let memory = |index| library.device_by_index(index)?.memory_info().map(|memory| memory.total);
    (0..library.device_count()?).map(memory).collect()
}
