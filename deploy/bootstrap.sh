#!/bin/sh
# Builds the project's own virtual environment in .venv from requirements-dev.lock, and leaves it alone while the lock
# stands. uv comes from PyPI into .venv-uv, so that a sync of .venv never removes the tool that does it.
set -eu
cd "$(dirname "$0")/.."
uv_version=0.13.9
stamp=.venv/installed
wanted=$(cat requirements-dev.lock pyproject.toml | cksum)
[ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ] && exit 0

python=${PYTHON:-python3}
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "Firstbuy needs Python 3.11 or newer; $python is $("$python" -V 2>&1). Set PYTHON to a newer one." >&2
    exit 1
}
if ! [ -x .venv-uv/bin/uv ] || ! .venv-uv/bin/uv --version | grep -q "$uv_version"; then
    rm -rf .venv-uv
    echo "bootstrap: uv $uv_version into .venv-uv"
    # Debian's Python has no ensurepip without python3-venv: a plain target folder does as well.
    { "$python" -m venv .venv-uv && .venv-uv/bin/python -m pip install --quiet "uv==$uv_version"; } ||
        "$python" -m pip install --quiet --target .venv-uv "uv==$uv_version"
fi
# Bytecode is compiled once, here, ours too: where PYTHONDONTWRITEBYTECODE is set every process would compile it all, more
# than half of each start.
echo "bootstrap: locked dependencies into .venv"
export UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never VIRTUAL_ENV="$PWD/.venv"
.venv-uv/bin/uv venv --quiet --allow-existing --python "$python" .venv
.venv-uv/bin/uv pip sync --quiet --compile-bytecode --require-hashes requirements-dev.lock
.venv-uv/bin/uv pip install --quiet --no-deps --no-build-isolation --editable .
.venv/bin/python -m compileall -q firstbuy services shared deploy
echo "$wanted" > "$stamp"
