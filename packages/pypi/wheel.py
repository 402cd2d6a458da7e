"""What pyproject.toml can't say of the wheel; pack.py prepares the folder that it is made of."""

import os
from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class Hook(BuildHookInterface):
    def initialize(self, version, build_data):
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{os.environ['MODULO_PLATFORM']}"
        # As `shared-data`, a folder would be left out with the Python code that there is not.
        share = Path(self.root, "share").rglob("*")
        files = [file.relative_to(self.root).as_posix() for file in share if file.is_file()]
        build_data["shared_data"] = {file: file for file in files}
