"""Tests of the launcher and of what surrounds it: `make test-sagemaker`."""

import pathlib
import sys

FOLDER = pathlib.Path(__file__).resolve().parent.parent
PROJECT = FOLDER.parent
sys.path.insert(0, str(FOLDER))
