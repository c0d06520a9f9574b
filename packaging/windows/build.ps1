<#
Builds dist\Heedmap-VERSION-x64-setup.exe on 64-bit Windows 10 or 11, with Python 3.11 and Inno Setup 6 (a release that
brings Languages\ChineseSimplified.isl):

    powershell -ExecutionPolicy Bypass -File packaging\windows\build.ps1 [-DryRun] [-SignTool NAME]

UNTESTED until someone runs it on Windows: here only its syntax and its paths were checked (tests/packaging/
test_windows.py). What to try there is in packaging/README.md.

-DryRun    prints each command instead of running it
-SignTool  the name of a sign tool that is set up in Inno Setup; without it nothing is signed, and SmartScreen will ask
-Python    how Python 3.11 is started; "py -3.11" without it
#>
param(
    [switch]$DryRun,
    [string]$SignTool = "",
    [string]$Python = "py -3.11"
)
Set-StrictMode -Version Latest
$ErrorActionPreference = "Stop"

$Root = (Resolve-Path (Join-Path $PSScriptRoot "..\..")).Path
$Packaging = Join-Path $Root "packaging"
$Build = Join-Path $Root "build\windows"
$Icons = Join-Path $Root "build\icons"
$Dist = Join-Path $Root "dist"
$Venv = Join-Path $Build "venv"
$VenvPython = Join-Path $Venv "Scripts\python.exe"
$SitePackages = Join-Path $Venv "Lib\site-packages"
$Folder = Join-Path $Build "dist\heedmap"
$Licences = Join-Path $Folder "_internal\licences"

function Stop-Build([string]$Sentence) {
    Write-Error "heedmap: $Sentence" -ErrorAction Continue
    exit 1
}

# Runs a program, or with -DryRun prints it; a failure ends the build.
function Invoke-Step([string]$Program, [string[]]$Arguments) {
    Write-Host "+ $Program $($Arguments -join ' ')"
    if ($DryRun) { return }
    & $Program @Arguments
    if ($LASTEXITCODE -ne 0) { Stop-Build "$Program failed with exit code $LASTEXITCODE." }
}

function Get-Version {
    $line = Select-String -Path (Join-Path $Root "pyproject.toml") -Pattern '^version = "(.+)"$' | Select-Object -First 1
    if (-not $line) { Stop-Build "pyproject.toml says no version." }
    return $line.Matches[0].Groups[1].Value
}

function Get-Compiler {
    $places = @(
        "${env:ProgramFiles(x86)}\Inno Setup 6\ISCC.exe",
        "$env:ProgramFiles\Inno Setup 6\ISCC.exe",
        "$env:LOCALAPPDATA\Programs\Inno Setup 6\ISCC.exe"
    )
    $found = $places | Where-Object { Test-Path $_ } | Select-Object -First 1
    if ($DryRun -and -not $found) { return "ISCC.exe" }
    if (-not $found) { Stop-Build "Inno Setup 6 is not installed." }
    if (-not (Test-Path (Join-Path (Split-Path $found) "Languages\ChineseSimplified.isl"))) {
        Stop-Build "This Inno Setup has no Languages\ChineseSimplified.isl. Install a newer one."
    }
    return $found
}

function Install-Packages {
    if (-not $DryRun -and (Test-Path $Build)) { Remove-Item -Recurse -Force $Build }
    $words = $Python.Split(" ")
    Invoke-Step $words[0] (@($words | Select-Object -Skip 1) + @("-m", "venv", $Venv))
    $pip = @("-m", "pip", "--disable-pip-version-check", "install")
    foreach ($lock in @("windows", "build-windows")) {
        $file = Join-Path $Packaging "lock\$lock.txt"
        Invoke-Step $VenvPython ($pip + @("--require-hashes", "--no-deps", "--only-binary", ":all:", "-r", $file))
    }
    Invoke-Step $VenvPython ($pip + @("--no-deps", "--no-build-isolation", "--editable", $Root))
}

function New-Program {
    Invoke-Step $VenvPython @((Join-Path $Packaging "make_icons.py"), "ico", $Icons)
    Invoke-Step $VenvPython @((Join-Path $Packaging "windows\version_info.py"), (Join-Path $Root "build\version_info.txt"))
    Invoke-Step $VenvPython @("-m", "PyInstaller", "--noconfirm", "--distpath", (Join-Path $Build "dist"),
        "--workpath", (Join-Path $Build "work"), (Join-Path $Packaging "windows\heedmap-exe.spec"))
    $from = @("--environment", $SitePackages)
    Invoke-Step $VenvPython (@((Join-Path $Packaging "licences.py"), $Folder, $Licences) + $from)
    $lock = @("--lock", (Join-Path $Packaging "lock\windows.txt"))
    Invoke-Step $VenvPython (@((Join-Path $Packaging "check_bundle.py"), $Folder) + $lock + $from)
    $bill = Join-Path $Dist "Heedmap-$Version-x64.cdx.json"
    Invoke-Step $VenvPython (@((Join-Path $Packaging "sbom.py"), $Folder, $bill) + $lock + $from)
}

function Test-Program {
    $program = Join-Path $Folder "heedmap-cli.exe"
    Invoke-Step $program @("--version")
    Invoke-Step $program @("selftest", "--seconds", "60")
}

function New-Installer {
    $given = @("/DVersion=$Version", "/DSource=$Folder", "/DIcons=$Icons", "/DOutput=$Dist")
    if ($SignTool) { $given += "/DSignTool=$SignTool" }
    Invoke-Step (Get-Compiler) ($given + @((Join-Path $Packaging "windows\heedmap.iss")))
    Invoke-Step $VenvPython @((Join-Path $Packaging "sign.py"), $Dist)
}

if (-not [Environment]::Is64BitOperatingSystem) { Stop-Build "There is no torch for 32-bit Windows." }
$Version = Get-Version
$env:PYTHONHASHSEED = "0"
$env:PYINSTALLER_ZLIB_COMPRESSION_LEVEL = "0" # the installer compresses all modules as a whole
$env:HF_HUB_OFFLINE = "1"
$env:TRANSFORMERS_OFFLINE = "1"
if (-not $env:SOURCE_DATE_EPOCH) {
    $time = git -C $Root log -1 '--format=%ct'
    if ($LASTEXITCODE -eq 0) { $env:SOURCE_DATE_EPOCH = $time }
}
New-Item -ItemType Directory -Force $Dist | Out-Null
Install-Packages
New-Program
Test-Program
New-Installer
Write-Host "heedmap: made $(Join-Path $Dist "Heedmap-$Version-x64-setup.exe")"
