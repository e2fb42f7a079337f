//! Which checkpoints may go. Pure.

/// Checkpoints that are always kept, the newest ones.
pub(super) const KEPT: usize = 2;
/// Local checkpoints above which those that never left the machine go: the disk is finite also
/// while nothing can be uploaded.
const MOST: usize = 4;

/// Where else a local checkpoint is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Copies {
    /// In our bucket.
    pub(super) in_bucket: bool,
    /// What the platform's marker files say of it.
    pub(super) platform: Platform,
}

/// What became of the platform's own copy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Platform {
    /// No marker.
    #[default]
    Unknown,
    /// On its way; deleting the file now would break it.
    Uploading,
    /// Done. Deleting the file deletes the copy.
    Uploaded,
}

/// Whether local files are copied anywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Copying {
    /// The local files are all there is.
    Nobody,
    /// To our bucket or by the platform.
    Somebody,
}

/// The positions of the files that may be removed, given in the order of the files, newest first.
///
/// Where files are copied, one goes once a newer one is safe elsewhere, or if it is in our bucket.
/// The platform mirrors removals: without that rule an interruption could leave its copy without
/// any checkpoint.
pub(super) fn removable(files: &[Copies], copying: Copying) -> Vec<usize> {
    let mut newer_is_safe = false;
    let mut removable = Vec::new();
    for (position, file) in files.iter().enumerate() {
        let superseded = match copying {
            Copying::Nobody => true,
            Copying::Somebody => {
                let never_left = position >= MOST && file.platform == Platform::Unknown;
                newer_is_safe || file.in_bucket || never_left
            }
        };
        if position >= KEPT && superseded && file.platform != Platform::Uploading {
            removable.push(position);
        }
        newer_is_safe |= file.in_bucket || file.platform == Platform::Uploaded;
    }
    removable
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `.` no copy, `b` in the bucket, `u` uploaded by the platform, `-` being uploaded by it.
    fn removed(files: &str, copying: Copying) -> Vec<usize> {
        let copies = |letter| match letter {
            'b' => Copies { in_bucket: true, ..Copies::default() },
            'u' => Copies { platform: Platform::Uploaded, ..Copies::default() },
            '-' => Copies { platform: Platform::Uploading, ..Copies::default() },
            _ => Copies::default(),
        };
        removable(&files.chars().map(copies).collect::<Vec<_>>(), copying)
    }

    #[test]
    fn two_stay_and_where_nothing_is_copied_the_others_go() {
        let cases: [(&str, &[usize]); 4] =
            [("", &[]), ("..", &[]), ("...", &[2]), (".....", &[2, 3, 4])];
        for (files, expected) in cases {
            assert_eq!(removed(files, Copying::Nobody), expected, "{files}");
        }
    }

    #[test]
    fn where_files_are_copied_only_the_superseded_go() {
        let cases: [(&str, &[usize]); 8] = [
            // Nothing has been uploaded yet.
            ("....", &[]),
            // A newer one is in the bucket, or this one is.
            ("b...", &[2, 3]),
            (".b..", &[2, 3]),
            ("..b.", &[2, 3]),
            ("...b", &[3]),
            // The platform has a newer one; and this one only, so that it has to stay.
            (".u..", &[2, 3]),
            ("..u.", &[3]),
            ("...u", &[]),
        ];
        for (files, expected) in cases {
            assert_eq!(removed(files, Copying::Somebody), expected, "{files}");
        }
    }

    #[test]
    fn what_the_platform_is_uploading_always_stays() {
        assert_eq!(removed("uu-u-", Copying::Somebody), [3]);
        assert_eq!(removed("bb--bb", Copying::Somebody), [4, 5]);
    }

    #[test]
    fn while_nothing_can_be_uploaded_the_disk_does_not_fill() {
        assert_eq!(removed(".......", Copying::Somebody), [4, 5, 6]);
        // The last that the platform has, and one on its way, stay even so.
        assert_eq!(removed(".....-.u", Copying::Somebody), [4, 6]);
    }
}
