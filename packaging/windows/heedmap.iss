; Inno Setup 6 makes the installer from the frozen folder; packaging/windows/build.ps1 calls it:
;     iscc /DVersion=0.1.0 /DSource=...\dist\heedmap /DIcons=...\build\icons /DOutput=...\dist packaging\windows\heedmap.iss
;
; UNTESTED until someone builds and runs it on Windows: here a script checked its sections, names and paths
; (tests/packaging/test_windows.py). What to try there is in packaging/README.md.
;
; For one user, without an administrator. Everything it writes lies in the program's own folder, in the Start menu and in
; HKEY_CURRENT_USER. Workspaces and settings are never touched: they lie in other folders.

#ifndef Version
  #error Version is missing: /DVersion=0.1.0
#endif
#ifndef Source
  #error Source is missing: /DSource= and the folder that PyInstaller made
#endif
#ifndef Icons
  #error Icons is missing: /DIcons= and the folder with heedmap.ico, workspace.ico and audit.ico
#endif
#ifndef Output
  #define Output "."
#endif
#define Name "Heedmap"
#define Program "heedmap.exe"
#define Root AddBackslash(SourcePath) + "..\.."

[Setup]
AppId={{C7E8C685-BE3F-56B8-BC0C-920E2564D9C0}
AppName={#Name}
AppVersion={#Version}
AppVerName={#Name} {#Version}
AppPublisher=The Heedmap authors
VersionInfoVersion={#Version}
DefaultDirName={autopf}\{#Name}
DisableProgramGroupPage=yes
DisableWelcomePage=no
PrivilegesRequired=lowest
ArchitecturesAllowed=x64compatible
ArchitecturesInstallIn64BitMode=x64compatible
MinVersion=10.0.17763
LicenseFile={#Root}\LICENSE
SetupIconFile={#Icons}\heedmap.ico
UninstallDisplayIcon={app}\{#Program}
UninstallDisplayName={#Name}
OutputDir={#Output}
OutputBaseFilename={#Name}-{#Version}-x64-setup
Compression=lzma2/max
SolidCompression=yes
LZMAUseSeparateProcess=yes
WizardStyle=modern
ShowLanguageDialog=auto
ChangesAssociations=yes
CloseApplications=yes
RestartApplications=no
SetupLogging=yes
; The same files give the same times, whenever they were frozen.
TimeStampsInUTC=yes
TouchDate=2026-01-01
TouchTime=00:00
#ifdef SignTool
SignTool={#SignTool}
SignedUninstaller=yes
#endif

[Languages]
Name: "en"; MessagesFile: "compiler:Default.isl"
Name: "zh_CN"; MessagesFile: "compiler:Languages\ChineseSimplified.isl"

[Messages]
en.ConfirmUninstall=Remove %1 from this computer?%n%nYour workspaces, audits and settings stay where they are.
zh_CN.ConfirmUninstall=要从这台电脑上移除 %1 吗？%n%n您的工作区、审计和设置会原样保留。

[CustomMessages]
en.Desktop=A shortcut on the &desktop
zh_CN.Desktop=在桌面上创建快捷方式(&D)
en.Workspace=Heedmap workspace
zh_CN.Workspace=Heedmap 工作区
en.Audit=Heedmap audit bundle
zh_CN.Audit=Heedmap 审计包
en.Comment=See what a product recommender heeds
zh_CN.Comment=看清商品推荐模型在看什么
en.Start=Start {#Name}
zh_CN.Start=启动 {#Name}
en.Newer=%1 of version %2 is installed, which is newer than this one (%3). Remove it first if you want the older one: workspaces that it has opened may be refused by the older one.
zh_CN.Newer=已安装更新的 %1（版本 %2），比此安装程序（%3）更新。如果要使用旧版本，请先卸载新版本：新版本打开过的工作区，旧版本可能拒绝打开。

[Tasks]
Name: "desktop"; Description: "{cm:Desktop}"; Flags: unchecked

[InstallDelete]
; Of the version before: a library that is no longer there must not be found.
Type: filesandordirs; Name: "{app}\_internal"

[Files]
Source: "{#Source}\*"; DestDir: "{app}"; Flags: ignoreversion recursesubdirs createallsubdirs touch
Source: "{#Icons}\workspace.ico"; DestDir: "{app}\icons"; Flags: ignoreversion touch
Source: "{#Icons}\audit.ico"; DestDir: "{app}\icons"; Flags: ignoreversion touch
Source: "{#Root}\LICENSE"; DestDir: "{app}"; DestName: "LICENSE.txt"; Flags: ignoreversion touch

[Icons]
Name: "{autoprograms}\{#Name}"; Filename: "{app}\{#Program}"; Comment: "{cm:Comment}"
Name: "{autodesktop}\{#Name}"; Filename: "{app}\{#Program}"; Comment: "{cm:Comment}"; Tasks: desktop

[Registry]
Root: HKCU; Subkey: "Software\Classes\.heedmap"; ValueType: string; ValueData: "Heedmap.Workspace"; Flags: uninsdeletevalue uninsdeletekeyifempty
Root: HKCU; Subkey: "Software\Classes\.heedmap"; ValueType: string; ValueName: "Content Type"; ValueData: "application/vnd.heedmap.workspace+json"; Flags: uninsdeletevalue uninsdeletekeyifempty
Root: HKCU; Subkey: "Software\Classes\.heedmap\OpenWithProgids"; ValueType: string; ValueName: "Heedmap.Workspace"; ValueData: ""; Flags: uninsdeletevalue uninsdeletekeyifempty
Root: HKCU; Subkey: "Software\Classes\Heedmap.Workspace"; ValueType: string; ValueData: "{cm:Workspace}"; Flags: uninsdeletekey
Root: HKCU; Subkey: "Software\Classes\Heedmap.Workspace\DefaultIcon"; ValueType: string; ValueData: """{app}\icons\workspace.ico"""
Root: HKCU; Subkey: "Software\Classes\Heedmap.Workspace\shell\open\command"; ValueType: string; ValueData: """{app}\{#Program}"" ""%1"""
Root: HKCU; Subkey: "Software\Classes\.heedaudit"; ValueType: string; ValueData: "Heedmap.Audit"; Flags: uninsdeletevalue uninsdeletekeyifempty
Root: HKCU; Subkey: "Software\Classes\.heedaudit"; ValueType: string; ValueName: "Content Type"; ValueData: "application/vnd.heedmap.audit+zip"; Flags: uninsdeletevalue uninsdeletekeyifempty
Root: HKCU; Subkey: "Software\Classes\.heedaudit\OpenWithProgids"; ValueType: string; ValueName: "Heedmap.Audit"; ValueData: ""; Flags: uninsdeletevalue uninsdeletekeyifempty
Root: HKCU; Subkey: "Software\Classes\Heedmap.Audit"; ValueType: string; ValueData: "{cm:Audit}"; Flags: uninsdeletekey
Root: HKCU; Subkey: "Software\Classes\Heedmap.Audit\DefaultIcon"; ValueType: string; ValueData: """{app}\icons\audit.ico"""
Root: HKCU; Subkey: "Software\Classes\Heedmap.Audit\shell\open\command"; ValueType: string; ValueData: """{app}\{#Program}"" ""%1"""
; Found by its name in the Run dialog.
Root: HKCU; Subkey: "Software\Microsoft\Windows\CurrentVersion\App Paths\{#Program}"; ValueType: string; ValueData: "{app}\{#Program}"; Flags: uninsdeletekey

[Run]
Filename: "{app}\{#Program}"; Description: "{cm:Start}"; Flags: nowait postinstall skipifsilent

[Code]
{ The number that a part of a version such as 1.10.2 stands for; 0 where there is none. }
function Part(Version: String; Place: Integer): Integer;
var
  Dot: Integer;
begin
  while Place > 0 do
  begin
    Dot := Pos('.', Version);
    if Dot = 0 then
      Version := ''
    else
      Version := Copy(Version, Dot + 1, Length(Version));
    Place := Place - 1;
  end;
  Dot := Pos('.', Version);
  if Dot > 0 then
    Version := Copy(Version, 1, Dot - 1);
  Result := StrToIntDef(Version, 0);
end;

function IsNewer(Installed: String): Boolean;
var
  Place, One, Two: Integer;
begin
  Result := False;
  for Place := 0 to 2 do
  begin
    One := Part(Installed, Place);
    Two := Part('{#Version}', Place);
    if One <> Two then
    begin
      Result := One > Two;
      Exit;
    end;
  end;
end;

function InitializeSetup(): Boolean;
var
  Installed: String;
begin
  Result := True;
  { ExpandConstant makes one brace of the two that [Setup] needs. }
  if RegQueryStringValue(HKCU,
    ExpandConstant('Software\Microsoft\Windows\CurrentVersion\Uninstall\{#SetupSetting("AppId")}_is1'),
    'DisplayVersion', Installed) and IsNewer(Installed) then
  begin
    SuppressibleMsgBox(FmtMessage(CustomMessage('Newer'), ['{#Name}', Installed, '{#Version}']), mbError, MB_OK, IDOK);
    Result := False;
  end;
end;
