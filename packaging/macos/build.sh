#!/usr/bin/env bash
# Builds dist/Heedmap-VERSION-arm64.dmg on a Mac with Apple silicon, macOS 14 or later, Python 3.11 and Xcode's tools:
#
#     bash packaging/macos/build.sh [--dry-run]
#
# UNTESTED until someone runs it on a Mac: here it was linted, and run with --dry-run, which prints each command instead
# of running it. What to try there is in packaging/README.md.
#
# HEEDMAP_IDENTITY   the "Developer ID Application: ..." to sign with; without it the signature is ad hoc, and only this
#                    Mac starts the program without a question.
# HEEDMAP_NOTARY     a profile that `xcrun notarytool store-credentials` has kept; with it Apple is asked to notarise the
#                    image. That alone sends anything anywhere.
# HEEDMAP_PYTHON     a Python 3.11; python3.11 without it.
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
BUILD=$ROOT/build/macos
VENV=$BUILD/venv
APP=$BUILD/dist/Heedmap.app
ENTITLEMENTS=$ROOT/packaging/macos/entitlements.plist
IDENTITY=${HEEDMAP_IDENTITY:--}
VERSION=$(sed -n 's/^version = "\(.*\)"$/\1/p' "$ROOT/pyproject.toml")
DMG=$ROOT/dist/Heedmap-$VERSION-arm64.dmg
DRY=
if [ "${1:-}" = --dry-run ]; then DRY=yes; fi
export HF_HUB_OFFLINE=1 TRANSFORMERS_OFFLINE=1 PYTHONHASHSEED=0
export PYINSTALLER_ZLIB_COMPRESSION_LEVEL=0 # the image compresses all modules as a whole
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -C "$ROOT" log -1 --format=%ct 2>/dev/null || date +%s)}
export SOURCE_DATE_EPOCH

say() { printf 'heedmap: %s\n' "$*"; }
stop() {
    printf 'heedmap: %s\n' "$*" >&2
    exit 1
}
# Runs a command, or with --dry-run prints it.
run() {
    if [ -n "$DRY" ]; then
        printf '+'
        printf ' %q' "$@"
        printf '\n'
    else
        "$@"
    fi
}

check_machine() {
    [ -n "$VERSION" ] || stop "pyproject.toml says no version."
    [ -z "$DRY" ] || return 0
    [ "$(uname -s)" = Darwin ] || stop "This builds on a Mac; --dry-run shows elsewhere what it would do."
    [ "$(uname -m)" = arm64 ] || stop "There is no torch for Macs with Intel processors any more."
    [ "$(sw_vers -productVersion | cut -d. -f1)" -ge 14 ] || stop "macOS 14 or later is needed."
    local tool
    for tool in codesign hdiutil plutil xcrun; do
        command -v "$tool" >/dev/null || stop "$tool of Xcode's tools is missing. Run: xcode-select --install"
    done
}

make_venv() {
    local python=${HEEDMAP_PYTHON:-python3.11} pip=("$VENV/bin/python" -m pip --disable-pip-version-check install)
    run rm -rf "$BUILD"
    run mkdir -p "$BUILD" "$ROOT/dist"
    run "$python" -m venv "$VENV"
    for lock in macos build-macos; do
        run "${pip[@]}" --require-hashes --no-deps --only-binary :all: -r "$ROOT/packaging/lock/$lock.txt"
    done
    run "${pip[@]}" --no-deps --no-build-isolation --editable "$ROOT"
}

freeze() {
    run "$VENV/bin/python" "$ROOT/packaging/make_icons.py" icns "$ROOT/build/icons"
    run "$VENV/bin/python" -m PyInstaller --noconfirm --distpath "$BUILD/dist" --workpath "$BUILD/work" \
        "$ROOT/packaging/macos/heedmap-app.spec"
    # Icons of the two kinds of document; the program's own is the recipe's.
    run cp "$ROOT/build/icons/workspace.icns" "$ROOT/build/icons/audit.icns" "$APP/Contents/Resources/"
    run plutil -lint "$APP/Contents/Info.plist"
    run "$VENV/bin/python" "$ROOT/packaging/licences.py" "$APP/Contents" "$APP/Contents/Resources/licences" \
        --environment "$VENV/lib/python3.11/site-packages"
    run "$VENV/bin/python" "$ROOT/packaging/check_bundle.py" "$APP/Contents" --lock "$ROOT/packaging/lock/macos.txt" \
        --environment "$VENV/lib/python3.11/site-packages"
}

# sign_one PATH...: the hardened runtime wants an identity of Apple's; an ad hoc signature cannot satisfy it.
sign_one() {
    local how=(--force --sign "$IDENTITY")
    if [ "$IDENTITY" != - ]; then how+=(--timestamp --options runtime); fi
    run codesign "${how[@]}" "$@"
}

# From the inside out: a signature covers what lies below it, and --deep would give every library our entitlements.
sign_app() {
    local file
    if [ -z "$DRY" ]; then
        while IFS= read -r -d '' file; do
            if file -b "$file" | grep -q Mach-O; then sign_one "$file"; fi
        done < <(find "$APP/Contents/Frameworks" "$APP/Contents/Resources" -type f -print0)
        while IFS= read -r -d '' file; do
            sign_one "$file"
        done < <(find "$APP/Contents/Frameworks" -depth -type d -name '*.framework' -print0)
    else
        sign_one "$APP/Contents/Frameworks/..."
    fi
    sign_one --entitlements "$ENTITLEMENTS" "$APP/Contents/MacOS/heedmap"
    sign_one --entitlements "$ENTITLEMENTS" "$APP"
    run codesign --verify --strict --deep --verbose=1 "$APP"
}

try_app() {
    run "$APP/Contents/MacOS/heedmap" --version
    run "$APP/Contents/MacOS/heedmap" selftest --seconds 60
}

make_image() {
    local stage=$BUILD/image
    run mkdir -p "$stage"
    run ditto "$APP" "$stage/Heedmap.app"
    run ln -s /Applications "$stage/Applications"
    run cp "$ROOT/LICENSE" "$stage/LICENSE.txt"
    run rm -f "$DMG"
    run hdiutil create -volname "Heedmap $VERSION" -srcfolder "$stage" -fs APFS -format ULFO "$DMG"
    if [ "$IDENTITY" != - ]; then run codesign --force --sign "$IDENTITY" --timestamp "$DMG"; fi
}

notarise() {
    if [ -z "${HEEDMAP_NOTARY:-}" ]; then
        say "not notarised: set HEEDMAP_IDENTITY and HEEDMAP_NOTARY for an image that other Macs start without a question."
        return
    fi
    [ "$IDENTITY" != - ] || stop "Apple notarises only what is signed: set HEEDMAP_IDENTITY too."
    run xcrun notarytool submit "$DMG" --keychain-profile "$HEEDMAP_NOTARY" --wait
    run xcrun stapler staple "$DMG"
    run spctl --assess --type open --context context:primary-signature --verbose "$DMG"
}

check_machine
make_venv
freeze
sign_app
try_app
make_image
notarise
run "$VENV/bin/python" "$ROOT/packaging/sbom.py" "$APP/Contents" "$ROOT/dist/Heedmap-$VERSION-arm64.cdx.json" \
    --lock "$ROOT/packaging/lock/macos.txt" --environment "$VENV/lib/python3.11/site-packages"
run "$VENV/bin/python" "$ROOT/packaging/sign.py" "$ROOT/dist"
say "made $DMG"
