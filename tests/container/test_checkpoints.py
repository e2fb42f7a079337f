"""The emulator's copy of checkpoints: needs no engine."""

import unittest
from pathlib import Path

from scripts import Folder

from emulator.checkpoints import CheckpointSync


class Checkpoints(Folder):
    """The copy in both directions."""

    def setUp(self) -> None:
        super().setUp()
        self.local, self.remote = self.folder / "local", self.folder / "remote"
        self.local.mkdir()
        self.remote.mkdir()
        self.sync = CheckpointSync(self.local, self.remote, 1)

    def names(self, folder: Path) -> list[str]:
        """The files below a folder."""
        return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())

    def test_files_are_copied_marked_and_deleted(self) -> None:
        (self.local / "runs").mkdir()
        (self.local / "runs/a").write_text("1")
        (self.local / "b").write_text("b")
        (self.local / "c.tmp.sagemaker-ignore").write_text("c")
        self.sync.step()
        self.assertEqual(self.names(self.remote), ["b", "runs/a"])
        marked = ["b", "b.sagemaker-uploaded", "c.tmp.sagemaker-ignore", "runs/a", "runs/a.sagemaker-uploaded"]
        self.assertEqual(self.names(self.local), marked)
        (self.local / "b").unlink()
        replaced = self.local / "other.sagemaker-ignore"
        replaced.write_text("2")
        replaced.rename(self.local / "runs/a")
        self.sync.step()
        self.assertEqual(self.names(self.remote), ["runs/a"])
        self.assertEqual((self.remote / "runs/a").read_text(), "2")
        self.assertNotIn("b.sagemaker-uploaded", self.names(self.local))

    def test_what_was_restored_is_not_copied_again_but_its_deletion_is(self) -> None:
        (self.remote / "old").write_text("old")
        (self.remote / "old.sagemaker-uploaded").write_text("")
        self.assertEqual(self.sync.restore(), 1)
        (self.remote / "old").write_text("changed by another job")
        self.sync.step()
        self.assertEqual((self.remote / "old").read_text(), "changed by another job")
        (self.local / "old").unlink()
        self.sync.step()
        self.assertFalse((self.remote / "old").exists())

    def test_objects_of_others_stay(self) -> None:
        self.sync.restore()
        (self.remote / "later").write_text("x")
        self.sync.step()
        self.assertEqual((self.names(self.remote), self.names(self.local)), (["later"], []))

    def test_after_the_end_nothing_is_copied(self) -> None:
        self.sync.end()
        (self.local / "a").write_text("1")
        self.sync.step()
        self.assertEqual(self.names(self.remote), [])


if __name__ == "__main__":
    unittest.main()
