"""Lays out one layer of the image: what runs, with its bytecode, everything with the same time.

python3 lean.py dependencies ENVIRONMENT LAYER
python3 lean.py project ENVIRONMENT LAYER DEPENDENCIES

`dependencies` copies the environment without what builds, describes or tests it; `project` copies what came into the
environment since. It runs in the image's build with the standard library alone.
"""

import compileall
import os
import shutil
import struct
import sys
from pathlib import Path
from py_compile import PycInvalidationMode

WHEN = 315_532_800
"""1980-01-01, the oldest time every archive can hold."""
BUILDS_ONLY = ("hatchling", "editables", "pathspec", "pluggy", "trove_classifiers")
"""What `requirements.lock` has to build the project. A test of the image says that nothing else needs them."""
NEVER_LOADED = ("PIL", "pillow", "pillow.libs", "lxml")
"""What pikepdf asks for, and loads for pictures and metadata alone, which nobody reads. A test reads a PDF without."""
LEXERS = {"__init__", "_mapping", "python", "special"}
"""Of Pygments: what a traceback on a terminal is coloured with."""
RUNS_NOTHING = (".c", ".cpp", ".h", ".pxd", ".pyi", ".pyx", ".a", ".pot", ".po")
OF_THE_RUN = {"uv_cache.json", "direct_url.json", "REQUESTED", "INSTALLER", "RECORD"}
"""What installers note about their run. `RECORD` would name files that are left out."""
PROGRAMS = {"python", "python3", "python3.11", "firstbuy"}
LIBRARY_OFFSET, HEADER_SIZE = 32, 64


def kept(path: Path, root: Path) -> bool:
    """True if a running service or command may need the file."""
    parts = path.relative_to(root).parts
    if parts[0] in {"bin", "include", "share"}:
        return parts[0] == "bin" and path.name in PROGRAMS
    if "__pycache__" in parts or path.name in OF_THE_RUN or path.suffix in RUNS_NOTHING:
        return False
    package = parts[3].split("-")[0].removesuffix(".py") if len(parts) > 3 else ""
    if parts[3:5] == ("pygments", "lexers") and path.stem not in LEXERS:
        return False
    return package not in BUILDS_ONLY + NEVER_LOADED


def copied(source: Path, target: Path, without: Path | None) -> None:
    """Copies what is kept of `source` to `target`, but not what `without` has."""
    for path in sorted(source.rglob("*")):
        place = path.relative_to(source)
        if path.is_dir() and not path.is_symlink():
            continue
        if not kept(path, source) or (without and os.path.lexists(without / place)):
            continue
        (target / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target / place, follow_symlinks=False)


def stripped(library: Path) -> None:
    """Cuts a shared library off behind the last part that is loaded: symbols for debuggers and the table of sections
    stand there, a third of all bytes, and the loader reads neither."""
    data = bytearray(library.read_bytes())
    if data[:6] != b"\x7fELF\x02\x01":
        return
    first, size, count = (
        struct.unpack_from("<Q", data, LIBRARY_OFFSET)[0],
        *struct.unpack_from("<HH", data, 54),
    )
    ends = [HEADER_SIZE, first + size * count]
    for number in range(count):
        offset, _, _, length = struct.unpack_from("<QQQQ", data, first + number * size + 8)
        ends.append(offset + length)
    struct.pack_into("<Q", data, 40, 0)  # where the table of sections begins
    struct.pack_into("<HH", data, 60, 0, 0)  # how many there are, and which of them has their names
    library.write_bytes(data[: max(ends)])


def main() -> int:
    """Lays out the layer that the first argument names."""
    what, environment, layer, *dependencies = sys.argv[1:]
    source = Path(environment)
    target = Path(layer) / source.relative_to("/")
    without = Path(dependencies[0]) / source.relative_to("/") if what == "project" else None
    copied(source, target, without)
    for library in sorted(target.rglob("*.so*")):
        if not library.is_symlink():
            stripped(library)
    fine = compileall.compile_dir(
        target,
        stripdir=layer,
        quiet=1,
        workers=1,
        invalidation_mode=PycInvalidationMode.UNCHECKED_HASH,
    )
    for path in sorted([Path(layer), *Path(layer).rglob("*")], reverse=True):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or (os.access(path, os.X_OK) and path.parent.name == "bin") else 0o644)
        os.utime(path, (WHEN, WHEN), follow_symlinks=False)
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
