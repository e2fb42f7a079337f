//! Running out of device memory, told from defects.

use std::any::Any;
use std::panic::{self, AssertUnwindSafe};

/// The device has not enough memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the device has not enough memory")]
pub struct OutOfMemory;

/// What libtorch 2.9 says, in the panics of burn-tch and tch:
/// CUDA's allocator (`c10/cuda/CUDACachingAllocator.cpp`), the driver, cuBLAS and cuDNN, and the
/// CPU's allocator (`c10/core/impl/alloc_cpu.cpp`).
const SIGNS: [&str; 5] = [
    "out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED",
    "can't allocate memory",
];

/// Whether a panic says that the device has not enough memory.
pub fn is_out_of_memory(panic: &(dyn Any + Send)) -> bool {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or_default();
    SIGNS.iter().any(|sign| text.contains(sign))
}

/// What `work` gives, unless the device has not enough memory for it. Other panics go on.
///
/// What `work` shares with its caller must not matter after it failed.
pub fn with_memory<R>(work: impl FnOnce() -> R) -> Result<R, OutOfMemory> {
    match panic::catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => Ok(result),
        Err(panic) if is_out_of_memory(panic.as_ref()) => Err(OutOfMemory),
        Err(panic) => panic::resume_unwind(panic),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_libtorch_are_told_from_defects() {
        let panics = |text: &str| is_out_of_memory(&text.to_owned());
        assert!(panics(
            "called `Result::unwrap()` on an `Err` value: Torch(\"CUDA out of memory. Tried to \
             allocate 2.50 GiB. GPU 0 has a total capacity of 14.56 GiB\")"
        ));
        assert!(panics("Torch(\"CUDA error: out of memory\\nCUDA kernel errors might be\")"));
        assert!(panics(
            "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"
        ));
        assert!(panics(
            "[enforce fail at alloc_cpu.cpp:121] . DefaultCPUAllocator: can't allocate memory: you \
             tried to allocate 17179869184 bytes. Error code 12 (Cannot allocate memory)"
        ));
        assert!(is_out_of_memory(&"out of memory"));
        for defect in [
            "index out of bounds: the len is 3 but the index is 3",
            "CUDA error: an illegal memory access was encountered",
            "CUDA error: device-side assert triggered",
            "",
        ] {
            assert!(!panics(defect), "{defect}");
        }
        assert!(!is_out_of_memory(&7_i32));
    }
}
