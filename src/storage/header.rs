//! The header of safetensors files, before the library that reads them believes it.

/// The longest header that is read, in bytes; the library would read 100 MB of JSON into many times
/// as much memory. The header of ESM-2 15B has 0.1 MB.
const LONGEST_HEADER: u64 = 16 << 20;

/// Refuses a header that is too long by the first eight bytes of `file`, which are its length.
pub fn check_tensor_header(file: &[u8]) -> Result<(), String> {
    match file.first_chunk().map(|first| u64::from_le_bytes(*first)) {
        Some(length) if length > LONGEST_HEADER => {
            Err(format!("its header claims {length} bytes, at most {LONGEST_HEADER} are allowed"))
        }
        _ => Ok(()),
    }
}
