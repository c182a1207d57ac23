"""Print a script by which a shell completes Patina's commands, flags, and names of configurations and recipes."""

import argparse

from patina.cli.results import add_json_flag, print_result

SCRIPTS = {
    "bash": """\
_patina() {
    local IFS=$'\\n'
    COMPREPLY=( $("$1" __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null) )
}
complete -o default -o bashdefault -F _patina patina
""",
    "zsh": """\
#compdef patina
_patina() {
    local -a found
    found=( ${(f)"$("${words[1]}" __complete "${(@)words[2,CURRENT]}" 2>/dev/null)"} )
    if (( ${#found} )); then compadd -a found; else _files; fi
}
compdef _patina patina
""",
    "fish": """\
function __patina_complete
    set -l words (commandline -opc)
    set -l program $words[1]
    set -e words[1]
    set -l last (commandline -ct)
    $program __complete $words "$last" 2>/dev/null
end
complete -c patina -a '(__patina_complete)'
""",
}
"""By shell. Each asks ``patina __complete WORDS``, and offers files where that has no answer."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("shell", choices=list(SCRIPTS), help="the shell to complete in")
    add_json_flag(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the script."""
    script = SCRIPTS[arguments.shell]
    print_result(arguments, script.rstrip("\n"), {"shell": arguments.shell, "script": script})
    return 0
