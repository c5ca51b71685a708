#compdef onex
# Completion of onex for zsh: a file _onex in $fpath, or source <(onex completions zsh) after compinit.
_onex() {
    local line word about
    local -a candidates
    while IFS= read -r line; do
        word=${line%%$'\t'*}
        about=${line#*$'\t'}
        candidates+=("${word//:/\\:}${about:+:$about}")
    done < <("${words[1]}" __complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)
    if (( ${#candidates} )); then
        _describe -t onex onex candidates
    else
        _files
    fi
}
if [[ ${funcstack[1]} == _onex ]]; then
    _onex "$@"
else
    compdef _onex onex
fi
