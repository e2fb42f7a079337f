//! Kills, power loss and failing disks: what was committed is never lost and never wrong.
