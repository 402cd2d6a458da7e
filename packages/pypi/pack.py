"""Makes the wheel of a `modulo` that is built: it has the binary as a script, and manual pages and
completions.

    python3 packages/pypi/pack.py --output DIR --tool PATH

Not by maturin, which takes no binary that is there: it would compile anew, with other features than
the tested one has if anything else of the workspace is built with it.

Runs on the platform that the binary is for.
"""

import argparse
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
# What Rust's targets ask for unless they are told otherwise.
MACOS = "macosx_11_0"


def platform_tag(tool: Path) -> str:
    """The oldest systems that the binary runs on: on Linux, those with the C library that it needs."""
    machine = platform.machine()
    if sys.platform == "darwin":
        return f"{MACOS}_{machine}"
    needed = {int(minor) for minor in re.findall(rb"\0GLIBC_2\.(\d+)", tool.read_bytes())}
    return f"manylinux_2_{max(needed)}_{machine}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, required=True, help="the wheel's folder")
    parser.add_argument("--tool", type=Path, required=True, help="the `modulo` binary")
    arguments = parser.parse_args()
    tool = arguments.tool.resolve()
    with tempfile.TemporaryDirectory(prefix="modulo-wheel-") as folder:
        copies = [HERE / "pyproject.toml", HERE / "wheel.py", HERE.parent / "README.md", ROOT / "Cargo.toml"]
        for file in [*copies, *ROOT.glob("LICENSE-*")]:
            shutil.copy(file, folder)
        binary = Path(folder, "modulo")
        shutil.copy(tool, binary)
        binary.chmod(0o755)
        subprocess.run(["sh", HERE.parent / "share", tool, Path(folder, "share")], check=True)
        pip = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--quiet"]
        subprocess.run(
            [*pip, "--wheel-dir", arguments.output, folder],
            env={**os.environ, "MODULO_PLATFORM": platform_tag(tool)},
            check=True,
        )


main()
