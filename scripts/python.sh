# Sourced by the other scripts, from the top of the repository: finds Python and makes .venv.
# Needs a POSIX shell and Python 3.11 or newer; PYTHON=/path/to/python chooses one.

fail() { # message, hint
    printf 'error: %s\nhint: %s\n' "$1" "$2" >&2
    exit 1
}

is_new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

find_python() {
    if [ -n "${PYTHON:-}" ]; then
        command -v "$PYTHON" >/dev/null 2>&1 ||
            fail "PYTHON=$PYTHON is not a program" "name the path of a Python 3.11 or newer"
        is_new_enough "$PYTHON" ||
            fail "PYTHON=$PYTHON is older than Python 3.11, or does not run" \
                "ostraka needs Python 3.11 or newer"
        echo "$PYTHON"
        return
    fi
    for candidate in python3 python3.14 python3.13 python3.12 python3.11 python; do
        if is_new_enough "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    fail "no Python 3.11 or newer found$(python3 -V 2>/dev/null | sed 's/^/; python3 is /')" \
        "install one, or name it: PYTHON=/path/to/python3.11 $0"
}

# Whether .venv is here, whole, in this directory, and made by the Python that PYTHON asks for.
venv_is_usable() {
    is_new_enough .venv/bin/python && grep -qsF "$PWD/.venv" .venv/bin/pip &&
        { [ -z "${PYTHON:-}" ] || [ "$("$PYTHON" -V 2>&1)" = "$(.venv/bin/python -V 2>&1)" ]; }
}

# How many processes of pytest: two for each core, since some tests wait, for a party that never comes, say.
count_workers() {
    echo $(($(getconf _NPROCESSORS_ONLN) * 2))
}

# Makes .venv hold what the lock file $1 says, and ostraka itself, in editable form. Does nothing
# when that is what it holds already: a stamp keeps the checksum of what was installed.
make_venv() {
    lock=$1
    stamp=.venv/$lock.stamp
    sum=$(cat "$lock" pyproject.toml scripts/python.sh | cksum)
    if venv_is_usable; then
        [ ! -f "$stamp" ] || [ "$(cat "$stamp")" != "$sum" ] || return 0
    else
        python=$(find_python) || exit 1
        echo "making .venv with $("$python" -V)" >&2
        "$python" -m venv --clear .venv >&2 ||
            fail "$python cannot make a virtual environment" \
                "on Debian and Ubuntu: apt install python3-venv"
    fi
    rm -f "$stamp"
    echo "installing from $lock" >&2
    # The locks hold everything, the build back end too, so nothing unpinned is ever fetched.
    pip="env PIP_DISABLE_PIP_VERSION_CHECK=1 .venv/bin/python -m pip install --quiet"
    $pip --require-hashes --requirement "$lock" >&2 ||
        fail "installing from $lock failed" "see pip's message above; is there a network?"
    $pip --no-deps --no-build-isolation --no-index --editable . >&2 ||
        fail "installing ostraka itself failed" "see pip's message above"
    # An editable install is not compiled by pip, and each party is a process that would do it again.
    .venv/bin/python -m compileall -q src/ostraka
    echo "$sum" >"$stamp"
}
