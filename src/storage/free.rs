//! How much room a disk has left.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::{Context, StorageError};

/// The room on the file system of a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FreeSpace {
    /// Equal for folders that share the room.
    pub device: u64,
    /// What this user may still write, in bytes.
    pub bytes: u64,
}

/// The room in `folder`, which need not exist: that of the nearest folder above it then.
pub fn free_space(folder: &Path) -> Result<FreeSpace, StorageError> {
    let there = folder.ancestors().find(|folder| folder.is_dir()).unwrap_or(Path::new("."));
    let device = fs::metadata(there).context("read", there)?.dev();
    let room = rustix::fs::statvfs(there).map_err(io::Error::from).context("read", there)?;
    Ok(FreeSpace { device, bytes: room.f_bavail.saturating_mul(room.f_frsize) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_not_there_yet_has_the_room_of_the_one_above() {
        let folder = tempfile::tempdir().unwrap();
        let here = free_space(folder.path()).unwrap();
        let below = free_space(&folder.path().join("a/b")).unwrap();
        assert!(here.bytes > 0);
        assert_eq!(here.device, below.device);
        assert_ne!(here.device, free_space(Path::new("/proc")).unwrap().device);
    }
}
