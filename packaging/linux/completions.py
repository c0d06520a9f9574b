"""Completion for bash, zsh and fish: commands, options, choices, files and folders."""

from __future__ import annotations

from collections.abc import Sequence

from command_line import Command, Option

BASH = """\
# Completion of heedmap for bash; written from its command line, not by hand.

_heedmap() {
    local commands="@COMMANDS@"
    local cur=${COMP_WORDS[COMP_CWORD]} prev='' command='' word
    local -i at
    # bash parts --option=value into three words
    if [ "$cur" = "=" ]; then
        cur='' prev=${COMP_WORDS[COMP_CWORD - 1]}
    elif [ "$COMP_CWORD" -gt 2 ] && [ "${COMP_WORDS[COMP_CWORD - 1]}" = "=" ]; then
        prev=${COMP_WORDS[COMP_CWORD - 2]}
    else
        prev=${COMP_WORDS[COMP_CWORD - 1]}
    fi
    for ((at = 1; at < COMP_CWORD; at++)); do
        word=${COMP_WORDS[at]}
        case " $commands " in *" $word "*) command=$word && break ;; esac
        case $word in -*) ;; *) break ;; esac
    done
    COMPREPLY=()
    case "$command $prev" in
@VALUES@
    esac
    if [[ $cur == -* ]]; then
        case $command in
@OPTIONS@
        esac
    elif [ -z "$command" ] && [ "$COMP_CWORD" -eq 1 ]; then
        _heedmap_words "$commands"
    fi
    # With no answer bash completes files.
}

_heedmap_words() {
    local word
    for word in $1; do
        if [[ $word == "$cur"* ]]; then COMPREPLY+=("$word"); fi
    done
}

complete -o bashdefault -o default -F _heedmap heedmap
"""

ZSH = """\
#compdef heedmap
# Completion of heedmap for zsh; written from its command line, not by hand.

_heedmap_first() {
    local -a commands=(
@COMMANDS@
    )
    _describe -t commands command commands
    _files
}

_heedmap() {
    local context state state_descr line curcontext=$curcontext
    typeset -A opt_args
    _arguments -C \\
@WINDOW@
        '1: :_heedmap_first' \\
        '*:: :->arguments'
    [[ $state == arguments ]] || return
    case $line[1] in
@ARGUMENTS@
        *) _files ;;
    esac
}

if [[ $funcstack[1] == _heedmap ]]; then _heedmap "$@"; else compdef _heedmap heedmap; fi
"""

FISH = """\
# Completion of heedmap for fish; written from its command line, not by hand.

function __heedmap_command
    for word in (commandline -opc)[2..-1]
        if not string match -q -- '-*' $word
            echo $word
            return
        end
    end
end

function __heedmap_is
    test "$(__heedmap_command)" = "$argv[1]"
end

"""


def bash(commands: Sequence[Command]) -> str:
    values, options = [], []
    for command in commands:
        ways: dict[str, list[str]] = {}  # what completes a value -> the options that take such a one
        for option in command.options:
            if option.metavar and not option.optional:
                ways.setdefault(_bash_value(option), []).extend(option.names)
        for way, names in ways.items():
            patterns = " | ".join(f'"{command.name} {name}"' for name in names)
            values.append(f"        {patterns}) {way} ;;")
        offered = " ".join(name for option in command.options for name in option.names)
        if not command.name:
            offered += " --version"
        options.append(f'            {command.name or chr(39) * 2}) _heedmap_words "{offered}" ;;')
    filled = {"@VALUES@": "\n".join(values), "@OPTIONS@": "\n".join(options), "@COMMANDS@": _names(commands)}
    return _filled(BASH, filled)


def _bash_value(option: Option) -> str:
    if option.choices:
        return f'_heedmap_words "{" ".join(option.choices)}" && return'
    return "return" if option.is_path else "compopt +o default +o bashdefault && return"


def zsh(commands: Sequence[Command]) -> str:
    window, *others = commands
    listed = [f"        {_zsh_word(f'{_zsh_text(one.name)}:{one.help}')}" for one in others]
    arguments = []
    for one in others:
        given = [*map(_zsh_option, one.options), "'*:file:_files'" if one.is_path else "'*: :'"]
        arguments.append(f"        {one.name}) _arguments {' '.join(given)} ;;")
    version = _zsh_word("(- *)--version[print the version]")
    mine = [f"        {_zsh_option(one)} \\" for one in window.options] + [f"        {version} \\"]
    filled = {"@COMMANDS@": "\n".join(listed), "@WINDOW@": "\n".join(mine), "@ARGUMENTS@": "\n".join(arguments)}
    return _filled(ZSH, filled)


def _zsh_option(option: Option) -> str:
    value = ""
    if option.metavar:
        how = f"({' '.join(option.choices)})" if option.choices else "_files" if option.is_path else " "
        value = f"{':' if option.optional else ''}:{_zsh_text(option.metavar)}:{how}"
    equals = "=" if option.metavar and option.names[-1].startswith("--") else ""
    text = _zsh_text(option.help)
    return " ".join(
        _zsh_word(f"{'*' if option.metavar else ''}{name}{equals if name.startswith('--') else ''}[{text}]{value}")
        for name in option.names
    )


def _zsh_text(text: str) -> str:
    for sign in "\\[]:":
        text = text.replace(sign, f"\\{sign}")
    return text


def _zsh_word(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def fish(commands: Sequence[Command]) -> str:
    lines = []
    for command in commands:
        where = f"-n '__heedmap_is {command.name}'" if command.name else "-n '__heedmap_is \"\"'"
        if command.name:
            lines.append(f"complete -c heedmap -n '__heedmap_is \"\"' -a {command.name} -d {_fish_word(command.help)}")
            if not command.is_path:
                lines.append(f"complete -c heedmap {where} -f")
        lines += [f"complete -c heedmap {where} {_fish_option(option)}" for option in command.options]
    lines.append("complete -c heedmap -n '__heedmap_is \"\"' -l version -d 'print the version'")
    return FISH + "\n".join(lines) + "\n"


def _fish_option(option: Option) -> str:
    names = " ".join(f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in option.names)
    how = ""
    if option.choices:
        how = f" -x -a '{' '.join(option.choices)}'"
    elif option.metavar and not option.optional:
        how = " -r -F" if option.is_path else " -x"
    return f"{names}{how} -d {_fish_word(option.help or option.metavar)}"


def _fish_word(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _names(commands: Sequence[Command]) -> str:
    return " ".join(one.name for one in commands if one.name)


def _filled(text: str, filled: dict[str, str]) -> str:
    for mark, content in filled.items():
        text = text.replace(mark, content)
    return text
