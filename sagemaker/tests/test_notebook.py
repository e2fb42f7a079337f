"""The notebook is valid and holds no results; in local mode every cell of it runs."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from . import FOLDER, PROJECT
from .test_local_mode import BINARY, IMAGE, missing

try:
    import nbclient
    import nbformat
except ImportError:
    nbformat = None


@unittest.skipUnless(nbformat, "the notebook is run in the environment of version 2")
class Notebook(unittest.TestCase):
    def setUp(self):
        self.notebook = nbformat.read(FOLDER / "train.ipynb", as_version=4)

    def test_it_is_valid_and_clean(self):
        nbformat.validate(self.notebook)
        for cell in self.notebook.cells:
            if cell.cell_type == "code":
                self.assertEqual((cell.outputs, cell.execution_count), ([], None))
        self.assertNotRegex(nbformat.writes(self.notebook), r"\d{12}")

    def test_every_cell_runs_in_local_mode(self):
        reason = missing()
        if reason and os.environ.get("REQUIRE_ENGINE"):
            self.fail(f"REQUIRE_ENGINE is set: {reason}")
        if reason:
            print(f"skipped: cells of the notebook: {reason}")
            self.skipTest(reason)
        with tempfile.TemporaryDirectory() as folder:
            place = pathlib.Path(folder)
            environment = {name: value for name, value in os.environ.items() if not name.startswith("DYAD_")}
            subprocess.run([BINARY, "sample", "--out", place / "sample"], env=environment, capture_output=True, check=True)
            for channel, file in (("interactions", "interactions.txt"), ("sequences", "proteins.fasta")):
                place.joinpath(channel).mkdir()
                shutil.copy(place / "sample" / file, place / channel)
            shutil.copytree(PROJECT / "models/esm2_t6_tiny", place / "encoder")
            settings = next(cell for cell in self.notebook.cells if "settings" in cell.metadata.get("tags", []))
            channels = {name: f"file://{place}/{name}" for name in ("interactions", "sequences", "encoder")}
            settings.source = "\n".join((
                f"IMAGE, ROLE, INSTANCE = {IMAGE!r}, 'arn:aws:iam::000000000000:role/local', 'local'",
                f"OUTPUT, CHANNELS, MORE = 'file://{place}/out', {channels!r}, []",
                "HYPERPARAMETERS = {'epochs': 2, 'max_proteins': 150, 'hidden_sizes': [8]}",
            ))
            client = nbclient.NotebookClient(
                self.notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(FOLDER)}}
            )
            client.execute()
        code = [cell for cell in self.notebook.cells if cell.cell_type == "code"]
        figures = [out for cell in code for out in cell.outputs if "image/png" in out.get("data", {})]
        self.assertEqual(len(figures), 1)
        self.assertIn("auroc", str(code[-1].outputs))


if __name__ == "__main__":
    unittest.main()
