//! The C library's allocator, told to keep what the program frees.
#![expect(unsafe_code, reason = "setting an option of the C library is a call into it")]

/// Makes the C library keep freed memory for what is asked next, instead of giving it back to the
/// system: the encoder and training ask for the same large buffers again and again, and each page
/// that comes anew from the system is cleared first, which costs up to a fifth of the time.
///
/// Meant for the start of a program. Where the C library is not glibc, nothing happens.
pub fn keep_freed_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: both calls set a number of the allocator under its own lock; glibc documents them
    // for any time, and they invalidate nothing that was allocated.
    unsafe {
        // No buffer is mapped by itself, and so much may lie free at the end of the heap.
        libc::mallopt(libc::M_MMAP_MAX, 0);
        libc::mallopt(libc::M_TRIM_THRESHOLD, libc::c_int::MAX);
    }
}
