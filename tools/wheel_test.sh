#!/usr/bin/env bash
# Does the wheel work where the source tree is not, on every Python that we support and find?
# Usage: tools/wheel_test.sh dist/NAME.whl
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
wheel=$(realpath "$1")
work=$PWD/.work/wheel-test

rm -rf "$work"
mkdir -p "$work/tree"
# Everything but src/: whatever is imported comes out of the wheel.
cp -r conftest.py pyproject.toml LICENSE Makefile ./*.md benchmarks docs examples tests tools "$work/tree/"

tested=0
for version in 3.11 3.12 3.13; do
    python=
    for candidate in "python$version" "${PYENV_ROOT:-$HOME/.pyenv}/versions/$version."*/bin/python; do
        if "$candidate" -c "import sys; sys.exit(sys.version_info[:2] != tuple(map(int, '$version'.split('.'))))" 2>/dev/null; then
            python=$candidate
            break
        fi
    done
    if [ -z "$python" ]; then
        echo "== Python $version: not found, not tested"
        continue
    fi
    echo "== Python $version: $("$python" --version)"
    "$python" -m venv "$work/$version"
    pip=("$work/$version/bin/python" -m pip --disable-pip-version-check -qq)
    "${pip[@]}" install --upgrade "pip>=25.1"
    "${pip[@]}" install "issuing-disburse[cli,jwe,opentelemetry,postgres,report,simulator] @ file://$wheel" --group "$work/tree/pyproject.toml:dev"
    (cd "$work/tree" && HYPOTHESIS_PROFILE=ci "$work/$version/bin/python" -m pytest -q -p no:cacheprovider -n 2 --dist loadfile \
        -m "not long and not soak")
    tested=$((tested + 1))
done

echo "== the wheel passed on $tested version(s) of Python"
test "$tested" -gt 0
